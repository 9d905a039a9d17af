/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes calls that need no privilege, or fail for their arguments before privilege is asked for,
 * and prints "NAME ERRNO" of each: whoever runs it under a profile sees which of them seccomp
 * denied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD_ADDRESS 1L

static const struct {
    const char *name;
    long number;
    long arguments[5];
} probes[] = {
    {"clone3", SYS_clone3, {BAD_ADDRESS, 0}},                            /* EINVAL: no size */
    {"inotify_init1", SYS_inotify_init1, {0}},                           /* works */
    {"keyctl", SYS_keyctl, {0, -3, 0}},                                  /* KEYCTL_GET_KEYRING_ID */
    {"memfd_create", SYS_memfd_create, {BAD_ADDRESS, 0}},                /* EFAULT */
    {"mount", SYS_mount, {BAD_ADDRESS, BAD_ADDRESS, BAD_ADDRESS, 0, 0}}, /* EFAULT */
    {"personality", SYS_personality, {0xffffffff}},                      /* asks only */
    {"process_vm_readv", SYS_process_vm_readv, {0, 0, 0, 0, 0}},         /* reads nothing */
    {"setns", SYS_setns, {-1, 0}},                                       /* EBADF */
    {"timerfd_create", SYS_timerfd_create, {0, 0}},                      /* works */
    {"unshare", SYS_unshare, {0}},                                       /* unshares nothing */
};

int main(void)
{
    char text[64];

    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        const long *a = probes[i].arguments;
        errno = 0;
        const long r = syscall(probes[i].number, a[0], a[1], a[2], a[3], a[4]);
        const int length =
            snprintf(text, sizeof text, "%s %d\n", probes[i].name, r < 0 ? errno : 0);
        if (write(STDOUT_FILENO, text, (size_t)length) != length)
            return 1;
    }
    return 0;
}
