/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function whose frame is told by its frame pointer says nowhere how far below that the stack
 * pointer is. But its code lowers that by constants, by as many pushes as it saves registers and by
 * a subtraction: each of those gives a place where the address to return to would be. One of them
 * is taken if what is there really comes from a call of this very function, and no other is like
 * it. Stacks are full of old addresses, so calls that do not tell what they call prove nothing.
 */
#include "tracer/stack_frame_pointer.h"

#include "base/memory.h"
#include "tracer/stack_frame_code.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#if defined(__x86_64__)

/* Numbers of DWARF. */
enum { RBX = 3, RBP = 6, RSP = 7, R12 = 12, R15 = 15 };
/* Functions that need no frame pointer, below the one that does; rows of a function. */
enum { STEPS_MAX = 8, ROWS_MAX = 64 };
enum { WORD = 8 };

typedef struct Row {
    uint64_t start;
    uint64_t cfa_offset;
    uint64_t cfa_register;
    bool keeps;     /* rbp is what the caller had */
    unsigned saved; /* how many of the others were pushed */
} Row;

static bool is_stored(Dwarf_Frame *frame, int number, bool *ret_same)
{
    Dwarf_Op memory[3];
    Dwarf_Op *ops = NULL;
    size_t count = 0;

    *ret_same =
        dwarf_frame_register(frame, number, memory, &ops, &count) == 0 && !ops && count == 0;
    return count > 0;
}

static bool row_fill(Dwarf_Frame *frame, Dwarf_Addr bias, Row *row)
{
    Dwarf_Addr start;
    Dwarf_Addr end;
    bool is_signal;
    bool same;
    Dwarf_Op *ops = NULL;
    size_t count = 0;

    if (dwarf_frame_info(frame, &start, &end, &is_signal) < 0 || is_signal ||
        dwarf_frame_cfa(frame, &ops, &count) < 0 || count != 1 || ops[0].atom != DW_OP_bregx)
        return false;
    *row =
        (Row){.start = start + bias, .cfa_register = ops[0].number, .cfa_offset = ops[0].number2};
    (void)is_stored(frame, RBP, &row->keeps);
    row->saved = is_stored(frame, RBX, &same);
    for (int i = R12; i <= R15; i++)
        row->saved += is_stored(frame, i, &same);
    return true;
}

/* What the tables of exceptions say about PC. */
static bool row_get(Dwfl *dwfl, uint64_t pc, Row *row)
{
    Dwfl_Module *module = dwfl_addrmodule(dwfl, pc);
    Dwarf_Addr bias = 0;
    Dwarf_Frame *frame = NULL;
    Dwarf_CFI *cfi = module ? dwfl_module_eh_cfi(module, &bias) : NULL;

    if (!cfi || dwarf_cfi_addrframe(cfi, pc - bias, &frame) != 0)
        return false;
    const bool good = row_fill(frame, bias, row);
    free(frame);
    return good;
}

/* How many places prove to be that of the frame pointer, of the function that begins at ENTRY and
 * is at PC with ROW; the last of them. */
static unsigned count_proven(const StackRequest *request, const Row *row, uint64_t entry,
                             uint64_t pc, uint64_t sp, uint64_t *ret_place)
{
    uint8_t code[STACK_CODE_MAX];
    uint32_t sizes[STACK_SIZES_MAX];
    unsigned proven = 0;

    if (pc - entry > sizeof code || request->read(request->data, entry, code, pc - entry) < 0)
        return 0;
    const size_t count = stack_code_sizes(code, pc - entry, sizes);
    for (size_t i = 0; i < count; i++) {
        const uint64_t place = sp + sizes[i] + (uint64_t)row->saved * WORD;
        uint64_t return_to;
        if (place % WORD != 0 || sizes[i] > STACK_SLICE ||
            request->read(request->data, place + WORD, &return_to, sizeof return_to) < 0 ||
            !stack_code_calls(request, return_to, entry))
            continue;
        *ret_place = place;
        proven++;
    }
    return proven;
}

/* Its beginning has the row of one that was just called; so has each return, which nobody calls. */
static bool find_place(Dwfl *dwfl, const StackRequest *request, const Row *row, uint64_t pc,
                       uint64_t sp, uint64_t *ret_place)
{
    Row lower = *row;
    uint64_t place = 0;

    for (int i = 0; i < ROWS_MAX && pc - lower.start <= STACK_CODE_MAX; i++) {
        if (lower.cfa_register == RSP && lower.cfa_offset == WORD) {
            const unsigned proven = count_proven(request, row, lower.start, pc, sp, &place);
            if (proven == 1)
                *ret_place = place;
            if (proven > 0)
                return proven == 1;
        }
        const uint64_t before = lower.start - 1;
        if (!row_get(dwfl, before, &lower) || lower.start > before)
            return false;
    }
    return false;
}

void stack_frame_pointer_find(Dwfl *dwfl, const StackRequest *request, StackRegisters *registers)
{
    uint64_t pc = registers->pc;
    uint64_t sp = registers->sp;
    uint64_t place;
    Row row;

    if (registers->narrow || registers->known >> RBP & 1)
        return;
    for (int i = 0; i < STEPS_MAX; i++) {
        if (!row_get(dwfl, i > 0 ? pc - 1 : pc, &row))
            return;
        if (row.cfa_register == RBP && row.cfa_offset == 2 * WORD) {
            if (!find_place(dwfl, request, &row, pc, sp, &place))
                return;
            registers->values[RBP] = place;
            registers->known |= (uint64_t)1 << RBP;
            return;
        }
        if (row.cfa_register != RSP || !row.keeps || row.cfa_offset < WORD ||
            row.cfa_offset > STACK_SLICE)
            return;
        sp += row.cfa_offset;
        if (request->read(request->data, sp - WORD, &pc, sizeof pc) < 0)
            return;
    }
}

#else

void stack_frame_pointer_find(Dwfl *dwfl, const StackRequest *request, StackRegisters *registers)
{
    (void)dwfl;
    (void)request;
    (void)registers;
}

#endif
