/* SPDX-License-Identifier: Apache-2.0 */
/* What of a policy is taken away by itself: rules, and letters of file rules. */
#include "base/memory.h"
#include "generator/minimise.h"

#include <errno.h>

static const uint32_t letters[] = {FILE_READ, FILE_WRITE,     FILE_APPEND,  FILE_LINK,
                                   FILE_LOCK, FILE_MMAP_EXEC, FILE_ANY_EXEC};

static int add(MinimiseUnits *units, const PolicyRule *rule, size_t whole)
{
    if (array_reserve(&units->items, &units->capacity, units->count, sizeof *units->items) < 0)
        return -ENOMEM;
    units->items[units->count++] = (MinimiseUnit){.rule = *rule, .whole = whole};
    return 0;
}

static int add_letters(MinimiseUnits *units, size_t whole)
{
    PolicyRule rule = units->items[whole].rule;
    const uint32_t access = rule.access;
    /* What may be linked to is said with l and cannot be said without. */
    const uint32_t stays = rule.target ? FILE_LINK : 0;
    int r = 0;

    rule.target = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(letters) && r == 0; i++) {
        rule.access = access & letters[i] & ~stays;
        if (rule.access != 0 && rule.access != access)
            r = add(units, &rule, whole);
    }
    return r;
}

int minimise_units_make(const Policy *policy, MinimiseUnits *ret_units)
{
    MinimiseUnits units = {.policy = policy, .rules = policy_rules_count(policy)};
    int r = 0;

    for (size_t i = 0; i < units.rules && r == 0; i++)
        r = add(&units, policy_rule(policy, i), i);
    for (size_t i = 0; i < units.rules && r == 0; i++) {
        units.items[i].letters = units.count;
        if (units.items[i].rule.section == POLICY_FILES)
            r = add_letters(&units, i);
        units.items[i].letters_end = units.count;
    }
    if (r < 0)
        minimise_units_deinit(&units);
    else
        *ret_units = units;
    return r;
}

void minimise_units_deinit(MinimiseUnits *units)
{
    free(units->items);
    *units = (MinimiseUnits){.count = 0};
}

uint32_t minimise_letters_left(const MinimiseUnits *units, size_t rule, const bool *taken)
{
    const MinimiseUnit *unit = &units->items[rule];
    uint32_t access = taken[rule] ? 0 : unit->rule.access;

    for (size_t i = unit->letters; i < unit->letters_end; i++)
        access &= taken[i] ? ~units->items[i].rule.access : UINT32_MAX;
    return access;
}

int minimise_print_letter(const MinimiseUnits *units, size_t index, Buffer *out)
{
    const PolicyRule letter = {
        .section = POLICY_FILES, .name = "", .access = units->items[index].rule.access};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (policy_rule_print(&letter, &text) < 0)
        return -ENOMEM;
    return buffer_puts(out, buffer_text(&text) + strspn(buffer_text(&text), " "));
}

int minimise_print(const MinimiseUnits *units, size_t index, Buffer *out)
{
    const size_t whole = units->items[index].whole;

    if (whole != index) {
        (void)minimise_print_letter(units, index, out);
        (void)buffer_puts(out, " of ");
    }
    return policy_rule_print(&units->items[whole].rule, out);
}
