/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that were submitted through io_uring, which no system call tells of. One that names
 * something comes with the arguments of the system call that does the same
 * (profiles/tables/io_uring.csv), and goes the way of that.
 *
 * Its result comes later and by itself, if at all. What was submitted is kept until then, and
 * afterwards too, for another result of the same: the facts of an open() that failed are not those
 * of one that did not. Of what was done with success only so much is kept as fits COPIES_BYTES.
 */
#include "tracer/capture_private.h"
#include "tracer/capture_roots.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/reftable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { COPIES_BYTES = 64 << 20 };

/* ---- submissions that wait for their results ------------------------------------------------ */

typedef struct Submission {
    uint64_t key;
    struct event *copy; /* owned; NULL: let go */
    bool told;          /* some result was */
    bool unknown;       /* … that nobody knows it */
} Submission;

struct Submissions {
    HashKey hash_key;
    RefTable table; /* references: index in items plus one */
    Submission *items;
    size_t count, capacity;
    size_t bytes; /* of copies */
};

Submissions *submissions_new(void)
{
    Submissions *submissions = calloc(1, sizeof *submissions);

    if (submissions)
        hash_key_init(&submissions->hash_key);
    return submissions;
}

static void let_go(Submissions *submissions, Submission *submission)
{
    if (submission->copy)
        submissions->bytes -= submission->copy->size;
    free(submission->copy);
    submission->copy = NULL;
}

Submissions *submissions_free(Submissions *submissions)
{
    if (!submissions)
        return NULL;
    for (size_t i = 0; i < submissions->count; i++)
        let_go(submissions, &submissions->items[i]);
    free(submissions->items);
    reftable_deinit(&submissions->table);
    free(submissions);
    return NULL;
}

static Submission *find(const Submissions *submissions, uint64_t key)
{
    const uint64_t hash = hash_bytes(&submissions->hash_key, &key, sizeof key);
    size_t at = REFTABLE_BEGIN;
    uint32_t ref;

    while ((ref = reftable_next(&submissions->table, hash, &at)) != 0) {
        if (submissions->items[ref - 1].key == key)
            return &submissions->items[ref - 1];
    }
    return NULL;
}

/* 0 or -ENOMEM. */
static int add(Submissions *submissions, const struct event *event)
{
    if (find(submissions, event->key))
        return 0;
    if (submissions->count == UINT32_MAX || reftable_reserve(&submissions->table) < 0 ||
        array_reserve(&submissions->items, &submissions->capacity, submissions->count,
                      sizeof *submissions->items) < 0)
        return -ENOMEM;
    struct event *copy = malloc(event->size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, event, event->size);
    submissions->items[submissions->count++] = (Submission){.key = event->key, .copy = copy};
    submissions->bytes += event->size;
    reftable_insert(&submissions->table,
                    hash_bytes(&submissions->hash_key, &event->key, sizeof event->key),
                    (uint32_t)submissions->count);
    return 0;
}

/* SUBMISSION with RESULT and what that tells beside. NULL without memory. */
static struct event *unite(const struct event *submission, const struct event *result)
{
    const size_t more = result->size - sizeof *result;
    struct event *event = malloc(submission->size + more);

    if (!event)
        return NULL;
    memcpy(event, submission, submission->size);
    memcpy((char *)event + submission->size, (const char *)result + sizeof *result, more);
    event->size += (uint32_t)more;
    event->key = result->key;
    event->result = result->result;
    event->flags = (uint16_t)((event->flags & ~(EVENT_NO_RESULT | EVENT_RESULT_COMES)) |
                              (result->flags & (EVENT_NO_RESULT | EVENT_CUT)));
    return event;
}

/* 1: *RET_EVENT is an operation that ended. 0: RESULT says nothing new. -ENODATA: too much was
 * submitted to remember all. -ENOMEM. */
static int end(Submissions *submissions, const struct event *result, struct event **ret_event)
{
    Submission *submission = find(submissions, result->value);
    const bool unknown = result->flags & EVENT_NO_RESULT;

    if (!submission || (unknown && submission->unknown))
        return 0;
    if (!submission->copy) {
        /* One that failed this time adds nothing that could be needed. */
        return unknown || result->result >= 0 ? -ENODATA : 0;
    }
    struct event *event = unite(submission->copy, result);
    if (!event)
        return -ENOMEM;
    submission->told = true;
    submission->unknown = submission->unknown || unknown;
    if (submissions->bytes > COPIES_BYTES && !unknown && result->result >= 0)
        let_go(submissions, submission);
    *ret_event = event;
    return 1;
}

bool submissions_take(Submissions *submissions, Observer *observer, const Captured *captured,
                      struct event **ret_event)
{
    const struct event *event = captured->event;

    if (event->type == EVENT_IO_RESULT) {
        if (end(submissions, event, ret_event) < 0)
            observer_loss(observer, "memory", "no memory for what came of an operation", 1);
        return true;
    }
    if (!(event->flags & EVENT_RESULT_COMES) || event->key == 0)
        return false;
    /* Its process may be gone when it has ended. */
    (void)capture_root(captured->roots, captured);
    if (add(submissions, event) == 0)
        return true;
    observer_loss(observer, "memory", "no memory for what is submitted by io_uring", 1);
    return false;
}

struct event *submissions_untold(Submissions *submissions)
{
    while (submissions->count > 0) {
        Submission *last = &submissions->items[submissions->count - 1];
        struct event *copy = last->told ? NULL : TAKE(last->copy);
        if (copy) {
            submissions->bytes -= copy->size;
            copy->flags &= (uint16_t)~EVENT_RESULT_COMES;
        }
        let_go(submissions, last);
        submissions->count--;
        if (copy)
            return copy;
    }
    reftable_deinit(&submissions->table);
    submissions->table = REFTABLE_INIT;
    return NULL;
}

/* ---- facts ---------------------------------------------------------------------------------- */

/* The file that the operation was about is not known: a registered one, whose end nobody saw. */
static bool misses_file(const Captured *captured, const IoUringOperation *operation)
{
    const bool needs = operation->names == 1u << ROLE_FD
                           ? strncmp(operation->syscall->name, "write", 5) != 0
                           : captured->event->args[1] != 0 || captured->event->args[4] != 0;

    return (operation->names & 1u << ROLE_FD) && needs &&
           !captured_blob(captured, BLOB_FILE, CAPTURED_ANY) &&
           (captured_succeeded(captured) || captured_result(captured) == RESULT_UNKNOWN);
}

void capture_io_uring(Observer *observer, Tracee *tracee)
{
    Captured *captured = tracee->captured;
    const IoUringOperation *operation = io_uring_operation(captured->event->value);
    SyscallStop stop = captured_stop(captured);
    char number[32];

    (void)snprintf(number, sizeof number, "op_%" PRIu64, (uint64_t)captured->event->value);
    Fact draft = {.kind = FACT_IO_URING,
                  .name = operation ? operation->name : observer_intern(observer, number)};
    results_add(&draft.results, captured_result(captured));
    (void)observer_add(observer, tracee, &draft, 1);
    if (!operation || !operation->names)
        return;
    if (misses_file(captured, operation))
        tracee_loss(observer, tracee, "unreadable-argument",
                    "a registered file of io_uring, for an operation that nobody saw end");
    captured->syscall = syscall_on(operation->syscall, arch_native());
    if (!captured->syscall)
        return;
    stop.nr = syscall_number(captured->syscall, arch_native());
    observe_captured_operation(observer, tracee, &stop, captured->syscall, arch_native(),
                               operation->name);
}
