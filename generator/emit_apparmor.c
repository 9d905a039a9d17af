/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apparmor.profile, complete in itself: it includes nothing, so that it can be loaded on any
 * machine. profiles/baselines/apparmor.csv has what every container's profile needs.
 *
 * Under this profile everything of the container runs, so a signal or ptrace within the container
 * has the profile itself as its peer, whatever the relation that was recorded.
 */
#include "base/memory.h"
#include "generator/apparmor_profile.h"
#include "generator/apparmor_text.h"
#include "generator/emitter.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>

typedef struct Printer {
    const Policy *policy;
    Buffer *out;
    Buffer *notes;
} Printer;

static void begin_rule(const Printer *printer, const PolicyRule *rule)
{
    (void)buffer_puts(printer->out, rule->deny ? "  deny " : "  ");
}

/* The comma, and why. A reason is one line here whatever it is in the policy. */
static void end_rule(const Printer *printer, const char *reason)
{
    (void)buffer_putc(printer->out, ',');
    if (reason) {
        (void)buffer_puts(printer->out, " # ");
        for (const char *c = reason; *c; c++)
            (void)buffer_putc(printer->out, (unsigned char)*c < 0x20 ? ' ' : *c);
    }
    (void)buffer_putc(printer->out, '\n');
}

static void note(const Printer *printer, const PolicyRule *rule, const char *why)
{
    if (!printer->notes)
        return;
    (void)buffer_printf(printer->notes, "apparmor.profile: %s \"",
                        policy_section_name(rule->section));
    (void)policy_rule_print(rule, printer->notes);
    (void)buffer_printf(printer->notes, "\" is left out: %s\n", why);
}

/* ---- one rule of each section ---------------------------------------------------------------- */

static void print_capability(const Printer *printer, const PolicyRule *rule)
{
    begin_rule(printer, rule);
    (void)buffer_puts(printer->out, "capability ");
    for (const char *c = rule->name + strlen("CAP_"); *c; c++)
        (void)buffer_putc(printer->out, (char)tolower((unsigned char)*c));
    end_rule(printer, rule->reason);
}

static void print_access(const PolicyRule *rule, Buffer *out)
{
    static const struct {
        uint32_t access;
        const char *allow;
        const char *deny;
    } letters[] = {
        {FILE_MMAP_EXEC, "m", "m"},
        {FILE_READ, "r", "r"},
        {FILE_WRITE, "w", "w"},
        {FILE_APPEND, "a", "a"},
        {FILE_LINK, "l", "l"},
        {FILE_LOCK, "k", "k"},
        {FILE_EXEC_INHERIT, "ix", "x"},
        {FILE_EXEC_PROFILE, "px", "x"},
        {FILE_EXEC_UNCONFINED, "ux", "x"},
    };
    /* The language takes no "a" beside "w", which includes it. */
    const uint32_t access =
        rule->access & FILE_WRITE ? rule->access & ~(uint32_t)FILE_APPEND : rule->access;

    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++) {
        if (access & letters[i].access)
            (void)buffer_puts(out, rule->deny ? letters[i].deny : letters[i].allow);
    }
}

/* A file of memfd_create(2) has no place; to AppArmor, which is asked only when it is executed, all
 * of them are "/". */
static bool is_in_memory(const PolicyRule *rule)
{
    return strncmp(rule->name, "/memfd:", strlen("/memfd:")) == 0;
}

static void print_in_memory(const Printer *printer, const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;

    if (rule->deny) {
        note(printer, rule, "AppArmor does not tell files in memory apart");
        return;
    }
    (void)buffer_printf(&reason, "%s, a file in memory%s%s", rule->name, rule->reason ? ": " : "",
                        rule->reason ? rule->reason : "");
    (void)buffer_puts(printer->out, "  / ");
    print_access(rule, printer->out);
    end_rule(printer, buffer_text(&reason));
}

static void print_file(const Printer *printer, const PolicyRule *rule)
{
    PolicyRule rest = *rule;

    if (is_in_memory(rule)) {
        print_in_memory(printer, rule);
        return;
    }
    if (rule->target) {
        /* Links to one place are a rule of their own form, without the test of subsets. */
        begin_rule(printer, rule);
        (void)buffer_puts(printer->out, rule->owner ? "owner link " : "link ");
        (void)apparmor_append_path(printer->out, rule->name);
        (void)buffer_puts(printer->out, " -> ");
        (void)apparmor_append_path(printer->out, rule->target);
        end_rule(printer, rule->reason);
        rest.access &= ~(uint32_t)FILE_LINK;
    }
    if (rest.access == 0)
        return;
    begin_rule(printer, &rest);
    (void)buffer_puts(printer->out, rest.owner ? "owner " : "");
    (void)apparmor_append_path(printer->out, rest.name);
    (void)buffer_putc(printer->out, ' ');
    print_access(&rest, printer->out);
    end_rule(printer, rest.reason);
}

static void print_network(const Printer *printer, const PolicyRule *rule)
{
    if (!apparmor_knows_family(rule->name) ||
        (rule->type && !apparmor_knows_socket_type(rule->type))) {
        note(printer, rule, "AppArmor has no name for it");
        return;
    }
    begin_rule(printer, rule);
    (void)buffer_printf(printer->out, "network %s%s%s", rule->name, rule->type ? " " : "",
                        rule->type ? rule->type : "");
    end_rule(printer, rule->reason);
}

static void print_signal(const Printer *printer, const PolicyRule *rule)
{
    char text[32];
    const bool any = strcmp(rule->name, POLICY_ANY_SIGNAL) == 0;
    const char *signal = any ? "" : apparmor_signal(rule->name, text, sizeof text);

    if (!signal) {
        note(printer, rule, "AppArmor has no name for it");
        return;
    }
    begin_rule(printer, rule);
    (void)buffer_puts(printer->out, "signal (send, receive) ");
    if (!any)
        (void)buffer_printf(printer->out, "set=(%s) ", signal);
    (void)buffer_puts(printer->out, "peer=@{profile_name}");
    end_rule(printer, rule->reason);
}

static void print_ptrace(const Printer *printer, const PolicyRule *rule)
{
    const bool read_only = strcmp(rule->name, "read") == 0;

    begin_rule(printer, rule);
    (void)buffer_printf(printer->out, "ptrace (%s) peer=@{profile_name}",
                        read_only ? "read, readby" : "trace, tracedby, read, readby");
    end_rule(printer, rule->reason);
}

/* ---- mounts --------------------------------------------------------------------------------- */

/* A folder's name ends with a slash there, a file's does not, and the rule does not say which. */
static void print_mount_point(Buffer *out, const char *pattern)
{
    CLEANUP(buffer_deinit) Buffer both = BUFFER_INIT;

    (void)buffer_puts(&both, pattern);
    if (both.length > 1 && both.data[both.length - 1] != '/')
        (void)buffer_puts(&both, "{,/}");
    (void)buffer_putc(out, ' ');
    (void)apparmor_append_pattern(out, buffer_text(&both));
}

/* " options=(rw, bind, nosuid)"; an option that AppArmor does not know gives false. */
static bool print_mount_options(Buffer *out, const char *options, const char *operation)
{
    CLEANUP(free_pointer) char *copy = strdup(options ? options : "");
    bool read_only = false;
    char *rest = copy;

    if (!copy)
        return false;
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
        read_only |= strcmp(word, "ro") == 0;
    (void)buffer_printf(out, " options=(%s%s%s", read_only ? "ro" : "rw", operation ? ", " : "",
                        operation ? operation : "");
    (void)strcpy(copy, options ? options : "");
    rest = copy;
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        const char *option = apparmor_mount_option(word);
        if (*word && !option)
            return false;
        /* "rec" is told by the operation's name. */
        if (*word && strcmp(option, "ro") != 0 && strcmp(option, "rw") != 0 &&
            strcmp(option, "rec") != 0)
            (void)buffer_printf(out, ", %s", option);
    }
    (void)buffer_putc(out, ')');
    return true;
}

static void print_device(Buffer *out, const PolicyRule *rule)
{
    if (!rule->source)
        return;
    if (rule->source[0] == '/') {
        print_mount_point(out, rule->source);
    } else {
        (void)buffer_putc(out, ' ');
        (void)apparmor_append_pattern(out, rule->source);
    }
}

static bool is_recursive(const PolicyRule *rule)
{
    return rule->options && strstr(rule->options, "rec") != NULL;
}

static bool print_new_mount(const PolicyRule *rule, const char *operation, Buffer *out)
{
    (void)buffer_puts(out, "mount");
    if (rule->type && !operation)
        (void)buffer_printf(out, " fstype=(%s)", rule->type);
    if (!print_mount_options(out, rule->options, operation))
        return false;
    print_device(out, rule);
    if (rule->target) {
        (void)buffer_puts(out, " ->");
        print_mount_point(out, rule->target);
    }
    return true;
}

static bool print_propagation(const PolicyRule *rule, Buffer *out)
{
    (void)buffer_printf(out, "mount options=(make-%s%s) ->", is_recursive(rule) ? "r" : "",
                        rule->name + strlen("make-"));
    print_mount_point(out, rule->target);
    return rule->target != NULL;
}

static bool print_mount_rule(const PolicyRule *rule, Buffer *out)
{
    if (strcmp(rule->name, "mount") == 0)
        return print_new_mount(rule, NULL, out);
    if (strcmp(rule->name, "bind") == 0)
        return print_new_mount(rule, is_recursive(rule) ? "rbind" : "bind", out);
    if (strcmp(rule->name, "move") == 0)
        return print_new_mount(rule, "move", out);
    if (strncmp(rule->name, "make-", 5) == 0 && rule->target)
        return print_propagation(rule, out);
    if (strcmp(rule->name, "pivot_root") == 0) {
        (void)buffer_puts(out, "pivot_root");
        return true;
    }
    if (strcmp(rule->name, "remount") == 0) {
        (void)buffer_puts(out, "remount");
        if (!print_mount_options(out, rule->options, NULL))
            return false;
    } else if (strcmp(rule->name, "umount") == 0) {
        (void)buffer_puts(out, "umount");
    } else {
        return false;
    }
    if (rule->target)
        print_mount_point(out, rule->target);
    return true;
}

static void print_mount(const Printer *printer, const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!print_mount_rule(rule, &text)) {
        note(printer, rule, "AppArmor has no words for it");
        return;
    }
    begin_rule(printer, rule);
    (void)buffer_puts(printer->out, buffer_text(&text));
    end_rule(printer, rule->reason);
}

/* ---- unix ----------------------------------------------------------------------------------- */

/*
 * Sockets with a path are mediated as files; what is left is what every socket needs, talk within
 * the container, and talk to abstract addresses, which have no folder to protect them: only those
 * that were seen.
 */
static void print_unix_type(const Printer *printer, const char *type)
{
    (void)buffer_printf(printer->out,
                        "  unix (create, getattr, setattr, getopt, setopt, shutdown) type=%s,\n"
                        "  unix (bind, listen) type=%s addr=none,\n"
                        "  unix (accept, connect, send, receive) type=%s "
                        "peer=(label=@{profile_name}),\n"
                        "  unix (send, receive) type=%s peer=(addr=none),\n",
                        type, type, type, type);
}

static void print_unix(const Printer *printer, const PolicyRule *rule)
{
    const bool binds = strcmp(rule->name, "bind") == 0 || strcmp(rule->name, "listen") == 0;

    /* Once a type: rules of the same type are not neighbours, for they are sorted by operation. */
    if (!rule->target || rule->target[0] != '@')
        return;
    begin_rule(printer, rule);
    (void)buffer_printf(printer->out, "unix (%s) type=%s %s",
                        binds ? "bind, listen, accept" : "connect, send, receive", rule->type,
                        binds ? "addr=" : "peer=(addr=");
    (void)apparmor_append_pattern(printer->out, rule->target);
    (void)buffer_puts(printer->out, binds ? "" : ")");
    end_rule(printer, rule->reason);
}

static void print_unix_types(const Printer *printer)
{
    static const char *const types[] = {"dgram", "seqpacket", "stream"};
    size_t first, end;

    policy_range(printer->policy, POLICY_UNIX, &first, &end);
    for (size_t t = 0; t < ARRAY_LENGTH(types); t++) {
        for (size_t i = first; i < end; i++) {
            const PolicyRule *rule = policy_rule(printer->policy, i);
            if (!rule->deny && strcmp(rule->type, types[t]) == 0) {
                print_unix_type(printer, types[t]);
                break;
            }
        }
    }
}

/* ---- the profile ---------------------------------------------------------------------------- */

static const struct {
    PolicySection section;
    void (*print)(const Printer *printer, const PolicyRule *rule);
} sections[] = {
    {POLICY_CAPABILITIES, print_capability},
    {POLICY_FILES, print_file},
    {POLICY_NETWORK, print_network},
    {POLICY_UNIX, print_unix},
    {POLICY_SIGNALS, print_signal},
    {POLICY_PTRACE, print_ptrace},
    {POLICY_MOUNTS, print_mount},
};

static void print_section(const Printer *printer, size_t index)
{
    size_t first, end;

    policy_range(printer->policy, sections[index].section, &first, &end);
    if (first == end)
        return;
    (void)buffer_printf(printer->out, "\n  # %s\n", policy_section_name(sections[index].section));
    if (sections[index].section == POLICY_UNIX)
        print_unix_types(printer);
    for (size_t i = first; i < end; i++)
        sections[index].print(printer, policy_rule(printer->policy, i));
}

/* What lets everything of a section be done. */
static const char *const open_rules[] = {
    [POLICY_CAPABILITIES] = "  capability,\n",
    [POLICY_FILES] = "  file,\n",
    [POLICY_NETWORK] = "  network,\n",
    [POLICY_UNIX] = "  unix,\n",
    [POLICY_SIGNALS] = "  signal,\n",
    [POLICY_PTRACE] = "  ptrace,\n",
    [POLICY_MOUNTS] = "  mount,\n  remount,\n  umount,\n  pivot_root,\n",
};

static void print_body(const Printer *printer, const ApparmorProfile *profile)
{
    (void)buffer_printf(printer->out,
                        "\nprofile %s flags=(attach_disconnected,mediate_deleted) {\n"
                        "  # every container\n",
                        profile->name);
    for (size_t i = 0; i < baseline_rules_count; i++) {
        (void)buffer_printf(printer->out, "  %s", baseline_rules[i].rule);
        end_rule(printer, baseline_rules[i].reason);
    }
    if (profile->more)
        (void)buffer_puts(printer->out, profile->more);
    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        if (profile->sections >> sections[i].section & 1)
            print_section(printer, i);
        else
            (void)buffer_puts(printer->out, open_rules[sections[i].section]);
    }
    (void)buffer_puts(printer->out, "}\n");
}

/* Some file rule has @{HOME}. */
static bool has_homes(const Policy *policy)
{
    size_t first, end;
    bool has = false;

    policy_range(policy, POLICY_FILES, &first, &end);
    for (size_t i = first; i < end && !has; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        has = apparmor_is_in_homes(rule->name) ||
              (rule->target && apparmor_is_in_homes(rule->target));
    }
    return has;
}

int apparmor_profile_print(const Policy *policy, const ApparmorProfile *profile, Buffer *out,
                           Buffer *notes)
{
    const Printer printer = {.policy = policy, .out = out, .notes = notes};

    if (has_homes(policy))
        (void)buffer_puts(out, apparmor_homes_definition);
    (void)buffer_printf(out, "@{pid}=%s\n@{tid}=@{pid}\n", apparmor_pid_pattern);
    print_body(&printer, profile);
    return out->error;
}

int emit_apparmor(const Policy *policy, Buffer *out, Buffer *notes, Error *err)
{
    const ApparmorProfile profile = {.name = policy_name(policy), .sections = UINT32_MAX};

    (void)buffer_puts(out, "# Made by whittle from policy.yaml; edit that instead.\n"
                           "# To load: apparmor_parser -r apparmor.profile\n\n");
    const int r = apparmor_profile_print(policy, &profile, out, notes);
    return r < 0 ? error_errno(err, r, "apparmor.profile") : 0;
}
