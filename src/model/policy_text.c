/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a policy's text, and which changes are wanted. */
#include "model/policy_text.h"

#include "base/io.h"
#include "base/memory.h"
#include "model/policy_reader.h"

#include <errno.h>

PolicyText *policy_text_free(PolicyText *text)
{
    if (!text)
        return NULL;
    for (size_t i = 0; i < POLICY_SECTION_COUNT; i++)
        free(text->sections[i].items);
    free(text->archs.items);
    free(text->added);
    free(text->name);
    free(text->bytes);
    policy_free(text->policy);
    free(text);
    return NULL;
}

void policy_text_cleanup(PolicyText **text)
{
    *text = policy_text_free(*text);
}

int policy_text_parse(const char *name, const char *text, size_t length, PolicyText **ret_text,
                      Error *err)
{
    CLEANUP(policy_text_cleanup) PolicyText *kept = calloc(1, sizeof *kept);

    if (!kept || !(kept->name = strdup(name)) || !(kept->bytes = malloc(length + 1)))
        return error_errno(err, -ENOMEM, "%s", name);
    memcpy(kept->bytes, text, length);
    kept->bytes[length] = '\0';
    kept->length = length;
    const int r = reader_parse(name, kept->bytes, length, kept, &kept->policy, err);
    if (r < 0)
        return r;
    policy_sort(kept->policy);
    *ret_text = TAKE(kept);
    return 0;
}

int policy_text_read(const char *path, PolicyText **ret_text, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const int r = read_file(path, &text, POLICY_SIZE_MAX, err);

    return r < 0 ? r : policy_text_parse(path, buffer_text(&text), text.length, ret_text, err);
}

const char *policy_text_name(const PolicyText *text)
{
    return text->name;
}

const Policy *policy_text_policy(const PolicyText *text)
{
    return text->policy;
}

/* ---- places --------------------------------------------------------------------------------- */

size_t policy_text_places_count(const PolicyText *text)
{
    size_t count = 0;

    for (size_t i = 0; i < POLICY_SECTION_COUNT; i++)
        count += text->sections[i].count;
    return count;
}

static TextItem *item_of_place(const PolicyText *text, size_t index)
{
    size_t section = 0;

    while (section < POLICY_SECTION_COUNT && index >= text->sections[section].count)
        index -= text->sections[section++].count;
    return section < POLICY_SECTION_COUNT ? &text->sections[section].items[index] : NULL;
}

const PolicyPlace *policy_text_place(const PolicyText *text, size_t index)
{
    const TextItem *item = item_of_place(text, index);

    return item ? &item->place : NULL;
}

/* ---- changes -------------------------------------------------------------------------------- */

int policy_text_add(PolicyText *text, const PolicyRule *rule)
{
    StringSet *strings = policy_strings(text->policy);
    PolicyRule copy = *rule;
    const char **words[] = {&copy.name,   &copy.type,    &copy.source,
                            &copy.target, &copy.options, &copy.reason};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (*words[i] && !(*words[i] = strset_add(strings, *words[i])))
            return -ENOMEM;
    }
    if (array_reserve(&text->added, &text->added_capacity, text->added_count, sizeof *text->added) <
        0)
        return -ENOMEM;
    text->added[text->added_count++] = copy;
    return 0;
}

void policy_text_remove(PolicyText *text, size_t index)
{
    TextItem *item = item_of_place(text, index);

    if (item)
        item->removed = true;
}

void policy_text_set_access(PolicyText *text, size_t index, uint32_t access)
{
    TextItem *item = item_of_place(text, index);

    if (item) {
        item->changed = item->place.rule.access != access;
        item->access = access;
    }
}

void policy_text_add_arch(PolicyText *text, Arch arch)
{
    text->archs_added |= (1u << arch) & ~policy_archs(text->policy);
}

void policy_text_open_root(PolicyText *text)
{
    text->open_root = true;
}
