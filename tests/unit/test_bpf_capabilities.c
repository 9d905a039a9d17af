/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/bpf_capabilities: made-up kernels, stacks and checks. */
#include "base/memory.h"
#include "capture_maker.h"
#include "suite.h"
#include "tracer/bpf_capabilities.h"
#include "tracer/bpf_symbols.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/fanotify.h>
#include <sys/stat.h>

/* ---- sites ---------------------------------------------------------------------------------- */

enum { DEPTH = 6 };

static const struct {
    const char *stack[DEPTH];
    int capability;
    int verdict; /* -1: no site */
} sites[] = {
    {{"cap_capable", "simple_xattr_list", "sys_listxattr"}, CAP_SYS_ADMIN, SITE_PROBE},
    {{"cap_capable", "simple_xattr_list", "sys_listxattr"}, CAP_SYS_PTRACE, -1},
    {{"has_capability_noaudit", "__set_oom_adj"}, CAP_SYS_RESOURCE, SITE_PROBE},
    {{"capable", "__set_oom_adj"}, CAP_SYS_RESOURCE, -1},
    {{"__set_oom_adj"}, CAP_SYS_RESOURCE, -1},
    {{"ns_capable_noaudit", "sys_fanotify_init"}, CAP_SYS_ADMIN, SITE_PROBE},
    {{"capable", "sys_fanotify_init"}, CAP_SYS_ADMIN, SITE_RULE},
    {{NULL, NULL, "restricted_pointer"}, CAP_SYSLOG, SITE_PROBE},
    {{"ns_capable", "cap_safe_nice", "set_task_ioprio", "ext4_load_and_init_journal"},
     CAP_SYS_NICE,
     SITE_PROBE},
    {{"ns_capable", "cap_safe_nice", "set_task_ioprio", "sys_ioprio_set"}, CAP_SYS_NICE, -1},
    {{"generic_permission", "inode_permission", "ovl_workdir_create", "ovl_fill_super"},
     CAP_DAC_OVERRIDE,
     SITE_ANY},
    /* The innermost function decides. */
    {{"generic_permission", "ovl_permission", "do_faccessat"}, CAP_DAC_OVERRIDE, SITE_OWN},
    {{"generic_permission", "inode_permission", "do_faccessat"}, CAP_DAC_OVERRIDE, SITE_ANY},
    {{"generic_permission", "may_open"}, CAP_DAC_OVERRIDE, -1},
    {{NULL}, CAP_SYS_ADMIN, -1},
};

START_TEST(test_site)
{
    const CapabilitySite *site = capability_site_find(sites[_i].stack, DEPTH, sites[_i].capability);

    ck_assert_int_eq(site ? (int)site->verdict : -1, sites[_i].verdict);
}
END_TEST

START_TEST(test_site_table)
{
    (void)_i;
    ck_assert_uint_gt(capability_site_count(), 40);
    for (size_t i = 0; i < capability_site_count(); i++) {
        const CapabilitySite *site = capability_site_at(i);
        char name[128];
        /* As symbols are named, or no stack would ever have it. */
        kernel_symbol_name(site->function, name, sizeof name);
        ck_assert_str_eq(site->function, name);
        ck_assert(capability_site_names(site->function));
        ck_assert(!site->via || capability_site_names(site->via));
        ck_assert_int_lt(site->verdict, SITE_VERDICT_COUNT);
    }
    ck_assert_ptr_null(capability_site_at(capability_site_count()));
    ck_assert(!capability_site_names("generic_permission"));
}
END_TEST

/* ---- events --------------------------------------------------------------------------------- */

enum { OTHER = CAPABILITY_OTHER_NAMESPACE, OVERRIDDEN = CAPABILITY_OVERRIDDEN };

#define AFTER(capability) ((capability) + 1) << CAPABILITY_DENIED_SHIFT

static const struct {
    const char *what;
    const char *call; /* NULL: none */
    const char *stack[DEPTH];
    int capability;
    int result;
    unsigned flags;
    unsigned euid;
    uint64_t args[EVENT_ARGS];
    const char *name; /* NULL: no fact */
    const char *alternative;
} checks[] = {
    {"unknown site",
     "bind",
     {"ns_capable", "__inet_bind"},
     CAP_NET_BIND_SERVICE,
     0,
     0,
     0,
     {0},
     "CAP_NET_BIND_SERVICE",
     NULL},
    {"denied",
     "bind",
     {"ns_capable", "__inet_bind"},
     CAP_NET_BIND_SERVICE,
     -EPERM,
     0,
     0,
     {0},
     "CAP_NET_BIND_SERVICE",
     NULL},
    {"no call", NULL, {"capable", "somewhere"}, CAP_SYS_ADMIN, 0, 0, 0, {0}, "CAP_SYS_ADMIN", NULL},
    {"probe", "mmap", {"security_vm_enough_memory_mm"}, CAP_SYS_ADMIN, 0, 0, 0, {0}, NULL, NULL},
    {"other namespace", "mount", {"ns_capable"}, CAP_SYS_ADMIN, 0, OTHER, 0, {0}, NULL, NULL},
    {"of a mounter",
     "openat",
     {"generic_permission", "ovl_permission"},
     CAP_DAC_OVERRIDE,
     0,
     OVERRIDDEN,
     0,
     {0},
     NULL,
     NULL},
    {"on overlayfs",
     "openat",
     {"generic_permission", "ovl_permission"},
     CAP_DAC_OVERRIDE,
     0,
     0,
     0,
     {0},
     "CAP_DAC_OVERRIDE",
     NULL},
    {"access(2)",
     "access",
     {"generic_permission", "do_faccessat"},
     CAP_DAC_OVERRIDE,
     0,
     OVERRIDDEN,
     0,
     {0},
     "CAP_DAC_OVERRIDE",
     NULL},
    {"access(2) on overlayfs",
     "access",
     {"generic_permission", "ovl_permission", "do_faccessat"},
     CAP_DAC_OVERRIDE,
     0,
     OVERRIDDEN,
     0,
     {0},
     NULL,
     NULL},
    {"access(2) of a folder on overlayfs",
     "access",
     {"xattr_permission", "ovl_lookup", "do_faccessat"},
     CAP_SYS_ADMIN,
     0,
     OVERRIDDEN,
     0,
     {0},
     NULL,
     NULL},
    {"smaller one denied",
     "openat",
     {"generic_permission"},
     CAP_DAC_OVERRIDE,
     0,
     AFTER(CAP_DAC_READ_SEARCH),
     0,
     {0},
     "CAP_DAC_OVERRIDE",
     "CAP_DAC_READ_SEARCH"},
    {"another one denied",
     "setsockopt",
     {"sk_setsockopt"},
     CAP_NET_ADMIN,
     0,
     AFTER(CAP_NET_RAW),
     0,
     {0},
     "CAP_NET_ADMIN",
     NULL},
    {"larger one first",
     "ioprio_set",
     {"capable", "ioprio_check_cap"},
     CAP_SYS_ADMIN,
     0,
     0,
     0,
     {0},
     "CAP_SYS_ADMIN",
     "CAP_SYS_NICE"},
    {"larger one first, denied",
     "ioprio_set",
     {"capable", "ioprio_check_cap"},
     CAP_SYS_ADMIN,
     -EPERM,
     0,
     0,
     {0},
     "CAP_SYS_ADMIN",
     NULL},
    {"setuid to another",
     "setuid",
     {"ns_capable_setid", "__sys_setuid"},
     CAP_SETUID,
     0,
     0,
     0,
     {1000},
     "CAP_SETUID",
     NULL},
    {"setuid to the same",
     "setuid",
     {"ns_capable_setid", "__sys_setuid"},
     CAP_SETUID,
     0,
     0,
     0,
     {0},
     NULL,
     NULL},
    {"setresuid to the same",
     "setresuid",
     {"__sys_setresuid"},
     CAP_SETUID,
     0,
     0,
     0,
     {0, UINT32_MAX, 0},
     NULL,
     NULL},
    {"set-group-id",
     "chmod",
     {"setattr_prepare"},
     CAP_FSETID,
     0,
     0,
     0,
     {1, 02755},
     "CAP_FSETID",
     NULL},
    {"plain mode", "fchmodat", {"setattr_copy"}, CAP_FSETID, 0, 0, 0, {3, 1, 0755}, NULL, NULL},
    {"no mode", "chown", {"setattr_copy"}, CAP_FSETID, 0, 0, 0, {0}, NULL, NULL},
    {"full group",
     "fanotify_init",
     {"capable", "sys_fanotify_init"},
     CAP_SYS_ADMIN,
     0,
     0,
     0,
     {FAN_CLASS_CONTENT},
     "CAP_SYS_ADMIN",
     NULL},
    {"root's settings",
     "openat",
     {"ns_capable_noaudit", "net_ctl_permissions"},
     CAP_NET_ADMIN,
     0,
     0,
     0,
     {0},
     NULL,
     NULL},
    {"a user's settings",
     "openat",
     {"ns_capable_noaudit", "net_ctl_permissions"},
     CAP_NET_ADMIN,
     0,
     0,
     1000,
     {0},
     "CAP_NET_ADMIN",
     NULL},
    {"touch", "utimensat", {"ns_capable", "may_setattr"}, CAP_FOWNER, 0, 0, 0, {0}, NULL, NULL},
    {"link", "linkat", {"capable", "may_linkat"}, CAP_DAC_OVERRIDE, 0, 0, 0, {0}, NULL, NULL},
    {"of a newer kernel", "bind", {"capable"}, 63, 0, 0, 0, {0}, NULL, NULL},
};

typedef struct Scene {
    Recording *recording;
    Observer *observer;
    BpfCapabilities *capabilities;
    Process process;
    Tracee tracee;
    Captured captured;
    Maker maker;
} Scene;

/* A kernel that has the functions of STACK, and their return addresses. */
static FILE *make_kernel(const char *const *stack, uint64_t *ret_addresses)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < DEPTH && stack[i]; i++) {
        ret_addresses[i] = 0x1000 * (i + 1) + 0x100;
        ck_assert_int_gt(fprintf(file, "%x T %s\n", 0x1000 * (i + 1), stack[i]), 0);
    }
    ck_assert_int_gt(fprintf(file, "%x T beyond\n", 0x1000 * (DEPTH + 1)), 0);
    rewind(file);
    return file;
}

static void scene_init(Scene *scene, FILE *kallsyms)
{
    const Run run = {.id = "a", .exit_status = -1};
    uint32_t index;

    memset(scene, 0, sizeof *scene);
    scene->recording = recording_new();
    ck_assert_int_eq(recording_add_run(scene->recording, &run, &index), 0);
    const ObserverOptions options = {
        .recording = scene->recording, .run = index, .journal_fd = -1, .sees_results = true};
    ck_assert_int_eq(observer_new(&options, &scene->observer, NULL), 0);
    scene->capabilities = bpf_capabilities_new_with(kallsyms);
    ck_assert_ptr_nonnull(scene->capabilities);
    scene->process = (Process){.pid = 1,
                               .pidfd = -1,
                               .phase = PHASE_RUN,
                               .subject = observer_intern(scene->observer, "/bin/program"),
                               .command = ""};
    scene->tracee = (Tracee){.tid = 1,
                             .process = &scene->process,
                             .captured = &scene->captured,
                             .credentials_valid = true};
}

static void scene_deinit(Scene *scene)
{
    scene->observer->table.tracee_gone(NULL, &scene->tracee);
    bpf_capabilities_free(scene->capabilities);
    observer_free(scene->observer);
    recording_free(scene->recording);
}

static void scene_take(Scene *scene)
{
    struct event *event = maker_event(&scene->maker);

    ck_assert_int_eq(captured_parse(event, event->size, &scene->captured), 0);
    scene->captured.syscall = event->nr < 0 ? NULL : syscall_by_number(arch_native(), event->nr);
    scene->tracee.credentials.uid = scene->tracee.credentials.euid = event->credentials.euid;
    scene->tracee.credentials.suid = event->credentials.euid;
    ck_assert_int_eq(bpf_capabilities_event(scene->capabilities, scene->observer, &scene->tracee),
                     0);
}

static void make_check(Maker *maker, int row, const uint64_t *addresses, size_t depth)
{
    struct event *event;

    if (checks[row].call)
        maker_call(maker, checks[row].call, 0);
    else
        maker_begin(maker, EVENT_CAPABILITY);
    event = maker_event(maker);
    event->type = EVENT_CAPABILITY;
    if (!checks[row].call)
        event->nr = -1;
    event->value = (uint64_t)checks[row].capability;
    event->result = checks[row].result;
    event->flags = (uint16_t)checks[row].flags;
    event->credentials.euid = checks[row].euid;
    memcpy(event->args, checks[row].args, sizeof event->args);
    maker_blob(maker, BLOB_STACK, 0, 0, addresses, depth * sizeof *addresses);
}

START_TEST(test_check)
{
    Scene scene;
    uint64_t addresses[DEPTH] = {0};
    Fact view;

    scene_init(&scene, make_kernel(checks[_i].stack, addresses));
    make_check(&scene.maker, _i, addresses, DEPTH);
    scene_take(&scene);
    ck_assert_uint_eq(scene.observer->losses, 0);
    ck_assert_msg(recording_facts_count(scene.recording) == (checks[_i].name ? 1 : 0), "%s",
                  checks[_i].what);
    if (checks[_i].name) {
        const Fact *fact = recording_fact(scene.recording, 0, &view);
        ck_assert_int_eq(fact->kind, FACT_CAPABILITY);
        ck_assert_str_eq(fact->name, checks[_i].name);
        ck_assert_ptr_null(fact->rule);
        ck_assert_pstr_eq(fact_text(fact, FIELD_SYSCALL), checks[_i].call);
        ck_assert_pstr_eq(fact_text(fact, FIELD_ALTERNATIVE), checks[_i].alternative);
        ck_assert(results_has(&fact->results, checks[_i].result == 0 ? RESULT_OK : EPERM));
        ck_assert_pstr_eq(fact->first.syscall, checks[_i].call);
    }
    scene_deinit(&scene);
}
END_TEST

/* Without names every check is a need, and that is a loss, counted once. */
START_TEST(test_blind)
{
    Scene scene;
    const uint64_t addresses[DEPTH] = {0x1100, 0x2100};
    FILE *hidden = _i ? tmpfile() : NULL;

    if (hidden) {
        ck_assert_int_ge(fputs("0000000000000000 T security_vm_enough_memory_mm\n", hidden), 0);
        rewind(hidden);
    }
    scene_init(&scene, hidden);
    for (int row = 0; row < 5; row++) {
        make_check(&scene.maker, row, addresses, DEPTH);
        scene_take(&scene);
    }
    ck_assert_uint_eq(scene.observer->losses, 1);
    /* bind granted and denied is one fact, the other namespace none. */
    ck_assert_uint_eq(recording_facts_count(scene.recording), 3);
    scene_deinit(&scene);
}
END_TEST

START_TEST(test_memory_check)
{
    static const char *const stack[DEPTH] = {"cap_capable", "cap_vm_enough_memory",
                                             "security_vm_enough_memory_mm"};
    Scene scene;
    uint64_t addresses[DEPTH] = {0};
    uint64_t address = 1;
    uint32_t depth = 1;

    (void)_i;
    scene_init(&scene, make_kernel(stack, addresses));
    ck_assert(!bpf_capabilities_memory_check(scene.capabilities, &address, &depth));
    for (int row = 0; row < 4; row++) {
        const bool is_memory = strcmp(checks[row].what, "probe") == 0;
        make_check(&scene.maker, row, addresses, is_memory ? DEPTH : 1);
        scene_take(&scene);
        ck_assert_int_eq(bpf_capabilities_memory_check(scene.capabilities, &address, &depth),
                         is_memory);
    }
    /* The innermost of the two is where the check returns to. */
    ck_assert_uint_eq(address, addresses[1]);
    ck_assert_uint_eq(depth, 1);
    scene_deinit(&scene);
}
END_TEST

static const struct {
    const char *what;
    uint32_t uid, mode, gid;
    bool needed;
} touched[] = {
    {"own", 0, 0600, 0, false},
    {"another's", 1000, 0600, 1000, true},
    {"another's, read by all", 1000, 0644, 1000, true},
    {"another's, written by all", 1000, 0666, 1000, false},
    {"of the group", 1000, 0660, 0, false},
    {"of the group, not written by it", 1000, 0646, 0, true},
    {"written by others than the group, which one may be in", 1000, 0606, 1000, true},
};

/* Checks of which only the call's file tells whether they mattered: ROW of `touched`. */
static void check_by_file(const char *what, const char *asker, int capability, int row_touched)
{
    Scene scene;
    uint64_t addresses[DEPTH] = {0};
    const char *const stack[DEPTH] = {"ns_capable", asker};
    Pending *pending;

    scene_init(&scene, make_kernel(stack, addresses));
    scene.tracee.credentials.effective = UINT64_C(1) << capability;
    for (int row = 0; row < (int)ARRAY_LENGTH(checks); row++) {
        if (strcmp(checks[row].what, what) == 0)
            make_check(&scene.maker, row, addresses, DEPTH);
    }
    scene_take(&scene);
    pending = scene.tracee.pending;
    pending->call.paths_count = 1;
    pending->call.paths[0].has_stat = true;
    pending->call.paths[0].st.st_uid = touched[row_touched].uid;
    pending->call.paths[0].st.st_gid = touched[row_touched].gid;
    pending->call.paths[0].st.st_mode = S_IFREG | touched[row_touched].mode;
    bpf_capabilities_call(scene.capabilities, scene.observer, &scene.tracee);
    ck_assert_msg(recording_facts_count(scene.recording) == touched[row_touched].needed, "%s: %s",
                  what, touched[row_touched].what);
    scene_deinit(&scene);
}

START_TEST(test_by_file)
{
    check_by_file("touch", "may_setattr", CAP_FOWNER, _i);
    check_by_file("link", "may_linkat", CAP_DAC_OVERRIDE, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bpf_capabilities");

    suite_add(suite, "sites", test_site, ARRAY_LENGTH(sites));
    suite_add(suite, "site table", test_site_table, 1);
    suite_add(suite, "checks", test_check, ARRAY_LENGTH(checks));
    suite_add(suite, "blind", test_blind, 2);
    suite_add(suite, "memory check", test_memory_check, 1);
    suite_add(suite, "by file", test_by_file, ARRAY_LENGTH(touched));
    return suite_run(suite);
}
