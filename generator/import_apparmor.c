/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AppArmor profile to a policy, with its includes and variables expanded. A rule that a policy
 * cannot say is left out, which denies it, or becomes what is next to it; each such rule is told.
 */
#include "generator/import_apparmor.h"

#include "base/escape.h"
#include "base/memory.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>

static const char default_folder[] = "/etc/apparmor.d";

/* ---- notes and reasons ---------------------------------------------------------------------- */

/* FILE below the folder FOLDER, or NULL. */
static const char *below(const char *file, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(file, folder, length) == 0 && file[length] == '/' ? file + length + 1 : NULL;
}

/* Where RULE stands: "line 7" of the file itself, else "<abstractions/base>, line 7". */
static int place_text(const ApparmorImport *import, const ApparmorRule *rule, Buffer *out)
{
    const ImportSource *source = import->source;
    const char *name = source->include_count == 0 ? below(rule->file, default_folder) : NULL;

    if (strcmp(rule->file, source->name) == 0)
        return buffer_printf(out, "line %u", rule->line);
    for (size_t i = 0; i < source->include_count && !name; i++)
        name = below(rule->file, source->include[i]);
    return name ? buffer_printf(out, "<%s>, line %u", name, rule->line)
                : buffer_printf(out, "%s, line %u", rule->file, rule->line);
}

/* "FILE:LINE: RULE ", which may be hostile. */
static void begin_note(const ApparmorImport *import, const ApparmorRule *rule)
{
    const size_t length = strlen(rule->text);

    (void)buffer_printf(import->notes, "%s:%u: ", rule->file, rule->line);
    (void)escape_append(import->notes, rule->text, length < 200 ? length : 200);
    (void)buffer_puts(import->notes, length < 200 ? "" : "...");
}

void apparmor_note(const ApparmorImport *import, const ApparmorRule *rule, const char *why)
{
    begin_note(import, rule);
    (void)buffer_printf(import->notes, " %s\n", why);
}

int apparmor_left_out(const ApparmorImport *import, const ApparmorRule *rule, const char *why)
{
    begin_note(import, rule);
    (void)buffer_printf(import->notes, " is left out: %s%s\n", why,
                        rule->deny ? "; what it denies is denied only where no other rule allows it"
                                   : "");
    return 0;
}

int apparmor_add(const ApparmorImport *import, const ApparmorRule *rule, PolicyRule *draft)
{
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;

    (void)buffer_puts(&reason, "apparmor: ");
    if (place_text(import, rule, &reason) < 0)
        return -ENOMEM;
    draft->reason = strset_add(policy_strings(import->policy), buffer_text(&reason));
    draft->deny = rule->deny ? POLICY_DENY : POLICY_ALLOW;
    return draft->reason ? policy_add(import->policy, draft) : -ENOMEM;
}

/* ---- which profile -------------------------------------------------------------------------- */

/* The profile is within another of the file. */
static bool is_child(const ApparmorFile *file, const ApparmorProfile *profile)
{
    for (size_t i = 0; i < apparmor_profiles_count(file); i++) {
        const char *parent = apparmor_profile(file, i)->name;
        const size_t length = strlen(parent);
        if (strncmp(profile->name, parent, length) == 0 &&
            strncmp(profile->name + length, "//", 2) == 0)
            return true;
    }
    return false;
}

static int wrong_profile(const ImportSource *source, const ApparmorFile *file, Error *err)
{
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;

    for (size_t i = 0; i < apparmor_profiles_count(file) && names.length < 500; i++)
        (void)buffer_printf(&names, "%s%.100s", i ? ", " : "", apparmor_profile(file, i)->name);
    if (source->profile)
        return error_set(err, -EINVAL, "%.200s: there is no profile \"%.100s\" in it, but: %s",
                         source->name, source->profile, buffer_text(&names));
    return error_set(err, -EINVAL,
                     "%.200s: there are several profiles in it; --profile says which: %s",
                     source->name, buffer_text(&names));
}

static const ApparmorProfile *find_profile(const ImportSource *source, const ApparmorFile *file)
{
    const ApparmorProfile *found = NULL;

    for (size_t i = 0; i < apparmor_profiles_count(file); i++) {
        const ApparmorProfile *profile = apparmor_profile(file, i);
        if (source->profile) {
            if (strcmp(profile->name, source->profile) == 0)
                return profile;
        } else if (!is_child(file, profile)) {
            if (found)
                return NULL;
            found = profile;
        }
    }
    return found;
}

/* ---- the profile as a whole ----------------------------------------------------------------- */

/* "/usr/sbin/ntpd//hat" as "usr.sbin.ntpd.hat": how Debian names its files of profiles. */
static int set_name(const ApparmorImport *import, Error *err)
{
    const char *own = import->profile->name;
    char name[101];
    size_t length = 0;

    for (const char *c = own; *c && length < sizeof name - 1; c++) {
        const bool plain = isalnum((unsigned char)*c) || *c == '_' || *c == '-' || *c == '.';
        const bool first = length == 0 || name[length - 1] == '.';
        if (!first || isalnum((unsigned char)*c) || *c == '_')
            name[length++] = plain ? *c : '.';
    }
    while (length > 0 && name[length - 1] == '.')
        length--;
    name[length] = '\0';
    if (!policy_name_is_valid(name))
        (void)strcpy(name, "imported");
    const int r = policy_set_name(import->policy, name);
    if (r < 0)
        return error_errno(err, r, "%s", import->source->name);
    if (strcmp(name, own) != 0)
        (void)buffer_printf(import->notes,
                            "%s:%u: the profile %.200s is called %s in the policy, whose names are "
                            "no paths\n",
                            import->profile->file, import->profile->line, own, name);
    return 0;
}

static const struct {
    const char *flag, *note;
} flags[] = {
    {"complain", "only complains; the policy is for enforcing"},
    {"unconfined", "confines nothing, while the policy allows only what is listed"},
    {"kill", "kills who breaks a rule; the policy's AppArmor profile refuses"},
    {"audit", "logs all that it allows; a policy logs what is denied"},
};

static void note_profile(const ApparmorImport *import, const ApparmorFile *file)
{
    const ApparmorProfile *profile = import->profile;
    const size_t length = strlen(profile->name);

    for (size_t i = 0; i < apparmor_missing_count(file); i++)
        (void)buffer_printf(import->notes,
                            "%s: the include %s is not there, so its rules are missing; --include "
                            "names a folder to look in\n",
                            import->source->name, apparmor_missing(file, i));
    for (size_t f = 0; f < profile->flags_count; f++) {
        for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
            if (strcmp(flags[i].flag, profile->flags[f]) == 0)
                (void)buffer_printf(import->notes, "%s:%u: the profile %.200s %s\n", profile->file,
                                    profile->line, profile->name, flags[i].note);
        }
    }
    for (size_t i = 0; i < apparmor_profiles_count(file); i++) {
        const ApparmorProfile *other = apparmor_profile(file, i);
        if (strncmp(other->name, profile->name, length) == 0 &&
            strncmp(other->name + length, "//", 2) == 0)
            (void)buffer_printf(import->notes,
                                "%s:%u: the %s %.200s is not carried over; --profile %.200s makes "
                                "a policy of it\n",
                                other->file, other->line, other->hat ? "hat" : "child profile",
                                other->name, other->name);
    }
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* What each class of rules becomes. No function: a policy has none of it. */
static int (*const takers[APPARMOR_CLASS_COUNT])(ApparmorImport *import,
                                                 const ApparmorRule *rule) = {
    [APPARMOR_FILE] = apparmor_take_file,
    [APPARMOR_LINK] = apparmor_take_link,
    [APPARMOR_CAPABILITY] = apparmor_take_capability,
    [APPARMOR_NETWORK] = apparmor_take_network,
    [APPARMOR_UNIX] = apparmor_take_unix,
    [APPARMOR_SIGNAL] = apparmor_take_signal,
    [APPARMOR_PTRACE] = apparmor_take_ptrace,
    [APPARMOR_MOUNT] = apparmor_take_mount,
    [APPARMOR_UMOUNT] = apparmor_take_umount,
    [APPARMOR_PIVOT_ROOT] = apparmor_take_pivot_root,
    [APPARMOR_RLIMIT] = apparmor_take_rlimit,
};

/* What every generated profile has anyway. */
static bool is_in_baseline(const ApparmorRule *rule)
{
    for (size_t i = 0; i < baseline_rules_count; i++) {
        const size_t length = strlen(baseline_rules[i].rule);
        if (strncmp(rule->text, baseline_rules[i].rule, length) == 0 &&
            strcmp(rule->text + length, ",") == 0)
            return true;
    }
    return false;
}

static int take_rule(ApparmorImport *import, const ApparmorRule *rule)
{
    if (is_in_baseline(rule))
        return 0;
    if (!takers[rule->class])
        return apparmor_left_out(import, rule, "a policy has no such rules");
    if (rule->priority != 0 && !rule->deny)
        return apparmor_left_out(import, rule, "a policy's rules have no priority");
    if (rule->audit)
        apparmor_note(import, rule, "is logged when it is used; a policy's rules are not");
    return takers[rule->class](import, rule);
}

/* The profile's name as apparmor_read() has it in patterns, for "peer=@{profile_name}". */
static const char *own_pattern(const ApparmorImport *import)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;

    for (const char *c = import->profile->name; *c; c++) {
        if (strchr("*?[]{}^,\\", *c))
            (void)buffer_putc(&pattern, '\\');
        (void)buffer_putc(&pattern, *c);
    }
    return pattern.error ? NULL : strset_add(policy_strings(import->policy), buffer_text(&pattern));
}

static int take_profile(ApparmorImport *import, const ApparmorFile *file, Error *err)
{
    int r = set_name(import, err);

    if (r < 0)
        return r;
    import->own = own_pattern(import);
    if (!import->own)
        r = -ENOMEM;
    for (size_t i = 0; i < import->profile->rules_count && r == 0; i++)
        r = take_rule(import, &import->profile->rules[i]);
    if (r == 0)
        r = apparmor_take_execs(import);
    if (r == 0)
        r = apparmor_take_ptraces(import);
    if (r == 0)
        r = apparmor_take_sockets(import);
    if (r < 0)
        return error_errno(err, r, "%s", import->source->name);
    note_profile(import, file);
    return 0;
}

static void import_deinit(ApparmorImport *import)
{
    free(import->execs);
    free(import->ptraces);
    free(import->sockets);
    import->policy = policy_free(import->policy);
}

int import_apparmor_rules(const ImportSource *source, Imported *ret_imported, Buffer *notes,
                          Error *err)
{
    const ApparmorReadOptions options = {.include = source->include,
                                         .include_count = source->include_count,
                                         .missing_includes = true};
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    CLEANUP(import_deinit)
    ApparmorImport import = {.source = source, .policy = import_policy_new(), .notes = notes};
    int r;

    if (!import.policy)
        return error_errno(err, -ENOMEM, "%s", source->name);
    r = apparmor_parse(source->name, source->text, source->length, &options, &file, err);
    if (r < 0)
        return r;
    import.profile = find_profile(source, file);
    if (!import.profile)
        return wrong_profile(source, file, err);
    r = take_profile(&import, file, err);
    if (r < 0)
        return r;
    policy_sort(import.policy);
    ret_imported->policy = TAKE(import.policy);
    return 0;
}

int import_apparmor(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    const int r = import_apparmor_rules(source, ret_imported, notes, err);

    if (r == 0)
        (void)buffer_printf(notes,
                            "%s: an AppArmor profile says nothing of system calls, and so does the "
                            "policy: `whittle generate --format policy,apparmor`\n",
                            source->name);
    return r;
}

bool import_apparmor_detect(const ImportSource *source)
{
    return apparmor_detect(source->text, source->length);
}
