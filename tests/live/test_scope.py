#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recording by control group: who is in there, who comes, who goes, and nobody else."""
import contextlib
import json
import os
import shutil
import signal
import subprocess

import live
from live import case, check, equal, python, wait_until

READY = 60  # seconds that whittle may take to begin, on a busy machine


def need_bpf():
    live.need_root()
    if "bpf" not in live.BACKENDS:
        raise live.Skip("the eBPF backend does not work here: `whittle doctor` tells why")


def hierarchies():
    """Where cgroups of ours can be: v2, and one of v1's."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields, _, kind = line.partition(" - ")
            folder, kind = fields.split()[4], kind.split()[0]
            # what a new cpuset's processes may use has to be set first
            if kind in ("cgroup", "cgroup2") and "cpuset" not in line and fields.split()[3] == "/":
                found.setdefault(kind, folder)
    return found


@contextlib.contextmanager
def cgroup(folder, kind=None):
    """A new one, for this test alone."""
    found = hierarchies()
    if not found or (kind and kind not in found):
        raise live.Skip(f"no {kind or 'cgroup'} hierarchy is mounted here")
    group = os.path.join(found[kind] if kind else next(iter(found.values())), os.path.basename(folder))
    try:
        os.mkdir(group)
    except OSError as reason:
        raise live.Skip(f"cannot make a cgroup: {reason}") from None
    try:
        yield group
    finally:
        for below, _, _ in os.walk(group, topdown=False):
            live.wait_until(lambda below=below: removed(below), what=f"the end of {below}")


def removed(group):
    try:
        os.rmdir(group)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def enter(group, pid=0):
    """PID, or this process, goes there."""
    with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(pid))


class Recorder:
    """whittle recording a cgroup; once made, it is ready."""

    def __init__(self, folder, *options):
        self.recording = os.path.join(folder, "rec.jsonl")
        self.process = subprocess.Popen([live.WHITTLE, "record", "-o", self.recording, *options],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: os.path.exists(self.recording) or self.process.poll() is not None, READY, "whittle")

    def result(self):
        """It ends by itself."""
        _, _, err = status = live.finish(self.process)
        equal(status[0], 0, f"status: {err}")
        return live.Result(*status, self.recording)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.result()

    def saw(self, path):
        with open(self.recording, encoding="utf-8") as file:
            return f'"name":"{path}"' in file.read()


def etc(result):
    """The files whose names begin so that only these tests read them."""
    return {f["name"] for f in result.facts("file") if f["name"] in ("/etc/hostname", "/etc/group", "/etc/shells", "/etc/issue")}


# Reads a file, waits for the folder's next gate, and so on.
STEPS = """
import os, sys, time
folder = sys.argv[1]
for number, path in enumerate(sys.argv[2:]):
    while number and not os.path.exists('%s/gate-%d' % (folder, number)): time.sleep(0.01)
    if os.fork() == 0:
        open(path).read(); os._exit(0)
    os.wait()
    open('%s/done-%d' % (folder, number), 'w').close()
"""


def open_gate(folder, number):
    with open(f"{folder}/gate-{number}", "w", encoding="ascii"):
        pass


def passed(folder, number):
    wait_until(lambda: os.path.exists(f"{folder}/done-{number}"), 30, f"step {number}")


def moved_in_and_out(folder, kind):
    with cgroup(folder, kind) as group:
        inner = os.path.join(group, "inner")
        os.mkdir(inner)
        program = subprocess.Popen(python(STEPS, folder, "/etc/issue", "/etc/hostname", "/etc/group", "/etc/shells"))
        outside = subprocess.Popen(python(STEPS, folder, "/etc/issue", "/etc/shells"))
        recorder = Recorder(folder, "--cgroup", group)
        passed(folder, 0)
        enter(inner, program.pid)  # a cgroup below is part of it
        open_gate(folder, 1)
        passed(folder, 1)
        outside.wait()
        enter(group, program.pid)
        open_gate(folder, 2)
        passed(folder, 2)
        equal(recorder.process.poll(), None, "whittle has ended")
        enter(os.path.dirname(group), program.pid)
        result = recorder.result()  # nobody is left
        open_gate(folder, 3)
        program.wait()
        equal(etc(result), {"/etc/hostname", "/etc/group"}, "files")
        result.complete()
        run = result.document["runs"][0]
        equal((run["backend"], run["cgroup"], "user" in run), ("bpf", group, False), "header")
        result.none("capability", origin="inferred")


@case
def moved_in_and_out_v2(folder):
    need_bpf()
    moved_in_and_out(folder, "cgroup2")


@case
def moved_in_and_out_v1(folder):
    need_bpf()
    moved_in_and_out(folder, "cgroup")


@case
def who_is_there_already(folder):
    # and several cgroups, by their path in /proc/PID/cgroup where that is not ambiguous
    need_bpf()
    with cgroup(folder, "cgroup2") as group:
        groups = [os.path.join(group, name) for name in ("a", "b")]
        programs = []
        for below, path in zip(groups, ("/etc/hostname", "/etc/group")):
            os.mkdir(below)
            programs.append(subprocess.Popen(python(STEPS, folder, "/etc/issue", path), preexec_fn=lambda: enter(below)))
        passed(folder, 0)
        recorder = Recorder(folder, "--cgroup", groups[0], "--cgroup", f"/{os.path.basename(folder)}/b")
        open_gate(folder, 1)
        result = recorder.result()
        for program in programs:
            program.wait()
        equal(etc(result), {"/etc/hostname", "/etc/group"}, "files")
        equal(result.document["runs"][0]["cgroup"], " ".join(groups), "header")
        check(result.one("resource", name="processes")["value"] >= 2, "processes")


# The threads wait for the gate before and after they are moved.
THREADS = """
import os, sys, threading, time
folder, paths = sys.argv[1], sys.argv[2:]
def work(path):
    open('/etc/issue').read()
    while not os.path.exists(folder + '/gate-1'): time.sleep(0.01)
    open(path).read()
threads = [threading.Thread(target=work, args=(path,)) for path in paths]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@case
def all_threads_move(folder):
    need_bpf()
    paths = [f"{folder}/file-{number}" for number in range(12)]
    for path in paths:
        with open(path, "w", encoding="ascii"):
            pass
    with cgroup(folder) as group:
        program = subprocess.Popen(python(THREADS, folder, *paths))
        wait_until(lambda: len(os.listdir(f"/proc/{program.pid}/task")) > len(paths), 30, "the threads")
        recorder = Recorder(folder, "--cgroup", group)
        enter(group, program.pid)
        open_gate(folder, 1)
        program.wait()
        result = recorder.result()
        equal({f["name"] for f in result.facts("file")} & set(paths), set(paths), "files")
        result.complete()


CLONE_INTO = """
import ctypes, os, sys
group = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
open('/etc/issue').read()
CLONE_INTO_CGROUP, SYS_clone3 = 0x200000000, 435
arguments = (ctypes.c_uint64 * 11)(CLONE_INTO_CGROUP, 0, 0, 0, 17, 0, 0, 0, 0, 0, group)
pid = ctypes.CDLL(None, use_errno=True).syscall(SYS_clone3, arguments, 88)
if pid == 0:
    os.execv('/bin/cat', ['cat', '/etc/hostname'])
if pid < 0: sys.exit('clone3: %s' % os.strerror(ctypes.get_errno()))
os.waitpid(pid, 0)
open('/etc/shells').read()
"""


@case
def started_there(folder):
    # clone3() with CLONE_INTO_CGROUP
    need_bpf()
    with cgroup(folder, "cgroup2") as group:
        recorder = Recorder(folder, "--cgroup", group)
        done = live.native(python(CLONE_INTO, group))
        equal(done[0], 0, f"status: {done[2]}")
        result = recorder.result()
        equal(etc(result), {"/etc/hostname"}, "files")
        result.one("exec", name="/usr/bin/cat")
        result.complete()


@case
def ended_by_interrupt(folder):
    need_bpf()
    with cgroup(folder) as group:
        program = subprocess.Popen(python(STEPS, folder, "/etc/hostname", "/etc/group"), preexec_fn=lambda: enter(group))
        passed(folder, 0)
        recorder = Recorder(folder, "--cgroup", group)
        result = recorder.end()
        check("ended before the workload did" in result.err, f"said: {result.err}")
        equal(program.poll(), None, "the program has ended")
        open_gate(folder, 1)
        equal(program.wait(timeout=30), 0, "status of the program")


@case
def ends_when_it_is_removed(folder):
    need_bpf()
    with cgroup(folder) as group:
        recorder = Recorder(folder, "--cgroup", group)
        os.rmdir(group)
        result = recorder.result()
        equal(result.document["facts"], [], "facts")


@contextlib.contextmanager
def container(folder, runtime):
    """One that runs a shell which waits for /go; gives its id."""
    live.need(runtime, "busybox")
    bundle = os.path.join(folder, "bundle")
    for name in ("bin", "etc"):
        os.makedirs(f"{bundle}/rootfs/{name}")
    shutil.copy(shutil.which("busybox"), f"{bundle}/rootfs/bin/busybox")
    for name in ("hostname", "group", "shells"):
        with open(f"{bundle}/rootfs/etc/{name}", "w", encoding="ascii"):
            pass
    subprocess.run([runtime, "spec"], cwd=bundle, check=True)
    with open(f"{bundle}/config.json", encoding="utf-8") as file:
        spec = json.load(file)
    spec["process"].update(terminal=False, rlimits=[], args=[
        "/bin/busybox", "sh", "-c", "until [ -e /go ]; do busybox sleep 0.05; done; busybox cat /etc/hostname"])
    spec["root"]["readonly"] = False
    with open(f"{bundle}/config.json", "w", encoding="utf-8") as file:
        json.dump(spec, file)
    name = os.path.basename(folder)
    # it keeps what it is given as output
    with open(f"{folder}/{runtime}.log", "w", encoding="utf-8") as log:
        started = subprocess.run([runtime, "run", "--detach", "--bundle", bundle, name], stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, check=False)
    try:
        if started.returncode != 0:
            with open(f"{folder}/{runtime}.log", encoding="utf-8") as log:
                raise live.Skip(f"{runtime} starts no container here: {log.read().strip()[-200:]}")
        yield name
    finally:
        subprocess.run([runtime, "delete", "--force", name], check=False, capture_output=True)


def container_by_id(folder, runtime):
    need_bpf()
    with container(folder, runtime) as name:
        recorder = Recorder(folder, "--container", name)
        status, _, err = live.native([runtime, "exec", name, "/bin/busybox", "cat", "/etc/group"])
        equal(status, 0, f"status of exec: {err}")
        status, text = refused(os.path.join(folder, "bundle"), "--container", f"{name}x")
        equal(status, 125, text)
        check("there is no container" in text and name in text, text)
        with open(f"{folder}/bundle/rootfs/go", "w", encoding="ascii"):
            pass
        result = recorder.result()
        equal(etc(result) & {"/etc/hostname", "/etc/group", "/etc/shells"}, {"/etc/hostname", "/etc/group"}, "files")
        check(result.facts("exec", name="/bin/busybox"), "the program that was executed in there")
        equal({f["phase"] for f in result.facts("exec")}, {"run"}, "phases")
        run = result.document["runs"][0]
        equal((run["container"], run["runtime"]), (name, runtime), "header")
        check(name in run["cgroup"], f"cgroup {run['cgroup']}")


@case
def container_of_runc(folder):
    container_by_id(folder, "runc")


@case
def container_of_crun(folder):
    container_by_id(folder, "crun")


def refused(folder, *arguments):
    done = live.native([live.WHITTLE, "record", "-o", f"{folder}/rec.jsonl", *arguments])
    check(not os.path.exists(f"{folder}/rec.jsonl"), "there is a recording")
    return done[0], done[2]


@case
def who_may_name_containers(folder):
    """A command line like that of Podman's conmon: root's is believed, another user's only of what is that user's."""
    need_bpf()
    name = os.path.basename(folder)
    for user, wanted in ((0, "has no control group"), (65534, f"there is no container {name}")):
        with subprocess.Popen(["conmon", "--", "-", "-c", f"{user:064x}", "-n", name], executable="/bin/cat",
                              stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, user=user, cwd="/") as process:
            status, text = refused(folder, "--container", name)
            process.stdin.close()
        equal(status, 125, text)
        check(wanted in text, f"user {user}: {text}")


@case
def what_cannot_be(folder):
    for arguments in (["--cgroup", "/", "--", "true"], ["--cgroup", "/", "--pid", "1"]):
        status, text = refused(folder, *arguments)
        equal(status, 2, text)
        check("exclude each other" in text, text)
    for backend in ("notify", "ptrace"):
        status, text = refused(folder, "--backend", backend, "--cgroup", "/")
        equal(status, 2, text)
        check("only --backend bpf" in text, text)
    status, text = refused(folder, "--container", "x", "--cgroup", "/")
    equal(status, 2, text)


@case
def unknown_cgroups(folder):
    need_bpf()
    for name, said in ((f"/{os.path.basename(folder)}", "no control group"), ("/etc", "not the folder of a control group")):
        status, text = refused(folder, "--cgroup", name)
        equal(status, 125, text)
        check(said in text, text)


@case
def ambiguous_cgroups(folder):
    need_bpf()
    with cgroup(folder, "cgroup2"), cgroup(folder, "cgroup"):
        status, text = refused(folder, "--cgroup", f"/{os.path.basename(folder)}")
        equal(status, 125, text)
        check("several control groups" in text and text.count(os.path.basename(folder)) >= 3, text)


@case
def without_privilege(folder):
    need_bpf()
    live.need("setpriv")
    os.chmod(folder, 0o777)
    group = next(iter(hierarchies().values()))
    done = live.native(["setpriv", f"--reuid={live.NOBODY}", f"--regid={live.NOBODY}", "--clear-groups", live.WHITTLE,
                        "record", "-o", f"{folder}/rec.jsonl", "--cgroup", group])
    equal(done[0], 125, done[2])
    check("privilege" in done[2] or "CAP_BPF" in done[2], done[2])


live.main()
