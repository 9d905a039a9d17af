#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci under a Docker daemon without eBPF: by seccomp's listener. See oci_cases.py. Needs root and busybox."""
import sys

sys.dont_write_bytecode = True

import oci_cases as cases  # noqa: E402
from oci_cases import engines, site  # noqa: E402


class Bench(cases.Bench):
    configuration = "backend: listener\n"


def make_bench(folder):
    return Bench(folder, lambda folder, further: engines.Docker(folder, site.runtimes(), further))


SOME = ("plain", "init", "network-none", "user", "read-only", "volume", "cap-drop", "no-new-privileges")
CASES = [*map(cases.option_case, SOME), cases.killed, cases.removed_by_force, cases.restarted, cases.health_checked,
         cases.forks_daemons, cases.at_once, cases.learned("redis")]
cases.main("listener", make_bench, {"runc": [*CASES, cases.learned("nginx")], "crun": CASES})
