/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an operation of io_uring names: for its key, and, where it is new, as blobs. */
#pragma once

#include "calls.h"

/* linux/io_uring.h: numbers that never change. */
enum io_uring_operation {
    IORING_OP_WRITEV = 2,
    IORING_OP_WRITE_FIXED = 5,
    IORING_OP_SENDMSG = 9,
    IORING_OP_ACCEPT = 13,
    IORING_OP_CONNECT = 16,
    IORING_OP_OPENAT = 18,
    IORING_OP_STATX = 21,
    IORING_OP_WRITE = 23,
    IORING_OP_SEND = 26,
    IORING_OP_OPENAT2 = 28,
    IORING_OP_RENAMEAT = 35,
    IORING_OP_UNLINKAT = 36,
    IORING_OP_MKDIRAT = 37,
    IORING_OP_SYMLINKAT = 38,
    IORING_OP_LINKAT = 39,
    IORING_OP_FSETXATTR = 41,
    IORING_OP_SETXATTR = 42,
    IORING_OP_GETXATTR = 44,
    IORING_OP_SOCKET = 45,
    IORING_OP_SEND_ZC = 47,
    IORING_OP_SENDMSG_ZC = 48,
    IORING_OP_FTRUNCATE = 55,
    IORING_OP_BIND = 56,
    IORING_OP_LISTEN = 57,
    IORING_OP_WRITEV_FIXED = 61,
};
/* Of a request's flags, the first of which are those of its entry in the queue. */
enum { REQUEST_FIXED_FILE = 1u << 0, REQUEST_SKIPS_SUCCESS = 1u << 6 };
enum { CQE_MORE = 1u << 1 };
enum { OPEN_HOW_BYTES = 24 };

/* LENGTH bytes of the kernel's memory. */
__noinline int blob_kernel_memory(s32 number, u64 address, u32 length)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, BLOB_MEMORY, number, address);
    if (!blob)
        return 0;
    if (length > ADDRESS_BYTES)
        length = ADDRESS_BYTES;
    if (bpf_probe_read_kernel(blob + 1, length, (const void *)address) < 0) {
        blob->flags = BLOB_UNREADABLE;
        length = 0;
    }
    blob_end(scratch, blob, length);
    return 0;
}

/* A path argument: hashed in the first round, put into the event in the second. */
static __always_inline u64 io_path(struct scratch *scratch, u64 key, bool tell, u32 argument,
                                   u64 filename, int dfd)
{
    struct event *event = (struct event *)scratch->event;
    const u64 name = NUMBER(struct filename, filename, name);

    if (tell) {
        event->args[argument] = name;
        blob_kernel_string(BLOB_MEMORY, (s32)argument, name);
        place_of_folder(scratch, dfd);
        blob_place(BLOB_FOLDER, (s32)argument);
        return key;
    }
    const long length =
        bpf_probe_read_kernel_str(scratch->strings[0], PATH_BYTES, (const void *)name);
    scratch->string_length[0] = length > 0 ? (u32)length : 0;
    string_hash(scratch, 0);
    place_of_folder(scratch, dfd);
    return mix(mix(key, scratch->string_hash[0]), scratch->place.identity);
}

/* Argument 0, a descriptor. A registered file is told at the end: its number is no descriptor. */
static __always_inline u64 io_descriptor(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    const int fd = FIELD(struct io_kiocb, request, cqe.fd);

    if (FIELD(struct io_kiocb, request, flags) & REQUEST_FIXED_FILE)
        return key;
    place_of_descriptor(scratch, fd);
    if (tell) {
        ((struct event *)scratch->event)->args[0] = (u64)fd;
        blob_place(BLOB_FILE, fd);
    }
    return mix(key, scratch->place.identity);
}

/* The address in the scratch, which is at ADDRESS. */
static __always_inline u64 io_address_known(struct scratch *scratch, u64 key, bool tell,
                                            u32 argument, u64 address)
{
    struct event *event = (struct event *)scratch->event;
    const bool relative = address_is_relative(scratch);

    if (tell) {
        event->args[argument] = address;
        event->args[argument + 1] = scratch->address_length;
    }
    key = mix(key, address_hash(scratch));
    if (!relative)
        return key;
    place_of_folder(scratch, AT_FDCWD);
    if (tell)
        blob_place(BLOB_FOLDER, (s32)argument);
    return mix(key, scratch->place.identity);
}

/* A socket address in the workload's memory, its length in the argument behind. */
static __always_inline u64 io_address(struct scratch *scratch, u64 key, bool tell, u32 argument,
                                      u64 address, u32 length)
{
    if (!address_read(scratch, address, length))
        return key;
    if (tell)
        blob_memory(BLOB_MEMORY, (s32)argument, address, scratch->address_length);
    return io_address_known(scratch, key, tell, argument, address);
}

/* The same where the kernel has copied it: LENGTH bytes at ADDRESS. */
static __always_inline u64 io_address_copied(struct scratch *scratch, u64 key, bool tell,
                                             u32 argument, u64 address, u32 length)
{
    const u32 size = BOUND(length > ADDRESS_BYTES ? ADDRESS_BYTES : length, 2 * ADDRESS_BYTES - 1);

    __builtin_memset(scratch->address_words, 0, ADDRESS_BYTES);
    scratch->address_length = 0;
    if (size < 2 || bpf_probe_read_kernel(scratch->address_words, size, (const void *)address) < 0)
        return key;
    scratch->address_length = size;
    if (tell)
        blob_kernel_memory((s32)argument, address, size);
    return io_address_known(scratch, key, tell, argument, address);
}

/*
 * What bind() keeps of its request at STATE is an address, or, in earlier kernels, a larger thing
 * that one is in and that begins with a pointer; both are called the same. No address has the bits
 * of a pointer of the kernel, or none at all.
 */
static __always_inline u64 io_bind_address(u64 state)
{
    u64 first = 0;

    if (bpf_core_field_exists(((struct io_async_msghdr *)0)->vec)) {
        bpf_probe_read_kernel(&first, sizeof first, (const void *)state);
        if (first != 0 && (first >> 48 != 0xffff || first & 7))
            return state;
    }
    return state + bpf_core_field_offset(struct io_async_msghdr, addr);
}

static __always_inline u64 io_send(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    u16 length = 0;

    if (bpf_core_field_exists(((struct io_sr_msg *)0)->addr)) { /* until 6.12 */
        bpf_core_read(&length, sizeof length, &((struct io_sr_msg *)request)->addr_len);
        return io_address(scratch, key, tell, 4, NUMBER(struct io_sr_msg, request, addr), length);
    }
    const u64 state = NUMBER(struct io_kiocb, request, async_data);
    if (!state || !FIELD(struct io_async_msghdr, state, msg.msg_name))
        return key;
    return io_address_copied(scratch, key, tell, 4,
                             state + bpf_core_field_offset(struct io_async_msghdr, addr),
                             (u32)FIELD(struct io_async_msghdr, state, msg.msg_namelen));
}

static __always_inline u64 io_send_message(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    const u64 at = NUMBER(struct io_sr_msg, request, umsg);
    const struct message_name name = message_name(ABI_NATIVE, at);

    if (tell) {
        ((struct event *)scratch->event)->args[1] = at;
        blob_memory(BLOB_MEMORY, 1, at, 56);
    }
    if (!address_read(scratch, name.address, name.length))
        return key;
    if (tell)
        blob_memory(BLOB_MEMORY, 1, name.address, scratch->address_length);
    key = mix(key, address_hash(scratch));
    if (address_is_relative(scratch)) {
        place_of_folder(scratch, AT_FDCWD);
        if (tell)
            blob_place(BLOB_FOLDER, 1);
        key = mix(key, scratch->place.identity);
    }
    return key;
}

/* Data goes out, maybe by a connected socket that had not sent anything yet. */
static __always_inline u64 io_output(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    const int fd = FIELD(struct io_kiocb, request, cqe.fd);

    if (FIELD(struct io_kiocb, request, flags) & REQUEST_FIXED_FILE)
        return key;
    if (tell) {
        place_of_descriptor(scratch, fd);
        ((struct event *)scratch->event)->args[0] = (u64)fd;
        if (scratch->place.sock)
            blob_place(BLOB_FILE, fd);
        return key;
    }
    if (!connected_count)
        return key;
    place_of_descriptor(scratch, fd);
    return note_send(&scratch->place) ? mix(mix(key, scratch->place.identity), scratch->place.sock)
                                      : key;
}

static __always_inline u64 io_open_names(struct scratch *scratch, u64 request, u8 opcode, u64 key,
                                         bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;
    const int dfd = FIELD(struct io_open, request, dfd);
    const u64 flags = FIELD(struct io_open, request, how.flags);

    key = mix(key, flags);
    if (tell) {
        args[0] = (u64)dfd;
        args[2] = flags;
    }
    if (opcode == IORING_OP_OPENAT2) {
        const u64 how = request + bpf_core_field_offset(struct io_open, how);
        key = mix(key, FIELD(struct io_open, request, how.resolve));
        if (tell) {
            args[2] = how;
            args[3] = OPEN_HOW_BYTES;
            blob_kernel_memory(2, how, OPEN_HOW_BYTES);
        }
    }
    return io_path(scratch, key, tell, 1, NUMBER(struct io_open, request, filename), dfd);
}

static __always_inline u64 io_rename_names(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;
    const int from = FIELD(struct io_rename, request, old_dfd);
    const int to = FIELD(struct io_rename, request, new_dfd);
    const u32 flags = (u32)FIELD(struct io_rename, request, flags);

    if (tell) {
        args[0] = (u64)from;
        args[2] = (u64)to;
        args[4] = flags;
    }
    key = mix(key, flags);
    key = io_path(scratch, key, tell, 1, NUMBER(struct io_rename, request, oldpath), from);
    return io_path(scratch, key, tell, 3, NUMBER(struct io_rename, request, newpath), to);
}

static __always_inline u64 io_link_names(struct scratch *scratch, u64 request, u64 key, bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;
    const int from = FIELD(struct io_link, request, old_dfd);
    const int to = FIELD(struct io_link, request, new_dfd);
    const u32 flags = (u32)FIELD(struct io_link, request, flags);

    if (tell) {
        args[0] = (u64)from;
        args[2] = (u64)to;
        args[4] = flags;
    }
    key = mix(key, flags);
    key = io_path(scratch, key, tell, 1, NUMBER(struct io_link, request, oldpath), from);
    return io_path(scratch, key, tell, 3, NUMBER(struct io_link, request, newpath), to);
}

/* What operation OPCODE of REQUEST names in the file system. */
static __always_inline u64 io_file_names(struct scratch *scratch, u64 request, u8 opcode, u64 key,
                                         bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;

    switch (opcode) {
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
        return io_open_names(scratch, request, opcode, key, tell);
    case IORING_OP_STATX: {
        const int dfd = FIELD(struct io_statx, request, dfd);
        const u32 flags = FIELD(struct io_statx, request, flags);
        if (tell) {
            args[0] = (u64)dfd;
            args[2] = flags;
        }
        key = mix(key, flags);
        return io_path(scratch, key, tell, 1, NUMBER(struct io_statx, request, filename), dfd);
    }
    case IORING_OP_UNLINKAT: {
        const int dfd = FIELD(struct io_unlink, request, dfd);
        const u32 flags = (u32)FIELD(struct io_unlink, request, flags);
        if (tell) {
            args[0] = (u64)dfd;
            args[2] = flags;
        }
        key = mix(key, flags);
        return io_path(scratch, key, tell, 1, NUMBER(struct io_unlink, request, filename), dfd);
    }
    case IORING_OP_MKDIRAT: {
        const int dfd = FIELD(struct io_mkdir, request, dfd);
        if (tell)
            args[0] = (u64)dfd;
        return io_path(scratch, key, tell, 1, NUMBER(struct io_mkdir, request, filename), dfd);
    }
    case IORING_OP_SYMLINKAT: {
        const int to = FIELD(struct io_link, request, new_dfd);
        if (tell)
            args[1] = (u64)to;
        return io_path(scratch, key, tell, 2, NUMBER(struct io_link, request, newpath), to);
    }
    case IORING_OP_SETXATTR:
    case IORING_OP_GETXATTR:
        if (!bpf_core_type_exists(struct io_xattr)) /* before 5.19 */
            return key;
        return io_path(scratch, key, tell, 0, NUMBER(struct io_xattr, request, filename), AT_FDCWD);
    case IORING_OP_RENAMEAT:
        return io_rename_names(scratch, request, key, tell);
    default: /* IORING_OP_LINKAT */
        return io_link_names(scratch, request, key, tell);
    }
}

/* What operation OPCODE of REQUEST does with descriptors and addresses. */
static __always_inline u64 io_socket_names(struct scratch *scratch, u64 request, u8 opcode, u64 key,
                                           bool tell)
{
    u64 *args = ((struct event *)scratch->event)->args;

    switch (opcode) {
    case IORING_OP_SOCKET: {
        if (!bpf_core_type_exists(struct io_socket)) /* before 5.19 */
            return key;
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
    case IORING_OP_CONNECT:
        key = io_descriptor(scratch, request, key, tell);
        if (!tell && !(FIELD(struct io_kiocb, request, flags) & REQUEST_FIXED_FILE))
            note_connect(&scratch->place);
        return io_address(scratch, key, tell, 1, NUMBER(struct io_connect, request, addr),
                          (u32)FIELD(struct io_connect, request, addr_len));
    case IORING_OP_BIND: {
        const u64 state = NUMBER(struct io_kiocb, request, async_data);
        key = io_descriptor(scratch, request, key, tell);
        if (!bpf_core_type_exists(struct io_bind)) /* before 6.11 */
            return key;
        return io_address_copied(scratch, key, tell, 1, io_bind_address(state),
                                 (u32)FIELD(struct io_bind, request, addr_len));
    }
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
        key = io_output(scratch, request, key, tell);
        return io_send(scratch, request, key, tell);
    case IORING_OP_SENDMSG:
    case IORING_OP_SENDMSG_ZC:
        key = io_output(scratch, request, key, tell);
        return io_send_message(scratch, request, key, tell);
    case IORING_OP_WRITE:
    case IORING_OP_WRITEV:
    case IORING_OP_WRITE_FIXED:
    case IORING_OP_WRITEV_FIXED:
        return io_output(scratch, request, key, tell);
    default: /* IORING_OP_ACCEPT, _LISTEN, _FSETXATTR, _FTRUNCATE */
        return io_descriptor(scratch, request, key, tell);
    }
}

enum io_kind { IO_NAMELESS, IO_FILE, IO_SOCKET };

static __always_inline enum io_kind io_kind_of(u8 opcode)
{
    const u64 files = 1ull << IORING_OP_OPENAT | 1ull << IORING_OP_OPENAT2 |
                      1ull << IORING_OP_STATX | 1ull << IORING_OP_UNLINKAT |
                      1ull << IORING_OP_MKDIRAT | 1ull << IORING_OP_SYMLINKAT |
                      1ull << IORING_OP_SETXATTR | 1ull << IORING_OP_GETXATTR |
                      1ull << IORING_OP_RENAMEAT | 1ull << IORING_OP_LINKAT;
    const u64 sockets =
        1ull << IORING_OP_SOCKET | 1ull << IORING_OP_CONNECT | 1ull << IORING_OP_BIND |
        1ull << IORING_OP_SEND | 1ull << IORING_OP_SEND_ZC | 1ull << IORING_OP_SENDMSG |
        1ull << IORING_OP_SENDMSG_ZC | 1ull << IORING_OP_WRITE | 1ull << IORING_OP_WRITEV |
        1ull << IORING_OP_WRITE_FIXED | 1ull << IORING_OP_WRITEV_FIXED | 1ull << IORING_OP_ACCEPT |
        1ull << IORING_OP_LISTEN | 1ull << IORING_OP_FSETXATTR | 1ull << IORING_OP_FTRUNCATE;

    if (opcode >= 64)
        return IO_NAMELESS;
    return files >> opcode & 1 ? IO_FILE : sockets >> opcode & 1 ? IO_SOCKET : IO_NAMELESS;
}
