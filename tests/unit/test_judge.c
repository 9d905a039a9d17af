/* SPDX-License-Identifier: Apache-2.0 */
/* generator/judge: what is outside a policy, and what is not. */
#include "generator/judge.h"

#include "base/memory.h"
#include "infer_maker.h"
#include "policy_maker.h"
#include "suite.h"

#include <errno.h>
#include <sys/socket.h>

/* WANTED: "RULE\n" for each, those that the policy denies with "!" before. */
static void check_findings(Recording *recording, const char *text, uint32_t sections,
                           const char *wanted)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of(text);
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    Error err = {0};

    const int r = judge(recording, policy, sections, &findings, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    for (size_t i = 0; i < findings.count; i++) {
        ck_assert_uint_gt(findings.items[i].facts_count, 0);
        (void)buffer_printf(&got, "%s%s\n", findings.items[i].denied ? "!" : "",
                            findings.items[i].rule);
    }
    ck_assert_str_eq(buffer_text(&got), wanted);
}

/* ---- files ---------------------------------------------------------------------------------- */

static const struct {
    const char *rules; /* a YAML list */
    const char *path;
    uint32_t access;
    const char *wanted;
} files[] = {
    {"files: [/a r]", "/a", ACCESS_READ, ""},
    {"files: [/a r]", "/a", ACCESS_READ | ACCESS_WRITE, "/a w\n"},
    {"files: [/a r]", "/b", ACCESS_READ, "/b r\n"},
    {"files: [/a r]", "/b", ACCESS_STAT, ""},
    {"files: [\"/proc/@{pid}/stat r\"]", "/proc/self/stat", ACCESS_READ, ""},
    {"files: [\"/proc/@{pid}/stat r\"]", "/proc/self/maps", ACCESS_READ, "/proc/@{pid}/maps r\n"},
    {"files: [/d/** rw]", "/d/e/f", ACCESS_READ | ACCESS_WRITE, ""},
    {"files: [/d/* rw]", "/d/e/f", ACCESS_READ, "/d/e/f r\n"},
    {"files: [/a w]", "/a", ACCESS_APPEND, ""},
    {"files: [/a a]", "/a", ACCESS_WRITE, "/a w\n"},
    {"files: [/d/** rw, {rule: /d/secret r, deny: true}]", "/d/secret", ACCESS_READ,
     "/d/secret r\n"},
    {"files: [owner /a r]", "/a", ACCESS_READ, "/a r\n"},
    /* a file without a name, by any number */
    {"files: ['/tmp/#[0-9]* rw']", "/tmp/#[inode]", ACCESS_READ | ACCESS_WRITE, ""},
    {"files: [/tmp/a rw]", "/tmp/#[inode]", ACCESS_READ, "/tmp/#[0-9]* r\n"},
    {"files: ['/tmp/#[0-9]* rw']", "/tmp/#[inode]x", ACCESS_READ, "/tmp/#\\[inode\\]x r\n"},
};

START_TEST(test_files)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    add_file(recording, files[_i].path, files[_i].access, 0, "regular");
    ck_assert_int_eq(buffer_printf(&text, "%s\n", files[_i].rules), 0);
    check_findings(recording, buffer_text(&text), JUDGED_SECTIONS, files[_i].wanted);
    check_findings(recording, buffer_text(&text), JUDGED_SECTIONS & ~(1u << POLICY_FILES), "");
}
END_TEST

/* What is proposed: for a file of a set the set, and what generate makes of a made-up name. */
static const struct {
    const char *rules;
    const char *path;
    uint32_t access;
    const char *proposal; /* NULL: the finding's own rule */
} proposals[] = {
    {"files: [/a r]", "/b", ACCESS_READ, NULL},
    {"files: [/a r]", "/usr/lib/locale/C.utf8/LC_TIME", ACCESS_READ, "/usr/lib/locale/** r"},
    {"files: [/a r]", "/usr/lib/locale/C.utf8/LC_TIME", ACCESS_WRITE, NULL},
    {"files: [/a r]", "/usr/lib/locale/C.utf8/LC_TIME", ACCESS_READ | ACCESS_MMAP_EXEC, NULL},
    {"files: [/a r]", "/sys/devices/system/cpu/cpu3/online", ACCESS_READ,
     "/sys/devices/system/cpu/cpu[0-9]*/** r"},
    /* who wrote that decides about each of them */
    {"files: [/usr/lib/locale/C.utf8/LC_NAME r]", "/usr/lib/locale/C.utf8/LC_TIME", ACCESS_READ,
     NULL},
    {"files: ['/usr/lib/locale/en_*/** r']", "/usr/lib/locale/C.utf8/LC_TIME", ACCESS_READ, NULL},
    {"files: [{rule: /usr/lib/locale/de/x r, deny: true}]", "/usr/lib/locale/C.utf8/LC_TIME",
     ACCESS_READ, NULL},
    {"files: [/a r]", "/tmp/x.aB3dE9", ACCESS_CREATE | ACCESS_WRITE, "/tmp/x.?????? w"},
    {"files: ['/tmp/x.?????? w']", "/tmp/x.aB3dE9", ACCESS_CREATE | ACCESS_WRITE | ACCESS_READ,
     "/tmp/x.?????? r"},
};

START_TEST(test_proposals)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    add_file(recording, proposals[_i].path, proposals[_i].access, 0, "regular");
    ck_assert_int_eq(buffer_printf(&text, "%s\n", proposals[_i].rules), 0);
    CLEANUP(policy_cleanup) Policy *policy = policy_of(buffer_text(&text));
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(judge(recording, policy, JUDGED_SECTIONS, &findings, &err), 0);
    ck_assert_int_eq(findings_propose(&findings, recording, policy, &err), 0);
    ck_assert_uint_eq(findings.count, 1);
    const Finding *finding = &findings.items[0];
    ck_assert_pstr_eq(finding->proposal, proposals[_i].proposal);
    ck_assert_int_eq(finding->grant != NULL, finding->proposal != NULL);
}
END_TEST

/* ---- system calls --------------------------------------------------------------------------- */

static const struct {
    const char *rules;
    const char *name;
    unsigned present;
    uint64_t a0, a1;
    const char *wanted;
} calls[] = {
    {"syscalls: [getpid]", "getpid", 0, 0, 0, ""},
    {"syscalls: [getpid]", "getppid", 0, 0, 0, "getppid\n"},
    {"syscalls: [socket]", "socket", 3, AF_INET, SOCK_STREAM, ""},
    {"syscalls: [socket 0=AF_UNIX]", "socket", 3, AF_INET, SOCK_STREAM,
     "socket 0=AF_INET 1=SOCK_STREAM\n"},
    {"syscalls: [socket 0=AF_UNIX, socket 0=AF_INET]", "socket", 3, AF_INET, SOCK_STREAM, ""},
    {"syscalls: [socket 0=AF_INET 1=SOCK_DGRAM]", "socket", 3, AF_INET, SOCK_STREAM,
     "socket 0=AF_INET 1=SOCK_STREAM\n"},
    {"syscalls: [{rule: ptrace, deny: EPERM}]", "ptrace", 0, 0, 0, "!ptrace\n"},
    /* clone3 is answered so that clone is called */
    {"syscalls: [clone, {rule: clone3, deny: ENOSYS}]", "clone3", 1, 0, 0, ""},
    {"syscalls: [{rule: clone3, deny: ENOSYS}]", "clone3", 1, 0, 0, "!clone 0=0\n"},
};

START_TEST(test_calls)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    add_call(recording, calls[_i].name, "x86_64", calls[_i].present, calls[_i].a0, calls[_i].a1, 0);
    ck_assert_int_eq(buffer_printf(&text, "%s\n", calls[_i].rules), 0);
    check_findings(recording, buffer_text(&text), JUDGED_SECTIONS, calls[_i].wanted);
}
END_TEST

START_TEST(test_foreign_architecture)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();

    add_call(recording, "open", "i386", 0, 0, 0, 0);
    check_findings(recording, "syscalls: [open]\n", JUDGED_SECTIONS, "open of i386\n");
}
END_TEST

/* ---- all else ------------------------------------------------------------------------------- */

static const struct {
    const char *rules;
    const char *capability;
    const char *syscall;
    const char *wanted;
} capabilities[] = {
    {"capabilities: [CAP_CHOWN]", "CAP_CHOWN", "chown", ""},
    {"capabilities: [CAP_CHOWN]", "CAP_FOWNER", "chmod", "CAP_FOWNER\n"},
    {"capabilities: [CAP_DAC_OVERRIDE]", "CAP_DAC_READ_SEARCH", "open", ""},
    {"capabilities: [CAP_DAC_OVERRIDE]", "CAP_DAC_READ_SEARCH", "open_by_handle_at",
     "CAP_DAC_READ_SEARCH\n"},
};

START_TEST(test_capabilities)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Fact fact = {.kind = FACT_CAPABILITY, .phase = PHASE_RUN, .name = capabilities[_i].capability};

    fact_set_text(&fact, FIELD_SYSCALL, capabilities[_i].syscall);
    add_fact(recording, fact, RESULT_OK);
    ck_assert_int_eq(buffer_printf(&text, "%s\n", capabilities[_i].rules), 0);
    check_findings(recording, buffer_text(&text), JUDGED_SECTIONS, capabilities[_i].wanted);
}
END_TEST

static const struct {
    const char *rules;
    FactKind kind;
    const char *name;
    const char *type;   /* of the socket */
    const char *target; /* or address */
    const char *wanted;
} others[] = {
    {"network: [inet]", FACT_NETWORK, "bind", "stream", NULL, ""},
    {"network: [inet dgram]", FACT_NETWORK, "bind", "stream", NULL, "inet stream\n"},
    {"unix: [connect stream /run/*.sock]", FACT_UNIX, "connect", "stream", "/run/a.sock", ""},
    {"unix: [connect stream /run/*.sock]", FACT_UNIX, "connect", "stream", "/run/a/b.sock",
     "connect stream /run/a/b.sock\n"},
    {"signals: [SIGTERM child]", FACT_SIGNAL, "SIGTERM", NULL, "child", ""},
    {"signals: [SIGTERM child]", FACT_SIGNAL, "SIGTERM", NULL, "other", "SIGTERM other\n"},
    {"signals: [SIGTERM]", FACT_SIGNAL, "SIGTERM", NULL, "other", ""},
    {"signals: [any]", FACT_SIGNAL, "SIGTERM", NULL, "other", ""},
    {"signals: [any child]", FACT_SIGNAL, "SIGTERM", NULL, "child", ""},
    {"signals: [any child]", FACT_SIGNAL, "SIGTERM", NULL, "other", "SIGTERM other\n"},
    {"signals: [any, {rule: SIGTERM, deny: true}]", FACT_SIGNAL, "SIGTERM", NULL, "self",
     "!SIGTERM self\n"},
};

START_TEST(test_others)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Fact fact = {.kind = others[_i].kind, .phase = PHASE_RUN, .name = others[_i].name};

    if (fact.kind == FACT_NETWORK)
        fact_set_text(&fact, FIELD_FAMILY, "inet");
    if (others[_i].type)
        fact_set_text(&fact, FIELD_SOCKET_TYPE, others[_i].type);
    if (others[_i].target)
        fact_set_text(&fact, fact.kind == FACT_UNIX ? FIELD_ADDRESS : FIELD_TARGET,
                      others[_i].target);
    add_fact(recording, fact, RESULT_OK);
    ck_assert_int_eq(buffer_printf(&text, "%s\n", others[_i].rules), 0);
    check_findings(recording, buffer_text(&text), JUDGED_SECTIONS, others[_i].wanted);
}
END_TEST

/* What was inferred from a recording allows it. */
START_TEST(test_own_policy)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Error err = {0};

    add_file(recording, "/etc/a b", ACCESS_READ, 0, "regular");
    add_file(recording, "/tmp", ACCESS_READ, 0, "directory");
    add_file(recording, "/tmp/x", ACCESS_WRITE | ACCESS_CREATE, 1, "regular");
    add_call(recording, "clone3", "x86_64", 1, 0, 0, 0);
    add_call(recording, "socket", "x86_64", 7, AF_INET, SOCK_STREAM, 6);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    ck_assert_int_eq(judge(recording, policy, JUDGED_SECTIONS, &findings, &err), 0);
    ck_assert_uint_eq(findings.count, 0);
}
END_TEST

/* clone3() is answered by its rule, and then clone() is refused by none: that is missing. */
START_TEST(test_clone_instead)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();

    add_call(recording, "clone3", "x86_64", 1, 0, 0, 0);
    add_call(recording, "clone", "x86_64", 1, 0, 0, 0);
    check_findings(recording, "syscalls: [{rule: clone3, deny: ENOSYS}]\n", JUDGED_SECTIONS,
                   "clone 0=0\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge");

    suite_add(suite, "clone instead", test_clone_instead, 1);
    suite_add(suite, "files", test_files, ARRAY_LENGTH(files));
    suite_add(suite, "proposals", test_proposals, ARRAY_LENGTH(proposals));
    suite_add(suite, "calls", test_calls, ARRAY_LENGTH(calls));
    suite_add(suite, "foreign architecture", test_foreign_architecture, 1);
    suite_add(suite, "capabilities", test_capabilities, ARRAY_LENGTH(capabilities));
    suite_add(suite, "others", test_others, ARRAY_LENGTH(others));
    suite_add(suite, "own policy", test_own_policy, 1);
    return suite_run(suite);
}
