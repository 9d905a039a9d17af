#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci as `ctr run --runc-binary`, with a containerd of the test's own. Needs root, eBPF and busybox."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402
from live import check, equal  # noqa: E402
import oci_site as site  # noqa: E402
from oci_site import Oci, engines  # noqa: E402


class Containerd:
    """A daemon whose state is all in FOLDER, without CRI."""

    def __init__(self, folder):
        live.need("containerd", "ctr")
        self.folder = os.path.join(folder, "containerd")
        os.mkdir(self.folder)
        base = self.folder
        site.write(f"{base}/config.toml", f'version = 2\nroot = "{base}/root"\nstate = "{base}/state"\n'
                   f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{base}/socket"\n')
        with open(f"{base}/log", "wb") as log:
            self.daemon = subprocess.Popen(["containerd", "--config", f"{base}/config.toml"], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        live.wait_until(lambda: self.daemon.poll() is not None or self.call("version")[0] == 0, site.PATIENCE, "containerd")
        if self.daemon.poll() is not None:
            raise engines.Unavailable(f"containerd does not run here: {site.read(base + '/log')[-300:]}")

    def call(self, *words):
        return live.native(["ctr", "--address", f"{self.folder}/socket", *words])

    def do(self, *words):
        status, out, err = self.call(*words)
        equal(status, 0, f"status of ctr {' '.join(words)}: {out}{err}")
        return out

    def status(self, name):
        rows = [line.split() for line in self.do("task", "ls").splitlines()]
        return next((row[2] for row in rows if row[0] == name), None)

    def shut_down(self):
        self.daemon.terminate()
        self.daemon.wait()


def wrapper(oci):
    """ctr does not hand its environment on to the runtime."""
    path = os.path.join(oci.folder, "whittle-oci")
    site.write(path, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={oci.configuration} exec {site.WHITTLE_OCI} "$@"\n')
    os.chmod(path, 0o755)
    return path


def run_exec_and_remove(containerd, oci):
    """A detached task, a further process in it, and its end."""
    oci.configure(on_failure="refuse")
    oci.bundle("c", "")  # for its root file system
    name = f"task-{oci.name}"
    containerd.do("run", "--rootfs", "--detach", "--cgroup", oci.group(name), "--runc-binary", wrapper(oci), "--seccomp",
                  "--env", "WHITTLE_OUT=rec.jsonl", "--env", "WHITTLE_LABEL=ctr", oci.rootfs("c"), name,
                  "/bin/sh", "-c", f"cat /etc/hello; {site.WAIT}; env >/tmp/env")
    equal(containerd.do("task", "exec", "--exec-id", "added", name, "/bin/cat", "/etc/added"), "added:x:0:0:::\n", "exec")
    equal(containerd.status(name), "RUNNING", "status")
    oci.let_go("c")
    live.wait_until(lambda: containerd.status(name) == "STOPPED", site.PATIENCE, "the task's end")
    containerd.do("task", "rm", name)
    containerd.do("container", "rm", name)
    check("WHITTLE" not in site.read(f"{oci.rootfs('c')}/tmp/env"), "the workload saw what was for whittle")
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    result.one("file", name="/etc/added", access=["read"], phase="exec")
    [run] = result.document["runs"]
    equal((run["runtime"], run["label"], run["container"]), (oci.name, "ctr", name), "the run's header")
    profile = site.profile_of(result.recording, f"{oci.folder}/generated")
    equal(profile[1]["bounding"], [], "capabilities of a workload that needs none")


def killed(containerd, oci):
    oci.bundle("c", "")
    name = f"killed-{oci.name}"
    containerd.do("run", "--rootfs", "--detach", "--cgroup", oci.group(name), "--runc-binary", wrapper(oci), "--seccomp",
                  "--env", "WHITTLE_OUT=rec.jsonl", oci.rootfs("c"), name, "/bin/sh", "-c", f"cat /etc/hello; touch /tmp/here; {site.WAIT}")
    live.wait_until(lambda: os.path.exists(f"{oci.rootfs('c')}/tmp/here"), site.PATIENCE, "the task")
    containerd.do("task", "kill", "--signal", "SIGKILL", name)
    live.wait_until(lambda: containerd.status(name) == "STOPPED", site.PATIENCE, "the task's end")
    containerd.do("task", "rm", name)
    containerd.do("container", "rm", name)
    result = oci.recording()
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")


def add_case(containerd, runtime, function):
    def wrapped(folder):
        function(containerd, Oci(folder, runtime))
    wrapped.__name__ = f"{runtime} {function.__name__}"
    live.case(wrapped)


def main():
    try:
        site.need()
        containerd = Containerd(engines.enter("whittle-ocicontainerd-"))
    except (engines.Unavailable, live.Skip) as reason:
        print(reason)
        sys.exit(77)
    for runtime in site.runtimes():
        for function in (run_exec_and_remove, killed):
            add_case(containerd, runtime, function)
    try:
        live.main()
    finally:
        containerd.shut_down()


if __name__ == "__main__":
    main()
