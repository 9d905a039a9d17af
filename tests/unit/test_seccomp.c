/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator/seccomp_rules and seccomp.json. The second is read as runc and crun read it, made into
 * a filter by libseccomp, and that filter run on system calls: its answers must be those of the
 * rules, and those that the rows below want.
 */
#include "base/memory.h"
#include "filter_runner.h"
#include "generator/emitter.h"
#include "generator/knowledge.h"
#include "generator/seccomp_rules.h"
#include "suite.h"

#include <errno.h>
#include <jansson.h>

static Policy *parse(const char *rest)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Policy *policy = NULL;
    Error err = {0};

    (void)buffer_printf(&text, "whittle: policy\nformat: 1\nname: t\n%s", rest);
    ck_assert_msg(policy_parse("p", buffer_text(&text), text.length, &policy, &err) == 0, "%s",
                  err.text);
    policy_sort(policy);
    return policy;
}

/* ---- a filter from JSON, as the runtimes make it ----------------------------------------------
 */

static uint32_t action_of(const json_t *object, const char *key, const char *errno_key)
{
    const char *name = json_string_value(json_object_get(object, key));

    ck_assert_ptr_nonnull(name);
    if (strcmp(name, "SCMP_ACT_ALLOW") == 0)
        return SCMP_ACT_ALLOW;
    if (strcmp(name, "SCMP_ACT_LOG") == 0)
        return SCMP_ACT_LOG;
    if (strcmp(name, "SCMP_ACT_KILL_PROCESS") == 0)
        return SCMP_ACT_KILL_PROCESS;
    ck_assert_str_eq(name, "SCMP_ACT_ERRNO");
    return SCMP_ACT_ERRNO((uint32_t)json_integer_value(json_object_get(object, errno_key)));
}

static struct scmp_arg_cmp condition_of(const json_t *arg)
{
    const char *op = json_string_value(json_object_get(arg, "op"));
    const unsigned index = (unsigned)json_integer_value(json_object_get(arg, "index"));
    const uint64_t value = (uint64_t)json_integer_value(json_object_get(arg, "value"));

    if (strcmp(op, "SCMP_CMP_EQ") == 0)
        return SCMP_CMP64(index, SCMP_CMP_EQ, value, 0);
    ck_assert_str_eq(op, "SCMP_CMP_MASKED_EQ");
    return SCMP_CMP64(index, SCMP_CMP_MASKED_EQ, value,
                      (uint64_t)json_integer_value(json_object_get(arg, "valueTwo")));
}

static void add_entry(scmp_filter_ctx filter, const json_t *entry)
{
    const json_t *names = json_object_get(entry, "names");
    const json_t *args = json_object_get(entry, "args");
    struct scmp_arg_cmp conditions[SYSCALL_ARGS];
    const uint32_t action = action_of(entry, "action", "errnoRet");
    unsigned seen = 0;

    ck_assert_uint_le(json_array_size(args), SYSCALL_ARGS);
    ck_assert_uint_gt(json_array_size(names), 0);
    for (size_t i = 0; i < json_array_size(args); i++) {
        conditions[i] = condition_of(json_array_get(args, i));
        /* Of an index that comes twice the runtimes make two rules. */
        ck_assert_uint_eq(seen >> conditions[i].arg & 1, 0);
        seen |= 1u << conditions[i].arg;
    }
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const int nr = seccomp_syscall_resolve_name(name);
        /* Newer than this libseccomp: the runtimes pass it over. */
        if (nr == __NR_SCMP_ERROR)
            continue;
        const int r =
            seccomp_rule_add_array(filter, action, nr, (unsigned)json_array_size(args), conditions);
        ck_assert_msg(r == 0, "%s: %s", name, strerror(-r));
    }
}

static FilterProgram make_program(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(root != NULL, "%s", error.text);
    scmp_filter_ctx filter = seccomp_init(action_of(root, "defaultAction", "defaultErrnoRet"));
    ck_assert_int_eq(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), 0);
    const json_t *archs = json_object_get(root, "architectures");
    for (size_t i = 0; i < json_array_size(archs); i++) {
        const char *name = json_string_value(json_array_get(archs, i));
        const int arch = arch_from_scmp_name(name);
        ck_assert_int_ge(arch, 0);
        ck_assert_int_eq(seccomp_arch_add(filter, arch == ARCH_X86_64 ? SCMP_ARCH_X86_64
                                                  : arch == ARCH_I386 ? SCMP_ARCH_X86
                                                                      : SCMP_ARCH_X32),
                         0);
    }
    const json_t *entries = json_object_get(root, "syscalls");
    for (size_t i = 0; i < json_array_size(entries); i++)
        add_entry(filter, json_array_get(entries, i));
    const FilterProgram program = filter_program_of(filter);
    seccomp_release(filter);
    json_decref(root);
    return program;
}

static uint32_t as_return(int action)
{
    if (action == SECCOMP_ALLOW)
        return SECCOMP_RET_ALLOW;
    if (action == SECCOMP_LOG)
        return SECCOMP_RET_LOG;
    if (action == SECCOMP_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    return SECCOMP_RET_ERRNO | (uint32_t)action;
}

typedef struct Filter {
    SeccompRules rules;
    FilterProgram program;
} Filter;

static Filter make_filter(const Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer json = BUFFER_INIT;
    Filter filter = {.program = {0}};
    Error err = {0};

    ck_assert_msg(seccomp_rules_make(policy, &filter.rules, NULL, &err) == 0, "%s", err.text);
    ck_assert_msg(emit_seccomp(policy, &json, NULL, &err) == 0, "%s", err.text);
    filter.program = make_program(buffer_text(&json));
    return filter;
}

static void free_filter(Filter *filter)
{
    seccomp_rules_deinit(&filter->rules);
    filter_program_deinit(&filter->program);
}

/* The filter's and the rules' answer to a call on x86_64, which must be the same. */
static uint32_t answer(const Filter *filter, const char *name, const uint64_t args[SYSCALL_ARGS])
{
    const Syscall *syscall = syscall_by_name(name);
    struct seccomp_data data = {
        .nr = (int)syscall_number(syscall, ARCH_X86_64),
        .arch = arch_audit(ARCH_X86_64),
    };

    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        data.args[i] = args[i];
    const uint32_t by_filter = filter_program_run(&filter->program, &data);
    const uint32_t by_rules = as_return(seccomp_rules_answer(&filter->rules, syscall, args));
    ck_assert_msg(by_filter == by_rules, "%s(%lx, %lx, %lx): filter 0x%x, rules 0x%x", name,
                  (unsigned long)args[0], (unsigned long)args[1], (unsigned long)args[2], by_filter,
                  by_rules);
    return by_filter;
}

/* ---- answers -------------------------------------------------------------------------------- */

#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define ALLOW    SECCOMP_RET_ALLOW
#define BARE     "architectures: [x86_64]\nruntimes: []\n"

static const struct {
    const char *policy;
    const char *name;
    uint64_t args[SYSCALL_ARGS];
    uint32_t answer;
} answers[] = {
    {BARE "syscalls: [read]\n", "read", {0}, ALLOW},
    {BARE "syscalls: [read]\n", "write", {0}, ERRNO(EPERM)},
    {BARE "deny-action: EACCES\nsyscalls: [read]\n", "write", {0}, ERRNO(EACCES)},
    {BARE "deny-action: KILL\nsyscalls: [read]\n", "write", {0}, SECCOMP_RET_KILL_PROCESS},
    {BARE "deny-action: LOG\nsyscalls: [read]\n", "write", {0}, SECCOMP_RET_LOG},
    /* calls that libc falls back from */
    {BARE "syscalls: [read]\n", "clone3", {0}, ERRNO(ENOSYS)},
    {BARE "syscalls: [read]\n", "openat2", {0}, ERRNO(ENOSYS)},
    {BARE "syscalls: [openat2]\n", "openat2", {0}, ALLOW},
    {BARE "deny-action: KILL\nsyscalls: [read]\n", "openat2", {0}, ERRNO(ENOSYS)},
    {BARE "deny-action: LOG\nsyscalls: [read]\n", "openat2", {0}, SECCOMP_RET_LOG},
    {BARE "syscalls: [{rule: openat2, deny: EACCES}]\n", "openat2", {0}, ERRNO(EACCES)},
    /* deny */
    {BARE "syscalls: [read, {rule: read, deny: true}]\n", "read", {0}, ERRNO(EPERM)},
    {BARE "syscalls: [read, {rule: read, deny: ENOSYS}]\n", "read", {0}, ERRNO(ENOSYS)},
    {BARE "syscalls: [{rule: ptrace, deny: KILL}]\n", "ptrace", {0}, SECCOMP_RET_KILL_PROCESS},
    {BARE "syscalls: [{rule: ptrace, deny: LOG}]\n", "ptrace", {0}, SECCOMP_RET_LOG},
    {BARE "syscalls: [socket 0=AF_UNIX, {rule: socket 0=AF_NETLINK 2=9, deny: EINVAL}]\n",
     "socket",
     {16, 3, 9},
     ERRNO(EINVAL)},
    {BARE "syscalls: [socket 0=AF_UNIX, {rule: socket 0=AF_NETLINK 2=9, deny: EINVAL}]\n",
     "socket",
     {1, 3, 9},
     ALLOW},
    {BARE "syscalls: [socket 0=AF_UNIX, {rule: socket 0=AF_NETLINK 2=9, deny: EINVAL}]\n",
     "socket",
     {16, 3, 0},
     ERRNO(EPERM)},
    {BARE "syscalls: [{rule: socket 0=AF_INET, deny: true}]\n", "socket", {2, 1, 0}, ERRNO(EPERM)},
    /* conditions: AND within a rule, OR between rules, no cross product */
    {BARE "syscalls: [socket 0=AF_INET 1=SOCK_STREAM, socket 0=AF_INET6 1=SOCK_DGRAM]\n",
     "socket",
     {2, 1, 6},
     ALLOW},
    {BARE "syscalls: [socket 0=AF_INET 1=SOCK_STREAM, socket 0=AF_INET6 1=SOCK_DGRAM]\n",
     "socket",
     {10, 2, 0},
     ALLOW},
    {BARE "syscalls: [socket 0=AF_INET 1=SOCK_STREAM, socket 0=AF_INET6 1=SOCK_DGRAM]\n",
     "socket",
     {2, 2, 0},
     ERRNO(EPERM)},
    {BARE "syscalls: [socket 0=AF_INET 1=SOCK_STREAM, socket 0=AF_INET6 1=SOCK_DGRAM]\n",
     "socket",
     {10, 1, 0},
     ERRNO(EPERM)},
    /* bits that do not select, and the upper half of a 32-bit argument */
    {BARE "syscalls: [socket 0=AF_INET 1=SOCK_STREAM]\n", "socket", {2, 1 | 02004000, 0}, ALLOW},
    {BARE "syscalls: [socket 0=AF_INET]\n", "socket", {2 | 0xdead00000000, 0, 0}, ALLOW},
    {BARE "syscalls: [prctl 0=PR_SET_NAME]\n", "prctl", {0xffffffff0000000f}, ALLOW},
    {BARE "syscalls: [prctl 0=PR_SET_NAME]\n", "prctl", {16}, ERRNO(EPERM)},
    {BARE "syscalls: [personality 0=0xffffffff]\n", "personality", {UINT64_MAX}, ALLOW},
    {BARE "syscalls: [personality 0=0xffffffff]\n", "personality", {0xffffffff}, ALLOW},
    {BARE "syscalls: [personality 0=0xffffffff]\n", "personality", {0}, ERRNO(EPERM)},
    {BARE "syscalls: [clone 0=0]\n", "clone", {0x3d0f00}, ALLOW},
    {BARE "syscalls: [clone 0=0]\n", "clone", {0x1200011}, ALLOW},
    {BARE "syscalls: [clone 0=0]\n", "clone", {0x10000000}, ERRNO(EPERM)},
    /* without and with conditions: the wider counts */
    {BARE "syscalls: [socket, socket 0=AF_INET]\n", "socket", {99}, ALLOW},
    /* what a runtime needs beside the workload's own */
    {"architectures: [x86_64]\nruntimes: [runc]\nsyscalls: [prctl 0=PR_SET_NAME]\n",
     "prctl",
     {15},
     ALLOW},
    {"architectures: [x86_64]\nruntimes: [runc]\nsyscalls: [prctl 0=PR_SET_NAME]\n",
     "prctl",
     {8},
     ALLOW},
    {"architectures: [x86_64]\nruntimes: [runc]\nsyscalls: [prctl 0=PR_SET_NAME]\n",
     "prctl",
     {4},
     ERRNO(EPERM)},
    {"architectures: [x86_64]\nruntimes: [runc]\n", "execve", {0}, ALLOW},
    /* and what it gets on without: only if Docker grants it too, or if the answer kills */
    {"architectures: [x86_64]\nruntimes: [runc]\n", "close_range", {0}, ALLOW},
    {"architectures: [x86_64]\nruntimes: [runc]\n", "fsopen", {0}, ERRNO(ENOSYS)},
    {"architectures: [x86_64]\nruntimes: [runc]\ndeny-action: KILL\n", "fsopen", {0}, ALLOW},
    {"architectures: [x86_64]\nruntimes: [runc, crun]\n", "execve", {0}, ALLOW},
    {"architectures: [x86_64]\nruntimes: [crun]\nsyscalls: [prctl]\n", "prctl", {99}, ALLOW},
};

START_TEST(test_answers)
{
    CLEANUP(policy_cleanup) Policy *policy = parse(answers[_i].policy);
    Filter filter = make_filter(policy);

    ck_assert_uint_eq(answer(&filter, answers[_i].name, answers[_i].args), answers[_i].answer);
    free_filter(&filter);
}
END_TEST

/* Every call of every sort of policy, with arguments of all kinds: filter and rules agree. */
START_TEST(test_all_calls)
{
    static const char *const policies[] = {
        "architectures: [x86_64]\nruntimes: [runc, crun]\n",
        "architectures: [x86_64, i386, x32]\nruntimes: [runc]\n"
        "syscalls: [read, socket 0=AF_INET 1=SOCK_STREAM 2=6, socket 0=AF_INET 1=SOCK_DGRAM, "
        "socket 0=AF_NETLINK, clone 0=0, clone 0=CLONE_NEWUSER, prctl 0=1, prctl 0=2, prctl 0=3, "
        "ioctl 1=TCGETS, {rule: bpf, deny: ENOSYS}]\n",
        BARE
        "deny-action: KILL\nsyscalls: [personality 0=0, personality 0=0xffffffff, close 0=3]\n",
    };
    static const uint64_t values[] = {0,  1,      2,          3,          6,          10,
                                      16, 0x5401, 0x10000000, 0xffffffff, 1ull << 40, UINT64_MAX};
    CLEANUP(policy_cleanup) Policy *policy = parse(policies[_i]);
    Filter filter = make_filter(policy);

    for (size_t s = 0; s < syscall_count(); s++) {
        const Syscall *syscall = syscall_at(s);
        if (syscall_number(syscall, ARCH_X86_64) < 0 ||
            seccomp_syscall_resolve_name(syscall->name) == __NR_SCMP_ERROR)
            continue;
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
            for (size_t j = 0; j < ARRAY_LENGTH(values); j++) {
                const uint64_t args[SYSCALL_ARGS] = {values[i], values[j],
                                                     values[(i * 5 + j) % ARRAY_LENGTH(values)]};
                (void)answer(&filter, syscall->name, args);
            }
        }
    }
    free_filter(&filter);
}
END_TEST

/* ---- what else ------------------------------------------------------------------------------ */

static const struct {
    const char *policy;
    const char *complaint; /* of an error; NULL: a note is wanted */
    const char *note;
} troubles[] = {
    {"runtimes: []\nsyscalls: [read]\n", "no architecture", NULL},
    {BARE "syscalls: [socket, {rule: socket 0=AF_INET, deny: EINVAL}]\n",
     "cannot deny single values", NULL},
    {BARE "syscalls: [socket 1=SOCK_RAW, {rule: socket 0=AF_INET, deny: true}]\n",
     "cannot deny single values", NULL},
    {"architectures: [x86_64]\nruntimes: [youki]\n", NULL, "youki"},
    {"architectures: [x86_64]\nruntimes: [runc]\nsyscalls: [{rule: execve, deny: true}]\n", NULL,
     "execve is denied"},
};

START_TEST(test_trouble)
{
    CLEANUP(policy_cleanup) Policy *policy = parse(troubles[_i].policy);
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    SeccompRules rules = {0};
    Error err = {0};
    const int r = seccomp_rules_make(policy, &rules, &notes, &err);

    ck_assert_int_eq(r < 0, troubles[_i].complaint != NULL);
    if (troubles[_i].complaint)
        ck_assert_msg(strstr(err.text, troubles[_i].complaint) != NULL, "%s", err.text);
    else
        ck_assert_msg(strstr(buffer_text(&notes), troubles[_i].note) != NULL, "%s",
                      buffer_text(&notes));
    seccomp_rules_deinit(&rules);
}
END_TEST

/* Calls that the chosen architectures do not have are in no rule; every other name resolves. */
START_TEST(test_names)
{
    CLEANUP(policy_cleanup)
    Policy *policy =
        parse("architectures: [i386]\nruntimes: [runc]\nsyscalls: [arch_prctl, stat64, "
              "newfstatat, socketcall]\n");
    SeccompRules rules = {0};

    ck_assert_int_eq(seccomp_rules_make(policy, &rules, NULL, NULL), 0);
    for (size_t i = 0; i < rules.count; i++)
        ck_assert_int_ge(syscall_number(rules.rules[i].syscall, ARCH_I386), 0);
    ck_assert_int_eq(
        seccomp_rules_answer(&rules, syscall_by_name("stat64"), (const uint64_t[SYSCALL_ARGS]){0}),
        SECCOMP_ALLOW);
    ck_assert_int_eq(seccomp_rules_answer(&rules, syscall_by_name("newfstatat"),
                                          (const uint64_t[SYSCALL_ARGS]){0}),
                     EPERM);
    seccomp_rules_deinit(&rules);
}
END_TEST

/* What is compiled in makes sense: every name is known. */
START_TEST(test_knowledge)
{
    ck_assert_uint_gt(runtime_calls_count, 0);
    for (size_t i = 0; i < runtime_calls_count; i++)
        ck_assert_msg(syscall_by_name(runtime_calls[i].syscall) != NULL, "%s",
                      runtime_calls[i].syscall);
    for (size_t i = 0; i < baseline_calls_count; i++)
        ck_assert_msg(syscall_by_name(baseline_calls[i].syscall) != NULL ||
                          strcmp(baseline_calls[i].syscall, "sigreturn") == 0,
                      "%s", baseline_calls[i].syscall);
    for (size_t i = 0; i < docker_grants_count; i++) {
        if (strcmp(docker_grants[i].kind, "capability") == 0)
            ck_assert_ptr_nonnull(capability_by_name(docker_grants[i].name));
        if (strcmp(docker_grants[i].when, "capability") == 0)
            ck_assert_ptr_nonnull(capability_by_name(docker_grants[i].value));
    }
    ck_assert(runtime_is_known("runc") && runtime_is_known("crun") && !runtime_is_known("run"));
    ck_assert(has_word("a bc d", "bc") && !has_word("a bcd d", "bc") && has_word("a", "a"));
    ck_assert_str_eq(place_of("/var/lib/x")->path, "/var/lib");
    ck_assert_ptr_null(place_of("/var/libx"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seccomp");

    suite_add(suite, "answers", test_answers, ARRAY_LENGTH(answers));
    suite_add(suite, "all calls", test_all_calls, 3);
    suite_add(suite, "trouble", test_trouble, ARRAY_LENGTH(troubles));
    suite_add(suite, "names", test_names, 1);
    suite_add(suite, "knowledge", test_knowledge, 1);
    return suite_run(suite);
}
