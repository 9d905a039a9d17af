/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles compared. The judge is libseccomp: profiles made at random are read as runc and
 * crun read them and made into filters; what these answer is what the profile must mean
 * (seccomp_profile_answer), and where two filters answer otherwise call_compare() must say so, and
 * nowhere else.
 */
#include "base/memory.h"
#include "filter_runner.h"
#include "generator/diff_private.h"
#include "suite.h"

#include <errno.h>
#include <jansson.h>

enum { PAIRS = 300, SAMPLES = 60 };

/* ---- a filter from JSON, as the runtimes make it ----------------------------------------------
 */

typedef struct Filter {
    SeccompProfile profile;
    FilterProgram program;
} Filter;

static uint32_t action_of(const json_t *object, const char *key, const char *errno_key)
{
    static const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},      {"SCMP_ACT_LOG", SCMP_ACT_LOG},
        {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD}, {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},        {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
    };
    const char *name = json_string_value(json_object_get(object, key));
    const json_t *number = json_object_get(object, errno_key);
    const uint32_t data = number ? (uint32_t)json_integer_value(number) : EPERM;

    for (size_t i = 0; i < ARRAY_LENGTH(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return actions[i].action;
    }
    return strcmp(name, "SCMP_ACT_TRACE") == 0 ? SCMP_ACT_TRACE(data) : SCMP_ACT_ERRNO(data);
}

static struct scmp_arg_cmp condition_of(const json_t *arg)
{
    static const struct {
        const char *name;
        enum scmp_compare op;
    } ops[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    const char *op = json_string_value(json_object_get(arg, "op"));

    for (size_t i = 0; i < ARRAY_LENGTH(ops); i++) {
        if (strcmp(ops[i].name, op) == 0)
            return (struct scmp_arg_cmp){
                .arg = (unsigned)json_integer_value(json_object_get(arg, "index")),
                .op = ops[i].op,
                .datum_a = (uint64_t)json_integer_value(json_object_get(arg, "value")),
                .datum_b = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo")),
            };
    }
    ck_abort_msg("%s", op);
    return (struct scmp_arg_cmp){0};
}

static void add_rule(scmp_filter_ctx filter, uint32_t action, const json_t *names,
                     const struct scmp_arg_cmp *conditions, unsigned count)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const int nr = seccomp_syscall_resolve_name(json_string_value(json_array_get(names, i)));
        if (nr == __NR_SCMP_ERROR)
            continue;
        const int r = seccomp_rule_add_array(filter, action, nr, count, conditions);
        ck_assert_msg(r == 0 || r == -EEXIST, "%s", strerror(-r));
    }
}

static void add_entry(scmp_filter_ctx filter, const json_t *entry, uint32_t default_action)
{
    const json_t *args = json_object_get(entry, "args");
    const uint32_t action = action_of(entry, "action", "errnoRet");
    struct scmp_arg_cmp conditions[8];
    const unsigned count = (unsigned)json_array_size(args);
    unsigned seen = 0;
    bool apart = false;

    if (action == default_action)
        return;
    for (unsigned i = 0; i < count; i++) {
        conditions[i] = condition_of(json_array_get(args, i));
        apart |= seen >> conditions[i].arg & 1;
        seen |= 1u << conditions[i].arg;
    }
    for (unsigned i = 0; apart && i < count; i++)
        add_rule(filter, action, json_object_get(entry, "names"), &conditions[i], 1);
    if (!apart)
        add_rule(filter, action, json_object_get(entry, "names"), conditions, count);
}

static Filter make_filter(const char *text)
{
    Filter made = {.program = {0}};
    json_error_t why;
    Error err = {0};
    json_t *root = json_loads(text, 0, &why);

    ck_assert_msg(root != NULL, "%s: %s", why.text, text);
    ck_assert_msg(seccomp_profile_parse("p", text, strlen(text), &made.profile, NULL, &err) == 0,
                  "%s", err.text);
    const uint32_t default_action = action_of(root, "defaultAction", "defaultErrnoRet");
    scmp_filter_ctx filter = seccomp_init(default_action);
    ck_assert_int_eq(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), 0);
    ck_assert_int_eq(seccomp_arch_add(filter, SCMP_ARCH_X86_64), 0);
    ck_assert_int_eq(seccomp_arch_add(filter, SCMP_ARCH_X86), 0);
    ck_assert_int_eq(seccomp_arch_add(filter, SCMP_ARCH_AARCH64), 0);
    const json_t *entries = json_object_get(root, "syscalls");
    for (size_t i = 0; i < json_array_size(entries); i++)
        add_entry(filter, json_array_get(entries, i), default_action);
    made.program = filter_program_of(filter);
    seccomp_release(filter);
    json_decref(root);
    return made;
}

static void free_filter(Filter *filter)
{
    seccomp_profile_deinit(&filter->profile);
    filter_program_deinit(&filter->program);
}

static uint32_t ask(const Filter *filter, Arch arch, const char *name,
                    const uint64_t args[SYSCALL_ARGS])
{
    struct seccomp_data data = {
        .nr = (int)syscall_number(syscall_by_name(name), arch),
        .arch = arch_audit(arch),
    };

    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        data.args[i] = args[i];
    return filter_program_run(&filter->program, &data);
}

/* ---- profiles at random -----------------------------------------------------------------------
 */

typedef struct Random {
    uint64_t state;
} Random;

static uint32_t draw(Random *random, uint32_t below)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 33) % below;
}

static const char *const calls[] = {"prctl", "personality", "clone", "keyctl", "lseek", "close"};
static const uint64_t values[] = {0,          1,          2,          3,          7,
                                  8,          16,         0x10000000, 0x7e020000, 0x7fffffff,
                                  0x80000000, 0xffffffff, 1ull << 32, 1ull << 40, (1ull << 32) + 2,
                                  INT64_MAX};

static uint64_t draw_value(Random *random)
{
    const uint64_t value = values[draw(random, ARRAY_LENGTH(values))];

    return draw(random, 4) ? value : value + draw(random, 3) - 1;
}

/* ALONE: it is the only rule of its call. Of several, libseccomp 2.5 takes only those without
 * overlapping negations and inequalities at their word. */
static void put_conditions(Random *random, bool alone, Buffer *out)
{
    static const char *const ops[] = {"EQ", "MASKED_EQ", "EQ", "NE", "LT", "LE", "GE", "GT"};
    const uint32_t count = draw(random, 3);
    const char *before = "";

    (void)buffer_puts(out, ", \"args\": [");
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t value = draw_value(random) & INT64_MAX;
        const uint32_t index = alone ? i * 2 + draw(random, 2) : draw(random, 3);
        (void)buffer_printf(
            out, "%s{\"index\": %u, \"value\": %llu, \"valueTwo\": %llu, \"op\": \"SCMP_CMP_%s\"}",
            before, index, (unsigned long long)value,
            (unsigned long long)(draw_value(random) & value),
            ops[draw(random, alone ? ARRAY_LENGTH(ops) : 2)]);
        before = ", ";
    }
    (void)buffer_puts(out, "]");
}

/* Rules of one call have one action here: what libseccomp makes of several depends on its order. */
static void put_profile(Random *random, Buffer *out)
{
    static const char *const actions[] = {"ALLOW", "ALLOW", "ERRNO", "LOG", "KILL_PROCESS", "TRAP"};
    const uint32_t rules = 1 + draw(random, 6);
    const char *before = "";

    (void)buffer_printf(out,
                        "{\"defaultAction\": \"SCMP_ACT_%s\", \"architectures\": "
                        "[\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_AARCH64\"], "
                        "\"syscalls\": [",
                        draw(random, 4) ? "ERRNO" : "ALLOW");
    const uint32_t salt = draw(random, 100);
    const bool alone = draw(random, 2) != 0;
    for (uint32_t i = 0; i < rules; i++) {
        const uint32_t call = alone ? i : draw(random, ARRAY_LENGTH(calls));
        (void)buffer_printf(out, "%s{\"names\": [\"%s\"], \"action\": \"SCMP_ACT_%s\"", before,
                            calls[call], actions[(call + salt) % ARRAY_LENGTH(actions)]);
        if ((call + salt) % ARRAY_LENGTH(actions) == 2)
            (void)buffer_puts(out, ", \"errnoRet\": 38");
        put_conditions(random, alone, out);
        (void)buffer_puts(out, "}");
        before = ", ";
    }
    (void)buffer_puts(out, "]}");
}

static const CallChange *find_change(const CallChanges *changes, uint32_t before, uint32_t after)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].before == before && changes->items[i].after == after)
            return &changes->items[i];
    }
    return NULL;
}

static void check_call(Random *random, const Filter *old, const Filter *fresh, Arch arch,
                       const char *name, const char *texts)
{
    const SeccompPlace place = {arch, 0, UINT32_MAX};
    CLEANUP(call_changes_deinit) CallChanges changes = {0};

    ck_assert_int_eq(call_compare(&old->profile, &fresh->profile, &place, name, &changes), 0);
    for (size_t i = 0; i < changes.count; i++) {
        const CallChange *change = &changes.items[i];
        ck_assert_msg(ask(old, arch, name, change->args) == change->before &&
                          ask(fresh, arch, name, change->args) == change->after,
                      "%s on %s, as said of %s:\n%s", change->what, arch_name(arch),
                      change->example ? change->example : "", texts);
    }
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t args[SYSCALL_ARGS] = {draw_value(random), draw_value(random), draw_value(random),
                                       draw_value(random)};
        for (unsigned a = 0; arch == ARCH_I386 && a < 4; a++)
            args[a] &= UINT32_MAX;
        const uint32_t before = ask(old, arch, name, args);
        const uint32_t after = ask(fresh, arch, name, args);
        ck_assert_msg(before == seccomp_profile_answer(&old->profile, &place, name, args) &&
                          after == seccomp_profile_answer(&fresh->profile, &place, name, args),
                      "%s(%lx, %lx, %lx) on %s: 0x%x and 0x%x:\n%s", name, (unsigned long)args[0],
                      (unsigned long)args[1], (unsigned long)args[2], arch_name(arch), before,
                      after, texts);
        ck_assert_msg(before == after || find_change(&changes, before, after),
                      "%s(%lx, %lx, %lx) on %s: 0x%x became 0x%x:\n%s", name,
                      (unsigned long)args[0], (unsigned long)args[1], (unsigned long)args[2],
                      arch_name(arch), before, after, texts);
    }
}

START_TEST(test_against_libseccomp)
{
    static const Arch archs[] = {ARCH_X86_64, ARCH_I386, ARCH_AARCH64};

    for (unsigned pair = 0; pair < PAIRS; pair++) {
        Random random = {.state = pair * 7919 + 1};
        CLEANUP(buffer_deinit) Buffer before = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer after = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer both = BUFFER_INIT;
        put_profile(&random, &before);
        put_profile(&random, &after);
        (void)buffer_printf(&both, "%s\n%s", buffer_text(&before), buffer_text(&after));
        Filter old = make_filter(buffer_text(&before));
        Filter fresh = make_filter(buffer_text(&after));
        for (size_t a = 0; a < ARRAY_LENGTH(archs); a++) {
            for (size_t c = 0; c < ARRAY_LENGTH(calls); c++)
                check_call(&random, &old, &fresh, archs[a], calls[c], buffer_text(&both));
        }
        free_filter(&old);
        free_filter(&fresh);
    }
}
END_TEST

/* Who reads another's memory is not as dangerous as who writes it. */
START_TEST(test_risk_of_memory)
{
    const RiskRow *reading = risk_of_path("/proc/@{pid}/mem", GLOB_POLICY, FILE_READ);
    const RiskRow *writing = risk_of_path("/proc/@{pid}/mem", GLOB_POLICY, FILE_READ | FILE_WRITE);
    const RiskRow *appending = risk_of_path("/proc/*/mem", GLOB_POLICY, FILE_APPEND);

    ck_assert_int_eq(risk_of_row(reading), risk_from_name("high"));
    ck_assert_int_eq(risk_of_row(writing), risk_from_name("critical"));
    ck_assert_int_eq(risk_of_row(appending), risk_from_name("critical"));
}
END_TEST

/* Every row of the table of risks says something. */
START_TEST(test_risks)
{
    for (size_t i = 0; i < risk_rows_count; i++) {
        const RiskRow *row = &risk_rows[i];
        SeccompCondition condition;
        char name[64];
        ck_assert_int_ge(risk_from_name(row->risk), 0);
        if (strcmp(row->kind, "capability") == 0)
            ck_assert_msg(capability_by_name(row->name) != NULL, "%s", row->name);
        if (strcmp(row->kind, "path") == 0)
            ck_assert_msg(risk_of_path("/**", GLOB_POLICY, UINT32_MAX) != NULL, "%s", row->name);
        if (strcmp(row->kind, "syscall") != 0 || strcmp(row->name, "*") == 0)
            continue;
        const size_t length = strcspn(row->name, " ");
        ck_assert_uint_lt(length, sizeof name);
        memcpy(name, row->name, length);
        name[length] = '\0';
        ck_assert_msg(syscall_by_name(name) != NULL, "%s", row->name);
        ck_assert_msg(row->name[length] == '\0' || risk_row_condition(row, &condition), "%s",
                      row->name);
    }
    for (size_t i = 0; i < capability_count(); i++)
        ck_assert_msg(risk_of_name("capability", capability_at(i)->name) != NULL, "%s has no risk",
                      capability_at(i)->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diff_seccomp");

    suite_add(suite, "against libseccomp", test_against_libseccomp, 1);
    suite_add(suite, "risks", test_risks, 1);
    suite_add(suite, "risk of memory", test_risk_of_memory, 1);
    return suite_run(suite);
}
