/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/call_site.h: which call some code made. */
#include "base/io.h"
#include "base/memory.h"
#include "suite.h"
#include "tracer/call_site.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { X32_BIT = 0x40000000 };

/* What is looked at, what is behind it, and room for an address that is loaded there. */
typedef struct Code {
    uint8_t bytes[128];
    uint8_t behind[8];
} Code;

/* Register N contains 500 + N, but the stack pointer. */
static CallSite site_of(int memory, bool is_64, const Code *code, const void *stack)
{
    CallSite site = {.memory = memory, .is_64 = is_64, .next = (uintptr_t)code->behind};

    for (unsigned i = 0; i < X86_REGISTERS; i++)
        site.registers[i] = 500 + i;
    site.registers[X86_SP] = (uintptr_t)stack;
    return site;
}

static int open_memory(void)
{
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(memory, 0);
    return memory;
}

/* The LENGTH bytes of TEXT, and ENTRY, come last. */
static void set_code(Code *code, const uint8_t *text, size_t length, const char *entry, size_t size)
{
    memset(code->bytes, 0x90, sizeof code->bytes);
    memcpy(code->bytes + sizeof code->bytes - size - length, text, length);
    memcpy(code->bytes + sizeof code->bytes - size, entry, size);
}

static int64_t number_of(const CallSite *site)
{
    MadeCall call;

    return call_site_read(site, &call) ? call.nr : -1;
}

/* ---- the instructions before ---------------------------------------------------------------- */

/* What comes before `syscall` in code of 64 bits. Eight bytes above the stack pointer is 77. */
static const struct {
    const char *name;
    uint8_t length;
    uint8_t code[30];
    int64_t nr;
} codes[] = {
    {"mov $39, %eax", 5, {0xb8, 39, 0, 0, 0}, 39},
    {"mov $257, %eax", 5, {0xb8, 0x01, 0x01, 0, 0}, 257},
    {"mov $15, %rax", 7, {0x48, 0xc7, 0xc0, 15, 0, 0, 0}, 15},
    {"xor %eax, %eax", 2, {0x31, 0xc0}, 0},
    {"mov %edx, %eax", 2, {0x89, 0xd0}, 502},
    {"mov %r8d, %eax", 3, {0x44, 0x89, 0xc0}, 508},
    {"mov %r12d, %eax", 3, {0x44, 0x89, 0xe0}, 512},
    {"mov %r10d, %eax",
     3,
     {0x44, 0x89, 0xd0},
     -1}, /* or mov %edx, %eax after another instruction */
    {"mov %rbp, %r8", 3, {0x49, 0x89, 0xe8}, -1},
    {"mov $202, %eax; xor $129, %sil", 9, {0xb8, 202, 0, 0, 0, 0x40, 0x80, 0xf6, 0x81}, 202},
    {"mov $202, %eax; and $128, %esi; xor $129, %sil",
     15,
     {0xb8, 202, 0, 0, 0, 0x81, 0xe6, 128, 0, 0, 0, 0x40, 0x80, 0xf6, 0x81},
     202},
    {"xor %eax, %eax; mov 8(%rsp), %edi", 6, {0x31, 0xc0, 0x8b, 0x7c, 0x24, 8}, 0},
    {"mov $20, %eax; mov $1, %edx", 10, {0xb8, 20, 0, 0, 0, 0xba, 1, 0, 0, 0}, 20},
    {"mov $20, %eax; mov %edi, %eax; nop", 8, {0xb8, 20, 0, 0, 0, 0x89, 0xf8, 0x90}, -1},
    {"mov $39, %eax; mov $1, %r8d; mov $40, %eax",
     16,
     {0xb8, 39, 0, 0, 0, 0x41, 0xb8, 1, 0, 0, 0, 0xb8, 40, 0, 0, 0},
     40},
    {"mov $39, %r8d", 6, {0x41, 0xb8, 39, 0, 0, 0}, -1},
    {"xor %r8d, %eax", 3, {0x44, 0x31, 0xc0}, -1},
    {"mov %ecx, %eax", 2, {0x89, 0xc8}, -1}, /* which the call overwrites */
    {"mov 8(%rsp), %r9", 5, {0x4c, 0x8b, 0x4c, 0x24, 8}, -1},
    {"mov $4096, %eax", 5, {0xb8, 0, 16, 0, 0}, -1},
    {"mov $39, %eax; nop", 6, {0xb8, 39, 0, 0, 0, 0x90}, -1},
    {"nothing", 0, {0}, -1},
    {"mov $0x40000027, %eax", 5, {0xb8, 39, 0, 0, 0x40}, X32_BIT + 39},
    {"mov $0x40000500, %eax", 5, {0xb8, 0, 5, 0, 0x40}, -1},
    {"mov %edi, %eax; mov %esi, %edi", 4, {0x89, 0xf8, 0x89, 0xf7}, -1},
    {"mov $39, %eax; mov $40, %ah", 8, {0xb8, 39, 0, 0, 0, 0x80, 0xcc, 1}, -1},
    {"mov $39, %eax; xor $1, %spl", 9, {0xb8, 39, 0, 0, 0, 0x40, 0x80, 0xf4, 1}, 39},
    {"mov $39, %eax; mov 0x123456(%rip), %rdi",
     12,
     {0xb8, 39, 0, 0, 0, 0x48, 0x8b, 0x3d, 0x56, 0x34, 0x12, 0},
     39},
    {"mov $39, %eax; mov %rdx, 16(%rsp,%rcx,8)",
     10,
     {0xb8, 39, 0, 0, 0, 0x48, 0x89, 0x54, 0xcc, 16},
     39},
    {"mov 8(%rsp), %eax", 4, {0x8b, 0x44, 0x24, 8}, 77},
    {"mov 8(%rsp), %eax; push %rdi", 5, {0x8b, 0x44, 0x24, 8, 0x57}, -1},
    {"mov 8(%rsp), %eax; mov %edx, 8(%rsp)", 8, {0x8b, 0x44, 0x24, 8, 0x89, 0x54, 0x24, 8}, -1},
    {"mov 8(%rsp,%rcx), %eax", 4, {0x8b, 0x44, 0x0c, 8}, -1},
    {"mov 8(%r12), %eax", 5, {0x41, 0x8b, 0x44, 0x24, 8}, -1},
    {"xor %eax, %eax; mov $1, %ebx; pop %rax", 8, {0x31, 0xc0, 0xbb, 1, 0, 0, 0, 0x58}, -1},
    {"movzbl %dl, %eax", 3, {0x0f, 0xb6, 0xc2}, -1},
    {"mov $39, %eax; movzbl %dl, %edi", 8, {0xb8, 39, 0, 0, 0, 0x0f, 0xb6, 0xfa}, 39},
    {"test %eax, %eax; jne", 4, {0x85, 0xc0, 0x75, 14}, 0},
    {"test %rax, %rax; jne, far", 9, {0x48, 0x85, 0xc0, 0x0f, 0x85, 1, 2, 0, 0}, 0},
    {"test %eax, %eax; jne; mov 8(%rsp), %edi", 8, {0x85, 0xc0, 0x75, 14, 0x8b, 0x7c, 0x24, 8}, 0},
    {"test %eax, %eax; je", 4, {0x85, 0xc0, 0x74, 14}, -1},
    {"test %eax, %edx; jne", 4, {0x85, 0xc2, 0x75, 14}, -1},
    {"test %edx, %edx; jne", 4, {0x85, 0xd2, 0x75, 14}, -1},
    {"test %r8d, %r8d; jne", 5, {0x45, 0x85, 0xc0, 0x75, 14}, -1},
    {"mov $39, %eax; test %eax, %eax; jne", 9, {0xb8, 39, 0, 0, 0, 0x85, 0xc0, 0x75, 14}, 0},
    {"test %eax, %eax; jne; mov $39, %eax", 9, {0x85, 0xc0, 0x75, 14, 0xb8, 39, 0, 0, 0}, 39},
    {"mov $202, %eax; test %ecx, %ecx; setne %sil",
     11,
     {0xb8, 202, 0, 0, 0, 0x85, 0xc9, 0x40, 0x0f, 0x95, 0xc6},
     202},
    {"mov $202, %eax; test %ecx, %ecx; sete %ah",
     10,
     {0xb8, 202, 0, 0, 0, 0x85, 0xc9, 0x0f, 0x94, 0xc4},
     -1},
    {"mov $204, %eax; cmp %rsi, %r8; cmovbe %r8, %rsi",
     12,
     {0xb8, 204, 0, 0, 0, 0x49, 0x39, 0xf0, 0x49, 0x0f, 0x46, 0xf0},
     204},
    {"mov $41, %eax; movslq %esi, %rsi", 8, {0xb8, 41, 0, 0, 0, 0x48, 0x63, 0xf6}, 41},
    {"mov $20, %eax; movb $115, -0x7c9(%rbp)",
     12,
     {0xb8, 20, 0, 0, 0, 0xc6, 0x85, 0x37, 0xf8, 0xff, 0xff, 115},
     20},
};

/* The same before `int $0x80` in code of 32 bits. */
static const struct {
    const char *name;
    uint8_t length;
    uint8_t code[30];
    int64_t nr;
} codes_32[] = {
    {"mov $20, %eax", 5, {0xb8, 20, 0, 0, 0}, 20},
    {"mov $20, %eax; inc %edx", 6, {0xb8, 20, 0, 0, 0, 0x42}, 20},
    {"mov $20, %eax; inc %eax", 6, {0xb8, 20, 0, 0, 0, 0x40}, -1},
    {"inc %ecx; mov $20, %eax", 6, {0x41, 0xb8, 20, 0, 0, 0}, 20},
    {"pop %eax; mov $119, %eax", 6, {0x58, 0xb8, 119, 0, 0, 0}, 119},
    {"mov %ecx, %eax", 2, {0x89, 0xc8}, 501},
    {"mov %ecx, %eax; mov %edx, %ecx", 4, {0x89, 0xc8, 0x89, 0xd1}, -1},
    {"mov 8(%esp), %eax", 4, {0x8b, 0x44, 0x24, 8}, 77},
    {"test %eax, %eax; jne", 4, {0x85, 0xc0, 0x75, 14}, 0},
    {"mov $20, %eax; arpl %dx, %si", 7, {0xb8, 20, 0, 0, 0, 0x63, 0xd6}, -1},
    {"nothing", 0, {0}, -1},
};

START_TEST(test_code)
{
    CLEANUP(fd_close) int memory = open_memory();
    const uint64_t stack[] = {0, 77};
    Code code = {0};
    CallSite site = site_of(memory, true, &code, stack);

    set_code(&code, codes[_i].code, codes[_i].length, "\x0f\x05", 2);
    ck_assert_msg(number_of(&site) == codes[_i].nr, "%s: %lld", codes[_i].name,
                  (long long)number_of(&site));
    site.is_64 = false; /* there it is no way into the kernel that returns here */
    ck_assert_int_eq(number_of(&site), -1);
}
END_TEST

START_TEST(test_code_32)
{
    CLEANUP(fd_close) int memory = open_memory();
    const uint64_t stack[] = {0, 77};
    Code code = {0};
    const CallSite site = site_of(memory, false, &code, stack);

    set_code(&code, codes_32[_i].code, codes_32[_i].length, "\xcd\x80", 2);
    ck_assert_msg(number_of(&site) == codes_32[_i].nr, "%s: %lld", codes_32[_i].name,
                  (long long)number_of(&site));
}
END_TEST

/* ---- the call ------------------------------------------------------------------------------- */

static const struct {
    bool is_64;
    const char *entry;
    uint32_t nr;
    Arch arch;
    unsigned args[SYSCALL_ARGS];
} entries[] = {
    {true, "\x0f\x05", 39, ARCH_X86_64, {X86_DI, X86_SI, X86_DX, X86_R10, X86_R8, X86_R9}},
    {true, "\x0f\x05", X32_BIT + 39, ARCH_X32, {X86_DI, X86_SI, X86_DX, X86_R10, X86_R8, X86_R9}},
    {true, "\xcd\x80", 39, ARCH_I386, {X86_BX, X86_CX, X86_DX, X86_SI, X86_DI, X86_BP}},
    {false, "\xcd\x80", 39, ARCH_I386, {X86_BX, X86_CX, X86_DX, X86_SI, X86_DI, X86_BP}},
};

START_TEST(test_entry)
{
    CLEANUP(fd_close) int memory = open_memory();
    const uint32_t nr = entries[_i].nr;
    const uint8_t load[] = {0xb8, (uint8_t)nr, 0, 0, (uint8_t)(nr >> 24)};
    Code code = {0};
    const CallSite site = site_of(memory, entries[_i].is_64, &code, NULL);
    MadeCall call;

    set_code(&code, load, sizeof load, entries[_i].entry, 2);
    ck_assert(call_site_read(&site, &call));
    ck_assert_int_eq(call.nr, nr);
    ck_assert_int_eq(call.arch, entries[_i].arch);
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        ck_assert_uint_eq(call.args[i], 500 + entries[_i].args[i]);
}
END_TEST

/* ---- functions that do nothing else --------------------------------------------------------- */

/* What comes before the call of syscall(3), by way of ENTRY. */
static const struct {
    const char *name;
    uint8_t length;
    uint8_t code[30];
    const char *entry;
    int64_t nr;
} callers[] = {
    {"mov $110, %edi; xor %eax, %eax; call",
     7,
     {0xbf, 110, 0, 0, 0, 0x31, 0xc0},
     "\xe8"
     "abcd",
     110},
    {"mov $110, %edi; call *(%rip)",
     5,
     {0xbf, 110, 0, 0, 0},
     "\xff\x15"
     "abcd",
     110},
    {"mov $110, %edi; call *%rdx", 5, {0xbf, 110, 0, 0, 0}, "\xff\xd2", 110},
    {"mov %ebx, %edi; call",
     2,
     {0x89, 0xdf},
     "\xe8"
     "abcd",
     503},
    {"mov %esi, %edi; call",
     2,
     {0x89, 0xf7},
     "\xe8"
     "abcd",
     -1}, /* syscall(3) changed it */
    {"mov $110, %edi; mov %esi, %edi; call",
     7,
     {0xbf, 110, 0, 0, 0, 0x89, 0xf7},
     "\xe8"
     "abcd",
     -1},
    {"mov $110, %edi; jump",
     5,
     {0xbf, 110, 0, 0, 0},
     "\xe9"
     "abcd",
     -1},
};

START_TEST(test_syscall_function)
{
    static const uint8_t moves[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89,
                                    0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d,
                                    0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 0x08};
    CLEANUP(fd_close) int memory = open_memory();
    Code function = {0};
    Code caller = {0};
    uint64_t stack[] = {(uintptr_t)caller.behind, 0};
    CallSite site = site_of(memory, true, &function, stack);

    /* The first argument is a number too: of a descriptor, maybe. */
    site.registers[X86_DI] = 3;
    set_code(&function, moves, sizeof moves, "\x0f\x05", 2);
    set_code(&caller, callers[_i].code, callers[_i].length, callers[_i].entry,
             strlen(callers[_i].entry));
    ck_assert_msg(number_of(&site) == callers[_i].nr, "%s: %lld", callers[_i].name,
                  (long long)number_of(&site));
    stack[0] = 0;
    ck_assert_int_eq(number_of(&site), -1);
}
END_TEST

/* Functions as musl has them, and what comes before the direct call of them. */
static const struct {
    const char *name;
    uint8_t function_length;
    uint8_t function[44];
    uint8_t length;
    uint8_t code[12];
    int64_t nr;
} functions[] = {
    {"__syscall_cp_c: mov $7, %edi",
     23,
     {0x48, 0x89, 0xf8, 0x4d, 0x89, 0xc2, 0x48, 0x89, 0xf7, 0x4d, 0x89, 0xc8,
      0x48, 0x89, 0xd6, 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x48, 0x89, 0xca},
     5,
     {0xbf, 7, 0, 0, 0},
     7},
    {"__syscall_cp_asm: mov %r12, %rsi; push %r9; mov %r8, %r9",
     39,
     {0x8b, 0x07, 0x85, 0xc0, 0x75, 0x24, 0x49, 0x89, 0xfb, 0x48, 0x89, 0xf0, 0x48,
      0x89, 0xd7, 0x48, 0x89, 0xce, 0x4c, 0x89, 0xc2, 0x4d, 0x89, 0xca, 0x4c, 0x8b,
      0x44, 0x24, 0x08, 0x4c, 0x8b, 0x4c, 0x24, 0x10, 0x4c, 0x89, 0x5c, 0x24, 0x08},
     8,
     {0x4c, 0x89, 0xe6, 0x41, 0x51, 0x4d, 0x89, 0xc1},
     512},
    {"the caller's register is overwritten: mov %rsi, %rdi",
     6,
     {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7},
     3,
     {0x48, 0x89, 0xf7},
     -1},
    {"computed: lea 1(%rdi), %rax; mov %rsi, %rdi",
     7,
     {0x48, 0x8d, 0x47, 1, 0x48, 0x89, 0xf7},
     5,
     {0xbf, 7, 0, 0, 0},
     -1},
    {"the stack is moved: mov %rdi, %rax; push %rdi; mov %rsi, %rdi",
     7,
     {0x48, 0x89, 0xf8, 0x57, 0x48, 0x89, 0xf7},
     5,
     {0xbf, 7, 0, 0, 0},
     -1},
    {"not known: mov %rdi, %rax; cpuid; mov %rsi, %rdi",
     8,
     {0x48, 0x89, 0xf8, 0x0f, 0xa2, 0x48, 0x89, 0xf7},
     5,
     {0xbf, 7, 0, 0, 0},
     -1},
};

static void set_distance(uint8_t *last, const uint8_t *target)
{
    const int32_t distance = (int32_t)(target - (last + 1));

    memcpy(last - 3, &distance, sizeof distance);
}

START_TEST(test_function)
{
    CLEANUP(fd_close) int memory = open_memory();
    struct {
        Code function;
        Code caller;
        uint8_t jump[8];
    } all = {.jump = {0xe9}};
    uint64_t stack[] = {(uintptr_t)all.caller.behind, 0};
    const CallSite site = site_of(memory, true, &all.function, stack);
    uint8_t *last = all.caller.bytes + sizeof all.caller.bytes - 1;

    set_code(&all.function, functions[_i].function, functions[_i].function_length, "\x0f\x05", 2);
    set_code(&all.caller, functions[_i].code, functions[_i].length, "\xe8\0\0\0", 5);
    const uint8_t *begin = all.function.behind - 2 - functions[_i].function_length;
    set_distance(last, begin);
    ck_assert_msg(number_of(&site) == functions[_i].nr, "%s: %lld", functions[_i].name,
                  (long long)number_of(&site));
    set_distance(last, all.jump);
    set_distance(all.jump + 4, begin);
    ck_assert_int_eq(number_of(&site), functions[_i].nr);
    set_distance(last, all.function.behind); /* another function is called */
    ck_assert_int_eq(number_of(&site), -1);
    set_distance(last, all.function.bytes);
    ck_assert_int_eq(number_of(&site), -1);
}
END_TEST

/* Addresses of 32 bits: the code and the stack have to be there. */
typedef struct Low {
    Code function;
    Code caller;
    uint32_t stack[8];
} Low;

/* What comes before `call *%gs:0x10`. Eight bytes above the stack pointer there is 77. */
static const struct {
    const char *name;
    uint8_t length;
    uint8_t code[30];
    int64_t nr;
} vsyscalls[] = {
    {"mov $20, %eax", 5, {0xb8, 20, 0, 0, 0}, 20},
    {"mov 8(%esp), %eax", 4, {0x8b, 0x44, 0x24, 8}, 77},
    {"mov %edx, %eax", 2, {0x89, 0xd0}, 502},
    {"nothing", 0, {0}, -1},
};

START_TEST(test_vsyscall)
{
    static const uint8_t entries_32[][7] = {
        {0x51, 0x52, 0x55, 0x89, 0xe5, 0x0f, 0x34}, /* sysenter */
        {0x51, 0x52, 0x55, 0x89, 0xcd, 0x0f, 0x05}, /* syscall */
        {0x51, 0x52, 0x55, 0x90, 0x90, 0x90, 0x90},
    };
    CLEANUP(fd_close) int memory = open_memory();
    Low *low = mmap(NULL, sizeof *low, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    ck_assert_ptr_ne(low, MAP_FAILED);
    for (size_t i = 0; i < ARRAY_LENGTH(entries_32); i++) {
        const CallSite site = site_of(memory, false, &low->function, low->stack);

        low->stack[3] = (uint32_t)(uintptr_t)low->caller.behind;
        low->stack[6] = 77;
        set_code(&low->function, entries_32[i], sizeof entries_32[i], "\xcd\x80", 2);
        set_code(&low->caller, vsyscalls[_i].code, vsyscalls[_i].length, "\x65\xff\x15\x10\0\0\0",
                 7);
        memcpy(low->function.behind, "\x5d\x5a\x59\xc3", 4);
        ck_assert_msg(number_of(&site) == vsyscalls[_i].nr, "%s: %lld", vsyscalls[_i].name,
                      (long long)number_of(&site));
        low->function.behind[0] = 0x90;
        ck_assert_int_eq(number_of(&site), -1);
    }
    munmap(low, sizeof *low);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("call_site");

    suite_add(suite, "code", test_code, ARRAY_LENGTH(codes));
    suite_add(suite, "code_32", test_code_32, ARRAY_LENGTH(codes_32));
    suite_add(suite, "entry", test_entry, ARRAY_LENGTH(entries));
    suite_add(suite, "syscall_function", test_syscall_function, ARRAY_LENGTH(callers));
    suite_add(suite, "function", test_function, ARRAY_LENGTH(functions));
    suite_add(suite, "vsyscall", test_vsyscall, ARRAY_LENGTH(vsyscalls));
    return suite_run(suite);
}
