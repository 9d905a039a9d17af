#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci under a Docker daemon without eBPF: by seccomp's listener. See oci_cases.py. Needs root and busybox."""
import sys

sys.dont_write_bytecode = True

import oci_cases as cases  # noqa: E402
from live import check, equal  # noqa: E402
from oci_cases import engines, site  # noqa: E402


class Bench(cases.Bench):
    configuration = "backend: listener\n"


def make_bench(folder):
    return Bench(folder, lambda folder, further: engines.Docker(folder, site.runtimes(), further))


def refused(bench, runtime):
    """What the engine's own profile refuses is refused in the same way, and recorded so."""
    script = "; ".join(f"busybox {words}; echo $?" for words in ("unshare -m true", "swapoff /x", "linux32 true"))
    real = bench.run(runtime, ["--rm"], script)
    ours = bench.run(f"whittle-{runtime}", ["--rm"], script, wish=f"refused-{runtime}")
    equal(ours, real, "status, output and errors")
    result = bench.recording(f"refused-{runtime}")
    result.complete()
    for name in ("unshare", "swapoff"):
        result.one("syscall", name=name, phase="run", results=["EPERM"])
    for fact in result.facts("syscall", name="personality", phase="run"):  # that is let run with some arguments only
        check("EPERM" not in fact["results"], f"personality(): {fact}")


SOME = [name for name in cases.OPTIONS if name not in ("privileged", "unconfined")]  # those get a filter, which shows
CASES = [*map(cases.option_case, SOME), refused, *cases.LIVES, cases.learned("redis")]
cases.main("listener", make_bench, {"runc": [*CASES, cases.learned("nginx")], "crun": CASES})
