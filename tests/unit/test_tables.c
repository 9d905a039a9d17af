/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers and names in the tables against libseccomp, libcap, libc and the kernel's headers. */
#include "model/tables.h"
#include "model/tables_data.h"

#include "base/memory.h"
#include "flags_check.h"
#include "suite.h"

#include <linux/audit.h>
#include <linux/io_uring.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>

static const uint32_t scmp_arches[ARCH_COUNT] = {
    [ARCH_X86_64] = SCMP_ARCH_X86_64,   [ARCH_I386] = SCMP_ARCH_X86,
    [ARCH_X32] = SCMP_ARCH_X32,         [ARCH_AARCH64] = SCMP_ARCH_AARCH64,
    [ARCH_ARM] = SCMP_ARCH_ARM,         [ARCH_RISCV64] = SCMP_ARCH_RISCV64,
    [ARCH_PPC64LE] = SCMP_ARCH_PPC64LE, [ARCH_S390X] = SCMP_ARCH_S390X,
};

/* ---- numbers -------------------------------------------------------------------------------- */

/*
 * libseccomp gives -1 for a name that no architecture has, below -10000 for one that this
 * architecture has not, and -101 … -299 for calls that it reaches through socketcall() or ipc():
 * there the kernel has a direct number as well, which is in the table and in the headers.
 */
static bool is_multiplexed(int nr)
{
    return nr <= -101 && nr >= -299;
}

/*
 * Some architectures were given a call later than the others (memfd_secret: riscv64, s390x): a
 * libseccomp from between knows its name and takes the architecture for one that has it not.
 */
static bool is_older_than_call(int theirs, int64_t ours)
{
    const struct scmp_version *version = seccomp_version();

    return theirs < -10000 && ours >= 0 &&
           (version->major << 16 | version->minor << 8 | version->micro) < 0x020504;
}

/* The names of the table, each on each architecture. */
START_TEST(test_numbers_are_libseccomps)
{
    unsigned compared = 0, multiplexed = 0, unknown = 0, older = 0;

    for (size_t i = 0; i < syscall_count(); i++) {
        const Syscall *syscall = syscall_at(i);
        int64_t ours = syscall_number(syscall, (Arch)_i);
        int theirs = seccomp_syscall_resolve_name_arch(scmp_arches[_i], syscall->name);

        if (theirs == __NR_SCMP_ERROR) {
            unknown++; /* newer than that libseccomp */
        } else if (is_multiplexed(theirs)) {
            multiplexed++;
        } else if (is_older_than_call(theirs, ours)) {
            older++;
        } else {
            ck_assert_msg(ours == (theirs < 0 ? -1 : theirs), "%s on %s: %lld, libseccomp says %d",
                          syscall->name, arch_name((Arch)_i), (long long)ours, theirs);
            compared++;
        }
    }
    printf("%s: %u calls compared, %u multiplexed, %u unknown to libseccomp\n", arch_name((Arch)_i),
           compared, multiplexed, unknown);
    ck_assert_uint_ge(compared, 430);
    ck_assert_uint_le(multiplexed, 34);
    ck_assert_uint_le(unknown, 40);
    ck_assert_uint_le(older, 2);
}
END_TEST

/* The other way round: no number that libseccomp knows is missing. */
START_TEST(test_no_number_is_missing)
{
    Arch arch = (Arch)_i;
    int base = arch == ARCH_X32 ? 0x40000000 : 0;
    unsigned compared = 0;

    for (int nr = 0; nr < 1024; nr++) {
        char *theirs = seccomp_syscall_resolve_num_arch(scmp_arches[_i], base + nr);
        const Syscall *ours = syscall_by_number(arch, base + nr);

        if (theirs) {
            ck_assert_msg(ours && strcmp(ours->name, theirs) == 0, "%d on %s is %s", nr,
                          arch_name(arch), theirs);
            compared++;
        }
        free(theirs);
    }
    ck_assert_uint_ge(compared, 300);
}
END_TEST

START_TEST(test_numbers_are_the_headers)
{
    unsigned compared = 0;

    for (const FlagCheck *check = flags_check_numbers; check->family; check++) {
        const Syscall *syscall = syscall_by_name(check->name);

        ck_assert_ptr_nonnull(syscall);
        ck_assert_msg(syscall_number(syscall, arch_native()) == (int64_t)check->value, "%s",
                      check->name);
        compared++;
    }
    ck_assert_uint_ge(compared, 280);
}
END_TEST

START_TEST(test_lookups_agree)
{
    Arch arch = (Arch)_i;
    size_t limit = syscall_number_limit(arch), known = 0;

    for (size_t nr = 0; nr < limit; nr++) {
        const Syscall *syscall = syscall_by_number(arch, (int64_t)nr);
        int64_t bit = arch == ARCH_X32 ? 0x40000000 : 0;

        if (!syscall)
            continue;
        known++;
        ck_assert_int_eq(syscall_number(syscall, arch), (int64_t)nr + bit);
        ck_assert_ptr_eq(syscall_on(syscall, arch), syscall);
        ck_assert_ptr_eq(syscall_by_number(arch, (int64_t)nr + bit), syscall);
    }
    for (size_t i = 0; i < syscall_count(); i++) {
        if (syscall_number(syscall_at(i), arch) >= 0)
            known--;
        else
            ck_assert_ptr_null(syscall_on(syscall_at(i), arch));
    }
    ck_assert_uint_eq(known, 0);
    ck_assert_ptr_null(syscall_by_number(arch, (int64_t)limit));
    ck_assert_ptr_null(syscall_by_number(arch, -1));
    ck_assert_ptr_null(syscall_by_number(arch, INT64_MIN));
    ck_assert_ptr_null(syscall_by_number(arch, INT64_MAX));
    ck_assert_ptr_null(syscall_by_number(arch, 0xffffffff));
}
END_TEST

START_TEST(test_names)
{
    for (size_t i = 0; i < syscall_count(); i++) {
        const Syscall *syscall = syscall_at(i);

        ck_assert_uint_eq(syscall->index, i);
        ck_assert_ptr_eq(syscall_by_name(syscall->name), syscall);
        if (i > 0)
            ck_assert_int_lt(strcmp(syscall_at(i - 1)->name, syscall->name), 0);
    }
    ck_assert_ptr_null(syscall_at(syscall_count()));
    ck_assert_ptr_null(syscall_by_name(""));
    ck_assert_ptr_null(syscall_by_name("openat3"));
    ck_assert_uint_ge(syscall_count(), 500);
}
END_TEST

typedef struct NumberRow {
    const char *name;
    Arch arch;
    int64_t nr;
} NumberRow;

/* Newer than the libseccomp and headers of Debian 12, or easily got wrong. */
static const NumberRow numbers[] = {
    {"mseal", ARCH_X86_64, 462},
    {"mseal", ARCH_X32, 0x40000000 + 462},
    {"getxattrat", ARCH_S390X, 464},
    {"file_setattr", ARCH_I386, 469},
    {"statmount", ARCH_AARCH64, 457},
    {"lsm_list_modules", ARCH_PPC64LE, 461},
    {"open_tree_attr", ARCH_ARM, 467},
    {"uretprobe", ARCH_X86_64, 335},
    {"uprobe", ARCH_X86_64, 336},
    {"uretprobe", ARCH_AARCH64, -1},
    {"rt_sigaction", ARCH_X32, 0x40000000 + 512},
    {"pwritev2", ARCH_X32, 0x40000000 + 547},
    {"clock_gettime64", ARCH_I386, 403},
    {"clock_gettime64", ARCH_X86_64, -1},
    {"set_tls", ARCH_ARM, 0xf0005},
    {"set_tls", ARCH_X86_64, -1},
    {"socketcall", ARCH_S390X, 102},
    {"socket", ARCH_S390X, 359},
    {"newfstatat", ARCH_AARCH64, 79},
    {"riscv_flush_icache", ARCH_RISCV64, 259},
    {"spu_run", ARCH_PPC64LE, 278},
    {"s390_sthyi", ARCH_S390X, 380},
};

START_TEST(test_number)
{
    const NumberRow *row = &numbers[_i];
    const Syscall *syscall = syscall_by_name(row->name);

    ck_assert_ptr_nonnull(syscall);
    ck_assert_int_eq(syscall_number(syscall, row->arch), row->nr);
    if (row->nr >= 0)
        ck_assert_ptr_eq(syscall_by_number(row->arch, row->nr), syscall);
}
END_TEST

/* ---- architectures -------------------------------------------------------------------------- */

START_TEST(test_arch)
{
    Arch arch = (Arch)_i;

    ck_assert_int_eq(arch_from_name(arch_name(arch)), _i);
    ck_assert_int_eq(arch_from_scmp_name(arch_scmp_name(arch)), _i);
    if (arch == ARCH_X32) { /* libseccomp's token is its own invention */
        ck_assert_uint_eq(arch_audit(arch), AUDIT_ARCH_X86_64);
        ck_assert_int_eq(arch_from_call(arch_audit(arch), 0x40000000), ARCH_X32);
    } else {
        ck_assert_uint_eq(arch_audit(arch), scmp_arches[_i]);
        ck_assert_int_eq(arch_from_call(arch_audit(arch), 0), _i);
        ck_assert_int_eq(arch_from_call(arch_audit(arch), -1), _i);
        ck_assert_int_eq(arch_from_call(arch_audit(arch), 0xffffffff), _i);
    }
}
END_TEST

START_TEST(test_unknown_arch)
{
    ck_assert_int_eq(arch_from_name("sparc"), -1);
    ck_assert_int_eq(arch_from_scmp_name("x86_64"), -1);
    ck_assert_int_eq(arch_from_call(0, 0), -1);
    ck_assert_int_eq(arch_from_call(AUDIT_ARCH_I386, 0x40000000), ARCH_I386);
    ck_assert_uint_eq(scmp_arches[arch_native()], seccomp_arch_native());
}
END_TEST

/* ---- io_uring ------------------------------------------------------------------------------- */

/* test_flags.c compares each name of the family with the header. */
START_TEST(test_io_uring_numbers)
{
    const FlagFamily *family = flag_family("io_uring_operation");

    for (size_t i = 0; i < io_uring_operation_count(); i++) {
        const IoUringOperation *operation = io_uring_operation(i);
        ck_assert_str_eq(operation->name, flag_name(family, i));
        ck_assert_ptr_eq(io_uring_operation_by_name(operation->name), operation);
        if (operation->names)
            ck_assert_msg(operation->syscall != NULL, "%s names something", operation->name);
    }
    ck_assert_str_eq(io_uring_operation(IORING_OP_OPENAT2)->name, "IORING_OP_OPENAT2");
    ck_assert_str_eq(io_uring_operation(IORING_OP_LINKAT)->name, "IORING_OP_LINKAT");
    ck_assert_ptr_null(io_uring_operation(io_uring_operation_count()));
    ck_assert_ptr_null(io_uring_operation(UINT64_MAX));
    ck_assert_ptr_null(io_uring_operation_by_name("IORING_OP_LAST"));
}
END_TEST

static const struct {
    const char *operation;
    const char *syscall; /* NULL: none */
    uint32_t names;
} ring_rows[] = {
    {"IORING_OP_NOP", NULL, 0},
    {"IORING_OP_URING_CMD", NULL, 0},
    {"IORING_OP_READ", "read", 0},
    {"IORING_OP_OPENAT2", "openat2", 1u << ROLE_DIRFD | 1u << ROLE_PATH | 1u << ROLE_OPEN_HOW},
    {"IORING_OP_RENAMEAT", "renameat2", 1u << ROLE_DIRFD | 1u << ROLE_PATH},
    {"IORING_OP_SEND_ZC", "sendto", 1u << ROLE_FD | 1u << ROLE_SOCKADDR},
    {"IORING_OP_BIND", "bind", 1u << ROLE_FD | 1u << ROLE_SOCKADDR},
    {"IORING_OP_LISTEN", "listen", 1u << ROLE_FD},
    {"IORING_OP_PIPE", "pipe2", 0},
};

START_TEST(test_io_uring_operation)
{
    const IoUringOperation *operation = io_uring_operation_by_name(ring_rows[_i].operation);

    ck_assert_ptr_nonnull(operation);
    ck_assert_ptr_eq(operation->syscall,
                     ring_rows[_i].syscall ? syscall_by_name(ring_rows[_i].syscall) : NULL);
    ck_assert_uint_eq(operation->names, ring_rows[_i].names);
}
END_TEST

/* ---- capabilities and signals --------------------------------------------------------------- */

START_TEST(test_capability)
{
    const Capability *capability = capability_at((size_t)_i);
    char *theirs = cap_to_name(_i);

    ck_assert_int_eq(capability->number, _i);
    ck_assert_ptr_eq(capability_by_name(capability->name), capability);
    ck_assert_ptr_eq(capability_by_number(_i), capability);
    ck_assert_msg(strcasecmp(theirs, capability->name) == 0, "%s, libcap says %s", capability->name,
                  theirs);
    ck_assert(*capability->summary != '\0');
    for (size_t i = 0; capability->implied[i]; i++)
        ck_assert_ptr_nonnull(capability_by_name(capability->implied[i]));
    cap_free(theirs);
}
END_TEST

START_TEST(test_capability_end)
{
    ck_assert_uint_ge(capability_count(), CAP_LAST_CAP + 1);
    ck_assert_ptr_null(capability_at(capability_count()));
    ck_assert_ptr_null(capability_by_number((int)capability_count()));
    ck_assert_ptr_null(capability_by_number(-1));
    ck_assert_ptr_null(capability_by_name("CAP_NONE"));
    ck_assert_ptr_null(capability_by_name("cap_chown"));
}
END_TEST

START_TEST(test_signal)
{
    const char *theirs = sigabbrev_np(_i);
    char ours[32], expected[32];

    if (_i == 0 || _i > 64)
        (void)snprintf(expected, sizeof expected, "SIG_%d", _i);
    else if (_i > 31)
        (void)snprintf(expected, sizeof expected, "SIGRT_%d", _i - 32);
    else
        (void)snprintf(expected, sizeof expected, "SIG%s", theirs);
    /* libc's name for 29 is the older one */
    if (_i == SIGPOLL)
        (void)snprintf(expected, sizeof expected, "SIGIO");
    ck_assert_str_eq(signal_text(_i, ours, sizeof ours), expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");

    suite_add(suite, "libseccomp", test_numbers_are_libseccomps, ARCH_COUNT);
    suite_add(suite, "missing", test_no_number_is_missing, ARCH_COUNT);
    suite_add(suite, "headers", test_numbers_are_the_headers, 1);
    suite_add(suite, "lookups", test_lookups_agree, ARCH_COUNT);
    suite_add(suite, "names", test_names, 1);
    suite_add(suite, "number", test_number, ARRAY_LENGTH(numbers));
    suite_add(suite, "arch", test_arch, ARCH_COUNT);
    suite_add(suite, "unknown arch", test_unknown_arch, 1);
    suite_add(suite, "capability", test_capability, capability_count());
    suite_add(suite, "capability end", test_capability_end, 1);
    suite_add(suite, "io_uring numbers", test_io_uring_numbers, 1);
    suite_add(suite, "io_uring operation", test_io_uring_operation, ARRAY_LENGTH(ring_rows));
    suite_add(suite, "signal", test_signal, 67);
    return suite_run(suite);
}
