/* SPDX-License-Identifier: Apache-2.0 */
/* What of two inputs is compared with what: each says as much as it can in the forms that the other
 * has. */
#include "generator/diff_private.h"

#include "base/memory.h"
#include "generator/emitter.h"
#include "generator/pipeline.h"

#include <errno.h>
#include <linux/seccomp.h>

static void profile_drop(SeccompProfile **profile)
{
    if (*profile)
        seccomp_profile_deinit(*profile);
    free(*profile);
}

/* What is worked out of a side for this comparison. */
typedef struct Worked {
    const Policy *policy;
    const SeccompProfile *seccomp;
    bool has_capabilities;
    uint64_t capabilities;
    const ApparmorFile *apparmor; /* NULL where it says no more than the policy */
    Policy *own_policy;
    SeccompProfile *own_seccomp;
    ApparmorFile *own_apparmor;
} Worked;

static void worked_deinit(Worked *worked)
{
    policy_cleanup(&worked->own_policy);
    profile_drop(&worked->own_seccomp);
    worked->own_apparmor = apparmor_file_free(worked->own_apparmor);
}

/* The policy of a recording. Its runtimes are OTHER's, so that these make no difference. */
static int infer(const DiffSide *side, const Policy *other, bool bare, Policy **ret_policy,
                 Error *err)
{
    GenerateInput input = {.recording = side->recording};
    const GenerateOptions options = {.conditions = true};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    int r = generate_policy(&input, &options, &policy, &notes, err);

    if (r == 0 && (other || bare))
        policy_clear_runtimes(policy);
    for (size_t i = 0; r == 0 && other && i < policy_runtimes_count(other); i++)
        r = policy_add_runtime(policy, policy_runtime(other, i));
    if (r == 0 && other) {
        policy_set_deny_action(policy, policy_deny_action(other));
        policy_set_read_only_root(policy, policy_read_only_root(other));
        policy_set_no_new_privs(policy, policy_no_new_privs(other));
        for (PolicyLimit limit = 0; limit < POLICY_LIMIT_COUNT; limit++)
            policy_set_limit(policy, limit, policy_limit(other, limit));
        r = policy_user(other) ? policy_set_user(policy, policy_user(other)) : 0;
    }
    if (r < 0)
        return err && err->code ? r : error_errno(err, r, "%s", side->name);
    policy_sort(policy);
    *ret_policy = TAKE(policy);
    return 0;
}

static uint64_t policy_capabilities(const Policy *policy)
{
    uint64_t caps = 0;
    size_t first, end;

    policy_range(policy, POLICY_CAPABILITIES, &first, &end);
    for (size_t i = first; i < end; i++) {
        const Capability *capability = capability_by_name(policy_rule(policy, i)->name);
        if (capability && policy_grants(policy, i))
            caps |= (uint64_t)1 << capability->number;
    }
    return caps;
}

static int make_seccomp(const DiffSide *side, Worked *worked, Error *err)
{
    CLEANUP(seccomp_rules_deinit) SeccompRules rules = {0};
    int r;

    if (policy_archs(worked->policy) == 0)
        return 0;
    r = seccomp_rules_make(worked->policy, &rules, NULL, err);
    worked->own_seccomp = r == 0 ? calloc(1, sizeof *worked->own_seccomp) : NULL;
    if (r == 0 && !worked->own_seccomp)
        r = error_errno(err, -ENOMEM, "%s", side->name);
    if (r == 0)
        r = seccomp_profile_from_rules(&rules, worked->own_seccomp, err);
    if (r == 0)
        worked->seccomp = worked->own_seccomp;
    else
        error_prefix(err, "%s", side->name);
    return r;
}

/* The folder's profile is just what its policy makes. */
static bool is_derived(const DiffSide *side)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    return side->policy && side->apparmor && policy_name(side->policy) &&
           emit_apparmor(side->policy, &text, NULL, NULL) == 0 &&
           strcmp(buffer_text(&text), buffer_text(&side->apparmor_text)) == 0;
}

/* The AppArmor profile of a policy, where the other side has one. */
static int make_apparmor(const DiffSide *side, Worked *worked, Error *err)
{
    const ApparmorReadOptions options = {.missing_includes = true};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(policy_cleanup) Policy *named = NULL;
    const Policy *policy = worked->policy;
    int r = 0;

    if (!policy_name(policy)) {
        named = policy_new();
        r = named ? policy_merge(named, policy) : -ENOMEM;
        if (r == 0)
            r = policy_set_name(named, POLICY_NAME_DEFAULT);
        if (r < 0)
            return error_errno(err, r, "%s", side->name);
        policy_sort(named);
        policy = named;
    }
    r = emit_apparmor(policy, &text, NULL, err);
    if (r == 0)
        r = apparmor_parse(side->name, buffer_text(&text), text.length, &options,
                           &worked->own_apparmor, err);
    if (r == 0)
        worked->apparmor = worked->own_apparmor;
    return r;
}

/* As OTHER, but allowing nothing. */
static int work_nothing(const DiffSide *side, const Worked *other, Worked *worked, Error *err)
{
    int r = 0;

    worked->has_capabilities = other->has_capabilities;
    if (other->policy) {
        worked->own_policy = policy_new();
        r = worked->own_policy ? 0 : -ENOMEM;
    }
    if (r == 0 && other->policy) {
        policy_set_read_only_root(worked->own_policy, policy_read_only_root(other->policy));
        policy_set_no_new_privs(worked->own_policy, policy_no_new_privs(other->policy));
        if (policy_user(other->policy))
            r = policy_set_user(worked->own_policy, policy_user(other->policy));
        policy_sort(worked->own_policy);
        worked->policy = worked->own_policy;
    }
    if (r == 0 && other->seccomp) {
        worked->own_seccomp = calloc(1, sizeof *worked->own_seccomp);
        r = worked->own_seccomp ? 0 : -ENOMEM;
    }
    if (r == 0 && other->seccomp) {
        worked->own_seccomp->default_answer = SECCOMP_RET_ERRNO | EPERM;
        memcpy(worked->own_seccomp->archs, other->seccomp->archs, sizeof other->seccomp->archs);
        worked->seccomp = worked->own_seccomp;
    }
    return r < 0 ? error_errno(err, r, "%s", side->name) : 0;
}

/* A folder's own files go before what its policy would make of them: they are what is in force. */
static int work(const DiffSide *side, const DiffSide *other, Worked *worked, Error *err)
{
    int r = 0;

    worked->policy = side->policy;
    if (side->recording) {
        r = infer(side, other->policy, other->recording != NULL, &worked->own_policy, err);
        worked->policy = worked->own_policy;
    }
    if (r < 0)
        return r;
    worked->seccomp = side->seccomp;
    worked->apparmor = is_derived(side) ? NULL : side->apparmor;
    worked->has_capabilities = side->has_capabilities || worked->policy;
    worked->capabilities = side->has_capabilities ? side->capabilities
                           : worked->policy       ? policy_capabilities(worked->policy)
                                                  : 0;
    return worked->policy && !side->seccomp ? make_seccomp(side, worked, err) : 0;
}

/* Once, if both sides miss the same. */
static void note_missing(const ApparmorFile *file, Diff *diff)
{
    for (size_t i = 0; i < apparmor_missing_count(file); i++) {
        CLEANUP(buffer_deinit) Buffer note = BUFFER_INIT;
        (void)buffer_printf(&note, "the file %s, which a profile includes, is not here\n",
                            apparmor_missing(file, i));
        if (!strstr(buffer_text(&diff->notes), buffer_text(&note)))
            (void)buffer_puts(&diff->notes, buffer_text(&note));
    }
}

static int compare_apparmor(const DiffInput *old, const DiffInput *fresh, Worked *before,
                            Worked *after, Diff *diff, Error *err)
{
    const bool wanted = before->apparmor || after->apparmor;
    const bool policies = before->policy && after->policy;
    int r = 0;

    if (wanted && !before->apparmor && before->policy)
        r = make_apparmor(&old->side, before, err);
    if (r == 0 && wanted && !after->apparmor && after->policy)
        r = make_apparmor(&fresh->side, after, err);
    if (r < 0 || !before->apparmor || !after->apparmor)
        return r;
    note_missing(before->apparmor, diff);
    note_missing(after->apparmor, diff);
    return diff_apparmor(before->apparmor, after->apparmor, policies ? "AppArmor: " : "", diff,
                         err);
}

static void note_one_sided(const char *what, bool old, bool fresh, Diff *diff)
{
    if (old != fresh)
        (void)buffer_printf(&diff->notes,
                            "not compared: %s, of which only the %s one says "
                            "something\n",
                            what, old ? "old" : "new");
}

int diff_make(const DiffInput *old, const DiffInput *fresh, const Recording *evidence, Diff *diff,
              Error *err)
{
    CLEANUP(worked_deinit) Worked before = {0};
    CLEANUP(worked_deinit) Worked after = {0};
    const bool nothing[] = {strcmp(old->side.kind, "nothing") == 0,
                            strcmp(fresh->side.kind, "nothing") == 0};
    int r = nothing[0] ? 0 : work(&old->side, &fresh->side, &before, err);

    diff->old_name = diff_text(diff, old->path);
    diff->new_name = diff_text(diff, fresh->path);
    diff->old_kind = old->side.kind;
    diff->new_kind = fresh->side.kind;
    if (r == 0 && !nothing[1])
        r = work(&fresh->side, &old->side, &after, err);
    if (r == 0 && nothing[0])
        r = work_nothing(&old->side, &after, &before, err);
    if (r == 0 && nothing[1])
        r = work_nothing(&fresh->side, &before, &after, err);
    if (r == 0 && before.seccomp && after.seccomp)
        r = diff_seccomp(before.seccomp, after.seccomp, diff, err);
    if (r == 0 && before.has_capabilities && after.has_capabilities)
        r = diff_capabilities(before.capabilities, after.capabilities, diff, err);
    if (r == 0 && before.policy && after.policy)
        r = diff_policies(before.policy, after.policy, diff, err);
    if (r == 0)
        r = compare_apparmor(old, fresh, &before, &after, diff, err);
    if (r < 0)
        return r;
    note_one_sided("system calls", before.seccomp, after.seccomp, diff);
    note_one_sided("capabilities", before.has_capabilities, after.has_capabilities, diff);
    note_one_sided("files, network and other rules", before.policy || before.apparmor,
                   after.policy || after.apparmor, diff);
    if (diff->compared.length == 0)
        return error_set(err, -EINVAL,
                         "%s (%s) and %s (%s) have nothing in common that could be compared",
                         old->path, old->side.kind, fresh->path, fresh->side.kind);
    if (evidence)
        r = diff_witnesses(diff, evidence, &(DiffFilters){before.seccomp, after.seccomp});
    if (r == 0)
        r = diff->notes.error ? diff->notes.error : diff->compared.error;
    return r < 0 ? error_errno(err, r, "comparing") : 0;
}
