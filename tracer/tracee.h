/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is being recorded: seen through /proc, the same for every backend that looks at
 * stopped or waiting threads, or told of by a backend that does not stop it (tracer/captured.h).
 * Everything read here was written by a hostile program.
 */
#pragma once

#include "model/tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct Tracee Tracee;

/* Credentials of a task, proc_pid_status(5); ids are those of whittle's own user namespace. */
enum { CREDENTIALS_GROUPS_MAX = 64 };
typedef struct Credentials {
    uid_t uid, euid, suid, fsuid;
    gid_t gid, egid, sgid, fsgid;
    gid_t groups[CREDENTIALS_GROUPS_MAX];
    size_t groups_count;
    bool groups_cut; /* it has more groups than fit */
    uint64_t inheritable, permitted, effective, bounding, ambient;
    bool no_new_privs;
    bool own_user_namespace; /* it is not in the user namespace whittle runs in */
    bool no_memory;          /* a kernel thread, or ended: where /proc is asked */
} Credentials;

/* The number of its process in whittle's pid namespace. */
pid_t tracee_pid(const Tracee *tracee);

/* Reads LENGTH bytes at ADDRESS of the tracee's memory: 0, or -EFAULT / another negative errno if
 * not all of it could be read. */
int tracee_read(Tracee *tracee, uint64_t address, void *bytes, size_t length);

/* Reads a NUL-terminated string of at most SIZE - 1 bytes. Its length, or a negative errno
 * (-ENAMETOOLONG where no NUL came). */
long tracee_read_string(Tracee *tracee, uint64_t address, char *out, size_t size);

/* The current credentials (cached for the length of one call). 0 or a negative errno. */
int tracee_credentials(Tracee *tracee, const Credentials **ret_credentials);

/* What descriptor FD refers to, as /proc/PID/fd/FD reads ("socket:[12]", "/etc/passwd"), in OUT.
 * 0 or a negative errno. */
int tracee_descriptor(Tracee *tracee, int fd, char *out, size_t size);

/* Metadata of what descriptor FD refers to. */
int tracee_descriptor_stat(Tracee *tracee, int fd, struct stat *ret_stat);

/* The file that is mapped at ADDRESS, as /proc/PID/maps has it: 0; -ENOENT where there is none, or
 * another negative errno. */
int tracee_mapping(Tracee *tracee, uint64_t address, char *out, size_t size);

/* The most memory the process ever had resident, in bytes; 0 if that cannot be told. */
uint64_t tracee_peak_memory(Tracee *tracee);

/* A path argument as the kernel will resolve it, in the tracee's root, cwd and mount namespace. */
typedef struct ResolvedPath {
    unsigned argument; /* index of the path argument in the call */
    const PathOperation *operation;
    const char *raw;  /* the bytes the program passed; NULL when unreadable */
    const char *text; /* canonical, as an LSM would see it; NULL when unknown */
    int error;        /* 0: it exists (a name whose folder exists is ENOENT); else the errno */
    bool has_stat; /* of the thing itself: after following the last link unless NOFOLLOW/PARENT */
    bool has_parent;
    struct stat st;
    struct stat parent;
    const char *mount; /* file system type, "" unknown */
    bool served;       /* nothing may be asked about it, served.h */
} ResolvedPath;

enum { CALL_PATHS_MAX = 2 };

/* One system call of one tracee. */
typedef struct Call {
    Tracee *tracee;
    const Syscall *syscall; /* NULL where the tables do not know it */
    Arch arch;              /* meaningful if syscall is set */
    uint32_t audit_arch;
    int64_t nr;
    uint64_t args[SYSCALL_ARGS];
    ResolvedPath paths[CALL_PATHS_MAX]; /* in argument order */
    size_t paths_count;
    bool has_result;
    int64_t result; /* what the call returned (-errno for failure), if has_result */
} Call;

/* Credentials of any task by its id in whittle's pid namespace (own_user_namespace is left false).
 * 0 or a negative errno. */
int credentials_of_task(pid_t tid, Credentials *ret_credentials);
