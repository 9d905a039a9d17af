/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as runc, crun and libseccomp take them: all conditions of a rule have to hold, but where
 * one argument has several, each condition is a rule of its own; one rule of several is enough; and
 * of 32-bit programs, x32's among them, only the lower half of a register is compared.
 */
#include "tracer/container_filter.h"

#include "base/memory.h"
#include "tracer/oci_json.h"
#include "tracer/oci_profile.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { ERRNO_MAX = 4095, NO_ANSWER = -1 };

typedef enum Operator {
    OP_NE,
    OP_LT,
    OP_LE,
    OP_EQ,
    OP_GE,
    OP_GT,
    OP_MASKED_EQ,
} Operator;

typedef struct Condition {
    unsigned index;
    Operator operator;
    uint64_t value, value_two;
} Condition;

/* All of these have to hold. */
typedef struct Alternative {
    Condition conditions[SYSCALL_ARGS];
    unsigned count;
} Alternative;

/* What is known of one call. */
typedef struct Asked {
    Alternative *alternatives;
    size_t count, capacity;
    int matched;   /* the answer if one of them holds; NO_ANSWER: the kernel's alone */
    bool named;    /* by some rule */
    bool always;   /* one has no conditions */
    bool asked;    /* by the listener */
    int otherwise; /* the answer if none holds */
} Asked;

struct ContainerFilter {
    Asked *calls; /* by Syscall.index */
};

ContainerFilter *container_filter_free(ContainerFilter *filter)
{
    if (!filter)
        return NULL;
    for (size_t i = 0; filter->calls && i < syscall_count(); i++)
        free(filter->calls[i].alternatives);
    free(filter->calls);
    free(filter);
    return NULL;
}

void container_filter_drop(ContainerFilter **filter)
{
    *filter = container_filter_free(*filter);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* 0: it runs; an errno; NO_ANSWER: something else becomes of it. */
static int answer_of(const json_t *object, const char *action_key, const char *errno_key)
{
    const char *action = oci_json_text(object, action_key);
    const json_t *given = json_object_get(object, errno_key);
    const json_int_t number = given ? json_integer_value(given) : EPERM;

    if (oci_action_lets_run(action))
        return 0;
    if (!action || strcmp(action, "SCMP_ACT_ERRNO") != 0 || number < 1 || number > ERRNO_MAX)
        return NO_ANSWER;
    return (int)number;
}

static bool read_condition(const json_t *json, Condition *ret)
{
    static const char *const names[] = {
        [OP_NE] = "SCMP_CMP_NE",
        [OP_LT] = "SCMP_CMP_LT",
        [OP_LE] = "SCMP_CMP_LE",
        [OP_EQ] = "SCMP_CMP_EQ",
        [OP_GE] = "SCMP_CMP_GE",
        [OP_GT] = "SCMP_CMP_GT",
        [OP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
    };
    const char *name = oci_json_text(json, "op");
    const json_t *index = json_object_get(json, "index");
    const json_t *value = json_object_get(json, "value");
    const json_t *value_two = json_object_get(json, "valueTwo");
    size_t op = 0;

    while (op < ARRAY_LENGTH(names) && (!name || strcmp(name, names[op]) != 0))
        op++;
    if (op == ARRAY_LENGTH(names) || !json_is_integer(index) || !json_is_integer(value) ||
        (value_two && !json_is_integer(value_two)) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= SYSCALL_ARGS)
        return false;
    *ret =
        (Condition){(unsigned)json_integer_value(index), (Operator)op,
                    (uint64_t)json_integer_value(value), (uint64_t)json_integer_value(value_two)};
    return true;
}

static int add_alternative(Asked *call, const Alternative *alternative)
{
    const int r = array_reserve((void *)&call->alternatives, &call->capacity, call->count,
                                sizeof *call->alternatives);

    if (r == 0)
        call->alternatives[call->count++] = *alternative;
    return r;
}

/* The conditions ARGS of one more rule of CALL. */
static int add_conditions(const json_t *args, Asked *call)
{
    const size_t count = json_array_size(args);
    Alternative whole = {.count = 0};
    bool repeated = count > SYSCALL_ARGS;
    unsigned seen = 0;

    call->always |= count == 0;
    for (size_t i = 0; i < count; i++) {
        Condition condition;
        if (!read_condition(json_array_get(args, i), &condition)) {
            call->matched = NO_ANSWER;
            return 0;
        }
        repeated |= (seen >> condition.index & 1) != 0;
        seen |= 1u << condition.index;
        if (!repeated)
            whole.conditions[whole.count++] = condition;
    }
    if (!repeated)
        return count > 0 ? add_alternative(call, &whole) : 0;
    for (size_t i = 0; i < count; i++) {
        Alternative one = {.count = 1};
        (void)read_condition(json_array_get(args, i), &one.conditions[0]);
        if (add_alternative(call, &one) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_rule(const json_t *rule, ContainerFilter *filter)
{
    const int answer = answer_of(rule, "action", "errnoRet");
    const json_t *names = json_object_get(rule, "names");

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const Syscall *syscall = name ? syscall_by_name(name) : NULL;
        if (!syscall)
            continue;
        Asked *call = &filter->calls[syscall->index];
        call->matched = call->named && call->matched != answer ? NO_ANSWER : answer;
        call->named = true;
        if (add_conditions(json_object_get(rule, "args"), call) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- which are asked ------------------------------------------------------------------------- */

typedef struct Scope {
    bool has[ARCH_COUNT];     /* the profile is about it */
    int64_t last[ARCH_COUNT]; /* the highest number that it names there */
} Scope;

static void scope_of(const json_t *seccomp, const ContainerFilter *filter, Scope *ret_scope)
{
    const json_t *list = json_object_get(seccomp, "architectures");
    Scope scope = {.has = {false}};

    scope.has[arch_native()] = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        const int arch = name ? arch_from_scmp_name(name) : -1;
        if (arch >= 0)
            scope.has[arch] = true;
    }
    for (size_t arch = 0; arch < ARCH_COUNT; arch++) {
        scope.last[arch] = -1;
        for (size_t i = 0; i < syscall_count(); i++) {
            const int64_t number = syscall_number(syscall_at(i), (Arch)arch);
            if (filter->calls[i].named && number > scope.last[arch])
                scope.last[arch] = number;
        }
    }
    *ret_scope = scope;
}

/* Naming it makes no number the highest one. */
static bool is_within(const Scope *scope, const Syscall *syscall)
{
    for (size_t arch = 0; arch < ARCH_COUNT; arch++) {
        if (scope->has[arch] && syscall_number(syscall, (Arch)arch) > scope->last[arch])
            return false;
    }
    return true;
}

static bool always_runs(const ContainerFilter *filter, const char *name)
{
    const Syscall *syscall = syscall_by_name(name);
    const Asked *call = syscall ? &filter->calls[syscall->index] : NULL;

    return call && call->always && call->matched == 0;
}

/* libseccomp makes of a rule for what i386 has in one call, too, a rule for that. */
static bool is_multiplexed(const ContainerFilter *filter, const Scope *scope, const char *name)
{
    static const char *const network[] = {
        "accept",  "accept4", "bind",       "connect",  "getpeername", "getsockname", "getsockopt",
        "listen",  "recv",    "recvfrom",   "recvmmsg", "recvmsg",     "send",        "sendmmsg",
        "sendmsg", "sendto",  "setsockopt", "shutdown", "socket",      "socketpair",
    };
    static const char *const ipc[] = {
        "msgctl", "msgget",     "msgrcv", "msgsnd", "semctl", "semget",
        "semop",  "semtimedop", "shmat",  "shmctl", "shmdt",  "shmget",
    };

    if (strcmp(name, "socketcall") == 0 || strcmp(name, "ipc") == 0)
        return true;
    if (!scope->has[ARCH_I386])
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(network); i++) {
        if (strcmp(name, network[i]) == 0)
            return !always_runs(filter, "socketcall");
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ipc); i++) {
        if (strcmp(name, ipc[i]) == 0)
            return !always_runs(filter, "ipc");
    }
    return false;
}

static void decide(const json_t *seccomp, ContainerFilter *filter)
{
    const int otherwise = answer_of(seccomp, "defaultAction", "defaultErrnoRet");
    Scope scope;

    scope_of(seccomp, filter, &scope);
    for (size_t i = 0; i < syscall_count(); i++) {
        const Syscall *syscall = syscall_at(i);
        Asked *call = &filter->calls[i];
        call->otherwise = call->always ? call->matched : otherwise;
        if (!call->named)
            call->matched = otherwise;
        call->asked = call->matched != NO_ANSWER && call->otherwise != NO_ANSWER &&
                      (call->otherwise > 0 || (call->named && !call->always)) &&
                      is_within(&scope, syscall) && !is_multiplexed(filter, &scope, syscall->name);
    }
}

int container_filter_new(const json_t *seccomp, ContainerFilter **ret_filter)
{
    const json_t *rules = json_object_get(seccomp, "syscalls");
    ContainerFilter *filter = calloc(1, sizeof *filter);
    int r = 0;

    if (filter)
        filter->calls = calloc(syscall_count(), sizeof *filter->calls);
    if (!filter || !filter->calls)
        r = -ENOMEM;
    for (size_t i = 0; i < json_array_size(rules) && r == 0; i++)
        r = add_rule(json_array_get(rules, i), filter);
    if (r < 0) {
        container_filter_free(filter);
        return r;
    }
    decide(seccomp, filter);
    *ret_filter = filter;
    return 0;
}

bool container_filter_asks(const ContainerFilter *filter, const Syscall *syscall)
{
    return filter->calls[syscall->index].asked;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool holds(const Condition *condition, uint64_t bits, const uint64_t *args)
{
    const uint64_t given = args[condition->index] & bits;
    const uint64_t value = condition->value & bits;

    switch (condition->operator) {
    case OP_NE:
        return given != value;
    case OP_LT:
        return given < value;
    case OP_LE:
        return given <= value;
    case OP_EQ:
        return given == value;
    case OP_GE:
        return given >= value;
    case OP_GT:
        return given > value;
    case OP_MASKED_EQ:
        return (given & value) == (condition->value_two & value);
    }
    return false;
}

static bool any_holds(const Asked *call, uint64_t bits, const uint64_t *args)
{
    for (size_t i = 0; i < call->count; i++) {
        const Alternative *alternative = &call->alternatives[i];
        unsigned held = 0;
        while (held < alternative->count && holds(&alternative->conditions[held], bits, args))
            held++;
        if (held == alternative->count)
            return true;
    }
    return false;
}

static bool has_half_registers(int arch)
{
    return arch == ARCH_I386 || arch == ARCH_X32 || arch == ARCH_ARM;
}

int container_filter_answer(const ContainerFilter *filter, const Syscall *syscall, int arch,
                            const uint64_t args[SYSCALL_ARGS])
{
    const Asked *call = filter && syscall ? &filter->calls[syscall->index] : NULL;
    const uint64_t bits = has_half_registers(arch) ? UINT32_MAX : UINT64_MAX;

    if (!call || !call->asked)
        return 0;
    return any_holds(call, bits, args) ? call->matched : call->otherwise;
}

int container_filter_notified(const ContainerFilter *filter, uint32_t audit_arch, int64_t nr,
                              const uint64_t *args)
{
    const int arch = arch_from_call(audit_arch, nr);

    return arch < 0
               ? 0
               : container_filter_answer(filter, syscall_by_number((Arch)arch, nr), arch, args);
}
