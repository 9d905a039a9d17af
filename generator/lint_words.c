/* SPDX-License-Identifier: Apache-2.0 */
/* Words that the reader of policies takes though they mean nothing. */
#include "base/memory.h"
#include "base/nearest.h"
#include "generator/apparmor_text.h"
#include "generator/lint_private.h"

#include <ctype.h>
#include <errno.h>

enum { WORDS_MAX = 64 };

/* The words of KIND, and of OTHERS (NULL allowed), ended by NULL. */
static void words_of(const char *kind, const char *const *others, const char **ret_words)
{
    size_t count = 0;

    for (size_t i = 0; i < rule_words_count && count < WORDS_MAX; i++) {
        if (strcmp(rule_words[i].kind, kind) == 0)
            ret_words[count++] = rule_words[i].word;
    }
    for (; others && *others && count < WORDS_MAX; others++)
        ret_words[count++] = *others;
    ret_words[count] = NULL;
}

static bool is_number(const char *word)
{
    return isdigit((unsigned char)*word) && strspn(word, "0123456789") == strlen(word);
}

/* Tells of WORD, if it is none of WORDS. */
static int tell_word(Lint *lint, const LintRule *entry, const char *word, const char *what,
                     const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return 0;
    }
    const char *meant = nearest_word(word, words);
    return lint_tell(lint, entry, "there is no %s \"%s\"%s%s%s", what, word,
                     meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
}

static int check_word(Lint *lint, const LintRule *entry, const char *word, const char *what,
                      const char *kind)
{
    const char *words[WORDS_MAX + 1];

    if (!word)
        return 0;
    words_of(kind, NULL, words);
    return tell_word(lint, entry, word, what, words);
}

static int check_network(Lint *lint, const LintRule *entry)
{
    int r = is_number(entry->rule->name)
                ? 0
                : tell_word(lint, entry, entry->rule->name, "network family", apparmor_families());
    if (r == 0 && entry->rule->type && !is_number(entry->rule->type))
        r = check_word(lint, entry, entry->rule->type, "socket type", "socket_type");
    return r;
}

static int check_unix(Lint *lint, const LintRule *entry)
{
    const int r = check_word(lint, entry, entry->rule->name, "operation", "unix");

    return r < 0 ? r : check_word(lint, entry, entry->rule->type, "unix socket type", "unix_type");
}

/* Names that a person may have meant. */
static const char *const signals[] = {
    "SIGABRT", "SIGALRM", "SIGBUS",    "SIGCHLD",  "SIGCONT", "SIGFPE",  "SIGHUP",  "SIGILL",
    "SIGINT",  "SIGIO",   "SIGKILL",   "SIGPIPE",  "SIGPROF", "SIGPWR",  "SIGQUIT", "SIGSEGV",
    "SIGSTOP", "SIGSYS",  "SIGTERM",   "SIGTRAP",  "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ", "exists",  NULL,
};

static int check_signal(Lint *lint, const LintRule *entry)
{
    const char *name = entry->rule->name;
    char text[32];
    int r = 0;

    if (strcmp(name, POLICY_ANY_SIGNAL) != 0 && !apparmor_signal(name, text, sizeof text) &&
        (strncmp(name, "SIG_", 4) != 0 || !is_number(name + 4)))
        r = tell_word(lint, entry, name, "signal", signals);
    return r < 0 ? r : check_word(lint, entry, entry->rule->target, "relation", "target");
}

static int check_ptrace(Lint *lint, const LintRule *entry)
{
    const int r = check_word(lint, entry, entry->rule->name, "operation", "ptrace");

    return r < 0 ? r : check_word(lint, entry, entry->rule->target, "relation", "target");
}

static int check_mount(Lint *lint, const LintRule *entry)
{
    return check_word(lint, entry, entry->rule->name, "operation", "mount");
}

static int (*const checkers[POLICY_SECTION_COUNT])(Lint *, const LintRule *) = {
    [POLICY_NETWORK] = check_network, [POLICY_UNIX] = check_unix,
    [POLICY_SIGNALS] = check_signal,  [POLICY_PTRACE] = check_ptrace,
    [POLICY_MOUNTS] = check_mount,
};

int lint_word(Lint *lint)
{
    for (PolicySection section = 0; section < POLICY_SECTION_COUNT; section++) {
        if (!checkers[section])
            continue;
        for (LintRule *entry = lint_begin(lint, section); entry < lint_end(lint, section);
             entry++) {
            const int r = checkers[section](lint, entry);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int lint_runtime(Lint *lint)
{
    const char *known[WORDS_MAX + 1];
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < runtime_calls_count && count < WORDS_MAX; i++) {
        if (count == 0 || strcmp(known[count - 1], runtime_calls[i].runtime) != 0)
            known[count++] = runtime_calls[i].runtime;
    }
    known[count] = NULL;
    for (size_t i = 0; i < policy_runtimes_count(lint->policy) && r == 0; i++) {
        const char *name = policy_runtime(lint->policy, i);
        const char *meant = nearest_word(name, known);
        if (!runtime_is_known(name))
            r = lint_tell_key(
                lint, "runtimes", "there are no measurements of the runtime \"%s\"%s%s%s", name,
                meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
    }
    return r;
}
