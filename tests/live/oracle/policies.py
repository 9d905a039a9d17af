#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the backends against each other: the same program gives the same policy, whichever recorded it.

usage: policies.py [--whittle PATH] [--fast] [NAME…]

Each case of programs.py runs under every backend in turn, up to four times, in the same folder made anew. Compared
are the policies generated: system calls with their conditions, file, network, unix, signal, ptrace and mount rules, and
capabilities. What timing decides for a case (its `calls`) is left out; a rule counts as different if one backend has it
in all its runs and another in none.
"""
import argparse
import itertools
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs
from behaviour import skeleton
from compare import Runner
from run import reason_to_skip, working_backends

ROUNDS = 4
SECTION = re.compile(r"^([a-z-]+):$")
RULE = re.compile(r"^ +- (?:rule: )?(.*?)(?: *#.*)?$")
WITH_REASON = re.compile(r'^\{rule: ("[^"]*"|[^,]*), ')
PATHS = ("files", "unix", "mounts", "tmpfs", "volumes")
# (backend, rule) that only this one has, and why.
EXPLAINED = {
    ("notify", "files: /dev/tty rw"): "without a terminal it cannot be opened, which the file's mode does not tell before",
    ("notify", "files: /dev/tty r"): "the same",
    ("notify", "signals: exists group"): "kill(…, 0) of processes that are gone already: notify does not see that it fails",
    ("notify", "signals: exists outside"): "the same",
    ("notify", "network: inet6 dgram"): "ping: whose group may open such a socket, the kernel's ping_group_range says, not the arguments",
    ("notify", "files: owner /tmp/base/w/by-x# w"): "made by an x32 call, which the kernel does not know: predicted, for the path allows it",
    ("bpf", "capabilities: CAP_PERFMON"): "mm_access() of Linux 6.16 asks for it before it looks whose process it is; "
                                          "ps reads its own user's and would do without: granted to be on the safe side",
    ("bpf", "capabilities: CAP_SYS_NICE"): "ext4 sets the priority of its journal's thread while it is mounted, and goes on where "
                                           "it may not: granted to be on the safe side",
}
# What a file system in the workload serves nobody but the kernel looks at (tracer/served.h): its owners eBPF alone knows.
for backend in ("notify", "ptrace"):
    for rule in ("/ r", "/d/ w", "/g rw", "/h w"):
        EXPLAINED[backend, "files: /tmp/base/w/b" + rule] = "its owner is not known"
    EXPLAINED[backend, "files: owner /tmp/base/w/b/ w"] = "the same"
for rule in ("/ rw", "/d/ w", "/g rw", "/h w"):
    EXPLAINED["bpf", "files: owner /tmp/base/w/b" + rule] = "its owner is known"
# crun tries every folder above the container's root until one is a mount point.
for folder in ("", "/base", "/base/w", "/base/w/@.@", "/base/w/@.@/@"):
    EXPLAINED["notify", "mounts: make-private -> /tmp" + folder] = "fails where it is none, which notify does not see"
# Cases whose programs look for tracers or filters and do otherwise if they find one; and random order by design.
LEFT_OUT = {
    "signals": "processes are killed at once: who is faster decides",
}


class Policies(Runner):
    """Policies of one case under one backend."""

    def in_folder_of(self, other):
        if other is not self:
            self.close(None)
            self.base, self.folder = other.base, other.folder

    def rules(self):
        """The policy's rules as (section, text); None with `why` set if there is none."""
        self.fresh()
        log = os.path.join(self.base, "recording.jsonl")
        status, text = self.run([self.whittle, "record", "-o", log, "--backend", self.backend, "--", *self.case.argv])
        if status is None or not os.path.exists(log):
            self.why = f"status {status}: {text[-300:]}"
            return None
        out = os.path.join(self.base, "policy")
        done = subprocess.run([self.whittle, "generate", log, "-o", out, "--format", "policy"], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            self.why = done.stderr[-300:]
            return None
        with open(os.path.join(out, "policy.yaml"), encoding="utf-8") as file:
            return self.read(file)

    def read(self, file):
        found = set()
        section = ""
        for line in file:
            match = SECTION.match(line.rstrip("\n"))
            if match:
                section = match.group(1)
                continue
            match = RULE.match(line.rstrip("\n"))
            if not match or not section:
                continue
            rule = match.group(1)
            with_reason = WITH_REASON.match(rule)
            rule = (with_reason.group(1) if with_reason else rule).strip('"').replace(self.base, "/tmp/base")
            if section == "syscalls" and rule.split()[0] in self.case.calls:
                continue
            found.add((section, skeleton(rule) if section in PATHS else rule))
        return found


def difference(one, two):
    """What ONE has in all its runs and TWO in none."""
    return set.intersection(*one) - set.union(*two)


def compare(case, whittle, backends):
    runners = {backend: Policies(case, whittle, backend) for backend in backends}
    for runner in runners.values():
        # Go names what it builds by a hash of where that was.
        runner.in_folder_of(runners[backends[0]])
    runs = {backend: [] for backend in backends}
    found = []
    try:
        for _ in range(ROUNDS):
            for backend, runner in runners.items():
                rules = runner.rules()
                if rules is None:
                    return [f"{backend}: no policy: {runner.why}"]
                runs[backend].append(rules)
            found = []
            for one, two in itertools.permutations(backends, 2):
                only = {f"{section}: {rule}" for section, rule in difference(runs[one], runs[two])}
                only -= {rule for backend, rule in EXPLAINED if backend == one}
                if only:
                    found.append(f"{one}, not {two}: " + "; ".join(sorted(only)))
            if not found:
                break
    finally:
        for runner in runners.values():
            runner.close(None)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--whittle", default=os.environ.get("WHITTLE", "whittle"))
    parser.add_argument("--fast", action="store_true", help="only what takes little time")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    whittle = os.path.abspath(args.whittle)
    backends = working_backends(whittle)
    counts = {"same": 0, "differ": 0, "skipped": 0}
    for case in programs.cases():
        if (args.fast and not case.fast) or (args.names and case.name not in args.names):
            continue
        reason = LEFT_OUT.get(case.name) or reason_to_skip(case, whittle, False)
        if "*" in case.calls:
            reason = "timing decides everything in it"
        if reason:
            counts["skipped"] += 1
            print(f"skip   {case.name}: {reason}", flush=True)
            continue
        found = compare(case, whittle, backends)
        counts["differ" if found else "same"] += 1
        print(f"{'DIFFER' if found else 'same  '} {case.name}", flush=True)
        for line in found:
            print("       ", line, flush=True)
    print(", ".join(f"{n} {word}" for word, n in counts.items()), "by", ", ".join(backends), flush=True)
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
