#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns CTest's JUnit file into lines for script/test: state, name, reason, with tabs between.

usage: ctest_results.py PREFIX JUNIT [JUNIT-OF-SECOND-ATTEMPTS]
"""

import os
import sys
import xml.etree.ElementTree


def lines_of(case):
    text = case.findtext("system-out") or ""
    return [line.strip().replace("\t", " ") for line in text.splitlines() if line.strip()]


def last_line(case):
    return (lines_of(case) or [""])[-1]


def failure(case):
    """The last line, which counts, then those that say what failed, as far as they are short, and the time it took.

    CTest does not say here what was ended for taking too long.
    """
    said = [line[:300] for line in lines_of(case)[:-1] if line.startswith("FAIL") or ":F:" in line or ":E:" in line]
    return "; ".join([last_line(case), *said[:5], f"after {float(case.get('time') or 0):.0f} s"])


def state_and_reason(case):
    status = case.get("status")
    if status == "run":
        return "passed", ""
    skipped = case.find("skipped")
    if skipped is not None and "SKIP_" in (skipped.get("message") or ""):
        return "skipped", last_line(case) or "no reason given"
    if status == "disabled":
        return "skipped", "disabled"
    return "failed", failure(case)


def results(path):
    return {case.get("name"): state_and_reason(case) for case in xml.etree.ElementTree.parse(path).iter("testcase")}


def main():
    prefix, path, *again = sys.argv[1:]
    first = results(path)
    second = results(again[0]) if again and os.path.exists(again[0]) else {}
    for name, (state, reason) in first.items():
        if state == "failed" and second.get(name, ("failed",))[0] == "passed":
            state, reason = "passed", f"only at the second attempt; at the first: {reason}"
        print(f"{state}\t{prefix}/{name}\t{reason}")
    return 0 if first else 1


if __name__ == "__main__":
    sys.exit(main())
