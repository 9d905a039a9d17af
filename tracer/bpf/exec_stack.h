/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stack of who asks for another program, told before that takes its place. The program that
 * tells it may be preempted (hooks.h), so it is put together in the ring itself.
 */
#pragma once

#include "state.h"

#if defined(__TARGET_ARCH_x86)
enum { KEPT_BYTES = 168 };
#elif defined(__TARGET_ARCH_arm64)
enum { KEPT_BYTES = 272 };
#endif

struct exec_piece {
    struct blob head;
    u8 bytes[EVENT_PIECE_MAX];
};

struct exec_stack {
    struct event event;
    struct blob registers;
    u8 kept[KEPT_BYTES];
    struct exec_piece pieces[EVENT_PIECES];
};

/* Of TASK, the current one. */
static __always_inline void tell_exec_stack(const struct task_struct *task,
                                            const struct task_state *state)
{
    const struct mm_struct *mm = plain(task)->mm;
    const void *regs = (const void *)bpf_task_pt_regs((struct task_struct *)task);

    if (!mm)
        return;
    struct exec_stack *stack = bpf_ringbuf_reserve(&events, sizeof *stack, 0);
    if (!stack)
        return; /* the recorder says that it was not told */
    __builtin_memset(&stack->event, 0, sizeof stack->event);
    stack->event.size = sizeof *stack;
    stack->event.type = EVENT_STACK;
    stack->event.nr = NR_NONE;
    stack->event.program = state->program;
    stack->event.tid = recorder_number(task);
    stack->event.tgid = recorder_number(plain(task)->group_leader);
    stack->registers = (struct blob){.size = sizeof stack->registers + sizeof stack->kept,
                                     .kind = BLOB_REGISTERS,
                                     .address = mm->start_stack};
    bpf_probe_read_kernel(stack->kept, sizeof stack->kept, regs);
    const u64 page = user_stack_at(regs) & ~(u64)(EVENT_PIECE_MAX - 1);
#pragma unroll
    for (u32 i = 0; i < EVENT_PIECES; i++) {
        struct exec_piece *piece = &stack->pieces[i];
        piece->head = (struct blob){
            .size = sizeof *piece, .kind = BLOB_PIECE, .address = page + (u64)i * EVENT_PIECE_MAX};
        if (bpf_probe_read_user(piece->bytes, sizeof piece->bytes,
                                (const void *)piece->head.address) < 0)
            piece->head.flags = BLOB_UNREADABLE;
    }
    bpf_ringbuf_submit(stack, 0);
}
