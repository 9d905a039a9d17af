#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole servers, as services.py has them, in images made of Debian's packages: each is recorded by whittle-oci under
Docker while it is used, health-checked, entered, restarted and stopped, and then lives the same life with the generated
docker.args under plain runc and crun, with and without no-new-privileges, and under Podman.

The profiles are tried on other builds, too: the same services of the next release, with another C library, and with
other shells. What fails there has to be accounted for by `whittle verify --image`, and mended by what that proposes.

Needs root, eBPF, Docker, mmdebstrap and, when it is first run, the network.
"""
import errno
import functools
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import engine_cases  # noqa: E402
import live  # noqa: E402
import oci_cases  # noqa: E402
import oci_site as site  # noqa: E402
import service_images as images  # noqa: E402
import services  # noqa: E402
from live import check, equal  # noqa: E402
from oci_site import engines  # noqa: E402
from services import SERVICES  # noqa: E402

LEARNT, NEXT = images.PACKAGES
IMAGE = "localhost/whittle-{}:latest"
TARS = "WHITTLE_SERVICE_IMAGES"  # what was fetched, in the environment
ROUNDS = 8
TRIED_FIRST = ("clone3", "close_range", "copy_file_range", "epoll_pwait2", "faccessat2", "fchmodat2", "openat2", "statx")
BY_LISTENER = ("dnsmasq", "memcached", "flask")
IN_NEXT = [name for name in SERVICES if name not in ("mariadb", "postgres", "sshd")]
WITH_SHELLS = ("apache", "flask", "php")


class Bench(oci_cases.Bench):
    """Docker with whittle-oci over runc as the runtime "whittle-runc", one without eBPF, and the images."""

    def __init__(self, folder, tars):  # pylint: disable=super-init-not-called
        self.folder, self.tars = folder, tars
        self.output = os.path.join(folder, "recordings")
        self.runtimes, self.count = site.runtimes(), 0
        self.key = os.path.join(folder, "key")
        os.mkdir(self.output)
        live.need("ssh-keygen")
        equal(live.native(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key])[0], 0, "status of ssh-keygen")
        further = {"whittle-runc": self._wrapper("runc")}
        site.write(f"{folder}/listener.yaml", f"runtime: {site.real('runc')}\noutput: {self.output}\nbackend: listener\n")
        program = f'WHITTLE_OCI_CONFIG={folder}/listener.yaml exec {site.WHITTLE_OCI} "$@"'
        site.write(f"{folder}/listener", f"#!/bin/sh\n{program}\n")
        os.chmod(f"{folder}/listener", 0o755)
        self.engine = engines.Docker(folder, self.runtimes, {**further, "listener": f"{folder}/listener"})
        os.environ["DOCKER_HOST"] = self.engine.command(None)[2]

    def rootfs(self, release):
        path = os.path.join(self.folder, release)
        if not os.path.exists(path):
            images.unpack(self.tars[release], path)
            images.lay_over(path, self.key + ".pub")
        return path

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def tar(self, release, shell=None):
        path = os.path.join(self.folder, f"{release}-{shell}.tar")
        images.set_shell(self.rootfs(release), shell or "dash")
        images.pack(self.rootfs(release), path)
        return path

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def image(self, release=LEARNT, shell=None):
        """Its name; Docker has it."""
        name = IMAGE.format(f"{release}-{shell or 'dash'}")
        self.engine.load(self.tar(release, shell), name)
        return name

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def podman(self):
        engine = engines.Podman(self.folder, self.runtimes)
        engine.load(self.tar(LEARNT), self.image())
        return engine

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def recordings(self, service, runtime="whittle-runc", image=None):
        """The folder of those of one life of SERVICE."""
        self.count += 1
        folder = f"{service}-{self.count}"
        user = SERVICES[service].user
        options = ["--env", f"WHITTLE_OUT={folder}/", *([f"--user={user}:{user}"] if user else [])]
        self.live(service, self.engine, runtime, image or self.image(), options)
        folder = os.path.join(self.output, folder)
        files = [os.path.join(folder, name) for name in os.listdir(folder)]
        equal(len(files), 2, f"recordings of a container that was started twice: {files}")
        for path in files:
            site.finished(path).complete()
        return folder

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def profile(self, service, *options, recordings=()):
        self.count += 1
        return engine_cases.Profile(self, f"{service}-{self.count}", (recordings or [self.recordings(service)])[0],
                                    *options, *recordings[1:])

    def live(self, name, engine, runtime, image, options, profile=None, health=True):
        """A life, with a profile in force or without: it starts, serves, is healthy, is entered, restarted, and stopped."""
        service = SERVICES[name]
        options = [*(profile.arguments if profile else []), *options, *(self.health if health else []),
                   *([f"--env={service.environment}"] if service.environment else []),
                   *([f"--stop-signal={service.stop_signal}"] if service.stop_signal else [])]
        container = engine.start(runtime, image, options, service.command,
                                 cwd=profile.folder if profile else "/")
        handle = services.Container(engine.command(None), container, self.key)

        def alive():
            state = engine.state(container)
            check(state["Running"], f"it ended: {state}")

        try:
            services.until(lambda: service.ready(handle), alive)
            if profile:
                in_force(profile, engine.state(container)["Pid"])
            service.use(handle)
            handle.exec("sh", "-c", "cat /etc/passwd >/dev/null; ls / >/dev/null; id -u; ps >/dev/null")
            if health:
                self.await_healthy(container)
            equal(handle.call("restart", "--time", "30", container).returncode, 0, "status of restart")
            services.until(lambda: service.ready(handle), alive)
            service.use(handle)
            alive()
            equal(engine.stop(container), service.status, "the status after stop")
        except AssertionError as reason:
            raise AssertionError(f"{name} with {runtime} of {image}: {reason}; it said "
                                 f"{engine.logs(container)[-900:]}") from None
        finally:
            engine.remove(container)

    def close(self):
        self.engine.shut_down()


# ---- the cases -----------------------------------------------------------------------------------

def in_force(profile, pid):
    status = engine_cases.status_of(pid)
    equal((status["Seccomp"], int(status["CapBnd"], 16)), ("2", profile.capabilities), "Seccomp and CapBnd")


def confined(bench, service, image, profile, runtimes=None):
    """SERVICE lives in IMAGE under the plain runtimes with a profile."""
    for runtime in runtimes or bench.runtimes:
        for further in ([], ["--security-opt=no-new-privileges"]):
            if further and further[0] in profile.arguments:
                continue
            bench.live(service, bench.engine, runtime, image, further, profile)


def docker(bench, service):
    confined(bench, service, bench.image(), bench.profile(service))


def podman(bench, service):
    profile = bench.profile(service)
    for runtime in bench.runtimes:
        bench.live(service, bench.podman(), runtime, bench.image(), [], profile, health=False)


def by_listener(bench, service):
    """Without eBPF."""
    profile = bench.profile(service, recordings=(bench.recordings(service, "listener"),))
    confined(bench, service, bench.image(), profile)


def verify(bench, service, profile, image, fix):
    """What `whittle verify --image` says of SERVICE in another image: its status and report."""
    report = os.path.join(bench.folder, "report.json")
    own = SERVICES[service]
    runs = ["--network=host", *bench.health, *([f"--env={own.environment}"] if own.environment else [])]
    test = f"{live.PYTHON} {os.path.realpath(__file__)} --ask {service}"
    done = subprocess.run([live.WHITTLE, "verify", "--policy", os.path.join(profile.folder, "policy.yaml"), "--image", image,
                           "--engine", "docker", *(f"--run-arg={word}" for word in runs), "--test", test, "--fix", fix,
                           "--format", "json", "-o", report, "--", *own.command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False)
    check(done.returncode in (0, 1), f"status of whittle verify: {done.returncode}: {done.stderr[-600:]}")
    with open(report, encoding="utf-8") as file:
        return done.returncode, json.load(file)


def accounted_for(bench, service, profile, image):
    """It fails in IMAGE. `whittle verify` says what is denied and proposes rules; applied, again and again since one
    denial may hide another, they make it work. Gives what was named."""
    named = []
    for count in range(ROUNDS):
        fix = os.path.join(bench.folder, f"fix-{count}.diff")
        status, report = verify(bench, service, profile, image, fix)
        if status == 0:
            confined(bench, service, image, profile, ["runc"])
            return named
        findings = [finding["rule"] for finding in report["findings"]]
        check(findings, f"whittle verify says no, and names nothing: {report}")
        named += findings
        policy = os.path.join(profile.folder, "policy.yaml")
        done = live.native(["patch", "--no-backup-if-mismatch", policy, fix])
        equal(done[0], 0, f"status of patch: {done[1]}{done[2]}")
        profile = engine_cases.Profile(bench, f"{os.path.basename(profile.folder)}-{count}", policy)
    raise AssertionError(f"{ROUNDS} rounds did not make it work: {named}")


def verified(bench, service):
    """In the image that it was learnt from there is nothing to name."""
    status, report = verify(bench, service, bench.profile(service), bench.image(), os.path.join(bench.folder, "fix.diff"))
    equal((status, report["findings"]), (0, []), "status and findings of whittle verify")


def other_build(bench, service, image):
    """It lives in IMAGE, or whittle gives an account, which is returned."""
    profile = bench.profile(service)
    try:
        confined(bench, service, image, profile, ["runc"])
    except AssertionError as reason:
        named = accounted_for(bench, service, profile, image)
        print(f"note {service} in {image}: {str(reason)[:200]!r}; verify named {len(named)}: {', '.join(named[:12])}")
        return named
    return []


def next_release(bench, service):
    """Of newer servers, which may ask for more. What a newer C library tries first it may have, or is told that the
    kernel has not."""
    profile = bench.profile(service)
    wrong = [call for call in TRIED_FIRST if profile.denial(call) not in (None, errno.ENOSYS)]
    check(not wrong, f"not answered with ENOSYS: {wrong}")
    other_build(bench, service, bench.image(NEXT))


def busybox_as_shell(bench, service):
    other_build(bench, service, bench.image(LEARNT, "busybox"))


def bash_as_shell(bench, service):
    """It asks for more than dash at its start: with `--generalize broad` it has that, and without it has to fail, or
    nothing of the account has been tried."""
    image = bench.image(LEARNT, "bash")
    confined(bench, service, image, bench.profile(service, "--generalize", "broad"), ["runc"])
    named = other_build(bench, service, image)
    check(any("getpgrp" in word for word in named), f"what verify named: {named}")


def add(bench, function, names):
    for name in names:
        def wrapped(_folder, name=name):
            function(bench, name)
        live.add_case(f"{name} {function.__name__}", wrapped)


def main():
    if sys.argv[1:2] == ["--ask"]:
        services.ask_from_outside(sys.argv[2])
        return
    try:
        site.need()
        if not os.environ.get(TARS):  # outside, where the network is
            os.environ[TARS] = json.dumps({release: images.fetch(release) for release in images.PACKAGES})
        bench = Bench(engines.enter("whittle-services-"), json.loads(os.environ[TARS]))
        bench.runtimes = engines.startable(bench.engine, bench.image(), bench.runtimes)
    except (engines.Unavailable, engines.EngineError, live.Skip) as reason:
        print(reason)
        sys.exit(77)
    add(bench, docker, SERVICES)
    add(bench, podman, SERVICES)
    add(bench, by_listener, BY_LISTENER)
    add(bench, verified, WITH_SHELLS)
    add(bench, next_release, IN_NEXT)
    add(bench, busybox_as_shell, WITH_SHELLS)
    add(bench, bash_as_shell, WITH_SHELLS)
    try:
        live.main()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
