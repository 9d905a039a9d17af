# SPDX-License-Identifier: Apache-2.0
"""A mount namespace of our own, of a shape that container runtimes accept."""
import os
import shutil
import subprocess
import sys


def _mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        return [line.split()[4] for line in file]


def command(arguments):
    """The command that runs this program again, with ARGUMENTS, in a mount namespace of its own."""
    propagation = "private" if "/" in _mount_points() else "unchanged"
    return ["unshare", "--mount", "--propagation", propagation, sys.executable,
            os.path.realpath(sys.argv[0]), *arguments]


def prepare(folder):
    """To be called in that namespace. FOLDER is one of our own, empty or nearly so."""
    if "/" not in _mount_points():
        # In a chroot neither pivot_root nor a change of propagation works on /: go where / is a mount.
        root = os.path.join(folder, "root")
        os.mkdir(root)
        subprocess.run(["mount", "--rbind", "/", root], check=True)
        subprocess.run(["mount", "--make-rprivate", root], check=True)
        os.chroot(root)
        os.chdir("/")
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        found = [line.split()[1:3] for line in file]
    # crun refuses a v2 hierarchy beside those of cgroup v1.
    if ["/sys/fs/cgroup", "cgroup2"] not in found and ["/sys/fs/cgroup/unified", "cgroup2"] in found:
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)


def remove(folder):
    """Deletes FOLDER, unless something is mounted in it: that would delete what was bound there."""
    root = os.path.join(folder, "root")
    if root in _mount_points():  # it got out of the namespace, from a chroot on a shared mount
        subprocess.run(["umount", "--lazy", root], check=False)
    if not any(point.startswith(folder + "/") for point in _mount_points()):
        shutil.rmtree(folder, ignore_errors=True)
