/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/notify_restart.h: which EINTR is a call's own. */
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

/* ---- the verdict ---------------------------------------------------------------------------- */

enum { ELSEWHERE = 0x2000, RETURN = 0x3000, OF_NO_FILE = 1 << 20 };

enum { NR_READ = 0, NR_WRITE = 1, NR_IOCTL = 16, NR_CLOSE = 3, NR_STAT = 4, NR_GETPID = 39 };
enum { NR_WAIT4 = 61, NR_FCNTL = 72, NR_FUTEX = 202, NR_RT_SIGRETURN = 15 };
enum { NR_OPENAT = 257 };

/* A call was made from HERE with the arguments {FIRST, SECOND}, and returned RESULT. Before the
 * rt_sigreturn(2) these were received, from the oldest on: h as just that call, o another one with
 * the same arguments from there, e one from elsewhere, | something was taken back between. */
static const struct {
    const char *name;
    int64_t nr;
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
    {"may wait, another one received before", NR_IOCTL, 1, 0, "oee|", -EINTR, RESTART_AGAIN},
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

static SyscallStop stop_at(int64_t nr, uint64_t address, uint64_t first, uint64_t second)
{
    return (SyscallStop){.tid = getpid(),
                         .audit_arch = AUDIT_ARCH_X86_64,
                         .nr = nr,
                         .instruction_pointer = address,
                         .args = {first, second}};
}

/* mov $NR, %eax; syscall */
typedef struct Code {
    uint8_t before[64];
    uint8_t call[7];
    uint8_t next;
} Code;

/* As if CODE had returned RESULT. */
static SignalFrame frame_of(Code *code, int64_t nr, int64_t result, uint64_t first, uint64_t second)
{
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    *code = (Code){.call = {0xb8, (uint8_t)nr, (uint8_t)(nr >> 8), 0, 0, 0x0f, 0x05}};
    ck_assert_int_ge(memory, 0);
    return (SignalFrame){.memory = memory,
                         .result = result,
                         .site = {.memory = memory,
                                  .is_64 = true,
                                  .next = (uintptr_t)&code->next,
                                  .registers = {[X86_DI] = first, [X86_SI] = second}}};
}

START_TEST(test_verdict)
{
    CLEANUP(restart_deinit) Restart restart = {0};
    const uint64_t first = rows[_i].first;
    const uint64_t second = rows[_i].second;
    Code code;
    CLEANUP(frame_deinit)
    SignalFrame frame = frame_of(&code, rows[_i].nr, rows[_i].result, first, second);
    const SyscallStop here = stop_at(rows[_i].nr, frame.site.next, first, second);
    const SyscallStop other = stop_at(rows[_i].nr + 1, frame.site.next, first, second);
    const SyscallStop elsewhere = stop_at(rows[_i].nr, ELSEWHERE, 0, 0);
    const SyscallStop end = stop_at(NR_RT_SIGRETURN, RETURN, 0, 0);
    uint32_t gaps = 7;
    int64_t nr = -1;

    ck_assert_int_eq(restart_init(&restart), 0);
    for (const char *c = rows[_i].received; *c; c++) {
        if (*c == '|')
            gaps++;
        else
            restart_note(&restart, *c == 'h' ? &here : *c == 'o' ? &other : &elsewhere, gaps);
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
    const uint64_t directory = (uint64_t)AT_FDCWD;
    Code code;
    CLEANUP(frame_deinit)
    SignalFrame frame = frame_of(&code, NR_OPENAT, -EINTR, directory, (uintptr_t)path);
    const SyscallStop here = stop_at(NR_OPENAT, frame.site.next, directory, (uintptr_t)path);
    const SyscallStop end = stop_at(NR_RT_SIGRETURN, RETURN, 0, 0);
    struct stat ignored;
    int64_t nr;

    (void)stat(path, &ignored); /* now the kernel has it in its caches */
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
    SyscallStop stop = stop_at(NR_RT_SIGRETURN, RETURN, 0, 0);
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

    suite_add(suite, "verdict", test_verdict, ARRAY_LENGTH(rows));
    suite_add(suite, "open", test_open, ARRAY_LENGTH(opens));
    suite_add(suite, "unknown", test_unknown, 1);
    return suite_run(suite);
}
