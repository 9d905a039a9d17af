/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls the code of a file makes, for test_call_sites.py:
 *   call_site_tool 64|32 FILE     lines of offsets, hexadecimal, of what is behind a call → the
 *                                 call's number or -1
 * The offsets are those behind `syscall`, `int $0x80`, or, in code of 32 bits, `call *%gs:0x10`.
 */
#include "base/io.h"
#include "base/memory.h"
#include "tracer/call_site.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t vsyscall[] = {0x51, 0x52, 0x55, 0x89, 0xe5, 0x0f, 0x34,
                                   0xcd, 0x80, 0x5d, 0x5a, 0x59, 0xc3};
enum { BEHIND = 9, BACK = 3 /* the word on the stack that is the return address */ };

/* What a file has where a process has memory: its content; from *RET_STUB on, vsyscall; then a
 * stack. */
static int copy_of(const char *path, uint64_t *ret_stub)
{
    static const uint8_t nothing[4096];
    CLEANUP(buffer_deinit) Buffer content = BUFFER_INIT;
    const int memory = memfd_create("memory", MFD_CLOEXEC);

    if (memory < 0 || read_file(path, &content, SIZE_MAX, NULL) < 0 ||
        write_all(memory, content.data, content.length) < 0 ||
        write_all(memory, nothing, sizeof nothing) < 0)
        return -1;
    *ret_stub = content.length + sizeof nothing;
    if (write_all(memory, vsyscall, sizeof vsyscall) < 0 ||
        write_all(memory, nothing, sizeof nothing) < 0)
        return -1;
    return memory;
}

static int64_t number_before(int memory, uint64_t stub, bool is_64, uint64_t behind)
{
    static const uint8_t by_gs[] = {0x65, 0xff, 0x15, 0x10, 0, 0, 0};
    CallSite site = {.memory = memory, .is_64 = is_64, .next = behind};
    uint8_t before[sizeof by_gs];
    MadeCall call;

    for (unsigned i = 0; i < X86_REGISTERS; i++)
        site.registers[i] = 100000 + i; /* no number of a call */
    site.registers[X86_SP] = stub + sizeof vsyscall;
    if (!is_64 &&
        pread(memory, before, sizeof before, (off_t)(behind - sizeof before)) == sizeof before &&
        memcmp(before, by_gs, sizeof by_gs) == 0) {
        const uint32_t back = (uint32_t)behind;
        const uint64_t at = site.registers[X86_SP] + BACK * sizeof back;
        if (pwrite(memory, &back, sizeof back, (off_t)at) != sizeof back)
            return -2;
        site.next = stub + BEHIND;
    }
    return call_site_read(&site, &call) ? call.nr : -1;
}

int main(int argc, char **argv)
{
    char line[64];
    uint64_t stub;

    if (argc != 3)
        return EXIT_FAILURE;
    CLEANUP(fd_close) int memory = copy_of(argv[2], &stub);
    if (memory < 0)
        return EXIT_FAILURE;
    while (fgets(line, sizeof line, stdin)) {
        const uint64_t behind = strtoull(line, NULL, 16);
        printf("%" PRId64 "\n", number_before(memory, stub, strcmp(argv[1], "64") == 0, behind));
    }
    return EXIT_SUCCESS;
}
