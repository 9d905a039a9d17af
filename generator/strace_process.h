/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a log of strace: which program each runs, and in which folder. */
#pragma once

#include "base/strset.h"
#include "generator/strace_line.h"
#include "model/tables.h"

#include <uthash.h>

typedef struct StraceProcess {
    long pid;
    const char *exe;  /* in the recording's strings; NULL not known */
    const char *cwd;  /* working directory, in the recording's strings; NULL not known */
    bool own_cwd;     /* it is not the parent's any more */
    bool shares_cwd;  /* with other threads (CLONE_FS): then it is never known */
    const char *call; /* the unfinished one, "name(args", in memory of its own; NULL: none */
    size_t call_length;
    UT_hash_handle hh;
} StraceProcess;

/* The process PID of PROCESSES, a new one if need be. NULL for want of memory. */
StraceProcess *strace_process(StraceProcess **processes, long pid);

/* Takes from CALL, which PROCESS made: its new child, which runs the same in the same folder, and
 * the process's own working directory. 0 or -ENOMEM. */
int strace_process_note(StraceProcess **processes, StraceProcess *process, const Syscall *syscall,
                        const StraceCall *call, StringSet *strings);

/* Its number may be another's from now on. */
void strace_process_exited(StraceProcess *process);

/* Always NULL. */
StraceProcess *strace_processes_free(StraceProcess *processes);
