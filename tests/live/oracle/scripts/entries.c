/* SPDX-License-Identifier: Apache-2.0 */
/* One program through every door: syscall, int 0x80, an x32 number, numbers nobody knows. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long old_entry(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

int main(void)
{
    char *low =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    old_entry(20 /* getpid */, 0, 0, 0);
    strcpy(low, "by-int80");
    old_entry(5 /* open */, (long)low, O_CREAT | O_WRONLY, 0600);
    old_entry(39 /* mkdir */, (long)strcpy(low, "folder"), 0700, 0);
    old_entry(33 /* access */, (long)strcpy(low, "missing"), 0, 0);
    syscall(0x40000000 + SYS_getpid);
    syscall(0x40000000 + SYS_openat, AT_FDCWD, "by-x32", O_CREAT | O_WRONLY, 0600);
    syscall(SYS_getpid);
    syscall(5000);
    syscall(-7L);
    syscall(0x40000000 + 5000);
    old_entry(20, 0, 0, 0);
    old_entry(5000, 0, 0, 0);
    syscall(SYS_getpid);
    return 0;
}
