/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Tracee and one Process serve all events: they are filled from each in turn. Events whose
 * program or label is not told yet are copied and wait: what comes from several CPUs has no order.
 */
#include "tracer/capture_private.h"

#include "base/memory.h"
#include "tracer/bpf_capabilities.h"
#include "tracer/capture_counts.h"
#include "tracer/capture_names.h"
#include "tracer/capture_paths.h"
#include "tracer/capture_stacks.h"

#include <errno.h>

enum { WAITING_BYTES_MAX = 64 << 20 };

typedef struct Waiting Waiting;
struct Waiting {
    Waiting *next;
    uint64_t bytes[]; /* a struct event */
};

struct Capture {
    Observer *observer;
    BpfCapabilities *capabilities;
    CaptureNames *names;
    Waiting *waiting;
    Waiting **waiting_end;
    size_t waiting_bytes;
    CaptureCounts *counts;
    CaptureRoots *roots;
    SeenFiles *seen;
    CaptureStacks *stacks;
    Submissions *submissions;
    Captured captured;
    Process process;
    Tracee tracee;
    Lineage lineage[EVENT_ANCESTRY];
};

/* ---- set-up --------------------------------------------------------------------------------- */

/* Frees CAPTURE, whatever of it is there. */
static void release(Capture *capture)
{
    bpf_capabilities_free(capture->capabilities);
    capture_names_free(capture->names);
    capture_counts_free(capture->counts);
    capture_roots_free(capture->roots);
    seen_files_free(capture->seen);
    capture_stacks_free(capture->stacks);
    submissions_free(capture->submissions);
    free(capture);
}

Capture *capture_new(Observer *observer, BpfCapabilities *capabilities)
{
    Capture *capture = calloc(1, sizeof *capture);

    if (!capture) {
        bpf_capabilities_free(capabilities);
        return NULL;
    }
    capture->observer = observer;
    capture->waiting_end = &capture->waiting;
    capture->capabilities = capabilities ? capabilities : bpf_capabilities_new();
    capture->names = capture_names_new(observer->label);
    capture->counts = capture_counts_new(observer->options.recording);
    capture->roots = capture_roots_new(&observer->table);
    capture->seen = seen_files_new();
    capture->stacks = capture_stacks_new();
    capture->submissions = submissions_new();
    if (!capture->capabilities || !capture->names || !capture->counts || !capture->roots ||
        !capture->seen || !capture->stacks || !capture->submissions) {
        release(capture);
        return NULL;
    }
    observer->batch_journal = true;
    observer->sees_io_uring = true;
    return capture;
}

void capture_without_io_uring(Capture *capture)
{
    capture->observer->sees_io_uring = false;
}

bool capture_memory_check(const Capture *capture, uint64_t *ret_address, uint32_t *ret_depth)
{
    return bpf_capabilities_memory_check(capture->capabilities, ret_address, ret_depth);
}

void capture_tick(Capture *capture)
{
    capture_roots_tick(capture->roots);
}

/* ---- who ------------------------------------------------------------------------------------ */

/* Argument vector with blanks between, "" if it is not known. */
static const char *command_text(const Capture *capture, const Captured *captured)
{
    const CapturedBlob *blob = captured_blob(captured, BLOB_COMMAND, CAPTURED_ANY);
    char text[EVENT_COMMAND_MAX];

    /* That of an exec is the new program's, where the subject is the old one. */
    if (!blob ||
        (captured->event->type == EVENT_EXEC && captured->event->value != captured->event->program))
        return "";
    size_t length = blob->size < sizeof text ? blob->size : sizeof text - 1;
    memcpy(text, blob->bytes, length);
    while (length > 0 && (text[length - 1] == '\0' || text[length - 1] == ' '))
        length--;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    text[length] = '\0';
    return observer_intern(capture->observer, text);
}

/* The chain of programs above, without repetitions. */
static void set_lineage(Capture *capture, const struct event *event)
{
    const char *below = capture->process.subject;
    Lineage *last = NULL;
    size_t used = 0;

    capture->process.lineage = NULL;
    for (size_t i = 0; i < EVENT_ANCESTRY && event->ancestry[i]; i++) {
        const char *subject = capture_names_program(capture->names, event->ancestry[i]);
        if (!subject || subject == below)
            continue;
        Lineage *step = &capture->lineage[used++];
        *step = (Lineage){.subject = subject};
        if (last)
            last->parent = step;
        else
            capture->process.lineage = step;
        last = step;
        below = subject;
    }
}

static void set_credentials(Capture *capture, const struct event *event)
{
    const struct event_credentials *from = &event->credentials;

    capture->tracee.credentials = (Credentials){
        .uid = from->uid,
        .euid = from->euid,
        .suid = from->suid,
        .fsuid = from->fsuid,
        .gid = from->gid,
        .egid = from->egid,
        .sgid = from->sgid,
        .fsgid = from->fsgid,
        .groups_cut = true, /* not told */
        .inheritable = from->inheritable,
        .permitted = from->permitted,
        .effective = from->effective,
        .bounding = from->bounding,
        .ambient = from->ambient,
        .no_new_privs = from->no_new_privs != 0,
        .own_user_namespace = event->user_namespace != capture->observer->table.own_user_namespace,
    };
    capture->tracee.credentials_valid = true;
}

static void set_subject(Capture *capture, Captured *captured)
{
    const struct event *event = captured->event;
    const char *subject = capture_names_program(capture->names, event->program);

    if (!subject) {
        observer_loss(capture->observer, "unreadable-process",
                      "a process whose program was not told", 1);
        subject = observer_intern(capture->observer, "unknown");
    }
    capture->process.pid = (pid_t)event->tgid;
    capture->process.own_pid = (pid_t)event->own_tgid;
    capture->process.parent = (pid_t)event->parent;
    capture->process.pidfd = -1;
    capture->process.phase = (Phase)event->phase;
    capture->process.subject = subject;
    capture->process.command = command_text(capture, captured);
    set_lineage(capture, event);
    capture->tracee.tid = (pid_t)event->tid;
    capture->tracee.process = &capture->process;
    capture->tracee.captured = captured;
    capture->tracee.stack = NULL;
    set_credentials(capture, event);
    capture->observer->label = capture_names_label(capture->names, event->label);
}

/* ---- what ----------------------------------------------------------------------------------- */

SyscallStop captured_stop(const Captured *captured)
{
    const struct event *event = captured->event;
    SyscallStop stop = {.tid = (pid_t)event->tid,
                        .audit_arch =
                            arch_audit(event->abi == ABI_I386 ? ARCH_I386 : arch_native()),
                        .nr = event->nr};

    memcpy(stop.args, event->args, sizeof stop.args);
    return stop;
}

static void take_memory(Capture *capture, Tracee *tracee, uint64_t bytes)
{
    Fact draft = {.kind = FACT_RESOURCE, .name = "memory"};

    if (bytes == 0 || bytes > INT64_MAX)
        return;
    fact_set_number(&draft, FIELD_VALUE, (int64_t)bytes);
    (void)observer_add(capture->observer, tracee, &draft, 1);
}

static int dispatch(Capture *capture, Tracee *tracee, const Captured *captured)
{
    Observer *observer = capture->observer;
    const SyscallStop stop = captured_stop(captured);

    switch (captured->event->type) {
    case EVENT_CALL:
        observe_captured_call(observer, tracee, &stop);
        bpf_capabilities_call(capture->capabilities, observer, tracee);
        return 0;
    case EVENT_EXEC:
        capture_exec(observer, tracee);
        return 0;
    case EVENT_IO_URING:
        capture_io_uring(observer, tracee);
        return 0;
    case EVENT_CAPABILITY:
        return bpf_capabilities_event(capture->capabilities, observer, tracee);
    case EVENT_MEMORY:
        take_memory(capture, tracee, captured->event->value);
        return 0;
    default:
        return -EBADMSG;
    }
}

static int take(Capture *capture, Captured *captured)
{
    const struct event *event = captured->event;
    Observer *observer = capture->observer;
    const SyscallStop stop = captured_stop(captured);
    const int arch = event->nr == NR_NONE ? -1 : arch_from_call(stop.audit_arch, event->nr);

    captured->syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, event->nr);
    captured->roots = capture->roots;
    captured->seen = capture->seen;
    captured->stacks = capture->stacks;
    captured->asked =
        event->type == EVENT_EXEC ? capture_stacks_asked(capture->stacks, event) : NULL;
    set_subject(capture, captured);
    /* Opened while the process is there to be asked, though it may only be needed later. */
    if (!capture_namespace_is_own(capture->roots, captured))
        (void)capture_root(capture->roots, captured);
    if (event->flags & EVENT_CUT)
        tracee_loss(observer, &capture->tracee, "unreadable-argument",
                    "what a call names did not fit into its event");
    /* What is connected and has not sent yet is known of each event by itself. */
    observer->sockets.connects_pending = 1;
    observer->collect_added = event->key != 0;
    observer->added_count = 0;
    int r = dispatch(capture, &capture->tracee, captured);
    observer->collect_added = false;
    capture_roots_release(capture->roots);
    if (capture_moves_root(captured))
        capture_roots_moved(capture->roots, event->mount_namespace);
    if (event->key != 0 &&
        capture_counts_add(capture->counts, event->key, observer->added, observer->added_count) < 0)
        observer_loss(observer, "memory", "no memory to count an event", 1);
    return r;
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int hold_back(Capture *capture, const struct event *event)
{
    Waiting *waiting = malloc(sizeof *waiting + event->size);

    if (!waiting)
        return -ENOMEM;
    waiting->next = NULL;
    memcpy(waiting->bytes, event, event->size);
    *capture->waiting_end = waiting;
    capture->waiting_end = &waiting->next;
    capture->waiting_bytes += event->size;
    return 0;
}

/* Takes what waited and can be told by now; ALL: whatever waits. */
static void release_waiting(Capture *capture, bool all)
{
    Waiting *waiting = capture->waiting;

    capture->waiting = NULL;
    capture->waiting_end = &capture->waiting;
    while (waiting) {
        Waiting *next = waiting->next;
        const struct event *event = (const struct event *)(const void *)waiting->bytes;
        if (all || capture_names_known(capture->names, event)) {
            capture->waiting_bytes -= event->size;
            if (captured_parse(event, event->size, &capture->captured) == 0)
                (void)take(capture, &capture->captured);
            free(waiting);
        } else {
            waiting->next = NULL;
            *capture->waiting_end = waiting;
            capture->waiting_end = &waiting->next;
        }
        waiting = next;
    }
}

/* What CAPTURED tells, now or when it is known whose it is. */
static int take_when_known(Capture *capture, Captured *captured)
{
    const struct event *event = captured->event;

    if (!capture_names_known(capture->names, event) &&
        capture->waiting_bytes + event->size <= WAITING_BYTES_MAX)
        return hold_back(capture, event);
    return take(capture, captured);
}

/* ---- io_uring ------------------------------------------------------------------------------- */

static int take_of_ring(Capture *capture, Captured *captured)
{
    CLEANUP(free_pointer) struct event *event = NULL;

    captured->roots = capture->roots;
    if (!submissions_take(capture->submissions, capture->observer, captured, &event))
        return take_when_known(capture, captured);
    if (!event)
        return 0;
    const int r = captured_parse(event, event->size, captured);
    return r < 0 ? r : take_when_known(capture, captured);
}

/* What was submitted and never ended. */
static void take_unended(Capture *capture)
{
    struct event *event;

    while ((event = submissions_untold(capture->submissions)) != NULL) {
        if (captured_parse(event, event->size, &capture->captured) == 0)
            (void)take_when_known(capture, &capture->captured);
        free(event);
    }
}

Capture *capture_free(Capture *capture)
{
    if (!capture)
        return NULL;
    take_unended(capture);
    release_waiting(capture, true);
    if (capture->observer->table.tracee_gone)
        capture->observer->table.tracee_gone(NULL, &capture->tracee);
    capture->observer->label = capture_names_label(capture->names, 0);
    release(capture);
    return NULL;
}

int capture_event(Capture *capture, const struct event *event, size_t size)
{
    Captured *captured = &capture->captured;
    int r = captured_parse(event, size, captured);

    if (r < 0)
        return r;
    if (event->type == EVENT_PROGRAM || event->type == EVENT_LABEL) {
        r = capture_names_take(capture->names, capture->observer, captured);
        if (r == 0 && capture->waiting)
            release_waiting(capture, false);
        return r;
    }
    if (event->type == EVENT_NAMESPACE_ENTERED || event->type == EVENT_NAMESPACE_LEFT) {
        if (event->type == EVENT_NAMESPACE_ENTERED)
            capture_roots_entered(capture->roots, captured);
        else
            capture_roots_left(capture->roots, event->mount_namespace);
        return 0;
    }
    if (event->type == EVENT_IO_URING || event->type == EVENT_IO_RESULT)
        return take_of_ring(capture, captured);
    if (event->type == EVENT_STACK)
        return capture_stacks_note(capture->stacks, captured);
    return take_when_known(capture, captured);
}

void capture_count(Capture *capture, uint64_t key, uint64_t count)
{
    take_unended(capture);
    if (capture->waiting)
        release_waiting(capture, true);
    capture_counts_apply(capture->counts, key, count);
}
