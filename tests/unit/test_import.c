/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs' profiles: which rules they become, what is told, what is refused and where. */
#include "base/memory.h"
#include "generator/import.h"
#include "suite.h"

#include <errno.h>

/* A line each: "files /etc/x rm", or "!files …" for one that must not be there; deny rules have
 * " deny" behind. */
typedef struct Row {
    const char *form; /* NULL: found by content */
    const char *text;
    const char *rules;
    const char *notes; /* a part of them, NULL for any */
    const char *error; /* a part of it, NULL: there is none */
} Row;

#define NAME  "Name = \"t\"\n"
#define FILES NAME "[Filesystem]\n"

static const Row bane_rows[] = {
    /* what is listed and nothing else */
    {NULL,
     FILES "ReadOnlyPaths = [\"/etc/**\"]\nWritablePaths = [\"/etc/w\"]\nAllowExec = [\"/x\"]\n",
     "files /etc/** rm\nfiles /etc/ r\nfiles /etc/w rwlk\nfiles /x rmix\n!files /{,**}", "file,",
     NULL},
    /* writable exceptions below what is read-only altogether */
    {NULL,
     FILES "ReadOnlyPaths = [\"/**\"]\nWritablePaths = [\"/data/**\"]\nAllowExec = [\"/x\"]\n",
     "files /** rm\nfiles /data/** rwlk\n!files /** rw", NULL, NULL},
    /* links of today's images */
    {NULL, FILES "DenyExec = [\"/bin/sh\"]\nWritablePaths = [\"/var/run/x.pid\"]\n",
     "files /bin/sh rwlkmix deny\nfiles /usr/bin/sh rwlkmix deny\nfiles /run/x.pid rwlk\n", NULL,
     NULL},
    /* keys without regard to case, as bane */
    {NULL, "name = \"t\"\n[filesystem]\nreadonlypaths = [\"/a\"]\n", "files /a rmix\n",
     "no AllowExec", NULL},
    {NULL, NAME "[Network]\n",
     "network inet stream\nnetwork inet6 stream\nunix connect stream\n!network inet raw\n!network "
     "packet\nfiles /{,**} rwlkmix\n",
     "no ReadOnlyPaths", NULL},
    {NULL, NAME "[Network]\nRaw = true\nPacket = true\n",
     "network inet raw\nnetwork packet\nsyscalls socket 0=AF_PACKET\n", NULL, NULL},
    {NULL, NAME "[Network]\nProtocols = [\"tcp\", \"icmp\"]\n",
     "network inet stream\n!network inet dgram\n!network inet raw\n", "icmp needs raw", NULL},
    {NULL, NAME "[Capabilities]\nAllow = [\"chown\", \"CAP_KILL\"]\nDeny = [\"kill\"]\n",
     "capabilities CAP_CHOWN\ncapabilities CAP_KILL deny\n", NULL, NULL},
    {NULL, NAME "[Capabilities]\nDeny = [\"kill\"]\n",
     "capabilities CAP_CHOWN\ncapabilities CAP_KILL deny\n", "only Deny", NULL},
    {NULL, NAME "[Capabilities]\nAllow = [\"sys_admin\"]\n",
     "syscalls mount\nsyscalls clone 0=0\nsyscalls read\n!syscalls bpf2\n", "system calls", NULL},
    {NULL, NAME "InnerImports = [\"#include <abstractions/base>\"]\n", "", ":2: InnerImports",
     NULL},
    {NULL, FILES "LogOnWritePaths = [\"/**\"]\n", "", ":3: LogOnWritePaths", NULL},
    {NULL, FILES "ReadOnlyPaths = [\"@{PROC}/x\", \"/a b\"]\n",
     "files /proc/x rmix\nfiles /a\\x20b rmix\n", NULL, NULL},
    /* what is wrong, and where */
    {NULL, NAME "[Filesystem]\nReadOnlyPath = []\n", NULL, NULL,
     "t:3:16: bane has no key \"Filesystem.ReadOnlyPath\"; did you mean "
     "\"Filesystem.ReadOnlyPaths\"?"},
    {NULL, NAME "[Filesystem.Deep]\nx = 1\n", NULL, NULL, "t:2:"},
    {NULL, NAME "Colour = \"blue\"\n", NULL, NULL, "t:2:10: bane has no key \"Colour\""},
    {NULL, NAME "[Network]\nRaw = \"no\"\n", NULL, NULL, "t:3:7: Network.Raw wants true or false"},
    {NULL, FILES "AllowExec = \"/x\"\n", NULL, NULL, "t:3:13: Filesystem.AllowExec wants a list"},
    {NULL, FILES "AllowExec = [1]\n", NULL, NULL, "t:3:14: Filesystem.AllowExec wants a list"},
    {NULL, FILES "AllowExec = [\"relative\"]\n", NULL, NULL, "t:3: Filesystem.AllowExec: \"relat"},
    {NULL, FILES "AllowExec = [\"/{a\"]\n", NULL, NULL, "t:3: Filesystem.AllowExec: "},
    {NULL, FILES "AllowExec = [\"@{nothing}/a\"]\n", NULL, NULL, "variable"},
    {NULL, NAME "[Capabilities]\nAllow = [\"sysadmin\"]\n", NULL, NULL,
     "t:3: there is no capability \"sysadmin\"; did you mean CAP_SYS_ADMIN?"},
    {NULL, NAME "[Network]\nProtocols = [\"sctp4\"]\n", NULL, NULL, "t:3: there is no protocol"},
    {NULL, "[Network]\n", NULL, NULL, "there is no Name"},
    {NULL, "Name = \"a/b\"\n", NULL, NULL, "t:1: \"a/b\" cannot be"},
    {NULL, NAME "x = [\n", NULL, NULL, "t:2:7: "},
    {NULL, FILES "AllowExec = [\"/a\\u0000b\"]\n", NULL, NULL, "NUL"},
    {NULL, NAME "[#\n", NULL, NULL, "t:2:"},
    {NULL, NAME "\xEF\xBA\xBB x = 1\n", NULL, NULL, "t:2: a character"},
    {NULL, "nothing known\n", NULL, NULL, "does not look like"},
    {"rust", "", NULL, NULL, "no form \"rust\""},
};

static void print_rules(const Policy *policy, Buffer *out)
{
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        ck_assert_msg(rule->reason != NULL, "%s has no reason", rule->name);
        (void)buffer_printf(out, "%s ", policy_section_name(rule->section));
        (void)policy_rule_print(rule, out);
        (void)buffer_puts(out, rule->deny ? " deny\n" : "\n");
    }
}

static void check_lines(const char *wanted, const char *got)
{
    CLEANUP(buffer_deinit) Buffer all = BUFFER_INIT;

    (void)buffer_printf(&all, "\n%s", got);
    for (const char *line = wanted; *line;) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;
        const size_t length = strcspn(line, "\n");
        const bool absent = *line == '!';
        (void)buffer_printf(&one, "\n%.*s\n", (int)(length - absent), line + absent);
        ck_assert_msg((strstr(buffer_text(&all), buffer_text(&one)) != NULL) != absent,
                      "%.*s: not so in\n%s", (int)length, line, got);
        line += length + (line[length] == '\n');
    }
}

static void check_row(const Row *row)
{
    const ImportSource source = {"t", row->text, strlen(row->text)};
    CLEANUP(imported_deinit) Imported imported = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    const int r = import_text(&source, row->form, NULL, &imported, &notes, &err);

    if (r == -ENOTSUP) /* built without the form's library */
        return;
    if (row->error) {
        ck_assert_msg(r < 0 && strstr(err.text, row->error), "%d: %s\nwanted: %s", r, err.text,
                      row->error);
        ck_assert_ptr_null(imported.policy);
        ck_assert_ptr_null(imported.recording);
        return;
    }
    ck_assert_msg(r == 0, "%s\n%s", err.text, row->text);
    ck_assert_msg(!row->notes || strstr(buffer_text(&notes), row->notes), "%s\nwanted: %s",
                  buffer_text(&notes), row->notes);
    ck_assert_ptr_nonnull(imported.policy);
    print_rules(imported.policy, &out);
    check_lines(row->rules, buffer_text(&out));
    ck_assert_int_eq(policy_print(imported.policy, &out), 0);
}

START_TEST(test_bane)
{
    check_row(&bane_rows[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import");

    suite_add(suite, "bane", test_bane, ARRAY_LENGTH(bane_rows));
    return suite_run(suite);
}
