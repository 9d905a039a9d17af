/* SPDX-License-Identifier: Apache-2.0 */
/* Facts on their way into the recording and its journal, and the loss account. */
#include "tracer/observer_private.h"

#include "base/io.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* ---- losses, journal, facts ----------------------------------------------------------------- */

void observer_loss(Observer *observer, const char *cause, const char *example, uint64_t n)
{
    observer->losses += n;
    (void)recording_add_loss(observer->options.recording, cause, example, n);
}

void tracee_loss(Observer *observer, const Tracee *tracee, const char *cause, const char *what)
{
    char example[512];

    (void)snprintf(example, sizeof example, "%s: %s", tracee->process->subject, what);
    observer_loss(observer, cause, example, 1);
}

const char *observer_intern(Observer *observer, const char *text)
{
    const char *kept = strset_add(recording_strings(observer->options.recording), text);

    if (!kept)
        observer_loss(observer, "memory", "no memory for a string", 1);
    return kept ? kept : "";
}

enum { JOURNAL_BATCH = 256 * 1024 };

void observer_flush(Observer *observer)
{
    const int fd = observer->options.journal_fd;

    if (observer->line.length == 0 || fd < 0)
        return;
    const off_t end = lseek(fd, 0, SEEK_END);
    const int r = write_all(fd, observer->line.data, observer->line.length);
    buffer_clear(&observer->line);
    if (r < 0) {
        char example[128];
        /* A part of a line would spoil what may yet be appended behind it. */
        (void)!(end >= 0 && ftruncate(fd, end) == 0);
        observer->journal_error = r;
        (void)snprintf(example, sizeof example, "cannot append to the recording: %s", strerror(-r));
        observer_loss(observer, "journal-write", example, 1);
    }
}

static void journal(Observer *observer, const StoredFact *fact)
{
    if (observer->options.journal_fd < 0 || observer->journal_error)
        return;
    if (recording_print_fact(observer->options.recording, fact, &observer->line) < 0) {
        observer->journal_error = -ENOMEM;
        buffer_clear(&observer->line);
        observer_loss(observer, "journal-write", "no memory to append to the recording", 1);
    }
    if (!observer->batch_journal || observer->line.length >= JOURNAL_BATCH)
        observer_flush(observer);
}

static void note_added(Observer *observer, StoredFact *fact)
{
    if (array_reserve(&observer->added, &observer->added_capacity, observer->added_count,
                      sizeof(StoredFact *)) < 0) {
        observer_loss(observer, "memory", "no memory to count a fact", 1);
        return;
    }
    observer->added[observer->added_count++] = fact;
}

static int fill_first_seen(Observer *observer, Tracee *tracee, StoredFact *fact,
                           const char *syscall)
{
    FirstSeen first = {.ancestry = {tracee->process->subject}, .depth = 1, .syscall = syscall};

    const Lineage *above = tracee->process->lineage;
    if (above && above->subject == tracee->process->subject)
        above = above->parent;
    for (; above && first.depth < ANCESTRY_MAX; above = above->parent)
        first.ancestry[first.depth++] = above->subject;
    const char *command = process_command(&observer->table, tracee->process);
    first.command = *command ? command : NULL;
    first.stack = observe_stack(observer, tracee);
    return recording_set_first(observer->options.recording, fact, &first);
}

StoredFact *observer_add(Observer *observer, Tracee *tracee, Fact *draft, uint64_t count)
{
    StoredFact *fact = NULL;
    const Pending *pending = tracee->pending;
    const char *syscall =
        draft->kind != FACT_SYSCALL && pending && pending->active && pending->call.syscall
            ? pending->seen_in ? pending->seen_in : pending->call.syscall->name
            : NULL;

    draft->subject = tracee->process->subject;
    draft->phase = tracee->process->phase;
    const int r = recording_add(observer->options.recording, draft, observer->options.run, count,
                                observer->label, &fact);
    if (r < 0) {
        observer_loss(observer, "memory", "no memory for a fact", 1);
        return NULL;
    }
    if (r > 0) {
        if (fill_first_seen(observer, tracee, fact, syscall) < 0)
            observer_loss(observer, "memory", "no memory for a fact's evidence", 1);
        journal(observer, fact);
    }
    if (observer->collect_added)
        note_added(observer, fact);
    return fact;
}

void observe_result(Observer *observer, StoredFact *fact, int result, bool seen)
{
    if (fact && recording_add_result(observer->options.recording, fact, result, !seen) < 0)
        observer_loss(observer, "memory", "no memory for a result", 1);
}

/* ---- drafts --------------------------------------------------------------------------------- */

Fact *pending_draft(Observer *observer, const Tracee *tracee, Pending *pending, FactKind kind,
                    const char *name, DraftWhen when)
{
    if (array_reserve(&pending->drafts, &pending->capacity, pending->count,
                      sizeof *pending->drafts) < 0) {
        observer_loss(observer, "memory", "no memory for a fact", 1);
        return NULL;
    }
    Draft *draft = &pending->drafts[pending->count++];
    *draft = (Draft){.when = when};
    draft->fact.kind = kind;
    draft->fact.name = name;
    draft->fact.subject = tracee->process->subject;
    draft->fact.phase = tracee->process->phase;
    return &draft->fact;
}

const char *file_type_name(mode_t mode)
{
    static const struct {
        mode_t type;
        const char *name;
    } types[] = {
        {S_IFREG, "regular"}, {S_IFDIR, "directory"}, {S_IFLNK, "symlink"}, {S_IFIFO, "fifo"},
        {S_IFSOCK, "socket"}, {S_IFCHR, "char"},      {S_IFBLK, "block"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        if ((mode & S_IFMT) == types[i].type)
            return types[i].name;
    }
    return NULL;
}

/* The last component of TEXT has DIGITS in it by themselves: no other digit beside them, with
 * LETTERS no letter either. */
static bool has_digits(const char *text, const char *digits, bool letters)
{
    const size_t length = strlen(digits);
    const char *slash = strrchr(text, '/');

    for (const char *at = slash ? slash : text; (at = strstr(at, digits)) != NULL; at += length) {
        const unsigned char before = at == text ? '/' : (unsigned char)at[-1];
        const unsigned char after = (unsigned char)at[length];
        if (letters ? !isalnum(before) && !isalnum(after) : !isdigit(before) && !isdigit(after))
            return true;
    }
    return false;
}

/* How TEXT holds NUMBER, NULL if it does not. */
static const char *named_after_number(const char *text, pid_t number)
{
    /* Less says nothing: the first processes of a container. */
    enum { NUMBER_MIN = 10, HEX_MIN = 0x100 };
    char digits[16];

    (void)snprintf(digits, sizeof digits, "%d", (int)number);
    if (number >= NUMBER_MIN && has_digits(text, digits, false))
        return "pid";
    (void)snprintf(digits, sizeof digits, "%x", (unsigned)number);
    return number >= HEX_MIN && has_digits(text, digits, true) ? "pid-hex" : NULL;
}

/* A number that a program takes from getpid(), or a command from the "$$" of its shell. */
static const char *named_after(const Tracee *tracee, const char *text)
{
    const pid_t own = process_own_pid(tracee->process);
    const char *after = named_after_number(text, own);

    if (!after && own == tracee->process->pid) /* no other namespace */
        after = named_after_number(text, tracee->process->parent);
    return after;
}

void draft_file(Observer *observer, Tracee *tracee, Pending *pending, const PathResult *path,
                uint32_t access, DraftWhen when)
{
    const Credentials *credentials;

    if (!path->is_path || !path->text || access == 0)
        return;
    Fact *fact = pending_draft(observer, tracee, pending, FACT_FILE,
                               observer_intern(observer, path->text), when);
    if (!fact)
        return;
    fact_set_number(fact, FIELD_ACCESS, (int64_t)access);
    if (path->has_stat)
        fact_set_text(fact, FIELD_FILE_TYPE, file_type_name(path->st.st_mode));
    if (path->mount[0] != '\0')
        fact_set_text(fact, FIELD_MOUNT, path->mount);
    if (access & ACCESS_CREATE)
        fact_set_text(fact, FIELD_NAMED_AFTER, named_after(tracee, path->text));
    if (tracee_credentials(tracee, &credentials) < 0)
        return;
    if (path->has_stat)
        fact_set_number(fact, FIELD_OWNER, path->st.st_uid == credentials->fsuid);
    else if (access & ACCESS_CREATE)
        fact_set_number(fact, FIELD_OWNER, 1);
}

bool read_text_argument(Observer *observer, Tracee *tracee, uint64_t address, char *buffer,
                        size_t size, const char *what)
{
    const long length = tracee_read_string(tracee, address, buffer, size);

    if (length >= 0)
        return true;
    /* An address that the kernel cannot read either: the call will fail with EFAULT, and nothing
     * was missed; the same for a path that is too long for the kernel, and for a process that was
     * killed meanwhile and never makes this call. */
    if (length == -EFAULT || length == -ENAMETOOLONG || length == -ESRCH)
        return false;
    tracee_loss(observer, tracee, "unreadable-argument", what);
    return false;
}

bool observed_before(const Observer *observer, const Pending *pending)
{
    for (size_t i = 0; i < pending->count; i++) {
        const Recording *recording = observer->options.recording;
        const StoredFact *known = recording_find(recording, &pending->drafts[i].fact);
        if (!known || !results_has(recording_fact_results(recording, known), RESULT_OK))
            return false;
    }
    return pending->count > 0;
}
