/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File rules in AppArmor's letters (docs/FORMATS.md, "Files").
 *
 * owner: only for what the workload created itself and only its owner ever touched, and for its own
 * process's folder under /proc. Elsewhere a file's owner is a property of the image, not of the
 * workload, and which of its processes is first to read a file is chance.
 *
 * Links: a fact says that a name became a hard link, and another that a file was linked to, but not
 * which to which. With few targets a rule lists them all; with more, AppArmor's own test must do:
 * what the rules allow with the link must be allowed with its target.
 */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/path_shapes.h"

#include <errno.h>

enum { LINK_TARGETS_MAX = 8 };

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
    uint32_t letters = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(map); i++) {
        if (access & map[i].access)
            letters |= map[i].letters;
    }
    /* A rename asks for reading the old name as well. */
    if ((access & ACCESS_RENAME) && !(access & ACCESS_CREATE))
        letters |= FILE_READ;
    if ((access & (ACCESS_LINK | ACCESS_CREATE)) == (ACCESS_LINK | ACCESS_CREATE))
        letters |= FILE_LINK;
    return letters & FILE_WRITE ? letters & ~(uint32_t)FILE_APPEND : letters;
}

/* Is the path in the folder of a process under /proc? */
static bool in_own_proc(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0 && path[6] >= '0' && path[6] <= '9';
}

/* The files that were linked to, as one pattern; "" if there are too many or none. */
static int link_targets(const PathUses *uses, const PathShapes *shapes, Buffer *out)
{
    Buffer pattern = BUFFER_INIT;
    const char *reason;
    size_t count = 0;

    for (size_t i = 0; i < uses->count; i++) {
        const uint32_t access = uses->items[i].owner | uses->items[i].other;
        if ((access & (ACCESS_LINK | ACCESS_CREATE)) != ACCESS_LINK)
            continue;
        if (++count > LINK_TARGETS_MAX)
            break;
        buffer_clear(&pattern);
        out->error |= path_shapes_pattern(shapes, uses->items[i].path, false, &pattern, &reason);
        /* Alternatives within braces, whose commas are theirs. */
        (void)buffer_puts(out, count == 1 ? "/{" : ",");
        for (const char *c = buffer_text(&pattern) + 1; *c; c++)
            (void)buffer_printf(out, *c == ',' ? "\\%c" : "%c", *c);
    }
    buffer_deinit(&pattern);
    if (count > LINK_TARGETS_MAX) {
        buffer_clear(out);
    } else if (count == 1) {
        memmove(out->data + 1, out->data + 2, out->length - 1);
        out->length--;
    } else if (count > 1) {
        (void)buffer_putc(out, '}');
    }
    return out->error;
}

static int add_rules(Policy *policy, const PathUse *use, const char *pattern, const char *reason,
                     const char *link_target)
{
    const uint32_t access = use->owner | use->other;
    const bool may_own = (access & ACCESS_CREATE) || in_own_proc(use->path);
    PolicyRule rule = {.section = POLICY_FILES, .name = pattern, .reason = reason};
    /* RENAME and LINK mean what they mean together with CREATE, whoever did it. */
    const uint32_t context = access & ACCESS_CREATE;
    const uint32_t other = use->exec | letters_of(may_own ? use->other : access);
    const uint32_t owner = may_own ? letters_of(use->owner | (use->owner ? context : 0)) : 0;
    uint32_t letters[2] = {other, owner & ~other};
    int r = 0;

    if (letters[0] & FILE_WRITE)
        letters[1] &= ~(uint32_t)FILE_APPEND;
    for (unsigned i = 0; i < 2 && r == 0; i++) {
        const uint32_t link = letters[i] & FILE_LINK;
        rule.owner = i == 1;
        rule.access = letters[i] & ~(uint32_t)(link_target ? FILE_LINK : 0);
        if (rule.access)
            r = policy_add(policy, &rule);
        if (r == 0 && link && link_target) {
            rule.access = FILE_LINK;
            rule.target = link_target;
            r = policy_add(policy, &rule);
            rule.target = NULL;
        }
    }
    return r;
}

int infer_files(const PathUses *uses, Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer targets = BUFFER_INIT;
    PathShapes *shapes = path_shapes_new(uses);
    int r = shapes ? link_targets(uses, shapes, &targets) : -ENOMEM;

    for (size_t i = 0; i < uses->count && r == 0; i++) {
        const PathUse *use = &uses->items[i];
        const char *reason;
        buffer_clear(&pattern);
        r = path_shapes_pattern(shapes, use->path, use->directory, &pattern, &reason);
        if (r == 0)
            r = add_rules(policy, use, buffer_text(&pattern), reason,
                          targets.length ? buffer_text(&targets) : NULL);
    }
    path_shapes_free(shapes);
    return r;
}
