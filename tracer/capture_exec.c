/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that was started. The kernel side tells the name that execve() was given and the
 * program that runs in the end, and what that has for an ELF interpreter, if it can be told; what
 * lies between (the interpreters of "#!") is read from the files themselves, which as a rule are
 * still the same.
 */
#include "tracer/capture_paths.h"
#include "tracer/capture_private.h"
#include "tracer/program_file.h"

#include "base/io.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { SCRIPTS_MAX = 5 /* the kernel gives up with ELOOP past this */ };

typedef struct Exec {
    Observer *observer;
    Tracee *tracee;
    Pending *pending;
    const PathResult *program; /* what runs in the end */
} Exec;

static bool same_file(const PathResult *a, const PathResult *b)
{
    return a->text && b->text && strcmp(a->text, b->text) == 0;
}

static void draft_loaded(const Exec *exec, const PathResult *path, const char *loaded_as)
{
    const bool script = strcmp(loaded_as, "script") == 0;

    draft_exec(exec->observer, exec->tracee, exec->pending, path, loaded_as,
               script ? 0 : ACCESS_READ | ACCESS_MMAP_EXEC, DRAFT_IF_SUCCESS);
}

static void resolve(const Exec *exec, const char *raw, unsigned slot, PathResult *path)
{
    resolver_resolve(
        exec->observer->resolver, exec->tracee,
        &(PathQuery){.argument = -1, .dirfd = AT_FDCWD, .raw = raw, .final = PATH_FINAL_FOLLOW},
        slot, path);
}

/* The file in SLOT, read. */
static bool read_program(const Exec *exec, unsigned slot, ProgramFile *program)
{
    CLEANUP(fd_close) int fd = resolver_open(exec->observer->resolver, slot);

    return fd >= 0 && program_file_read(fd, program) == 0;
}

/*
 * Is the program the interpreter of the script NAME itself, with none between? Before a script's
 * name the kernel puts the interpreter and the word that "#!" has behind it into the arguments.
 * False where that cannot be told.
 */
static bool is_last_script(const Exec *exec, const char *name)
{
    const CapturedBlob *command = captured_blob(exec->tracee->captured, BLOB_COMMAND, CAPTURED_ANY);
    size_t at = 0;

    while (command && at < command->size) {
        const char *word = command->bytes + at;
        const size_t length = strnlen(word, command->size - at);
        if (at + length < command->size && strcmp(word, name) == 0)
            return true;
        if (at > 0 && memchr(word, '/', length))
            return false;
        at += length + 1;
    }
    return false;
}

/* From the script NAME, which is in slot 0, to the program; false where the way is not known. */
static bool draft_interpreters(const Exec *exec, const char *name)
{
    ProgramFile files[2];
    PathResult path;

    for (int depth = 0; depth < SCRIPTS_MAX; depth++) {
        ProgramFile *file = &files[depth % 2];
        if (!read_program(exec, 0, file) || file->kind != PROGRAM_SCRIPT)
            break;
        resolve(exec, file->interpreter, 0, &path);
        if (same_file(&path, exec->program))
            return true;
        if (path.error != 0)
            break;
        draft_loaded(exec, &path, "script-interpreter");
        name = file->interpreter;
    }
    return is_last_script(exec, name);
}

static void draft_scripts(const Exec *exec, const PathResult *script)
{
    char name[PATH_MAX];
    const long length =
        captured_read_string(exec->tracee->captured, CAPTURED_NAME_ADDRESS, name, sizeof name);

    draft_loaded(exec, script, "script");
    if (length < 0 || !draft_interpreters(exec, name))
        tracee_loss(
            exec->observer, exec->tracee, "unreadable-program",
            "a script was gone or another before it was read: which interpreters are between "
            "it and its program is not known");
    draft_loaded(exec, exec->program, "script-interpreter");
}

/* Where its path does not lead to it any more, the process itself may still. */
static bool read_running(const Exec *exec, ProgramFile *program)
{
    char path[64];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", exec->tracee->tid);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == exec->program->st.st_ino &&
           program_file_read(fd, program) == 0;
}

/* By the kernel side; false where that does not know either. */
static bool draft_told_interpreter(const Exec *exec)
{
    const CapturedBlob *told = captured_blob(exec->tracee->captured, BLOB_VMA, CAPTURED_ANY);
    PathResult path = {.is_path = true, .mount = ""};
    Slot slot = {.fd = -1};

    if (!told || !told->file)
        return false;
    if (!(told->file->flags & FILE_NONE)) {
        captured_describe(exec->tracee, told->file, &slot, &path);
        draft_loaded(exec, &path, "elf-interpreter");
    }
    return true;
}

static void draft_elf_interpreter(const Exec *exec)
{
    char name[PATH_MAX];
    ProgramFile file;
    PathResult path = {0};

    if (draft_told_interpreter(exec))
        return;
    if (exec->program->text && exec->program->is_path) {
        /* It is named from the root of the mount namespace, and looked up from the process's. */
        const char *prefix = capture_root_text(exec->tracee->captured);
        const size_t length = strlen(prefix);
        const bool below = strncmp(exec->program->text, prefix, length) == 0;
        (void)snprintf(name, sizeof name, "%s", exec->program->text + (below ? length : 0));
        resolve(exec, name, 0, &path);
    }
    if (!(path.text && read_program(exec, 0, &file)) && !read_running(exec, &file)) {
        tracee_loss(exec->observer, exec->tracee, "unreadable-program",
                    "a program that was run could not be read: its interpreter is not known");
        return;
    }
    if (file.kind != PROGRAM_ELF || file.interpreter[0] == '\0')
        return;
    resolve(exec, file.interpreter, 0, &path);
    if (path.error == 0)
        draft_loaded(exec, &path, "elf-interpreter");
    else
        tracee_loss(exec->observer, exec->tracee, "unresolved-path",
                    "where the interpreter of a program that was run lies");
}

/* The call as it was: its arguments are not told, but the name that one of them had. */
static bool set_arguments(Captured *captured, SyscallStop *stop)
{
    const Syscall *syscall = captured->syscall;

    for (unsigned i = 0; syscall && i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role == ROLE_PATH) {
            stop->args[i] = CAPTURED_NAME_ADDRESS;
            return true;
        }
    }
    return false;
}

/* Of the file that was looked up last: the program, or where that is not known a script. */
static void draft_capabilities(const Exec *exec)
{
    CLEANUP(fd_close) int fd = resolver_open(exec->observer->resolver, 0);

    if (fd >= 0)
        draft_file_capabilities(exec->observer, exec->tracee, exec->pending, fd);
}

void capture_exec(Observer *observer, Tracee *tracee)
{
    Captured *captured = tracee->captured;
    SyscallStop stop = captured_stop(captured);
    const struct file_blob *file = captured_file(captured, BLOB_PROGRAM, CAPTURED_ANY);
    PathResult program = {.is_path = true, .mount = ""};
    Slot slot = {.fd = -1};

    if (!file || !set_arguments(captured, &stop)) {
        tracee_loss(observer, tracee, "unresolved-path", "a program that was run is not known");
        return;
    }
    captured_describe(tracee, file, &slot, &program);
    const int arch = arch_from_call(stop.audit_arch, stop.nr);
    StoredFact *fact = observe_call(observer, tracee, captured->syscall, (Arch)arch, stop.args);
    Pending *pending = pending_begin(tracee, &stop, captured->syscall, (Arch)arch);
    if (!pending) {
        observer_loss(observer, "memory", "no memory for a call", 1);
        return;
    }
    pending->syscall_fact = fact;
    pending->call.has_result = true;
    observe_paths(observer, tracee, pending);
    const Exec exec = {
        .observer = observer, .tracee = tracee, .pending = pending, .program = &program};
    const PathResult *named = pending->call.paths_count > 0 ? &pending->paths[0] : &program;
    if (captured->event->flags & EVENT_SCRIPT)
        draft_scripts(&exec, named);
    else
        draft_loaded(&exec, &program, "program");
    draft_capabilities(&exec);
    draft_elf_interpreter(&exec);
    resolver_release(observer->resolver);
    pending_commit(observer, tracee, pending, RESULT_OK, true);
}
