/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: what execve() runs, and what the kernel loads for it without any open() of the
 * workload: the ELF interpreter, the interpreters of "#!", the mapping of each.
 */
#include "tracer/file_capabilities.h"
#include "tracer/observer_private.h"
#include "tracer/program_file.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { SCRIPTS_MAX = 5 /* the kernel gives up with ELOOP past this */ };

/* "/memfd:NAME" of what the kernel calls that, with or without the slash and " (deleted)". False
 * if TEXT is something else. */
static bool name_in_memory(const char *text, char *name, size_t size)
{
    static const char memfd[] = "memfd:";
    static const char deleted[] = " (deleted)";

    text += text[0] == '/';
    if (strncmp(text, memfd, sizeof memfd - 1) != 0)
        return false;
    (void)snprintf(name, size, "/%s", text);
    const size_t length = strlen(name);
    if (length >= sizeof deleted && strcmp(name + length - (sizeof deleted - 1), deleted) == 0)
        name[length - (sizeof deleted - 1)] = '\0';
    return true;
}

void draft_exec(Observer *observer, Tracee *tracee, Pending *pending, const PathResult *path,
                const char *loaded_as, uint32_t access, DraftWhen when)
{
    char name[PATH_MAX];
    PathResult named = *path;

    if (!path->text)
        return;
    /* Opening it is mediated by no LSM, executing it is. */
    if (!path->is_path && name_in_memory(path->text, name, sizeof name)) {
        named.text = name;
        named.is_path = true;
    }
    if (!named.is_path)
        return;
    Fact *fact = pending_draft(observer, tracee, pending, FACT_EXEC,
                               observer_intern(observer, named.text), when);
    if (fact)
        fact_set_text(fact, FIELD_LOADED_AS, loaded_as);
    draft_file(observer, tracee, pending, &named, access, when);
}

static bool has_file_capabilities(const Observer *observer)
{
    FileCapabilities given;
    CLEANUP(fd_close) int fd = resolver_open(observer->resolver, 0);

    return fd >= 0 && file_capabilities_read(fd, &given) == 0;
}

/* With what enforcement took out of it. */
static uint64_t bounding_set(const Observer *observer, const Credentials *credentials)
{
    const Enforcement *enforcement = observer_enforcement(observer);
    const bool limited = enforcement && enforcement->limits_capabilities;

    return credentials->bounding | (limited ? enforcement->withheld : 0);
}

/* Also those that the program never uses: no check of the kernel's shows them. */
void draft_file_capabilities(Observer *observer, Tracee *tracee, Pending *pending, int program)
{
    FileCapabilities given;
    const Credentials *credentials;

    if (file_capabilities_read(program, &given) < 0 || !given.effective || given.root_id != 0 ||
        tracee_credentials(tracee, &credentials) < 0 || credentials->own_user_namespace)
        return;
    const uint64_t needed = given.permitted & ~(given.inheritable & credentials->inheritable) &
                            bounding_set(observer, credentials);
    for (int number = 0; number < 64; number++) {
        const Capability *capability = capability_by_number(number);
        if (!capability || !(needed & UINT64_C(1) << number))
            continue;
        Fact *fact = pending_draft(observer, tracee, pending, FACT_CAPABILITY, capability->name,
                                   DRAFT_IF_SUCCESS);
        if (!fact)
            return;
        fact->rule = "exec-file-capability";
        fact_set_text(fact, FIELD_SYSCALL, pending->call.syscall->name);
        if (pending->call.paths_count > 0 && pending->paths[0].text)
            fact_set_text(fact, FIELD_OBJECT, observer_intern(observer, pending->paths[0].text));
    }
}

/* Without privilege over it, a tracer (or no_new_privs) makes set-id programs run as the caller. */
static void check_privileged_program(Observer *observer, Tracee *tracee, const PathResult *path)
{
    const Credentials *credentials;
    char what[PATH_MAX + 64];

    if (!path->has_stat || !S_ISREG(path->st.st_mode) ||
        tracee_credentials(tracee, &credentials) < 0)
        return;
    const bool changes = ((path->st.st_mode & S_ISUID) && path->st.st_uid != credentials->euid) ||
                         ((path->st.st_mode & S_ISGID) && path->st.st_gid != credentials->egid);
    /* Where the workload itself set no_new_privs, it is as it would be without whittle. */
    const Run *run = recording_run(observer->options.recording, observer->options.run);
    if (!credentials->no_new_privs || !run->no_new_privs)
        return;
    if (has_file_capabilities(observer)) {
        (void)snprintf(what, sizeof what, "%s ran without its file capabilities (no_new_privs)",
                       path->text ? path->text : "a program");
        tracee_loss(observer, tracee, "exec-without-privilege", what);
    }
    if (!changes)
        return;
    (void)snprintf(what, sizeof what, "%s ran without its set-id privilege (no_new_privs)",
                   path->text ? path->text : "a program");
    tracee_loss(observer, tracee, "setuid-without-privilege", what);
}

static void load_interpreters(Observer *observer, Tracee *tracee, Pending *pending)
{
    ProgramFile program;

    for (int depth = 0; depth <= SCRIPTS_MAX; depth++) {
        PathResult path;
        CLEANUP(fd_close) int fd = resolver_open(observer->resolver, 0);
        if (fd < 0 || program_file_read(fd, &program) < 0) {
            if (fd == -EACCES || fd == -EPERM || fd == -EBUSY)
                tracee_loss(observer, tracee, "unreadable-program",
                            fd == -EBUSY
                                ? "a program that was run while the workload itself decides "
                                  "who may open it: its interpreter is not known"
                                : "a program that may be run but not read: its interpreter "
                                  "is not known");
            return;
        }
        if (program.kind == PROGRAM_ELF)
            draft_file_capabilities(observer, tracee, pending, fd);
        if (program.interpreter[0] == '\0')
            return;
        resolver_resolve(observer->resolver, tracee,
                         &(PathQuery){.argument = -1,
                                      .dirfd = AT_FDCWD,
                                      .raw = program.interpreter,
                                      .final = PATH_FINAL_FOLLOW},
                         0, &path);
        if (path.error != 0) {
            if (pending->predicted == RESULT_OK)
                pending->predicted = path.error;
            return;
        }
        draft_exec(observer, tracee, pending, &path,
                   program.kind == PROGRAM_ELF ? "elf-interpreter" : "script-interpreter",
                   ACCESS_READ | ACCESS_MMAP_EXEC, DRAFT_IF_SUCCESS);
        if (program.kind == PROGRAM_ELF)
            return;
    }
    if (pending->predicted == RESULT_OK)
        pending->predicted = ELOOP;
}

/* argv[1] of the execve() in progress is WORD. */
static bool second_argument_is(Tracee *tracee, const Call *call, unsigned argv_index,
                               const char *word)
{
    uint64_t pointer = 0;
    char text[32];
    const size_t size = call->arch == ARCH_I386 || call->arch == ARCH_ARM ? 4 : 8;

    return tracee_read(tracee, call->args[argv_index] + size, &pointer, size) == 0 &&
           pointer != 0 && tracee_read_string(tracee, pointer, text, sizeof text) >= 0 &&
           strcmp(text, word) == 0;
}

static void enter_exec(Observer *observer, Tracee *tracee, Pending *pending)
{
    ProgramFile program = {.kind = PROGRAM_UNKNOWN};

    tracee->process->exec_pending = !observer->options.sees_results;
    if (pending->call.paths_count == 0)
        return;
    PathResult *path = &pending->paths[0];
    if (path->has_stat && path->st.st_dev == observer->table.own_exe_dev &&
        path->st.st_ino == observer->table.own_exe_ino &&
        second_argument_is(tracee, &pending->call, pending->call.paths[0].argument + 1, "mark")) {
        pending->count = 0; /* `whittle mark`: not the workload's doing */
        return;
    }
    if (path->error != 0)
        return;
    if (path->served) {
        tracee_loss(observer, tracee, "unreadable-program",
                    "a program on a file system that the workload itself serves: its interpreter "
                    "is not known");
        draft_exec(observer, tracee, pending, path, "program", ACCESS_READ | ACCESS_MMAP_EXEC,
                   DRAFT_IF_SUCCESS);
        return;
    }
    if (!S_ISREG(path->st.st_mode) || !(path->st.st_mode & 0111)) {
        pending->predicted = EACCES;
        return;
    }
    check_privileged_program(observer, tracee, path);
    CLEANUP(fd_close) int fd = resolver_open(observer->resolver, 0);
    if (fd >= 0)
        (void)program_file_read(fd, &program);
    const bool script = program.kind == PROGRAM_SCRIPT;
    if (fd >= 0 && program.kind == PROGRAM_UNKNOWN)
        pending->predicted = ENOEXEC;
    draft_exec(observer, tracee, pending, path, script ? "script" : "program",
               script ? 0 : ACCESS_READ | ACCESS_MMAP_EXEC, DRAFT_IF_SUCCESS);
    load_interpreters(observer, tracee, pending);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler exec_handlers[] = {
    {NAMES("execve", "execveat"), enter_exec, true},
    {NULL, NULL, false},
};
