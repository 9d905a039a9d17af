/* SPDX-License-Identifier: Apache-2.0 */
/* Prints who it runs as: to be installed set-user-id or with file capabilities. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");

    printf("uid %d euid %d\n", (int)getuid(), (int)geteuid());
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "CapEff", 6) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
            fputs(line, stdout);
    }
    if (status)
        fclose(status);
    return 0;
}
