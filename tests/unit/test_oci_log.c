/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in the log of a runtime, as runc writes them. */
#include "base/io.h"
#include "base/memory.h"
#include "suite.h"
#include "tracer/oci_log.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHEN = 1770091506 };

#define TIME "2026-02-03T04:05:06Z"

static const struct {
    const char *message;
    OciLogLevel level;
    const char *text, *json; /* what stands for the message */
} rows[] = {
    {"plain", OCI_LOG_WARNING, "plain", "\"plain\""},
    {"/a-b_c.d@e^f+g", OCI_LOG_ERROR, "/a-b_c.d@e^f+g", "\"/a-b_c.d@e^f+g\""},
    {"", OCI_LOG_INFO, "\"\"", "\"\""},
    {"two words", OCI_LOG_DEBUG, "\"two words\"", "\"two words\""},
    {"a=b", OCI_LOG_WARNING, "\"a=b\"", "\"a=b\""},
    {"say \"x\\y\"", OCI_LOG_WARNING, "\"say \\\"x\\\\y\\\"\"", "\"say \\\"x\\\\y\\\"\""},
    {"a\nb\r\t\b\f", OCI_LOG_WARNING, "\"a\\nb\\r\\t\\b\\f\"", "\"a\\nb\\r\\t\\b\\f\""},
    {"\x01\x1b[31m\x7f", OCI_LOG_WARNING, "\"\\x01\\x1b[31m\\x7f\"",
     "\"\\u0001\\u001b[31m\\u007f\""},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8b", OCI_LOG_WARNING,
     "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8b\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8b\""},
    {"\xc2\x85", OCI_LOG_WARNING, "\"\\u0085\"", "\"\\u0085\""},
    /* no UTF-8: a byte alone, overlong, cut off, a surrogate, too large */
    {"a\xff", OCI_LOG_WARNING, "\"a\\xff\"", "\"a\\ufffd\""},
    {"\xc0\x80", OCI_LOG_WARNING, "\"\\xc0\\x80\"", "\"\\ufffd\\ufffd\""},
    {"\xe2\x82", OCI_LOG_WARNING, "\"\\xe2\\x82\"", "\"\\ufffd\\ufffd\""},
    {"\xed\xa0\x80", OCI_LOG_WARNING, "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\""},
    {"\xf4\x90\x80\x80", OCI_LOG_WARNING, "\"\\xf4\\x90\\x80\\x80\"",
     "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
};

static const char *const names[] = {"debug", "info", "warning", "error"};

START_TEST(test_format)
{
    CLEANUP(buffer_deinit) Buffer have = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer want = BUFFER_INIT;
    const OciLogField field = {"whittle", rows[_i].message};

    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
    ck_assert_int_eq(
        oci_log_format(&have, false, rows[_i].level, WHEN, rows[_i].message, &field, 1), 0);
    ck_assert_int_eq(oci_log_format(&have, true, rows[_i].level, WHEN, rows[_i].message, &field, 1),
                     0);
    (void)buffer_printf(&want, "time=\"" TIME "\" level=%s msg=%s whittle=%s\n",
                        names[rows[_i].level], rows[_i].text, rows[_i].text);
    (void)buffer_printf(&want,
                        "{\"level\":\"%s\",\"msg\":%s,\"time\":\"" TIME "\",\"whittle\":%s}\n",
                        names[rows[_i].level], rows[_i].json, rows[_i].json);
    ck_assert_str_eq(buffer_text(&have), buffer_text(&want));
}
END_TEST

static const struct {
    const char *zone, *time;
} zones[] = {
    {"UTC", TIME},
    {"XXX-01:30", "2026-02-03T05:35:06+01:30"},
    {"XXX05", "2026-02-02T23:05:06-05:00"},
};

START_TEST(test_zones)
{
    CLEANUP(buffer_deinit) Buffer have = BUFFER_INIT;

    ck_assert_int_eq(setenv("TZ", zones[_i].zone, 1), 0);
    tzset();
    ck_assert_int_eq(oci_log_format(&have, false, OCI_LOG_INFO, WHEN, "x", NULL, 0), 0);
    ck_assert_ptr_nonnull(strstr(buffer_text(&have), zones[_i].time));
}
END_TEST

static void check_line(const char *path, const char *begin, const char *end)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    ck_assert_int_eq(read_file(path, &text, 10000, NULL), 0);
    const char *line = buffer_text(&text);
    ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0, "%s", line);
    ck_assert_msg(text.length > strlen(end), "%s", line);
    ck_assert_str_eq(line + text.length - strlen(end), end);
}

START_TEST(test_places)
{
    char folder[] = "/tmp/whittle-test-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(oci_log("a", NULL, OCI_LOG_WARNING, "one", NULL, 0), 0);
    check_line("a", "time=\"2", "level=warning msg=one\n");
    ck_assert_int_eq(oci_log("file:a", "text", OCI_LOG_ERROR, "two", NULL, 0), 0);
    check_line("a", "time=\"2", "level=error msg=two\n"); /* appended */
    ck_assert_int_eq(unlink("a"), 0);
    ck_assert_int_eq(oci_log("a", "json", OCI_LOG_ERROR, "three", NULL, 0), 0);
    check_line("a", "{\"level\":\"error\",\"msg\":\"three\",\"time\":\"2", "\"}\n");
    ck_assert_int_eq(unlink("a"), 0);
    ck_assert_int_eq(oci_log("not/there", NULL, OCI_LOG_ERROR, "x", NULL, 0), -ENOENT);
    /* a pipe that nobody reads */
    ck_assert_int_eq(mkfifo("a", 0600), 0);
    ck_assert_int_eq(oci_log("a", NULL, OCI_LOG_ERROR, "x", NULL, 0), -ENXIO);
    ck_assert_int_eq(unlink("a"), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_standard_error)
{
    static const char *const logs[] = {NULL, "", "/dev/stderr"};
    char line[256];
    int ends[2];

    for (size_t i = 0; i < ARRAY_LENGTH(logs); i++) {
        ck_assert_int_eq(pipe(ends), 0);
        const int kept = dup(STDERR_FILENO);
        ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        const int r = oci_log(logs[i], NULL, OCI_LOG_INFO, "x", NULL, 0);
        ck_assert_int_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        ck_assert_int_eq(r, 0);
        const ssize_t length = read(ends[0], line, sizeof line - 1);
        ck_assert_int_gt(length, 0);
        line[length] = '\0';
        ck_assert_ptr_nonnull(strstr(line, "level=info msg=x\n"));
        (void)close(kept);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_log");

    suite_add(suite, "format", test_format, ARRAY_LENGTH(rows));
    suite_add(suite, "zones", test_zones, ARRAY_LENGTH(zones));
    suite_add(suite, "places", test_places, 1);
    suite_add(suite, "standard-error", test_standard_error, 1);
    return suite_run(suite);
}
