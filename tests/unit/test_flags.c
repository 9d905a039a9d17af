/* SPDX-License-Identifier: Apache-2.0 */
/* Flag families: every value against the system's headers, and text there and back. */
#include "model/tables.h"
#include "model/tables_data.h"

#include "base/memory.h"
#include "flags_check.h"
#include "suite.h"

#include <errno.h>

static unsigned compare_with_headers(const FlagCheck *checks)
{
    unsigned compared = 0;

    for (const FlagCheck *check = checks; check->family; check++) {
        const FlagFamily *family = flag_family(check->family);
        uint64_t value = 0;

        ck_assert_ptr_nonnull(family);
        ck_assert_msg(flag_parse(family, check->name, &value) == 0, "%s: %s is not in it",
                      check->family, check->name);
        ck_assert_msg(value == check->value, "%s: %s is 0x%llx, the header says 0x%llx",
                      check->family, check->name, (unsigned long long)value,
                      (unsigned long long)check->value);
        compared++;
    }
    return compared;
}

START_TEST(test_headers)
{
    unsigned compared = compare_with_headers(_i == 0 ? flags_check_kernel : flags_check_libc);

    /* Older headers lack some, but a check of next to nothing would be none. */
    ck_assert_uint_ge(compared, _i == 0 ? 700 : 100);
}
END_TEST

START_TEST(test_families)
{
    const FlagFamily *family = &tables_families[_i];

    ck_assert_ptr_eq(flag_family(family->name), family);
    ck_assert(family->mask != 0);
    for (size_t i = 0; i < family->count; i++) {
        const FlagName *name = &family->names[i];
        char text[256];
        uint64_t value = ~name->value;

        ck_assert_str_eq(flag_name(family, name->value), name->name);
        ck_assert_str_eq(flag_text(family, name->value, text, sizeof text), name->name);
        ck_assert_int_eq(flag_parse(family, text, &value), 0);
        ck_assert_uint_eq(value, name->value);
        if (i > 0)
            ck_assert_uint_lt(family->names[i - 1].value, name->value);
    }
}
END_TEST

typedef struct TextRow {
    const char *family;
    uint64_t value;
    const char *text;
} TextRow;

static const TextRow texts[] = {
    {"socket_domain", 2, "AF_INET"},
    {"socket_domain", 0x99, "0x99"},
    {"socket_domain", 0, "AF_UNSPEC"},
    {"socket_type", 1, "SOCK_STREAM"},
    {"socket_protocol", 0, "0"},
    {"socket_protocol", 58, "58"},
    {"ip_protocol", 58, "IPPROTO_ICMPV6"},
    {"netlink_protocol", 0, "NETLINK_ROUTE"},
    {"clone_flags", 0, "0"},
    {"clone_flags", 0x10000000, "CLONE_NEWUSER"},
    {"clone_flags", 0x30000000, "CLONE_NEWUSER|CLONE_NEWPID"},
    {"clone_all_flags", 0x11 | 0x100 | 0x200, "CLONE_VM|CLONE_FS|0x11"},
    {"clone_all_flags", UINT64_C(0x300000000), "CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP"},
    {"mmap_protection", 0, "0"},
    {"mmap_protection", 5, "PROT_READ|PROT_EXEC"},
    {"personality", 0xffffffff, "PERSONALITY_QUERY"},
    {"personality", 0x0040008, "PER_LINUX32|ADDR_NO_RANDOMIZE"},
    {"personality", 0, "PER_LINUX"},
    {"futex_operation", 9, "FUTEX_WAIT_BITSET"},
    {"quotactl_command", 0x80000701, "QCMD(Q_GETQUOTA,GRPQUOTA)"},
    {"ptrace_request", 0x4206, "PTRACE_SEIZE"},
    {"ptrace_request", UINT64_MAX, "0xffffffffffffffff"},
    {"ioctl_request", 0x5412, "TIOCSTI"},
};

START_TEST(test_text)
{
    const TextRow *row = &texts[_i];
    const FlagFamily *family = flag_family(row->family);
    char text[256];
    uint64_t value = ~row->value;

    ck_assert_ptr_nonnull(family);
    ck_assert_str_eq(flag_text(family, row->value, text, sizeof text), row->text);
    ck_assert_int_eq(flag_parse(family, row->text, &value), 0);
    ck_assert_uint_eq(value, row->value);
}
END_TEST

/* Every value of a family of bits can be read back, names or not. */
START_TEST(test_round_trip)
{
    const FlagFamily *family = &tables_families[_i];
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

    for (int i = 0; i < 2000; i++) {
        char text[2048];
        uint64_t value;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ck_assert_int_eq(flag_parse(family, flag_text(family, random, text, sizeof text), &value),
                         0);
        ck_assert_msg(value == random, "%s: %s", family->name, text);
    }
}
END_TEST

typedef struct BadRow {
    const char *family;
    const char *text;
} BadRow;

static const BadRow bad_texts[] = {
    {"socket_domain", ""},
    {"socket_domain", "AF_INE"},
    {"socket_domain", "AF_INETX"},
    {"socket_domain", "af_inet"},
    {"socket_domain", "-1"},
    {"socket_domain", "+1"},
    {"socket_domain", " 1"},
    {"socket_domain", "1 "},
    {"socket_domain", "0x"},
    {"socket_domain", "0xg"},
    {"socket_domain", "1x"},
    {"socket_domain", "0x10000000000000000"},
    {"socket_domain", "18446744073709551616"},
    {"socket_domain", "AF_INET|AF_INET6"},
    {"mmap_protection", "|PROT_READ"},
    {"mmap_protection", "PROT_READ|"},
    {"mmap_protection", "PROT_READ||PROT_EXEC"},
    {"mmap_protection", "PROT_READ|x"},
};

START_TEST(test_bad_text)
{
    const BadRow *row = &bad_texts[_i];
    uint64_t value = 42;

    ck_assert_int_eq(flag_parse(flag_family(row->family), row->text, &value), -EINVAL);
    ck_assert_uint_eq(value, 42);
}
END_TEST

/* A buffer too small cuts the text and never overruns. */
START_TEST(test_small_buffer)
{
    const FlagFamily *family = flag_family("unshare_flags");
    char full[512], text[512];

    flag_text(family, UINT64_MAX, full, sizeof full);
    memset(text, 'x', sizeof text);
    flag_text(family, UINT64_MAX, text, (size_t)_i);
    if (_i > 0)
        ck_assert_uint_lt(strlen(text), (size_t)_i);
    ck_assert_int_eq(strncmp(full, text, _i > 0 ? strlen(text) : 0), 0);
    ck_assert_int_eq(text[_i], 'x');
}
END_TEST

START_TEST(test_unknown_family)
{
    ck_assert_ptr_null(flag_family("no_such_family"));
    ck_assert_ptr_null(flag_family(""));
    ck_assert_ptr_null(flag_name(flag_family("socket_protocol"), 6));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flags");

    suite_add(suite, "headers", test_headers, 2);
    suite_add(suite, "families", test_families, tables_family_count);
    suite_add(suite, "text", test_text, ARRAY_LENGTH(texts));
    suite_add(suite, "round trip", test_round_trip, tables_family_count);
    suite_add(suite, "bad text", test_bad_text, ARRAY_LENGTH(bad_texts));
    suite_add(suite, "small buffer", test_small_buffer, 200);
    suite_add(suite, "unknown family", test_unknown_family, 1);
    return suite_run(suite);
}
