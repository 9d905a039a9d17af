/* SPDX-License-Identifier: Apache-2.0 */
/* What `whittle verify --minimal` found: for a person, for a program, and as a change of the
 * policy. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/output.h"
#include "cli/verify_minimal.h"
#include "generator/unified_diff.h"
#include "model/policy_text.h"

#include <errno.h>

enum { POLICY_MAX = 64 << 20 };

static size_t count_between(const Minimal *minimal, Verdict verdict, size_t first, size_t end)
{
    size_t count = 0;

    for (size_t i = first; i < end; i++)
        count += minimal->proofs[i].verdict == verdict;
    return count;
}

static size_t count_of(const Minimal *minimal, Verdict verdict)
{
    return count_between(minimal, verdict, 0, minimal->units.rules);
}

/* Letters of rules that go, or are not tried themselves, are nobody's concern. */
static bool is_of_concern(const Minimal *minimal, size_t index)
{
    const Verdict whole = minimal->proofs[minimal->units.items[index].whole].verdict;

    return is_rule(minimal, index) || whole == VERDICT_NEEDED || whole == VERDICT_TOLERATED;
}

static size_t letters_of(const Minimal *minimal, Verdict verdict)
{
    size_t count = 0;

    for (size_t i = minimal->units.rules; i < minimal->count; i++)
        count += is_of_concern(minimal, i) &&
                 (verdict == VERDICT_COUNT || minimal->proofs[i].verdict == verdict);
    return count;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_evidence(const Minimal *minimal, const Proof *proof, const char *reason,
                           Buffer *out)
{
    if (proof->verdict == VERDICT_NEEDED) {
        if (proof->timed_out)
            (void)buffer_puts(out, "      without it the command does not end");
        else if (proof->output_differs && proof->exit_status == minimal->expected)
            (void)buffer_puts(
                out, "      without it the command writes something else to standard output");
        else if (proof->errors_differ && proof->exit_status == minimal->expected)
            (void)buffer_puts(
                out, "      without it the command writes something else to standard error");
        else
            (void)buffer_printf(out,
                                "      without it the command ends with status %d instead of %d",
                                proof->exit_status, minimal->expected);
        if (proof->last_words)
            (void)buffer_printf(out, ": %s", proof->last_words);
        (void)buffer_putc(out, '\n');
    }
    if (proof->denied)
        (void)buffer_printf(out, "      refused: %s\n", proof->denied);
    if (proof->stands_in)
        (void)buffer_printf(out, "      %s: %s\n",
                            proof->verdict == VERDICT_NEEDED ? "once this is gone"
                                                             : "but not together with",
                            proof->stands_in);
    if (proof->smaller)
        (void)buffer_printf(out, "      %s is enough instead\n", proof->smaller);
    if (proof->verdict == VERDICT_UNNEEDED && proof->elsewhere)
        (void)buffer_puts(out, "      another command needs it\n");
    if (proof->verdict == VERDICT_UNNEEDED && reason)
        (void)buffer_printf(out, "      its reason stands: %s\n", reason);
}

/* The letters of the rule INDEX that are as it is, in one line. */
static void print_same_letters(const Minimal *minimal, size_t index, Buffer *out)
{
    const MinimiseUnit *unit = &minimal->units.items[index];
    const Verdict verdict = minimal->proofs[index].verdict;
    const char *before = verdict == VERDICT_NEEDED ? "      letters that are needed:"
                                                   : "      letters that are tolerated:";

    for (size_t i = unit->letters; i < unit->letters_end; i++) {
        if (minimal->proofs[i].verdict != verdict)
            continue;
        (void)buffer_printf(out, "%s ", before);
        (void)minimise_print_letter(&minimal->units, i, out);
        before = ",";
    }
    if (*before == ',')
        (void)buffer_putc(out, '\n');
}

/* Is INDEX a letter of which the line of its rule tells? */
static bool is_told_with_rule(const Minimal *minimal, size_t index)
{
    const Verdict whole = minimal->proofs[minimal->units.items[index].whole].verdict;

    return !is_rule(minimal, index) && minimal->proofs[index].verdict == whole;
}

static void print_unit(const Minimal *minimal, size_t index, Buffer *out)
{
    const Proof *proof = &minimal->proofs[index];
    const PolicyRule *rule = rule_of(minimal, index);

    (void)buffer_printf(out, "  %s: ", policy_section_name(rule->section));
    (void)minimise_print(&minimal->units, index, out);
    if (proof->verdict == VERDICT_UNTRIED)
        (void)buffer_printf(out, "   (%s)", proof->why);
    (void)buffer_puts(out, rule->keep ? "   (keep)\n" : "\n");
    print_evidence(minimal, proof, rule->reason, out);
    if (proof->verdict == VERDICT_NEEDED || proof->verdict == VERDICT_TOLERATED)
        print_same_letters(minimal, index, out);
}

static void print_units(const Minimal *minimal, Verdict verdict, const char *title, Buffer *out)
{
    if (count_of(minimal, verdict) + letters_of(minimal, verdict) == 0)
        return;
    (void)buffer_printf(out, "\n%s:\n", title);
    for (size_t i = 0; i < minimal->count; i++) {
        if (minimal->proofs[i].verdict == verdict && is_of_concern(minimal, i) &&
            !is_told_with_rule(minimal, i))
            print_unit(minimal, i, out);
    }
}

static void print_letters_count(const Minimal *minimal, Buffer *out)
{
    const size_t count = letters_of(minimal, VERDICT_COUNT);

    if (count == 0)
        return;
    (void)buffer_printf(
        out, "\nOf %zu letters of file rules %zu are needed, %zu tolerated, %zu unneeded", count,
        letters_of(minimal, VERDICT_NEEDED), letters_of(minimal, VERDICT_TOLERATED),
        letters_of(minimal, VERDICT_UNNEEDED));
    if (letters_of(minimal, VERDICT_UNTRIED) > 0)
        (void)buffer_printf(out, ", %zu not tried", letters_of(minimal, VERDICT_UNTRIED));
    if (letters_of(minimal, VERDICT_NONE) > 0)
        (void)buffer_printf(out, ", %zu still open", letters_of(minimal, VERDICT_NONE));
}

static int minimal_text(const Minimal *minimal, Buffer *out)
{
    size_t earlier = 0;

    for (size_t i = 0; i < minimal->units.rules; i++)
        earlier += minimal->proofs[i].earlier;
    (void)buffer_printf(out,
                        "Policy %s: of %zu rules %zu are needed, %zu tolerated when missing, %zu "
                        "unneeded, %zu not tried",
                        minimal->policy_path, minimal->units.rules,
                        count_of(minimal, VERDICT_NEEDED), count_of(minimal, VERDICT_TOLERATED),
                        count_of(minimal, VERDICT_UNNEEDED), count_of(minimal, VERDICT_UNTRIED));
    if (count_of(minimal, VERDICT_NONE) > 0)
        (void)buffer_printf(out, ", %zu still open", count_of(minimal, VERDICT_NONE));
    print_letters_count(minimal, out);
    (void)buffer_printf(out, "\n%u run%s", minimal->runs, minimal->runs == 1 ? "" : "s");
    if (earlier > 0)
        (void)buffer_printf(out, "; %zu rule%s proven before", earlier,
                            earlier == 1 ? " was" : "s were");
    if (minimal->unsteady > 0)
        (void)buffer_printf(out, "; %u failed with nothing refused, and passed when repeated",
                            minimal->unsteady);
    (void)buffer_printf(out, "\nCompared: exit status%s%s%s\n",
                        minimal->compares_output ? ", standard output" : "",
                        minimal->compares_errors ? ", standard error" : "",
                        minimal->compares_output && minimal->compares_errors
                            ? ""
                            : " (what else it writes differs from run to run)");
    print_units(minimal, VERDICT_UNNEEDED, "Unneeded, all of them together", out);
    print_units(minimal, VERDICT_TOLERATED,
                minimal->together
                    ? "Tolerated: refused one by one, and all together, the command does the same"
                    : "Tolerated: refused one by one, the command does the same",
                out);
    print_units(minimal, VERDICT_NEEDED, "Needed", out);
    print_units(minimal, VERDICT_UNTRIED, "Not tried", out);
    print_units(minimal, VERDICT_NONE, "Still open", out);
    return out->error;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *unit_json(const Minimal *minimal, size_t index)
{
    const Proof *proof = &minimal->proofs[index];
    json_t *json = proof_json(minimal, index);

    (void)json_object_set_new(json, "proposed", json_boolean(minimal_proposes(minimal, index)));
    (void)json_object_set_new(json, "earlier", json_boolean(proof->earlier));
    if (proof->why)
        (void)json_object_set_new(json, "why", json_string(proof->why));
    if (proof->smaller)
        (void)json_object_set_new(json, "smaller", json_string(proof->smaller));
    return json;
}

static json_t *rule_json(const Minimal *minimal, size_t index)
{
    const MinimiseUnit *unit = &minimal->units.items[index];
    json_t *json = unit_json(minimal, index);
    json_t *letters = json_array();

    for (size_t i = unit->letters; i < unit->letters_end; i++) {
        if (is_of_concern(minimal, i))
            (void)json_array_append_new(letters, unit_json(minimal, i));
    }
    if (json_array_size(letters) > 0)
        (void)json_object_set(json, "letters", letters);
    json_decref(letters);
    return json;
}

static int minimal_json(const Minimal *minimal, Buffer *out)
{
    CLEANUP(json_decrefp) json_t *root = NULL;
    CLEANUP(free_pointer) char *text = NULL;
    json_t *rules = json_array();
    bool ok = minimal->stopped == 0 && minimal->confirmed;

    for (size_t i = 0; i < minimal->units.rules; i++)
        (void)json_array_append_new(rules, rule_json(minimal, i));
    for (size_t i = 0; i < minimal->count; i++)
        ok &= !minimal_proposes(minimal, i);
    root = json_pack("{s:s,s:i,s:s,s:b,s:b,s:i,s:b,s:b,s:i,s:i,s:o}", "whittle", "verify-minimal",
                     "format", 1, "policy", minimal->policy_path, "ok", ok, "complete",
                     minimal->stopped == 0, "expected_status", minimal->expected, "output_compared",
                     minimal->compares_output, "errors_compared", minimal->compares_errors, "runs",
                     (int)minimal->runs, "unsteady", (int)minimal->unsteady, "rules", rules);
    text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (!text)
        return -ENOMEM;
    return buffer_printf(out, "%s\n", text);
}

/* ---- the proposal --------------------------------------------------------------------------- */

/* What is proposed to go: the letters of the rule INDEX; 0 none. */
static uint32_t letters_to_go(const Minimal *minimal, size_t index)
{
    const MinimiseUnit *unit = &minimal->units.items[index];
    uint32_t access = 0;

    for (size_t i = unit->letters; i < unit->letters_end; i++)
        access |= minimal_proposes(minimal, i) ? rule_of(minimal, i)->access : 0;
    return access;
}

/* Takes ACCESS, or all of it, from RULE wherever it stands in TEXT. */
static void take_from(PolicyText *text, const PolicyRule *rule, uint32_t access, bool all)
{
    for (size_t i = 0; i < policy_text_places_count(text); i++) {
        const PolicyPlace *place = policy_text_place(text, i);
        if (place->rule.section != rule->section || policy_rule_compare(&place->rule, rule) != 0)
            continue;
        if (all || (place->rule.access & ~access) == 0)
            policy_text_remove(text, i);
        else
            policy_text_set_access(text, i, place->rule.access & ~access);
    }
}

/* Takes what is proposed to go out of TEXT. *RET_COUNT is how many rules. */
static int change(const Minimal *minimal, PolicyText *text, size_t *ret_count)
{
    int r = 0;

    *ret_count = 0;
    for (size_t i = 0; i < minimal->units.rules && r == 0; i++) {
        const char *smaller = minimal->proofs[i].smaller;
        const bool goes = minimal_proposes(minimal, i) || smaller;
        const uint32_t letters = letters_to_go(minimal, i);
        if (!goes && letters == 0)
            continue;
        take_from(text, rule_of(minimal, i), letters, goes);
        if (smaller)
            r = policy_text_add(text,
                                &(PolicyRule){.section = POLICY_CAPABILITIES, .name = smaller});
        ++*ret_count;
    }
    return r;
}

static int write_fix(const Minimal *minimal, const char *path, Error *err)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    CLEANUP(buffer_deinit) Buffer old = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer fresh = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer diff = BUFFER_INIT;
    size_t count;

    int r = read_file(minimal->policy_path, &old, POLICY_MAX, err);
    if (r == 0)
        r = policy_text_parse(minimal->policy_path, buffer_text(&old), old.length, &text, err);
    if (r < 0)
        return r;
    r = change(minimal, text, &count);
    if (r == 0 && count > 0)
        r = policy_text_print(text, &fresh);
    if (r == 0 && count > 0)
        r = unified_diff(minimal->policy_path, buffer_text(&old), buffer_text(&fresh), &diff);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    r = write_file_atomic(path, buffer_text(&diff), diff.length, err);
    if (r == 0 && count == 0)
        message("no change is proposed: the diff is empty");
    else if (r == 0 && strcmp(path, "-") != 0)
        message("%zu change%s proposed in %s: `patch %s %s` makes %s", count, count == 1 ? "" : "s",
                path, minimal->policy_path, path, count == 1 ? "it" : "them");
    return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

int minimal_report(const Minimal *minimal, Error *err)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const Parsed *parsed = minimal->setup.parsed;
    const char *path = parsed_value(parsed, "output", NULL);
    const char *fix = parsed_value(parsed, "fix", NULL);
    const bool json = strcmp(parsed_value(parsed, "format", "text"), "json") == 0;

    int r = json ? minimal_json(minimal, &out) : minimal_text(minimal, &out);
    if (r < 0)
        return error_errno(err, r, "writing the report");
    r = path ? write_file_atomic(path, buffer_text(&out), out.length, err)
             : output_buffer(&out, err);
    return r == 0 && fix ? write_fix(minimal, fix, err) : r;
}
