/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of two profiles, class by class, as rules of glob_set.h. Each way to execute ("ix", "Px ->
 * x") is a bit of its own there, so that another way is another permission.
 */
#include "generator/apparmor_compare.h"

#include "base/escape.h"
#include "base/memory.h"
#include "base/strset.h"
#include "generator/apparmor_classes.h"
#include "generator/apparmor_implied.h"
#include "generator/apparmor_private.h"
#include "model/policy.h"

#include <errno.h>

enum {
    OLD,
    NEW,
    SIDES,
    EXEC_SHIFT = 6, /* bits of ways to execute begin here */
    EXEC_CHUNK = 25,
    OTHER_EXEC = 31, /* the bit of all ways that are not in the chunk */
    LETTERS = FILE_READ | FILE_WRITE | FILE_APPEND | FILE_LOCK | FILE_MMAP_EXEC,
    LINK_SUBSET = 1 << 0, /* may link to what it may do no more to than to the link */
    LINK_ANY = 1 << 1,
};

_Static_assert(FILE_MMAP_EXEC < 1 << EXEC_SHIFT, "letters and ways to execute are apart");

struct ApparmorChanges {
    ApparmorChange *items;
    size_t count;
    size_t capacity;
    StringSet *strings;
};

/* The rules of one class in both profiles. */
typedef struct Comparison {
    const ApparmorProfile *profiles[SIDES];
    ApparmorClass class;
    const char *ways[EXEC_CHUNK]; /* of this chunk */
    size_t ways_count;
    bool letters; /* the chunk with which letters are compared */
    GlobRule *rules[SIDES];
    const ApparmorRule **sources[SIDES]; /* by rule */
    GlobField *fields[SIDES];            /* by rule, for those whose fields are not as written */
    size_t counts[SIDES];
    GlobField flags; /* all mount flags */
    const char *flags_pattern;
    ApparmorChanges *changes;
} Comparison;

ApparmorChanges *apparmor_changes_free(ApparmorChanges *changes)
{
    if (changes) {
        changes->strings = strset_free(changes->strings);
        free(changes->items);
        free(changes);
    }
    return NULL;
}

void apparmor_changes_cleanup(ApparmorChanges **changes)
{
    *changes = apparmor_changes_free(*changes);
}

size_t apparmor_changes_count(const ApparmorChanges *changes)
{
    return changes->count;
}

const ApparmorChange *apparmor_change(const ApparmorChanges *changes, size_t index)
{
    return &changes->items[index];
}

static int add_change(ApparmorChanges *changes, const ApparmorChange *change)
{
    if (array_reserve(&changes->items, &changes->capacity, changes->count, sizeof *changes->items) <
        0)
        return -ENOMEM;
    changes->items[changes->count++] = *change;
    return 0;
}

/* ---- rules as glob_set.h has them --------------------------------------------------------------
 */

static uint32_t exec_bits(const Comparison *c, const ApparmorRule *rule)
{
    const uint32_t all = ((1u << c->ways_count) - 1) << EXEC_SHIFT | 1u << OTHER_EXEC;

    if ((rule->access & APPARMOR_EXEC) == 0)
        return 0;
    if (!rule->transition)
        return all; /* denies every way */
    for (size_t i = 0; i < c->ways_count; i++) {
        if (strcmp(c->ways[i], rule->transition) == 0)
            return 1u << (EXEC_SHIFT + i);
    }
    return 1u << OTHER_EXEC;
}

static uint32_t access_bits(const Comparison *c, const ApparmorRule *rule)
{
    uint32_t access = rule->access;

    if (c->class == APPARMOR_LINK)
        return rule->class == APPARMOR_FILE || rule->subset ? LINK_SUBSET : LINK_SUBSET | LINK_ANY;
    if (c->class != APPARMOR_FILE)
        return access;
    if ((access & FILE_WRITE) && !apparmor_is_implied(rule)) /* those are "w" and no more */
        access |= FILE_APPEND;
    /* What stays under this profile is mapped under it. */
    if (rule->transition && strchr(rule->transition, 'i') &&
        strcspn(rule->transition, "i") < strcspn(rule->transition, "x"))
        access |= FILE_MMAP_EXEC;
    return (c->letters ? access & LETTERS : 0) | exec_bits(c, rule);
}

static bool is_of(const Comparison *c, const ApparmorRule *rule)
{
    return rule->class == c->class || (c->class == APPARMOR_LINK && rule->class == APPARMOR_FILE &&
                                       (rule->access & FILE_LINK));
}

static size_t fields_count(ApparmorClass class)
{
    size_t count = 0;

    while (apparmor_class_field(class, count))
        count++;
    return count;
}

/* Where mount flags are among the fields, which are digits even if they are not written. */
static size_t flags_field(ApparmorClass class)
{
    return class == APPARMOR_MOUNT ? 3 : class == APPARMOR_UMOUNT ? 1 : SIZE_MAX;
}

static void take_rule(Comparison *c, int side, const ApparmorRule *rule)
{
    const size_t flags = flags_field(c->class), at = c->counts[side];
    const uint32_t access = is_of(c, rule) ? access_bits(c, rule) : 0;

    if (access == 0)
        return;
    c->sources[side][at] = rule;
    c->rules[side][at] = (GlobRule){.syntax = GLOB_APPARMOR,
                                    .fields = rule->fields,
                                    .fields_count = fields_count(c->class),
                                    .access = access,
                                    .deny = rule->deny,
                                    .owner = rule->owner,
                                    .priority = rule->priority};
    if (flags != SIZE_MAX && rule->fields[flags].count == 0) {
        GlobField *own = c->fields[side] + at * APPARMOR_FIELDS_MAX;
        memcpy(own, rule->fields, sizeof rule->fields);
        own[flags] = c->flags;
        c->rules[side][at].fields = own;
    }
    c->counts[side]++;
}

static void take_rules(Comparison *c, int side)
{
    const ApparmorProfile *profile = c->profiles[side];
    const ApparmorRule *implied[APPARMOR_IMPLIED_MAX];
    const size_t more = profile ? apparmor_implied(profile, implied) : 0;

    c->counts[side] = 0;
    for (size_t i = 0; profile && i < profile->rules_count; i++)
        take_rule(c, side, &profile->rules[i]);
    for (size_t i = 0; i < more; i++)
        take_rule(c, side, implied[i]);
}

/* ---- results ----------------------------------------------------------------------------------
 */

/* Fields of a witness, by blanks; mount flags by their names. */
static const char *print_witness(const Comparison *c, const GlobChange *change)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *at = change->witness;
    const char *end = at + change->witness_length;

    for (size_t field = 0; at <= end; field++) {
        const size_t length = strnlen(at, (size_t)(end - at));
        if (text.length > 0 && length > 0)
            (void)buffer_putc(&text, ' ');
        if (field == flags_field(c->class))
            mount_flags_print(at, length, &text);
        else
            (void)escape_append(&text, at, length);
        at += length + 1;
    }
    return text.error ? NULL
                      : strset_add_bytes(c->changes->strings, buffer_text(&text), text.length);
}

/* Back from the bits of the comparison. 0: nothing to tell of. */
static uint32_t told_access(const Comparison *c, const ApparmorRule *rule, uint32_t bits)
{
    uint32_t access = bits, own = rule->access;

    if (c->class == APPARMOR_LINK)
        return FILE_LINK;
    if (c->class != APPARMOR_FILE)
        return access;
    access &= LETTERS;
    if (bits & ~(uint32_t)LETTERS & ~(1u << OTHER_EXEC))
        access |= APPARMOR_EXEC;
    /* What a letter has with it is told where the letter is not (another's denial is gone). */
    own |= access & FILE_WRITE ? 0 : FILE_APPEND;
    own |= access & APPARMOR_EXEC ? 0 : FILE_MMAP_EXEC;
    return access & own;
}

static int tell(const Comparison *c, const GlobChange *change)
{
    const ApparmorRule *rule = c->sources[NEW][change->rule];
    ApparmorChange told = {.profile = c->profiles[NEW],
                           .rule = rule,
                           .access = told_access(c, rule, change->access),
                           .who = change->who,
                           .whole = change->whole,
                           .undecided = change->undecided};

    if (told.access == 0)
        return 0;
    if (told.access & APPARMOR_EXEC)
        told.transition = rule->transition;
    if (change->witness) {
        told.witness = print_witness(c, change);
        if (!told.witness)
            return -ENOMEM;
    }
    return add_change(c->changes, &told);
}

static int compare_class(Comparison *c, Error *err)
{
    const bool file = c->class == APPARMOR_FILE;
    const GlobOptions options = {
        .literal_overrides = file ? ~(uint32_t)0 << EXEC_SHIFT : 0,
        .paths = file || c->class == APPARMOR_LINK,
    };
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    int r;

    take_rules(c, OLD);
    take_rules(c, NEW);
    if (c->counts[NEW] == 0)
        return 0;
    r = glob_rules_added(c->rules[OLD], c->counts[OLD], c->rules[NEW], c->counts[NEW], &options,
                         &changes, err);
    for (size_t i = 0; i < changes.count && r == 0; i++)
        r = tell(c, &changes.items[i]);
    return r;
}

/* ---- ways to execute --------------------------------------------------------------------------
 */

static int compare_words(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* All ways to execute that NEW has, sorted, each once. */
static int collect_ways(const ApparmorProfile *profile, Words *ways)
{
    size_t kept = 0;

    for (size_t i = 0; i < profile->rules_count; i++) {
        const char *way = profile->rules[i].transition;
        if (way && words_add(ways, way) < 0)
            return -ENOMEM;
    }
    if (ways->count > 0)
        qsort(ways->items, ways->count, sizeof *ways->items, compare_words);
    for (size_t i = 0; i < ways->count; i++) {
        if (kept == 0 || strcmp(ways->items[kept - 1], ways->items[i]) != 0)
            ways->items[kept++] = ways->items[i];
    }
    ways->count = kept;
    return 0;
}

static int compare_files(Comparison *c, Error *err)
{
    CLEANUP(words_deinit) Words ways = {0};
    int r = collect_ways(c->profiles[NEW], &ways);

    c->class = APPARMOR_FILE;
    c->letters = true;
    for (size_t first = 0; r == 0 && (first < ways.count || first == 0); first += EXEC_CHUNK) {
        c->ways_count = ways.count - first < EXEC_CHUNK ? ways.count - first : EXEC_CHUNK;
        for (size_t i = 0; i < c->ways_count; i++)
            c->ways[i] = ways.items[first + i];
        r = compare_class(c, err);
        c->letters = false;
    }
    return r;
}

/* ---- what is not a matter of patterns ---------------------------------------------------------
 */

static bool has_flag(const ApparmorProfile *profile, const char *flag)
{
    for (size_t i = 0; profile && i < profile->flags_count; i++) {
        if (strcmp(profile->flags[i], flag) == 0)
            return true;
    }
    return false;
}

/* BEFORE, WHAT and AFTER, cut where that is very long. */
static int tell_text(const Comparison *c, const ApparmorRule *rule, const char *before,
                     const char *what, const char *after)
{
    char text[400];
    ApparmorChange told = {.profile = c->profiles[NEW], .rule = rule, .whole = true};

    (void)snprintf(text, sizeof text, "%s%.250s%s", before, what, after);
    told.text = strset_add(c->changes->strings, text);
    return told.text ? add_change(c->changes, &told) : -ENOMEM;
}

static int compare_flags(const Comparison *c)
{
    static const struct {
        const char *flag;
        const char *meaning;
        const char *setting;
    } meanings[] = {
        {"complain", ": nothing is enforced any more, only logged", NULL},
        {"unconfined", ": nothing is enforced any more", NULL},
        {"default_allow", ": allowed is what no rule denies", NULL},
        {"prompt", ": what no rule allows is asked for", NULL},
        {"attach_disconnected", ": rules match paths from outside the mount namespace too",
         "apparmor-disconnected"},
        {"mediate_deleted", ": rules match deleted files by the names that they had",
         "apparmor-deleted"},
        {"audit", ": what is allowed is logged, too", "apparmor-stricter"},
        {"enforce", "", "apparmor-stricter"},
        {"kill", ": what is not allowed ends the process", "apparmor-stricter"},
    };
    const ApparmorProfile *fresh = c->profiles[NEW];
    int r = 0;

    for (size_t i = 0; i < fresh->flags_count && r == 0; i++) {
        const char *meaning = "", *setting = "apparmor-flag";
        if (has_flag(c->profiles[OLD], fresh->flags[i]))
            continue;
        for (size_t m = 0; m < ARRAY_LENGTH(meanings); m++) {
            if (strcmp(meanings[m].flag, fresh->flags[i]) != 0)
                continue;
            meaning = meanings[m].meaning;
            setting = meanings[m].setting;
        }
        r = tell_text(c, NULL, "flag ", fresh->flags[i], meaning);
        if (r == 0 && setting)
            c->changes->items[c->changes->count - 1].setting = setting;
    }
    return r;
}

/* The limit that PROFILE sets for the same resource, the last one counts; NULL without. */
static const ApparmorRule *find_limit(const ApparmorProfile *profile, const char *resource)
{
    const ApparmorRule *found = NULL;

    for (size_t i = 0; profile && i < profile->rules_count; i++) {
        const ApparmorRule *rule = &profile->rules[i];
        if (rule->class == APPARMOR_RLIMIT && strcmp(rule->fields[0].patterns[0], resource) == 0)
            found = rule;
    }
    return found;
}

/* A limit allows nothing: what is allowed is what the old limit forbade. */
static int compare_limits(const Comparison *c)
{
    const ApparmorProfile *old = c->profiles[OLD];
    int r = 0;

    for (size_t i = 0; old && i < old->rules_count && r == 0; i++) {
        const ApparmorRule *rule = &old->rules[i];
        if (rule->class != APPARMOR_RLIMIT || rule != find_limit(old, rule->fields[0].patterns[0]))
            continue;
        const ApparmorRule *now = find_limit(c->profiles[NEW], rule->fields[0].patterns[0]);
        if (!now)
            r = tell_text(c, NULL, "no longer: ", rule->text, "");
        else if (strcmp(now->text, rule->text) != 0 && !limit_is_no_more(rule, now))
            r = tell_text(c, now, "another limit than before: ", rule->text, "");
    }
    return r;
}

static int compare_attachments(Comparison *c, Error *err)
{
    const ApparmorProfile *old = c->profiles[OLD], *fresh = c->profiles[NEW];
    const GlobRule rules[SIDES] = {
        [OLD] = {.syntax = GLOB_APPARMOR,
                 .fields = old ? &old->attachment : NULL,
                 .fields_count = 1,
                 .access = 1},
        [NEW] = {.syntax = GLOB_APPARMOR,
                 .fields = &fresh->attachment,
                 .fields_count = 1,
                 .access = 1},
    };
    const GlobOptions options = {.paths = true};
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    int r;

    if (!old || fresh->attachment.count == 0)
        return 0;
    r = glob_rules_added(&rules[OLD], old->attachment.count > 0, &rules[NEW], 1, &options, &changes,
                         err);
    if (r < 0 || changes.count == 0)
        return r;
    r = tell_text(c, NULL, "is for more programs, like ",
                  changes.items[0].witness ? changes.items[0].witness : "?", "");
    if (r == 0)
        c->changes->items[c->changes->count - 1].attachment = true;
    return r;
}

/* ---- all ---------------------------------------------------------------------------------------
 */

static void comparison_deinit(Comparison *c)
{
    for (int side = 0; side < SIDES; side++) {
        free(c->rules[side]);
        free(c->sources[side]);
        free(c->fields[side]);
    }
    c->changes = apparmor_changes_free(c->changes);
}

static int comparison_init(Comparison *c, Buffer *flags)
{
    for (int side = 0; side < SIDES; side++) {
        const size_t count =
            (c->profiles[side] ? c->profiles[side]->rules_count : 0) + APPARMOR_IMPLIED_MAX;
        c->rules[side] = calloc(count, sizeof *c->rules[side]);
        c->sources[side] = calloc(count, sizeof *c->sources[side]);
        c->fields[side] = calloc(count, APPARMOR_FIELDS_MAX * sizeof *c->fields[side]);
        if (!c->rules[side] || !c->sources[side] || !c->fields[side])
            return -ENOMEM;
    }
    c->changes = calloc(1, sizeof *c->changes);
    if (!c->changes)
        return -ENOMEM;
    c->changes->strings = strset_new();
    if (!c->changes->strings || mount_flags_any(NULL, flags) < 0)
        return -ENOMEM;
    c->flags_pattern = buffer_text(flags);
    c->flags = (GlobField){.patterns = &c->flags_pattern, .count = 1};
    return 0;
}

int apparmor_compare(const ApparmorProfile *old, const ApparmorProfile *fresh,
                     ApparmorChanges **ret_changes, Error *err)
{
    CLEANUP(buffer_deinit) Buffer flags = BUFFER_INIT;
    CLEANUP(comparison_deinit) Comparison c = {.profiles = {old, fresh}};
    int r = comparison_init(&c, &flags);

    if (r == 0 && fresh) {
        r = compare_flags(&c);
        if (r == 0)
            r = compare_attachments(&c, err);
        if (r == 0)
            r = compare_files(&c, err);
        for (ApparmorClass class = APPARMOR_LINK; r == 0 && class < APPARMOR_CLASS_COUNT;
             class ++) {
            c.class = class;
            if (class != APPARMOR_RLIMIT)
                r = compare_class(&c, err);
        }
    }
    if (r == 0 && fresh)
        r = compare_limits(&c);
    if (r == -ENOMEM)
        return error_errno(err, r, "comparing profiles");
    if (r < 0)
        return r;
    *ret_changes = TAKE(c.changes);
    return 0;
}

const ApparmorProfile *apparmor_counterpart(const ApparmorFile *file,
                                            const ApparmorProfile *profile)
{
    const ApparmorProfile *only = NULL;
    size_t tops = 0;

    for (size_t i = 0; i < apparmor_profiles_count(file); i++) {
        const ApparmorProfile *other = apparmor_profile(file, i);
        if (strcmp(other->name, profile->name) == 0)
            return other;
        if (!strstr(other->name, "//")) {
            tops++;
            only = other;
        }
    }
    return tops == 1 && !strstr(profile->name, "//") ? only : NULL;
}
