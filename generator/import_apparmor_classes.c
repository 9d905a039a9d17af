/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of AppArmor profiles that are not about files, as a policy's. */
#include "base/memory.h"
#include "generator/apparmor_private.h"
#include "generator/apparmor_text.h"
#include "generator/import_apparmor.h"

#include <errno.h>

/* ---- questions about rules ------------------------------------------------------------------ */

/* Bits of RULE by their names. */
static bool allows(const ApparmorRule *rule, const char *name)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *access =
            rule->access >> bit & 1 ? apparmor_access_name(rule->class, bit) : NULL;
        if (access && strcmp(access, name) == 0)
            return true;
    }
    return false;
}

static bool allows_all(const ApparmorRule *rule)
{
    for (unsigned bit = 0; apparmor_access_name(rule->class, bit); bit++) {
        if (!(rule->access >> bit & 1))
            return false;
    }
    return true;
}

static bool any_field(const ApparmorRule *rule, size_t first)
{
    for (size_t i = first; i < APPARMOR_FIELDS_MAX; i++) {
        if (rule->fields[i].count > 0)
            return true;
    }
    return false;
}

static bool has_value(const GlobField *field, const char *value)
{
    for (size_t i = 0; i < field->count; i++) {
        if (strcmp(field->patterns[i], value) == 0)
            return true;
    }
    return field->count == 0;
}

/* The peer FIELD may be the profile itself. */
static bool is_own(const ApparmorImport *import, const GlobField *field)
{
    return has_value(field, import->own) || has_value(field, "*") || has_value(field, "**");
}

/* It may be nothing else. */
static bool is_own_alone(const ApparmorImport *import, const GlobField *field)
{
    return field->count == 1 && strcmp(field->patterns[0], import->own) == 0;
}

static int keep_rule(const ApparmorRule ***list, size_t *count, size_t *capacity,
                     const ApparmorRule *rule)
{
    if (array_reserve(list, capacity, *count, sizeof **list) < 0)
        return -ENOMEM;
    (*list)[(*count)++] = rule;
    return 0;
}

/* ---- capabilities --------------------------------------------------------------------------- */

static int add_capability(const ApparmorImport *import, const ApparmorRule *rule,
                          const Capability *capability)
{
    PolicyRule draft = {.section = POLICY_CAPABILITIES, .name = capability->name};

    return apparmor_add(import, rule, &draft);
}

int apparmor_take_capability(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *names = &rule->fields[0];
    int r = 0;

    for (size_t i = 0; i < capability_count() && names->count == 0 && r == 0; i++)
        r = add_capability(import, rule, capability_at(i));
    for (size_t i = 0; i < names->count && r == 0; i++) {
        const Capability *capability = import_capability(names->patterns[i]);
        r = capability ? add_capability(import, rule, capability)
                       : apparmor_left_out(import, rule, "there is no such capability");
    }
    return r;
}

/* ---- network -------------------------------------------------------------------------------- */

static int add_network(const ApparmorImport *import, const ApparmorRule *rule, const char *family,
                       const char *type)
{
    PolicyRule draft = {.section = POLICY_NETWORK, .name = family, .type = type};

    return apparmor_add(import, rule, &draft);
}

int apparmor_take_network(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *types = &rule->fields[1];
    int r = 0;

    if (any_field(rule, 2) || !allows_all(rule))
        return apparmor_left_out(import, rule,
                                 "a policy allows a family of sockets with all addresses and uses");
    if (rule->fields[0].count == 0)
        apparmor_note(import, rule, "becomes a rule for each family that has a name");
    for (const char *const *family = apparmor_families(); *family && r == 0; family++) {
        if (!has_value(&rule->fields[0], *family))
            continue;
        if (types->count == 0)
            r = add_network(import, rule, *family, NULL);
        for (size_t t = 0; t < types->count && r == 0; t++)
            r = add_network(import, rule, *family, types->patterns[t]);
    }
    return r;
}

/* ---- unix ----------------------------------------------------------------------------------- */

enum { UNIX_TYPE, UNIX_PROTOCOL, UNIX_ADDRESS, UNIX_LABEL, UNIX_PEER_ADDRESS, UNIX_PEER_LABEL };

static const char *const unix_types[] = {"dgram", "seqpacket", "stream"};

/* OPERATION with the addresses of FIELD that are abstract, or with none where there is no FIELD. */
static int add_unix(const ApparmorImport *import, const ApparmorRule *rule, const char *operation,
                    const GlobField *field, bool *added)
{
    int r = 0;

    for (size_t t = 0; t < ARRAY_LENGTH(unix_types) && r == 0; t++) {
        PolicyRule draft = {.section = POLICY_UNIX, .name = operation, .type = unix_types[t]};
        if (!has_value(&rule->fields[UNIX_TYPE], unix_types[t]))
            continue;
        if (!field)
            r = apparmor_add(import, rule, &draft);
        *added |= !field;
        for (size_t i = 0; field && i < field->count && r == 0; i++) {
            CLEANUP(import_patterns_deinit) ImportPatterns patterns = {0};
            const char *why = NULL;
            if (field->patterns[i][0] != '@')
                continue;
            r = apparmor_policy_patterns(import, field->patterns[i], false, &patterns, &why);
            if (r < 0 || why)
                continue;
            draft.target = patterns.items[0];
            r = apparmor_add(import, rule, &draft);
            *added = true;
        }
    }
    return r;
}

/* It allows nothing but to have sockets, whoever they are for. */
static bool is_socket_itself(const ApparmorRule *rule)
{
    static const char *const uses[] = {"accept", "bind", "connect", "listen", "receive", "send"};

    for (size_t i = 0; i < ARRAY_LENGTH(uses); i++) {
        if (allows(rule, uses[i]))
            return false;
    }
    return !any_field(rule, UNIX_PROTOCOL);
}

int apparmor_take_sockets(ApparmorImport *import)
{
    bool any = false;
    int r = 0;

    for (size_t i = 0; i < policy_rules_count(import->policy); i++)
        any |= policy_rule(import->policy, i)->section == POLICY_UNIX;
    for (size_t i = 0; i < import->sockets_count && !any && r == 0; i++)
        r = apparmor_left_out(import, import->sockets[i],
                              "no other rule uses unix sockets as a policy says it");
    return r;
}

int apparmor_take_unix(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *own = &rule->fields[UNIX_ADDRESS], *peer = &rule->fields[UNIX_PEER_ADDRESS];
    const bool inside = is_own(import, &rule->fields[UNIX_PEER_LABEL]);
    bool added = false;
    int r = 0;

    if (is_socket_itself(rule) && !rule->deny)
        return keep_rule(&import->sockets, &import->sockets_count, &import->sockets_capacity, rule);
    if (rule->fields[UNIX_PROTOCOL].count || rule->fields[UNIX_LABEL].count)
        return apparmor_left_out(import, rule, "a policy tells no protocols and labels apart");
    if (allows(rule, "bind") && own->count > 0)
        r = add_unix(import, rule, "bind", own, &added);
    if (allows(rule, "connect") && peer->count > 0 && r == 0)
        r = add_unix(import, rule, "connect", peer, &added);
    if (allows(rule, "connect") && own->count == 0 && peer->count == 0 && inside && !rule->deny &&
        r == 0)
        r = add_unix(import, rule, "connect", NULL, &added);
    if (r < 0)
        return r;
    if (!added)
        return apparmor_left_out(import, rule,
                                 "a policy has unix sockets to connect to and abstract addresses");
    apparmor_note(import, rule,
                  "becomes what a policy says of unix sockets: making them, using them within the "
                  "container, and the abstract addresses named");
    return 0;
}

/* ---- signals and ptrace --------------------------------------------------------------------- */

#define OWN_ALONE "is for processes under the policy itself alone"

int apparmor_take_signal(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *set = &rule->fields[0], *peer = &rule->fields[1];
    int r = 0;

    if (!is_own(import, peer))
        return apparmor_left_out(import, rule,
                                 "a policy has signals between processes that are under it; those "
                                 "of runtimes and of docker stop are always let in");
    if (!rule->deny && !allows_all(rule))
        return apparmor_left_out(import, rule,
                                 "under one policy a signal has to be both sent and received");
    if (!is_own_alone(import, peer))
        apparmor_note(import, rule, OWN_ALONE);
    if (set->count == 0)
        return apparmor_add(import, rule,
                            &(PolicyRule){.section = POLICY_SIGNALS, .name = POLICY_ANY_SIGNAL});
    for (int number = 0; number <= 64 && r == 0; number++) {
        char text[32], word[32];
        PolicyRule draft = {.section = POLICY_SIGNALS,
                            .name = number ? signal_text(number, text, sizeof text) : "exists"};
        const char *name = apparmor_signal(draft.name, word, sizeof word);
        if (name && has_value(set, name))
            r = apparmor_add(import, rule, &draft);
    }
    return r;
}

int apparmor_take_ptrace(ApparmorImport *import, const ApparmorRule *rule)
{
    if (!is_own(import, &rule->fields[0]))
        return apparmor_left_out(import, rule,
                                 "a policy has ptrace between processes that are under it");
    if (!is_own_alone(import, &rule->fields[0]))
        apparmor_note(import, rule, OWN_ALONE);
    return keep_rule(&import->ptraces, &import->ptraces_count, &import->ptraces_capacity, rule);
}

/* The way of ptrace by its names of both sides: "read" and "readby". */
static bool has_both(const ApparmorImport *import, bool deny, const char *one, const char *other)
{
    bool has[2] = {false, false};

    for (size_t i = 0; i < import->ptraces_count; i++) {
        const ApparmorRule *rule = import->ptraces[i];
        has[0] |= rule->deny == deny && allows(rule, one);
        has[1] |= rule->deny == deny && allows(rule, other);
    }
    return deny ? has[0] || has[1] : has[0] && has[1];
}

/* Under one policy the one that traces and the one that is traced need a rule each. */
int apparmor_take_ptraces(ApparmorImport *import)
{
    int r = 0;

    for (size_t i = 0; i < import->ptraces_count && r == 0; i++) {
        const ApparmorRule *rule = import->ptraces[i];
        const bool reads = has_both(import, rule->deny, "read", "readby");
        const bool traces = has_both(import, rule->deny, "trace", "tracedby");
        PolicyRule draft = {.section = POLICY_PTRACE, .name = reads && traces ? "trace" : "read"};
        if (reads)
            r = apparmor_add(import, rule, &draft);
        else
            r = apparmor_left_out(import, rule,
                                  "under one policy ptrace needs both sides, and reading");
        if (r == 0 && reads && !traces && (allows(rule, "trace") || allows(rule, "tracedby")))
            apparmor_note(import, rule, "is for reading alone, since tracing needs both sides");
    }
    return r;
}

/* ---- mounts --------------------------------------------------------------------------------- */

enum { MOUNT_SOURCE, MOUNT_WHERE, MOUNT_TYPE, MOUNT_FLAGS, MOUNT_DATA };

#define MOUNT_BROAD                                                                                \
    "a policy's mounts have their options, one type and no data, and places that begin with \"/\""

/* Flags of mount rules that make an operation of its own. */
static const struct {
    const char *flag, *operation;
} operations[] = {
    {"bind", "bind"},
    {"move", "move"},
    {"remount", "remount"},
    {"private", "make-private"},
    {"shared", "make-shared"},
    {"slave", "make-slave"},
    {"unbindable", "make-unbindable"},
};

/* "rw,bind,nosuid" as the policy's operation and options. False where there are two operations. */
static bool read_flags(char *flags, PolicyRule *draft, Buffer *options)
{
    char *rest = flags;

    draft->name = "mount";
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        size_t i = 0;
        while (i < ARRAY_LENGTH(operations) && strcmp(operations[i].flag, word) != 0)
            i++;
        if (i < ARRAY_LENGTH(operations)) {
            if (strcmp(draft->name, "mount") != 0)
                return false;
            draft->name = operations[i].operation;
        } else if (strcmp(word, "rec") != 0 && !apparmor_mount_option(word)) {
            return false;
        } else if (*word && strcmp(word, "rw") != 0) {
            (void)buffer_printf(options, "%s%s", options->length ? "," : "", word);
        }
    }
    draft->options = options->length ? buffer_text(options) : NULL;
    return true;
}

static bool is_plain_type(const GlobField *type)
{
    return type->count == 0 ||
           (type->count == 1 && type->patterns[0][0] &&
            !type->patterns[0][strspn(type->patterns[0], "abcdefghijklmnopqrstuvwxyz0123456789_")]);
}

/* DRAFT for each place of RULE's field WHERE. */
static int add_places(const ApparmorImport *import, const ApparmorRule *rule, size_t where,
                      PolicyRule *draft)
{
    const GlobField *places = &rule->fields[where];
    int r = 0;

    if (places->count == 0)
        return apparmor_add(import, rule, draft);
    for (size_t i = 0; i < places->count && r == 0; i++) {
        CLEANUP(import_patterns_deinit) ImportPatterns patterns = {0};
        const char *why = NULL;
        r = apparmor_policy_patterns(import, places->patterns[i], true, &patterns, &why);
        if (r == 0 && why)
            return apparmor_left_out(import, rule, why);
        for (size_t p = 0; r == 0 && p < patterns.count; p++) {
            const char *place = patterns.items[p];
            const size_t length = strlen(place);
            draft->target = place;
            if (place[length - 1] != '/' && place[length - 1] != '*')
                apparmor_note(import, rule, "is for the folder of that name too");
            r = apparmor_add(import, rule, draft);
        }
    }
    return r;
}

int apparmor_take_mount(ApparmorImport *import, const ApparmorRule *rule)
{
    const GlobField *flags = &rule->fields[MOUNT_FLAGS], *source = &rule->fields[MOUNT_SOURCE];
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer options = BUFFER_INIT;
    CLEANUP(import_patterns_deinit) ImportPatterns sources = {0};
    PolicyRule draft = {.section = POLICY_MOUNTS};
    const char *why = NULL;
    int r = 0;

    if (flags->count != 1 || strchr(flags->patterns[0], '[') || rule->fields[MOUNT_DATA].count ||
        !is_plain_type(&rule->fields[MOUNT_TYPE]) || source->count > 1)
        return apparmor_left_out(import, rule, MOUNT_BROAD);
    mount_flags_print(flags->patterns[0], strlen(flags->patterns[0]), &names);
    (void)buffer_putc(&names, '\0');
    if (names.error)
        return -ENOMEM;
    draft.type = rule->fields[MOUNT_TYPE].count ? rule->fields[MOUNT_TYPE].patterns[0] : NULL;
    if (!read_flags(names.data, &draft, &options) ||
        (draft.type && strcmp(draft.name, "mount") != 0))
        return apparmor_left_out(import, rule, MOUNT_BROAD);
    if (strncmp(draft.name, "make-", 5) == 0 && (source->count || !rule->fields[MOUNT_WHERE].count))
        return apparmor_left_out(import, rule, MOUNT_BROAD);
    if (source->count == 1)
        r = apparmor_policy_patterns(import, source->patterns[0], false, &sources, &why);
    if (r < 0 || why)
        return r < 0 ? r : apparmor_left_out(import, rule, why);
    draft.source = sources.count ? sources.items[0] : NULL;
    return add_places(import, rule, MOUNT_WHERE, &draft);
}

int apparmor_take_umount(ApparmorImport *import, const ApparmorRule *rule)
{
    PolicyRule draft = {.section = POLICY_MOUNTS, .name = "umount"};

    if (any_field(rule, 1))
        return apparmor_left_out(import, rule, MOUNT_BROAD);
    return add_places(import, rule, 0, &draft);
}

int apparmor_take_pivot_root(ApparmorImport *import, const ApparmorRule *rule)
{
    PolicyRule draft = {.section = POLICY_MOUNTS, .name = "pivot_root"};

    if (any_field(rule, 0))
        return apparmor_left_out(import, rule, "a policy allows pivot_root everywhere or not");
    return apparmor_add(import, rule, &draft);
}

/* ---- limits --------------------------------------------------------------------------------- */

int apparmor_take_rlimit(ApparmorImport *import, const ApparmorRule *rule)
{
    const char *resource = rule->fields[0].patterns[0], *value = rule->fields[1].patterns[0];
    char *end;

    errno = 0;
    const unsigned long long limit = strtoull(value, &end, 10);
    if (strcmp(resource, "nofile") != 0 || errno || *end || end == value || limit == 0)
        return apparmor_left_out(import, rule,
                                 "a policy has limits of memory, descriptors and "
                                 "tasks, of a container");
    policy_set_limit(import->policy, POLICY_LIMIT_NOFILE, limit);
    return 0;
}
