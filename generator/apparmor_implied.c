/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that nobody has written. */
#include "generator/apparmor_implied.h"

#include "model/policy.h"

static const char *const folder[] = {"/proc/*/attr/apparmor/"};
static const char *const enabled[] = {"/sys/module/apparmor/parameters/enabled"};
static const char *const hat[] = {"/proc/[0-9]*/attr/{apparmor/,}current"};
static const char *const change[] = {"/proc/*/attr/{apparmor/,}{current,exec}"};

enum { FOLDER, ENABLED, HAT, CHANGE };

#define IMPLIED(path, letter)                                                                      \
    {                                                                                              \
        .class = APPARMOR_FILE, .owner = true, .access = (letter), .fields = {{(path), 1}},        \
        .text = "", .file = ""                                                                     \
    }

static const ApparmorRule implied[APPARMOR_IMPLIED_MAX] = {
    [FOLDER] = IMPLIED(folder, FILE_READ),
    [ENABLED] = IMPLIED(enabled, FILE_READ),
    [HAT] = IMPLIED(hat, FILE_WRITE),
    [CHANGE] = IMPLIED(change, FILE_WRITE),
};

size_t apparmor_implied(const ApparmorProfile *profile,
                        const ApparmorRule *rules[APPARMOR_IMPLIED_MAX])
{
    const bool hats = profile->hat || profile->has_children;
    bool changes = false;
    size_t count = 0;

    for (size_t i = 0; i < profile->rules_count && !changes; i++)
        changes = profile->rules[i].class == APPARMOR_CHANGE_PROFILE;
    if (hats || changes) {
        rules[count++] = &implied[FOLDER];
        rules[count++] = &implied[ENABLED];
    }
    if (hats)
        rules[count++] = &implied[HAT];
    if (changes)
        rules[count++] = &implied[CHANGE];
    return count;
}

bool apparmor_is_implied(const ApparmorRule *rule)
{
    return rule >= implied && rule < implied + APPARMOR_IMPLIED_MAX;
}
