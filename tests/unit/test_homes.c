/* SPDX-License-Identifier: Apache-2.0 */
/* generator/path_homes: what differs by the home of whoever ran, and what must stay as it is. */
#include "base/memory.h"
#include "generator/glob_set.h"
#include "generator/infer.h"
#include "infer_maker.h"
#include "suite.h"

enum { RUNS = 3, NEW = ACCESS_CREATE | ACCESS_WRITE, READ = ACCESS_READ };

typedef enum Whose { UNKNOWN, OWN, OTHERS } Whose;

/* One sighting. */
typedef struct Seen {
    const char *path;
    uint32_t access;
    unsigned run; /* from 0 */
    Whose whose;
    const char *type;
} Seen;

typedef struct Row {
    const char *what;
    Generalise level;
    Seen facts[7];
    const char *rules;
    const char *not_granted; /* to nobody, NULL: not looked at */
} Row;

static const Row rows[] = {
    {"two users",
     0,
     {{"/home/alice/.cache/x", NEW, 0, OWN}, {"/home/bob/.cache/x", NEW, 1, OWN}},
     "owner /home/*/.cache/x w\n",
     "/root/.cache/x"},
    {"a user and root",
     0,
     {{"/home/alice/.cache/x", NEW, 0, OWN}, {"/root/.cache/x", NEW, 1, OWN}},
     "owner /{home/*,root}/.cache/x w\n",
     "/home/.cache/x"},
    {"several runs of each",
     0,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/alice/x", READ, 2, OWN}, {"/root/x", NEW, 1, OWN}},
     "owner /{home/*,root}/x rw\n",
     "/home/alice/sub/x"},
    {"what was there before, of its owner",
     0,
     {{"/home/alice/.profile", READ, 0, OWN}, {"/home/bob/.profile", READ, 1, OWN}},
     "owner /home/*/.profile r\n",
     NULL},
    {"the home itself",
     0,
     {{"/home/alice", READ, 0, OWN, "directory"}, {"/root", READ, 1, OWN, "directory"}},
     "owner /{home/*,root}/ r\n",
     "/root/x"},
    {"a made-up name in each",
     0,
     {{"/home/alice/.cache/tmp.a1B2c3", NEW | ACCESS_DELETE, 0, OWN},
      {"/home/bob/.cache/tmp.Zq9x8Y", NEW | ACCESS_DELETE, 1, OWN}},
     "owner /home/*/.cache/tmp.?????? w\n",
     "/home/bob/.cache/tmp.a"},
    {"gone before it was looked at",
     0,
     {{"/home/alice/x", NEW, 0, OWN},
      {"/home/alice/x", ACCESS_DELETE, 0, UNKNOWN},
      {"/home/bob/x", NEW, 1, OWN}},
     "owner /home/*/x w\n",
     NULL},
    {"only what both have",
     0,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/alice/y", NEW, 0, OWN}, {"/home/bob/x", NEW, 1, OWN}},
     "owner /home/*/x w\nowner /home/alice/y w\n",
     "/home/bob/y"},
    /* no evidence */
    {"one user", 0, {{"/home/alice/x", NEW, 0, OWN}}, "owner /home/alice/x w\n", "/home/bob/x"},
    {"two homes in one run",
     0,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/bob/x", NEW, 0, OWN}},
     "owner /home/alice/x w\nowner /home/bob/x w\n",
     "/home/carol/x"},
    {"a run that was in both",
     0,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/bob/x", NEW, 1, OWN}, {"/home/alice/y", NEW, 1, OWN}},
     "owner /home/alice/x w\nowner /home/alice/y w\nowner /home/bob/x w\n",
     "/home/carol/x"},
    {"somebody else's run read it",
     0,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/bob/x", NEW, 1, OWN}, {"/home/alice/x", READ, 1}},
     "owner /home/alice/x rw\nowner /home/bob/x w\n",
     "/home/carol/x"},
    {"not their own",
     0,
     {{"/home/alice/x", READ, 0, OTHERS}, {"/home/bob/x", READ, 1, OTHERS}},
     "/home/alice/x r\n/home/bob/x r\n",
     "/home/carol/x"},
    {"nobody knows whose",
     0,
     {{"/home/alice/x", READ, 0}, {"/home/bob/x", READ, 1}},
     "/home/alice/x r\n/home/bob/x r\n",
     "/home/carol/x"},
    {"exact",
     GENERALISE_EXACT,
     {{"/home/alice/x", NEW, 0, OWN}, {"/home/bob/x", NEW, 1, OWN}},
     "owner /home/alice/x w\nowner /home/bob/x w\n",
     "/home/carol/x"},
    /* never */
    {"keys",
     0,
     {{"/home/alice/.ssh/config", READ, 0, OWN}, {"/home/bob/.ssh/config", READ, 1, OWN}},
     "/home/alice/.ssh/config r\n/home/bob/.ssh/config r\n",
     "/home/carol/.ssh/config"},
    {"libraries",
     0,
     {{"/home/alice/l.so", ACCESS_MMAP_EXEC, 0, OWN}, {"/home/bob/l.so", ACCESS_MMAP_EXEC, 1, OWN}},
     "/home/alice/l.so rm\n/home/bob/l.so rm\n",
     "/home/carol/l.so"},
    {"given away",
     0,
     {{"/home/alice/x", NEW | ACCESS_CHOWN, 0, OWN}, {"/home/bob/x", NEW | ACCESS_CHOWN, 1, OWN}},
     "/home/alice/x w\n/home/bob/x w\n",
     "/home/carol/x"},
    {"what only begins like a home",
     0,
     {{"/rootfs/x", NEW, 0, OWN}, {"/home/bob/x", NEW, 1, OWN}},
     "owner /home/bob/x w\nowner /rootfs/x w\n",
     "/root/x"},
};

static Recording *make(const Row *row)
{
    static const char *command = "same";
    Recording *recording = recording_new();

    for (unsigned i = 0; i < RUNS; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        const Run run = {
            .id = id, .command = &command, .command_count = 1, .exit_status = -1, .complete = true};
        uint32_t index;
        ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    }
    for (const Seen *seen = row->facts; seen->path; seen++) {
        Fact fact = {
            .kind = FACT_FILE, .phase = PHASE_RUN, .name = seen->path, .subject = "/bin/x"};
        StoredFact *added;
        fact_set_number(&fact, FIELD_ACCESS, seen->access);
        fact_set_text(&fact, FIELD_FILE_TYPE, seen->type);
        if (seen->whose != UNKNOWN)
            fact_set_number(&fact, FIELD_OWNER, seen->whose == OWN);
        results_add(&fact.results, RESULT_OK);
        ck_assert_int_ge(recording_add(recording, &fact, seen->run, 1, NULL, &added), 0);
    }
    return recording;
}

static Policy *infer_at(Recording *recording, Generalise level)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const InferOptions options = {.conditions = true, .generalise = level};
    Policy *policy = policy_new();
    Error err = {0};

    ck_assert_msg(infer_policy(recording, &options, policy, &notes, &err) == 0, "%s", err.text);
    policy_sort(policy);
    return policy;
}

static bool is_granted(const Policy *policy, const char *path)
{
    GlobSet *set = glob_set_new();
    size_t first, end;
    bool granted = false;

    policy_range(policy, POLICY_FILES, &first, &end);
    for (size_t i = first; i < end; i++) {
        size_t id;
        ck_assert_int_eq(glob_set_add(set, GLOB_POLICY, policy_rule(policy, i)->name, &id, NULL),
                         0);
        granted |= glob_set_matches(set, id, path, strlen(path)) == 1;
    }
    glob_set_free(set);
    return granted;
}

START_TEST(test_row)
{
    const Row *row = &rows[_i];
    CLEANUP(recording_cleanup) Recording *recording = make(row);
    CLEANUP(policy_cleanup) Policy *policy = infer_at(recording, row->level);

    check_section(policy, POLICY_FILES, row->rules);
    for (const Seen *seen = row->facts; seen->path; seen++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        (void)buffer_printf(&path, "%s%s", seen->path, seen->type ? "/" : "");
        ck_assert_msg(is_granted(policy, buffer_text(&path)), "%s", seen->path);
    }
    ck_assert(!row->not_granted || !is_granted(policy, row->not_granted));
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (rule->section != POLICY_FILES || !strchr(rule->name, '*'))
            continue;
        ck_assert(rule->owner);
        ck_assert_ptr_nonnull(strstr(rule->reason, "in the home of each who ran it (grants "));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("homes");

    suite_add(suite, "paths", test_row, ARRAY_LENGTH(rows));
    return suite_run(suite);
}
