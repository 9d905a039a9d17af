/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/bpf_symbols: names of functions, and which of them an address is in. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/bpf_symbols.h"

#include <errno.h>

static const struct {
    const char *text, *name;
} names[] = {
    {"do_jit", "do_jit"},
    {"process_vm_rw_core.constprop.0", "process_vm_rw_core"},
    {"do_readlinkat.part.0.isra.0", "do_readlinkat"},
    {"may_open.cold", "may_open"},
    {"__x64_sys_mount", "sys_mount"},
    {"__do_sys_fanotify_init", "sys_fanotify_init"},
    {"__se_sys_kcmp", "sys_kcmp"},
    {"__ia32_sys_mount", "sys_mount"},
    {"__arm64_sys_mount", "sys_mount"},
    {"__sys_setuid", "__sys_setuid"},
    {".odd", ".odd"},
    {"", ""},
};

START_TEST(test_name)
{
    char out[64];

    kernel_symbol_name(names[_i].text, out, sizeof out);
    ck_assert_str_eq(out, names[_i].name);
}
END_TEST

START_TEST(test_name_cut)
{
    char out[6];

    (void)_i;
    kernel_symbol_name("__x64_sys_mount", out, sizeof out);
    ck_assert_str_eq(out, "sys_m");
}
END_TEST

static bool is_lower(void *data, const char *name)
{
    ++*(size_t *)data;
    return name[0] >= 'a' && name[0] <= 'z';
}

static int read_symbols(const char *text, KernelSymbols **ret_symbols, size_t *ret_asked)
{
    FILE *file = tmpfile();
    int r;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    rewind(file);
    *ret_asked = 0;
    r = kernel_symbols_read(file, is_lower, ret_asked, ret_symbols);
    (void)fclose(file);
    return r;
}

/* Not in order; UPPER is not wanted and ends what stands before it. */
static const char kernel[] = "ffffffff81000300 T UPPER\n"
                             "ffffffff81000000 T UPPER_first\n"
                             "ffffffff81000100 t first.isra.0\n"
                             "ffffffff81000200 W second\n"
                             "ffffffff81000250 D data\n"
                             "ffffffff81000400 T OTHER_NAME\n"
                             "ffffffff81000400 T third\n"
                             "not a line\n"
                             "ffffffff81000500\n"
                             "ffffffff81000500 T\n"
                             "ffffffff81000500 T \n"
                             "ffffffffa0000000 t in_module\t[loop]\n"
                             "ffffffffa0000010 t LAST\t[loop]";

static const struct {
    uint64_t address;
    const char *name;
} places[] = {
    {0, NULL},
    {0xffffffff80ffffff, NULL},
    {0xffffffff81000000, NULL},
    {0xffffffff810000ff, NULL},
    {0xffffffff81000100, "first"},
    {0xffffffff810001ff, "first"},
    {0xffffffff81000200, "second"},
    {0xffffffff81000260, "second"},
    {0xffffffff81000300, NULL},
    {0xffffffff81000400, "third"},
    {0xffffffff9fffffff, "third"},
    {0xffffffffa000000f, "in_module"},
    {0xffffffffa0000010, NULL},
    {UINT64_MAX, NULL},
};

START_TEST(test_place)
{
    KernelSymbols *symbols = NULL;
    size_t asked;

    ck_assert_int_eq(read_symbols(kernel, &symbols, &asked), 0);
    ck_assert_uint_eq(asked, 8);
    ck_assert_pstr_eq(kernel_symbols_find(symbols, places[_i].address), places[_i].name);
    kernel_symbols_free(symbols);
}
END_TEST

static const char *const unreadable[] = {
    "",
    "garbage\n",
    "0000000000000000 T first\n0000000000000000 t second\n",
};

START_TEST(test_unreadable)
{
    KernelSymbols *symbols = NULL;
    size_t asked;

    ck_assert_int_eq(read_symbols(unreadable[_i], &symbols, &asked), -ENODATA);
    ck_assert_ptr_null(symbols);
    ck_assert_ptr_null(kernel_symbols_free(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bpf_symbols");

    suite_add(suite, "names", test_name, ARRAY_LENGTH(names));
    suite_add(suite, "cut name", test_name_cut, 1);
    suite_add(suite, "places", test_place, ARRAY_LENGTH(places));
    suite_add(suite, "unreadable", test_unreadable, ARRAY_LENGTH(unreadable));
    return suite_run(suite);
}
