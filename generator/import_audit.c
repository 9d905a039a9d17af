/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of the kernel's audit system to a recording: what AppArmor allowed in complain mode or
 * denied, and what seccomp filters logged or refused. Two passes, since who did it (the SYSCALL and
 * PROCTITLE records of the same id) comes behind what was done.
 *
 * What was denied did not happen, but would have been tried by the kernel without the profile: its
 * result is `unknown`, and a label tells by which profile it was denied, so that a person can look
 * at it before a policy allows it.
 */
#include "generator/import_audit.h"
#include "base/memory.h"
#include "generator/audit_line.h"
#include "generator/import_private.h"

#include <errno.h>
#include <uthash.h>

#define LINE_LIMIT   ((size_t)16384)
#define DETECT_LIMIT ((size_t)1 << 20)

/* What the companions of a record tell. */
typedef struct Event {
    const char *id;
    const char *exe, *command, *syscall; /* NULL: not known */
    UT_hash_handle hh;
} Event;

typedef struct Audit {
    const ImportSource *source;
    Recording *recording;
    Event *events;
    Buffer *notes;
    uint32_t run;
    unsigned line, first_odd, first_left;
    size_t taken, odd, left, denied;
} Audit;

static void audit_deinit(Audit *audit)
{
    Event *event, *next;

    HASH_ITER (hh, audit->events, event, next) {
        HASH_DEL(audit->events, event);
        free(event);
    }
    audit->recording = recording_free(audit->recording);
}

/* ---- companions ----------------------------------------------------------------------------- */

static const char *keep(const Audit *audit, const Buffer *text)
{
    return strset_add(recording_strings(audit->recording), buffer_text(text));
}

static Event *find_event(const Audit *audit, const AuditRecord *record)
{
    Event *event = NULL;

    if (record->id.text)
        HASH_FIND(hh, audit->events, record->id.text, record->id.length, event);
    return event;
}

static Event *event_of(Audit *audit, const AuditRecord *record)
{
    CLEANUP(buffer_deinit) Buffer id = BUFFER_INIT;
    Event *event = find_event(audit, record);

    if (event)
        return event;
    (void)buffer_append(&id, record->id.text, record->id.length);
    event = calloc(1, sizeof *event);
    if (!event)
        return NULL;
    event->id = keep(audit, &id);
    if (!event->id) {
        free(event);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, audit->events, event->id, record->id.length, event);
    return event;
}

/* The call of a record by its arch= and syscall=; NULL if the tables do not know it. */
static const Syscall *call_of(const AuditRecord *record, uint64_t *ret_arch, uint64_t *ret_number)
{
    if (!audit_number(record, "arch", 16, ret_arch) || *ret_arch > UINT32_MAX ||
        !audit_number(record, "syscall", 10, ret_number) || *ret_number > INT32_MAX)
        return NULL;
    const int arch = arch_from_call((uint32_t)*ret_arch, (int64_t)*ret_number);
    return arch < 0 ? NULL : syscall_by_number((Arch)arch, (int64_t)*ret_number);
}

static int take_companion(Audit *audit, const AuditRecord *record)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    uint64_t arch, number;

    if (!record->id.text || (record->kind != AUDIT_SYSCALL && record->kind != AUDIT_PROCTITLE))
        return 0;
    Event *event = event_of(audit, record);
    if (!event)
        return -ENOMEM;
    if (record->kind == AUDIT_PROCTITLE) {
        if (audit_title(record, "proctitle", &text))
            event->command = keep(audit, &text);
        return 0;
    }
    const Syscall *syscall = call_of(record, &arch, &number);
    event->syscall = syscall ? syscall->name : NULL;
    if (audit_text(record, "exe", &text) && buffer_text(&text)[0] == '/')
        event->exe = keep(audit, &text);
    return 0;
}

/* ---- facts ---------------------------------------------------------------------------------- */

/* The program: of the SYSCALL record, of the record itself (seccomp), or that which the profile is
 * attached to by its name. */
static const char *subject_of(const Audit *audit, const AuditRecord *record, const Event *event)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (event && event->exe)
        return event->exe;
    if (audit_text(record, "exe", &text) && buffer_text(&text)[0] == '/')
        return keep(audit, &text);
    if (audit_text(record, "profile", &text) && buffer_text(&text)[0] == '/') {
        const char *name = buffer_text(&text);
        const char *child = strstr(name, "//");
        text.length = child ? (size_t)(child - name) : text.length;
        text.data[text.length] = '\0';
        if (!strpbrk(name, "*?[{"))
            return keep(audit, &text);
    }
    return "unknown";
}

int import_audit_add(const AuditTarget *target, Fact *fact)
{
    const Audit *audit = target->audit;
    const Event *event = find_event(audit, target->record);
    CLEANUP(buffer_deinit) Buffer comm = BUFFER_INIT;
    StoredFact *stored = NULL;

    fact->phase = PHASE_RUN;
    fact->subject = subject_of(audit, target->record, event);
    if (!fact->subject)
        return -ENOMEM;
    fact->first.ancestry[0] = fact->subject;
    fact->first.depth = 1;
    fact->first.syscall = event ? event->syscall : NULL;
    if (event && event->command)
        fact->first.command = event->command;
    else if (audit_text(target->record, "comm", &comm))
        fact->first.command = buffer_text(&comm);
    results_add(&fact->results, target->result);
    const int r = recording_add(audit->recording, fact, audit->run, 1, target->label, &stored);
    return r < 0 ? r : 0;
}

/* "DENIED docker-nginx" */
static int apparmor_label(const AuditRecord *record, Buffer *label, bool *denied)
{
    CLEANUP(buffer_deinit) Buffer profile = BUFFER_INIT;
    static const char *const words[] = {"DENIED", "ALLOWED", "AUDIT"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (audit_value_is(record, "apparmor", words[i])) {
            const bool named = audit_text(record, "profile", &profile);
            *denied = i == 0;
            return buffer_printf(label, "%s%s%s", words[i], named ? " " : "",
                                 named ? buffer_text(&profile) : "");
        }
    }
    return 1; /* that a profile was loaded, and the like */
}

static int take_apparmor(Audit *audit, const AuditRecord *record)
{
    CLEANUP(buffer_deinit) Buffer label = BUFFER_INIT;
    bool denied = false;
    int r = apparmor_label(record, &label, &denied);

    if (r != 0)
        return r < 0 ? r : 0;
    const AuditTarget target = {audit, record, buffer_text(&label),
                                denied ? RESULT_UNKNOWN : RESULT_OK};
    r = import_audit_apparmor(&target);
    if (r < 0)
        return r;
    if (r == 1 && audit->left++ == 0)
        audit->first_left = audit->line;
    audit->taken += r == 0;
    audit->denied += r == 0 && denied;
    return 0;
}

/* SECCOMP_RET_LOG lets the call run; the others do not. */
static const char *answer_of(uint64_t code)
{
    static const struct {
        uint32_t action;
        const char *label;
    } answers[] = {
        {0x80000000, "seccomp KILL_PROCESS"}, {0, "seccomp KILL_THREAD"},
        {0x00030000, "seccomp TRAP"},         {0x00050000, "seccomp ERRNO"},
        {0x7ff00000, "seccomp TRACE"},        {0x7ffc0000, "seccomp LOG"},
        {0x7fc00000, "seccomp USER_NOTIF"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        if ((code & 0xffff0000) == answers[i].action)
            return answers[i].label;
    }
    return "seccomp";
}

static int take_seccomp(Audit *audit, const AuditRecord *record)
{
    uint64_t arch = UINT64_MAX, number = UINT64_MAX, code = 0;
    char name[32], arch_text[24];
    const Syscall *syscall = call_of(record, &arch, &number);

    if (arch > UINT32_MAX || number > INT32_MAX) {
        audit->first_odd = audit->odd++ ? audit->first_odd : audit->line;
        return 0;
    }
    const int known = arch_from_call((uint32_t)arch, (int64_t)number);
    (void)snprintf(name, sizeof name, "syscall_%u", (unsigned)number);
    (void)snprintf(arch_text, sizeof arch_text, "audit-0x%08x", (unsigned)arch);
    const bool coded = audit_number(record, "code", 16, &code);
    const char *label = coded ? answer_of(code) : "seccomp";
    const AuditTarget target = {audit, record, label, RESULT_UNKNOWN};
    Fact fact = {.kind = FACT_SYSCALL, .name = syscall ? syscall->name : name};
    fact_set_text(&fact, FIELD_ARCH, known < 0 ? arch_text : arch_name((Arch)known));
    fact_set_number(&fact, FIELD_NUMBER, (int64_t)number);
    audit->taken++;
    audit->denied += coded && strcmp(label, "seccomp LOG") != 0;
    return import_audit_add(&target, &fact);
}

static int take_record(Audit *audit, const AuditRecord *record)
{
    if (record->kind == AUDIT_APPARMOR)
        return take_apparmor(audit, record);
    return record->kind == AUDIT_SECCOMP ? take_seccomp(audit, record) : 0;
}

/* ---- the log -------------------------------------------------------------------------------- */

static int each_record(Audit *audit, int (*take)(Audit *, const AuditRecord *))
{
    const ImportSource *source = audit->source;
    int r = 0;

    audit->line = 0;
    for (size_t at = 0; at < source->length && r == 0;) {
        const char *text = source->text + at;
        const char *end = memchr(text, '\n', source->length - at);
        const size_t length = end ? (size_t)(end - text) : source->length - at;
        AuditRecord record;
        audit->line++;
        if (length <= LINE_LIMIT && audit_line_parse(text, length, &record))
            r = take(audit, &record);
        at += length + 1;
    }
    return r;
}

static int begin_run(Audit *audit)
{
    char id[33];

    import_run_id(audit->source, id);
    const Run run = {.id = id,
                     .arch = arch_name(arch_native()),
                     .backend = "audit",
                     .features = "imported",
                     .exit_status = -1};
    return recording_add_run(audit->recording, &run, &audit->run);
}

static int end_run(Audit *audit)
{
    const char *name = audit->source->name;
    int r;

    recording_run(audit->recording, audit->run)->complete = true;
    r = recording_add_loss(audit->recording, "imported",
                           "an audit log has only what a profile did not allow", 1);
    if (r == 0 && audit->odd + audit->left > 0)
        r = recording_add_loss(audit->recording, "unreadable-line",
                               "a record that no fact could be made of", audit->odd + audit->left);
    (void)buffer_printf(audit->notes,
                        "%s: an audit log has only what a profile did not allow, or was told to "
                        "log: add it to a policy by whittle generate --update\n",
                        name);
    if (audit->denied > 0)
        (void)buffer_printf(audit->notes,
                            "%s: %zu records are of denials; generate will allow them all, so look "
                            "for attacks first: whittle show tells them by their labels\n",
                            name, audit->denied);
    if (audit->left > 0)
        (void)buffer_printf(audit->notes,
                            "%s:%u: no fact can be made of it, as of %zu records of AppArmor in "
                            "all\n",
                            name, audit->first_left, audit->left);
    if (audit->odd > 0)
        (void)buffer_printf(audit->notes,
                            "%s:%u: arch= or syscall= is missing, as in %zu records of seccomp in "
                            "all\n",
                            name, audit->first_odd, audit->odd);
    return r;
}

int import_audit(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    CLEANUP(audit_deinit)
    Audit audit = {.source = source, .recording = recording_new(), .notes = notes};
    int r = audit.recording ? begin_run(&audit) : -ENOMEM;

    if (r == 0)
        r = each_record(&audit, take_companion);
    if (r == 0)
        r = each_record(&audit, take_record);
    if (r == 0 && audit.taken + audit.odd + audit.left == 0)
        return error_set(err, -EINVAL, "%s: there is no audit record of AppArmor or seccomp in it",
                         source->name);
    if (r == 0)
        r = end_run(&audit);
    if (r == 0)
        r = recording_sort(audit.recording);
    if (r < 0)
        return error_errno(err, r, "%s", source->name);
    ret_imported->recording = TAKE(audit.recording);
    return 0;
}

bool import_audit_detect(const ImportSource *source)
{
    const size_t size = source->length < DETECT_LIMIT ? source->length : DETECT_LIMIT;

    for (size_t at = 0; at < size;) {
        const char *text = source->text + at;
        const char *end = memchr(text, '\n', size - at);
        const size_t length = end ? (size_t)(end - text) : size - at;
        AuditRecord record;
        if (length <= LINE_LIMIT && audit_line_parse(text, length, &record) &&
            (record.kind == AUDIT_APPARMOR || record.kind == AUDIT_SECCOMP))
            return true;
        at += length + 1;
    }
    return false;
}
