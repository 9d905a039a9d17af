/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be written and executed: whoever gets to write there runs whatever he likes under the
 * policy. That may be what the workload does (a compiler's tests), but nobody should find out late.
 */
#include "base/memory.h"
#include "generator/infer_private.h"

#include <errno.h>
#include <fnmatch.h>

enum { NOTES_MAX = 20, WORK_MAX = 5 * 1000 * 1000 };

/* The pattern as fnmatch(3) takes it; its bytes before the first wildcard are *RET_LITERAL. */
static int to_fnmatch(const char *pattern, Buffer *out, size_t *ret_literal, bool *ret_deep)
{
    PatternReader reader = {.at = pattern};
    PatternToken token;
    bool literal = true;

    *ret_literal = 0;
    *ret_deep = false;
    while (pattern_next(&reader, &token) == 0 && token.kind != PATTERN_END) {
        if (token.kind == PATTERN_BYTE) {
            if (strchr("*?[]\\", token.byte))
                (void)buffer_putc(out, '\\');
            (void)buffer_putc(out, (char)token.byte);
            *ret_literal += literal;
            continue;
        }
        literal = false;
        if (token.kind == PATTERN_ONE)
            (void)buffer_putc(out, '?');
        else if (token.kind == PATTERN_CLASS)
            (void)buffer_append(out, token.text, token.length);
        else
            (void)buffer_putc(out, '*'); /* of a number or alternatives: more than it stands for */
        *ret_deep |= token.kind == PATTERN_GLOBSTAR || token.kind == PATTERN_OPEN;
    }
    return out->error;
}

static bool is_executed(const PathUse *use)
{
    return ((use->other | use->owner | use->exec) & (FILE_ANY_EXEC | FILE_MMAP_EXEC)) != 0;
}

/* The first use whose path begins with the LENGTH bytes at PREFIX, or would stand behind. */
static size_t first_with(const PathUses *uses, const char *prefix, size_t length)
{
    size_t low = 0;
    size_t high = uses->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strncmp(uses->items[middle].path, prefix, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first path that is executed and that the rule lets write; NULL if there is none. */
static int find_executed(const PathUses *uses, const PolicyRule *rule, size_t *work,
                         const char **ret_path)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer prefix = BUFFER_INIT;
    size_t literal;
    bool deep;

    *ret_path = NULL;
    if (to_fnmatch(rule->name, &pattern, &literal, &deep) < 0)
        return -ENOMEM;
    for (const char *c = buffer_text(&pattern); prefix.length < literal; c++) {
        c += *c == '\\';
        if (buffer_putc(&prefix, *c) < 0)
            return -ENOMEM;
    }
    const int flags = deep ? 0 : FNM_PATHNAME;
    for (size_t i = first_with(uses, buffer_text(&prefix), literal);
         i < uses->count && *work < WORK_MAX; i++) {
        const PathUse *use = &uses->items[i];
        if (strncmp(use->path, buffer_text(&prefix), literal) != 0)
            break;
        (*work)++;
        if (is_executed(use) && fnmatch(buffer_text(&pattern), use->path, flags) == 0) {
            *ret_path = use->path;
            break;
        }
    }
    return 0;
}

int write_audit(const PathUses *uses, const Policy *policy, Buffer *notes)
{
    const uint32_t writes = FILE_WRITE | FILE_APPEND | FILE_LINK;
    size_t found = 0;
    size_t work = 0;

    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        const char *path;
        if (rule->section != POLICY_FILES || rule->deny || (rule->access & writes) == 0)
            continue;
        if (find_executed(uses, rule, &work, &path) < 0)
            return -ENOMEM;
        if (!path || found++ >= NOTES_MAX)
            continue;
        (void)buffer_puts(notes, "writable and executable: the rule for ");
        (void)buffer_puts(notes, rule->name);
        (void)buffer_puts(notes, " lets ");
        (void)policy_pattern_append_literal(notes, path, strlen(path));
        (void)buffer_puts(notes, " be replaced, which the policy lets run\n");
    }
    if (found > NOTES_MAX)
        (void)buffer_printf(notes, "… and %zu more rules for what is executed\n",
                            found - NOTES_MAX);
    if (work >= WORK_MAX)
        (void)buffer_puts(notes,
                          "too many rules to look for all that can be written and executed\n");
    return notes->error;
}
