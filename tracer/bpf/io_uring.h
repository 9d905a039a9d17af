/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Operations of io_uring. They pass neither seccomp nor the tracepoints of system calls. One that
 * names something is told with the arguments of the system call that does the same
 * (profiles/tables/io_uring.csv): path arguments as memory at the address of the kernel's own copy.
 */
#pragma once

#include "take.h"

/* linux/io_uring.h: numbers that never change. */
enum io_uring_operation {
    IORING_OP_CONNECT = 16,
    IORING_OP_OPENAT = 18,
    IORING_OP_STATX = 21,
    IORING_OP_OPENAT2 = 28,
    IORING_OP_RENAMEAT = 35,
    IORING_OP_UNLINKAT = 36,
    IORING_OP_MKDIRAT = 37,
    IORING_OP_SYMLINKAT = 38,
    IORING_OP_LINKAT = 39,
    IORING_OP_SOCKET = 45,
};

/* A path argument: hashed in the first round, put into the event in the second. */
static __always_inline u64 io_path(struct scratch *scratch, u64 key, bool tell, u32 argument,
                                   struct filename *filename, int dfd)
{
    struct event *event = (struct event *)scratch->event;
    const u64 name = SCALAR(scratch, FIELD(struct filename, filename, name));

    if (tell) {
        event->args[argument] = name;
        blob_kernel_string(BLOB_MEMORY, (s32)argument, name);
        place_of_folder(dfd);
        blob_place(BLOB_FOLDER, (s32)argument);
        return key;
    }
    const long length =
        bpf_probe_read_kernel_str(scratch->strings[0], PATH_BYTES, (const void *)name);
    scratch->string_length[0] = length > 0 ? (u32)length : 0;
    string_hash(0);
    place_of_folder(dfd);
    return mix(mix(key, scratch->string_hash[0]), scratch->place.identity);
}

/* What operation OPCODE of REQUEST names: into the key, or, if TELL, into the event. */
static __always_inline u64 io_names(struct scratch *scratch, u64 request, u8 opcode, u64 key,
                                    bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;

    switch (opcode) {
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2: {
        const int dfd = FIELD(struct io_open, request, dfd);
        const u64 flags = FIELD(struct io_open, request, how.flags);
        if (tell) {
            args[0] = (u64)dfd;
            args[2] = flags;
        }
        key = mix(key, flags);
        return io_path(scratch, key, tell, 1, FIELD(struct io_open, request, filename), dfd);
    }
    case IORING_OP_STATX: {
        const int dfd = FIELD(struct io_statx, request, dfd);
        const u32 flags = FIELD(struct io_statx, request, flags);
        if (tell) {
            args[0] = (u64)dfd;
            args[2] = flags;
        }
        key = mix(key, flags);
        return io_path(scratch, key, tell, 1, FIELD(struct io_statx, request, filename), dfd);
    }
    case IORING_OP_UNLINKAT: {
        const int dfd = FIELD(struct io_unlink, request, dfd);
        const u32 flags = (u32)FIELD(struct io_unlink, request, flags);
        if (tell) {
            args[0] = (u64)dfd;
            args[2] = flags;
        }
        key = mix(key, flags);
        return io_path(scratch, key, tell, 1, FIELD(struct io_unlink, request, filename), dfd);
    }
    case IORING_OP_MKDIRAT: {
        const int dfd = FIELD(struct io_mkdir, request, dfd);
        if (tell)
            args[0] = (u64)dfd;
        return io_path(scratch, key, tell, 1, FIELD(struct io_mkdir, request, filename), dfd);
    }
    case IORING_OP_RENAMEAT: {
        const int from = FIELD(struct io_rename, request, old_dfd);
        const int to = FIELD(struct io_rename, request, new_dfd);
        if (tell) {
            args[0] = (u64)from;
            args[2] = (u64)to;
        }
        key = io_path(scratch, key, tell, 1, FIELD(struct io_rename, request, oldpath), from);
        return io_path(scratch, key, tell, 3, FIELD(struct io_rename, request, newpath), to);
    }
    case IORING_OP_LINKAT: {
        const int from = FIELD(struct io_link, request, old_dfd);
        const int to = FIELD(struct io_link, request, new_dfd);
        if (tell) {
            args[0] = (u64)from;
            args[2] = (u64)to;
            args[4] = (u64)FIELD(struct io_link, request, flags);
        }
        key = io_path(scratch, key, tell, 1, FIELD(struct io_link, request, oldpath), from);
        return io_path(scratch, key, tell, 3, FIELD(struct io_link, request, newpath), to);
    }
    case IORING_OP_SYMLINKAT: {
        const int to = FIELD(struct io_link, request, new_dfd);
        if (tell)
            args[1] = (u64)to;
        return io_path(scratch, key, tell, 2, FIELD(struct io_link, request, newpath), to);
    }
    case IORING_OP_CONNECT: {
        const int fd = FIELD(struct io_kiocb, request, cqe.fd);
        const u64 address = SCALAR(scratch, FIELD(struct io_connect, request, addr));
        const u32 length = (u32)FIELD(struct io_connect, request, addr_len);
        place_of_descriptor(fd);
        key = mix(key, scratch->place.identity);
        if (address_read(scratch, address, length))
            key = mix(key, address_hash(scratch));
        if (tell) {
            args[0] = (u64)fd;
            args[1] = address;
            args[2] = length;
            blob_place(BLOB_FILE, fd);
            blob_memory(BLOB_MEMORY, 1, address, length);
        }
        return key;
    }
    case IORING_OP_SOCKET: {
        const u32 domain = (u32)FIELD(struct io_socket, request, domain);
        const u32 type = (u32)FIELD(struct io_socket, request, type);
        const u32 protocol = (u32)FIELD(struct io_socket, request, protocol);
        if (tell) {
            args[0] = domain;
            args[1] = type;
            args[2] = protocol;
        }
        return mix(mix(mix(key, domain), type), protocol);
    }
    default:
        return key;
    }
}
