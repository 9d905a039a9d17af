/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile: what parses is compared with itself, which finds nothing, and with another. */
#include "base/memory.h"
#include "generator/diff_private.h"
#include "require.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const SeccompProfile *old, const SeccompProfile *fresh, size_t *counts)
{
    __attribute__((cleanup(diff_deinit))) Diff diff = {0};
    Error err = {0};

    require(diff_init(&diff) == 0);
    require(diff_seccomp(old, fresh, &diff, &err) == 0);
    (void)diff_finish(&diff);
    for (DiffKind kind = 0; kind < DIFF_KIND_COUNT; kind++)
        counts[kind] = diff_count(&diff, kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char other_text[] =
        "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86_64\", "
        "\"SCMP_ARCH_X86\"], \"syscalls\": [{\"names\": [\"socket\", \"read\"], \"action\": "
        "\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 7, \"op\": \"SCMP_CMP_LE\"}]}]}";
    __attribute__((cleanup(seccomp_profile_deinit))) SeccompProfile profile = {0};
    __attribute__((cleanup(seccomp_profile_deinit))) SeccompProfile other = {0};
    size_t same[DIFF_KIND_COUNT], there[DIFF_KIND_COUNT], back[DIFF_KIND_COUNT];
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Error err = {0};

    (void)seccomp_profile_detect((const char *)data, size);
    if (seccomp_profile_parse("fuzz", (const char *)data, size, &profile, &notes, &err) < 0) {
        require(profile.entries == NULL && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    require(seccomp_profile_parse("other", other_text, sizeof other_text - 1, &other, NULL, NULL) ==
            0);
    compare(&profile, &profile, same);
    require(same[DIFF_ALLOWED] == 0 && same[DIFF_FORBIDDEN] == 0 && same[DIFF_CHANGED] == 0);
    compare(&profile, &other, there);
    compare(&other, &profile, back);
    return 0;
}
