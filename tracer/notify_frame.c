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

/* A prefix would make the instruction that follows one of another register. */
static bool is_prefix(uint8_t byte)
{
    return (byte & 0xf0) == 0x40;
}

int64_t frame_call(const SignalFrame *frame)
{
    static const uint8_t load_rax[] = {0x48, 0xc7, 0xc0};
    const uint8_t *at = frame->code + FRAME_CODE - SYSCALL_SIZE;
    int32_t nr;

    if (memcmp(at, syscall_instruction, SYSCALL_SIZE) != 0)
        return -1;
    if (at[-2] == 0x31 && at[-1] == 0xc0 && !is_prefix(at[-3])) /* xor %eax, %eax */
        return 0;
    const bool is_eax = at[-5] == 0xb8 && !is_prefix(at[-6]);      /* mov $NR, %eax */
    if (!is_eax && memcmp(at - 7, load_rax, sizeof load_rax) != 0) /* mov $NR, %rax */
        return -1;
    memcpy(&nr, at - 4, sizeof nr);
    return nr;
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
    static const int in_order[SYSCALL_ARGS] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        frame.args[i] = (uint64_t)registers[in_order[i]];
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
