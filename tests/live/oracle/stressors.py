# SPDX-License-Identifier: Apache-2.0
"""stress-ng's stressors as cases: a few operations of each, with its random numbers fixed."""

import re
import subprocess

from compare import Case

CLASSES = ("filesystem", "network", "os", "pipe", "scheduler")


# Not run: they would stop, restart or starve the machine of whoever tests.
DANGEROUS = ("cpu-online", "forkheavy", "oom-pipe", "reboot", "resources", "smi", "watchdog")

# Quick ones of every class.
FAST = ("access", "chmod", "dup", "fcntl", "fifo", "fork", "lockf", "pipe", "rename", "schedpolicy", "sockfd", "udp", "utime", "vfork")

# Sizes: the defaults fill disks.
OPTIONS = {
    "copy-file": ("--copy-file-bytes", "128M"),
    "dirdeep": ("--dirdeep-inodes", "200"),
    "fallocate": ("--fallocate-bytes", "2M"),
    "hdd": ("--hdd-bytes", "2M"),
    "iomix": ("--iomix-bytes", "2M"),
    # with 3, timing decides whether it still comes to ask how much there is to read
    "pipe": ("--pipe-ops", "100"),
    "readahead": ("--readahead-bytes", "2M"),
    "seek": ("--seek-size", "2M"),
    "sendfile": ("--sendfile-size", "64K"),
    "sync-file": ("--sync-file-bytes", "2M"),
}


# What is excused; docs/ORACLES.md gives the reasons. ANY: every call, path and signal that only one of
# the two saw; losses and the exit status still count.
ANY = "*"
CALLS = {
    "aio": ("exit",),
    "close": (ANY,),
    "dir": ("getpriority", "setpriority"),
    "epoll": ("recvfrom", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
    "hrtimers": ("rt_sigpending",),
    "iomix": ("copy_file_range", "fsync", "ioctl", "msync", "sendfile", "sync"),
    "link": (ANY,),
    "mmapfixed": ("mremap",),
    "mutex": ("pause",),
    "procfs": (ANY,),
    "ptrace": (ANY,),
    "sem": ("pause",),
    "syscall": (ANY,),
    "pty": ("fcntl",),
    "sockmany": ("shutdown",),
    "sockfd": ("close_range", "ioctl", "recvmsg", "shutdown"),
    "touch": ("creat",),
    "wait": ("waitid",),
}
LOSSES = {
    "handle": ("unresolved-path",),
    "io-uring": ("io-uring-unseen",),
    "ptrace": ("nested-tracer",),
    "syscall": ("unresolved-path",),
}
# Each is ended by a timer and waits for a child: which of these comes to pass, timing decides.
TIMING = ("rt_sigreturn", "restart_syscall", "sched_yield", "futex", "munmap", "madvise", "kill")
SIGNALS = ("SIGALRM", "SIGKILL", "SIGTERM")
# … and these.
MORE_SIGNALS = {"sctp": ("exists",)}
# Used now and then.
PATHS = {
    "dir": ("/tmp-stress-ng-dir-",),
    "iomix": ("/proc/sys/vm/drop_caches",),
    "mmap": ("/dev/zero",),
    "pipe": ("/fdinfo/",),
    "sockfd": ("/stress-ng-",),
    "touch": ("/stress-ng-touch-",),
}
# strace itself does not come to an end.
ENDLESS = ("vm-segv",)


def names(kind):
    out = subprocess.run(
        ["stress-ng", "--class", kind + "?"], capture_output=True, text=True, check=False
    )
    match = re.search(r"class '\w+' stressors: (.*)", out.stdout + out.stderr)
    return match.group(1).split() if match else []


def case(name):
    command = ["stress-ng", "-q", "--no-rand-seed", "--" + name, "1", f"--{name}-ops", "3", "-t", "5"]
    return Case(
        "stress-" + name,
        command + list(OPTIONS.get(name, ())),
        timeout=60,
        fast=name in FAST,
        calls=TIMING + CALLS.get(name, ()),
        losses=LOSSES.get(name, ()),
        signals=SIGNALS + MORE_SIGNALS.get(name, ()),
        paths=PATHS.get(name, ()),
    )


def cases(kinds=CLASSES):
    found = set()
    for kind in kinds:
        found |= set(names(kind))
    return [case(name) for name in sorted(found - set(DANGEROUS) - set(ENDLESS))]
