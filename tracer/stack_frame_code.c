/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. */
#include "tracer/stack_frame_code.h"

#include <string.h>

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

/* What lies at the four bytes of DISPLACEMENT from AT; by unsigned numbers, as it may wrap. */
static uint64_t relative(uint64_t at, const uint8_t *displacement)
{
    int32_t offset;

    memcpy(&offset, displacement, sizeof offset);
    return at + (uint64_t)(int64_t)offset;
}

/* Callers from the same file may jump over the mark of indirect jumps. */
static bool is_entry(const StackRequest *request, uint64_t target, uint64_t entry)
{
    uint8_t mark[sizeof endbr64];

    if (target == entry)
        return true;
    return target == entry + sizeof mark &&
           request->read(request->data, entry, mark, sizeof mark) == 0 &&
           memcmp(mark, endbr64, sizeof mark) == 0;
}

static bool points_to_entry(const StackRequest *request, uint64_t slot, uint64_t entry)
{
    uint64_t target;

    return request->read(request->data, slot, &target, sizeof target) == 0 &&
           is_entry(request, target, entry);
}

/* [endbr64] [bnd] jmp *slot(%rip) */
static bool is_stub_of(const StackRequest *request, uint64_t stub, uint64_t entry)
{
    enum { BND = 0xf2, JUMP = 6 };
    uint8_t code[sizeof endbr64 + 1 + JUMP];
    size_t at = 0;

    if (request->read(request->data, stub, code, sizeof code) < 0)
        return false;
    if (memcmp(code, endbr64, sizeof endbr64) == 0)
        at += sizeof endbr64;
    if (code[at] == BND)
        at++;
    if (code[at] != 0xff || code[at + 1] != 0x25)
        return false;
    return points_to_entry(request, relative(stub + at + JUMP, &code[at + 2]), entry);
}

bool stack_code_calls(const StackRequest *request, uint64_t return_to, uint64_t entry)
{
    uint8_t code[6];

    if (return_to < sizeof code ||
        request->read(request->data, return_to - sizeof code, code, sizeof code) < 0)
        return false;
    const uint64_t target = relative(return_to, &code[2]);
    if (code[1] == 0xe8 && (is_entry(request, target, entry) || is_stub_of(request, target, entry)))
        return true;
    return code[0] == 0xff && code[1] == 0x15 && points_to_entry(request, target, entry);
}

size_t stack_code_sizes(const uint8_t *code, size_t length, uint32_t ret_sizes[STACK_SIZES_MAX])
{
    static const uint8_t add_128[] = {0x48, 0x83, 0xc4, 0x80};
    enum { SHORT = 4, LONG = 7 };
    size_t count = 1;

    ret_sizes[0] = 0;
    /* sub $size,%rsp, or add $-128,%rsp, which is shorter than what it stands for */
    for (size_t i = 0; i + SHORT <= length && count < STACK_SIZES_MAX; i++) {
        uint32_t size = 0;
        size_t same = 0;
        if (memcmp(&code[i], add_128, sizeof add_128) == 0)
            size = 128;
        else if (code[i] != 0x48 || code[i + 2] != 0xec)
            continue;
        else if (code[i + 1] == 0x83 && code[i + 3] < 128)
            size = code[i + 3];
        else if (code[i + 1] == 0x81 && i + LONG <= length)
            memcpy(&size, &code[i + 3], sizeof size);
        while (same < count && ret_sizes[same] != size)
            same++;
        if (same == count)
            ret_sizes[count++] = size;
    }
    return count;
}
