/* SPDX-License-Identifier: Apache-2.0 */
/* generator/infer_files: which paths a recording grants, and how. */
#include "base/memory.h"
#include "infer_maker.h"
#include "suite.h"

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
    {"owner not known when it is gone",
     {{"/a", ACCESS_CREATE, 1, NULL}, {"/a", ACCESS_DELETE, -1, NULL}},
     "owner /a w\n"},
    {"owner not known, and not always the same",
     {{"/a", ACCESS_CREATE, 1, NULL},
      {"/a", ACCESS_READ, 0, NULL},
      {"/a", ACCESS_DELETE, -1, NULL}},
     "/a rw\n"},
    {"given away",
     {{"/a", ACCESS_CREATE, 1, NULL}, {"/a", ACCESS_CHOWN, 1, NULL}, {"/a", ACCESS_READ, 1, NULL}},
     "/a rw\n"},
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
    CLEANUP(recording_cleanup) Recording *recording = new_recording();

    for (size_t i = 0; i < FACTS_MAX && files[_i].facts[i].path; i++)
        add_file(recording, files[_i].facts[i].path, files[_i].facts[i].access,
                 files[_i].facts[i].owner, files[_i].facts[i].type);
    check_inferred(recording, POLICY_FILES, files[_i].rules);
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
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    Fact fact = {.kind = FACT_FILE,
                 .phase = PHASE_RUN,
                 .name = python_files[_i].path,
                 .subject = python_files[_i].subject};
    StoredFact *added;

    fact_set_number(&fact, FIELD_ACCESS, python_files[_i].access);
    results_add(&fact.results, RESULT_OK);
    ck_assert_int_eq(recording_add(recording, &fact, 0, 1, NULL, &added), 1);
    check_inferred(recording, POLICY_FILES, python_files[_i].rules);
}
END_TEST

/* What another program does to a file that is gone when it is looked at. */
START_TEST(test_gone)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = "/a", .subject = "/bin/rm"};
    Fact capability = {.kind = FACT_CAPABILITY, .phase = PHASE_RUN, .name = "CAP_SETUID"};
    StoredFact *added;

    add_file(recording, "/a", ACCESS_CREATE, 1, NULL);
    add_file(recording, "/a", ACCESS_READ, 1, NULL);
    fact_set_number(&fact, FIELD_ACCESS, ACCESS_DELETE);
    results_add(&fact.results, RESULT_OK);
    ck_assert_int_eq(recording_add(recording, &fact, 0, 1, NULL, &added), 1);
    check_inferred(recording, POLICY_FILES, "owner /a rw\n");
    /* It may be another user's. */
    add_fact(recording, capability, RESULT_OK);
    check_inferred(recording, POLICY_FILES, "/a w\nowner /a r\n");
}
END_TEST

/* mkdir says that it is a folder where the fact does not. */
START_TEST(test_mkdir)
{
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = "/a"};

    fact_set_number(&fact, FIELD_ACCESS, ACCESS_CREATE);
    fact.first.syscall = "mkdirat";
    add_fact(recording, fact, RESULT_OK);
    check_inferred(recording, POLICY_FILES, "/a/ w\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infer_files");

    suite_add(suite, "files", test_files, ARRAY_LENGTH(files));
    suite_add(suite, "Python's files", test_python, ARRAY_LENGTH(python_files));
    suite_add(suite, "gone", test_gone, 1);
    suite_add(suite, "mkdir", test_mkdir, 1);
    return suite_run(suite);
}
