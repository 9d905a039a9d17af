#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci as the runtime of Podman without root: it records by the seccomp listener, or says why not.

Needs root, to become a user without privileges whom no file of the system knows, Podman, newuidmap, crun and busybox.
"""
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402
import oci_site as site  # noqa: E402
from live import check, equal  # noqa: E402
from oci_site import engines  # noqa: E402

USER, FIRST, COUNT = 12345, 200000, 65536


class Bench:
    """A user with a home in FOLDER, whose Podman has whittle-oci over crun."""

    def __init__(self, folder):
        self.home = os.path.join(folder, "home")
        self.output = os.path.join(self.home, "recordings")
        self.rootfs = os.path.join(self.home, "rootfs")
        self.runtime = os.path.join(self.home, "runtime")
        self.program = os.path.join(self.home, "whittle-oci")  # the build may be where nobody else comes, as in /root
        runtime_folder = f"/run/user/{USER}"
        for new in (self.rootfs, *(f"{self.rootfs}/{name}" for name in ("bin", "etc", "proc", "dev", "sys", "tmp", "run")), runtime_folder):
            os.makedirs(new)
        shutil.copy2(shutil.which("busybox"), self.rootfs + "/bin/busybox")
        for link in site.LINKS:
            os.symlink("busybox", f"{self.rootfs}/bin/{link}")
        shutil.copy2(site.WHITTLE_OCI, self.program)
        site.write(self.rootfs + "/etc/added", "added\n")
        self.environment = {"PATH": engines.PATH, "HOME": self.home, "XDG_RUNTIME_DIR": runtime_folder}
        self.configuration = os.path.join(self.home, "oci.yaml")
        self.configure(self.configuration, output=self.output)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", self.home, runtime_folder], check=True)
        os.chmod("/run", 0o755)  # as it is on a system
        with open("/etc/passwd", encoding="utf-8") as users:
            self.put("/etc/passwd", f"{users.read()}\nrootless:x:{USER}:{USER}::{self.home}:/bin/sh\n", folder)
        for name in ("subuid", "subgid"):
            self.put("/etc/" + name, f"rootless:{FIRST}:{COUNT}\n", folder)

    def put(self, path, text, folder):
        """In this mount namespace alone."""
        if not os.path.exists(path):
            raise engines.Unavailable(f"needs {path} (package uidmap)")
        own = os.path.join(folder, os.path.basename(path))
        site.write(own, text)
        subprocess.run(["mount", "--bind", own, path], check=True)

    def configure(self, path, **words):
        """PATH is the configuration; it belongs to root unless it has belonged to somebody else."""
        words = {"runtime": "crun", "backend": "listener", **words}
        site.write(path, "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in words.items()))
        site.write(self.runtime, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={path} exec {self.program} "$@"\n')
        os.chmod(self.runtime, 0o755)

    def podman(self, *words, runtime=None):
        """Its status, output and errors."""
        command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "podman", "--log-level=error",
                   "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", runtime or self.runtime, *words]
        done = subprocess.run(command, env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", check=False, timeout=site.PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def do(self, *words, **options):
        status, out, err = self.podman(*words, **options)
        equal(status, 0, f"status of podman {' '.join(words)}: {out}{err}")
        return out

    def run(self, *words, options=(), **more):
        return self.podman("run", "--network=host", *options, "--rootfs", self.rootfs, *words, **more)


def records(bench):
    """A container that runs in the background, with a command added, is stopped: all of it is recorded, and enough for a profile."""
    script = "trap 'exit 3' TERM; cat /etc/added; touch /tmp/here; while :; do sleep 0.05; done"
    here = bench.rootfs + "/tmp/here"
    status, _, err = bench.run("sh", "-c", script, options=["-d", "--name=c", "--env=WHITTLE_OUT=c.jsonl"])
    equal(status, 0, f"status of run -d: {err}")
    live.wait_until(lambda: os.path.exists(here), site.PATIENCE, "the container to begin")
    equal(bench.do("exec", "c", "cat", "/etc/added"), "added\n", "what exec wrote")
    bench.do("stop", "c")
    equal(bench.do("wait", "c"), "3\n", "status of the container")
    equal(bench.do("logs", "c"), "added\n", "what the container wrote, and nobody else")
    bench.do("rm", "c")
    recording = site.finished(bench.output + "/c.jsonl")
    recording.complete()
    for phase in ("run", "exec"):
        recording.one("file", name="/etc/added", access=["read"], phase=phase)
    folder = bench.home + "/profile"
    done = live.native([live.WHITTLE, "generate", "--quiet", "-o", folder, bench.output + "/c.jsonl"])
    equal(done[0], 0, f"status of whittle generate: {done[2]}")
    os.remove(here)
    options = [f"--security-opt=seccomp={folder}/seccomp.json", "--cap-drop=ALL", "-d", "--name=confined"]
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    equal(bench.run("sh", "-c", script, options=options, runtime="crun")[0], 0, "status of run -d, confined")
    live.wait_until(lambda: os.path.exists(here), site.PATIENCE, "the confined container to begin")
    bench.do("stop", "confined", runtime="crun")
    equal(bench.do("wait", "confined", runtime="crun"), "3\n", "status of the confined container")
    bench.do("rm", "confined", runtime="crun")


def configured_by_root(bench):
    """The machine's configuration, whose owner a user namespace does not know."""
    path = os.path.join(os.path.dirname(bench.home), "roots.yaml")
    bench.configure(path, output=bench.output)
    equal(bench.run("cat", "/etc/added", options=["--rm", "--env=WHITTLE_OUT=roots.jsonl"])[:2], (0, "added\n"), "run")
    site.finished(bench.output + "/roots.jsonl").complete()
    os.chmod(path, 0o666)
    status, _, err = bench.run("true", options=["--rm"])
    check(status != 0 and "others than its owner may write it" in err, f"with a file that all may write: {status} {err}")


def says_why_not(bench):
    """Where it cannot record: the container runs, or not, as configured, and the message says what was in the way."""
    path = os.path.join(os.path.dirname(bench.home), "other.yaml")
    bench.configure(path, output="/var/lib/whittle-of-root")
    status, out, err = bench.run("cat", "/etc/added", options=["--name=unrecorded"])
    equal((status, out), (0, "added\n"), f"a container that cannot be recorded: {err}")
    _, out, err = bench.podman("logs", "unrecorded")  # where Podman has what its runtime says
    check("unrecorded" in err and "/var/lib/whittle-of-root" in err, f"the reason: {out} {err}")
    bench.do("rm", "unrecorded")
    for words, reason in (({"output": "/var/lib/whittle-of-root"}, "/var/lib/whittle-of-root"),
                          ({"output": bench.output, "backend": "bpf"}, "user namespace")):
        bench.configure(path, on_failure="refuse", **words)
        status, out, err = bench.run("cat", "/etc/added", options=["--rm"])
        check(status != 0 and not out and reason in err, f"refused: {status} {out} {err}")


def main():
    try:
        site.need()
        for program in ("podman", "crun", "newuidmap", "setpriv"):
            if not shutil.which(program):
                raise engines.Unavailable(f"needs {program}")
        folder = engines.enter("whittle-oci-")
        os.chmod(folder, 0o755)
        bench = Bench(folder)
        status, out, err = bench.run("cat", "/etc/added", options=["--rm"], runtime="crun")
        if (status, out) != (0, "added\n"):
            raise engines.Unavailable(f"Podman without root runs no container here: {err}")
    except engines.Unavailable as reason:
        print(reason)
        sys.exit(77)
    site.run_cases([records, configured_by_root, says_why_not], bench)


main()
