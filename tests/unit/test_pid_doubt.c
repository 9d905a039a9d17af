/* SPDX-License-Identifier: Apache-2.0 */
/* generator/pid_doubt: signals to many that a refused call may have caused are not proposed. */
#include "generator/pid_doubt.h"

#include "base/memory.h"
#include "generator/findings_report.h"
#include "infer_maker.h"
#include "policy_maker.h"
#include "suite.h"

#include <errno.h>

static void add_signal(Recording *recording, const char *target, const char *subject,
                       const char *parent)
{
    Fact fact = {.kind = FACT_SIGNAL, .name = "SIGTERM", .phase = PHASE_RUN, .subject = subject};

    fact_set_text(&fact, FIELD_TARGET, target);
    fact.first.ancestry[fact.first.depth++] = subject;
    if (parent)
        fact.first.ancestry[fact.first.depth++] = parent;
    results_add(&fact.results, RESULT_OK);
    ck_assert_int_ge(recording_add(recording, &fact, 0, 1, NULL, &(StoredFact *){NULL}), 0);
}

static const struct {
    const char *name;
    const char *call; /* of /bin/x */
    bool refused;
    bool intended; /* a rule of the policy denies the call */
    const char *target, *subject, *parent;
    const char *second; /* sends the same; NULL: nobody */
    const char *wanted; /* the proposal */
} rows[] = {
    {"all", "getpid", true, false, "all", "/bin/x", NULL, NULL, "syscalls:\n  - getpid\n"},
    {"a group", "getpid", true, false, "group", "/bin/x", NULL, NULL, "syscalls:\n  - getpid\n"},
    {"a child's number", "vfork", true, false, "all", "/bin/x", NULL, NULL,
     "syscalls:\n  - vfork\n"},
    {"sent by a child", "getpid", true, false, "all", "/bin/kill", "/bin/x", NULL,
     "syscalls:\n  - getpid\n"},
    {"denied", "getpid", true, true, "all", "/bin/x", NULL, NULL, ""},
    {"one process", "getpid", true, false, "child", "/bin/x", NULL, NULL,
     "syscalls:\n  - getpid\nsignals:\n  - SIGTERM child\n"},
    {"not refused", "getpid", false, false, "all", "/bin/x", NULL, NULL,
     "syscalls:\n  - getpid\nsignals:\n  - SIGTERM all\n"},
    {"no pid", "getuid", true, false, "all", "/bin/x", NULL, NULL,
     "syscalls:\n  - getuid\nsignals:\n  - SIGTERM all\n"},
    {"another program", "getpid", true, false, "all", "/bin/y", NULL, NULL,
     "syscalls:\n  - getpid\nsignals:\n  - SIGTERM all\n"},
    {"another program as well", "getpid", true, false, "all", "/bin/x", NULL, "/bin/y",
     "syscalls:\n  - getpid\nsignals:\n  - SIGTERM all\n"},
};

/* The one of SECTION among FINDINGS. */
static Finding *of_section(Findings *findings, PolicySection section)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].section == section)
            return &findings->items[i];
    }
    ck_abort_msg("no finding");
}

START_TEST(test_proposal)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(policy_cleanup) Policy *policy = policy_of("files: [/a r]\n");
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer doubt = BUFFER_INIT;

    add_call(recording, rows[_i].call, "x86_64", 0, 0, 0, 0);
    add_signal(recording, rows[_i].target, rows[_i].subject, rows[_i].parent);
    if (rows[_i].second)
        add_signal(recording, rows[_i].target, rows[_i].second, NULL);
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(judge(recording, policy, JUDGED_SECTIONS, &findings, NULL), 0);
    Finding *call = of_section(&findings, POLICY_SYSCALLS);
    call->refused = rows[_i].refused;
    call->denied = rows[_i].intended;
    of_section(&findings, POLICY_SIGNALS)->refused = true;
    pid_doubt_mark(&findings, &findings, recording);
    ck_assert_int_eq(findings_as_policy(&findings, &rules), 0);
    ck_assert_msg(strcmp(buffer_text(&rules), rows[_i].wanted) == 0, "%s: %s", rows[_i].name,
                  buffer_text(&rules));
    ck_assert_int_eq(finding_doubt(of_section(&findings, POLICY_SIGNALS), &doubt), 0);
    const bool proposed = strstr(rows[_i].wanted, "SIGTERM") != NULL;
    ck_assert_int_eq(strstr(buffer_text(&doubt), rows[_i].call) == NULL, proposed);
}
END_TEST

/* What /bin/x, and then SUBJECT, wrote when its signal was refused. */
static const struct {
    const char *call, *subject;
    uint64_t request; /* of the refused call */
    const char *refused;
    bool signal_refused;
    const char *wanted;
} messages[] = {
    {"write", "/bin/x", 0, "getpid", true, "syscalls:\n  - getpid\n"},
    {"writev", "/bin/x", 0, "getpid", true, "syscalls:\n  - getpid\n"},
    {"write", "/bin/x", 0, "getpid", false, "syscalls:\n  - getpid\n  - write\n"},
    {"read", "/bin/x", 0, "getpid", true, "syscalls:\n  - getpid\n  - read\n"},
    {"write", "/bin/y", 0, "getpid", true, "syscalls:\n  - getpid\n  - write\n"},
    {"write", "/bin/x", 0x540f, "ioctl", true, "syscalls:\n  - ioctl 1=TIOCGPGRP\n"},
    {"write", "/bin/x", 0x5401, "ioctl", true,
     "syscalls:\n  - ioctl 1=TCGETS\n  - write\nsignals:\n  - SIGTERM all\n"},
    {"write", "/bin/x", 9, "fcntl", true,
     "syscalls:\n  - fcntl\n"}, /* no condition is made of its command */
};

START_TEST(test_message)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(policy_cleanup) Policy *policy = policy_of("files: [/a r]\n");
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    Fact call = {.kind = FACT_SYSCALL, .name = messages[_i].call, .phase = PHASE_RUN};

    add_call(recording, messages[_i].refused, "x86_64", messages[_i].request ? 2 : 0, 0,
             messages[_i].request, 0);
    add_signal(recording, "all", "/bin/x", NULL);
    call.subject = messages[_i].subject;
    fact_set_text(&call, FIELD_ARCH, "x86_64");
    call.first.ancestry[call.first.depth++] = call.subject;
    results_add(&call.results, RESULT_OK);
    ck_assert_int_ge(recording_add(recording, &call, 0, 1, NULL, &(StoredFact *){NULL}), 0);
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(judge(recording, policy, JUDGED_SECTIONS, &findings, NULL), 0);
    for (size_t i = 0; i < findings.count; i++)
        findings.items[i].refused =
            findings.items[i].section == POLICY_SIGNALS ? messages[_i].signal_refused : true;
    pid_doubt_mark(&findings, &findings, recording);
    ck_assert_int_eq(findings_as_policy(&findings, &rules), 0);
    ck_assert_str_eq(buffer_text(&rules), messages[_i].wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pid_doubt");

    suite_add(suite, "proposal", test_proposal, ARRAY_LENGTH(rows));
    suite_add(suite, "message", test_message, ARRAY_LENGTH(messages));
    return suite_run(suite);
}
