/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/minimise.h"

#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/knowledge.h"
#include "generator/rule_cover.h"

#include <errno.h>

/* ---- policies with rules taken away --------------------------------------------------------- */

static int copy_settings(const Policy *from, Policy *into)
{
    int r = policy_name(from) ? policy_set_name(into, policy_name(from)) : 0;

    for (size_t i = 0; i < policy_runtimes_count(from) && r == 0; i++)
        r = policy_add_runtime(into, policy_runtime(from, i));
    policy_set_archs(into, policy_archs(from));
    policy_set_deny_action(into, policy_deny_action(from));
    policy_set_no_new_privs(into, policy_no_new_privs(from));
    policy_set_read_only_root(into, policy_read_only_root(from));
    return r;
}

int minimise_without(const MinimiseUnits *units, const bool *taken, Policy **ret_policy)
{
    CLEANUP(policy_cleanup) Policy *left = policy_new();

    int r = left ? copy_settings(units->policy, left) : -ENOMEM;
    for (size_t i = 0; i < units->rules && r == 0; i++) {
        PolicyRule rule = units->items[i].rule;
        const bool gone = taken[i] || (rule.access != 0 &&
                                       !(rule.access = minimise_letters_left(units, i, taken)));
        r = gone ? 0 : policy_add(left, &rule);
    }
    if (r < 0)
        return r;
    policy_sort(left);
    *ret_policy = TAKE(left);
    return 0;
}

/* ---- what a run needed ---------------------------------------------------------------------- */

static bool is_known(const Findings *known, const Finding *finding)
{
    for (size_t i = 0; known && i < known->count; i++) {
        const Finding *other = &known->items[i];
        if (other->section == finding->section && strcmp(other->rule, finding->rule) == 0)
            return true;
    }
    return false;
}

/* Does RULE allow some of what NEED, of the same section, is about? 1, 0 or a negative errno. */
static int allows(const PolicyRule *rule, const PolicyRule *need)
{
    if (rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG)
        return 0;
    return need->section == POLICY_FILES ? file_rules_meet(rule, need) : rule_covers(rule, need);
}

/* Adds to HIT those of the units from FIRST to END, of AMONG, that allow some of NEED. */
static int hit_units(const MinimiseUnits *units, size_t first, size_t end, const PolicyRule *need,
                     const bool *among, bool *hit)
{
    for (size_t i = first; i < end; i++) {
        if ((among && !among[i]) || hit[i])
            continue;
        const int r = allows(&units->items[i].rule, need);
        if (r < 0)
            return r;
        hit[i] = r > 0;
    }
    return 0;
}

int minimise_hits(const Findings *findings, const Findings *known, const MinimiseUnits *units,
                  const bool *among, bool *hit, Error *err)
{
    CLEANUP(policy_cleanup) Policy *scratch = policy_new();

    if (!scratch)
        return error_errno(err, ENOMEM, "comparing with the policy");
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        PolicyRule need;
        size_t first;
        size_t end;
        if (finding->foreign || is_known(known, finding))
            continue;
        int r =
            policy_rule_parse(finding->section, finding->rule, policy_strings(scratch), &need, err);
        if (r < 0)
            return r;
        policy_range(units->policy, finding->section, &first, &end);
        r = hit_units(units, first, end, &need, among, hit);
        if (r == 0 && finding->section == POLICY_FILES)
            r = hit_units(units, units->rules, units->count, &need, among, hit);
        if (r < 0)
            return error_errno(err, r, "comparing with the policy");
    }
    return 0;
}

int minimise_used(Recording *recording, const MinimiseUnits *units, uint32_t sections, bool *used,
                  Error *err)
{
    CLEANUP(findings_deinit) Findings needs = {0};
    CLEANUP(policy_cleanup) Policy *nothing = policy_new();

    if (!nothing || copy_settings(units->policy, nothing) < 0)
        return error_errno(err, ENOMEM, "comparing with the policy");
    const int r = judge(recording, nothing, sections, &needs, err);
    return r < 0 ? r : minimise_hits(&needs, NULL, units, NULL, used, err);
}

/* What only the letter INDEX of its rule grants. */
static uint32_t only_by(const MinimiseUnits *units, size_t index)
{
    const MinimiseUnit *unit = &units->items[index];
    PolicyRule rest = units->items[unit->whole].rule;

    rest.access &= ~unit->rule.access;
    return rule_access(&unit->rule) & ~rule_access(&rest);
}

/* Leaves of SAME, the letters of RULE, those that each fact of FINDING needs. */
static void keep_common(const Recording *recording, const Finding *finding,
                        const MinimiseUnits *units, size_t rule, bool *same)
{
    const MinimiseUnit *unit = &units->items[rule];

    for (size_t k = 0; k < finding->facts_count; k++) {
        Fact view;
        const Fact *fact = recording_fact(recording, finding->facts[k], &view);
        const PolicyRule asked = {.access = infer_path_letters(fact)};
        if ((rule_access(&asked) & rule_access(&unit->rule)) == 0)
            continue;
        for (size_t i = unit->letters; i < unit->letters_end; i++)
            same[i] &= (asked.access & only_by(units, i)) != 0;
    }
}

int minimise_same(const Recording *recording, const Findings *findings, const Findings *known,
                  const MinimiseUnits *units, size_t rule, bool *same, Error *err)
{
    const MinimiseUnit *unit = &units->items[rule];
    bool any = false;

    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        const Findings one = {.items = &findings->items[i], .count = 1};
        CLEANUP(free_pointer) bool *hit = calloc(units->count + 1, sizeof *hit);
        if (finding->section != POLICY_FILES)
            continue;
        if (!hit)
            return error_errno(err, ENOMEM, "comparing with the policy");
        const int r = minimise_hits(&one, known, units, NULL, hit, err);
        if (r < 0)
            return r;
        if (!hit[rule])
            continue;
        for (size_t k = unit->letters; k < unit->letters_end; k++)
            same[k] = hit[k] && (same[k] || !any);
        any = true;
        keep_common(recording, finding, units, rule, same);
    }
    return 0;
}

/* ---- what may stand in for a rule ----------------------------------------------------------- */

/* Is A one of the calls that do the same as B? */
static bool does_the_same(const char *a, const char *b)
{
    for (size_t i = 0; i < equivalent_calls_count; i++) {
        const EquivalentCalls *row = &equivalent_calls[i];
        if (row->because[0] != '/' && has_word(row->because, a) && has_word(row->because, b))
            return true;
    }
    return false;
}

static int is_related(const PolicyRule *a, const PolicyRule *b)
{
    if (a->section == POLICY_SYSCALLS &&
        (strcmp(a->name, b->name) == 0 || does_the_same(a->name, b->name)))
        return 1;
    if (a->section == POLICY_FILES)
        return file_rules_meet(a, b);
    return rule_covers(a, b) || rule_covers(b, a);
}

static int relate(const MinimiseUnits *units, size_t index, size_t first, size_t end, bool *related)
{
    const MinimiseUnit *unit = &units->items[index];

    for (size_t i = first; i < end; i++) {
        const MinimiseUnit *other = &units->items[i];
        const int r = other->whole == unit->whole ? 0 : is_related(&unit->rule, &other->rule);
        if (r < 0)
            return r;
        related[i] |= r > 0;
    }
    return 0;
}

int minimise_related(const MinimiseUnits *units, size_t index, bool *related)
{
    const PolicySection section = units->items[index].rule.section;
    size_t first;
    size_t end;

    policy_range(units->policy, section, &first, &end);
    const int r = relate(units, index, first, end, related);
    return r < 0 || section != POLICY_FILES
               ? r
               : relate(units, index, units->rules, units->count, related);
}

/* ---- refusing by what a call would do ------------------------------------------------------- */

enum {
    REFUSED_BY_FACT = 1u << POLICY_FILES | 1u << POLICY_NETWORK | 1u << POLICY_UNIX |
                      1u << POLICY_SIGNALS | 1u << POLICY_PTRACE | 1u << POLICY_MOUNTS,
};

/* What was asked before is answered as it was then. */
struct Withheld {
    const Policy *whole, *left;
    uint32_t sections;
    Recording *allowed, *refused;
};

/* An empty recording with a run, NULL without memory. */
static Recording *new_facts(void)
{
    const Run run = {.id = "0", .exit_status = -1};
    Recording *facts = recording_new();
    uint32_t index;

    if (facts && recording_add_run(facts, &run, &index) < 0)
        facts = recording_free(facts);
    return facts;
}

Withheld *withheld_new(const Policy *whole, const Policy *left, uint32_t sections)
{
    Withheld *withheld = malloc(sizeof *withheld);

    if (!withheld)
        return NULL;
    *withheld = (Withheld){.whole = whole,
                           .left = left,
                           .sections = sections & REFUSED_BY_FACT,
                           .allowed = new_facts(),
                           .refused = new_facts()};
    return withheld->allowed && withheld->refused ? withheld : withheld_free(withheld);
}

Withheld *withheld_free(Withheld *withheld)
{
    if (!withheld)
        return NULL;
    withheld->allowed = recording_free(withheld->allowed);
    withheld->refused = recording_free(withheld->refused);
    free(withheld);
    return NULL;
}

/* Is FACT outside POLICY? 1, 0 or a negative errno. */
static int is_outside(const Fact *fact, const Policy *policy, uint32_t sections)
{
    CLEANUP(recording_cleanup) Recording *alone = new_facts();
    CLEANUP(findings_deinit) Findings findings = {0};
    StoredFact *stored;

    if (!alone || recording_add(alone, fact, 0, 1, NULL, &stored) < 0 ||
        recording_sort(alone) < 0 || judge(alone, policy, sections, &findings, NULL) < 0)
        return -ENOMEM;
    return findings.count > 0;
}

/* Is it a signal to every process that there is? */
static bool is_broadcast(const Fact *fact)
{
    const char *target = fact->kind == FACT_SIGNAL ? fact_text(fact, FIELD_TARGET) : NULL;

    return target && strcmp(target, "all") == 0 && strcmp(fact->name, "exists") != 0;
}

int withheld_refusal(void *data, const Fact *fact)
{
    static const uint32_t sections_of[FACT_KIND_COUNT] = {
        [FACT_FILE] = 1u << POLICY_FILES,      [FACT_EXEC] = 1u << POLICY_FILES,
        [FACT_NETWORK] = 1u << POLICY_NETWORK, [FACT_UNIX] = 1u << POLICY_UNIX,
        [FACT_SIGNAL] = 1u << POLICY_SIGNALS,  [FACT_PTRACE] = 1u << POLICY_PTRACE,
        [FACT_MOUNT] = 1u << POLICY_MOUNTS,
    };
    Withheld *withheld = data;
    const uint32_t sections =
        sections_of[fact->kind] & (is_broadcast(fact) ? UINT32_MAX : withheld->sections);
    StoredFact *kept;

    if (sections == 0 || recording_find(withheld->allowed, fact))
        return 0;
    if (recording_find(withheld->refused, fact))
        return EACCES;
    Fact would_be = *fact;
    results_add(&would_be.results, RESULT_OK);
    const bool refuse =
        is_outside(&would_be, withheld->left, sections) == 1 &&
        (fact->kind == FACT_SIGNAL || is_outside(&would_be, withheld->whole, sections) == 0);
    (void)recording_add(refuse ? withheld->refused : withheld->allowed, fact, 0, 1, NULL, &kept);
    return refuse ? EACCES : 0;
}
