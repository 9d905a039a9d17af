#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What whittle infers of capabilities, against the kernel.

For each action of tests/programs/capability_trial:
 - whittle record, by each backend that infers, names exactly the capability that the action's row
   says;
 - natively, with that capability alone (none where the row says so), the action works;
 - natively, with all but that capability and its alternative, it is refused.
"""

import sys

import capability_trials

# What a backend cannot let a workload do; the reason is printed.
NOT_UNDER = {
    ("ptrace", "ptrace-other"): "a process has one tracer",
    ("notify", "access"): "what access(2) asks is not inferred",
    ("ptrace", "access"): "what access(2) asks is not inferred",
}


class Inference(capability_trials.Trials):
    def missing(self):
        return None

    def summary(self):
        return f"{self.shown} actions shown"

    def recorded(self, backend, action, capability):
        if (backend, action) in NOT_UNDER:
            print(f"{action} not under {backend}: {NOT_UNDER[backend, action]}")
            return
        lines = self.record(backend, action)
        if lines is None:
            return
        found = {}  # with the rule that said so
        for fact in capability_trials.of_action(lines):
            found.setdefault(fact["name"], fact.get("rule"))
        if set(found) != capability:
            self.fail(action, f"{backend} records {found or 'nothing'}, "
                              f"expected {capability or 'none'}")

    def check(self, action, capability, alternative):
        self.works_with(action, capability)
        if capability:
            self.is_refused_without(action, capability | alternative)
        for backend in ("notify", "ptrace"):
            self.recorded(backend, action, capability)


if __name__ == "__main__":
    sys.exit(capability_trials.main(Inference))
