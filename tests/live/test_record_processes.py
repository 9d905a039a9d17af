#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of process: set-id, foreign architectures, namespaces, storms, nested tracers and filters."""
import os
import shutil
import subprocess
import time

import live
from live import both, case, check, equal, native, need, need_root, program, record

AS_NOBODY = ["setpriv", "--reuid", str(live.NOBODY), "--regid", str(live.NOBODY), "--clear-groups"]


def calls(result):
    return {f["name"] for f in result.facts("syscall")}


def same_as_native(backend, folder, command, **options):
    wanted = native(command)
    result = record(backend, folder, command, **options)
    equal((result.status, result.out, result.err), wanted, f"{os.path.basename(command[0])} {command[1:]}")
    return result


# As which programs they are built: their calls, and what a handler leaves on the stack, differ. Programs
# of x32 run in the lab (tests/lab/inside-bpf.sh): few kernels have it.
BUILDS = ["", "_i386"]


@both
def interrupted_calls(folder, backend):
    # EINTR and SA_RESTART as without whittle
    for build in BUILDS:
        same_as_native(backend, folder, [program("interruptions" + build)]).complete()


def storm(folder, backend, command, knows_hidden=True):
    # Calls that cannot fail with EINTR, nor the end of a signal handler (which once ended in the middle of
    # nowhere). What waits (for the other end of a pipe) is still interrupted, and not made again; that this is
    # right the notify backend cannot know, so it says how many such there were. Until Linux 6.16 some
    # interrupted calls cannot be told.
    result = record(backend, folder, command)
    equal(result.status, 0, "status")
    interrupted, hidden, waits, signals = map(int, result.out.split())
    check(signals > 0, "no signals")
    equal(waits, 10, "interrupted calls that wait")
    told = result.document["runs"][0].get("interrupted", 0)
    print(f"     {backend}: {interrupted} calls, and {hidden} by syscall(3), interrupted by {signals} signals, {told} told of")
    tells_all = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 17)
    if backend != "notify":
        equal((interrupted, hidden, told), (0, 0, 0), "interrupted calls")
    elif os.uname().machine == "x86_64" and (tells_all or os.geteuid() == 0):
        wrong = interrupted + (hidden if knows_hidden else 0)
        check(wrong <= (0 if tells_all else 3 + signals * 0.05), result.out)
        check(told >= hidden, f"{told} told of: {result.out}")
    equal("EINTR" in result.err, told > 0, "message")


@both
def signal_storm(folder, backend):
    calls = "20000" if backend == "bpf" else "800" # which does not stop them
    for build in BUILDS:
        storm(folder, backend, [program("signal_storm" + build), "1", calls, "2000", "1"])


@both
def signal_storm_by_musl(folder, backend):
    # All of its calls that can be cancelled are made by one function. What its syscall(3) makes is not known.
    storm(folder, backend, [program("signal_storm_musl"), "1", "20000" if backend == "bpf" else "800", "2000", "1"], knows_hidden=False)


@case
def children_end_unnoticed(folder):
    # SIGCHLD, whose handler dash sets without SA_RESTART, must not end fork(2) with EINTR ("Cannot fork"), or
    # close(2) of a pipe, for which somebody then waits for ever.
    need("dash")
    script = """
for i in 1 2 3 4 5 6 7 8; do
  (true) & (true) & (true) & (true) & (true) & (true) &
  x=$(echo a | cat) y=$(/bin/echo b | cat)
  [ "$x$y" = ab ] || exit 9
  wait
done"""
    for _ in range(5):
        result = record("notify", folder, ["dash", "-c", script])
        equal((result.status, result.err), (0, ""), "status")


@both
def thread_storm(folder, backend):
    result = same_as_native(backend, folder, [program("storm"), "threads", "500"])
    result.complete()
    check(result.one("syscall", name="getppid")["count"] >= 2500, "calls of threads are missing")


@both
def fork_storm(folder, backend):
    result = same_as_native(backend, folder, [program("storm"), "forks", "2000"])
    result.complete()
    check({"vfork", "getppid", "exit_group", "wait4"} <= calls(result), f"{sorted(calls(result))}")
    result.one("exec", name=os.path.realpath("/bin/true"), loaded_as="program")


@both
def exec_by_thread(folder, backend):
    result = same_as_native(backend, folder, [program("storm"), "exec"])
    result.complete()
    result.one("exec", name=os.path.realpath("/bin/echo"), loaded_as="program")
    result.one("syscall", name="write", subject=os.path.realpath("/bin/echo"))


@both
def daemon_outlives_its_parent(folder, backend):
    need("setsid")
    mark = os.path.join(folder, "made")
    script = f'setsid sh -c "sleep 0.4; cat /etc/hostname >{mark}" >/dev/null 2>&1 & echo parent is over; exit 3'
    start = time.monotonic()
    result = record(backend, folder, ["sh", "-c", script])
    equal((result.status, result.out), (3, "parent is over\n"), "status and output")
    check(time.monotonic() - start >= 0.4, "whittle did not wait for the daemon")
    check("create" in result.access(mark), "the daemon's file is missing")
    result.complete()


@both
def namespaces(folder, backend):
    need_root()
    need("unshare")
    for flags in ("-pf", "-m", "-n", "-u", "-i", "-pfm --mount-proc", "-Ur", "-Cpfmn"):
        inside = os.path.join(folder, flags.replace(" ", ""))
        os.mkdir(inside)
        command = ["unshare", *flags.split(), "sh", "-c", f"cat /etc/hostname >{inside}/out; echo $$"]
        if native(command)[0] != 0:
            continue
        os.unlink(f"{inside}/out")
        result = record(backend, inside, command)
        equal((result.status, result.err), (0, ""), f"unshare {flags}")
        check(not flags.startswith("-p") or result.out == "1\n", f"unshare {flags}: {result.out}")
        check("create" in result.access(f"{inside}/out"), f"unshare {flags}: the file is missing")
        result.one("file", name="/etc/hostname", access={"read"})
        result.complete()


@both
def set_user_id(folder, backend):
    need_root()
    need("setpriv")
    path = os.path.join(folder, "set-id")
    shutil.copy(program("set_id"), path)
    os.chmod(path, 0o4755)
    if "euid 0" not in native([*AS_NOBODY, path])[1]:
        raise live.Skip("set-user-id has no effect here (nosuid)")
    result = record(backend, folder, [*AS_NOBODY, path])
    equal((result.status, result.err), (0, ""), "status")
    check(f"uid {live.NOBODY} euid 0" in result.out and "NoNewPrivs:\t0" in result.out, f"with privilege: {result.out}")
    result.complete()
    if backend == "bpf":
        return  # whittle itself without privilege: it cannot
    os.chmod(folder, 0o777)
    result = record(backend, folder, [path], prefix=AS_NOBODY, name="unprivileged.jsonl")
    equal(result.status, 0, "status")
    check(f"uid {live.NOBODY} euid {live.NOBODY}" in result.out, f"without privilege: {result.out}")
    check("setuid-without-privilege" in result.losses(), f"losses: {result.losses()}")
    check("INCOMPLETE" in result.err, f"said: {result.err}")
    check(not result.document["complete"], "complete")


@both
def file_capabilities(folder, backend):
    need_root()
    need("setpriv", "setcap")
    path = os.path.join(folder, "capable")
    shutil.copy(program("set_id"), path)
    os.chmod(path, 0o755)
    if subprocess.run(["setcap", "cap_net_raw+ep", path], check=False, capture_output=True).returncode != 0:
        raise live.Skip("no file capabilities on this file system")
    wanted = native([*AS_NOBODY, path])[1]
    result = record(backend, folder, [*AS_NOBODY, path])
    equal(result.out, wanted, "with privilege")
    result.complete()
    # it never uses it, and would not be run without
    result.one("capability", name="CAP_NET_RAW", rule="exec-file-capability")
    if backend == "bpf":
        return
    os.chmod(folder, 0o777)
    result = record(backend, folder, [path], prefix=AS_NOBODY, name="unprivileged.jsonl")
    check("CapEff:\t0000000000000000" in result.out, f"without privilege: {result.out}")
    check({"exec-without-privilege", "setuid-without-privilege"} & set(result.losses()), f"losses: {result.losses()}")
    check("INCOMPLETE" in result.err, f"said: {result.err}")


# Of linux/capability.h: what reading other users' processes, looking names up, forwarding signals and reading maps take.
CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE, CAP_SYS_NICE, CAP_BPF = 2, 5, 19, 23, 39


@both
def privileges_of_the_recorder(folder, backend):
    allowed = sum(1 << c for c in (CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE,
                                   *{"bpf": [CAP_BPF], "notify": [CAP_SYS_NICE], "ptrace": []}[backend]))
    gate = os.path.join(folder, "gate")
    os.mkfifo(gate)
    process = subprocess.Popen(live.record_command(backend, f"{folder}/rec.jsonl", ["sh", "-c", f"read line <{gate}"]),
                               stdin=subprocess.DEVNULL)

    def too_many():
        """What those have too many who are whittle: all but the front, which runs nothing and reads nothing of the workload's."""
        result, others = [], 0
        for pid in live.descendants(process.pid):
            try:
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                    status = dict(line.split(":", 1) for line in file)
                mine = os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(live.WHITTLE)
            except OSError:
                continue
            others += not mine
            held = int(status["CapEff"], 16) | int(status["CapPrm"], 16)
            if mine and (held & ~allowed or int(status["NoNewPrivs"]) != 1):
                result.append(f"{status['Name'].strip()}: {held:#x}, NoNewPrivs {status['NoNewPrivs'].strip()}")
        return result if others else ["the workload has not begun"]

    try:
        live.wait_until(lambda: not too_many(), what="less privilege")
    except AssertionError as error:
        raise AssertionError(f"{error}: {too_many()}") from None
    finally:
        with open(gate, "w", encoding="ascii") as file:
            file.write("go\n")
        equal(process.wait(timeout=30), 0, "status")


@both
def without_any_privilege(folder, backend):
    live.unprivileged(backend)
    need("setpriv")
    need_root()
    os.chmod(folder, 0o777)
    result = record(backend, folder, ["sh", "-c", "cat /etc/hostname >/dev/null; id -u"], prefix=AS_NOBODY)
    equal((result.status, result.out, result.err), (0, f"{live.NOBODY}\n", ""), "status")
    result.complete()
    result.one("file", name="/etc/hostname", access={"read"})
    equal(result.document["runs"][0].get("no_new_privs"), True, "no_new_privs in the recording")


@both
def undumpable_program(folder, backend):
    # A process that forbids others to look into it: seen with privilege; without, the loss is told.
    need("setpriv")
    need_root()
    os.chmod(folder, 0o777)
    code = live.python("import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); open('/etc/hostname').read(); print('done')")
    result = record(backend, folder, code)
    equal((result.status, result.out, result.err), (0, "done\n", ""), "with privilege")
    result.complete()
    result.one("file", name="/etc/hostname", access={"read"})
    if backend == "bpf":
        return
    result = record(backend, folder, code, prefix=AS_NOBODY, name="unprivileged.jsonl")
    equal((result.status, result.out), (0, "done\n"), f"without privilege {result.err}")
    if result.facts("file", name="/etc/hostname", access={"read"}):
        return  # this kernel or backend could read it all the same
    check(not result.document["complete"] and result.losses(), f"lost in silence: {result.losses()}")
    check("INCOMPLETE" in result.err, f"said: {result.err}")


@both
def foreign_architectures(folder, backend):
    if os.uname().machine != "x86_64":
        raise live.Skip("x86_64 only")
    result = same_as_native(backend, folder, [program("foreign_calls")])
    if result.out == "same\n":
        result.one("syscall", name="getpid", arch="i386", number=20)
    result.one("syscall", name="getuid", arch="x32", number=0x40000000 + 102)
    result.one("syscall", name="execve", arch="x86_64")
    result.complete()


@both
def i386_program(folder, backend):
    path = program("set_id_i386")
    if native([path])[0] != 0:
        raise live.Skip("this kernel runs no i386 programs")
    result = same_as_native(backend, folder, [path])
    result.complete()
    result.one("syscall", name="write", arch="i386", number=4)
    result.none("syscall", name=lambda n: n != "execve", arch="x86_64", subject=path)
    result.one("file", name="/proc/self/status", access={"read"})
    generated = os.path.join(folder, "out")
    done = subprocess.run([live.WHITTLE, "generate", result.recording, "-o", generated], capture_output=True, check=False)
    equal(done.returncode, 0, f"generate: {done.stderr}")
    with open(os.path.join(generated, "seccomp.json"), encoding="utf-8") as file:
        check("SCMP_ARCH_X86" in file.read(), "the profile lacks the architecture")


@both
def own_seccomp_filter(folder, backend):
    for what in ("errno", "trap", "kill"):
        result = record(backend, folder, [program("nested_filter"), what])
        status, out, _ = native([program("nested_filter"), what])
        equal((result.status, result.out), (status if status >= 0 else 128 - status, out), f"a filter that does {what}")
        check({"seccomp", "prctl"} <= calls(result), "loading the filter")


@both
def own_listener(folder, backend):
    result = record(backend, folder, [program("nested_filter"), "listener"])
    equal(result.status, 0, "status")
    if backend != "notify":
        equal(result.out, "listening\n", "output")
        return
    # The kernel allows one listener: the program cannot have its own, and that is said.
    equal(result.out, "Device or resource busy\n", "output")
    check(not result.document["complete"], f"complete; losses {result.losses()}")
    check("INCOMPLETE" in result.err, f"said: {result.err}")
    text = str(result.document["losses"])
    check("--backend ptrace" in text, f"no advice: {text}")


@case
def tracer_inside_notify(folder):
    need("strace")
    result = record("notify", folder, ["strace", "-f", "-o", f"{folder}/trace", "sh", "-c", "cat /etc/hostname >/dev/null; echo inner"])
    equal((result.status, result.out), (0, "inner\n"), result.err)
    with open(f"{folder}/trace", encoding="utf-8") as file:
        check("/etc/hostname" in file.read(), "strace saw nothing")
    result.one("file", name="/etc/hostname", access={"read"})
    check(result.facts("ptrace"), "no fact of the tracing")


@case
def debugger_inside_notify(folder):
    need("gdb")
    result = record("notify", folder, ["gdb", "-nx", "-batch", "-ex", "break main", "-ex", "run", "-ex", "continue",
                                       program("set_id")])
    equal(result.status, 0, result.err)
    check("Breakpoint 1" in result.out and "euid" in result.out, f"gdb: {result.out}")


@case
def tracer_inside_ptrace(folder):
    need("strace")
    result = record("ptrace", folder, ["strace", "-f", "true"])
    check("nested-tracer" in result.losses(), f"losses: {result.losses()}")
    check("INCOMPLETE" in result.err, f"said: {result.err}")
    check("--backend notify" in str(result.document["losses"]), "no advice")


@both
def nested_recording(folder, backend):
    # whittle in a recorded program: refused with a reason, or it works.
    inner = os.path.join(folder, "inner.jsonl")
    result = record(backend, folder, live.record_command(backend, inner, ["echo", "inner"]))
    if result.status == 0:
        equal(result.out, "inner\n", "output")
        check(live.show(inner)["facts"], "the inner recording is empty")
    else:
        equal(result.status, 125, f"status ({result.err})")
        check("ptrace" in result.err or "traced" in result.err, f"no reason: {result.err}")


live.main()
