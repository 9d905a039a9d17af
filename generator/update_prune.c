/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stale rules. A rule is supported as a whole if anything that was seen falls under it, however
 * little of it: how broad a rule should be is for its author to say. What is listed was written
 * down by the first run of the recordings that are at hand; what came before they do not tell.
 */
#include "base/memory.h"
#include "generator/rule_cover.h"
#include "generator/update.h"

#include <errno.h>

static bool is_mount(const PolicyRule *rule)
{
    return rule->section == POLICY_TMPFS || rule->section == POLICY_VOLUMES;
}

/* 1 if RULE serves OTHER or a part of it, 0, or a negative errno. */
static int meets(const PolicyRule *rule, const PolicyRule *other)
{
    if (rule->section == POLICY_FILES)
        return file_rules_meet(rule, other);
    return rule_covers(rule, other) || rule_covers(other, rule);
}

static int is_supported(const PolicyRule *rule, const Policy *seen)
{
    /* Which kind of mount it is may be a choice. */
    const PolicySection from = is_mount(rule) ? POLICY_TMPFS : rule->section;
    const PolicySection to = is_mount(rule) ? POLICY_VOLUMES : rule->section;
    size_t first, end, unused;

    /* Most of them are there in the same words. */
    const PolicyRule *same = rule_find(seen, rule);
    if (same && (!rule->access || (rule_access(same) & rule_access(rule))))
        return 1;
    policy_range(seen, from, &first, &unused);
    policy_range(seen, to, &unused, &end);
    for (size_t i = first; i < end; i++) {
        const int r = policy_rule(seen, i)->deny ? 0 : meets(rule, policy_rule(seen, i));
        if (r != 0)
            return r;
    }
    return 0;
}

int policy_find_stale(const PolicyText *text, const Policy *seen, size_t **ret_places,
                      size_t *ret_count, Error *err)
{
    CLEANUP(free_pointer) size_t *places = NULL;
    const PolicyPlace *place;
    size_t count = 0;

    places = calloc(policy_text_places_count(text) + 1, sizeof *places);
    if (!places)
        return error_errno(err, -ENOMEM, "looking for stale rules");
    for (size_t i = 0; (place = policy_text_place(text, i)); i++) {
        const PolicyRule *rule = &place->rule;
        if (rule->deny || (is_mount(rule) && !policy_read_only_root(seen)))
            continue;
        const int r = is_supported(rule, seen);
        if (r < 0)
            return error_errno(err, r, "looking for stale rules");
        if (r == 0)
            places[count++] = i;
    }
    *ret_places = TAKE(places);
    *ret_count = count;
    return 0;
}

/* "not seen in 3 runs from 2024-05-01T12:00:00Z to 2024-06-01T12:00:00Z" */
static void print_since(Recording *recording, Buffer *out)
{
    const size_t count = recording_runs_count(recording);
    const char *first = NULL;
    const char *last = NULL;

    for (uint32_t i = 0; i < count; i++) {
        const char *start = recording_run(recording, i)->start;
        if (start && (!first || strcmp(start, first) < 0))
            first = start;
        if (start && (!last || strcmp(start, last) > 0))
            last = start;
    }
    (void)buffer_printf(out, "not seen in %s%zu run%s", count == 1 ? "the " : "", count,
                        count == 1 ? "" : "s");
    if (first && strcmp(first, last) == 0)
        (void)buffer_printf(out, " of %s", first);
    else if (first)
        (void)buffer_printf(out, " from %s to %s", first, last);
}

static void print_place(const PolicyText *text, const PolicyPlace *place, Buffer *out)
{
    const PolicyRule *rule = &place->rule;

    (void)buffer_printf(out, "  %s:%zu: %s: ", policy_text_name(text), place->line,
                        policy_section_name(rule->section));
    (void)policy_rule_print_item(rule, out);
    (void)buffer_puts(out, rule->keep ? " stays\n" : "\n");
}

int policy_prune(PolicyText *text, const Policy *seen, Recording *recording, bool remove,
                 size_t *ret_removable, Buffer *out, Error *err)
{
    CLEANUP(free_pointer) size_t *places = NULL;
    size_t count;
    size_t removable = 0;
    const int r = policy_find_stale(text, seen, &places, &count, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        removable += !policy_text_place(text, places[i])->rule.keep;
    if (count == 0)
        (void)buffer_puts(out, "No rule is stale: what was seen supports each\n");
    else
        (void)buffer_printf(out, "%zu rule%s ", count, count == 1 ? "" : "s");
    if (count > 0) {
        print_since(recording, out);
        (void)buffer_puts(out, remove ? ", removed:\n" : ":\n");
    }
    for (size_t i = 0; i < count; i++) {
        const PolicyPlace *place = policy_text_place(text, places[i]);
        print_place(text, place, out);
        if (remove && !place->rule.keep)
            policy_text_remove(text, places[i]);
    }
    *ret_removable = removable;
    return out->error ? error_errno(err, out->error, "listing stale rules") : 0;
}
