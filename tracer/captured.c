/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/captured.h"

#include "base/memory.h"
#include "tracer/observer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* ---- parsing -------------------------------------------------------------------------------- */

static bool describes_file(uint8_t kind)
{
    static const uint8_t kinds[] = {BLOB_FILE,   BLOB_FOLDER,  BLOB_ROOT, BLOB_VMA,
                                    BLOB_RESULT, BLOB_PROGRAM, BLOB_PATH};

    return memchr(kinds, kind, sizeof kinds) != NULL;
}

static bool is_text(uint8_t kind)
{
    return kind == BLOB_NAME || kind == BLOB_LABEL;
}

/* Its text is what it says, and ends where it says. */
static bool file_is_sound(const char *bytes, size_t size)
{
    struct file_blob file;

    if (size <= sizeof file)
        return false;
    memcpy(&file, bytes, sizeof file);
    return size - sizeof file > file.text_length &&
           strnlen(bytes + sizeof file, size - sizeof file) == file.text_length;
}

static bool take_blob(Captured *captured, const char *bytes, const struct blob *head)
{
    CapturedBlob *blob = &captured->blobs[captured->count];

    *blob = (CapturedBlob){.kind = head->kind,
                           .flags = head->flags,
                           .number = head->number,
                           .address = head->address,
                           .bytes = bytes,
                           .size = head->size - sizeof *head};
    if (describes_file(blob->kind)) {
        if (!file_is_sound(blob->bytes, blob->size))
            return false;
        blob->file = (const struct file_blob *)(const void *)blob->bytes;
    }
    if (is_text(blob->kind) && !(blob->flags & (BLOB_UNREADABLE | BLOB_CUT)) &&
        strnlen(blob->bytes, blob->size) == blob->size)
        return false;
    captured->count++;
    return true;
}

int captured_parse(const struct event *event, size_t size, Captured *ret_captured)
{
    const char *bytes = (const char *)event;
    struct blob head;
    size_t at = sizeof *event;

    if ((uintptr_t)event % _Alignof(struct event) != 0 || size < sizeof *event ||
        event->size > size || event->size < sizeof *event || event->abi >= ABI_COUNT ||
        event->phase >= PHASE_COUNT)
        return -EBADMSG;
    ret_captured->event = event;
    ret_captured->count = 0;
    ret_captured->syscall = NULL;
    while (event->size - at >= sizeof head) {
        memcpy(&head, bytes + at, sizeof head);
        if (head.size < sizeof head || head.size > event->size - at ||
            ret_captured->count == CAPTURED_BLOBS_MAX ||
            !take_blob(ret_captured, bytes + at + sizeof head, &head))
            return -EBADMSG;
        at += (head.size + 7u) & ~(size_t)7;
        if (at > event->size)
            return at - event->size < 8 ? 0 : -EBADMSG;
    }
    return at == event->size ? 0 : -EBADMSG;
}

/* ---- what was captured ---------------------------------------------------------------------- */

const char *captured_file_text(const struct file_blob *file)
{
    return (const char *)(file + 1);
}

const CapturedBlob *captured_blob(const Captured *captured, enum blob_kind kind, int32_t number)
{
    for (size_t i = 0; i < captured->count; i++) {
        const CapturedBlob *blob = &captured->blobs[i];
        if (blob->kind == kind && (number == CAPTURED_ANY || blob->number == number))
            return blob;
    }
    return NULL;
}

const struct file_blob *captured_file(const Captured *captured, enum blob_kind kind, int32_t number)
{
    const CapturedBlob *blob = captured_blob(captured, kind, number);

    return blob && blob->file && !(blob->file->flags & FILE_NONE) ? blob->file : NULL;
}

const struct file_blob *captured_descriptor(const Captured *captured, int fd)
{
    const struct file_blob *file = captured_file(captured, BLOB_FILE, fd);

    if (!file && captured_succeeded(captured) && captured->event->result == fd)
        file = captured_file(captured, BLOB_RESULT, CAPTURED_ANY);
    return file;
}

static bool is_error(int64_t result)
{
    return result < 0 && result >= -4095;
}

bool captured_succeeded(const Captured *captured)
{
    return !(captured->event->flags & EVENT_NO_RESULT) && !is_error(captured->event->result);
}

int captured_result(const Captured *captured)
{
    if (captured->event->flags & EVENT_NO_RESULT)
        return RESULT_UNKNOWN;
    return result_of_call(captured->event->result);
}

void captured_file_stat(const struct file_blob *file, struct stat *ret_stat)
{
    *ret_stat = (struct stat){
        .st_dev = makedev((unsigned)(file->device >> 20), (unsigned)(file->device & 0xfffff)),
        .st_ino = file->inode,
        .st_mode = file->mode,
        .st_uid = file->uid,
        .st_gid = file->gid,
        .st_nlink = file->links,
    };
}

/* ---- questions ------------------------------------------------------------------------------ */

/* The memory blob that ADDRESS is in; *RET_OFFSET is where. */
static const CapturedBlob *memory_at(const Captured *captured, uint64_t address, size_t *ret_offset)
{
    for (size_t i = 0; i < captured->count; i++) {
        const CapturedBlob *blob = &captured->blobs[i];
        if (blob->kind != BLOB_MEMORY || address < blob->address)
            continue;
        const uint64_t offset = address - blob->address;
        if (offset < blob->size || offset == 0) {
            *ret_offset = (size_t)offset;
            return blob;
        }
    }
    return NULL;
}

/* Where nothing was captured. A call that its thread did not survive was not looked into. */
static int not_captured(const Captured *captured)
{
    return captured->event->flags & EVENT_NO_RESULT ? -EFAULT : -ENODATA;
}

int captured_read(const Captured *captured, uint64_t address, void *bytes, size_t length)
{
    size_t offset;
    const CapturedBlob *blob = memory_at(captured, address, &offset);

    if (!blob)
        return not_captured(captured);
    if (blob->flags & BLOB_UNREADABLE)
        return -EFAULT;
    if (blob->size - offset < length)
        return -ENODATA;
    memcpy(bytes, blob->bytes + offset, length);
    return 0;
}

/* The name that EVENT_EXEC tells stands for the argument of execve() that had it. */
static const CapturedBlob *exec_name(const Captured *captured, uint64_t address)
{
    return captured->event->type == EVENT_EXEC && address == CAPTURED_NAME_ADDRESS
               ? captured_blob(captured, BLOB_NAME, CAPTURED_ANY)
               : NULL;
}

long captured_read_string(const Captured *captured, uint64_t address, char *out, size_t size)
{
    size_t offset = 0;
    const CapturedBlob *blob = exec_name(captured, address);

    if (!blob)
        blob = memory_at(captured, address, &offset);
    if (!blob)
        return not_captured(captured);
    if (blob->flags & BLOB_UNREADABLE)
        return -EFAULT;
    const size_t room = blob->size - offset;
    const size_t length = strnlen(blob->bytes + offset, room);
    if (length == room) /* no NUL: too long for the kernel, or there was no room left */
        return room >= EVENT_STRING_MAX - 1 ? -ENAMETOOLONG : -ENODATA;
    if (length >= size ||
        (length + 1 >= EVENT_STRING_MAX && captured->event->result == -ENAMETOOLONG))
        return -ENAMETOOLONG;
    memcpy(out, blob->bytes + offset, length + 1);
    return (long)length;
}

int captured_descriptor_text(const Captured *captured, int fd, char *out, size_t size)
{
    const struct file_blob *file = captured_descriptor(captured, fd);

    if (!file)
        return -EBADF;
    const int n = file->flags & FILE_SOCKET
                      ? snprintf(out, size, "socket:[%" PRIu64 "]", (uint64_t)file->inode)
                      : snprintf(out, size, "%s", captured_file_text(file));
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int captured_descriptor_stat(const Captured *captured, int fd, struct stat *ret_stat)
{
    const struct file_blob *file = captured_descriptor(captured, fd);

    if (!file)
        return -EBADF;
    captured_file_stat(file, ret_stat);
    return 0;
}

static void set_peer(const struct file_blob *file, SocketInfo *socket)
{
    const in_port_t port = htons((uint16_t)file->peer_port);

    if (file->family == AF_INET) {
        socket->pending_address.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        memcpy(&socket->pending_address.in.sin_addr, file->peer_address, 4);
    } else {
        socket->pending_address.in6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        memcpy(&socket->pending_address.in6.sin6_addr, file->peer_address, 16);
    }
}

SocketInfo *captured_socket(Captured *captured, int fd)
{
    const struct file_blob *file = captured_descriptor(captured, fd);

    if (!file || !(file->flags & FILE_SOCKET))
        return NULL;
    captured->socket = (SocketInfo){
        .inode = file->inode,
        .domain = file->family,
        .type = file->type,
        .protocol = file->protocol,
        /* What a datagram socket is connected to counts when something is sent. */
        .connect_pending = (file->family == AF_INET || file->family == AF_INET6) &&
                           file->type == SOCK_DGRAM && file->peer_port != 0,
    };
    if (captured->socket.connect_pending)
        set_peer(file, &captured->socket);
    return &captured->socket;
}

const char *captured_relation(const Captured *captured)
{
    static const char *const words[] = {
        [RELATION_SELF] = "self",       [RELATION_PARENT] = "parent",
        [RELATION_CHILD] = "child",     [RELATION_RECORDED] = "recorded",
        [RELATION_OUTSIDE] = "outside",
    };
    const unsigned relation = captured->event->relation;

    return relation < ARRAY_LENGTH(words) ? words[relation] : NULL;
}
