/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves its parent, session and folder, then works on for a moment. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    char here[4096];

    if (!getcwd(here, sizeof here) || daemon(0, 0) < 0)
        return 1;
    usleep(200000);
    if (chdir(here) < 0)
        return 1;
    int fd = open("from-the-daemon", O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return 1;
    if (fork() == 0) {
        setsid();
        usleep(100000);
        mkdir("from-its-child", 0700);
    }
    return 0;
}
