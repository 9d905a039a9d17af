/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one rule, without its attributes. Every section has its own grammar of words with one
 * blank between; a word never holds a blank (it is written \x20). Printing and parsing are a pair
 * of functions a section, side by side.
 */
#include "base/memory.h"
#include "base/nearest.h"
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <strings.h>

/* A rule's text being taken apart, and where its strings go. */
typedef struct RuleText {
    char *rest;
    StringSet *strings;
    Error *err;
} RuleText;

typedef struct Letter {
    const char *text;
    uint32_t access;
} Letter;

static const Letter letters[] = {
    {"r", FILE_READ},          {"w", FILE_WRITE},         {"a", FILE_APPEND},
    {"l", FILE_LINK},          {"k", FILE_LOCK},          {"m", FILE_MMAP_EXEC},
    {"ix", FILE_EXEC_INHERIT}, {"px", FILE_EXEC_PROFILE}, {"ux", FILE_EXEC_UNCONFINED},
};

/* ---- words ---------------------------------------------------------------------------------- */

/* The next word, or NULL at the end. */
static char *next_word(RuleText *text)
{
    char *word = text->rest + strspn(text->rest, " ");

    if (*word == '\0')
        return NULL;
    text->rest = word + strcspn(word, " ");
    if (*text->rest)
        *text->rest++ = '\0';
    return word;
}

static int keep_word(RuleText *text, const char *word, const char **ret)
{
    const char *copy = word ? strset_add(text->strings, word) : NULL;

    if (word && !copy)
        return error_errno(text->err, -ENOMEM, "reading a rule");
    *ret = copy;
    return 0;
}

/* A word of lower-case letters, digits, "_" and "-". */
static int keep_plain(RuleText *text, const char *word, const char *what, const char **ret)
{
    for (const char *c = word; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return error_set(text->err, -EINVAL, "\"%.100s\" is no %s", word, what);
    }
    return keep_word(text, word, ret);
}

static int expect_end(RuleText *text)
{
    const char *word = next_word(text);

    if (!word)
        return 0;
    return error_set(text->err, -EINVAL,
                     "\"%.100s\" is one word too many (write a blank within a name as \\x20)",
                     word);
}

static int print_words(Buffer *out, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i]; i++)
        (void)buffer_printf(out, "%s%s", i ? " " : "", words[i]);
    return out->error;
}

/* ---- system calls: NAME [INDEX=VALUE]… ------------------------------------------------------- */

static const FlagFamily *argument_family(const char *name, unsigned index)
{
    const Syscall *syscall = syscall_by_name(name);

    return syscall ? syscall->args[index].family : NULL;
}

static int print_syscall(const PolicyRule *rule, Buffer *out)
{
    char value[512];

    (void)buffer_puts(out, rule->name);
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if ((rule->args_present >> i & 1) == 0)
            continue;
        const FlagFamily *family = argument_family(rule->name, i);
        if (family)
            (void)flag_text(family, rule->args[i], value, sizeof value);
        else
            (void)snprintf(value, sizeof value, "0x%" PRIx64, rule->args[i]);
        (void)buffer_printf(out, " %u=%s", i, value);
    }
    return out->error;
}

static int parse_value(const char *name, unsigned index, const char *word, uint64_t *ret)
{
    const FlagFamily *family = argument_family(name, index);
    char *end;

    if (family)
        return flag_parse(family, word, ret);
    if (!isdigit((unsigned char)*word))
        return -EINVAL;
    errno = 0;
    *ret = strtoull(word, &end, 0);
    return *end || errno ? -EINVAL : 0;
}

static int complain_call(const RuleText *text, const char *name)
{
    CLEANUP(free_pointer) const char **names = calloc(syscall_count() + 1, sizeof *names);

    for (size_t i = 0; names && i < syscall_count(); i++)
        names[i] = syscall_at(i)->name;
    const char *meant = names ? nearest_word(name, names) : NULL;
    return error_set(text->err, -EINVAL, "there is no system call \"%.100s\"%s%s%s", name,
                     meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
}

static int parse_syscall(RuleText *text, const char *name, PolicyRule *rule)
{
    const char *word;
    int r = keep_plain(text, name, "system call", &rule->name);

    if (r < 0)
        return r;
    if (!syscall_by_name(name))
        return complain_call(text, name);
    while ((word = next_word(text))) {
        const unsigned index = (unsigned)(word[0] - '0');
        if (index >= SYSCALL_ARGS || word[1] != '=')
            return error_set(text->err, -EINVAL,
                             "\"%.100s\" is no condition: write INDEX=VALUE, as in \"0=AF_INET\"",
                             word);
        if (rule->args_present >> index & 1)
            return error_set(text->err, -EINVAL,
                             "argument %u has two values: write one rule for each", index);
        if (parse_value(name, index, word + 2, &rule->args[index]) < 0)
            return error_set(text->err, -EINVAL,
                             "\"%.100s\" is no value of argument %u of %s: write a name that "
                             "`whittle show` uses for it, or a number",
                             word + 2, index, name);
        rule->args_present |= (uint8_t)(1u << index);
    }
    return 0;
}

/* ---- capabilities: NAME --------------------------------------------------------------------- */

static int print_name(const PolicyRule *rule, Buffer *out)
{
    return buffer_puts(out, rule->name);
}

static int complain_capability(const RuleText *text, const char *name)
{
    enum { CAPABILITIES_MAX = 64 };
    static const char prefix[] = "CAP_";
    const char *names[CAPABILITIES_MAX + 1] = {NULL};
    const bool has_prefix = strncasecmp(name, prefix, strlen(prefix)) == 0;
    const char *rest = has_prefix ? name + strlen(prefix) : name;
    char upper[32] = "";

    /* Docker and AppArmor spell it without CAP_, AppArmor in small letters. */
    for (size_t i = 0; i < sizeof upper - 1 && rest[i]; i++)
        upper[i] = (char)toupper((unsigned char)rest[i]);
    for (size_t i = 0; i < capability_count() && i < CAPABILITIES_MAX; i++)
        names[i] = capability_at(i)->name + strlen(prefix);
    const char *meant = nearest_word(upper, names);
    if (!meant)
        return error_set(text->err, -EINVAL,
                         "there is no capability \"%.100s\": write it as in \"CAP_CHOWN\"", name);
    return error_set(text->err, -EINVAL,
                     "there is no capability \"%.100s\"; did you mean \"%s%s\"?", name, prefix,
                     meant);
}

static int parse_capability(RuleText *text, const char *name, PolicyRule *rule)
{
    const Capability *capability = capability_by_name(name);

    if (!capability)
        return complain_capability(text, name);
    rule->name = capability->name;
    return expect_end(text);
}

/* ---- files: [owner] PATTERN ACCESS [-> PATTERN] ---------------------------------------------- */

static int print_file(const PolicyRule *rule, Buffer *out)
{
    (void)buffer_printf(out, "%s%s ", rule->owner ? "owner " : "", rule->name);
    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++) {
        if (rule->access & letters[i].access)
            (void)buffer_puts(out, letters[i].text);
    }
    if (rule->target)
        (void)buffer_printf(out, " -> %s", rule->target);
    return out->error;
}

static int parse_access(RuleText *text, const char *word, uint32_t *ret)
{
    uint32_t access = 0;

    for (const char *at = word; at && *at;) {
        size_t i = 0;
        while (i < ARRAY_LENGTH(letters) &&
               strncmp(at, letters[i].text, strlen(letters[i].text)) != 0)
            i++;
        if (i == ARRAY_LENGTH(letters)) {
            access = 0;
            break;
        }
        access |= letters[i].access;
        at += strlen(letters[i].text);
    }
    if (access == 0)
        return error_set(text->err, -EINVAL,
                         "a file rule is PATH ACCESS, with ACCESS of the letters r w a l k m and "
                         "one of ix px ux%s%.100s%s",
                         word ? "; \"" : "", word ? word : "", word ? "\" is not" : "");
    const uint32_t exec = access & FILE_ANY_EXEC;
    if (exec & (exec - 1))
        return error_set(text->err, -EINVAL, "\"%.100s\": only one of ix, px and ux is possible",
                         word);
    *ret = access;
    return 0;
}

static int keep_pattern(RuleText *text, const char *word, const char **ret)
{
    if (word[0] != '/')
        return error_set(text->err, -EINVAL, "\"%.100s\" does not begin with \"/\"", word);
    const int r = policy_pattern_check(word, text->err);
    return r < 0 ? r : keep_word(text, word, ret);
}

static int parse_file(RuleText *text, const char *word, PolicyRule *rule)
{
    if (strcmp(word, "owner") == 0) {
        rule->owner = true;
        word = next_word(text);
        if (!word)
            return error_set(text->err, -EINVAL, "\"owner\" stands before a path");
    }
    int r = keep_pattern(text, word, &rule->name);
    if (r == 0)
        r = parse_access(text, next_word(text), &rule->access);
    const char *arrow = r == 0 ? next_word(text) : NULL;
    if (r < 0 || !arrow)
        return r;
    const char *target = next_word(text);
    if (strcmp(arrow, "->") != 0 || !target || (rule->access & FILE_LINK) == 0)
        return error_set(text->err, -EINVAL,
                         "after ACCESS may come only \"-> PATH\", with access l: what may be "
                         "linked to");
    r = keep_pattern(text, target, &rule->target);
    return r < 0 ? r : expect_end(text);
}

/* ---- network: FAMILY [TYPE] ------------------------------------------------------------------ */

static int print_network(const PolicyRule *rule, Buffer *out)
{
    return print_words(out, (const char *[]){rule->name, rule->type}, 2);
}

static int parse_network(RuleText *text, const char *word, PolicyRule *rule)
{
    int r = keep_plain(text, word, "network family", &rule->name);

    word = r == 0 ? next_word(text) : NULL;
    if (word)
        r = keep_plain(text, word, "socket type", &rule->type);
    return r < 0 ? r : expect_end(text);
}

/* ---- unix: OPERATION TYPE [ADDRESS] ---------------------------------------------------------- */

static int print_unix(const PolicyRule *rule, Buffer *out)
{
    return print_words(out, (const char *[]){rule->name, rule->type, rule->target}, 3);
}

static int parse_unix(RuleText *text, const char *word, PolicyRule *rule)
{
    int r = keep_plain(text, word, "operation", &rule->name);

    word = r == 0 ? next_word(text) : NULL;
    if (r == 0 && !word)
        r = error_set(text->err, -EINVAL, "a unix rule is OPERATION TYPE [ADDRESS]");
    if (r == 0)
        r = keep_plain(text, word, "socket type", &rule->type);
    word = r == 0 ? next_word(text) : NULL;
    if (word)
        r = policy_pattern_check(word, text->err);
    if (r == 0 && word)
        r = keep_word(text, word, &rule->target);
    return r < 0 ? r : expect_end(text);
}

/* ---- signals, ptrace: NAME [TARGET] ---------------------------------------------------------- */

static int print_targeted(const PolicyRule *rule, Buffer *out)
{
    return print_words(out, (const char *[]){rule->name, rule->target}, 2);
}

static int parse_targeted(RuleText *text, const char *word, PolicyRule *rule)
{
    int r = keep_plain(text, word, "signal or operation", &rule->name);

    word = r == 0 ? next_word(text) : NULL;
    if (word)
        r = keep_plain(text, word, "relation", &rule->target);
    return r < 0 ? r : expect_end(text);
}

/* ---- mounts: OPERATION [fstype=TYPE] [options=A,B] [SOURCE] [-> TARGET] ---------------------- */

static int print_mount(const PolicyRule *rule, Buffer *out)
{
    (void)buffer_puts(out, rule->name);
    if (rule->type)
        (void)buffer_printf(out, " fstype=%s", rule->type);
    if (rule->options)
        (void)buffer_printf(out, " options=%s", rule->options);
    if (rule->source)
        (void)buffer_printf(out, " %s", rule->source);
    if (rule->target)
        (void)buffer_printf(out, " -> %s", rule->target);
    return out->error;
}

static int keep_options(RuleText *text, const char *word, const char **ret)
{
    for (const char *c = word; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr(",_-=", *c))
            return error_set(text->err, -EINVAL, "\"%.100s\" are no options", word);
    }
    return keep_word(text, word, ret);
}

static int parse_mount(RuleText *text, const char *word, PolicyRule *rule)
{
    int r = keep_plain(text, word, "operation", &rule->name);

    while (r == 0 && (word = next_word(text))) {
        if (strncmp(word, "fstype=", 7) == 0 && !rule->type) {
            r = keep_options(text, word + 7, &rule->type);
        } else if (strncmp(word, "options=", 8) == 0 && !rule->options) {
            r = keep_options(text, word + 8, &rule->options);
        } else if (strcmp(word, "->") == 0) {
            word = next_word(text);
            if (!word)
                return error_set(text->err, -EINVAL, "after \"->\" comes where to mount");
            r = keep_pattern(text, word, &rule->target);
            return r < 0 ? r : expect_end(text);
        } else if (!rule->source) {
            r = policy_pattern_check(word, text->err);
            if (r == 0)
                r = keep_word(text, word, &rule->source);
        } else {
            return error_set(text->err, -EINVAL, "\"%.100s\" is one word too many", word);
        }
    }
    return r;
}

/* ---- tmpfs: PATH [OPTIONS]; volumes: PATH ---------------------------------------------------- */

static int print_folder(const PolicyRule *rule, Buffer *out)
{
    return print_words(out, (const char *[]){rule->name, rule->options}, 2);
}

static int parse_folder(RuleText *text, const char *word, PolicyRule *rule)
{
    PatternReader reader = {.at = word};
    PatternToken token;
    int r = keep_pattern(text, word, &rule->name);

    if (r < 0)
        return r;
    do {
        (void)pattern_next(&reader, &token);
    } while (token.kind == PATTERN_BYTE && !strchr(",:", token.byte));
    if (token.kind != PATTERN_END)
        return error_set(text->err, -EINVAL,
                         "\"%.200s\": a folder to mount must be one path without \",\" and \":\"",
                         word);
    word = next_word(text);
    if (word && rule->section == POLICY_VOLUMES)
        return error_set(text->err, -EINVAL, "a volume is a path alone");
    if (word)
        r = keep_options(text, word, &rule->options);
    return r < 0 ? r : expect_end(text);
}

/* ---- all ------------------------------------------------------------------------------------ */

static const struct {
    int (*print)(const PolicyRule *rule, Buffer *out);
    int (*parse)(RuleText *text, const char *first, PolicyRule *rule);
} grammars[POLICY_SECTION_COUNT] = {
    [POLICY_SYSCALLS] = {print_syscall, parse_syscall},
    [POLICY_CAPABILITIES] = {print_name, parse_capability},
    [POLICY_FILES] = {print_file, parse_file},
    [POLICY_NETWORK] = {print_network, parse_network},
    [POLICY_UNIX] = {print_unix, parse_unix},
    [POLICY_SIGNALS] = {print_targeted, parse_targeted},
    [POLICY_PTRACE] = {print_targeted, parse_targeted},
    [POLICY_MOUNTS] = {print_mount, parse_mount},
    [POLICY_TMPFS] = {print_folder, parse_folder},
    [POLICY_VOLUMES] = {print_folder, parse_folder},
};

int policy_rule_print(const PolicyRule *rule, Buffer *out)
{
    return grammars[rule->section].print(rule, out);
}

int policy_rule_parse(PolicySection section, const char *text, StringSet *strings,
                      PolicyRule *ret_rule, Error *err)
{
    CLEANUP(free_pointer) char *copy = strdup(text);
    PolicyRule rule = {.section = section};

    if (!copy)
        return error_errno(err, -ENOMEM, "reading a rule");
    RuleText rest = {.rest = copy, .strings = strings, .err = err};
    const char *first = next_word(&rest);
    if (!first)
        return error_set(err, -EINVAL, "a rule is empty");
    const int r = grammars[section].parse(&rest, first, &rule);
    if (r < 0)
        return r;
    *ret_rule = rule;
    return 0;
}

int policy_deny_print(int deny, Buffer *out)
{
    if (deny == POLICY_DENY_KILL)
        return buffer_puts(out, "KILL");
    if (deny == POLICY_DENY_LOG)
        return buffer_puts(out, "LOG");
    if (deny == POLICY_DENY)
        return buffer_puts(out, "true");
    const char *name = errno_name(deny);
    return name ? buffer_puts(out, name) : buffer_printf(out, "%d", deny);
}

int policy_deny_parse(const char *text, int *ret_deny)
{
    enum { ERRNO_MAX = 4095 };
    char upper[32];
    char *end;

    if (strlen(text) >= sizeof upper || *text == '\0')
        return -EINVAL;
    for (size_t i = 0; i <= strlen(text); i++)
        upper[i] = (char)toupper((unsigned char)text[i]);
    int deny = errno_from_name(upper);
    if (strcmp(upper, "KILL") == 0)
        deny = POLICY_DENY_KILL;
    else if (strcmp(upper, "LOG") == 0)
        deny = POLICY_DENY_LOG;
    else if (isdigit((unsigned char)upper[0])) {
        const long n = strtol(upper, &end, 10);
        deny = *end == '\0' && n > 0 && n <= ERRNO_MAX ? (int)n : -1;
    }
    /* POLICY_DENY is -1 too, and no value that can be named. */
    if (deny == -1)
        return -EINVAL;
    *ret_deny = deny;
    return 0;
}
