/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle mark LABEL`: tells the recorder that facts from now on belong to LABEL. */
#include "cli/command.h"
#include "model/mark.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* Bytes that are no UTF-8 are let through: the recorder escapes them. */
static const char *label_fault(const char *label)
{
    if (!*label)
        return "is empty";
    if (strlen(label) > MARK_LABEL_MAX)
        return "is longer than 255 bytes";
    for (const char *p = label; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return "contains a control character";
    return NULL;
}

static void expect_acknowledgement(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, MARK_SIGNAL);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* The eBPF recorder cannot answer the call, but by a signal (model/mark.h). */
static bool is_acknowledged(void)
{
    /* It is there already; a real-time kernel may take a moment. */
    const struct timespec moment = {.tv_nsec = 20000000};
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, MARK_SIGNAL);
    return sigtimedwait(&signals, NULL, &moment) == MARK_SIGNAL;
}

static int run(const Parsed *parsed)
{
    const char *label = parsed->arguments[0];
    const char *fault = label_fault(label);

    if (fault)
        return usage_error(parsed->command, "the label %s", fault);
    expect_acknowledgement();
    if (prctl(MARK_PRCTL_OPTION, label, strlen(label), 0, 0) == 0)
        return EXIT_YES;
    const int code = errno;
    if (code == EINVAL && is_acknowledged())
        return EXIT_YES;
    if (code == EINVAL)
        message("nobody is recording this process, so there is nothing to mark; "
                "run it below: whittle record -- COMMAND");
    else
        message("cannot reach the recorder: %s", strerror(code));
    return EXIT_MACHINE;
}

static const Option options[] = {{0}};

const Command command_mark = {
    .name = "mark",
    .summary = "Name what a recorded run does from here on, for instance after a test",
    .usage = "LABEL",
    .options = options,
    .details =
        "Called from inside a recorded run. Facts seen from now on, in any process of the run, "
        "carry "
        "LABEL, until the next mark; `whittle show` lists the labels, and with --json those of "
        "each fact. A label is 1 to "
        "255 "
        "bytes of text.\n\n"
        "The exit status is 0 if the recorder took the label and 3 if nobody is recording.\n\n"
        "Example, in a test script:\n"
        "  whittle mark \"test upload\" && curl -T file http://localhost/",
    .arguments = VALUE_TEXT,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
