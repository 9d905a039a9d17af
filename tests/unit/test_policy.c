/* SPDX-License-Identifier: Apache-2.0 */
/* src/model/policy: rules, patterns, and the file format with well-formed and hostile files. */
#include "base/memory.h"
#include "model/policy.h"
#include "suite.h"

#include <errno.h>

#define HEAD "whittle: policy\nformat: 1\narchitectures: [x86_64]\nruntimes: []\n"

static Policy *parse(const char *text, Error *err)
{
    Policy *policy = NULL;
    const int r = policy_parse("p.yaml", text, strlen(text), &policy, err);

    ck_assert((r == 0) == (policy != NULL));
    ck_assert_msg(r <= 0, "a verdict where none is");
    return policy;
}

/* ---- one rule ------------------------------------------------------------------------------- */

/* What is read is printed again as CANONICAL, NULL for the same text. */
static const struct {
    PolicySection section;
    const char *text;
    const char *canonical;
} good_rules[] = {
    {POLICY_SYSCALLS, "read", NULL},
    {POLICY_SYSCALLS, "socket 0=AF_INET 1=SOCK_STREAM", NULL},
    {POLICY_SYSCALLS, "socket 1=SOCK_STREAM 0=2", "socket 0=AF_INET 1=SOCK_STREAM"},
    {POLICY_SYSCALLS, "close 0=3", "close 0=0x3"},
    {POLICY_CAPABILITIES, "CAP_NET_BIND_SERVICE", NULL},
    {POLICY_FILES, "/etc/passwd r", NULL},
    {POLICY_FILES, "/etc/passwd  r", "/etc/passwd r"},
    {POLICY_FILES, "owner /tmp/* rw", NULL},
    {POLICY_FILES, "/bin/sh ixmr", "/bin/sh rmix"},
    {POLICY_FILES, "/a/** rwalkm", NULL},
    {POLICY_FILES, "/a px", NULL},
    {POLICY_FILES, "/a ux", NULL},
    {POLICY_FILES, "/a\\x20b r", NULL},
    {POLICY_FILES, "/a l -> /{b,c}", NULL},
    {POLICY_FILES, "/proc/@{pid}/task/@{tid}/stat r", NULL},
    {POLICY_FILES, "/[a-z][!0]/? r", NULL},
    {POLICY_NETWORK, "inet", NULL},
    {POLICY_NETWORK, "inet6 stream", NULL},
    {POLICY_UNIX, "connect stream @a\\x20b", NULL},
    {POLICY_UNIX, "socket dgram", NULL},
    {POLICY_SIGNALS, "SIGTERM child", NULL},
    {POLICY_SIGNALS, "exists", NULL},
    {POLICY_PTRACE, "trace child", NULL},
    {POLICY_MOUNTS, "mount fstype=tmpfs options=nosuid,nodev tmpfs -> /mnt", NULL},
    {POLICY_MOUNTS, "umount -> /mnt", NULL},
    {POLICY_MOUNTS, "options", NULL},
    {POLICY_TMPFS, "/tmp exec", NULL},
    {POLICY_VOLUMES, "/var/lib/x", NULL},
};

START_TEST(test_good_rule)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    PolicyRule rule;
    Error err = {0};

    ck_assert_msg(policy_rule_parse(good_rules[_i].section, good_rules[_i].text,
                                    policy_strings(policy), &rule, &err) == 0,
                  "%s: %s", good_rules[_i].text, err.text);
    ck_assert_int_eq(policy_rule_print(&rule, &out), 0);
    ck_assert_str_eq(buffer_text(&out),
                     good_rules[_i].canonical ? good_rules[_i].canonical : good_rules[_i].text);
}
END_TEST

static const struct {
    PolicySection section;
    const char *text;
    const char *complaint; /* part of it */
} bad_rules[] = {
    {POLICY_SYSCALLS, "", "empty"},
    {POLICY_SYSCALLS, "   ", "empty"},
    {POLICY_SYSCALLS, "no_such_call", "no system call"},
    {POLICY_SYSCALLS, "read;rm", "no system call"},
    {POLICY_SYSCALLS, "socket 0", "INDEX=VALUE"},
    {POLICY_SYSCALLS, "socket 6=1", "INDEX=VALUE"},
    {POLICY_SYSCALLS, "socket 0=AF_NONSENSE", "no value of argument 0"},
    {POLICY_SYSCALLS, "socket 0=", "no value of argument 0"},
    {POLICY_SYSCALLS, "socket 0=AF_INET 0=AF_UNIX", "two values"},
    {POLICY_SYSCALLS, "close 0=99999999999999999999", "no value"},
    {POLICY_SYSCALLS, "sendfil", "did you mean \"sendfile\"?"},
    {POLICY_CAPABILITIES, "NET_RAW", "did you mean \"CAP_NET_RAW\"?"},
    {POLICY_CAPABILITIES, "cap_net_rwa", "did you mean \"CAP_NET_RAW\"?"},
    {POLICY_CAPABILITIES, "sys_admin", "did you mean \"CAP_SYS_ADMIN\"?"},
    {POLICY_CAPABILITIES, "NONSENSE", "CAP_CHOWN"},
    {POLICY_CAPABILITIES, "CAP_NET_RAW too", "too many"},
    {POLICY_FILES, "/etc/passwd", "ACCESS"},
    {POLICY_FILES, "etc/passwd r", "does not begin"},
    {POLICY_FILES, "/etc/passwd rz", "\"rz\" is not"},
    {POLICY_FILES, "/etc/passwd x", "ix px ux"},
    {POLICY_FILES, "/a ixpx", "only one"},
    {POLICY_FILES, "/My Files r", "ACCESS"},
    {POLICY_FILES, "/a r extra", "-> PATH"},
    {POLICY_FILES, "/a r -> /b", "access l"},
    {POLICY_FILES, "owner", "before a path"},
    {POLICY_FILES, "/a[ r", "no path pattern"},
    {POLICY_FILES, "/a] r", "no path pattern"},
    {POLICY_FILES, "/a{b r", "no path pattern"},
    {POLICY_FILES, "/a{b} r", "no path pattern"},
    {POLICY_FILES, "/a} r", "no path pattern"},
    {POLICY_FILES, "/a\\q r", "no path pattern"},
    {POLICY_FILES, "/a\\x0 r", "no path pattern"},
    {POLICY_FILES, "/a\\x00 r", "no path pattern"},
    {POLICY_FILES, "/a\\ r", "no path pattern"},
    {POLICY_FILES, "/@{HOME}/x r", "no path pattern"},
    {POLICY_FILES, "/{{{{{{{{{a,b},c},d},e},f},g},h},i},j} r", "no path pattern"},
    {POLICY_NETWORK, "inet stream tcp", "too many"},
    {POLICY_NETWORK, "in,et", "no network family"},
    {POLICY_UNIX, "connect", "OPERATION TYPE"},
    {POLICY_SIGNALS, "SIG TERM x", "too many"},
    {POLICY_MOUNTS, "mount options=a;b x", "no options"},
    {POLICY_MOUNTS, "mount a b", "too many"},
    {POLICY_MOUNTS, "mount a ->", "where to mount"},
    {POLICY_TMPFS, "/t*p", "one path"},
    {POLICY_TMPFS, "/a:b", "one path"},
    {POLICY_VOLUMES, "/a exec", "alone"},
};

START_TEST(test_bad_rule)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    PolicyRule rule = {.name = "untouched"};
    Error err = {0};

    ck_assert_int_eq(policy_rule_parse(bad_rules[_i].section, bad_rules[_i].text,
                                       policy_strings(policy), &rule, &err),
                     -EINVAL);
    ck_assert_msg(strstr(err.text, bad_rules[_i].complaint) != NULL, "%s", err.text);
    ck_assert_str_eq(rule.name, "untouched");
}
END_TEST

/* ---- patterns ------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    const char *pattern;
} literals[] = {
    {"/etc/passwd", "/etc/passwd"},
    {"/a b", "/a\\x20b"},
    {"/*?[x]{y,z}\\", "/\\*\\?\\[x\\]\\{y,z\\}\\\\"},
    {"/\xff\xc3\xa9\n", "/\\xff\xc3\xa9\\x0a"},
    {"/a -> b", "/a\\x20-\\x3e\\x20b"},
    {"/@{pid}", "/@\\{pid\\}"},
    {"/\"'#,:", "/\"'#,:"},
};

START_TEST(test_literal)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    ck_assert_int_eq(
        policy_pattern_append_literal(&pattern, literals[_i].path, strlen(literals[_i].path)), 0);
    ck_assert_str_eq(buffer_text(&pattern), literals[_i].pattern);
    ck_assert_int_eq(policy_pattern_check(buffer_text(&pattern), NULL), 0);
    ck_assert_int_eq(policy_pattern_to_literal(buffer_text(&pattern), &path), 0);
    ck_assert_str_eq(buffer_text(&path), literals[_i].path);
}
END_TEST

START_TEST(test_glob_is_no_literal)
{
    static const char *const globs[] = {"/*", "/?", "/**", "/[a]", "/{a,b}", "/@{pid}"};
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    ck_assert_int_eq(policy_pattern_to_literal(globs[_i], &path), 1);
    ck_assert_uint_eq(path.length, 0);
}
END_TEST

/* Every byte but NUL comes through unharmed. */
START_TEST(test_every_byte)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const char text[] = {'/', (char)(_i + 1), 'x', (char)(_i + 1), '\0'};

    ck_assert_int_eq(policy_pattern_append_literal(&pattern, text, strlen(text)), 0);
    ck_assert_int_eq(policy_pattern_to_literal(buffer_text(&pattern), &path), 0);
    ck_assert_str_eq(buffer_text(&path), text);
    ck_assert_ptr_null(strchr(buffer_text(&pattern), ' '));
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

static const char whole[] =
    "# What the workload may do; everything else is denied. Edit freely: `whittle generate` makes "
    "the artefacts from this file.\n"
    "whittle: policy\n"
    "format: 1\n"
    "name: my-server_1.2\n"
    "architectures: [x86_64, i386]\n"
    "runtimes: [crun, runc]\n"
    "deny-action: ENOSYS\n"
    "user: \"33:33\"\n"
    "no-new-privileges: true\n"
    "read-only-root: true\n"
    "limits: {memory: 1073741824, pids: 64}\n"
    "\n"
    "syscalls:\n"
    "  - {rule: clone3, deny: ENOSYS, keep: true, reason: \"hides: its flags\"}\n"
    "  - {rule: ptrace, deny: KILL}\n"
    "  - read\n"
    "  - {rule: socket 0=AF_INET, deny: true}\n"
    "\n"
    "capabilities:\n"
    "  - CAP_CHOWN\n"
    "\n"
    "files:\n"
    "  - {rule: /etc/shadow r, deny: true, reason: \"line\\u000Abreak \\\"quoted\\\" \\\\ "
    "\xc3\xa9\"}\n"
    "  - owner /tmp/\\xff w\n"
    "  - \"/tmp/{a,b} rw\"\n"
    "\n"
    "tmpfs:\n"
    "  - /tmp exec\n";

START_TEST(test_round_trip)
{
    Error err = {0};
    CLEANUP(policy_cleanup) Policy *policy = parse(whole, &err);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    ck_assert_msg(policy != NULL, "%s", err.text);
    policy_sort(policy);
    ck_assert_int_eq(policy_print(policy, &out), 0);
    ck_assert_str_eq(buffer_text(&out), whole);
    ck_assert(policy_detect(buffer_text(&out), out.length));
    ck_assert_str_eq(policy_name(policy), "my-server_1.2");
    ck_assert_int_eq(policy_deny_action(policy), ENOSYS);
    ck_assert_uint_eq(policy_archs(policy), 1u << ARCH_X86_64 | 1u << ARCH_I386);
    ck_assert_uint_eq(policy_limit(policy, POLICY_LIMIT_PIDS), 64);
}
END_TEST

START_TEST(test_odd_but_good)
{
    static const char *const texts[] = {
        HEAD,
        HEAD "files:\n",
        HEAD "files: []\n",
        HEAD "files: [/a r, '/b w']\n",
        "{whittle: policy, format: 1, files: [{reason: x, rule: /a r}]}",
        HEAD "name: \"quoted\"\nfiles:\n- /a r # comment\n",
    };
    Error err = {0};
    CLEANUP(policy_cleanup) Policy *policy = parse(texts[_i], &err);

    ck_assert_msg(policy != NULL, "%s", err.text);
}
END_TEST

static const struct {
    const char *text;
    const char *complaint;
} bad_files[] = {
    {"", "a policy is expected"},
    {"- a\n", "\"whittle: policy\" is expected"},
    {"whittle: policy\n", "begins with"},
    {"whittle: recording\nformat: 1\n", "p.yaml:1:10: \"recording\" is no policy"},
    {"whittle: policy\nformat: 2\n", "p.yaml:2:9: this policy has another format"},
    {HEAD "sycalls:\n  - read\n",
     "p.yaml:5:1: \"sycalls\" is no key of a policy (docs/FORMATS.md has all); did you "
     "mean \"syscalls\"?"},
    {HEAD "files:\n  - /a r\n  - {rule: /b r, kepe: true}\n", "did you mean \"keep\"?"},
    {HEAD "files:\n  - /a q\n", "p.yaml:6:5: a file rule"},
    {HEAD "files:\n  - {keep: true}\n", "p.yaml:6:5: this rule has no \"rule:\""},
    {HEAD "files:\n  - {rule: /b r, rule: /c r}\n", "each once"},
    {HEAD "files:\n  - {rule: /b r, keep: true, keep: false}\n", "p.yaml:6:30: \"keep\" is here"},
    {HEAD "files:\n  - {deny: true, rule: /b r, deny: false}\n", "each once"},
    {HEAD "limits: {pids: 1, pids: 2}\n", "a second time"},
    {HEAD "limits: {memroy: 1}\n", "did you mean \"memory\"?"},
    {HEAD "files:\n  - {rule: /b r, keep: maybe}\n", "neither true nor false"},
    {HEAD "files:\n  - {rule: /b r, deny: EPERM}\n", "only a system call"},
    {HEAD "syscalls:\n  - {rule: read, deny: ENOTHING}\n", "does not say how"},
    {HEAD "files:\n  - [/a r]\n", "a rule is expected"},
    {HEAD "files: /a r\n", "a list of rules is expected"},
    {HEAD "files:\n  - /a r\nfiles:\n  - /b r\n", "a second time"},
    {HEAD "files:\n  - &a /a r\n  - *a\n", "anchors"},
    {HEAD "files:\n  - \"/a\\0 r\"\n", "zero byte"},
    {HEAD "name: ../x\n", "can be no name"},
    {HEAD "name: \"\"\n", "can be no name"},
    {HEAD "user: \"a b\"\n", "is no user"},
    {HEAD "deny-action: ALLOW\n", "is no action"},
    {HEAD "limits: {cpus: 1}\n", "is no limit"},
    {HEAD "limits: {pids: -1}\n", "is no number"},
    {HEAD "limits: {pids: 1x}\n", "is no number"},
    {HEAD "no-new-privileges: yes\n", "neither true nor false"},
    {"whittle: policy\nformat: 1\narchitectures: [vax]\n", "no architecture"},
    {"whittle: policy\nformat: 1\narchitectures: [x86-64]\n", "did you mean \"x86_64\"?"},
    {"whittle: policy\nformat: 1\nruntimes: [\"../x\"]\n", "no container runtime"},
    {HEAD "---\nwhittle: policy\n", "the end of the file is expected"},
    {HEAD "\tx: y\n", "p.yaml:5"},
    {HEAD "files: {", "p.yaml:"},
    {"whittle: policy\nformat: 1\nname: \xff\n", "p.yaml: byte"},
};

START_TEST(test_bad_file)
{
    Error err = {0};

    ck_assert_ptr_null(parse(bad_files[_i].text, &err));
    ck_assert_msg(strstr(err.text, bad_files[_i].complaint) != NULL, "%s", err.text);
    ck_assert_int_lt(err.code, 0);
}
END_TEST

/* Cut anywhere, a policy is an error or a policy, and never a crash. */
START_TEST(test_truncated)
{
    Policy *policy = NULL;

    for (size_t length = 0; length < sizeof whole; length++) {
        (void)policy_parse("p.yaml", whole, length, &policy, NULL);
        policy = policy_free(policy);
    }
}
END_TEST

/* ---- the set -------------------------------------------------------------------------------- */

START_TEST(test_unite)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    PolicyRule rule = {.section = POLICY_FILES, .name = "/a", .access = FILE_READ};

    ck_assert_int_eq(policy_add(policy, &rule), 0);
    rule.access = FILE_WRITE;
    rule.reason = "why";
    rule.keep = true;
    ck_assert_int_eq(policy_add(policy, &rule), 0);
    rule.reason = "another";
    ck_assert_int_eq(policy_add(policy, &rule), 0);
    ck_assert_uint_eq(policy_rules_count(policy), 1);
    ck_assert_uint_eq(policy_rule(policy, 0)->access, FILE_READ | FILE_WRITE);
    ck_assert_str_eq(policy_rule(policy, 0)->reason, "why");
    ck_assert(policy_rule(policy, 0)->keep);
    rule.deny = POLICY_DENY;
    ck_assert_int_eq(policy_add(policy, &rule), 0);
    ck_assert_uint_eq(policy_rules_count(policy), 2);
}
END_TEST

START_TEST(test_ranges)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    char name[32];
    size_t first, end;

    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "/%u", (i * 7919) % 1000);
        const PolicyRule rule = {.section = i % 2 ? POLICY_FILES : POLICY_TMPFS, .name = name};
        ck_assert_int_eq(policy_add(policy, &rule), 0);
    }
    policy_sort(policy);
    for (size_t i = 1; i < policy_rules_count(policy); i++)
        ck_assert_int_lt(policy_rule_compare(policy_rule(policy, i - 1), policy_rule(policy, i)),
                         0);
    policy_range(policy, POLICY_FILES, &first, &end);
    ck_assert_uint_eq(end - first, 500);
    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    ck_assert_uint_eq(end, first);
    policy_range(policy, POLICY_VOLUMES, &first, &end);
    ck_assert_uint_eq(end, first);
}
END_TEST

START_TEST(test_grants)
{
    CLEANUP(policy_cleanup)
    Policy *policy = parse(HEAD "syscalls:\n  - {rule: read, deny: EPERM}\n  - read\n  - write\n"
                                "capabilities:\n  - CAP_CHOWN\n"
                                "  - {rule: CAP_CHOWN, deny: true}\n  - CAP_KILL\n",
                           NULL);
    unsigned granted = 0;

    policy_sort(policy);
    ck_assert_uint_eq(policy_rules_count(policy), 6);
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const char *name = policy_rule(policy, i)->name;
        const bool wanted = strcmp(name, "write") == 0 || strcmp(name, "CAP_KILL") == 0;
        ck_assert_int_eq(policy_grants(policy, i), wanted);
        granted += wanted;
    }
    ck_assert_uint_eq(granted, 2);
}
END_TEST

START_TEST(test_merge)
{
    CLEANUP(policy_cleanup)
    Policy *a = parse(HEAD "name: a\nread-only-root: true\n"
                           "no-new-privileges: true\nlimits: {pids: 5}\n"
                           "files:\n  - /a r\n",
                      NULL);
    CLEANUP(policy_cleanup)
    Policy *b = parse("whittle: policy\nformat: 1\nname: b\n"
                      "architectures: [i386]\nruntimes: [runc]\n"
                      "read-only-root: true\nlimits: {pids: 9}\n"
                      "files:\n  - /a w\n  - /b r\n",
                      NULL);

    ck_assert_int_eq(policy_merge(a, b), 0);
    ck_assert_str_eq(policy_name(a), "a");
    ck_assert_uint_eq(policy_rules_count(a), 2);
    ck_assert_uint_eq(policy_rule(a, 0)->access, FILE_READ | FILE_WRITE);
    ck_assert_uint_eq(policy_limit(a, POLICY_LIMIT_PIDS), 9);
    ck_assert(policy_read_only_root(a) && !policy_no_new_privs(a));
    ck_assert_uint_eq(policy_archs(a), 1u << ARCH_X86_64 | 1u << ARCH_I386);
    ck_assert_uint_eq(policy_runtimes_count(a), 1);
}
END_TEST

static const struct {
    const char *text;
    int deny; /* 0: no such action */
} denials[] = {
    {"EPERM", EPERM},
    {"enosys", ENOSYS},
    {"13", EACCES},
    {"KILL", POLICY_DENY_KILL},
    {"log", POLICY_DENY_LOG},
    {"", 0},
    {"0", 0},
    {"-1", 0},
    {"4096", 0},
    {"1x", 0},
    {"true", 0},
    {"ALLOW", 0},
    {"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE", 0},
};

START_TEST(test_deny)
{
    int deny = 0;

    ck_assert_int_eq(policy_deny_parse(denials[_i].text, &deny), denials[_i].deny ? 0 : -EINVAL);
    ck_assert_int_eq(deny, denials[_i].deny);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");

    suite_add(suite, "good rules", test_good_rule, ARRAY_LENGTH(good_rules));
    suite_add(suite, "bad rules", test_bad_rule, ARRAY_LENGTH(bad_rules));
    suite_add(suite, "literal patterns", test_literal, ARRAY_LENGTH(literals));
    suite_add(suite, "globs", test_glob_is_no_literal, 6);
    suite_add(suite, "every byte", test_every_byte, 255);
    suite_add(suite, "round trip", test_round_trip, 1);
    suite_add(suite, "odd but good", test_odd_but_good, 6);
    suite_add(suite, "bad files", test_bad_file, ARRAY_LENGTH(bad_files));
    suite_add(suite, "truncated", test_truncated, 1);
    suite_add(suite, "unite", test_unite, 1);
    suite_add(suite, "ranges", test_ranges, 1);
    suite_add(suite, "grants", test_grants, 1);
    suite_add(suite, "merge", test_merge, 1);
    suite_add(suite, "deny", test_deny, ARRAY_LENGTH(denials));
    return suite_run(suite);
}
