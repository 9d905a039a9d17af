/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in what profiles/tables was compiled to: names by bisection, numbers by one
 * array an architecture, with a short sorted list behind it for numbers far above the rest.
 */
#include "model/tables.h"

#include "base/memory.h"
#include "model/tables_data.h"

#include <errno.h>
#include <linux/audit.h>

/* ---- architectures -------------------------------------------------------------------------- */

typedef struct ArchInfo {
    const char *name;
    const char *scmp_name;
    uint32_t audit;
} ArchInfo;

static const ArchInfo arches[ARCH_COUNT] = {
    [ARCH_X86_64] = {"x86_64", "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64},
    [ARCH_I386] = {"i386", "SCMP_ARCH_X86", AUDIT_ARCH_I386},
    [ARCH_X32] = {"x32", "SCMP_ARCH_X32", AUDIT_ARCH_X86_64},
    [ARCH_AARCH64] = {"aarch64", "SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64},
    [ARCH_ARM] = {"arm", "SCMP_ARCH_ARM", AUDIT_ARCH_ARM},
    [ARCH_RISCV64] = {"riscv64", "SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64},
    [ARCH_PPC64LE] = {"ppc64le", "SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE},
    [ARCH_S390X] = {"s390x", "SCMP_ARCH_S390X", AUDIT_ARCH_S390X},
};

/* __X32_SYSCALL_BIT of asm/unistd.h, which only x86 has. A number with the top bit set as well is
 * negative to the kernel and no x32 call. */
#define X32_BIT        0x40000000
#define X32_NUMBER_END 0x80000000

const char *arch_name(Arch arch)
{
    return arches[arch].name;
}

const char *arch_scmp_name(Arch arch)
{
    return arches[arch].scmp_name;
}

uint32_t arch_audit(Arch arch)
{
    return arches[arch].audit;
}

int arch_from_name(const char *name)
{
    for (int i = 0; i < ARCH_COUNT; i++) {
        if (strcmp(arches[i].name, name) == 0)
            return i;
    }
    return -1;
}

int arch_from_scmp_name(const char *name)
{
    for (int i = 0; i < ARCH_COUNT; i++) {
        if (strcmp(arches[i].scmp_name, name) == 0)
            return i;
    }
    return -1;
}

int arch_from_call(uint32_t audit_arch, int64_t nr)
{
    if (audit_arch == AUDIT_ARCH_X86_64 && nr >= X32_BIT && nr < X32_NUMBER_END)
        return ARCH_X32;
    for (int i = 0; i < ARCH_COUNT; i++) {
        if (arches[i].audit == audit_arch && i != ARCH_X32)
            return i;
    }
    return -1;
}

Arch arch_native(void)
{
#if defined(__x86_64__) && defined(__ILP32__)
    return ARCH_X32;
#elif defined(__x86_64__)
    return ARCH_X86_64;
#elif defined(__i386__)
    return ARCH_I386;
#elif defined(__aarch64__)
    return ARCH_AARCH64;
#elif defined(__arm__)
    return ARCH_ARM;
#elif defined(__riscv) && __riscv_xlen == 64
    return ARCH_RISCV64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    return ARCH_PPC64LE;
#elif defined(__s390x__)
    return ARCH_S390X;
#else
#error "whittle has no system call table for this architecture"
#endif
}

/* ---- system calls --------------------------------------------------------------------------- */

static int compare_syscall(const void *name, const void *element)
{
    const Syscall *syscall = element;

    return strcmp(name, syscall->name);
}

size_t syscall_count(void)
{
    return tables_syscall_count;
}

const Syscall *syscall_at(size_t index)
{
    return index < tables_syscall_count ? &tables_syscalls[index] : NULL;
}

const Syscall *syscall_by_name(const char *name)
{
    return bsearch(name, tables_syscalls, tables_syscall_count, sizeof tables_syscalls[0],
                   compare_syscall);
}

const Syscall *syscall_by_number(Arch arch, int64_t nr)
{
    const TablesNumbers *numbers = &tables_numbers[arch];

    if (arch == ARCH_X32 && nr >= X32_BIT && nr < X32_NUMBER_END)
        nr -= X32_BIT;
    if (nr < 0)
        return NULL;
    if ((uint64_t)nr < numbers->dense_count) {
        uint16_t entry = numbers->dense[nr];

        return entry == TABLES_NO_CALL ? NULL : &tables_syscalls[entry];
    }
    for (size_t i = 0; i < numbers->sparse_count; i++) {
        if (numbers->sparse[i].number == nr)
            return &tables_syscalls[numbers->sparse[i].entry];
    }
    return NULL;
}

int64_t syscall_number(const Syscall *syscall, Arch arch)
{
    int64_t nr = tables_number_of[syscall->index][arch];

    return nr >= 0 && arch == ARCH_X32 ? nr + X32_BIT : nr;
}

bool syscall_exists(const Syscall *syscall, uint32_t archs)
{
    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if ((archs >> arch & 1) && syscall_number(syscall, arch) >= 0)
            return true;
    }
    return false;
}

const Syscall *syscall_on(const Syscall *syscall, Arch arch)
{
    int64_t nr = syscall_number(syscall, arch);

    return nr < 0 ? NULL : syscall_by_number(arch, nr);
}

size_t syscall_number_limit(Arch arch)
{
    const TablesNumbers *numbers = &tables_numbers[arch];

    if (numbers->sparse_count > 0)
        return numbers->sparse[numbers->sparse_count - 1].number + 1u;
    return numbers->dense_count;
}

const FlagFamily *syscall_arg_family(const Syscall *syscall, unsigned arg, const uint64_t *args)
{
    const FlagFamily *family = arg < SYSCALL_ARGS ? syscall->args[arg].family : NULL;

    if (!family)
        return NULL;
    for (size_t i = 0; i < tables_refinement_count; i++) {
        const TablesRefinement *refinement = &tables_refinements[i];

        if (strcmp(refinement->family, family->name) == 0 && arg >= refinement->back &&
            (uint32_t)args[arg - refinement->back] == refinement->value)
            return refinement->names;
    }
    return family;
}

/* ---- path operations ------------------------------------------------------------------------ */

static int compare_operation(const void *name, const void *element)
{
    const PathOperation *operation = element;

    return strcmp(name, operation->name);
}

const PathOperation *path_operation(const char *name)
{
    return bsearch(name, tables_path_operations, tables_path_operation_count,
                   sizeof tables_path_operations[0], compare_operation);
}

/* ---- capabilities --------------------------------------------------------------------------- */

size_t capability_count(void)
{
    return tables_capability_count;
}

const Capability *capability_at(size_t index)
{
    return index < tables_capability_count ? &tables_capabilities[index] : NULL;
}

const Capability *capability_by_name(const char *name)
{
    for (size_t i = 0; i < tables_capability_count; i++) {
        if (strcmp(tables_capabilities[i].name, name) == 0)
            return &tables_capabilities[i];
    }
    return NULL;
}

const Capability *capability_by_number(int number)
{
    return number < 0 ? NULL : capability_at((size_t)number);
}

/* ---- io_uring ------------------------------------------------------------------------------- */

size_t io_uring_operation_count(void)
{
    return tables_io_uring_count;
}

const IoUringOperation *io_uring_operation(uint64_t number)
{
    return number < tables_io_uring_count ? &tables_io_uring[number] : NULL;
}

const IoUringOperation *io_uring_operation_by_name(const char *name)
{
    for (size_t i = 0; i < tables_io_uring_count; i++) {
        if (strcmp(tables_io_uring[i].name, name) == 0)
            return &tables_io_uring[i];
    }
    return NULL;
}

/* ---- who asks for capabilities -------------------------------------------------------------- */

size_t capability_site_count(void)
{
    return tables_capability_site_count;
}

const CapabilitySite *capability_site_at(size_t index)
{
    return index < tables_capability_site_count ? &tables_capability_sites[index] : NULL;
}

static int compare_site(const void *name, const void *site)
{
    return strcmp(name, ((const CapabilitySite *)site)->function);
}

/* Asked of each of the kernel's functions. */
bool capability_site_names(const char *name)
{
    if (bsearch(name, tables_capability_sites, tables_capability_site_count,
                sizeof tables_capability_sites[0], compare_site))
        return true;
    for (size_t i = 0; i < tables_capability_site_count; i++) {
        const CapabilitySite *site = &tables_capability_sites[i];
        if (site->via && strcmp(site->via, name) == 0)
            return true;
    }
    return false;
}

/* Rows of one function: the more of a row has to match, the better it knows. */
static int site_fits(const CapabilitySite *site, const char *via, int capability)
{
    if ((site->via && (!via || strcmp(site->via, via) != 0)) ||
        (site->capability >= 0 && site->capability != capability))
        return 0;
    return 1 + (site->capability >= 0) + 2 * (site->via != NULL);
}

const CapabilitySite *capability_site_find(const char *const *stack, size_t count, int capability)
{
    const CapabilitySite *best = NULL;
    int best_fit = 0;

    for (size_t i = 0; i < count && !best; i++) {
        if (!stack[i])
            continue;
        for (size_t s = 0; s < tables_capability_site_count; s++) {
            const CapabilitySite *site = &tables_capability_sites[s];
            if (strcmp(site->function, stack[i]) != 0)
                continue;
            const int fit = site_fits(site, i > 0 ? stack[i - 1] : NULL, capability);
            if (fit > best_fit) {
                best = site;
                best_fit = fit;
            }
        }
    }
    return best;
}

/* ---- signals -------------------------------------------------------------------------------- */

/* The same numbers on all architectures that we know. */
static const char *const signals[] = {
    [1] = "HUP",   [2] = "INT",     [3] = "QUIT",  [4] = "ILL",     [5] = "TRAP",  [6] = "ABRT",
    [7] = "BUS",   [8] = "FPE",     [9] = "KILL",  [10] = "USR1",   [11] = "SEGV", [12] = "USR2",
    [13] = "PIPE", [14] = "ALRM",   [15] = "TERM", [16] = "STKFLT", [17] = "CHLD", [18] = "CONT",
    [19] = "STOP", [20] = "TSTP",   [21] = "TTIN", [22] = "TTOU",   [23] = "URG",  [24] = "XCPU",
    [25] = "XFSZ", [26] = "VTALRM", [27] = "PROF", [28] = "WINCH",  [29] = "IO",   [30] = "PWR",
    [31] = "SYS",
};

/* The kernel's range of real-time signals; libc keeps the first ones to itself. */
enum { SIGNAL_RT_FIRST = 32, SIGNAL_LAST = 64 };

char *signal_text(int number, char *out, size_t size)
{
    if (number > 0 && (size_t)number < ARRAY_LENGTH(signals))
        (void)snprintf(out, size, "SIG%s", signals[number]);
    else if (number >= SIGNAL_RT_FIRST && number <= SIGNAL_LAST)
        (void)snprintf(out, size, "SIGRT_%d", number - SIGNAL_RT_FIRST);
    else
        (void)snprintf(out, size, "SIG_%d", number);
    return out;
}
