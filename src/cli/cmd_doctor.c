/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle doctor`: what this machine offers, and how to get the rest. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "tracer/backend.h"

#include <errno.h>
#include <jansson.h>
#include <unistd.h>

static const char *const state_names[] = {
    [FINDING_OK] = "ok",
    [FINDING_NO] = "no",
    [FINDING_INFO] = "info",
};

static void look_backend(const Backend *backend, Finding *finding)
{
    char features[256] = "";
    Error err = {0};

    if (backend->probe(&err) < 0) {
        finding_set(finding, FINDING_NO, "%s", err.text);
        return;
    }
    backend->features(features, sizeof features);
    finding_set(finding, FINDING_OK, "%s%s%s%s", backend->summary, *features ? " (" : "", features,
                *features ? ")" : "");
}

/* ---- for people --------------------------------------------------------------------------------
 */

static void print_text(void *data, const char *group, const char *name, const Finding *finding)
{
    static const Colour colours[] = {
        [FINDING_OK] = COLOUR_GREEN,
        [FINDING_NO] = COLOUR_RED,
        [FINDING_INFO] = COLOUR_DIM,
    };
    const char **last_group = data;
    const char *state = finding->state == FINDING_INFO ? "-" : state_names[finding->state];

    if (!*last_group || strcmp(*last_group, group) != 0)
        (void)printf("%s%s%s%s\n", *last_group ? "\n" : "", colour(STDOUT_FILENO, COLOUR_BOLD),
                     group, colour(STDOUT_FILENO, COLOUR_PLAIN));
    *last_group = group;
    (void)printf("  %s%-2s%s  %-16s %s\n", colour(STDOUT_FILENO, colours[finding->state]), state,
                 colour(STDOUT_FILENO, COLOUR_PLAIN), name, finding->found);
    if (*finding->advice)
        (void)printf("%23s%s\n", "", finding->advice);
}

/* ---- for programs ------------------------------------------------------------------------------
 */

static void add_json(void *data, const char *group, const char *name, const Finding *finding)
{
    json_t *checks = data;
    json_t *check = json_pack("{s:s, s:s, s:s, s:s}", "group", group, "name", name, "state",
                              state_names[finding->state], "found", finding->found);

    if (check && *finding->advice)
        (void)json_object_set_new(check, "advice", json_string(finding->advice));
    (void)json_array_append_new(checks, check); /* NULL is refused; the count tells */
}

static int print_json(json_t *checks, bool can_record)
{
    json_t *document = json_pack("{s:s, s:b, s:O}", "whittle", "doctor", "can_record",
                                 can_record ? 1 : 0, "checks", checks);
    int r = -ENOMEM;

    if (document && json_dumpf(document, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF)
        r = 0;
    json_decref(document);
    return r;
}

/* ---- all ----------------------------------------------------------------------------------------
 */

typedef void FindingSink(void *data, const char *group, const char *name, const Finding *finding);

/* Gives how many backends work. */
static size_t look_at_all(FindingSink *sink, void *data)
{
    size_t working = 0;

    for (size_t i = 0; backends[i]; i++) {
        Finding finding = {0};

        look_backend(backends[i], &finding);
        working += finding.state == FINDING_OK;
        sink(data, "backends", backends[i]->name, &finding);
    }
    for (const DoctorCheck *check = doctor_checks; check->name; check++) {
        Finding finding = {0};

        check->look(check, &finding);
        sink(data, check->group, check->name, &finding);
    }
    return working;
}

static int run(const Parsed *parsed)
{
    size_t working;

    if (parsed_flag(parsed, "json")) {
        json_t *checks = json_array();
        Error err = {0};
        int r;

        working = look_at_all(add_json, checks);
        r = print_json(checks, working > 0);
        json_decref(checks);
        if (r < 0) {
            error_errno(&err, r, "cannot print");
            return fail(EXIT_USAGE, &err);
        }
    } else {
        const char *group = NULL;

        working = look_at_all(print_text, &group);
        (void)printf("\n%s\n", working
                                   ? "whittle can record on this machine."
                                   : "whittle cannot record on this machine: no backend works.");
    }
    return working ? EXIT_YES : EXIT_MACHINE;
}

static const Option options[] = {
    {"json", 'j', VALUE_NONE, NULL, NULL, "print one JSON document"},
    {0},
};

const Command command_doctor = {
    .name = "doctor",
    .summary = "Tell what this machine offers, and how to get the rest",
    .usage = "[--json]",
    .options = options,
    .details = "Looks for the ways to record (backends), the kernel's security modules, what "
               "decides which "
               "processes may be traced, container engines and the AppArmor compiler. Nothing is "
               "changed.\n\n"
               "The exit status is 0 if at least one backend works here and 3 if none does.",
    .arguments = VALUE_NONE,
    .arguments_max = 0,
    .run = run,
};
