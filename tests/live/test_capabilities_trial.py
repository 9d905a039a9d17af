#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the eBPF recorder tells of capabilities, against the kernel.

For each action of tests/programs/capability_trial, run with all capabilities:
 - a capability that the recording names, granted, is needed: without it (and what would do instead)
   the action is refused;
 - one that it does not name is not: with the named ones alone the action works;
 - where the smaller of two is missing, the recording names the larger and that the smaller would do;
 - the capability of the action's row, or what would do instead, is among them, and nothing else.
"""

import sys

import capability_trials

# Without the smaller capability the kernel takes the larger one, as in Docker's containers.
ALTERNATIVES = {
    "open-read": ("CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    "folder-search": ("CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    "access": ("CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"),
    "perf-kernel": ("CAP_PERFMON", "CAP_SYS_ADMIN"),
    "bpf-map": ("CAP_BPF", "CAP_SYS_ADMIN"),
    "chosen-pid": ("CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"),
}


class Observation(capability_trials.Trials):
    def __init__(self, folder):
        super().__init__(folder)
        self.probes = 0
        self.capabilities = set()

    def missing(self):
        good, text = self.can_record("bpf")
        return None if good else f"no eBPF backend here: {text}"

    def summary(self):
        return (f"{self.shown - self.probes} needs of {len(self.capabilities)} capabilities and "
                f"{self.probes} probes shown")

    def recorded(self, action, without=()):
        """The capabilities that the action needed, with those that would have done instead."""
        lines = self.record("bpf", action, without)
        if lines is None:
            return None
        for line in lines:
            if line.get("losses"):
                self.fail(action, f"losses: {line['losses']}")
        needed = {}
        for fact in capability_trials.of_action(lines):
            if fact.get("origin") != "observed" or "rule" in fact:
                self.fail(action, f"{fact['name']} is not observed")
            if "ok" in fact["results"]:
                needed.setdefault(fact["name"], set()).add(fact.get("alternative"))
        return needed

    def tell_alternative(self, action, smaller, larger):
        needed = self.recorded(action, {smaller})
        if needed is not None and needed != {larger: {smaller}}:
            self.fail(action, f"without {smaller} it records {needed}")

    def check(self, action, capability, alternative):
        needed = self.recorded(action)
        if needed is None:
            return
        row = capability | alternative
        self.probes += not row
        self.capabilities |= capability
        if not set(needed) <= row or bool(needed) != bool(row):
            self.fail(action, f"records {sorted(needed) or 'none'}, expected {sorted(row) or 'none'}")
        self.works_with(action, set(needed))
        for name, others in needed.items():
            others = others - {None}
            for other in others:
                self.works_with(action, (set(needed) - {name}) | {other})
            self.is_refused_without(action, {name} | others | row)
        if action in ALTERNATIVES:
            self.tell_alternative(action, *ALTERNATIVES[action])


if __name__ == "__main__":
    sys.exit(capability_trials.main(Observation))
