/* SPDX-License-Identifier: Apache-2.0 */
/* For -m32: calls of the i386 table, the multiplexers among them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    long block[3] = {AF_UNIX, SOCK_STREAM, 0};
    const int fd = (int)syscall(SYS_socketcall, 1 /* SYS_SOCKET */, block);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        return 1;
    const int other = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(other, (struct sockaddr *)&address, sizeof address) < 0)
        return 1;
    mkdir("dir", 0755);
    FILE *file = fopen("dir/file", "w");
    if (!file || fputs("x", file) < 0 || fclose(file) != 0)
        return 1;
    struct stat st;
    if (stat("dir/file", &st) < 0 || rename("dir/file", "dir/other") < 0)
        return 1;
    DIR *dir = opendir("dir");
    while (dir && readdir(dir))
        ;
    syscall(SYS_open, "dir/other", O_RDONLY);
    syscall(SYS_oldstat, "dir/other", &st);
    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (system("exit 5") != 0x500)
        return 1;
    return 8;
}
