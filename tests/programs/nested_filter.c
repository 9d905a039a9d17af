/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs with a seccomp filter of their own.
 *
 *     nested_filter errno     a filter that refuses getppid() with EPERM
 *     nested_filter trap      one that turns getppid() into SIGSYS, handled
 *     nested_filter kill      one that kills at getppid()
 *     nested_filter listener  one that notifies a supervisor of its own
 *     nested_filter strict    seccomp's strict mode
 *
 * Prints what became of it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(unsigned action, unsigned long flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    static const char text[] = "trapped\n";

    (void)number;
    (void)context;
    if (info->si_syscall == SYS_getppid)
        (void)!write(1, text, sizeof text - 1);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "errno") == 0) {
        if (load(SECCOMP_RET_ERRNO | EPERM, 0) < 0)
            return 1;
        errno = 0;
        const long r = syscall(SYS_getppid);
        printf("%ld %s\n", r, strerror(errno));
    } else if (strcmp(what, "trap") == 0) {
        struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
        sigaction(SIGSYS, &action, NULL);
        if (load(SECCOMP_RET_TRAP, 0) < 0)
            return 1;
        (void)syscall(SYS_getppid);
    } else if (strcmp(what, "kill") == 0) {
        if (load(SECCOMP_RET_KILL_PROCESS, 0) < 0)
            return 1;
        (void)syscall(SYS_getppid);
        puts("alive");
    } else if (strcmp(what, "listener") == 0) {
        const int fd = load(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if (fd < 0)
            printf("%s\n", strerror(errno));
        else
            puts("listening");
    } else if (strcmp(what, "strict") == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0)
            printf("%s\n", strerror(errno));
        else if (write(1, "strict\n", 7) == 7)
            syscall(SYS_exit, 0);
    }
    return 0;
}
