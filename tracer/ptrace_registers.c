/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers at system call stops; syscall(2), "Architecture calling conventions". A thread of a
 * 32-bit program has the smaller register set, which is how PTRACE_GETREGSET tells it; int 0x80
 * from 64-bit code is told by the instruction itself, as the registers look like those of
 * `syscall`.
 */
#include "tracer/ptrace_registers.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

int ptrace_call_info(pid_t tid, PtraceCall *ret_call)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) < 0)
        return -errno;
    switch (info.op) {
    case PTRACE_SYSCALL_INFO_ENTRY:
    case PTRACE_SYSCALL_INFO_SECCOMP:
        /* The two begin alike: number, arguments. */
        ret_call->kind =
            info.op == PTRACE_SYSCALL_INFO_ENTRY ? PTRACE_CALL_ENTRY : PTRACE_CALL_SECCOMP;
        ret_call->stop.tid = tid;
        ret_call->stop.audit_arch = info.arch;
        ret_call->stop.instruction_pointer = info.instruction_pointer;
        ret_call->stop.nr = (int64_t)info.entry.nr;
        _Static_assert(sizeof ret_call->stop.args == sizeof info.entry.args, "six arguments");
        memcpy(ret_call->stop.args, info.entry.args, sizeof info.entry.args);
        return 0;
    case PTRACE_SYSCALL_INFO_EXIT:
        ret_call->kind = PTRACE_CALL_EXIT;
        ret_call->result = info.exit.rval;
        return 0;
    default:
        ret_call->kind = PTRACE_CALL_NONE;
        return 0;
    }
}

#if defined(__x86_64__)

/* struct user_regs_struct of a 32-bit program. */
typedef struct RegistersI386 {
    uint32_t ebx, ecx, edx, esi, edi, ebp, eax;
    uint32_t ds, es, fs, gs;
    uint32_t orig_eax, eip, cs, eflags, esp, ss;
} RegistersI386;

static void fill_i386(PtraceCall *call, const RegistersI386 *r)
{
    call->stop.audit_arch = AUDIT_ARCH_I386;
    call->stop.nr = (int32_t)r->orig_eax;
    call->stop.instruction_pointer = r->eip;
    call->stop.args[0] = r->ebx;
    call->stop.args[1] = r->ecx;
    call->stop.args[2] = r->edx;
    call->stop.args[3] = r->esi;
    call->stop.args[4] = r->edi;
    call->stop.args[5] = r->ebp;
    call->result = (int32_t)r->eax;
}

static bool is_int80(pid_t tid, uint64_t ip)
{
    const long INT80 = 0x80cd;
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, tid, ip - 2, NULL);
    return !errno && (word & 0xffff) == INT80;
}

static void fill_x86_64(PtraceCall *call, const struct user_regs_struct *r)
{
    call->stop.audit_arch = AUDIT_ARCH_X86_64;
    call->stop.nr = (int64_t)r->orig_rax;
    call->stop.instruction_pointer = r->rip;
    call->stop.args[0] = r->rdi;
    call->stop.args[1] = r->rsi;
    call->stop.args[2] = r->rdx;
    call->stop.args[3] = r->r10;
    call->stop.args[4] = r->r8;
    call->stop.args[5] = r->r9;
    call->result = (int64_t)r->rax;
}

int ptrace_call_registers(pid_t tid, PtraceCallKind kind, PtraceCall *ret_call)
{
    union {
        struct user_regs_struct x86_64;
        RegistersI386 i386;
    } registers;
    struct iovec vector = {&registers, sizeof registers};

    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &vector) < 0)
        return -errno;
    ret_call->kind = kind;
    ret_call->stop.tid = tid;
    if (vector.iov_len == sizeof registers.i386) {
        fill_i386(ret_call, &registers.i386);
        return 0;
    }
    fill_x86_64(ret_call, &registers.x86_64);
    if (kind != PTRACE_CALL_EXIT && is_int80(tid, registers.x86_64.rip)) {
        const struct user_regs_struct *r = &registers.x86_64;
        const RegistersI386 narrow = {
            .ebx = (uint32_t)r->rbx,
            .ecx = (uint32_t)r->rcx,
            .edx = (uint32_t)r->rdx,
            .esi = (uint32_t)r->rsi,
            .edi = (uint32_t)r->rdi,
            .ebp = (uint32_t)r->rbp,
            .eax = (uint32_t)r->rax,
            .orig_eax = (uint32_t)r->orig_rax,
        };

        fill_i386(ret_call, &narrow);
        ret_call->stop.instruction_pointer = r->rip;
    }
    return 0;
}

static int poke(pid_t tid, size_t offset, uint64_t value)
{
    return ptrace(PTRACE_POKEUSER, tid, offset, value) < 0 ? -errno : 0;
}

int ptrace_call_answer(pid_t tid)
{
    int r = poke(tid, offsetof(struct user, regs.orig_rax), (uint64_t)-1);

    return r < 0 ? r : poke(tid, offsetof(struct user, regs.rax), 0);
}

int ptrace_call_set_first(pid_t tid, uint64_t value)
{
    PtraceCall call = {0};
    int r = ptrace_call_registers(tid, PTRACE_CALL_ENTRY, &call);

    if (r < 0)
        return r;
    return call.stop.audit_arch == AUDIT_ARCH_I386
               ? poke(tid, offsetof(struct user, regs.rbx), value)
               : poke(tid, offsetof(struct user, regs.rdi), value);
}

#elif defined(__aarch64__)

/* Registers r0 … r15, cpsr and the original r0 of a 32-bit program. */
typedef struct RegistersArm {
    uint32_t r[18];
} RegistersArm;

enum { ARM_PC = 15, ARM_NR = 7, AARCH64_NR = 8 };

typedef union Registers {
    struct user_regs_struct aarch64;
    RegistersArm arm;
} Registers;

static int registers_get(pid_t tid, Registers *registers, size_t *ret_size)
{
    struct iovec vector = {registers, sizeof *registers};

    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &vector) < 0)
        return -errno;
    *ret_size = vector.iov_len;
    return 0;
}

static int registers_set(pid_t tid, Registers *registers, size_t size)
{
    struct iovec vector = {registers, size};

    return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &vector) < 0 ? -errno : 0;
}

int ptrace_call_registers(pid_t tid, PtraceCallKind kind, PtraceCall *ret_call)
{
    Registers registers;
    size_t size;
    int r = registers_get(tid, &registers, &size);

    if (r < 0)
        return r;
    ret_call->kind = kind;
    ret_call->stop.tid = tid;
    if (size == sizeof registers.arm) {
        const uint32_t *a = registers.arm.r;

        ret_call->stop.audit_arch = AUDIT_ARCH_ARM;
        ret_call->stop.nr = (int32_t)a[ARM_NR];
        ret_call->stop.instruction_pointer = a[ARM_PC];
        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
            ret_call->stop.args[i] = a[i];
        ret_call->result = (int32_t)a[0];
        return 0;
    }
    ret_call->stop.audit_arch = AUDIT_ARCH_AARCH64;
    ret_call->stop.nr = (int32_t)registers.aarch64.regs[AARCH64_NR];
    ret_call->stop.instruction_pointer = registers.aarch64.pc;
    memcpy(ret_call->stop.args, registers.aarch64.regs, sizeof ret_call->stop.args);
    ret_call->result = (int64_t)registers.aarch64.regs[0];
    return 0;
}

int ptrace_call_set_first(pid_t tid, uint64_t value)
{
    Registers registers;
    size_t size;
    int r = registers_get(tid, &registers, &size);

    if (r < 0)
        return r;
    if (size == sizeof registers.arm)
        registers.arm.r[0] = (uint32_t)value;
    else
        registers.aarch64.regs[0] = value;
    return registers_set(tid, &registers, size);
}

int ptrace_call_answer(pid_t tid)
{
    int nr = -1;
    struct iovec vector = {&nr, sizeof nr};

    /* The number has a register set of its own: x8 was read before the stop. */
    if (ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &vector) < 0)
        return -errno;
    return ptrace_call_set_first(tid, 0);
}

#else

int ptrace_call_registers(pid_t tid, PtraceCallKind kind, PtraceCall *ret_call)
{
    (void)tid;
    (void)kind;
    (void)ret_call;
    return -ENOSYS;
}

int ptrace_call_answer(pid_t tid)
{
    (void)tid;
    return -ENOSYS;
}

int ptrace_call_set_first(pid_t tid, uint64_t value)
{
    (void)tid;
    (void)value;
    return -ENOSYS;
}

#endif
