#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Profiles of real workloads under a real AppArmor: each is recorded here and verified in the lab's machine, which has this
one's files; there it also runs in containers under what was generated. The machine reads the kernel's own audit records:
none may be DENIED but those of attacks, and each attack must be there. And verify is killed in the middle.

usage: test_lab_apparmor.py [PART]..., of: plain attacks killed runc crun dockerd; all if none is named
"""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
WHITTLE = os.environ.get("WHITTLE", "whittle")
TOOLS = ("qemu-system-x86_64", "busybox", "cpio", "flock", "setpriv", "apparmor_parser")

NGINX = """daemon off; master_process off; pid run/pid; error_log run/error.log;
events {} http { access_log run/access.log; client_body_temp_path run; proxy_temp_path run; fastcgi_temp_path run;
uwsgi_temp_path run; scgi_temp_path run; server { listen 127.0.0.1:18099; root .; } }"""
# A machine that is slower waits more often, so each waits and asks in vain once in any case.
UNTIL = 'for i in $(seq 200); do %s && break; sleep 0.1; done'
PYTHON = """
import os, socket, tempfile, threading
with tempfile.TemporaryDirectory(dir=".") as d:
    open(d + "/x", "w").write("y"); os.rename(d + "/x", d + "/z"); os.unlink(d + "/z")
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); c.close(); s.close()
t = threading.Thread(target=os.getpid); t.start(); t.join()
m = os.memfd_create("program")
os.write(m, open("/bin/true", "rb").read())
if os.fork() == 0:
    os.execve(m, ["program"], {})
assert os.wait()[1] == 0
"""

# Program that it takes, and what is run by bash in an empty folder.
WORKLOADS = {
    "files": ("bash", "echo b >a; cat a a | sort -u >c; mkdir d; mv c d/e; ln a f; ln -s a g; cp -r d h; chmod 600 a; ls -lR . >i; "
                      "find . -type f | xargs wc -c; rm -rf d h a f g i"),
    "python": ("/usr/bin/python3", f"exec /usr/bin/python3 -c '{PYTHON}'"),
    "perl": ("perl", "perl -e 'open F, \">p\"; print F join(\",\", sort { $a <=> $b } 3, 1, 2); close F; print -s \"p\"; unlink \"p\"'"),
    "sqlite": ("sqlite3", "sqlite3 x.db 'create table t(a); insert into t values(1),(2); select sum(a) from t'; rm x.db"),
    "git": ("git", "export HOME=$PWD; git init -q r; cd r; echo x >f; git add f; git -c user.name=a -c user.email=a@b commit -qm m; "
                   "git log --oneline; git gc -q; cd ..; rm -rf r"),
    "tar": ("gzip", "seq 1000 >n; tar czf n.tgz n; rm n; tar xzf n.tgz; tail -n 1 n; rm n n.tgz"),
    "openssl": ("openssl", "openssl rand -hex 8 >k; openssl dgst -sha256 k; openssl enc -aes-128-cbc -pbkdf2 -k x -in k -out e; rm k e"),
    "jq": ("jq", "echo '{\"a\": [1, 2]}' >j; jq -c '.a | map(. + 1)' j; rm j"),
    "lua": ("lua5.4", "lua5.4 -e 'local f = io.open(\"l\", \"w\"); f:write(\"x\"); f:close(); os.remove(\"l\"); print(_VERSION)'"),
    "redis": ("redis-server", "sleep 0.1; redis-cli -p 18098 ping || true; "
                              "redis-server --port 18098 --save '' --dir . --maxclients 100 --disable-thp no >log & server=$!; "
                              + UNTIL % "redis-cli -p 18098 ping 2>/dev/null | grep -q PONG"
                              + "; redis-cli -p 18098 set k v; redis-cli -p 18098 get k; kill $server; wait $server; rm log"),
    "nginx": ("nginx", f"sleep 0.1; curl -s http://127.0.0.1:18099/ || true; mkdir run; echo hello >index.html; echo '{NGINX}' >conf; "
                       "nginx -p $PWD -c $PWD/conf & server=$!; " + UNTIL % "curl -sf http://127.0.0.1:18099/"
                       + "; curl -s http://127.0.0.1:18099/no >/dev/null; kill -QUIT $server; wait $server; rm -rf run conf index.html"),
}
WORKLOADS = {name: (program, "set -e; " + command) for name, (program, command) in WORKLOADS.items()}
IN_CONTAINERS = ("files", "python", "sqlite", "git")
# On the policy of the files' workload, of which only one part is in force: what is done, what the kernel's record has, and
# what the rule has that verify proposes. NEIGHBOUR is a process outside.
ATTACKS = {
    "reads /etc/shadow": ("files", "read x </etc/shadow", 'name="/etc/shadow"', "/etc/shadow r"),
    "writes into /etc": ("files", "echo x >>/etc/whittle-lab", 'name="/etc/whittle-lab"', "/etc/whittle-lab"),
    "runs another program": ("files", "/usr/bin/id", 'name="/usr/bin/id"', "/usr/bin/id"),
    "mounts": ("mounts", "mount -t tmpfs none /mnt", 'operation="mount"', "/mnt"),
    "opens a socket": ("network", "exec 3<>/dev/udp/127.0.0.1/9", 'family="inet"', "inet"),
    "kills a neighbour": ("signals", "kill -TERM NEIGHBOUR", 'operation="signal"', "SIGTERM"),
    "looks into a neighbour": ("ptrace", "cat /proc/NEIGHBOUR/environ", 'operation="ptrace"', "read"),
}
PARTS = ("plain", "attacks", "killed")
ENFORCED = ("syscalls", "capabilities", "files", "network", "signals", "ptrace", "mounts")
CONFINED = "/sys/kernel/security/apparmor/profiles"
ROOT = "/root-of-containers"
PATIENCE = 100  # seconds
NO_LAB = 125  # the machine itself failed or lacks something, as its last line says


# ---- in the machine ------------------------------------------------------------------------------

class Audit:
    """The kernel's DENIED records, as they come."""

    def __init__(self):
        self.denied = []
        self.marks = {}
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((0, 1))  # AUDIT_NLGRP_READLOG
        self.number = 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            text = self.socket.recv(65536)[16:].decode("utf-8", "replace")
            event = text.split(" ", 1)[0]  # audit(TIME:NUMBER):
            if 'apparmor="DENIED"' in text:
                self.denied.append(text)
            elif self.denied and self.denied[-1].startswith(event):  # what call it was, and of which program
                self.denied[-1] += " " + text[len(event):]
            for mark, event in list(self.marks.items()):
                if mark in text:
                    event.set()

    def take(self):
        """Those up to now: behind them comes a record of our own."""
        self.number += 1
        mark = f"lab-mark-{self.number}-"
        self.marks[mark] = threading.Event()
        text = mark.encode() + b"\0"
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as sender:
            sender.sendto(struct.pack("=IHHII", 16 + len(text), 1107, 1, 0, 0) + text, (0, 0))  # AUDIT_USER_AVC
        if not self.marks[mark].wait(30):
            raise AssertionError("audit records do not come")
        taken, self.denied = self.denied, []
        return taken


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                          timeout=200, **options)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def verify_command(folder, command, *options):
    return [WHITTLE, "verify", "--policy", os.path.join(folder, "generated", "policy.yaml"), *options, "--", "bash", "-c", command]


def verify(folder, command, *options):
    report = "/tmp/report.json"
    if os.path.exists(report):
        os.unlink(report)
    status, out = run(*verify_command(folder, command, "--format", "json", "-o", report, *options), cwd=os.path.join(folder, "work"))
    assert os.path.exists(report), f"status {status}, no report: {out}"
    return status, read_json(report), out


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def profiles():
    with open(CONFINED, encoding="ascii") as file:
        return file.read().splitlines()


def judge_plain(audit, name, folder):
    need(WORKLOADS[name][0])
    status, report, out = verify(folder, WORKLOADS[name][1])
    denied = audit.take()
    assert status == 0 and not report["findings"] and not denied, \
        f"status {status}, {json.dumps(report['findings'])}, {denied}, {out[-600:]}"
    states = {layer["part"]: layer["state"] for layer in report["layers"]}
    assert all(states[part] == "enforced" for part in ENFORCED), f"not in force: {report['layers']}"
    assert not profiles(), f"left: {profiles()}"


def judge_attack(audit, what, folder):
    part, command, wanted, rule = ATTACKS[what]
    with subprocess.Popen(["sleep", "1000"]) as neighbour:
        command = command.replace("NEIGHBOUR", str(neighbour.pid))
        status, report, out = verify(folder, command, "--only", part)
        denied = audit.take()
        alive = neighbour.poll() is None
        neighbour.kill()
    assert alive, "the neighbour was killed"
    assert status == 1, f"status {status}: {out}"
    assert any(wanted in record for record in denied), f"{wanted} is not in {denied}"
    assert any(rule in finding["rule"] for finding in report["findings"]), f"{rule} is not in {report['findings']}"


# ---- verify is killed

def child(pid, name):
    """PID's child of that name."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for number in file.read().split():
            with open(f"/proc/{number}/comm", encoding="ascii") as comm:
                if comm.read().strip() == name:
                    return int(number)
    raise AssertionError(f"{pid} has no {name}")


def await_that(what, is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)


def confined():
    """The processes in a profile."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/attr/current", encoding="ascii") as file:
                label = file.read().strip("\0\n")
        except (OSError, ValueError):
            continue  # it has ended
        if label not in ("unconfined", ""):
            found.append((pid, label))
    return found


def judge_killed(who, folder):
    """Nothing is left of verify when a process of it is killed in the middle."""
    scratch = "/tmp/of-verify"
    os.makedirs(scratch)
    with subprocess.Popen(verify_command(folder, "echo ready; read x"), cwd=os.path.join(folder, "work"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": scratch}) as front:
        said = front.stdout.readline()
        assert said == b"ready\n", f"it said {said}"
        assert profiles() and confined() and os.listdir(scratch), f"{profiles()}, {confined()}, {os.listdir(scratch)}"
        guard = child(front.pid, "whittle-guard")
        os.kill({"front": front.pid, "guard": guard, "worker": child(guard, "whittle")}[who], signal.SIGKILL)
        front.wait(PATIENCE)
        await_that(f"end of {confined()}", lambda: not confined())
        await_that(f"removal of {profiles()}", lambda: not profiles())
        await_that(f"removal of {os.listdir(scratch)}", lambda: not os.listdir(scratch))
    assert front.returncode != 0, "it says that all is well"
    os.rmdir(scratch)


# ---- containers: of this machine's files, with the workload's folder writable

class Runtime:
    """runc or crun, with a configuration of its own."""

    def __init__(self, name):
        self.name = name
        os.makedirs(ROOT)
        subprocess.run(["mount", "--rbind", "/", ROOT], check=True)
        subprocess.run(["mount", "--make-rprivate", ROOT], check=True)

    def run(self, generated, profile, command, work):
        path = f"/tmp/bundle.{self.name}"
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        run(self.name, "spec", cwd=path)
        config = read_json(path + "/config.json")
        config["root"] = {"path": ROOT, "readonly": False}
        config["process"].update(terminal=False, cwd=work, args=["bash", "-c", command], apparmorProfile=profile)
        config["process"]["env"] = [f"{key}={value}" for key, value in os.environ.items()]
        held = read_json(generated + "/capabilities.json")["add"]
        config["process"]["capabilities"] = {kind: held for kind in ("bounding", "effective", "permitted")}
        config["linux"]["seccomp"] = read_json(generated + "/seccomp.json")
        config["linux"].pop("resources", None)
        with open(path + "/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        return run(self.name, "run", "--bundle", path, "lab")

    def end(self):
        subprocess.run(["umount", "--lazy", ROOT], check=True)
        os.rmdir(ROOT)


class Docker:
    """A daemon of our own; the image has empty folders, the files are mounted. docker.args has what was generated."""
    FOLDERS = ("usr", "etc")
    LINKS = ("bin", "sbin", "lib", "lib64")

    def __init__(self):
        os.makedirs("/tmp/docker/image")
        with open("/tmp/docker/log", "wb") as log:
            self.daemon = subprocess.Popen(  # pylint: disable=consider-using-with # see end()
                ["dockerd", "--iptables=false", "--bridge=none", "--storage-driver=vfs", "--data-root=/tmp/docker/data",
                 "--exec-root=/tmp/docker/run", "--pidfile=/tmp/docker/pid", "--host=unix:///tmp/docker/socket"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for name in self.FOLDERS:
            os.mkdir(f"/tmp/docker/image/{name}")
        for name in self.LINKS:
            if os.path.islink("/" + name):
                os.symlink(os.readlink("/" + name), f"/tmp/docker/image/{name}")
        await_that("dockerd", lambda: self.daemon.poll() is not None or self.docker("version")[0] == 0)
        with open("/tmp/docker/log", encoding="utf-8") as file:
            assert self.daemon.poll() is None, file.read()[-1500:]
        run("tar", "-C", "/tmp/docker/image", "-cf", "/tmp/docker/image.tar", ".")
        status, out = self.docker("import", "/tmp/docker/image.tar", "lab")
        assert status == 0, out

    def docker(self, *command, **options):
        return run("docker", "--host=unix:///tmp/docker/socket", *command, **options)

    def run(self, generated, _profile, command, work):
        with open(generated + "/docker.args", encoding="utf-8") as file:
            options = file.read().split()
        options += [f"--volume=/{name}:/{name}:ro" for name in self.FOLDERS]
        options += [f"--env={key}={value}" for key, value in os.environ.items()]
        return self.docker("run", "--rm", "--network=none", *options, f"--workdir={work}", "lab", "bash", "-c", command, cwd=generated)

    def end(self):
        self.daemon.terminate()
        self.daemon.wait(PATIENCE)


def judge_container(audit, runtime, name, folder):
    need(WORKLOADS[name][0])
    generated = os.path.join(folder, "generated")
    profile = os.path.join(generated, "apparmor.profile")
    status, out = run("apparmor_parser", "-r", "-K", profile)
    assert status == 0, f"apparmor_parser: {out}"
    label = "lab-" + name
    work = os.path.join(folder, "work")
    status, out = runtime.run(generated, label, WORKLOADS[name][1], work)
    denied = audit.take()
    assert status == 0 and not denied, f"status {status}, {denied}, {out[-600:]}"
    status, out = runtime.run(generated, label, "read x </etc/shadow", work)
    denied = audit.take()
    assert status != 0 and any('name="/etc/shadow"' in record and f'"{label}"' in record for record in denied), \
        f"an attack: status {status}, {denied}, {out[-600:]}"
    run("apparmor_parser", "-R", profile)


RUNTIMES = {"runc": lambda: Runtime("runc"), "crun": lambda: Runtime("crun"), "dockerd": Docker}


class Skip(Exception):
    """This machine cannot; the text says what is missing."""


class Cases:
    def __init__(self):
        self.failures = 0
        self.count = 0
        self.skipped = 0
        self.why = ""

    def skip(self, what, why):
        self.count += 1
        self.skipped += 1
        self.why = why
        print(f"skip   {what}: {why}", flush=True)

    def judge(self, what, function, *arguments):
        begin = time.monotonic()
        try:
            function(*arguments)
        except Skip as why:
            self.skip(what, str(why))
            return
        except Exception as why:  # pylint: disable=broad-except # of one case; the others are judged too
            self.failures += 1
            print(f"FAILED {what}: {type(why).__name__}: {why}", flush=True)
        else:
            print(f"ok     {what} ({time.monotonic() - begin:.1f} s)", flush=True)
        self.count += 1

    def status(self):
        """To exit with: 77, with the reason as the last line, if nothing could be done."""
        print(f"{self.count} cases, {self.failures} failures, {self.skipped} skipped")
        if self.count > self.skipped:
            return 1 if self.failures else 0
        print(self.why or "no such part")
        return 77 if self.count else 1


def need(program):
    if not shutil.which(program):
        raise Skip(f"needs {program}")


def inside(scratch, parts):
    audit = Audit()
    cases = Cases()
    folders = {name: os.path.join(scratch, name) for name in WORKLOADS}
    for name in folders if "plain" in parts else ():
        cases.judge(name, judge_plain, audit, name, folders[name])
    for what in ATTACKS if "attacks" in parts else ():
        cases.judge(what, judge_attack, audit, what, folders["files"])
    for who in ("front", "guard", "worker") if "killed" in parts else ():
        cases.judge(f"killed: {who}", judge_killed, who, folders["files"])
    for program, make in RUNTIMES.items():
        if program not in parts:
            continue
        runtime = []

        def begin():
            need(program)  # pylint: disable=cell-var-from-loop # it is called at once
            runtime.append(make())  # pylint: disable=cell-var-from-loop

        cases.judge(program, begin)
        for name in IN_CONTAINERS if runtime else ():
            cases.judge(f"{name} in {program}", judge_container, audit, runtime[0], name, folders[name])
        if runtime:
            runtime[0].end()
    return cases.status()


# ---- here ----------------------------------------------------------------------------------------

def record(name, scratch):
    program, command = WORKLOADS[name]
    if not shutil.which(program):
        return  # which is a skip in the machine
    folder = os.path.join(scratch, name)
    os.makedirs(os.path.join(folder, "work"))
    recording = os.path.join(folder, "recording.jsonl")
    subprocess.run([WHITTLE, "record", "--backend", "notify", "-o", recording, "--", "bash", "-c", command], check=True,
                   cwd=os.path.join(folder, "work"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120)
    subprocess.run([WHITTLE, "generate", "--quiet", recording, "--name", "lab-" + name, "-o", os.path.join(folder, "generated")],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(os.path.join(folder, "work"))
    os.mkdir(os.path.join(folder, "work"))


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if sys.argv[1:2] == ["inside"]:
        return inside(sys.argv[2], sys.argv[3:])
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print("the lab needs " + ", ".join(missing or ["root: its machine sees this one's files"]))
        return 77
    parts = sys.argv[1:] or [*PARTS, *RUNTIMES]
    absent = [program for program in parts if program in RUNTIMES and not shutil.which(program)]
    if absent and len(absent) == len(parts):
        print("needs " + ", ".join(absent))
        return 77
    # The same here and there: bash looks for what is missing.
    same = {"LC_ALL": "C.UTF-8", "HOME": "/root", "SHELL": "/bin/bash", "USER": "root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    os.environ.clear()
    os.environ.update(same)
    with tempfile.TemporaryDirectory(prefix="whittle-lab-", dir="/var/tmp") as scratch:
        for name in WORKLOADS if "plain" in parts else IN_CONTAINERS:
            record(name, scratch)
        variables = [f"{key}={value}" for key, value in {**same, "WHITTLE": WHITTLE}.items()]
        machine = os.path.join(SOURCE, "script", "lib", "lab-machine")
        status = subprocess.run([machine, "--host", "--", "env", "-i", *variables, "/usr/bin/python3", os.path.realpath(__file__),
                                 "inside", scratch, *parts], stderr=subprocess.STDOUT, check=False).returncode
        return 77 if status == NO_LAB else status


if __name__ == "__main__":
    sys.exit(main())
