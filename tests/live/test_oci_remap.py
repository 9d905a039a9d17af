#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Docker daemon with userns-remap: whittle-oci records its containers, and `record --container` knows them by name.

Needs root, eBPF and busybox. Root in these containers is nobody outside.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402
import oci_cases as cases  # noqa: E402
from oci_cases import engines, site  # noqa: E402
from live import check, equal  # noqa: E402

RANGE = "nobody:200000:65536\nnogroup:200000:65536\n"


class Remapped(engines.Docker):
    """The network of the host is not for other user namespaces."""

    def options(self, runtime):
        return ["--runtime", runtime, "--network", "none"]


def make_engine(folder, further):
    os.chmod(folder, 0o755)
    for name in ("subuid", "subgid"):
        if not os.path.exists(f"/etc/{name}"):
            raise engines.Unavailable(f"needs /etc/{name} (package login)")
        path = os.path.join(folder, name)
        site.write(path, RANGE)
        subprocess.run(["mount", "--bind", path, f"/etc/{name}"], check=True)
    return Remapped(folder, site.runtimes(), further, ["--userns-remap=nobody:nogroup"])


def as_runtime(bench, runtime):
    name = bench.shell(f"whittle-{runtime}", [], f"cat /etc/group; cat /proc/self/uid_map; {cases.WAIT}")
    check("200000" in bench.do("logs", name), "it is in no user namespace of its own")
    bench.do("exec", name, "/bin/cat", "/etc/passwd")
    bench.do("exec", name, "busybox", "touch", "/tmp/go")
    bench.await_end(name)
    bench.do("rm", name)
    result = bench.recording(name)
    result.complete()
    [run] = result.document["runs"]
    equal((run["container"], run["engine"], run["image"]), (name, "docker", cases.IMAGE), "the header")
    cases.reads(result, "/etc/group")
    cases.reads(result, "/etc/passwd", "exec")


def by_name(bench, runtime):
    name = bench.shell(runtime, [], f"{cases.WAIT}; cat /etc/group")
    recording = os.path.join(bench.folder, f"{name}.jsonl")
    process = subprocess.Popen([live.WHITTLE, "record", "-o", recording, "--container", name],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    live.wait_until(lambda: os.path.exists(recording) or process.poll() is not None, site.PATIENCE, "whittle")
    bench.do("exec", name, "busybox", "touch", "/tmp/go")
    status, _, err = live.finish(process)
    equal(status, 0, f"status: {err}")
    bench.await_end(name)
    bench.do("rm", name)
    cases.reads(site.finished(recording), "/etc/group")


cases.main("remap", lambda folder: cases.Bench(folder, make_engine), {"runc": [as_runtime, by_name], "crun": [as_runtime]})
