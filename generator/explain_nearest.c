/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing was found: what was perhaps meant. */
#include "base/escape.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "generator/explain_private.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

enum { SUGGESTIONS_MAX = 5, WORD_MAX = 4096 };

typedef struct Suggestions {
    Buffer *out;
    size_t count;
} Suggestions;

static void suggest(Suggestions *suggestions, const char *text, const char *suffix)
{
    if (suggestions->count++ >= SUGGESTIONS_MAX)
        return;
    (void)escape_append(suggestions->out, text, strlen(text));
    (void)buffer_printf(suggestions->out, "%s\n", suffix);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Paths seen that are like what was typed. */
typedef struct LikePaths {
    const char *what;
    const char *name; /* its last part */
    size_t folder;    /* the length of what is before that */
    StringSet *names; /* those looked at */
    const char **words;
    size_t words_count;
    bool below;
} LikePaths;

static int like_path(LikePaths *like, const Fact *fact, Suggestions *suggestions)
{
    const size_t before = strset_count(like->names);
    const size_t length = strlen(like->what);
    const char *path = strset_add(like->names, fact->name);

    if (!path)
        return -ENOMEM;
    if (strset_count(like->names) == before)
        return 0;
    like->below |= strncmp(path, like->what, length) == 0 && path[length] == '/';
    if (*like->name && strcmp(last_part(path), like->name) == 0)
        suggest(suggestions, path, "");
    if (like->folder > 0 && like->words_count < WORD_MAX &&
        (size_t)(last_part(path) - path) == like->folder &&
        strncmp(path, like->what, like->folder) == 0)
        like->words[like->words_count++] = path + like->folder;
    return 0;
}

/*
 * What was seen below WHAT, of the same name elsewhere, and in the same folder by a near name.
 * What was there comes first: a command looked for along PATH failed in many folders before.
 */
static int suggest_paths(const Recording *recording, const char *what, Suggestions *suggestions)
{
    CLEANUP(strset_cleanup) StringSet *names = strset_new();
    CLEANUP(free_pointer) const char **words = calloc(WORD_MAX + 1, sizeof *words);
    const char *name = last_part(what);
    LikePaths like = {.what = what,
                      .name = name,
                      .folder = (size_t)(name - what),
                      .names = names,
                      .words = words};
    Fact view;

    if (!names || !words)
        return -ENOMEM;
    for (int failed = 0; failed <= 1; failed++) {
        for (size_t i = 0; i < recording_facts_count(recording); i++) {
            const Fact *fact = recording_fact(recording, i, &view);
            int r = 0;
            if ((fact->kind == FACT_FILE || fact->kind == FACT_EXEC) && fact->name[0] == '/' &&
                results_may_succeed(&fact->results) == !failed)
                r = like_path(&like, fact, suggestions);
            if (r < 0)
                return r;
        }
    }
    if (like.below)
        suggest(suggestions, what, "/**");
    const char *near = nearest_word(name, words);
    if (near)
        suggest(suggestions, near - like.folder, "");
    return 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

static const char *nearest_call(const char *what)
{
    CLEANUP(free_pointer) const char **words = calloc(syscall_count() + 1, sizeof *words);

    for (size_t i = 0; words && i < syscall_count(); i++)
        words[i] = syscall_at(i)->name;
    return words ? nearest_word(what, words) : NULL;
}

static const char *nearest_capability(const char *what)
{
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
    const char *words[65] = {NULL};

    (void)buffer_puts(&name, strncasecmp(what, "CAP_", 4) == 0 ? "" : "CAP_");
    for (const char *c = what; *c; c++)
        (void)buffer_putc(&name, (char)toupper((unsigned char)*c));
    for (size_t i = 0; i < capability_count() && i < ARRAY_LENGTH(words) - 1; i++)
        words[i] = capability_at(i)->name;
    const char *near = nearest_word(buffer_text(&name), words);
    /* The prefix is no likeness. */
    const char *plain = near ? near + strlen("CAP_") : NULL;
    return plain && nearest_word(buffer_text(&name) + strlen("CAP_"),
                                 (const char *const[]){plain, NULL})
               ? near
               : NULL;
}

/* Names of what is neither a path nor a call. */
static int suggest_names(const Recording *recording, const char *what, Suggestions *suggestions)
{
    CLEANUP(strset_cleanup) StringSet *names = strset_new();
    CLEANUP(free_pointer) const char **words = calloc(WORD_MAX + 1, sizeof *words);
    size_t count = 0;
    Fact view;

    if (!names || !words)
        return -ENOMEM;
    for (size_t i = 0; recording && i < recording_facts_count(recording) && count < WORD_MAX; i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        const size_t before = strset_count(names);
        if (fact->kind == FACT_FILE || fact->kind == FACT_EXEC || fact->kind == FACT_SYSCALL ||
            fact->kind == FACT_CAPABILITY || fact->kind == FACT_RESOURCE)
            continue;
        const char *kept = strset_add(names, fact->name);
        if (!kept)
            return -ENOMEM;
        if (strset_count(names) > before)
            words[count++] = kept;
    }
    const char *near = nearest_word(what, words);
    if (near)
        suggest(suggestions, near, "");
    return 0;
}

/* The ports that were seen. */
static int suggest_ports(const Recording *recording, Suggestions *suggestions)
{
    CLEANUP(strset_cleanup) StringSet *names = strset_new();
    Fact view;

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; recording && i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        const size_t before = strset_count(names);
        const char *protocol = fact->kind == FACT_NETWORK ? fact_text(fact, FIELD_PROTOCOL) : NULL;
        char text[64];

        if (!protocol || !fact_has(fact, FIELD_PORT))
            continue;
        (void)snprintf(text, sizeof text, "%.32s/%" PRId64, protocol,
                       fact_number(fact, FIELD_PORT, 0));
        if (!strset_add(names, text))
            return -ENOMEM;
        if (strset_count(names) > before)
            suggest(suggestions, text, "");
    }
    return 0;
}

/* Of the rule about a call that call, whatever it was made with. */
static void suggest_call_of_rule(const Query *query, Suggestions *suggestions)
{
    char name[64] = "";
    const size_t length = strcspn(buffer_text(&query->text), " ");

    if (length >= sizeof name)
        return;
    memcpy(name, buffer_text(&query->text), length);
    if (syscall_by_name(name))
        suggest(suggestions, name, "");
}

/* A number may be that of a line. */
static void suggest_line(const ExplainInput *input, const char *what, Suggestions *suggestions)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
    const int64_t number = explain_number(what, 999999999);
    int64_t lines = 0;

    for (const char *at = buffer_text(&input->policy_bytes); *at; lines++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    if (!input->policy_path || number <= 0 || number > lines ||
        buffer_printf(&line, "%s:%" PRId64, input->policy_path, number) < 0)
        return;
    suggest(suggestions, buffer_text(&line), "");
}

int explain_nearest(const ExplainInput *input, const char *what, const Query *query, Buffer *out)
{
    Suggestions suggestions = {.out = out};
    const bool known = query->kind == EXPLAIN_CALL || query->kind == EXPLAIN_CAPABILITY;
    int r = 0;

    if (query->kind == EXPLAIN_LINE || query->kind == EXPLAIN_GLOB)
        return 0;
    if (query->kind == EXPLAIN_RULE)
        suggest_call_of_rule(query, &suggestions);
    if (query->kind == EXPLAIN_PORT) {
        suggest_line(input, what, &suggestions);
        return suggest_ports(input->recording, &suggestions);
    }
    if (input->recording)
        r = suggest_paths(input->recording,
                          query->kind == EXPLAIN_PATH ? buffer_text(&query->text) : what,
                          &suggestions);
    if (r < 0 || what[0] == '/')
        return r;
    const char *call = known ? NULL : nearest_call(what);
    const char *capability = known ? NULL : nearest_capability(what);
    if (call)
        suggest(&suggestions, call, "");
    if (capability)
        suggest(&suggestions, capability, "");
    r = suggest_names(input->recording, what, &suggestions);
    return r < 0 ? r : out->error;
}
