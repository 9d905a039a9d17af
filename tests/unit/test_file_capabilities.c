/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/file_capabilities: values as setcap(8) writes them, and others. */
#include "suite.h"
#include "tracer/file_capabilities.h"

#include <errno.h>
#include <unistd.h>

typedef struct Row {
    unsigned char value[24];
    size_t size;
    int result;
    FileCapabilities wanted;
} Row;

static const Row rows[] = {
    /* setcap cap_net_raw+ep */
    {{1, 0, 0, 2, 0, 0x20}, 20, 0, {.permitted = 0x2000, .effective = true}},
    /* setcap cap_net_raw+p cap_chown+i */
    {{0, 0, 0, 2, 0, 0x20, 0, 0, 1}, 20, 0, {.permitted = 0x2000, .inheritable = 1}},
    /* setcap cap_bpf+ep: the 39th */
    {{1, 0, 0, 2, [12] = 0x80}, 20, 0, {.permitted = UINT64_C(1) << 39, .effective = true}},
    /* setcap -n 100000 cap_chown+ep */
    {{1, 0, 0, 3, 1, [20] = 0xa0, 0x86, 1},
     24,
     0,
     {.permitted = 1, .root_id = 100000, .effective = true}},
    {{1, 0, 0, 1, 1}, 12, 0, {.permitted = 1, .effective = true}},
    {{1, 0, 0, 2, 1}, 12, -EINVAL, {0}},
    {{1, 0, 0, 1, 1}, 20, -EINVAL, {0}},
    {{1, 0, 0, 4, 1}, 24, -EINVAL, {0}},
    {{1, 0, 0}, 3, -EINVAL, {0}},
    {{0}, 0, -EINVAL, {0}},
};

START_TEST(test_parse)
{
    const FileCapabilities untouched = {.root_id = 7};
    const Row *row = &rows[_i];
    const FileCapabilities *wanted = row->result < 0 ? &untouched : &row->wanted;
    FileCapabilities got = untouched;

    ck_assert_int_eq(file_capabilities_parse(row->value, row->size, &got), row->result);
    ck_assert_uint_eq(got.permitted, wanted->permitted);
    ck_assert_uint_eq(got.inheritable, wanted->inheritable);
    ck_assert_uint_eq(got.root_id, wanted->root_id);
    ck_assert_int_eq(got.effective, wanted->effective);
}
END_TEST

START_TEST(test_read)
{
    FileCapabilities got = {.root_id = 7};
    int ends[2];

    (void)_i;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(file_capabilities_read(ends[0], &got), -ENODATA);
    ck_assert_uint_eq(got.root_id, 7);
    ck_assert_int_eq(close(ends[0]) + close(ends[1]), 0);
    ck_assert_int_eq(file_capabilities_read(ends[0], &got), -EBADF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file capabilities");

    suite_add(suite, "parse", test_parse, sizeof rows / sizeof *rows);
    suite_add(suite, "read", test_read, 1);
    return suite_run(suite);
}
