/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: compact JSON with the keys in one fixed order, so that the same recording is the same
 * bytes. Texts are escaped by base/escape.h first (they are bytes), and the result by JSON's rules.
 */
#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* From here on numbers are not safe in JSON: many readers keep them as doubles. */
#define JSON_SAFE_INTEGER ((uint64_t)1 << 53)

#define WRITE_SIZE ((size_t)64 * 1024) /* so much is written at a time */

static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void put_text(Buffer *out, const char *text)
{
    const size_t length = strlen(text);

    (void)buffer_putc(out, '"');
    if (is_plain(text, length)) {
        (void)buffer_append(out, text, length);
    } else {
        CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;
        if (escape_append(&escaped, text, length) < 0)
            out->error = -ENOMEM;
        for (size_t i = 0; i < escaped.length; i++) {
            if (escaped.data[i] == '"' || escaped.data[i] == '\\')
                (void)buffer_putc(out, '\\');
            (void)buffer_putc(out, escaped.data[i]);
        }
    }
    (void)buffer_putc(out, '"');
}

/* ,"KEY": */
static void put_key(Buffer *out, const char *key)
{
    (void)buffer_puts(out, ",\"");
    (void)buffer_puts(out, key);
    (void)buffer_puts(out, "\":");
}

static void put_key_text(Buffer *out, const char *key, const char *text)
{
    if (!text)
        return;
    put_key(out, key);
    put_text(out, text);
}

static void put_u64(Buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    (void)buffer_append(out, digits + at, sizeof digits - at);
}

static void put_i64(Buffer *out, int64_t value)
{
    if (value < 0)
        (void)buffer_putc(out, '-');
    put_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void put_bool(Buffer *out, bool value)
{
    (void)buffer_puts(out, value ? "true" : "false");
}

static void put_texts(Buffer *out, const char *key, const char *const *texts, size_t count)
{
    if (count == 0)
        return;
    put_key(out, key);
    for (size_t i = 0; i < count; i++) {
        (void)buffer_putc(out, i > 0 ? ',' : '[');
        put_text(out, texts[i]);
    }
    (void)buffer_putc(out, ']');
}

/* ---- a fact --------------------------------------------------------------------------------- */

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

static void put_fact(Buffer *out, const Recording *recording, const Fact *fact, LineSeams *seams)
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

/* As put_fact(), of one that has FRAME. */
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

/* ---- header and footer ---------------------------------------------------------------------- */

/* The parts of a run that are known at its start, at its end, or both. */
static void put_run(Buffer *out, const Recording *recording, uint32_t index, bool header,
                    bool footer)
{
    const Run *run = &recording->runs[index];
    const size_t open = out->length;

    for (size_t i = 0; i < run_fields_count; i++) {
        if (run_fields[i].footer ? footer : header)
            put_key_text(out, run_fields[i].name, run_text(run, &run_fields[i]));
    }
    if (header) {
        put_texts(out, "command", (const char *const *)run->command, run->command_count);
        put_key(out, "no_new_privs");
        put_bool(out, run->no_new_privs);
    }
    if (footer) {
        if (run->exit_status >= 0) {
            put_key(out, "exit_status");
            put_i64(out, run->exit_status);
        }
        put_key(out, "calls");
        put_u64(out, run->calls);
        if (run->interrupted > 0) {
            put_key(out, "interrupted");
            put_u64(out, run->interrupted);
        }
        put_key(out, "complete");
        put_bool(out, recording_run_complete(recording, index));
    }
    if (!out->error)
        out->data[open] = '{';
    (void)buffer_putc(out, '}');
}

static void put_runs(Buffer *out, const Recording *recording, bool header, bool footer)
{
    put_key(out, "runs");
    (void)buffer_putc(out, '[');
    for (size_t i = 0; i < recording->runs_count; i++) {
        if (i > 0)
            (void)buffer_putc(out, ',');
        put_run(out, recording, (uint32_t)i, header, footer);
    }
    (void)buffer_putc(out, ']');
}

static void put_losses(Buffer *out, const Recording *recording)
{
    put_key(out, "losses");
    (void)buffer_putc(out, '[');
    for (size_t i = 0; i < recording->run_losses_count; i++) {
        const RunLoss *loss = &recording->run_losses[i];
        (void)buffer_puts(out, i > 0 ? ",{\"cause\":" : "{\"cause\":");
        put_text(out, loss->cause);
        put_key(out, "count");
        put_u64(out, loss->count);
        put_key_text(out, "example", loss->example);
        if (recording->runs_count > 1) {
            put_key(out, "run");
            put_u64(out, loss->run);
        }
        (void)buffer_putc(out, '}');
    }
    (void)buffer_putc(out, ']');
}

/* Ends the line that began at START; a line that no reader would take is not written. */
static int end_line(Buffer *out, size_t start)
{
    (void)buffer_putc(out, '\n');
    if (out->error)
        return out->error;
    if (out->length - start <= RECORDING_LINE_MAX)
        return 0;
    out->length = start;
    out->data[start] = '\0';
    return -EMSGSIZE;
}

int recording_print_header(const Recording *recording, Buffer *out)
{
    const size_t start = out->length;

    (void)buffer_printf(out, "{\"whittle\":\"recording\",\"format\":%d", RECORDING_FORMAT);
    put_runs(out, recording, true, false);
    (void)buffer_putc(out, '}');
    return end_line(out, start);
}

static int print_fact(const Recording *recording, const StoredFact *fact, FrameCache *cache,
                      Buffer *out)
{
    const size_t start = out->length;
    const LineFrame *frame = frame_find(cache, fact);
    LineSeams seams;
    Fact view;

    if (frame)
        put_framed(out, recording, fact, frame);
    else
        put_fact(out, recording, recording_view(recording, fact, &view), &seams);
    if (!frame && !out->error)
        frame_remember(cache, fact, out->data + start, &seams);
    return end_line(out, start);
}

int recording_print_fact(const Recording *recording, const StoredFact *fact, Buffer *out)
{
    return print_fact(recording, fact, NULL, out);
}

int recording_print_footer(const Recording *recording, Buffer *out)
{
    const size_t start = out->length;

    (void)buffer_puts(out, "{\"footer\":true");
    put_key(out, "facts");
    put_u64(out, recording->facts_count);
    put_key(out, "complete");
    put_bool(out, recording_is_complete(recording));
    put_losses(out, recording);
    put_runs(out, recording, false, true);
    (void)buffer_putc(out, '}');
    return end_line(out, start);
}

/* In sorted order the facts of many recordings lie scattered in memory: whoever goes through them
 * waits for less if those to come, and then their names, are already on their way. */
static void fetch_ahead(const Recording *recording, size_t index)
{
    enum { FACT_AHEAD = 32, NAME_AHEAD = 16 };

    if (index + FACT_AHEAD >= recording->facts_count)
        return;
    __builtin_prefetch(recording_stored(recording, index + FACT_AHEAD));
    __builtin_prefetch(
        strset_text(recording->strings, recording_stored(recording, index + NAME_AHEAD)->name));
}

/* Where a recording goes: into OUT, which is emptied into FD (unless that is -1) when it is full.
 */
static int print_to(Recording *recording, Buffer *out, int fd, bool header)
{
    CLEANUP(frame_cache_free) FrameCache *cache = frame_cache_new();
    int r = recording_sort(recording);

    if (r == 0 && header)
        r = recording_print_header(recording, out);
    for (size_t i = 0; r == 0 && i <= recording->facts_count; i++) {
        fetch_ahead(recording, i);
        if (i < recording->facts_count)
            r = print_fact(recording, recording_stored(recording, i), cache, out);
        else
            r = recording_print_footer(recording, out);
        if (r < 0 || fd < 0 || (out->length < WRITE_SIZE && i < recording->facts_count))
            continue;
        r = write_all(fd, out->data, out->length);
        buffer_clear(out);
    }
    return r;
}

int recording_print(Recording *recording, Buffer *out)
{
    return print_to(recording, out, -1, true);
}

int recording_write(Recording *recording, int fd, bool header)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    return print_to(recording, &out, fd, header);
}

int recording_print_document_head(const Recording *recording, Buffer *out)
{
    (void)buffer_printf(out, "{\"whittle\":\"recording\",\"format\":%d", RECORDING_FORMAT);
    put_runs(out, recording, true, true);
    put_key(out, "complete");
    put_bool(out, recording_is_complete(recording));
    put_losses(out, recording);
    put_key(out, "facts");
    return buffer_putc(out, '[');
}

int recording_print_document(Recording *recording, Buffer *out)
{
    const int r = recording_sort(recording);

    if (r < 0)
        return r;
    (void)recording_print_document_head(recording, out);
    for (size_t i = 0; i < recording->facts_count; i++) {
        (void)buffer_puts(out, i > 0 ? ",\n" : "\n");
        LineSeams seams;
        Fact view;
        put_fact(out, recording, recording_fact(recording, i, &view), &seams);
    }
    (void)buffer_puts(out, "\n]}\n");
    return out->error;
}
