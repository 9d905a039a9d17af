#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workloads that files wait for: one that serves a file system (FUSE) and uses it, one that is asked before
files are opened (fanotify). Who looks something up there waits for the server; if that is whittle, for a
call of which whittle keeps the server, nobody ever goes on."""
import ctypes
import os
import signal
import subprocess

import live
from live import PYTHON, Skip, both, case, check, equal, need_root, record

SERVER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "fuse_server.py")


def served(backend, folder, text):
    """Records a shell that finds the file system on its ./m."""
    need_root()
    if not os.path.exists("/dev/fuse"):
        raise Skip("needs /dev/fuse")
    point = os.path.join(folder, "m")
    os.mkdir(point)
    live.LIMIT = 20
    try:
        result = record(backend, folder, [PYTHON, SERVER, point, "sh", "-c", text], cwd=folder)
    finally:
        # Ends the connection too, and with it whoever waits for ever.
        ctypes.CDLL(None).umount2(point.encode(), 1)
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
    if result.status == 77:
        raise Skip(result.out.strip())
    return point, result


def interpreter_unknown(backend, result):
    """A program that whittle could not read; the kernel tells eBPF what it loads."""
    if backend in ("notify", "ptrace"):
        check("unreadable-program" in result.losses(), f"the script's interpreter is not known: {result.losses()}")


@both
def names(folder, backend):
    point, result = served(backend, folder, """
        cat m/f; ls m; ln -s m link; cat link/f; cat link/../outside; test -e m/none; stat -c %s m/f
        exec 3<m/f; cat /proc/self/fd/3; cd m; cat f; cat ../outside; : >new
    """.replace("        ", "") if os.path.exists("/dev/fuse") else "")
    equal(result.out.split(), ["served", "f", "served", "7", "served", "served"], f"output {result.err}")
    equal(result.access(point + "/f"), {"read", "stat"}, "accesses of the file")
    result.one("file", name=point + "/f", mount="fuse", access={"read"})
    result.one("file", name=point, file_type="directory", access={"read"})
    result.one("file", name=point + "/none", access={"stat"})
    result.none("file", name=os.path.join(folder, "link/f"))
    # The folder behind "link/.." is that of the target.
    result.one("file", name=os.path.join(folder, "outside"), results=["ENOENT"])
    result.one("mount", name="mount", fstype="fuse.served", target=point)
    result.one("mount", name="umount", target=point)
    result.complete()


@both
def program(folder, backend):
    point, result = served(backend, folder, "m/p")
    equal(result.status, 7, f"status {result.err}")
    result.one("exec", name=point + "/p")
    interpreter_unknown(backend, result)


@case
def joined(folder):
    """The server ran already when whittle came."""
    need_root()
    if not os.path.exists("/dev/fuse"):
        raise Skip("needs /dev/fuse")
    point, recording = os.path.join(folder, "m"), os.path.join(folder, "rec.jsonl")
    os.mkdir(point)
    server = subprocess.Popen([PYTHON, SERVER, point, "sh", "-c", "sleep 2; exec cat m/f"], cwd=folder,
                              stdout=subprocess.PIPE, text=True)
    try:
        live.wait_until(lambda: os.path.ismount(point) or server.poll() is not None, what="the mount")
        done = subprocess.run([live.WHITTLE, "record", "--backend", "ptrace", "-o", recording, "--pid", str(server.pid)],
                              capture_output=True, timeout=20, check=False)
        out, _ = server.communicate(timeout=20)
    finally:
        ctypes.CDLL(None).umount2(point.encode(), 1)
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
        server.kill()
    if server.returncode == 77:
        raise Skip(out.strip())
    equal((done.returncode, out), (0, "served\n"), f"status and output {done.stderr}")
    names = {f["name"] for f in live.show(recording)["facts"] if f["kind"] == "file"}
    check(point + "/f" in names, f"the served file: {[n for n in names if folder in n]}")


WATCHER = r"""
import ctypes, os, struct, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
CONTENT, CLOEXEC, ADD, OPEN_PERM, ON_CHILD, ALLOW = 4, 1, 1, 0x10000, 0x08000000, 1
folder = sys.argv[1]
watch = libc.fanotify_init(CONTENT | CLOEXEC, os.O_RDONLY)
if watch < 0 or libc.fanotify_mark(watch, ADD, ctypes.c_uint64(OPEN_PERM | ON_CHILD), -100, folder.encode()) < 0:
    print("no permission events here:", os.strerror(ctypes.get_errno())); os._exit(77)
def serve():
    while True:
        events = os.read(watch, 8192)
        while events:
            length, _, _, _, _, fd, _ = struct.unpack_from("<IBBHQii", events)
            os.write(watch, struct.pack("<iI", fd, ALLOW)); os.close(fd); events = events[length:]
threading.Thread(target=serve, daemon=True).start()
# Not subprocess: its vfork() stops the interpreter, and with it the thread that has to answer.
child = os.fork()
if child == 0: os.execv(folder + "/p", ["p"])
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), open(folder + "/f").read(), flush=True)
os._exit(0)
"""


@both
def permission_events(folder, backend):
    need_root()
    watched = os.path.join(folder, "watched")
    os.mkdir(watched)
    for name, text in (("f", "content"), ("p", "#!/bin/sh\nexit 7\n")):
        with open(os.path.join(watched, name), "w", encoding="ascii") as file:
            file.write(text)
    os.chmod(os.path.join(watched, "p"), 0o755)
    live.LIMIT = 20
    result = record(backend, folder, [PYTHON, "-c", WATCHER, watched])
    if result.status == 77:
        raise Skip(result.out.strip())
    equal((result.status, result.out.split()), (0, ["7", "content"]), f"status and output {result.err}")
    result.one("exec", name=watched + "/p")
    result.one("file", name=watched + "/f", access={"read"})
    interpreter_unknown(backend, result)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    live.main()
