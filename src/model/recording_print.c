/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: compact JSON with the keys in one fixed order, so that the same recording is the same
 * bytes. recording_print_fact.c writes each fact's line, recording_json.h the pieces.
 */
#include "base/io.h"
#include "base/memory.h"
#include "model/recording_json.h"

#define WRITE_SIZE ((size_t)64 * 1024) /* so much is written at a time */

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

int recording_print_header(const Recording *recording, Buffer *out)
{
    const size_t start = out->length;

    (void)buffer_printf(out, "{\"whittle\":\"recording\",\"format\":%d", RECORDING_FORMAT);
    put_runs(out, recording, true, false);
    (void)buffer_putc(out, '}');
    return put_line_end(out, start);
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
    return put_line_end(out, start);
}

/* ---- the whole ------------------------------------------------------------------------------ */

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
            r = recording_print_framed(recording, recording_stored(recording, i), cache, out);
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
        recording_put_fact(out, recording, recording_fact(recording, i, &view), &seams);
    }
    (void)buffer_puts(out, "\n]}\n");
    return out->error;
}
