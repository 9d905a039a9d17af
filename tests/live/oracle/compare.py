#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what strace and whittle see of the same command.

    compare.py [--backend notify|ptrace|bpf] [--keep DIR] -- CMD…
    compare.py --together [--keep DIR] -- CMD…

The command runs under each in an identical environment. If they differ, both run again, up to three
times in all: a difference counts only if it is between all runs of the one and every run of the
other, since timing decides some calls. docs/ORACLES.md lists what is excused and why.
Exit status 0: they agree; 1: they do not.
"""

import argparse
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from behaviour import skeleton
from strace_log import StraceLog
from whittle_log import read_recording

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
RUNS = 3
# A run is ended before it leaves less room than this on the disk, or has a longer log.
ROOM = 4 << 30
INODES = 100000
LOG = 1 << 30

# Errors of a look-up that are decided before the call proper: both backends tell them.
# (A name that is too long is none, and makes no fact.)
LOOKUP = {"ENOENT", "ENOTDIR", "ELOOP"}


@dataclass
class Case:
    """What to run, and what of it is excused."""

    name: str
    argv: list
    setup: object = None  # called with the fresh folder before each run
    needs: tuple = ()  # programs
    calls: tuple = ()  # names of system calls that timing decides here; "*": it decides everything
    paths: tuple = ()  # parts of paths, likewise
    losses: tuple = ()  # causes of loss that are true here
    signals: tuple = ()
    timeout: int = 60
    statuses: tuple = None  # accepted exit statuses; None: those of strace
    compare_paths: bool = True
    fast: bool = False
    needs_root: bool = False
    # Of replay.py only:
    noise: tuple = ()  # regular expressions of what differs in the output of any two runs
    init: bool = False  # it needs a parent: as the first process of a container it would behave differently
    any_files: bool = False  # which files it leaves behind, timing decides
    no_replay: str = ""  # why it cannot run in a container
    no_strict: str = ""  # why it makes calls that its profile cannot name


@dataclass
class Report:
    case: Case
    differences: list = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0


def environment(folder):
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/sh",
    }


def size_of(entry):
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0  # renamed meanwhile


def descendants(root):
    """All processes below `root`, the deepest last; stress-ng's leave its session and group."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


class Runner:
    """Runs one case under either witness, in the same folder made anew each time."""

    def __init__(self, case, whittle, backend, keep=None):
        self.case = case
        self.whittle = whittle
        self.backend = backend
        self.base = keep or tempfile.mkdtemp(prefix="oracle.")
        os.chmod(self.base, 0o755)
        self.folder = os.path.join(self.base, "w")
        self.why = ""  # a run was ended

    def close(self, keep):
        if not keep:
            shutil.rmtree(self.base, ignore_errors=True)

    def fresh(self):
        if os.path.lexists(self.folder):
            subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=False)
        os.mkdir(self.folder)
        if self.case.setup:
            self.case.setup(self.folder)

    def run(self, command):
        """Status, output of a command in the fresh folder. The status is a shell's."""
        with open(os.path.join(self.base, "output"), "wb") as out:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment(self.folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            status = self.wait(process)
        with open(os.path.join(self.base, "output"), "rb") as out:
            text = out.read().decode("utf-8", "replace")
        if status is not None and status < 0:
            status = 128 - status
        return status, text

    def wait(self, process):
        """The status of a run; None where it had to be ended: too long, or about to fill the disk."""
        self.why = f"after {self.case.timeout} s"
        end = time.monotonic() + self.case.timeout
        pause = 0.005
        while time.monotonic() < end:
            status = process.poll()
            if status is not None:
                return status
            space = os.statvfs(self.base)
            if space.f_bavail * space.f_frsize < ROOM or (space.f_files and space.f_favail < INODES):
                self.why = "because the disk is nearly full"
                break
            if any(size_of(entry) > LOG for entry in os.scandir(self.base)):
                self.why = "for the size of its log"
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        for pid in [*descendants(process.pid), process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()
        return None

    def program(self):
        found = shutil.which(self.case.argv[0], path=environment("/")["PATH"])
        return os.path.realpath(os.path.join(self.folder, found or self.case.argv[0]))

    def strace_command(self, log):
        command = ["strace", "-f", "-n", "-y", "-qq", "-s", "4096", "-xx"]
        return command + ["--pidns-translation", "-o", log, "--", *self.case.argv]

    def strace(self):
        self.fresh()
        log = os.path.join(self.base, "strace.log")
        status, text = self.run(self.strace_command(log))
        return self.read_strace(log, status, text)

    def read_strace(self, log, status, text):
        reader = StraceLog(SOURCE, self.folder, "")
        reader.program = reader.names.interpreter(self.program())
        output = os.path.join(self.base, "output")
        reader.names.standard = {"0": os.devnull, "1": output, "2": output}
        seen = reader.read(log)
        seen.program = reader.program
        seen.status = status
        if status is None:
            seen.complaints.append(f"strace's run was ended {self.why}: {text[-400:]}")
        return seen

    def record(self):
        self.fresh()
        return self.record_command(self.case.argv)[0]

    def record_command(self, argv, without=""):
        """What is recorded of ARGV but for the program WITHOUT, and the output."""
        log = os.path.join(self.base, "recording.jsonl")
        command = [self.whittle, "record", "-o", log, "--backend", self.backend, "--"]
        status, text = self.run(command + argv)
        if status is None:
            complaint = f"whittle's run was ended {self.why}: {text[-400:]}"
            seen = read_recording(log, without) if os.path.exists(log) else StraceLog(SOURCE, "", "").out
            seen.complaints.append(complaint)
            seen.status = status
            return seen, text
        if not os.path.exists(log):
            seen = StraceLog(SOURCE, "", "").out
            seen.complaints.append(f"no recording, status {status}: {text[-400:]}")
            return seen, text
        seen = read_recording(log, without)
        if seen.status not in (-1, status):
            seen.complaints.append(f"ended with {status}, the recording says {seen.status}")
        seen.status = status
        for line in text.splitlines():
            if "recorder" in line and "killed" in line or "AddressSanitizer" in line:
                seen.complaints.append(line)
        return seen, text

    def together(self):
        """One run that both see: whittle records strace at its work, and what is strace's own is left out.

        eBPF stops nobody, so strace does not notice.
        """
        self.fresh()
        log = os.path.join(self.base, "strace.log")
        witness = os.path.realpath(shutil.which("strace"))
        recording, text = self.record_command(self.strace_command(log), witness)
        trace = self.read_strace(log, recording.status, text)
        # The first execve() is strace's child's for whittle, and for strace the program's that it runs.
        recording.calls_of.setdefault(trace.program, {}).update(recording.calls_of.pop(witness, {}))
        return trace, recording


# ---- comparing ----------------------------------------------------------------------------------


def _excused(case, path):
    return any(p in path for p in case.paths)


def _file_keys(case, traces):
    """Per trace of strace: the set of (names, wanted) that whittle must have."""
    out = []
    for trace in traces:
        keys = {}
        for use in trace.files:
            if use.optional or any(_excused(case, n) for n in use.names):
                continue
            if use.error and use.error not in LOOKUP:
                continue
            if use.error:
                keys[(use.names, use.error)] = use
            else:
                for word in use.must:
                    keys[(use.names, word)] = use
        out.append(keys)
    return out


def _has(fact, wanted):
    if fact is None:
        return False
    if wanted in LOOKUP:
        return wanted in fact["errors"] or "unknown" in fact["errors"]
    return wanted in fact["ok"]


def missing_files(case, traces, recordings):
    """What strace saw in every run and whittle in none."""
    keys = _file_keys(case, traces)
    common = set(keys[0])
    for other in keys[1:]:
        spelled = {(frozenset(skeleton(n) for n in names), word) for names, word in other}
        common = {
            (names, word)
            for names, word in common
            if (frozenset(skeleton(n) for n in names), word) in spelled
        }
    known = set()
    for recording in recordings:
        for name, fact in recording.facts.items():
            for word in fact["ok"] | fact["errors"]:
                known.add((skeleton(name), word))
                if "unknown" in fact["errors"]:
                    known.update((skeleton(name), e) for e in LOOKUP)
    out = []
    for names, word in sorted(common):
        if any(_has(r.facts.get(n), word) for r in recordings for n in names):
            continue
        seen_exactly = any(n in r.facts for r in recordings for n in names)
        if not seen_exactly and any((skeleton(n), word) in known for n in names):
            continue
        use = keys[0][(names, word)]
        out.append(f"file: strace only: {use.call} {word} {' | '.join(names)}")
    return out


def invented_files(case, traces, recordings):
    """What whittle has in every run and strace in none."""
    known = {}
    shapes = {}
    other_root = False
    for trace in traces:
        for use in trace.files:
            other_root |= use.optional
            for name in use.names:
                entry = known.setdefault(name, set())
                shape = shapes.setdefault(skeleton(name), set())
                words = {use.error} if use.error in LOOKUP else use.must | use.may
                if use.error and use.error not in LOOKUP:
                    words = words | {use.error}
                entry |= words
                shape |= words
    out = []
    for name, fact in sorted(recordings[0].facts.items()):
        if _excused(case, name) or any(name not in r.facts for r in recordings[1:]):
            continue
        words = set(fact["ok"]) | (fact["errors"] & LOOKUP)
        for other in recordings[1:]:
            words &= other.facts[name]["ok"] | other.facts[name]["errors"]
        have = known.get(name)
        if have is None:
            have = shapes.get(skeleton(name), set())
        # A file that the kernel loads for execve(), or that mprotect() makes executable, shows in
        # no call that strace prints a path of.
        words -= have
        if words and not (words <= {"read", "mmap-exec", "exec"} and "mmap-exec" in fact["ok"]):
            if not other_root:
                out.append(f"file: whittle only: {'+'.join(sorted(words))} {name}")
    return out


def _calls_text(calls, keys):
    return ", ".join(sorted(f"{arch}/{calls[(arch, nr)]}({nr})" for arch, nr in keys))


def call_differences(case, traces, recordings):
    out = []

    def differ(get, label):
        a = [get(t) for t in traces]
        b = [get(r) for r in recordings]
        names = {}
        for part in a + b:
            names.update(part)
        all_a = set.intersection(*(set(p) for p in a))
        all_b = set.intersection(*(set(p) for p in b))
        any_a = set.union(*(set(p) for p in a))
        any_b = set.union(*(set(p) for p in b))
        excused = {k for k, n in names.items() if n in case.calls}
        if all_a - any_b - excused:
            out.append(f"calls{label}: strace only: {_calls_text(names, all_a - any_b - excused)}")
        if all_b - any_a - excused:
            out.append(f"calls{label}: whittle only: {_calls_text(names, all_b - any_a - excused)}")

    differ(lambda t: t.calls, "")
    shared = set.intersection(*(set(t.calls_of) for t in traces + recordings))
    for program in sorted(shared):
        differ(lambda t, p=program: t.calls_of[p], f" of {program}")
    for here, there, word in ((traces, recordings, "strace"), (recordings, traces, "whittle")):
        only = set.intersection(*(set(t.calls_of) for t in here))
        only -= set.union(*(set(t.calls_of) for t in there))
        only.discard("unknown")  # killed before the recorder looked at it
        only = {p for p in only if skeleton(p) not in {skeleton(q) for t in there for q in t.calls_of}}
        if only and not any(u.optional for t in traces for u in t.files):
            out.append(f"programs: {word} only: {', '.join(sorted(only))}")
    return out


def set_differences(case, traces, recordings):
    out = []
    for what in ("signals", "sockets"):
        a = [getattr(t, what) for t in traces]
        b = [getattr(r, what) for r in recordings]
        excused = set(case.signals)
        lacking = set.intersection(*a) - set.union(*b) - excused
        extra = set.intersection(*b) - set.union(*a) - excused
        if what == "signals":
            extra = {s for s in extra if not s.startswith("SIGRT") and not s.startswith("SIG_")}
        else:
            optional = set.union(*(t.optional_sockets for t in traces))
            extra -= optional
            ports = {(o, f) for o, f, _ in set.union(*b)}
            lacking = {x for x in lacking if x[2] == 0 or x[2] < 32768 or (x[0], x[1]) not in ports}
            lacking = {x for x in lacking if not (x[0] == "connect" and x[2] in (0, 53))}
            extra = {x for x in extra if not (isinstance(x[2], int) and x[2] >= 32768)}
            # The caller may leave the address's own family at 0; whittle knows the socket's.
            extra = {x for x in extra if x[:2] != ("send", "packet")}
        if lacking:
            out.append(f"{what}: strace only: {sorted(lacking, key=str)}")
        if extra:
            out.append(f"{what}: whittle only: {sorted(extra, key=str)}")
    wanted = [{(n, o) for n, o in t.exec_names} for t in traces]
    have = set.union(*(r.execs for r in recordings))
    for names, optional in sorted(set.intersection(*wanted)):
        if not optional and not any(n in have for n in names):
            if not any(skeleton(n) in {skeleton(h) for h in have} for n in names):
                out.append(f"exec: strace only: {' | '.join(names)}")
    spelled = {skeleton(n) for t in traces for names, _ in t.exec_names for n in names}
    if not any(o for t in traces for _, o in t.exec_names):
        for name in sorted(set.intersection(*(r.execs for r in recordings))):
            if skeleton(name) not in spelled:
                out.append(f"exec: whittle only: {name}")
    return out


def run_differences(case, traces, recordings):
    out = []
    wanted = set(case.statuses) if case.statuses else {t.status for t in traces}
    if not all(r.status in wanted for r in recordings):
        out.append(f"status: {[r.status for r in recordings]} instead of {sorted(wanted, key=str)}")
    for recording in recordings[-1:]:
        for cause, example in sorted(recording.losses.items()):
            if cause not in case.losses:
                out.append(f"loss: {cause}: {example}")
    out += [f"whittle: {c}" for r in recordings for c in r.complaints]
    if all(t.complaints for t in traces):
        out += [f"strace: {c}" for c in traces[-1].complaints]
    return out


def differences(case, traces, recordings):
    out = run_differences(case, traces, recordings)
    if "*" in case.calls:
        return out
    out += call_differences(case, traces, recordings)
    if case.compare_paths:
        out += missing_files(case, traces, recordings)
        out += invented_files(case, traces, recordings)
    out += set_differences(case, traces, recordings)
    return out


def compare(case, whittle, backend, runs=RUNS, keep=None, together=False):
    runner = Runner(case, whittle, backend, keep)
    traces = []
    recordings = []
    found = []
    try:
        if together:
            trace, recording = runner.together()
            return differences(untimed(case), [trace], [recording])
        for _ in range(runs):
            traces.append(runner.strace())
            recordings.append(runner.record())
            found = differences(case, traces, recordings)
            if not found:
                break
    finally:
        runner.close(keep)
    return found


def untimed(case):
    """CASE without what only timing excuses."""
    return dataclasses.replace(case, calls=(), paths=(), signals=())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--backend", default="notify", choices=("notify", "ptrace", "bpf"))
    parser.add_argument("--whittle", default=os.environ.get("WHITTLE", "whittle"))
    parser.add_argument("--together", action="store_true", help="one run that both see (eBPF)")
    parser.add_argument("--keep", help="work in this folder and leave the logs there")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    backend = "bpf" if args.together else args.backend
    whittle = os.path.abspath(args.whittle)
    found = compare(Case("command", args.command), whittle, backend, args.runs, args.keep, args.together)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
