/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bane's TOML files (github.com/genuinetools/bane) to the policy that their author meant.
 *
 * bane's own profiles begin with "file,", which allows everything, so that its lists of what may be
 * written and executed confine nothing; and since a denial beats every allowance, nothing below a
 * read-only folder can be made writable. A policy allows only what it names: what was "deny … w"
 * there is "r" here, and a writable path is just one more rule.
 *
 * Keys are compared as bane's parser does, without regard to case.
 */
#include "generator/import_bane.h"
#include "base/memory.h"
#include "base/nearest.h"

#include <errno.h>

const BaneKeyInfo bane_keys[BANE_KEY_COUNT] = {
    [BANE_NAME] = {"Name", TOML_STRING},
    [BANE_IMPORTS] = {"Imports", TOML_ARRAY},
    [BANE_INNER_IMPORTS] = {"InnerImports", TOML_ARRAY},
    [BANE_NETWORK] = {"Network", TOML_TABLE},
    [BANE_PROTOCOLS] = {"Network.Protocols", TOML_ARRAY},
    [BANE_RAW] = {"Network.Raw", TOML_BOOLEAN},
    [BANE_PACKET] = {"Network.Packet", TOML_BOOLEAN},
    [BANE_FILESYSTEM] = {"Filesystem", TOML_TABLE},
    [BANE_READ_ONLY] = {"Filesystem.ReadOnlyPaths", TOML_ARRAY},
    [BANE_LOG_ON_WRITE] = {"Filesystem.LogOnWritePaths", TOML_ARRAY},
    [BANE_WRITABLE] = {"Filesystem.WritablePaths", TOML_ARRAY},
    [BANE_ALLOW_EXEC] = {"Filesystem.AllowExec", TOML_ARRAY},
    [BANE_DENY_EXEC] = {"Filesystem.DenyExec", TOML_ARRAY},
    [BANE_CAPABILITIES] = {"Capabilities", TOML_TABLE},
    [BANE_CAPS_ALLOW] = {"Capabilities.Allow", TOML_ARRAY},
    [BANE_CAPS_DENY] = {"Capabilities.Deny", TOML_ARRAY},
};

static void bane_deinit(Bane *bane)
{
    for (size_t i = 0; i < BANE_KEY_COUNT; i++)
        free(bane->lists[i].items);
    bane->policy = policy_free(bane->policy);
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *const kind_words[] = {
    [TOML_TABLE] = "a table",
    [TOML_ARRAY] = "a list of texts in brackets",
    [TOML_STRING] = "a text in quotes",
    [TOML_BOOLEAN] = "true or false",
};

static int unknown_key(const Bane *bane, const TomlItem *item, Error *err)
{
    const char *words[BANE_KEY_COUNT + 1] = {0};

    for (size_t i = 0; i < BANE_KEY_COUNT; i++)
        words[i] = bane_keys[i].path;
    const char *near = nearest_word(item->path, words);
    return error_set(err, -EINVAL, "%s:%u:%u: bane has no key \"%.100s\"%s%s%s", bane->name,
                     item->line, item->column, item->path, near ? "; did you mean \"" : "",
                     near ? near : "",
                     near ? "\"?" : ", and what it was meant to do would be lost");
}

static int keep_text(Bane *bane, BaneKey key, const TomlItem *item)
{
    BaneList *list = &bane->lists[key];
    const char *text = strset_add(policy_strings(bane->policy), item->text);

    if (!text || array_reserve(&list->items, &list->capacity, list->count, sizeof *list->items) < 0)
        return -ENOMEM;
    list->items[list->count++] = (BaneText){text, item->line};
    return 0;
}

static int take_item(void *context, const TomlItem *item, Error *err)
{
    Bane *bane = context;
    size_t key = 0;

    while (key < BANE_KEY_COUNT && strcasecmp(bane_keys[key].path, item->path) != 0)
        key++;
    if (key == BANE_KEY_COUNT)
        return unknown_key(bane, item, err);
    const TomlKind wanted = item->element ? TOML_STRING : bane_keys[key].kind;
    if (item->kind != wanted || (item->element && bane_keys[key].kind != TOML_ARRAY))
        return error_set(err, -EINVAL, "%s:%u:%u: %s wants %s", bane->name, item->line,
                         item->column, bane_keys[key].path, kind_words[bane_keys[key].kind]);
    if (item->kind == TOML_BOOLEAN)
        bane->flags[key] = item->boolean;
    if (item->kind != TOML_STRING)
        return 0;
    return keep_text(bane, (BaneKey)key, item) < 0 ? error_errno(err, -ENOMEM, "%s", bane->name)
                                                   : 0;
}

/* ---- all together --------------------------------------------------------------------------- */

/* bane's profiles are called docker-NAME, and so they are in who uses them. */
static int set_name(const Bane *bane, Error *err)
{
    const BaneList *list = &bane->lists[BANE_NAME];
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;

    if (list->count == 0)
        return error_set(err, -EINVAL, "%s: there is no Name; write for example: Name = \"nginx\"",
                         bane->name);
    (void)buffer_printf(&name, "%s%s", strncmp(list->items[0].text, "docker-", 7) ? "docker-" : "",
                        list->items[0].text);
    if (!policy_name_is_valid(buffer_text(&name)))
        return error_set(err, -EINVAL,
                         "%s:%u: \"%.100s\" cannot be a profile's name: letters, digits, \".\", "
                         "\"_\" and \"-\" can be in it",
                         bane->name, list->items[0].line, list->items[0].text);
    const int r = policy_set_name(bane->policy, buffer_text(&name));
    return r < 0 ? error_errno(err, r, "%s", bane->name) : 0;
}

static void note_differences(const Bane *bane)
{
    (void)buffer_printf(
        bane->notes,
        "%s: bane's own profile allows every file (\"file,\"), so its WritablePaths and AllowExec "
        "confine nothing; this policy allows what is listed and nothing else. What the workload "
        "needs beyond that `whittle record` and `whittle generate --update` find\n",
        bane->name);
    if (bane->lists[BANE_LOG_ON_WRITE].count > 0)
        (void)buffer_printf(bane->notes,
                            "%s:%u: LogOnWritePaths: writing there is denied where no "
                            "WritablePaths allows it, and each denial is logged; what is allowed "
                            "is not logged\n",
                            bane->name, bane->lists[BANE_LOG_ON_WRITE].items[0].line);
    (void)buffer_printf(bane->notes,
                        "%s: bane has no system calls; the policy has those of Docker's default "
                        "profile, under which bane's containers run\n",
                        bane->name);
}

int import_bane(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    CLEANUP(bane_deinit)
    Bane bane = {
        .source = source, .name = source->name, .policy = import_policy_new(), .notes = notes};
    uint64_t caps = 0;
    int r;

    if (!bane.policy)
        return error_errno(err, -ENOMEM, "%s", source->name);
    r = toml_read(source->name, source->text, source->length, take_item, &bane, err);
    if (r == 0)
        r = set_name(&bane, err);
    if (r == 0)
        r = bane_add_filesystem(&bane, err);
    if (r == 0)
        r = bane_add_capabilities(&bane, &caps, err);
    if (r == 0)
        r = bane_add_network(&bane, err);
    if (r == 0)
        r = bane_add_processes(&bane, err);
    if (r == 0)
        r = bane_add_includes(&bane, &caps, err);
    if (r < 0)
        return r;
    r = import_docker_calls(bane.policy, caps);
    if (r < 0)
        return error_errno(err, r, "%s", source->name);
    note_differences(&bane);
    policy_sort(bane.policy);
    ret_imported->policy = TAKE(bane.policy);
    return 0;
}

/* A line that begins with one of bane's tables, or sets its Name. */
bool import_bane_detect(const ImportSource *source)
{
    static const char *const heads[] = {"[Filesystem]", "[Capabilities]", "[Network]"};

    for (const char *line = source->text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
            if (strncasecmp(line, heads[i], strlen(heads[i])) == 0)
                return true;
        }
        if (strncasecmp(line, "Name", 4) == 0 && line[4 + strspn(line + 4, " \t")] == '=')
            return true;
    }
    return false;
}
