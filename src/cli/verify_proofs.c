/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was proven, docs/FORMATS.md "Proofs". A proof holds again if nothing has changed that
 * decides it: the command with the files that it names, who runs it, and the rules that allow some
 * of the same or stand in for the rule. That others matter is not thought of; `--again` leaves
 * nothing to thought.
 */
#include "base/io.h"
#include "base/memory.h"
#include "cli/verify_minimal.h"
#include "generator/minimise.h"
#include "tracer/enforcement.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PROOFS_MAX = 64 << 20, HASHED_MAX = 64 << 20 };

#define FNV_START UINT64_C(0xcbf29ce484222325)

static uint64_t digest(uint64_t h, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* ---- what a proof depends on ---------------------------------------------------------------- */

/* Adds what the file PATH holds, if it is one. */
static uint64_t digest_file(uint64_t h, const char *path)
{
    CLEANUP(buffer_deinit) Buffer content = BUFFER_INIT;
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        read_fd(fd, &content, HASHED_MAX) < 0)
        return h;
    return digest(h, buffer_text(&content), content.length);
}

/* The command's program, and its arguments that are files which it does not change. */
static json_t *files_digest(const Minimal *minimal)
{
    const Parsed *parsed = minimal->setup.parsed;
    char text[17];

    uint64_t h = digest_file(FNV_START, minimal->setup.path);
    for (int i = 1; i < parsed->arguments_count; i++)
        h = minimal->written[i] ? h : digest_file(h, parsed->arguments[i]);
    (void)snprintf(text, sizeof text, "%016" PRIx64, h);
    return json_string(text);
}

/* The rules on which it depends if the rule INDEX is needed. */
static int related_digest(const Minimal *minimal, size_t index, char text[17])
{
    CLEANUP(free_pointer) bool *related = calloc(minimal->count + 1, sizeof *related);
    uint64_t h = FNV_START;

    if (!related || minimise_related(&minimal->units, index, related) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < minimal->units.rules; i++) {
        CLEANUP(buffer_deinit) Buffer item = BUFFER_INIT;
        if (!related[i])
            continue;
        PolicyRule rule = *rule_of(minimal, i);
        rule.reason = NULL;
        if (policy_rule_print_item(&rule, &item) < 0)
            return -ENOMEM;
        h = digest(h, buffer_text(&item), item.length + 1);
    }
    (void)snprintf(text, 17, "%016" PRIx64, h);
    return 0;
}

static json_t *words(char *const *arguments, int count)
{
    json_t *list = json_array();

    for (int i = 0; list && i < count; i++) {
        json_t *word = json_string(arguments[i]);
        /* Not UTF-8: the digest tells it from others, hardly ever does one need to read it. */
        (void)json_array_append_new(list, word ? word : json_null());
    }
    return list;
}

/* What tells one workload from another: all of it has to be equal. */
static json_t *workload_key(const Minimal *minimal)
{
    const Parsed *parsed = minimal->setup.parsed;
    char capabilities[17];

    (void)snprintf(capabilities, sizeof capabilities, "%" PRIx64, capabilities_held());
    return json_pack("{s:o,s:o,s:I,s:s,s:i}", "command",
                     words(parsed->arguments, parsed->arguments_count), "files",
                     files_digest(minimal), "user", (json_int_t)geteuid(), "capabilities",
                     capabilities, "landlock", landlock_version());
}

static bool is_of_workload(const json_t *workload, const json_t *key)
{
    const char *name;
    json_t *value;
    /* json_object_foreach() wants it so. */
    json_t *object = (json_t *)(uintptr_t)key;

    json_object_foreach (object, name, value) {
        if (!json_equal(json_object_get(workload, name), value))
            return false;
    }
    return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The document, an empty one if there is none; NULL with ERR. */
static json_t *load(const char *path, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error unread = {0};
    json_error_t where;

    if (read_file(path, &text, PROOFS_MAX, &unread) < 0) {
        if (unread.code == -ENOENT)
            return json_pack("{s:s,s:i,s:[]}", "whittle", "proofs", "format", 1, "workloads");
        *err = unread;
        return NULL;
    }
    json_t *document = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, &where);
    const char *kind = json_string_value(json_object_get(document, "whittle"));
    if (!document)
        (void)error_set(err, -EINVAL, "%s:%d: %s: mend it or remove it", path, where.line,
                        where.text);
    else if (!kind || strcmp(kind, "proofs") != 0 ||
             json_integer_value(json_object_get(document, "format")) != 1 ||
             !json_is_array(json_object_get(document, "workloads")))
        (void)error_set(err, -EINVAL,
                        "%s: these are no proofs of format 1: give another file by --proofs", path);
    else
        return document;
    json_decref(document);
    return NULL;
}

static int verdict_from_name(const char *name)
{
    for (int i = 0; name && i < VERDICT_COUNT; i++) {
        if (strcmp(verdict_name((Verdict)i), name) == 0)
            return i;
    }
    return -1;
}

/* The unit that PROOF is about, by index; the count of units if the policy has it no more. A letter
 * that was proven while its rule had more of them may be all that the rule has now. */
static size_t unit_of_proof(const Minimal *minimal, const json_t *proof)
{
    const char *section = json_string_value(json_object_get(proof, "section"));
    const char *text = json_string_value(json_object_get(proof, "rule"));

    for (size_t i = 0; section && text && i < minimal->count; i++) {
        CLEANUP(buffer_deinit) Buffer own = BUFFER_INIT;
        const PolicyRule *rule = rule_of(minimal, i);
        if (strcmp(policy_section_name(rule->section), section) == 0 &&
            policy_rule_print(rule, &own) == 0 && strcmp(buffer_text(&own), text) == 0 &&
            rule->deny == POLICY_ALLOW)
            return i;
    }
    return minimal->count;
}

static char *text_of(const json_t *proof, const char *key)
{
    const char *text = json_string_value(json_object_get(proof, key));

    return text ? strdup(text) : NULL;
}

/* Takes over what was proven of the unit INDEX, if it holds. */
static int take_over(Minimal *minimal, const json_t *proof, size_t index)
{
    const char *related = json_string_value(json_object_get(proof, "related"));
    const int verdict = verdict_from_name(json_string_value(json_object_get(proof, "verdict")));
    Proof *known = &minimal->proofs[index];
    char now[17];

    if ((verdict != VERDICT_NEEDED && verdict != VERDICT_TOLERATED) ||
        known->verdict != VERDICT_NONE || !related)
        return 0;
    if (related_digest(minimal, index, now) < 0)
        return -ENOMEM;
    if (strcmp(related, now) != 0)
        return 0;
    const json_t *status = json_object_get(proof, "exit_status");
    *known = (Proof){.verdict = (Verdict)verdict,
                     .earlier = true,
                     .elsewhere = known->elsewhere,
                     .exit_status = json_is_integer(status) ? (int)json_integer_value(status) : -1,
                     .timed_out = json_is_true(json_object_get(proof, "timed_out")),
                     .output_differs = json_is_true(json_object_get(proof, "output_differs")),
                     .errors_differ = json_is_true(json_object_get(proof, "errors_differ")),
                     .denied = text_of(proof, "denied"),
                     .last_words = text_of(proof, "last_words"),
                     .stands_in = text_of(proof, "stands_in")};
    return 0;
}

/* Another command needs a rule, and its letters were not tried there, TRIED being what was: any may
 * be needed. */
static void suspect_letters(Minimal *minimal, const bool *tried, const bool *needed)
{
    for (size_t i = minimal->units.rules; i < minimal->count; i++)
        minimal->proofs[i].elsewhere |= needed[minimal->units.items[i].whole] && !tried[i];
}

static int read_workload(Minimal *minimal, const json_t *workload, bool own)
{
    const json_t *proofs = json_object_get(workload, "proofs");
    CLEANUP(free_pointer) bool *tried = calloc(minimal->count + 1, sizeof *tried);
    CLEANUP(free_pointer) bool *needed = calloc(minimal->count + 1, sizeof *needed);
    int r = tried && needed ? 0 : -ENOMEM;

    for (size_t i = 0; i < json_array_size(proofs) && r == 0; i++) {
        const json_t *proof = json_array_get(proofs, i);
        const size_t index = unit_of_proof(minimal, proof);
        const int verdict = verdict_from_name(json_string_value(json_object_get(proof, "verdict")));
        if (index == minimal->count)
            continue;
        tried[index] = true;
        needed[index] = verdict == VERDICT_NEEDED;
        if (!own)
            minimal->proofs[index].elsewhere |= needed[index];
        else if (!parsed_flag(minimal->setup.parsed, "again"))
            r = take_over(minimal, proof, index);
    }
    if (r == 0 && !own)
        suspect_letters(minimal, tried, needed);
    return r;
}

static int copy_text(char **text)
{
    *text = *text ? strdup(*text) : NULL;
    return *text ? 0 : -ENOMEM;
}

/* A rule of which a letter is known to be needed is needed: such a one was narrowed since. */
static int settle_wholes(Minimal *minimal)
{
    for (size_t i = minimal->units.rules; i < minimal->count; i++) {
        Proof *whole = &minimal->proofs[minimal->units.items[i].whole];
        Proof copy = minimal->proofs[i];
        if (copy.verdict != VERDICT_NEEDED || whole->verdict != VERDICT_NONE)
            continue;
        copy.elsewhere = whole->elsewhere;
        if ((copy.denied && copy_text(&copy.denied) < 0) ||
            (copy.last_words && copy_text(&copy.last_words) < 0) ||
            (copy.stands_in && copy_text(&copy.stands_in) < 0))
            return -ENOMEM;
        *whole = copy;
    }
    return 0;
}

/* The same command, whatever the files it names hold now and whoever runs it. */
static bool is_same_command(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "command"), json_object_get(b, "command"));
}

int proofs_read(Minimal *minimal, Error *err)
{
    CLEANUP(json_decrefp) json_t *document = load(minimal->proofs_path, err);
    CLEANUP(json_decrefp) json_t *key = document ? workload_key(minimal) : NULL;

    if (!document)
        return err->code;
    if (!key)
        return error_errno(err, ENOMEM, "%s", minimal->proofs_path);
    const json_t *workloads = json_object_get(document, "workloads");
    for (size_t i = 0; i < json_array_size(workloads); i++) {
        const json_t *workload = json_array_get(workloads, i);
        const bool own = is_of_workload(workload, key);
        if (!own && is_same_command(workload, key))
            continue;
        if (read_workload(minimal, workload, own) < 0)
            return error_errno(err, ENOMEM, "%s", minimal->proofs_path);
    }
    if (settle_wholes(minimal) < 0)
        return error_errno(err, ENOMEM, "%s", minimal->proofs_path);
    for (size_t i = 0; i < minimal->count; i++)
        minimal->runs_left -= minimal->proofs[i].earlier && minimal->runs_left > 0;
    return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *text_json(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;

    return json ? json : json_null();
}

json_t *proof_json(const Minimal *minimal, size_t index)
{
    CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
    const Proof *proof = &minimal->proofs[index];
    CLEANUP(buffer_deinit) Buffer whole = BUFFER_INIT;
    const PolicySection section = rule_of(minimal, index)->section;

    if (policy_rule_print(rule_of(minimal, index), &rule) < 0 ||
        policy_rule_print(rule_of(minimal, minimal->units.items[index].whole), &whole) < 0)
        return NULL;
    json_t *json = json_pack("{s:s,s:s,s:s}", "section", policy_section_name(section), "rule",
                             buffer_text(&rule), "verdict", verdict_name(proof->verdict));
    if (!is_rule(minimal, index))
        (void)json_object_set_new(json, "letter_of", json_string(buffer_text(&whole)));
    if (!json || (proof->verdict != VERDICT_NEEDED && proof->verdict != VERDICT_TOLERATED))
        return json;
    (void)json_object_set_new(json, "exit_status",
                              proof->exit_status < 0 ? json_null()
                                                     : json_integer(proof->exit_status));
    (void)json_object_set_new(json, "timed_out", json_boolean(proof->timed_out));
    (void)json_object_set_new(json, "output_differs", json_boolean(proof->output_differs));
    (void)json_object_set_new(json, "errors_differ", json_boolean(proof->errors_differ));
    (void)json_object_set_new(json, "denied", text_json(proof->denied));
    (void)json_object_set_new(json, "last_words", text_json(proof->last_words));
    (void)json_object_set_new(json, "stands_in", text_json(proof->stands_in));
    return json;
}

static json_t *proofs_list(const Minimal *minimal)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < minimal->count; i++) {
        const Verdict verdict = minimal->proofs[i].verdict;
        char related[17];
        if (verdict == VERDICT_NONE || verdict == VERDICT_UNTRIED)
            continue;
        json_t *proof = proof_json(minimal, i);
        if (proof && related_digest(minimal, i, related) == 0)
            (void)json_object_set_new(proof, "related", json_string(related));
        if (json_array_append_new(list, proof) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* This workload: what the key says, and the proofs. */
static json_t *own_workload(const Minimal *minimal, const json_t *key)
{
    json_t *workload = json_copy((json_t *)(uintptr_t)key);
    struct utsname system;

    if (!workload)
        return NULL;
    (void)json_object_set_new(workload, "kernel",
                              uname(&system) == 0 ? json_string(system.release) : json_null());
    (void)json_object_set_new(workload, "expected_status", json_integer(minimal->expected));
    (void)json_object_set_new(workload, "output_compared", json_boolean(minimal->compares_output));
    (void)json_object_set_new(workload, "errors_compared", json_boolean(minimal->compares_errors));
    if (json_object_set_new(workload, "proofs", proofs_list(minimal)) == 0)
        return workload;
    json_decref(workload);
    return NULL;
}

int proofs_write(const Minimal *minimal, Error *err)
{
    CLEANUP(json_decrefp) json_t *document = load(minimal->proofs_path, err);
    CLEANUP(json_decrefp) json_t *key = document ? workload_key(minimal) : NULL;
    CLEANUP(free_pointer) char *text = NULL;

    if (!document)
        return err->code;
    json_t *workloads = json_object_get(document, "workloads");
    json_t *own = key ? own_workload(minimal, key) : NULL;
    size_t at = 0;
    while (own && at < json_array_size(workloads) &&
           !is_same_command(json_array_get(workloads, at), key))
        at++;
    const int r = at < json_array_size(workloads) ? json_array_set_new(workloads, at, own)
                                                  : json_array_append_new(workloads, own);
    text = r == 0 ? json_dumps(document, JSON_INDENT(1)) : NULL;
    if (!text)
        return error_errno(err, ENOMEM, "%s", minimal->proofs_path);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    if (buffer_printf(&out, "%s\n", text) < 0)
        return error_errno(err, ENOMEM, "%s", minimal->proofs_path);
    return write_file_atomic(minimal->proofs_path, buffer_text(&out), out.length, err);
}
