# SPDX-License-Identifier: Apache-2.0
"""A mount namespace of our own, of a shape that container runtimes accept."""
import ctypes
import os
import shutil
import subprocess
import sys

MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
CLONE_NEWNS = 0x20000

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        return [line.split()[4] for line in file]


def command(arguments):
    """The command that runs this program again, with ARGUMENTS, in a mount namespace of its own."""
    return ["unshare", "--mount", "--propagation", "unchanged", sys.executable,
            os.path.realpath(sys.argv[0]), *arguments]


def _leave_chroot():
    """Makes the root folder of a chroot the root of the whole namespace.

    Runtimes need that: pivot_root wants a mount, user namespaces may not be made in a chroot, and what
    joins the container later (exec) starts at the namespace's root.
    """
    inside = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    _checked(_libc.setns(own, CLONE_NEWNS))  # joining it, though we are in it, starts at its root
    os.close(own)
    _checked(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    os.fchdir(inside)
    os.close(inside)
    path = os.fsencode(os.getcwd())
    _checked(_libc.mount(path, path, None, MS_BIND | MS_REC, None))
    os.chdir(path)
    subprocess.run(["pivot_root", ".", "."], check=True)
    _checked(_libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def prepare():
    """To be called in that namespace."""
    if "/" in _mount_points():
        _checked(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    else:
        _leave_chroot()
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        found = [line.split()[1:3] for line in file]
    # crun refuses a v2 hierarchy beside those of cgroup v1.
    if ["/sys/fs/cgroup", "cgroup2"] not in found and ["/sys/fs/cgroup/unified", "cgroup2"] in found:
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)


def remove(folder):
    """Deletes FOLDER, unless something is mounted in it: that would delete what was bound there."""
    if not any(point.startswith(folder + "/") for point in _mount_points()):
        shutil.rmtree(folder, ignore_errors=True)
