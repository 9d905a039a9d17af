#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is particular to the ptrace backend: stops, births, exec by threads, joining, letting go, nesting."""
import json
import os
import signal
import subprocess
import time

import live
from live import Skip, case, check, equal, native, program, record, record_command, wait_until


def same_as_native(folder, name, *arguments):
    command = [program(name), *arguments]
    status, out, _ = native(command)
    result = record("ptrace", folder, command)
    # a killed command's status is passed on as the shell's number, or by the same signal
    equal(result.status if result.status >= 0 else 128 - result.status, status if status >= 0 else 128 - status,
          f"status of {name}")
    equal(result.out.splitlines(), out.splitlines(), f"output of {name}")
    return result


@case
def exec_by_threads(folder):
    result = same_as_native(folder, "ptrace_exec_thread")
    result.complete()
    equal(result.one("syscall", name="execve")["count"], 31, "calls of execve")


@case
def signals_and_stops(folder):
    result = same_as_native(folder, "ptrace_signals")
    result.complete()
    check("EINTR" in result.one("syscall", name="pause")["results"], "pause() was interrupted")


@case
def births_and_orphans(folder):
    same_as_native(folder, "ptrace_clones").complete()


@case
def a_filter_of_its_own(folder):
    # What the program's filter answers never reaches ours: three threads of it are seen all the same.
    result = same_as_native(folder, "ptrace_filter")
    result.complete()
    fact = result.one("syscall", name="getpgid")
    equal((fact["count"], fact["results"]), (3, ["ENOTNAM"]), "getpgid")


@case
def a_tracer_inside(folder):
    result = record("ptrace", folder, [program("ptrace_nested")])
    equal((result.status, result.out), (0, "traced: Operation not permitted\n"), "status and output")
    losses = {loss["cause"]: loss for loss in result.document["losses"]}
    check("nested-tracer" in losses, f"losses {list(losses)}")
    check("--backend notify" in losses["nested-tracer"]["example"], "no advice")
    equal(record("notify", folder, [program("ptrace_nested")]).out, "traced: yes\n", "as advised")


def tracers(pid):
    result = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8", errors="replace") as file:
            result |= {int(line.split()[1]) for line in file if line.startswith("TracerPid:")}
    return result


def start_busy(folder):
    stop = os.path.join(folder, "stop")
    busy = subprocess.Popen([program("ptrace_busy"), stop], stdout=subprocess.PIPE, text=True)
    # four threads and the child
    wait_until(lambda: len(os.listdir(f"/proc/{busy.pid}/task")) == 5, what="the threads")
    return busy, stop


def join(recording, pid):
    return subprocess.Popen([live.WHITTLE, "record", "--backend", "ptrace", "-o", recording, "--pid", str(pid)],
                            stderr=subprocess.PIPE, text=True)


def joined(busy):
    """All of its threads are traced."""
    return 0 not in tracers(busy.pid) and len(tracers(busy.pid)) == 1


@case
def joining_and_leaving(folder):
    busy, stop = start_busy(folder)
    for number in range(4):
        recording = os.path.join(folder, f"{number}.jsonl")
        whittle = join(recording, busy.pid)
        wait_until(lambda: joined(busy), 60, what="the tracer")
        # by the threads; by the leader, for its children; by those
        wait_until(lambda: all(f'"{name}"' in live.journal(recording) for name in
                               ("access", "clock_nanosleep", "wait4", "exit_group", "/etc/passwd")), what="the calls")
        whittle.send_signal(signal.SIGINT)
        _, err = whittle.communicate(timeout=20)
        equal((whittle.returncode, tracers(busy.pid)), (0, {0}), f"status and tracers afterwards ({err})")
        facts = live.show(recording)["facts"]
        files = {f["name"] for f in facts if f["kind"] == "file"}
        check("/etc/passwd" in files, f"files: {sorted(files)}")
    open(stop, "w", encoding="ascii").close()
    out, _ = busy.communicate(timeout=20)
    equal((busy.returncode, out), (0, "failures: 0\n"), "the joined program")


@case
def joining_to_the_end(folder):
    busy, stop = start_busy(folder)
    recording = os.path.join(folder, "rec.jsonl")
    whittle = join(recording, busy.pid)
    wait_until(lambda: joined(busy), 60, what="the tracer")
    open(stop, "w", encoding="ascii").close()
    out, _ = busy.communicate(timeout=20)
    equal((busy.returncode, out), (0, "failures: 0\n"), "the joined program")
    _, err = whittle.communicate(timeout=20)
    equal(whittle.returncode, 0, f"status ({err})")
    # the thread and the child that waited in read() since before
    fact = [f for f in live.show(recording)["facts"] if f["kind"] == "syscall" and f["name"] == "read"]
    check(fact and "ok" in fact[0]["results"], f"read: {fact}")


@case
def joiner_is_killed(folder):
    busy, stop = start_busy(folder)
    for _ in range(3):
        whittle = join(os.path.join(folder, "rec.jsonl"), busy.pid)
        wait_until(lambda: joined(busy), 60, what="the tracer")
        live.end([*live.descendants(whittle.pid), whittle.pid])
        whittle.communicate(timeout=20)
        wait_until(lambda: tracers(busy.pid) == {0}, what="the tracer's end")
    open(stop, "w", encoding="ascii").close()
    out, _ = busy.communicate(timeout=20)
    equal((busy.returncode, out), (0, "failures: 0\n"), "the program that had been joined")


@case
def who_cannot_be_joined(folder):
    recording = os.path.join(folder, "rec.jsonl")
    whittle = join(recording, 2 ** 22 + 1)
    _, err = whittle.communicate(timeout=20)
    check(whittle.returncode not in (0, None) and "no process" in err, f"status {whittle.returncode}: {err}")
    first_folder = os.path.join(folder, "first")
    os.mkdir(first_folder)
    busy, stop = start_busy(folder)
    first = join(os.path.join(first_folder, "rec.jsonl"), busy.pid)
    wait_until(lambda: joined(busy), 60, what="the tracer")
    tracer = tracers(busy.pid).pop()
    whittle = join(recording, busy.pid)
    _, err = whittle.communicate(timeout=20)
    check(whittle.returncode not in (0, None), f"status {whittle.returncode}")
    check(f"traced by process {tracer}" in err, f"message: {err}")
    open(stop, "w", encoding="ascii").close()
    busy.communicate(timeout=20)
    first.communicate(timeout=20)


@case
def kernel_threads_cannot_be_joined(folder):
    try:
        with open("/proc/2/comm", encoding="ascii") as file:
            visible = file.read() == "kthreadd\n"
    except FileNotFoundError:
        visible = False
    if not visible:
        raise Skip("the kernel's threads are not visible here")
    for backend in set(live.BACKENDS) - {"notify"}:
        status, _, err = native([live.WHITTLE, "record", "--backend", backend, "-o", f"{folder}/rec.jsonl", "--pid", "2"])
        equal(status, 125, err)
        check("process 2 is a thread of the kernel" in err, err)


@case
def letting_go_of_a_daemon(folder):
    # The command has ended, its daemon has not: an interrupt ends the recording at once, and not the daemon.
    recording = os.path.join(folder, "rec.jsonl")
    done = os.path.join(folder, "done")
    with subprocess.Popen(record_command("ptrace", recording, [
            "sh", "-c", f"(for i in 1 2 3 4 5 6 7 8; do sleep 0.5; done; echo late >{done}) >/dev/null 2>&1 & exit 5"]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as whittle:
        wait_until(lambda: os.path.exists(recording) and len(live.descendants(whittle.pid)) >= 2, what="the daemon")
        time.sleep(0.5)
        whittle.send_signal(signal.SIGINT)
        _, err = whittle.communicate(timeout=20)
        equal(whittle.returncode, 5, f"status ({err})")
    check(not os.path.exists(done), "the daemon was waited for")
    document = live.show(recording)
    check(not document["complete"], "the recording says that it is complete")
    with open(recording, encoding="utf-8") as file:
        check(json.loads(file.readlines()[-1]).get("footer"), "no footer")
    wait_until(lambda: os.path.exists(done), what="the daemon's end")
    wait_until(lambda: not live.with_environment("WHITTLE_LIVE_TEST=" + os.environ["WHITTLE_LIVE_TEST"]), 5,
               "the keeper's end")


@case
def stopping_with_the_workload(folder):
    # Somebody stops and continues the workload alone; whittle, which a shell may watch, does the same.
    recording = os.path.join(folder, "rec.jsonl")
    code = "import os, signal; print(os.getpid(), flush=True); os.kill(os.getpid(), signal.SIGSTOP); os._exit(6)"
    with subprocess.Popen(record_command("ptrace", recording, live.python(code)), stdout=subprocess.PIPE,
                          text=True) as whittle:
        pid = int(whittle.stdout.readline())
        _, status = os.waitpid(whittle.pid, os.WUNTRACED)
        check(os.WIFSTOPPED(status), f"whittle did not stop but {status}")
        os.kill(pid, signal.SIGCONT)
        equal(whittle.wait(timeout=20), 6, "status")


@case
def an_orphaned_group_stays_one(folder):
    # A session's leader, whose parent is in another session: the kernel leaves SIGTSTP out (credentials(7)),
    # wherever in the tree of processes whittle's own are.
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTSTP); print('went on', flush=True)"
    equal(native(live.python(code), start_new_session=True)[:2], (0, "went on\n"), "natively")
    result = record("ptrace", folder, live.python(code), start_new_session=True)
    equal((result.status, result.out), (0, "went on\n"), "recorded")


@case
def tracer_and_tracees_share_a_session(folder):
    # The scheduler's autogroup is the session's. Not the group of processes, which gets ^C.
    code = ("import os; tracer = [line.split()[1] for line in open('/proc/self/status') if line.startswith('TracerPid')][0];"
            "print(os.getsid(0) == os.getsid(int(tracer)), os.getpgid(0) == os.getpgid(int(tracer)))")
    result = record("ptrace", folder, live.python(code))
    equal(result.out, "True False\n", "same session, same process group")


HANDLE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]
handle, mount = Handle(bytes=128), ctypes.c_int()
if libc.name_to_handle_at(-100, sys.argv[1].encode(), ctypes.byref(handle), ctypes.byref(mount), 0) < 0:
    sys.exit(9)
keep = os.open(sys.argv[1], os.O_RDONLY) if sys.argv[2] == "named" else -1
if keep < 0:
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("2")
folder = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
fd = libc.open_by_handle_at(folder, ctypes.byref(handle), os.O_WRONLY | os.O_APPEND)
if fd < 0:
    sys.exit(9)
print(os.readlink(f"/proc/self/fd/{fd}"))
"""


def open_by_handle(folder, how):
    live.need_root()
    path = os.path.join(folder, "by-handle")
    with open(path, "w", encoding="ascii"):
        pass
    return path, record("ptrace", folder, live.python(HANDLE, path, how))


@case
def opening_by_handle(folder):
    path, result = open_by_handle(folder, "named")
    if result.status == 9:
        raise Skip("no file handles here")
    result.complete()
    equal(result.out, path + "\n", "the file's name")
    fact = result.one("file", name=path, access=["append"])
    equal((fact["results"], fact["first"]["syscall"]), (["ok"], "open_by_handle_at"), "how it was opened")


@case
def opening_by_handle_what_has_no_name(folder):
    path, result = open_by_handle(folder, "nameless")
    if result.status != 0 or result.out == path + "\n":
        raise Skip("the kernel knows the name")
    equal([loss["cause"] for loss in result.document["losses"]], ["unresolved-path"], "losses")


@case
def features_of_joined_processes(folder):
    features = record("ptrace", folder, ["true"]).document["runs"][0]["features"]
    if "seccomp-accelerated" not in features:
        raise Skip("nothing to tell apart")
    busy, stop = start_busy(folder)
    recording = os.path.join(folder, "joined.jsonl")
    whittle = join(recording, busy.pid)
    wait_until(lambda: joined(busy), 60, what="the tracer")
    open(stop, "w", encoding="ascii").close()
    busy.communicate(timeout=20)
    whittle.communicate(timeout=20)
    equal(live.show(recording)["runs"][0].get("features", ""), features.replace("seccomp-accelerated", "").strip(),
          "features of a joined run")


@case
def int80_and_x32(folder):
    if os.uname().machine != "x86_64":
        raise Skip("needs x86_64")
    source = os.path.join(folder, "int80.c")
    with open(source, "w", encoding="ascii") as file:
        file.write("int main(void) { long r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20) : \"memory\");"
                   "__asm__ volatile(\"syscall\" : \"=a\"(r) : \"a\"(0x40000000 + 39) : \"rcx\", \"r11\", \"memory\");"
                   "return 0; }")
    live.need("cc")
    binary = os.path.join(folder, "int80")
    subprocess.run(["cc", "-o", binary, source], check=True)
    result = record("ptrace", folder, [binary])
    equal({f["arch"] for f in result.facts("syscall", name="getpid")}, {"i386", "x32"}, "architectures of getpid")


if __name__ == "__main__":
    live.main()
