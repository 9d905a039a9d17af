#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the oracle's programs, generates their profiles and runs them again in containers.

    replay.py [--backend notify|ptrace|bpf] [--runtime runc|crun] [--no-new-privileges] [--fast] [NAME…]
    replay.py [--backend …] … -- CMD…

Each program runs natively, recorded and then in a container of each runtime under nothing but its own
seccomp.json and capabilities.json, twice:

  enforced  as generated;
  strict    what the profile does not name kills the process, so that no denial can be shrugged off
            by the program or the runtime. Calls answered ENOSYS on purpose stay so.

Exit status, output and the files left behind have to be the same every time, and the kernel must
have reported no call that the profile does not name. Without --backend the programs alternate.
Exit status: 0 all well, 1 not so, 77 this machine cannot.
"""

import argparse
import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs
from behaviour import skeleton
from compare import SOURCE, Case, Runner, environment
from run import reason_to_skip, working_backends

RUN_IN_RUNC = os.path.join(SOURCE, "tests", "live", "run-in-runc")
BACKENDS = ("notify", "ptrace", "bpf")
RUNTIMES = ("runc", "crun")
# Of the host, read-only: what package tools and rustup's compilers look at. The system's folders are there anyway.
ALSO = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/cache/man", "/var/lib/nginx", "/var/lib/exim4", "/var/spool/exim4", "/var/log", os.path.dirname(programs.RUST))
RECORDINGS = 3
LOG, KILL = 0x7FFC0000, 0x80000000


def new_audit_session():
    """Makes this process and those to come a session of their own; its number."""
    with open("/proc/self/loginuid", "w", encoding="ascii") as file:
        file.write("0")
    with open("/proc/self/sessionid", encoding="ascii") as file:
        return file.read().strip()


class AuditReader:
    """What seccomp reports to the kernel's audit, which comes whole here (the kernel log drops most of a burst).

    Other tests may run at the same time: what is ours has our audit session.
    """

    REPORT = re.compile(r'ses=(\d+) .*comm=(\S+) .*arch=(\w+) syscall=(\d+) .*code=(0x\w+)')
    NETLINK_AUDIT, SOL_NETLINK, ADD_MEMBERSHIP, READ_LOG, RECEIVE_BUFFER_FORCE, SECCOMP_RECORD = 9, 270, 1, 1, 33, 1326

    def __init__(self):
        try:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, self.NETLINK_AUDIT)
            self.socket.bind((0, 0))
            self.socket.setsockopt(self.SOL_NETLINK, self.ADD_MEMBERSHIP, self.READ_LOG)
            self.socket.setsockopt(socket.SOL_SOCKET, self.RECEIVE_BUFFER_FORCE, 64 << 20)
            self.socket.setblocking(False)
            self.session = new_audit_session()
        except OSError:
            self.socket = None

    def __bool__(self):
        return self.socket is not None

    def close(self):
        if self.socket:
            self.socket.close()

    def reports(self, codes):
        """Those since the last look: [(program, architecture, number)]."""
        found = []
        time.sleep(0.02)  # a kernel thread hands them out
        while self.socket:
            try:
                message = self.socket.recv(65536)
            except BlockingIOError:
                break
            except OSError as e:
                if e.errno != errno.ENOBUFS:
                    raise
                print("        somebody floods the kernel's audit: a report may be missing", flush=True)
                continue
            kind = int.from_bytes(message[4:6], sys.byteorder)
            match = self.REPORT.search(message[16:].decode("utf-8", "replace"))
            if kind == self.SECCOMP_RECORD and match and match.group(1) == self.session and int(match.group(5), 16) in codes:
                report = (match.group(2).strip('"'), match.group(3), int(match.group(4)))
                if report not in found:
                    found.append(report)
        return found


def call_names():
    """(audit architecture, number) -> name, of the two that a program can mix here."""
    names = {}
    with open(os.path.join(SOURCE, "profiles", "tables", "syscalls.csv"), encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(",") for line in file if not line.startswith("#")]
    for row in lines[1:]:
        for architecture, column in (("c000003e", 1), ("40000003", 2)):
            if row[column]:
                names[architecture, int(row[column])] = row[0]
    return names


def tree(folder):
    """Names below FOLDER: without what is random about them -> as one of them is."""
    found = {}
    for where, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            path = os.fsdecode(os.path.relpath(os.path.join(where, name), os.fsencode(folder)))
            found[skeleton("/" + path)] = "/" + path
    return found


def plain(text, case):
    """Output without what no two runs share, by the case's own patterns.

    Sorted: runc brings standard output and error out through a pipe each.
    """
    for pattern in case.noise:
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    return sorted(line for line in text.splitlines() if line)


class Replay(Runner):
    def __init__(self, case, whittle, backend, options=()):
        super().__init__(case, whittle, backend)
        self.options = options  # of run-in-runc
        self.profile = os.path.join(self.base, "profile")
        self.recording = os.path.join(self.base, "recording.jsonl")
        self.argv = case.argv
        if case.init:
            programs.c_program("init")(self.folder)
            self.argv = [os.path.join(self.base, "init"), *case.argv]

    def make_profile(self):
        """Status, output and files of the recorded run; raises RuntimeError."""
        self.fresh()
        native = (*self.run(self.argv), tree(self.folder))
        for again in range(RECORDINGS):
            recorded = self.record_once()
            wrong = differences(self.case, native, recorded)
            if not wrong:
                break
            # A call may have been interrupted: docs/ORACLES.md, "Interrupted calls".
            print(f"        recorded run {again + 1} differs from a native one: {wrong[0]}", flush=True)
        else:
            raise RuntimeError("no recorded run does what a native one does")
        self.generate()
        return recorded

    def record_once(self):
        self.fresh()
        command = [self.whittle, "record", "-o", self.recording, "--backend", self.backend, "--"]
        status, text = self.run(command + self.argv)
        if status is None:
            raise RuntimeError(f"the recorded run was ended {self.why}: {text[-400:]}")
        return status, text, tree(self.folder)

    def generate(self):
        made = subprocess.run([self.whittle, "generate", self.recording, "-o", self.profile], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"generate: status {made.returncode}: {made.stderr[-400:]}")
        with open(os.path.join(self.profile, "seccomp.json"), encoding="utf-8") as file:
            profile = json.load(file)
        profile.pop("defaultErrnoRet", None)
        for name, action in (("strict", "SCMP_ACT_KILL_PROCESS"), ("log", "SCMP_ACT_LOG")):
            profile["defaultAction"] = action
            with open(os.path.join(self.profile, name + ".json"), "w", encoding="utf-8") as file:
                json.dump(profile, file)

    def contain(self, runtime, profile):
        self.fresh()
        command = [RUN_IN_RUNC, *self.options, "--runtime", runtime, "--seccomp", os.path.join(self.profile, profile + ".json")]
        command += ["--capabilities", os.path.join(self.profile, "capabilities.json"), "--workdir", self.folder]
        command += ["--bind", self.base + ":rw", "--bind", programs.SCRIPTS]
        for path in ALSO:
            command += ["--bind", path] if os.path.isdir(path) else []
        for item in environment(self.folder).items():
            command += ["--env", "=".join(item)]
        # Its own files must be out of the container's reach, whatever TMPDIR says there.
        status, text = self.run(["env", "TMPDIR=" + os.path.dirname(self.base), *command, "--", *self.argv])
        return status, text, tree(self.folder)


def differences(case, recorded, replayed):
    found = []
    if recorded[0] != replayed[0]:
        found.append(f"status {replayed[0]} instead of {recorded[0]}: {replayed[1][-600:]}")
    was, now = plain(recorded[1], case), plain(replayed[1], case)
    if was != now:
        found.append(f"output: {[x for x in now if x not in was][:6] or now[:6]} instead of {[x for x in was if x not in now][:6] or was[:6]}")
    if recorded[2].keys() != replayed[2].keys() and not case.any_files:
        missing = sorted(name for shape, name in recorded[2].items() if shape not in replayed[2])
        new = sorted(name for shape, name in replayed[2].items() if shape not in recorded[2])
        found.append(f"files: missing {missing[:6]}, new {new[:6]}")
    return found


def attempts(run, recorded, runtime, names, log):
    """What goes wrong in the containers of one runtime, as lines."""
    found = []
    for mode in ("seccomp",) if run.case.no_strict else ("seccomp", "strict"):
        log.reports(())
        wrong = differences(run.case, recorded, run.contain(runtime, mode))
        for program, architecture, number in log.reports((KILL,)):
            wrong.append(f"{program}: {names.get((architecture, number), number)} ({architecture}) is not in the profile")
        found += [f"{runtime} {'enforced' if mode == 'seccomp' else mode}: {line}" for line in wrong]
        if wrong and mode == "strict":
            run.contain(runtime, "log")
            lacking = {names.get((arch, number), f"{arch} {number}") for _, arch, number in log.reports((LOG,))}
            found.append(f"{runtime}: lacking: {' '.join(sorted(lacking)) or 'nothing in another run'}")
    return found


def replay(case, whittle, backend, runtimes, names, log, options):
    """What is wrong, as lines; nothing is good."""
    run = Replay(case, whittle, backend, options)
    found = []
    try:
        recorded = run.make_profile()
        for runtime in runtimes:
            found += attempts(run, recorded, runtime, names, log)
    except RuntimeError as e:
        found.append(str(e))
    finally:
        run.close(None)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--backend", choices=BACKENDS)
    parser.add_argument("--runtime", choices=RUNTIMES, action="append")
    parser.add_argument("--whittle", default=os.environ.get("WHITTLE", "whittle"))
    parser.add_argument("--no-new-privileges", action="store_true", help="in the containers")
    parser.add_argument("--fast", action="store_true", help="only what takes little time")
    parser.add_argument("names", nargs="*")
    words, command = sys.argv[1:], []
    if "--" in words:
        command = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    args = parser.parse_args(words)
    runtimes = [r for r in args.runtime or RUNTIMES if shutil.which(r)]
    if os.geteuid() != 0 or not runtimes or not shutil.which("gcc"):
        print("needs root, gcc and runc or crun")
        return 77
    cases = [Case("command", command)] if command else programs.cases()
    if args.names:
        cases = [c for c in cases if c.name in args.names]
    elif args.fast:
        cases = [c for c in cases if c.fast]
    counts = {"work": 0, "fail": 0, "skipped": 0}
    names, log = call_names(), AuditReader()
    if not log:
        print("the kernel's audit cannot be read: only status, output and files tell of a denial")
    backends = [args.backend] if args.backend else working_backends(os.path.abspath(args.whittle))
    options = ["--no-new-privileges"] if args.no_new_privileges else []
    for number, case in enumerate(cases):
        reason = case.no_replay or reason_to_skip(case, args.whittle, False)
        if reason:
            counts["skipped"] += 1
            print(f"skip  {case.name}: {reason}", flush=True)
            continue
        backend = backends[number % len(backends)]
        began = time.monotonic()
        found = replay(case, os.path.abspath(args.whittle), backend, runtimes, names, log, options)
        counts["fail" if found else "work"] += 1
        print(f"{'FAIL ' if found else 'works'} {case.name} ({backend}, {' '.join(runtimes)}, {time.monotonic() - began:.1f} s)", flush=True)
        for line in found:
            print("       ", line, flush=True)
    print(", ".join(f"{n} {word}" for word, n in counts.items()))
    if counts["fail"]:
        return 1
    return 0 if counts["work"] else 77


if __name__ == "__main__":
    sys.exit(main())
