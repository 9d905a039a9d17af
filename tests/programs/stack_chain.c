/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens /stack-chain below calls of its own and of a shared library's, and says what libgcc's
 * unwinder sees from there: a line a frame, "FILE+0xADDRESS", those of its own functions first.
 * With OPEN_APART it asks the kernel in a function of its own, which is called by its name.
 * "jit": through code that it made, which it names in /tmp/perf-PID.map.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stack_library.h"

static volatile int after; /* so that no call is the last thing that a function does */

#ifdef OPEN_APART
APART static int open_apart(const char *path, int flags)
{
    volatile char room[256]; /* so that it has a frame */
    long result = SYS_open;

    room[0] = 0;
    __asm__ volatile("syscall" : "+a"(result) : "D"(path), "S"(flags) : "rcx", "r11", "memory");
    after += room[0];
    return (int)result;
}
#else
#define open_apart open
#endif

APART static void chain_inner(void)
{
    void *frames[64];
    Dl_info info;

    const int fd = open_apart("/stack-chain", O_RDONLY);
    if (fd >= 0)
        close(fd);
    const int count = backtrace(frames, 64);
    for (int i = 0; i < count; i++) {
        if (dladdr(frames[i], &info) && info.dli_fname)
            printf("%s+0x%lx\n", info.dli_fname,
                   (unsigned long)((char *)frames[i] - (char *)info.dli_fbase));
    }
    after++;
}

/* Its frame is as large as it is told: found by the frame pointer only. */
APART static void chain_middle(size_t size)
{
    char *room = __builtin_alloca(size);

    memset(room, 1, size);
    stack_library_call(chain_inner);
    after += room[size / 2];
}

APART static void chain_outer(size_t size)
{
    chain_middle(size);
    after++;
}

/* Until its input ends: a recorder that does not stop it has to find it here. */
static void stay(void)
{
    while (getchar() != EOF)
        ;
}

/* NULL, or what is free between two segments of this program's file, where ld.so of Ubuntu 22.04
 * has its first mappings too. */
static void *place_for_code(void)
{
#ifdef IN_HOLE
    extern char etext;

    return &etext + 4096 - (unsigned long)&etext % 4096;
#else
    return NULL;
#endif
}

APART static void chain_jit(void)
{
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    char path[64];
    unsigned char *memory = mmap(place_for_code(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void (*run)(void (*)(void));

    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(path, "we");
    if (memory == MAP_FAILED || !map)
        exit(1);
    memcpy(memory, code, sizeof code);
    fprintf(map, "%lx %zx other_code\n%lx %zx made_code\n", (unsigned long)memory + 64, sizeof code,
            (unsigned long)memory, sizeof code);
    fclose(map);
    memcpy(&run, &memory, sizeof run);
    run(chain_inner);
    stay();
    unlink(path);
    after++;
}

int main(int argc, char **argv)
{
    void *frames[1];

    (void)backtrace(frames, 1); /* loads libgcc's unwinder */
    if (argc > 1 && strcmp(argv[1], "jit") == 0)
        chain_jit();
    else
        chain_outer((size_t)argc * 48);
    stay();
    return 0;
}
