/* SPDX-License-Identifier: Apache-2.0 */
/* The ptrace backend's table of tasks, and both ways to read a stopped thread's call. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/ptrace_registers.h"
#include "tracer/ptrace_tasks.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- tasks ---------------------------------------------------------------------------------- */

START_TEST(test_tasks)
{
    enum { MANY = 20000 };
    PtraceTasks tasks;

    ck_assert_int_eq(ptrace_tasks_init(&tasks), 0);
    ck_assert_ptr_null(ptrace_tasks_find(&tasks, 1));
    for (pid_t tid = 1; tid <= MANY; tid++)
        ck_assert_int_eq(ptrace_tasks_add(&tasks, tid)->tid, tid);
    ck_assert_uint_eq(tasks.count, MANY);
    ck_assert_ptr_eq(ptrace_tasks_add(&tasks, 7), ptrace_tasks_find(&tasks, 7));
    ck_assert_uint_eq(tasks.count, MANY);
    for (pid_t tid = 1; tid <= MANY; tid += 2)
        ptrace_tasks_remove(&tasks, ptrace_tasks_find(&tasks, tid));
    ck_assert_uint_eq(tasks.count, MANY / 2);
    for (pid_t tid = 1; tid <= MANY; tid++)
        ck_assert_int_eq(ptrace_tasks_find(&tasks, tid) != NULL, tid % 2 == 0);
    ptrace_tasks_deinit(&tasks);
}
END_TEST

START_TEST(test_tasks_gone)
{
    PtraceTasks tasks;
    PtraceTask *task;

    ck_assert_int_eq(ptrace_tasks_init(&tasks), 0);
    task = ptrace_tasks_add(&tasks, 5);
    ptrace_tasks_mark_gone(&tasks, task);
    ptrace_tasks_mark_gone(&tasks, task);
    ck_assert_uint_eq(tasks.count, 0);
    ck_assert_ptr_eq(ptrace_tasks_find(&tasks, 5), task);
    ptrace_tasks_remove(&tasks, task);
    ck_assert_uint_eq(tasks.count, 0);
    ck_assert_ptr_null(ptrace_tasks_find(&tasks, 5));
    ptrace_tasks_deinit(&tasks);
}
END_TEST

static void remove_odd(void *data, PtraceTask *task)
{
    if (task->tid % 2)
        ptrace_tasks_remove(data, task);
}

START_TEST(test_tasks_each)
{
    PtraceTasks tasks;

    ck_assert_int_eq(ptrace_tasks_init(&tasks), 0);
    for (pid_t tid = 1; tid <= 1000; tid++)
        ck_assert_ptr_nonnull(ptrace_tasks_add(&tasks, tid));
    ptrace_tasks_each(&tasks, remove_odd, &tasks);
    ck_assert_uint_eq(tasks.count, 500);
    ptrace_tasks_deinit(&tasks);
}
END_TEST

/* ---- calls ---------------------------------------------------------------------------------- */

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
#define OWN_AUDIT_ARCH AUDIT_ARCH_X86_64
#else
#define OWN_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

static const struct {
    uint32_t audit_arch;
    long nr;
    uint64_t args[SYSCALL_ARGS];
    int64_t result;
} calls[] = {
    {OWN_AUDIT_ARCH, SYS_lseek, {0x7fffffff, 0x1122334455667788, 2, 4, 5, 6}, -EBADF},
    {OWN_AUDIT_ARCH, SYS_close, {0xfffffffe, 0xffffffffffffffff, 3, 4, 5, 6}, -EBADF},
    {OWN_AUDIT_ARCH, SYS_umask, {022, 1, 2, 3, 4, 0x8000000000000000}, 022},
    {OWN_AUDIT_ARCH, 9999, {1, 2, 3, 4, 5, 6}, -ENOSYS},
#if defined(__x86_64__)
    {AUDIT_ARCH_I386, 6, {0xfffffffe, 2, 3, 4, 5, 0}, -EBADF}, /* close */
    {AUDIT_ARCH_I386, 60, {022, 2, 3, 4, 5, 0}, 022},          /* umask */
#endif
};

static void make_call(int row)
{
    const uint64_t *a = calls[row].args;

#if defined(__x86_64__)
    if (calls[row].audit_arch == AUDIT_ARCH_I386) {
        long result = calls[row].nr;

        __asm__ volatile("push %%rbp; xor %%ebp, %%ebp; int $0x80; pop %%rbp"
                         : "+a"(result)
                         : "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        return;
    }
#endif
    (void)syscall(calls[row].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A traced child that is about to make the call of ROW. */
static pid_t start_child(int row)
{
    int status;
    const pid_t pid = fork();

    if (pid == 0) {
        (void)umask(022);
        (void)ptrace(PTRACE_TRACEME, 0, 0, 0);
        (void)raise(SIGSTOP);
        make_call(row);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
                     0);
    return pid;
}

static void next_stop(pid_t pid)
{
    int status;

    ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(WSTOPSIG(status), SIGTRAP | 0x80);
}

/* Stops at the entry of the call of ROW; raise() may make others before it returns. */
static PtraceCall enter_call(pid_t pid, int row)
{
    PtraceCall call = {0};

    for (int i = 0; i < 20; i++) {
        next_stop(pid);
        ck_assert_int_eq(ptrace_call_registers(pid, PTRACE_CALL_ENTRY, &call), 0);
        if (call.stop.nr == calls[row].nr && call.stop.audit_arch == calls[row].audit_arch &&
            call.stop.args[0] == calls[row].args[0])
            return call;
        next_stop(pid);
    }
    ck_abort_msg("the call did not come");
    return call;
}

static void end_child(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

START_TEST(test_call)
{
    const pid_t pid = start_child(_i);
    const PtraceCall by_registers = enter_call(pid, _i);
    PtraceCall by_info = {0};
    PtraceCall result = {0};
    const int r = ptrace_call_info(pid, &by_info);

    ck_assert(r == 0 || r == -EIO); /* before Linux 5.3 */
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        ck_assert_uint_eq(by_registers.stop.args[i], calls[_i].args[i]);
    ck_assert_int_eq(by_registers.stop.tid, pid);
    if (r == 0) {
        ck_assert_int_eq(by_info.kind, PTRACE_CALL_ENTRY);
        ck_assert_int_eq(by_info.stop.tid, pid);
        ck_assert_int_eq(by_info.stop.nr, by_registers.stop.nr);
        ck_assert_uint_eq(by_info.stop.audit_arch, by_registers.stop.audit_arch);
        ck_assert_uint_eq(by_info.stop.instruction_pointer, by_registers.stop.instruction_pointer);
        ck_assert_mem_eq(by_info.stop.args, by_registers.stop.args, sizeof by_info.stop.args);
    }
    next_stop(pid);
    ck_assert_int_eq(ptrace_call_registers(pid, PTRACE_CALL_EXIT, &result), 0);
    ck_assert_int_eq(result.result, calls[_i].result);
    if (r == 0) {
        ck_assert_int_eq(ptrace_call_info(pid, &by_info), 0);
        ck_assert_int_eq(by_info.kind, PTRACE_CALL_EXIT);
        ck_assert_int_eq(by_info.result, calls[_i].result);
    }
    end_child(pid);
}
END_TEST

START_TEST(test_answer)
{
    const pid_t pid = start_child(_i);
    PtraceCall result = {0};

    (void)enter_call(pid, _i);
    ck_assert_int_eq(ptrace_call_answer(pid), 0);
    next_stop(pid);
    ck_assert_int_eq(ptrace_call_registers(pid, PTRACE_CALL_EXIT, &result), 0);
    ck_assert_int_eq(result.result, 0);
    end_child(pid);
}
END_TEST

START_TEST(test_set_first)
{
    const pid_t pid = start_child(_i);
    PtraceCall call = {0};

    (void)enter_call(pid, _i);
    ck_assert_int_eq(ptrace_call_set_first(pid, 077), 0);
    ck_assert_int_eq(ptrace_call_registers(pid, PTRACE_CALL_ENTRY, &call), 0);
    ck_assert_uint_eq(call.stop.args[0], 077);
    ck_assert_uint_eq(call.stop.args[1], calls[_i].args[1]);
    end_child(pid);
}
END_TEST

#endif

START_TEST(test_no_tracee)
{
    PtraceCall call = {0};

    ck_assert_int_eq(ptrace_call_info(getpid(), &call), -ESRCH);
    ck_assert_int_lt(ptrace_call_registers(getpid(), PTRACE_CALL_ENTRY, &call), 0);
    ck_assert_int_lt(ptrace_call_answer(getpid()), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ptrace");

    suite_add(suite, "tasks", test_tasks, 1);
    suite_add(suite, "tasks that are gone", test_tasks_gone, 1);
    suite_add(suite, "each task", test_tasks_each, 1);
    suite_add(suite, "no tracee", test_no_tracee, 1);
#if defined(__x86_64__) || defined(__aarch64__)
    suite_add(suite, "call", test_call, ARRAY_LENGTH(calls));
    suite_add(suite, "answer", test_answer, ARRAY_LENGTH(calls));
    suite_add(suite, "first argument", test_set_first, ARRAY_LENGTH(calls));
#endif
    return suite_run(suite);
}
