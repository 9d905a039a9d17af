/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/call_site.h"

#include <string.h>
#include <unistd.h>

/* ---- code before an address ----------------------------------------------------------------- */

enum { LOOKED_AT = 64 };

typedef struct Window {
    uint8_t bytes[LOOKED_AT + X86_LONGEST]; /* zeros behind the code */
    size_t length;                          /* of the code */
} Window;

/* What comes before END: less than a whole window where no memory precedes its page. */
static bool read_window(int memory, uint64_t end, Window *ret_window)
{
    enum { PAGE = 4096 };
    const size_t in_page = (end - 1) % PAGE + 1;
    size_t length = LOOKED_AT;

    *ret_window = (Window){0};
    if (pread(memory, ret_window->bytes, length, (off_t)(end - length)) != (ssize_t)length) {
        if (in_page >= LOOKED_AT)
            return false;
        length = in_page;
        if (pread(memory, ret_window->bytes, length, (off_t)(end - length)) != (ssize_t)length)
            return false;
    }
    memset(ret_window->bytes + length, 0, sizeof ret_window->bytes - length);
    ret_window->length = length;
    return true;
}

/* WINDOW ends with the SIZE bytes of CODE; then they are taken off. */
static bool strip(Window *window, const uint8_t *code, size_t size)
{
    if (window->length < size || memcmp(window->bytes + window->length - size, code, size) != 0)
        return false;
    window->length -= size;
    memset(window->bytes + window->length, 0, size);
    return true;
}

/* ---- what is loaded into a register --------------------------------------------------------- */

/* How to read a register as it was at the end of a window. */
typedef struct Reading {
    const CallSite *site;
    unsigned wanted;
    uint32_t intact; /* registers that are as they were there: bit 1 << X86_… */
    bool has_stack;  /* and the stack was at STACK */
    uint64_t stack;
} Reading;

static bool is_number(int64_t value)
{
    enum { HIGHEST = 1023, X32_BIT = 1 << 30 };

    return (value >= 0 && value <= HIGHEST) || (value >= X32_BIT && value <= X32_BIT + HIGHEST);
}

/* What the instructions from FROM on up to END do. False if they do not end just there. */
static bool run_over(const uint8_t *from, const uint8_t *end, bool is_64, X86Instruction *ret_total)
{
    X86Instruction instruction;

    *ret_total = (X86Instruction){0};
    while (from < end && x86_decode(from, is_64, &instruction)) {
        ret_total->written |= instruction.written;
        ret_total->stores |= instruction.stores;
        from += instruction.length;
    }
    return from == end;
}

/* The value that LOAD gave, if what comes AFTER left it and where it is from alone. */
static bool value_of(const Reading *reading, const X86Instruction *load,
                     const X86Instruction *after, int64_t *ret_value)
{
    const uint32_t untouched = reading->intact & ~after->written;
    uint32_t word;

    switch (load->source) {
    case X86_CONSTANT:
        *ret_value = load->value;
        return true;
    case X86_REGISTER:
        *ret_value = (int64_t)(uint32_t)reading->site->registers[load->value];
        return untouched & UINT32_C(1) << load->value;
    case X86_STACK:
        if (!reading->has_stack || after->stores || after->written & UINT32_C(1) << X86_SP ||
            pread(reading->site->memory, &word, sizeof word,
                  (off_t)(reading->stack + (uint64_t)load->value)) != sizeof word)
            return false;
        *ret_value = word;
        return true;
    case X86_COMPUTED:
        break;
    }
    return false;
}

/* If the instruction at AT loads the register, and nothing up to END writes it again: the number.
 */
static bool read_load(const Reading *reading, const uint8_t *at, const uint8_t *end,
                      int64_t *ret_nr)
{
    X86Instruction load;
    X86Instruction after;

    return x86_decode(at, reading->site->is_64, &load) &&
           load.written == UINT32_C(1) << reading->wanted &&
           run_over(at + load.length, end, reading->site->is_64, &after) &&
           !(after.written & load.written) && value_of(reading, &load, &after, ret_nr) &&
           is_number(*ret_nr);
}

/* read_load() where AT may be preceded by anything: no if a prefix, or what could be one, makes
 * another number of it. */
static bool read_certain_load(const Reading *reading, const uint8_t *at, const uint8_t *end,
                              int64_t *ret_nr)
{
    int64_t other;

    if (!read_load(reading, at, end, ret_nr))
        return false;
    if (!reading->site->is_64)
        return true;
    if (!x86_is_rex(*at))
        return !x86_is_rex(at[-1]);
    return !read_load(reading, at + 1, end, &other) || other == *ret_nr;
}

/* The number that the code of WINDOW leaves in the register. Where instructions begin cannot be
 * known, going backwards: all that could be must agree. */
static bool read_number(const Reading *reading, const Window *window, int64_t *ret_nr)
{
    const uint8_t *end = window->bytes + window->length;
    bool is_found = false;
    int64_t nr;

    for (const uint8_t *at = end - 1; at > window->bytes; at--) {
        if (!read_certain_load(reading, at, end, &nr))
            continue;
        if (is_found && nr != *ret_nr)
            return false;
        *ret_nr = nr;
        is_found = true;
    }
    return is_found;
}

/* ---- functions that do nothing else --------------------------------------------------------- */

static uint64_t stack_of(const CallSite *site)
{
    return site->registers[X86_SP];
}

static bool read_word(const CallSite *site, uint64_t address, size_t size, uint64_t *ret_word)
{
    *ret_word = 0;
    return pread(site->memory, ret_word, size, (off_t)address) == (ssize_t)size;
}

/* __kernel_vsyscall() of 32-bit code, arch/x86/entry/vdso/vdso32/system_call.S: it saves three
 * registers, enters the kernel in the processor's quickest way, and behind that has an `int $0x80`
 * for calls that are made again. It is called with the number in %eax. */
static bool read_vsyscall(const CallSite *site, Window *window, int64_t *ret_nr)
{
    static const uint8_t pushes[] = {0x51, 0x52, 0x55};
    static const uint8_t pops[] = {0x5d, 0x5a, 0x59, 0xc3};
    static const uint8_t call[] = {0x65, 0xff, 0x15, 0x10, 0, 0, 0}; /* call *%gs:0x10 */
    enum { ENTRY = 4, SAVED = 3 * 4, WORD = 4 };
    const uint64_t caller = stack_of(site) + SAVED + WORD;
    const Reading reading = {.site = site,
                             .wanted = X86_AX,
                             .intact = ~(UINT32_C(1) << X86_AX),
                             .has_stack = true,
                             .stack = caller};
    uint8_t behind[sizeof pops];
    uint64_t back;

    if (window->length < ENTRY + sizeof pushes ||
        memcmp(window->bytes + window->length - ENTRY - sizeof pushes, pushes, sizeof pushes) !=
            0 ||
        pread(site->memory, behind, sizeof behind, (off_t)site->next) != sizeof behind ||
        memcmp(behind, pops, sizeof pops) != 0)
        return false;
    return read_word(site, caller - WORD, WORD, &back) && read_window(site->memory, back, window) &&
           strip(window, call, sizeof call) && read_number(&reading, window, ret_nr);
}

enum { CALL_DIRECT, CALL_INDIRECT, CALL_BY_REGISTER, CALL_WAYS };

/* Takes the call of a function off the end of WINDOW; there may be several ways to see one. */
static bool strip_call(Window *window, int way)
{
    static const struct {
        size_t size;
        uint8_t first, second, mask; /* of the second */
    } ways[CALL_WAYS] = {
        [CALL_DIRECT] = {5, 0xe8, 0, 0},            /* call ADDRESS */
        [CALL_INDIRECT] = {6, 0xff, 0x15, 0xff},    /* call *ADDRESS(%rip) */
        [CALL_BY_REGISTER] = {2, 0xff, 0xd0, 0xf8}, /* call *%rax */
    };
    const size_t size = ways[way].size;

    if (window->length < size)
        return false;
    uint8_t *at = window->bytes + window->length - size;
    if (at[0] != ways[way].first || (at[1] & ways[way].mask) != ways[way].second)
        return false;
    memset(at, 0, size);
    window->length -= size;
    return true;
}

/* What the caller, to which the function returns at BACK, passed in the register WANTED; it called
 * in one WAY. */
static bool read_passed(const CallSite *site, uint64_t back, int way, unsigned wanted,
                        int64_t *ret_nr)
{
    static const uint32_t kept = UINT32_C(1) << X86_BX | UINT32_C(1) << X86_BP |
                                 UINT32_C(1) << X86_R12 | UINT32_C(1) << X86_R13 |
                                 UINT32_C(1) << X86_R14 | UINT32_C(1) << X86_R15;
    enum { WORD = 8 };
    const Reading reading = {.site = site,
                             .wanted = wanted,
                             .intact = kept,
                             .has_stack = true,
                             .stack = stack_of(site) + WORD};
    Window caller;

    return read_window(site->memory, back, &caller) && strip_call(&caller, way) &&
           read_number(&reading, &caller, ret_nr);
}

/* syscall(3) of glibc, sysdeps/unix/sysv/linux/x86_64/syscall.S, which is called with the number in
 * %edi, and moves all arguments to where the call has them. */
static bool read_syscall_function(const CallSite *site, uint64_t back, Window *window,
                                  int64_t *ret_nr)
{
    static const uint8_t moves[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89,
                                    0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d,
                                    0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 0x08};
    int64_t nr;
    bool is_found = false;

    if (!strip(window, moves, sizeof moves))
        return false;
    for (int way = 0; way < CALL_WAYS; way++) {
        if (!read_passed(site, back, way, X86_DI, &nr))
            continue;
        if (is_found && nr != *ret_nr)
            return false;
        *ret_nr = nr;
        is_found = true;
    }
    return is_found;
}

/* The instructions CODE up to END move to %rax what was in REGISTER before, and leave the stack
 * where it was. */
static bool trace_number(const uint8_t *code, const uint8_t *end, unsigned *ret_register)
{
    enum { ELSEWHERE = X86_REGISTERS };
    unsigned from[X86_REGISTERS];
    X86Instruction instruction;

    for (unsigned i = 0; i < X86_REGISTERS; i++)
        from[i] = i;
    for (; code < end; code += instruction.length) {
        if (!x86_decode(code, true, &instruction) || instruction.written & UINT32_C(1) << X86_SP)
            return false;
        const unsigned source =
            instruction.source == X86_REGISTER ? from[instruction.value] : ELSEWHERE;
        for (unsigned i = 0; i < X86_REGISTERS; i++) {
            if (instruction.written & UINT32_C(1) << i)
                from[i] = source;
        }
    }
    *ret_register = from[X86_AX];
    return code == end && from[X86_AX] != ELSEWHERE;
}

/* Where the function begins that the direct call before BACK leads to, maybe by jumps. */
static bool read_called(const CallSite *site, uint64_t back, uint64_t *ret_begin)
{
    enum { CALL = 0xe8, JUMP = 0xe9, SIZE = 5, MOST_JUMPS = 3 };
    uint64_t at = back - SIZE;
    uint8_t code[SIZE];
    int32_t distance;

    for (int jumps = 0; jumps < MOST_JUMPS; jumps++) {
        if (pread(site->memory, code, SIZE, (off_t)at) != SIZE)
            return false;
        if (code[0] != (jumps == 0 ? CALL : JUMP))
            break;
        memcpy(&distance, code + 1, sizeof distance);
        at += SIZE + (uint64_t)(int64_t)distance;
    }
    *ret_begin = at;
    return at != back - SIZE;
}

/* Any function that gets the number in a register, moves all arguments to where the call has them,
 * and makes it, such as __syscall_cp_c() and __syscall_cp_asm() of musl, by which it makes all
 * calls that can be cancelled. That the word at the stack pointer is its caller shows in what that
 * calls. */
static bool read_function(const CallSite *site, uint64_t back, int64_t *ret_nr)
{
    uint8_t code[LOOKED_AT + X86_LONGEST] = {0};
    uint64_t begin;
    unsigned number;

    if (!read_called(site, back, &begin))
        return false;
    const uint64_t size = site->next - CALL_SITE_SIZE - begin; /* huge if it begins behind that */
    return size <= LOOKED_AT && pread(site->memory, code, size, (off_t)begin) == (ssize_t)size &&
           trace_number(code, code + size, &number) &&
           read_passed(site, back, CALL_DIRECT, number, ret_nr);
}

/* The call is in a function of 64-bit code that has not moved the stack pointer. */
static bool read_caller(const CallSite *site, Window *window, int64_t *ret_nr)
{
    uint64_t back;

    return read_word(site, stack_of(site), sizeof back, &back) &&
           (read_syscall_function(site, back, window, ret_nr) || read_function(site, back, ret_nr));
}

/* ---- the call ------------------------------------------------------------------------------- */

static const uint8_t syscall_instruction[CALL_SITE_SIZE] = {0x0f, 0x05};
static const uint8_t int_80[CALL_SITE_SIZE] = {0xcd, 0x80};

static const unsigned args_64[SYSCALL_ARGS] = {X86_DI, X86_SI, X86_DX, X86_R10, X86_R8, X86_R9};
static const unsigned args_32[SYSCALL_ARGS] = {X86_BX, X86_CX, X86_DX, X86_SI, X86_DI, X86_BP};

/* Takes the instruction of the call off WINDOW. */
static bool strip_entry(const CallSite *site, Window *window, bool *ret_is_i386)
{
    if (!read_window(site->memory, site->next, window))
        return false;
    *ret_is_i386 = strip(window, int_80, sizeof int_80);
    return *ret_is_i386 ||
           (site->is_64 && strip(window, syscall_instruction, sizeof syscall_instruction));
}

bool call_site_read(const CallSite *site, MadeCall *ret_call)
{
    static const uint32_t overwritten =
        UINT32_C(1) << X86_AX | UINT32_C(1) << X86_CX | UINT32_C(1) << X86_R11; /* by `syscall` */
    Reading reading = {.site = site,
                       .wanted = X86_AX,
                       .intact = ~overwritten,
                       .has_stack = true,
                       .stack = stack_of(site)};
    MadeCall call = {0};
    Window window;
    bool is_i386;

    if (!strip_entry(site, &window, &is_i386))
        return false;
    if (is_i386)
        reading.intact = ~(UINT32_C(1) << X86_AX);
    if (!read_number(&reading, &window, &call.nr) &&
        !(is_i386 ? read_vsyscall(site, &window, &call.nr) : read_caller(site, &window, &call.nr)))
        return false;
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        call.args[i] = site->registers[(is_i386 ? args_32 : args_64)[i]];
    const int arch = arch_from_call(arch_audit(is_i386 ? ARCH_I386 : ARCH_X86_64), call.nr);
    call.arch = (Arch)arch;
    *ret_call = call;
    return true;
}
