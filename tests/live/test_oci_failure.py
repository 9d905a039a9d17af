#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci when something goes wrong: what cannot be recorded runs or is refused as the configuration says,
it is told in the runtime's log, and no death of a recorder or a container harms the other.

Needs root, eBPF and busybox.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import live  # noqa: E402
from live import check, equal  # noqa: E402
import oci_site as site  # noqa: E402
from oci_site import Oci, engines  # noqa: E402

OUT = "WHITTLE_OUT=rec.jsonl"


def with_runtime(*names):
    """A case for each of these runtimes that is here, which gets an Oci."""
    def decorate(function):
        def case_of(runtime):
            def wrapped(folder):
                function(Oci(folder, runtime))
            wrapped.__name__ = f"{runtime} {function.__name__}"
            live.case(wrapped)
        for runtime in names:
            if runtime in site.runtimes():
                case_of(runtime)
        return function
    return decorate


# ---- nothing can be recorded ---------------------------------------------------------------------------

def log_lines(path, form):
    """(level, message) of each line that is ours."""
    found = []
    for line in site.read(path).splitlines():
        if "whittle-oci" not in line:
            continue
        if form == "json":
            entry = json.loads(line)
            check(entry["time"], f"no time: {line}")
            found.append((entry["level"], entry["msg"]))
        else:
            check(line.startswith('time="'), f"not as runc writes it: {line}")
            found.append((line.partition("level=")[2].split()[0], line.partition('msg="')[2]))
    return found


def run_logged(oci, name, form):
    log = os.path.join(oci.folder, f"{name}.log")
    status, out, err = oci.call("--log", log, "--log-format", form, "run", "--bundle", os.path.join(oci.folder, name), name)
    return status, out, err, log_lines(log, form) if os.path.exists(log) else []


@with_runtime("runc", "crun")
def no_folder_of_recordings(oci):
    """on-failure: run, which is the default, and refuse; a log of either form."""
    for number, (form, configuration, refused) in enumerate((
            ("text", {}, False), ("json", {"on_failure": "run"}, False),
            ("text", {"on_failure": "refuse"}, True), ("json", {"on_failure": "refuse"}, True))):
        name = f"c{number}"
        oci.configure(output="/proc/no/folder", **configuration)
        oci.bundle(name, "echo ran; env", env=[OUT])
        status, out, err, lines = run_logged(oci, name, form)
        if refused:
            equal((status, out), (1, ""), f"status and output with {configuration}: {err}")
            equal(oci.status(name), None, "a refused container")
        else:
            check(status == 0 and out.startswith("ran\n"), f"status {status} and output {out} with {configuration}: {err}")
            check("WHITTLE" not in out, f"the environment of what runs unrecorded: {out}")
        equal([level for level, _ in lines], ["error" if refused else "warning"], f"levels of {lines}")
        check("/proc/no" in lines[0][1] and ("unrecorded" in lines[0][1]) != refused, f"the message: {lines}")


@with_runtime("runc")
def folder_of_recordings_is_a_file(oci):
    site.write(f"{oci.folder}/file", "precious")
    oci.configure(output=f"{oci.folder}/file")
    oci.bundle("c", "echo ran", env=[OUT])
    status, out, err = oci.run("c")
    equal((status, out), (0, "ran\n"), err)
    check("unrecorded" in err, f"no warning: {err}")
    equal(site.read(f"{oci.folder}/file"), "precious", "the file")


@with_runtime("runc")
def broken_configuration(oci):
    """Nothing is known then, not even the runtime: every command fails, and says where."""
    oci.bundle("c", "echo ran")
    for text, said in (("runtime: [\n", "oci.yaml:"), ("nonsense: yes\n", "nonsense"), ("on-failure: perhaps\n", "refuse"),
                       ("runtime: /bin/missing\n", "/bin/missing"), (f"runtime: {site.WHITTLE_OCI}\n", "itself"),
                       ("output: relative\n", "relative")):
        site.write(oci.configuration, text)
        for words in (("--version",), ("run", "--bundle", f"{oci.folder}/c", "c")):
            status, out, err = oci.call(*words)
            equal((status, out), (1, ""), f"with {text!r}: {err}")
            check(said in err and "level=error" in err, f"with {text!r}: {err}")
    os.unlink(oci.configuration)
    equal(oci.call("--version")[0], 1, "without the configuration that the environment names")


@with_runtime("runc")
def configuration_of_somebody(oci):
    """It says what root runs: who else may write it is not believed."""
    for owner, mode in ((live.NOBODY, 0o644), (0, 0o666), (0, 0o664)):
        oci.configure()
        os.chown(oci.configuration, owner, owner)
        os.chmod(oci.configuration, mode)
        status, _, err = oci.call("--version")
        equal(status, 1, f"owner {owner}, mode {mode:o}: {err}")
        check("chown" in err or "chmod" in err, f"no advice: {err}")


@with_runtime("runc")
def no_room_for_the_socket(oci):
    """/run/whittle is somebody's: added processes could not find the recorder, so nothing is recorded."""
    os.makedirs("/run/whittle", exist_ok=True)
    os.chmod("/run/whittle", 0o777)
    try:
        oci.bundle("c", "echo ran", env=[OUT])
        status, out, err = oci.run("c")
        equal((status, out), (0, "ran\n"), err)
        check("/run/whittle" in err and "unrecorded" in err, f"the warning: {err}")
        equal(oci.recordings(), [], "what is left of the recording")
    finally:
        os.chmod("/run/whittle", 0o700)


@with_runtime("runc")
def nonsense_in_config_json(oci):
    """The runtime says what is wrong with it."""
    os.makedirs(f"{oci.folder}/c/rootfs")
    for text in ("", "{", "[]", '{"process": 7}', '{"process":{"env":"no list","args":[1]},"linux":[],"mounts":{}}', "{}" * 9, "[" * 9999):
        site.write(f"{oci.folder}/c/config.json", text)
        ours, real = oci.run("c"), oci.run("c", program=oci.real)
        equal(ours[0], real[0], f"status with {text[:40]!r}: {ours}")
        last = [line.partition("msg=")[2] for _, _, err in (ours, real) for line in err.splitlines()[-1:]]
        equal(last[0], last[1], "the last word")
        equal(site.read(f"{oci.folder}/c/config.json"), text, "config.json")
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "recorders to end")


# ---- deaths ------------------------------------------------------------------------------------------------

def begin_polling(oci, script="cat /etc/added"):
    oci.bundle("c", f"cat /etc/hello; touch /tmp/here; {site.WAIT}; {script}", env=[OUT])
    oci.begin("c")


@with_runtime("runc", "crun")
def recorder_killed(oci):
    """The container goes on, and ends as it would; what was recorded can be read and is not called complete."""
    begin_polling(oci, "echo over >/tmp/over; exit 5")
    live.wait_until(lambda: '"/etc/hello"' in site.read(f"{oci.output}/rec.jsonl"), site.PATIENCE, "the first file in the recording")
    killed = oci.recorders()
    check(killed, "there is no recorder")
    live.end(killed)
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "the recorders' end")
    equal(oci.do("exec", "c", "/bin/cat", "/etc/added"), "added:x:0:0:::\n", "exec without a recorder")
    oci.end("c")
    equal(site.read(f"{oci.rootfs('c')}/tmp/over"), "over\n", "what the container did afterwards")
    result = live.Result(None, None, None, f"{oci.output}/rec.jsonl")
    check(not result.document["complete"], "it is called complete")
    result.one("file", name="/etc/hello", access=["read"], phase="run")


@with_runtime("runc")
def front_of_the_recorder_killed(oci):
    """Only the process that the other reports to: that one ends, too, and knows that the container has not ended."""
    begin_polling(oci)
    live.wait_until(lambda: '"/etc/hello"' in site.read(f"{oci.output}/rec.jsonl"), site.PATIENCE, "the first file in the recording")
    killed = oci.recorders()
    [front] = [pid for pid in killed if set(live.children(pid)) & set(killed)]
    live.end([front])
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "the recorders' end")
    equal(oci.status("c")["status"], "running", "the container")
    result = live.Result(None, None, None, f"{oci.output}/rec.jsonl")
    check(not result.document["complete"], f"it is called complete: {result.losses()}")
    oci.end("c")


@with_runtime("runc")
def next_after_a_killed_recorder(oci):
    """What it left does not stop the same container from being recorded again."""
    begin_polling(oci)
    live.end(oci.recorders())
    oci.end("c")
    oci.bundle("again", "cat /etc/hello", env=["WHITTLE_OUT=again.jsonl"])
    status, out, err = oci.call("run", "--bundle", f"{oci.folder}/again", "c")
    equal((status, out), (0, "hello:x:0:0:::\n"), err)
    equal(err, "", "warnings")
    oci.recording("again.jsonl").complete()


@with_runtime("runc", "crun")
def container_killed_from_outside(oci):
    """Its first process gets SIGKILL, and with that all others."""
    begin_polling(oci)
    os.kill(oci.status("c")["pid"], signal.SIGKILL)
    oci.await_status("c", "stopped")
    oci.do("delete", "c")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", phase="run")
    result.none("file", name="/etc/added")


@with_runtime("runc", "crun")
def created_and_never_started(oci):
    oci.bundle("c", "true", env=[OUT])
    oci.do("create", "--bundle", f"{oci.folder}/c", "c")
    oci.do("delete", "--force", "c")
    result = oci.recording()
    result.complete()
    result.none("syscall", phase="run")


@with_runtime("runc")
def runtime_killed(oci):
    """runc run in the foreground gets SIGKILL: the container goes on, and so does its recording."""
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}; cat /etc/added", env=[OUT])
    process = oci.start("run", "--bundle", f"{oci.folder}/c", "c")
    live.wait_until(lambda: os.path.exists(f"{oci.rootfs('c')}/tmp/here"), site.PATIENCE, "the container")
    process.kill()
    process.wait()
    equal(oci.do("exec", "c", "/bin/cat", "/etc/hello"), "hello:x:0:0:::\n", "exec")
    oci.end("c")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/added", access=["read"], phase="run")
    result.one("file", name="/etc/hello", access=["read"], phase="exec")


@with_runtime("runc", "crun")
def daemons_of_the_container(oci):
    """The first process ends while others of its go on, outside a PID namespace of their own: recorded to the last."""
    spaces = {"namespaces": [{"type": kind} for kind in ("ipc", "mount", "uts")]}
    oci.bundle("c", f"({site.WAIT}; cat /etc/added; touch /tmp/over) </dev/null >/dev/null 2>&1 & cat /etc/hello; touch /tmp/here",
               env=[OUT], linux=spaces)
    oci.begin("c")
    oci.await_status("c", "stopped")
    oci.let_go("c")
    live.wait_until(lambda: os.path.exists(f"{oci.rootfs('c')}/tmp/over"), site.PATIENCE, "the daemon")
    oci.do("delete", "c")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/added", access=["read"], phase="run")


@with_runtime("runc")
def unknown_runtime(oci):
    """Recorded like others; both the runtime's log and generate say that it was not measured, and how that is done."""
    other = os.path.join(oci.folder, "other-runtime")
    site.write(other, f'#!/bin/sh\nexec {oci.real} "$@"\n')
    os.chmod(other, 0o755)
    oci.configure(runtime=other)
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    status, out, _, lines = run_logged(oci, "c", "json")
    equal((status, out), (0, "hello:x:0:0:::\n"), "the container")
    equal([level for level, _ in lines], ["warning"], f"levels of {lines}")
    oci.recording().complete()
    done = subprocess.run([live.WHITTLE, "generate", f"{oci.output}/rec.jsonl", "-q", "-o", f"{oci.folder}/profile"],
                          check=True, text=True, stderr=subprocess.PIPE)
    for text in (lines[0][1], done.stderr):
        check("other-runtime" in text and "measure-runtimes" in text, f"the warning: {text}")


# ---- the spare recorder ----------------------------------------------------------------------------------------

def listens():
    """A spare is there, or loads yet. (What one leaves that was killed is in the folder, not here.)"""
    return any(line.endswith(" /run/whittle/spare") for line in site.read("/proc/net/unix").splitlines())


def spares():
    """Processes that wait for a container, or get ready to."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if "--wait-for-a-container" in site.read(f"/proc/{pid}/cmdline") and not any(
                    ".jsonl" in os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")):
                found.append(int(pid))
        except OSError:
            pass
    return found


def waits(pid):
    """It has loaded all: it is in poll() or ppoll()."""
    try:
        return site.read(f"/proc/{pid}/syscall").split()[0] in ("7", "271")
    except OSError:
        return False


def await_spare(oci, ready=True, **options):
    """One that is ready, and has this case's configuration: those of earlier ones end."""
    live.end(spares())
    live.wait_until(lambda: not spares() and not listens(), site.PATIENCE, "the end of other spares")
    oci.bundle("first", "true", env=["WHITTLE_OUT=first.jsonl"])
    equal(oci.run("first", **options)[0], 0, "the first container")
    live.wait_until(lambda: listens() and (not ready or any(map(waits, spares()))), site.PATIENCE, "a spare recorder")
    return spares()


@with_runtime("runc")
def spare_records(oci):
    """The next container's recorder is the spare, and there is another spare then."""
    waiting = await_spare(oci)
    oci.bundle("c", f"cat /etc/hello; touch /tmp/here; {site.WAIT}", env=[OUT])
    oci.begin("c")
    check(set(waiting) & set(oci.recorders()), f"recorders {oci.recorders()}, the spare was {waiting}")
    live.wait_until(lambda: set(spares()) - set(waiting), site.PATIENCE, "the next spare")
    oci.end("c")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    check("runtime-init" in site.phases(result), "the start-up lacks")


@with_runtime("runc")
def spare_loading(oci):
    """A container that comes while the spare loads gets that one."""
    waiting = await_spare(oci, ready=False)
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}", env=[OUT])
    oci.begin("c")
    check(set(waiting) & set(oci.recorders()), f"recorders {oci.recorders()}, the spare was {waiting}")
    oci.end("c")
    oci.recording().complete()


@with_runtime("runc")
def spare_environment(oci):
    """It has what whittle heeds, and nothing else of the one who happened to come first."""
    [pid] = await_spare(oci, environment={"SECRET": "word"})
    words = site.read(f"/proc/{pid}/environ").split("\0")
    check(f"WHITTLE_OCI_CONFIG={oci.configuration}" in words and any(word.startswith("PATH=") for word in words), words)
    check(not any("SECRET" in word for word in words), words)


@with_runtime("runc")
def sockets_left(oci):
    """What killed recorders leave goes, and what is in use stays."""
    places = {}
    for name, age, used in (("left", 3600, False), ("new", 0, False), ("used", 3600, True)):
        places[name] = f"/run/whittle/{name}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(places[name])
        listener.listen()
        os.utime(places[name], (0, time.time() - age))
        if used:
            kept = listener
        else:
            listener.close()
    try:
        await_spare(oci)
        live.wait_until(lambda: not os.path.exists(places["left"]), site.PATIENCE, "the end of what was left")
        equal([os.path.exists(places[name]) for name in ("new", "used")], [True, True], "those that stay")
    finally:
        kept.close()
        os.unlink(places["new"])
        os.unlink(places["used"])


@with_runtime("runc")
def spare_killed(oci):
    """Then there is none, and the container is recorded all the same."""
    live.end(await_spare(oci))
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    status, out, err = oci.run("c")
    equal((status, out, err), (0, "hello:x:0:0:::\n", ""), "the container")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", phase="run")


@with_runtime("runc")
def spare_stopped(oci):
    """One that does not answer holds no container up for ever."""
    stopped = await_spare(oci)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        oci.bundle("c", "cat /etc/hello", env=[OUT])
        start = time.monotonic()
        equal(oci.run("c"), (0, "hello:x:0:0:::\n", ""), "the container")
        print(f"    with a stopped spare: {time.monotonic() - start:.1f} s")
        oci.recording().complete()
    finally:
        live.end(stopped)


@with_runtime("runc")
def no_spare(oci):
    """keep-ready: 0."""
    live.end(spares())
    live.wait_until(lambda: not spares(), site.PATIENCE, "the spares' end")
    oci.configure(keep_ready=0)
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    equal(oci.run("c")[0], 0, "status")
    oci.recording().complete()
    live.wait_until(lambda: not spares(), site.PATIENCE, "no spare")


if __name__ == "__main__":
    site.main()
