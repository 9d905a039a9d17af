/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one fact: a line whose keys stand in one fixed order. */
#include "model/recording_json.h"

#include <inttypes.h>
#include <stdio.h>

/* From here on numbers are not safe in JSON: many readers keep them as doubles. */
#define JSON_SAFE_INTEGER ((uint64_t)1 << 53)

const char *result_text(int result, char *out, size_t size)
{
    const char *name = errno_name(result);

    if (result == RESULT_OK)
        return "ok";
    if (result == RESULT_UNKNOWN)
        return "unknown";
    if (name)
        return name;
    (void)snprintf(out, size, "errno-%d", result);
    return out;
}

static void put_results(Buffer *out, const Results *results)
{
    const char *separator = "";
    char text[24];

    if (results_empty(results))
        return;
    put_key(out, "results");
    (void)buffer_putc(out, '[');
    for (int word = 0; word < RESULT_WORDS; word++) {
        for (uint64_t bits = results->words[word]; bits != 0; bits &= bits - 1) {
            const int result = word * 64 + __builtin_ctzll(bits);
            (void)buffer_puts(out, separator);
            put_text(out, result_text(result, text, sizeof text));
            separator = ",";
        }
    }
    (void)buffer_putc(out, ']');
}

static void put_access(Buffer *out, uint64_t access)
{
    const char *separator = "";

    (void)buffer_putc(out, '[');
    for (unsigned bit = 0; bit < ACCESS_BITS; bit++) {
        if ((access >> bit & 1) == 0)
            continue;
        (void)buffer_puts(out, separator);
        put_text(out, access_bit_name(bit));
        separator = ",";
    }
    (void)buffer_putc(out, ']');
}

static void put_values(Buffer *out, const Fact *fact)
{
    const FactField *list = fact_kind_fields(fact->kind);

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        const FieldInfo *info = field_info(list[i]);
        const FactValue *value = &fact->values[i];
        if (!value->present)
            continue;
        put_key(out, info->name);
        if (info->type == FIELD_TYPE_TEXT)
            put_text(out, value->text);
        else if (info->type == FIELD_TYPE_NUMBER)
            put_i64(out, value->number);
        else if (info->type == FIELD_TYPE_FLAG)
            put_bool(out, value->number != 0);
        else
            put_access(out, (uint64_t)value->number);
    }
}

static void put_args(Buffer *out, const Fact *fact)
{
    const char *separator = "";
    char text[512];

    if (fact->args_present == 0)
        return;
    put_key(out, "args");
    (void)buffer_putc(out, '[');
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if ((fact->args_present >> i & 1) == 0)
            continue;
        (void)buffer_puts(out, separator);
        (void)buffer_puts(out, "{\"index\":");
        put_u64(out, i);
        put_key(out, "value");
        if (fact->args[i] < JSON_SAFE_INTEGER)
            put_u64(out, fact->args[i]);
        else
            (void)buffer_printf(out, "\"0x%" PRIx64 "\"", fact->args[i]);
        put_key_text(out, "text", fact_arg_text(fact, i, text, sizeof text));
        (void)buffer_putc(out, '}');
        separator = ",";
    }
    (void)buffer_putc(out, ']');
}

/* The lines of TEXT as an array. */
static void put_lines(Buffer *out, const char *key, const char *text)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;

    if (!text)
        return;
    put_key(out, key);
    (void)buffer_putc(out, '[');
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, "\n");
        buffer_clear(&line);
        if (buffer_append(&line, at, length) < 0)
            out->error = -ENOMEM;
        put_text(out, buffer_text(&line));
        at += length;
        if (*at == '\n' && *++at)
            (void)buffer_putc(out, ',');
    }
    (void)buffer_putc(out, ']');
}

/* ,"first":{…}, nothing where nothing is known */
static void put_first(Buffer *out, const FirstSeen *first)
{
    if (!first->command && !first->syscall && !first->stack && first->depth == 0)
        return;
    put_key(out, "first");
    const size_t open = out->length;
    put_key_text(out, "command", first->command);
    put_texts(out, "ancestry", (const char *const *)first->ancestry, first->depth);
    put_key_text(out, "syscall", first->syscall);
    put_lines(out, "stack", first->stack);
    if (!out->error)
        out->data[open] = '{'; /* in place of the first comma */
    (void)buffer_putc(out, '}');
}

static void put_runs_of_fact(Buffer *out, const RunCount *runs, size_t count)
{
    put_key(out, "runs");
    (void)buffer_putc(out, '[');
    for (size_t i = 0; i < count; i++) {
        (void)buffer_puts(out, i > 0 ? ",[" : "[");
        put_u64(out, runs[i].run);
        (void)buffer_putc(out, ',');
        put_u64(out, runs[i].count);
        (void)buffer_putc(out, ']');
    }
    (void)buffer_putc(out, ']');
}

void recording_put_fact(Buffer *out, const Recording *recording, const Fact *fact, LineSeams *seams)
{
    seams->begin = out->length;
    (void)buffer_puts(out, "{\"kind\":");
    put_text(out, fact_kind_name(fact->kind));
    put_key(out, "name");
    seams->name = out->length;
    put_text(out, fact->name);
    seams->values = out->length;
    put_values(out, fact);
    put_args(out, fact);
    put_key_text(out, "subject", fact->subject);
    put_key_text(out, "phase", phase_name(fact->phase));
    put_key(out, "count");
    seams->count = out->length;
    put_u64(out, fact_count(fact));
    seams->rest = out->length;
    put_results(out, &fact->results);
    (void)buffer_puts(out, fact->predicted ? ",\"predicted\":true" : "");
    put_key_text(out, "origin", fact->rule ? "inferred" : "observed");
    put_key_text(out, "rule", fact->rule);
    put_first(out, &fact->first);
    put_texts(out, "labels", fact->labels, fact->labels_count);
    seams->runs = out->length;
    if (recording->runs_count > 1)
        put_runs_of_fact(out, fact->runs, fact->runs_count);
    (void)buffer_putc(out, '}');
}

/* As recording_put_fact(), of one that has FRAME. */
static void put_framed(Buffer *out, const Recording *recording, const StoredFact *fact,
                       const LineFrame *frame)
{
    (void)buffer_append(out, frame->head, frame->head_length);
    put_text(out, strset_text(recording->strings, fact->name));
    (void)buffer_append(out, frame->middle, frame->middle_length);
    put_u64(out, recording_fact_count(recording, fact));
    (void)buffer_append(out, frame->tail, frame->tail_length);
    if (recording->runs_count > 1)
        put_runs_of_fact(out, &(RunCount){fact->run, fact->count}, 1);
    (void)buffer_putc(out, '}');
}

int recording_print_framed(const Recording *recording, const StoredFact *fact, FrameCache *cache,
                           Buffer *out)
{
    const size_t start = out->length;
    const LineFrame *frame = frame_find(cache, fact);
    LineSeams seams;
    Fact view;

    if (frame)
        put_framed(out, recording, fact, frame);
    else
        recording_put_fact(out, recording, recording_view(recording, fact, &view), &seams);
    if (!frame && !out->error)
        frame_remember(cache, fact, out->data + start, &seams);
    return put_line_end(out, start);
}

int recording_print_fact(const Recording *recording, const StoredFact *fact, Buffer *out)
{
    return recording_print_framed(recording, fact, NULL, out);
}
