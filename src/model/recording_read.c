/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the file format: bytes come in pieces of any size, lines go out to
 * recording_parse_line(). Only one line is in memory at a time. The last line may be cut off, as a
 * recorder that was killed leaves it; then it is dropped. Everything else that is wrong is an error
 * that names the line.
 */
#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"
#include "model/recording_reader.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int parse_line(Reader *reader, const char *line, size_t length, bool last)
{
    CLEANUP(json_decrefp) json_t *json = NULL;
    json_error_t why;

    reader->line++;
    if (length > RECORDING_LINE_MAX)
        return reader_error(reader, "longer than %zu bytes", RECORDING_LINE_MAX);
    if (reader->footer)
        return reader_error(reader,
                            "something follows the footer; `whittle merge` joins recordings");
    if (reader->line > 1) {
        const int r = repeat_fact(reader, line, length);
        if (r != 0)
            return r < 0 ? reader_failure(reader, r) : 0;
    }
    json = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
    if (!json && last && reader->line > 1) /* cut off */
        return 0;
    if (!json && reader->line == 1)
        return reader_error(reader, "this is not a recording");
    if (!json)
        return reader_error(reader, "damaged (%s)", why.text);
    if (!json_is_object(json))
        return reader_error(reader, "not an object");
    if (reader->line == 1)
        return reader_header(reader, json);
    if (json_object_get(json, "footer"))
        return reader_footer(reader, json);
    const StoredFact *fact = NULL;
    const int r = reader_fact(reader, json, &fact);
    if (r == 0 && fact)
        repeat_remember(reader, line, length, fact);
    return r;
}

static int reader_feed(Reader *reader, const char *bytes, size_t length)
{
    if (length > RECORDING_FILE_MAX - reader->bytes)
        return error_set(reader->err, -EFBIG, "%s: larger than the limit of 4 GiB", reader->name);
    reader->bytes += length;
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        const size_t part = end ? (size_t)(end - bytes) : length;
        int r = 0;
        if (!end || reader->rest.length > 0) {
            if (part > RECORDING_LINE_MAX - reader->rest.length) {
                reader->line++;
                return reader_error(reader, "longer than %zu bytes", RECORDING_LINE_MAX);
            }
            r = buffer_append(&reader->rest, bytes, part);
            if (r < 0)
                return error_errno(reader->err, r, "%s", reader->name);
            if (!end)
                return 0;
            r = parse_line(reader, reader->rest.data, reader->rest.length, false);
            buffer_clear(&reader->rest);
        } else {
            r = parse_line(reader, bytes, part, false);
        }
        if (r < 0)
            return r;
        bytes += part + 1;
        length -= part + 1;
    }
    return 0;
}

/* The bytes have ended. */
static int reader_finish(Reader *reader, Recording **ret_recording)
{
    Recording *recording = reader->recording;
    int r = 0;

    if (reader->rest.length > 0)
        r = parse_line(reader, reader->rest.data, reader->rest.length, true);
    else if (reader->line == 0)
        r = error_set(reader->err, -EINVAL, "%s: empty, not a recording", reader->name);
    if (r < 0)
        return r;
    for (uint32_t i = 0; !reader->footer && i < recording->runs_count; i++) {
        r = recording_add_run_loss(recording, "no-footer", NULL, 1, i, true);
        if (r < 0)
            return error_errno(reader->err, r, "%s", reader->name);
    }
    *ret_recording = TAKE(reader->recording);
    return 0;
}

static int reader_init(Reader *reader, const char *name, Error *err)
{
    *reader = (Reader){.name = name, .err = err, .recording = recording_new()};
    return reader->recording ? 0 : error_errno(err, ENOMEM, "%s", name);
}

static void reader_deinit(Reader *reader)
{
    buffer_deinit(&reader->rest);
    reader->repeats = repeat_cache_free(reader->repeats);
    reader->recording = recording_free(reader->recording);
}

int recording_parse(const char *name, const char *text, size_t length, Recording **ret_recording,
                    Error *err)
{
    CLEANUP(reader_deinit) Reader reader;
    int r = reader_init(&reader, name, err);

    if (r == 0)
        r = reader_feed(&reader, text, length);
    return r == 0 ? reader_finish(&reader, ret_recording) : r;
}

static int feed_all(Reader *reader, int fd)
{
    const size_t size = (size_t)256 * 1024;
    CLEANUP(free_pointer) char *block = malloc(size);

    if (!block)
        return error_errno(reader->err, ENOMEM, "%s", reader->name);
    for (;;) {
        const ssize_t n = read(fd, block, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(reader->err, errno, "%s: cannot read", reader->name);
        if (n == 0)
            return 0;
        const int r = reader_feed(reader, block, (size_t)n);
        if (r < 0)
            return r;
    }
}

int recording_read_on(const char *name, const char *text, size_t length, int fd,
                      Recording **ret_recording, Error *err)
{
    CLEANUP(reader_deinit) Reader reader;
    int r = reader_init(&reader, name, err);

    if (r == 0)
        r = reader_feed(&reader, text, length);
    if (r == 0)
        r = feed_all(&reader, fd);
    return r == 0 ? reader_finish(&reader, ret_recording) : r;
}

int recording_gather_read(Recording **all, const char *name, const char *text, size_t length,
                          int fd, Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = NULL;
    const int r = recording_read_on(name, text, length, fd, &recording, err);

    return r < 0 ? r : recording_gather(all, &recording, name, err);
}

int recording_read(const char *path, Recording **ret_recording, Error *err)
{
    CLEANUP(fd_close) int owned = -1;

    if (strcmp(path, "-") == 0)
        return recording_read_on("standard input", NULL, 0, STDIN_FILENO, ret_recording, err);
    owned = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (owned < 0)
        return error_errno(err, errno, "%s: cannot open", path);
    return recording_read_on(path, NULL, 0, owned, ret_recording, err);
}

/* ---- detection ------------------------------------------------------------------------------ */

bool recording_detect(const char *text, size_t length)
{
    static const char *const tokens[] = {"{", "\"whittle\"", ":", "\"recording\""};
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++) {
        const size_t size = strlen(tokens[i]);
        while (at < length && isspace((unsigned char)text[at]))
            at++;
        if (length - at < size || memcmp(text + at, tokens[i], size) != 0)
            return false;
        at += size;
    }
    return true;
}
