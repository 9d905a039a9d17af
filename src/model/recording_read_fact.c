/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fact lines of a recording say. Keys that are not known are ignored, so that later
 * versions can add some; a known key of the wrong type, and a name that is not known where only
 * some are possible, are errors.
 */
#include "base/memory.h"
#include "model/recording_reader.h"

#include <errno.h>

/* ---- a fact --------------------------------------------------------------------------------- */

/* The result of which TEXT is the result_text(), or -1. */
static int result_from_text(const char *text)
{
    static const struct {
        const char *name;
        int result;
    } others[] = {
        {"ok", RESULT_OK},    {"unknown", RESULT_UNKNOWN}, {"EWOULDBLOCK", EWOULDBLOCK},
        {"ENOTSUP", ENOTSUP}, {"EDEADLOCK", EDEADLOCK},
    };
    char canonical[24];

    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcmp(others[i].name, text) == 0)
            return others[i].result;
    }
    if (strncmp(text, "errno-", 6) == 0) {
        const long n = strtol(text + 6, NULL, 10);
        if (n > RESULT_OK && n < RESULT_UNKNOWN &&
            strcmp(result_text((int)n, canonical, sizeof canonical), text) == 0)
            return (int)n;
        return -1;
    }
    return errno_from_name(text);
}

static int parse_results(Reader *reader, const json_t *json, Results *results)
{
    json_t *array = NULL;
    const json_t *value;
    size_t i;
    int r = reader_get_array(reader, json, "results", &array);

    json_array_foreach (array, i, value) {
        const char *text = NULL;
        r = reader_text(reader, value, "results", &text);
        if (r < 0)
            return r;
        const int result = result_from_text(text);
        if (result < 0)
            return reader_error(reader, "unknown result \"%.64s\"", text);
        results_add(results, result);
    }
    return r;
}

static int parse_access(Reader *reader, const json_t *array, int64_t *ret_access)
{
    const json_t *value;
    int64_t access = 0;
    size_t i;

    if (!json_is_array(array))
        return reader_error(reader, "\"access\" is not an array");
    json_array_foreach (array, i, value) {
        const char *text = NULL;
        const int r = reader_text(reader, value, "access", &text);
        if (r < 0)
            return r;
        const int bit = access_bit_from_name(text);
        if (bit < 0)
            return reader_error(reader, "unknown access \"%.64s\"", text);
        access |= (int64_t)1 << bit;
    }
    *ret_access = access;
    return 0;
}

static int parse_value(Reader *reader, const json_t *value, FactField field, Fact *fact)
{
    const FieldInfo *info = field_info(field);
    const char *text = NULL;
    int64_t number = 0;
    int r = 0;

    switch (info->type) {
    case FIELD_TYPE_TEXT:
        r = reader_text(reader, value, info->name, &text);
        if (r == 0)
            fact_set_text(fact, field, text);
        return r;
    case FIELD_TYPE_ACCESS:
        r = parse_access(reader, value, &number);
        break;
    case FIELD_TYPE_FLAG:
        number = json_is_true(value);
        if (!json_is_boolean(value))
            r = reader_error(reader, "\"%s\" is neither true nor false", info->name);
        break;
    case FIELD_TYPE_NUMBER:
        number = json_integer_value(value);
        if (!json_is_integer(value))
            r = reader_error(reader, "\"%s\" is not a whole number", info->name);
        break;
    }
    if (r == 0)
        fact_set_number(fact, field, number);
    return r;
}

static int parse_values(Reader *reader, const json_t *json, Fact *fact)
{
    const FactField *list = fact_kind_fields(fact->kind);

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        const json_t *value = json_object_get(json, field_info(list[i])->name);
        const int r = value ? parse_value(reader, value, list[i], fact) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* A number, or one too large for JSON as text "0x…". */
static int parse_arg_value(Reader *reader, const json_t *json, uint64_t *ret_value)
{
    const json_t *value = json_object_get(json, "value");
    const char *text = json_string_value(value);

    if (text) {
        const char *digits = text + 2;
        const size_t length = strncmp(text, "0x", 2) == 0 ? strlen(digits) : 0;
        if (length < 1 || length > 16 || strspn(digits, "0123456789abcdefABCDEF") != length)
            return reader_error(reader, "\"value\" is not a number");
        *ret_value = strtoull(digits, NULL, 16);
        return 0;
    }
    if (!value)
        return reader_error(reader, "an argument has no \"value\"");
    return reader_get_count(reader, json, "value", ret_value);
}

static int parse_args(Reader *reader, const json_t *json, Fact *fact)
{
    json_t *array = NULL;
    const json_t *value;
    size_t i;
    int r = reader_get_array(reader, json, "args", &array);

    json_array_foreach (array, i, value) {
        uint64_t index = SYSCALL_ARGS;
        uint64_t number = 0;
        r = reader_get_count(reader, value, "index", &index);
        if (r < 0)
            return r;
        if (index >= SYSCALL_ARGS || (fact->args_present >> index & 1))
            return reader_error(reader, "\"args\": a wrong or repeated \"index\"");
        r = parse_arg_value(reader, value, &number);
        if (r < 0)
            return r;
        fact->args_present |= (uint8_t)(1u << index);
        fact->args[index] = number;
    }
    return r;
}

/* Frames become the lines of one text. */
static int parse_stack(Reader *reader, const json_t *object, const char **ret_stack)
{
    CLEANUP(buffer_deinit) Buffer lines = BUFFER_INIT;
    json_t *array = NULL;
    const json_t *value;
    size_t i;
    int r = reader_get_array(reader, object, "stack", &array);

    json_array_foreach (array, i, value) {
        const char *frame = NULL;
        r = reader_text(reader, value, "stack", &frame);
        if (r < 0)
            return r;
        if (*frame == '\0' || strchr(frame, '\n'))
            return reader_error(reader, "\"stack\" has a frame that is not one line of text");
        (void)buffer_puts(&lines, i > 0 ? "\n" : "");
        (void)buffer_puts(&lines, frame);
        if (lines.length > RECORDING_STRING_MAX)
            return reader_error(reader, "\"stack\" is too long");
    }
    if (r < 0 || lines.length == 0)
        return r;
    *ret_stack = lines.error ? NULL : strset_add(reader->recording->strings, buffer_text(&lines));
    return *ret_stack ? 0 : reader_failure(reader, -ENOMEM);
}

static int parse_first(Reader *reader, const json_t *json, FirstSeen *first)
{
    const json_t *object = json_object_get(json, "first");
    json_t *array = NULL;
    const json_t *value;
    size_t i;

    if (!object)
        return 0;
    if (!json_is_object(object))
        return reader_error(reader, "\"first\" is not an object");
    int r = reader_get_text(reader, object, "command", &first->command);
    if (r == 0)
        r = reader_get_text(reader, object, "syscall", &first->syscall);
    if (r == 0)
        r = parse_stack(reader, object, &first->stack);
    if (r == 0)
        r = reader_get_array(reader, object, "ancestry", &array);
    if (r < 0)
        return r;
    if (json_array_size(array) > ANCESTRY_MAX)
        return reader_error(reader, "\"ancestry\" has more than %d entries", ANCESTRY_MAX);
    json_array_foreach (array, i, value) {
        r = reader_text(reader, value, "ancestry", &first->ancestry[i]);
        if (r < 0)
            return r;
    }
    first->depth = json_array_size(array);
    return 0;
}

static int parse_origin(Reader *reader, const json_t *json, Fact *fact)
{
    const char *origin = NULL;
    int r = reader_get_text(reader, json, "origin", &origin);

    if (r == 0)
        r = reader_get_text(reader, json, "rule", &fact->rule);
    if (r < 0)
        return r;
    if (!origin || (strcmp(origin, "observed") != 0 && strcmp(origin, "inferred") != 0))
        return reader_error(reader, "\"origin\" is neither \"observed\" nor \"inferred\"");
    if ((origin[0] == 'i') != (fact->rule != NULL))
        return reader_error(reader, "\"rule\" goes with the origin \"inferred\", and only with it");
    return 0;
}

static int parse_identity(Reader *reader, const json_t *json, Fact *fact)
{
    const char *kind = NULL;
    const char *phase = NULL;
    int r = reader_get_text(reader, json, "kind", &kind);

    if (r == 0)
        r = reader_get_text(reader, json, "phase", &phase);
    if (r == 0)
        r = reader_get_text(reader, json, "name", &fact->name);
    if (r == 0)
        r = reader_get_text(reader, json, "subject", &fact->subject);
    if (r < 0)
        return r;
    const int kind_number = kind ? fact_kind_from_name(kind) : -1;
    const int phase_number = phase ? phase_from_name(phase) : -1;
    if (kind_number < 0)
        return reader_error(reader, "unknown kind \"%.64s\"", kind ? kind : "");
    if (phase_number < 0)
        return reader_error(reader, "unknown phase \"%.64s\"", phase ? phase : "");
    if (!fact->name)
        return reader_error(reader, "a fact without \"name\"");
    fact->kind = (FactKind)kind_number;
    fact->phase = (Phase)phase_number;
    r = parse_values(reader, json, fact);
    if (r == 0 && fact->kind == FACT_SYSCALL)
        r = parse_args(reader, json, fact);
    return r == 0 ? parse_origin(reader, json, fact) : r;
}

/* A journal may tell a fact again with a higher count: the highest one holds. */
static int set_count(Reader *reader, StoredFact *fact, uint64_t run, uint64_t count)
{
    if (run >= reader->recording->runs_count)
        return reader_error(reader, "there is no run %llu", (unsigned long long)run);
    uint64_t *place = stored_run_count(reader->recording, fact, (uint32_t)run);
    if (!place)
        return reader_failure(reader, -ENOMEM);
    *place = count > *place ? count : *place;
    return 0;
}

static int parse_counts(Reader *reader, const json_t *json, StoredFact *fact)
{
    json_t *array = NULL;
    const json_t *pair;
    uint64_t count = 0;
    size_t i;
    int r = reader_get_array(reader, json, "runs", &array);

    if (r == 0)
        r = reader_get_count(reader, json, "count", &count);
    if (r < 0)
        return r;
    if (!array) {
        if (reader->recording->runs_count != 1)
            return reader_error(reader, "\"runs\" is missing");
        return set_count(reader, fact, 0, count);
    }
    json_array_foreach (array, i, pair) {
        const json_t *run = json_array_get(pair, 0);
        const json_t *value = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_integer(run) || !json_is_integer(value) ||
            json_integer_value(run) < 0 || json_integer_value(value) < 0)
            return reader_error(reader, "\"runs\" does not hold pairs [run, count]");
        r = set_count(reader, fact, (uint64_t)json_integer_value(run),
                      (uint64_t)json_integer_value(value));
        if (r < 0)
            return r;
    }
    return json_array_size(array) > 0 ? 0 : reader_error(reader, "\"runs\" is empty");
}

static int parse_labels(Reader *reader, const json_t *json, StoredFact *fact)
{
    json_t *array = NULL;
    const json_t *value;
    size_t i;
    int r = reader_get_array(reader, json, "labels", &array);

    json_array_foreach (array, i, value) {
        const char *label = NULL;
        r = reader_text(reader, value, "labels", &label);
        if (r < 0)
            return r;
        const int added = recording_add_label(reader->recording, fact, label);
        if (added < 0)
            return reader_failure(reader, added);
    }
    return r;
}

int reader_fact(Reader *reader, const json_t *json, const StoredFact **ret_new)
{
    Fact draft = {0};
    StoredFact *fact = NULL;
    int r = parse_identity(reader, json, &draft);

    if (r == 0)
        r = parse_results(reader, json, &draft.results);
    if (r == 0)
        r = reader_get_flag(reader, json, "predicted", &draft.predicted);
    if (r == 0)
        r = parse_first(reader, json, &draft.first);
    if (r < 0)
        return r;
    const int is_new = recording_put(reader->recording, &draft, &fact);
    r = is_new;
    if (r == 0)
        r = recording_unite(reader->recording, fact, &draft, true);
    if (r < 0)
        return reader_failure(reader, r);
    r = parse_counts(reader, json, fact);
    if (r == 0)
        r = parse_labels(reader, json, fact);
    if (r == 0 && is_new)
        *ret_new = fact;
    return r;
}
