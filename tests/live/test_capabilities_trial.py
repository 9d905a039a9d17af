#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the eBPF recorder tells of capabilities, against the kernel (needs root with most capabilities).

For each action of tests/programs/capability_trial, run with all capabilities:
 - a capability that the recording names, granted, is needed: without it (and what would do instead)
   the action is refused;
 - one that it does not name is not: with the named ones alone the action works;
 - where the smaller of two is missing, the recording names the larger and that the smaller would do;
 - the capability of the action's row, or what would do instead, is among them, and nothing else.
An action that does not work here even with all capabilities shows nothing; it is counted as skipped,
and too many of those fail the test.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

SKIP = 77
SHOWN_AT_LEAST = 80
NONE = "63"  # no capability has this number


def capability_numbers(source):
    with open(os.path.join(source, "profiles/tables/capabilities.csv"), encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        header = next(rows)
        return {row[header.index("name")]: row[header.index("number")] for row in rows if row}


def run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20,
                              check=False)
    except subprocess.TimeoutExpired:
        return -1, "does not end"
    return done.returncode, done.stderr.decode(errors="replace").strip()


def read_recording(path):
    """The capabilities that the action itself needed, with those that would have done instead."""
    needed = {}
    wrong = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fact = json.loads(line)
            if fact.get("losses"):
                wrong.append(f"losses: {fact['losses']}")
            if fact.get("kind") != "capability" or "action" not in fact.get("labels", []):
                continue
            if fact.get("origin") != "observed" or "rule" in fact:
                wrong.append(f"{fact['name']} is not observed")
            if "ok" in fact["results"]:
                needed.setdefault(fact["name"], set()).add(fact.get("alternative"))
    return needed, wrong


class Trial:
    def __init__(self, whittle, program, numbers, folder):
        self.whittle, self.program, self.numbers, self.folder = whittle, program, numbers, folder
        self.failures = []
        self.skipped = []
        self.shown = {"needs": 0, "probes": 0}
        self.capabilities = set()

    def fail(self, action, text):
        self.failures.append(f"{action}: {text}")

    def record(self, action, *options):
        path = os.path.join(self.folder, "recording.jsonl")
        status, text = run([self.whittle, "record", "--backend", "bpf", "-o", path, "--",
                            self.program, *options, action], self.folder)
        if status != 0:
            self.fail(action, f"recorded it gives {status} {text}")
            return None
        needed, wrong = read_recording(path)
        for text in wrong:
            self.fail(action, text)
        return needed

    def works_with_those(self, action, needed):
        only = ",".join(sorted(self.numbers[name] for name in needed)) or NONE
        status, text = run([self.program, "--only", only, action], self.folder)
        if status != 0:
            self.fail(action, f"with {sorted(needed) or 'none'} alone it gives {status} {text}")

    def is_refused_without(self, action, name, instead):
        without = {name} | instead
        numbers = ",".join(sorted(self.numbers[other] for other in without))
        status, text = run([self.program, "--drop", numbers, action], self.folder)
        if status != 1:
            self.fail(action, f"without {sorted(without)} it gives {status} {text}")

    def tell_alternative(self, action, smaller, larger):
        if any(text.startswith(f"{action}:") for text in self.skipped):
            return
        needed = self.record(action, "--drop", self.numbers[smaller])
        if needed is not None and needed != {larger: {smaller}}:
            self.fail(action, f"without {smaller} it records {needed}")

    def act(self, action, capability, alternative):
        status, text = run([self.program, action], self.folder)
        if status != 0:
            self.skipped.append(f"{action}: {text or 'refused with all capabilities'}")
            return
        needed = self.record(action)
        if needed is None:
            return
        row = {capability, alternative} - {"-"}
        self.shown["needs" if row else "probes"] += 1
        self.capabilities |= {capability} - {"-"}
        if not set(needed) <= row or bool(needed) != bool(row):
            self.fail(action, f"records {sorted(needed) or 'none'}, expected {sorted(row) or 'none'}")
        self.works_with_those(action, set(needed))
        for name, others in needed.items():
            others = others - {None}
            for other in others:
                self.works_with_those(action, (set(needed) - {name}) | {other})
            self.is_refused_without(action, name, others | (row - {name}))


# Without the smaller capability the kernel takes the larger one, as in Docker's containers.
ALTERNATIVES = [
    ("open-read", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    ("folder-search", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    ("access", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    ("perf-kernel", "CAP_PERFMON", "CAP_SYS_ADMIN"),
    ("bpf-map", "CAP_BPF", "CAP_SYS_ADMIN"),
    ("chosen-pid", "CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"),
]


def can_record(whittle, folder):
    status, text = run([whittle, "record", "--backend", "bpf", "-o",
                        os.path.join(folder, "recording.jsonl"), "--", "true"], folder)
    return status == 0, text


def main():
    if os.geteuid() != 0:
        print("needs root")
        return SKIP
    program = os.path.join(os.environ["WHITTLE_PROGRAMS"], "capability_trial")
    whittle = os.environ["WHITTLE"]
    numbers = capability_numbers(os.environ["WHITTLE_SOURCE"])
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        good, text = can_record(whittle, folder)
        if not good:
            print(f"no eBPF backend here: {text}")
            return SKIP
        trial = Trial(whittle, program, numbers, folder)
        for line in listed.stdout.splitlines():
            action, capability, alternative = line.split()
            if len(sys.argv) == 1 or action in sys.argv[1:]:
                trial.act(action, capability, alternative)
        for action, smaller, larger in ALTERNATIVES:
            if len(sys.argv) == 1 or action in sys.argv[1:]:
                trial.tell_alternative(action, smaller, larger)
    for text in trial.skipped:
        print("not shown here:", text)
    for text in trial.failures:
        print("FAILED", text)
    shown = sum(trial.shown.values())
    print(f"{trial.shown['needs']} needs of {len(trial.capabilities)} capabilities and "
          f"{trial.shown['probes']} probes shown, {len(trial.skipped)} not, "
          f"{len(trial.failures)} failures")
    if len(sys.argv) == 1 and shown < SHOWN_AT_LEAST:
        print(f"at least {SHOWN_AT_LEAST} actions must work to say anything; this root has too few "
              "capabilities")
        return 1 if trial.failures else SKIP
    return 1 if trial.failures else 0


if __name__ == "__main__":
    sys.exit(main())
