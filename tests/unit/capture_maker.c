/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_maker.h"

#include "model/tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t namespace_number(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

struct event *maker_event(Maker *maker)
{
    return (struct event *)(void *)maker->bytes;
}

void maker_begin(Maker *maker, enum event_type type)
{
    struct event *event = maker_event(maker);

    memset(maker->bytes, 0, sizeof maker->bytes);
    maker->used = sizeof *event;
    *event = (struct event){
        .size = (uint32_t)maker->used,
        .type = (uint16_t)type,
        .program = type == EVENT_PROGRAM ? 0 : 1,
        .phase = 1,
        .tid = 900000001,
        .tgid = 900000001,
        .own_tgid = 7,
        .own_tid = 7,
        .mount_namespace = namespace_number("/proc/self/ns/mnt"),
        .user_namespace = namespace_number("/proc/self/ns/user"),
        .nr = -1,
        .credentials = {.uid = geteuid(), .euid = geteuid(), .suid = geteuid(), .fsuid = geteuid()},
    };
}

void maker_call(Maker *maker, const char *name, int64_t result)
{
    const Syscall *syscall = syscall_by_name(name);

    if (!syscall || syscall_number(syscall, arch_native()) < 0)
        abort();
    maker_begin(maker, EVENT_CALL);
    maker_event(maker)->nr = syscall_number(syscall, arch_native());
    maker_event(maker)->result = result;
}

void maker_blob(Maker *maker, enum blob_kind kind, int32_t number, uint64_t address,
                const void *bytes, size_t size)
{
    const struct blob blob = {.size = (uint16_t)(sizeof blob + size),
                              .kind = (uint8_t)kind,
                              .number = number,
                              .address = address};

    if (size > 8192 || maker->used + sizeof blob + size + 8 > sizeof maker->bytes)
        abort();
    memcpy(maker->bytes + maker->used, &blob, sizeof blob);
    if (size > 0)
        memcpy(maker->bytes + maker->used + sizeof blob, bytes, size);
    maker->used += (blob.size + 7u) & ~7u;
    maker_event(maker)->size = (uint32_t)maker->used;
}

void maker_text(Maker *maker, unsigned index, const char *text)
{
    maker_event(maker)->args[index] = 0x1000 * (index + 1);
    maker_blob(maker, BLOB_MEMORY, (int32_t)index, 0x1000 * (index + 1), text, strlen(text) + 1);
}

static void put_file(Maker *maker, enum blob_kind kind, int32_t number, struct file_blob *file,
                     const char *text)
{
    unsigned char bytes[sizeof *file + 4097];
    const size_t length = strlen(text);

    if (length > 4096)
        abort();
    file->text_length = (uint16_t)length;
    memcpy(bytes, file, sizeof *file);
    memcpy(bytes + sizeof *file, text, length + 1);
    maker_blob(maker, kind, number, 0, bytes, sizeof *file + length + 1);
}

void maker_file(Maker *maker, enum blob_kind kind, int32_t number, const char *path, uint32_t mode,
                uint32_t flags)
{
    struct file_blob file = {.mode = mode,
                             .uid = geteuid(),
                             .inode = 5,
                             .links = 1,
                             .flags = flags,
                             .magic = strncmp(path, "/proc/", 6) == 0 ? 0x9fa0 : 0xef53};

    put_file(maker, kind, number, &file, path);
}

void maker_socket(Maker *maker, int32_t fd, uint16_t family, uint16_t type, uint16_t protocol)
{
    struct file_blob file = {.mode = S_IFSOCK | 0777,
                             .inode = 6,
                             .flags = FILE_SOCKET | FILE_NAMELESS,
                             .family = family,
                             .type = type,
                             .protocol = protocol};

    put_file(maker, BLOB_FILE, fd, &file, "");
}
