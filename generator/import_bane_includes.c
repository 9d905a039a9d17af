/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bane's Imports (lines before the profile) and InnerImports (lines in it): includes, whose rules
 * are read as those of a profile of AppArmor. bane's denials beat what they allow: there is no
 * writing where its author has paths read only, and no raw socket where it says so.
 */
#include "base/memory.h"
#include "generator/glob_set.h"
#include "generator/import_bane.h"

#include <errno.h>

/* "#include <abstractions/base>", or without the "#"; anything else might say anything. */
static bool is_include(const char *text)
{
    static const char word[] = "include", names[] = "abcdefghijklmnopqrstuvwxyz"
                                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";

    text += strspn(text, " \t");
    text += *text == '#';
    if (strncmp(text, word, strlen(word)) != 0)
        return false;
    text += strlen(word);
    const size_t blanks = strspn(text, " \t");
    text += blanks;
    if (blanks == 0 || *text++ != '<')
        return false;
    const size_t length = strspn(text, names);
    return length > 0 && text[length] == '>' &&
           text[length + 1 + strspn(text + length + 1, " \t")] == '\0';
}

static size_t print_includes(const Bane *bane, BaneKey key, Buffer *out)
{
    const BaneList *list = &bane->lists[key];
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (is_include(list->items[i].text)) {
            (void)buffer_printf(out, "%s\n", list->items[i].text);
            count++;
            continue;
        }
        (void)buffer_printf(bane->notes,
                            "%s:%u: %s is not carried over, since it is no \"include <FILE>\": "
                            "%.200s\n",
                            bane->name, list->items[i].line, bane_keys[key].path,
                            list->items[i].text);
    }
    return count;
}

/* ---- what bane denies ----------------------------------------------------------------------- */

enum { CHANGES = FILE_WRITE | FILE_APPEND | FILE_LINK };

/* What is read only, as patterns of a set. */
typedef struct ReadOnly {
    GlobSet *set;
    size_t *ids;
    size_t count, capacity;
} ReadOnly;

static void read_only_deinit(ReadOnly *paths)
{
    paths->set = glob_set_free(paths->set);
    free(paths->ids);
}

/* Of the policy as it is without the includes. */
static int find_read_only(const Bane *bane, ReadOnly *paths)
{
    paths->set = glob_set_new();
    if (!paths->set)
        return -ENOMEM;
    for (size_t i = 0; i < policy_rules_count(bane->policy); i++) {
        const PolicyRule *rule = policy_rule(bane->policy, i);
        size_t id;
        if (rule->section != POLICY_FILES || rule->deny || rule->access & CHANGES ||
            bane->lists[BANE_READ_ONLY].count == 0)
            continue;
        const int r = glob_set_add(paths->set, GLOB_POLICY, rule->name, &id, NULL);
        if (r == -ENOMEM || (r == 0 && array_reserve(&paths->ids, &paths->capacity, paths->count,
                                                     sizeof *paths->ids) < 0))
            return -ENOMEM;
        if (r == 0)
            paths->ids[paths->count++] = id;
    }
    return 0;
}

/* 1: RULE is about what is read only, or who knows; 0, -ENOMEM. */
static int is_read_only(const ReadOnly *paths, const PolicyRule *rule)
{
    size_t id;

    if (paths->count == 0)
        return 0;
    int r = glob_set_add(paths->set, GLOB_POLICY, rule->name, &id, NULL);
    if (r == 0)
        r = glob_set_contains(paths->set, paths->ids, paths->count, id, NULL);
    return r < 0 && r != -ENOMEM ? 1 : r;
}

static bool is_denied_socket(const Bane *bane, const PolicyRule *rule)
{
    const bool raw = !rule->type || strcmp(rule->type, "raw") == 0;

    if (rule->section != POLICY_NETWORK || rule->deny)
        return false;
    return strcmp(rule->name, "packet") == 0 ? !bane->flags[BANE_PACKET]
                                             : raw && !bane->flags[BANE_RAW];
}

static void note_denied(const Bane *bane, const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)policy_rule_print(rule, &text);
    (void)buffer_printf(bane->notes, "%s: \"%s\" (%s) is not carried over whole: bane denies it\n",
                        bane->name, buffer_text(&text), rule->reason);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int add_rule(const Bane *bane, const ReadOnly *paths, const PolicyRule *rule, uint64_t *caps)
{
    PolicyRule rest = *rule;
    int denied = is_denied_socket(bane, rule);

    if (rule->section == POLICY_FILES && !rule->deny && rule->access & CHANGES)
        denied = is_read_only(paths, rule);
    if (denied < 0)
        return denied;
    if (denied)
        note_denied(bane, rule);
    rest.access &= denied ? ~(uint32_t)CHANGES : ~(uint32_t)0;
    if (denied && rest.access == 0)
        return 0;
    if (rule->section == POLICY_CAPABILITIES && !rule->deny)
        *caps |= (uint64_t)1 << capability_by_name(rule->name)->number;
    return policy_add(bane->policy, &rest);
}

static int add_rules(const Bane *bane, const Policy *included, uint64_t *caps)
{
    CLEANUP(read_only_deinit) ReadOnly paths = {0};
    int r = find_read_only(bane, &paths);

    for (size_t i = 0; i < policy_rules_count(included) && r == 0; i++)
        r = add_rule(bane, &paths, policy_rule(included, i), caps);
    return r;
}

int bane_add_includes(const Bane *bane, uint64_t *caps, Error *err)
{
    CLEANUP(imported_deinit) Imported included = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *name = policy_name(bane->policy);
    ImportSource source = *bane->source;
    Error why = {0};

    const size_t before = print_includes(bane, BANE_IMPORTS, &text);
    (void)buffer_printf(&text, "%sprofile %s {\n", before ? "" : "include <tunables/global>\n",
                        name);
    const size_t within = print_includes(bane, BANE_INNER_IMPORTS, &text);
    if (buffer_puts(&text, "}\n") < 0)
        return error_errno(err, -ENOMEM, "%s", bane->name);
    if (within == 0)
        return 0;
    source.text = buffer_text(&text);
    source.length = text.length;
    source.profile = name;
    int r = import_apparmor_rules(&source, &included, bane->notes, &why);
    if (r == -EINVAL) {
        (void)buffer_printf(bane->notes, "%s: InnerImports are not carried over: %s\n", bane->name,
                            why.text);
        return 0;
    }
    if (r == 0)
        r = add_rules(bane, included.policy, caps);
    return r < 0 ? error_errno(err, r, "%s", bane->name) : 0;
}
