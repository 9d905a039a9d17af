/* SPDX-License-Identifier: Apache-2.0 */
/* The table of importers, and what several of them need. */
#include "generator/import.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "generator/import_private.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#define MIB ((size_t)1 << 20)

const Importer importers[] = {
    {"spo", "a resource of the Security Profiles Operator", 64 * MIB, true, import_spo_detect,
     import_spo},
    {"seccomp", "a seccomp profile in JSON", 64 * MIB, false, import_seccomp_detect,
     import_seccomp},
    {"apparmor", "an AppArmor profile", 64 * MIB, true, import_apparmor_detect, import_apparmor},
    {"bane", "a TOML file of bane", 1 * MIB, false, import_bane_detect, import_bane},
    {"audit", "a log of the kernel's audit system", 1024 * MIB, false, import_audit_detect,
     import_audit},
    {"strace", "a log of strace", 1024 * MIB, false, import_strace_detect, import_strace},
};
const size_t importers_count = ARRAY_LENGTH(importers);

void imported_deinit(Imported *imported)
{
    imported->policy = policy_free(imported->policy);
    imported->recording = recording_free(imported->recording);
}

const Importer *importer_by_form(const char *form)
{
    for (size_t i = 0; i < importers_count; i++) {
        if (strcmp(importers[i].form, form) == 0)
            return &importers[i];
    }
    return NULL;
}

static const Importer *detect(const ImportSource *source)
{
    for (size_t i = 0; i < importers_count; i++) {
        if (importers[i].detect(source))
            return &importers[i];
    }
    return NULL;
}

static int unknown_form(const ImportSource *source, Error *err)
{
    CLEANUP(buffer_deinit) Buffer forms = BUFFER_INIT;

    for (size_t i = 0; i < importers_count; i++)
        (void)buffer_printf(&forms, "%s%s", i ? ", " : "", importers[i].what);
    return error_set(err, -EINVAL, "%s does not look like %s; --from says what it is", source->name,
                     buffer_text(&forms));
}

int import_text(const ImportSource *source, const char *form, const Importer **ret_importer,
                Imported *ret_imported, Buffer *notes, Error *err)
{
    const Importer *importer = form ? importer_by_form(form) : detect(source);

    if (!importer)
        return form ? error_set(err, -EINVAL, "there is no form \"%s\"", form)
                    : unknown_form(source, err);
    if (source->length > importer->limit)
        return error_set(err, -EFBIG, "%s: %s has %zu MiB at most", source->name, importer->what,
                         importer->limit / MIB);
    if (source->profile && !importer->several)
        return error_set(err, -EINVAL, "%s: %s has no profiles to choose from: leave out --profile",
                         source->name, importer->what);
    const int r = importer->run(source, ret_imported, notes, err);
    if (r == 0 && ret_importer)
        *ret_importer = importer;
    return r;
}

/* ---- what several need ---------------------------------------------------------------------- */

Policy *import_policy_new(void)
{
    Policy *policy = policy_new();
    uint32_t archs = (uint32_t)1 << arch_native();

    if (policy)
        policy_set_archs(policy, archs);
    return policy;
}

/* 128 bits of FNV-1a from two starts. */
void import_run_id(const ImportSource *source, char out[33])
{
    uint64_t a = 0xcbf29ce484222325u, b = 0x84222325cbf29ce4u;

    for (size_t i = 0; i < source->length; i++) {
        a = (a ^ (unsigned char)source->text[i]) * 0x100000001b3u;
        b = (b ^ (unsigned char)source->text[i]) * 0x100000001b3u + 1;
    }
    (void)snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, a, b);
}

const Capability *import_capability(const char *name)
{
    char text[64] = "CAP_";
    size_t used = strlen(text);

    if (strncasecmp(name, "CAP_", 4) == 0)
        name += 4;
    if (strlen(name) >= sizeof text - used)
        return NULL;
    for (; *name; name++)
        text[used++] = (char)toupper((unsigned char)*name);
    return capability_by_name(text);
}

const char *import_nearest_capability(const char *name)
{
    enum { MAX = 64 };
    CLEANUP(buffer_deinit) Buffer typed = BUFFER_INIT;
    const char *words[MAX + 1] = {0};

    (void)buffer_printf(&typed, "%s%.40s", strncasecmp(name, "CAP_", 4) == 0 ? "" : "CAP_", name);
    for (size_t i = 0; i < typed.length; i++)
        typed.data[i] = (char)toupper((unsigned char)typed.data[i]);
    for (size_t i = 0; i < capability_count() && i < MAX; i++)
        words[i] = capability_at(i)->name;
    return nearest_word(buffer_text(&typed), words);
}

/* ---- Docker's defaults ---------------------------------------------------------------------- */

static bool docker_grants_here(const DefaultGrant *grant, uint64_t caps)
{
    if (strcmp(grant->when, "always") == 0)
        return true;
    if (strcmp(grant->when, "architecture") == 0)
        return has_word(grant->value, arch_name(arch_native()));
    if (strcmp(grant->when, "capability") == 0) {
        const Capability *capability = capability_by_name(grant->value);
        return capability && caps >> capability->number & 1;
    }
    return false;
}

/* What Docker grants under conditions, in a policy's words: no new namespaces; the personalities of
 * Linux; of sockets, all but those of a virtual machine's host, the families that containers use,
 * since a filter has no "all but". */
static const char *const conditional[] = {
    "clone 0=0",
    "personality 0=0",
    "personality 0=8",
    "personality 0=0x20000",
    "personality 0=0x20008",
    "personality 0=0xffffffff",
    "socket 0=AF_INET",
    "socket 0=AF_INET6",
    "socket 0=AF_NETLINK",
    "socket 0=AF_UNIX",
};

#define DOCKERS "Docker's default"

int import_docker_calls(Policy *policy, uint64_t caps)
{
    int r = 0;

    for (size_t i = 0; i < docker_grants_count && r == 0; i++) {
        const DefaultGrant *grant = &docker_grants[i];
        const Syscall *call =
            strcmp(grant->kind, "syscall") == 0 ? syscall_by_name(grant->name) : NULL;
        if (call && syscall_exists(call, policy_archs(policy)) && docker_grants_here(grant, caps))
            r = policy_add(
                policy,
                &(PolicyRule){.section = POLICY_SYSCALLS, .name = grant->name, .reason = DOCKERS});
    }
    for (size_t i = 0; i < ARRAY_LENGTH(conditional) && r == 0; i++) {
        PolicyRule rule;
        r = policy_rule_parse(POLICY_SYSCALLS, conditional[i], policy_strings(policy), &rule, NULL);
        rule.reason = DOCKERS;
        if (r == 0)
            r = policy_add(policy, &rule);
    }
    return r;
}
