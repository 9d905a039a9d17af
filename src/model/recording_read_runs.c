/* SPDX-License-Identifier: Apache-2.0 */
/* What the first and the last line of a recording say: its runs, and the loss account. */
#include "base/memory.h"
#include "model/recording_reader.h"

#include <errno.h>

/* The text fields of RUN that are in the header, or those in the footer. */
static int parse_run_texts(Reader *reader, const json_t *json, bool footer, Run *run)
{
    for (size_t i = 0; i < run_fields_count; i++) {
        const char *text = NULL;
        if (run_fields[i].footer != footer)
            continue;
        const int r = reader_get_text(reader, json, run_fields[i].name, &text);
        if (r < 0)
            return r;
        run_set_text(run, &run_fields[i], text);
    }
    return 0;
}

static int parse_run(Reader *reader, const json_t *json)
{
    CLEANUP(free_pointer) const char **command = NULL;
    Run run = {.exit_status = -1};
    uint32_t index;
    json_t *array = NULL;
    const json_t *value;
    size_t i;

    if (!json_is_object(json))
        return reader_error(reader, "a run is not an object");
    int r = parse_run_texts(reader, json, false, &run);
    if (r == 0)
        r = reader_get_flag(reader, json, "no_new_privs", &run.no_new_privs);
    if (r == 0)
        r = reader_get_array(reader, json, "command", &array);
    if (r < 0)
        return r;
    if (json_array_size(array) > 0) {
        command = calloc(json_array_size(array), sizeof *command);
        if (!command)
            return reader_failure(reader, -ENOMEM);
    }
    json_array_foreach (array, i, value) {
        r = reader_text(reader, value, "command", &command[i]);
        if (r < 0)
            return r;
    }
    run.command = command;
    run.command_count = json_array_size(array);
    r = recording_add_run(reader->recording, &run, &index);
    if (r == -EEXIST)
        return reader_error(reader, "run \"%s\" is there twice", run.id);
    if (r == -EINVAL)
        return reader_error(reader,
                            "a run without a good \"id\" (1 to %d letters, digits, '.', '_', "
                            "'-'), or more than %d runs",
                            RUN_ID_MAX, RUNS_MAX);
    return r < 0 ? reader_failure(reader, r) : 0;
}

int reader_header(Reader *reader, const json_t *json)
{
    const char *whittle = json_string_value(json_object_get(json, "whittle"));
    uint64_t format = 0;
    json_t *array = NULL;
    const json_t *value;
    size_t i;

    if (!whittle || strcmp(whittle, "recording") != 0)
        return reader_error(reader, "this is not a recording");
    int r = reader_get_count(reader, json, "format", &format);
    if (r < 0)
        return r;
    if (format > RECORDING_FORMAT)
        return reader_error(reader,
                            "format %llu is newer than this whittle, which reads %d: upgrade it",
                            (unsigned long long)format, RECORDING_FORMAT);
    if (format == 0)
        return reader_error(reader, "\"format\" is missing or 0");
    r = reader_get_array(reader, json, "runs", &array);
    if (r < 0)
        return r;
    if (!array)
        return reader_error(reader, "\"runs\" is missing");
    json_array_foreach (array, i, value) {
        r = parse_run(reader, value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_loss(Reader *reader, const json_t *json)
{
    const char *cause = NULL;
    const char *example = NULL;
    uint64_t run = 0;
    uint64_t count = 0;
    int r = reader_get_text(reader, json, "cause", &cause);

    if (r == 0)
        r = reader_get_text(reader, json, "example", &example);
    if (r == 0)
        r = reader_get_count(reader, json, "count", &count);
    if (r == 0)
        r = reader_get_count(reader, json, "run", &run);
    if (r < 0)
        return r;
    if (!cause)
        return reader_error(reader, "a loss without \"cause\"");
    if (run >= reader->recording->runs_count)
        return reader_error(reader, "a loss in run %llu, which is not there",
                            (unsigned long long)run);
    r = recording_add_run_loss(reader->recording, cause, example, count, (uint32_t)run, true);
    return r < 0 ? reader_failure(reader, r) : 0;
}

static int parse_run_end(Reader *reader, const json_t *json, Run *run)
{
    uint64_t exit_status = 0;
    int r = parse_run_texts(reader, json, true, run);

    if (r == 0)
        r = reader_get_count(reader, json, "exit_status", &exit_status);
    if (r == 0)
        r = reader_get_count(reader, json, "calls", &run->calls);
    if (r == 0)
        r = reader_get_count(reader, json, "interrupted", &run->interrupted);
    if (r == 0)
        r = reader_get_flag(reader, json, "complete", &run->complete);
    if (r < 0)
        return r;
    if (exit_status > 255)
        return reader_error(reader, "\"exit_status\" is more than 255");
    if (json_object_get(json, "exit_status"))
        run->exit_status = (int)exit_status;
    /* borrowed from the line; must be the recording's own */
    if (run->end && !(run->end = strset_add(reader->recording->strings, run->end)))
        return reader_failure(reader, -ENOMEM);
    return 0;
}

int reader_footer(Reader *reader, const json_t *json)
{
    Recording *recording = reader->recording;
    uint64_t facts = recording->facts_count;
    json_t *runs = NULL;
    json_t *losses = NULL;
    const json_t *value;
    size_t i;
    int r = reader_get_count(reader, json, "facts", &facts);

    if (r == 0)
        r = reader_get_array(reader, json, "runs", &runs);
    if (r == 0)
        r = reader_get_array(reader, json, "losses", &losses);
    if (r < 0)
        return r;
    if (facts != recording->facts_count)
        return reader_error(reader, "the footer tells of %llu facts, but there are %zu",
                            (unsigned long long)facts, recording->facts_count);
    if (json_array_size(runs) != recording->runs_count)
        return reader_error(reader, "\"runs\" has not as many entries as in the header");
    json_array_foreach (runs, i, value) {
        r = parse_run_end(reader, value, &recording->runs[i]);
        if (r < 0)
            return r;
    }
    json_array_foreach (losses, i, value) {
        r = parse_loss(reader, value);
        if (r < 0)
            return r;
    }
    reader->footer = true;
    return 0;
}
