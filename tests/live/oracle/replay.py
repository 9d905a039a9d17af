#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the oracle's programs, generates their profiles and runs them again in containers.

    replay.py [--backend notify|ptrace] [--runtime runc|crun] [--fast] [NAME…]

Each program runs once recorded and then in a container of each runtime under nothing but its own
seccomp.json and capabilities.json, twice:

  enforced  as generated;
  strict    what the profile does not name kills the process, so that no denial can be shrugged off
            by the program or the runtime. Calls answered ENOSYS on purpose stay so.

Exit status, output and the files left behind have to be those of the recorded run, and the kernel must
have reported no call that the profile does not name. Without --backend the programs alternate.
Exit status: 0 all well, 1 not so, 77 this machine cannot.
"""

import argparse
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs
from behaviour import skeleton
from compare import SOURCE, Runner, environment
from run import reason_to_skip

RUN_IN_RUNC = os.path.join(SOURCE, "tests", "live", "run-in-runc")
BACKENDS = ("notify", "ptrace")
RUNTIMES = ("runc", "crun")
# Of the host, read-only: what package tools look at. The system's folders are there anyway.
ALSO = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/cache/man", "/var/lib/nginx", "/var/log")
LOG, KILL = 0x7FFC0000, 0x80000000


class KernelLog:
    """Reports of seccomp since the last look: [(program, architecture, number)]. Root only.

    Those about tests/programs are not ours: other tests may run at the same time.
    """

    REPORT = re.compile(r'type=1326 .*comm=(\S+) exe="(?!\S*/tests/programs/)\S+" .*arch=(\w+) syscall=(\d+) .*code=(0x\w+)')

    def __init__(self):
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            self.fd = -1

    def reports(self, codes):
        found = []
        while self.fd >= 0:
            try:
                line = os.read(self.fd, 8192).decode("utf-8", "replace")
            except BlockingIOError:
                break
            except OSError as e:
                if e.errno != errno.EPIPE:  # overwritten before it was read: go on with the oldest
                    raise
                continue
            match = self.REPORT.search(line)
            if match and int(match.group(4), 16) in codes:
                report = (match.group(1).strip('"'), match.group(2), int(match.group(3)))
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
    """Names below FOLDER but for what is random about them."""
    found = set()
    for where, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            path = os.fsdecode(os.path.relpath(os.path.join(where, name), os.fsencode(folder)))
            found.add(skeleton("/" + path))
    return found


def plain(text, case):
    """Output without what no two runs share, by the case's own patterns.

    Sorted: runc brings standard output and error out through a pipe each.
    """
    for pattern in case.noise:
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    return sorted(line for line in text.splitlines() if line)


class Replay(Runner):
    def __init__(self, case, whittle, backend):
        super().__init__(case, whittle, backend)
        self.profile = os.path.join(self.base, "profile")
        self.argv = case.argv
        if case.init:
            programs.c_program("init")(self.folder)
            self.argv = [os.path.join(self.base, "init"), *case.argv]

    def make_profile(self):
        """Status, output and files of the recorded runs (the last one's); raises RuntimeError."""
        recordings = []
        for number in range(self.case.recordings):
            self.fresh()
            recordings.append(os.path.join(self.base, f"recording{number}.jsonl"))
            command = [self.whittle, "record", "-o", recordings[-1], "--backend", self.backend, "--"]
            status, text = self.run(command + self.argv)
            if status is None:
                raise RuntimeError(f"the recorded run was ended {self.why}: {text[-400:]}")
        made = subprocess.run([self.whittle, "generate", *recordings, "-o", self.profile], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"generate: status {made.returncode}: {made.stderr[-400:]}")
        with open(os.path.join(self.profile, "seccomp.json"), encoding="utf-8") as file:
            profile = json.load(file)
        profile.pop("defaultErrnoRet", None)
        for name, action in (("strict", "SCMP_ACT_KILL_PROCESS"), ("log", "SCMP_ACT_LOG")):
            profile["defaultAction"] = action
            with open(os.path.join(self.profile, name + ".json"), "w", encoding="utf-8") as file:
                json.dump(profile, file)
        return status, text, tree(self.folder)

    def contain(self, runtime, profile):
        self.fresh()
        command = [RUN_IN_RUNC, "--runtime", runtime, "--seccomp", os.path.join(self.profile, profile + ".json")]
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
    if recorded[2] != replayed[2] and not case.any_files:
        found.append(f"files: missing {sorted(recorded[2] - replayed[2])[:6]}, new {sorted(replayed[2] - recorded[2])[:6]}")
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


def replay(case, whittle, backend, runtimes, names, log):
    """What is wrong, as lines; nothing is good."""
    run = Replay(case, whittle, backend)
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
    parser.add_argument("--fast", action="store_true", help="only what takes little time")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    runtimes = [r for r in args.runtime or RUNTIMES if shutil.which(r)]
    if os.geteuid() != 0 or not runtimes or not shutil.which("gcc"):
        print("needs root, gcc and runc or crun")
        return 77
    cases = programs.cases()
    if args.names:
        cases = [c for c in cases if c.name in args.names]
    elif args.fast:
        cases = [c for c in cases if c.fast]
    counts = {"work": 0, "fail": 0, "skipped": 0}
    names, log = call_names(), KernelLog()
    for number, case in enumerate(cases):
        reason = case.no_replay or reason_to_skip(case, args.whittle, False)
        if reason:
            counts["skipped"] += 1
            print(f"skip  {case.name}: {reason}", flush=True)
            continue
        backend = args.backend or BACKENDS[number % 2]
        began = time.monotonic()
        found = replay(case, os.path.abspath(args.whittle), backend, runtimes, names, log)
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
