#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Results that the notify backend predicts must be those that the other backends see, or unknown."""
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


@both
def what_is_no_name(folder, backend):
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
    equal((result.status, result.out), (0, "EBUSY\nEINVAL\nENOTEMPTY\nEISDIR\nEBUSY\nEBUSY\n"), result.err)
    for name in ("/", f"{folder}/w", folder):
        found = results(result, name, "delete")
        check("ok" not in found, f"removing {name}: {found}")
    for call, wanted in (("rmdir", {"EBUSY", "EINVAL", "ENOTEMPTY", "ok"}), ("unlink", {"EISDIR"}), ("rename", {"EBUSY", "ok"})):
        equal(set(result.one("syscall", name=call)["results"]), wanted, call)
    check("delete" in result.access(f"{folder}/w/z"), "a name with slashes behind")


live.main()
