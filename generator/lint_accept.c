/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "# lint: accept W101 W302: REASON" behind a rule, or on lines of its own right above it, accepts
 * what is found there. Comments are those of YAML (model/policy_comments.h).
 */
#include "base/memory.h"
#include "generator/lint_private.h"
#include "model/policy_comments.h"

#include <errno.h>

enum { CODES_MAX = 16, CODE_MAX = 32 };

static const char prefix[] = "lint:";
static const char verb[] = "accept";

/* What a comment says. */
typedef struct Acceptance {
    const PolicyComment *comment;
    const LintCode *codes[CODES_MAX];
    bool used[CODES_MAX];
    size_t count;
    const char *reason;
    size_t line; /* what it is about stands there */
} Acceptance;

typedef struct Acceptances {
    Acceptance *items;
    size_t count;
} Acceptances;

static void acceptances_deinit(Acceptances *acceptances)
{
    free(acceptances->items);
}

static bool is_acceptance(const PolicyComment *comment)
{
    return strncmp(comment->text, prefix, strlen(prefix)) == 0;
}

static int tell(Lint *lint, const char *code, const PolicyComment *comment, const char *format,
                const char *detail)
{
    lint->code = lint_code(code);
    if (!lint->code)
        return -EINVAL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return lint_tell_line(lint, comment->line, comment->column, format, detail);
#pragma GCC diagnostic pop
}

/* One word behind "accept". 0, -ENOMEM, or 1 if it was no code. */
static int take_code(Lint *lint, Acceptance *acceptance, const char *word, size_t length)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    char name[CODE_MAX] = "";

    memcpy(name, word, length < CODE_MAX ? length : CODE_MAX - 1);
    const LintCode *code = lint_code(name);
    if (code && acceptance->count < CODES_MAX) {
        acceptance->codes[acceptance->count++] = code;
        return 0;
    }
    const char *meant = lint_code_nearest(name);
    (void)buffer_printf(&text, "there is no finding \"%s\"%s%s%s", name,
                        meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
    return text.error ? text.error
                      : tell(lint, "W903", acceptance->comment, "%s", buffer_text(&text));
}

/* Takes the comment apart, or tells what is wrong with it. */
static int parse(Lint *lint, Acceptance *acceptance)
{
    const char *at = acceptance->comment->text + strlen(prefix);
    int r = 0;

    at += strspn(at, " \t");
    if (strncmp(at, verb, strlen(verb)) != 0 || !strchr(" \t", at[strlen(verb)]))
        return tell(lint, "W902", acceptance->comment, "%s",
                    "behind \"lint:\" comes \"accept CODE: REASON\"");
    at += strlen(verb);
    at += strspn(at, " \t,");
    for (size_t length; r == 0 && (length = strcspn(at, " \t,:")) > 0; at += strspn(at, " \t,")) {
        r = take_code(lint, acceptance, at, length);
        at += length;
    }
    if (r < 0)
        return r;
    at += *at == ':';
    at += strspn(at, " \t");
    acceptance->reason = at;
    if (*at)
        return 0;
    acceptance->count = 0;
    return tell(lint, "W902", acceptance->comment, "%s",
                "no reason is given: write it behind the codes and a colon");
}

/* A comment on a line of its own is about the next line that has something else. */
static void find_lines(Acceptances *acceptances)
{
    for (size_t i = acceptances->count; i-- > 0;) {
        Acceptance *acceptance = &acceptances->items[i];
        const size_t line = acceptance->comment->line;
        const Acceptance *next = i + 1 < acceptances->count ? acceptance + 1 : NULL;
        acceptance->line = line;
        if (!acceptance->comment->alone)
            continue;
        acceptance->line =
            next && next->comment->alone && next->comment->line == line + 1 ? next->line : line + 1;
    }
}

/* Marks what ACCEPTANCE accepts. */
static int apply(Lint *lint, Acceptance *acceptance)
{
    for (size_t i = 0; i < lint->report->count; i++) {
        LintFinding *finding = &lint->report->items[i];
        if (!lint_may_pair(lint))
            break;
        if (acceptance->line < finding->line || acceptance->line > finding->last_line)
            continue;
        for (size_t k = 0; k < acceptance->count; k++) {
            if (acceptance->codes[k] != finding->code)
                continue;
            acceptance->used[k] = true;
            if (!finding->accepted && !(finding->accepted = strdup(acceptance->reason)))
                return -ENOMEM;
        }
    }
    return 0;
}

static int tell_unused(Lint *lint, const Acceptance *acceptance)
{
    for (size_t i = 0; i < acceptance->count; i++) {
        const int r = acceptance->used[i] ? 0
                                          : tell(lint, "W901", acceptance->comment,
                                                 "there is no %s here that could be accepted",
                                                 acceptance->codes[i]->code);
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_accept(Lint *lint)
{
    CLEANUP(policy_comments_deinit) PolicyComments comments = {0};
    CLEANUP(acceptances_deinit) Acceptances acceptances = {0};
    int r = policy_comments_find(lint->text, prefix, &comments);

    acceptances.items = calloc(comments.count + 1, sizeof *acceptances.items);
    if (r < 0 || !acceptances.items)
        return -ENOMEM;
    for (size_t i = 0; i < comments.count && r == 0; i++) {
        if (!is_acceptance(&comments.items[i]))
            continue;
        Acceptance *acceptance = &acceptances.items[acceptances.count++];
        acceptance->comment = &comments.items[i];
        r = parse(lint, acceptance);
    }
    find_lines(&acceptances);
    lint->pairs_left = LINT_PAIRS_MAX;
    for (size_t i = 0; i < acceptances.count && r == 0; i++)
        r = apply(lint, &acceptances.items[i]);
    for (size_t i = 0; i < acceptances.count && r == 0; i++)
        r = tell_unused(lint, &acceptances.items[i]);
    return r;
}
