#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns CTest's JUnit file into lines for script/test: state, name, reason, with tabs between.

usage: ctest_results.py PREFIX JUNIT
"""

import sys
import xml.etree.ElementTree


def lines_of(case):
    text = case.findtext("system-out") or ""
    return [line.strip().replace("\t", " ") for line in text.splitlines() if line.strip()]


def last_line(case):
    return (lines_of(case) or [""])[-1]


def failure(case):
    """The last line, which counts, after those that say what failed, as far as they are short."""
    said = [line[:300] for line in lines_of(case)[:-1] if line.startswith("FAIL") or ":F:" in line or ":E:" in line]
    return "; ".join([last_line(case), *said[:5]])


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


def main():
    prefix, path = sys.argv[1:]
    cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    for case in cases:
        state, reason = state_and_reason(case)
        print(f"{state}\t{prefix}/{case.get('name')}\t{reason}")
    return 0 if cases else 1


if __name__ == "__main__":
    sys.exit(main())
