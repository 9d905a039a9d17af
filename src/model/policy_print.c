/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as YAML. Written by hand rather than by libyaml's emitter, which decides line breaks
 * itself: here one rule is one line, always. */
#include "base/memory.h"
#include "model/policy.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

/* Words that other readers of YAML take for something else than text. */
static const char *const not_text[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};

static bool looks_like_text(const char *text)
{
    for (size_t i = 0; i < sizeof not_text / sizeof not_text[0]; i++) {
        if (strcasecmp(text, not_text[i]) == 0)
            return false;
    }
    return isalpha((unsigned char)text[0]) || text[0] == '/' || text[0] == '_';
}

/* A plain scalar may hold these everywhere, also within {} and []. */
static bool is_plain(const char *text)
{
    static const char more[] = " /_-.+=@()<>|$~^*\\;";
    const size_t length = strlen(text);

    if (!looks_like_text(text) || text[length - 1] == ' ')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(more, text[i]))
            return false;
    }
    return true;
}

/* The code point at S, which is valid UTF-8; its length in *RET_LENGTH. */
static uint32_t code_point(const unsigned char *s, size_t *ret_length)
{
    const size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = length == 1 ? s[0] : s[0] & (0x7fu >> length);

    for (size_t i = 1; i < length && s[i]; i++)
        c = c << 6 | (s[i] & 0x3f);
    *ret_length = length;
    return c;
}

/* YAML 1.1: printable, and no line break. */
static bool is_printable(uint32_t c)
{
    if (c < 0xa0)
        return c >= 0x20 && c < 0x7f;
    return c <= 0x10ffff && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe &&
           c != 0xffff && (c < 0xd800 || c > 0xdfff);
}

static void print_text(const char *text, Buffer *out)
{
    const unsigned char *s = (const unsigned char *)text;
    const unsigned char *end = s + strlen(text);

    if (is_plain(text)) {
        (void)buffer_puts(out, text);
        return;
    }
    (void)buffer_putc(out, '"');
    while (s < end) {
        size_t length;
        const uint32_t c = code_point(s, &length);
        if (length > (size_t)(end - s))
            length = (size_t)(end - s);
        if (c == '"' || c == '\\')
            (void)buffer_printf(out, "\\%c", (int)c);
        else if (is_printable(c))
            (void)buffer_append(out, s, length);
        else
            (void)buffer_printf(out, c > 0xffff ? "\\U%08" PRIX32 : "\\u%04" PRIX32, c);
        s += length;
    }
    (void)buffer_putc(out, '"');
}

int policy_rule_print_item(const PolicyRule *rule, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (policy_rule_print(rule, &text) < 0)
        return text.error;
    if (!rule->deny && !rule->keep && !rule->reason) {
        print_text(buffer_text(&text), out);
        return out->error;
    }
    (void)buffer_puts(out, "{rule: ");
    print_text(buffer_text(&text), out);
    if (rule->deny) {
        (void)buffer_puts(out, ", deny: ");
        (void)policy_deny_print(rule->deny, out);
    }
    if (rule->keep)
        (void)buffer_puts(out, ", keep: true");
    if (rule->reason) {
        (void)buffer_puts(out, ", reason: ");
        print_text(rule->reason, out);
    }
    return buffer_putc(out, '}');
}

static void print_limits(const Policy *policy, Buffer *out)
{
    const char *before = "limits: {";

    for (PolicyLimit i = 0; i < POLICY_LIMIT_COUNT; i++) {
        if (policy_limit(policy, i) == 0)
            continue;
        (void)buffer_printf(out, "%s%s: %" PRIu64, before, policy_limit_name(i),
                            policy_limit(policy, i));
        before = ", ";
    }
    if (before[0] == ',')
        (void)buffer_puts(out, "}\n");
}

static void print_head(const Policy *policy, Buffer *out)
{
    const char *before = "";

    (void)buffer_puts(out, "# What the workload may do; everything else is denied. Edit freely: "
                           "`whittle generate` makes the artefacts from this file.\n");
    (void)buffer_printf(out, "whittle: policy\nformat: %d\n", POLICY_FORMAT);
    if (policy_name(policy)) {
        (void)buffer_puts(out, "name: ");
        print_text(policy_name(policy), out);
        (void)buffer_putc(out, '\n');
    }
    (void)buffer_puts(out, "architectures: [");
    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if (policy_archs(policy) >> arch & 1) {
            (void)buffer_printf(out, "%s%s", before, arch_name(arch));
            before = ", ";
        }
    }
    (void)buffer_puts(out, "]\nruntimes: [");
    for (size_t i = 0; i < policy_runtimes_count(policy); i++) {
        (void)buffer_puts(out, i ? ", " : "");
        print_text(policy_runtime(policy, i), out);
    }
    (void)buffer_puts(out, "]\ndeny-action: ");
    (void)policy_deny_print(policy_deny_action(policy), out);
    (void)buffer_putc(out, '\n');
    if (policy_user(policy)) {
        (void)buffer_puts(out, "user: ");
        print_text(policy_user(policy), out);
        (void)buffer_putc(out, '\n');
    }
    (void)buffer_printf(out, "no-new-privileges: %s\nread-only-root: %s\n",
                        policy_no_new_privs(policy) ? "true" : "false",
                        policy_read_only_root(policy) ? "true" : "false");
    print_limits(policy, out);
}

int policy_print(const Policy *policy, Buffer *out)
{
    print_head(policy, out);
    for (PolicySection section = 0; section < POLICY_SECTION_COUNT; section++) {
        size_t first, end;
        policy_range(policy, section, &first, &end);
        if (first == end)
            continue;
        (void)buffer_printf(out, "\n%s:\n", policy_section_name(section));
        for (size_t i = first; i < end; i++) {
            (void)buffer_puts(out, "  - ");
            const int r = policy_rule_print_item(policy_rule(policy, i), out);
            if (r < 0)
                return r;
            (void)buffer_putc(out, '\n');
        }
    }
    return out->error;
}
