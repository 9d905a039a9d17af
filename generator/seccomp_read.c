/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON numbers of profiles have 64 bits without sign, jansson's have a sign: those beyond are
 * turned, before parsing, into the negative number of the same bits. There are none in a right file
 * before that, so nothing is lost.
 */
#include "generator/seccomp_read.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/seccomp.h>

enum { NAMES_MAX = 20000 };

typedef struct Reader {
    const char *file;
    SeccompProfile *profile;
    Buffer *notes;
    Error *err;
    size_t entry; /* index of the one that is read, from 0 */
} Reader;

bool seccomp_profile_detect(const char *text, size_t length)
{
    static const char key[] = "\"defaultAction\"";

    return memmem(text, length, key, sizeof key - 1) != NULL;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Appends the digits from START to END to OUT, as a number that jansson takes. */
static int turn_number(const Reader *reader, const char *start, const char *end, Buffer *out)
{
    char text[32];
    const size_t length = (size_t)(end - start);
    char *stop;

    if (length < 19 || length >= sizeof text)
        return buffer_append(out, start, length);
    memcpy(text, start, length);
    text[length] = '\0';
    errno = 0;
    const uint64_t value = strtoull(text, &stop, 10);
    if (errno == ERANGE)
        return error_set(reader->err, -EINVAL, "%s: the number %s has more than 64 bits",
                         reader->file, text);
    if (value <= INT64_MAX)
        return buffer_append(out, start, length);
    return buffer_printf(out, "%" PRId64, (int64_t)value);
}

/* TEXT with its numbers turned, in OUT. -ENOMEM without ERR. */
static int turn_numbers(const Reader *reader, const char *text, Buffer *out)
{
    const char *done = text; /* what OUT has */
    bool quoted = false;
    int r = 0;

    for (const char *p = text; *p && r == 0; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (quoted) {
            p += *p == '\\' && p[1];
        } else if (*p == '-' && isdigit((unsigned char)p[1])) {
            return error_set(reader->err, -EINVAL,
                             "%s: a negative number, which seccomp profiles cannot have",
                             reader->file);
        } else if (isdigit((unsigned char)*p)) {
            const char *start = p;
            while (isdigit((unsigned char)p[1]))
                p++;
            r = buffer_append(out, done, (size_t)(start - done));
            if (r == 0)
                r = turn_number(reader, start, p + 1, out);
            done = p + 1;
        }
    }
    return r == 0 ? buffer_puts(out, done) : r;
}

/* ---- small parts ---------------------------------------------------------------------------- */

#define wrong(reader, ...) entry_error((reader), __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static int entry_error(const Reader *reader,
                                                             const char *format, ...)
{
    char text[300];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(reader->err, -EINVAL, "%s: syscalls[%zu]: %s", reader->file, reader->entry,
                     text);
}

static int read_action(const Reader *reader, const json_t *object, const char *key,
                       const char *errno_key, SeccompAnswer *ret_answer)
{
    static const struct {
        const char *name;
        uint32_t action;
        bool data;
    } actions[] = {
        {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
        {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
        {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
        {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
        {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
        {"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
        {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false},
        {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
        {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
    };
    const char *name = json_string_value(json_object_get(object, key));
    const json_t *number = json_object_get(object, errno_key);
    json_int_t data = EPERM;

    if (number && !json_is_null(number)) {
        data = json_integer_value(number);
        if (!json_is_integer(number) || data < 0 || data > SECCOMP_RET_DATA)
            return error_set(reader->err, -EINVAL, "%s: \"%s\" must be an errno", reader->file,
                             errno_key);
    }
    for (size_t i = 0; name && i < ARRAY_LENGTH(actions); i++) {
        if (strcmp(actions[i].name, name) != 0)
            continue;
        *ret_answer = actions[i].action | (actions[i].data ? (uint32_t)data : 0);
        return 0;
    }
    return error_set(reader->err, -EINVAL,
                     "%s: \"%s\" must be one of SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, "
                     "SCMP_ACT_KILL_PROCESS and the like, not \"%.60s\"",
                     reader->file, key, name ? name : "");
}

static int read_condition(const Reader *reader, const json_t *json, SeccompCondition *ret)
{
    static const char *const ops[VALUE_OP_COUNT] = {
        [VALUE_NE] = "SCMP_CMP_NE",
        [VALUE_LT] = "SCMP_CMP_LT",
        [VALUE_LE] = "SCMP_CMP_LE",
        [VALUE_EQ] = "SCMP_CMP_EQ",
        [VALUE_GE] = "SCMP_CMP_GE",
        [VALUE_GT] = "SCMP_CMP_GT",
        [VALUE_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
    };
    const char *op = json_string_value(json_object_get(json, "op"));
    const json_t *index = json_object_get(json, "index");
    const json_t *value = json_object_get(json, "value");
    const json_t *two = json_object_get(json, "valueTwo");

    if (!op || !json_is_integer(index) || (value && !json_is_integer(value)) ||
        (two && !json_is_integer(two) && !json_is_null(two)))
        return wrong(reader, "an element of args must have the numbers \"index\", \"value\", "
                             "\"valueTwo\" and the text \"op\"");
    if (json_integer_value(index) < 0 || json_integer_value(index) >= SYSCALL_ARGS)
        return wrong(reader, "\"index\" of an argument must be 0 to 5");
    ret->index = (unsigned)json_integer_value(index);
    const uint64_t one = (uint64_t)json_integer_value(value);
    for (ValueOp i = 0; i < VALUE_OP_COUNT; i++) {
        if (strcmp(ops[i], op) != 0)
            continue;
        ret->test = (ValueTest){.op = i, .value = one};
        if (i == VALUE_MASKED_EQ)
            ret->test = (ValueTest){i, (uint64_t)json_integer_value(two), one};
        return 0;
    }
    return wrong(reader,
                 "there is no \"op\" \"%.60s\"; it is SCMP_CMP_EQ, _NE, _LT, _LE, _GE, "
                 "_GT or _MASKED_EQ",
                 op);
}

/* ---- where an entry holds ------------------------------------------------------------------- */

/* The Arch of a name as Go spells it; -1. */
static int machine_from_name(const char *name)
{
    static const struct {
        const char *name;
        Arch arch;
    } names[] = {
        {"amd64", ARCH_X86_64},    {"x86", ARCH_I386},        {"386", ARCH_I386},
        {"x32", ARCH_X32},         {"arm64", ARCH_AARCH64},   {"arm", ARCH_ARM},
        {"riscv64", ARCH_RISCV64}, {"ppc64le", ARCH_PPC64LE}, {"s390x", ARCH_S390X},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i].name, name) == 0)
            return (int)names[i].arch;
    }
    return -1;
}

static int read_caps(const Reader *reader, const json_t *array, uint64_t *caps)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        const Capability *capability = name ? capability_by_name(name) : NULL;
        if (!capability)
            return wrong(reader, "there is no capability \"%.60s\"", name ? name : "");
        *caps |= (uint64_t)1 << capability->number;
    }
    return 0;
}

static int read_machines(const Reader *reader, const json_t *array, uint32_t *machines,
                         bool *unknown)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!name)
            return wrong(reader, "\"arches\" must be a list of texts");
        const int arch = machine_from_name(name);
        if (arch >= 0)
            *machines |= 1u << arch;
        *unknown = true;
    }
    return 0;
}

static int read_kernel(const Reader *reader, const json_t *text, uint32_t *kernel)
{
    unsigned major = 0, minor = 0;

    if (!text || json_is_null(text))
        return 0;
    if (!json_is_string(text) || sscanf(json_string_value(text), "%4u.%4u", &major, &minor) != 2)
        return wrong(reader, "\"minKernel\" must be a version such as \"4.8\"");
    *kernel = major << 16 | minor;
    return 0;
}

static int read_gate(const Reader *reader, const json_t *json, SeccompGate *gate)
{
    const json_t *includes = json_object_get(json, "includes");
    const json_t *excludes = json_object_get(json, "excludes");
    bool named = false, ignored = false;
    int r = read_caps(reader, json_object_get(includes, "caps"), &gate->caps);

    if (r == 0)
        r = read_caps(reader, json_object_get(excludes, "caps"), &gate->caps_without);
    if (r == 0)
        r = read_machines(reader, json_object_get(includes, "arches"), &gate->machines, &named);
    if (r == 0)
        r = read_machines(reader, json_object_get(excludes, "arches"), &gate->machines_without,
                          &ignored);
    if (r == 0)
        r = read_kernel(reader, json_object_get(includes, "minKernel"), &gate->kernel);
    if (r == 0)
        r = read_kernel(reader, json_object_get(excludes, "minKernel"), &gate->kernel_without);
    gate->machines_unknown = named;
    return r;
}

/* ---- entries -------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    const size_t length = strlen(name);

    return length > 0 && length < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
               length;
}

static int add_entry(Reader *reader, const SeccompEntry *draft, const char *name)
{
    SeccompProfile *profile = reader->profile;
    SeccompEntry entry = *draft;

    if (!is_name(name))
        return wrong(reader, "\"%.60s\" can be no system call", name);
    entry.name = strset_add(profile->strings, name);
    entry.syscall = syscall_by_name(name);
    entry.order = profile->count;
    if (profile->count >= NAMES_MAX)
        return wrong(reader, "too many system calls");
    if (!entry.name ||
        array_reserve(&profile->entries, &profile->capacity, profile->count, sizeof entry) < 0)
        return error_errno(reader->err, -ENOMEM, "%s", reader->file);
    profile->entries[profile->count++] = entry;
    return 0;
}

/* DRAFT with CONDITIONS, of which those on the same argument are alternatives. */
static int add_entries(Reader *reader, SeccompEntry *draft, const SeccompCondition *conditions,
                       size_t count, const char *name)
{
    unsigned seen = 0;
    bool apart = false;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        apart |= seen >> conditions[i].index & 1;
        seen |= 1u << conditions[i].index;
    }
    if (apart) {
        draft->conditions_count = 1;
        for (size_t i = 0; i < count && r == 0; i++) {
            draft->conditions[0] = conditions[i];
            r = add_entry(reader, draft, name);
        }
        return r;
    }
    for (size_t i = 0; i < count; i++)
        draft->conditions[i] = conditions[i];
    draft->conditions_count = count;
    return add_entry(reader, draft, name);
}

static int read_entry(Reader *reader, const json_t *json)
{
    enum { CONDITIONS_MAX = 64 };
    SeccompCondition conditions[CONDITIONS_MAX] = {0};
    SeccompEntry draft = {0};
    const json_t *names = json_object_get(json, "names");
    const json_t *args = json_object_get(json, "args");
    const char *name = json_string_value(json_object_get(json, "name"));
    const size_t count = json_array_size(args);
    int r;

    if (!json_is_object(json) || (!json_is_array(names) && !name))
        return wrong(reader, "must be an object with the list \"names\"");
    if ((args && !json_is_null(args) && !json_is_array(args)) || count > CONDITIONS_MAX)
        return wrong(reader, "\"args\" must be a list of at most %d conditions", CONDITIONS_MAX);
    r = read_action(reader, json, "action", "errnoRet", &draft.answer);
    if (r == 0)
        r = read_gate(reader, json, &draft.gate);
    for (size_t i = 0; i < count && r == 0; i++)
        r = read_condition(reader, json_array_get(args, i), &conditions[i]);
    if (r == 0 && name && *name)
        r = add_entries(reader, &draft, conditions, count, name);
    for (size_t i = 0; i < json_array_size(names) && r == 0; i++) {
        const char *each = json_string_value(json_array_get(names, i));
        r = each && *each ? add_entries(reader, &draft, conditions, count, each)
                          : wrong(reader, "\"names\" must be a list of texts");
    }
    return r;
}

/* ---- architectures -------------------------------------------------------------------------- */

/* Adds what TEXT names to *ARCHS; what whittle does not know becomes a note. */
static int read_arch(const Reader *reader, const json_t *text, uint32_t *archs, int *ret_arch)
{
    const char *name = json_string_value(text);
    const int arch = name ? arch_from_scmp_name(name) : -1;

    if (!name || strncmp(name, "SCMP_ARCH_", 10) != 0)
        return error_set(reader->err, -EINVAL,
                         "%s: an architecture must be written as SCMP_ARCH_X86_64, not \"%.60s\"",
                         reader->file, name ? name : "");
    if (arch >= 0)
        *archs |= 1u << arch;
    *ret_arch = arch;
    return 0;
}

static int read_arch_map(const Reader *reader, const json_t *map)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(map) && r == 0; i++) {
        const json_t *row = json_array_get(map, i);
        const json_t *subs = json_object_get(row, "subArchitectures");
        uint32_t archs = 0;
        int machine = -1, ignored;
        r = read_arch(reader, json_object_get(row, "architecture"), &archs, &machine);
        for (size_t s = 0; s < json_array_size(subs) && r == 0; s++)
            r = read_arch(reader, json_array_get(subs, s), &archs, &ignored);
        if (r == 0 && machine >= 0)
            reader->profile->archs[machine] = archs;
    }
    return r;
}

static int read_archs(const Reader *reader, const json_t *root)
{
    const json_t *map = json_object_get(root, "archMap");
    const json_t *list = json_object_get(root, "architectures");
    uint32_t archs = 0;
    int r = 0, arch;

    if (json_array_size(map) > 0 && json_array_size(list) > 0)
        return error_set(reader->err, -EINVAL,
                         "%s: has both \"architectures\" and \"archMap\", which engines refuse",
                         reader->file);
    for (Arch i = 0; i < ARCH_COUNT; i++)
        reader->profile->archs[i] = json_array_size(map) > 0 || i == arch_native() ? 1u << i : 0;
    if (json_array_size(map) > 0)
        return read_arch_map(reader, map);
    for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
        r = read_arch(reader, json_array_get(list, i), &archs, &arch);
        if (r == 0 && arch < 0 && reader->notes)
            (void)buffer_printf(reader->notes, "%s: architecture %.60s is not compared\n",
                                reader->file, json_string_value(json_array_get(list, i)));
    }
    for (Arch i = 0; i < ARCH_COUNT && json_array_size(list) > 0; i++)
        reader->profile->archs[i] = archs;
    return r;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int compare_entries(const void *left, const void *right)
{
    const SeccompEntry *a = left;
    const SeccompEntry *b = right;
    const int c = strcmp(a->name, b->name);

    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static int read_root(Reader *reader, const json_t *root)
{
    const json_t *entries = json_object_get(root, "syscalls");
    int r = read_action(reader, root, "defaultAction", "defaultErrnoRet",
                        &reader->profile->default_answer);

    if (r == 0)
        r = read_archs(reader, root);
    if (r == 0 && entries && !json_is_array(entries) && !json_is_null(entries))
        return error_set(reader->err, -EINVAL, "%s: \"syscalls\" must be a list", reader->file);
    for (reader->entry = 0; reader->entry < json_array_size(entries) && r == 0; reader->entry++)
        r = read_entry(reader, json_array_get(entries, reader->entry));
    if (r == 0 && reader->profile->count > 0)
        qsort(reader->profile->entries, reader->profile->count, sizeof *reader->profile->entries,
              compare_entries);
    return r;
}

int seccomp_profile_parse(const char *name, const char *text, size_t length,
                          SeccompProfile *ret_profile, Buffer *notes, Error *err)
{
    CLEANUP(seccomp_profile_deinit) SeccompProfile made = {.strings = strset_new()};
    CLEANUP(json_decrefp) json_t *root = NULL;
    CLEANUP(buffer_deinit) Buffer copy = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer turned = BUFFER_INIT;
    Reader reader = {.file = name, .profile = &made, .notes = notes, .err = err};
    json_error_t why;

    if (!made.strings || buffer_append(&copy, text, length) < 0)
        return error_errno(err, -ENOMEM, "%s", name);
    if (length == 0 || memchr(text, '\0', length))
        return error_set(err, -EINVAL, "%s: no JSON", name);
    int r = turn_numbers(&reader, buffer_text(&copy), &turned);
    if (r == -ENOMEM)
        return error_errno(err, r, "%s", name);
    if (r < 0)
        return r;
    root = json_loadb(turned.data, turned.length, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return error_set(err, -EINVAL, "%s:%d:%d: %s", name, why.line, why.column, why.text);
    if (!json_is_object(root))
        return error_set(err, -EINVAL, "%s: no JSON object", name);
    r = read_root(&reader, root);
    if (r < 0)
        return r;
    *ret_profile = made;
    made = (SeccompProfile){0};
    return 0;
}
