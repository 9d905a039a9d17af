/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program's security.capability attribute gives the process that runs it: capabilities(7)
 * "File capabilities", include/uapi/linux/capability.h, bprm_caps_from_vfs_caps() of
 * security/commoncap.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FileCapabilities {
    uint64_t permitted, inheritable;
    uint32_t root_id; /* of the user namespace that they are for; 0: the first one's */
    /* The program does not look after them itself: without one of the permitted ones the kernel
     * does not run it (EPERM). */
    bool effective;
} FileCapabilities;

/* The attribute's value: 0, or -EINVAL where the kernel would not take it either. */
int file_capabilities_parse(const void *value, size_t size, FileCapabilities *ret);

/* Those of the file FD, which stays the caller's: 0, -ENODATA if it has none or its mount does not
 * honour them (nosuid), or another negative errno. */
int file_capabilities_read(int fd, FileCapabilities *ret);
