/* SPDX-License-Identifier: Apache-2.0 */
/* generator/infer: what a recording grants, and what it must not. Files: test_infer_files.c. */
#include "base/memory.h"
#include "infer_maker.h"
#include "suite.h"

#include <errno.h>

/* What failed for sure grants nothing; what may have succeeded does. */
static const struct {
    int result;
    Phase phase;
    const char *rules;
} outcomes[] = {
    {RESULT_OK, PHASE_RUN, "/a r\n"},  {RESULT_UNKNOWN, PHASE_RUN, "/a r\n"},
    {RESULT_OK, PHASE_EXEC, "/a r\n"}, {ENOENT, PHASE_RUN, ""},
    {EACCES, PHASE_RUN, ""},           {RESULT_OK, PHASE_RUNTIME_INIT, ""},
};

START_TEST(test_outcome)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Fact fact = {.kind = FACT_FILE, .phase = outcomes[_i].phase, .name = "/a"};
    Fact capability = {.kind = FACT_CAPABILITY, .phase = outcomes[_i].phase, .name = "CAP_CHOWN"};

    fact_set_number(&fact, FIELD_ACCESS, ACCESS_READ);
    add_fact(recording, fact, outcomes[_i].result);
    add_fact(recording, capability, outcomes[_i].result);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_FILES, outcomes[_i].rules);
    check_section(policy, POLICY_CAPABILITIES, outcomes[_i].rules[0] ? "CAP_CHOWN\n" : "");
}
END_TEST

/* ---- capabilities --------------------------------------------------------------------------- */

static const struct {
    struct {
        const char *name, *syscall, *alternative;
    } facts[FACTS_MAX];
    const char *rules;
} capabilities[] = {
    {{{"CAP_CHOWN", "chown"}, {"CAP_CHOWN", "fchown"}}, "CAP_CHOWN\n"},
    {{{"CAP_DAC_READ_SEARCH", "openat"}}, "CAP_DAC_READ_SEARCH\n"},
    {{{"CAP_DAC_READ_SEARCH", "openat"}, {"CAP_DAC_OVERRIDE", "rename"}}, "CAP_DAC_OVERRIDE\n"},
    {{{"CAP_DAC_READ_SEARCH", "open_by_handle_at"}, {"CAP_DAC_OVERRIDE", "rename"}},
     "CAP_DAC_OVERRIDE\nCAP_DAC_READ_SEARCH\n"},
    {{{"CAP_BPF", "bpf"}, {"CAP_SYS_ADMIN", "mount"}, {"CAP_KILL", "kill"}},
     "CAP_KILL\nCAP_SYS_ADMIN\n"},
    {{{"CAP_NONSENSE", "kill"}}, ""},
    {{{"CAP_DAC_OVERRIDE", "openat", "CAP_DAC_READ_SEARCH"}}, "CAP_DAC_READ_SEARCH\n"},
    {{{"CAP_DAC_OVERRIDE", "openat", "CAP_DAC_READ_SEARCH"}, {"CAP_DAC_OVERRIDE", "openat"}},
     "CAP_DAC_OVERRIDE\n"},
    {{{"CAP_SYS_ADMIN", "ioprio_set", "CAP_SYS_NICE"}}, "CAP_SYS_NICE\n"},
    {{{"CAP_SYS_ADMIN", "ioprio_set", "CAP_NONSENSE"}}, "CAP_SYS_ADMIN\n"},
};

START_TEST(test_capabilities)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();

    for (size_t i = 0; i < FACTS_MAX && capabilities[_i].facts[i].name; i++) {
        Fact fact = {.kind = FACT_CAPABILITY, .phase = PHASE_RUN};
        fact.name = capabilities[_i].facts[i].name;
        fact_set_text(&fact, FIELD_SYSCALL, capabilities[_i].facts[i].syscall);
        if (capabilities[_i].facts[i].alternative)
            fact_set_text(&fact, FIELD_ALTERNATIVE, capabilities[_i].facts[i].alternative);
        add_fact(recording, fact, RESULT_OK);
    }
    check_inferred(recording, POLICY_CAPABILITIES, capabilities[_i].rules);
}
END_TEST

/* ---- system calls --------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct {
        const char *name;
        unsigned present; /* arguments that are known: a bit each */
        uint64_t args[3];
    } calls[FACTS_MAX];
    const char *rules;
    const char *without_conditions;
} calls[] = {
    {"combinations",
     {{"socket", 7, {2, 1, 6}}, {"socket", 7, {10, 2, 17}}, {"read", 0, {0}}},
     "read\nsocket 0=AF_INET 1=SOCK_STREAM 2=6\nsocket 0=AF_INET6 1=SOCK_DGRAM 2=17\n",
     "read\nsocket\n"},
    {"a selector that could not be read allows any value of it",
     {{"socket", 7, {2, 1, 6}}, {"socket", 1, {2, 0, 0}}, {"prctl", 1, {15}}, {"prctl", 0, {0}}},
     "prctl\nsocket 0=AF_INET\n",
     "prctl\nsocket\n"},
    {"clone3",
     {{"clone3", 1, {0x10000000}}, {"clone", 1, {0}}},
     "clone 0=0\nclone 0=CLONE_NEWUSER\nclone3 deny "
     "ENOSYS\nexit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n",
     "clone\nclone3 deny ENOSYS\nexit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n"},
    {"clone3 with unknown flags",
     {{"clone3", 0, {0}}},
     "clone\nclone3 deny ENOSYS\nexit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n",
     "clone\nclone3 deny ENOSYS\nexit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n"},
    {"baseline",
     {{"nanosleep", 0, {0}}},
     "nanosleep\nrestart_syscall\n",
     "nanosleep\nrestart_syscall\n"},
};

START_TEST(test_calls)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && calls[_i].calls[i].name; i++) {
        const uint64_t *args = calls[_i].calls[i].args;
        add_call(recording, calls[_i].calls[i].name, "x86_64", calls[_i].calls[i].present, args[0],
                 args[1], args[2]);
    }
    check_inferred(recording, POLICY_SYSCALLS, calls[_i].rules);
    CLEANUP(policy_cleanup) Policy *without = infer(recording, false, &notes);
    check_section(without, POLICY_SYSCALLS, calls[_i].without_conditions);
}
END_TEST

/* What a container's profile refused, and only that, stays refused with the same answer. */
static const struct {
    const char *what;
    bool native;
    struct {
        const char *name;
        unsigned present;
        uint64_t args[3];
        int result;
    } calls[FACTS_MAX];
    const char *rules;
    const char *note;
} refused[] = {
    {"EPERM", false, {{"unshare", 1, {0x10000000}, EPERM}}, "", "denied: unshare\n"},
    {"outside of containers",
     true,
     {{"unshare", 1, {0x10000000}, EPERM}},
     "unshare 0=CLONE_NEWUSER\n",
     NULL},
    {"also otherwise",
     false,
     {{"mount", 0, {0}, EPERM}, {"mount", 0, {0}, RESULT_OK}},
     "mount\n",
     NULL},
    {"other errors", false, {{"mount", 0, {0}, ENOENT}}, "mount\n", NULL},
    {"what Docker's default grants", false, {{"kill", 0, {0}, EPERM}}, "kill\n", NULL},
    {"as if there were none", false, {{"bpf", 0, {0}, ENOSYS}}, "bpf deny ENOSYS\n", "bpf"},
    {"values",
     false,
     {{"clone", 1, {0x10000000}, EPERM}, {"clone", 1, {0}, RESULT_OK}},
     "clone 0=0\n",
     "denied: clone\n"},
    {"no audit",
     false,
     {{"socket", 7, {16, 3, 9}, EINVAL}, {"socket", 7, {16, 3, 0}, RESULT_OK}},
     "socket 0=AF_NETLINK 1=SOCK_RAW 2=0\nsocket 0=AF_NETLINK 1=SOCK_RAW 2=9 deny EINVAL\n",
     "denied: socket\n"},
    {"no audit, and once unknown values",
     false,
     {{"socket", 7, {16, 3, 9}, EINVAL}, {"socket", 0, {0}, RESULT_OK}},
     "socket\n",
     NULL},
    {"two answers",
     false,
     {{"socket", 7, {16, 3, 9}, EINVAL}, {"socket", 1, {16}, EPERM}},
     "",
     NULL},
};

START_TEST(test_refused)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    if (!refused[_i].native)
        recording_run(recording, 0)->container_id = "c0ffee";
    for (size_t i = 0; i < FACTS_MAX && refused[_i].calls[i].name; i++) {
        Fact fact = {.kind = FACT_SYSCALL, .phase = PHASE_RUN};
        fact.name = refused[_i].calls[i].name;
        fact_set_text(&fact, FIELD_ARCH, "x86_64");
        fact_set_number(&fact, FIELD_NUMBER, 1);
        fact.args_present = (uint8_t)refused[_i].calls[i].present;
        memcpy(fact.args, refused[_i].calls[i].args, sizeof refused[_i].calls[i].args);
        add_fact(recording, fact, refused[_i].calls[i].result);
    }
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS, refused[_i].rules);
    if (refused[_i].note)
        ck_assert_ptr_nonnull(strstr(buffer_text(&notes), refused[_i].note));
    else
        ck_assert_uint_eq(notes.length, 0);
}
END_TEST

/* 16 values are a condition, 17 none; of several selectors the last is given up first. */
START_TEST(test_many_values)
{
    for (uint64_t count = 16; count <= 17; count++) {
        CLEANUP(recording_cleanup) Recording *recording = new_recording();
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        size_t first, end;
        for (uint64_t i = 0; i < count; i++) {
            add_call(recording, "prctl", "x86_64", 1, i, 0, 0);
            add_call(recording, "socket", "x86_64", 7, 2, 1, i);
        }
        CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
        policy_range(policy, POLICY_SYSCALLS, &first, &end);
        ck_assert_uint_eq(end - first, count == 16 ? 32 : 2);
        if (count == 17)
            check_section(policy, POLICY_SYSCALLS, "prctl\nsocket 0=AF_INET 1=SOCK_STREAM\n");
    }
}
END_TEST

START_TEST(test_unknown_call)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "syscall_9999", "x86_64", 0, 0, 0, 0);
    add_call(recording, "syscall_1", "audit-0x12345678", 0, 0, 0, 0);
    add_call(recording, "read", "i386", 0, 0, 0, 0);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS, "read\n");
    ck_assert_ptr_nonnull(strstr(buffer_text(&notes), "syscall_9999 of x86_64"));
    ck_assert_ptr_nonnull(strstr(buffer_text(&notes), "syscall_1 of audit-0x12345678"));
    ck_assert_uint_eq(policy_archs(policy), 1u << ARCH_X86_64 | 1u << ARCH_I386);
}
END_TEST

/* ---- container ------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    struct {
        const char *path;
        uint32_t access;
        const char *type;
    } facts[FACTS_MAX];
    bool read_only;
    const char *tmpfs;
    const char *volumes;
} containers[] = {
    {"nothing written", {{"/etc/x", ACCESS_READ, NULL}}, true, "", ""},
    {"scratch", {{"/tmp/x", ACCESS_CREATE, NULL}}, true, "/tmp\n", ""},
    {"a log",
     {{"/var/log/x/a.log", ACCESS_APPEND | ACCESS_CREATE, NULL}},
     true,
     "/var/log/x\n",
     ""},
    {"a folder of its own",
     {{"/run/x", ACCESS_CREATE, "directory"}, {"/run/x/pid", ACCESS_CREATE, NULL}},
     true,
     "/run\n",
     ""},
    {"a folder that was there", {{"/run/x/pid", ACCESS_CREATE, NULL}}, true, "/run/x\n", ""},
    {"data", {{"/var/lib/x/db", ACCESS_WRITE, NULL}}, true, "", "/var/lib/x\n"},
    {"scratch with content",
     {{"/tmp/x", ACCESS_CREATE, NULL}, {"/tmp/conf", ACCESS_READ, NULL}},
     true,
     "",
     "/tmp\n"},
    {"programs made there",
     {{"/tmp/x", ACCESS_CREATE, NULL}, {"/tmp/x", ACCESS_EXEC, NULL}},
     true,
     "/tmp exec\n",
     ""},
    {"system files",
     {{"/tmp/x", ACCESS_CREATE, NULL}, {"/etc/x", ACCESS_WRITE, NULL}},
     false,
     "",
     ""},
    {"the root itself", {{"/x", ACCESS_CREATE, NULL}}, false, "", ""},
    {"a place as a file", {{"/tmp", ACCESS_CHMOD, "directory"}}, false, "", ""},
    {"kernel files",
     {{"/dev/null", ACCESS_WRITE, "char"}, {"/proc/self/x", ACCESS_WRITE, NULL}},
     true,
     "",
     ""},
    {"beside a place", {{"/tmpx/y", ACCESS_CREATE, NULL}}, false, "", ""},
    {"what no argument can hold", {{"/tmp/a:b/c", ACCESS_CREATE, NULL}}, false, "", ""},
};

/* What every container was given is given again by whoever starts it. */
static const struct {
    const char *mounts[2]; /* of one run or two */
    const char *path;
    bool read_only;
    const char *volumes;
    const char *note;
} given[] = {
    {{"tmpfs:/dev bind:/data"}, "/data", true, "", " /data\n"},
    {{"volume:/srv/a bind:/data"}, "/srv/a/b/c", true, "", " /srv/a\n"},
    {{"bind:/srv/ab bind:/srv/a/b/c/d"}, "/srv/a/b/c", true, "/srv/a/b\n", NULL},
    {{"bind:/data", "bind:/data"}, "/data/x", true, "", " /data\n"},
    {{"bind:/data", "bind:/other"}, "/data/x", true, "/data\n", NULL},
    {{"tmpfs:/data"}, "/data/x", true, "/data\n", NULL},
    {{"tmpfs:/dev"}, "/data", false, "", "the root cannot be read-only: /data"},
};

START_TEST(test_given)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    recording_run(recording, 0)->mounts = given[_i].mounts[0];
    if (given[_i].mounts[1]) {
        const Run run = {.id = "b", .mounts = given[_i].mounts[1], .exit_status = -1};
        uint32_t index;
        ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    }
    add_file(recording, given[_i].path, ACCESS_WRITE, 0, "regular");
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    ck_assert_int_eq(policy_read_only_root(policy), given[_i].read_only);
    check_section(policy, POLICY_VOLUMES, given[_i].volumes);
    if (given[_i].note)
        ck_assert_ptr_nonnull(strstr(buffer_text(&notes), given[_i].note));
    else
        ck_assert_uint_eq(notes.length, 0);
}
END_TEST

START_TEST(test_no_workload)
{
    static const struct {
        const char *container;
        Phase phase;
        bool noted;
    } starts[] = {{"c0ffee", PHASE_RUNTIME_INIT, true},
                  {"c0ffee", PHASE_RUN, false},
                  {NULL, PHASE_RUNTIME_INIT, false}};

    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        CLEANUP(recording_cleanup) Recording *recording = new_recording();
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        Fact fact = {.kind = FACT_SYSCALL, .phase = starts[i].phase, .name = "read"};
        fact_set_text(&fact, FIELD_ARCH, "x86_64");
        fact_set_number(&fact, FIELD_NUMBER, 1);
        recording_run(recording, 0)->container_id = starts[i].container;
        add_fact(recording, fact, RESULT_OK);
        Fact peak = {.kind = FACT_RESOURCE, .phase = PHASE_RUN, .name = "processes"};
        fact_set_number(&peak, FIELD_VALUE, 1);
        add_fact(recording, peak, RESULT_OK);
        CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
        ck_assert_int_eq(strstr(buffer_text(&notes), "no workload") != NULL, starts[i].noted);
        ck_assert_ptr_nonnull(policy);
    }
}
END_TEST

START_TEST(test_container)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && containers[_i].facts[i].path; i++)
        add_file(recording, containers[_i].facts[i].path, containers[_i].facts[i].access, 0,
                 containers[_i].facts[i].type);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    ck_assert_int_eq(policy_read_only_root(policy), containers[_i].read_only);
    ck_assert_int_eq(strstr(buffer_text(&notes), "read-only") == NULL, containers[_i].read_only);
    check_section(policy, POLICY_TMPFS, containers[_i].tmpfs);
    check_section(policy, POLICY_VOLUMES, containers[_i].volumes);
}
END_TEST

START_TEST(test_no_new_privs)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const Run with = {.id = "a", .exit_status = -1, .no_new_privs = true};
    const Run without = {.id = "b", .exit_status = -1};
    uint32_t index;

    ck_assert_int_eq(recording_add_run(recording, &with, &index), 0);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    ck_assert(policy_no_new_privs(policy));
    ck_assert_int_eq(recording_add_run(recording, &without, &index), 0);
    CLEANUP(policy_cleanup) Policy *less = infer(recording, true, &notes);
    ck_assert(!policy_no_new_privs(less));
}
END_TEST

/* Whom the runs were started as decides the user, and whether a tmpfs is writable for who writes.
 */
static const struct {
    const char *runs[2];
    bool changes;
    const char *user;
    const char *tmpfs;
    const char *volumes;
} users[] = {
    {{NULL, NULL}, false, NULL, "/run\n/tmp\n", "/srv\n"},
    {{"0:0", "0:0"}, false, NULL, "/run\n/tmp\n", "/srv\n"},
    {{"0:0", "0:0"}, true, NULL, "/tmp\n", "/run\n/srv\n"},
    {{"33:44", "33:44"}, false, "33:44", "/tmp\n", "/run\n/srv\n"},
    {{"33:44", "33:33"}, false, NULL, "/tmp\n", "/run\n/srv\n"},
    {{"33:44", "0:0"}, false, NULL, "/tmp\n", "/run\n/srv\n"},
    {{"0:0", "33:44"}, false, NULL, "/tmp\n", "/run\n/srv\n"},
    {{"33:44", NULL}, false, NULL, "/tmp\n", "/run\n/srv\n"},
    {{"33; 44", "33; 44"}, false, NULL, "/run\n/tmp\n", "/srv\n"},
};

START_TEST(test_user)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const char *const files_made[] = {"/run/x", "/srv/x", "/tmp/x"};
    const char *const ids[] = {"a", "b"};
    uint32_t index;

    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        const Run run = {.id = ids[i], .exit_status = -1, .user = users[_i].runs[i]};
        ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(files_made); i++)
        add_file(recording, files_made[i], ACCESS_CREATE, 0, NULL);
    if (users[_i].changes)
        add_fact(recording,
                 (Fact){.kind = FACT_CAPABILITY, .phase = PHASE_RUN, .name = "CAP_SETUID"},
                 RESULT_OK);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    ck_assert_pstr_eq(policy_user(policy), users[_i].user);
    check_section(policy, POLICY_TMPFS, users[_i].tmpfs);
    check_section(policy, POLICY_VOLUMES, users[_i].volumes);
}
END_TEST

/* ---- io_uring ------------------------------------------------------------------------------- */

/* What went through a ring, whether its set-up and its submissions were seen as calls, and what is
 * to be read at their rules and in the notes. */
static const struct {
    const char *operations[FACTS_MAX];
    bool setup, enter;
    const char *setup_reason, *enter_reason;
    const char *note;
} rings[] = {
    {{NULL}, false, false, NULL, NULL, NULL},
    {{NULL}, true, true, "pass no filter", "what it submits passes no filter", NULL},
    {{"IORING_OP_OPENAT", "IORING_OP_CONNECT", "IORING_OP_OPENAT"},
     true,
     true,
     "pass no filter",
     "seen: IORING_OP_CONNECT IORING_OP_OPENAT",
     "2 kinds of operations went through a ring (IORING_OP_CONNECT IORING_OP_OPENAT)"},
    /* By the kernel's thread; by a ring that was inherited. */
    {{"IORING_OP_NOP"}, true, false, "pass no filter", NULL, "1 kind of operations"},
    {{"IORING_OP_NOP"}, false, false, NULL, NULL, "kernel.io_uring_disabled"},
};

static void check_reason(const Policy *policy, const char *name, const char *wanted)
{
    const PolicyRule *found = NULL;

    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        if (strcmp(policy_rule(policy, i)->name, name) == 0)
            found = policy_rule(policy, i);
    }
    if (!wanted) {
        ck_assert_ptr_null(found);
        return;
    }
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(found->reason);
    ck_assert_msg(strstr(found->reason, wanted) != NULL, "%s: %s", name, found->reason);
}

START_TEST(test_ring)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && rings[_i].operations[i]; i++) {
        const Fact fact = {.kind = FACT_IO_URING,
                           .phase = i == 2 ? PHASE_EXEC : PHASE_RUN,
                           .name = rings[_i].operations[i]};
        add_fact(recording, fact, RESULT_OK);
    }
    if (rings[_i].setup)
        add_call(recording, "io_uring_setup", "x86_64", 0, 0, 0, 0);
    if (rings[_i].enter)
        add_call(recording, "io_uring_enter", "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);
    check_reason(policy, "io_uring_setup", rings[_i].setup_reason);
    check_reason(policy, "io_uring_enter", rings[_i].enter_reason);
    if (rings[_i].note)
        ck_assert_ptr_nonnull(strstr(buffer_text(&notes), rings[_i].note));
    else
        ck_assert_ptr_null(strstr(buffer_text(&notes), "io_uring"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infer");

    suite_add(suite, "outcome", test_outcome, ARRAY_LENGTH(outcomes));
    suite_add(suite, "capabilities", test_capabilities, ARRAY_LENGTH(capabilities));
    suite_add(suite, "calls", test_calls, ARRAY_LENGTH(calls));
    suite_add(suite, "refused", test_refused, ARRAY_LENGTH(refused));
    suite_add(suite, "many values", test_many_values, 1);
    suite_add(suite, "unknown calls", test_unknown_call, 1);
    suite_add(suite, "container", test_container, ARRAY_LENGTH(containers));
    suite_add(suite, "no workload", test_no_workload, 1);
    suite_add(suite, "given mounts", test_given, ARRAY_LENGTH(given));
    suite_add(suite, "no_new_privs", test_no_new_privs, 1);
    suite_add(suite, "user", test_user, ARRAY_LENGTH(users));
    suite_add(suite, "ring", test_ring, ARRAY_LENGTH(rings));
    return suite_run(suite);
}
