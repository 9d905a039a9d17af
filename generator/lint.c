/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of `whittle lint`: a table of checks, each of which goes through the rules and tells of
 * one code. What is costly to know (which calls the filter lets through, what of a file rule is
 * left by those that deny) is found out once, before.
 */
#include "base/memory.h"
#include "base/nearest.h"
#include "generator/lint_private.h"
#include "model/policy_comments.h"

#include <errno.h>
#include <stdarg.h>

static const struct {
    const char *code;
    LintCheck *check;
} checks[] = {
    {"W101", lint_allowed_and_denied},
    {"W102", lint_denied_values},
    {"W103", lint_twice},
    {"W104", lint_covered},
    {"W105", lint_denied_anyway},
    {"W106", lint_silenced},
    {"W107", lint_mounted_twice},
    {"W108", lint_two_ways},
    {"W201", lint_no_such_call},
    {"W202", lint_masked_bits},
    {"W203", lint_pointer},
    {"W204", lint_no_argument},
    {"W205", lint_clone3},
    {"W206", lint_multiplexer},
    {"W207", lint_ring},
    {"W208", lint_never_matches},
    {"W209", lint_link},
    {"W210", lint_folder_letters},
    {"W211", lint_word},
    {"W212", lint_runtime},
    {"W213", lint_deny_log},
    {"W214", lint_socket_path},
    {"W301", lint_critical},
    {"W302", lint_high},
    {"W303", lint_medium},
    {"W304", lint_write_exec},
    {"W305", lint_beyond_docker},
    {"W401", lint_runtime_denied},
    {"W402", lint_no_runtime},
    {"W403", lint_no_arch},
    {"W404", lint_no_fallback},
    {"W405", lint_follows},
    {"W406", lint_exec_unread},
    {"W407", lint_root_read_only},
    {"W408", lint_tmpfs_exec},
    {"W409", lint_lacks_capability},
    {"W410", lint_no_network_rule},
    {"W411", lint_no_calls},
    {"W501", lint_unused_capability},
    {"W502", lint_unused_network},
    {"W503", lint_user_capabilities},
    {"W504", lint_unused_rule},
};

static const char *const severities[LINT_SEVERITY_COUNT] = {"note", "warning", "error"};

/* ---- codes ---------------------------------------------------------------------------------- */

const char *lint_severity_name(LintSeverity severity)
{
    return severities[severity];
}

int lint_severity_from_name(const char *name)
{
    for (int i = 0; i < LINT_SEVERITY_COUNT; i++) {
        if (strcmp(severities[i], name) == 0)
            return i;
    }
    return -1;
}

LintSeverity lint_severity(const LintCode *code)
{
    const int severity = lint_severity_from_name(code->severity);

    return severity < 0 ? LINT_WARNING : (LintSeverity)severity;
}

const LintCode *lint_code(const char *name)
{
    for (size_t i = 0; i < lint_codes_count; i++) {
        if (strcmp(lint_codes[i].code, name) == 0)
            return &lint_codes[i];
    }
    return NULL;
}

const char *lint_code_nearest(const char *name)
{
    CLEANUP(free_pointer) const char **names = calloc(lint_codes_count + 1, sizeof *names);

    for (size_t i = 0; names && i < lint_codes_count; i++)
        names[i] = lint_codes[i].code;
    return names ? nearest_word(name, names) : NULL;
}

/* ---- findings ------------------------------------------------------------------------------- */

static void finding_deinit(LintFinding *finding)
{
    free(finding->rule);
    free(finding->text);
    free(finding->accepted);
}

void lint_report_deinit(LintReport *report)
{
    for (size_t i = 0; i < report->count; i++)
        finding_deinit(&report->items[i]);
    free(report->items);
    *report = (LintReport){0};
}

size_t lint_report_count(const LintReport *report, LintSeverity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += !report->items[i].accepted && lint_severity(report->items[i].code) >= severity;
    return count;
}

/* TEXT as it can go to any terminal: control characters, those of two bytes too, as \xHH. */
static char *printable(const char *text)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        const bool two = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        if (*c < 0x20 || *c == 0x7f || two)
            (void)buffer_printf(&out, "\\x%02x", two ? *++c : *c);
        else
            (void)buffer_putc(&out, (char)*c);
    }
    return out.error ? NULL : buffer_steal(&out);
}

static int add_finding(Lint *lint, LintFinding *finding, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Takes FINDING, of which the text is made of FORMAT. */
static int add_finding(Lint *lint, LintFinding *finding, const char *format, va_list arguments)
{
    LintReport *report = lint->report;
    char *line = NULL;

    if (vasprintf(&line, format, arguments) < 0)
        line = NULL;
    finding->code = lint->code;
    finding->text = line ? printable(line) : NULL;
    free(line);
    if (!finding->text || array_reserve(&report->items, &report->capacity, report->count,
                                        sizeof *report->items) < 0) {
        finding_deinit(finding);
        return -ENOMEM;
    }
    report->items[report->count++] = *finding;
    return 0;
}

int lint_tell(Lint *lint, const LintRule *entry, const char *format, ...)
{
    CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
    LintFinding finding = {.section = (int)entry->rule->section,
                           .line = entry->place->line,
                           .column = entry->place->column,
                           .last_line = entry->place->last_line,
                           .rule = printable(lint_rule_text(entry->rule, &rule))};
    va_list arguments;

    if (!finding.rule)
        return -ENOMEM;
    va_start(arguments, format);
    const int r = add_finding(lint, &finding, format, arguments);
    va_end(arguments);
    return r;
}

int lint_tell_key(Lint *lint, const char *key, const char *format, ...)
{
    size_t line = policy_text_key_line(lint->text, key);
    va_list arguments;

    if (line == 0)
        line = policy_text_key_line(lint->text, "whittle");
    if (line == 0)
        line = 1;
    LintFinding finding = {.section = -1, .line = line, .column = 1, .last_line = line};
    va_start(arguments, format);
    const int r = add_finding(lint, &finding, format, arguments);
    va_end(arguments);
    return r;
}

int lint_tell_line(Lint *lint, size_t line, size_t column, const char *format, ...)
{
    LintFinding finding = {.section = -1, .line = line, .column = column, .last_line = line};
    va_list arguments;

    va_start(arguments, format);
    const int r = add_finding(lint, &finding, format, arguments);
    va_end(arguments);
    return r;
}

static int compare_findings(const void *left, const void *right)
{
    const LintFinding *a = left;
    const LintFinding *b = right;

    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    const int c = strcmp(a->code->code, b->code->code);
    return c ? c : strcmp(a->text, b->text);
}

/* ---- what checks ask ------------------------------------------------------------------------- */

bool lint_denies(const PolicyRule *rule)
{
    return rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG;
}

uint32_t lint_granted(const LintRule *entry)
{
    const uint32_t own = entry->rule->access;

    return entry->access & (own & FILE_WRITE ? own | FILE_APPEND : own);
}

const char *lint_rule_text(const PolicyRule *rule, Buffer *buffer)
{
    buffer_clear(buffer);
    return policy_rule_print(rule, buffer) < 0 ? "" : buffer_text(buffer);
}

size_t lint_line_of(Lint *lint, const PolicyRule *rule)
{
    for (LintRule *entry = lint_begin(lint, rule->section); entry < lint_end(lint, rule->section);
         entry++) {
        if (!lint_may_pair(lint))
            break;
        if (policy_rule_compare(entry->rule, rule) == 0)
            return entry->place->line;
    }
    return 0;
}

bool lint_call_is(const Lint *lint, const char *name, uint8_t what)
{
    const Syscall *syscall = syscall_by_name(name);

    return syscall && (lint->calls[syscall->index] & what) != 0;
}

bool lint_allows_any(const Lint *lint, const char *calls)
{
    char name[64];

    for (const char *at = calls; *at; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        if (length < sizeof name) {
            memcpy(name, at, length);
            name[length] = '\0';
            if (lint_call_is(lint, name, LINT_CALL_ALLOWED))
                return true;
        }
        at += length;
    }
    return false;
}

bool lint_may_pair(Lint *lint)
{
    if (lint->pairs_left > 0)
        lint->pairs_left--;
    return lint->pairs_left > 0;
}

bool lint_may_glob(Lint *lint)
{
    if (lint->globs_left > 0)
        lint->globs_left--;
    return lint->globs_left > 0;
}

int lint_files_meet(Lint *lint, const LintRule *a, const LintRule *b, Buffer *witness)
{
    if (!patterns_begin_alike(a->rule->name, b->rule->name) || a->glob == NO_GLOB ||
        b->glob == NO_GLOB || !lint_may_glob(lint))
        return 0;
    const int r = glob_set_intersects(lint->globs, a->glob, b->glob, witness);
    return r == -E2BIG ? 0 : r;
}

bool lint_literal(const char *pattern, Buffer *out)
{
    PatternReader reader = {.at = pattern};
    PatternToken token;

    while (pattern_next(&reader, &token) == 0 && token.kind == PATTERN_BYTE)
        (void)buffer_putc(out, (char)token.byte);
    return token.kind == PATTERN_END;
}

bool lint_is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

uint64_t lint_argument_mask(const Syscall *syscall, unsigned index)
{
    const SyscallArg *arg = &syscall->args[index];

    return (arg->family ? arg->family->mask : UINT64_MAX) & (arg->wide ? UINT64_MAX : UINT32_MAX);
}

/* ---- what is known before -------------------------------------------------------------------- */

static void lint_deinit(Lint *lint)
{
    free(lint->rules);
    free(lint->calls);
    lint->globs = glob_set_free(lint->globs);
    lint_near_deinit(&lint->near);
    seccomp_rules_deinit(&lint->seccomp);
}

static int take_rules(Lint *lint)
{
    const size_t count = policy_text_places_count(lint->text);
    size_t section = 0;

    lint->rules = calloc(count + 1, sizeof *lint->rules);
    if (!lint->rules)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const PolicyPlace *place = policy_text_place(lint->text, i);
        if (!place)
            break;
        for (; section < place->rule.section; section++)
            lint->first[section + 1] = i;
        lint->rules[i] = (LintRule){.place = place, .rule = &place->rule, .glob = NO_GLOB};
    }
    for (; section < POLICY_SECTION_COUNT; section++)
        lint->first[section + 1] = count;
    return 0;
}

static int take_calls(Lint *lint)
{
    lint->calls = calloc(syscall_count() + 1, 1);
    if (!lint->calls)
        return -ENOMEM;
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const Syscall *syscall = syscall_by_name(entry->rule->name);
        if (!syscall)
            continue;
        uint8_t *call = &lint->calls[syscall->index];
        if (!lint_denies(entry->rule))
            *call |= (uint8_t)(LINT_CALL_OWN | LINT_CALL_ALLOWED | LINT_CALL_NAMED |
                               (entry->rule->args_present ? 0 : LINT_CALL_WHOLE));
        else if (entry->rule->args_present == 0)
            *call |= LINT_CALL_DENIED;
    }
    const int r = seccomp_rules_make(lint->policy, &lint->seccomp, NULL, &lint->seccomp_error);
    if (r == -ENOMEM)
        return r;
    lint->has_seccomp = r == 0;
    for (size_t i = 0; i < lint->seccomp.count; i++) {
        if (lint->seccomp.rules[i].action == SECCOMP_ALLOW)
            lint->calls[lint->seccomp.rules[i].syscall->index] |= LINT_CALL_ALLOWED;
    }
    for (size_t i = 0; i < syscall_count(); i++) {
        if (lint->calls[i] & LINT_CALL_DENIED)
            lint->calls[i] &= LINT_CALL_DENIED | LINT_CALL_NAMED;
        lint->any_call |= (lint->calls[i] & LINT_CALL_OWN) != 0;
    }
    lint->namespaces = lint_makes_user_namespaces(lint);
    lint->ring = lint_call_is(lint, "io_uring_setup", LINT_CALL_ALLOWED);
    return 0;
}

static void take_capabilities(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_CAPABILITIES);
         entry < lint_end(lint, POLICY_CAPABILITIES); entry++) {
        const Capability *capability = capability_by_name(entry->rule->name);
        if (!capability || entry->rule->deny)
            continue;
        lint->capabilities |= (uint64_t)1 << capability->number;
        for (const char *const *name = capability->implied; name && *name; name++) {
            const Capability *smaller = capability_by_name(*name);
            lint->included |= smaller ? (uint64_t)1 << smaller->number : 0;
        }
    }
    lint->included |= lint->capabilities;
}

static int take_files(Lint *lint)
{
    CLEANUP(file_rules_deinit) FileRules denied = {0};

    lint->globs = glob_set_new();
    if (!lint->globs || lint_near_make(lint) < 0 ||
        file_rules_make(lint->policy, true, &denied) < 0)
        return -ENOMEM;
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        int r = glob_set_add(lint->globs, GLOB_POLICY, entry->rule->name, &entry->glob, NULL);
        if (r < 0)
            entry->glob = NO_GLOB;
        entry->access = rule_access(entry->rule);
        if (entry->rule->deny == POLICY_ALLOW && r != -ENOMEM && lint->pairs_left > denied.count) {
            lint->pairs_left -= denied.count;
            r = file_rules_denied(&denied, entry->rule, &entry->denied, &entry->by);
        }
        if (r == -ENOMEM)
            return r;
        entry->access &= ~entry->denied;
        entry->dead = (entry->rule->access & ~entry->denied) == 0;
    }
    return 0;
}

static int run_checks(Lint *lint)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(checks) && r == 0; i++) {
        lint->code = lint_code(checks[i].code);
        lint->pairs_left = LINT_PAIRS_MAX;
        lint->globs_left = LINT_GLOBS_MAX;
        if (!lint->code)
            return -EINVAL;
        r = checks[i].check(lint);
        if (r == 0 && (lint->pairs_left == 0 || lint->globs_left == 0)) {
            const LintCode *code = lint->code;
            lint->code = lint_code("W904");
            r = lint->code ? lint_tell_key(lint, "whittle",
                                           "%s (%s): too many rules to compare "
                                           "each with each",
                                           code->code, code->title)
                           : -EINVAL;
        }
    }
    return r;
}

int lint_policy(const PolicyText *text, LintReport *ret_report, Error *err)
{
    CLEANUP(lint_report_deinit) LintReport report = {0};
    CLEANUP(lint_deinit)
    Lint lint = {.text = text,
                 .policy = policy_text_policy(text),
                 .pairs_left = LINT_DENIALS_MAX,
                 .report = &report};
    int r = take_rules(&lint);

    if (r == 0)
        r = take_calls(&lint);
    take_capabilities(&lint);
    if (r == 0)
        r = take_files(&lint);
    if (r == 0)
        r = run_checks(&lint);
    if (r == 0)
        r = lint_accept(&lint);
    if (r < 0)
        return error_errno(err, r, "%s: looking for mistakes", policy_text_name(text));
    if (report.count > 0)
        qsort(report.items, report.count, sizeof *report.items, compare_findings);
    *ret_report = report;
    report = (LintReport){0};
    return 0;
}
