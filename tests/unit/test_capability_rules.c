/* SPDX-License-Identifier: Apache-2.0 */
/* Every capability rule: a call for which it fires and one for which it must not (rows in
 * capability_rows_*.c), and what all rules have in common. */
#include "capability_rows.h"
#include "suite.h"

#include <stdio.h>
#include <sys/socket.h>

static const RowTable *const tables[] = {&rows_files,     &rows_identity,  &rows_network,
                                         &rows_ownership, &rows_resources, &rows_system};

static const Row *row_at(size_t index)
{
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        if (index < tables[i]->count)
            return &tables[i]->rows[index];
        index -= tables[i]->count;
    }
    abort(); /* loops end at row_count() */
}

static size_t row_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++)
        count += tables[i]->count;
    return count;
}

/* ---- the fake tracee ------------------------------------------------------------------------ */

static void fill_stat(struct stat *st, mode_t mode, uid_t uid, gid_t gid, dev_t device)
{
    memset(st, 0, sizeof *st);
    st->st_mode = mode;
    st->st_uid = uid;
    st->st_gid = gid;
    st->st_rdev = device;
}

static int fake_read(void *data, uint64_t address, void *bytes, size_t length)
{
    const Row *row = data;
    char page[4096] = {0};

    ck_assert_uint_le(row->size, sizeof page);
    if (row->size)
        memcpy(page, row->bytes, row->size);
    if (address < MEMORY || address - MEMORY > sizeof page ||
        length > sizeof page - (address - MEMORY))
        return -EFAULT;
    memcpy(bytes, page + (address - MEMORY), length);
    return 0;
}

static int fake_fd_stat(void *data, int fd, struct stat *ret)
{
    const Row *row = data;

    if (fd < 0 || !row->fd.mode)
        return -EBADF;
    fill_stat(ret, row->fd.mode, row->fd.uid, row->fd.gid, row->fd.device);
    return 0;
}

static int fake_task(void *data, pid_t pid, Credentials *ret)
{
    const Row *row = data;
    uid_t id = row->other.uid;

    if (pid != OTHER || !row->other.exists)
        return -ESRCH;
    *ret = (Credentials){.uid = id,
                         .euid = id,
                         .suid = id,
                         .fsuid = id,
                         .gid = id,
                         .egid = id,
                         .sgid = id,
                         .fsgid = id,
                         .permitted = row->other.permitted};
    return 0;
}

static int fake_schedule(void *data, pid_t pid, CapabilitySchedule *ret)
{
    (void)pid;
    *ret = ((const Row *)data)->schedule;
    return 0;
}

static int fake_memory(void *data, CapabilityMemory *ret)
{
    *ret = ((const Row *)data)->memory;
    return 0;
}

static int fake_rlimit(void *data, int resource, struct rlimit *ret)
{
    const Row *row = data;

    (void)resource;
    if (!row->limit.known)
        return -EINVAL;
    *ret = (struct rlimit){row->limit.soft, row->limit.hard};
    return 0;
}

static int fake_sysctl(void *data, const char *name, long *ret)
{
    const Row *row = data;

    if (row->sysctl && strcmp(row->sysctl, name) == 0)
        *ret = row->value;
    else if (row->sysctl2 && strcmp(row->sysctl2, name) == 0)
        *ret = row->value2;
    else
        return -ENOENT;
    return 0;
}

static int fake_has_acl(void *data, const char *path)
{
    (void)path;
    return ((const Row *)data)->acl;
}

static int fake_socket(void *data, int fd, int *ret_domain, int *ret_type, int *ret_protocol)
{
    const Row *row = data;

    (void)fd;
    if (!row->socket.domain)
        return -ENOTSOCK;
    *ret_domain = row->socket.domain;
    *ret_type = row->socket.type;
    *ret_protocol = row->socket.protocol;
    return 0;
}

static int fake_ancestors(void *data, const ResolvedPath *path, CapabilityFolderVisit *visit,
                          void *visit_data)
{
    const Row *row = data;
    struct stat st;

    (void)path;
    fill_stat(&st, S_IFDIR | (row->folder ? row->folder : 0755), row->folder_uid, row->folder_uid,
              0);
    return visit(visit_data, &st, "/folder");
}

static const CapabilityQueries fake_queries = {
    .read = fake_read,
    .fd_stat = fake_fd_stat,
    .task = fake_task,
    .schedule = fake_schedule,
    .memory = fake_memory,
    .rlimit = fake_rlimit,
    .sysctl = fake_sysctl,
    .has_acl = fake_has_acl,
    .socket_info = fake_socket,
    .ancestors = fake_ancestors,
};

static const CapabilityQueries no_queries = {.read = NULL};

#define ALL_CAPABILITIES ((UINT64_C(1) << 41) - 1)

static Credentials make_credentials(const Row *row)
{
    Credentials c = {.effective = ALL_CAPABILITIES,
                     .permitted = ALL_CAPABILITIES,
                     .groups = {0},
                     .groups_count = 1,
                     .no_new_privs = row->no_new_privs,
                     .groups_cut = row->groups_cut};

    if (row->who == USER) {
        c.uid = c.euid = c.suid = c.fsuid = 1000;
        c.gid = c.egid = c.sgid = c.fsgid = 1000;
        c.groups[0] = 1000;
        c.groups[1] = 50;
        c.groups_count = 2;
    } else if (row->who == USER_FROM_ROOT) {
        c.uid = c.gid = 1000;
    }
    return c;
}

static void add_path(Call *call, const RowFile *file, PathOperation *operation)
{
    ResolvedPath *path = &call->paths[call->paths_count];

    if (!file->path)
        return;
    *operation = (PathOperation){.name = "test", .access = file->access, .final = file->final};
    *path = (ResolvedPath){.operation = operation,
                           .raw = file->path,
                           .text = file->path,
                           .error = file->mode ? 0 : ENOENT,
                           .has_stat = file->mode != 0,
                           .has_parent = true,
                           .mount = file->mount ? file->mount : "ext4"};
    fill_stat(&path->st, file->mode, file->uid, file->gid, file->device);
    fill_stat(&path->parent, S_IFDIR | (file->parent ? file->parent : 0755), file->parent_uid,
              file->parent_uid, 0);
    path->parent.st_ino = (ino_t)file->path[1]; /* "/a/x" and "/b/x" lie in two folders */
    call->paths_count++;
}

/* Made once for all rows. */
static CapabilityRules *rules;

/* ---- running one row ------------------------------------------------------------------------ */

typedef struct Fired {
    const char *rule;
    bool fired;
    int capability;
    char object[64];
} Fired;

static void note(void *data, int capability, const char *rule, const char *object)
{
    Fired *fired = data;

    if (strcmp(rule, fired->rule) != 0)
        return;
    ck_assert_msg(!fired->fired, "%s fires twice", rule);
    fired->fired = true;
    fired->capability = capability;
    (void)snprintf(fired->object, sizeof fired->object, "%s", object ? object : "");
}

static Fired infer_as(const Row *row, const Credentials *credentials, int64_t result,
                      const CapabilityQueries *queries)
{
    Row copy = *row;
    PathOperation operations[2];
    Call call = {.syscall = syscall_by_name(row->syscall),
                 .arch = row->arch,
                 .has_result = !row->no_result,
                 .result = result};
    CapabilityContext context = {&call, credentials, queries, &copy};
    Fired fired = {.rule = row->rule};

    ck_assert_msg(call.syscall != NULL, "no system call %s", row->syscall);
    memcpy(call.args, row->args, sizeof call.args);
    add_path(&call, &row->file, &operations[0]);
    add_path(&call, &row->second, &operations[1]);
    capability_infer(rules, &context, note, &fired);
    return fired;
}

static Fired infer(const Row *row)
{
    Credentials credentials = make_credentials(row);

    return infer_as(row, &credentials, row->failed ? -EPERM : 0, &fake_queries);
}

static const CapabilityRule *rule_by_name(const char *name)
{
    for (size_t t = 0; capability_tables[t]; t++)
        for (const CapabilityRule *rule = capability_tables[t]; rule->name; rule++)
            if (strcmp(rule->name, name) == 0)
                return rule;
    return NULL;
}

START_TEST(test_rows)
{
    const Row *row = row_at((size_t)_i);
    const CapabilityRule *rule = rule_by_name(row->rule);
    Fired fired = infer(row);

    if (!rule) {
        ck_abort_msg("no rule %s", row->rule);
        return;
    }
    ck_assert_msg(fired.fired == row->fires, "row %d: %s (%s) %s", _i, row->rule, row->syscall,
                  row->fires ? "does not fire" : "fires");
    if (!row->fires)
        return;
    ck_assert_int_eq(fired.capability, rule->capability);
    if (row->object)
        ck_assert_str_eq(fired.object, row->object);
}
END_TEST

/* What holds for whatever fires: not without the capability, not in a namespace of its own, not
 * when the call failed; and with the alternative alone, that is what is named. */
START_TEST(test_common)
{
    const Row *row = row_at((size_t)_i);
    const CapabilityRule *rule = rule_by_name(row->rule);
    Credentials credentials = make_credentials(row);
    Credentials changed = credentials;
    uint64_t own, other;
    Fired fired;

    if (!rule) {
        ck_abort_msg("no rule %s", row->rule);
        return;
    }
    own = UINT64_C(1) << rule->capability;
    other = rule->alternative < 0 ? 0 : UINT64_C(1) << rule->alternative;
    (void)infer_as(row, &credentials, 0, &no_queries); /* must not need an answer to anything */
    if (!row->fires)
        return;
    changed.effective &= ~(own | other);
    ck_assert(!infer_as(row, &changed, 0, &fake_queries).fired);
    changed = credentials;
    changed.own_user_namespace = true;
    ck_assert(!infer_as(row, &changed, 0, &fake_queries).fired);
    if (!row->no_result)
        ck_assert(!infer_as(row, &credentials, -EPERM, &fake_queries).fired);
    if (other) {
        changed = credentials;
        changed.effective &= ~own;
        fired = infer_as(row, &changed, 0, &fake_queries);
        ck_assert(fired.fired);
        ck_assert_int_eq(fired.capability, rule->alternative);
    }
}
END_TEST

/* Each rule has a row in which it fires and one in which it must not. */
START_TEST(test_complete)
{
    for (size_t t = 0; capability_tables[t]; t++) {
        for (const CapabilityRule *rule = capability_tables[t]; rule->name; rule++) {
            size_t yes = 0, no = 0;

            for (size_t i = 0; i < row_count(); i++) {
                const Row *row = row_at(i);

                if (strcmp(row->rule, rule->name) == 0)
                    *(row->fires ? &yes : &no) += 1;
            }
            ck_assert_msg(yes > 0, "no row in which %s fires", rule->name);
            ck_assert_msg(no > 0, "no row in which %s must not fire", rule->name);
        }
    }
}
END_TEST

/* Every name in the tables is a system call, so that no rule is asleep for a slip of the pen. */
START_TEST(test_names)
{
    for (size_t t = 0; capability_tables[t]; t++) {
        for (const CapabilityRule *rule = capability_tables[t]; rule->name; rule++) {
            char names[512];
            char *rest = names;

            ck_assert_int_lt(rule->capability, 41);
            if (!rule->syscalls)
                continue;
            ck_assert_uint_lt(strlen(rule->syscalls), sizeof names);
            memcpy(names, rule->syscalls, strlen(rule->syscalls) + 1);
            for (char *name = strsep(&rest, " "); name; name = strsep(&rest, " "))
                ck_assert_msg(syscall_by_name(name) != NULL, "%s: no system call %s", rule->name,
                              name);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capability_rules");
    int status;

    rules = capability_rules_new();
    if (!rules)
        return EXIT_FAILURE;
    suite_add(suite, "rows", test_rows, row_count());
    suite_add(suite, "common", test_common, row_count());
    suite_add(suite, "complete", test_complete, 1);
    suite_add(suite, "names", test_names, 1);
    status = suite_run(suite);
    capability_rules_free(rules);
    return status;
}
