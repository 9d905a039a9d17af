# SPDX-License-Identifier: Apache-2.0
"""Look at a container's process from outside, through /proc."""
import os
import select
import signal
import time

PAUSE = "34"  # x86-64

# What must be as under a filter that allows everything: a runtime that shrugs off a denied call may have
# left the container with privileges, descriptors or a signal mask that it should not have.
STATUS_KEYS = ("Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd",
               "CapAmb", "NoNewPrivs", "Seccomp")


def read_pid(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def open_pid(pid):
    """A pidfd, or -1."""
    try:
        return os.pidfd_open(pid) if pid else -1
    except OSError:
        return -1


def lives(handle):
    return handle >= 0 and not select.select([handle], [], [], 0)[0]


def await_end(handle, seconds):
    select.select([handle], [], [], seconds)


def kill(handle):
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        pass


def waits(handle, pid, program):
    """Is PID past its execve, in PROGRAM's pause()? (The file alone changes before execve returns.)"""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            call = file.read().split()[0]
        return call == PAUSE and os.readlink(f"/proc/{pid}/exe").endswith(program) and lives(handle)
    except OSError:
        return False


def _kind(target):
    """A descriptor's target without what differs from run to run."""
    if target.startswith("/"):
        return target if target.startswith("/dev/") and "pts" not in target else "file"
    return target.partition(":")[0]


def reap(pid):
    """Collects PID if it was left to us; gives up when it is somebody else's."""
    for _ in range(200):
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            if not os.path.exists(f"/proc/{pid}"):
                return
        time.sleep(0.005)


def reap_orphans():
    """Collects what failed runs left to us; to be called while no child of our own runs."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def look(pid):
    """Everything a runtime sets up in its last steps, as a value to compare."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        stat = file.read().rpartition(")")[2].split()
    descriptors = {}
    for number in sorted(os.listdir(f"/proc/{pid}/fd")):
        path = f"/proc/{pid}/fd/{number}"
        descriptors[number] = (_kind(os.readlink(path)), os.stat(path).st_uid)
    return {
        "status": {key: fields.get(key) for key in STATUS_KEYS},
        "descriptors": descriptors,
        "folder": os.readlink(f"/proc/{pid}/cwd"),
        "terminal": stat[4] != "0",
        "leads session": int(stat[3]) == pid,
    }
