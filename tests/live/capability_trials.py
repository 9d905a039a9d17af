# SPDX-License-Identifier: Apache-2.0
"""
What the tests of capabilities share: the actions of tests/programs/capability_trial, run with some
capabilities or without, and recorded. Needs root with most capabilities.

An action that does not work here even with all capabilities shows nothing; it is counted as skipped,
and too many of those fail the test.
"""

import csv
import ctypes
import json
import os
import platform
import struct
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


class Trials:
    """The actions, tried one by one; what of them is not as it should be."""

    def __init__(self, folder):
        self.whittle = os.environ["WHITTLE"]
        self.program = os.path.join(os.environ["WHITTLE_PROGRAMS"], "capability_trial")
        self.numbers = capability_numbers(os.environ["WHITTLE_SOURCE"])
        self.folder = folder
        self.failures = []
        self.skipped = []  # action and why
        self.shown = 0

    def fail(self, action, text):
        self.failures.append(f"{action}: {text}")

    def actions(self):
        """Action, the capability it needs and what would do instead ("-": none) of each."""
        listed = subprocess.run([self.program, "--list"], capture_output=True, text=True, check=True)
        return [line.split() for line in listed.stdout.splitlines()]

    def _numbers(self, names):
        return ",".join(sorted(self.numbers[name] for name in names)) or NONE

    def works_here(self, action):
        """Whether the action works with all capabilities, so that it can show something."""
        status, text = run([self.program, action], self.folder)
        if status != 0:
            self.skipped.append((action, text or "refused with all capabilities"))
        return status == 0

    def works_with(self, action, names):
        """The action works with the capabilities NAMES alone."""
        status, text = run([self.program, "--only", self._numbers(names), action], self.folder)
        if status != 0:
            self.fail(action, f"with {sorted(names) or 'none'} alone it gives {status} {text}")

    def is_refused_without(self, action, names):
        """The action is refused with all capabilities but NAMES."""
        status, text = run([self.program, "--drop", self._numbers(names), action], self.folder)
        if status != 1:
            self.fail(action, f"without {sorted(names)} it gives {status} {text}")

    def record(self, backend, action, without=()):
        """The recording's lines, as objects; None if the action did not work recorded."""
        path = os.path.join(self.folder, "recording.jsonl")
        options = ["--drop", self._numbers(without)] if without else []
        status, text = run([self.whittle, "record", "--backend", backend, "-o", path, "--",
                            self.program, *options, action], self.folder)
        if status != 0:
            self.fail(action, f"recorded by {backend} it gives {status} {text}")
            return None
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def can_record(self, backend):
        """Whether BACKEND works here, and what it said."""
        status, text = run([self.whittle, "record", "--backend", backend, "-o",
                            os.path.join(self.folder, "recording.jsonl"), "--", "true"],
                           self.folder)
        return status == 0, text


def of_action(lines):
    """Those of the recording's facts that are capabilities which the action itself needed."""
    return [fact for fact in lines
            if fact.get("kind") == "capability" and "action" in fact.get("labels", [])]


def report(trials, summary, everything):
    for action, text in trials.skipped:
        print(f"not shown here: {action}: {text}")
    for text in trials.failures:
        print("FAILED", text)
    print(f"{summary}, {len(trials.skipped)} not, {len(trials.failures)} failures")
    if trials.failures:
        return 1
    if everything and trials.shown < SHOWN_AT_LEAST:
        print(f"at least {SHOWN_AT_LEAST} actions must work to say anything; this root has too few "
              "capabilities")
        return SKIP
    return 0


def hold_program():
    """Loads a BPF program, which stays as long as this process: some action asks for the next one there is."""
    instructions = ctypes.create_string_buffer(bytes([0xb7] + 7 * [0] + [0x95] + 7 * [0]))  # return 0
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    attributes = struct.pack("=IIQQ", 1, 2, ctypes.addressof(instructions), ctypes.addressof(licence)).ljust(120, b"\0")
    bpf, prog_load = {"x86_64": 321}.get(platform.machine(), 280), 5
    ctypes.CDLL(None).syscall(bpf, prog_load, attributes, len(attributes))


def main(kind):
    """Runs KIND (a class like Trials, with check() and summary()) for the actions named on the
    command line, or for all."""
    if os.geteuid() != 0:
        print("needs root")
        return SKIP
    wanted = sys.argv[1:]
    hold_program()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        trials = kind(folder)
        missing = trials.missing()
        if missing:
            print(missing)
            return SKIP
        for action, capability, alternative in trials.actions():
            if (not wanted or action in wanted) and trials.works_here(action):
                trials.shown += 1
                trials.check(action, {capability} - {"-"}, {alternative} - {"-"})
    return report(trials, trials.summary(), not wanted)
