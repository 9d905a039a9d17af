/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_frame.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

void frame_deinit(SignalFrame *frame)
{
    fd_close(&frame->memory);
}

enum { SYSCALL_SIZE = 2 /* bytes of the instruction */ };
static const uint8_t syscall_instruction[SYSCALL_SIZE] = {0x0f, 0x05};

/* Registers, as instructions number them. */
enum { RAX = 0, RCX = 1, RSP = 4, R11 = 11 };

/* The parts of an instruction that has no more than these. */
typedef struct Instruction {
    size_t length;
    unsigned written; /* the register that it writes */
} Instruction;

static bool is_prefix(uint8_t byte)
{
    return (byte & 0xf0) ==
           0x40; /* REX: bit 0 and bit 2 are the highest of two registers' numbers */
}

/* What compilers put between the load of a call's number and the call: copies, constants, and
 * little arithmetic. False for any other instruction. CODE has room for the longest, 8 bytes. */
static bool read_instruction(const uint8_t *code, Instruction *ret_instruction)
{
    const uint8_t prefix = is_prefix(code[0]) ? code[0] : 0;
    const uint8_t *at = prefix ? code + 1 : code;
    const unsigned in_rm = (at[1] & 7u) | (prefix & 1u) << 3;
    const unsigned in_reg = (at[1] >> 3 & 7u) | (prefix & 4u) << 1;
    const unsigned mode = at[1] >> 6;
    size_t length = 0;
    unsigned written = in_rm;

    switch (at[0]) {
    case 0x01: /* add, sub, xor, mov of a register to another */
    case 0x29:
    case 0x31:
    case 0x89:
        length = mode == 3 ? 2 : 0;
        break;
    case 0x8b: /* mov to a register, lea */
    case 0x8d:
        written = in_reg;
        if (mode == 3)
            length = at[0] == 0x8b ? 2 : 0;
        else if (mode == 1)
            length = (at[1] & 7) == RSP ? 4 : 3;
        break;
    case 0x80: /* and, xor, … with a byte */
    case 0x83:
        length = mode == 3 ? 3 : 0;
        break;
    case 0x81: /* … with a word */
        length = mode == 3 ? 6 : 0;
        break;
    default:
        if ((at[0] & 0xf8) == 0xb8 && !(prefix & 8)) { /* mov of a constant */
            written = (at[0] & 7u) | (prefix & 1u) << 3;
            length = 5;
        }
    }
    *ret_instruction = (Instruction){length + (prefix ? 1 : 0), written};
    return length > 0;
}

/* If CODE loads a number into %eax, with REGISTERS as they are: its length, else 0. */
static size_t read_load(const uint8_t *code, const uint64_t *registers, int64_t *ret_nr)
{
    static const uint8_t load_rax[] = {0x48, 0xc7, 0xc0};
    const uint8_t prefix = is_prefix(code[0]) ? code[0] : 0;
    const uint8_t *at = prefix ? code + 1 : code;
    const unsigned from = (at[1] >> 3 & 7u) | (prefix & 4u) << 1;
    int32_t nr;

    if (!prefix && at[0] == 0x31 && at[1] == 0xc0) { /* xor %eax, %eax */
        *ret_nr = 0;
        return 2;
    }
    if (!prefix && at[0] == 0xb8) { /* mov $NR, %eax */
        memcpy(&nr, at + 1, sizeof nr);
        *ret_nr = nr;
        return 5;
    }
    if (memcmp(code, load_rax, sizeof load_rax) == 0) { /* mov $NR, %rax */
        memcpy(&nr, code + sizeof load_rax, sizeof nr);
        *ret_nr = nr;
        return 7;
    }
    /* mov of a register, which the call leaves as it is, to %eax */
    if (at[0] != 0x89 || (at[1] & 0xc7) != 0xc0 || (prefix & 3) || from == RAX || from == RCX ||
        from == RSP || from == R11)
        return 0;
    *ret_nr = (int64_t)(uint32_t)registers[from];
    return prefix ? 3 : 2;
}

/* True if from FROM on there are only instructions that leave %eax alone, up to the call at END. */
static bool leads_to(const uint8_t *from, const uint8_t *end)
{
    Instruction instruction;

    while (from < end && read_instruction(from, &instruction) && instruction.written != RAX)
        from += instruction.length;
    return from == end;
}

/* read_load() where AT may be preceded by anything: 0 too if a prefix, or what could be one, makes
 * another number of it. */
static size_t read_certain_load(const uint8_t *at, const uint64_t *registers, int64_t *ret_nr)
{
    enum { HIGHEST = 1023 };
    int64_t other;

    const size_t length = read_load(at, registers, ret_nr);
    if (length == 0 || *ret_nr < 0 || *ret_nr > HIGHEST)
        return 0;
    if (!is_prefix(*at))
        return is_prefix(at[-1]) ? 0 : length;
    if (read_load(at + 1, registers, &other) > 0 && other >= 0 && other <= HIGHEST &&
        other != *ret_nr)
        return 0;
    return length;
}

int64_t frame_call(const SignalFrame *frame)
{
    enum { NONE = -1, LONGEST = 8 };
    uint8_t code[FRAME_CODE + LONGEST] = {0};
    const uint8_t *end = code + FRAME_CODE - SYSCALL_SIZE;
    int64_t found = NONE;
    int64_t nr;

    memcpy(code, frame->code, sizeof frame->code);
    if (memcmp(end, syscall_instruction, SYSCALL_SIZE) != 0)
        return NONE;
    /* Where instructions begin cannot be known, going backwards: all that could be must agree. */
    for (const uint8_t *at = end - 2; at > code; at--) {
        const size_t length = read_certain_load(at, frame->registers, &nr);
        if (length == 0 || !leads_to(at + length, end))
            continue;
        if (found != NONE && found != nr)
            return NONE;
        found = nr;
    }
    return found;
}

#if defined(__x86_64__) && !defined(__ILP32__)

/* A thread whose call was received may be on its way to sleep still, or woken by a signal only to
 * sleep on, killably: then it counts as running. So often, and so many nanoseconds apart, it is
 * asked again. */
enum { ASKED_AGAIN = 400, ASKED_AFTER = 25 * 1000 };

/* The stack pointer of a thread that waits in rt_sigreturn(2), which the kernel tells of any thread
 * that sleeps in a call. */
static int stack_pointer(pid_t tid, uint64_t *ret_pointer)
{
    const struct timespec pause = {.tv_nsec = ASKED_AFTER};
    char text[256];

    for (int i = 0; i < ASKED_AGAIN; i++) {
        const ssize_t n = procfs_read_task(tid, "syscall", text, sizeof text);
        if (n < 0)
            return (int)n;
        if (sscanf(text, "%*d %*x %*x %*x %*x %*x %*x %" SCNx64, ret_pointer) == 1)
            return 0;
        if (strncmp(text, "running", strlen("running")) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    return -EAGAIN;
}

static int read_exactly(int memory, uint64_t address, void *out, size_t size)
{
    const ssize_t n = pread(memory, out, size, (off_t)address);

    if (n == (ssize_t)size)
        return 0;
    return n < 0 ? -errno : -EFAULT;
}

int frame_read(pid_t tid, SignalFrame *ret_frame)
{
    static const int in_order[FRAME_REGISTERS] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    static const int of_call[SYSCALL_ARGS] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    SignalFrame frame = {.memory = -1};
    uint64_t stack;
    gregset_t registers;
    char path[64];

    int r = stack_pointer(tid, &stack);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)tid);
    CLEANUP(fd_close) int memory = open(path, O_RDWR | O_CLOEXEC);
    if (memory < 0)
        return -errno;
    frame.address = stack + offsetof(ucontext_t, uc_mcontext.gregs);
    r = read_exactly(memory, frame.address, registers, sizeof registers);
    if (r < 0)
        return r;
    frame.result = (uint64_t)registers[REG_RAX];
    frame.next = (uint64_t)registers[REG_RIP];
    for (size_t i = 0; i < FRAME_REGISTERS; i++)
        frame.registers[i] = (uint64_t)registers[in_order[i]];
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        frame.args[i] = (uint64_t)registers[of_call[i]];
    r = read_exactly(memory, frame.next - FRAME_CODE, frame.code, sizeof frame.code);
    if (r < 0)
        return r;
    frame.memory = memory;
    memory = -1;
    *ret_frame = frame;
    return 0;
}

int frame_restart(const SignalFrame *frame, int64_t nr)
{
    const uint64_t number = (uint64_t)nr;
    const uint64_t next = frame->next - SYSCALL_SIZE;
    const uint64_t result_at = frame->address + REG_RAX * sizeof(greg_t);
    const uint64_t next_at = frame->address + REG_RIP * sizeof(greg_t);

    /* NR means nothing unless the call is made: it is written first, and taken back on failure. */
    if (pwrite(frame->memory, &number, sizeof number, (off_t)result_at) != sizeof number)
        return -EFAULT;
    if (pwrite(frame->memory, &next, sizeof next, (off_t)next_at) == sizeof next)
        return 0;
    (void)!pwrite(frame->memory, &frame->result, sizeof frame->result, (off_t)result_at);
    return -EFAULT;
}

#else

int frame_read(pid_t tid, SignalFrame *ret_frame)
{
    (void)tid;
    (void)ret_frame;
    return -ENOSYS;
}

int frame_restart(const SignalFrame *frame, int64_t nr)
{
    (void)frame;
    (void)nr;
    return -ENOSYS;
}

#endif
