/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few instructions of x86 that compilers put between the load of a system call's number and the
 * call: copies, constants, little arithmetic. For reading backwards from a call, where it is not
 * known at which bytes instructions begin. Source: Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2, appendices A and B.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* General registers, as instructions number them. Those from R8 on are of 64-bit code only. */
enum {
    X86_AX,
    X86_CX,
    X86_DX,
    X86_BX,
    X86_SP,
    X86_BP,
    X86_SI,
    X86_DI,
    X86_R8,
    X86_R9,
    X86_R10,
    X86_R11,
    X86_R12,
    X86_R13,
    X86_R14,
    X86_R15,
    X86_REGISTERS
};

/* The longest instruction that is known, in bytes. */
enum { X86_LONGEST = 12 };

/* Where what an instruction writes to a register comes from. */
typedef enum X86Source {
    X86_COMPUTED, /* or unknown */
    X86_CONSTANT,
    X86_REGISTER,
    X86_STACK, /* memory at so many bytes from where the stack pointer points */
} X86Source;

typedef struct X86Instruction {
    size_t length;    /* in bytes */
    uint32_t written; /* registers: bit 1 << X86_… */
    bool stores;      /* writes to memory */
    X86Source source; /* if one register is written: of what, … */
    int64_t value;    /* … and which constant, register or distance */
} X86Instruction;

/* A REX prefix, if CODE is of 64 bits. */
static inline bool x86_is_rex(uint8_t byte)
{
    return (byte & 0xf0) == 0x40;
}

/* The instruction at CODE, of which X86_LONGEST bytes can be read. False if it is none of those
 * known here, which all go on to the next one; a `test` of a register with itself and the `jne`
 * behind it count as one that does, and then has set the register to 0. */
bool x86_decode(const uint8_t *code, bool is_64, X86Instruction *ret_instruction);
