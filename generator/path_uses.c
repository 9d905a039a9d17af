/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what all facts say about each path. */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/name_spans.h"

#include <errno.h>

enum { NEEDS_NOTHING = ACCESS_STAT };

void path_uses_deinit(PathUses *uses)
{
    free(uses->items);
    *uses = (PathUses){0};
}

static int compare_uses(const void *a, const void *b)
{
    return strcmp(((const PathUse *)a)->path, ((const PathUse *)b)->path);
}

static PathUse *add_use(PathUses *uses, const char *path)
{
    /* Facts come sorted: what is about the same path stands together. */
    if (uses->count > 0 && strcmp(uses->items[uses->count - 1].path, path) == 0)
        return &uses->items[uses->count - 1];
    if (array_reserve(&uses->items, &uses->capacity, uses->count, sizeof *uses->items) < 0)
        return NULL;
    PathUse *use = &uses->items[uses->count++];
    *use = (PathUse){.path = path};
    return use;
}

/* A file that is gone when it is looked at belonged to whom it belonged to before: to the same
 * program, as far as that tells. */
static void settle_owner(PathUse *use)
{
    *(use->owned && !use->not_owned ? &use->owner : &use->unsettled) |= use->unknown;
    use->unknown = 0;
    use->owned = use->not_owned = false;
}

/* Facts about a path come sorted by program. */
static void note_owner(PathUse *use, const Fact *fact, uint32_t letters)
{
    if (use->subject != fact->subject)
        settle_owner(use);
    use->subject = fact->subject;
    if (!fact_has(fact, FIELD_OWNER)) {
        use->unknown |= letters;
    } else if (fact_number(fact, FIELD_OWNER, 0)) {
        use->owned = true;
        use->owner |= letters;
    } else {
        use->not_owned = true;
        use->other |= letters;
    }
}

/* Where all processes are of one user, everybody owns what one of them owns. */
static void settle_owners(PathUses *uses, bool one_user)
{
    for (size_t i = 0; i < uses->count; i++) {
        PathUse *use = &uses->items[i];
        settle_owner(use);
        *(one_user && use->owner && !use->other ? &use->owner : &use->other) |= use->unsettled;
    }
}

static void note_run(PathUse *use, bool first, uint32_t run)
{
    use->one_run = first || (use->one_run && use->run == run);
    use->run = run;
}

/* Before any access is noted. */
static void note_runs(PathUse *use, const Fact *fact)
{
    const bool first = use->access == 0 && use->exec == 0;

    for (size_t i = 0; i < fact->runs_count; i++)
        note_run(use, first && i == 0, fact->runs[i].run);
}

/* The letters that one fact's access needs. What its bits mean together is lost once facts are
 * united, so this comes before. */
static uint32_t letters_of(uint32_t access)
{
    static const struct {
        uint32_t access;
        uint32_t letters;
    } map[] = {
        {ACCESS_READ, FILE_READ},
        {ACCESS_WRITE | ACCESS_CREATE | ACCESS_DELETE | ACCESS_CHMOD | ACCESS_CHOWN |
             ACCESS_TRUNCATE | ACCESS_RENAME,
         FILE_WRITE},
        {ACCESS_APPEND, FILE_APPEND},
        {ACCESS_LOCK, FILE_LOCK},
        {ACCESS_EXEC, FILE_EXEC_INHERIT},
        {ACCESS_MMAP_EXEC, FILE_READ | FILE_MMAP_EXEC},
        {ACCESS_CONNECT, FILE_READ | FILE_WRITE},
    };
    const uint32_t new_link = ACCESS_LINK | ACCESS_CREATE;
    uint32_t letters = 0;

    /* Making a link asks for l on the new name and for nothing else. */
    if ((access & new_link) == new_link) {
        letters = FILE_LINK;
        access &= ~new_link;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(map); i++) {
        if (access & map[i].access)
            letters |= map[i].letters;
    }
    /* A rename asks for reading the old name as well. */
    if ((access & ACCESS_RENAME) && !(access & ACCESS_CREATE))
        letters |= FILE_READ;
    return letters;
}

static bool is_python(const char *subject)
{
    const char *slash = subject ? strrchr(subject, '/') : NULL;
    const char *name = slash ? slash + 1 : subject;

    return name && (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0);
}

/* SUBJECT is PROGRAM, with a version or the name of a target or without. */
static bool is_program(const char *subject, const char *program)
{
    const char *slash = subject ? strrchr(subject, '/') : NULL;
    const char *name = slash ? slash + 1 : subject;
    const size_t wanted = strlen(program);

    if (strcmp(program, "*") == 0)
        return true;
    if (!name)
        return false;
    size_t length = strlen(name);
    while (length > wanted && strchr("-.0123456789", name[length - 1]))
        length--;
    return length >= wanted && strncmp(name + length - wanted, program, wanted) == 0 &&
           (length == wanted || name[length - wanted - 1] == '-');
}

/* What of its creator's scratch names a new file's is, a row for each part of it that is made up.
 * What is known of this program goes before what all may do. */
static void find_temporary(const Fact *fact, const TemporaryName *rows[2])
{
    const char *slash = strrchr(fact->name, '/');
    const char *name = slash ? slash + 1 : fact->name;
    const size_t length = strlen(name);
    NameSpans spans = {.count = 0};
    NameSpan span;

    for (int all = 0; all <= 1; all++) {
        for (size_t i = 0; i < temporary_names_count && spans.count < 2; i++) {
            const TemporaryName *row = &temporary_names[i];
            const size_t at = spans.count;
            if ((strcmp(row->program, "*") == 0) == all &&
                is_program(fact->subject, row->program) &&
                name_find_temporary(name, length, row, &span) && name_spans_add(&spans, span))
                rows[at] = row;
        }
    }
}

/* What a fact that tells no type made: of mkdir one can say it all the same. */
static bool makes_directory(const Fact *fact)
{
    return fact->first.syscall && strncmp(fact->first.syscall, "mkdir", 5) == 0;
}

static int add_file(PathUses *uses, const Fact *fact)
{
    const uint32_t access = (uint32_t)fact_number(fact, FIELD_ACCESS, 0) & ~(uint32_t)NEEDS_NOTHING;
    const char *type = fact_text(fact, FIELD_FILE_TYPE);

    if (access == 0)
        return 0;
    PathUse *use = add_use(uses, fact->name);
    if (!use)
        return -ENOMEM;
    note_runs(use, fact);
    use->access |= access;
    use->python |= (access & ACCESS_CREATE) && is_python(fact->subject);
    const char *after = fact_text(fact, FIELD_NAMED_AFTER);
    use->named_after |= after && strcmp(after, "pid") == 0;
    use->named_hex |= after && strcmp(after, "pid-hex") == 0;
    use->changed |= (access & ACCESS_CHOWN) != 0;
    if ((access & ACCESS_CREATE) && !use->temporary[0])
        find_temporary(fact, use->temporary);
    use->linked |= (access & (ACCESS_LINK | ACCESS_CREATE)) == ACCESS_LINK;
    note_owner(use, fact, letters_of(access));
    const bool directory = type ? strcmp(type, "directory") == 0 : makes_directory(fact);
    use->typed |= type || directory;
    use->directory |= directory;
    uses->directories_renamed |= directory && (access & ACCESS_RENAME);
    return 0;
}

/*
 * What the kernel itself does with a file that it executes: an AppArmor profile needs x for the
 * program, and m and r for what is mapped of it under the profile.
 */
static uint32_t letters_of_exec(const Fact *fact)
{
    static const struct {
        const char *loaded_as;
        uint32_t letters;
    } needs[] = {
        {"program", FILE_READ | FILE_MMAP_EXEC | FILE_EXEC_INHERIT},
        {"script", FILE_READ | FILE_EXEC_INHERIT},
        {"script-interpreter", FILE_READ | FILE_MMAP_EXEC | FILE_EXEC_INHERIT},
        {"elf-interpreter", FILE_READ | FILE_MMAP_EXEC},
    };
    const char *loaded_as = fact_text(fact, FIELD_LOADED_AS);
    size_t i = 0;

    while (i < ARRAY_LENGTH(needs) - 1 && loaded_as && strcmp(needs[i].loaded_as, loaded_as) != 0)
        i++;
    return loaded_as ? needs[i].letters : needs[0].letters;
}

uint32_t infer_path_letters(const Fact *fact)
{
    return fact->kind == FACT_EXEC ? letters_of_exec(fact)
                                   : letters_of((uint32_t)fact_number(fact, FIELD_ACCESS, 0));
}

static int add_exec(PathUses *uses, const Fact *fact)
{
    PathUse *use = add_use(uses, fact->name);

    if (!use)
        return -ENOMEM;
    note_runs(use, fact);
    use->exec |= letters_of_exec(fact);
    return 0;
}

static void unite(PathUses *uses)
{
    size_t kept = 0;

    if (uses->count == 0)
        return;
    qsort(uses->items, uses->count, sizeof *uses->items, compare_uses);
    for (size_t i = 1; i < uses->count; i++) {
        PathUse *last = &uses->items[kept];
        const PathUse *use = &uses->items[i];
        if (strcmp(last->path, use->path) != 0) {
            uses->items[++kept] = *use;
            continue;
        }
        last->one_run &= use->one_run && last->run == use->run;
        last->named_after |= use->named_after;
        last->named_hex |= use->named_hex;
        last->changed |= use->changed;
        if (!last->temporary[0])
            memcpy(last->temporary, use->temporary, sizeof last->temporary);
        last->access |= use->access;
        last->linked |= use->linked;
        last->python |= use->python;
        last->owner |= use->owner;
        last->other |= use->other;
        last->exec |= use->exec;
        last->typed |= use->typed;
        last->directory |= use->directory;
    }
    uses->count = kept + 1;
}

int path_uses_collect(const Recording *recording, PathUses *uses)
{
    bool one_user = true;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        int r = 0;
        if (fact->kind == FACT_CAPABILITY && strcmp(fact->name, "CAP_SETUID") == 0)
            one_user = false;
        /* What a container's runtime does before the workload is not under the workload's policy,
         * and what is not named by a path ("pipe:[4711]") under no file rule. */
        if (fact->name[0] != '/' || fact->phase == PHASE_RUNTIME_INIT ||
            !results_may_be_checked(&fact->results))
            continue;
        if (fact->kind == FACT_FILE)
            r = add_file(uses, fact);
        else if (fact->kind == FACT_EXEC)
            r = add_exec(uses, fact);
        if (r < 0)
            return r;
    }
    settle_owners(uses, one_user);
    unite(uses);
    return 0;
}

const PathUse *path_uses_find(const PathUses *uses, const char *path, size_t length)
{
    size_t low = 0;
    size_t high = uses->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *name = uses->items[middle].path;
        int c = strncmp(name, path, length);
        if (c == 0 && name[length] != '\0')
            c = 1;
        if (c == 0)
            return &uses->items[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
