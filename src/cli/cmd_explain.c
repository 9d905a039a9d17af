/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle explain FILE WHAT`: who needed something, and what in the policy depends on it. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/explain.h"
#include "model/tables.h"

#include <unistd.h>

#define FILE_MAX ((size_t)4 * 1024 * 1024)

static int read_input(const Parsed *parsed, ExplainInput *input, Error *err)
{
    const char *path;
    int r = explain_input_add(input, parsed->arguments[0], err);

    for (size_t i = 0; r == 0 && (path = parsed_nth(parsed, "recording", i)) != NULL; i++)
        r = explain_input_add_recording(input, path, err);
    return r == 0 ? explain_input_finish(input, err) : r;
}

/* Line NUMBER of TEXT, without blanks around it. */
static char *line_of(char *text, long number)
{
    char *line = strsep(&text, "\n");

    while (line && --number > 0)
        line = strsep(&text, "\n");
    return line ? line + strspn(line, " \t") : NULL;
}

/*
 * What line of another file of FOLDER than the policy says, where WHAT is "apparmor.profile:28":
 * kept in TEXT. WHAT itself where it is nothing of that kind.
 */
static const char *look_line_up(const char *folder, const char *what, Buffer *text)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const char *colon = strrchr(what, ':');
    const long number = colon ? strtol(colon + 1, NULL, 10) : 0;
    Error unread = {0};

    if (number <= 0 || strspn(colon + 1, "0123456789") != strlen(colon + 1) || what[0] == '/' ||
        memchr(what, '/', (size_t)(colon - what)) ||
        (colon - what > 5 && strncmp(colon - 5, ".yaml", 5) == 0))
        return what;
    (void)buffer_printf(&path, "%s/%.*s", folder, (int)(colon - what), what);
    if (path.error || access(buffer_text(&path), R_OK) < 0 ||
        read_file(buffer_text(&path), text, FILE_MAX, &unread) < 0 || text->length == 0)
        return what;
    const char *line = line_of(text->data, number);
    if (!line || !*line)
        return what;
    message("%s: %s", what, line);
    return line;
}

static void say_nothing_found(const Parsed *parsed, const Explanation *explanation)
{
    const char *nearest = buffer_text(&explanation->nearest);

    message("nothing about \"%s\" in %s", parsed->arguments[1], parsed->arguments[0]);
    if (explanation->kind == EXPLAIN_CALL && syscall_by_name(buffer_text(&explanation->what)))
        message("  %s is a system call that no rule allows and that was not seen",
                buffer_text(&explanation->what));
    for (const char *at = nearest; *at; at += strcspn(at, "\n") + 1)
        message("  did you mean %.*s", (int)strcspn(at, "\n"), at);
}

static int run(const Parsed *parsed)
{
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer looked_up = BUFFER_INIT;
    const char *kind = parsed_value(parsed, "kind", NULL);
    const bool json = parsed_flag(parsed, "json");
    const ExplainStyle style = {
        .all = parsed_flag(parsed, "all"),
        .bold = colour(STDOUT_FILENO, COLOUR_BOLD),
        .dim = colour(STDOUT_FILENO, COLOUR_DIM),
        .plain = colour(STDOUT_FILENO, COLOUR_PLAIN),
    };
    Error err = {0};

    if (read_input(parsed, &input, &err) < 0)
        return fail(EXIT_USAGE, &err);
    const char *what = kind ? parsed->arguments[1]
                            : look_line_up(parsed->arguments[0], parsed->arguments[1], &looked_up);
    const int verdict =
        explain(&input, what, kind ? explain_kind_from_name(kind) : -1, &explanation, &err);
    if (verdict < 0)
        return fail(EXIT_USAGE, &err);
    int r = 0;
    if (json)
        r = explain_print_json(&input, &explanation, parsed->arguments[1], &out);
    else if (verdict == 0)
        r = explain_print_text(&input, &explanation, &style, &out);
    if (r < 0)
        (void)error_errno(&err, r, "cannot explain %s", parsed->arguments[1]);
    if (r == 0)
        r = output_buffer(&out, &err);
    if (r < 0)
        return fail(EXIT_USAGE, &err);
    if (verdict > 0)
        say_nothing_found(parsed, &explanation);
    return verdict > 0 ? EXIT_NO : EXIT_YES;
}

static const Option options[] = {
    {"recording", 'r', VALUE_FILE, "REC", NULL,
     "a recording, or a folder of some, that tells who needed what is in the policy (may be given "
     "several times)"},
    {"kind", 'k', VALUE_WORDS, "KIND",
     "line path glob call capability port network unix signal ptrace mount io_uring rule",
     "what WHAT is, where it could be several things"},
    {"all", 'a', VALUE_NONE, NULL, NULL, "tell of every process and fact, not only the first ones"},
    {"json", 'j', VALUE_NONE, NULL, NULL, "print one JSON document, docs/FORMATS.md"},
    {0},
};

const Command command_explain = {
    .name = "explain",
    .summary = "Say who needed something, and what in the policy depends on it",
    .usage = "[-r REC]… [--kind KIND] [--all] [--json] FILE WHAT",
    .options = options,
    .details =
        "FILE is a policy, a folder of `whittle generate`, a recording, or a folder of recordings. "
        "WHAT is a line of the "
        "policy (policy.yaml:42), a system call (openat), a path (/etc/passwd), a pattern of paths "
        "('/etc/*.conf'), a capability (CAP_CHOWN, net_bind_service), a port (tcp/80, :80), the "
        "name of a signal, a network family, a unix socket's address, the text of a rule "
        "('socket 0=AF_INET'), a line as it stands in policy.yaml, apparmor.profile or "
        "seccomp.json, or a call as strace writes it ('socket(AF_INET, SOCK_STREAM)'). If it could "
        "be several of these, the first that finds something is "
        "taken, which is said; --kind decides.\n\n"
        "The answer has the processes that did it, with their ancestry and command lines, how "
        "often, in how many runs, under which labels (`whittle mark`), with which results, whether "
        "that was observed or inferred, and the rules that depend on it, with their lines and "
        "reasons. Of a rule that no fact needs it says if it is of a start-up set, stands for "
        "another call, or was written by hand. Without a policy, the rules are those that `whittle "
        "generate` would make.\n\n"
        "Exit status: 0 if something was found, 1 if not (the nearest names are told), 2 on wrong "
        "usage or input.\n\n"
        "Examples:\n"
        "  whittle explain nginx.jsonl openat\n"
        "  whittle explain profile policy.yaml:42 --recording nginx.jsonl\n"
        "  whittle explain policy.yaml '/etc/**' -r unit.jsonl -r live.jsonl\n"
        "  whittle explain nginx.jsonl chown --kind capability",
    .arguments = VALUE_FILE,
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run,
};
