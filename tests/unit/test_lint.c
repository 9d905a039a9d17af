/* SPDX-License-Identifier: Apache-2.0 */
/* Each finding of `whittle lint`: a policy that has it, at a line, and one nearly the same that has
 * not. */
#include "base/memory.h"
#include "generator/lint.h"
#include "policy_maker.h"
#include "suite.h"

#include <jansson.h>

/* Three lines. */
#define HEAD  "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"
#define CALLS "syscalls: [read, openat, execve]\n"

static LintReport lint(const PolicyText *text)
{
    LintReport report;
    Error err = {0};

    ck_assert_msg(lint_policy(text, &report, &err) == 0, "%s", err.text);
    return report;
}

static const LintFinding *find(const LintReport *report, const char *code)
{
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->items[i].code->code, code) == 0)
            return &report->items[i];
    }
    return NULL;
}

/* FOUND has CODE, first in LINE and with SAYS in its text; MISSED has not. */
static const struct Row {
    const char *code, *found;
    size_t line;
    const char *says, *missed;
} rows[] = {
    {"W101", HEAD "files:\n  - /srv/key r\n  - {rule: /srv/* r, deny: true}\n", 5, "line 6",
     HEAD "files:\n  - /srv/key r\n  - {rule: /srv/*.bak r, deny: true}\n"},
    {"W101", HEAD "files:\n  - /srv/** rw\n  - {rule: /srv/** w, deny: true}\n", 5, "access w",
     HEAD "files:\n  - /srv/** rw\n  - {rule: /srv/x/** w, deny: true}\n"},
    {"W101", HEAD "capabilities: [CAP_CHOWN, {rule: CAP_CHOWN, deny: true}]\n", 4, "CAP_CHOWN",
     HEAD "capabilities: [CAP_CHOWN, {rule: CAP_KILL, deny: true}]\n"},
    {"W101", HEAD "syscalls: [socket 0=AF_INET, {rule: socket, deny: true}]\n", 4, "socket",
     HEAD "syscalls: [socket 0=AF_INET, {rule: socket 0=AF_ALG, deny: true}]\n"},
    {"W101", HEAD "network: [inet stream, {rule: inet, deny: true}]\n", 4, "inet",
     HEAD "network: [inet, {rule: inet raw, deny: true}]\n"},
    {"W102", HEAD "syscalls: [socket, {rule: socket 0=AF_NETLINK, deny: true}]\n", 4, "line 4",
     HEAD "syscalls: [socket 0=AF_INET, {rule: socket 0=AF_NETLINK, deny: ENOSYS}]\n"},
    {"W103", HEAD "capabilities:\n  - CAP_CHOWN\n  - CAP_KILL\n  - CAP_CHOWN\n", 7, "line 5",
     HEAD "capabilities:\n  - CAP_CHOWN\n  - CAP_KILL\n"},
    {"W103", HEAD "files:\n  - /a rw\n  - /a r\n", 6, "line 5",
     HEAD "files:\n  - /a r\n  - /a w\n"},
    {"W104", HEAD "files:\n  - /srv/** r\n  - /srv/www/index.html r\n", 6, "/srv/**",
     HEAD "files:\n  - /srv/* r\n  - /srv/www/index.html r\n"},
    {"W104", HEAD "files:\n  - /srv/** r\n  - '/srv/[a-z]* r'\n  - owner /srv/x w\n", 6, "/srv/**",
     HEAD "files:\n  - owner /srv/** r\n  - /srv/x r\n"},
    {"W104", HEAD "files: ['/a/{b,c} r', '/a/[bc] r']\n", 4, "[bc]",
     HEAD "files: ['/a/{b,c} r', '/a/[cd] r']\n"},
    {"W104", HEAD "files: [/a/* rix, /a/c ix]\n", 4, "/a/c ix",
     HEAD "files: [/a/* rix, /a/b w, /a/c px]\n"},
    {"W104", HEAD "syscalls: [socket, socket 0=AF_INET]\n", 4, "socket 0=AF_INET",
     HEAD "syscalls: [socket 0=AF_INET6, socket 0=AF_INET]\n"},
    {"W104", HEAD "capabilities: [CAP_BPF, CAP_SYS_ADMIN]\n", 4, "CAP_BPF",
     HEAD "capabilities: [CAP_BPF, CAP_SYSLOG]\n"},
    {"W104", HEAD "signals: [SIGTERM child, SIGTERM]\n", 4, "SIGTERM child",
     HEAD "signals: [SIGTERM child, SIGTERM self]\n"},
    {"W104", HEAD "signals: [SIGTERM child, any]\n", 4, "SIGTERM child",
     HEAD "signals: [SIGTERM self, any child]\n"},
    {"W105", HEAD "syscalls: [read, {rule: ptrace, deny: true}]\n", 4, "same answer",
     HEAD "syscalls: [read, {rule: ptrace, deny: true, keep: true}, {rule: bpf, deny: KILL}]\n"},
    {"W105", HEAD "syscalls: [read, {rule: clone3, deny: ENOSYS}]\n", 4, "clone3",
     HEAD "deny-action: KILL\nsyscalls: [read, {rule: mount, deny: EPERM}]\n"},
    {"W106", HEAD "files: [{rule: /etc/shadow r, deny: true}]\n", 4, "/etc/shadow r",
     HEAD "files: [/etc/hosts r]\nsyscalls: [{rule: ptrace, deny: true}]\n"},
    {"W107", HEAD "tmpfs: [/run]\nvolumes: [/run]\n", 5, "/run",
     HEAD "tmpfs: [/run]\nvolumes: [/run/db]\n"},
    {"W108", HEAD "files: [/usr/bin/* rmix, '/usr/[a-c]in/x rmpx']\n", 4, "/usr/bin/x",
     HEAD "files: [/usr/bin/* rmix, /usr/bin/x rmpx, '/usr/[ac]in/x rmpx', '/usr/*/y rmix']\n"},
    {"W108", HEAD "files: [/usr/bin/x rmix, /usr/bin/x ux]\n", 4, "ux",
     HEAD "files: [/usr/bin/x rmix, /usr/bin/y ux]\n"},
    {"W104", HEAD "files: [/a/b rw, /a/* r, /a/b w, '/a/? w']\n", 4, "/a/b rw",
     HEAD "files: [/a/b rw, /a/* r, /a/b k]\n"},
    {"W201", "whittle: policy\nformat: 1\narchitectures: [aarch64]\nsyscalls: [open]\n", 4, "open",
     "whittle: policy\nformat: 1\narchitectures: [aarch64, x86_64]\nsyscalls: [open]\n"},
    {"W202", HEAD "syscalls: [clone 0=CLONE_NEWNS|1]\n", 4, "CLONE_NEWNS is let through",
     HEAD "syscalls: [clone 0=CLONE_NEWNS]\n"},
    {"W203", HEAD "syscalls: [openat 1=0x1000]\n", 4, "argument 1",
     HEAD "syscalls: [socket 1=SOCK_STREAM]\n"},
    {"W203", HEAD "syscalls: [clone3 0=0]\n", 4, "clone3", HEAD "syscalls: [clone3]\n"},
    {"W204", HEAD "syscalls: [close 1=3]\n", 4, "no argument 1", HEAD "syscalls: [close 0=3]\n"},
    {"W205", HEAD "syscalls: [clone 0=0, clone3]\n", 4, "clone3",
     HEAD "syscalls: [clone 0=0, {rule: clone3, deny: ENOSYS}]\n"},
    {"W206",
     "whittle: policy\nformat: 1\narchitectures: [i386]\nsyscalls: [socket 0=AF_INET, "
     "socketcall]\n",
     4, "socketcall", HEAD "syscalls: [socket 0=AF_INET, socketcall]\n"},
    {"W207", HEAD "syscalls: [read, io_uring_setup]\n", 4, "calls can be made",
     HEAD "syscalls: [read, io_uring_enter]\n"},
    {"W208", HEAD "files: [/srv//www r]\n", 4, "empty", HEAD "files: [/srv/www/ r, / r]\n"},
    {"W208", HEAD "files: [/srv/../www r]\n", 4, "\"..\"",
     HEAD "files: [/srv/..www/.x/..* r, '/srv/.{a,b} r']\n"},
    {"W208", HEAD "files: [/srv/. r]\n", 4, "\"..\"", HEAD "files: [/srv/... r]\n"},
    {"W209", HEAD "files: [/proc/self/status r]\n", 4, "/proc/@{pid}",
     HEAD "files: ['/proc/@{pid}/status r', /proc/self_x r, /proc/net* r]\n"},
    {"W210", HEAD "files: [/srv/www/ rix]\n", 4, "ix", HEAD "files: [/srv/www/ rwk]\n"},
    {"W211", HEAD "network: [inet6 steam]\n", 4, "did you mean \"stream\"",
     HEAD "network: [inet6 stream, 45 9]\n"},
    {"W211", HEAD "network: [inte]\n", 4, "did you mean \"inet\"", HEAD "network: [inet]\n"},
    {"W211", HEAD "unix: [conect stream]\n", 4, "did you mean \"connect\"",
     HEAD "unix: [connect stream]\n"},
    {"W211", HEAD "signals: [SIGTREM]\n", 4, "did you mean \"SIGTERM\"",
     HEAD "signals: [SIGTERM, SIGRT_3, exists, any, SIG_77, SIGSTKFLT]\n"},
    {"W211", HEAD "signals: [SIGTERM chld]\n", 4, "did you mean \"child\"",
     HEAD "signals: [SIGTERM child]\n"},
    {"W211", HEAD "ptrace: [trance child]\n", 4, "did you mean \"trace\"",
     HEAD "ptrace: [trace child]\n"},
    {"W211", HEAD "mounts: [unmount -> /mnt]\n", 4, "did you mean \"umount\"",
     HEAD "mounts: [umount -> /mnt]\n"},
    {"W212", HEAD "runtimes: [runcc]\n", 4, "did you mean \"runc\"", HEAD "runtimes: [runc]\n"},
    {"W213", HEAD "syscalls: [{rule: ptrace, deny: LOG}]\n", 4, "ptrace",
     HEAD "syscalls: [{rule: ptrace, deny: EPERM}]\n"},
    {"W214", HEAD "unix: [connect stream /run/db.sock]\n", 4, "/run/db.sock",
     HEAD "unix: [connect stream /run/db.sock, connect stream @x]\nfiles: [/run/*.sock rw]\n"},
    {"W301", HEAD "capabilities: [CAP_SYS_ADMIN]\n", 4, "new root",
     HEAD "capabilities: [CAP_NET_BIND_SERVICE]\n"},
    {"W301", HEAD "files: [/proc/** rw]\n", 4, "memory",
     HEAD "files: [/proc/** r, {rule: '/proc/{kcore,*/mem} r', deny: true}]\n"},
    {"W301", HEAD "files: [/usr/bin/tool rmux]\n", 4, "without any profile",
     HEAD "files: [/usr/bin/tool rmix]\n"},
    {"W301", HEAD "deny-action: LOG\n", 4, "every call", HEAD "deny-action: EPERM\n"},
    {"W302", HEAD "syscalls: [unshare]\n", 4, "unshare", HEAD "syscalls: [read]\n"},
    {"W302", HEAD "syscalls: [socket]\n", 4, "socket 0=AF_TIPC",
     HEAD "syscalls: [socket 0=AF_INET 1=SOCK_STREAM, socket 0=AF_NETLINK 1=SOCK_RAW]\n"},
    {"W302", HEAD "syscalls: [socket 0=AF_INET]\ncapabilities: [CAP_NET_RAW]\n", 4, "SOCK_RAW",
     HEAD "syscalls: [socket 0=AF_INET, socket 0=AF_UNIX]\n"},
    {"W302", HEAD "syscalls: [unshare 0=CLONE_NEWUSER, socket 0=AF_INET]\n", 4, "unshare",
     HEAD "syscalls: [socket 0=AF_UNIX, clone 0=0]\n"},
    /* the homes of ecryptfs are no user's, as abstractions/base has them */
    {"W302", HEAD "files: [/home/*/.ssh/id_rsa r]\n", 4, "keys and credentials",
     HEAD "files: [/home/.ecryptfs/*/.Private/** rw]\n"},
    {"W302", HEAD "files: [/etc/** r]\n", 4, "password",
     HEAD "files: [/etc/** r, {rule: '/etc/{,g}shadow* r', deny: true}, {rule: "
          "'/etc/{ssl,pki}/private/** r', deny: true}]\n"},
    {"W302", HEAD "network: [inet raw]\n", 4, "forges", HEAD "network: [netlink raw]\n"},
    {"W302", HEAD "user: root\n", 4, "root", HEAD "user: rooter\n"},
    {"W302", HEAD "ptrace: [trace]\n", 4, "processes", HEAD "ptrace: [trace child]\n"},
    {"W303", HEAD "no-new-privileges: true\nread-only-root: true\ncapabilities: [CAP_SETUID]\n", 6,
     "becomes any user",
     HEAD "no-new-privileges: true\nread-only-root: true\ncapabilities: [CAP_KILL]\n"
          "syscalls: [personality 0=PERSONALITY_QUERY]\n"},
    {"W304", HEAD "files:\n  - /srv/** w\n  - /srv/bin/* rix\n", 5, "/srv/bin/",
     HEAD "files:\n  - /srv/data/** w\n  - /srv/bin/* rix\n  - /srv/bin/ w\n"},
    {"W304", HEAD "files: [/srv/x rwix]\n", 4, "written and executed", HEAD "files: [/srv/x rw]\n"},
    {"W304", HEAD "files: [/srv/x w, /srv/x m]\n", 4, "executed",
     HEAD "files: [/srv/x w, /srv/x m, {rule: /srv/x w, deny: true}]\n"},
    {"W305", HEAD "syscalls: [vmsplice, afs_syscall]\n", 4, "to no container",
     HEAD "syscalls: [vmsplice, {rule: afs_syscall, deny: true}]\n"},
    {"W305", HEAD "capabilities: [CAP_SYS_NICE]\n", 4, "CAP_SYS_NICE",
     HEAD "capabilities: [CAP_CHOWN]\nsyscalls: [arch_prctl]\n"},
    {"W401", HEAD "runtimes: [runc]\nsyscalls: [{rule: execve, deny: true}]\n", 5, "runc",
     HEAD "runtimes: [runc]\nsyscalls: [{rule: ptrace, deny: true}]\n"},
    {"W402", HEAD CALLS, 1, "runtime", HEAD "runtimes: [runc]\n" CALLS},
    {"W403", "whittle: policy\nformat: 1\n", 1, "architecture", HEAD},
    {"W404", HEAD "syscalls: [{rule: clone3, deny: EPERM}]\n", 4, "EPERM",
     HEAD "syscalls: [{rule: clone3, deny: ENOSYS}, {rule: ptrace, deny: EPERM}]\n"},
    {"W405", HEAD "syscalls: [rt_sigaction]\n", 4, "rt_sigreturn",
     HEAD "syscalls: [rt_sigaction, rt_sigreturn]\n"},
    {"W406", HEAD "files: [/usr/bin/tool ix]\n", 4, "read",
     HEAD "files: [/usr/bin/tool ix, /usr/bin/* r]\n"},
    {"W407", HEAD "read-only-root: true\nfiles: [/opt/cache w]\n", 5, "/opt/cache",
     HEAD "read-only-root: true\ntmpfs: [/opt/cache]\n"
          "files: [/opt/cache/x w, /dev/log w, '/opt/** w', /opt/x r]\n"},
    {"W407", HEAD "read-only-root: true\ntmpfs: [/opt/cache]\nfiles: [/opt/cached w]\n", 6,
     "/opt/cached", HEAD "tmpfs: [/opt/cache]\nfiles: [/opt/cached w]\n"},
    {"W408", HEAD "tmpfs: [/tmp]\nfiles: [/tmp/tool rmix]\n", 5, "line 4",
     HEAD "tmpfs: ['/tmp nosuid,exec', /run]\nvolumes: [/run/bin]\n"
          "files: [/tmp/tool rmix, /run/bin/x rmix, /run/y r]\n"},
    {"W409", HEAD "syscalls: [chroot, clone 0=0]\n", 4, "CAP_SYS_CHROOT",
     HEAD "syscalls: [chroot, clone 0=0]\ncapabilities: [CAP_SYS_CHROOT]\n"},
    {"W409", HEAD "syscalls: [chroot]\n", 4, "chroot", HEAD "syscalls: [chroot, unshare]\n"},
    {"W410", HEAD "syscalls: [socket 0=AF_INET6]\n", 4, "inet6",
     HEAD "syscalls: [socket 0=AF_INET6, socket 0=AF_UNIX]\nnetwork: [inet6 dgram]\n"},
    {"W411", HEAD "syscalls: []\n", 4, "no rule", HEAD CALLS},
    {"W501", HEAD CALLS "capabilities: [CAP_SYS_CHROOT]\n", 5, "chroot",
     HEAD "syscalls: [chroot]\ncapabilities: [CAP_SYS_CHROOT, CAP_DAC_OVERRIDE]\n"},
    {"W501", HEAD CALLS "capabilities: [CAP_CHOWN]\n", 5, "fchownat",
     HEAD "runtimes: [crun]\nsyscalls: [read, io_uring_setup]\ncapabilities: [CAP_CHOWN]\n"},
    {"W502", HEAD "syscalls: [socket 0=AF_INET]\nnetwork: [inet6 stream]\n", 5, "inet6 stream",
     HEAD "syscalls: [socket 0=AF_INET]\nnetwork: [inet stream]\n"},
    {"W502", HEAD "syscalls: [socket 0=AF_INET 1=SOCK_DGRAM]\nnetwork: [inet stream]\n", 5,
     "inet stream",
     HEAD "syscalls: [socket 0=AF_INET 1=SOCK_DGRAM]\nnetwork: [inet dgram, inet]\n"},
    {"W503", HEAD "user: '33'\nno-new-privileges: true\ncapabilities: [CAP_CHOWN]\n", 6, "33",
     HEAD "user: '0:33'\nno-new-privileges: true\ncapabilities: [CAP_CHOWN]\n"},
    {"W504", HEAD CALLS "mounts: [umount -> /mnt]\n", 5, "umount",
     HEAD "syscalls: [umount2]\nmounts: [umount -> /mnt]\n"},
    {"W504", HEAD CALLS "files: [/srv/x k]\n", 5, "letter k",
     HEAD "syscalls: [fcntl, execve]\nfiles: [/srv/x k, /srv/y rix]\n"},
    {"W901", HEAD CALLS "capabilities:\n  - CAP_KILL # lint: accept W301: no\n", 6, "W301",
     HEAD CALLS "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301: yes\n"},
    {"W902", HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301\n", 5, "reason",
     HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint accept W301\n"},
    {"W902", HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: acept W301: x\n", 5, "accept CODE",
     HEAD "capabilities:\n  - {rule: CAP_SYS_ADMIN, reason: \"a # lint: acept W301: x\"}\n"},
    {"W903", HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W391: x\n", 5, "W391",
     HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301: x\n"},
};

START_TEST(test_rows)
{
    const struct Row *row = &rows[_i];
    CLEANUP(policy_text_cleanup) PolicyText *found = policy_text_from(row->found);
    CLEANUP(policy_text_cleanup) PolicyText *missed = policy_text_from(row->missed);
    CLEANUP(lint_report_deinit) LintReport yes = lint(found);
    CLEANUP(lint_report_deinit) LintReport no = lint(missed);
    const LintFinding *finding = find(&yes, row->code);
    const LintFinding *other = find(&no, row->code);

    ck_assert_msg(finding != NULL, "no %s in\n%s", row->code, row->found);
    ck_assert_msg(finding->line == row->line, "%s in line %zu and not %zu: %s", row->code,
                  finding->line, row->line, finding->text);
    ck_assert_msg(strstr(finding->text, row->says) != NULL, "%s without \"%s\": %s", row->code,
                  row->says, finding->text);
    ck_assert_msg(other == NULL, "%s where none should be: %s in\n%s", row->code,
                  other ? other->text : "", row->missed);
}
END_TEST

/* W904 has a test of its own. */
START_TEST(test_every_code)
{
    const char *code = lint_codes[_i].code;
    size_t found = strcmp(code, "W904") == 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        found += strcmp(rows[i].code, code) == 0;
    ck_assert_msg(found > 0, "no row for %s", code);
    ck_assert_ptr_eq(lint_code(code), &lint_codes[_i]);
    ck_assert_int_ge(lint_severity_from_name(lint_codes[_i].severity), 0);
}
END_TEST

/* ---- what comments accept ---------------------------------------------------------------------
 */

static const struct {
    const char *policy;
    const char *accepted; /* codes, blanks behind each, in the order of the report */
} acceptances[] = {
    {HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301: mounts\n", "W301 "},
    {HEAD "capabilities:\n  # lint: accept W301: mounts\n  - CAP_SYS_ADMIN\n", "W301 "},
    {HEAD "capabilities:\n  # lint: accept W301: a\n  # why: no\n  - CAP_SYS_ADMIN\n", ""},
    {HEAD CALLS "capabilities:\n  # lint: accept W301: a\n  # lint: accept W104: b\n"
                "  - CAP_SYS_ADMIN\n  - CAP_SYS_CHROOT # lint: accept W303, W501: c\n",
     "W301 W303 W501 "},
    {HEAD "capabilities:\n  - rule: CAP_SYS_ADMIN\n    # lint: accept W301: inside\n"
          "    keep: true\n",
     "W301 "},
    {HEAD "capabilities: [CAP_SYS_ADMIN, CAP_SYS_MODULE] # lint: accept W301: both\n",
     "W301 W301 "},
    {HEAD "capabilities: [CAP_SYS_ADMIN]\n# lint: accept W301: below\n", ""},
    {HEAD "capabilities:\n  - \"CAP_SYS_ADMIN\" # lint: accept W301: quoted\n", "W301 "},
    {HEAD "capabilities:\n  - {rule: CAP_SYS_ADMIN, reason: \"# lint: accept W301: text\"}\n", ""},
    {HEAD "capabilities:\n  - {rule: CAP_SYS_ADMIN, reason: ü} # lint: accept W301: ü\n", "W301 "},
    {HEAD "deny-action: LOG # lint: accept W301: to learn\n", "W301 "},
    {"# lint: accept W403: only AppArmor\nwhittle: policy\nformat: 1\n", "W403 "},
    {HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301 W901:\n", ""},
};

START_TEST(test_acceptances)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(acceptances[_i].policy);
    CLEANUP(lint_report_deinit) LintReport report = lint(text);
    CLEANUP(buffer_deinit) Buffer accepted = BUFFER_INIT;

    for (size_t i = 0; i < report.count; i++) {
        if (report.items[i].accepted)
            (void)buffer_printf(&accepted, "%s ", report.items[i].code->code);
    }
    ck_assert_str_eq(buffer_text(&accepted), acceptances[_i].accepted);
}
END_TEST

/* ---- reports ----------------------------------------------------------------------------------
 */

static const LintColours no_colours = {"", "", "", "", ""};

static const char *const policies[] = {
    HEAD, HEAD "capabilities:\n  - CAP_SYS_ADMIN # lint: accept W301: \"<mounts>\" & more\n"
               "  - CAP_SYS_MODULE\nfiles: [\"/a\\x01b//c r\"]\n"};

START_TEST(test_reports)
{
    static int (*const printers[])(const LintPage *page, Buffer *out) = {
        lint_print_json, lint_print_sarif, lint_print_junit, lint_print_text};
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(policies[_i]);
    CLEANUP(lint_report_deinit) LintReport report = lint(text);
    const LintPage page = {.report = &report,
                           .text = text,
                           .version = "1",
                           .colours = &no_colours,
                           .fail_on = LINT_WARNING};

    for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
        CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
        ck_assert_int_eq(printers[i](&page, &out), 0);
        for (const char *c = buffer_text(&out); *c; c++)
            ck_assert_msg(*c == '\n' || (unsigned char)*c >= 0x20,
                          "control character in format %zu", i);
        if (i > 1)
            continue;
        json_t *root = json_loads(buffer_text(&out), 0, NULL);
        ck_assert_ptr_nonnull(root);
        const json_t *list =
            i == 0 ? json_object_get(root, "findings")
                   : json_object_get(json_array_get(json_object_get(root, "runs"), 0), "results");
        ck_assert_uint_eq(json_array_size(list), report.count);
        json_decref(root);
    }
}
END_TEST

START_TEST(test_many_rules)
{
    CLEANUP(buffer_deinit) Buffer bytes = BUFFER_INIT;

    (void)buffer_puts(&bytes, HEAD "files:\n");
    for (unsigned i = 0; i < 400; i++)
        (void)buffer_printf(&bytes, "  - /*%03u r\n  - /*%03ux w\n", i, i);
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(buffer_text(&bytes));
    CLEANUP(lint_report_deinit) LintReport report = lint(text);
    ck_assert_ptr_nonnull(find(&report, "W904"));
}
END_TEST

START_TEST(test_order)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(policies[1]);
    CLEANUP(lint_report_deinit) LintReport report = lint(text);

    for (size_t i = 1; i < report.count; i++)
        ck_assert_uint_ge(report.items[i].line, report.items[i - 1].line);
    ck_assert_uint_eq(lint_report_count(&report, LINT_ERROR), 1);
    ck_assert_uint_gt(lint_report_count(&report, LINT_NOTE), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint");

    suite_add(suite, "rows", test_rows, sizeof rows / sizeof rows[0]);
    suite_add(suite, "codes", test_every_code, lint_codes_count);
    suite_add(suite, "acceptances", test_acceptances, sizeof acceptances / sizeof acceptances[0]);
    suite_add(suite, "reports", test_reports, sizeof policies / sizeof policies[0]);
    suite_add(suite, "many", test_many_rules, 1);
    suite_add(suite, "order", test_order, 1);
    return suite_run(suite);
}
