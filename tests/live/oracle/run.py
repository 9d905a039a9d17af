#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs many cases of the oracle: run.py [--backend notify|ptrace|bpf] [--fast] programs|stressors [NAME…]
                                             run.py --together [--fast] programs|stressors [NAME…]

Prints a line a case. Exit status: 0 all agree, 1 some do not, 77 nothing could be compared.
"""

import argparse
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs
import stressors
from compare import RUNS, Runner, compare, environment


def working_backends(whittle):
    """Those that this machine can do."""
    os.environ["WHITTLE"] = whittle
    import live

    return live.BACKENDS


def runs_natively(case, whittle):
    runner = Runner(case, whittle, "notify")
    try:
        runner.fresh()
        status, _ = runner.run(case.argv)
        return status == 0
    finally:
        runner.close(None)


def reason_to_skip(case, whittle, native_first):
    for program in case.needs:
        if not shutil.which(program, path=environment("/")["PATH"]):  # the case's PATH, not ours
            return f"no {program}"
    if case.needs_root and os.geteuid() != 0:
        return "needs root"
    if native_first and not runs_natively(case, whittle):
        return "does not run on this machine"
    return ""


def run_cases(cases, whittle, backend, native_first=False, runs=RUNS, together=False):
    """Counts of agreeing, differing and skipped cases."""
    counts = {"agree": 0, "differ": 0, "skipped": 0}
    for case in cases:
        reason = reason_to_skip(case, whittle, native_first)
        if reason:
            counts["skipped"] += 1
            print(f"skip   {backend} {case.name}: {reason}", flush=True)
            continue
        began = time.monotonic()
        found = compare(case, whittle, backend, runs, together=together)
        seconds = time.monotonic() - began
        counts["differ" if found else "agree"] += 1
        print(f"{'DIFFER' if found else 'agree '} {backend} {case.name} ({seconds:.1f} s)", flush=True)
        for line in found:
            print("       ", line, flush=True)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--backend", action="append", choices=("notify", "ptrace", "bpf"))
    parser.add_argument("--whittle", default=os.environ.get("WHITTLE", "whittle"))
    parser.add_argument("--fast", action="store_true", help="only what takes little time")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--together", action="store_true", help="one run that both see (eBPF)")
    parser.add_argument("what", choices=("programs", "stressors"))
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    for program in ("strace",) + (("stress-ng",) if args.what == "stressors" else ()):
        if not shutil.which(program):
            print(f"{program} is not installed")
            return 77
    cases = programs.cases() if args.what == "programs" else stressors.cases()
    if args.names:
        cases = [c for c in cases if c.name.removeprefix("stress-") in args.names]
    elif args.fast:
        cases = [c for c in cases if c.fast]
    whittle = os.path.abspath(args.whittle)
    agree = differ = 0
    for backend in ["bpf"] if args.together else args.backend or ("notify", "ptrace"):
        counts = run_cases(cases, whittle, backend, args.what == "stressors", args.runs, args.together)
        print(backend, ", ".join(f"{n} {word}" for word, n in counts.items()), flush=True)
        agree += counts["agree"]
        differ += counts["differ"]
    if differ:
        return 1
    if not agree:
        print("nothing could be compared")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
