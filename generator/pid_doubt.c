/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is refused getpid() or fork() takes -1, or another error, for the number: kill()
 * of that is kill(-1). The rule for such a signal would grant what the program never needs, so
 * that the refused call is proposed alone; what is still sent when that is allowed is proposed by
 * the next run. So is what such a program writes when its signal was refused, too: an error message
 * that it never writes otherwise.
 */
#include "generator/pid_doubt.h"

#include "base/memory.h"
#include "generator/rule_cover.h"

#include <string.h>

/* Is FACT a call of ROW? */
static bool is_call_of(const Fact *fact, const PidCall *row)
{
    const size_t length = strcspn(row->call, " ");
    PolicyRule need = {
        .section = POLICY_SYSCALLS, .name = fact->name, .args_present = fact->args_present};
    PolicyRule rule;

    if (strncmp(row->call, fact->name, length) != 0 || fact->name[length] != '\0')
        return false;
    if (row->call[length] == '\0')
        return true;
    CLEANUP(policy_cleanup) Policy *scratch = policy_new();
    memcpy(need.args, fact->args, sizeof need.args);
    return scratch &&
           policy_rule_parse(POLICY_SYSCALLS, row->call, policy_strings(scratch), &rule, NULL) ==
               0 &&
           rule_covers(&rule, &need);
}

static const PidCall *pid_call(const Fact *fact)
{
    for (size_t i = 0; i < pid_calls_count; i++) {
        if (is_call_of(fact, &pid_calls[i]))
            return &pid_calls[i];
    }
    return NULL;
}

/* Is FACT a signal to whoever happens to be meant by a number that is none? */
static bool is_wide_signal(const Fact *fact)
{
    const char *target = fact->kind == FACT_SIGNAL ? fact_text(fact, FIELD_TARGET) : NULL;

    return target && (strcmp(target, "all") == 0 || strcmp(target, "group") == 0);
}

/* FACT is of PROGRAM or of one that descends from it. */
static bool comes_from(const Fact *fact, const char *program)
{
    bool found = fact->subject && strcmp(fact->subject, program) == 0;

    for (size_t i = 0; i < fact->first.depth && !found; i++)
        found = fact->first.ancestry[i] && strcmp(fact->first.ancestry[i], program) == 0;
    return found;
}

/* The call of CAUSES that whoever did FACT was refused; NULL: none. */
static const PidCall *cause_of(const Fact *fact, const Findings *causes, const Recording *recording)
{
    for (size_t i = 0; i < causes->count; i++) {
        const Finding *cause = &causes->items[i];
        for (size_t k = 0; k < cause->facts_count && cause->refused; k++) {
            Fact view;
            const Fact *refused = recording_fact(recording, cause->facts[k], &view);
            const PidCall *call = refused->kind == FACT_SYSCALL ? pid_call(refused) : NULL;
            if (call && refused->subject && comes_from(fact, refused->subject))
                return call;
        }
    }
    return NULL;
}

/* Is FACT of a program, or of one that descends from it, that sent a signal which is in doubt? */
static bool is_after_doubt(const Fact *fact, const Findings *findings, const Recording *recording)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        for (size_t k = 0; k < finding->facts_count; k++) {
            Fact view;
            const Fact *sent = recording_fact(recording, finding->facts[k], &view);
            if (finding->section == POLICY_SIGNALS && finding->doubt && finding->refused &&
                sent->subject && comes_from(fact, sent->subject))
                return true;
        }
    }
    return false;
}

/* What FACT is in doubt for; NULL: nothing. */
static const PidCall *doubt_of(const Fact *fact, const Findings *findings, const Findings *causes,
                               const Recording *recording)
{
    const bool written = fact->kind == FACT_SYSCALL &&
                         (strcmp(fact->name, "write") == 0 || strcmp(fact->name, "writev") == 0);

    if (!is_wide_signal(fact) && !(written && is_after_doubt(fact, findings, recording)))
        return NULL;
    return cause_of(fact, causes, recording);
}

static void mark(Finding *finding, const Findings *findings, const Findings *causes,
                 const Recording *recording)
{
    const PidCall *call = NULL;

    if (finding->doubt || finding->facts_count == 0)
        return;
    for (size_t k = 0; k < finding->facts_count; k++) {
        Fact view;
        call = doubt_of(recording_fact(recording, finding->facts[k], &view), findings, causes,
                        recording);
        if (!call)
            return;
    }
    finding->doubt = call;
}

void pid_doubt_mark(Findings *findings, const Findings *causes, const Recording *recording)
{
    static const PolicySection order[] = {POLICY_SIGNALS, POLICY_SYSCALLS};

    for (size_t step = 0; step < ARRAY_LENGTH(order); step++) {
        for (size_t i = 0; i < findings->count; i++) {
            if (findings->items[i].section == order[step])
                mark(&findings->items[i], findings, causes, recording);
        }
    }
}
