/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/risk.h"

#include "base/memory.h"
#include "generator/rule_cover.h"

#include <string.h>

static const char *const risks[RISK_COUNT] = {"none", "low", "medium", "high", "critical"};

const char *risk_name(Risk risk)
{
    return risks[risk];
}

int risk_from_name(const char *name)
{
    for (int risk = 0; risk < RISK_COUNT; risk++) {
        if (strcmp(risks[risk], name) == 0)
            return risk;
    }
    return -1;
}

const char *risk_sarif_level(Risk risk)
{
    static const char *const levels[RISK_COUNT] = {"note", "note", "warning", "error", "error"};

    return levels[risk];
}

const char *risk_sarif_severity(Risk risk)
{
    static const char *const severities[RISK_COUNT] = {"0.0", "2.0", "5.0", "8.0", "9.5"};

    return severities[risk];
}

Risk risk_of_row(const RiskRow *row)
{
    const int risk = row ? risk_from_name(row->risk) : -1;

    return risk < 0 ? RISK_NONE : (Risk)risk;
}

/* ---- system calls --------------------------------------------------------------------------- */

bool risk_row_condition(const RiskRow *row, SeccompCondition *ret)
{
    const size_t length = strcspn(row->name, " ");
    char name[64];
    uint64_t value;

    if (strcmp(row->kind, "syscall") != 0 || row->name[length] == '\0' || length >= sizeof name)
        return false;
    memcpy(name, row->name, length);
    name[length] = '\0';
    const Syscall *syscall = syscall_by_name(name);
    const char *at = row->name + length + 1;
    const unsigned index = (unsigned)(at[0] - '0');
    if (!syscall || index >= SYSCALL_ARGS || at[1] != '=' || !syscall->args[index].family)
        return false;
    const FlagFamily *family = syscall->args[index].family;
    if (flag_parse(family, at + 2, &value) < 0)
        return false;
    const uint64_t mask = family->style == FLAG_STYLE_FLAGS ? value : family->mask;
    *ret = (SeccompCondition){
        .index = index,
        .test = {.op = VALUE_MASKED_EQ,
                 .value = value,
                 .mask = syscall->args[index].wide ? mask : mask & UINT32_MAX},
    };
    return true;
}

bool risk_row_is_of_call(const RiskRow *row, const char *syscall)
{
    const size_t length = strlen(syscall);

    return strcmp(row->kind, "syscall") == 0 && strncmp(row->name, syscall, length) == 0 &&
           (row->name[length] == '\0' || row->name[length] == ' ');
}

const RiskRow *risk_of_call(const char *syscall, const uint64_t *args, uint8_t args_known)
{
    const RiskRow *worst = NULL;
    const RiskRow *any = NULL;

    for (size_t i = 0; i < risk_rows_count; i++) {
        const RiskRow *row = &risk_rows[i];
        SeccompCondition condition;
        if (strcmp(row->kind, "syscall") == 0 && strcmp(row->name, "*") == 0)
            any = row;
        if (!risk_row_is_of_call(row, syscall))
            continue;
        if (risk_row_condition(row, &condition) && (args_known >> condition.index & 1) &&
            !value_passes(&condition.test, args[condition.index]))
            continue;
        if (!worst || risk_of_row(row) > risk_of_row(worst))
            worst = row;
    }
    return worst ? worst : any;
}

/* ---- what is called by a name ---------------------------------------------------------------- */

static const RiskRow *find_row(const char *kind, const char *name)
{
    for (size_t i = 0; name && i < risk_rows_count; i++) {
        if (strcmp(risk_rows[i].kind, kind) == 0 && strcmp(risk_rows[i].name, name) == 0)
            return &risk_rows[i];
    }
    return NULL;
}

const RiskRow *risk_of_name(const char *kind, const char *name)
{
    const RiskRow *row = find_row(kind, name);

    return row ? row : find_row(kind, "*");
}

const RiskRow *risk_of_network(const char *family, const char *type)
{
    const RiskRow *row = family ? risk_of_name("network", family) : find_row("network", "packet");
    const RiskRow *other = !type || strcmp(type, "raw") == 0 ? find_row("network", "raw") : NULL;

    return other && risk_of_row(other) > risk_of_row(row) ? other : row;
}

/* ---- paths ---------------------------------------------------------------------------------- */

uint32_t risk_row_path(const RiskRow *row, char *pattern, size_t size)
{
    static const struct {
        const char *letters;
        uint32_t access;
    } words[] = {
        {"r", FILE_READ},
        {"w", FILE_WRITE},
        {"a", FILE_APPEND},
        {"rw", FILE_READ | FILE_WRITE | FILE_APPEND},
        {"wa", FILE_WRITE | FILE_APPEND},
        {"ix", FILE_EXEC_INHERIT},
        {"px", FILE_EXEC_PROFILE},
        {"ux", FILE_EXEC_UNCONFINED},
    };
    const char *blank = strrchr(row->name, ' ');
    const size_t length = blank ? (size_t)(blank - row->name) : 0;

    if (strcmp(row->kind, "path") != 0 || !blank || length >= size)
        return 0;
    memcpy(pattern, row->name, length);
    pattern[length] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(words[i].letters, blank + 1) == 0)
            return words[i].access;
    }
    return 0;
}

/* Do two patterns have a path in common? One that is too hard has. */
static bool intersects(const char *pattern, GlobSyntax syntax, const char *row)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    size_t a, b;

    if (!set || glob_set_add(set, syntax, pattern, &a, NULL) < 0 ||
        glob_set_add(set, GLOB_POLICY, row, &b, NULL) < 0)
        return true;
    return glob_set_intersects(set, a, b, NULL) != 0;
}

const RiskRow *risk_of_path(const char *pattern, GlobSyntax syntax, uint32_t access)
{
    const RiskRow *worst = NULL;

    /* What may write may append: no need to say so. */
    if (access & FILE_WRITE)
        access &= ~(uint32_t)FILE_APPEND;
    for (size_t i = 0; i < risk_rows_count; i++) {
        const RiskRow *row = &risk_rows[i];
        char text[256];
        if (strcmp(row->kind, "path") != 0 || (worst && risk_of_row(row) <= risk_of_row(worst)))
            continue;
        if ((risk_row_path(row, text, sizeof text) & access) == 0 ||
            (syntax == GLOB_POLICY && !patterns_begin_alike(pattern, text)))
            continue;
        if (intersects(pattern, syntax, text))
            worst = row;
    }
    return worst;
}

/* ---- rules ---------------------------------------------------------------------------------- */

const RiskRow *risk_of_rule(const PolicyRule *rule, uint32_t access)
{
    static const char *const kinds[POLICY_SECTION_COUNT] = {
        [POLICY_CAPABILITIES] = "capability",
        [POLICY_UNIX] = "unix",
        [POLICY_SIGNALS] = "signal",
        [POLICY_PTRACE] = "ptrace",
        [POLICY_MOUNTS] = "mount",
    };

    if (rule->section == POLICY_SYSCALLS)
        return risk_of_call(rule->name, rule->args, rule->args_present);
    if (rule->section == POLICY_FILES)
        return risk_of_path(rule->name, GLOB_POLICY, access);
    if (rule->section == POLICY_NETWORK)
        return risk_of_network(rule->name, rule->type);
    return kinds[rule->section] ? risk_of_name(kinds[rule->section], rule->name) : NULL;
}
