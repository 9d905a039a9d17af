/* SPDX-License-Identifier: Apache-2.0 */
/* Two files of AppArmor profiles: apparmor_compare() finds what differs, here it gets its words and
 * its risk. */
#include "generator/apparmor_implied.h"
#include "generator/diff_private.h"

#include "base/escape.h"
#include "base/memory.h"
#include "generator/apparmor_compare.h"

#include <ctype.h>
#include <errno.h>

typedef struct Comparison {
    Diff *diff;
    const char *prefix; /* before the names of sections */
    const char *child;  /* "" or the profile's name, where a file has several */
    DiffKind kind;
    Error *err;
} Comparison;

/* How a class is called among the sections of a policy, and which rows of risk are its. */
static const struct {
    const char *section;
    const char *risk; /* the kind of row; NULL: a setting called "apparmor-CLASS" */
} classes[APPARMOR_CLASS_COUNT] = {
    [APPARMOR_FILE] = {"files", "path"},
    [APPARMOR_LINK] = {"files", "path"},
    [APPARMOR_CAPABILITY] = {"capabilities", "capability"},
    [APPARMOR_NETWORK] = {"network", "network"},
    [APPARMOR_UNIX] = {"unix", "unix"},
    [APPARMOR_SIGNAL] = {"signals", "signal"},
    [APPARMOR_PTRACE] = {"ptrace", "ptrace"},
    [APPARMOR_MOUNT] = {"mounts", "mount"},
    [APPARMOR_UMOUNT] = {"mounts", "mount"},
    [APPARMOR_PIVOT_ROOT] = {"mounts", "mount"},
};

static const char *section_of(const ApparmorRule *rule)
{
    return !rule                          ? "profile"
           : classes[rule->class].section ? classes[rule->class].section
                                          : apparmor_class_name(rule->class);
}

/* Pattern INDEX of field FIELD; NULL where it says anything. */
static const char *pattern_of(const ApparmorRule *rule, size_t field, size_t index)
{
    return index < rule->fields[field].count ? rule->fields[field].patterns[index] : NULL;
}

/* FILE_* of a change to a rule for files. */
static uint32_t file_access(const ApparmorChange *change)
{
    const char *transition = change->transition ? change->transition : change->rule->transition;
    uint32_t access = change->access & ~(uint32_t)APPARMOR_EXEC;

    if ((change->access & APPARMOR_EXEC) == 0)
        return access;
    if (transition && tolower((unsigned char)transition[0]) == 'i')
        return access | FILE_EXEC_INHERIT;
    if (!transition || strchr(transition, 'u') || strchr(transition, 'U'))
        return access | FILE_EXEC_UNCONFINED;
    return access | FILE_EXEC_PROFILE;
}

/* "net_raw" to "CAP_NET_RAW". */
static const char *capability_name(const char *word, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "CAP_");

    for (; word && *word && used + 1 < size; word++)
        out[used++] = (char)toupper((unsigned char)*word);
    out[used] = '\0';
    return out;
}

static const RiskRow *worse(const RiskRow *a, const RiskRow *b)
{
    return !a || (b && risk_of_row(b) > risk_of_row(a)) ? b : a;
}

static const RiskRow *risk_of_pattern(const ApparmorChange *change, const char *pattern)
{
    const ApparmorRule *rule = change->rule;
    char name[64];

    switch (rule->class) {
    case APPARMOR_FILE:
    case APPARMOR_LINK:
        return risk_of_path(pattern ? pattern : "/**", GLOB_APPARMOR, file_access(change));
    case APPARMOR_CAPABILITY:
        return risk_of_name("capability",
                            capability_name(pattern ? pattern : "sys_admin", name, sizeof name));
    case APPARMOR_NETWORK:
        return risk_of_network(pattern, pattern_of(rule, 1, 0));
    default:
        break;
    }
    if (classes[rule->class].risk)
        return risk_of_name(classes[rule->class].risk, pattern ? pattern : "*");
    (void)snprintf(name, sizeof name, "apparmor-%s", apparmor_class_name(rule->class));
    return risk_of_name("setting", name);
}

static const RiskRow *risk_of(const ApparmorChange *change)
{
    const RiskRow *worst = NULL;
    size_t i = 0;

    if (!change->rule)
        return risk_of_name("setting", change->setting ? change->setting : "apparmor-weaker");
    do
        worst = worse(worst, risk_of_pattern(change, pattern_of(change->rule, 0, i)));
    while (++i < change->rule->fields[0].count);
    return worst;
}

/* The permissions of ACCESS, joined by BETWEEN. */
static void put_access(const ApparmorChange *change, const char *between, Buffer *out)
{
    const ApparmorClass class = change->rule->class;
    const char *transition = change->transition ? change->transition : change->rule->transition;
    size_t told = 0;

    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name = change->access >> bit & 1 ? apparmor_access_name(class, bit) : NULL;
        /* write includes append */
        if (!name ||
            (class == APPARMOR_FILE && (1u << bit) == FILE_APPEND && (change->access & FILE_WRITE)))
            continue;
        if (class == APPARMOR_FILE && (1u << bit) == APPARMOR_EXEC && transition)
            name = transition;
        (void)buffer_printf(out, "%s%s", told++ ? between : "", name);
    }
}

/* "owner /a rw", as a policy has it; variables are expanded. */
static void put_file(const ApparmorChange *change, Buffer *out)
{
    const GlobField *paths = &change->rule->fields[0];

    (void)buffer_printf(out, "%s%s", change->rule->owner ? "owner " : "",
                        paths->count > 1 ? "{" : "");
    for (size_t i = 0; i < paths->count; i++) {
        if (i)
            (void)buffer_putc(out, ',');
        (void)escape_append(out, paths->patterns[i], strlen(paths->patterns[i]));
    }
    (void)buffer_puts(out, paths->count > 1 ? "} " : " ");
    put_access(change, "", out);
}

/* Other rules as they are written. */
static void put_words(const ApparmorChange *change, Buffer *out)
{
    const char *text = change->rule->text;
    size_t length = strlen(text);

    while (length && strchr(", \t", text[length - 1]))
        length--;
    (void)escape_append(out, text, length);
    if (change->access && change->access != change->rule->access) {
        (void)buffer_puts(out, ", of that: ");
        put_access(change, " ", out);
    }
}

static void put_what(const ApparmorChange *change, Buffer *out)
{
    if (!change->rule) {
        (void)buffer_puts(out, change->text ? change->text : "the profile");
        return;
    }
    if (change->rule->class == APPARMOR_FILE && change->rule->fields[0].count)
        put_file(change, out);
    else
        put_words(change, out);
}

static void put_when(const Comparison *comparison, const ApparmorChange *change, Buffer *out)
{
    const bool allowed = comparison->kind == DIFF_ALLOWED;

    if (*comparison->child)
        (void)buffer_printf(out, "in %s", comparison->child);
    if (change->rule && change->who != GLOB_EVERYONE && !change->rule->owner)
        (void)buffer_printf(out, "%sfor what the process %s", out->length ? ", " : "",
                            change->who == GLOB_OWNED ? "owns" : "does not own");
    if (change->rule && apparmor_is_implied(change->rule))
        (void)buffer_printf(out, "%swhich AppArmor adds for hats, children and change_profile",
                            out->length ? ", " : "");
    if (change->undecided)
        (void)buffer_printf(out, "%smaybe: the patterns are too many to tell for certain",
                            out->length ? ", " : "");
    else if (change->rule && !change->whole)
        (void)buffer_printf(out, "%sof which a part %s", out->length ? ", " : "",
                            allowed ? "was allowed" : "still is");
}

/* Programs that a profile comes to be for are confined by it; those that it was for no longer are,
 * but for those of a child, which the parent's rules send there. */
static int tell_attachment(const Comparison *comparison, const ApparmorChange *from)
{
    static const char more[] = "is for more programs";
    const bool gone = comparison->kind == DIFF_FORBIDDEN;
    const bool child = strstr(from->profile->name, "//") != NULL;
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    Change change = {
        .kind = child  ? DIFF_CHANGED
                : gone ? DIFF_ALLOWED
                       : DIFF_FORBIDDEN,
        .section = "profile",
        .name = from->profile->name,
    };

    (void)buffer_printf(&what, "profile %s %s%s%s", from->profile->name,
                        gone ? "is no longer for all programs that it was for" : more,
                        from->text + strlen(more),
                        child  ? ""
                        : gone ? ": nothing here confines those"
                               : ": it confines those, too");
    change.what = buffer_text(&what);
    if (change.kind == DIFF_ALLOWED)
        risk_set(&change, risk_of_name("setting", "apparmor-weaker"));
    return diff_add(comparison->diff, &change);
}

static int tell(const Comparison *comparison, const ApparmorChange *from)
{
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer when = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer section = BUFFER_INIT;
    const char *pattern = from->rule ? pattern_of(from->rule, 0, 0) : NULL;
    char capability[64];
    Change change = {.kind = comparison->kind, .undecided = from->undecided};

    if (from->attachment)
        return tell_attachment(comparison, from);
    put_what(from, &what);
    put_when(comparison, from, &when);
    (void)buffer_printf(&section, "%s%s", comparison->prefix, section_of(from->rule));
    if (pattern && from->rule->class == APPARMOR_CAPABILITY)
        pattern = capability_name(pattern, capability, sizeof capability);
    change.section = buffer_text(&section);
    change.name = pattern ? pattern : buffer_text(&what);
    change.what = buffer_text(&what);
    change.when = when.length ? buffer_text(&when) : NULL;
    if (from->witness && from->rule && (!pattern || strcmp(from->witness, pattern) != 0) &&
        (from->rule->class == APPARMOR_FILE || from->rule->class == APPARMOR_LINK))
        change.example = from->witness;
    if (comparison->kind == DIFF_ALLOWED)
        risk_set(&change, risk_of(from));
    return diff_add(comparison->diff, &change);
}

/* What FRESH allows beyond OLD; either may be NULL. */
static int compare(Comparison *comparison, const ApparmorProfile *old, const ApparmorProfile *fresh,
                   DiffKind kind)
{
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *changes = NULL;
    int r = apparmor_compare(old, fresh, &changes, comparison->err);

    if (r < 0)
        return r;
    comparison->kind = kind;
    for (size_t i = 0; i < apparmor_changes_count(changes) && r == 0; i++)
        r = tell(comparison, apparmor_change(changes, i));
    return r < 0 ? error_errno(comparison->err, r, "comparing AppArmor profiles") : 0;
}

/* A profile that is gone, and no child of another: its programs are no longer confined. */
static int tell_gone(const Comparison *comparison, const ApparmorProfile *profile)
{
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    Change change = {.kind = DIFF_ALLOWED, .section = "profile", .name = profile->name};

    (void)buffer_printf(&what, "profile %s is gone: nothing confines what it was for",
                        profile->name);
    change.what = buffer_text(&what);
    risk_set(&change, risk_of_name("setting", "apparmor-weaker"));
    return diff_add(comparison->diff, &change) < 0
               ? error_errno(comparison->err, -ENOMEM, "comparing AppArmor profiles")
               : 0;
}

int diff_apparmor(const ApparmorFile *old, const ApparmorFile *fresh, const char *prefix,
                  Diff *diff, Error *err)
{
    Comparison comparison = {.diff = diff, .prefix = prefix, .child = "", .err = err};
    const bool several = apparmor_profiles_count(old) > 1 || apparmor_profiles_count(fresh) > 1;
    int r = 0;

    diff_compared(diff, "AppArmor");
    for (size_t i = 0; i < apparmor_profiles_count(fresh) && r == 0; i++) {
        const ApparmorProfile *profile = apparmor_profile(fresh, i);
        const ApparmorProfile *before = apparmor_counterpart(old, profile);
        comparison.child = several ? profile->name : "";
        r = compare(&comparison, before, profile, DIFF_ALLOWED);
        if (r == 0)
            r = compare(&comparison, profile, before, DIFF_FORBIDDEN);
    }
    for (size_t i = 0; i < apparmor_profiles_count(old) && r == 0; i++) {
        const ApparmorProfile *profile = apparmor_profile(old, i);
        if (apparmor_counterpart(fresh, profile))
            continue;
        comparison.child = profile->name;
        r = strstr(profile->name, "//") ? compare(&comparison, NULL, profile, DIFF_FORBIDDEN)
                                        : tell_gone(&comparison, profile);
    }
    return r;
}
