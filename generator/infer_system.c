/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, network, unix sockets, signals, ptrace and mounts: a fact of the kind is a rule. */
#include "base/memory.h"
#include "generator/apparmor_text.h"
#include "generator/infer_private.h"
#include "generator/path_shapes.h"

#include <ctype.h>
#include <errno.h>

/* A word of a rule: what may stand in one as it is. */
static bool is_plain(const char *word)
{
    if (!word || !*word)
        return false;
    for (const char *c = word; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return false;
    }
    return true;
}

/* ---- capabilities --------------------------------------------------------------------------- */

static bool is_needed(const Fact *fact)
{
    return fact->phase != PHASE_RUNTIME_INIT && results_may_succeed(&fact->results);
}

/* open_by_handle_at(2) (fs/fhandle.c) */
bool infer_asks_strictly(const Fact *fact)
{
    const char *syscall = fact_text(fact, FIELD_SYSCALL);

    return syscall && strcmp(fact->name, "CAP_DAC_READ_SEARCH") == 0 &&
           strcmp(syscall, "open_by_handle_at") == 0;
}

/* The bits of what CAPABILITY includes. */
static uint64_t implied_by(const Capability *capability)
{
    uint64_t bits = 0;

    for (const char *const *name = capability->implied; name && *name; name++) {
        const Capability *smaller = capability_by_name(*name);
        if (smaller)
            bits |= (uint64_t)1 << smaller->number;
    }
    return bits;
}

/* What a policy grants for FACT, which needed CAPABILITY: a smaller one, where that will do. */
static const Capability *enough(const Fact *fact, const Capability *capability)
{
    const char *alternative = fact_text(fact, FIELD_ALTERNATIVE);
    const Capability *smaller = alternative ? capability_by_name(alternative) : NULL;

    return smaller ? smaller : capability;
}

/* What was needed, without what a larger one that is needed anyway includes. */
static int add_capabilities(const Recording *recording, Policy *policy)
{
    uint64_t needed = 0;
    uint64_t strictly = 0;
    uint64_t implied = 0;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        const Capability *capability = fact->kind == FACT_CAPABILITY && is_needed(fact)
                                           ? capability_by_name(fact->name)
                                           : NULL;
        if (!capability)
            continue;
        capability = enough(fact, capability);
        needed |= (uint64_t)1 << capability->number;
        strictly |= infer_asks_strictly(fact) ? (uint64_t)1 << capability->number : 0;
        implied |= implied_by(capability);
    }
    needed &= ~implied | strictly;
    for (size_t i = 0; i < capability_count(); i++) {
        const Capability *capability = capability_at(i);
        const PolicyRule rule = {.section = POLICY_CAPABILITIES, .name = capability->name};
        if ((needed >> capability->number & 1) && policy_add(policy, &rule) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- the others ----------------------------------------------------------------------------- */

static int add_network(const Fact *fact, Policy *policy)
{
    const char *family = fact_text(fact, FIELD_FAMILY);
    const char *type = fact_text(fact, FIELD_SOCKET_TYPE);

    if (!is_plain(family) || strcmp(family, "unix") == 0)
        return 0;
    return policy_add(policy, &(PolicyRule){.section = POLICY_NETWORK,
                                            .name = family,
                                            .type = is_plain(type) ? type : NULL});
}

/*
 * An abstract address comes as "@" and text in which a byte that is none is \\xHH already, as in a
 * pattern; only a zero byte has no name there.
 */
static void append_address(Buffer *out, const char *text)
{
    const char *at = text;

    while (*at) {
        const size_t plain = text[0] == '@' ? strcspn(at, "\\") : strlen(at);
        (void)policy_pattern_append_literal(out, at, plain);
        at += plain;
        if (strncmp(at, "\\x00", 4) == 0)
            (void)buffer_putc(out, '?');
        else
            (void)buffer_append(out, at, strnlen(at, 4));
        at += strnlen(at, 4);
    }
}

/* With SHAPES (NULL: none) what of a path is different in every run is a pattern: a path is all
 * that tells one socket from another, so the file's rule alone would not do. */
int infer_unix_fact(const Fact *fact, const PathShapes *shapes, Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer address = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;
    const char *type = fact_text(fact, FIELD_SOCKET_TYPE);
    const char *text = fact_text(fact, FIELD_ADDRESS);

    if (!is_plain(fact->name) || !is_plain(type))
        return 0;
    if (text && text[0] == '/' && shapes)
        (void)path_shapes_pattern(shapes, text, false, &address, &reason);
    else if (text)
        append_address(&address, text);
    if (address.error || reason.error)
        return -ENOMEM;
    return policy_add(policy, &(PolicyRule){.section = POLICY_UNIX,
                                            .name = fact->name,
                                            .type = type,
                                            .target = address.length ? buffer_text(&address) : NULL,
                                            .reason = reason.length ? buffer_text(&reason) : NULL});
}

static int add_unix(const Fact *fact, Policy *policy)
{
    return infer_unix_fact(fact, NULL, policy);
}

static int add_targeted(const Fact *fact, Policy *policy)
{
    const char *target = fact_text(fact, FIELD_TARGET);

    if (!is_plain(fact->name))
        return 0;
    return policy_add(
        policy, &(PolicyRule){.section = fact->kind == FACT_SIGNAL ? POLICY_SIGNALS : POLICY_PTRACE,
                              .name = fact->name,
                              .target = is_plain(target) ? target : NULL});
}

/* "MS_RDONLY|MS_NOSUID" as mount(8) would write it. */
static int append_options(Buffer *out, const char *flags)
{
    CLEANUP(free_pointer) char *copy = strdup(flags ? flags : "");
    char *rest = copy;

    if (!copy)
        return -ENOMEM;
    for (char *word = strsep(&rest, "|"); word; word = strsep(&rest, "|")) {
        const char *option = apparmor_mount_option(word);
        if (*word)
            (void)buffer_printf(out, "%s%s", out->length ? "," : "", option ? option : word);
    }
    return out->error;
}

static int add_mount(const Fact *fact, Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer source = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer target = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer options = BUFFER_INIT;
    const char *from = fact_text(fact, FIELD_SOURCE);
    const char *to = fact_text(fact, FIELD_TARGET);
    const char *type = fact_text(fact, FIELD_FSTYPE);
    const char *flags = fact_text(fact, FIELD_FLAGS);

    if (!is_plain(fact->name))
        return 0;
    if (from)
        (void)policy_pattern_append_literal(&source, from, strlen(from));
    if (to && to[0] == '/')
        (void)policy_pattern_append_literal(&target, to, strlen(to));
    if (append_options(&options, flags) < 0)
        return -ENOMEM;
    if (source.error || target.error || options.error)
        return -ENOMEM;
    return policy_add(policy, &(PolicyRule){
                                  .section = POLICY_MOUNTS,
                                  .name = fact->name,
                                  .type = is_plain(type) ? type : NULL,
                                  .source = source.length ? buffer_text(&source) : NULL,
                                  .target = target.length ? buffer_text(&target) : NULL,
                                  .options = options.length ? buffer_text(&options) : NULL,
                              });
}

static int (*const adders[FACT_KIND_COUNT])(const Fact *, Policy *) = {
    [FACT_NETWORK] = add_network, [FACT_UNIX] = add_unix,   [FACT_SIGNAL] = add_targeted,
    [FACT_PTRACE] = add_targeted, [FACT_MOUNT] = add_mount,
};

int infer_system_fact(const Fact *fact, Policy *policy)
{
    if (!is_needed(fact))
        return 0;
    if (fact->kind == FACT_CAPABILITY) {
        const Capability *capability = capability_by_name(fact->name);
        return capability
                   ? policy_add(policy, &(PolicyRule){.section = POLICY_CAPABILITIES,
                                                      .name = enough(fact, capability)->name})
                   : 0;
    }
    return adders[fact->kind] ? adders[fact->kind](fact, policy) : 0;
}

int infer_system(const Recording *recording, const PathShapes *shapes, Policy *policy)
{
    int r = add_capabilities(recording, policy);

    for (size_t i = 0; i < recording_facts_count(recording) && r == 0; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (!adders[fact->kind] || !is_needed(fact))
            continue;
        r = fact->kind == FACT_UNIX ? infer_unix_fact(fact, shapes, policy)
                                    : adders[fact->kind](fact, policy);
    }
    return r;
}
