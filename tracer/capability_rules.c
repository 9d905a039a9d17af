/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: an index from system call to the rows that look at it, and what every row has in
 * common: the capability must be held, in our user namespace, by a call that succeeds. The rows
 * are in the tables below, each in the file of its subject.
 */
#include "tracer/capability_rules.h"

#include "base/memory.h"
#include "tracer/capability_internal.h"

#include <errno.h>

/* Multiplexed calls of i386 and s390x: SYS_* of linux/net.h, by number. */
static const char *const socketcall_names[] = {
    NULL,          "socket",     "bind",    "connect", "listen",  "accept",   "getsockname",
    "getpeername", "socketpair", "send",    "recv",    "sendto",  "recvfrom", "shutdown",
    "setsockopt",  "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
};

struct CapabilityRules {
    size_t
        *offsets; /* by system call index; the rows are rows[offsets[i]] … rows[offsets[i + 1]] */
    const CapabilityRule **rows;
    const Syscall *socketcalls[ARRAY_LENGTH(socketcall_names)];
};

const CapabilityRule *const capability_tables[] = {
    capability_rules_access,    capability_rules_admin,   capability_rules_identity,
    capability_rules_ioctl,     capability_rules_network, capability_rules_ownership,
    capability_rules_resources, capability_rules_system,  NULL,
};

static bool takes_path(const Syscall *syscall)
{
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        if (syscall->args[i].role == ROLE_PATH)
            return true;
    return false;
}

typedef void RowVisit(void *data, const CapabilityRule *rule, const Syscall *syscall);

/* Calls VISIT for each system call that RULE looks at and the tables know. */
static void visit_calls(const CapabilityRule *rule, RowVisit *visit, void *data)
{
    enum { NAME_MAX_BYTES = 64 };
    const char *names = rule->syscalls;

    for (size_t i = 0; !names && i < syscall_count(); i++)
        if (takes_path(syscall_at(i)))
            visit(data, rule, syscall_at(i));
    while (names && *names) {
        size_t length = strcspn(names, " ");
        char name[NAME_MAX_BYTES];
        const Syscall *syscall = NULL;

        if (length < sizeof name) {
            memcpy(name, names, length);
            name[length] = '\0';
            syscall = syscall_by_name(name);
        }
        if (syscall)
            visit(data, rule, syscall);
        names += length + (names[length] == ' ');
    }
}

static void visit_rules(RowVisit *visit, void *data)
{
    for (size_t t = 0; capability_tables[t]; t++)
        for (const CapabilityRule *rule = capability_tables[t]; rule->name; rule++)
            visit_calls(rule, visit, data);
}

/* First pass: offsets[i + 1] counts the rows of call i. */
static void count_row(void *data, const CapabilityRule *rule, const Syscall *syscall)
{
    CapabilityRules *rules = data;

    (void)rule;
    rules->offsets[syscall->index + 1]++;
}

/* Second pass: offsets[i] is where the next row of call i goes, and so ends as where they end. */
static void store_row(void *data, const CapabilityRule *rule, const Syscall *syscall)
{
    CapabilityRules *rules = data;

    rules->rows[rules->offsets[syscall->index]++] = rule;
}

CapabilityRules *capability_rules_new(void)
{
    CapabilityRules *rules = calloc(1, sizeof *rules);
    size_t calls = syscall_count();

    if (!rules)
        return NULL;
    rules->offsets = calloc(calls + 1, sizeof *rules->offsets);
    if (!rules->offsets)
        return capability_rules_free(rules);
    visit_rules(count_row, rules);
    for (size_t i = 0; i < calls; i++)
        rules->offsets[i + 1] += rules->offsets[i];
    rules->rows = calloc(rules->offsets[calls] + 1, sizeof *rules->rows);
    if (!rules->rows)
        return capability_rules_free(rules);
    visit_rules(store_row, rules);
    /* Each offset has moved to where the next begins. */
    memmove(rules->offsets + 1, rules->offsets, calls * sizeof *rules->offsets);
    rules->offsets[0] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(socketcall_names); i++)
        if (socketcall_names[i])
            rules->socketcalls[i] = syscall_by_name(socketcall_names[i]);
    return rules;
}

CapabilityRules *capability_rules_free(CapabilityRules *rules)
{
    if (rules) {
        free(rules->offsets);
        free(rules->rows);
        free(rules);
    }
    return NULL;
}

static bool is_socketcall(const Syscall *syscall)
{
    return strcmp(syscall->name, "socketcall") == 0;
}

bool capability_rules_concern(const CapabilityRules *rules, const Syscall *syscall)
{
    return rules->offsets[syscall->index + 1] > rules->offsets[syscall->index] ||
           is_socketcall(syscall);
}

/* Makes *INNER the call that socketcall(2) stands for. */
static bool unwrap_socketcall(const CapabilityRules *rules, const CapabilityContext *context,
                              Call *inner)
{
    uint32_t number = cap_arg_u32(context, 0);
    size_t word = cap_long_size(context);

    if (number >= ARRAY_LENGTH(socketcall_names) || !rules->socketcalls[number])
        return false;
    *inner = *context->call;
    inner->syscall = rules->socketcalls[number];
    memset(inner->args, 0, sizeof inner->args);
    /* The kernel reads as many words as the call has arguments, and none of them has more than 6;
     * what lies behind them may be unreadable. */
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        uint64_t address = cap_arg_long(context, 1) + i * word;

        if (cap_read_long(context, address, 0, &inner->args[i]) < 0)
            return i >= 2;
    }
    return true;
}

/* The errno range is what the kernel itself takes for failure: an address may look negative. */
static bool call_failed(const Call *call)
{
    return call->has_result && call->result < 0 && call->result >= -4095;
}

static bool has(uint64_t set, int capability)
{
    return capability != NO_ALTERNATIVE && (set >> capability & 1) != 0;
}

/* The one by which the call is allowed; negative: none is held. */
static int held_capability(const CapabilityRule *rule, const CapabilityContext *context)
{
    const uint64_t sets[] = {context->credentials->effective, context->withheld};

    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        if (has(sets[i], rule->capability))
            return rule->capability;
        if (has(sets[i], rule->alternative))
            return rule->alternative;
    }
    return -1;
}

bool capability_foresees_denial(const CapabilityRules *rules, const CapabilityContext *context)
{
    const Syscall *syscall = context->call->syscall;

    if (!syscall)
        return false;
    for (size_t i = rules->offsets[syscall->index]; i < rules->offsets[syscall->index + 1]; i++) {
        const CapabilityRule *rule = rules->rows[i];
        CapabilityMatch match = {.object = NULL};

        if (strncmp(rule->name, "dac-", 4) == 0 && held_capability(rule, context) < 0 &&
            rule->needs(context, rule, &match))
            return true;
    }
    return false;
}

void capability_infer(const CapabilityRules *rules, const CapabilityContext *context,
                      CapabilityEmit *emit, void *data)
{
    CapabilityContext actual = *context;
    Call inner;
    size_t from, to;

    if (!context->call->syscall || context->credentials->own_user_namespace ||
        !(context->credentials->effective | context->withheld) || call_failed(context->call))
        return;
    if (is_socketcall(context->call->syscall)) {
        if (!unwrap_socketcall(rules, context, &inner))
            return;
        actual.call = &inner;
    }
    from = rules->offsets[actual.call->syscall->index];
    to = rules->offsets[actual.call->syscall->index + 1];
    if (from == to || (!actual.call->has_result && !cap_paths_promise_success(&actual)))
        return;
    for (size_t i = from; i < to; i++) {
        const CapabilityRule *rule = rules->rows[i];
        int capability = held_capability(rule, &actual);
        CapabilityMatch match = {.object = NULL};

        if (capability >= 0 && rule->needs(&actual, rule, &match))
            emit(data, capability, rule->name, match.object);
    }
}
