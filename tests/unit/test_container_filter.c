/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's profile, and what its listener answers in place of it: with both compiled by
 * libseccomp as runtimes do, every call with any arguments fares the same.
 */
#include "base/io.h"
#include "base/memory.h"
#include "filter_runner.h"
#include "suite.h"
#include "tracer/container_filter.h"
#include "tracer/oci_json.h"
#include "tracer/oci_listener.h"
#include "tracer/oci_profile.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { COMBINATIONS = 40, FILE_MAX = 1 << 20 };

#define ARCHS "'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X86','SCMP_ARCH_X32']"
#define REST                                                                                       \
    "{'names':['read','write','openat','futex','socketcall','ipc','process_mrelease'],"            \
    "'action':'SCMP_ACT_ALLOW'}"

static const struct {
    const char *profile; /* with ' for "; of a golden file its path */
    const char *asks;    /* calls of which the listener is asked, blanks around each */
    const char *not_asks;
} rows[] = {
    {"tests/golden/generate/server/seccomp.json", " mount ptrace swapoff ", " write socketcall "},
    {"tests/golden/generate/everything/seccomp.json", " swapoff ", " "},
    {"tests/golden/generate/odd/seccomp.json", " ", " "},
    /* as Docker's: what is refused by default, by its arguments, and by ENOSYS */
    {"{'defaultAction':'SCMP_ACT_ERRNO'," ARCHS ",'syscalls':[" REST ","
     "{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':0,'op':"
     "'SCMP_CMP_EQ'}]},"
     "{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':"
     "'SCMP_CMP_EQ'}]},"
     "{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':4294967295,"
     "'op':'SCMP_CMP_EQ'}]},"
     "{'names':['clone'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':2114060288,"
     "'valueTwo':0,'op':'SCMP_CMP_MASKED_EQ'}]},"
     "{'names':['socket'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':40,'op':"
     "'SCMP_CMP_NE'}]},"
     "{'names':['clone3'],'action':'SCMP_ACT_ERRNO','errnoRet':38}]}",
     " personality clone clone3 socket mount bpf connect ", " read write futex futex_wake "},
    /* without the call that i386's programs make for sockets: rules for them may make one of it */
    {"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':95," ARCHS ",'syscalls':["
     "{'names':['read','bind','process_mrelease'],'action':'SCMP_ACT_ALLOW'}]}",
     " mount unshare ", " read socket connect socketcall shmget ipc "},
    {"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':95,'architectures':['SCMP_ARCH_X86_64'],"
     "'syscalls':[{'names':['read','process_mrelease'],'action':'SCMP_ACT_ALLOW'}]}",
     " mount socket shmget ", " read "},
    /* each comparison; several conditions; one argument twice, which means "or" */
    {"{'defaultAction':'SCMP_ACT_ERRNO'," ARCHS ",'syscalls':[" REST ","
     "{'names':['getpgid'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':"
     "'SCMP_CMP_LT'}]},"
     "{'names':['getsid'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':"
     "'SCMP_CMP_LE'}]},"
     "{'names':['kill'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':'SCMP_CMP_GE'}"
     ",{'index':1,'value':2,'op':'SCMP_CMP_GT'}]},"
     "{'names':['tgkill'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':4294967297,'op':"
     "'SCMP_CMP_EQ'}]},"
     "{'names':['ioctl'],'action':'SCMP_ACT_LOG','args':[{'index':1,'value':1,'op':'SCMP_CMP_EQ'},"
     "{'index':1,'value':3,'op':'SCMP_CMP_EQ'},{'index':0,'value':2,'op':'SCMP_CMP_EQ'}]},"
     "{'names':['fcntl'],'action':'SCMP_ACT_ALLOW','args':[{'index':1,'value':12,'valueTwo':11,"
     "'op':'SCMP_CMP_MASKED_EQ'}]}]}",
     " getpgid getsid kill tgkill ioctl fcntl ", " read "},
    /* lets run what it does not name */
    {"{'defaultAction':'SCMP_ACT_ALLOW'," ARCHS ",'syscalls':["
     "{'names':['swapoff'],'action':'SCMP_ACT_ERRNO','errnoRet':7},"
     "{'names':['personality'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':2,'op':"
     "'SCMP_CMP_GT'}]}]}",
     " swapoff personality ", " read mount "},
    /* what is the kernel's alone, or nobody's */
    {"{'defaultAction':'SCMP_ACT_ERRNO'," ARCHS ",'syscalls':[" REST ","
     "{'names':['mount'],'action':'SCMP_ACT_KILL'},{'names':['umount2'],'action':'SCMP_ACT_TRAP'},"
     "{'names':['kill'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':'SCMP_CMP_EQ'}"
     "]},{'names':['kill'],'action':'SCMP_ACT_ERRNO','errnoRet':3,'args':[{'index':0,'value':9,"
     "'op':'SCMP_CMP_EQ'}]}]}",
     " unshare ", " mount umount2 kill "},
    {"{'defaultAction':'SCMP_ACT_KILL'," ARCHS ",'syscalls':[" REST ","
     "{'names':['unshare'],'action':'SCMP_ACT_ERRNO'}]}",
     " unshare ", " mount read "},
};

static json_t *profile_of(const char *given)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    json_error_t error;
    Error err = {0};

    if (*given == '{') {
        for (const char *c = given; *c; c++)
            (void)buffer_putc(&text, *c == '\'' ? '"' : *c);
    } else {
        ck_assert_msg(read_file(given, &text, FILE_MAX, &err) == 0, "%s", err.text);
    }
    json_t *profile = json_loads(buffer_text(&text), 0, &error);
    ck_assert_msg(profile != NULL, "%s: %s", given, error.text);
    return profile;
}

/* ---- compiled as runtimes do ------------------------------------------------------------------
 */

static uint32_t action_of(const json_t *object, const char *key, const char *errno_key)
{
    static const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},   {"SCMP_ACT_LOG", SCMP_ACT_LOG},
        {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY}, {"SCMP_ACT_KILL", SCMP_ACT_KILL},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    };
    const json_t *number = json_object_get(object, errno_key);
    const char *name = oci_json_text(object, key);

    ck_assert_ptr_nonnull(name);
    for (size_t i = 0; i < ARRAY_LENGTH(actions); i++) {
        if (strcmp(name, actions[i].name) == 0)
            return actions[i].action;
    }
    ck_assert_str_eq(name, "SCMP_ACT_ERRNO");
    return SCMP_ACT_ERRNO(number ? (uint32_t)json_integer_value(number) : EPERM);
}

static struct scmp_arg_cmp condition_of(const json_t *json)
{
    static const char *const operators[] = {"",
                                            "SCMP_CMP_NE",
                                            "SCMP_CMP_LT",
                                            "SCMP_CMP_LE",
                                            "SCMP_CMP_EQ",
                                            "SCMP_CMP_GE",
                                            "SCMP_CMP_GT",
                                            "SCMP_CMP_MASKED_EQ"};
    const char *name = oci_json_text(json, "op");
    unsigned op = 0;

    while (op < ARRAY_LENGTH(operators) && strcmp(name, operators[op]) != 0)
        op++;
    ck_assert_uint_lt(op, ARRAY_LENGTH(operators));
    return (struct scmp_arg_cmp){
        .arg = (unsigned)json_integer_value(json_object_get(json, "index")),
        .op = (enum scmp_compare)op,
        .datum_a = (scmp_datum_t)json_integer_value(json_object_get(json, "value")),
        .datum_b = (scmp_datum_t)json_integer_value(json_object_get(json, "valueTwo"))};
}

static void add_rule(scmp_filter_ctx filter, const json_t *rule, uint32_t otherwise)
{
    const uint32_t action = action_of(rule, "action", "errnoRet");
    const json_t *names = json_object_get(rule, "names");
    const json_t *args = json_object_get(rule, "args");
    struct scmp_arg_cmp conditions[SYSCALL_ARGS];
    const unsigned count = (unsigned)json_array_size(args);
    unsigned seen = 0;
    bool repeated = false;

    ck_assert_uint_le(count, SYSCALL_ARGS);
    for (unsigned i = 0; i < count; i++) {
        conditions[i] = condition_of(json_array_get(args, i));
        repeated |= (seen >> conditions[i].arg & 1) != 0;
        seen |= 1u << conditions[i].arg;
    }
    for (size_t i = 0; action != otherwise && i < json_array_size(names); i++) {
        const int nr = seccomp_syscall_resolve_name(json_string_value(json_array_get(names, i)));
        if (nr == __NR_SCMP_ERROR)
            continue;
        if (!repeated) {
            ck_assert_int_eq(seccomp_rule_add_array(filter, action, nr, count, conditions), 0);
            continue;
        }
        for (unsigned k = 0; k < count; k++)
            ck_assert_int_eq(seccomp_rule_add_array(filter, action, nr, 1, &conditions[k]), 0);
    }
}

static FilterProgram compiled(const json_t *profile)
{
    const uint32_t otherwise = action_of(profile, "defaultAction", "defaultErrnoRet");
    const json_t *archs = json_object_get(profile, "architectures");
    const json_t *rules = json_object_get(profile, "syscalls");
    const scmp_filter_ctx filter = seccomp_init(otherwise);

    ck_assert_ptr_nonnull(filter);
    for (size_t i = 0; i < json_array_size(archs); i++) {
        const int arch = arch_from_scmp_name(json_string_value(json_array_get(archs, i)));
        if (arch != ARCH_I386 && arch != ARCH_X32)
            continue;
        ck_assert_int_eq(
            seccomp_arch_add(filter, arch == ARCH_I386 ? SCMP_ARCH_X86 : SCMP_ARCH_X32), 0);
    }
    for (size_t i = 0; i < json_array_size(rules); i++)
        add_rule(filter, json_array_get(rules, i), otherwise);
    const FilterProgram program = filter_program_of(filter);
    seccomp_release(filter);
    return program;
}

/* ---- compared ---------------------------------------------------------------------------------
 */

/* Numbers around those that the rows have, the same for every run. */
static uint64_t any_value(void)
{
    static const uint64_t values[] = {
        0,          1,          2,  3,          7,           8,           9,
        11,         12,         40, 0xffffffff, 0x100000000, 0x100000001, 0x100000008,
        0x7e020000, 0x10000000, 41, UINT64_MAX, 0x20000,     0x40000011,  0xffffffff00000000};
    static uint64_t state = 1;

    state = state * 6364136223846793005 + 1442695040888963407;
    return values[(state >> 33) % ARRAY_LENGTH(values)];
}

static void compare_call(const FilterProgram *before, const FilterProgram *after,
                         const ContainerFilter *filter, const struct seccomp_data *data,
                         const char *name)
{
    const uint64_t *const args = (const uint64_t *)data->args;
    const uint32_t was = filter_program_run(before, data);
    uint32_t is = filter_program_run(after, data);

    if (is == SECCOMP_RET_USER_NOTIF) {
        const int refusal = container_filter_notified(filter, data->arch, data->nr, args);
        is = refusal > 0              ? SECCOMP_RET_ERRNO | (uint32_t)refusal
             : was == SECCOMP_RET_LOG ? SECCOMP_RET_LOG
                                      : SECCOMP_RET_ALLOW;
    }
    ck_assert_msg(is == was, "%s of 0x%x with 0x%llx 0x%llx: %x instead of %x", name, data->arch,
                  data->args[0], data->args[1], is, was);
}

static void compare_calls(const FilterProgram *before, const FilterProgram *after,
                          const ContainerFilter *filter, Arch arch)
{
    for (size_t i = 0; i < syscall_count(); i++) {
        const Syscall *syscall = syscall_at(i);
        struct seccomp_data data = {.nr = (int)syscall_number(syscall, arch),
                                    .arch = arch_audit(arch)};
        for (int k = 0; data.nr >= 0 && k < COMBINATIONS; k++) {
            for (size_t arg = 0; arg < SYSCALL_ARGS; arg++)
                data.args[arg] = any_value();
            compare_call(before, after, filter, &data, syscall->name);
        }
    }
}

START_TEST(test_same)
{
    CLEANUP(container_filter_drop) ContainerFilter *filter = NULL;
    CLEANUP(oci_json_drop) json_t *profile = profile_of(rows[_i].profile);
    Error err = {0};

    (void)seccomp_api_set(6);
    FilterProgram before = compiled(profile);
    ck_assert_int_eq(container_filter_new(profile, &filter), 0);
    ck_assert_msg(oci_listener_notify(profile, "/run/agent", "id", "config.json", &err) == 0, "%s",
                  err.text);
    FilterProgram after = compiled(profile);
    compare_calls(&before, &after, filter, ARCH_X86_64);
    compare_calls(&before, &after, filter, ARCH_I386);
    compare_calls(&before, &after, filter, ARCH_X32);
    filter_program_deinit(&before);
    filter_program_deinit(&after);
}
END_TEST

static void asks(const ContainerFilter *filter, const char *names, bool wanted)
{
    CLEANUP(free_pointer) char *list = strdup(names);
    char *at = list;

    for (const char *name = strsep(&at, " "); name; name = strsep(&at, " ")) {
        const Syscall *syscall = *name ? syscall_by_name(name) : NULL;
        ck_assert(syscall || !*name);
        ck_assert_msg(!syscall || container_filter_asks(filter, syscall) == wanted, "%s", name);
    }
}

START_TEST(test_asks)
{
    CLEANUP(container_filter_drop) ContainerFilter *filter = NULL;
    CLEANUP(oci_json_drop) json_t *profile = profile_of(rows[_i].profile);

    ck_assert_int_eq(container_filter_new(profile, &filter), 0);
    asks(filter, rows[_i].asks, true);
    asks(filter, rows[_i].not_asks, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("container_filter");

    suite_add(suite, "same", test_same, ARRAY_LENGTH(rows));
    suite_add(suite, "asks", test_asks, ARRAY_LENGTH(rows));
    return suite_run(suite);
}
