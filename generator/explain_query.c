/* SPDX-License-Identifier: Apache-2.0 */
/* The word that is asked about: what it can be taken as, and which facts and rules are about it. */
#include "base/memory.h"
#include "generator/explain_private.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

static const char *const kind_names[EXPLAIN_KIND_COUNT] = {
    [EXPLAIN_LINE] = "line",
    [EXPLAIN_PATH] = "path",
    [EXPLAIN_GLOB] = "glob",
    [EXPLAIN_CALL] = "call",
    [EXPLAIN_PORT] = "port",
    [EXPLAIN_NETWORK] = "network",
    [EXPLAIN_CAPABILITY] = "capability",
    [EXPLAIN_UNIX] = "unix",
    [EXPLAIN_SIGNAL] = "signal",
    [EXPLAIN_PTRACE] = "ptrace",
    [EXPLAIN_MOUNT] = "mount",
    [EXPLAIN_RULE] = "rule",
    [EXPLAIN_IO_URING] = "io_uring",
};

const char *explain_kind_name(ExplainKind kind)
{
    return kind_names[kind];
}

int explain_kind_from_name(const char *name)
{
    for (int i = 0; i < EXPLAIN_KIND_COUNT; i++) {
        if (strcmp(kind_names[i], name) == 0)
            return i;
    }
    return -1;
}

void query_deinit(Query *query)
{
    buffer_deinit(&query->text);
    query->set = glob_set_free(query->set);
    rules_to_ask_deinit(&query->own);
    query->strings = strset_free(query->strings);
    free(query->rules);
    *query = (Query){0};
}

int64_t explain_number(const char *text, int64_t max)
{
    int64_t number = 0;

    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
        return -1;
    for (const char *c = text; *c; c++)
        number = number * 10 + (*c - '0');
    return number <= max ? number : -1;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* The END_LENGTH bytes at END are all of the LENGTH bytes at PATH, or what stands behind a slash.
 */
static bool is_end_of(const char *path, size_t length, const char *end, size_t end_length)
{
    return end_length <= length && strncmp(path + length - end_length, end, end_length) == 0 &&
           (end_length == length || path[length - end_length - 1] == '/');
}

/* The LENGTH bytes at NAME may be what somebody in another folder calls the file PATH; that from
 * standard input has no name of its own. */
static bool is_called(const char *path, const char *name, size_t length)
{
    const size_t path_length = strlen(path);

    while (length > 2 && strncmp(name, "./", 2) == 0) {
        name += 2;
        length -= 2;
    }
    return strcmp(path, "-") == 0 || is_end_of(path, path_length, name, length) ||
           is_end_of(name, length, path, path_length);
}

/* The lines of a rule are told by where it and the next thing begin. */
static int add_rules_of_line(Query *query, const ExplainInput *input)
{
    size_t begin = 0;
    int r = 0;

    for (size_t i = 0; i < policy_text_places_count(input->policy); i++) {
        const size_t line = policy_text_place(input->policy, i)->line;
        if (line <= query->line && line > begin)
            begin = line;
    }
    if (begin != query->line && !explain_line_continues(input, begin, query->line))
        return 0;
    for (size_t i = 0; i < policy_text_places_count(input->policy) && r == 0; i++) {
        const PolicyPlace *place = policy_text_place(input->policy, i);
        if (place->line == begin)
            r = rules_to_ask_add(&query->own, &place->rule);
    }
    if (r == 0)
        query->line = begin;
    return r;
}

/* The last colon of WHAT before LENGTH with a number behind it, in RET_NUMBER; NULL. */
static const char *last_number(const char *what, size_t length, int64_t *ret_number)
{
    char digits[12] = "";
    size_t colon = length;

    while (colon > 0 && what[colon - 1] != ':')
        colon--;
    if (colon == 0 || length - colon >= sizeof digits)
        return NULL;
    memcpy(digits, what + colon, length - colon);
    *ret_number = explain_number(digits, 999999999);
    return *ret_number > 0 ? what + colon - 1 : NULL;
}

/* "FILE:LINE", or "FILE:LINE:COLUMN" as in messages: the length of FILE, 0 if it is neither. */
static size_t split_line(const char *what, int64_t *ret_line)
{
    const char *colon = last_number(what, strlen(what), ret_line);
    int64_t line = 0;
    const char *other = colon ? last_number(what, (size_t)(colon - what), &line) : NULL;

    if (other) {
        *ret_line = line;
        colon = other;
    }
    return colon ? (size_t)(colon - what) : 0;
}

static bool is_yaml(const char *file, size_t length)
{
    return (length > 5 && strncmp(file + length - 5, ".yaml", 5) == 0) ||
           (length > 4 && strncmp(file + length - 4, ".yml", 4) == 0);
}

static int read_line(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    int64_t line = -1;
    const size_t file = split_line(what, &line);

    if (forced && file == 0)
        line = explain_number(what, 999999999);
    if (forced && line <= 0)
        return error_set(err, -EINVAL, "\"%.200s\" is no line of a file: write policy.yaml:42",
                         what);
    const bool called = file > 0 && input->policy_path && is_called(input->policy_path, what, file);
    if (!forced && !called && !is_yaml(what, file))
        return 0;
    if (!input->policy_path)
        return error_set(err, -EINVAL,
                         "%.200s: lines are those of a policy: name it first, and the recording "
                         "with --recording",
                         what);
    if (file > 0 && !called)
        return error_set(err, -EINVAL, "%.200s: the policy that was named is %.200s", what,
                         input->policy_path);
    query->line = (size_t)line;
    (void)buffer_printf(&query->text, "%s:%" PRId64, input->policy_path, line);
    if (rules_to_ask_init(&query->own) < 0 || add_rules_of_line(query, input) < 0)
        return -ENOMEM;
    return 1;
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* /proc/1234/task/5678 as recordings have it. */
static int put_recorded_path(Buffer *out, const char *path, bool *ret_numbered)
{
    size_t depth = 0;

    for (const char *at = path; *at; depth++) {
        const char *slash = strchr(at + 1, '/');
        const size_t length = slash ? (size_t)(slash - at) : strlen(at);
        const bool number = length > 1 && strspn(at + 1, "0123456789") == length - 1 &&
                            strncmp(path, "/proc/", 6) == 0 && (depth == 1 || depth == 3);
        *ret_numbered |= number;
        if (number)
            (void)buffer_puts(out, depth == 1 ? "/[pid]" : "/[tid]");
        else
            (void)buffer_append(out, at, length);
        at += length;
    }
    while (out->length > 1 && out->data[out->length - 1] == '/')
        out->data[--out->length] = '\0';
    return out->error;
}

static int read_path(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    (void)input;
    if (what[0] != '/')
        return forced ? error_set(err, -EINVAL, "\"%.200s\" is no absolute path", what) : 0;
    query->set = glob_set_new();
    return query->set && put_recorded_path(&query->text, what, &query->numbered) == 0 ? 1 : -ENOMEM;
}

static int read_glob(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    Error why = {0};
    int r;

    (void)input;
    if (what[0] != '/' || (!forced && !strpbrk(what, "*?[{@\\")))
        return forced ? error_set(err, -EINVAL, "\"%.200s\" is no pattern of paths", what) : 0;
    query->set = glob_set_new();
    if (!query->set)
        return -ENOMEM;
    r = policy_pattern_check(what, &why);
    if (r == 0)
        r = glob_set_add(query->set, GLOB_POLICY, what, &query->pattern, &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return forced ? error_set(err, -EINVAL, "\"%.200s\": %.200s", what, why.text) : 0;
    return buffer_puts(&query->text, what) < 0 ? -ENOMEM : 1;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool recording_names(const Recording *recording, FactKind kind, const char *name)
{
    Fact view;

    for (size_t i = 0; recording && i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind == kind && strcmp(fact->name, name) == 0)
            return true;
    }
    return false;
}

static int read_call(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    (void)err;
    if (!forced && !syscall_by_name(what) && !recording_names(input->recording, FACT_SYSCALL, what))
        return 0;
    return buffer_puts(&query->text, what) < 0 ? -ENOMEM : 1;
}

static int read_capability(Query *query, const char *what, bool forced, const ExplainInput *input,
                           Error *err)
{
    const size_t prefix = strncasecmp(what, "CAP_", 4) == 0 ? 4 : 0;

    (void)input;
    (void)buffer_puts(&query->text, "CAP_");
    for (const char *c = what + prefix; *c; c++)
        (void)buffer_putc(&query->text, (char)toupper((unsigned char)*c));
    if (query->text.error)
        return -ENOMEM;
    if (!capability_by_name(buffer_text(&query->text)))
        return forced ? error_set(err, -EINVAL, "there is no capability \"%.200s\"", what) : 0;
    return 1;
}

/* ":80", "80", "tcp/80", "80/tcp", "tcp:80" */
static int read_port(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    const size_t first = strcspn(what, ":/");
    const char *second = what[first] ? what + first + 1 : NULL;
    char head[16] = "";

    (void)input;
    if (first < sizeof head) {
        memcpy(head, what, first);
        const bool number_first = isdigit((unsigned char)head[0]);
        const char *port = !second || number_first ? head : second;
        const char *protocol = !second ? "" : number_first ? second : head;
        query->port = explain_number(port, UINT16_MAX);
        if (strlen(protocol) >= sizeof query->protocol ||
            strspn(protocol, "abcdefghijklmnopqrstuvwxyz") != strlen(protocol))
            query->port = -1;
        else
            (void)snprintf(query->protocol, sizeof query->protocol, "%s", protocol);
    } else {
        query->port = -1;
    }
    if (query->port < 0)
        return forced ? error_set(err, -EINVAL, "\"%.200s\" is no port: write tcp/80 or :80", what)
                      : 0;
    return buffer_printf(&query->text, "%s%s%" PRId64, query->protocol, *query->protocol ? "/" : "",
                         query->port) < 0
               ? -ENOMEM
               : 1;
}

static int read_word(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    (void)input;
    (void)err;
    if (!forced && what[0] == '/') /* EXPLAIN_PATH finds sockets and mounts, too */
        return 0;
    return buffer_puts(&query->text, what) < 0 ? -ENOMEM : 1;
}

static int read_signal(Query *query, const char *what, bool forced, const ExplainInput *input,
                       Error *err)
{
    (void)input;
    (void)err;
    const bool whole = strncmp(what, "SIG", 3) == 0 || strcmp(what, "exists") == 0 ||
                       strcmp(what, POLICY_ANY_SIGNAL) == 0;

    if (!forced && !whole)
        return 0;
    return buffer_printf(&query->text, "%s%s", whole ? "" : "SIG", what) < 0 ? -ENOMEM : 1;
}

/* WHAT may be a rule of several sections. */
static int read_rule(Query *query, const char *what, bool forced, const ExplainInput *input,
                     Error *err)
{
    Error why = {0};
    int r = 0;

    (void)input;
    if (!forced && !strchr(what, ' '))
        return 0;
    query->strings = strset_new();
    query->rules = calloc(POLICY_SECTION_COUNT, sizeof *query->rules);
    if (!query->strings || !query->rules || rules_to_ask_init(&query->own) < 0)
        return -ENOMEM;
    for (int section = 0; section < POLICY_SECTION_COUNT && r == 0; section++) {
        PolicyRule *rule = &query->rules[query->rules_count];
        r = policy_rule_parse((PolicySection)section, what, query->strings, rule, &why);
        if (r == 0) {
            query->rules_count++;
            r = rules_to_ask_add(&query->own, rule);
        } else if (r != -ENOMEM) {
            r = 0;
        }
    }
    if (r < 0)
        return r;
    if (query->rules_count == 0)
        return forced ? error_set(err, -EINVAL, "\"%.200s\" is no rule: %.200s", what, why.text)
                      : 0;
    return buffer_puts(&query->text, what) < 0 ? -ENOMEM : 1;
}

static int (*const readers[EXPLAIN_KIND_COUNT])(Query *, const char *, bool, const ExplainInput *,
                                                Error *) = {
    [EXPLAIN_LINE] = read_line,
    [EXPLAIN_PATH] = read_path,
    [EXPLAIN_GLOB] = read_glob,
    [EXPLAIN_CALL] = read_call,
    [EXPLAIN_CAPABILITY] = read_capability,
    [EXPLAIN_PORT] = read_port,
    [EXPLAIN_NETWORK] = read_word,
    [EXPLAIN_UNIX] = read_word,
    [EXPLAIN_SIGNAL] = read_signal,
    [EXPLAIN_PTRACE] = read_word,
    [EXPLAIN_MOUNT] = read_word,
    [EXPLAIN_IO_URING] = read_word,
    [EXPLAIN_RULE] = read_rule,
};

int query_init(Query *query, ExplainKind kind, const char *what, bool forced,
               const ExplainInput *input, Error *err)
{
    query->kind = kind;
    const int r = readers[kind](query, what, forced, input, err);
    return r == -ENOMEM ? error_errno(err, r, "looking for %.200s", what) : r;
}
