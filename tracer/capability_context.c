/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a call's arguments, memory and surroundings for the capability rules. Every question that
 * has no answer gives a negative errno, on which a rule stays silent. */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>

bool cap_call_is(const CapabilityContext *context, const char *name)
{
    return strcmp(context->call->syscall->name, name) == 0;
}

size_t cap_long_size(const CapabilityContext *context)
{
    Arch arch = context->call->arch;

    return arch == ARCH_I386 || arch == ARCH_ARM ? 4 : 8;
}

size_t cap_pointer_size(const CapabilityContext *context)
{
    return context->call->arch == ARCH_X32 ? 4 : cap_long_size(context);
}

uint64_t cap_arg_long(const CapabilityContext *context, unsigned index)
{
    uint64_t value = context->call->args[index];

    return cap_long_size(context) == 4 ? (uint32_t)value : value;
}

/* The calls with ids of 16 bits are those that have a sibling ending in 32. */
static bool has_16_bit_ids(const CapabilityContext *context)
{
    const char *name = context->call->syscall->name;
    size_t length = strlen(name);

    if (cap_long_size(context) != 4 || strcmp(name, "fchownat") == 0)
        return false;
    return length < 2 || strcmp(name + length - 2, "32") != 0;
}

uint32_t cap_arg_id(const CapabilityContext *context, unsigned index)
{
    uint32_t id = cap_arg_u32(context, index);

    if (!has_16_bit_ids(context))
        return id;
    id &= 0xffff;
    return id == 0xffff ? UINT32_MAX : id;
}

int cap_read(const CapabilityContext *context, uint64_t address, void *bytes, size_t length)
{
    if (!context->queries->read)
        return -ENOSYS;
    if (!address)
        return -EFAULT;
    return context->queries->read(context->data, address, bytes, length);
}

int cap_read_u32(const CapabilityContext *context, uint64_t address, uint32_t *ret)
{
    return cap_read(context, address, ret, sizeof *ret);
}

static int read_word(const CapabilityContext *context, uint64_t address, size_t size, uint64_t *ret)
{
    uint64_t wide;
    uint32_t narrow;
    int r;

    if (size == sizeof wide) {
        r = cap_read(context, address, &wide, sizeof wide);
    } else {
        r = cap_read(context, address, &narrow, sizeof narrow);
        wide = r < 0 ? 0 : narrow;
    }
    if (r < 0)
        return r;
    *ret = wide;
    return 0;
}

int cap_read_long(const CapabilityContext *context, uint64_t address, unsigned index, uint64_t *ret)
{
    size_t size = cap_long_size(context);

    return address ? read_word(context, address + index * size, size, ret) : -EFAULT;
}

int cap_read_pointer(const CapabilityContext *context, uint64_t address, unsigned index,
                     uint64_t *ret)
{
    size_t size = cap_pointer_size(context);

    return address ? read_word(context, address + index * size, size, ret) : -EFAULT;
}

/* A string of fewer than SIZE bytes; -ENAMETOOLONG if it is longer. */
static int read_string(const CapabilityContext *context, uint64_t address, char *out, size_t size)
{
    enum { PAGE = 4096 };
    size_t got = 0;

    /* Page by page: the string may end right before one that is not mapped. */
    while (got < size) {
        size_t n = PAGE - (size_t)((address + got) % PAGE);
        int r;

        if (n > size - got)
            n = size - got;
        r = cap_read(context, address + got, out + got, n);
        if (r < 0)
            return r;
        if (memchr(out + got, '\0', n))
            return 0;
        got += n;
    }
    return -ENAMETOOLONG;
}

bool cap_xattr_name(const CapabilityContext *context, unsigned index, char out[static 256])
{
    return read_string(context, cap_arg_long(context, index), out, 256) == 0;
}

int cap_sysctl(const CapabilityContext *context, const char *name, long *ret)
{
    return context->queries->sysctl ? context->queries->sysctl(context->data, name, ret) : -ENOSYS;
}

int cap_rlimit(const CapabilityContext *context, int resource, struct rlimit *ret)
{
    return context->queries->rlimit ? context->queries->rlimit(context->data, resource, ret)
                                    : -ENOSYS;
}

int cap_task(const CapabilityContext *context, pid_t pid, Credentials *ret)
{
    return context->queries->task ? context->queries->task(context->data, pid, ret) : -ENOSYS;
}

int cap_schedule(const CapabilityContext *context, pid_t pid, CapabilitySchedule *ret)
{
    return context->queries->schedule ? context->queries->schedule(context->data, pid, ret)
                                      : -ENOSYS;
}

int cap_memory(const CapabilityContext *context, CapabilityMemory *ret)
{
    return context->queries->memory ? context->queries->memory(context->data, ret) : -ENOSYS;
}

int cap_fd_stat(const CapabilityContext *context, int fd, struct stat *ret)
{
    return context->queries->fd_stat ? context->queries->fd_stat(context->data, fd, ret) : -ENOSYS;
}

int cap_socket(const CapabilityContext *context, int fd, int *ret_domain, int *ret_type,
               int *ret_protocol)
{
    if (!context->queries->socket_info)
        return -ENOSYS;
    return context->queries->socket_info(context->data, fd, ret_domain, ret_type, ret_protocol);
}

int cap_in_group(const CapabilityContext *context, gid_t gid)
{
    const Credentials *credentials = context->credentials;

    if (credentials->fsgid == gid)
        return 1;
    for (size_t i = 0; i < credentials->groups_count; i++)
        if (credentials->groups[i] == gid)
            return 1;
    return credentials->groups_cut ? -EOVERFLOW : 0;
}

bool cap_subject(const CapabilityContext *context, struct stat *ret_st, const char **ret_object)
{
    const Call *call = context->call;
    const ResolvedPath *path = call->paths_count > 0 ? &call->paths[0] : NULL;

    if (path && path->has_stat) {
        *ret_st = path->st;
        *ret_object = path->text;
        return true;
    }
    /* A path that is there but did not resolve must not be taken for a descriptor. */
    if (path && (path->error || (path->raw && path->raw[0])))
        return false;
    if (cap_fd_stat(context, cap_arg_int(context, 0), ret_st) < 0)
        return false;
    *ret_object = NULL;
    return true;
}

bool cap_needs_always(const CapabilityContext *context, const CapabilityRule *rule,
                      CapabilityMatch *match)
{
    (void)rule;
    if (context->call->paths_count > 0)
        match->object = context->call->paths[0].text;
    return true;
}
