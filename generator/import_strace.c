/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strace(1) logs to a recording: each call by its name, with the selectors that strace decodes to
 * the names that the tables have, and its result; the files of its path arguments (by -y as the
 * kernel named them, else as the program did); programs; sockets that were made.
 *
 * strace does not tell what the kernel does by itself (opening the ELF interpreter), nor
 * capabilities, so that what comes out is a start and no whole recording, and says so by a loss.
 */
#include "base/memory.h"
#include "generator/import_private.h"
#include "generator/strace_line.h"
#include "generator/strace_process.h"
#include "generator/strace_values.h"

#include <ctype.h>
#include <errno.h>

typedef struct Strace {
    const ImportSource *source;
    Recording *recording;
    StraceProcess *processes;
    Buffer *notes;
    uint32_t run;
    unsigned line;
    unsigned first_odd; /* line that was not understood */
    size_t odd, calls, unknown;
    const char *first_unknown;
    size_t relative; /* paths without a folder */
    int status;
    long first_pid;
    bool any_pid;
} Strace;

static void strace_deinit(Strace *strace)
{
    strace->processes = strace_processes_free(strace->processes);
    strace->recording = recording_free(strace->recording);
}

/* ---- facts ---------------------------------------------------------------------------------- */

static int add_fact(Strace *strace, const StraceProcess *process, Fact *fact, int result,
                    const char *syscall)
{
    StoredFact *stored = NULL;

    fact->phase = PHASE_RUN;
    fact->subject = process->exe ? process->exe : "unknown";
    fact->first.ancestry[0] = fact->subject;
    fact->first.depth = 1;
    fact->first.syscall = syscall;
    results_add(&fact->results, result);
    const int r = recording_add(strace->recording, fact, strace->run, 1, NULL, &stored);
    return r < 0 ? r : 0;
}

static int add_file(Strace *strace, const StraceProcess *process, const Syscall *syscall,
                    const char *path, uint32_t access, const char *type, int result)
{
    Fact fact = {.kind = FACT_FILE, .name = path};

    if (type)
        fact_set_text(&fact, FIELD_FILE_TYPE, type);
    fact_set_number(&fact, FIELD_ACCESS, access);
    return add_fact(strace, process, &fact, result, syscall->name);
}

#define PATH_LIMIT ((size_t)4096)

/* The path of argument INDEX; one that is not known is counted. */
static bool absolute_path(Strace *strace, const StraceProcess *process, const Syscall *syscall,
                          const StraceCall *call, unsigned index, Buffer *out)
{
    bool relative = false;

    buffer_clear(out);
    const bool known = strace_argument_path(syscall, call, index, process->cwd, out, &relative);
    strace->relative += relative;
    return known && out->length < PATH_LIMIT;
}

/* What the paths of a call are used for. An open's flags, also in a struct open_how, tell. */
static int add_paths(Strace *strace, const StraceProcess *process, const Syscall *syscall,
                     const StraceCall *call, int result)
{
    int r = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS && i < call->args_count && r == 0; i++) {
        const SyscallArg *arg = &syscall->args[i];
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        uint32_t access = arg->operation ? arg->operation->access : 0;
        if (arg->role != ROLE_PATH)
            continue;
        bool opens = false, directory = false;
        for (unsigned f = i + 1; f < SYSCALL_ARGS && f < call->args_count; f++) {
            if (syscall->args[f].role == ROLE_OPEN_FLAGS ||
                syscall->args[f].role == ROLE_OPEN_HOW) {
                access |= strace_open_access(&call->args[f], &directory);
                opens = true;
            }
        }
        if (access == 0)
            continue;
        /* Where an open led, the links resolved, is better than what it was asked for. */
        const bool led = opens && result == RESULT_OK &&
                         strace_descriptor_path(&call->result, &path) && path.length < PATH_LIMIT;
        if (!led && !absolute_path(strace, process, syscall, call, i, &path))
            continue;
        r = add_file(strace, process, syscall, buffer_text(&path), access,
                     directory && result == RESULT_OK ? "directory" : NULL, result);
    }
    return r;
}

static int add_mapping(Strace *strace, const StraceProcess *process, const Syscall *syscall,
                       const StraceCall *call, int result)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    if (call->args_count < 5 || !strace_span_has(&call->args[2], "PROT_EXEC") ||
        !strace_descriptor_path(&call->args[4], &path))
        return 0;
    return add_file(strace, process, syscall, buffer_text(&path), ACCESS_MMAP_EXEC, NULL, result);
}

static int add_program(Strace *strace, StraceProcess *process, const Syscall *syscall,
                       const StraceCall *call, int result)
{
    const unsigned at = strcmp(syscall->name, "execveat") == 0;
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    if (result != RESULT_OK || at >= call->args_count ||
        !absolute_path(strace, process, syscall, call, at, &path))
        return 0;
    const char *exe = strset_add(recording_strings(strace->recording), buffer_text(&path));
    if (!exe)
        return -ENOMEM;
    process->exe = process->exe ? process->exe : exe;
    Fact fact = {.kind = FACT_EXEC, .name = exe};
    fact_set_text(&fact, FIELD_LOADED_AS, "program");
    const int r = add_fact(strace, process, &fact, result, syscall->name);
    process->exe = exe;
    return r;
}

/* "AF_INET" → "inet", "SOCK_STREAM|SOCK_CLOEXEC" → "stream". */
static bool socket_word(const StraceSpan *span, const char *prefix, char *out, size_t size)
{
    size_t n = 0;

    if (!strace_span_begins(span, prefix))
        return false;
    for (size_t i = strlen(prefix); i < span->length && isalnum((unsigned char)span->text[i]);
         i++) {
        if (n + 1 >= size)
            return false;
        out[n++] = (char)tolower((unsigned char)span->text[i]);
    }
    out[n] = '\0';
    return n > 0;
}

static int add_socket(Strace *strace, const StraceProcess *process, const Syscall *syscall,
                      const StraceCall *call, int result)
{
    char family[24], type[24];

    if (call->args_count < 3 || !socket_word(&call->args[0], "AF_", family, sizeof family) ||
        !socket_word(&call->args[1], "SOCK_", type, sizeof type) || strcmp(family, "unix") == 0)
        return 0;
    Fact fact = {.kind = FACT_NETWORK, .name = "create"};
    fact_set_text(&fact, FIELD_FAMILY, family);
    fact_set_text(&fact, FIELD_SOCKET_TYPE, type);
    return add_fact(strace, process, &fact, result, syscall->name);
}

static int add_call(Strace *strace, StraceProcess *process, const StraceSpan *name,
                    const StraceCall *call)
{
    char text[64] = "";
    const int result = strace_result(&call->result);
    int r = 0;

    if (name->length >= sizeof text)
        return 0;
    memcpy(text, name->text, name->length);
    strace->calls++;
    const Syscall *syscall = syscall_by_name(text);
    const Syscall *here = syscall ? syscall_on(syscall, arch_native()) : NULL;
    if (!here) {
        strace->unknown++;
        if (!strace->first_unknown)
            strace->first_unknown = strset_add(recording_strings(strace->recording), text);
        return 0;
    }
    if (strcmp(text, "execve") == 0 || strcmp(text, "execveat") == 0)
        r = add_program(strace, process, here, call, result);
    Fact fact = {.kind = FACT_SYSCALL, .name = here->name};
    fact_set_text(&fact, FIELD_ARCH, arch_name(arch_native()));
    fact_set_number(&fact, FIELD_NUMBER, syscall_number(here, arch_native()));
    strace_set_selectors(here, call, &fact);
    if (r == 0)
        r = add_fact(strace, process, &fact, result, NULL);
    if (r == 0)
        r = add_paths(strace, process, here, call, result);
    if (r == 0 && strcmp(text, "mmap") == 0)
        r = add_mapping(strace, process, here, call, result);
    if (r == 0 && strcmp(text, "socket") == 0)
        r = add_socket(strace, process, here, call, result);
    if (r == 0)
        r = strace_process_note(&strace->processes, process, here, call,
                                recording_strings(strace->recording));
    return r;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static int finish_call(Strace *strace, StraceProcess *process, const StraceSpan *name,
                       const char *text, size_t length)
{
    StraceCall call;

    if (!strace_call_parse(text, length, &call))
        return 1;
    return add_call(strace, process, name, &call);
}

static int hold_call(StraceProcess *process, const StraceLine *line)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_append(&text, line->rest.text, line->rest.length);
    free((char *)(uintptr_t)process->call);
    process->call_length = text.length;
    process->call = buffer_steal(&text);
    return process->call ? 0 : -ENOMEM;
}

/* The beginning, which was held, and the end, which is here. */
static int resume_call(Strace *strace, StraceProcess *process, const StraceLine *line)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (process->call)
        (void)buffer_append(&text, process->call, process->call_length);
    free((char *)(uintptr_t)process->call);
    process->call = NULL;
    (void)buffer_append(&text, line->rest.text, line->rest.length);
    if (text.error)
        return text.error;
    return finish_call(strace, process, &line->name, buffer_text(&text), text.length);
}

static void note_exit(Strace *strace, StraceProcess *process, const StraceLine *line)
{
    if (line->pid == strace->first_pid)
        strace->status = line->status;
    strace_process_exited(process);
}

static int take_line(Strace *strace, const char *text, size_t length)
{
    StraceLine line;
    int r = 0;

    strace_line_parse(text, length, &line);
    if (line.kind == STRACE_NOTHING || line.kind == STRACE_SIGNAL)
        return 0;
    StraceProcess *process = strace_process(&strace->processes, line.pid);
    if (!process)
        return -ENOMEM;
    if (line.kind != STRACE_OTHER && !strace->any_pid) {
        strace->any_pid = true;
        strace->first_pid = line.pid;
    }
    if (line.kind == STRACE_CALL)
        r = finish_call(strace, process, &line.name, line.rest.text, line.rest.length);
    else if (line.kind == STRACE_UNFINISHED)
        r = hold_call(process, &line);
    else if (line.kind == STRACE_RESUMED)
        r = resume_call(strace, process, &line);
    else if (line.kind == STRACE_EXIT)
        note_exit(strace, process, &line);
    else
        r = 1;
    if (r == 1 && strace->odd++ == 0)
        strace->first_odd = strace->line;
    return r < 0 ? r : 0;
}

/* ---- the recording -------------------------------------------------------------------------- */

static int begin_run(Strace *strace)
{
    char id[33];

    import_run_id(strace->source, id);
    const Run run = {.id = id,
                     .arch = arch_name(arch_native()),
                     .backend = "strace",
                     .features = "imported",
                     .exit_status = -1};
    return recording_add_run(strace->recording, &run, &strace->run);
}

static int end_run(Strace *strace)
{
    Run *run = recording_run(strace->recording, strace->run);
    const char *name = strace->source->name;
    int r;

    run->calls = strace->calls;
    run->exit_status = strace->status;
    run->complete = true;
    r = recording_add_loss(strace->recording, "imported",
                           "strace tells neither capabilities nor what the kernel opens by itself",
                           1);
    if (r == 0 && strace->relative > 0)
        r = recording_add_loss(strace->recording, "unresolved-path",
                               "a relative path whose folder the log does not tell",
                               strace->relative);
    if (r == 0 && strace->odd > 0)
        r = recording_add_loss(strace->recording, "unreadable-line",
                               "a line of the log was not understood", strace->odd);
    (void)buffer_printf(strace->notes,
                        "%s: strace tells neither capabilities nor what the kernel opens by itself "
                        "(the ELF interpreter, scripts): the recording says that it is not "
                        "complete\n",
                        name);
    if (strace->relative > 0)
        (void)buffer_printf(strace->notes,
                            "%s: %zu relative paths are left out, since the log does not tell the "
                            "folder; with strace -f -y it does once a process has made a call that "
                            "names it, as openat()\n",
                            name, strace->relative);
    if (strace->odd > 0)
        (void)buffer_printf(strace->notes, "%s:%u: not understood, as are %zu lines in all\n", name,
                            strace->first_odd, strace->odd);
    if (strace->unknown > 0)
        (void)buffer_printf(strace->notes,
                            "%s: %zu calls are left out that this machine does not have, the first "
                            "of them %s\n",
                            name, strace->unknown, strace->first_unknown);
    return r;
}

int import_strace(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    CLEANUP(strace_deinit)
    Strace strace = {.source = source, .recording = recording_new(), .notes = notes, .status = -1};
    int r = strace.recording ? begin_run(&strace) : -ENOMEM;

    for (size_t at = 0; at < source->length && r == 0;) {
        const char *text = source->text + at;
        const char *end = memchr(text, '\n', source->length - at);
        const size_t length = end ? (size_t)(end - text) : source->length - at;
        strace.line++;
        r = take_line(&strace, text, length);
        at += length + 1;
    }
    if (r == 0 && strace.calls == 0)
        return error_set(err, -EINVAL, "%s: there is no system call in it as strace writes them",
                         source->name);
    if (r == 0)
        r = end_run(&strace);
    if (r == 0)
        r = recording_sort(strace.recording);
    if (r < 0)
        return error_errno(err, r, "%s", source->name);
    ret_imported->recording = TAKE(strace.recording);
    return 0;
}

/* One of the first lines is a call that the tables know, with its result. */
bool import_strace_detect(const ImportSource *source)
{
    size_t at = 0;

    for (int n = 0; n < 20 && at < source->length; n++) {
        const char *text = source->text + at;
        const char *end = memchr(text, '\n', source->length - at);
        const size_t length = end ? (size_t)(end - text) : source->length - at;
        char name[64] = "";
        StraceLine line;
        StraceCall call;
        strace_line_parse(text, length, &line);
        if (line.kind == STRACE_CALL && line.name.length < sizeof name) {
            memcpy(name, line.name.text, line.name.length);
            if (syscall_by_name(name) && strace_call_parse(line.rest.text, line.rest.length, &call))
                return true;
        }
        at += length + 1;
    }
    return false;
}
