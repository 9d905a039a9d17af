/* SPDX-License-Identifier: Apache-2.0 */
#include "own_folder.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char pattern[] = "/tmp/whittle-test-XXXXXX";

char own_folder[sizeof pattern];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void own_folder_enter(void)
{
    memcpy(own_folder, pattern, sizeof pattern);
    ck_assert_ptr_nonnull(mkdtemp(own_folder));
    ck_assert_int_eq(chdir(own_folder), 0);
}

void own_folder_leave(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(nftw(own_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
