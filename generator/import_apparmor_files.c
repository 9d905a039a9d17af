/* SPDX-License-Identifier: Apache-2.0 */
/* File and link rules of an AppArmor profile, and its patterns, as a policy's. */
#include "base/memory.h"
#include "generator/apparmor_text.h"
#include "generator/import_apparmor.h"

#include <errno.h>

/* ---- patterns ------------------------------------------------------------------------------- */

enum { PAIRS_MAX = 4096 };

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* The byte of the escape behind a backslash at *AT, as apparmor_parser has it; 0 if it is none. */
static unsigned char read_escape(const char **at)
{
    static const char named[][2] = {{'a', 7},    {'e', 27},   {'f', '\f'}, {'n', '\n'},
                                    {'r', '\r'}, {'t', '\t'}, {'b', '\b'}};
    const char c = **at;
    const int base = c == 'x' ? 16 : c == 'd' ? 10 : 8;
    int value = 0;

    if (c == 'x' || c == 'd' || (c >= '0' && c <= '7')) {
        *at += c == 'x' || c == 'd';
        for (int i = 0; i < (base == 16 ? 2 : 3); i++) {
            const int digit = hex(**at);
            if (digit < 0 || digit >= base)
                break;
            value = value * base + digit;
            (*at)++;
        }
        return value < 256 ? (unsigned char)value : 0;
    }
    *at += c != '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(named); i++) {
        if (named[i][0] == c)
            return (unsigned char)named[i][1];
    }
    return (unsigned char)c;
}

/* TEXT, an AppArmor pattern, appended as a policy's. */
static int translate(const char *text, Buffer *out)
{
    const size_t pid = strlen(apparmor_pid_pattern);

    while (*text) {
        const char *literal = text;
        if (strncmp(text, apparmor_pid_pattern, pid) == 0) {
            (void)buffer_puts(out, "@{pid}");
            text += pid;
        } else if (strncmp(text, "[^/]", 4) == 0) {
            (void)buffer_putc(out, '?');
            text += 4;
        } else if (*text == '[') {
            /* The policy reads the same between brackets, or refuses. */
            const size_t length = strcspn(text, "]") + 1;
            if (strlen(text) < length)
                return -EINVAL;
            for (size_t i = 0; i < length; i++) { /* which is no place for a policy's escapes */
                if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '>')
                    return -EINVAL;
            }
            (void)buffer_append(out, text, length);
            text += length;
        } else if (*text == '\\') {
            text++;
            const char byte = (char)read_escape(&text);
            if (byte == '\0')
                return -EINVAL;
            (void)(byte == ',' ? buffer_puts(out, "\\,")
                               : policy_pattern_append_literal(out, &byte, 1));
        } else if (strchr("*?{},", *text)) {
            (void)buffer_putc(out, *text++);
        } else {
            text += strcspn(text, "[\\*?{},");
            (void)policy_pattern_append_literal(out, literal, (size_t)(text - literal));
        }
    }
    return out->error;
}

int apparmor_policy_patterns(const ApparmorImport *import, const char *pattern, bool path,
                             ImportPatterns *ret_patterns, const char **ret_why)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    int r = translate(pattern, &text);

    if (r == -ENOMEM)
        return r;
    if (r < 0 || policy_pattern_check(buffer_text(&text), NULL) < 0) {
        *ret_why = "a policy has no such pattern";
        return 0;
    }
    if (!path)
        return import_patterns_add(ret_patterns, policy_strings(import->policy),
                                   buffer_text(&text));
    r = import_rooted(ret_patterns, policy_strings(import->policy), buffer_text(&text));
    if (r == 1)
        *ret_why = "a policy's paths begin with \"/\"";
    return r < 0 ? r : 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

#define INHERITS                                                                                   \
    "becomes ix: the program stays under this policy, which has no profiles for it to go to"
#define NO_TRANSITION                                                                              \
    "may not be executed under the policy, which has no transitions to named or child profiles"

static const struct {
    const char *transition;
    uint32_t access;
    const char *note;
} transitions[] = {
    {"ix", FILE_EXEC_INHERIT, NULL},
    {"px", FILE_EXEC_PROFILE, NULL},
    {"ux", FILE_EXEC_UNCONFINED, NULL},
    {"Px", FILE_EXEC_PROFILE, "becomes px, which does not clean the program's environment"},
    {"Ux", FILE_EXEC_UNCONFINED, "becomes ux, which does not clean the program's environment"},
    {"pix", FILE_EXEC_INHERIT, INHERITS},
    {"Pix", FILE_EXEC_INHERIT, INHERITS},
    {"cix", FILE_EXEC_INHERIT, INHERITS},
    {"Cix", FILE_EXEC_INHERIT, INHERITS},
};

/* FILE_EXEC_* of an allowing RULE; 0 where it has none, or the policy no such. */
static uint32_t exec_of(const ApparmorImport *import, const ApparmorRule *rule)
{
    if (!(rule->access & APPARMOR_EXEC))
        return 0;
    if (rule->deny)
        return FILE_EXEC_INHERIT;
    for (size_t i = 0; i < ARRAY_LENGTH(transitions); i++) {
        if (rule->transition && strcmp(transitions[i].transition, rule->transition) == 0) {
            if (transitions[i].note)
                apparmor_note(import, rule, transitions[i].note);
            return transitions[i].access;
        }
    }
    apparmor_note(import, rule, NO_TRANSITION);
    return 0;
}

static int keep_exec(ApparmorImport *import, const ApparmorExec *exec)
{
    if (array_reserve(&import->execs, &import->execs_capacity, import->execs_count,
                      sizeof *import->execs) < 0)
        return -ENOMEM;
    import->execs[import->execs_count] = *exec;
    import->execs[import->execs_count].order = import->execs_count;
    import->execs_count++;
    return 0;
}

static int add_file(ApparmorImport *import, const ApparmorRule *rule, const char *name,
                    uint32_t access, uint32_t exec)
{
    PolicyRule draft = {.section = POLICY_FILES,
                        .name = name,
                        .access = rule->deny ? access | exec : access,
                        .owner = rule->owner};
    const int r = draft.access ? apparmor_add(import, rule, &draft) : 0;

    if (r < 0 || rule->deny || !exec)
        return r;
    return keep_exec(
        import, &(ApparmorExec){.name = name, .owner = rule->owner, .access = exec, .rule = rule});
}

int apparmor_take_file(ApparmorImport *import, const ApparmorRule *rule)
{
    const uint32_t access = rule->access & ~(uint32_t)APPARMOR_EXEC;
    const uint32_t exec = exec_of(import, rule);
    const char *why = NULL;
    int r = 0;

    for (size_t i = 0; i < rule->fields[0].count && r == 0 && !why; i++) {
        CLEANUP(import_patterns_deinit) ImportPatterns patterns = {0};
        r = apparmor_policy_patterns(import, rule->fields[0].patterns[i], true, &patterns, &why);
        for (size_t p = 0; r == 0 && !why && p < patterns.count; p++)
            r = add_file(import, rule, patterns.items[p], access, exec);
    }
    return r == 0 && why ? apparmor_left_out(import, rule, why) : r;
}

static int compare_execs(const void *a, const void *b)
{
    const ApparmorExec *x = a, *y = b;
    const int names = strcmp(x->name, y->name);

    if (names || x->owner != y->owner)
        return names ? names : x->owner - y->owner;
    return x->order < y->order ? -1 : x->order > y->order;
}

int apparmor_take_execs(ApparmorImport *import)
{
    const ApparmorExec *first = NULL;
    int r = 0;

    if (import->execs_count > 0)
        qsort(import->execs, import->execs_count, sizeof *import->execs, compare_execs);
    for (size_t i = 0; i < import->execs_count && r == 0; i++) {
        const ApparmorExec *exec = &import->execs[i];
        PolicyRule draft = {.section = POLICY_FILES,
                            .name = exec->name,
                            .access = exec->access,
                            .owner = exec->owner};
        if (!first || first->name != exec->name || first->owner != exec->owner)
            first = exec;
        if (first->access == exec->access)
            r = apparmor_add(import, exec->rule, &draft);
        else
            apparmor_note(import, exec->rule,
                          "is executed as an earlier rule of the same path says: a policy has one "
                          "way");
    }
    return r;
}

static int add_links(const ApparmorImport *import, const ApparmorRule *rule,
                     const ImportPatterns *names, const ImportPatterns *targets)
{
    int r = 0;

    for (size_t n = 0; n < names->count && r == 0; n++) {
        for (size_t t = 0; t < targets->count && r == 0; t++) {
            PolicyRule draft = {.section = POLICY_FILES,
                                .name = names->items[n],
                                .target = targets->items[t],
                                .access = FILE_LINK,
                                .owner = rule->owner};
            r = apparmor_add(import, rule, &draft);
        }
    }
    return r;
}

int apparmor_take_link(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *names = &rule->fields[0], *targets = &rule->fields[1];
    const char *why = rule->subset ? "a policy has no test of subsets" : NULL;
    int r = 0;

    if (!why && names->count * targets->count > PAIRS_MAX)
        why = "its variables stand for too much";
    for (size_t i = 0; !why && r == 0 && i < names->count * targets->count; i++) {
        CLEANUP(import_patterns_deinit) ImportPatterns from = {0};
        CLEANUP(import_patterns_deinit) ImportPatterns to = {0};
        r = apparmor_policy_patterns(import, names->patterns[i / targets->count], true, &from,
                                     &why);
        if (r == 0 && !why)
            r = apparmor_policy_patterns(import, targets->patterns[i % targets->count], true, &to,
                                         &why);
        if (r == 0 && !why)
            r = add_links(import, rule, &from, &to);
    }
    return r == 0 && why ? apparmor_left_out(import, rule, why) : r;
}
