/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs what and where. The working directory is what -y puts behind AT_FDCWD, what getcwd()
 * answered, or where chdir() and fchdir() went; a child begins in its parent's. Threads change it
 * for each other between any two lines, so of those it is not remembered.
 */
#include "generator/strace_process.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "generator/strace_values.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>

StraceProcess *strace_process(StraceProcess **processes, long pid)
{
    StraceProcess *process;

    HASH_FIND(hh, *processes, &pid, sizeof pid, process);
    if (process)
        return process;
    process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    process->pid = pid;
    HASH_ADD(hh, *processes, pid, sizeof process->pid, process);
    return process;
}

static bool is_fork(const char *name)
{
    static const char *const forks[] = {"clone", "clone3", "fork", "vfork"};

    for (size_t i = 0; i < ARRAY_LENGTH(forks); i++) {
        if (strcmp(forks[i], name) == 0)
            return true;
    }
    return false;
}

/* The new task has the working directory in common with the old one. */
static bool shares_cwd(const StraceCall *call)
{
    static const char name[] = "flags=0x"; /* of -X raw */

    for (size_t i = 0; i < call->args_count; i++) {
        const StraceSpan *arg = &call->args[i];
        const char *raw = memmem(arg->text, arg->length, name, strlen(name));
        char digits[20] = "";
        if (strace_span_has(arg, "CLONE_FS"))
            return true;
        if (!raw)
            continue;
        raw += strlen(name);
        const size_t left = arg->length - (size_t)(raw - arg->text);
        memcpy(digits, raw, left < sizeof digits ? left : sizeof digits - 1);
        if (strtoul(digits, NULL, 16) & CLONE_FS)
            return true;
    }
    return false;
}

static int note_child(StraceProcess **processes, StraceProcess *process, const StraceCall *call)
{
    const StraceSpan *result = &call->result;
    char text[16] = "";

    if (result->length == 0 || !isdigit((unsigned char)*result->text))
        return 0;
    memcpy(text, result->text, result->length < sizeof text - 1 ? result->length : sizeof text - 1);
    const long pid = strtol(text, NULL, 10);
    if (pid <= 0)
        return 0;
    StraceProcess *child = strace_process(processes, pid);
    if (!child)
        return -ENOMEM;
    if (!child->exe)
        child->exe = process->exe;
    if (shares_cwd(call)) {
        child->shares_cwd = process->shares_cwd = true;
        child->cwd = process->cwd = NULL;
    } else if (!child->own_cwd) {
        child->cwd = process->cwd;
    }
    return 0;
}

/* CWD NULL: it is somewhere else, and nobody knows where. */
static int set_cwd(StraceProcess *process, const Buffer *cwd, StringSet *strings)
{
    process->own_cwd = true;
    process->cwd = NULL;
    if (!cwd || cwd->length == 0 || *buffer_text(cwd) != '/' || process->shares_cwd)
        return cwd ? cwd->error : 0;
    process->cwd = strset_add(strings, buffer_text(cwd));
    return process->cwd ? 0 : -ENOMEM;
}

static int note_cwd(StraceProcess *process, const Syscall *syscall, const StraceCall *call,
                    StringSet *strings)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const bool done = strace_result(&call->result) == RESULT_OK && call->args_count > 0;
    bool relative, known = false;

    for (size_t i = 0; i < SYSCALL_ARGS && i < call->args_count; i++) {
        if (syscall->args[i].role == ROLE_DIRFD && strace_is_cwd(&call->args[i]) &&
            strace_descriptor_path(&call->args[i], &path))
            return set_cwd(process, &path, strings);
    }
    if (!done)
        return 0;
    if (strcmp(syscall->name, "getcwd") == 0) /* "(unreachable)/x" is no folder here */
        known = strace_argument_path(syscall, call, 0, NULL, &path, &relative);
    else if (strcmp(syscall->name, "chdir") == 0) /* ".." of a link leads elsewhere */
        known = !strace_span_has(&call->args[0], "..") &&
                strace_argument_path(syscall, call, 0, process->cwd, &path, &relative);
    else if (strcmp(syscall->name, "fchdir") == 0)
        known = strace_descriptor_path(&call->args[0], &path);
    else if (strcmp(syscall->name, "chroot") != 0)
        return 0;
    return set_cwd(process, known ? &path : NULL, strings);
}

int strace_process_note(StraceProcess **processes, StraceProcess *process, const Syscall *syscall,
                        const StraceCall *call, StringSet *strings)
{
    return is_fork(syscall->name) ? note_child(processes, process, call)
                                  : note_cwd(process, syscall, call, strings);
}

void strace_process_exited(StraceProcess *process)
{
    process->exe = process->cwd = NULL;
    process->own_cwd = process->shares_cwd = false;
}

StraceProcess *strace_processes_free(StraceProcess *processes)
{
    StraceProcess *process, *next;

    HASH_ITER (hh, processes, process, next) {
        HASH_DEL(processes, process);
        free((char *)(uintptr_t)process->call);
        free(process);
    }
    return NULL;
}
