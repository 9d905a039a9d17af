/* SPDX-License-Identifier: Apache-2.0 */
/* What processes have mapped, names of code that a JIT compiler made, and stacks as people see
 * them. That stacks are right is shown by tests/live/test_stacks.py. */
#include "base/memory.h"
#include "generator/explain_stacks.h"
#include "suite.h"
#include "tracer/stack_frame_code.h"
#include "tracer/stack_maps.h"

#include <errno.h>

#define CODE    "7f0000001000-7f0000002000 r-xp 00001000 fd:01 7 /lib/a b.so\n"
#define NOTHING "7f0000003000-7f0000004000 rwxp 00000000 00:00 0 \n"

static const char maps_text[] =
    "7f0000000000-7f0000001000 r--p 00000000 fd:01 7                          /lib/a b.so\n" CODE
        NOTHING "not a map\n"
    "7f0000009000-7f0000008000 r-xp 00000000 fd:01 9 /backwards\n"
    "7f0000010000-7f0000011000 r-xp 00005000 fd:01 8 /no/beginning\n"
    "7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]";

START_TEST(test_maps)
{
    static const struct {
        uint64_t address;
        uint64_t base; /* 0: nothing is there */
        const char *path;
        bool executable;
    } rows[] = {
        {0x7f0000000fff, 0x7f0000000000, "/lib/a b.so", false},
        {0x7f0000001000, 0x7f0000000000, "/lib/a b.so", true},
        {0x7f0000002000, 0, NULL, false},
        {0x7f0000003010, 0x7f0000003000, "", true},
        {0x7f0000008800, 0, NULL, false},
        {0x7f0000010000, 0x7f0000010000, "/no/beginning", true},
        {0x7fff00000fff, 0x7fff00000000, "[vdso]", true},
        {0x1000, 0, NULL, false},
        {UINT64_MAX, 0, NULL, false},
    };
    CLEANUP(free_pointer) StackMap *maps = NULL;
    size_t count = 0;

    ck_assert_int_eq(stack_maps_parse(maps_text, &maps, &count), 0);
    ck_assert_uint_eq(count, 5);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const StackMap *map = stack_maps_find(maps, count, rows[i].address);
        ck_assert_msg((map != NULL) == (rows[i].base != 0), "row %zu", i);
        if (!map)
            continue;
        ck_assert_uint_eq(map->base, rows[i].base);
        ck_assert_uint_eq(map->path_length, strlen(rows[i].path));
        ck_assert_mem_eq(map->path, rows[i].path, map->path_length);
        ck_assert_int_eq(map->executable, rows[i].executable);
    }
}
END_TEST

START_TEST(test_no_maps)
{
    CLEANUP(free_pointer) StackMap *maps = NULL;
    size_t count = 1;

    ck_assert_int_eq(stack_maps_parse("", &maps, &count), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(stack_maps_find(maps, count, 0));
}
END_TEST

static const struct {
    const char *text;
    uint64_t address;
    const char *name; /* NULL: none */
} jit_rows[] = {
    {"1000 10 a\n1010 10 b c\n", 0x1000, "a"},
    {"1000 10 a\n1010 10 b c\n", 0x101f, "b c"},
    {"1000 10 a\n1010 10 b c\n", 0x1020, NULL},
    {"1000 10 old\n1000 10 new", 0x1008, "new"},
    {"1000\n10 10 a\n", 0x1005, NULL},
    {"1000 10\n1 2 3\n", 0x1005, NULL},
    {"", 0, NULL},
    {"ffffffffffffffff 2 end\n", UINT64_MAX, "end"},
    {"x y z\n\n1 1 one\n", 1, "one"},
};

START_TEST(test_jit)
{
    size_t length = 0;
    const char *name = stack_jit_name(jit_rows[_i].text, jit_rows[_i].address, &length);

    ck_assert_int_eq(name != NULL, jit_rows[_i].name != NULL);
    if (!name)
        return;
    ck_assert_uint_eq(length, strlen(jit_rows[_i].name));
    ck_assert_mem_eq(name, jit_rows[_i].name, length);
}
END_TEST

#define OUTER "\n/bin/a+0x9 main+0x1 (a.c:4)"

static const struct {
    const char *stacks[4];
    size_t max;
    const char *wanted;
} fold_rows[] = {
    {{NULL}, 9, ""},
    {{"/lib/c.so+0x12 [ab12] open+0x3 (open.c:7)" OUTER},
     9,
     "  stack of fact0\n    open (open.c:7) in /lib/c.so\n    main (a.c:4) in /bin/a\n"},
    /* Alike but for the addresses and lines. */
    {{"/lib/c.so+0x12 [ab] open+0x3" OUTER, "/lib/c.so+0x14 open+0x5\n/bin/a+0xf [cd] main+0x2"},
     9,
     "  stack of fact0, fact1 (2 facts)\n    open in /lib/c.so\n    main (a.c:4) in /bin/a\n"},
    /* Without names addresses count. */
    {{"/bin/a+0x12", "/bin/a+0x13", "/bin/a+0x12"},
     9,
     "  stack of fact0, fact2 (2 facts)\n    /bin/a+0x12\n  stack of fact1\n    /bin/a+0x13\n"},
    {{"/bin/a+0x12", "/bin/a+0x13", "/bin/a+0x14"},
     1,
     "  stack of fact0\n    /bin/a+0x12\n  and 2 more stacks: --all tells of them\n"},
    {{"/bin/a+0x1 inlined f (a.h:1)\n/bin/a+0x1 [ab] g+0x1\n[memory] made\n[cut]"},
     9,
     "  stack of fact0\n    f (a.h:1) inlined in /bin/a\n    g in /bin/a\n    [memory] made\n    "
     "[cut]\n"},
    /* Names and files with parentheses, blanks and brackets. */
    {{"/bin/a+0x1 inlined operator()\n/bin/a+0x1 inlined call<void (*)(int)> (a.h:1)\n"
      "/bin/a+0x1 [ab] operator()<int, int>+0x1 (/a (copy)/b.c:12)\n/bin/a+0x2 (b.c:1)\n"
      "/bin/a+0x3 operator[]+0x2 (odd)\n/bin/a+0x4 f() [clone .cold]+0x2"},
     9,
     "  stack of fact0\n    operator() inlined in /bin/a\n    call<void (*)(int)> (a.h:1) inlined "
     "in /bin/a\n    operator()<int, int> (/a (copy)/b.c:12) in /bin/a\n    /bin/a+0x2\n"
     "    operator[] in /bin/a\n    f() [clone .cold] in /bin/a\n"},
    /* Nothing that looks like it. */
    {{"+0x [", ")", "a+0xg (",
      "x+0x1 ["
      "\n"
      "y+0x2 )"},
     9,
     "  stack of fact0\n    +0x [\n  stack of fact1\n    )\n  stack of fact2\n    a+0xg (\n"
     "  stack of fact3\n    x+0x1\n    ) in y\n"},
};

START_TEST(test_folding)
{
    Recording *recording = recording_new();
    const Run run = {.id = "r", .exit_status = -1};
    StoredFact *facts[ARRAY_LENGTH(fold_rows[0].stacks)];
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    size_t count = 0;
    uint32_t index;

    ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    for (; count < ARRAY_LENGTH(facts); count++) {
        char name[16];
        (void)snprintf(name, sizeof name, "fact%zu", count);
        const Fact draft = {.kind = FACT_SYSCALL, .name = name, .subject = "/bin/a"};
        const FirstSeen first = {.command = "a", .stack = fold_rows[_i].stacks[count]};
        ck_assert_int_eq(recording_add(recording, &draft, index, 1, NULL, &facts[count]), 1);
        ck_assert_int_eq(recording_set_first(recording, facts[count], &first), 0);
    }
    ck_assert_int_eq(
        explain_put_stacks(recording, facts, count, fold_rows[_i].max, demangler, &out), 0);
    ck_assert_str_eq(buffer_text(&out), fold_rows[_i].wanted);
    (void)recording_free(recording);
}
END_TEST

/* A process of so many bytes from BASE on. */
#define BASE 0x5000U

typedef struct Memory {
    uint8_t bytes[128];
} Memory;

static int read_bytes(void *data, uint64_t address, void *bytes, size_t length)
{
    const Memory *memory = data;

    if (address < BASE || address - BASE > sizeof memory->bytes ||
        sizeof memory->bytes - (address - BASE) < length)
        return -EFAULT;
    memcpy(bytes, memory->bytes + (address - BASE), length);
    return 0;
}

/* The call ends at 0x5010; the function is at 0x5020, its pointer at 0x5060, a stub at 0x5040. */
static const struct {
    uint8_t call[6];
    uint8_t stub[12];
    uint8_t entry[4];
    uint64_t pointer;
    bool wanted;
} call_rows[] = {
    {{0x90, 0xe8, 0x10}, {0}, {0x55}, 0, true},
    {{0x90, 0xe8, 0x14}, {0}, {0x55}, 0, false}, /* into its middle */
    {{0x90, 0xe8, 0x14}, {0}, {0xf3, 0x0f, 0x1e, 0xfa}, 0, true},
    {{0x90, 0xe9, 0x10}, {0}, {0x55}, 0, false}, /* a jump */
    {{0x90, 0xe8, 0x30}, {0xff, 0x25, 0x1a}, {0x55}, 0x5020, true},
    {{0x90, 0xe8, 0x30}, {0xff, 0x25, 0x1a}, {0x55}, 0x5028, false}, /* another's stub */
    {{0x90, 0xe8, 0x30}, {0xf2, 0xff, 0x25, 0x19}, {0x55}, 0x5020, true},
    {{0x90, 0xe8, 0x30}, {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x16}, {0x55}, 0x5020, true},
    {{0x90, 0xe8, 0x30}, {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x15}, {0x55}, 0x5020, true},
    {{0x90, 0xe8, 0x30}, {0xff, 0x25, 0x1a, 0xff, 0xff, 0x7f}, {0x55}, 0x5020, false},
    {{0xff, 0x15, 0x50}, {0}, {0x55}, 0x5020, true},
    {{0xff, 0x15, 0x50}, {0}, {0x55}, 0x5040, false},
    {{0xff, 0x15, 0xff, 0xff, 0xff, 0x7f}, {0}, {0x55}, 0x5020, false},
    {{0x90, 0xe8, 0xf0, 0xff, 0xff, 0x7f}, {0}, {0x55}, 0x5020, false},
    {{0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, {0}, {0x55}, 0x5020, false}, /* call *%rax */
};

START_TEST(test_calls)
{
    Memory memory = {{0}};
    const StackRequest request = {.read = read_bytes, .data = &memory};

    memcpy(memory.bytes + 0x0a, call_rows[_i].call, sizeof call_rows[_i].call);
    memcpy(memory.bytes + 0x20, call_rows[_i].entry, sizeof call_rows[_i].entry);
    memcpy(memory.bytes + 0x40, call_rows[_i].stub, sizeof call_rows[_i].stub);
    memcpy(memory.bytes + 0x60, &call_rows[_i].pointer, sizeof call_rows[_i].pointer);
    ck_assert_int_eq(stack_code_calls(&request, BASE + 0x10, BASE + 0x20), call_rows[_i].wanted);
    ck_assert(!stack_code_calls(&request, 3, BASE + 0x20));
    ck_assert(!stack_code_calls(&request, BASE + 4, BASE + 0x20));
}
END_TEST

START_TEST(test_sizes)
{
    static const uint8_t code[] = {
        0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x60,       /* sub $0x60,%rsp */
        0x48, 0x83, 0xec, 0x60,                               /* again */
        0x48, 0x81, 0xec, 0x08, 0x10, 0,    0,                /* sub $0x1008,%rsp */
        0x48, 0x83, 0xc4, 0x80,                               /* add $-128,%rsp */
        0x48, 0x83, 0xec, 0xf0, 0x48, 0x81, 0xec, 0x20, 0x20, /* up; cut short */
    };
    uint8_t many[4 * 2 * STACK_SIZES_MAX];
    uint32_t sizes[STACK_SIZES_MAX];

    ck_assert_uint_eq(stack_code_sizes(code, sizeof code, sizes), 4);
    ck_assert_uint_eq(sizes[0], 0);
    ck_assert_uint_eq(sizes[1], 0x60);
    ck_assert_uint_eq(sizes[2], 0x1008);
    ck_assert_uint_eq(sizes[3], 128);
    ck_assert_uint_eq(stack_code_sizes(code, 3, sizes), 1);
    for (size_t i = 0; i < sizeof many; i += 4)
        memcpy(&many[i], (const uint8_t[]){0x48, 0x83, 0xec, (uint8_t)(i + 8)}, 4);
    ck_assert_uint_eq(stack_code_sizes(many, sizeof many, sizes), STACK_SIZES_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stacks");

    suite_add(suite, "maps", test_maps, 1);
    suite_add(suite, "no-maps", test_no_maps, 1);
    suite_add(suite, "jit", test_jit, ARRAY_LENGTH(jit_rows));
    suite_add(suite, "calls", test_calls, ARRAY_LENGTH(call_rows));
    suite_add(suite, "sizes", test_sizes, 1);
    suite_add(suite, "folding", test_folding, ARRAY_LENGTH(fold_rows));
    return suite_run(suite);
}
