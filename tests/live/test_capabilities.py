#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What whittle infers of capabilities, against the kernel (needs root with most capabilities).

For each action of tests/programs/capability_trial:
 - whittle record, by each backend, names exactly the capability that the action's row says;
 - natively, with that capability alone (none where the row says so), the action works;
 - natively, with all but that capability and its alternative, it is refused.
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

# What a backend cannot let a workload do; the reason is printed.
NOT_UNDER = {
    ("ptrace", "ptrace-other"): "a process has one tracer",
    ("notify", "access"): "what access(2) asks is not inferred",
    ("ptrace", "access"): "what access(2) asks is not inferred",
}


def capability_numbers(source):
    with open(os.path.join(source, "profiles/tables/capabilities.csv"), encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        header = next(rows)
        return {row[header.index("name")]: int(row[header.index("number")]) for row in rows if row}


def run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20,
                              check=False)
    except subprocess.TimeoutExpired:
        return -1, "does not end"
    return done.returncode, done.stderr.decode(errors="replace").strip()


def recorded(path):
    """The capabilities that the action itself needed, with the rule that said so."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            fact = json.loads(line)
            if fact.get("kind") == "capability" and "action" in fact.get("labels", []):
                found.setdefault(fact["name"], fact.get("rule"))
    return found


class Trial:
    def __init__(self, whittle, program, numbers, folder):
        self.whittle, self.program, self.numbers, self.folder = whittle, program, numbers, folder
        self.failures = []
        self.skipped = []
        self.shown = 0

    def fail(self, action, text):
        self.failures.append(f"{action}: {text}")

    def native(self, action, capability, alternative):
        """Whether the kernel agrees with the row."""
        only = str(self.numbers[capability]) if capability != "-" else "63"
        status, text = run([self.program, "--only", only, action], self.folder)
        if status != 0:
            self.fail(action, f"with {capability} alone it gives {status} {text}")
        if capability == "-":
            return
        without = ",".join(str(self.numbers[name]) for name in (capability, alternative)
                           if name != "-")
        status, text = run([self.program, "--drop", without, action], self.folder)
        if status != 1:
            self.fail(action, f"without {capability} it gives {status} {text}")

    def record(self, backend, action, capability):
        if (backend, action) in NOT_UNDER:
            print(f"{action} not under {backend}: {NOT_UNDER[backend, action]}")
            return
        path = os.path.join(self.folder, "recording.jsonl")
        status, text = run([self.whittle, "record", "--backend", backend, "-o", path, "--",
                            self.program, action], self.folder)
        if status != 0:
            self.fail(action, f"recorded by {backend} it gives {status} {text}")
            return
        expected = set() if capability == "-" else {capability}
        found = recorded(path)
        if set(found) != expected:
            self.fail(action, f"{backend} records {found or 'nothing'}, expected {expected or 'none'}")

    def act(self, action, capability, alternative):
        status, text = run([self.program, action], self.folder)
        if status != 0:
            self.skipped.append(f"{action}: {text or 'refused with all capabilities'}")
            return
        self.shown += 1
        self.native(action, capability, alternative)
        for backend in ("notify", "ptrace"):
            self.record(backend, action, capability)


def main():
    if os.geteuid() != 0:
        print("needs root")
        return SKIP
    program = os.path.join(os.environ["WHITTLE_PROGRAMS"], "capability_trial")
    numbers = capability_numbers(os.environ["WHITTLE_SOURCE"])
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        trial = Trial(os.environ["WHITTLE"], program, numbers, folder)
        for line in listed.stdout.splitlines():
            action, capability, alternative = line.split()
            if len(sys.argv) == 1 or action in sys.argv[1:]:
                trial.act(action, capability, alternative)
    for text in trial.skipped:
        print("not shown here:", text)
    for text in trial.failures:
        print("FAILED", text)
    print(f"{trial.shown} actions shown, {len(trial.skipped)} not, {len(trial.failures)} failures")
    if len(sys.argv) == 1 and trial.shown < SHOWN_AT_LEAST:
        print(f"at least {SHOWN_AT_LEAST} actions must work to say anything; this root has too few "
              "capabilities")
        return 1 if trial.failures else SKIP
    return 1 if trial.failures else 0


if __name__ == "__main__":
    sys.exit(main())
