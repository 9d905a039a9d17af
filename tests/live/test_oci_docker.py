#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci as a runtime of a Docker daemon of the test's own, see oci_cases.py. Needs root, eBPF and busybox."""
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402
import oci_cases as cases  # noqa: E402
from oci_cases import engines, site  # noqa: E402
from live import check, equal  # noqa: E402


def engine_ends(bench, runtime):
    """The daemon is killed and started again while containers live on: so do their recordings."""
    name = bench.shell(f"whittle-{runtime}", [], f"{cases.WAIT}; cat /etc/group; exit 8")
    bench.engine.kill()
    bench.engine.launch()
    live.wait_until(lambda: bench.call("inspect", name)[0] == 0, site.PATIENCE, "the container after the restart")
    check(bench.state(name)["Running"], f"it ended with the engine: {bench.state(name)}")
    bench.do("exec", name, "/bin/cat", "/etc/passwd")
    bench.do("exec", name, "busybox", "touch", "/tmp/go")
    bench.await_end(name)
    equal(bench.state(name)["ExitCode"], 8, "status")
    bench.do("rm", name)
    result = bench.recording(name)
    result.complete()
    cases.reads(result, "/etc/group")
    cases.reads(result, "/etc/passwd", "exec")


def engine_ends_containers(bench, runtime):
    """Without live-restore: a daemon that starts again kills what it finds, one that is told to end stops it."""
    killed = bench.shell(f"whittle-{runtime}", [], f"cat /etc/group; {cases.WAIT}")
    bench.engine.kill()
    bench.engine.launch(without=["--live-restore"])
    try:
        live.wait_until(lambda: not bench.state(killed)["Running"], site.PATIENCE, "the end of the first container")
        bench.do("rm", "--force", killed)
        stopped = bench.shell(f"whittle-{runtime}", [], f"trap 'cat /etc/passwd; exit 0' TERM; cat /etc/group; {cases.WAIT}")
        bench.engine.shut_down()
    finally:
        bench.engine.kill()
        bench.engine.launch()
    equal(bench.state(stopped)["ExitCode"], 0, "status of what was stopped")
    bench.do("rm", stopped)
    for name in (killed, stopped):
        result = bench.recording(name)
        result.complete()
        cases.reads(result, "/etc/group")
    cases.reads(result, "/etc/passwd")


def make_bench(folder):
    return cases.Bench(folder, lambda folder, further: engines.Docker(folder, site.runtimes(), further, ["--live-restore"]))


SOME = ("plain", "init", "user", "no-new-privileges", "privileged")
cases.main("docker", make_bench, {
    "runc": [*map(cases.option_case, cases.OPTIONS), *cases.LIVES, engine_ends, engine_ends_containers, cases.learned("redis"), cases.learned("nginx")],
    "crun": [*map(cases.option_case, SOME), cases.killed, cases.restarted, cases.health_checked, engine_ends,
             cases.learned("redis-dropped"), cases.learned("nginx")],
})
