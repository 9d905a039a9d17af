/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Operations of io_uring. They pass neither seccomp nor the tracepoints of system calls. One that
 * names something is told with the arguments of the system call that does the same
 * (profiles/tables/io_uring.csv): what the kernel has copied already, paths and most addresses, as
 * memory at the address of that copy.
 *
 * What an operation names can only be read while it is submitted, what it comes to is only known
 * when it completes, maybe long after and in another task. So the request is kept in the map
 * `inflight` meanwhile, by its address, with the key of its submission; a result that this key has
 * not had yet is an event of its own. Who has both is the recorder.
 */
#pragma once

#include "io_uring_names.h"

/* ---- requests under way ---------------------------------------------------------------------- */

enum inflight_flags {
    INFLIGHT_OPENS = 1u << 0,  /* success gives a descriptor of what a path led to */
    INFLIGHT_NEW_FD = 1u << 1, /* … a descriptor */
    INFLIGHT_FIXED = 1u << 2,  /* on a registered file that the event does not describe */
    INFLIGHT_ALIAS = 1u << 3,  /* known by ring and user data, too: it may complete many times */
};

/* By the address of the struct io_kiocb, or by alias_of(). */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, INFLIGHT_MAX);
    __type(key, u64);
    __type(value, struct inflight);
} inflight SEC(".maps");

/* The completions of a request that goes on do not tell whose they are. */
static __always_inline u64 alias_of(u64 ring, u64 user_data)
{
    return mix(mix(ring, user_data), INFLIGHT_ALIAS) | 1; /* no address */
}

/* RESULT of a request whose submission has KEY, if that is new. FLAGS: INFLIGHT_*. */
__noinline int tell_result(u64 key, s64 result, u64 file, u32 flags)
{
    const bool unknown = flags & INFLIGHT_UNKNOWN;
    const bool opened = flags & INFLIGHT_OPENS && result >= 0 && !unknown;
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    u64 own = mix(mix(key, EVENT_IO_RESULT), unknown ? (u64)-1 : errno_of(result));
    if (opened)
        place_of_descriptor(scratch, (s32)result);
    else if (flags & INFLIGHT_FIXED)
        place_of_file(scratch, file);
    if (opened || flags & INFLIGHT_FIXED)
        own = mix(own, scratch->place.identity);
    if (seen_before(own))
        return 0;
    event_begin(EVENT_IO_RESULT);
    struct event *event = (struct event *)scratch->event;
    event->value = key;
    event->result = result;
    if (unknown)
        event->flags |= EVENT_NO_RESULT;
    if (opened)
        blob_place(BLOB_RESULT, (s32)result);
    else if (flags & INFLIGHT_FIXED)
        blob_place(BLOB_FILE, 0);
    event_deliver(own);
    return 0;
}

static __always_inline u32 io_flags_of(u64 request, u8 opcode)
{
    u32 slot = 0;
    u32 flags = 0;

    switch (opcode) {
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
        slot = FIELD(struct io_open, request, file_slot);
        return slot ? 0 : INFLIGHT_OPENS | INFLIGHT_NEW_FD;
    case IORING_OP_SOCKET:
        if (!bpf_core_type_exists(struct io_socket))
            return 0;
        slot = FIELD(struct io_socket, request, file_slot);
        return slot ? 0 : INFLIGHT_NEW_FD;
    case IORING_OP_ACCEPT:
        slot = FIELD(struct io_accept, request, file_slot);
        flags = INFLIGHT_ALIAS | (slot ? 0 : INFLIGHT_NEW_FD);
        break;
    case IORING_OP_CONNECT:
    case IORING_OP_BIND:
    case IORING_OP_LISTEN:
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
    case IORING_OP_SENDMSG:
    case IORING_OP_SENDMSG_ZC:
    case IORING_OP_FSETXATTR:
    case IORING_OP_FTRUNCATE:
        break;
    default:
        return 0;
    }
    return FIELD(struct io_kiocb, request, flags) & REQUEST_FIXED_FILE ? flags | INFLIGHT_FIXED
                                                                       : flags;
}

static __always_inline void follow(struct scratch *scratch, u64 request, u8 opcode, u64 key)
{
    struct inflight entry = {.key = key, .flags = io_flags_of(request, opcode)};
    const struct inflight *before = bpf_map_lookup_elem(&inflight, &request);

    /* Nobody was told of the end of the request that was at this address. */
    if (before)
        tell_result(before->key, 0, 0, INFLIGHT_UNKNOWN);
    if (bpf_map_update_elem(&inflight, &request, &entry, BPF_ANY) < 0) {
        tell_result(key, 0, 0, INFLIGHT_UNKNOWN);
        return;
    }
    if (entry.flags & INFLIGHT_ALIAS) {
        u64 alias = alias_of(NUMBER(struct io_kiocb, request, ctx),
                             FIELD(struct io_kiocb, request, cqe.user_data));
        bpf_map_update_elem(&inflight, &alias, &entry, BPF_ANY);
    }
}

/* ---- submission ------------------------------------------------------------------------------ */

__noinline int file_key(u64 request)
{
    struct scratch *scratch = scratch_get();

    if (scratch)
        scratch->taking.hash = io_file_names(
            scratch, request, FIELD(struct io_kiocb, request, opcode), scratch->taking.hash, false);
    return 0;
}

__noinline int file_blobs(u64 request)
{
    struct scratch *scratch = scratch_get();

    if (scratch)
        (void)io_file_names(scratch, request, FIELD(struct io_kiocb, request, opcode), 0, true);
    return 0;
}

__noinline int socket_key(u64 request)
{
    struct scratch *scratch = scratch_get();

    if (scratch)
        scratch->taking.hash = io_socket_names(
            scratch, request, FIELD(struct io_kiocb, request, opcode), scratch->taking.hash, false);
    return 0;
}

__noinline int socket_blobs(u64 request)
{
    struct scratch *scratch = scratch_get();

    if (scratch)
        (void)io_socket_names(scratch, request, FIELD(struct io_kiocb, request, opcode), 0, true);
    return 0;
}

/* The task that submits, or the ring's own thread of the kernel (SQPOLL), which is a task of the
 * workload like any other. */
__noinline int submit(u64 request)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = own_state(task);

    if (!state || state->flags & (TASK_LAUNCHING | TASK_MARK))
        return 0;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return 0;
    if (!state->program)
        identify(scratch, state);
    const u8 opcode = FIELD(struct io_kiocb, request, opcode);
    const u32 flags = FIELD(struct io_kiocb, request, flags);
    const bool followed =
        settings.io_complete != IO_COMPLETE_NONE && !(flags & REQUEST_SKIPS_SUCCESS);
    const enum io_kind kind = io_kind_of(opcode);
    scratch->taking.hash = mix(key_begin(state, EVENT_IO_URING),
                               (u64)opcode << 8 | (flags & REQUEST_FIXED_FILE) << 1 | followed);
    if (kind == IO_FILE)
        file_key(request);
    else if (kind == IO_SOCKET)
        socket_key(request);
    const u64 key = scratch->taking.hash;
    int delivered = 0;
    if (!seen_before(key)) {
        event_begin(EVENT_IO_URING);
        event_subject(scratch, state);
        struct event *event = (struct event *)scratch->event;
        event->value = opcode;
        event->flags |= EVENT_NO_RESULT | (followed ? EVENT_RESULT_COMES : 0);
        if (kind == IO_FILE)
            file_blobs(request);
        else if (kind == IO_SOCKET)
            socket_blobs(request);
        event_circumstances();
        delivered = event_deliver(key);
    }
    if (followed && delivered == 0)
        follow(scratch, request, opcode, key);
    scratch_release(scratch);
    return 0;
}

static __always_inline int submit_pointer(const void *request)
{
    struct scratch *scratch = scratch_get();

    return scratch ? submit(SCALAR(scratch, request)) : 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_submit, struct io_kiocb *request)
{
    return submit_pointer(request);
}

/* Its name until 6.3. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_submit_sqe, struct io_kiocb *request)
{
    return submit_pointer(request);
}

/* ---- completion ------------------------------------------------------------------------------ */

/* A completion of REQUEST, or, where that is 0, of what ALIAS stands for: by any task. */
__noinline int complete(u64 request, u64 alias, s64 result, u32 flags)
{
    u64 at = request ? request : alias;
    const struct inflight *found = bpf_map_lookup_elem(&inflight, &at);

    if (!found)
        return 0;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return 0;
    const struct inflight entry = *found;
    const u64 file =
        request && entry.flags & INFLIGHT_FIXED ? NUMBER(struct io_kiocb, request, file) : 0;
    if (!(flags & CQE_MORE)) {
        bpf_map_delete_elem(&inflight, &at);
        if (entry.flags & INFLIGHT_ALIAS)
            bpf_map_delete_elem(&inflight, request ? &alias : &at);
    }
    if (entry.flags & INFLIGHT_NEW_FD && result >= 0)
        count_descriptor((u64)result);
    tell_result(entry.key, result, file, entry.flags);
    scratch_release(scratch);
    return 0;
}

SEC("tp_btf/io_uring_complete")
int on_complete(u64 *context)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    const u64 ring = SCALAR(scratch, context[0]);
    const u64 request = SCALAR(scratch, context[1]);
    if (settings.io_complete == IO_COMPLETE_ENTRY) {
        const u64 entry = SCALAR(scratch, context[2]);
        return complete(request, alias_of(ring, FIELD(struct io_uring_cqe, entry, user_data)),
                        FIELD(struct io_uring_cqe, entry, res),
                        FIELD(struct io_uring_cqe, entry, flags));
    }
    if (settings.io_complete == IO_COMPLETE_VALUES)
        return complete(request, alias_of(ring, context[2]), (s32)context[3], (u32)context[4]);
    return 0;
}
