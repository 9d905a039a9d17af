/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.abstract of an AppArmorProfile: lists of what is allowed, as rules. The operator makes
 * denials of some of them too ("readOnlyPaths" are denied for writing), which here nothing else
 * allows.
 */
#include "generator/import_spo.h"

#include "base/memory.h"

#include <errno.h>

static const char *const part_keys[][8] = {
    {"abstract", "executable", "filesystem", "network", "capability", "ptrace", NULL},
    {"executable", "allowedExecutables", "allowedLibraries", NULL},
    {"filesystem", "readOnlyPaths", "writeOnlyPaths", "readWritePaths", NULL},
    {"network", "allowRaw", "allowedProtocols", "protocols", NULL},
    {"capability", "allowedCapabilities", NULL},
    {"ptrace", "allowedAccess", "peer", NULL},
};

static const struct {
    const char *part, *list;
    uint32_t access;
} path_lists[] = {
    {"executable", "allowedExecutables", FILE_READ | FILE_MMAP_EXEC | FILE_EXEC_INHERIT},
    {"executable", "allowedLibraries", FILE_READ | FILE_MMAP_EXEC},
    {"filesystem", "readOnlyPaths", FILE_READ},
    {"filesystem", "writeOnlyPaths", FILE_WRITE | FILE_LINK | FILE_LOCK},
    {"filesystem", "readWritePaths", FILE_READ | FILE_WRITE | FILE_LINK | FILE_LOCK},
};

/* Adds RULE, which is there because of NODE in LIST. */
static int add(const Spo *spo, Policy *policy, const yaml_node_t *node, const char *list,
               PolicyRule rule)
{
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;

    (void)buffer_printf(&reason, "spo: %s, line %zu", list, node->start_mark.line + 1);
    rule.reason = buffer_text(&reason);
    return reason.error || policy_add(policy, &rule) < 0
               ? error_errno(spo->err, -ENOMEM, "%s", spo->source->name)
               : 0;
}

/* Calls TAKE for each text in LIST of PART. */
static int for_each(const Spo *spo, yaml_node_t *abstract, const char *part, const char *list,
                    int (*take)(const Spo *spo, Policy *policy, const yaml_node_t *node,
                                const char *list, uint32_t access),
                    uint32_t access, Policy *policy)
{
    const yaml_node_t *node = spo_get(spo, spo_get(spo, abstract, part), list);
    int r = 0;

    if (!node || (spo_text(node) && !*spo_text(node)))
        return 0;
    if (node->type != YAML_SEQUENCE_NODE)
        return spo_error(spo, node, "%s is a list", list);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && r == 0; item++) {
        const yaml_node_t *value = yaml_document_get_node(spo->document, *item);
        r = spo_text(value) ? take(spo, policy, value, list, access)
                            : spo_error(spo, value, "%s is a list of texts", list);
    }
    return r;
}

static int take_path(const Spo *spo, Policy *policy, const yaml_node_t *node, const char *list,
                     uint32_t access)
{
    CLEANUP(import_patterns_deinit) ImportPatterns patterns = {0};
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    Error why = {0};
    int r;

    if (strncmp(spo_text(node), "ptrace", 6) == 0) {
        spo_note(spo, node, "a ptrace rule among paths is left out; write it under \"ptrace\"");
        return 0;
    }
    r = import_pattern(&pattern, spo_text(node), &why);
    if (r < 0)
        return spo_error(spo, node, "%s: %s", list, why.text);
    r = import_rooted(&patterns, policy_strings(policy), buffer_text(&pattern));
    if (r == 1)
        return spo_error(spo, node, "%s: \"%.100s\" is no absolute path", list, spo_text(node));
    for (size_t i = 0; i < patterns.count && r == 0; i++)
        r = add(spo, policy, node, list,
                (PolicyRule){.section = POLICY_FILES, .name = patterns.items[i], .access = access});
    return r;
}

static int take_capability(const Spo *spo, Policy *policy, const yaml_node_t *node,
                           const char *list, uint32_t access)
{
    const Capability *capability = import_capability(spo_text(node));
    const char *near = capability ? NULL : import_nearest_capability(spo_text(node));

    (void)access;
    if (!capability)
        return spo_error(spo, node, "there is no capability \"%.60s\"%s%s%s", spo_text(node),
                         near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return add(spo, policy, node, list,
               (PolicyRule){.section = POLICY_CAPABILITIES, .name = capability->name});
}

/* ---- network and ptrace --------------------------------------------------------------------- */

static const struct {
    const char *key, *family, *type;
} sockets[] = {
    {"allowRaw", "inet", "raw"},   {"allowRaw", "inet6", "raw"},   {"allowRaw", "netlink", "raw"},
    {"allowRaw", "packet", "raw"}, {"allowTcp", "inet", "stream"}, {"allowTcp", "inet6", "stream"},
    {"allowUdp", "inet", "dgram"}, {"allowUdp", "inet6", "dgram"},
};

static int add_network(const Spo *spo, Policy *policy, const yaml_node_t *network)
{
    static const char *const protocol_keys[] = {"allowTcp", "allowUdp", NULL};
    const yaml_node_t *protocols = spo_get(spo, network, "allowedProtocols");
    int r;

    if (!protocols)
        protocols = spo_get(spo, network, "protocols");
    r = spo_check_keys(spo, protocols, "allowedProtocols", protocol_keys);
    for (size_t i = 0; i < ARRAY_LENGTH(sockets) && r == 0; i++) {
        const bool raw = strcmp(sockets[i].key, "allowRaw") == 0;
        const yaml_node_t *node = spo_get(spo, raw ? network : protocols, sockets[i].key);
        const char *value = node ? spo_text(node) : "false";
        if (!value || (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
            return spo_error(spo, node, "%s is true or false", sockets[i].key);
        if (strcmp(value, "true") == 0)
            r = add(spo, policy, node, sockets[i].key,
                    (PolicyRule){.section = POLICY_NETWORK,
                                 .name = sockets[i].family,
                                 .type = sockets[i].type});
    }
    return r;
}

enum { READS = 1u << 0 | 1u << 1, TRACES = 1u << 2 | 1u << 3 };

/* Within one policy both sides need their half. */
static int add_ptrace(const Spo *spo, Policy *policy, const yaml_node_t *ptrace)
{
    static const char *const words[] = {"read", "readby", "trace", "tracedby"};
    const yaml_node_t *list = spo_get(spo, ptrace, "allowedAccess");
    const yaml_node_t *peer = spo_get(spo, ptrace, "peer");
    const char *whom = peer ? spo_text(peer) : "@{profile_name}";
    unsigned access = 0;

    if (!list)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(words) && list->type == YAML_SEQUENCE_NODE; i++) {
        for (const yaml_node_item_t *item = list->data.sequence.items.start;
             item < list->data.sequence.items.top; item++) {
            const char *word = spo_text(yaml_document_get_node(spo->document, *item));
            access |= word && strcmp(word, words[i]) == 0 ? 1u << i : 0;
        }
    }
    const bool reads = (access & READS) == READS;
    if (!reads || !whom || strcmp(whom, "@{profile_name}") != 0) {
        spo_note(spo, list,
                 "ptrace is left out: a policy has it between processes under it, both "
                 "sides, and including reading");
        return 0;
    }
    if (!peer)
        spo_note(spo, list, "ptrace is for processes under the policy itself alone");
    return add(spo, policy, list, "ptrace",
               (PolicyRule){.section = POLICY_PTRACE,
                            .name = (access & TRACES) == TRACES ? "trace" : "read"});
}

/* ---- all together --------------------------------------------------------------------------- */

static int check_parts(const Spo *spo, const yaml_node_t *abstract)
{
    int r = spo_check_keys(spo, abstract, part_keys[0][0], part_keys[0] + 1);

    for (size_t i = 1; i < ARRAY_LENGTH(part_keys) && r == 0; i++)
        r = spo_check_keys(spo, spo_get(spo, abstract, part_keys[i][0]), part_keys[i][0],
                           part_keys[i] + 1);
    return r;
}

int spo_import_abstract(const Spo *spo, yaml_node_t *abstract, Imported *ret_imported)
{
    CLEANUP(policy_cleanup) Policy *policy = import_policy_new();
    int r;

    if (!policy)
        return error_errno(spo->err, -ENOMEM, "%s", spo->source->name);
    if (abstract && abstract->type == YAML_SCALAR_NODE && abstract->data.scalar.length == 0)
        abstract = NULL;
    r = check_parts(spo, abstract);
    for (size_t i = 0; i < ARRAY_LENGTH(path_lists) && r == 0; i++)
        r = for_each(spo, abstract, path_lists[i].part, path_lists[i].list, take_path,
                     path_lists[i].access, policy);
    if (r == 0)
        r = for_each(spo, abstract, "capability", "allowedCapabilities", take_capability, 0,
                     policy);
    if (r == 0)
        r = add_network(spo, policy, spo_get(spo, abstract, "network"));
    if (r == 0)
        r = add_ptrace(spo, policy, spo_get(spo, abstract, "ptrace"));
    if (r < 0)
        return r;
    (void)buffer_printf(spo->notes,
                        "%s: the operator's profiles include <abstractions/base>, which is not in "
                        "the policy: what the workload needs of it `whittle record` and `whittle "
                        "generate --update` find\n"
                        "%s: an AppArmorProfile says nothing of system calls, and so does the "
                        "policy: `whittle generate --format policy,apparmor`\n",
                        spo->source->name, spo->source->name);
    policy_sort(policy);
    ret_imported->policy = TAKE(policy);
    return 0;
}
