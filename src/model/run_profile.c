/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's own profile would have said, where it was not in force. */
#include "base/memory.h"
#include "model/recording.h"

#include <errno.h>

static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strcspn(at, " ") == length && strncmp(at, word, length) == 0)
            return true;
    }
    return false;
}

bool run_profile_denies(const Run *run, const char *name)
{
    const char *denies = run->profile_denies;

    if (!denies)
        return false;
    return *denies == '!' ? !has_word(denies[1] == ' ' ? denies + 2 : denies + 1, name)
                          : has_word(denies, name);
}

static bool was_denied(Recording *recording, const Fact *fact)
{
    for (size_t i = 0; i < fact->runs_count; i++) {
        if (run_profile_denies(recording_run(recording, fact->runs[i].run), fact->name))
            return true;
    }
    return false;
}

int recording_profile_denied(Recording *recording, Buffer *out)
{
    bool any = false;

    for (uint32_t i = 0; i < recording_runs_count(recording); i++)
        any = any || recording_run(recording, i)->profile_denies;
    if (!any)
        return 0;
    StringSet *seen = strset_new();
    int r = seen ? 0 : -ENOMEM;
    for (size_t i = 0; i < recording_facts_count(recording) && r == 0; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != FACT_SYSCALL || strset_find(seen, fact->name) ||
            !was_denied(recording, fact))
            continue;
        r = buffer_printf(out, "%s%s", strset_count(seen) > 0 ? " " : "", fact->name);
        if (r == 0 && !strset_add(seen, fact->name))
            r = -ENOMEM;
    }
    strset_free(seen);
    return r;
}
