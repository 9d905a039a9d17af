/* SPDX-License-Identifier: Apache-2.0 */
/* A 64-bit program that makes calls by the 32-bit entry (int 0x80) and with x32 numbers. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
#ifdef __x86_64__
    long result = 20; /* getpid in i386's table, writev in x86_64's */

    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    printf("%s\n", result == getpid() ? "same" : "other");
    (void)syscall(0x40000000 + SYS_getuid);
#endif
    return 0;
}
