/* SPDX-License-Identifier: Apache-2.0 */
/* Files: patterns that never match, what is writable and executable, mounts that forbid it. */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <errno.h>

enum {
    EXECUTES = FILE_ANY_EXEC | FILE_MMAP_EXEC,
    WRITES = FILE_WRITE | FILE_APPEND,
};

static bool grants(const LintRule *entry, uint32_t access)
{
    return entry->rule->deny == POLICY_ALLOW && (entry->access & access) != 0;
}

/* ---- patterns (W208 to W210) ------------------------------------------------------------------
 */

/* A component that no path of the kernel has: *RET_EMPTY for none at all between two slashes, else
 * "." or "..". */
static bool has_odd_component(const char *pattern, bool *ret_empty)
{
    PatternReader reader = {.at = pattern};
    PatternToken token = {.kind = PATTERN_END};
    size_t dots = 0;
    size_t others = 1; /* before the first slash */

    while (pattern_next(&reader, &token) == 0) {
        const bool slash = token.kind == PATTERN_BYTE && token.byte == '/';
        if ((slash || token.kind == PATTERN_END) && others == 0 && (dots == 1 || dots == 2)) {
            *ret_empty = false;
            return true;
        }
        if (slash && others == 0 && dots == 0) {
            *ret_empty = true;
            return true;
        }
        if (token.kind == PATTERN_END)
            return false;
        if (slash)
            dots = others = 0;
        else if (token.kind == PATTERN_BYTE && token.byte == '.')
            dots++;
        else
            others++;
    }
    return false;
}

int lint_never_matches(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        bool empty = false;
        const char *pattern = entry->rule->name;
        if (!has_odd_component(pattern, &empty) &&
            (!entry->rule->target || !has_odd_component(pattern = entry->rule->target, &empty)))
            continue;
        const int r = lint_tell(lint, entry, "no path is like %s: a component is %s", pattern,
                                empty ? "empty" : "\".\" or \"..\"");
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_link(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        const bool whole = lint_literal(entry->rule->name, &path);
        for (size_t i = 0; i < known_links_count; i++) {
            const KnownLink *link = &known_links[i];
            const size_t length = strlen(link->path);
            const char *text = buffer_text(&path);
            /* "/proc/net*" may be about something else. */
            if (!lint_is_below(text, link->path) || (text[length] == '\0' && !whole))
                continue;
            const int r = lint_tell(lint, entry, "%s is a link to %s: write that instead",
                                    link->path, link->target);
            if (r < 0)
                return r;
            break;
        }
        if (path.error)
            return path.error;
    }
    return 0;
}

int lint_folder_letters(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        const char *pattern = entry->rule->name;
        const size_t length = strlen(pattern);
        const uint32_t odd = entry->rule->access & (EXECUTES | FILE_APPEND | FILE_LINK);
        if (odd == 0 || length == 0 || pattern[length - 1] != '/')
            continue;
        const PolicyRule part = {.section = POLICY_FILES, .name = "", .access = odd};
        const int r = lint_tell(lint, entry, "for a folder these letters mean nothing:%s",
                                lint_rule_text(&part, &text));
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- W108 ----------------------------------------------------------------------------------- */

/* The first rule behind ENTRY that has another way to execute the same. */
static int find_other_way(Lint *lint, const LintRule *entry)
{
    LintNearby nearby = lint_nearby(lint, entry);

    for (const LintRule *other; (other = lint_nearby_next(lint, &nearby)) != NULL;) {
        CLEANUP(buffer_deinit) Buffer witness = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        const uint32_t ways = (entry->rule->access | other->rule->access) & FILE_ANY_EXEC;
        if (other <= entry || other->rule->deny || (other->rule->access & FILE_ANY_EXEC) == 0 ||
            (ways & (ways - 1)) == 0 || other->wild != entry->wild)
            continue;
        const int r = lint_files_meet(lint, entry, other, &witness);
        if (r == 0)
            continue;
        (void)policy_pattern_append_literal(&path, buffer_text(&witness), witness.length);
        return r < 0 ? r
                     : lint_tell(lint, entry, "%s is executed in another way by \"%s\" in line %zu",
                                 buffer_text(&path), lint_rule_text(other->rule, &text),
                                 other->place->line);
    }
    return 0;
}

int lint_two_ways(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        if (entry->rule->deny || (entry->rule->access & FILE_ANY_EXEC) == 0)
            continue;
        const int r = find_other_way(lint, entry);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- W214 ----------------------------------------------------------------------------------- */

/* Some rule grants WRITE to a file that PATTERN is about. */
static int is_writable(Lint *lint, const char *pattern)
{
    const PolicyRule need = {.section = POLICY_FILES, .name = pattern, .access = FILE_WRITE};

    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        if (!grants(entry, FILE_WRITE) || !patterns_begin_alike(entry->rule->name, pattern))
            continue;
        if (!lint_may_glob(lint))
            return 1;
        const int r = file_rules_meet(entry->rule, &need);
        if (r != 0)
            return r;
    }
    return 0;
}

int lint_socket_path(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_UNIX); entry < lint_end(lint, POLICY_UNIX);
         entry++) {
        const char *address = entry->rule->target;
        if (entry->dead || entry->rule->deny || !address || address[0] != '/')
            continue;
        int r = is_writable(lint, address);
        if (r == 0)
            r = lint_tell(lint, entry, "no rule under files lets %s be written to", address);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- W304, W406 ----------------------------------------------------------------------------- */

static int tell_write_exec(Lint *lint, const LintRule *writing, const LintRule *executing,
                           const Buffer *witness)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    (void)policy_pattern_append_literal(&path, buffer_text(witness), witness->length);
    return lint_tell(lint, writing,
                     "%s may be written by this rule and executed by \"%s\" in line "
                     "%zu",
                     buffer_text(&path), lint_rule_text(executing->rule, &text),
                     executing->place->line);
}

static int tell_both(Lint *lint, const LintRule *entry)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    return lint_tell(lint, entry, "\"%s\" lets the same files be written and executed",
                     lint_rule_text(entry->rule, &text));
}

/* The first rule by which something may be executed that WRITING lets be written. */
static int find_executing(Lint *lint, const LintRule *writing)
{
    LintNearby nearby = lint_nearby(lint, writing);

    for (const LintRule *entry; (entry = lint_nearby_next(lint, &nearby)) != NULL;) {
        CLEANUP(buffer_deinit) Buffer witness = BUFFER_INIT;
        if (entry == writing || entry->dead || !grants(entry, EXECUTES))
            continue;
        const int r = lint_files_meet(lint, writing, entry, &witness);
        if (r != 0)
            return r < 0 ? r : tell_write_exec(lint, writing, entry, &witness);
    }
    return 0;
}

int lint_write_exec(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        const size_t length = strlen(entry->rule->name);
        if (entry->dead || !grants(entry, WRITES) || entry->rule->name[length - 1] == '/')
            continue;
        const int r =
            grants(entry, EXECUTES) ? tell_both(lint, entry) : find_executing(lint, entry);
        if (r < 0)
            return r;
    }
    return 0;
}

static int is_read(Lint *lint, const LintRule *executed)
{
    LintNearby nearby = lint_nearby(lint, executed);

    for (const LintRule *entry; (entry = lint_nearby_next(lint, &nearby)) != NULL;) {
        if (!grants(entry, FILE_READ))
            continue;
        const int r = lint_files_meet(lint, executed, entry, NULL);
        if (r != 0)
            return r;
    }
    /* Rather nothing than something wrong. */
    return lint->pairs_left == 0 || lint->globs_left == 0;
}

int lint_exec_unread(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (entry->dead || !grants(entry, FILE_ANY_EXEC) || entry->glob == NO_GLOB)
            continue;
        int r = is_read(lint, entry);
        if (r == 0)
            r = lint_tell(lint, entry, "\"%s\": no rule lets it be read",
                          lint_rule_text(entry->rule, &text));
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- W407, W408 ----------------------------------------------------------------------------- */

/* The mount that the path TEXT is on, the innermost one; NULL: none of the policy's. */
static const LintRule *mount_of(Lint *lint, const char *text)
{
    static const PolicySection sections[] = {POLICY_TMPFS, POLICY_VOLUMES};
    const LintRule *best = NULL;

    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        for (LintRule *entry = lint_begin(lint, sections[i]); entry < lint_end(lint, sections[i]);
             entry++) {
            if (!lint_may_pair(lint) || entry->rule->deny ||
                !lint_is_below(text, entry->rule->name))
                continue;
            if (!best || strlen(entry->rule->name) > strlen(best->rule->name))
                best = entry;
        }
    }
    return best;
}

/* Some mount begins with TEXT, which ends where the first wildcard is. */
static bool has_mount_below(Lint *lint, const char *text)
{
    static const PolicySection sections[] = {POLICY_TMPFS, POLICY_VOLUMES};

    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        for (LintRule *entry = lint_begin(lint, sections[i]); entry < lint_end(lint, sections[i]);
             entry++) {
            if (!lint_may_pair(lint))
                return true;
            if (!entry->rule->deny && strncmp(entry->rule->name, text, strlen(text)) == 0)
                return true;
        }
    }
    return false;
}

int lint_root_read_only(Lint *lint)
{
    if (!policy_read_only_root(lint->policy))
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        if (entry->dead || !grants(entry, WRITES))
            continue;
        const bool whole = lint_literal(entry->rule->name, &path);
        const char *text = buffer_text(&path);
        const Place *place = place_of(text);
        if ((place && strcmp(place->kind, "given") == 0) || mount_of(lint, text) ||
            (!whole && (has_mount_below(lint, text) || strcmp(text, "/") == 0)))
            continue;
        const int r = path.error ? path.error
                                 : lint_tell(lint, entry, "%s is on the root, which is read-only",
                                             entry->rule->name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* One of the words of OPTIONS (commas between). */
static bool has_option(const char *options, const char *option)
{
    const size_t length = strlen(option);

    for (const char *at = options; at && *at; at += strspn(at, ",")) {
        const size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, option, length) == 0)
            return true;
        at += word;
    }
    return false;
}

int lint_tmpfs_exec(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        if (entry->dead || !grants(entry, EXECUTES))
            continue;
        (void)lint_literal(entry->rule->name, &path);
        const LintRule *mount = mount_of(lint, buffer_text(&path));
        if (!mount || mount->rule->section != POLICY_TMPFS ||
            has_option(mount->rule->options, "exec"))
            continue;
        const int r = path.error
                          ? path.error
                          : lint_tell(lint, entry,
                                      "%s is on the tmpfs %s (line %zu), which "
                                      "has no \"exec\"",
                                      entry->rule->name, mount->rule->name, mount->place->line);
        if (r < 0)
            return r;
    }
    return 0;
}
