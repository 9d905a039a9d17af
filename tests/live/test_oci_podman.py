#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci as Podman's runtime, see oci_cases.py. Needs root, eBPF and busybox."""
import sys

sys.dont_write_bytecode = True

import oci_cases as cases  # noqa: E402
from oci_cases import engines  # noqa: E402


class Bench(cases.Bench):
    init = []  # it wants a program that is in a package of its own
    # Podman has timers of systemd for the rest.
    health = ["--health-cmd", "cat /etc/nsswitch.conf", "--health-interval", "disable"]

    def await_healthy(self, name):
        self.do("healthcheck", "run", name)


cases.main("podman", lambda folder: Bench(folder, lambda folder, further: engines.Podman(folder, (), further)), {
    "runc": [*(cases.option_case(name) for name in ("plain", "network-none", "read-only", "user", "volume", "cap-drop", "no-new-privileges")),
             cases.killed, cases.removed_by_force, cases.paused, cases.restarted, cases.health_checked, cases.learned("nginx")],
    "crun": [*(cases.option_case(name) for name in ("plain", "pid-host", "user", "no-new-privileges", "unconfined")),
             cases.killed, cases.forks_daemons, cases.health_checked, cases.at_once, cases.learned("redis")],
})
