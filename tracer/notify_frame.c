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
#include <string.h>
#include <time.h>
#include <unistd.h>

void frame_deinit(SignalFrame *frame)
{
    fd_close(&frame->memory);
}

#ifdef __x86_64__

/* ---- what the kernel puts on the stack ------------------------------------------------------ */

/* struct sigcontext_64 of asm/sigcontext.h. */
typedef struct Registers64 {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    uint16_t cs, gs, fs, ss;
} Registers64;

/* struct sigcontext_32 there. */
typedef struct Registers32 {
    uint32_t gs, fs, es, ds, di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip, cs;
} Registers32;

/* How far from the stack pointer, when the handler's end is called, the registers are: struct
 * rt_sigframe, rt_sigframe_x32, rt_sigframe_ia32 and sigframe_ia32. The first word, the handler's
 * return address, is off the stack by then, and before sigreturn(2) the signal's number is. */
enum {
    UCONTEXT_64 = 8 + 8 + 24,                       /* flags, link, stack */
    UCONTEXT_X32 = 4 + 4 + 12 + 4,                  /* flags, link, stack, nothing */
    UCONTEXT_I386 = 4 + 4 + 4 + 128 + (4 + 4 + 12), /* signal, two pointers, siginfo; the same */
    SIGCONTEXT_I386 = 0,
};

typedef struct Layout {
    const char *call; /* that ends the handler */
    Arch arch;
    size_t at;
} Layout;

static const Layout layouts[] = {
    {"rt_sigreturn", ARCH_X86_64, UCONTEXT_64},
    {"rt_sigreturn", ARCH_X32, UCONTEXT_X32},
    {"rt_sigreturn", ARCH_I386, UCONTEXT_I386},
    {"sigreturn", ARCH_I386, SIGCONTEXT_I386},
};

static const Layout *layout_of(const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);

    for (size_t i = 0; i < ARRAY_LENGTH(layouts); i++) {
        const Syscall *call = syscall_by_name(layouts[i].call);
        if (arch == (int)layouts[i].arch && call &&
            syscall_number(call, layouts[i].arch) == stop->nr)
            return &layouts[i];
    }
    return NULL;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A thread whose call was received may be on its way to sleep still, or woken by a signal only to
 * sleep on, killably: then it counts as running. So often, and so many nanoseconds apart, it is
 * asked again. */
enum { ASKED_AGAIN = 400, ASKED_AFTER = 25 * 1000 };

/* The stack pointer of a thread that waits in a call, which the kernel tells of any thread that
 * sleeps in one. */
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

/* USER32_CS of asm/segment.h, with the lowest two bits, which are of user space, is that of code of
 * 32 bits, whatever frame it has. */
static bool is_code_of_64(uint16_t cs)
{
    enum { USER32_CS = 0x23 };

    return cs != USER32_CS;
}

static int read_64(uint64_t at, SignalFrame *frame)
{
    Registers64 r;
    const int error = read_exactly(frame->memory, at, &r, sizeof r);

    if (error < 0)
        return error;
    frame->size = sizeof r.ax;
    frame->result = (int64_t)r.ax;
    frame->result_at = at + offsetof(Registers64, ax);
    frame->next_at = at + offsetof(Registers64, ip);
    frame->site = (CallSite){frame->memory,
                             is_code_of_64(r.cs),
                             r.ip,
                             {r.ax, r.cx, r.dx, r.bx, r.sp, r.bp, r.si, r.di, r.r8, r.r9, r.r10,
                              r.r11, r.r12, r.r13, r.r14, r.r15}};
    return 0;
}

static int read_32(uint64_t at, SignalFrame *frame)
{
    Registers32 r;
    const int error = read_exactly(frame->memory, at, &r, sizeof r);

    if (error < 0)
        return error;
    frame->size = sizeof r.ax;
    frame->result = (int32_t)r.ax;
    frame->result_at = at + offsetof(Registers32, ax);
    frame->next_at = at + offsetof(Registers32, ip);
    frame->site = (CallSite){frame->memory,
                             is_code_of_64((uint16_t)r.cs),
                             r.ip,
                             {r.ax, r.cx, r.dx, r.bx, r.sp, r.bp, r.si, r.di}};
    return 0;
}

int frame_read(const SyscallStop *stop, SignalFrame *ret_frame)
{
    const Layout *layout = layout_of(stop);
    SignalFrame frame = {.memory = -1};
    uint64_t stack;
    char path[64];

    if (!layout)
        return -ENOSYS;
    int r = stack_pointer(stop->tid, &stack);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)stop->tid);
    CLEANUP(fd_close) int memory = open(path, O_RDWR | O_CLOEXEC);
    if (memory < 0)
        return -errno;
    frame.memory = memory;
    r = (layout->arch == ARCH_I386 ? read_32 : read_64)(stack + layout->at, &frame);
    if (r < 0)
        return r;
    memory = -1;
    *ret_frame = frame;
    return 0;
}

/* ---- changing ------------------------------------------------------------------------------- */

static int write_register(const SignalFrame *frame, uint64_t at, uint64_t value)
{
    /* The lower half comes first in memory. */
    const ssize_t n = pwrite(frame->memory, &value, frame->size, (off_t)at);

    return n == (ssize_t)frame->size ? 0 : -EFAULT;
}

int frame_restart(const SignalFrame *frame, int64_t nr)
{
    /* NR means nothing unless the call is made: it is written first, and taken back on failure. */
    if (write_register(frame, frame->result_at, (uint64_t)nr) < 0)
        return -EFAULT;
    if (write_register(frame, frame->next_at, frame->site.next - CALL_SITE_SIZE) == 0)
        return 0;
    (void)!write_register(frame, frame->result_at, (uint64_t)frame->result);
    return -EFAULT;
}

#else

int frame_read(const SyscallStop *stop, SignalFrame *ret_frame)
{
    (void)stop;
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
