/* SPDX-License-Identifier: Apache-2.0 */
/* An AppArmor profile: whatever it is, reading ends well or with a message; what reads is equal to
 * itself. */
#include "base/memory.h"
#include "generator/apparmor_compare.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const nowhere[] = {"/nonexistent"};
    const ApparmorReadOptions options = {
        .include = nowhere, .include_count = 1, .missing_includes = true};
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    Error err = {0};

    (void)apparmor_detect((const char *)data, size);
    if (apparmor_parse("fuzz", (const char *)data, size, &options, &file, &err) < 0) {
        require(file == NULL && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < apparmor_profiles_count(file); i++) {
        CLEANUP(apparmor_changes_cleanup) ApparmorChanges *changes = NULL;
        const ApparmorProfile *profile = apparmor_profile(file, i);
        require(apparmor_counterpart(file, profile) != NULL);
        if (size > 4096) /* comparing is not what this is about */
            continue;
        if (apparmor_compare(profile, profile, &changes, &err) < 0) {
            require(err.text[0] != '\0');
            continue;
        }
        for (size_t c = 0; c < apparmor_changes_count(changes); c++)
            require(apparmor_change(changes, c)->undecided);
    }
    return 0;
}
