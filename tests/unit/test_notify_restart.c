/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/notify_restart.h, tracer/notify_frame.h: which EINTR is a call's own. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/notify_restart.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the instruction before ----------------------------------------------------------------- */

/* What comes before the call; register N contains 500 + N. */
static const struct {
    const char *name;
    uint8_t length;
    uint8_t code[20];
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
};

static void set_code(SignalFrame *frame, const uint8_t *code, size_t length)
{
    memset(frame->code, 0x90, sizeof frame->code);
    memcpy(frame->code + FRAME_CODE - 2 - length, code, length);
    memcpy(frame->code + FRAME_CODE - 2, "\x0f\x05", 2);
}

START_TEST(test_code)
{
    SignalFrame frame = {.memory = -1};

    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
        frame.registers[i] = 500 + i;
    set_code(&frame, codes[_i].code, codes[_i].length);
    ck_assert_msg(frame_call(&frame) == codes[_i].nr, "%s: %lld", codes[_i].name,
                  (long long)frame_call(&frame));
    memcpy(frame.code + FRAME_CODE - 2, "\xcd\x80", 2); /* int $0x80 */
    ck_assert_int_eq(frame_call(&frame), -1);
}
END_TEST

/* ---- the verdict ---------------------------------------------------------------------------- */

enum { HERE = 0x1000, ELSEWHERE = 0x2000, RETURN = 0x3000, OF_NO_FILE = 1 << 20 };

enum { NR_READ = 0, NR_WRITE = 1, NR_IOCTL = 16, NR_CLOSE = 3, NR_STAT = 4, NR_GETPID = 39 };
enum { NR_WAIT4 = 61, NR_FCNTL = 72, NR_FUTEX = 202, NR_RT_SIGRETURN = 15 };

/* A call was made from HERE with the arguments {FIRST, SECOND}, and returned RESULT. Before the
 * rt_sigreturn(2) these were received, from the oldest on: h as just that call, e another one, |
 * something was taken back between. */
static const struct {
    const char *name;
    int nr;
    uint64_t first, second;
    const char *received;
    int64_t result;
    RestartVerdict verdict;
} rows[] = {
    {"no EINTR", NR_GETPID, 0, 0, "e|", -ENOENT, RESTART_NOTHING},
    {"never waits", NR_GETPID, 0, 0, "e|", -EINTR, RESTART_AGAIN},
    {"never waits: no matter what", NR_GETPID, 0, 0, "h", -EINTR, RESTART_AGAIN},
    {"a handler's end", NR_RT_SIGRETURN, 0, 0, "", -EINTR, RESTART_AGAIN},
    {"waits", NR_WAIT4, 1, 0, "e|", -EINTR, RESTART_NOTHING},
    {"a file's", NR_STAT, 1, 0, "e|", -EINTR, RESTART_AGAIN},
    {"a file's, without gap", NR_STAT, 1, 0, "ee", -EINTR, RESTART_NOTHING},
    {"may wait, not received", NR_IOCTL, 1, 0, "ee|", -EINTR, RESTART_AGAIN},
    {"may wait, not received, the handler calls", NR_IOCTL, 1, 0, "ee|ee", -EINTR, RESTART_AGAIN},
    {"may wait, without gap", NR_IOCTL, 1, 0, "ee", -EINTR, RESTART_NOTHING},
    {"may wait, received before", NR_IOCTL, 1, 0, "hee|", -EINTR, RESTART_INTERRUPTED},
    {"may wait, was received", NR_IOCTL, 1, 0, "eeh", -EINTR, RESTART_NOTHING},
    {"may wait, was received, a gap before", NR_IOCTL, 1, 0, "e|eh", -EINTR, RESTART_INTERRUPTED},
    {"may wait, was received, a gap behind", NR_IOCTL, 1, 0, "eeh|", -EINTR, RESTART_INTERRUPTED},
    {"a gap long ago", NR_IOCTL, 1, 0, "e|eeeeeeeeeeeeeeee", -EINTR, RESTART_NOTHING},
    {"open descriptor", NR_CLOSE, STDIN_FILENO, 0, "e|", -EINTR, RESTART_AGAIN},
    {"closed descriptor", NR_CLOSE, OF_NO_FILE, 0, "e|", -EINTR, RESTART_INTERRUPTED},
    {"F_DUPFD", NR_FCNTL, 0, 0, "e|", -EINTR, RESTART_AGAIN},
    {"F_SETLKW", NR_FCNTL, 0, 7, "e|", -EINTR, RESTART_NOTHING},
    {"FUTEX_WAKE_PRIVATE", NR_FUTEX, 1, 129, "h", -EINTR, RESTART_AGAIN},
    {"FUTEX_WAIT_PRIVATE", NR_FUTEX, 1, 128, "e|", -EINTR, RESTART_NOTHING},
    {"read(2) of no file", NR_READ, OF_NO_FILE, 0, "e|", -EINTR, RESTART_NOTHING},
    {"write(2) to no file", NR_WRITE, OF_NO_FILE, 0, "e|", -EINTR, RESTART_AGAIN},
    {"write(2) to no file, received", NR_WRITE, OF_NO_FILE, 0, "e|eh", -EINTR, RESTART_INTERRUPTED},
};

static SyscallStop stop_at(uint64_t address, uint64_t first, uint64_t second)
{
    return (SyscallStop){.tid = getpid(),
                         .audit_arch = AUDIT_ARCH_X86_64,
                         .nr = NR_RT_SIGRETURN,
                         .instruction_pointer = address,
                         .args = {first, second}};
}

START_TEST(test_verdict)
{
    CLEANUP(restart_deinit) Restart restart = {0};
    SignalFrame frame = {.memory = -1,
                         .result = (uint64_t)rows[_i].result,
                         .next = HERE,
                         .args = {rows[_i].first, rows[_i].second}};
    const uint8_t load[] = {0xb8, (uint8_t)rows[_i].nr, 0, 0, 0};
    const SyscallStop here = stop_at(HERE, rows[_i].first, rows[_i].second);
    const SyscallStop elsewhere = stop_at(ELSEWHERE, 0, 0);
    const SyscallStop end = stop_at(RETURN, 0, 0);
    uint32_t gaps = 7;
    int64_t nr = -1;

    set_code(&frame, load, sizeof load);
    ck_assert_int_eq(restart_init(&restart), 0);
    for (const char *c = rows[_i].received; *c; c++) {
        if (*c == '|')
            gaps++;
        else
            restart_note(&restart, *c == 'h' ? &here : &elsewhere, gaps);
    }
    restart_note(&restart, &end, gaps);
    ck_assert_msg(restart_judge(&restart, &end, &frame, &nr) == rows[_i].verdict, "%s",
                  rows[_i].name);
    ck_assert_int_eq(nr, rows[_i].verdict == RESTART_AGAIN ? rows[_i].nr : -1);
}
END_TEST

/* Of open(2) of PATH, "" a pipe, which was received before, something else was, and then there was
 * a gap. */
static const struct {
    const char *path;
    RestartVerdict verdict;
} opens[] = {
    {"/dev/null", RESTART_AGAIN}, {"CMakeLists.txt", RESTART_AGAIN}, {".", RESTART_AGAIN},
    {"/", RESTART_AGAIN},         {"", RESTART_INTERRUPTED},
};

START_TEST(test_open)
{
    char folder[] = "/tmp/whittle-XXXXXX";
    char path[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    if (*opens[_i].path) {
        (void)snprintf(path, sizeof path, "%s", opens[_i].path);
    } else {
        (void)snprintf(path, sizeof path, "%s/pipe", folder);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
    }
    CLEANUP(restart_deinit) Restart restart = {0};
    CLEANUP(frame_deinit)
    SignalFrame frame = {.memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC),
                         .result = (uint64_t)-EINTR,
                         .next = HERE,
                         .args = {(uint64_t)AT_FDCWD, (uintptr_t)path}};
    static const uint8_t load[] = {0xb8, 0x01, 0x01, 0, 0};
    const SyscallStop here = stop_at(HERE, frame.args[0], frame.args[1]);
    const SyscallStop end = stop_at(RETURN, 0, 0);
    struct stat ignored;
    int64_t nr;

    (void)stat(path, &ignored); /* now the kernel has it in its caches */
    set_code(&frame, load, sizeof load);
    ck_assert_int_eq(restart_init(&restart), 0);
    restart_note(&restart, &here, 0);
    restart_note(&restart, &end, 1);
    ck_assert_msg(restart_judge(&restart, &end, &frame, &nr) == opens[_i].verdict, "%s",
                  opens[_i].path);
    if (!*opens[_i].path)
        (void)unlink(path);
    (void)rmdir(folder);
}
END_TEST

/* A frame that cannot be read counts if something was taken back; one of another thread does not.
 */
START_TEST(test_unknown)
{
    CLEANUP(restart_deinit) Restart restart = {0};
    SyscallStop stop = stop_at(RETURN, 0, 0);
    int64_t nr;

    ck_assert_int_eq(restart_init(&restart), 0);
    restart_note(&restart, &stop, 1);
    ck_assert_int_eq(restart_judge(&restart, &stop, NULL, &nr), RESTART_NOTHING);
    restart_note(&restart, &stop, 2);
    ck_assert_int_eq(restart_judge(&restart, &stop, NULL, &nr), RESTART_INTERRUPTED);
    stop.tid += RESTART_TASKS;
    restart_note(&restart, &stop, 3);
    ck_assert_int_eq(restart_judge(&restart, &stop, NULL, &nr), RESTART_NOTHING);
    ck_assert(restart_applies(&restart, &stop));
    stop.nr = NR_GETPID;
    ck_assert(!restart_applies(&restart, &stop));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify_restart");

    suite_add(suite, "code", test_code, ARRAY_LENGTH(codes));
    suite_add(suite, "verdict", test_verdict, ARRAY_LENGTH(rows));
    suite_add(suite, "open", test_open, ARRAY_LENGTH(opens));
    suite_add(suite, "unknown", test_unknown, 1);
    return suite_run(suite);
}
