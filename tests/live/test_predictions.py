#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Results that the notify backend predicts must be those that the other backends see, or unknown."""
import errno
import os

import live
from live import both, check, equal, python, record


def results(result, name, access):
    """Of all facts of the file NAME with ACCESS."""
    return {word for f in result.facts("file", name=name, access={access}) for word in f["results"]}


@both
def memory_of_others(folder, backend):
    live.need_root()
    # The parent's files, which belong to root, and a child's that is the same user's but may not be dumped.
    result = record(backend, folder, python(r"""
import os
other = os.getpid()
os.pipe()
if os.fork() == 0:
    os.setgid(65534); os.setuid(65534)
    for name in ('maps', 'environ', 'mem', 'stat'):
        for pid in (str(other), 'self'):
            try: os.close(os.open('/proc/%s/%s' % (pid, name), os.O_RDONLY))
            except PermissionError: os.write(1, ('%s %s\n' % (name, pid == 'self')).encode())
    os._exit(0)
os.wait()
"""))
    equal(result.status, 0, result.err)
    refused = result.out.split("\n")
    for name in ("maps", "environ", "mem"):
        check(f"{name} False" in refused, f"{name} of root can be opened by nobody: {refused}")
        found = results(result, f"/proc/[pid]/{name}", "read")
        check(found and "ok" not in found, f"/proc/[pid]/{name}: {found}")
    equal(results(result, "/proc/[pid]/stat", "read"), {"ok"}, "stat, which is for all")
    equal(results(result, "/proc/self/maps", "read"), {"ok"}, "its own maps")


@both
def memory_of_others_by_root(folder, backend):
    live.need_root()
    result = record(backend, folder, python("""
import os
for name in ('maps', 'environ', 'mem'):
    os.close(os.open('/proc/%d/%s' % (os.getppid(), name), os.O_RDONLY))
"""))
    equal(result.status, 0, result.err)
    for name in ("maps", "environ", "mem"):
        equal(results(result, f"/proc/[pid]/{name}", "read"), {"ok"}, name)


def refusal(function, *arguments):
    """The name of the error with which FUNCTION fails here, unrecorded."""
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


@both
def what_is_no_name(folder, backend):
    # EXDEV where the folder is on another file system, as /tmp in memory is.
    rename_root = refusal(os.rename, "/", f"{folder}/x")
    check(rename_root in ("EBUSY", "EXDEV"), rename_root)
    result = record(backend, folder, python(r"""
import errno, os, sys
os.mkdir(sys.argv[1] + '/w')
os.chdir(sys.argv[1] + '/w')
def attempt(function, *arguments):
    try: function(*arguments)
    except OSError as error: print(errno.errorcode[error.errno])
attempt(os.rmdir, '/')
attempt(os.rmdir, '.')
attempt(os.rmdir, '..')
attempt(os.unlink, '/')
attempt(os.rename, '/', 'x')
attempt(os.rename, '.', 'x')
os.mkdir('y')
os.rename('y/', 'z')
os.rmdir('z//')
""", folder))
    equal((result.status, result.out), (0, f"EBUSY\nEINVAL\nENOTEMPTY\nEISDIR\n{rename_root}\nEBUSY\n"), result.err)
    for name in ("/", f"{folder}/w", folder):
        found = results(result, name, "delete")
        check("ok" not in found, f"removing {name}: {found}")
    for call, wanted in (("rmdir", {"EBUSY", "EINVAL", "ENOTEMPTY", "ok"}), ("unlink", {"EISDIR"}), ("rename", {rename_root, "EBUSY", "ok"})):
        equal(set(result.one("syscall", name=call)["results"]), wanted, call)
    check("delete" in result.access(f"{folder}/w/z"), "a name with slashes behind")


OPENING = r"""
import os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.bind(sys.argv[1] + "/socket")
    for path in "/dev/tty", sys.argv[1] + "/socket":
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            print(error.errno)
"""


@both
def what_has_no_device(folder, backend):
    # A socket is not opened, and /dev/tty only by who has a terminal.
    result = record(backend, folder, ["setsid", "--fork", "--wait", *python(OPENING, folder)])
    equal(result.out, f"{errno.ENXIO}\n" * 2, result.err)
    for path in "/dev/tty", folder + "/socket":
        equal(results(result, path, "read"), {"ENXIO"}, path)


@both
def from_one_file_system_to_another(folder, backend):
    other = "/dev/shm"
    if not os.path.isdir(other) or os.stat(other).st_dev == os.stat(folder).st_dev:
        raise live.Skip(f"{other} is no file system of its own")
    result = record(backend, folder, python(r"""
import os, sys, tempfile
os.chdir(sys.argv[1])
open('here', 'w').close()
there = tempfile.mkdtemp(dir=sys.argv[2])
for function in (os.rename, os.link):
    try: function('here', there + '/there')
    except OSError as error: print(error.errno)
    function('here', 'gone')
    os.replace('gone', 'here') if function == os.rename else os.unlink('gone')
os.rmdir(there)
""", folder, other))
    equal((result.status, result.out), (0, f"{errno.EXDEV}\n{errno.EXDEV}\n"), result.err)
    equal(set(result.one("syscall", name="rename")["results"]), {"EXDEV", "ok"}, "rename")
    equal(set(result.one("syscall", name="link")["results"]), {"unknown" if backend == "notify" else "EXDEV", "ok"}, "link")
    made = [f for f in result.facts("file") if f["name"].endswith("/there")]
    check(made and all("ok" not in f["results"] for f in made), f"made in {other}: {made}")


live.main()
