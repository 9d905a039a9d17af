/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/own_files.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

int each_own_file(int (*told)(void *data, const char *path), void *data)
{
    CLEANUP(file_close) FILE *maps = fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 128];
    int r = 0;

    while (maps && r == 0 && fgets(line, sizeof line, maps)) {
        char *path = strchr(line, '/');
        if (!path || !strstr(line, " r-xp "))
            continue;
        path[strcspn(path, "\n")] = '\0';
        r = told(data, path);
    }
    return r;
}
