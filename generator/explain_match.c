/* SPDX-License-Identifier: Apache-2.0 */
/* Which facts, and which rules of a policy, are about what is asked. */
#include "base/memory.h"
#include "generator/explain_private.h"

#include <errno.h>

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* What FACT says of paths: its own, or that of a socket, of what a capability was for, of a mount.
 */
static size_t paths_of(const Fact *fact, const char *paths[2])
{
    size_t count = 0;

    if (fact->kind == FACT_FILE || fact->kind == FACT_EXEC)
        paths[count++] = fact->name;
    else if (fact->kind == FACT_UNIX)
        paths[count++] = fact_text(fact, FIELD_ADDRESS);
    else if (fact->kind == FACT_CAPABILITY)
        paths[count++] = fact_text(fact, FIELD_OBJECT);
    else if (fact->kind == FACT_MOUNT) {
        paths[count++] = fact_text(fact, FIELD_TARGET);
        paths[count++] = fact_text(fact, FIELD_SOURCE);
    }
    return count;
}

static int glob_has_path(const Query *query, const char *path, bool maybe_folder)
{
    CLEANUP(buffer_deinit) Buffer real = BUFFER_INIT;
    int r;

    if (explain_real_path(path, &real) < 0)
        return -ENOMEM;
    r = glob_set_matches(query->set, query->pattern, buffer_text(&real), real.length);
    if (r == 0 && maybe_folder) {
        if (buffer_putc(&real, '/') < 0)
            return -ENOMEM;
        r = glob_set_matches(query->set, query->pattern, buffer_text(&real), real.length);
    }
    return r;
}

/* PATH is the one that is asked about. A number may be a process's own, which is "self". */
static int is_path(const Query *query, const char *path)
{
    CLEANUP(buffer_deinit) Buffer real = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer asked = BUFFER_INIT;
    const char *text = buffer_text(&query->text);

    if (!query->numbered) {
        const size_t length = query->text.length;
        return strncmp(path, text, length) == 0 &&
               (path[length] == '\0' || strcmp(path + length, "/") == 0);
    }
    if (explain_real_path(path, &real) < 0 || explain_real_path(text, &asked) < 0)
        return -ENOMEM;
    return strcmp(buffer_text(&real), buffer_text(&asked)) == 0;
}

static int path_has_fact(const Query *query, const Fact *fact)
{
    const char *paths[2] = {NULL, NULL};
    const size_t count = paths_of(fact, paths);
    const char *type = fact->kind == FACT_FILE ? fact_text(fact, FIELD_FILE_TYPE) : NULL;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        if (!paths[i] || paths[i][0] != '/')
            continue;
        if (query->kind == EXPLAIN_PATH)
            r = is_path(query, paths[i]);
        else
            r = glob_has_path(query, paths[i], type && strcmp(type, "directory") == 0);
    }
    return r;
}

static int path_has_rule(const Query *query, const PolicyPlace *place)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const PolicyRule *rule = &place->rule;
    const char *pattern = rule->section == POLICY_FILES  ? rule->name
                          : rule->section == POLICY_UNIX ? rule->target
                                                         : NULL;
    size_t id;
    int r;

    if (!pattern || pattern[0] != '/')
        return 0;
    r = glob_set_add(query->set, GLOB_POLICY, pattern, &id, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (query->kind == EXPLAIN_GLOB) {
        r = glob_set_intersects(query->set, query->pattern, id, NULL);
        return r == -ENOMEM ? r : r != 0;
    }
    if (explain_real_path(buffer_text(&query->text), &path) < 0 || buffer_putc(&path, '/') < 0)
        return -ENOMEM;
    r = glob_set_matches(query->set, id, buffer_text(&path), path.length - 1);
    return r == 0 ? glob_set_matches(query->set, id, buffer_text(&path), path.length) : r;
}

/* ---- names ---------------------------------------------------------------------------------- */

static int call_has_fact(const Query *query, const Fact *fact)
{
    return fact->kind == FACT_SYSCALL && same(fact->name, buffer_text(&query->text));
}

static int capability_has_fact(const Query *query, const Fact *fact)
{
    return fact->kind == FACT_CAPABILITY &&
           (same(fact->name, buffer_text(&query->text)) ||
            same(fact_text(fact, FIELD_ALTERNATIVE), buffer_text(&query->text)));
}

static int port_has_fact(const Query *query, const Fact *fact)
{
    if (fact->kind == FACT_CAPABILITY) {
        const char *object = fact_text(fact, FIELD_OBJECT);
        return same(fact->name, "CAP_NET_BIND_SERVICE") && object &&
               explain_number(object + strcspn(object, "0123456789"), UINT16_MAX) == query->port;
    }
    return fact->kind == FACT_NETWORK && fact_number(fact, FIELD_PORT, -1) == query->port &&
           (!*query->protocol || same(fact_text(fact, FIELD_PROTOCOL), query->protocol));
}

/* The fields of a kind by which it may be asked for, beside its name. */
static const struct {
    FactKind kind;
    FactField fields[3];
} words_of_kind[EXPLAIN_KIND_COUNT] = {
    [EXPLAIN_NETWORK] = {FACT_NETWORK, {FIELD_FAMILY, FIELD_SOCKET_TYPE, FIELD_PROTOCOL}},
    [EXPLAIN_UNIX] = {FACT_UNIX, {FIELD_ADDRESS, FIELD_SOCKET_TYPE, FIELD_COUNT}},
    [EXPLAIN_SIGNAL] = {FACT_SIGNAL, {FIELD_COUNT, FIELD_COUNT, FIELD_COUNT}},
    [EXPLAIN_PTRACE] = {FACT_PTRACE, {FIELD_COUNT, FIELD_COUNT, FIELD_COUNT}},
    [EXPLAIN_MOUNT] = {FACT_MOUNT, {FIELD_FSTYPE, FIELD_TARGET, FIELD_SOURCE}},
    [EXPLAIN_IO_URING] = {FACT_IO_URING, {FIELD_COUNT, FIELD_COUNT, FIELD_COUNT}},
};

static int word_has_fact(const Query *query, const Fact *fact)
{
    const char *word = buffer_text(&query->text);
    bool has = false;

    if (fact->kind != words_of_kind[query->kind].kind)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(words_of_kind[0].fields); i++) {
        const FactField field = words_of_kind[query->kind].fields[i];
        has |= field != FIELD_COUNT && same(fact_text(fact, field), word);
    }
    has |= query->kind == EXPLAIN_SIGNAL && strcmp(word, POLICY_ANY_SIGNAL) == 0;
    return has || same(fact->name, word);
}

static int own_has_fact(const Query *query, const Fact *fact)
{
    CLEANUP(free_pointer) bool *hits = calloc(query->own.count + 1, sizeof *hits);

    if (!hits || rules_needed_by(&query->own, fact, hits) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < query->own.count; i++) {
        if (hits[i])
            return 1;
    }
    return 0;
}

static int call_has_rule(const Query *query, const PolicyPlace *place)
{
    return place->rule.section == POLICY_SYSCALLS &&
           same(place->rule.name, buffer_text(&query->text));
}

static int capability_has_rule(const Query *query, const PolicyPlace *place)
{
    const Capability *larger =
        place->rule.section == POLICY_CAPABILITIES ? capability_by_name(place->rule.name) : NULL;

    for (const char *const *name = larger ? larger->implied : NULL; name && *name; name++) {
        if (same(*name, buffer_text(&query->text)))
            return 1;
    }
    return larger && same(place->rule.name, buffer_text(&query->text));
}

static int port_has_rule(const Query *query, const PolicyPlace *place)
{
    (void)query;
    (void)place;
    return 0; /* no rule names a port: those of the facts are told */
}

static int word_has_rule(const Query *query, const PolicyPlace *place)
{
    static const PolicySection sections[EXPLAIN_KIND_COUNT] = {
        [EXPLAIN_NETWORK] = POLICY_NETWORK, [EXPLAIN_UNIX] = POLICY_UNIX,
        [EXPLAIN_SIGNAL] = POLICY_SIGNALS,  [EXPLAIN_PTRACE] = POLICY_PTRACE,
        [EXPLAIN_MOUNT] = POLICY_MOUNTS,
    };
    const PolicyRule *rule = &place->rule;
    const char *word = buffer_text(&query->text);

    const bool any = query->kind == EXPLAIN_SIGNAL && strcmp(rule->name, POLICY_ANY_SIGNAL) == 0;

    return query->kind != EXPLAIN_IO_URING && rule->section == sections[query->kind] &&
           (any || same(rule->name, word) || same(rule->type, word) || same(rule->target, word) ||
            same(rule->source, word));
}

static int own_has_rule(const Query *query, const PolicyPlace *place)
{
    for (size_t i = 0; i < query->own.count; i++) {
        const PolicyRule *rule = query->own.items[i].rule;
        if (query->kind == EXPLAIN_LINE ? rule == &place->rule
                                        : policy_rule_compare(rule, &place->rule) == 0)
            return 1;
    }
    return 0;
}

static const struct {
    int (*has_fact)(const Query *, const Fact *);
    int (*has_rule)(const Query *, const PolicyPlace *);
} askers[EXPLAIN_KIND_COUNT] = {
    [EXPLAIN_LINE] = {own_has_fact, own_has_rule},
    [EXPLAIN_PATH] = {path_has_fact, path_has_rule},
    [EXPLAIN_GLOB] = {path_has_fact, path_has_rule},
    [EXPLAIN_CALL] = {call_has_fact, call_has_rule},
    [EXPLAIN_CAPABILITY] = {capability_has_fact, capability_has_rule},
    [EXPLAIN_PORT] = {port_has_fact, port_has_rule},
    [EXPLAIN_NETWORK] = {word_has_fact, word_has_rule},
    [EXPLAIN_UNIX] = {word_has_fact, word_has_rule},
    [EXPLAIN_SIGNAL] = {word_has_fact, word_has_rule},
    [EXPLAIN_PTRACE] = {word_has_fact, word_has_rule},
    [EXPLAIN_MOUNT] = {word_has_fact, word_has_rule},
    [EXPLAIN_IO_URING] = {word_has_fact, word_has_rule},
    [EXPLAIN_RULE] = {own_has_fact, own_has_rule},
};

int query_has_fact(const Query *query, const Fact *fact)
{
    return askers[query->kind].has_fact(query, fact);
}

int query_has_rule(const Query *query, const PolicyPlace *place)
{
    return askers[query->kind].has_rule(query, place);
}
