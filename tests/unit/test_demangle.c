/* SPDX-License-Identifier: Apache-2.0 */
/* Names as compilers of C++ and Rust make them, and such as nobody but an attacker would. */
#include "generator/demangle.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "base/memory.h"
#include "suite.h"

static const struct {
    const char *name;
    const char *readable; /* NULL: none */
} rows[] = {
    {"main", NULL},
    {"", NULL},
    {"_Z", NULL},
    {"_Zombie", NULL},
    {"_Read", NULL},
    {"_ZN4shop6Config4readERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
     "shop::Config::read(std::__cxx11::basic_string<char, std::char_traits<char>, "
     "std::allocator<char> > const&)"},
    {"_ZNK4shop6ConfigclEi", "shop::Config::operator()(int) const"},
    {"_ZN4shop4mainEv.cold", "shop::main() [clone .cold]"},
    {"_ZNSt6thread4joinEv@@GLIBCXX_3.4.11", "std::thread::join()@@GLIBCXX_3.4.11"},
    /* Rust, as before 1.59 by default and after. */
    {"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
    {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
    {"_RNvMs_Cs4Cv8Wi1oAIB_7mycrateNtB4_3Foo3bar", "<mycrate::Foo>::bar"},
    /* Cut short, as the recorder does it. */
    {"_ZN4shop6Config4readERKNSt7__cxx1112basic_str", NULL},
    {"_ZN4shop6Config4re", NULL},
    {"_RNvCs1234_7mycr", NULL},
};

START_TEST(test_rows)
{
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();

    /* What is behind the name is no part of it; and the second time the same. */
    for (int i = 0; i < 2; i++) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        (void)buffer_puts(&text, rows[_i].name);
        (void)buffer_puts(&text, "3foo");
        const char *readable = demangler_name(demangler, buffer_text(&text), strlen(rows[_i].name));
        if (rows[_i].readable)
            ck_assert_pstr_eq(readable, rows[_i].readable);
        else
            ck_assert_ptr_null(readable);
    }
}
END_TEST

/* "S_", "S0_", … */
static void put_substitution(Buffer *name, int index)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    ck_assert_int_lt(index, 36 * 36);
    (void)buffer_putc(name, 'S');
    if (index > 36)
        (void)buffer_putc(name, digits[(index - 1) / 36]);
    if (index > 0)
        (void)buffer_putc(name, digits[(index - 1) % 36]);
    (void)buffer_putc(name, '_');
}

/* A function of DEPTH types, each the template ELEMENT of the one before twice: 2^DEPTH of text. */
static void put_doubling(Buffer *name, const char *element, int depth)
{
    (void)buffer_printf(name, "_Z1f%sIiiE", element);
    for (int i = 1; i <= depth; i++) {
        (void)buffer_puts(name, "S_I");
        put_substitution(name, i);
        put_substitution(name, i);
        (void)buffer_putc(name, 'E');
    }
}

/* A pack expansion of such a type, inside of which libiberty looks for a pack before it prints
 * anything: 2^DEPTH steps. */
static void put_silent(Buffer *name, int depth)
{
    (void)buffer_puts(name, "_Z1fIJiEEvDp");
    for (int i = 0; i < depth; i++)
        (void)buffer_puts(name, "1AI");
    (void)buffer_puts(name, "iE");
    for (int i = 1; i < depth; i++) {
        put_substitution(name, depth + i);
        (void)buffer_putc(name, 'E');
    }
}

static void check_normal(Demangler *demangler, const char *name)
{
    CLEANUP(buffer_deinit) Buffer wanted = BUFFER_INIT;
    const char *readable = demangler_name(demangler, name, strlen(name));

    (void)buffer_printf(&wanted, "%.*s()", (int)strlen(name) - 4, name + 3);
    ck_assert_pstr_eq(readable, buffer_text(&wanted));
}

static const struct {
    const char *element;
    int depth;
} large_rows[] = {{"1A", 8}, {"1A", 10}, {"1A", 36}, {"2\xc3\xa9", 20}, {"3\xe2\x82\xac", 20}};

/* Cut where it is too much, whether all of it was made or not. */
START_TEST(test_large)
{
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer start = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer again = BUFFER_INIT;

    put_doubling(&name, large_rows[_i].element, large_rows[_i].depth);
    ck_assert_uint_le(name.length, MANGLED_MAX);
    const char *readable = demangler_name(demangler, buffer_text(&name), name.length);
    ck_assert_ptr_nonnull(readable);
    const size_t length = strlen(readable);
    ck_assert_uint_le(length, DEMANGLED_MAX + strlen("…"));
    ck_assert_uint_ge(length, DEMANGLED_MAX - 4);
    ck_assert_str_eq(readable + length - strlen("…"), "…");
    (void)buffer_printf(&start, "f(%s<int, int>, ", large_rows[_i].element + 1);
    ck_assert_int_eq(strncmp(readable, buffer_text(&start), start.length), 0);
    ck_assert_int_eq(escape_append(&again, readable, length), 0);
    ck_assert_str_eq(buffer_text(&again), readable); /* whole characters */
    check_normal(demangler, "_Z1fv");
}
END_TEST

/* It takes processor time and makes no text. */
START_TEST(test_silent)
{
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer quick = BUFFER_INIT;

    check_normal(demangler, "_Z1fv");
    put_silent(&quick, 3);
    ck_assert_pstr_eq(demangler_name(demangler, buffer_text(&quick), quick.length),
                      "void f<int>((A<A<A<int>, A<int> >, A<A<int>, A<int> > >)...)");
    put_silent(&name, 60);
    ck_assert_uint_le(name.length, MANGLED_MAX);
    for (int i = 0; i < 2; i++) /* the second time it is known */
        ck_assert_ptr_null(demangler_name(demangler, buffer_text(&name), name.length));
    check_normal(demangler, "_Z1gv");
}
END_TEST

/* A file full of them does not take long, and what was known before still is. */
START_TEST(test_many)
{
    enum { NAMES = 400 };
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    int made = 0;

    check_normal(demangler, "_Z1fv");
    for (int i = 0; i < NAMES; i++) {
        CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer element = BUFFER_INIT;
        (void)buffer_printf(&element, "4A%03d", i);
        put_doubling(&name, buffer_text(&element), 36);
        made += demangler_name(demangler, buffer_text(&name), name.length) != NULL;
    }
    ck_assert_int_ge(made, 1);
    ck_assert_int_lt(made, NAMES);
    check_normal(demangler, "_Z1fv");
    ck_assert_ptr_null(demangler_name(demangler, "_Z1gv", 5));
}
END_TEST

START_TEST(test_long)
{
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;

    (void)buffer_puts(&name, "_Z1f");
    while (name.length < MANGLED_MAX - 1)
        (void)buffer_putc(&name, 'P');
    (void)buffer_putc(&name, 'i');
    const char *readable = demangler_name(demangler, buffer_text(&name), name.length);
    ck_assert_ptr_nonnull(readable);
    ck_assert_int_eq(strncmp(readable, "f(int***", 8), 0);
    (void)buffer_putc(&name, 'i');
    ck_assert_ptr_null(demangler_name(demangler, buffer_text(&name), name.length));
}
END_TEST

/* As many as a large program has in its stacks: none is lost to the limits. */
START_TEST(test_ordinary)
{
    enum { NAMES = 30000 };
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();

    for (int i = 0; i < NAMES; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "_Z6f%05dv", i);
        check_normal(demangler, name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demangle");

    suite_add(suite, "rows", test_rows, ARRAY_LENGTH(rows));
    suite_add(suite, "large", test_large, ARRAY_LENGTH(large_rows));
    suite_add(suite, "silent", test_silent, 1);
    suite_add(suite, "many", test_many, 1);
    suite_add(suite, "long", test_long, 1);
    suite_add(suite, "ordinary", test_ordinary, 1);
    return suite_run(suite);
}
