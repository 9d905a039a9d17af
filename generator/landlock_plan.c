/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock compares what a file may be used for before and after it is moved (LANDLOCK_ACCESS_FS_
 * REFER): a move must not gain anything. Therefore all folders where files may be made are granted
 * everything: then moves between them gain nothing.
 */
#include "generator/landlock_plan.h"

#include "base/memory.h"

#include <errno.h>

enum { ABI_OF_FILES = 2, ABI_OF_TRUNCATE = 3, ABI_OF_TCP = 4 };

static void landlock_path_deinit(LandlockPath *path)
{
    free(path->path);
    free(path->pattern);
}

void landlock_plan_deinit(LandlockPlan *plan)
{
    for (size_t i = 0; i < plan->rules.count; i++)
        landlock_path_deinit(&plan->rules.paths[i]);
    free(plan->rules.paths);
    *plan = (LandlockPlan){.rules = {.files = 0}};
}

/* Takes what GRANTED owns. */
static int add(LandlockRules *rules, LandlockPath granted)
{
    if (!granted.path ||
        array_reserve(&rules->paths, &rules->capacity, rules->count, sizeof *rules->paths) < 0) {
        landlock_path_deinit(&granted);
        return -ENOMEM;
    }
    rules->paths[rules->count++] = granted;
    return 0;
}

int landlock_plan_grant(LandlockPlan *plan, const char *path, uint32_t access)
{
    return add(&plan->rules, (LandlockPath){.path = strdup(path), .access = access});
}

/* ---- file rules ----------------------------------------------------------------------------- */

/* The folder before the first wildcard of PATTERN, as literal text. 0 or a negative errno. */
static int covering_folder(const char *pattern, Buffer *out)
{
    PatternReader reader = {.at = pattern};
    PatternToken token;

    int r = pattern_next(&reader, &token);
    while (r == 0 && token.kind == PATTERN_BYTE) {
        if (buffer_putc(out, (char)token.byte) < 0)
            return -ENOMEM;
        r = pattern_next(&reader, &token);
    }
    if (r < 0)
        return r;
    const char *text = buffer_text(out);
    const char *slash = strrchr(text, '/');
    if (!slash)
        return -EINVAL;
    out->length = slash == text ? 1 : (size_t)(slash - text);
    out->data[out->length] = '\0';
    return 0;
}

/* Files there appear and disappear with processes, and are other files each time they are asked
 * for: what is granted is granted of all. */
static bool is_of_proc(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0;
}

static uint32_t used_access(const PolicyRule *rule, bool folder)
{
    uint32_t access = 0;

    if (rule->access & FILE_READ)
        access |= folder ? LANDLOCK_READ_DIR : LANDLOCK_READ_FILE | LANDLOCK_READ_DIR;
    /* The kernel reads what it executes. */
    if (rule->access & (FILE_ANY_EXEC | FILE_MMAP_EXEC))
        access |= LANDLOCK_EXECUTE | LANDLOCK_READ_FILE;
    return access;
}

static int add_proc_rule(LandlockPlan *plan, uint32_t access, bool writes)
{
    plan->covered++;
    return landlock_plan_grant(plan, "/proc",
                               access | (writes ? LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE : 0));
}

static int add_file_rule(LandlockPlan *plan, const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const bool makes = (rule->access & (FILE_WRITE | FILE_APPEND | FILE_LINK)) != 0;

    int r = policy_pattern_to_literal(rule->name, &path);
    const bool literal = r == 0;
    if (r == 1)
        r = covering_folder(rule->name, &path);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    const bool folder = literal && path.length > 1 && path.data[path.length - 1] == '/';
    const uint32_t access = used_access(rule, folder);
    if (folder)
        path.data[--path.length] = '\0';
    if (is_of_proc(buffer_text(&path)) || strcmp(buffer_text(&path), "/proc") == 0)
        return add_proc_rule(plan, access, makes);
    if (literal && !makes)
        plan->exact++;
    else
        plan->covered++;
    if (access == 0 && !makes)
        return 0;
    LandlockPath granted = {.path = strdup(buffer_text(&path)), .access = access};
    if (literal && makes)
        granted.around = plan->rules.files;
    else if (makes)
        granted.access = plan->rules.files;
    else if (!literal && !(granted.pattern = strdup(rule->name)))
        r = -ENOMEM;
    const int added = add(&plan->rules, granted);
    return r < 0 ? r : added;
}

static bool grants_call(const Policy *policy, const char *name)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if ((rule->deny == POLICY_ALLOW || rule->deny == POLICY_DENY_LOG) &&
            strcmp(rule->name, name) == 0)
            return true;
    }
    return false;
}

static bool has_grants(const Policy *policy, PolicySection section)
{
    size_t first;
    size_t end;

    policy_range(policy, section, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (policy_grants(policy, i))
            return true;
    }
    return false;
}

/* Why Landlock would refuse what POLICY allows; NULL: it would not. */
static const char *conflict(const Policy *policy)
{
    static const char *const roots[] = {"mount",     "umount2", "move_mount", "fsmount",
                                        "open_tree", "chroot",  "pivot_root", "setns"};

    if (has_grants(policy, POLICY_MOUNTS))
        return "the policy allows mounts, which Landlock never does";
    for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
        if (grants_call(policy, roots[i]))
            return "the policy allows calls that change what paths mean";
    }
    if (has_grants(policy, POLICY_PTRACE))
        return "the policy allows other processes to be read, which Landlock may not";
    return NULL;
}

static int plan_files(const Policy *policy, LandlockPlan *plan)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_FILES, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG)
            continue;
        const int r = add_file_rule(plan, rule);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static bool grants_tcp(const Policy *policy)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_NETWORK, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (policy_grants(policy, i) &&
            (strcmp(rule->name, "inet") == 0 || strcmp(rule->name, "inet6") == 0) &&
            (!rule->type || strcmp(rule->type, "stream") == 0))
            return true;
    }
    return false;
}

/* ---- all ------------------------------------------------------------------------------------ */

int landlock_plan_make(const Policy *policy, uint32_t sections, int abi, LandlockPlan *plan)
{
    LandlockPlan made = {.rules = {.files = 0}};

    if (!(sections >> POLICY_FILES & 1))
        made.files_reason = "not asked for";
    else if (abi < ABI_OF_FILES)
        made.files_reason = "this kernel has no Landlock, or one that forbids all moves of files";
    else
        made.files_reason = conflict(policy);
    if (!made.files_reason)
        made.rules.files = abi < ABI_OF_TRUNCATE ? LANDLOCK_FILES_ABI2 : LANDLOCK_FILES_ABI3;
    if (!(sections >> POLICY_NETWORK & 1))
        made.tcp_reason = "not asked for";
    else if (abi < ABI_OF_TCP)
        made.tcp_reason = "this kernel's Landlock knows no TCP";
    else if (grants_tcp(policy))
        made.tcp_reason = "the policy allows TCP, whatever the port";
    else
        made.rules.tcp = LANDLOCK_TCP;
    const int r = made.files_reason ? 0 : plan_files(policy, &made);
    if (r < 0) {
        landlock_plan_deinit(&made);
        return r;
    }
    *plan = made;
    return 0;
}

/* ---- findings ------------------------------------------------------------------------------- */

/* PATH is FOLDER or beneath it. */
static bool is_beneath(const char *path, const char *folder, size_t length)
{
    if (length == 1)
        return true;
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Is BIT granted of PATH, maybe? */
static bool is_granted(const LandlockRules *rules, const char *path, uint32_t bit)
{
    for (size_t i = 0; i < rules->count; i++) {
        const LandlockPath *granted = &rules->paths[i];
        const char *slash = strrchr(granted->path, '/');
        const size_t folder = slash == granted->path ? 1 : (size_t)(slash - granted->path);
        if ((granted->access & bit) && is_beneath(path, granted->path, strlen(granted->path)))
            return true;
        if ((granted->around & bit) && is_beneath(path, granted->path, folder))
            return true;
    }
    return false;
}

static bool refuses_file(const LandlockPlan *plan, const PolicyRule *rule)
{
    static const struct {
        uint32_t access;
        uint32_t bit;
    } needs[] = {
        {FILE_WRITE | FILE_APPEND, LANDLOCK_WRITE_FILE},
        {FILE_LINK, LANDLOCK_MAKE_REG},
        {FILE_ANY_EXEC, LANDLOCK_EXECUTE},
    };
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    if (plan->rules.files == 0 || policy_pattern_to_literal(rule->name, &path) != 0)
        return false;
    const bool folder = path.length > 1 && path.data[path.length - 1] == '/';
    if (folder)
        path.data[--path.length] = '\0';
    if ((rule->access & FILE_READ) && !is_granted(&plan->rules, buffer_text(&path),
                                                  folder ? LANDLOCK_READ_DIR : LANDLOCK_READ_FILE))
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(needs); i++) {
        if ((rule->access & needs[i].access) &&
            !is_granted(&plan->rules, buffer_text(&path), needs[i].bit))
            return true;
    }
    return false;
}

bool landlock_plan_refuses(const LandlockPlan *plan, const Finding *finding)
{
    Policy *scratch = policy_new();
    PolicyRule rule;
    Error err = {0};
    bool refused = false;

    if (scratch && policy_rule_parse(finding->section, finding->rule, policy_strings(scratch),
                                     &rule, &err) == 0) {
        if (finding->section == POLICY_FILES)
            refused = refuses_file(plan, &rule);
        else if (finding->section == POLICY_NETWORK)
            refused = plan->rules.tcp != 0 && rule.type && strcmp(rule.type, "stream") == 0 &&
                      (strcmp(rule.name, "inet") == 0 || strcmp(rule.name, "inet6") == 0);
    }
    (void)policy_free(scratch);
    return refused;
}
