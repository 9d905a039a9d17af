/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile is that of apparmor.profile with another name, and with what whittle itself brings
 * along: the descriptors that the command is given, which AppArmor checks at exec, and whittle's
 * own program, for `whittle mark`.
 */
#include "cli/verify_apparmor.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/own_files.h"
#include "generator/apparmor_profile.h"
#include "generator/apparmor_text.h"
#include "generator/import.h"
#include "tracer/apparmor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void verify_apparmor_deinit(VerifyApparmor *apparmor)
{
    bool lost;

    (void)audit_reader_finish(&apparmor->reader, &apparmor->records, &lost, NULL);
    buffer_deinit(&apparmor->obstacle);
    buffer_deinit(&apparmor->unread);
    buffer_deinit(&apparmor->records);
    apparmor->denials = recording_free(apparmor->denials);
}

/* ---- what whittle brings along -------------------------------------------------------------- */

/* "  /path LETTERS," of PATH as it is. */
static int add_rule(Buffer *rules, const char *path, const char *letters, const char *reason)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer word = BUFFER_INIT;

    int r = policy_pattern_append_literal(&pattern, path, strlen(path));
    if (r == 0)
        r = apparmor_append_pattern(&word, buffer_text(&pattern));
    if (r == 0)
        r = buffer_printf(rules, "  %s %s, # %s\n", buffer_text(&word), letters, reason);
    return r == -ENOMEM ? r : 0;
}

static int add_own_file(void *data, const char *path)
{
    return add_rule(data, path, "mrix", "whittle mark");
}

static int add_descriptor(Buffer *rules, int fd)
{
    static const char *const letters[] = {[O_RDONLY] = "rk", [O_WRONLY] = "wk", [O_RDWR] = "rwk"};
    static const char deleted[] = " (deleted)";
    char link[64];
    char path[PATH_MAX + 2];
    struct stat st;
    const int status = fcntl(fd, F_GETFL);
    const unsigned mode = (unsigned)status & O_ACCMODE;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, PATH_MAX);
    if (status < 0 || mode >= ARRAY_LENGTH(letters) || n <= 0 || path[0] != '/')
        return 0;
    path[n] = '\0';
    const size_t length = strlen(path);
    const size_t tail = sizeof deleted - 1;
    if (length > tail && strcmp(path + length - tail, deleted) == 0)
        path[length - tail] = '\0';
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && strcmp(path, "/") != 0)
        (void)strcat(path, "/");
    return add_rule(rules, path, letters[mode], "was open when the command started");
}

static int add_descriptors(Buffer *rules)
{
    DIR *folder = opendir("/proc/self/fd");
    int r = 0;

    for (const struct dirent *entry; folder && r == 0 && (entry = readdir(folder)) != NULL;) {
        const int fd = atoi(entry->d_name);
        const int flags = entry->d_name[0] == '.' ? -1 : fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            r = add_descriptor(rules, fd);
    }
    if (folder)
        (void)closedir(folder);
    return r;
}

/* ---- before the run ------------------------------------------------------------------------- */

static uint32_t mediated_sections(void)
{
    static const struct {
        PolicySection section;
        const char *feature;
    } features[] = {
        {POLICY_CAPABILITIES, "caps/mask"},  {POLICY_FILES, "file/mask"},
        {POLICY_NETWORK, "network_v8"},      {POLICY_NETWORK, "network"},
        {POLICY_UNIX, "network_v8/af_unix"}, {POLICY_UNIX, "network/af_unix"},
        {POLICY_UNIX, "network_v9/af_unix"}, {POLICY_SIGNALS, "signal/mask"},
        {POLICY_PTRACE, "ptrace/mask"},      {POLICY_MOUNTS, "mount/mask"},
    };
    uint32_t mediated = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        if (apparmor_has(features[i].feature))
            mediated |= 1u << features[i].section;
    }
    return mediated;
}

static int load(const Policy *policy, uint32_t sections, VerifyApparmor *apparmor, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer more = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer warnings = BUFFER_INIT;
    const ApparmorProfile profile = {.name = apparmor->name, .sections = sections};

    int r = each_own_file(add_own_file, &more);
    if (r == 0)
        r = add_descriptors(&more);
    ApparmorProfile whole = profile;
    whole.more = buffer_text(&more);
    if (r == 0)
        r = apparmor_profile_print(policy, &whole, &text, NULL);
    if (r < 0)
        return error_errno(err, r, "making the AppArmor profile");
    r = apparmor_load(&text, &warnings, err);
    if (r == 0 && warnings.length > 0)
        (void)buffer_append(&apparmor->obstacle, warnings.data, strcspn(warnings.data, "\n"));
    return r;
}

static size_t rules_of(const Policy *policy, uint32_t sections)
{
    size_t count = 0;

    for (PolicySection i = POLICY_CAPABILITIES; i <= POLICY_MOUNTS; i++) {
        size_t first;
        size_t end;
        policy_range(policy, i, &first, &end);
        count += sections >> i & 1 ? end - first : 0;
    }
    return count;
}

int verify_apparmor_begin(const Policy *policy, uint32_t sections, const char *name,
                          VerifyApparmor *apparmor, Error *err)
{
    const char *obstacle = apparmor_obstacle();
    Error why = {0};

    if (obstacle)
        return buffer_puts(&apparmor->obstacle, obstacle);
    (void)snprintf(apparmor->name, sizeof apparmor->name, "%s", name);
    int r = load(policy, sections, apparmor, &why);
    if (r == -ENOMEM)
        return error_errno(err, r, "loading the AppArmor profile");
    if (r < 0)
        return buffer_puts(&apparmor->obstacle, why.text);
    apparmor->active = true;
    apparmor->mediated = mediated_sections();
    apparmor->rules = rules_of(policy, sections);
    apparmor->reads = audit_reader_start(apparmor->name, &apparmor->reader, &why) == 0;
    return apparmor->reads ? 0 : buffer_puts(&apparmor->unread, why.text);
}

/* ---- after the run -------------------------------------------------------------------------- */

/* Puts the policy's name in place of the profile's, which is another one each time. */
static int rename_profile(VerifyApparmor *apparmor, const char *name)
{
    CLEANUP(buffer_deinit) Buffer renamed = BUFFER_INIT;
    const char *at = buffer_text(&apparmor->records);

    for (const char *found; (found = strstr(at, apparmor->name)) != NULL;
         at = found + strlen(apparmor->name)) {
        (void)buffer_append(&renamed, at, (size_t)(found - at));
        (void)buffer_puts(&renamed, name);
    }
    const int r = buffer_puts(&renamed, at);
    if (r < 0)
        return r;
    buffer_deinit(&apparmor->records);
    apparmor->records = renamed;
    renamed = (Buffer){0};
    return 0;
}

/* Denials that no rule is known for are told as they are. */
static int note_unknown(VerifyApparmor *apparmor, const Recording *denials)
{
    for (size_t i = 0; i < recording_losses_count(denials); i++) {
        const Loss *loss = recording_loss(denials, i);
        if (strcmp(loss->cause, "unreadable-line") == 0)
            return buffer_printf(&apparmor->unread,
                                 "%s%" PRIu64 " denials are of a kind that no rule is known for",
                                 apparmor->unread.length ? "; " : "", loss->count);
    }
    return 0;
}

int verify_apparmor_end(VerifyApparmor *apparmor, const char *policy_name, Error *err)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(imported_deinit) Imported imported = {0};
    bool lost = false;

    if (!apparmor->reads)
        return 0;
    int r = audit_reader_finish(&apparmor->reader, &apparmor->records, &lost, err);
    if (r == 0 && lost)
        (void)buffer_puts(&apparmor->unread, "there were more denials than could be read");
    if (r < 0 || apparmor->records.length == 0)
        return r;
    r = rename_profile(apparmor, policy_name);
    if (r < 0)
        return error_errno(err, r, "reading denials");
    const ImportSource source = {.name = "the kernel's audit log",
                                 .text = buffer_text(&apparmor->records),
                                 .length = apparmor->records.length};
    r = import_text(&source, "audit", NULL, &imported, &notes, err);
    if (r == 0 && note_unknown(apparmor, imported.recording) < 0)
        r = error_errno(err, ENOMEM, "reading denials");
    apparmor->denials = r == 0 ? TAKE(imported.recording) : NULL;
    return r;
}

/* ---- what was denied ------------------------------------------------------------------------ */

/* Of a file rule: where its path is, and the end of it. */
static const char *path_of(const char *rule, size_t *ret_length)
{
    const char *last = strrchr(rule, ' ');

    rule += strncmp(rule, "owner ", strlen("owner ")) == 0 ? strlen("owner ") : 0;
    *ret_length = last && last > rule ? (size_t)(last - rule) : strlen(rule);
    return rule;
}

/* Are both about the same? Of a file, whatever was done with it. */
static bool is_same(const Finding *a, const Finding *b)
{
    size_t a_length;
    size_t b_length;

    if (a->section != b->section || a->section != POLICY_FILES)
        return a->section == b->section && strcmp(a->rule, b->rule) == 0;
    const char *a_path = path_of(a->rule, &a_length);
    const char *b_path = path_of(b->rule, &b_length);
    return a_length == b_length && memcmp(a_path, b_path, a_length) == 0;
}

/* Marks those of FINDINGS that are among DENIED; how many of DENIED are not in FINDINGS. */
static size_t mark(Findings *findings, const Findings *denied)
{
    size_t missing = 0;

    for (size_t d = 0; d < denied->count; d++) {
        bool found = false;
        for (size_t i = 0; i < findings->count; i++) {
            if (is_same(&findings->items[i], &denied->items[d])) {
                findings->items[i].refused = true;
                found = true;
            }
        }
        missing += !found;
    }
    return missing;
}

static int add_facts(Recording *recording, const Recording *denials)
{
    for (size_t i = 0; i < recording_facts_count(denials); i++) {
        Fact view;
        const Fact *fact = recording_fact(denials, i, &view);
        const char *label = fact->labels_count ? fact->labels[0] : NULL;
        const int r = recording_add(recording, fact, 0, fact_count(fact), label, NULL);
        if (r < 0)
            return r;
    }
    return recording_sort(recording);
}

/* The index of FACT, which is there. */
static size_t index_of(const Recording *recording, const Fact *fact)
{
    const StoredFact *stored = recording_find(recording, fact);
    size_t i = 0;

    while (i < recording_facts_count(recording) && recording_stored(recording, i) != stored)
        i++;
    return i;
}

/* Adds DENIED, about RECORDING, to FINDINGS. */
static int append(const VerifyApparmor *apparmor, const Recording *recording, const Finding *denied,
                  Findings *findings)
{
    Finding finding = {.section = denied->section, .refused = true};

    finding.rule = strdup(denied->rule);
    finding.facts = calloc(denied->facts_count + 1, sizeof *finding.facts);
    if (!finding.rule || !finding.facts ||
        array_reserve(&findings->items, &findings->capacity, findings->count,
                      sizeof *findings->items) < 0) {
        free(finding.rule);
        free(finding.facts);
        return -ENOMEM;
    }
    for (size_t i = 0; i < denied->facts_count; i++) {
        Fact view;
        const Fact *fact = recording_fact(apparmor->denials, denied->facts[i], &view);
        finding.facts[finding.facts_count++] = index_of(recording, fact);
    }
    findings->items[findings->count++] = finding;
    return 0;
}

static int append_missing(const VerifyApparmor *apparmor, const Recording *recording,
                          const Findings *denied, Findings *findings)
{
    const size_t known = findings->count;
    int r = 0;

    for (size_t d = 0; d < denied->count && r == 0; d++) {
        bool found = false;
        for (size_t i = 0; i < known && !found; i++)
            found = is_same(&findings->items[i], &denied->items[d]);
        if (!found)
            r = append(apparmor, recording, &denied->items[d], findings);
    }
    return r;
}

int verify_apparmor_judge(const VerifyApparmor *apparmor, const Policy *policy, uint32_t sections,
                          Recording *recording, Findings *findings, Error *err)
{
    CLEANUP(findings_deinit) Findings denied = {0};
    CLEANUP(policy_cleanup) Policy *nothing = policy_new();

    if (!apparmor->denials)
        return 0;
    if (!nothing)
        return error_errno(err, ENOMEM, "judging denials");
    int r = judge(apparmor->denials, nothing, sections, &denied, err);
    if (r < 0 || mark(findings, &denied) == 0)
        return r;
    r = add_facts(recording, apparmor->denials);
    if (r < 0)
        return error_errno(err, r, "judging denials");
    findings_deinit(findings);
    r = judge(recording, policy, sections, findings, err);
    if (r == 0 && mark(findings, &denied) > 0 &&
        append_missing(apparmor, recording, &denied, findings) < 0)
        r = error_errno(err, ENOMEM, "judging denials");
    return r;
}
