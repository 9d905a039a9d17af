/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_maker.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>

unsigned random_below(Random *random, unsigned limit)
{
    /* xorshift64*: good enough, and the same everywhere */
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (unsigned)((random->state * 0x2545f4914f6cdd1du) >> 33) % limit;
}

static void must_parse(int r, const Error *err, const char *text)
{
    if (r == 0)
        return;
    (void)fprintf(stderr, "%s in\n%s\n", err->text, text);
    abort();
}

Policy *policy_from(const char *text)
{
    Policy *policy = NULL;
    Error err = {0};

    must_parse(policy_parse("p.yaml", text, strlen(text), &policy, &err), &err, text);
    policy_sort(policy);
    return policy;
}

Policy *policy_of(const char *sections)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_printf(&text, "whittle: policy\nformat: 1\narchitectures: [x86_64]\n%s", sections);
    return policy_from(buffer_text(&text));
}

PolicyText *policy_text_from(const char *text)
{
    PolicyText *parsed = NULL;
    Error err = {0};

    must_parse(policy_text_parse("p.yaml", text, strlen(text), &parsed, &err), &err, text);
    return parsed;
}

/* A path pattern in which anything may be: special characters, bytes that are no UTF-8, globs. */
static const char *random_pattern(Random *random, StringSet *strings)
{
    static const char *const globs[] = {"*", "**", "?", "[a-z]", "{b,c/d}", "@{pid}", "@{tid}"};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (unsigned n = 1 + random_below(random, 3); n > 0; n--) {
        (void)buffer_putc(&out, '/');
        for (unsigned i = 1 + random_below(random, 3); i > 0; i--) {
            const char byte = (char)(1 + random_below(random, 255));
            if (random_below(random, 6) == 0)
                (void)buffer_puts(&out, globs[random_below(random, ARRAY_LENGTH(globs))]);
            else if (random_below(random, 4) == 0 && byte != '/')
                (void)policy_pattern_append_literal(&out, &byte, 1);
            else
                (void)buffer_putc(&out, (char)('a' + random_below(random, 3)));
        }
    }
    return strset_add(strings, buffer_text(&out));
}

/* Texts that YAML would take for something else, or must quote. */
static const char *random_reason(Random *random)
{
    static const char *const texts[] = {
        "why", "a: b",        "# none", "true", "",   " x ", "l1\nl2", "\xc3\xa9",     "'\"\\",
        "-",   "[x, {y: z}]", "~",      "x #y", "12", "\t",  "*a",     "\xe2\x80\xa8", "&"};

    return texts[random_below(random, ARRAY_LENGTH(texts))];
}

static const char *pick(Random *random, const char *const *words, size_t count)
{
    return words[random_below(random, (unsigned)count)];
}

#define PICK(...)                                                                                  \
    pick(random, (const char *const[]){__VA_ARGS__},                                               \
         ARRAY_LENGTH(((const char *const[]){__VA_ARGS__})))

static void fill_call(Random *random, StringSet *strings, PolicyRule *rule)
{
    (void)strings;
    rule->name = PICK("read", "write", "socket", "close", "clone", "ioctl", "prctl");
    if (random_below(random, 2) == 0)
        return;
    const unsigned index = random_below(random, 3);
    const SyscallArg *arg = &syscall_by_name(rule->name)->args[index];
    rule->args_present = (uint8_t)(1u << index);
    rule->args[index] = random_below(random, 70);
    if (arg->family)
        rule->args[index] &= arg->family->mask;
}

static void fill_capability(Random *random, StringSet *strings, PolicyRule *rule)
{
    (void)strings;
    rule->name = PICK("CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN", "CAP_NET_RAW");
}

static void fill_file(Random *random, StringSet *strings, PolicyRule *rule)
{
    rule->name = random_pattern(random, strings);
    rule->access = 1 + random_below(random, 63);
    if (random_below(random, 4) == 0)
        rule->access |= (uint32_t)FILE_EXEC_INHERIT << random_below(random, 3);
    rule->owner = random_below(random, 4) == 0;
    if ((rule->access & FILE_LINK) && random_below(random, 2))
        rule->target = random_pattern(random, strings);
}

static void fill_network(Random *random, StringSet *strings, PolicyRule *rule)
{
    (void)strings;
    rule->name = PICK("inet", "inet6", "netlink", "23");
    rule->type = PICK("stream", "dgram", NULL);
}

static void fill_unix(Random *random, StringSet *strings, PolicyRule *rule)
{
    rule->name = PICK("connect", "bind", "socketpair");
    rule->type = PICK("stream", "dgram");
    rule->target = random_below(random, 2) ? random_pattern(random, strings)
                                           : PICK("@abstract", "unnamed", NULL);
}

static void fill_targeted(Random *random, StringSet *strings, PolicyRule *rule)
{
    (void)strings;
    rule->name = PICK("SIGTERM", "SIGRT_3", "exists", "trace", "read");
    rule->target = PICK("self", "child", "recorded", NULL);
}

static void fill_mount(Random *random, StringSet *strings, PolicyRule *rule)
{
    rule->name = PICK("mount", "bind", "umount");
    rule->type = PICK("tmpfs", "proc", NULL);
    rule->options = PICK("ro", "rw,nosuid", NULL);
    rule->source = PICK("tmpfs", "/dev/x", NULL);
    rule->target = random_below(random, 2) ? random_pattern(random, strings) : NULL;
}

static void fill_folder(Random *random, StringSet *strings, PolicyRule *rule)
{
    (void)strings;
    rule->name = PICK("/tmp", "/run", "/var/lib/x", "/a\\x20b");
    if (rule->section == POLICY_TMPFS)
        rule->options = PICK("exec", "exec,mode=0700", NULL);
}

static void (*const fillers[POLICY_SECTION_COUNT])(Random *, StringSet *, PolicyRule *) = {
    [POLICY_SYSCALLS] = fill_call,   [POLICY_CAPABILITIES] = fill_capability,
    [POLICY_FILES] = fill_file,      [POLICY_NETWORK] = fill_network,
    [POLICY_UNIX] = fill_unix,       [POLICY_SIGNALS] = fill_targeted,
    [POLICY_PTRACE] = fill_targeted, [POLICY_MOUNTS] = fill_mount,
    [POLICY_TMPFS] = fill_folder,    [POLICY_VOLUMES] = fill_folder,
};

PolicyRule random_rule(Random *random, StringSet *strings)
{
    PolicyRule rule = {.section = (PolicySection)random_below(random, POLICY_SECTION_COUNT)};

    fillers[rule.section](random, strings, &rule);
    if (random_below(random, 6) == 0)
        rule.deny = POLICY_DENY;
    if (rule.deny && rule.section == POLICY_SYSCALLS)
        rule.deny = (int[]){POLICY_DENY, POLICY_DENY_KILL, POLICY_DENY_LOG, EPERM,
                            133}[random_below(random, 5)];
    rule.keep = random_below(random, 6) == 0;
    if (random_below(random, 4) == 0)
        rule.reason = random_reason(random);
    return rule;
}

static void must(bool done)
{
    if (!done)
        abort();
}

Policy *random_policy(Random *random, unsigned rules)
{
    Policy *policy = policy_new();
    const char *name = PICK("shop", "true", "1", "a.b_c-d", NULL);
    const char *user = PICK("33", "33:33", "www-data", "no", NULL);

    must(policy != NULL);
    must(policy_set_name(policy, name) == 0);
    must(policy_set_user(policy, user) == 0);
    policy_set_archs(policy, random_below(random, 1u << ARCH_COUNT));
    for (unsigned n = random_below(random, 3); n > 0; n--)
        must(policy_add_runtime(policy, PICK("runc", "crun", "0")) == 0);
    policy_set_deny_action(policy, (int[]){EPERM, ENOSYS, 133, POLICY_DENY_KILL,
                                           POLICY_DENY_LOG}[random_below(random, 5)]);
    policy_set_read_only_root(policy, random_below(random, 2));
    policy_set_no_new_privs(policy, random_below(random, 2));
    for (PolicyLimit i = 0; i < POLICY_LIMIT_COUNT; i++)
        policy_set_limit(policy, i, random_below(random, 2) ? 0 : 1ull << random_below(random, 60));
    for (unsigned n = random_below(random, rules + 1); n > 0; n--) {
        const PolicyRule rule = random_rule(random, policy_strings(policy));
        must(policy_add(policy, &rule) == 0);
    }
    policy_sort(policy);
    return policy;
}
