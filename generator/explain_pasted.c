/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reviewer has before him and asks about as it stands: an item of a policy.yaml, a line of
 * an apparmor.profile or seccomp.json, a call as strace writes it, an address with a port. Each is
 * turned into what explain_query.c takes: a name, or the text of a rule.
 */
#include "base/memory.h"
#include "generator/explain_private.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>

static void strip(Buffer *text)
{
    while (text->length > 0 && isspace((unsigned char)text->data[text->length - 1]))
        text->data[--text->length] = '\0';
}

static bool take_end(Buffer *text, char c)
{
    if (text->length == 0 || text->data[text->length - 1] != c)
        return false;
    text->data[--text->length] = '\0';
    strip(text);
    return true;
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* The next argument of AT, which ends at a comma or blank outside of quotes and brackets, and where
 * the one behind it begins. */
static const char *next_argument(const char *at, size_t *ret_length)
{
    size_t length = 0;
    int depth = 0;
    bool quoted = false;

    for (; at[length] && (quoted || depth > 0 || !strchr(", )=", at[length])); length++) {
        if (at[length] == '\\' && quoted && at[length + 1])
            length++;
        else if (at[length] == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (strchr("{[(<", at[length]) != NULL) - (strchr("}])>", at[length]) != NULL);
    }
    *ret_length = length;
    return at + length + strspn(at + length, ", ");
}

/* "NAME I=VALUE …" with one value more, if that is a rule; its place first, where it is not that of
 * a value already. */
static int add_value(Buffer *rule, const char *value, size_t length, int place, uint32_t *taken)
{
    CLEANUP(strset_cleanup) StringSet *strings = strset_new();

    if (!strings)
        return -ENOMEM;
    for (int i = -1; i < SYSCALL_ARGS; i++) {
        CLEANUP(buffer_deinit) Buffer longer = BUFFER_INIT;
        const int index = i < 0 ? place : i;
        PolicyRule parsed;
        if (index >= SYSCALL_ARGS || *taken >> index & 1)
            continue;
        if (buffer_printf(&longer, "%s %d=%.*s", buffer_text(rule), index, (int)length, value) < 0)
            return -ENOMEM;
        const int r =
            policy_rule_parse(POLICY_SYSCALLS, buffer_text(&longer), strings, &parsed, NULL);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        *taken |= 1u << index;
        return buffer_printf(rule, " %d=%.*s", index, (int)length, value);
    }
    return 0;
}

/* The names that ARGUMENT has, without those at its end that are of no rule: SOCK_CLOEXEC. */
static int add_values(Buffer *rule, const char *argument, size_t length, int place, uint32_t *taken)
{
    const uint32_t before = *taken;

    while (length > 0 && isalpha((unsigned char)*argument)) {
        if (add_value(rule, argument, length, place, taken) < 0)
            return -ENOMEM;
        if (*taken != before)
            break;
        while (length > 0 && argument[length - 1] != '|')
            length--;
        length -= length > 0;
    }
    return 0;
}

/* A path among ARGUMENTS is what is asked for, then a port; else values that have names. */
static int read_arguments(const char *name, size_t name_length, const char *arguments, Buffer *out,
                          int *ret_kind)
{
    const char *port = strstr(arguments, "htons(");
    uint32_t taken = 0;
    size_t length = 0;
    int place = 0;

    if (port) {
        *ret_kind = EXPLAIN_PORT;
        port += strlen("htons(");
        return buffer_append(out, port, strspn(port, "0123456789"));
    }
    *ret_kind = EXPLAIN_RULE;
    if (buffer_append(out, name, name_length) < 0)
        return -ENOMEM;
    for (const char *at = arguments; *at && !strchr(")=", *at); place++) {
        const char *argument = at;
        at = next_argument(argument, &length);
        if (length > 2 && argument[0] == '"' && argument[1] == '/') {
            *ret_kind = EXPLAIN_PATH;
            buffer_clear(out);
            return buffer_append(out, argument + 1, strcspn(argument + 1, "\""));
        }
        if (add_values(out, argument, length, place, &taken) < 0)
            return -ENOMEM;
        if (length == 0 && at == argument)
            break;
    }
    if (taken == 0)
        *ret_kind = EXPLAIN_CALL;
    return out->error;
}

/* "socket(AF_INET, SOCK_STREAM, 0) = 3", "ioctl TCGETS" */
static int read_call_text(const char *text, Buffer *out, int *ret_kind)
{
    const size_t length = strcspn(text, "( ");
    char name[64] = "";

    if (length == 0 || length >= sizeof name || !text[length] || strchr(text, '=') == text + length)
        return 0;
    memcpy(name, text, length);
    const char *arguments = text + length + 1;
    /* With "0=AF_INET" it is a rule as it stands. */
    if (!syscall_by_name(name) || (text[length] == ' ' && isdigit((unsigned char)*arguments)))
        return 0;
    return read_arguments(name, length, arguments, out, ret_kind) < 0 ? -ENOMEM : 1;
}

/* ---- lines of an AppArmor profile ------------------------------------------------------------ */

/* The word behind KEY in TEXT, or behind KEY and a bracket. */
static size_t value_of(const char *text, const char *key, const char **ret_value)
{
    const char *at = strstr(text, key);

    if (!at)
        return 0;
    at += strlen(key);
    at += strspn(at, "(\"");
    *ret_value = at;
    return strcspn(at, ")\", ");
}

static int read_signal_line(const char *text, Buffer *out)
{
    const char *name = "";
    const size_t length = value_of(text, "set=", &name);

    if (length == 0)
        return buffer_puts(out, POLICY_ANY_SIGNAL) < 0 ? -ENOMEM : 1;
    if (strncmp(name, "exists", length) != 0 && buffer_puts(out, "SIG") < 0)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++)
        (void)buffer_putc(out, strncmp(name, "exists", length) == 0
                                   ? name[i]
                                   : (char)toupper((unsigned char)name[i]));
    return out->error ? -ENOMEM : 1;
}

static int read_unix_line(const char *text, Buffer *out)
{
    const char *word = "";
    size_t length = value_of(text, "addr=", &word);

    if (length == 0 || strncmp(word, "none", length) == 0)
        length = value_of(text, "type=", &word);
    if (length == 0)
        return 0;
    return buffer_append(out, word, length) < 0 ? -ENOMEM : 1;
}

/* One or two words: a rule has two. */
static int read_network_line(const char *text, Buffer *out)
{
    return buffer_puts(out, text) < 0 ? -ENOMEM : 1;
}

static int read_first_word(const char *text, Buffer *out)
{
    text += strspn(text, "(");
    return buffer_append(out, text, strcspn(text, " ,)")) < 0 ? -ENOMEM : 1;
}

static const struct {
    const char *word;
    int kind;
    int (*read)(const char *text, Buffer *out);
} openings[] = {
    {"capability ", EXPLAIN_CAPABILITY, read_first_word},
    {"network ", EXPLAIN_NETWORK, read_network_line},
    {"ptrace (", EXPLAIN_PTRACE, read_first_word},
    {"signal ", EXPLAIN_SIGNAL, read_signal_line},
    {"unix ", EXPLAIN_UNIX, read_unix_line},
};

/* 1, 0 if TEXT is no such line, or -ENOMEM. */
static int read_profile_line(const char *text, Buffer *out, int *ret_kind)
{
    static const char *const qualifiers[] = {"audit ", "deny ", "allow "};

    for (size_t i = 0; i < ARRAY_LENGTH(qualifiers); i++) {
        if (strncmp(text, qualifiers[i], strlen(qualifiers[i])) == 0)
            text += strlen(qualifiers[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(openings); i++) {
        const size_t length = strlen(openings[i].word);
        if (strncmp(text, openings[i].word, length) != 0)
            continue;
        *ret_kind = openings[i].kind;
        if (*ret_kind == EXPLAIN_NETWORK && strchr(text + length, ' '))
            *ret_kind = EXPLAIN_RULE;
        return openings[i].read(text + length, out);
    }
    if (text[0] != '/' && strncmp(text, "owner ", strlen("owner ")) != 0)
        return 0;
    for (const char *at = text; *at; at++) { /* paths are in quotes where they have to be */
        if (*at != '"')
            (void)buffer_putc(out, *at);
    }
    *ret_kind = strchr(text, ' ') ? EXPLAIN_RULE : -1;
    return out->error ? -ENOMEM : 1;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* "127.0.0.1:80", "[::1]:80", "localhost:80" */
static int read_address(const char *text, Buffer *out, int *ret_kind)
{
    const char *colon = strrchr(text, ':');
    const size_t host = colon ? (size_t)(colon - text) : 0;

    if (host < 2 || explain_number(colon + 1, UINT16_MAX) < 0)
        return 0;
    const bool bracket = text[0] == '[' && text[host - 1] == ']';
    if (!bracket && strspn(text, "0123456789.") < host &&
        (host != strlen("localhost") || strncmp(text, "localhost", host) != 0))
        return 0;
    *ret_kind = EXPLAIN_PORT;
    return buffer_puts(out, colon + 1) < 0 ? -ENOMEM : 1;
}

/* ---- all ------------------------------------------------------------------------------------ */

/* Line of the policy that is WHAT but for blanks around it; 0. */
static size_t find_item(const ExplainInput *input, const char *what, size_t length)
{
    const char *at = buffer_text(&input->policy_bytes);

    for (size_t line = 1; *at; line++) {
        const char *text = at + strspn(at, " ");
        const size_t end = strcspn(at, "\n");
        size_t has = at + end > text ? (size_t)(at + end - text) : 0;
        while (has > 0 && isspace((unsigned char)text[has - 1]))
            has--;
        if (has == length && strncmp(text, what, length) == 0)
            return line;
        at += end + (at[end] == '\n');
    }
    return 0;
}

static int put_line(const ExplainInput *input, size_t line, Buffer *out, int *ret_kind)
{
    *ret_kind = EXPLAIN_LINE;
    return buffer_printf(out, "%s:%zu", input->policy_path, line) < 0 ? -ENOMEM : 1;
}

bool explain_is_line(const char *what)
{
    what += strspn(what, " \t");
    return strncmp(what, "- ", 2) == 0 || strstr(what, ", #") || strchr(what, '(') ||
           (what[0] && strchr(",)", what[strlen(what) - 1]));
}

int explain_pasted(const ExplainInput *input, const char *what, Buffer *out, int *ret_kind)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    bool unwrapped = false;

    what += strspn(what, " \t");
    if (buffer_puts(&text, what) < 0)
        return -ENOMEM;
    strip(&text);
    const bool item = strncmp(what, "- ", 2) == 0;
    const size_t line =
        item && input->policy_path ? find_item(input, buffer_text(&text), text.length) : 0;
    if (line > 0)
        return put_line(input, line, out, ret_kind);
    const char *comment = strstr(buffer_text(&text), ", #");
    if (comment) {
        text.length = (size_t)(comment - buffer_text(&text)) + 1;
        text.data[text.length] = '\0';
    }
    unwrapped = take_end(&text, ',') || item;
    const char *plain = buffer_text(&text) + (item ? 2 : 0);
    const size_t length = strlen(plain);
    if (length > 1 && plain[0] == '"' && plain[length - 1] == '"' &&
        strchr(plain + 1, '"') == plain + length - 1) {
        (void)take_end(&text, '"');
        plain++;
        unwrapped = true;
    }
    int r = 0;
    if (unwrapped || strchr(plain, ' ')) /* "signal (send)" is no call */
        r = read_profile_line(plain, out, ret_kind);
    if (r == 0)
        r = read_call_text(plain, out, ret_kind);
    if (r == 0)
        r = read_address(plain, out, ret_kind);
    if (r != 0 || !unwrapped)
        return r;
    *ret_kind = -1;
    return buffer_puts(out, plain) < 0 ? -ENOMEM : 1;
}

int explain_key(const ExplainInput *input, const char *what, Buffer *out, int *ret_kind)
{
    const char *at = buffer_text(&input->policy_bytes);
    const size_t length = strcspn(what, ":"); /* perhaps with its value */

    if (!input->policy_path || length == 0 || !isalpha((unsigned char)what[0]))
        return 0;
    for (size_t line = 1; *at; line++) {
        if (strncmp(at, what, length) == 0 && at[length] == ':')
            return put_line(input, line, out, ret_kind);
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return 0;
}
