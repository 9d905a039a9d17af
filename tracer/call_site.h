/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system call the code before an instruction made. On x86 the result overwrites the number,
 * so it is read from the instructions that loaded it: those before the call, or, where the call is
 * in a function that does nothing else (__kernel_vsyscall() of the vDSO, syscall(3), one of musl),
 * those before the call of that function.
 */
#pragma once

#include "model/tables.h"
#include "tracer/x86_code.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct CallSite {
    int memory;                        /* /proc/TID/mem; not owned */
    bool is_64;                        /* code of 64 bits */
    uint64_t next;                     /* the address of the instruction behind the call */
    uint64_t registers[X86_REGISTERS]; /* there */
} CallSite;

typedef struct MadeCall {
    Arch arch;  /* X86_64, I386 (`int $0x80`, of 64-bit code too) or X32 */
    int64_t nr; /* with bit 30 on x32 */
    uint64_t args[SYSCALL_ARGS];
} MadeCall;

/* The instruction of all calls, in bytes. */
enum { CALL_SITE_SIZE = 2 };

/* False if the instruction before is no system call, or its number is not certain. */
bool call_site_read(const CallSite *site, MadeCall *ret_call);
