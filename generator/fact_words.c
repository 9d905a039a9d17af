/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/fact_words.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/memory.h"

#include <inttypes.h>

enum { TEXT_MAX = 512 };

void fact_words_text(Buffer *out, const char *text)
{
    (void)escape_append(out, text, strlen(text));
}

void fact_words_number(Buffer *out, uint64_t number)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            (void)buffer_putc(out, ',');
        (void)buffer_putc(out, digits[i]);
    }
}

void fact_words_access(Buffer *out, int64_t access)
{
    const char *separator = "";

    for (unsigned bit = 0; bit < ACCESS_BITS; bit++) {
        if (!(access >> bit & 1))
            continue;
        (void)buffer_printf(out, "%s%s", separator, access_bit_name(bit));
        separator = " ";
    }
}

static void put_field(Buffer *out, const Fact *fact, FactField field)
{
    const FieldInfo *info = field_info(field);

    switch (info->type) {
    case FIELD_TYPE_ACCESS:
        fact_words_access(out, fact_number(fact, field, 0));
        break;
    case FIELD_TYPE_FLAG:
        (void)buffer_puts(out, fact_number(fact, field, 0) ? info->name : "");
        break;
    case FIELD_TYPE_NUMBER:
        if (field == FIELD_PORT)
            (void)buffer_puts(out, "port ");
        (void)buffer_printf(out, "%" PRId64, fact_number(fact, field, 0));
        break;
    case FIELD_TYPE_TEXT:
        fact_words_text(out, fact_text(fact, field));
        break;
    }
}

static bool field_is_shown(const Fact *fact, FactField field)
{
    if (!fact_has(fact, field) || field == FIELD_NUMBER) /* the number of a call is its name */
        return false;
    /* The machine's own architecture goes without saying. */
    return field != FIELD_ARCH || strcmp(fact_text(fact, field), arch_name(arch_native())) != 0;
}

void fact_words_details(Buffer *out, const Fact *fact)
{
    char text[TEXT_MAX];
    const char *separator = "";

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (!(fact->args_present >> i & 1))
            continue;
        (void)buffer_printf(out, "%s%s", separator, fact_arg_text(fact, i, text, sizeof text));
        separator = ", ";
    }
    for (const FactField *field = fact_kind_fields(fact->kind); *field != FIELD_COUNT; field++) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;

        if (!field_is_shown(fact, *field))
            continue;
        put_field(&one, fact, *field);
        if (!one.length)
            continue;
        (void)buffer_printf(out, "%s%s", out->length ? " " : "", buffer_text(&one));
    }
}

void fact_words_failures(Buffer *out, const Results *results)
{
    const char *separator = "";

    for (int i = 1; i < RESULT_UNKNOWN; i++) {
        const char *name = results_has(results, i) ? errno_name(i) : NULL;

        if (!name)
            continue;
        (void)buffer_printf(out, "%s%s", separator, name);
        separator = " ";
    }
}

void fact_words_results(Buffer *out, const Results *results)
{
    CLEANUP(buffer_deinit) Buffer failures = BUFFER_INIT;
    const char *separator = "";

    if (results_has(results, RESULT_OK)) {
        (void)buffer_puts(out, "ok");
        separator = " ";
    }
    fact_words_failures(&failures, results);
    if (failures.length) {
        (void)buffer_printf(out, "%s%s", separator, buffer_text(&failures));
        separator = " ";
    }
    if (results_has(results, RESULT_UNKNOWN))
        (void)buffer_printf(out, "%sunknown", separator);
}
