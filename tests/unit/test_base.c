/* SPDX-License-Identifier: Apache-2.0 */
/* src/base: errors, buffers, the escape, string sets, input and output. */
#include "base/buffer.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/nameless.h"
#include "base/strset.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- error ---------------------------------------------------------------------------------- */

static const struct {
    int number;
    const char *name;
} errnos[] = {
    {1, "EPERM"},   {2, "ENOENT"},      {11, "EAGAIN"},
    {38, "ENOSYS"}, {95, "EOPNOTSUPP"}, {133, "EHWPOISON"},
};

START_TEST(test_errno_names)
{
    ck_assert_str_eq(errno_name(errnos[_i].number), errnos[_i].name);
    ck_assert_int_eq(errno_from_name(errnos[_i].name), errnos[_i].number);
}
END_TEST

START_TEST(test_errno_unknown)
{
    ck_assert_ptr_null(errno_name(0));
    ck_assert_ptr_null(errno_name(-2));
    ck_assert_ptr_null(errno_name(4095));
    ck_assert_int_eq(errno_from_name(""), -1);
    ck_assert_int_eq(errno_from_name("ENOENT "), -1);
    ck_assert_int_eq(errno_from_name("enoent"), -1);
}
END_TEST

START_TEST(test_error)
{
    char huge[ERROR_TEXT_MAX * 2];
    Error err = {0};

    ck_assert_int_eq(error_set(&err, EINVAL, "no %s", "good"), -EINVAL);
    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert_str_eq(err.text, "no good");
    error_prefix(&err, "file %d", 7);
    ck_assert_str_eq(err.text, "file 7: no good");
    ck_assert_int_eq(error_errno(&err, -ENOENT, "x"), -ENOENT);
    ck_assert_str_eq(err.text, "x: No such file or directory");
    ck_assert_int_eq(error_set(NULL, -EIO, "nobody listens"), -EIO);
    error_prefix(NULL, "nobody");

    memset(huge, 'a', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    (void)error_errno(&err, EIO, "%s", huge);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_prefix(&err, "%s", huge);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_MAX - 1);
}
END_TEST

/* ---- buffer --------------------------------------------------------------------------------- */

START_TEST(test_buffer)
{
    CLEANUP(buffer_deinit) Buffer buffer = BUFFER_INIT;

    ck_assert_str_eq(buffer_text(&buffer), "");
    ck_assert_int_eq(buffer_puts(&buffer, "ab"), 0);
    ck_assert_int_eq(buffer_putc(&buffer, 'c'), 0);
    ck_assert_int_eq(buffer_printf(&buffer, "%05d", 42), 0);
    ck_assert_str_eq(buffer_text(&buffer), "abc00042");
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(buffer_append(&buffer, "0123456789", 10), 0);
    ck_assert_uint_eq(buffer.length, 100008);
    ck_assert_int_eq(buffer.data[buffer.length], '\0');
    buffer_clear(&buffer);
    ck_assert_str_eq(buffer_text(&buffer), "");
    CLEANUP(free_pointer) char *empty = buffer_steal(&buffer);
    ck_assert_str_eq(empty, "");
    ck_assert_ptr_null(buffer.data);
}
END_TEST

START_TEST(test_buffer_error_sticks)
{
    CLEANUP(buffer_deinit) Buffer buffer = BUFFER_INIT;

    ck_assert_int_eq(buffer_puts(&buffer, "kept"), 0);
    /* never read: the length alone cannot be had */
    ck_assert_int_eq(buffer_append(&buffer, buffer.data, SIZE_MAX - 2), -ENOMEM);
    ck_assert_int_eq(buffer_putc(&buffer, 'x'), -ENOMEM);
    ck_assert_int_eq(buffer_printf(&buffer, "x"), -ENOMEM);
    ck_assert_str_eq(buffer_text(&buffer), "kept");
    ck_assert_ptr_null(buffer_steal(&buffer));
    buffer_clear(&buffer);
    ck_assert_int_eq(buffer_putc(&buffer, 'x'), 0);
}
END_TEST

/* ---- escape --------------------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    const char *text;
} escapes[] = {
    {"", ""},
    {"/etc/passwd", "/etc/passwd"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"\xf0\x9f\x90\xb3", "\xf0\x9f\x90\xb3"},
    {"a\\b", "a\\x5cb"},
    {"\n\t\x7f", "\\x0a\\x09\\x7f"},
    {"\xff\xfe", "\\xff\\xfe"},
    {"\xc3", "\\xc3"},          /* cut */
    {"\xc0\xaf", "\\xc0\\xaf"}, /* overlong */
    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
    {"\xe2\x82z", "\\xe2\\x82z"},
};

START_TEST(test_escape)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    ck_assert_int_eq(escape_append(&out, escapes[_i].bytes, strlen(escapes[_i].bytes)), 0);
    ck_assert_str_eq(buffer_text(&out), escapes[_i].text);
    CLEANUP(free_pointer) char *text = buffer_steal(&out);
    ck_assert_int_eq(unescape_in_place(text), (long)strlen(escapes[_i].bytes));
    ck_assert_str_eq(text, escapes[_i].bytes);
}
END_TEST

/* Every pair of bytes comes back as it was, through text that is printable. */
START_TEST(test_escape_pairs)
{
    for (unsigned i = 0x0101; i <= 0xffff; i++) {
        const char bytes[2] = {(char)(i >> 8), (char)(i & 0xff)};
        CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
        if (bytes[0] == 0 || bytes[1] == 0)
            continue;
        ck_assert_int_eq(escape_append(&out, bytes, 2), 0);
        for (size_t j = 0; j < out.length; j++)
            ck_assert((unsigned char)out.data[j] >= 0x20 && out.data[j] != 0x7f);
        ck_assert_int_eq(unescape_in_place(out.data), 2);
        ck_assert_mem_eq(out.data, bytes, 2);
    }
}
END_TEST

static const char *const bad_escapes[] = {"\\",    "a\\", "\\x",  "\\x1",  "\\xg0",
                                          "\\x0g", "\\n", "\\\\", "\\x00", "\\X41"};

START_TEST(test_unescape_bad)
{
    CLEANUP(free_pointer) char *text = strdup(bad_escapes[_i]);

    ck_assert_int_eq(unescape_in_place(text), -EINVAL);
}
END_TEST

/* ---- string set ----------------------------------------------------------------------------- */

START_TEST(test_strset)
{
    StringSet *set = strset_new();
    const char *first[5000];
    char text[32];

    ck_assert_ptr_null(strset_find(set, "0"));
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        first[i] = strset_add(set, text);
        ck_assert_str_eq(first[i], text);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        ck_assert_ptr_eq(strset_add(set, text), first[i]);
        ck_assert_ptr_eq(strset_find(set, text), first[i]);
    }
    ck_assert_uint_eq(strset_count(set), 5000);
    ck_assert_ptr_eq(strset_add_bytes(set, "12345", 2), first[12]);
    ck_assert_str_eq(strset_add(set, ""), "");
    ck_assert_ptr_eq(strset_add(set, ""), strset_find(set, ""));

    CLEANUP(free_pointer) char *large = malloc(200001);
    memset(large, 'x', 200000);
    large[200000] = '\0';
    ck_assert_str_eq(strset_add(set, large), large);
    ck_assert_ptr_null(strset_free(set));
    ck_assert_ptr_null(strset_free(NULL));
}
END_TEST

/* ---- input and output ----------------------------------------------------------------------- */

static char *temporary_folder(void)
{
    char *path = strdup("/tmp/whittle-test-XXXXXX");

    ck_assert_ptr_nonnull(path);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

START_TEST(test_write_and_read)
{
    CLEANUP(free_pointer) char *folder = temporary_folder();
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(free_pointer) char *elsewhere = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    struct stat st;
    Error err = {0};

    ck_assert_int_gt(asprintf(&path, "%s/file", folder), 0);
    ck_assert_int_gt(asprintf(&elsewhere, "%s/elsewhere", folder), 0);
    ck_assert_int_eq(write_file_atomic(elsewhere, "old", 3, &err), 0);
    ck_assert_int_eq(symlink("elsewhere", path), 0);
    ck_assert_int_eq(write_file_atomic(path, "a\0b", 3, &err), 0);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode)); /* the link was replaced, not followed */
    ck_assert_int_eq(read_file(path, &out, 3, &err), 0);
    ck_assert_uint_eq(out.length, 3);
    ck_assert_mem_eq(out.data, "a\0b", 3);
    buffer_clear(&out);
    ck_assert_int_eq(read_file(elsewhere, &out, 100, &err), 0);
    ck_assert_str_eq(buffer_text(&out), "old");
    buffer_clear(&out);
    ck_assert_int_eq(read_file(path, &out, 2, &err), -EFBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "limit"));
    (void)unlink(path);
    (void)unlink(elsewhere);
    ck_assert_int_eq(rmdir(folder), 0); /* and no temporary file is left */
}
END_TEST

/* Nobody sees it before it is in place, and nobody needs to clean up. */
START_TEST(test_nameless)
{
    CLEANUP(free_pointer) char *folder = temporary_folder();
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(fd_close) int fd = -1;
    int ends[2];
    Error err = {0};

    ck_assert_int_gt(asprintf(&path, "%s/file", folder), 0);
    for (int i = 0; i < 2; i++) { /* the second replaces the first */
        fd_close(&fd);
        fd = nameless_open(path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write_all(fd, i == 0 ? "one" : "three", i == 0 ? 3 : 5), 0);
        ck_assert_int_eq(access(path, F_OK), i == 0 ? -1 : 0);
        ck_assert_int_eq(nameless_place(fd, path, &err), 0);
        buffer_clear(&out);
        ck_assert_int_eq(read_file(path, &out, 100, &err), 0);
        ck_assert_str_eq(buffer_text(&out), i == 0 ? "one" : "three");
    }
    ck_assert_int_eq(unlink(path), 0);

    /* One that cannot get a name there is copied. */
    fd_close(&fd);
    fd = memfd_create("nameless", MFD_CLOEXEC);
    ck_assert_int_eq(write_all(fd, "four", 4), 0);
    ck_assert_int_eq(nameless_place(fd, path, &err), 0);
    buffer_clear(&out);
    ck_assert_int_eq(read_file(path, &out, 100, &err), 0);
    ck_assert_str_eq(buffer_text(&out), "four");
    ck_assert_int_eq(unlink(path), 0);

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(copy_all(fd, ends[1]), 0);
    ck_assert_int_eq(copy_all(ends[0], fd), -ESPIPE);
    fd_close(&ends[1]);
    buffer_clear(&out);
    ck_assert_int_eq(read_fd(ends[0], &out, 100), 0);
    ck_assert_str_eq(buffer_text(&out), "four");
    fd_close(&ends[0]);

    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was in it */
    ck_assert_int_eq(nameless_open(path), -ENOENT);
    ck_assert_int_lt(nameless_place(fd, path, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

/* What is no place for a file is known before there is anything to write, and stays as it is. */
START_TEST(test_write_check)
{
    CLEANUP(free_pointer) char *folder = temporary_folder();
    static const struct {
        const char *name; /* in the folder, or "-" */
        const char *link; /* what it is a link to; NULL: none */
        int result;
    } rows[] = {
        {"-", NULL, 0},
        {"new", NULL, 0},
        {"none/new", NULL, -ENOENT},
        {".", NULL, -EISDIR},
        {"to-new", "new", 0},
        {"to-folder", ".", -EISDIR},
        {"to-null", "/dev/null", -EEXIST},
        {"to-output", "/proc/self/fd/1", -EEXIST},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(free_pointer) char *path = NULL;
        Error err = {0};
        ck_assert_int_gt(asprintf(&path, "%s/%s", folder, rows[i].name), 0);
        if (rows[i].link)
            ck_assert_int_eq(symlink(rows[i].link, path), 0);
        const char *given = strcmp(rows[i].name, "-") == 0 ? "-" : path;
        const int result = write_file_check(given, &err);
        ck_assert_msg(result == rows[i].result, "%s: %d %s", rows[i].name, result, err.text);
        if (result < 0) {
            ck_assert_ptr_nonnull(strstr(err.text, path));
            ck_assert_int_lt(write_file_atomic(given, "x", 1, &err), 0);
        }
        if (rows[i].link)
            ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(write_file_check(NULL, NULL), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* and nothing is left in it */
}
END_TEST

START_TEST(test_peek)
{
    CLEANUP(free_pointer) char *folder = temporary_folder();
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_int_gt(asprintf(&path, "%s/file", folder), 0);
    ck_assert_int_eq(open_and_peek(path, &out, 4, &err), -ENOENT);
    ck_assert_int_eq(write_file_atomic(path, "0123456789", 10, &err), 0);
    int fd = open_and_peek(path, &out, 4, &err);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(buffer_text(&out), "0123");
    ck_assert_int_eq(read_fd(fd, &out, 100), 0);
    ck_assert_str_eq(buffer_text(&out), "0123456789");
    fd_close(&fd);
    buffer_clear(&out);
    fd = open_and_peek(path, &out, 100, &err);
    ck_assert_uint_eq(out.length, 10);
    fd_close(&fd);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(open_and_peek(folder, &out, 4, &err), -EISDIR);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_io_errors)
{
    CLEANUP(free_pointer) char *folder = temporary_folder();
    CLEANUP(free_pointer) char *missing = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_int_gt(asprintf(&missing, "%s/no/file", folder), 0);
    ck_assert_int_eq(read_file(missing, &out, 10, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, missing));
    ck_assert_int_eq(write_file_atomic(missing, "x", 1, &err), -ENOENT);
    ck_assert_int_eq(write_file_atomic(folder, "x", 1, &err), -EISDIR);
    ck_assert_int_eq(read_file(folder, &out, 10, &err), -EISDIR);
    ck_assert_int_eq(make_folder(folder, &err), 0);
    ck_assert_int_eq(make_folder(missing, &err), -ENOENT);
    ck_assert_int_eq(make_folder("/dev/null", &err), -ENOTDIR);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_write_all_to_pipe)
{
    CLEANUP(free_pointer) char *block = calloc(1, 50000);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(write_all(ends[1], block, 50000), 0);
    fd_close(&ends[1]);
    ck_assert_int_eq(ends[1], -1);
    fd_close(&ends[1]);
    ck_assert_int_eq(read_fd(ends[0], &out, 50000), 0);
    ck_assert_uint_eq(out.length, 50000);
    ck_assert_int_eq(write_all(-1, "x", 1), -EBADF);
    fd_close(&ends[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");

    suite_add(suite, "errno names", test_errno_names, ARRAY_LENGTH(errnos));
    suite_add(suite, "errno unknown", test_errno_unknown, 1);
    suite_add(suite, "error", test_error, 1);
    suite_add(suite, "buffer", test_buffer, 1);
    suite_add(suite, "buffer error", test_buffer_error_sticks, 1);
    suite_add(suite, "escape", test_escape, ARRAY_LENGTH(escapes));
    suite_add(suite, "escape pairs", test_escape_pairs, 1);
    suite_add(suite, "unescape", test_unescape_bad, ARRAY_LENGTH(bad_escapes));
    suite_add(suite, "strset", test_strset, 1);
    suite_add(suite, "files", test_write_and_read, 1);
    suite_add(suite, "nameless", test_nameless, 1);
    suite_add(suite, "write check", test_write_check, 1);
    suite_add(suite, "peek", test_peek, 1);
    suite_add(suite, "io errors", test_io_errors, 1);
    suite_add(suite, "pipe", test_write_all_to_pipe, 1);
    return suite_run(suite);
}
