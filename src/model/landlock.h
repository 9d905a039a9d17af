/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Landlock can be told, landlock(7): by the kernel's own bits, which headers older than the
 * kernel do not have. Between generator/landlock_plan.h, which makes it of a policy, and
 * tracer/enforcement.h, which puts it in force.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    LANDLOCK_EXECUTE = 1u << 0,
    LANDLOCK_WRITE_FILE = 1u << 1,
    LANDLOCK_READ_FILE = 1u << 2,
    LANDLOCK_READ_DIR = 1u << 3,
    LANDLOCK_MAKE_REG = 1u << 8,
    LANDLOCK_TRUNCATE = 1u << 14,         /* ABI 3 */
    LANDLOCK_FILES_ABI2 = (1u << 14) - 1, /* all about files but TRUNCATE */
    LANDLOCK_FILES_ABI3 = (1u << 15) - 1,
    /* What may be granted of something that is no folder. */
    LANDLOCK_OF_FILE =
        LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE,
    LANDLOCK_TCP = 3u, /* bind and connect, ABI 4 */
};

typedef struct LandlockPath {
    char *path;
    uint32_t access; /* of the file or, beneath it, of the folder; 0: nothing */
    uint32_t around; /* … and of the folder that holds it, unless it is a device; 0: nothing */
    char *pattern;   /* path is the folder before the first wildcard of this one; NULL: it is all */
} LandlockPath;

typedef struct LandlockRules {
    uint32_t files; /* what is refused unless a path grants it; 0: files are left alone */
    uint32_t tcp;   /* the same of TCP, of which nothing is granted */
    LandlockPath *paths;
    size_t count, capacity;
} LandlockRules;
