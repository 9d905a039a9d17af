/* SPDX-License-Identifier: Apache-2.0 */
/* generate --update: what is added to a policy that people keep, what is warned of, what is stale.
 */
#include "base/memory.h"
#include "generator/update.h"
#include "policy_maker.h"
#include "suite.h"

#include <inttypes.h>

enum { BATCHES = 5, BATCH = 30, RULES = 25 };

#define HEAD "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"
/* What stays a read-only root. */
#define READ_ONLY HEAD "read-only-root: true\n"

/* ADDED are the report's lines; WARNING is a part of the only one, "" for none. */
static const struct {
    const char *old, *seen, *added, *warning;
} rows[] = {
    /* nothing new, however it is spelt */
    {HEAD "syscalls: [read]\n", HEAD "syscalls: [read]\n", "", ""},
    {HEAD "syscalls: [socket]\n", HEAD "syscalls: [socket 0=AF_INET 1=SOCK_STREAM]\n", "", ""},
    {HEAD "syscalls: [socket 0=AF_INET]\n", HEAD "syscalls: [socket 1=SOCK_STREAM 0=2]\n", "", ""},
    {HEAD "capabilities: [CAP_DAC_OVERRIDE]\n", HEAD "capabilities: [CAP_DAC_READ_SEARCH]\n", "",
     ""},
    {HEAD "files: [/srv/** r]\n", HEAD "files: [/srv/a/b r, owner /srv/c r, /srv/*/d r]\n", "", ""},
    {HEAD "files: [/srv/a r, '/srv/[b-z] rw']\n", HEAD "files: ['/srv/[a-z] r']\n", "", ""},
    {HEAD "files: [/srv/* rw]\n", HEAD "files: [/srv/a a]\n", "", ""},
    {HEAD "files: [/bin/sh rpx]\n", HEAD "files: [/bin/sh rix]\n", "", ""},
    {HEAD "network: [inet]\n", HEAD "network: [inet stream]\n", "", ""},
    {HEAD "unix: [connect stream]\nsignals: [SIGTERM]\nptrace: [trace]\n",
     HEAD "unix: [connect stream /run/x]\nsignals: [SIGTERM child]\nptrace: [trace child]\n", "",
     ""},
    {HEAD "unix: ['connect stream @{pid}*']\n", HEAD "unix: ['connect stream @{pid}a']\n", "", ""},
    {HEAD "mounts: [mount -> /mnt/**]\n",
     HEAD "mounts: [mount fstype=tmpfs options=ro tmpfs -> /mnt/a]\n", "", ""},
    {READ_ONLY "volumes: [/var]\n", READ_ONLY "tmpfs: [/var/tmp exec]\nvolumes: [/var/lib/x]\n", "",
     ""},
    {HEAD "syscalls: [{rule: ptrace, deny: LOG}]\n", HEAD "syscalls: [ptrace]\n", "", ""},
    /* new */
    {HEAD "syscalls: [read]\n", HEAD "syscalls: [write]\n", "syscalls: write\n", ""},
    {HEAD "syscalls: [socket 0=AF_INET]\n", HEAD "syscalls: [socket]\n", "syscalls: socket\n", ""},
    {HEAD "syscalls: [socket 0=AF_INET 1=SOCK_DGRAM]\n", HEAD "syscalls: [socket 0=AF_INET]\n",
     "syscalls: socket 0=AF_INET\n", ""},
    /* open_by_handle_at() asks for this one itself */
    {HEAD "capabilities: [CAP_DAC_OVERRIDE]\nsyscalls: [open_by_handle_at]\n",
     HEAD "capabilities: [CAP_DAC_READ_SEARCH]\nsyscalls: [open_by_handle_at]\n",
     "capabilities: CAP_DAC_READ_SEARCH\n", ""},
    {HEAD "files: [/a r]\n", HEAD "files: [/a rw, /b r]\n", "files: /a w\nfiles: /b r\n", ""},
    {HEAD "files: [owner /a rw]\n", HEAD "files: [/a r]\n", "files: /a r\n", ""},
    {HEAD "files: [/srv/* r]\n", HEAD "files: [/srv/** r]\n", "files: /srv/** r\n", ""},
    {HEAD "files: [/a l -> /b]\n", HEAD "files: [/a l -> /b, /a l -> /c]\n", "files: /a l -> /c\n",
     ""},
    {HEAD "network: [inet stream]\n", HEAD "network: [inet, inet6 stream]\n",
     "network: inet\nnetwork: inet6 stream\n", ""},
    {HEAD, HEAD "syscalls: [{rule: clone3, deny: ENOSYS}]\n", "syscalls: clone3\n", ""},
    {HEAD, "whittle: policy\nformat: 1\narchitectures: [x86_64, i386]\n", "architectures: i386\n",
     ""},
    /* what people decided */
    {HEAD "syscalls: [clone3]\n", HEAD "syscalls: [{rule: clone3, deny: ENOSYS}]\n", "", ""},
    {HEAD "syscalls: [{rule: ptrace, deny: EPERM}]\n", HEAD "syscalls: [ptrace 0=PTRACE_TRACEME]\n",
     "", "syscalls: ptrace 0=PTRACE_TRACEME was seen, and p.yaml:4 denies it"},
    {HEAD "\ncapabilities:\n  - CAP_KILL\n  - {rule: CAP_CHOWN, deny: true}\n",
     HEAD "capabilities: [CAP_CHOWN]\n", "", "p.yaml:7 denies it"},
    {HEAD "files: [/etc/** r, {rule: /etc/shadow r, deny: true}]\n",
     HEAD "files: [/etc/shadow r]\n", "", "files: /etc/shadow r was seen, and p.yaml:4 denies it"},
    {HEAD "files: [{rule: /srv/** w, deny: true}]\n", HEAD "files: [/srv/a rw]\n",
     "files: /srv/a r\n", "files: /srv/a w was seen"},
    /* denied in part only: what the denial leaves is new */
    {HEAD "files: [{rule: /etc/shadow r, deny: true}]\n", HEAD "files: [/etc/* r]\n",
     "files: /etc/* r\n", ""},
    {HEAD "network: [{rule: inet, deny: true}]\n", HEAD "network: [inet stream]\n", "",
     "denies it"},
    {HEAD "user: www-data\n", HEAD "user: '33'\n", "",
     "recorded as user 33, and p.yaml says www-data"},
    {HEAD "no-new-privileges: true\n", HEAD, "", "no-new-privileges: true"},
    /* a read-only root */
    {READ_ONLY, READ_ONLY "tmpfs: [/tmp]\nvolumes: [/var/lib/x]\n",
     "tmpfs: /tmp\nvolumes: /var/lib/x\n", ""},
    {HEAD, READ_ONLY "tmpfs: [/tmp]\n", "", ""},
    {READ_ONLY "files: [/etc/x w]\n", HEAD "files: [/etc/x w]\n", "",
     "files: /etc/x w was seen, where no"},
    {READ_ONLY "files: [/etc/x w]\nvolumes: [/etc]\n", HEAD "files: [/etc/x w]\n", "", ""},
    {READ_ONLY "files: [{rule: /etc/** w, deny: true}]\n", HEAD "files: [/etc/x w]\n", "",
     "denies it"},
    {READ_ONLY "files: [/dev/null w]\n", HEAD "files: [/dev/null w]\n", "", ""},
};

START_TEST(test_update)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(rows[_i].old);
    CLEANUP(policy_cleanup) Policy *seen = policy_from(rows[_i].seen);
    CLEANUP(update_report_deinit) UpdateReport report = {0};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(policy_update(text, seen, &report, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buffer_text(&report.added), rows[_i].added);
    ck_assert_msg(strstr(buffer_text(&report.warnings), rows[_i].warning) != NULL, "%s",
                  buffer_text(&report.warnings));
    ck_assert_int_eq(report.warnings.length > 0, rows[_i].warning[0] != '\0');
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    const bool opens = strstr(buffer_text(&report.warnings), "becomes false") != NULL;
    if (rows[_i].added[0] == '\0' && !opens)
        ck_assert_str_eq(buffer_text(&out), rows[_i].old);
    else
        ck_assert_str_ne(buffer_text(&out), rows[_i].old);

    /* Then there is nothing new any more. */
    CLEANUP(policy_text_cleanup) PolicyText *again = policy_text_from(buffer_text(&out));
    CLEANUP(update_report_deinit) UpdateReport second = {0};
    CLEANUP(buffer_deinit) Buffer same = BUFFER_INIT;
    ck_assert_msg(policy_update(again, seen, &second, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(second.added_count, 0);
    ck_assert_int_eq(policy_text_print(again, &same), 0);
    ck_assert_str_eq(buffer_text(&same), buffer_text(&out));
}
END_TEST

/* Letters that a rule lacks, where it stands: what else is there stays. */
static const struct {
    const char *old, *seen, *wanted;
} in_place[] = {
    {HEAD "files:\n  - /lib/x.so r # a library\n", HEAD "files: [/lib/x.so m]\n",
     HEAD "files:\n  - /lib/x.so rm # a library\n"},
    {HEAD "files:\n  - {rule: /a r, keep: true}\n", HEAD "files: [/a rw]\n",
     HEAD "files:\n  - {rule: /a rw, keep: true}\n"},
    {HEAD "files:\n  - /a a\n", HEAD "files: [/a w]\n", HEAD "files:\n  - /a w\n"},
    /* another rule of the same path */
    {HEAD "files:\n  - owner /a r\n", HEAD "files: [/a w]\n",
     HEAD "files:\n  - /a w\n  - owner /a r\n"},
    {HEAD "files:\n  - {rule: /a r, deny: true}\n", HEAD "files: [/a w]\n",
     HEAD "files:\n  - {rule: /a r, deny: true}\n  - /a w\n"},
};

START_TEST(test_in_place)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(in_place[_i].old);
    CLEANUP(policy_cleanup) Policy *seen = policy_from(in_place[_i].seen);
    CLEANUP(update_report_deinit) UpdateReport report = {0};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(policy_update_in_place(text, seen, &report, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(report.added_count, 1);
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    ck_assert_str_eq(buffer_text(&out), in_place[_i].wanted);
}
END_TEST

/* Whatever was there and was seen: afterwards all that is not denied is allowed, and nothing is
 * new. */
static void random_update(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(policy_cleanup) Policy *old = random_policy(&random, RULES);
    CLEANUP(policy_cleanup) Policy *seen = random_policy(&random, RULES);
    CLEANUP(buffer_deinit) Buffer before = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer after = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer same = BUFFER_INIT;
    CLEANUP(update_report_deinit) UpdateReport report = {0};
    CLEANUP(update_report_deinit) UpdateReport second = {0};
    Error err = {0};

    ck_assert_int_eq(policy_print(old, &before), 0);
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(buffer_text(&before));
    ck_assert_msg(policy_update(text, seen, &report, &err) == 0, "seed %" PRIu64 ": %s", seed,
                  err.text);
    ck_assert_int_eq(policy_text_print(text, &after), 0);
    CLEANUP(policy_text_cleanup) PolicyText *again = policy_text_from(buffer_text(&after));
    ck_assert_msg(policy_update(again, seen, &second, &err) == 0, "seed %" PRIu64 ": %s", seed,
                  err.text);
    ck_assert_int_eq(policy_text_print(again, &same), 0);
    ck_assert_msg(strcmp(buffer_text(&same), buffer_text(&after)) == 0, "seed %" PRIu64 "\n%s\n%s",
                  seed, buffer_text(&second.added), buffer_text(&after));
}

START_TEST(test_random_update)
{
    for (int i = 0; i < BATCH; i++)
        random_update((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

/* ---- stale rules ---------------------------------------------------------------------------- */

static const struct {
    const char *old, *seen;
    unsigned stale; /* bit i: the i-th place */
} stale_rows[] = {
    {HEAD "syscalls: [read, write]\n", HEAD "syscalls: [read]\n", 2},
    {HEAD "syscalls: [socket 0=AF_INET, socket 0=AF_UNIX]\n", HEAD "syscalls: [socket]\n", 0},
    {HEAD "syscalls: [socket 0=AF_INET, socket 0=AF_UNIX]\n",
     HEAD "syscalls: [socket 0=AF_UNIX 1=SOCK_STREAM]\n", 1},
    {HEAD "syscalls: [{rule: ptrace, deny: true}]\n", HEAD, 0},
    {HEAD "syscalls: [{rule: ptrace, keep: true}]\n", HEAD, 1},
    {HEAD "capabilities: [CAP_DAC_OVERRIDE, CAP_KILL]\n",
     HEAD "capabilities: [CAP_DAC_READ_SEARCH]\n", 2},
    {HEAD "files: [/srv/** r, /opt/** r, '/a/[bc] r', /d w]\n",
     HEAD "files: [/srv/x/y r, '/a/? r', /d r]\n", 2 + 8},
    {HEAD "files: [/d rw]\n", HEAD "files: [/d r]\n", 0},
    {HEAD "files: [/d w]\n", HEAD "files: [/d a]\n", 0},
    {HEAD "network: [inet, inet6 stream]\nsignals: [SIGTERM]\n", HEAD "network: [inet stream]\n",
     2 + 4},
    {HEAD "tmpfs: [/tmp]\nvolumes: [/run, /old]\n", READ_ONLY "volumes: [/tmp]\ntmpfs: [/run/x]\n",
     4},
    {HEAD "tmpfs: [/tmp]\nvolumes: [/run, /old]\n", HEAD, 0},
};

START_TEST(test_stale)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(stale_rows[_i].old);
    CLEANUP(policy_cleanup) Policy *seen = policy_from(stale_rows[_i].seen);
    CLEANUP(free_pointer) size_t *places = NULL;
    unsigned stale = 0;
    size_t count;
    Error err = {0};

    ck_assert_msg(policy_find_stale(text, seen, &places, &count, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < count; i++)
        stale |= 1u << places[i];
    ck_assert_uint_eq(stale, stale_rows[_i].stale);
}
END_TEST

START_TEST(test_prune)
{
    CLEANUP(policy_text_cleanup)
    PolicyText *text = policy_text_from(
        HEAD "syscalls:\n  - read # why\n  - {rule: write, keep: true}\n  - open\n  - close\n");
    CLEANUP(policy_cleanup) Policy *seen = policy_from(HEAD "syscalls: [close]\n");
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer list = BUFFER_INIT;
    Recording *recording = recording_new();
    uint32_t index;
    size_t removable;
    Error err = {0};

    ck_assert_int_eq(
        recording_add_run(recording, &(Run){.id = "b", .start = "2024-03-01T00:00:00Z"}, &index),
        0);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "c"}, &index), 0);
    ck_assert_int_eq(
        recording_add_run(recording, &(Run){.id = "a", .start = "2024-01-01T00:00:00Z"}, &index),
        0);
    ck_assert_int_eq(policy_prune(text, seen, recording, false, &removable, &list, &err), 0);
    ck_assert_uint_eq(removable, 2);
    ck_assert_str_eq(
        buffer_text(&list),
        "3 rules not seen in 3 runs from 2024-01-01T00:00:00Z to 2024-03-01T00:00:00Z:\n"
        "  p.yaml:5: syscalls: read\n"
        "  p.yaml:6: syscalls: {rule: write, keep: true} stays\n"
        "  p.yaml:7: syscalls: open\n");
    ck_assert_int_eq(policy_prune(text, seen, recording, true, &removable, &list, &err), 0);
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    ck_assert_str_eq(buffer_text(&out),
                     HEAD "syscalls:\n  - {rule: write, keep: true}\n  - close\n");
    recording_free(recording);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("update");

    suite_add(suite, "update", test_update, ARRAY_LENGTH(rows));
    suite_add(suite, "in place", test_in_place, ARRAY_LENGTH(in_place));
    suite_add(suite, "random update", test_random_update, BATCHES);
    suite_add(suite, "stale", test_stale, ARRAY_LENGTH(stale_rows));
    suite_add(suite, "prune", test_prune, 1);
    return suite_run(suite);
}
