/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is refused getpid() or fork() takes -1, or another error, for the number: kill()
 * of that is kill(-1). The rule for such a signal would grant what the program never needs, so
 * that the refused call is proposed alone; what is still sent when that is allowed is proposed by
 * the next run.
 */
#include "generator/pid_doubt.h"

#include <string.h>

static const PidCall *pid_call(const char *name)
{
    for (size_t i = 0; i < pid_calls_count; i++) {
        if (strcmp(pid_calls[i].call, name) == 0)
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
            const PidCall *call = refused->kind == FACT_SYSCALL ? pid_call(refused->name) : NULL;
            if (call && refused->subject && comes_from(fact, refused->subject))
                return call;
        }
    }
    return NULL;
}

void pid_doubt_mark(Findings *findings, const Findings *causes, const Recording *recording)
{
    for (size_t i = 0; i < findings->count; i++) {
        Finding *finding = &findings->items[i];
        const PidCall *call = NULL;
        bool all = finding->section == POLICY_SIGNALS && !finding->doubt;
        for (size_t k = 0; k < finding->facts_count && all; k++) {
            Fact view;
            const Fact *fact = recording_fact(recording, finding->facts[k], &view);
            call = is_wide_signal(fact) ? cause_of(fact, causes, recording) : NULL;
            all = call != NULL;
        }
        if (all)
            finding->doubt = call;
    }
}
