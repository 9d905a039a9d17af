/* SPDX-License-Identifier: Apache-2.0 */
/* generator/path_shapes: each way to recognise what differs from run to run, where it applies and
 * where it must not. What is made up by its look alone: test_infer_files.c. */
#include "base/memory.h"
#include "generator/infer.h"
#include "generator/knowledge.h"
#include "infer_maker.h"
#include "suite.h"

enum { RUNS = 3, NEW = ACCESS_CREATE | ACCESS_WRITE, USED = NEW | ACCESS_DELETE };

/* One sighting. */
typedef struct Seen {
    const char *path;
    uint32_t access;
    unsigned run; /* from 0 */
    const char *subject;
    const char *named_after;
    const char *type;
} Seen;

typedef struct Row {
    const char *what;
    Generalise level;
    Seen facts[6];
    const char *rules;
} Row;

#define HASH "d5c0c06d8ac5ba436713a3ffe29238e0"

#define ANY4     "????"
#define ANY8     ANY4 ANY4
#define ANY32    ANY8 ANY8 ANY8 ANY8
#define UUID     "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define ANY_UUID ANY8 "-" ANY4 "-" ANY4 "-" ANY4 "-" ANY8 ANY4
#define DIGITS2  "[0-9][0-9]"
#define DIGITS4  DIGITS2 DIGITS2

/* The runs were on 2024-03-05 from 10:00:00 to 10:00:09; 1709632800 is when they began. */
static const Row rows[] = {
    /* process numbers */
    {"a process's number", 0, {{"/srv/x.1234", NEW, .named_after = "pid"}}, "/srv/x.@{pid} w\n"},
    {"a process's number in the middle",
     0,
     {{"/srv/x-1234.tmp", NEW, .named_after = "pid"}},
     "/srv/x-@{pid}.tmp w\n"},
    {"the number that stands alone",
     0,
     {{"/srv/x12-1234.a", NEW, .named_after = "pid"}},
     "/srv/x12-@{pid}.a w\n"},
    {"a number that is no process's", 0, {{"/srv/x.1234", NEW}}, "/srv/x.1234 w\n"},
    {"no number at all", 0, {{"/srv/x", NEW, .named_after = "pid"}}, "/srv/x w\n"},
    {"read by others too",
     0,
     {{"/srv/x.77", NEW, .named_after = "pid"}, {"/srv/x.77", ACCESS_READ}},
     "/srv/x.@{pid} rw\n"},
    {"a year that is data", 0, {{"/2024/data.csv", ACCESS_READ}}, "/2024/data.csv r\n"},
    {"exact", GENERALISE_EXACT, {{"/srv/x.12", NEW, .named_after = "pid"}}, "/srv/x.12 w\n"},
    {"a process's number in hexadecimal digits",
     0,
     {{"/srv/x-4f2a.y", NEW, .named_after = "pid-hex"}},
     "/srv/x-[0-9a-f]*.y w\n"},
    {"counted by a process, and removed",
     0,
     {{"/srv/#t-45f6-1-c.MAI", USED, .named_after = "pid-hex"}},
     "/srv/#t-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*.MAI w\n"},
    {"counted by a process, and kept",
     0,
     {{"/srv/t-1234-1", NEW, .named_after = "pid"}},
     "/srv/t-@{pid}-1 w\n"},
    {"one of many numbers",
     0,
     {{"/srv/db/2601", NEW},
      {"/srv/db/2602", NEW},
      {"/srv/db/2664", NEW, .named_after = "pid-hex"},
      {"/srv/db/2665", NEW, .named_after = "pid"},
      {"/srv/db/2670", NEW},
      {"/srv/db/2671", NEW}},
     "/srv/db/2601 w\n/srv/db/2602 w\n/srv/db/2664 w\n/srv/db/2665 w\n/srv/db/2670 w\n"
     "/srv/db/2671 w\n"},
    {"numbers of processes",
     0,
     {{"/srv/db/2601", NEW, .named_after = "pid"},
      {"/srv/db/2602", NEW, .named_after = "pid"},
      {"/srv/db/1", NEW},
      {"/srv/db/2", NEW},
      {"/srv/db/3", NEW}},
     "/srv/db/1 w\n/srv/db/2 w\n/srv/db/3 w\n/srv/db/@{pid} w\n"},
    /* uuids */
    {"a new UUID", 0, {{"/srv/" UUID ".up", NEW}}, "/srv/" ANY_UUID ".up w\n"},
    {"a UUID that was there", 0, {{"/srv/" UUID, ACCESS_READ}}, "/srv/" UUID " r\n"},
    {"a UUID within a word", 0, {{"/srv/x" UUID, NEW}}, "/srv/x" UUID " w\n"},
    {"a UUID that was there, like new ones",
     0,
     {{"/srv/" UUID, ACCESS_READ}, {"/srv/00000001-9dad-11d1-80b4-00c04fd430c8", NEW}},
     "/srv/" ANY_UUID " rw\n"},
    /* hashes */
    {"a new hash", 0, {{"/srv/" HASH, NEW}}, "/srv/" ANY32 " w\n"},
    {"a hash that was there", 0, {{"/srv/" HASH, ACCESS_READ}}, "/srv/" HASH " r\n"},
    {"digits alone are no hash",
     0,
     {{"/srv/12345678901234567890123456789012", NEW}},
     "/srv/12345678901234567890123456789012 w\n"},
    {"not a hash's length", 0, {{"/srv/" HASH "ab", NEW}}, "/srv/" HASH "ab w\n"},
    {"a hash spread over folders",
     0,
     {{"/srv/41", ACCESS_CREATE, .type = "directory"},
      {"/srv/41/b2c3d4e5f60718293a4b5c6d7e8f9001122334", NEW}},
     "/srv/?\?/ w\n/srv/?\?/" ANY32 ANY4 "?? w\n"},
    {"a folder that was there before",
     0,
     {{"/srv/41/b2c3d4e5f60718293a4b5c6d7e8f9001122334", NEW}},
     "/srv/41/" ANY32 ANY4 "?? w\n"},
    {"a folder of two letters without a hash",
     0,
     {{"/srv/ab", ACCESS_CREATE, .type = "directory"}, {"/srv/ab/x", NEW}},
     "/srv/ab/ w\n/srv/ab/x w\n"},
    /* dates */
    {"the day",
     0,
     {{"/srv/a-2024-03-05.log", NEW}},
     "/srv/a-" DIGITS4 "-" DIGITS2 "-" DIGITS2 ".log w\n"},
    {"the day after, somewhere", 0, {{"/srv/a-20240306", NEW}}, "/srv/a-" DIGITS4 DIGITS4 " w\n"},
    {"day and time",
     0,
     {{"/srv/20240305T100001.log", NEW}},
     "/srv/" DIGITS4 DIGITS4 "T" DIGITS4 DIGITS2 ".log w\n"},
    {"the month", 0, {{"/srv/a-2024-03.log", NEW}}, "/srv/a-" DIGITS4 "-" DIGITS2 ".log w\n"},
    {"seconds", 0, {{"/srv/a.1709632805", NEW}}, "/srv/a." DIGITS4 DIGITS4 DIGITS2 " w\n"},
    {"a log that is there already",
     0,
     {{"/srv/a-20240305", ACCESS_APPEND}},
     "/srv/a-" DIGITS4 DIGITS4 " a\n"},
    {"another day", 0, {{"/srv/a-2024-01-31.log", NEW}}, "/srv/a-2024-01-31.log w\n"},
    {"the day, read", 0, {{"/srv/a-2024-03-05.log", ACCESS_READ}}, "/srv/a-2024-03-05.log r\n"},
    {"seconds and millionths",
     0,
     {{"/srv/vcl.1709632805.011507", NEW}},
     "/srv/vcl." DIGITS4 DIGITS4 DIGITS2 "." DIGITS4 DIGITS2 " w\n"},
    {"seconds and another number",
     0,
     {{"/srv/vcl.1709632805.0115", NEW}},
     "/srv/vcl." DIGITS4 DIGITS4 DIGITS2 ".0115 w\n"},
    {"other seconds", 0, {{"/srv/a.1609632805", NEW}}, "/srv/a.1609632805 w\n"},
    {"the year alone", 0, {{"/srv/2024", NEW}}, "/srv/2024 w\n"},
    {"with thousandths of a second",
     0,
     {{"/srv/2024-03-05T10_00_01_477Z-d.log", NEW}},
     "/srv/" DIGITS4 "-" DIGITS2 "-" DIGITS2 "T" DIGITS2 "_" DIGITS2 "_" DIGITS2 "_" DIGITS2
     "[0-9]Z-d.log w\n"},
    {"seconds in hexadecimal digits", 0, {{"/srv/a.65e6ed25", NEW}}, "/srv/a." ANY8 " w\n"},
    {"uniqid() of PHP", 0, {{"/srv/job65e6ed25ba513", NEW}}, "/srv/job" ANY8 ANY4 "? w\n"},
    {"other hexadecimal digits", 0, {{"/srv/jobf5e6eb25ba513", NEW}}, "/srv/jobf5e6eb25ba513 w\n"},
    /* counters */
    {"a counter", 0, {{"/srv/0000000017", NEW}}, "/srv/" DIGITS4 DIGITS4 DIGITS2 " w\n"},
    {"a counter that was there", 0, {{"/srv/0000000017", ACCESS_READ}}, "/srv/0000000017 r\n"},
    {"a number", 0, {{"/srv/10000017", NEW}}, "/srv/10000017 w\n"},
    /* programs whose names are known */
    {"gcc's",
     0,
     {{"/tmp/ccconfig.cdtor.o", NEW, .subject = "/usr/bin/x86_64-linux-gnu-gcc-12"}},
     "/tmp/cc??????.cdtor.o w\n"},
    {"not gcc's", 0, {{"/tmp/ccconfig.cdtor.o", NEW}}, "/tmp/ccconfig.cdtor.o w\n"},
    {"git's in its folder",
     0,
     {{"/srv/.git/tzyxwvu", USED, .subject = "/usr/bin/git"}},
     "/srv/.git/t?????? w\n"},
    {"git's elsewhere", 0, {{"/srv/testing", USED, .subject = "/usr/bin/git"}}, "/srv/testing w\n"},
    {"sort's, which it removes",
     0,
     {{"/srv/sortconfig", USED, .subject = "/usr/bin/sort"}},
     "/srv/sort?????? w\n"},
    {"sort's output",
     0,
     {{"/srv/sortconfig", NEW, .subject = "/usr/bin/sort"}},
     "/srv/sortconfig w\n"},
    {"SQLite's in any program",
     0,
     {{"/var/tmp/etilqs_2e7f05b704f6030", USED}},
     "/var/tmp/etilqs_[0-9a-f]* w\n"},
    {"of mktemp(1) elsewhere",
     0,
     {{"/srv/out-config.txt", NEW, .subject = "/usr/bin/mktemp"}},
     "/srv/out-??????.txt w\n"},
    {"PostgreSQL's",
     0,
     {{"/dev/shm/PostgreSQL.1234567", USED, .subject = "/usr/lib/postgresql/15/bin/postgres"}},
     "/dev/shm/PostgreSQL.[0-9]* w\n"},
    {"PostgreSQL's, which looks like a date",
     0,
     {{"/dev/shm/PostgreSQL.1947071456", USED, .subject = "/usr/lib/postgresql/15/bin/initdb"}},
     "/dev/shm/PostgreSQL.[0-9]* w\n"},
    {"a session of PHP",
     0,
     {{"/srv/sess_3m1b431a7ehp77pivlcbufv9km", NEW, .subject = "/usr/sbin/apache2"}},
     "/srv/sess_" ANY8 ANY8 ANY8 "?? w\n"},
    {"an upload of PHP",
     0,
     {{"/tmp/phpconfig", USED, .subject = "/usr/bin/php8.2"}},
     "/tmp/php?????? w\n"},
    {"Ruby's",
     0,
     {{"/srv/a-b20240305-1234-khszzd.txt", USED, .subject = "/usr/bin/ruby3.1",
       .named_after = "pid"}},
     "/srv/a-b" DIGITS4 DIGITS4 "-@{pid}-[0-9a-z]*.txt w\n"},
    {"Ruby's, with a number in what is made up",
     0,
     {{"/srv/a20240305-1234-y93z", USED, .subject = "/usr/bin/ruby3.1", .named_after = "pid"}},
     "/srv/a" DIGITS4 DIGITS4 "-@{pid}-[0-9a-z]* w\n"},
    {"not Ruby's",
     0,
     {{"/srv/a20240305-1234-khszzd", NEW, .named_after = "pid"}},
     "/srv/a" DIGITS4 DIGITS4 "-@{pid}-khszzd w\n"},
    {"CMake's of the compiler",
     0,
     {{"/srv/cmTC_0e75d.dir", ACCESS_CREATE, .type = "directory", .subject = "/usr/bin/cmake"},
      {"/srv/cmTC_0e75d.dir/x.o", USED, .subject = "/usr/bin/as"}},
     "/srv/cmTC_?????.dir/ w\n/srv/cmTC_?????.dir/x.o w\n"},
    {"two parts of one name",
     0,
     {{"/srv/cmTC_0e75d_loc.tmp1a2b3", USED, .subject = "/usr/bin/cmake"}},
     "/srv/cmTC_?????_loc.tmp????? w\n"},
    {"an address and a process's number",
     0,
     {{"/srv/.#lk0x0000559c4ceb6510.x.1234x", USED, .subject = "/usr/bin/gpg",
       .named_after = "pid"}},
     "/srv/.#lk0x" ANY8 ANY8 ".x.@{pid}x w\n"},
    {"Vim's", 0, {{"/tmp/vwFiee7", USED, .subject = "/usr/bin/vim.basic"}}, "/tmp/v?????? w\n"},
    {"an address behind a name",
     0,
     {{"/srv/__pycache__/x.cpython-311.pyc.140339090031408", USED,
       .subject = "/usr/bin/python3.11"}},
     "/srv/__pycache__/x.cpython-311.pyc.[0-9]* w\n"},
    {"a long number in /tmp", 0, {{"/tmp/m1271362881.txt", NEW}}, "/tmp/m[0-9]*.txt w\n"},
    {"a long number elsewhere", 0, {{"/srv/m1271362881", NEW}}, "/srv/m1271362881 w\n"},
    {"Java's elsewhere",
     0,
     {{"/srv/m2387166612898682633.tmp", NEW, .subject = "/usr/lib/jvm/bin/java"}},
     "/srv/m[0-9]*.tmp w\n"},
    {"another day in /tmp", 0, {{"/tmp/data-20210131.csv", NEW}}, "/tmp/data-20210131.csv w\n"},
    {"a short number in /tmp", 0, {{"/tmp/m1234567", NEW}}, "/tmp/m1234567 w\n"},
    /* look alone */
    {"made up and removed", 0, {{"/srv/up.a1B2c3", USED}}, "/srv/up.?????? w\n"},
    {"made up, alone, stays", 0, {{"/srv/up.a1B2c3", NEW}}, "/srv/up.a1B2c3 w\n"},
    {"made up, alone, stays; broad",
     GENERALISE_BROAD,
     {{"/srv/up.a1B2c3", NEW}},
     "/srv/up.?????? w\n"},
    {"made up; exact",
     GENERALISE_EXACT,
     {{"/tmp/tmp.a1B2c3D4e5", USED}},
     "/tmp/tmp.a1B2c3D4e5 w\n"},
    {"a file without a name", GENERALISE_EXACT, {{"/tmp/#[inode]", NEW}}, "/tmp/#[0-9]* w\n"},
    /* differs between runs */
    {"each run has its number",
     0,
     {{"/srv/x7", NEW, 0}, {"/srv/x1234", NEW, 1}},
     "/srv/x[0-9]* w\n"},
    {"each run has its name",
     0,
     {{"/srv/x-ab12cd34", NEW, 0}, {"/srv/x-99ffee21", NEW, 1}},
     "/srv/x-" ANY8 " w\n"},
    {"both runs have both",
     0,
     {{"/srv/x7", NEW, 0}, {"/srv/x1234", NEW, 1}, {"/srv/x7", NEW, 1}},
     "/srv/x1234 w\n/srv/x7 w\n"},
    {"two of one run",
     0,
     {{"/srv/x7", NEW, 0}, {"/srv/x1234", NEW, 0}},
     "/srv/x1234 w\n/srv/x7 w\n"},
    {"runs of another command",
     0,
     {{"/srv/x7", NEW, 0}, {"/srv/x1234", NEW, 2}},
     "/srv/x1234 w\n/srv/x7 w\n"},
    {"words", 0, {{"/srv/alpha", NEW, 0}, {"/srv/omega", NEW, 1}}, "/srv/alpha w\n/srv/omega w\n"},
    {"read", 0, {{"/srv/x7", ACCESS_READ, 0}, {"/srv/x1234", ACCESS_READ, 1}}, "/srv/x[0-9]* r\n"},
    {"read in a guarded place",
     0,
     {{"/etc/x7", ACCESS_READ, 0}, {"/etc/x1234", ACCESS_READ, 1}},
     "/etc/x1234 r\n/etc/x7 r\n"},
    {"executed",
     0,
     {{"/srv/x7", ACCESS_EXEC, 0}, {"/srv/x1234", ACCESS_EXEC, 1}},
     "/srv/x1234 ix\n/srv/x7 ix\n"},
    {"in folders that differ",
     0,
     {{"/srv/d7", ACCESS_CREATE, 0, .type = "directory"},
      {"/srv/d7/n1", NEW, 0},
      {"/srv/d8", ACCESS_CREATE, 1, .type = "directory"},
      {"/srv/d8/n2", NEW, 1}},
     "/srv/d[0-9]*/ w\n/srv/d[0-9]*/n[0-9]* w\n"},
    {"exact, between runs",
     GENERALISE_EXACT,
     {{"/srv/x7", NEW, 0}, {"/srv/x8", NEW, 1}},
     "/srv/x7 w\n/srv/x8 w\n"},
    /* libraries */
    {"a library's version",
     GENERALISE_BROAD,
     {{"/lib/libz.so.1.2.13", ACCESS_MMAP_EXEC}},
     "/lib/libz.so.1.[0-9]* rm\n"},
    {"a library's version; careful",
     0,
     {{"/lib/libz.so.1.2.13", ACCESS_MMAP_EXEC}},
     "/lib/libz.so.1.2.13 rm\n"},
    {"a library without one",
     GENERALISE_BROAD,
     {{"/lib/libz.so.1", ACCESS_MMAP_EXEC}},
     "/lib/libz.so.1 rm\n"},
    {"a library, read",
     GENERALISE_BROAD,
     {{"/lib/libz.so.1.2.13", ACCESS_READ}},
     "/lib/libz.so.1.2.13 r\n"},
    /* of a machine's start, in names that were there before */
    {"a boot id, each run its own",
     0,
     {{"/var/lib/x/6ba7b8109dad11d180b400c04fd430c8", ACCESS_READ, 0, .type = "directory"},
      {"/var/lib/x/6ba7b8109dad11d180b400c04fd430c8/log", ACCESS_READ, 0},
      {"/var/lib/x/" HASH, ACCESS_READ, 1, .type = "directory"},
      {"/var/lib/x/" HASH "/log", ACCESS_READ, 1}},
     "/var/lib/x/" ANY32 "/ r\n/var/lib/x/" ANY32 "/log r\n"},
    {"a boot id as a UUID, each run its own",
     0,
     {{"/var/lib/x/boot-" UUID, ACCESS_READ, 0},
      {"/var/lib/x/boot-0fa4c3d2-7b1e-4c55-9d0a-3e2f1a6b7c8d", ACCESS_READ, 1}},
     "/var/lib/x/boot-" ANY_UUID " r\n"},
    {"a boot id, the same in both",
     0,
     {{"/var/lib/x/boot-" UUID, ACCESS_READ, 0}, {"/var/lib/x/boot-" UUID, ACCESS_READ, 1}},
     "/var/lib/x/boot-" UUID " r\n"},
    /* guarded places */
    {"new in a guarded place, with a name", 0, {{"/etc/up.a1B2c3", USED}}, "/etc/up.?????? w\n"},
    {"new in a guarded place, without one", 0, {{"/etc/a1B2c3", USED}}, "/etc/a1B2c3 w\n"},
    {"in a folder of its own there",
     0,
     {{"/etc/mine", ACCESS_CREATE, .type = "directory"}, {"/etc/mine/a1B2c3", USED}},
     "/etc/mine/ w\n/etc/mine/?????? w\n"},
    {"keys anywhere",
     0,
     {{"/srv/.ssh/k1", ACCESS_READ, 0}, {"/srv/.ssh/k2", ACCESS_READ, 1}},
     "/srv/.ssh/k1 r\n/srv/.ssh/k2 r\n"},
    /* sets */
    {"a time zone",
     0,
     {{"/usr/share/zoneinfo/Europe/Oslo", ACCESS_READ}},
     "/usr/share/zoneinfo/** r\n"},
    {"a time zone; exact",
     GENERALISE_EXACT,
     {{"/usr/share/zoneinfo/Europe/Oslo", ACCESS_READ}},
     "/usr/share/zoneinfo/Europe/Oslo r\n"},
    {"a time zone, written",
     0,
     {{"/usr/share/zoneinfo/Europe/Oslo", ACCESS_WRITE}},
     "/usr/share/zoneinfo/Europe/Oslo w\n"},
    {"compiled modules of Python",
     0,
     {{"/usr/lib/python3.11/__pycache__/os.cpython-311.pyc", ACCESS_READ},
      {"/usr/lib/python3.11/json/__pycache__/decoder.cpython-311.pyc", ACCESS_READ},
      {"/usr/lib/python3/dist-packages/flask/__pycache__/app.cpython-311.pyc", ACCESS_READ}},
     "/usr/lib/python[0-9]**/__pycache__/*.pyc r\n"},
    {"compiled modules of Python in /usr/local",
     0,
     {{"/usr/local/lib/python3.13/site-packages/x/__pycache__/y.cpython-313.pyc", ACCESS_READ}},
     "/usr/local/lib/python[0-9]**/__pycache__/*.pyc r\n"},
    {"compiled modules of Python; exact",
     GENERALISE_EXACT,
     {{"/usr/lib/python3.11/__pycache__/os.cpython-311.pyc", ACCESS_READ}},
     "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc r\n"},
    {"no compiled modules of Python",
     0,
     {{"/srv/app/__pycache__/x.cpython-311.pyc", ACCESS_READ},
      {"/usr/lib/python3.11/__pycache__/deeper/x.pyc", ACCESS_READ},
      {"/usr/lib/python3.11/__pycache__/x.py", ACCESS_READ},
      {"/usr/lib/python3.11/x.pyc", ACCESS_READ},
      {"/usr/lib/pythonic/x/__pycache__/x.pyc", ACCESS_READ}},
     "/srv/app/__pycache__/x.cpython-311.pyc r\n"
     "/usr/lib/python3.11/__pycache__/deeper/x.pyc r\n"
     "/usr/lib/python3.11/__pycache__/x.py r\n"
     "/usr/lib/python3.11/x.pyc r\n"
     "/usr/lib/pythonic/x/__pycache__/x.pyc r\n"},
    {"a processor",
     0,
     {{"/sys/devices/system/cpu/cpu12/online", ACCESS_READ}},
     "/sys/devices/system/cpu/cpu[0-9]*/** r\n"},
    {"not a processor",
     0,
     {{"/sys/devices/system/cpu/cpufreq/x", ACCESS_READ}},
     "/sys/devices/system/cpu/cpufreq/x r\n"},
    {"a device of this machine",
     GENERALISE_BROAD,
     {{"/sys/devices/pci0000:00/0000:00:1f.2/vendor", ACCESS_READ}},
     "/sys/devices/pci[0-9]*/** r\n"},
    {"a device of this machine; careful",
     0,
     {{"/sys/devices/pci0000:00/0000:00:1f.2/vendor", ACCESS_READ}},
     "/sys/devices/pci0000:00/0000:00:1f.2/vendor r\n"},
    {"a device of this machine, written",
     GENERALISE_BROAD,
     {{"/sys/devices/pci0000:00/0000:00:1f.2/enable", ACCESS_WRITE}},
     "/sys/devices/pci0000:00/0000:00:1f.2/enable w\n"},
};

static Recording *make(const Seen *facts, size_t count)
{
    static const char *commands[RUNS] = {"same", "same", "other"};
    Recording *recording = recording_new();

    for (unsigned i = 0; i < RUNS; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        const Run run = {.id = id,
                         .start = "2024-03-05T10:00:00Z",
                         .end = "2024-03-05T10:00:09Z",
                         .command = &commands[i],
                         .command_count = 1,
                         .exit_status = -1,
                         .complete = true};
        uint32_t index;
        ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    }
    for (size_t i = 0; i < count && facts[i].path; i++) {
        Fact fact = {.kind = FACT_FILE,
                     .phase = PHASE_RUN,
                     .name = facts[i].path,
                     .subject = facts[i].subject ? facts[i].subject : "/bin/x"};
        StoredFact *added;
        fact_set_number(&fact, FIELD_ACCESS, facts[i].access);
        fact_set_text(&fact, FIELD_FILE_TYPE, facts[i].type);
        fact_set_text(&fact, FIELD_NAMED_AFTER, facts[i].named_after);
        results_add(&fact.results, RESULT_OK);
        ck_assert_int_ge(recording_add(recording, &fact, facts[i].run, 1, NULL, &added), 0);
    }
    return recording;
}

static Policy *infer_at(Recording *recording, Generalise level, Buffer *notes)
{
    const InferOptions options = {.conditions = true, .generalise = level};
    Policy *policy = policy_new();
    Error err = {0};

    ck_assert_msg(infer_policy(recording, &options, policy, notes, &err) == 0, "%s", err.text);
    policy_sort(policy);
    return policy;
}

START_TEST(test_row)
{
    const Row *row = &rows[_i];
    CLEANUP(recording_cleanup) Recording *recording = make(row->facts, ARRAY_LENGTH(row->facts));
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(policy_cleanup) Policy *policy = infer_at(recording, row->level, &notes);

    check_section(policy, POLICY_FILES, row->rules);
    /* Whatever was generalised says why, and what it grants. */
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        CLEANUP(buffer_deinit) Buffer literal = BUFFER_INIT;
        const PolicyRule *rule = policy_rule(policy, i);
        const bool general =
            rule->section == POLICY_FILES && policy_pattern_to_literal(rule->name, &literal) != 0;
        ck_assert_msg(!general || (rule->reason && strstr(rule->reason, "(grants ")), "%s",
                      rule->name);
    }
}
END_TEST

/* A socket's address has in its rule what is different in every run of its path. */
START_TEST(test_socket)
{
    const Seen seen[] = {{"/srv/s.1234.tmp", NEW, .named_after = "pid"}, {"/srv/s", NEW}};
    CLEANUP(recording_cleanup) Recording *recording = make(seen, ARRAY_LENGTH(seen));
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    static const char *const addresses[] = {"/srv/s.1234.tmp", "/srv/s", "/srv/other.1234",
                                            "@abstract.1234"};

    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        Fact fact = {.kind = FACT_UNIX, .phase = PHASE_RUN, .name = "bind", .subject = "/bin/x"};
        fact_set_text(&fact, FIELD_SOCKET_TYPE, "stream");
        fact_set_text(&fact, FIELD_ADDRESS, addresses[i]);
        results_add(&fact.results, RESULT_OK);
        ck_assert_int_ge(recording_add(recording, &fact, 0, 1, NULL, &(StoredFact *){NULL}), 0);
    }
    CLEANUP(policy_cleanup) Policy *policy = infer_at(recording, GENERALISE_CAREFUL, &notes);
    check_section(policy, POLICY_UNIX,
                  "bind stream /srv/other.1234\nbind stream /srv/s\n"
                  "bind stream /srv/s.@{pid}.tmp\nbind stream @abstract.1234\n");
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        const bool general = rule->target && strchr(rule->target, '{');
        ck_assert_int_eq(rule->section == POLICY_UNIX && rule->reason != NULL, general);
    }
}
END_TEST

/* What may be written and executed is told. */
static const struct {
    Seen facts[3];
    const char *note; /* part of it; "" none */
} audits[] = {
    {{{"/srv/x", NEW}, {"/srv/x", ACCESS_EXEC}}, "rule for /srv/x lets /srv/x be replaced"},
    {{{"/srv/x.a1B2c3", USED}, {"/srv/x.config", ACCESS_EXEC}},
     "rule for /srv/x.?????? lets /srv/x.config be replaced"},
    {{{"/srv/x.a1B2c3", USED}, {"/srv/x.configs", ACCESS_EXEC}}, ""},
    {{{"/srv/x", NEW}, {"/srv/y", ACCESS_EXEC}}, ""},
    {{{"/srv/x", ACCESS_READ}, {"/srv/x", ACCESS_EXEC}}, ""},
};

START_TEST(test_audit)
{
    CLEANUP(recording_cleanup) Recording *recording = make(audits[_i].facts, 3);
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(policy_cleanup) Policy *policy = infer_at(recording, GENERALISE_CAREFUL, &notes);
    ck_assert_uint_gt(policy_rules_count(policy), 0);
    ck_assert_int_eq(strstr(buffer_text(&notes), "writable and executable") != NULL,
                     audits[_i].note[0] != '\0');
    ck_assert_msg(strstr(buffer_text(&notes), audits[_i].note) != NULL, "%s", buffer_text(&notes));
}
END_TEST

/* Every row of the table names calls, and rules that can be. */
START_TEST(test_equivalents)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();

    for (size_t i = 0; i < equivalent_calls_count; i++) {
        const EquivalentCalls *row = &equivalent_calls[i];
        CLEANUP(free_pointer) char *rules = strdup(row->rules);
        CLEANUP(free_pointer) char *because = strdup(row->because);
        char *rest = rules;
        for (char *text = strsep(&rest, ";"); text; text = strsep(&rest, ";")) {
            PolicyRule rule;
            Error err = {0};
            ck_assert_msg(
                policy_rule_parse(POLICY_SYSCALLS, text, policy_strings(policy), &rule, &err) == 0,
                "%s", err.text);
        }
        rest = because;
        for (char *call = strsep(&rest, " "); call; call = strsep(&rest, " "))
            ck_assert_msg(*call == '/' || syscall_by_name(call), "%s", call);
    }
}
END_TEST

/* Whether such calls were seen makes no difference. */
static const struct {
    Generalise level;
    const char *calls[3];
    const char *rules;
} calls[] = {
    {GENERALISE_CAREFUL, {"pwrite64"}, "pwrite64\npwritev\n"},
    {GENERALISE_CAREFUL, {"pwritev", "pwrite64"}, "pwrite64\npwritev\n"},
    {GENERALISE_EXACT, {"pwrite64"}, "pwrite64\n"},
    {GENERALISE_CAREFUL, {"poll"}, "poll\nrestart_syscall\n"},
    {GENERALISE_BROAD, {"pipe2"}, "pipe\npipe2\n"},
    {GENERALISE_CAREFUL, {"exit"}, "exit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n"},
    {GENERALISE_CAREFUL,
     {"clone3"},
     "clone\nclone3 deny ENOSYS\nexit\nfutex\nmadvise\nmunmap\nrestart_syscall\nsched_yield\n"},
    {GENERALISE_CAREFUL, {"fork"}, "fork\n"},
    {GENERALISE_EXACT, {"exit"}, "exit\n"},
};

START_TEST(test_calls)
{
    CLEANUP(recording_cleanup) Recording *recording = make(NULL, 0);
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    for (size_t i = 0; i < 3 && calls[_i].calls[i]; i++)
        add_call(recording, calls[_i].calls[i], "x86_64", 0, 0, 0, 0);
    CLEANUP(policy_cleanup) Policy *policy = infer_at(recording, calls[_i].level, &notes);
    check_section(policy, POLICY_SYSCALLS, calls[_i].rules);
}
END_TEST

/* A shell that ran may be another one in the next build of an image. */
START_TEST(test_programs)
{
    static const struct {
        const char *program;
        bool shell;
    } programs[] = {
        {"/usr/bin/dash", true}, {"/bin/sh", true}, {"/bin/dashing", false}, {"/sh/cat", false}};

    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        CLEANUP(recording_cleanup) Recording *recording = make(NULL, 0);
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        Fact fact = {.kind = FACT_SYSCALL, .phase = PHASE_RUN, .name = "read"};
        StoredFact *added;
        fact.subject = programs[i].program;
        fact_set_text(&fact, FIELD_ARCH, "x86_64");
        fact_set_number(&fact, FIELD_NUMBER, 1);
        results_add(&fact.results, RESULT_OK);
        ck_assert_int_ge(recording_add(recording, &fact, 0, 1, NULL, &added), 0);
        CLEANUP(policy_cleanup) Policy *careful = infer_at(recording, GENERALISE_CAREFUL, &notes);
        ck_assert_uint_eq(policy_rules_count(careful), 1);
        CLEANUP(policy_cleanup) Policy *broad = infer_at(recording, GENERALISE_BROAD, &notes);
        ck_assert_int_eq(policy_rules_count(broad) > 1, programs[i].shell);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generalise");

    suite_add(suite, "paths", test_row, ARRAY_LENGTH(rows));
    suite_add(suite, "socket", test_socket, 1);
    suite_add(suite, "writable and executable", test_audit, ARRAY_LENGTH(audits));
    suite_add(suite, "the table of equivalents", test_equivalents, 1);
    suite_add(suite, "programs that stand for others", test_programs, 1);
    suite_add(suite, "calls", test_calls, ARRAY_LENGTH(calls));
    return suite_run(suite);
}
