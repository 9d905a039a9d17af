/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The glob sets and the reader of AppArmor profiles, for tests in Python:
 *   apparmor_tool match                  lines "PATTERN\tPATH" → "0", "1" or "bad"
 *   apparmor_tool contains               lines "WHOLE\tPART" → "1", or "0\tWITNESS"
 *   apparmor_tool show FILE [FOLDER…]    its rules, with variables expanded
 *   apparmor_tool compare OLD NEW [FOLDER…]   what NEW allows beyond OLD
 */
#include "base/memory.h"
#include "generator/apparmor_compare.h"

#include <stdio.h>

static int match_line(const char *first, const char *second, bool contains)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    CLEANUP(buffer_deinit) Buffer witness = BUFFER_INIT;
    size_t a, b;

    if (!set || glob_set_add(set, GLOB_APPARMOR, first, &a, NULL) < 0 ||
        (contains && glob_set_add(set, GLOB_APPARMOR, second, &b, NULL) < 0))
        return puts("bad");
    if (!contains)
        return printf("%d\n", glob_set_matches(set, a, second, strlen(second)));
    const int r = glob_set_contains(set, &a, 1, b, &witness);
    return printf("%d%s%s\n", r, r == 0 ? "\t" : "", buffer_text(&witness));
}

static int match_lines(bool contains)
{
    char line[1 << 16];

    while (fgets(line, sizeof line, stdin)) {
        char *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        if (!tab)
            return EXIT_FAILURE;
        *tab = '\0';
        if (match_line(line, tab + 1, contains) < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static void print_access(ApparmorClass class, uint32_t access)
{
    const char *separator = "";

    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name = apparmor_access_name(class, bit);
        if ((access >> bit & 1) == 0 || !name)
            continue;
        (void)printf("%s%s", separator, name);
        separator = ",";
    }
}

static void print_rule(const ApparmorRule *rule)
{
    (void)printf("  %s%s%s", rule->deny ? "deny " : "", rule->owner ? "owner " : "",
                 apparmor_class_name(rule->class));
    for (size_t f = 0; apparmor_class_field(rule->class, f); f++) {
        const GlobField *field = &rule->fields[f];
        (void)printf(" %s=", apparmor_class_field(rule->class, f));
        for (size_t i = 0; i < field->count; i++)
            (void)printf("%s%s", i ? "|" : "", field->patterns[i]);
    }
    (void)printf(" ");
    print_access(rule->class, rule->access);
    (void)printf("%s%s%s", rule->transition ? " " : "", rule->transition ? rule->transition : "",
                 rule->subset ? " subset" : "");
    if (rule->priority)
        (void)printf(" priority=%d", rule->priority);
    (void)puts("");
}

static int show(const ApparmorFile *file)
{
    for (size_t p = 0; p < apparmor_profiles_count(file); p++) {
        const ApparmorProfile *profile = apparmor_profile(file, p);
        (void)printf("%s%s", profile->name, profile->hat ? " hat" : "");
        for (size_t i = 0; i < profile->attachment.count; i++)
            (void)printf(" %s", profile->attachment.patterns[i]);
        for (size_t i = 0; i < profile->flags_count; i++)
            (void)printf(" flag:%s", profile->flags[i]);
        (void)puts("");
        for (size_t i = 0; i < profile->rules_count; i++)
            print_rule(&profile->rules[i]);
    }
    return EXIT_SUCCESS;
}

static const char *const who_names[] = {"", " owned", " not-owned"};

static int compare(const ApparmorFile *old, const ApparmorFile *fresh)
{
    for (size_t p = 0; p < apparmor_profiles_count(fresh); p++) {
        CLEANUP(apparmor_changes_cleanup) ApparmorChanges *changes = NULL;
        const ApparmorProfile *profile = apparmor_profile(fresh, p);
        Error err = {0};
        if (apparmor_compare(apparmor_counterpart(old, profile), profile, &changes, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            return EXIT_FAILURE;
        }
        for (size_t i = 0; i < apparmor_changes_count(changes); i++) {
            const ApparmorChange *change = apparmor_change(changes, i);
            (void)printf("%s: ", profile->name);
            if (change->text) {
                (void)puts(change->text);
                continue;
            }
            (void)printf("%s\t", change->rule->text);
            print_access(change->rule->class, change->access);
            (void)printf("\t%s%s%s%s%s\t%s\n", change->transition ? change->transition : "",
                         who_names[change->who], change->whole ? " whole" : "",
                         change->undecided ? " undecided" : "", "",
                         change->witness ? change->witness : "");
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    CLEANUP(apparmor_file_cleanup) ApparmorFile *old = NULL;
    CLEANUP(apparmor_file_cleanup) ApparmorFile *fresh = NULL;
    const char *command = argc > 1 ? argv[1] : "";
    const int files = strcmp(command, "compare") == 0 ? 2 : strcmp(command, "show") == 0 ? 1 : 0;
    Error err = {0};

    if (strcmp(command, "match") == 0 || strcmp(command, "contains") == 0)
        return match_lines(strcmp(command, "contains") == 0);
    if (files == 0 || argc < 2 + files)
        return 2;
    const ApparmorReadOptions options = {
        .include = (const char *const *)argv + 2 + files,
        .include_count = (size_t)(argc - 2 - files),
    };
    if (apparmor_read(argv[2], &options, &old, &err) < 0 ||
        (files == 2 && apparmor_read(argv[3], &options, &fresh, &err) < 0)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return files == 2 ? compare(old, fresh) : show(old);
}
