/* SPDX-License-Identifier: Apache-2.0 */
/* generator/infer: what a recording grants, and what it must not. */
#include "base/memory.h"
#include "generator/infer.h"
#include "suite.h"

#include <errno.h>

static void policy_drop(Policy **policy)
{
    *policy = policy_free(*policy);
}

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

static Recording *new_recording(void)
{
    Recording *recording = recording_new();
    const Run run = {.id = "a", .arch = "x86_64", .exit_status = -1, .complete = true};
    uint32_t index;

    ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    return recording;
}

static void add(Recording *recording, Fact fact, int result)
{
    StoredFact *added;

    fact.subject = "/bin/x";
    results_add(&fact.results, result);
    ck_assert_int_ge(recording_add(recording, &fact, 0, 1, NULL, &added), 0);
}

static void add_file(Recording *recording, const char *path, uint32_t access, int owner,
                     const char *type)
{
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = path};

    fact_set_number(&fact, FIELD_ACCESS, access);
    fact_set_text(&fact, FIELD_FILE_TYPE, type);
    if (owner >= 0)
        fact_set_number(&fact, FIELD_OWNER, owner);
    add(recording, fact, RESULT_OK);
}

static void add_call(Recording *recording, const char *name, const char *arch, unsigned present,
                     uint64_t a0, uint64_t a1, uint64_t a2)
{
    Fact fact = {.kind = FACT_SYSCALL, .phase = PHASE_RUN, .name = name};

    fact_set_text(&fact, FIELD_ARCH, arch);
    fact_set_number(&fact, FIELD_NUMBER, 1);
    fact.args_present = (uint8_t)present;
    fact.args[0] = present & 1 ? a0 : 0;
    fact.args[1] = present & 2 ? a1 : 0;
    fact.args[2] = present & 4 ? a2 : 0;
    add(recording, fact, RESULT_UNKNOWN);
}

static Policy *infer(Recording *recording, bool conditions, Buffer *notes)
{
    const InferOptions options = {.conditions = conditions};
    Policy *policy = policy_new();
    Error err = {0};

    ck_assert_msg(infer_policy(recording, &options, policy, notes, &err) == 0, "%s", err.text);
    policy_sort(policy);
    return policy;
}

/* All rules of a section, a line each. */
static void check_section(const Policy *policy, PolicySection section, const char *wanted)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    size_t first, end;

    policy_range(policy, section, &first, &end);
    for (size_t i = first; i < end; i++) {
        (void)policy_rule_print(policy_rule(policy, i), &out);
        if (policy_rule(policy, i)->deny) {
            (void)buffer_puts(&out, " deny ");
            (void)policy_deny_print(policy_rule(policy, i)->deny, &out);
        }
        (void)buffer_putc(&out, '\n');
    }
    ck_assert_str_eq(buffer_text(&out), wanted);
}

/* ---- files ---------------------------------------------------------------------------------- */

enum { FACTS_MAX = 4 };

static const struct {
    const char *what;
    struct {
        const char *path;
        uint32_t access;
        int owner; /* -1 not known */
        const char *type;
    } facts[FACTS_MAX];
    const char *rules;
} files[] = {
    {"read", {{"/a", ACCESS_READ, 0, NULL}}, "/a r\n"},
    {"stat needs nothing", {{"/a", ACCESS_STAT, 0, NULL}}, ""},
    {"write", {{"/a", ACCESS_WRITE, 0, NULL}}, "/a w\n"},
    {"append alone", {{"/a", ACCESS_APPEND, 0, NULL}}, "/a a\n"},
    {"append and write",
     {{"/a", ACCESS_APPEND, 0, NULL}, {"/a", ACCESS_TRUNCATE, 0, NULL}},
     "/a w\n"},
    {"append of a file that is created",
     {{"/a", ACCESS_APPEND | ACCESS_CREATE, 0, NULL}},
     "/a w\n"},
    {"delete", {{"/a", ACCESS_DELETE, 0, NULL}}, "/a w\n"},
    {"chmod", {{"/a", ACCESS_CHMOD, 0, NULL}}, "/a w\n"},
    {"chown", {{"/a", ACCESS_CHOWN, 0, NULL}}, "/a w\n"},
    {"lock", {{"/a", ACCESS_READ | ACCESS_LOCK, 0, NULL}}, "/a rk\n"},
    {"mmap-exec", {{"/a", ACCESS_MMAP_EXEC, 0, NULL}}, "/a rm\n"},
    {"exec", {{"/a", ACCESS_EXEC, 0, NULL}}, "/a ix\n"},
    {"connect", {{"/a", ACCESS_CONNECT, 0, "socket"}}, "/a rw\n"},
    {"directory", {{"/a", ACCESS_READ, 0, "directory"}}, "/a/ r\n"},
    {"the root", {{"/", ACCESS_READ, 0, "directory"}}, "/ r\n"},
    {"rename",
     {{"/a", ACCESS_RENAME | ACCESS_DELETE, 0, NULL},
      {"/b", ACCESS_RENAME | ACCESS_CREATE, 0, NULL}},
     "/a rw\n/b w\n"},
    {"renamed to and away again",
     {{"/a", ACCESS_RENAME | ACCESS_DELETE, 0, NULL},
      {"/a", ACCESS_RENAME | ACCESS_CREATE, 0, NULL}},
     "/a rw\n"},
    {"a folder renamed",
     {{"/a", ACCESS_RENAME | ACCESS_DELETE, 0, "directory"},
      {"/b", ACCESS_RENAME | ACCESS_CREATE, 0, NULL},
      {"/c", ACCESS_RENAME | ACCESS_CREATE, 0, "regular"}},
     "/a/ rw\n/b w\n/b/ w\n/c w\n"},
    {"link",
     {{"/new", ACCESS_LINK | ACCESS_CREATE, 0, NULL}, {"/old", ACCESS_LINK, 0, NULL}},
     "/new l -> /old\n"},
    {"link to one of two",
     {{"/new", ACCESS_LINK | ACCESS_CREATE, 0, NULL},
      {"/old,", ACCESS_LINK, 0, NULL},
      {"/two", ACCESS_LINK, 0, NULL}},
     "/new l -> /{old\\,,two}\n"},
    {"link to a new file",
     {{"/new", ACCESS_LINK | ACCESS_CREATE, 0, NULL},
      {"/old", ACCESS_LINK, 0, NULL},
      {"/old", ACCESS_CREATE | ACCESS_WRITE, 0, NULL}},
     "/new l -> /old\n/old w\n"},
    {"link to what is not known", {{"/new", ACCESS_LINK | ACCESS_CREATE, 0, NULL}}, "/new l\n"},
    {"owner of what it created",
     {{"/a", ACCESS_CREATE, 1, NULL}, {"/a", ACCESS_READ, 1, NULL}},
     "owner /a rw\n"},
    {"others touch it too",
     {{"/a", ACCESS_CREATE, 1, NULL}, {"/a", ACCESS_READ, 0, NULL}},
     "/a r\nowner /a w\n"},
    {"both do the same", {{"/a", ACCESS_CREATE, 1, NULL}, {"/a", ACCESS_WRITE, 0, NULL}}, "/a w\n"},
    {"owner appends what others write",
     {{"/a", ACCESS_CREATE, 0, NULL}, {"/a", ACCESS_APPEND, 1, NULL}},
     "/a w\n"},
    {"owner of what was there before", {{"/a", ACCESS_READ, 1, NULL}}, "/a r\n"},
    {"owner not known", {{"/a", ACCESS_CREATE, -1, NULL}}, "/a w\n"},
    {"own process", {{"/proc/self/status", ACCESS_READ, 1, NULL}}, "owner /proc/@{pid}/status r\n"},
    {"another process",
     {{"/proc/[pid]/stat", ACCESS_READ, 1, NULL}, {"/proc/7/stat", ACCESS_READ, 0, NULL}},
     "/proc/@{pid}/stat r\n"},
    {"own and another process",
     {{"/proc/[pid]/stat", ACCESS_READ, 0, NULL}, {"/proc/self/stat", ACCESS_READ, 1, NULL}},
     "/proc/@{pid}/stat r\n"},
    {"a thread",
     {{"/proc/self/task/[tid]/comm", ACCESS_WRITE, 0, NULL}},
     "/proc/@{pid}/task/@{tid}/comm w\n"},
    {"no process", {{"/proc/sys/7/x", ACCESS_READ, 0, NULL}}, "/proc/sys/7/x r\n"},
    {"no process either", {{"/srv/proc/7", ACCESS_READ, 0, NULL}}, "/srv/proc/7 r\n"},
    {"mktemp", {{"/tmp/tmp.a1B2c3D4e5", ACCESS_CREATE, 1, NULL}}, "owner /tmp/tmp.?????????? w\n"},
    {"mkstemp", {{"/tmp/x-aB3dE6", ACCESS_CREATE, 1, NULL}}, "owner /tmp/x-?????? w\n"},
    {"mktemp of others",
     {{"/tmp/tmp.a1B2c3D4e5", ACCESS_READ, 1, NULL}},
     "/tmp/tmp.a1B2c3D4e5 r\n"},
    {"below mkdtemp",
     {{"/tmp/d.a1B2c3", ACCESS_CREATE, 1, "directory"}, {"/tmp/d.a1B2c3/f", ACCESS_READ, 0, NULL}},
     "owner /tmp/d.?????\?/ w\n/tmp/d.?????\?/f r\n"},
    {"a word", {{"/tmp/Config", ACCESS_CREATE, 1, NULL}}, "owner /tmp/Config w\n"},
    {"a counter", {{"/tmp/worker01", ACCESS_CREATE, 1, NULL}}, "owner /tmp/worker01 w\n"},
    {"a date", {{"/tmp/20240131", ACCESS_CREATE, 1, NULL}}, "owner /tmp/20240131 w\n"},
    {"a word of mktemp's length",
     {{"/tmp/tmp.abcdefghij", ACCESS_CREATE, 1, NULL}},
     "owner /tmp/tmp.?????????? w\n"},
    {"a random name that looks like a word, beside one that does not",
     {{"/tmp/x.config", ACCESS_CREATE, 1, NULL}, {"/tmp/x.a1B2c3", ACCESS_CREATE, 1, NULL}},
     "owner /tmp/x.?????? w\n"},
    {"a word beside a random name without a prefix",
     {{"/tmp/config", ACCESS_CREATE, 1, NULL}, {"/tmp/a1B2c3", ACCESS_CREATE, 1, NULL}},
     "owner /tmp/?????? w\nowner /tmp/config w\n"},
    {"words alone",
     {{"/tmp/x.config", ACCESS_CREATE, 1, NULL}, {"/tmp/x.backup", ACCESS_CREATE, 1, NULL}},
     "owner /tmp/x.backup w\nowner /tmp/x.config w\n"},
    {"humps", {{"/tmp/someFileName", ACCESS_CREATE, 1, NULL}}, "owner /tmp/someFileName w\n"},
    {"a name with a digit", {{"/tmp/utf8map", ACCESS_CREATE, 1, NULL}}, "owner /tmp/utf8map w\n"},
    {"capitals", {{"/tmp/README", ACCESS_CREATE, 1, NULL}}, "owner /tmp/README w\n"},
    {"one random name elsewhere",
     {{"/srv/up.a1B2c3", ACCESS_CREATE, 0, NULL}},
     "/srv/up.a1B2c3 w\n"},
    {"two random names elsewhere",
     {{"/srv/up.a1B2c3", ACCESS_CREATE, 0, NULL}, {"/srv/up.Z9y8X7", ACCESS_CREATE, 0, NULL}},
     "/srv/up.?????? w\n"},
    {"two of different shape",
     {{"/srv/up.a1B2c3", ACCESS_CREATE, 0, NULL}, {"/srv/do.Z9y8X7", ACCESS_CREATE, 0, NULL}},
     "/srv/do.Z9y8X7 w\n/srv/up.a1B2c3 w\n"},
    {"special characters", {{"/a *[\n\xff", ACCESS_READ, 0, NULL}}, "/a\\x20\\*\\[\\x0a\\xff r\n"},
    {"no path", {{"pipe:[1]", ACCESS_READ, 0, "fifo"}}, ""},
};

START_TEST(test_files)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && files[_i].facts[i].path; i++)
        add_file(recording, files[_i].facts[i].path, files[_i].facts[i].access,
                 files[_i].facts[i].owner, files[_i].facts[i].type);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_FILES, files[_i].rules);
}
END_TEST

/* Names of Python's tempfile are known by who made them. */
static const struct {
    const char *path;
    uint32_t access;
    const char *subject;
    const char *rules;
} python_files[] = {
    {"/tmp/tmpab_de8gh.txt", ACCESS_CREATE, "/usr/bin/python3.11", "/tmp/tmp????????.txt w\n"},
    {"/tmp/tmpabcdefgh", ACCESS_CREATE, "/usr/bin/python3.11", "/tmp/tmp???????? w\n"},
    {"/tmp/tmpfilename", ACCESS_CREATE, "/bin/x", "/tmp/tmpfilename w\n"},
    {"/tmp/ab_de8gh", ACCESS_CREATE | ACCESS_DELETE, "/usr/bin/pypy3", "/tmp/???????? w\n"},
    {"/tmp/ab_de8gh", ACCESS_CREATE, "/usr/bin/python3", "/tmp/ab_de8gh w\n"},
    {"/tmp/ab_de8gh", ACCESS_CREATE | ACCESS_DELETE, "/bin/x", "/tmp/ab_de8gh w\n"},
    {"/srv/ab_de8gh", ACCESS_CREATE | ACCESS_DELETE, "/usr/bin/python3", "/srv/ab_de8gh w\n"},
    {"/tmp/abde8gh", ACCESS_CREATE | ACCESS_DELETE, "/usr/bin/python3", "/tmp/abde8gh w\n"},
};

START_TEST(test_python)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Fact fact = {.kind = FACT_FILE,
                 .phase = PHASE_RUN,
                 .name = python_files[_i].path,
                 .subject = python_files[_i].subject};
    StoredFact *added;

    fact_set_number(&fact, FIELD_ACCESS, python_files[_i].access);
    results_add(&fact.results, RESULT_OK);
    ck_assert_int_eq(recording_add(recording, &fact, 0, 1, NULL, &added), 1);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_FILES, python_files[_i].rules);
}
END_TEST

/* mkdir says that it is a folder where the fact does not. */
START_TEST(test_mkdir)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = "/a"};

    fact_set_number(&fact, FIELD_ACCESS, ACCESS_CREATE);
    fact.first.syscall = "mkdirat";
    add(recording, fact, RESULT_OK);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_FILES, "/a/ w\n");
}
END_TEST

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
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Fact fact = {.kind = FACT_FILE, .phase = outcomes[_i].phase, .name = "/a"};
    Fact capability = {.kind = FACT_CAPABILITY, .phase = outcomes[_i].phase, .name = "CAP_CHOWN"};

    fact_set_number(&fact, FIELD_ACCESS, ACCESS_READ);
    add(recording, fact, outcomes[_i].result);
    add(recording, capability, outcomes[_i].result);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
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
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && capabilities[_i].facts[i].name; i++) {
        Fact fact = {.kind = FACT_CAPABILITY, .phase = PHASE_RUN};
        fact.name = capabilities[_i].facts[i].name;
        fact_set_text(&fact, FIELD_SYSCALL, capabilities[_i].facts[i].syscall);
        if (capabilities[_i].facts[i].alternative)
            fact_set_text(&fact, FIELD_ALTERNATIVE, capabilities[_i].facts[i].alternative);
        add(recording, fact, RESULT_OK);
    }
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_CAPABILITIES, capabilities[_i].rules);
}
END_TEST

/* ---- system calls --------------------------------------------------------------------------- */

START_TEST(test_combinations)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "socket", "x86_64", 7, 2, 1, 6);
    add_call(recording, "socket", "x86_64", 7, 10, 2, 17);
    add_call(recording, "read", "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(
        policy, POLICY_SYSCALLS,
        "read\nsocket 0=AF_INET 1=SOCK_STREAM 2=6\nsocket 0=AF_INET6 1=SOCK_DGRAM 2=17\n");
    CLEANUP(policy_drop) Policy *without = infer(recording, false, &notes);
    check_section(without, POLICY_SYSCALLS, "read\nsocket\n");
}
END_TEST

/* A sighting whose selector could not be read allows any value of it. */
START_TEST(test_unknown_selector)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "socket", "x86_64", 7, 2, 1, 6);
    add_call(recording, "socket", "x86_64", 1, 2, 0, 0);
    add_call(recording, "prctl", "x86_64", 1, 15, 0, 0);
    add_call(recording, "prctl", "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS, "prctl\nsocket 0=AF_INET\n");
}
END_TEST

/* 16 values are a condition, 17 none; of several selectors the last is given up first. */
START_TEST(test_many_values)
{
    for (uint64_t count = 16; count <= 17; count++) {
        CLEANUP(recording_drop) Recording *recording = new_recording();
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        size_t first, end;
        for (uint64_t i = 0; i < count; i++) {
            add_call(recording, "prctl", "x86_64", 1, i, 0, 0);
            add_call(recording, "socket", "x86_64", 7, 2, 1, i);
        }
        CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
        policy_range(policy, POLICY_SYSCALLS, &first, &end);
        ck_assert_uint_eq(end - first, count == 16 ? 32 : 2);
        if (count == 17)
            check_section(policy, POLICY_SYSCALLS, "prctl\nsocket 0=AF_INET 1=SOCK_STREAM\n");
    }
}
END_TEST

START_TEST(test_clone3)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "clone3", "x86_64", 1, 0x10000000, 0, 0);
    add_call(recording, "clone", "x86_64", 1, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS,
                  "clone 0=0\nclone 0=CLONE_NEWUSER\nclone3 deny ENOSYS\n");
}
END_TEST

START_TEST(test_clone3_unknown_flags)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "clone3", "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS, "clone\nclone3 deny ENOSYS\n");
}
END_TEST

START_TEST(test_baseline)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "nanosleep", "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    check_section(policy, POLICY_SYSCALLS, "nanosleep\nrestart_syscall\n");
}
END_TEST

START_TEST(test_unknown_call)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    add_call(recording, "syscall_9999", "x86_64", 0, 0, 0, 0);
    add_call(recording, "syscall_1", "audit-0x12345678", 0, 0, 0, 0);
    add_call(recording, "read", "i386", 0, 0, 0, 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
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

START_TEST(test_container)
{
    CLEANUP(recording_drop) Recording *recording = new_recording();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < FACTS_MAX && containers[_i].facts[i].path; i++)
        add_file(recording, containers[_i].facts[i].path, containers[_i].facts[i].access, 0,
                 containers[_i].facts[i].type);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    ck_assert_int_eq(policy_read_only_root(policy), containers[_i].read_only);
    ck_assert_int_eq(notes.length == 0, containers[_i].read_only);
    check_section(policy, POLICY_TMPFS, containers[_i].tmpfs);
    check_section(policy, POLICY_VOLUMES, containers[_i].volumes);
}
END_TEST

START_TEST(test_no_new_privs)
{
    CLEANUP(recording_drop) Recording *recording = recording_new();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const Run with = {.id = "a", .exit_status = -1, .no_new_privs = true};
    const Run without = {.id = "b", .exit_status = -1};
    uint32_t index;

    ck_assert_int_eq(recording_add_run(recording, &with, &index), 0);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    ck_assert(policy_no_new_privs(policy));
    ck_assert_int_eq(recording_add_run(recording, &without, &index), 0);
    CLEANUP(policy_drop) Policy *less = infer(recording, true, &notes);
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
    CLEANUP(recording_drop) Recording *recording = recording_new();
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
        add(recording, (Fact){.kind = FACT_CAPABILITY, .phase = PHASE_RUN, .name = "CAP_SETUID"},
            RESULT_OK);
    CLEANUP(policy_drop) Policy *policy = infer(recording, true, &notes);
    ck_assert_pstr_eq(policy_user(policy), users[_i].user);
    check_section(policy, POLICY_TMPFS, users[_i].tmpfs);
    check_section(policy, POLICY_VOLUMES, users[_i].volumes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infer");

    suite_add(suite, "files", test_files, ARRAY_LENGTH(files));
    suite_add(suite, "Python's files", test_python, ARRAY_LENGTH(python_files));
    suite_add(suite, "mkdir", test_mkdir, 1);
    suite_add(suite, "outcome", test_outcome, ARRAY_LENGTH(outcomes));
    suite_add(suite, "capabilities", test_capabilities, ARRAY_LENGTH(capabilities));
    suite_add(suite, "combinations", test_combinations, 1);
    suite_add(suite, "unknown selector", test_unknown_selector, 1);
    suite_add(suite, "many values", test_many_values, 1);
    suite_add(suite, "clone3", test_clone3, 1);
    suite_add(suite, "clone3 with unknown flags", test_clone3_unknown_flags, 1);
    suite_add(suite, "baseline", test_baseline, 1);
    suite_add(suite, "unknown calls", test_unknown_call, 1);
    suite_add(suite, "container", test_container, ARRAY_LENGTH(containers));
    suite_add(suite, "no_new_privs", test_no_new_privs, 1);
    suite_add(suite, "user", test_user, ARRAY_LENGTH(users));
    return suite_run(suite);
}
