/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a set of rules grants beyond another: for each rule of the new set a search through all that
 * it matches, walked together with the rules of both sets that have a say in it, for things that
 * the new set as a whole grants and the old one does not.
 */
#include "base/memory.h"
#include "generator/glob_private.h"

#include <errno.h>

enum {
    OLD,
    NEW,
    SIDES,
    BITS = 32,
    PREFIX_MAX = 64,
};

/* What a step grants: two worlds, that of things the process owns and that of all others. */
typedef struct Grant {
    uint32_t others;
    uint32_t owned;
} Grant;

typedef struct Prefix {
    char bytes[PREFIX_MAX];
    size_t length;
} Prefix;

typedef struct Comparison {
    const GlobRule *rules[SIDES];
    size_t counts[SIDES];
    const GlobOptions *options;
    GlobSet *set;     /* pattern i: rule i of OLD, then those of NEW */
    Prefix *prefixes; /* by pattern */
    size_t *walked;   /* patterns that have a say in the rule at hand */
    size_t walked_count;
    GlobScratch *scratch;
} Comparison;

/* The best example of each bit so far. */
typedef struct Best {
    bool is;
    GlobWho who;
    size_t witness; /* index of the step's */
} Best;

typedef struct Inquiry {
    const Comparison *comparison;
    size_t rule; /* pattern of the rule of NEW at hand */
    const GlobRule *subject;
    Best best[BITS];
    Grant newly; /* of the step at hand */
    char **witnesses;
    size_t *lengths;
    size_t witnesses_count;
    size_t witnesses_capacity;
    size_t lengths_capacity;
    Grant overlap; /* has_overlap(): what is looked for */
} Inquiry;

static const GlobRule *rule_of(const Comparison *c, size_t pattern, int *ret_side)
{
    const int side = pattern < c->counts[OLD] ? OLD : NEW;

    *ret_side = side;
    return &c->rules[side][pattern - (side == NEW ? c->counts[OLD] : 0)];
}

/* ---- what a step grants -----------------------------------------------------------------------
 */

typedef struct Tally {
    uint32_t allow;
    uint32_t literal; /* allowed by rules without wildcards */
    uint32_t deny;
} Tally;

static void tally_add(Tally *tally, const GlobRule *rule, bool literal)
{
    if (rule->deny)
        tally->deny |= rule->access;
    else
        tally->allow |= rule->access;
    if (literal && !rule->deny)
        tally->literal |= rule->access;
}

/* A literal rule that says how to execute has the last word: what wildcards say is dropped. */
static void apply_overrides(Tally *tally, uint32_t overrides)
{
    if (tally->literal & overrides)
        tally->allow &= ~overrides | tally->literal;
}

/* The rules of SIDE that match at VIEW, in the world of things OWNED or not. */
static uint32_t grant_in(const Comparison *c, const GlobView *view, int side, bool owned)
{
    uint32_t granted = 0, decided = 0;
    int ceiling = INT32_MAX;

    for (;;) {
        int highest = INT32_MIN;
        bool any = false;
        Tally tally = {0};
        for (size_t i = 0; i < view->count; i++) {
            const GlobNode *node = glob_view_node(view, i);
            int of;
            if (!node || node->kind != GLOB_NODE_MATCH)
                continue;
            const GlobRule *rule = rule_of(c, node->owner, &of);
            if (of != side || (rule->owner && !owned) || rule->priority > ceiling)
                continue;
            if (!any || rule->priority > highest) {
                highest = rule->priority;
                tally = (Tally){0};
                any = true;
            }
            if (rule->priority == highest)
                tally_add(&tally, rule, c->set->patterns[node->owner].literal);
        }
        if (!any)
            return granted;
        apply_overrides(&tally, c->options->literal_overrides);
        granted |= tally.allow & ~tally.deny & ~decided;
        decided |= tally.allow | tally.deny;
        if (highest == INT32_MIN)
            return granted;
        ceiling = highest - 1;
    }
}

static Grant grant_of(const Comparison *c, const GlobView *view, int side)
{
    return (Grant){.others = grant_in(c, view, side, false),
                   .owned = grant_in(c, view, side, true)};
}

/* ---- the search -------------------------------------------------------------------------------
 */

typedef struct Alive {
    bool subject;
    bool matched;
    bool denied;   /* OLD may still deny, or priorities make it hard to say */
    Grant endless; /* OLD grants this to all behind the step */
} Alive;

static Alive alive_at(const Inquiry *inquiry, const GlobView *view)
{
    const Comparison *c = inquiry->comparison;
    Alive alive = {0};

    for (size_t i = 0; i < view->count; i++) {
        const GlobNode *node = glob_view_node(view, i);
        int side;
        if (!node)
            continue;
        const GlobRule *rule = rule_of(c, node->owner, &side);
        if (node->owner == inquiry->rule) {
            alive.subject = true;
            alive.matched |= node->kind == GLOB_NODE_MATCH;
        }
        if (side != OLD)
            continue;
        alive.denied |= rule->deny || rule->priority != 0 ||
                        (rule->access & c->options->literal_overrides) != 0;
        if (node->endless && !rule->deny) {
            alive.endless.owned |= rule->access;
            alive.endless.others |= rule->owner ? 0 : rule->access;
        }
    }
    return alive;
}

/* Everything the subject could newly grant has been found, as good as it can be. */
static bool is_satisfied(const Inquiry *inquiry)
{
    const GlobRule *subject = inquiry->subject;

    for (unsigned bit = 0; bit < BITS; bit++) {
        if ((subject->access >> bit & 1) == 0)
            continue;
        if (!inquiry->best[bit].is || (!subject->owner && inquiry->best[bit].who != GLOB_EVERYONE))
            return false;
    }
    return true;
}

/* Is the step's example for BIT better than the one so far? */
static bool is_better(const Inquiry *inquiry, unsigned bit, GlobWho *ret_who)
{
    const bool others = (inquiry->newly.others >> bit & 1) != 0;
    const bool owned = (inquiry->newly.owned >> bit & 1) != 0;
    const Best *best = &inquiry->best[bit];

    if (!others && !owned)
        return false;
    *ret_who = others && owned ? GLOB_EVERYONE : owned ? GLOB_OWNED : GLOB_NOT_OWNED;
    return !best->is || *ret_who < best->who;
}

static GlobVerdict judge(void *context, const GlobView *view)
{
    Inquiry *inquiry = context;
    const GlobRule *subject = inquiry->subject;
    const Alive alive = alive_at(inquiry, view);
    bool better = false;
    GlobWho who;

    if (!alive.subject)
        return GLOB_CUT;
    if (alive.matched) {
        const Grant before = grant_of(inquiry->comparison, view, OLD);
        const Grant now = grant_of(inquiry->comparison, view, NEW);
        inquiry->newly.owned = now.owned & ~before.owned & subject->access;
        inquiry->newly.others = subject->owner ? 0 : now.others & ~before.others & subject->access;
        for (unsigned bit = 0; bit < BITS && !better; bit++)
            better = is_better(inquiry, bit, &who);
    }
    if (better)
        return GLOB_NOTE;
    if (is_satisfied(inquiry) ||
        (!alive.denied && (subject->access & ~alive.endless.owned) == 0 &&
         (subject->owner || (subject->access & ~alive.endless.others) == 0)))
        return GLOB_CUT;
    return GLOB_GO_ON;
}

static int found(void *context, const char *bytes, size_t length)
{
    Inquiry *inquiry = context;
    char *copy;

    if (array_reserve(&inquiry->witnesses, &inquiry->witnesses_capacity, inquiry->witnesses_count,
                      sizeof *inquiry->witnesses) < 0 ||
        array_reserve(&inquiry->lengths, &inquiry->lengths_capacity, inquiry->witnesses_count,
                      sizeof *inquiry->lengths) < 0)
        return -ENOMEM;
    copy = malloc(length + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    inquiry->lengths[inquiry->witnesses_count] = length;
    inquiry->witnesses[inquiry->witnesses_count] = copy;
    for (unsigned bit = 0; bit < BITS; bit++) {
        GlobWho who;
        if (is_better(inquiry, bit, &who))
            inquiry->best[bit] =
                (Best){.is = true, .who = who, .witness = inquiry->witnesses_count};
    }
    inquiry->witnesses_count++;
    return 0;
}

static void inquiry_deinit(Inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->witnesses_count; i++)
        free(inquiry->witnesses[i]);
    free(inquiry->witnesses);
    free(inquiry->lengths);
}

static GlobVerdict judge_overlap(void *context, const GlobView *view)
{
    const Inquiry *inquiry = context;
    const Alive alive = alive_at(inquiry, view);
    Grant before;

    if (!alive.subject)
        return GLOB_CUT;
    if (!alive.matched)
        return GLOB_GO_ON;
    before = grant_of(inquiry->comparison, view, OLD);
    return (before.owned & inquiry->overlap.owned) || (before.others & inquiry->overlap.others)
               ? GLOB_FOUND
               : GLOB_GO_ON;
}

static int search(Inquiry *inquiry, bool overlap)
{
    const Comparison *c = inquiry->comparison;

    return glob_search(&(GlobSearch){.set = c->set,
                                     .scratch = c->scratch,
                                     .patterns = c->walked,
                                     .count = c->walked_count,
                                     .paths = c->options->paths,
                                     .judge = overlap ? judge_overlap : judge,
                                     .found = overlap ? NULL : found,
                                     .context = inquiry});
}

/* ---- which rules have a say -------------------------------------------------------------------
 */

static void prefix_read(const GlobSet *set, size_t pattern, Prefix *prefix)
{
    uint32_t at = set->patterns[pattern].start;

    for (;;) {
        const GlobNode *node = &set->nodes[at];
        if (node->kind == GLOB_NODE_SPLIT && node->other == GLOB_NONE) {
            at = node->next;
            continue;
        }
        if (node->kind != GLOB_NODE_BYTES || node->set >= GLOB_BYTES ||
            prefix->length == PREFIX_MAX)
            return;
        prefix->bytes[prefix->length++] = (char)node->set;
        at = node->next;
    }
}

static bool prefixes_agree(const Prefix *a, const Prefix *b)
{
    const size_t length = a->length < b->length ? a->length : b->length;

    return memcmp(a->bytes, b->bytes, length) == 0;
}

static void choose_walked(Comparison *c, size_t subject)
{
    const uint32_t overrides = c->options->literal_overrides;
    int side;
    uint32_t access = rule_of(c, subject, &side)->access;

    if (access & overrides)
        access |= overrides;
    c->walked_count = 0;
    for (size_t i = 0; i < c->set->patterns_count; i++) {
        if ((rule_of(c, i, &side)->access & access) &&
            prefixes_agree(&c->prefixes[i], &c->prefixes[subject]))
            c->walked[c->walked_count++] = i;
    }
}

/* ---- results ----------------------------------------------------------------------------------
 */

/* Does OLD grant ACCESS anywhere where the subject matches? -E2BIG counts as yes. */
static bool is_whole(Inquiry *inquiry, uint32_t access, GlobWho who)
{
    inquiry->overlap = (Grant){.owned = who == GLOB_NOT_OWNED ? 0 : access,
                               .others = who == GLOB_OWNED ? 0 : access};
    return search(inquiry, true) == 0;
}

static int append_change(Inquiry *inquiry, size_t rule, uint32_t access, const Best *best,
                         GlobChanges *changes)
{
    GlobChange change = {.rule = rule, .access = access, .undecided = !best->is};

    if (array_reserve(&changes->items, &changes->capacity, changes->count, sizeof *changes->items) <
        0)
        return -ENOMEM;
    if (best->is) {
        change.who = best->who;
        change.whole = is_whole(inquiry, access, best->who);
        change.witness_length = inquiry->lengths[best->witness];
        change.witness = malloc(change.witness_length + 1);
        if (!change.witness)
            return -ENOMEM;
        memcpy(change.witness, inquiry->witnesses[best->witness], change.witness_length + 1);
    }
    changes->items[changes->count++] = change;
    return 0;
}

/* Bits with the same example become one change. */
static int collect(Inquiry *inquiry, size_t rule, bool undecided, GlobChanges *changes)
{
    uint32_t left = inquiry->subject->access;

    for (unsigned bit = 0; bit < BITS; bit++) {
        const Best best = inquiry->best[bit];
        uint32_t access = 0;
        if ((left >> bit & 1) == 0 || (!best.is && !undecided))
            continue;
        for (unsigned other = bit; other < BITS; other++) {
            const Best *same = &inquiry->best[other];
            if ((left >> other & 1) && same->is == best.is &&
                (!best.is || (same->who == best.who && same->witness == best.witness)))
                access |= 1u << other;
        }
        left &= ~access;
        const int r = append_change(inquiry, rule, access, &best, changes);
        if (r < 0)
            return r;
    }
    return 0;
}

/* RULE of OLD takes ACCESS away; does a rule of NEW, as it is written, do so too? */
static bool is_still_denied(const Comparison *c, const GlobRule *rule, uint32_t access)
{
    for (size_t i = 0; i < c->walked_count; i++) {
        int side;
        const GlobRule *fresh = rule_of(c, c->walked[i], &side);
        if (side == NEW && fresh->deny && (access & ~fresh->access) == 0 &&
            (rule->owner || !fresh->owner) && glob_same_fields(rule, fresh))
            return true;
    }
    return false;
}

/* OLD has the rule as well, and takes away from it only what NEW does too: no search is needed. */
static bool is_unchanged(const Comparison *c, const GlobRule *subject)
{
    const uint32_t all = c->options->literal_overrides, overrides = subject->access & all;
    bool found = false;

    for (size_t i = 0; i < c->walked_count; i++) {
        int side;
        const GlobRule *rule = rule_of(c, c->walked[i], &side);
        const uint32_t taken = rule->deny ? rule->access & subject->access : 0;
        if (rule->priority != 0 || (side == OLD && taken && !is_still_denied(c, rule, taken)))
            return false;
        if (side == NEW || rule->deny)
            continue;
        if ((subject->access & ~rule->access) == 0 && (subject->owner || !rule->owner) &&
            glob_same_fields(rule, subject))
            found = true;
        else if (overrides && rule->access & all && c->set->patterns[c->walked[i]].literal)
            return false;
    }
    return found;
}

static int compare_rule(Comparison *c, size_t index, GlobChanges *changes)
{
    CLEANUP(inquiry_deinit)
    Inquiry inquiry = {
        .comparison = c, .rule = c->counts[OLD] + index, .subject = &c->rules[NEW][index]};
    int r;

    if (inquiry.subject->deny || inquiry.subject->access == 0)
        return 0;
    choose_walked(c, inquiry.rule);
    if (is_unchanged(c, inquiry.subject))
        return 0;
    r = search(&inquiry, false);
    if (r < 0 && r != -E2BIG)
        return r;
    return collect(&inquiry, index, r == -E2BIG, changes);
}

static int comparison_compile(Comparison *c, Error *err)
{
    const size_t count = c->counts[OLD] + c->counts[NEW];
    size_t id;
    int side;

    c->set = glob_set_new();
    c->prefixes = calloc(count + 1, sizeof *c->prefixes);
    c->walked = calloc(count + 1, sizeof *c->walked);
    if (!c->set || !c->prefixes || !c->walked)
        return error_errno(err, -ENOMEM, "patterns");
    for (size_t i = 0; i < count; i++) {
        const GlobRule *rule = rule_of(c, i, &side);
        const int r =
            glob_set_add_fields(c->set, rule->syntax, rule->fields, rule->fields_count, &id, err);
        if (r < 0)
            return r;
        prefix_read(c->set, i, &c->prefixes[i]);
    }
    return glob_scratch_init(c->scratch, c->set);
}

static void comparison_deinit(Comparison *c)
{
    c->set = glob_set_free(c->set);
    free(c->prefixes);
    free(c->walked);
}

int glob_rules_added(const GlobRule *old, size_t old_count, const GlobRule *fresh,
                     size_t fresh_count, const GlobOptions *options, GlobChanges *changes,
                     Error *err)
{
    CLEANUP(glob_scratch_deinit) GlobScratch scratch = {0};
    CLEANUP(comparison_deinit)
    Comparison c = {.rules = {old, fresh},
                    .counts = {old_count, fresh_count},
                    .options = options,
                    .scratch = &scratch};
    const size_t before = changes->count;
    int r = comparison_compile(&c, err);

    for (size_t i = 0; r == 0 && i < fresh_count; i++)
        r = compare_rule(&c, i, changes);
    while (r < 0 && changes->count > before)
        free(changes->items[--changes->count].witness);
    if (r == -ENOMEM)
        return error_errno(err, r, "comparing patterns");
    return r;
}
