/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flag values as text and back. A value that is a name of its own is that name; else a combination
 * is taken apart, names of several bits first (O_SYNC before O_DSYNC), and what no name covers is
 * left as a number. Parts are written in the order of their values.
 */
#include "model/tables.h"

#include "base/memory.h"
#include "model/tables_data.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

/* Names of a family of bits; cmake/tables/generate.py holds to it. */
enum { FLAG_NAMES_MAX = 64, FLAG_PART_MAX = 64 };

static int compare_family(const void *name, const void *element)
{
    const FlagFamily *family = element;

    return strcmp(name, family->name);
}

const FlagFamily *flag_family(const char *name)
{
    return bsearch(name, tables_families, tables_family_count, sizeof tables_families[0],
                   compare_family);
}

const char *flag_name(const FlagFamily *family, uint64_t value)
{
    size_t low = 0, high = family->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (family->names[middle].value == value)
            return family->names[middle].name;
        if (family->names[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A number that no name stands for. Requests and masks read best in hexadecimal, but a family
 * without any names counts something (a protocol). */
static void number_text(const FlagFamily *family, uint64_t value, char *out, size_t size)
{
    if (value == 0)
        (void)snprintf(out, size, "0");
    else if (family->count == 0)
        (void)snprintf(out, size, "%" PRIu64, value);
    else
        (void)snprintf(out, size, "0x%" PRIx64, value);
}

/* Appends TEXT at *LENGTH as far as it fits. */
static void append_part(char *out, size_t size, size_t *length, const char *text)
{
    int n;

    if (*length >= size)
        return;
    n = snprintf(out + *length, size - *length, "%s%s", *length > 0 ? "|" : "", text);
    if (n > 0)
        *length += (size_t)n;
}

static bool is_single_bit(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Chooses the names whose bits are all in *REST, which loses them. */
static void choose_names(const FlagFamily *family, bool single, uint64_t *rest, bool *chosen)
{
    for (size_t i = family->count; i > 0; i--) {
        uint64_t bits = family->names[i - 1].value;

        if (bits != 0 && is_single_bit(bits) == single && (*rest & bits) == bits) {
            chosen[i - 1] = true;
            *rest &= ~bits;
        }
    }
}

char *flag_text(const FlagFamily *family, uint64_t value, char *out, size_t size)
{
    const char *name = flag_name(family, value);
    bool chosen[FLAG_NAMES_MAX] = {false};
    char number[FLAG_PART_MAX];
    uint64_t rest = value;
    size_t length = 0;

    if (size == 0)
        return out;
    if (name) {
        (void)snprintf(out, size, "%s", name);
        return out;
    }
    if (family->style == FLAG_STYLE_FLAGS && family->count <= FLAG_NAMES_MAX) {
        choose_names(family, false, &rest, chosen);
        choose_names(family, true, &rest, chosen);
    }
    for (size_t i = 0; i < family->count && i < FLAG_NAMES_MAX; i++) {
        if (chosen[i])
            append_part(out, size, &length, family->names[i].name);
    }
    if (rest != 0 || length == 0) {
        number_text(family, rest, number, sizeof number);
        append_part(out, size, &length, number);
    }
    return out;
}

static int parse_part(const FlagFamily *family, const char *text, size_t length,
                      uint64_t *ret_value)
{
    char number[FLAG_PART_MAX], *end;
    uint64_t value;

    for (size_t i = 0; i < family->count; i++) {
        const FlagName *name = &family->names[i];

        if (strncmp(name->name, text, length) == 0 && name->name[length] == '\0') {
            *ret_value = name->value;
            return 0;
        }
    }
    /* strtoull() would also take a sign or blanks */
    if (length >= sizeof number || !isdigit((unsigned char)text[0]))
        return -EINVAL;
    memcpy(number, text, length);
    number[length] = '\0';
    errno = 0;
    value = strtoull(number, &end, strncmp(number, "0x", 2) == 0 ? 16 : 10);
    if (errno != 0 || *end != '\0')
        return -EINVAL;
    *ret_value = value;
    return 0;
}

int flag_parse(const FlagFamily *family, const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (;;) {
        size_t length = strcspn(text, "|");
        uint64_t part;

        if (length == 0 || parse_part(family, text, length, &part) < 0)
            return -EINVAL;
        value |= part;
        text += length;
        if (*text == '\0')
            break;
        if (family->style != FLAG_STYLE_FLAGS)
            return -EINVAL;
        text++;
    }
    *ret_value = value;
    return 0;
}
