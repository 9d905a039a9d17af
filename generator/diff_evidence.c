/* SPDX-License-Identifier: Apache-2.0 */
/* Who needed what became allowed: the facts of a recording that it would let happen. */
#include "generator/diff_private.h"

#include "base/memory.h"

#include <errno.h>

/* The kind of fact that is behind a section; -1. */
static int kind_of_section(const char *section)
{
    static const struct {
        const char *section;
        FactKind kind;
    } kinds[] = {
        {"syscalls", FACT_SYSCALL}, {"capabilities", FACT_CAPABILITY},
        {"files", FACT_FILE},       {"network", FACT_NETWORK},
        {"unix", FACT_UNIX},        {"signals", FACT_SIGNAL},
        {"ptrace", FACT_PTRACE},    {"mounts", FACT_MOUNT},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (strcmp(kinds[i].section, section) == 0)
            return (int)kinds[i].kind;
    }
    return -1;
}

static bool has_name(const Fact *fact, const char *name)
{
    const char *family = fact_text(fact, FIELD_FAMILY);
    const char *instead = fact_text(fact, FIELD_ALTERNATIVE);

    return strcmp(fact->name, name) == 0 || (family && strcmp(family, name) == 0) ||
           (instead && strcmp(instead, name) == 0);
}

static int add_witness(Diff *diff, Change *change, const Fact *fact)
{
    CLEANUP(buffer_deinit) Buffer labels = BUFFER_INIT;

    for (size_t i = 0; i < change->who_count && i < DIFF_WITNESSES_MAX; i++) {
        if (strcmp(change->who[i].subject, fact->subject) == 0) {
            change->who[i].count += fact_count(fact);
            return 0;
        }
    }
    if (change->who_count++ >= DIFF_WITNESSES_MAX)
        return 0;
    for (size_t i = 0; i < fact->labels_count && i < 8; i++)
        (void)buffer_printf(&labels, "%s%s", i ? " " : "", fact->labels[i]);
    DiffWitness *witness = &change->who[change->who_count - 1];
    *witness = (DiffWitness){
        .subject = diff_text(diff, fact->subject),
        .syscall = diff_text(diff, fact->first.syscall),
        .command = diff_text(diff, fact->first.command),
        .labels = labels.length ? diff_text(diff, buffer_text(&labels)) : NULL,
        .count = fact_count(fact),
    };
    return witness->subject ? 0 : -ENOMEM;
}

/* The call of FACT, with its arguments, is one that FRESH lets through and OLD does not, in a
 * container with some or with all capabilities. What was not recorded of the arguments is 0. */
static bool is_let_through(const Fact *fact, const DiffFilters *filters)
{
    const char *name = fact_text(fact, FIELD_ARCH);
    const int arch = name ? arch_from_name(name) : -1;
    const uint64_t caps[] = {docker_capabilities(), UINT64_MAX};

    if (!filters->old || !filters->fresh || arch < 0)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(caps); i++) {
        const SeccompPlace place = {(Arch)arch, caps[i], UINT32_MAX};
        const SeccompAnswer before =
            seccomp_profile_answer(filters->old, &place, fact->name, fact->args);
        const SeccompAnswer after =
            seccomp_profile_answer(filters->fresh, &place, fact->name, fact->args);
        if (seccomp_answer_rank(after) > seccomp_answer_rank(before))
            return true;
    }
    return false;
}

static int find_witnesses(Diff *diff, Change *change, const Recording *recording,
                          const DiffFilters *filters)
{
    const int kind = kind_of_section(change->section);
    CLEANUP(glob_set_cleanup) GlobSet *set = NULL;
    size_t id = 0;
    Fact view;
    int r = 0;

    if (kind < 0)
        return 0;
    if (kind == FACT_FILE) {
        set = glob_set_new();
        if (!set)
            return -ENOMEM;
        if (glob_set_add(set, GLOB_POLICY, change->name, &id, NULL) < 0)
            return 0;
    }
    for (size_t i = 0; i < recording_facts_count(recording) && r == 0; i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != (FactKind)kind ||
            (kind == FACT_SYSCALL && !is_let_through(fact, filters)))
            continue;
        if (set ? glob_set_matches(set, id, fact->name, strlen(fact->name)) == 1
                : has_name(fact, change->name))
            r = add_witness(diff, change, fact);
    }
    return r;
}

int diff_witnesses(Diff *diff, const Recording *recording, const DiffFilters *filters)
{
    int r = 0;

    for (size_t i = 0; i < diff->count && r == 0; i++) {
        if (diff->changes[i].kind == DIFF_ALLOWED)
            r = find_witnesses(diff, &diff->changes[i], recording, filters);
    }
    return r;
}
