#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings of one test suite give one policy, and the policy of three covers the next. Here with few recordings;
script/stability takes more."""
import os
import sys

import live
from live import BACKENDS, Skip, case, check

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "stability"))
# pylint: disable=wrong-import-position
import measure  # noqa: E402
from workloads import WORKLOADS  # noqa: E402


def judge(folder, name, runs, backend):
    measure.SITE = os.path.join(folder, "site")
    recordings = [measure.record(live.WHITTLE, name, folder, i, backend) for i in range(runs)]
    verdict = measure.judge(live.WHITTLE, name, recordings, runs - 3, "careful", folder)
    check(verdict.stable, verdict.text())


def some(folder, name, backend):
    if not measure.available(name):
        raise Skip(f"{name} is not installed")
    judge(folder, name, 4, backend)


@case
def shell(folder):
    some(folder, "bash", "notify")


@case
def perl(folder):
    some(folder, "perl", "ptrace")


@case
def sqlite(folder):
    some(folder, "sqlite", "notify")


@case
def exact_is_not_stable(folder):
    """What the others show is not so by itself."""
    measure.SITE = os.path.join(folder, "site")
    recordings = [measure.record(live.WHITTLE, "bash", folder, i, "notify") for i in range(2)]
    verdict = measure.judge(live.WHITTLE, "bash", recordings, 0, "exact", folder)
    check(verdict.policies == 2, "two recordings of a shell script gave the same exact policy")


@case
def every_program(folder):
    """SLOW: tests/live/CMakeLists.txt."""
    missing = [name for name in WORKLOADS if not measure.available(name)]
    for name in WORKLOADS:
        if name not in missing:
            judge(folder, name, 6, "bpf" if "bpf" in BACKENDS else "ptrace")
    if missing:
        raise Skip(f"not installed: {' '.join(missing)}")


live.main()
