/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the capability rules' test: one call, what surrounds it, and whether the rule fires. */
#pragma once

#include "tracer/capability_internal.h"

#include "base/memory.h"
#include "model/fact.h"

#include <errno.h>

/* A row says what matters to it; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Everything the fake tracee's memory has is one page here: the row's bytes, then zeros. */
#define MEMORY 0x10000u
#define LEAVE  0xffffffffu /* -1 of 32 bits */
#define SELF   0
#define OTHER  77 /* the one other task there is */

typedef enum Who {
    ROOT,          /* user and group 0, group list 0 */
    USER,          /* 1000:1000, group list 1000 and 50; holds all capabilities all the same */
    USER_FROM_ROOT /* a set-user-ID program: real 1000, the others 0 */
} Who;

typedef struct RowFile {
    const char *path; /* NULL: there is none */
    mode_t mode;      /* with type; 0: the name is free */
    uid_t uid;
    gid_t gid;
    mode_t parent; /* 0: 0755 */
    uid_t parent_uid;
    uint32_t access; /* of the path operation */
    PathFinal final;
    const char *mount; /* NULL: ext4 */
    dev_t device;
} RowFile;

typedef struct Row {
    const char *rule;
    bool fires;
    const char *syscall;
    uint64_t args[SYSCALL_ARGS];
    Who who;
    RowFile file, second;
    RowFile fd;    /* what every descriptor is; its path is not used */
    mode_t folder; /* of the one folder on the way; 0: 0755 */
    uid_t folder_uid;
    const void *bytes; /* of the memory at MEMORY */
    size_t size;
    const char *sysctl; /* the one that can be asked for */
    long value;
    const char *sysctl2;
    long value2;
    struct {
        bool known;
        rlim_t soft, hard;
    } limit; /* of every resource */
    CapabilityMemory memory;
    CapabilitySchedule schedule;
    struct {
        bool exists;
        uid_t uid;
        uint64_t permitted;
    } other;
    struct {
        int domain, type, protocol; /* domain 0: no socket */
    } socket;
    bool acl;
    bool groups_cut; /* there are more groups than are known */
    bool no_new_privs;
    bool failed;    /* with EPERM */
    bool no_result; /* not known: predict */
    Arch arch;
    const char *object; /* what a firing rule names; NULL: not looked at */
} Row;

#define BYTES(type, ...) .bytes = &(const type)__VA_ARGS__, .size = sizeof(type)
#define TEXT(text)       .bytes = text, .size = sizeof(text)

/* What a RowFile is. */
#define REGULAR(path_, mode_, uid_)                                                                \
    {                                                                                              \
        .path = path_, .mode = S_IFREG | (mode_), .uid = uid_, .gid = uid_                         \
    }
#define FOLDER(path_, mode_, uid_)                                                                 \
    {                                                                                              \
        .path = path_, .mode = S_IFDIR | (mode_), .uid = uid_, .gid = uid_                         \
    }
#define FREE_IN(path_, parent_, uid_)                                                              \
    {                                                                                              \
        .path = path_, .parent = parent_, .parent_uid = uid_, .access = ACCESS_CREATE,             \
        .final = PATH_FINAL_PARENT                                                                 \
    }
#define ENTRY_IN(path_, parent_, uid_)                                                             \
    {                                                                                              \
        .path = path_, .mode = S_IFREG | 0600, .uid = 33, .gid = 33, .parent = parent_,            \
        .parent_uid = uid_, .access = ACCESS_DELETE, .final = PATH_FINAL_PARENT                    \
    }
#define FD(type_, uid_) .fd = {.mode = (type_) | 0644, .uid = uid_, .gid = uid_}

typedef struct RowTable {
    const Row *rows;
    size_t count;
} RowTable;

extern const RowTable rows_files;
extern const RowTable rows_identity;
extern const RowTable rows_network;
extern const RowTable rows_ownership;
extern const RowTable rows_resources;
extern const RowTable rows_system;
