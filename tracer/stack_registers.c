/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of registers: System V ABI of x86-64 and of i386, "DWARF Register Number Mapping"; DWARF
 * for the Arm 64-bit Architecture.
 */
#include "tracer/stack_registers.h"

#include "base/memory.h"
#include "base/procfs.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>

/* Of the stack pointer, and of where the address of the instruction is wanted as well, if it is. */
enum { NO_REGISTER = -1 };
#if defined(__x86_64__)
enum { SP = 7, PC = 16 };
#elif defined(__aarch64__)
enum { SP = 31, PC = NO_REGISTER };
#endif

#if defined(__x86_64__) || defined(__aarch64__)

static void set_register(StackRegisters *registers, int number, uint64_t value)
{
    registers->values[number] = value;
    registers->known |= (uint64_t)1 << number;
}

/* The same for all: where the thread is. */
static void set_place(StackRegisters *registers, int sp_number, int pc_number, uint64_t sp,
                      uint64_t pc)
{
    registers->sp = sp;
    registers->pc = pc;
    set_register(registers, sp_number, sp);
    if (pc_number != NO_REGISTER)
        set_register(registers, pc_number, pc);
}

#endif

#if defined(__x86_64__)

/* Of 32-bit code; the kernel's USER32_CS. */
enum { NARROW_CODE = 0x23 };

/* struct user_regs_struct of a 32-bit program. */
typedef struct NarrowRegisters {
    uint32_t ebx, ecx, edx, esi, edi, ebp, eax;
    uint32_t ds, es, fs, gs;
    uint32_t orig_eax, eip, cs, eflags, esp, ss;
} NarrowRegisters;

typedef union TracedRegisters {
    struct user_regs_struct wide;
    NarrowRegisters narrow;
} TracedRegisters;

static void fill(const TracedRegisters *traced, size_t size, StackRegisters *out)
{
    const struct user_regs_struct *w = &traced->wide;
    const NarrowRegisters *n = &traced->narrow;
    const uint64_t wide[] = {w->rax, w->rdx, w->rcx, w->rbx, w->rsi, w->rdi, w->rbp, w->rsp,
                             w->r8,  w->r9,  w->r10, w->r11, w->r12, w->r13, w->r14, w->r15};
    const uint32_t narrow[] = {n->eax, n->ecx, n->edx, n->ebx, n->esp, n->ebp, n->esi, n->edi};

    out->narrow = size == sizeof *n;
    if (out->narrow) {
        for (size_t i = 0; i < ARRAY_LENGTH(narrow); i++)
            set_register(out, (int)i, narrow[i]);
        set_place(out, 4, 8, n->esp, n->eip);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wide); i++)
        set_register(out, (int)i, wide[i]);
    set_place(out, SP, PC, w->rsp, w->rip);
}

/* What the kernel keeps is the beginning of what ptrace(2) gives, for 32-bit programs too. */
enum { KEPT_SIZE = offsetof(struct user_regs_struct, fs_base) };

static void fill_kept(const TracedRegisters *traced, StackRegisters *out)
{
    const struct user_regs_struct *w = &traced->wide;
    const TracedRegisters narrow = {.narrow = {.ebx = (uint32_t)w->rbx,
                                               .ecx = (uint32_t)w->rcx,
                                               .edx = (uint32_t)w->rdx,
                                               .esi = (uint32_t)w->rsi,
                                               .edi = (uint32_t)w->rdi,
                                               .ebp = (uint32_t)w->rbp,
                                               .eax = (uint32_t)w->rax,
                                               .eip = (uint32_t)w->rip,
                                               .esp = (uint32_t)w->rsp}};

    if ((uint16_t)w->cs == NARROW_CODE)
        fill(&narrow, sizeof narrow.narrow, out);
    else
        fill(traced, sizeof traced->wide, out);
}

#elif defined(__aarch64__)

typedef struct TracedRegisters {
    struct user_regs_struct wide;
} TracedRegisters;

static void fill(const TracedRegisters *traced, size_t size, StackRegisters *out)
{
    (void)size;
    for (int i = 0; i < 31; i++)
        set_register(out, i, traced->wide.regs[i]);
    set_place(out, SP, PC, traced->wide.sp, traced->wide.pc);
}

enum { KEPT_SIZE = offsetof(struct user_regs_struct, pstate) };

static void fill_kept(const TracedRegisters *traced, StackRegisters *out)
{
    fill(traced, sizeof *traced, out);
}

#endif

#if defined(__x86_64__) || defined(__aarch64__)

int stack_registers_traced(pid_t tid, StackRegisters *ret_registers)
{
    TracedRegisters traced;
    StackRegisters registers = {.known = 0};
    struct iovec vector = {&traced, sizeof traced};

    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &vector) < 0)
        return -errno;
    fill(&traced, vector.iov_len, &registers);
    *ret_registers = registers;
    return 0;
}

int stack_registers_waiting(pid_t tid, StackRegisters *ret_registers)
{
    /* One whose call was received may be on its way to sleep still. */
    enum { TIMES = 200, APART = 25 * 1000 };
    const struct timespec pause = {.tv_nsec = APART};
    StackRegisters registers = {.known = 0};
    char text[256];
    uint64_t sp;
    uint64_t pc;

    for (int i = 0; i < TIMES; i++) {
        const ssize_t n = procfs_read_task(tid, "syscall", text, sizeof text);
        if (n < 0)
            return (int)n;
        if (sscanf(text, "%*d %*x %*x %*x %*x %*x %*x %" SCNx64 " %" SCNx64, &sp, &pc) == 2) {
            set_place(&registers, SP, PC, sp, pc);
            *ret_registers = registers;
            return 0;
        }
        if (strncmp(text, "running", strlen("running")) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    return -EAGAIN;
}

int stack_registers_kept(const void *bytes, size_t length, StackRegisters *ret_registers)
{
    TracedRegisters traced = {0};
    StackRegisters registers = {.known = 0};

    if (length < KEPT_SIZE)
        return -EBADMSG;
    memcpy(&traced, bytes, KEPT_SIZE);
    fill_kept(&traced, &registers);
    *ret_registers = registers;
    return 0;
}

#else

int stack_registers_traced(pid_t tid, StackRegisters *ret_registers)
{
    (void)tid;
    (void)ret_registers;
    return -ENOSYS;
}

int stack_registers_waiting(pid_t tid, StackRegisters *ret_registers)
{
    (void)tid;
    (void)ret_registers;
    return -ENOSYS;
}

int stack_registers_kept(const void *bytes, size_t length, StackRegisters *ret_registers)
{
    (void)bytes;
    (void)length;
    (void)ret_registers;
    return -ENOSYS;
}

#endif
