/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy allows, section by section. System calls and capabilities without conditions are
 * words in a paragraph; every other rule has a line. */
#include "cli/show_policy.h"

#include "base/escape.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

enum { LINE_WIDTH = 96 };

static void put_head(Buffer *out, const Policy *policy, const char *path)
{
    const char *separator = "";

    (void)escape_append(out, path, strlen(path));
    (void)buffer_printf(out, ": the policy \"%s\"\n",
                        policy_name(policy) ? policy_name(policy) : "");
    (void)buffer_puts(out, "  architectures  ");
    for (int arch = 0; arch < ARCH_COUNT; arch++) {
        if (!(policy_archs(policy) >> arch & 1))
            continue;
        (void)buffer_printf(out, "%s%s", separator, arch_name((Arch)arch));
        separator = ", ";
    }
    (void)buffer_puts(out, "\n  runtimes       ");
    for (size_t i = 0; i < policy_runtimes_count(policy); i++)
        (void)buffer_printf(out, "%s%s", i ? ", " : "", policy_runtime(policy, i));
    (void)buffer_puts(out, "\n  other calls    ");
    (void)policy_deny_print(policy_deny_action(policy), out);
    (void)buffer_printf(out, "\n  root           %s\n",
                        policy_read_only_root(policy) ? "read-only" : "writable");
    (void)buffer_printf(out, "  new privileges %s\n",
                        policy_no_new_privs(policy) ? "none" : "by setuid and file capabilities");
    if (policy_user(policy))
        (void)buffer_printf(out, "  user           %s\n", policy_user(policy));
    for (int limit = 0; limit < POLICY_LIMIT_COUNT; limit++)
        if (policy_limit(policy, (PolicyLimit)limit))
            (void)buffer_printf(out, "  at most        %" PRIu64 " %s\n",
                                policy_limit(policy, (PolicyLimit)limit),
                                policy_limit_name((PolicyLimit)limit));
}

static bool is_plain_word(const PolicyRule *rule)
{
    return (rule->section == POLICY_SYSCALLS || rule->section == POLICY_CAPABILITIES) &&
           rule->args_present == 0 && rule->deny == POLICY_ALLOW;
}

static void put_rule(Buffer *out, const PolicyRule *rule)
{
    (void)buffer_puts(out, "  ");
    (void)policy_rule_print(rule, out);
    if (rule->deny != POLICY_ALLOW) {
        (void)buffer_puts(out, "  denied: ");
        if (rule->deny == POLICY_DENY)
            (void)buffer_puts(out, "as other calls");
        else
            (void)policy_deny_print(rule->deny, out);
    }
    if (rule->keep)
        (void)buffer_puts(out, "  (keep)");
    if (rule->reason) {
        (void)buffer_puts(out, "  # ");
        (void)escape_append(out, rule->reason, strlen(rule->reason));
    }
    (void)buffer_putc(out, '\n');
}

/* The plain words of rules [FIRST, END) as a paragraph. */
static void put_words(Buffer *out, const Policy *policy, size_t first, size_t end)
{
    size_t column = 0;

    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        size_t length;

        if (!is_plain_word(rule))
            continue;
        length = strlen(rule->name) + 1;
        if (column + length > LINE_WIDTH) {
            (void)buffer_putc(out, '\n');
            column = 0;
        }
        (void)buffer_printf(out, "%s%s", column ? " " : "  ", rule->name);
        column += length;
    }
    if (column)
        (void)buffer_putc(out, '\n');
}

int show_policy(Policy *policy, const char *path, bool coloured, Buffer *out)
{
    policy_sort(policy);
    put_head(out, policy, path);
    for (int section = 0; section < POLICY_SECTION_COUNT; section++) {
        size_t first, end;

        policy_range(policy, (PolicySection)section, &first, &end);
        if (first == end)
            continue;
        (void)buffer_printf(out, "\n%s%s%s (%zu)\n", coloured ? "\033[1m" : "",
                            policy_section_name((PolicySection)section), coloured ? "\033[0m" : "",
                            end - first);
        put_words(out, policy, first, end);
        for (size_t i = first; i < end; i++)
            if (!is_plain_word(policy_rule(policy, i)))
                put_rule(out, policy_rule(policy, i));
    }
    return out->error;
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static json_t *rule_to_json(const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer deny = BUFFER_INIT;
    json_t *object;

    if (policy_rule_print(rule, &text) < 0)
        return NULL;
    object = json_pack("{s:s, s:s, s:s}", "section", policy_section_name(rule->section), "name",
                       rule->name, "rule", buffer_text(&text));
    if (!object)
        return NULL;
    if (rule->deny == POLICY_DENY)
        (void)buffer_puts(&deny, "default");
    else if (rule->deny != POLICY_ALLOW)
        (void)policy_deny_print(rule->deny, &deny);
    if (deny.length)
        (void)json_object_set_new(object, "deny", json_string(buffer_text(&deny)));
    if (rule->keep)
        (void)json_object_set_new(object, "keep", json_true());
    if (rule->reason)
        (void)json_object_set_new(object, "reason", json_string(rule->reason));
    return object;
}

static json_t *head_to_json(const Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer deny = BUFFER_INIT;
    json_t *archs = json_array(), *runtimes = json_array(), *limits = json_object();

    for (int arch = 0; arch < ARCH_COUNT; arch++)
        if (policy_archs(policy) >> arch & 1)
            (void)json_array_append_new(archs, json_string(arch_name((Arch)arch)));
    for (size_t i = 0; i < policy_runtimes_count(policy); i++)
        (void)json_array_append_new(runtimes, json_string(policy_runtime(policy, i)));
    for (int limit = 0; limit < POLICY_LIMIT_COUNT; limit++)
        if (policy_limit(policy, (PolicyLimit)limit))
            (void)json_object_set_new(
                limits, policy_limit_name((PolicyLimit)limit),
                json_integer((json_int_t)policy_limit(policy, (PolicyLimit)limit)));
    (void)policy_deny_print(policy_deny_action(policy), &deny);
    /* "o" takes the references over, also on failure. */
    return json_pack("{s:s, s:i, s:s?, s:o, s:o, s:s, s:b, s:b, s:s?, s:o}", "whittle", "policy",
                     "format", POLICY_FORMAT, "name", policy_name(policy), "architectures", archs,
                     "runtimes", runtimes, "deny_action", buffer_text(&deny), "read_only_root",
                     (int)policy_read_only_root(policy), "no_new_privs",
                     (int)policy_no_new_privs(policy), "user", policy_user(policy), "limits",
                     limits);
}

int show_policy_json(Policy *policy, Buffer *out)
{
    json_t *document, *rules = json_array();
    char *text;
    int r = 0;

    policy_sort(policy);
    document = head_to_json(policy);
    for (size_t i = 0; r == 0 && i < policy_rules_count(policy); i++)
        if (json_array_append_new(rules, rule_to_json(policy_rule(policy, i))) < 0)
            r = -ENOMEM;
    if (json_object_set_new(document, "rules", rules) < 0)
        r = -ENOMEM;
    text = r == 0 ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    free(text);
    return buffer_putc(out, '\n');
}
