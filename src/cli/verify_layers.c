/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify_layers.h"

#include "base/memory.h"
#include "cli/own_files.h"
#include "tracer/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void verify_layers_deinit(VerifyLayers *layers)
{
    seccomp_rules_deinit(&layers->calls);
    landlock_plan_deinit(&layers->landlock);
    layers->withheld = withheld_free(layers->withheld);
    for (size_t i = 0; i < layers->count; i++)
        free(layers->layers[i].detail);
    layers->count = 0;
}

/* Takes DETAIL. */
static int add_layer(VerifyLayers *layers, PolicySection section, LayerState state, Buffer *detail)
{
    char *text = buffer_steal(detail);

    if (!text)
        return -ENOMEM;
    layers->layers[layers->count++] =
        (Layer){.name = policy_section_name(section), .state = state, .detail = text};
    return 0;
}

/* ---- system calls --------------------------------------------------------------------------- */

static int refusal(const void *data, const Syscall *syscall, int arch,
                   const uint64_t args[SYSCALL_ARGS])
{
    const SeccompRules *rules = data;

    if (arch < 0 || !(rules->archs >> arch & 1))
        return REFUSE_KILL; /* what libseccomp does with architectures that a filter has not */
    const int answer = syscall ? seccomp_rules_answer(rules, syscall, args) : rules->default_action;
    if (answer == SECCOMP_ALLOW || answer == SECCOMP_LOG)
        return REFUSE_NOT;
    return answer == SECCOMP_KILL ? REFUSE_KILL : answer;
}

/* The workload itself needs nothing of what only starting a container takes: it is proven without.
 */
static size_t drop_runtime_rules(SeccompRules *rules)
{
    size_t kept = 0;

    for (size_t i = 0; i < rules->count; i++) {
        if (!rules->rules[i].from_runtime)
            rules->rules[kept++] = rules->rules[i];
    }
    const size_t dropped = rules->count - kept;
    rules->count = kept;
    return dropped;
}

static int make_calls(const Policy *policy, VerifyLayers *layers, Error *err)
{
    CLEANUP(buffer_deinit) Buffer detail = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer answer = BUFFER_INIT;
    size_t allowed = 0;

    const int r = seccomp_rules_make(policy, &layers->calls, NULL, err);
    if (r < 0)
        return r;
    const size_t dropped = drop_runtime_rules(&layers->calls);
    for (size_t i = 0; i < layers->calls.count; i++)
        allowed += layers->calls.rules[i].action == SECCOMP_ALLOW;
    layers->enforcement.refusal = refusal;
    layers->enforcement.data = &layers->calls;
    (void)policy_deny_print(layers->calls.default_action, &answer);
    (void)buffer_printf(&detail, "seccomp, %zu rules that allow; all else gets %s", allowed,
                        buffer_text(&answer));
    if (dropped > 0)
        (void)buffer_printf(&detail, "; without the %zu rules that only container runtimes need",
                            dropped);
    return add_layer(layers, POLICY_SYSCALLS, LAYER_ENFORCED, &detail);
}

/* ---- capabilities --------------------------------------------------------------------------- */

uint64_t verify_capabilities(const Policy *policy)
{
    uint64_t set = 0;
    size_t first;
    size_t end;

    policy_range(policy, POLICY_CAPABILITIES, &first, &end);
    for (size_t i = first; i < end; i++) {
        const Capability *known = capability_by_name(policy_rule(policy, i)->name);
        if (known && policy_grants(policy, i))
            set |= UINT64_C(1) << known->number;
    }
    return set;
}

static int make_capabilities(const Policy *policy, VerifyLayers *layers)
{
    CLEANUP(buffer_deinit) Buffer detail = BUFFER_INIT;
    Enforcement *enforcement = &layers->enforcement;
    const uint64_t held = capabilities_held();
    const uint64_t kept = verify_capabilities(policy);
    LayerState state = LAYER_ENFORCED;

    if (may_limit_capabilities()) {
        enforcement->limits_capabilities = true;
        enforcement->capabilities = kept;
        enforcement->withheld = held & ~kept;
        (void)buffer_printf(&detail, "%d kept, %d taken away", __builtin_popcountll(held & kept),
                            __builtin_popcountll(held & ~kept));
    } else if (held == 0) {
        (void)buffer_puts(&detail, "there are none to take away: whittle has none itself, so the "
                                   "command has none and gets none");
    } else {
        state = LAYER_WATCHED;
        (void)buffer_puts(&detail, "taking capabilities away needs CAP_SETPCAP");
    }
    return add_layer(layers, POLICY_CAPABILITIES, state, &detail);
}

/* ---- files and network ---------------------------------------------------------------------- */

static int grant_own_file(void *data, const char *path)
{
    return landlock_plan_grant(data, path, LANDLOCK_READ_FILE | LANDLOCK_EXECUTE);
}

static int make_landlock(const Policy *policy, uint32_t sections, VerifyLayers *layers)
{
    CLEANUP(buffer_deinit) Buffer files = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer tcp = BUFFER_INIT;
    LandlockPlan *plan = &layers->landlock;
    const int version = landlock_version();

    int r = landlock_plan_make(policy, sections, version, plan);
    if (r == 0)
        r = landlock_plan_narrow(plan, landlock_settled);
    if (r == 0 && !plan->files_reason)
        r = each_own_file(grant_own_file, plan);
    if (r < 0)
        return r;
    if (plan->rules.files || plan->rules.tcp)
        layers->enforcement.landlock = &plan->rules;
    if (plan->files_reason)
        (void)buffer_puts(&files, plan->files_reason);
    else
        (void)buffer_printf(&files,
                            "Landlock %d, %zu rules as they are, %zu by the folder around them",
                            version, plan->exact, plan->covered);
    if (plan->tcp_reason)
        (void)buffer_puts(&tcp, plan->tcp_reason);
    else
        (void)buffer_printf(&tcp, "Landlock %d, no TCP", version);
    if (sections >> POLICY_FILES & 1)
        r = add_layer(layers, POLICY_FILES, plan->files_reason ? LAYER_WATCHED : LAYER_PARTLY,
                      &files);
    if (r == 0 && (sections >> POLICY_NETWORK & 1))
        r = add_layer(layers, POLICY_NETWORK, plan->tcp_reason ? LAYER_WATCHED : LAYER_PARTLY,
                      &tcp);
    return r;
}

/* ---- AppArmor ------------------------------------------------------------------------------- */

static int make_apparmor(uint32_t sections, VerifyLayers *layers)
{
    const VerifyApparmor *apparmor = layers->apparmor;
    int r = 0;

    layers->enforcement.apparmor = apparmor->name;
    for (PolicySection i = POLICY_FILES; i <= POLICY_MOUNTS && r == 0; i++) {
        CLEANUP(buffer_deinit) Buffer detail = BUFFER_INIT;
        const bool mediated = (apparmor->mediated >> i & 1) != 0;
        if (!(sections >> i & 1))
            continue;
        (void)buffer_puts(&detail,
                          mediated ? "AppArmor" : "the AppArmor of this kernel does not know them");
        if (mediated && apparmor->unread.length > 0)
            (void)buffer_printf(&detail, "; %s", buffer_text(&apparmor->unread));
        r = add_layer(layers, i, mediated ? LAYER_ENFORCED : LAYER_WATCHED, &detail);
    }
    return r;
}

/* What does without AppArmor. Signals name whom they are for in registers, so that nothing can
 * change between the recorder's answer and the call. */
static int make_without(const Policy *policy, uint32_t sections, VerifyLayers *layers)
{
    int r = make_landlock(policy, sections, layers);

    for (PolicySection i = POLICY_UNIX; i <= POLICY_MOUNTS && r == 0; i++) {
        CLEANUP(buffer_deinit) Buffer detail = BUFFER_INIT;
        const bool asked = i == POLICY_SIGNALS;
        if (!(sections >> i & 1))
            continue;
        if (asked)
            (void)buffer_puts(&detail, "the recorder, which is asked before one is sent");
        else
            (void)buffer_printf(&detail, "only AppArmor can refuse it%s%s",
                                layers->apparmor->obstacle.length ? ": " : "",
                                buffer_text(&layers->apparmor->obstacle));
        r = add_layer(layers, i, asked ? LAYER_ENFORCED : LAYER_WATCHED, &detail);
    }
    return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

int verify_layers_make(const Policy *policy, const Policy *whole, uint32_t sections,
                       const VerifyApparmor *apparmor, VerifyLayers *layers, Error *err)
{
    static const VerifyApparmor none = {.active = false};
    int r = 0;

    layers->apparmor = apparmor ? apparmor : &none;
    layers->enforcement.no_new_privs = policy_no_new_privs(policy);
    if (!(layers->apparmor->mediated >> POLICY_SIGNALS & 1)) {
        layers->withheld = withheld_new(
            whole, policy, whole == policy ? sections & 1u << POLICY_SIGNALS : sections);
        if (!layers->withheld)
            return error_errno(err, ENOMEM, "planning what to enforce");
        layers->enforcement.fact_refusal = withheld_refusal;
        layers->enforcement.fact_data = layers->withheld;
    }
    if (sections >> POLICY_SYSCALLS & 1)
        r = make_calls(policy, layers, err);
    if (r < 0)
        return r;
    if (sections >> POLICY_CAPABILITIES & 1)
        r = make_capabilities(policy, layers);
    if (r == 0)
        r = layers->apparmor->active ? make_apparmor(sections, layers)
                                     : make_without(policy, sections, layers);
    return r < 0 ? error_errno(err, r, "planning what to enforce") : 0;
}

/* A capability that is in the bounding set AppArmor may still refuse. */
void verify_layers_judge(const VerifyLayers *layers, Findings *findings)
{
    const VerifyApparmor *apparmor = layers->apparmor;

    for (size_t i = 0; i < findings->count; i++) {
        Finding *finding = &findings->items[i];
        if (finding->section == POLICY_SYSCALLS)
            finding->refused = layers->enforcement.refusal != NULL;
        else if (finding->section == POLICY_CAPABILITIES)
            finding->refused |= layers->enforcement.limits_capabilities;
        else if (finding->section == POLICY_SIGNALS && layers->withheld)
            finding->refused = true;
        else if (!apparmor->active)
            finding->refused = landlock_plan_refuses(&layers->landlock, finding);
        else if (!apparmor->reads)
            finding->refused = (apparmor->mediated >> finding->section & 1) != 0;
    }
}
