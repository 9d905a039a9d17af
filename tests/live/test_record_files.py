#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about files: who did what to which file, by what name, however the name was put."""
import os
import socket

import live
from live import both, check, equal, need_root, python, record

# Workloads are Python: D is the test's folder.
PRELUDE = live.CALL + r"""
import ctypes, errno, fcntl, os, socket, stat, struct, sys
D = sys.argv[1]
os.chdir(D)
def touch(name, text='x'):
    with open(name, 'w') as file: file.write(text)
NR = dict(openat=257, renameat2=316, open=2, openat2=437, linkat=265, statx=332, execveat=322, unlink=87, faccessat2=439,
          mkdir=83, chdir=80, readlink=89, truncate=76)
AT_FDCWD = -100
"""


def run(backend, folder, code, *, prepare=None, **options):
    work = os.path.join(folder, "w")
    os.mkdir(work)
    if prepare:
        prepare(work)
    result = record(backend, folder, python(PRELUDE + code, work), **options)
    equal((result.status, result.err), (0, ""), f"status and messages ({result.out})")
    return result, work


def expect(result, work, wanted):
    """{name relative to WORK or absolute: set of accesses that succeeded}"""
    for name, access in wanted.items():
        path = name if name.startswith("/") else os.path.join(work, name) if name else work
        equal(result.access(path) - {"stat"}, access, f"access to {name}")


@both
def plain_use(folder, backend):
    result, work = run(backend, folder, """
touch('new'); open('new').read(); open('new', 'a').write('y'); open('new', 'r+').write('z')
os.truncate('new', 1); os.chmod('new', 0o600); os.chown('new', os.getuid(), os.getgid())
os.mkdir('d'); os.listdir('d'); os.rmdir('d')
touch('gone'); os.unlink('gone'); os.mkfifo('fifo'); os.stat('/etc/hostname')
try: open('missing')
except OSError: pass
""")
    expect(result, work, {"new": {"read", "write", "append", "create", "truncate", "chmod", "chown"},
                          "d": {"read", "create", "delete"}, "gone": {"write", "create", "truncate", "delete"},
                          "/etc/hostname": set(), "missing": set()})
    check("create" in result.access(f"{work}/fifo"), "the fifo was not created")
    equal(result.one("file", name=f"{work}/missing")["results"], ["ENOENT"], "results of a missing file")
    equal({f["file_type"] for f in result.facts("file", name=f"{work}/d") if "file_type" in f}, {"directory"}, "type")
    result.complete()


@both
def given_away(folder, backend):
    """A file's owner is the one that the call met, not the one that it made."""
    need_root()
    result, work = run(backend, folder, """
for name in ('a', 'b'):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.fchown(fd, 65534, 65534) if name == 'a' else os.chown(name, 65534, 65534)
    os.close(fd)
fd = os.open('a', os.O_WRONLY)
os.fchown(fd, 1, 1)
""")
    for name, wanted in (("a", {True, False}), ("b", {True})):
        found = {f["owner"] for f in result.facts("file", name=f"{work}/{name}") if "chown" in f["access"]}
        equal(found, wanted, f"owner of {name} when it was given away")
    result.complete()


@both
def renames_and_links(folder, backend):
    result, work = run(backend, folder, """
touch('a'); os.rename('a', 'b'); os.mkdir('da'); os.rename('da', 'db')
touch('x1'); touch('x2'); assert call(NR['renameat2'], AT_FDCWD, b'x1', AT_FDCWD, b'x2', 2) == 0
touch('n'); os.link('n', 'hard'); os.symlink('n', 'soft'); os.readlink('soft')
touch('old'); touch('replaced'); os.rename('old', 'replaced')
""")
    for name in ("a", "b", "da", "db", "x1", "x2", "old", "replaced"):
        check("rename" in result.access(f"{work}/{name}") or "create" in result.access(f"{work}/{name}"),
              f"rename of {name}: {result.access(f'{work}/{name}')}")
    check("rename" in result.access(f"{work}/a"), "a was renamed")
    check("rename" in result.access(f"{work}/x1") and "rename" in result.access(f"{work}/x2"), "exchange")
    check("link" in result.access(f"{work}/n"), f"n was linked: {result.access(f'{work}/n')}")
    check({"link", "create"} & result.access(f"{work}/hard"), f"hard: {result.access(f'{work}/hard')}")
    check("create" in result.access(f"{work}/soft"), f"soft: {result.access(f'{work}/soft')}")
    result.complete()


@both
def locks(folder, backend):
    result, work = run(backend, folder, """
for n in 'flock', 'posix', 'ofd', 'none': touch(n)
f = open('flock'); fcntl.flock(f, fcntl.LOCK_EX)
f = open('posix', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX)
f = open('ofd', 'r+'); fcntl.fcntl(f, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
f = open('none'); fcntl.fcntl(f, fcntl.F_GETFL)
""")
    for name in ("flock", "posix", "ofd"):
        check("lock" in result.access(f"{work}/{name}"), f"lock of {name}: {result.access(f'{work}/{name}')}")
    check("lock" not in result.access(f"{work}/none"), "nobody locked this")
    result.complete()


@both
def links_are_followed(folder, backend):
    result, work = run(backend, folder, """
os.mkdir('real'); touch('real/file'); os.symlink('real', 'dir1'); os.symlink('dir1', 'dir2')
os.symlink(D + '/dir2/file', 'absolute'); os.symlink('absolute', 'chain')
touch('chain'); open('dir2/file').read(); touch('dir2/new'); os.unlink('dir2/new')
os.symlink('real/target', 'dangling'); touch('dangling')
os.lstat('chain'); os.unlink('chain')
try: os.open('absolute', os.O_RDONLY | os.O_NOFOLLOW)
except OSError as e: assert e.errno == errno.ELOOP
os.symlink('loop', 'loop')
try: open('loop')
except OSError as e: assert e.errno == errno.ELOOP
try: os.open('dangling', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
except OSError as e: assert e.errno == errno.EEXIST
""")
    expect(result, work, {"real/file": {"read", "write", "create", "truncate"},
                          "real/new": {"write", "create", "truncate", "delete"},
                          "real/target": {"write", "create", "truncate"}})
    check("delete" in result.access(f"{work}/chain"), "the link itself was deleted")
    equal(result.access(f"{work}/dangling") - {"stat"}, {"create"}, "the link was created, and its target written")
    for name in ("dir1/file", "dir2/file", "dir2/new"):
        result.none("file", name=f"{work}/{name}")
    result.complete()


@both
def ways_to_name(folder, backend):
    result, work = run(backend, folder, """
os.mkdir('d'); fd = os.open('d', os.O_RDONLY); touch('d/f'); touch('plain')
os.open('f', os.O_RDONLY, dir_fd=fd); os.stat('f', dir_fd=fd); os.open('../plain', os.O_RDONLY, dir_fd=fd)
os.open('.//d/../d/./f', os.O_WRONLY)
f = os.open('plain', os.O_RDONLY)
os.open(f'/proc/self/fd/{f}', os.O_WRONLY); os.open(f'/dev/fd/{f}', os.O_RDWR)
assert call(NR['openat2'], fd, b'../plain', struct.pack('QQQ', 0, 0, 8), 24) == -errno.EXDEV
assert call(NR['statx'], f, b'', 0x1000, 0xfff, ctypes.create_string_buffer(256)) == 0
os.chdir('d'); touch('under'); os.fchdir(os.open('..', os.O_RDONLY)); touch('over')
""")
    expect(result, work, {"d/f": {"read", "write", "create", "truncate"},
                          "plain": {"read", "write", "create", "truncate"},
                          "d/under": {"write", "create", "truncate"}, "over": {"write", "create", "truncate"}})
    result.none("file", name=lambda n: n and ("/../" in n or "//" in n or "/fd/" in n))
    result.complete()


@both
def rooted_lookup(folder, backend):
    result, work = run(backend, folder, """
os.mkdir('d'); fd = os.open('d', os.O_RDONLY); touch('d/f')
assert call(NR['openat2'], fd, b'/f', struct.pack('QQQ', 1, 0, 16), 24) >= 0
assert call(NR['openat2'], fd, b'/missing', struct.pack('QQQ', 0, 0, 16), 24) == -errno.ENOENT
assert call(NR['openat2'], fd, b'../d/f', struct.pack('QQQ', 2, 0, 8), 24) == -errno.EXDEV
""")
    check({"create", "write"} <= result.access(f"{work}/d/f"), f"d/f: {result.access(f'{work}/d/f')}")
    result.none("file", name="/f")
    result.none("file", name="/missing")
    check("ok" not in {r for f in result.facts("file", name=f"{work}/d/f", access={"read", "write"}) for r in f["results"]},
          "a look-up that leaves its folder succeeded")
    result.complete()


@both
def confined_lookup(folder, backend):
    # What openat2() refuses is told as refused, whatever is there.
    result, work = run(backend, folder, """
os.mkdir('d'); touch('d/inside'); touch('outside'); os.symlink('inside', 'd/link'); os.symlink('../outside', 'd/leaves')
fd = os.open('d', os.O_RDONLY)
def confined(name, resolve): return call(NR['openat2'], fd, name, struct.pack('QQQ', 0, 0, resolve), 24)
assert confined(b'link', 4) == -errno.ELOOP and confined(b'link', 8) >= 0
assert confined(b'leaves', 8) == -errno.EXDEV
assert confined(f'/proc/self/cwd/outside'.encode(), 2) == -errno.ELOOP
""")
    results = {name: {r for f in result.facts("file", name=f"{work}/{name}", access={"read"}) for r in f["results"]}
               for name in ("d/inside", "outside")}
    equal(results, {"d/inside": {"ok", "ELOOP"}, "outside": {"EXDEV", "ELOOP"}}, "results")
    result.complete()


@both
def own_proc_folder(folder, backend):
    result, _ = run(backend, folder, """
open('/proc/self/status').read(); open(f'/proc/{os.getpid()}/maps').read(); open('/proc/thread-self/comm').read()
os.listdir('/proc/self/fd'); os.readlink('/proc/self/exe'); open(f'/proc/{os.getppid()}/stat').read()
open('/dev/stdin').close(); open('/proc/sys/kernel/ostype').read()
""")
    for name in ("status", "maps"):
        check("read" in result.access(f"/proc/self/{name}"), f"/proc/self/{name}")
    check("read" in result.access("/proc/self/fd"), "/proc/self/fd")
    check("read" in result.access("/dev/null"), "/dev/stdin is /dev/null")
    check("read" in result.access("/proc/[pid]/stat"), "the parent's folder")
    check("read" in result.access("/proc/sys/kernel/ostype"), "ostype")
    result.none("file", name=lambda n: n and n.startswith("/proc/") and n[6].isdigit())
    result.complete()


@both
def strange_names(folder, backend):
    result, work = run(backend, folder, r"""
touch(b'caf\xe9'); touch('caf\u00e9'); touch('new\nline'); touch('back\\slash'); touch(' ')
deep = '/'.join(['n' * 200] * 19); os.makedirs(deep)
name = D + '/' + deep + '/'; name += 'f' * (min(255, 4095 - len(name))); 
touch(name); print(len(name))
assert call(NR['open'], b'/' + b'x' * 5000, 0) == -errno.ENAMETOOLONG
assert call(NR['open'], 1, 0) == -errno.EFAULT and call(NR['open'], 0, 0) == -errno.EFAULT
assert call(NR['unlink'], b'') == -errno.ENOENT
""")
    for name in ("caf\\xe9", "caf\u00e9", "new\\x0aline", "back\\x5cslash", " "):
        check("create" in result.access(f"{work}/{name}"), f"{name!r}: {[f['name'] for f in result.facts('file') if work in f['name']]}"[:400])
    longest = max((f["name"] for f in result.facts("file")), key=len)
    check(len(longest) > 3800 and longest.startswith(work), f"the long name has {len(longest)} bytes")
    check("create" in result.access(longest), "the long name")
    check("ok" not in {r for f in result.facts("syscall", name="open") for r in f["results"]},
          "no open() succeeded")
    result.complete()


@both
def deleted(folder, backend):
    result, work = run(backend, folder, """
touch('f'); f = os.open('f', os.O_RDWR); os.unlink('f'); os.open(f'/proc/self/fd/{f}', os.O_RDONLY)
os.mkdir('d'); os.chdir('d'); os.rmdir(D + '/d')
try: touch('inside')
except OSError as e: assert e.errno == errno.ENOENT
try: open('../f')
except OSError as e: assert e.errno == errno.ENOENT
""")
    result.none("file", name=lambda n: n and "(deleted)" in n)
    result.none("file", name=f"{work}/d/inside", results=["ok"])


@both
def temporary_file(folder, backend):
    result, work = run(backend, folder, """
f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); os.write(f, b'x')
assert call(NR['linkat'], AT_FDCWD, f'/proc/self/fd/{f}'.encode(), AT_FDCWD, b'named', 0x400) == 0
""")
    check({"link", "create"} & result.access(f"{work}/named"), f"named: {result.access(f'{work}/named')}")
    check(any("create" in f["access"] or "write" in f["access"] for f in result.facts("file")
              if f["name"].startswith(work) and f["name"] != f"{work}/named"), "the file without a name left no fact")


@both
def rooted_lookup_by_links(folder, backend):
    # links and ".." do not lead out of the folder that is the root, whatever comes of the call
    result, work = run(backend, folder, """
os.makedirs('d/etc'); os.makedirs('etc'); fd = os.open('d', os.O_RDONLY); touch('d/plain'); touch('plain')
def rooted(name, flags=0, mode=0): return call(NR['openat2'], fd, name, struct.pack('QQQ', flags, mode, 16), 24)
for name, target in (('up', '../../plain'), ('top', '/plain'), ('folder', '/etc'), ('nowhere', '/etc/new'), ('dead', '/etc/dead')):
    os.symlink(target, 'd/' + name)
assert rooted(b'up', os.O_RDONLY) >= 0 and rooted(b'top', os.O_WRONLY) >= 0 and rooted(b'../../plain', os.O_RDWR | os.O_APPEND) >= 0
assert rooted(b'nowhere', os.O_CREAT | os.O_WRONLY, 0o600) >= 0 and rooted(b'folder', os.O_RDONLY) >= 0
for name in b'dead', b'folder/hostname', b'../../gone': assert rooted(name) == -errno.ENOENT, name
""")
    expect(result, work, {"d/plain": {"read", "write", "append", "create", "truncate"}, "d/etc/new": {"write", "create"}})
    for name in ("etc/dead", "etc/hostname", "gone"):
        equal(result.one("file", name=f"{work}/d/{name}")["results"], ["ENOENT"], name)
    result.one("file", name=f"{work}/d/etc", access={"read"})
    equal(result.access(f"{work}/plain") - {"stat"}, {"write", "create", "truncate"}, "the file outside")
    outside = ("/etc/new", "/etc/dead", "/etc/hostname", "/etc", "/plain", f"{work}/gone", f"{os.path.dirname(work)}/plain")
    result.none("file", name=lambda n: n in outside, access={"read"})
    result.none("file", name=lambda n: n in outside, access={"write", "create"})
    result.complete()


@both
def scripts_by_descriptor(folder, backend):
    # the kernel names them /dev/fd/3; each is another one, and the program that runs is their interpreter
    result, work = run(backend, folder, """
for name in 'one', 'two', 'three':
    touch(name, '#!/bin/sh\\nexit 0\\n'); os.chmod(name, 0o755)
place = os.open('.', os.O_PATH); os.set_inheritable(place, True)
f = os.open('/dev/null', os.O_RDONLY)
def run(folder, name, flags):
    if os.fork() == 0: call(NR['execveat'], folder, name, None, None, flags); os._exit(1)
    assert os.wait()[1] == 0
for name in 'one', 'two':
    os.dup2(os.open(name, os.O_PATH), f)
    run(f, b'', 0x1000)
run(place, b'three', 0)
""")
    for name in ("one", "two", "three"):
        result.one("exec", name=f"{work}/{name}", loaded_as="script")
        check("exec" in result.access(f"{work}/{name}"), f"{name}: {result.access(f'{work}/{name}')}")
    shell = os.path.realpath("/bin/sh")
    result.one("exec", name=shell, loaded_as="script-interpreter")
    result.none("exec", name=shell, loaded_as="program")
    check("exec" not in result.access(shell), f"the interpreter: {result.access(shell)}")
    result.complete()


@both
def execution(folder, backend):
    def prepare(work):
        for name, line in (("outer", f"#!{work}/inner -x"), ("inner", "#!/bin/sh"), ("plain", "#!/bin/cat")):
            with open(os.path.join(work, name), "w", encoding="ascii") as file:
                file.write(line + "\nexit 0\n")
            os.chmod(os.path.join(work, name), 0o755)
        os.symlink("outer", os.path.join(work, "link"))
    result, work = run(backend, folder, """
import subprocess
for name in './link', './plain', '/bin/true': assert subprocess.call([name], stdout=subprocess.DEVNULL) == 0
f = os.open('/bin/true', os.O_PATH)
if os.fork() == 0: call(NR['execveat'], f, b'', None, None, 0x1000); os._exit(1)
assert os.wait()[1] == 0
with open('/bin/true', 'rb') as program: content = program.read()
m = os.memfd_create('in memory')
assert os.write(m, content) == len(content)
if os.fork() == 0: os.execve(m, ['x'], {})
assert os.wait()[1] == 0
try: os.execv('./missing', ['x'])
except OSError: pass
touch('noexec')
try: os.execv('./noexec', ['x'])
except OSError as e: assert e.errno == errno.EACCES
""", prepare=prepare)
    result.one("exec", name=f"{work}/outer", loaded_as="script")
    result.one("exec", name=f"{work}/inner", loaded_as="script-interpreter")
    shell = os.path.realpath("/bin/sh")
    result.one("exec", name=shell, loaded_as="script-interpreter")
    result.one("exec", name=os.path.realpath("/bin/cat"), loaded_as="script-interpreter")
    result.one("exec", name=os.path.realpath("/bin/true"), loaded_as="program")
    result.one("exec", name="/memfd:in memory", loaded_as="program")
    check({"read", "mmap-exec"} <= result.access("/memfd:in memory"), "a program in memory")
    loader = result.one("exec", loaded_as="elf-interpreter")["name"]
    check("mmap-exec" in result.access(loader), f"{loader}: {result.access(loader)}")
    # LSMs check a script and not its interpreter for execution; that must be readable and mappable
    check({"read", "mmap-exec"} <= result.access(shell), f"{shell}: {result.access(shell)}")
    for name in (os.path.realpath("/bin/true"),):
        check({"exec", "mmap-exec"} <= result.access(name), f"{name}: {result.access(name)}")
    check("exec" in result.access(f"{work}/outer"), "the script is run")
    check("read" in result.access(f"{work}/inner"), "the shell reads the script that it is the interpreter of")
    libc = [f["name"] for f in result.facts("file", access={"mmap-exec"}) if "libc.so" in f["name"]]
    check(libc, "libc was mapped")
    result.none("exec", name=f"{work}/noexec", results=["ok"])
    result.complete()


@both
def scripts_of_scripts(folder, backend):
    def prepare(work):
        for level in range(1, 7):
            with open(os.path.join(work, f"s{level}"), "w", encoding="ascii") as file:
                file.write(f"#!{work}/s{level - 1}\n" if level > 1 else "#!/bin/sh\n:\n")
            os.chmod(os.path.join(work, f"s{level}"), 0o755)
    result, work = run(backend, folder, """
import subprocess
assert subprocess.call(['./s5']) == 0
try: os.execv('./s6', ['x'])
except OSError as e: assert e.errno == errno.ELOOP
else: raise SystemExit(1)
""", prepare=prepare)
    result.one("exec", name=f"{work}/s5", loaded_as="script")
    result.none("exec", name=f"{work}/s6")
    result.none("exec", name=f"{work}/s5", loaded_as="script-interpreter")
    equal(result.one("file", name=f"{work}/s6")["results"], ["ELOOP"], "six scripts, one by another")
    result.complete()


@both
def processes_that_are_gone(folder, backend):
    result, _ = run(backend, folder, """
gone = os.fork()
if gone == 0: os._exit(0)
os.waitpid(gone, 0)
for name in f'/proc/{gone}/fd', f'/proc/self/task/{gone}/stat':
    try: os.open(name, os.O_RDONLY)
    except FileNotFoundError: pass
    else: raise SystemExit(1)
try: os.readlink('/proc')
except OSError as e: assert e.errno == errno.EINVAL
""")
    for name in "/proc/[pid]/fd", "/proc/self/task/[tid]/stat":
        equal(result.one("file", name=name)["results"], ["ENOENT"], name)
    equal([f["name"] for f in result.facts("file") if f["name"].startswith("/proc/") and any(c.isdigit() for c in f["name"])], [],
          "process numbers")
    equal(result.one("file", name="/proc", access={"stat"}, results=["EINVAL"])["results"], ["EINVAL"], "no link")
    result.complete()


@both
def names_that_cannot_be_read(folder, backend):
    result, _ = run(backend, folder, """
for i in range(30): assert call(NR['chdir'], b'/') == 0
assert call(NR['chdir'], ctypes.c_void_p(1)) == -errno.EFAULT
""")
    if backend != "notify":
        check("EFAULT" in result.one("syscall", name="chdir")["results"], "a failure after many successes")


@both
def another_root(folder, backend):
    need_root()
    result, work = run(backend, folder, """
os.makedirs('root/etc'); touch('root/etc/real'); os.symlink('/etc/real', 'root/link'); os.symlink('../../../../etc/real', 'root/up')
pid = os.fork()
if pid == 0:
    os.chroot('root'); os.chdir('/')
    open('/link').read(); open('up', 'a').write('x'); touch('/etc/made'); open('/../../etc/real').read()
    os._exit(0)
assert os.wait()[1] == 0
touch('outside')
""")
    # as the workload's mount namespace names them, which an LSM does as well
    expect(result, work, {"root/etc/real": {"read", "append", "write", "create", "truncate"},
                          "root/etc/made": {"write", "create", "truncate"}, "outside": {"write", "create", "truncate"}})
    result.one("capability", name="CAP_SYS_CHROOT", origin=live.origin(backend))
    check("write" not in result.access("/etc/made"), "the path was taken for the host's")
    result.complete()


@both
def another_mount_namespace(folder, backend):
    need_root()
    live.need("unshare", "mount", "umount")
    command = ["unshare", "-m", "sh", "-c", 'cd "$1" && mkdir m && mount -t tmpfs tiny m && echo x >m/file && cat m/file '
               '&& mount --bind m m2 && cat m2/file && umount m2 && umount m', "sh", folder]
    os.mkdir(os.path.join(folder, "m2"))
    result = record(backend, folder, command)
    equal((result.status, result.out), (0, "x\nx\n"), result.err)
    check({"write", "create"} <= result.access(f"{folder}/m/file"), "file on the new mount")
    equal(result.one("file", name=f"{folder}/m/file", access={"read"}).get("mount"), "tmpfs", "its file system")
    check("read" in result.access(f"{folder}/m2/file"), "the same by its other name")
    result.one("mount", name="mount", target=f"{folder}/m", fstype="tmpfs")
    result.one("mount", name="bind", target=f"{folder}/m2", source=f"{folder}/m")
    result.one("mount", name="umount", target=f"{folder}/m")
    result.one("capability", name="CAP_SYS_ADMIN", syscall="mount")
    result.complete()


@both
def removed_with_links_left(folder, backend):
    """What is looked at late may be gone under that name, and still there under another."""
    result, work = run(backend, folder, """
for i in range(100):
    touch(f'n{i}'); os.link(f'n{i}', f'l{i}'); os.unlink(f'n{i}')
touch('really (deleted)'); open('really (deleted)').read()
""")
    names = {f["name"] for f in result.facts("file", name=lambda n: n and n.endswith(" (deleted)"))}
    equal(names, {f"{work}/really (deleted)"}, "names")
    check("read" in result.access(f"{work}/really (deleted)"), "was read")


@both
def named_after_processes(folder, backend):
    """Names that hold the number of the process or its parent say so; others do not."""
    script = (f"cd {folder}; echo >own.$$; echo >hex-$(printf %x $$).y; sh -c 'echo >parent-$PPID.x; :'; echo >other.4; mkdir $$-folder; "
              "echo $$ >number")
    result = record(backend, folder, ["sh", "-c", script])
    with open(f"{folder}/number", encoding="ascii") as file:
        number = file.read().strip()
    for name in (f"own.{number}", f"parent-{number}.x", f"{number}-folder"):
        made = [f for f in result.facts("file", name=f"{folder}/{name}") if "create" in f["access"]]
        equal([f.get("named_after") for f in made], ["pid"], name)
    made = [f for f in result.facts("file", name=f"{folder}/hex-{int(number):x}.y") if "create" in f["access"]]
    check(int(number) < 0x100 or made[0].get("named_after") in ("pid-hex", "pid"), f"in hexadecimal digits: {made}")
    for name in ("other.4", "number"):
        made = [f for f in result.facts("file", name=f"{folder}/{name}") if "create" in f["access"]]
        equal([f.get("named_after") for f in made], [None], name)


@both
def unix_sockets(folder, backend):
    result, work = run(backend, folder, r"""
a = socket.socket(socket.AF_UNIX); a.bind('path'); a.listen()
b = socket.socket(socket.AF_UNIX); b.connect('path'); a.accept()
c = socket.socket(socket.AF_UNIX); c.bind('\0abs-' + D); c.listen()
d = socket.socket(socket.AF_UNIX); d.connect('\0abs-' + D)
e = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); e.bind('gram')
f = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); f.sendto(b'x', 'gram')
socket.socketpair()
""")
    result.one("unix", name="bind", address=f"{work}/path", socket_type="stream")
    result.one("unix", name="connect", address=f"{work}/path")
    result.one("unix", name="listen")
    result.one("unix", name="accept")
    result.one("unix", name="bind", address=lambda a: a and a.startswith("@abs-"))
    result.one("unix", name="connect", address=lambda a: a and a.startswith("@abs-"))
    result.one("unix", name="send", address=f"{work}/gram", socket_type="dgram")
    result.one("unix", name="socketpair")
    check("create" in result.access(f"{work}/path"), f"path: {result.access(f'{work}/path')}")
    check("connect" in result.access(f"{work}/path"), f"path: {result.access(f'{work}/path')}")
    check("connect" in result.access(f"{work}/gram"), f"gram: {result.access(f'{work}/gram')}")
    result.complete()


live.main()
