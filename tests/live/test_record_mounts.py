#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that move what names are looked up in: pivot_root, chroot, unmounting and moving mounts, by relative names."""
import live
from live import both, check, equal, python, record

# One child with a mount namespace of its own for each line, so that none depends on the others.
PRELUDE = live.CALL + r"""
import os, sys
BIND, MOVE, REC, PRIVATE, DETACH, AT, EMPTY = 4096, 8192, 16384, 1 << 18, 2, -100, 4
MOUNT, UMOUNT, PIVOT, CHROOT, UNSHARE, SETNS = 165, 166, 155, 161, 272, 308
MOVE_MOUNT, OPEN_TREE, FSOPEN, FSCONFIG, FSMOUNT = 429, 428, 430, 431, 432
folder = sys.argv[1]
def must(result, what):
    if result < 0:
        print(what, os.strerror(-result), flush=True)
        os._exit(1)
    return result
def tmpfs(target):
    os.makedirs(target, exist_ok=True)
    must(call(MOUNT, b'tmpfs', target.encode(), b'tmpfs', 0, 0), 'tmpfs')
def in_child(work):
    child = os.fork()
    if child == 0:
        must(call(UNSHARE, 0x20000), 'unshare')
        must(call(MOUNT, b'none', b'/', 0, REC | PRIVATE, 0), 'private')
        work()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
"""


def run(folder, backend, body):
    live.need_root()
    result = record(backend, folder, python(PRELUDE + body, folder))
    equal((result.status, result.out), (0, ""), f"status: {result.err}")
    return result


def mounts(result, name):
    return sorted((f.get("source", ""), f.get("target")) for f in result.facts("mount", name=name) if "ok" in f["results"])


@both
def pivot_root_of_a_folder_in_itself(folder, backend):
    # as runc does, twice from different folders: two facts
    result = run(folder, backend, r"""
def work(name):
    def inner():
        new = folder + '/' + name
        tmpfs(new)
        os.chdir(new)
        must(call(PIVOT, b'.', b'.'), 'pivot_root')
        must(call(UMOUNT, b'.', DETACH), 'umount')
        os.chdir('/')
        os.mkdir('/after')
    return inner
in_child(work('one'))
in_child(work('two'))
""")
    result.complete()
    equal(mounts(result, "pivot_root"), [(f"{folder}/one", f"{folder}/one"), (f"{folder}/two", f"{folder}/two")], "pivot_root")
    # The old root lies upon the new one.
    equal(mounts(result, "umount"), [("", "/")], "umount")


@both
def pivot_root_by_relative_names(folder, backend):
    result = run(folder, backend, r"""
def bubblewrap():
    tmpfs(folder + '/base')
    os.chdir(folder + '/base')
    os.mkdir('oldroot')
    must(call(PIVOT, (folder + '/base').encode(), b'oldroot'), 'pivot_root')
    os.chdir('/')
    must(call(UMOUNT, b'oldroot', DETACH), 'umount')
def util_linux():
    tmpfs(folder + '/new')
    os.mkdir(folder + '/new/old')
    os.chdir(folder)
    must(call(PIVOT, b'new', b'new/old'), 'pivot_root')
in_child(bubblewrap)
in_child(util_linux)
""")
    result.complete()
    equal(mounts(result, "pivot_root"), [(f"{folder}/base", f"{folder}/base/oldroot"), (f"{folder}/new", f"{folder}/new/old")],
          "pivot_root")
    equal(mounts(result, "umount"), [("", "/oldroot")], "umount")


@both
def pivot_root_to_where_links_lead(folder, backend):
    # Right, or known not to be known.
    result = run(folder, backend, r"""
def work():
    new = folder + '/new'
    tmpfs(new)
    os.mkdir(new + '/real')
    os.symlink('real', new + '/link')
    os.chdir(new)
    must(call(PIVOT, b'.', b'link'), 'pivot_root')
in_child(work)
""")
    if result.losses():
        equal((backend, set(result.losses())), ("bpf", {"unresolved-path"}), "losses")
        equal([s for s, t in mounts(result, "pivot_root") if t], [], "a target that is not known")
    else:
        equal(mounts(result, "pivot_root"), [(f"{folder}/new", f"{folder}/new/real")], "pivot_root")


@both
def unmounting_the_working_folder(folder, backend):
    result = run(folder, backend, r"""
def work():
    tmpfs(folder + '/mnt')
    os.chdir(folder + '/mnt')
    must(call(UMOUNT, b'.', DETACH), 'umount')
def below():
    tmpfs(folder + '/mnt2')
    os.makedirs(folder + '/mnt2/a/b')
    os.chdir(folder + '/mnt2/a/b')
    must(call(UMOUNT, b'../..', DETACH), 'umount')
in_child(work)
in_child(below)
""")
    result.complete()
    equal(mounts(result, "umount"), [("", f"{folder}/mnt"), ("", f"{folder}/mnt2")], "umount")


@both
def moving_the_working_folder(folder, backend):
    result = run(folder, backend, r"""
def work():
    tmpfs(folder + '/from')
    os.mkdir(folder + '/to')
    os.chdir(folder + '/from')
    must(call(MOUNT, b'.', (folder + '/to').encode(), 0, MOVE, 0), 'move')
def by_move_mount():
    tmpfs(folder + '/a')
    os.makedirs(folder + '/b/c')
    os.chdir(folder + '/a')
    must(call(MOVE_MOUNT, AT, b'.', AT, (folder + '/b').encode(), 0), 'move_mount')
    tmpfs(folder + '/d')
    fd = os.open(folder + '/d', os.O_PATH)
    must(call(MOVE_MOUNT, fd, b'', AT, (folder + '/b').encode(), EMPTY), 'move_mount by descriptor')
in_child(work)
in_child(by_move_mount)
""")
    result.complete()
    equal(mounts(result, "move"), [("", f"{folder}/b"), (f"{folder}/a", f"{folder}/b"),
                                   (f"{folder}/from", f"{folder}/to")], "move")


@both
def unmounting_after_chroot(folder, backend):
    # A recorder that keeps the root of a process which is gone open makes it fail. A look-up by the eBPF recorder may be
    # under way at the very moment, so not only the first attempt counts.
    result = run(folder, backend, r"""
import time
def rounds(name):
    target = folder + '/' + name
    for _ in range(3):
        tmpfs(target)
        child = os.fork()
        if child == 0:
            os.chdir(target)
            must(call(CHROOT, b'.'), 'chroot')
            os.mkdir('/folder')
            try: open('/folder/missing')
            except OSError: os._exit(0)
        os.waitpid(child, 0)
        end = time.monotonic() + 1.5
        while (result := call(UMOUNT, target.encode(), 0)) == -16 and time.monotonic() < end:
            time.sleep(0.02)
        must(result, 'umount')
must(call(UNSHARE, 0x20000), 'unshare')
must(call(MOUNT, b'none', b'/', 0, REC | PRIVATE, 0), 'private')
rounds('other')
""")
    result.complete()
    check([f for f in result.facts("file", name=f"{folder}/other/folder/missing") if "ENOENT" in f["results"]], "missing file")


@both
def chroot_to_the_working_folder(folder, backend):
    result = run(folder, backend, r"""
def work():
    os.makedirs(folder + '/jail/sub')
    open(folder + '/jail/file', 'w').close()
    os.chdir(folder + '/jail')
    must(call(CHROOT, b'.'), 'chroot')
    open('file').close()
    open('/file').close()
    os.chdir('/')
    must(call(CHROOT, b'sub'), 'chroot again')
    try: open('/file')
    except OSError: pass
in_child(work)
""")
    result.complete()
    check("read" in result.access(f"{folder}/jail/file"), "the file in the new root")
    missing = [f for f in result.facts("file", name=f"{folder}/jail/sub/file") if "ENOENT" in f["results"]]
    check(missing, "the file that the second root lacks")


@both
def binding_the_working_folder(folder, backend):
    result = run(folder, backend, r"""
def work():
    os.makedirs(folder + '/source')
    os.makedirs(folder + '/target')
    os.chdir(folder)
    must(call(MOUNT, b'source', b'target', 0, BIND, 0), 'bind')
    os.chdir('target')
    must(call(MOUNT, b'.', b'.', 0, BIND, 0), 'bind on itself')
in_child(work)
""")
    result.complete()
    equal(mounts(result, "bind"), [(f"{folder}/source", f"{folder}/target"), (f"{folder}/target", f"{folder}/target")], "bind")


@both
def mapped_from_an_overlay(folder, backend):
    # the kernel maps the file of the layer, which nobody named
    result = run(folder, backend, r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
def work():
    tmpfs(folder + '/o')
    os.chdir(folder + '/o')
    for name in ('lower', 'upper', 'work', 'merged'):
        os.mkdir(name)
    with open('lower/below', 'w') as file: file.write('x')
    must(call(MOUNT, b'overlay', b'merged', b'overlay', 0, b'lowerdir=lower,upperdir=upper,workdir=work'), 'overlay')
    with open('merged/above', 'w') as file: file.write('x')
    for name in ('below', 'above'):
        fd = os.open('merged/' + name, os.O_RDONLY)
        address = libc.mmap(None, 4096, 1, 2, fd, 0)
        os.close(fd)
        assert libc.mprotect(address, 4096, 5) == 0
in_child(work)
""")
    for name in ("below", "above"):
        equal(result.access(f"{folder}/o/merged/{name}") & {"read", "mmap-exec"}, {"read", "mmap-exec"}, name)
    result.complete()


live.main()
