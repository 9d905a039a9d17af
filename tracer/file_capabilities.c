/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute has a word of revision and flags, pairs of words for each 32 capabilities, and in
 * revision 3 the id of the namespace's root; all little-endian. */
#include "tracer/file_capabilities.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static uint32_t word_at(const void *value, size_t index)
{
    uint32_t word;

    memcpy(&word, (const char *)value + index * sizeof word, sizeof word);
    return le32toh(word);
}

static size_t size_of_revision(uint32_t revision)
{
    switch (revision) {
    case VFS_CAP_REVISION_1:
        return XATTR_CAPS_SZ_1;
    case VFS_CAP_REVISION_2:
        return XATTR_CAPS_SZ_2;
    case VFS_CAP_REVISION_3:
        return XATTR_CAPS_SZ_3;
    default:
        return 0;
    }
}

int file_capabilities_parse(const void *value, size_t size, FileCapabilities *ret)
{
    enum { PERMITTED_LOW = 1, INHERITABLE_LOW, PERMITTED_HIGH, INHERITABLE_HIGH, ROOT_ID };

    if (size < sizeof(uint32_t))
        return -EINVAL;
    const uint32_t magic = word_at(value, 0);
    const uint32_t revision = magic & VFS_CAP_REVISION_MASK;
    if (size != size_of_revision(revision))
        return -EINVAL;
    FileCapabilities result = {.permitted = word_at(value, PERMITTED_LOW),
                               .inheritable = word_at(value, INHERITABLE_LOW),
                               .effective = (magic & VFS_CAP_FLAGS_EFFECTIVE) != 0};
    if (revision != VFS_CAP_REVISION_1) {
        result.permitted |= (uint64_t)word_at(value, PERMITTED_HIGH) << 32;
        result.inheritable |= (uint64_t)word_at(value, INHERITABLE_HIGH) << 32;
    }
    if (revision == VFS_CAP_REVISION_3)
        result.root_id = word_at(value, ROOT_ID);
    *ret = result;
    return 0;
}

int file_capabilities_read(int fd, FileCapabilities *ret)
{
    unsigned char value[XATTR_CAPS_SZ_3];
    struct statvfs mount;
    const ssize_t size = fgetxattr(fd, "security.capability", value, sizeof value);

    if (size < 0)
        return errno == ENOTSUP ? -ENODATA : -errno;
    if (fstatvfs(fd, &mount) < 0)
        return -errno;
    return mount.f_flag & ST_NOSUID ? -ENODATA : file_capabilities_parse(value, (size_t)size, ret);
}
