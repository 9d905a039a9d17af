#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci over runc and crun: containers are recorded, and otherwise as the real runtime makes them.

Needs root, eBPF and busybox. The cases of recordings themselves are here; what goes wrong is in
test_oci_failure.py, and engines are in test_oci_docker.py and test_oci_podman.py.
"""
import csv
import ctypes
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import live  # noqa: E402
from live import check, equal  # noqa: E402
import oci_site as site  # noqa: E402
from oci_site import Oci, engines  # noqa: E402

OUT = "WHITTLE_OUT=rec.jsonl"


def each_runtime(function):
    """A case for each real runtime, which gets an Oci."""
    def case_of(runtime):
        def wrapped(folder):
            function(Oci(folder, runtime))
        wrapped.__name__ = f"{runtime} {function.__name__}"
        live.case(wrapped)
    for runtime in site.runtimes():
        case_of(runtime)
    return function


# ---- recordings ------------------------------------------------------------------------------------

@each_runtime
def run(oci):
    oci.bundle("c", "cat /etc/hello; cat /etc/missing; exit 7", env=[OUT, "WHITTLE_LABEL=mine"])
    status, out, err = oci.run("c")
    equal((status, out), (7, "hello:x:0:0:::\n"), f"status and output: {err}")
    check("No such file" in err, f"cat's message: {err}")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    result.one("file", name="/etc/missing", results=["ENOENT"], phase="run")
    [run_] = result.document["runs"]
    equal((run_["container"], run_["runtime"], run_["label"], run_["command"][0], run_["no_new_privs"]),
          ("c", oci.name, "mine", "/bin/sh", False), "the run's header")
    equal({label for fact in result.facts("syscall") for label in fact["labels"]}, {"mine"}, "labels")


@each_runtime
def create_start_delete(oci):
    oci.bundle("c", f"cat /etc/hello; touch /tmp/here; {site.WAIT}; cat /etc/added", env=[OUT])
    folder = os.path.join(oci.folder, "c")
    oci.do("create", "--bundle", folder, "--pid-file", f"{oci.folder}/pid", "c")
    equal(oci.status("c")["status"], "created", "status")
    equal(str(oci.status("c")["pid"]), site.read(f"{oci.folder}/pid"), "the pid file")
    oci.do("start", "c")
    oci.await_status("c", "running")
    live.wait_until(lambda: os.path.exists(f"{oci.rootfs('c')}/tmp/here"), site.PATIENCE, "the workload")
    oci.end("c")
    equal(oci.status("c"), None, "the container after delete")
    # delete waits: there is no need to
    check("footer" in site.last_line(f"{oci.output}/rec.jsonl"), "the recording is not finished after delete")
    result = oci.recording()
    result.complete()
    for path in ("/etc/hello", "/etc/added"):
        result.one("file", name=path, access=["read"], phase="run")
    equal(oci.recorders(), [], "recorders after delete")


@each_runtime
def kill(oci):
    """By a signal that it heeds, and by one that it cannot."""
    for number, (signal, word) in enumerate((("TERM", "trap 'cat /etc/added; exit 3' TERM"), ("KILL", "true"))):
        name = f"c{number}"
        oci.bundle(name, f"{word}; cat /etc/hello; touch /tmp/here; {site.WAIT}", env=[f"WHITTLE_OUT={name}.jsonl"])
        oci.begin(name)
        oci.do("kill", name, signal)
        oci.await_status(name, "stopped")
        oci.do("delete", name)
        result = oci.recording(f"{name}.jsonl")
        result.complete()
        result.one("file", name="/etc/hello", phase="run")
        equal(bool(result.facts("file", name="/etc/added")), signal == "TERM", f"the trap of {signal} in the recording")


@each_runtime
def exec_(oci):
    """What is added is in phase exec; with --process, too, and without WHITTLE_…"""
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}; cat /etc/hello", env=[OUT])
    oci.begin("c")
    try:
        out = oci.do("exec", "c", "/bin/sh", "-c", "cat /etc/added; env")
        check(out.startswith("added:") and "WHITTLE" not in out, out)
        equal(oci.call("exec", "c", "/bin/sh", "-c", "exit 9")[0], 9, "status of exec")
        process = dict(oci.config("c")["process"], args=["/bin/sh", "-c", "env; cat /etc/passwd"],
                       env=["PATH=/bin", "KEPT=1", "WHITTLE_LABEL=x", "WHITTLE_OUT=y"])
        path = os.path.join(oci.folder, "process.json")
        site.write(path, json.dumps(process))
        out = oci.do("exec", "--process", path, "c")
        check("KEPT=1" in out and "WHITTLE" not in out, f"environment of exec --process: {out}")
    finally:
        oci.end("c")
    result = oci.recording()
    result.complete()
    for path, phase in (("/etc/added", "exec"), ("/etc/passwd", "exec"), ("/etc/hello", "run")):
        result.one("file", name=path, access=["read"], phase=phase)
    result.none("file", name="/etc/added", phase="run")
    equal(oci.recordings(), ["rec.jsonl"], "recordings")


@each_runtime
def exec_piped(oci):
    """What --process names need not be a file: it is read once, as the runtime would."""
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}", env=[OUT])
    oci.begin("c")
    text = json.dumps(dict(oci.config("c")["process"], args=["/bin/sh", "-c", "cat /etc/added; env; ls -l /proc/self/fd"],
                           env=["PATH=/bin", "KEPT=1", "WHITTLE_LABEL=x"]))
    try:
        for words in (["--process", "{}"], ["--process={}"], ["-p", "{}"]):
            reading, writing = os.pipe()
            os.write(writing, text.encode())
            os.close(writing)
            words = [word.format(f"/dev/fd/{reading}") for word in words]
            out = oci.do("exec", *words, "c", pass_fds=[reading])
            os.close(reading)
            check(out.startswith("added:") and "KEPT=1" in out, f"exec {words}: {out}")
            check("WHITTLE" not in out and "memfd" not in out, f"what is whittle's, in exec {words}: {out}")
        status, _, err = oci.call("exec", "--process", oci.folder + "/missing", "c")
        check(status != 0 and "missing" in err, f"exec of a file that is not there: {status} {err}")
        status, _, err = oci.call("exec", "--process", oci.folder, "c")
        check(status != 0 and "cannot hand" not in err, f"exec of a folder: {status} {err}")
    finally:
        oci.end("c")
    oci.recording().one("file", name="/etc/added", access=["read"], phase="exec")


@each_runtime
def exec_detached(oci):
    """Several at once, in the background."""
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}", env=[OUT])
    oci.begin("c")
    for number in range(4):
        oci.do("exec", "--detach", "c", "/bin/sh", "-c", f"cat /etc/added; touch /tmp/done{number}")
    live.wait_until(lambda: all(os.path.exists(f"{oci.rootfs('c')}/tmp/done{n}") for n in range(4)), site.PATIENCE, "all")
    oci.end("c")
    result = oci.recording()
    result.complete()
    equal(result.one("file", name="/etc/added", access=["read"], phase="exec")["count"], 4, "times")


@each_runtime
def exec_of_what_is_not_there(oci):
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}", env=[OUT])
    oci.begin("c")
    ours = oci.call("exec", "c", "/bin/missing")
    real = oci.call("exec", "c", "/bin/missing", program=oci.real)
    equal(untimed(ours), untimed(real), "exec of a missing program")
    check(ours[0] != 0, "it succeeded")
    oci.end("c")
    oci.recording().complete()


# ---- the runtime's start-up ------------------------------------------------------------------------

def start_set(runtime, version, nnp, phase="start"):
    """{call: need} of the measured tables."""
    path = os.path.join(live.SOURCE, "profiles", "runtimes", "runtimes.csv")
    with open(path, encoding="ascii") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["syscall"]: row["need"] for row in rows
                if (row["runtime"], row["version"], row["no_new_privs"], row["phase"]) == (runtime, version, nnp, phase)}


# Whatever a container is like, these come after the filter.
ALWAYS = {("runc", "no"): {"capset", "prctl", "setuid", "setgid", "close"}, ("crun", "no"): {"capset", "prctl", "setresuid"}}


def runtime_version(oci):
    out = oci.call("--version", program=oci.real)[1]
    return re.match(r"\S+ version (\d[\d.]*\d)", out)[1]


@each_runtime
def start_up(oci):
    """runtime-init has what the tables say comes after the filter, and nothing of what comes before."""
    for nnp in ("no", "yes"):
        table = start_set(oci.name, runtime_version(oci), nnp)
        if not table:
            raise live.Skip(f"no table of {oci.name} {runtime_version(oci)}")
        oci.bundle(nnp, "true", env=[f"WHITTLE_OUT={nnp}.jsonl"], process={"noNewPrivileges": nnp == "yes"})
        equal(oci.run(nnp)[0], 0, "status")
        result = oci.recording(f"{nnp}.jsonl")
        result.complete()
        equal(result.document["runs"][0]["no_new_privs"], nnp == "yes", "no_new_privs")
        calls = site.phases(result)
        equal(set(calls), {"run"} | ({"runtime-init"} if "runtime-init" in calls or nnp == "no" else set()), "phases")
        began = calls.get("runtime-init", set())
        check(began <= set(table), f"no_new_privs {nnp}: not measured as start-up: {sorted(began - set(table))}")
        wanted = ALWAYS.get((oci.name, nnp), set())
        check(wanted <= began, f"no_new_privs {nnp}: {sorted(wanted - began)} lack in runtime-init {sorted(began)}")
        # the workload's exec is the workload's
        check("execve" in calls["run"], f"the workload's execve: {calls}")
        for early in ("mount", "pivot_root", "unshare", "sethostname", "clone", "mknodat", "umount2"):
            check(early not in began, f"{early} was made before the filter")


@each_runtime
def unfiltered(oci):
    """Without seccomp in config.json the profile to be would bite from the workload's exec on."""
    oci.bundle("c", "cat /etc/hello", env=[OUT], linux={"seccomp": None})
    equal(oci.run("c")[0], 0, "status")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    for early in ("pivot_root", "mount", "unshare", "capset"):
        result.none("syscall", name=early)


@each_runtime
def programs_are_the_container_s(oci):
    """/bin/sh is a link, in the container to another place than outside."""
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    equal(oci.run("c")[0], 0, "status")
    result = oci.recording()
    equal({fact["name"] for fact in result.facts("exec")}, {"/bin/busybox"}, "programs")
    equal({fact["loaded_as"] for fact in result.facts("exec")}, {"program"}, "loaded as")


@each_runtime
def denied_by_its_own_profile(oci):
    """What the profile in force answers with EPERM was wanted, and is there as EPERM."""
    denying = dict(site.SECCOMP, syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
                                           {"names": ["readlink"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}])
    oci.bundle("c", "mkdir /tmp/made || cat /etc/hello", env=[OUT], linux={"seccomp": denying})
    _, out, err = oci.run("c")
    check(out.startswith("hello"), f"mkdir was not denied: {out}{err}")
    result = oci.recording()
    result.complete()
    made = result.facts("syscall", name=lambda name: name in ("mkdir", "mkdirat"), phase="run")
    equal([fact["results"] for fact in made], [["EPERM"]], "results of mkdir")
    check(result.facts("syscall", name="readlink", results=["ENOSYS"]), "readlink with ENOSYS lacks")


# ---- what is told, and where ------------------------------------------------------------------------

@each_runtime
def wishes(oci):
    """By annotations, which go before variables; the workload sees no such variable."""
    oci.bundle("a", "env", env=["WHITTLE_OUT=v.jsonl", "WHITTLE_LABEL=v", "WHITTLE_ANYTHING=1", "KEPT=WHITTLE"],
               annotations={"org.whittle.out": "team/a.jsonl", "org.whittle.label": "a"})
    out = oci.run("a")[1]
    check("KEPT=WHITTLE" in out and "WHITTLE_" not in out, f"the workload's environment: {out}")
    result = oci.recording("team/a.jsonl")
    equal(result.document["runs"][0]["label"], "a", "label")
    oci.configure(label="all")
    oci.bundle("b", "env")
    oci.run("b")
    live.wait_until(lambda: len(oci.recordings()) > 1, site.PATIENCE, "the second recording")
    [name] = [name for name in oci.recordings() if not name.startswith("team/")]
    check(re.fullmatch(r"(.*-)?b-\d{8}T\d{6}Z\.jsonl", name), f"the name of a recording: {name}")
    equal(oci.recording(name).document["runs"][0]["label"], "all", "label")
    oci.bundle("n", "env", env=["WHITTLE_RECORD=no", "WHITTLE_OUT=n.jsonl"])
    status, out, _ = oci.run("n")
    check(status == 0 and "WHITTLE" not in out, f"the environment where nothing is recorded: {out}")
    equal(oci.recordings(), sorted((name, "team/a.jsonl")), "recordings")


@each_runtime
def nothing_outside_the_folder(oci):
    """What an image may ask for does not lead out of the folder; the container runs."""
    outside = os.path.join(oci.folder, "outside")
    os.mkdir(outside)
    os.symlink(outside, f"{oci.output}/link")
    os.symlink(f"{outside}/file", f"{oci.output}/link.jsonl")
    for number, wish in enumerate(("../x.jsonl", "a/../../x.jsonl", f"{outside}/x.jsonl", "/etc/whittle-was-here",
                                   "link/x.jsonl", "a//b", "./a")):
        name = f"c{number}"
        oci.bundle(name, "echo ran", env=[f"WHITTLE_OUT={wish}"])
        status, out, err = oci.run(name)
        equal((status, out), (0, "ran\n"), f"with {wish}: {err}")
        check("runs unrecorded" in err and "level=warning" in err, f"{wish} without a warning: {err}")
    oci.bundle("l", "echo ran", env=["WHITTLE_OUT=link.jsonl"])
    equal(oci.run("l")[:2], (0, "ran\n"), "with a link in its place")
    oci.recording("link-2.jsonl").complete()
    equal(os.listdir(outside), [], "files outside")
    check(not os.path.exists("/etc/whittle-was-here"), "a file in /etc")
    check(not os.path.exists(f"{oci.folder}/x.jsonl"), "a file above")
    equal(sorted(os.listdir(oci.output)), ["link", "link-2.jsonl", "link.jsonl"], "files inside")


@each_runtime
def nothing_is_replaced(oci):
    """The same container twice, with the same wish."""
    for number in (1, 2):
        oci.bundle("c", f"cat /etc/{('hello', 'added')[number - 1]}", env=[OUT])
        equal(oci.run("c")[0], 0, "status")
        oci.recording("rec.jsonl" if number == 1 else "rec-2.jsonl").complete()
        subprocess.run(["rm", "-r", os.path.join(oci.folder, "c")], check=True)
    oci.recording("rec.jsonl").one("file", name="/etc/hello")
    oci.recording("rec-2.jsonl").one("file", name="/etc/added")
    oci.recording("rec-2.jsonl").none("file", name="/etc/hello")


@each_runtime
def two_at_once(oci):
    """Each recording has its own container, and not the other."""
    for name, path in (("a", "hello"), ("b", "added")):
        oci.bundle(name, f"touch /tmp/here; {site.WAIT}; cat /etc/{path}", env=[f"WHITTLE_OUT={name}.jsonl"])
        oci.begin(name)
    oci.do("exec", "a", "/bin/cat", "/etc/passwd")
    oci.do("exec", "b", "/bin/cat", "/etc/group")
    for name in "ab":
        oci.end(name)
    for name, own in (("a", {"/etc/hello", "/etc/passwd"}), ("b", {"/etc/added", "/etc/group"})):
        result = oci.recording(f"{name}.jsonl")
        result.complete()
        # runc itself looks for users in there
        found = {f["name"] for f in result.facts("file", phase=lambda p: p != "runtime-init") if f["name"].startswith("/etc/")}
        equal(found, own, f"files of {name}")


@each_runtime
def the_same_id_again(oci):
    for number in (1, 2, 3):
        oci.bundle("c", f"touch /tmp/here; {site.WAIT}", env=[f"WHITTLE_OUT={number}.jsonl"])
        oci.begin("c")
        oci.do("exec", "c", "/bin/cat", "/etc/added")
        oci.end("c")
        result = oci.recording(f"{number}.jsonl")
        result.complete()
        result.one("file", name="/etc/added", phase="exec")
        subprocess.run(["rm", "-r", os.path.join(oci.folder, "c")], check=True)
    equal([name for name in os.listdir("/run/whittle") if not name.startswith("spare")], [], "sockets left")


@each_runtime
def permissive(oci):
    """The profile refuses what the workload needs: learning with it lifted shows what that is, and puts it back."""
    refused = {"chmod", "fchmodat", "mkdir", "mkdirat"}
    with open(os.path.join(live.SOURCE, "profiles", "tables", "syscalls.csv"), encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        allowed = [row["name"] for row in rows if row["x86_64"] and row["name"] not in refused]
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": allowed, "action": "SCMP_ACT_ALLOW"}]}
    oci.bundle("c", f"mkdir /tmp/made; touch /tmp/here; {site.WAIT}", env=[OUT], linux={"seccomp": profile})
    before = oci.config("c")["linux"]
    oci.configure(permissive="true", on_failure="refuse")
    oci.begin("c")
    check(os.path.isdir(f"{oci.rootfs('c')}/tmp/made"), "mkdir was refused all the same")
    equal(oci.do("exec", "c", "/bin/mkdir", "/tmp/more"), "", "mkdir by exec")
    oci.end("c")
    result = oci.recording()
    result.complete()
    result.one("file", name="/tmp/made", access=["create"], phase="run", results=["ok"])
    [run_] = result.document["runs"]
    equal(set(run_["profile_denies"].split()), refused, "what the profile refuses")
    live.wait_until(lambda: oci.config("c")["linux"] == before, site.PATIENCE, "the profile in config.json as it was")
    profile_ = os.path.join(oci.folder, "profile")
    done = subprocess.run([live.WHITTLE, "generate", f"{oci.output}/rec.jsonl", "-q", "-o", profile_], check=True, text=True,
                          stderr=subprocess.PIPE)
    check("was lifted" in done.stderr and "mkdir" in done.stderr and "chmod" not in done.stderr, done.stderr)
    # and without, it is in force, and in the recording
    oci.configure()
    oci.let_go("c")
    os.rmdir(f"{oci.rootfs('c')}/tmp/made")
    status, out, err = oci.run("c")
    check("not permitted" in err, f"{status} {out} {err}")
    again = oci.recording("rec-2.jsonl") if "rec-2.jsonl" in oci.recordings() else None
    check(again is None or "profile_denies" not in again.document["runs"][0], "in force, and said to be lifted")


# ---- without eBPF ------------------------------------------------------------------------------------

def by_listener(oci):
    oci.configure(backend="listener", on_failure="refuse")


@each_runtime
def listener(oci):
    """Start-up, workload, and what is added: each in its phase; and nothing of it is left in config.json."""
    by_listener(oci)
    oci.bundle("c", f"cat /etc/hello; touch /tmp/here; {site.WAIT}; cat /etc/missing; exit 7", env=[OUT])
    before = oci.config("c")["linux"]
    oci.begin("c")
    out = oci.do("exec", "c", "/bin/sh", "-c", "cat /etc/added; echo done")
    check(out.startswith("added:") and out.endswith("done\n"), out)
    equal(oci.call("exec", "c", "/bin/sh", "-c", "exit 9")[0], 9, "status of exec")
    oci.end("c")
    check("footer" in site.last_line(f"{oci.output}/rec.jsonl"), "the recording is not finished after delete")
    result = oci.recording()
    result.complete()
    [run_] = result.document["runs"]
    equal((run_["backend"], run_["features"], run_["container"]), ("notify", "oci-listener", "c"), "the header")
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    result.one("file", name="/etc/added", access=["read"], phase="exec")
    result.one("file", name="/etc/missing", results=["ENOENT"], phase="run")
    equal(set(site.phases(result)), {"runtime-init", "run", "exec"}, "phases")
    for phase in ("run", "exec"):
        unnoticed = {fact["name"] for fact in result.facts("syscall", phase=phase, subject="/bin/busybox", rule="not-notified")}
        equal(unnoticed, {"futex", "nanosleep", "sched_yield", "write"}, f"what goes unnoticed in {phase}")
    live.wait_until(lambda: oci.config("c")["linux"] == before, site.PATIENCE, "the profile in config.json as it was")
    equal([name for name in os.listdir("/run/whittle") if not name.startswith("spare")], [], "sockets left")


REFUSES = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
           "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ELOOP},
                        {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": int(signal.SIGCONT), "op": "SCMP_CMP_EQ"}]}]}


@each_runtime
def listener_profiles(oci):
    """What its own profile refuses stays refused, and is recorded so; a container without any is recorded as well."""
    by_listener(oci)
    for name, linux in (("refuses", {"seccomp": REFUSES}), ("none", {"seccomp": None})):
        oci.bundle(name, "mkdir /tmp/made; for s in CONT 0; do kill -$s $$ && echo $s; done; cat /etc/hello",
                   env=[f"WHITTLE_OUT={name}.jsonl"], linux=linux)
        status, out, err = oci.run(name)
        refuses = name == "refuses"
        equal((status, out), (0, ("" if refuses else "CONT\n") + "0\nhello:x:0:0:::\n"), f"{name}: {err}")
        equal("Too many levels" in err, refuses, f"the message of mkdir: {err}")
        equal(os.path.isdir(f"{oci.rootfs(name)}/tmp/made"), not refuses, f"the folder of {name}")
        result = oci.recording(f"{name}.jsonl")
        result.complete()
        result.one("file", name="/etc/hello", phase="run")
        if refuses:
            result.one("syscall", name="mkdir", phase="run", results=["ELOOP"])
            result.one("file", name="/tmp/made", phase="run", results=["ELOOP"])
            equal({r for f in result.facts("syscall", name="kill", phase="run") for r in f["results"]} >= {"EPERM"}, True, "kill()")
            result.none("signal", signal="SIGCONT", results=["ok"])


@each_runtime
def listener_recorder_killed(oci):
    """Nothing of it ends the container, nor keeps others from coming into it, nor lets run what the profile refuses."""
    by_listener(oci)
    oci.bundle("c", f"touch /tmp/here; {site.WAIT}; mkdir /tmp/made 2>/tmp/err; cat /etc/hello >/tmp/out", env=[OUT],
               linux={"seccomp": REFUSES})
    oci.begin("c")
    [recorder] = [pid for pid in oci.recorders() if "whittle-rec" in site.read(f"/proc/{pid}/comm")]
    os.kill(recorder, signal.SIGKILL)
    live.wait_until(lambda: recorder not in oci.recorders(), site.PATIENCE, "the recorder's end")
    check(oci.do("exec", "c", "/bin/cat", "/etc/added").startswith("added:"), "exec")
    status, out, err = oci.call("exec", "c", "/bin/mkdir", "/tmp/added")
    check(status == 1 and "Too many levels" in out + err, f"exec mkdir: {status} {out}{err}")
    oci.let_go("c")
    oci.await_status("c", "stopped")
    check("Too many levels" in site.read(f"{oci.rootfs('c')}/tmp/err"), "what mkdir said")
    equal(site.read(f"{oci.rootfs('c')}/tmp/out"), "hello:x:0:0:::\n", "what the container did")
    oci.do("delete", "c")
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "the end of whittle")


@each_runtime
def listener_kills(oci):
    """A signal to another user's process needs a capability, whichever numbers processes have in the container."""
    by_listener(oci)
    oci.bundle("c", "touch /tmp/here; until pid=$(busybox pidof tail); do sleep 0.05; done; kill $pid", env=[OUT])
    os.symlink("busybox", f"{oci.rootfs('c')}/bin/tail")
    oci.begin("c")
    oci.do("exec", "--detach", "--user", "7", "c", "/bin/tail", "-f", "/etc/hello")
    oci.await_status("c", "stopped")
    oci.do("delete", "c")
    oci.recording().one("capability", name="CAP_KILL", phase="run", syscall="kill")


PIPES = """i=0
while [ $i -lt 60 ]; do
    i=$((i + 1))
    [ "$( (echo x | cat | cat) & (echo y | cat); wait)" ] || echo failed
done
echo over"""


@each_runtime
def listener_interrupted(oci):
    """A shell whose children end while it makes other calls: none of those fails because of that."""
    by_listener(oci)
    oci.bundle("c", PIPES, env=[OUT])
    status, out, err = oci.run("c")
    equal((status, out, err), (0, "over\n", ""), "the shell")
    oci.recording().complete()


TGKILL = 234 if os.uname().machine == "x86_64" else 131
LIBC = ctypes.CDLL(None)


def descendants(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in map(int, site.read(f"/proc/{pid}/task/{task}/children").split()):
            yield child
            yield from descendants(child)


@each_runtime
def listener_signalled_runtime(oci):
    """A runtime that gets signals before it has handed its listener over, as Go's own, comes to its end."""
    by_listener(oci)
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    for _ in range(4):
        process = oci.start("run", "--bundle", os.path.join(oci.folder, "c"), "c")
        end = time.monotonic() + site.PATIENCE
        while process.poll() is None and time.monotonic() < end:
            try:
                for pid in descendants(process.pid):
                    for thread in os.listdir(f"/proc/{pid}/task"):  # that which has the filter among them
                        LIBC.syscall(TGKILL, pid, int(thread), signal.SIGURG)
            except OSError:
                pass  # some process has ended
        equal((site.ended(process), *process.texts()), (0, "hello:x:0:0:::\n", ""), "the container")
        oci.delete("c")


# No eBPF can be loaded where the kernel's types are not to be had, and no recorder that has loaded it already.
BLIND = """#!/bin/sh
exec unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && mkdir -p /run/whittle && mount -t tmpfs -o mode=700 none /run/whittle && exec "$@"' sh "$WHITTLE_OCI" "$@"
"""


@each_runtime
def listener_instead(oci):
    """Where eBPF does not work, the listener is taken, and the log says so; if eBPF is asked for, it is refused."""
    program = os.path.join(oci.folder, "blind")
    with open(program, "w", encoding="ascii") as file:
        file.write(BLIND)
    os.chmod(program, 0o755)
    options = {"program": program, "environment": {"WHITTLE_OCI": site.WHITTLE_OCI}}
    oci.configure(on_failure="refuse")
    oci.bundle("c", "cat /etc/hello", env=[OUT])
    log = os.path.join(oci.folder, "log")
    status, out, err = oci.call("--log", log, "run", "--bundle", os.path.join(oci.folder, "c"), "c", **options)
    equal((status, out), (0, "hello:x:0:0:::\n"), err)
    check("without eBPF" in site.read(log), f"log: {site.read(log)!r}, {err!r}")
    live.wait_until(lambda: "footer" in site.last_line(f"{oci.output}/rec.jsonl"), site.PATIENCE, "the end of the recording")
    result = oci.recording()
    equal(result.document["runs"][0]["features"], "oci-listener", "how it was recorded")
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    oci.configure(on_failure="refuse", backend="bpf")
    status, out, err = oci.run("c", **options)
    check(status != 0 and out == "", f"it ran: {status} {out!r} {err!r}")


@each_runtime
def listener_unused(oci):
    """A runtime that fails before: there is nothing to record, and nobody stays."""
    by_listener(oci)
    oci.bundle("c", "true", env=[OUT], root={"path": "missing"})
    check(oci.run("c")[0] != 0, "it succeeded")
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "the end of whittle")


# ---- everything else is the runtime's ----------------------------------------------------------------

def untimed(texts):
    status, out, err = texts
    return status, out, re.sub(r'time="[^"]*"|\d{4}-\d\d-\d\dT[\d:.]*Z', "TIME", err)


SAME = (("--version",), ("--help",), ("features",), ("list",), ("list", "--format", "json"), ("state", "nobody"), ("kill", "nobody"),
        ("start", "nobody"), ("delete", "nobody"), ("exec", "nobody", "true"), ("ps", "nobody"), ("pause", "nobody"),
        ("--nonsense",), ("nonsense",), (), ("run",), ("create", "--nonsense", "x"), ("run", "--help"),
        ("run", "--bundle", "/nowhere", "x"), ("create", "--bundle", "/nowhere", "x"), ("spec", "--help"), ("exec", "--help"))


@each_runtime
def passes_through(oci):
    """The same status, output and errors as the real runtime's."""
    oci.configure(on_failure="refuse")
    for words in SAME:
        real = untimed(oci.call(*words, program=oci.real))
        equal(untimed(oci.call(*words)), real, f"{oci.name} {' '.join(words)}")
    equal(oci.recordings(), [], "recordings of nothing")


@each_runtime
def introduces_itself(oci):
    """On a terminal, standard error says whose help that is."""
    ours, theirs = os.openpty()
    env = dict(os.environ, WHITTLE_OCI_CONFIG=oci.configuration)
    done = subprocess.run([site.WHITTLE_OCI, "--help"], stdout=subprocess.PIPE, stderr=theirs, env=env, check=True)
    os.close(theirs)
    line = os.read(ours, 4096).decode().splitlines()[0]
    os.close(ours)
    check(line.startswith("whittle-oci ") and oci.real in line, f"who is asked for help: {line}")
    check(b"COMMAND" in done.stdout, f"the help: {done.stdout}")


@each_runtime
def fails_alike(oci):
    """A container that cannot be: the runtime's own message, status, and last word in the log; no recording is left open."""
    rows = {"no-program": {"args": ["/bin/missing"]}, "no-root": {"root": {"path": "missing"}},
            "bad-mount": {"mounts": [{"destination": "/x", "type": "nonsense", "source": "none"}]}}
    for form, (name, change) in zip(("text", "json", "text"), rows.items()):
        oci.bundle(name, "true", env=[f"WHITTLE_OUT={name}.jsonl"], **change)
        texts = []
        for program in (None, oci.real):
            log = os.path.join(oci.folder, f"{name}-{'real' if program else 'ours'}.log")
            words = ["--log", log, "--log-format", form, "run", "--bundle", os.path.join(oci.folder, name), name]
            status, out, err = oci.call(*words, program=program)
            lines = [line for line in site.read(log).splitlines() if "whittle-oci" not in line]
            texts.append([untimed((status, out, text)) for text in (err, *lines)])
            oci.delete(name)
        equal(texts[0], texts[1], f"{name}: status, output, errors and log as {form}")
        check(texts[0][0][0] != 0, f"{name}: it succeeded")
    live.wait_until(lambda: not oci.recorders(), site.PATIENCE, "recorders to end")


@each_runtime
def other_commands(oci):
    """ps, pause, resume, update, events: of a container that is recorded, as of one that is not."""
    oci.bundle("c", "touch /tmp/here; read word </tmp/pipe; cat /etc/hello", env=[OUT])
    pipe = f"{oci.rootfs('c')}/tmp/pipe"
    os.mkfifo(pipe)
    oci.begin("c", "--no-pivot")
    for words in (("ps", "--format", "json", "c"), ("list", "--quiet"), ("update", "--memory", "500000000", "c")):
        equal(untimed(oci.call(*words)), untimed(oci.call(*words, program=oci.real)), f"{oci.name} {' '.join(words)}")
    oci.do("pause", "c")
    equal(oci.status("c")["status"], "paused", "status after pause")
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"go\n")
    oci.do("resume", "c")
    oci.end("c")
    os.close(writer)
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")


@each_runtime
def user_namespace(oci):
    """Root in there is nobody outside: the container is recorded with its own names of files."""
    linux = {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount", "uts", "user")],
             "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
             "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}
    oci.bundle("c", "cat /etc/hello; id -u; chown 7 /tmp/mine; cat /proc/self/uid_map", env=[OUT], linux=linux)
    for base, folders, files in os.walk(oci.rootfs("c")):
        for name in (".", *folders, *files):
            os.chown(os.path.join(base, name), 100000, 100000, follow_symlinks=False)
    site.write(f"{oci.rootfs('c')}/tmp/mine", "")
    os.chown(f"{oci.rootfs('c')}/tmp/mine", 100000, 100000)
    real = oci.run("c", program=oci.real)
    if real[0] != 0:
        raise live.Skip(f"{oci.name} itself cannot: {real[2].strip()[-200:]}")
    oci.delete("c")
    os.chown(f"{oci.rootfs('c')}/tmp/mine", 100000, 100000)
    equal(oci.run("c"), real, "what it did unrecorded")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run", owner=True)
    result.one("syscall", name=lambda name: "chown" in name, phase="run")
    for early in ("pivot_root", "unshare"):
        result.none("syscall", name=early)


# ---- what becomes of recordings ------------------------------------------------------------------------

WORK = ("mkdir /tmp/made && chown 7:7 /tmp/made && (cd /tmp/made && echo text >file && cat file) && cat /proc/self/status; "
        f"touch /tmp/here; {site.WAIT}; cat /etc/hello; exit 4")
ADDED = ("exec", "c", "/bin/sh", "-c", "cat /etc/added; id -u")


def work_under(oci, real, nnp, name, profile):
    """Starts, adds to and ends the container with the runtime REAL as it is; gives its output."""
    seccomp, capabilities = profile
    oci.bundle(name, WORK, process={"noNewPrivileges": nnp, "capabilities": capabilities}, linux={"seccomp": seccomp})
    process = oci.start("run", "--bundle", os.path.join(oci.folder, name), name, program=real)
    try:
        live.wait_until(lambda: process.poll() is not None or os.path.exists(f"{oci.rootfs(name)}/tmp/here"), site.PATIENCE, "the work")
        words = [name if word == "c" else word for word in ADDED]
        equal(oci.call(*words, program=real), (0, "added:x:0:0:::\n0\n", ""), f"exec; {process.texts()}")
        oci.let_go(name)
        equal(site.ended(process), 4, f"status: {process.texts()}")
    finally:
        oci.delete(name)
    return process.texts()[0]


@each_runtime
def generated_profile(oci):
    """One profile, from a recording under this runtime, serves both, with no_new_privs and without, and is in force."""
    oci.bundle("c", WORK, env=[OUT])
    process = oci.start("run", "--bundle", os.path.join(oci.folder, "c"), "c")
    live.wait_until(lambda: os.path.exists(f"{oci.rootfs('c')}/tmp/here"), site.PATIENCE, "the container")
    equal(oci.do(*ADDED), "added:x:0:0:::\n0\n", "exec")
    oci.let_go("c")
    equal(site.ended(process), 4, f"status: {process.texts()}")
    result = oci.recording()
    result.complete()
    profile = site.profile_of(result.recording, f"{oci.folder}/generated")
    allowed = {name for rule in profile[0]["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
    check(not {"mknod", "mknodat", "mount", "unshare", "ptrace"} & allowed, f"allowed: {sorted(allowed)}")
    kept = profile[1]["bounding"]
    check("CAP_CHOWN" in kept and len(kept) < len(site.KEPT), f"capabilities: {kept}")
    for runtime in site.runtimes():
        real = site.real(runtime)
        for nnp in (False, True):
            name = f"{runtime}-{nnp}"
            out = work_under(oci, real, nnp, name, profile)
            check(out.startswith("text\n") and out.endswith("hello:x:0:0:::\n"), f"{name}: output {out}")
            check(re.search(r"^Seccomp:\s2$", out, re.M), f"{name}: no filter: {out}")
            check(re.search(rf"^NoNewPrivs:\s{int(nnp)}$", out, re.M), f"{name}: NoNewPrivs: {out}")
        oci.bundle(f"{runtime}-denied", "/bin/busybox mknod /tmp/pipe p && echo made", linux={"seccomp": profile[0]})
        status, out, err = oci.run(f"{runtime}-denied", program=real)
        check(status != 0 and "not permitted" in err and "made" not in out, f"mknod, which the profile denies: {status} {out}{err}")


if __name__ == "__main__":
    site.main()
