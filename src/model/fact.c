/* SPDX-License-Identifier: Apache-2.0 */
/* What a fact is, as tables: its kinds, their fields, the names of phases and accesses. */
#include "model/fact.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct KindInfo {
    const char *name;
    FactField fields[FACT_FIELDS_MAX + 1];
} KindInfo;

static const KindInfo kinds[FACT_KIND_COUNT] = {
    [FACT_SYSCALL] = {"syscall", {FIELD_ARCH, FIELD_NUMBER, FIELD_COUNT}},
    [FACT_FILE] = {"file",
                   {FIELD_ACCESS, FIELD_FILE_TYPE, FIELD_OWNER, FIELD_MOUNT, FIELD_NAMED_AFTER,
                    FIELD_COUNT}},
    [FACT_EXEC] = {"exec", {FIELD_LOADED_AS, FIELD_COUNT}},
    [FACT_CAPABILITY] = {"capability",
                         {FIELD_SYSCALL, FIELD_OBJECT, FIELD_ALTERNATIVE, FIELD_COUNT}},
    [FACT_NETWORK] = {"network",
                      {FIELD_FAMILY, FIELD_SOCKET_TYPE, FIELD_PROTOCOL, FIELD_PORT, FIELD_ADDRESS,
                       FIELD_COUNT}},
    [FACT_UNIX] = {"unix", {FIELD_SOCKET_TYPE, FIELD_ADDRESS, FIELD_COUNT}},
    [FACT_SIGNAL] = {"signal", {FIELD_TARGET, FIELD_COUNT}},
    [FACT_PTRACE] = {"ptrace", {FIELD_TARGET, FIELD_COUNT}},
    [FACT_MOUNT] = {"mount", {FIELD_TARGET, FIELD_SOURCE, FIELD_FSTYPE, FIELD_FLAGS, FIELD_COUNT}},
    [FACT_IO_URING] = {"io_uring", {FIELD_COUNT}},
    [FACT_RESOURCE] = {"resource", {FIELD_VALUE, FIELD_COUNT}},
};

static const FieldInfo fields[FIELD_COUNT] = {
    [FIELD_ARCH] = {"arch", FIELD_TYPE_TEXT, true},
    [FIELD_NUMBER] = {"number", FIELD_TYPE_NUMBER, true},
    [FIELD_ACCESS] = {"access", FIELD_TYPE_ACCESS, true},
    [FIELD_FILE_TYPE] = {"file_type", FIELD_TYPE_TEXT, true},
    [FIELD_OWNER] = {"owner", FIELD_TYPE_FLAG, true},
    [FIELD_MOUNT] = {"mount", FIELD_TYPE_TEXT, true},
    [FIELD_NAMED_AFTER] = {"named_after", FIELD_TYPE_TEXT, true},
    [FIELD_LOADED_AS] = {"loaded_as", FIELD_TYPE_TEXT, true},
    [FIELD_SYSCALL] = {"syscall", FIELD_TYPE_TEXT, true},
    [FIELD_OBJECT] = {"object", FIELD_TYPE_TEXT, true},
    [FIELD_ALTERNATIVE] = {"alternative", FIELD_TYPE_TEXT, true},
    [FIELD_FAMILY] = {"family", FIELD_TYPE_TEXT, true},
    [FIELD_SOCKET_TYPE] = {"socket_type", FIELD_TYPE_TEXT, true},
    [FIELD_PROTOCOL] = {"protocol", FIELD_TYPE_TEXT, true},
    [FIELD_PORT] = {"port", FIELD_TYPE_NUMBER, true},
    [FIELD_ADDRESS] = {"address", FIELD_TYPE_TEXT, true},
    [FIELD_TARGET] = {"target", FIELD_TYPE_TEXT, true},
    [FIELD_SOURCE] = {"source", FIELD_TYPE_TEXT, true},
    [FIELD_FSTYPE] = {"fstype", FIELD_TYPE_TEXT, true},
    [FIELD_FLAGS] = {"flags", FIELD_TYPE_TEXT, true},
    [FIELD_VALUE] = {"value", FIELD_TYPE_NUMBER, false},
};

static const char *const phases[PHASE_COUNT] = {
    [PHASE_RUNTIME_INIT] = "runtime-init",
    [PHASE_RUN] = "run",
    [PHASE_EXEC] = "exec",
};

static const char *const accesses[ACCESS_BITS] = {
    "read", "write",     "append", "create", "delete",   "rename",  "link", "lock",
    "exec", "mmap-exec", "chmod",  "chown",  "truncate", "connect", "stat",
};

static int index_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

const char *fact_kind_name(FactKind kind)
{
    return kinds[kind].name;
}

int fact_kind_from_name(const char *name)
{
    for (int i = 0; i < FACT_KIND_COUNT; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return i;
    }
    return -1;
}

const char *phase_name(Phase phase)
{
    return phases[phase];
}

int phase_from_name(const char *name)
{
    return index_of(phases, PHASE_COUNT, name);
}

const char *access_bit_name(unsigned bit)
{
    return bit < ACCESS_BITS ? accesses[bit] : NULL;
}

int access_bit_from_name(const char *name)
{
    return index_of(accesses, ACCESS_BITS, name);
}

const FieldInfo *field_info(FactField field)
{
    return &fields[field];
}

const FactField *fact_kind_fields(FactKind kind)
{
    return kinds[kind].fields;
}

/* ---- results -------------------------------------------------------------------------------- */

void results_add(Results *results, int result)
{
    if (result < 0 || result > RESULT_UNKNOWN)
        result = RESULT_UNKNOWN;
    results->words[result / 64] |= (uint64_t)1 << (result % 64);
}

bool results_has(const Results *results, int result)
{
    return result >= 0 && result <= RESULT_UNKNOWN &&
           (results->words[result / 64] >> (result % 64) & 1) != 0;
}

bool results_empty(const Results *results)
{
    return (results->words[0] | results->words[1] | results->words[2]) == 0;
}

bool results_may_succeed(const Results *results)
{
    return results_has(results, RESULT_OK) || results_has(results, RESULT_UNKNOWN);
}

bool results_may_be_checked(const Results *results)
{
    return results_may_succeed(results) || results_has(results, ENXIO);
}

/* ---- fields of a fact ----------------------------------------------------------------------- */

static int slot_of(FactKind kind, FactField field)
{
    const FactField *list = kinds[kind].fields;

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        if (list[i] == field)
            return i;
    }
    return -1;
}

void fact_set_text(Fact *fact, FactField field, const char *text)
{
    const int slot = slot_of(fact->kind, field);

    assert(slot >= 0 && fields[field].type == FIELD_TYPE_TEXT);
    fact->values[slot] = (FactValue){.present = text != NULL, .text = text};
}

void fact_set_number(Fact *fact, FactField field, int64_t number)
{
    const int slot = slot_of(fact->kind, field);

    assert(slot >= 0 && fields[field].type != FIELD_TYPE_TEXT);
    if (fields[field].type == FIELD_TYPE_FLAG)
        number = number != 0;
    fact->values[slot] = (FactValue){.present = true, .number = number};
}

const char *fact_text(const Fact *fact, FactField field)
{
    const int slot = slot_of(fact->kind, field);

    if (slot < 0 || !fact->values[slot].present || fields[field].type != FIELD_TYPE_TEXT)
        return NULL;
    return fact->values[slot].text;
}

int64_t fact_number(const Fact *fact, FactField field, int64_t fallback)
{
    const int slot = slot_of(fact->kind, field);

    if (slot < 0 || !fact->values[slot].present || fields[field].type == FIELD_TYPE_TEXT)
        return fallback;
    return fact->values[slot].number;
}

bool fact_has(const Fact *fact, FactField field)
{
    const int slot = slot_of(fact->kind, field);

    return slot >= 0 && fact->values[slot].present;
}

uint64_t fact_count(const Fact *fact)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < fact->runs_count; i++) {
        if (__builtin_add_overflow(sum, fact->runs[i].count, &sum) || sum > INT64_MAX)
            return INT64_MAX;
    }
    return sum;
}

/* ---- order ---------------------------------------------------------------------------------- */

/* Inside a recording equal texts have equal pointers, which makes this quick. */
static int compare_text(const char *a, const char *b)
{
    if (a == b)
        return 0;
    if (!a || !b)
        return a ? 1 : -1;
    return strcmp(a, b);
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_values(const Fact *a, const Fact *b)
{
    const FactField *list = kinds[a->kind].fields;

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        const FactValue *x = &a->values[i];
        const FactValue *y = &b->values[i];
        const FieldInfo *info = &fields[list[i]];
        if (!info->identity)
            continue;
        int r = x->present - y->present;
        if (r == 0 && x->present)
            r = info->type == FIELD_TYPE_TEXT ? compare_text(x->text, y->text)
                                              : compare_i64(x->number, y->number);
        if (r != 0)
            return r;
    }
    return 0;
}

static int compare_args(const Fact *a, const Fact *b)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const int x = a->args_present >> i & 1;
        const int y = b->args_present >> i & 1;
        int r = x - y;
        if (r == 0 && x)
            r = compare_u64(a->args[i], b->args[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

int fact_compare(const Fact *a, const Fact *b)
{
    int r = compare_i64(a->kind, b->kind);

    if (r == 0)
        r = compare_text(a->name, b->name);
    if (r == 0)
        r = compare_text(a->subject, b->subject);
    if (r == 0)
        r = compare_i64(a->phase, b->phase);
    if (r == 0)
        r = compare_text(a->rule, b->rule);
    if (r == 0)
        r = compare_values(a, b);
    if (r == 0 && a->kind == FACT_SYSCALL)
        r = compare_args(a, b);
    return r;
}

char *fact_arg_text(const Fact *fact, unsigned index, char *out, size_t size)
{
    const Syscall *syscall = fact->kind == FACT_SYSCALL ? syscall_by_name(fact->name) : NULL;
    const char *arch_text = syscall ? fact_text(fact, FIELD_ARCH) : NULL;
    const int arch = arch_text ? arch_from_name(arch_text) : -1;
    const Syscall *here = syscall && arch >= 0 ? syscall_on(syscall, (Arch)arch) : syscall;
    const FlagFamily *family =
        here && index < SYSCALL_ARGS ? syscall_arg_family(here, index, fact->args) : NULL;

    if (size == 0)
        return out;
    if (index >= SYSCALL_ARGS)
        out[0] = '\0';
    else if (family)
        (void)flag_text(family, fact->args[index], out, size);
    else
        (void)snprintf(out, size, "0x%" PRIx64, fact->args[index]);
    return out;
}
