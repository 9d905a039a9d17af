# SPDX-License-Identifier: Apache-2.0
"""Names that are hard to handle: bytes, length, links, folders that are gone."""
import errno
import os

os.mkdir("d")
for name in (b"d/\xff\xfe", b"d/\xc3(", "d/ümläut".encode(), b"d/new\nline", b"d/tab\t\\x41", b"d/ends (deleted)"):
    with open(name, "wb") as file:
        file.write(b"x")
    os.stat(name)
os.rename(b"d/\xff\xfe", b"d/\xfd")
os.unlink(b"d/ends (deleted)")


def attempt(what, *args):
    try:
        return what(*args)
    except OSError as e:
        return e.errno


# 4095 bytes, the longest the kernel takes, and one more.
base = os.getcwd().encode() + b"/"
part = b"p" * 200 + b"/"
deep = b""
here = os.open(".", os.O_RDONLY)
while len(base) + len(deep) + 201 < 4095 - 200:
    os.mkdir(part[:-1])
    os.chdir(part[:-1])
    deep += part
os.fchdir(here)
rest = 4095 - len(base) - len(deep)
last = base + deep + b"f" * rest
assert len(last) == 4095
while rest > 255:
    rest -= 201
    deep += part
    os.mkdir(base + deep[:-1])
    last = base + deep + b"f" * rest
assert len(last) == 4095
os.close(os.open(last, os.O_CREAT | os.O_WRONLY, 0o600))
os.stat(last)
assert attempt(os.stat, last + b"f") == errno.ENAMETOOLONG
assert attempt(os.stat, b"n" * 256) == errno.ENAMETOOLONG

# Links: chains, loops, dangling ones, folders, "..", a trailing slash.
os.symlink("two", "one")
os.symlink("three", "two")
os.symlink("d", "three")
with open("one/../three/./f", "w") as file:
    file.write("x")
os.symlink("loop-b", "loop-a")
os.symlink("loop-a", "loop-b")
assert attempt(os.stat, "loop-a") == errno.ELOOP
os.lstat("loop-a")
os.readlink("loop-a")
os.symlink("made-through-link", "dangling")
assert attempt(os.stat, "dangling") == errno.ENOENT
os.close(os.open("dangling", os.O_CREAT | os.O_WRONLY))
assert attempt(os.open, "one", os.O_RDONLY | os.O_NOFOLLOW) == errno.ELOOP
assert attempt(os.stat, "d/f/") == errno.ENOTDIR
assert attempt(os.open, "d/f", os.O_CREAT | os.O_EXCL | os.O_WRONLY) == errno.EEXIST
assert attempt(os.stat, "") == errno.ENOENT
assert attempt(os.mkdir, "no/such/folder") == errno.ENOENT
assert attempt(os.mkdir, "d") == errno.EEXIST
assert attempt(os.rmdir, "d") == errno.ENOTEMPTY
os.mkdir("slash/")
os.rename("slash/", "slash2")

# Relative to descriptors.
fd = os.open("d", os.O_RDONLY | os.O_DIRECTORY)
os.close(os.open("below", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
os.rename("below", "moved", src_dir_fd=fd, dst_dir_fd=fd)
os.link("moved", "hard", src_dir_fd=fd, dst_dir_fd=fd)
os.unlink("hard", dir_fd=fd)
os.utime("moved", dir_fd=fd)
os.chmod("moved", 0o600, dir_fd=fd)
os.chown("moved", 0, 0, dir_fd=fd)
os.truncate("d/moved", 3)
os.stat("/proc/self/fd/%d/moved" % fd)
os.stat("/proc/self/cwd/d")
os.readlink("/proc/self/exe")
os.listdir("/proc/self/task/%d" % os.getpid())
os.stat("/proc/%d/status" % os.getpid())
os.stat("/proc/1/comm")
os.close(fd)

# An open file and the working folder, both gone.
file = os.open("gone", os.O_CREAT | os.O_RDWR)
os.unlink("gone")
os.fchmod(file, 0o600)
os.stat("/proc/self/fd/%d" % file)
os.mkdir("lost")
os.chdir("lost")
os.rmdir("../lost")
assert attempt(os.stat, "x") == errno.ENOENT
assert attempt(os.open, "x", os.O_CREAT | os.O_WRONLY) == errno.ENOENT
os.fchdir(here)

# Without a name.
os.close(os.open(".", os.O_TMPFILE | os.O_RDWR))
memory = os.memfd_create("memory")
os.ftruncate(memory, 10)
os.setxattr("d", "user.x", b"1") if attempt(os.setxattr, "d", "user.x", b"1") is None else None
os.statvfs("d")
os.access("d", os.R_OK)
os.mkfifo("fifo")
os.mknod("node")
