#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle verify --image and --container, with a Docker daemon of the test's own: what was learnt runs under its policy,
what is missing is refused and named, and nothing is left, however verify ends. Needs root, eBPF, Docker and busybox."""
import functools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import live  # noqa: E402
import oci_site as site  # noqa: E402
from live import check, equal  # noqa: E402
from oci_site import engines  # noqa: E402

IMAGE = "localhost/whittle-verify:latest"
LINKS = ("sh", "cat", "chown", "grep", "sleep", "touch", "truncate")
FILE_CAPABILITY = struct.pack("<5I", 0x02000001, 1, 0, 0, 0)  # linux/capability.h: revision 2, effective, CAP_CHOWN
WORK = "cat /etc/group >/dev/null; touch /tmp/file; truncate -s 0 /tmp/file; chown 1 /tmp/file; grep Seccomp: /proc/self/status"


class Bench:
    """The engine, the image, and whittle-oci as the runtime "learning"."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.scratch = os.path.join(folder, "scratch")
        os.mkdir(self.scratch)
        runtime = os.path.join(folder, "learning")
        site.write(f"{runtime}.yaml", f"runtime: {site.real('runc')}\noutput: {folder}\non-failure: refuse\n")
        site.write(runtime, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={runtime}.yaml exec {site.WHITTLE_OCI} "$@"\n')
        os.chmod(runtime, 0o755)
        self.engine = engines.Docker(folder, site.runtimes(), {"learning": runtime})
        os.environ["DOCKER_HOST"] = self.engine.command(None)[2]
        self._load()

    def _load(self):
        root = os.path.join(self.folder, "rootfs")
        for name in ("bin", "etc", "data", "proc", "sys", "dev", "tmp"):
            os.makedirs(f"{root}/{name}")
        shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
        for link in LINKS:
            os.symlink("busybox", f"{root}/bin/{link}")
        os.mkdir(f"{root}/capable")  # programs with file capabilities
        shutil.copy(shutil.which("busybox"), f"{root}/capable/chown")
        os.setxattr(f"{root}/capable/chown", "security.capability", FILE_CAPABILITY)
        site.write(f"{root}/etc/group", "root:x:0:\n")
        site.write(f"{root}/etc/passwd", "root:x:0:0::/:/bin/sh\n")
        subprocess.run(["tar", "-C", root, "--xattrs", "--xattrs-include=security.capability", "-cf",
                        f"{self.folder}/image.tar", "."], check=True)
        self.engine.load(f"{self.folder}/image.tar", IMAGE)
        self.runtimes = engines.startable(self.engine, IMAGE, site.runtimes())
        check("runc" in self.runtimes, "runc")

    def learn(self, script, *options):
        """The policy of a container that runs SCRIPT."""
        self.count += 1
        name = f"learnt-{self.count}"
        recording = os.path.join(self.folder, f"{name}.jsonl")
        self.do("run", "--runtime", "learning", "--network", "host", "--env", f"WHITTLE_OUT={recording}", "--rm",
                "--name", name, *options, IMAGE, "/bin/sh", "-c", script)
        site.finished(recording)
        generated = os.path.join(self.folder, name)
        done = live.native([live.WHITTLE, "generate", "--quiet", "-o", generated, recording])
        equal(done[0], 0, done[2])
        return os.path.join(generated, "policy.yaml")

    def do(self, *words):
        done = subprocess.run(self.engine.command(None, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=engines.LIMIT, check=False)
        equal(done.returncode, 0, f"docker {words[0]}: {done.stderr}")
        return done.stdout

    def command(self, policy, *words):
        return [live.WHITTLE, "verify", "--policy", policy, "--engine", "docker", "--run-arg=--network=host", *words]

    def start(self, policy, *words, **options):
        return subprocess.Popen(self.command(policy, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=dict(os.environ, TMPDIR=self.scratch), **options)

    def verify(self, policy, *words):
        """Its status, the report, and what else it and the container printed."""
        report = os.path.join(self.folder, "report.json")
        status, out, err = live.finish(self.start(policy, "--format", "json", "-o", report, *words))
        check(status in (0, 1), f"status {status}: {out}{err}")
        with open(report, encoding="utf-8") as file:
            document = json.load(file)
        os.unlink(report)
        live.check_schema(document, "verify", self.folder)
        self.leaves_nothing()
        return status, document, out + err

    def left(self):
        """Containers, volumes, scratch files and control groups of a verification."""
        hierarchies = [folder for folder in (engines.GROUPS, *(os.path.join(engines.GROUPS, n) for n in os.listdir(engines.GROUPS)))
                       if os.path.ismount(folder)]
        # Groups have their container's name; other tests' are beside them.
        names = self.do("events", "--since", "0", "--until", "0s", "--filter", "event=create", "--format",
                        "{{.Actor.Attributes.name}}").split()
        groups = [name for folder in hierarchies for name in os.listdir(folder)
                  if name in names and name.startswith("whittle-")]
        return (self.do("ps", "--all", "--quiet", "--filter", "name=whittle-") + self.do("volume", "ls", "--quiet"),
                os.listdir(self.scratch), groups)

    def leaves_nothing(self):
        equal(self.left(), ("", [], []), "what is left")


def without(policy, rule):
    """A copy of POLICY that lacks the one line of RULE."""
    lines = site.read(policy).splitlines(keepends=True)
    kept = [line for line in lines if line.strip() != f"- {rule}"]
    equal(len(kept), len(lines) - 1, f"rules like {rule} in {''.join(lines)}")
    result = policy.replace("policy.yaml", "less.yaml")
    site.write(result, "".join(kept))
    return result


def shell(script):
    return ["--image", IMAGE, "--", "/bin/sh", "-c", script]


def state_of(document, part):
    return next(layer["state"] for layer in document["layers"] if layer["part"] == part)


def learnt_has_no_denials(bench):
    policy = bench.learn(WORK)
    for runtime in bench.runtimes:
        status, document, out = bench.verify(policy, f"--run-arg=--runtime={runtime}", *shell(WORK))
        equal((status, document["findings"], document["intended"]), (0, [], []), f"{runtime}: {out}")
        check("Seccomp:\t2" in out, f"the container's output: {out}")
        equal(state_of(document, "syscalls"), "enforced", "system calls")


def a_missing_rule_is_found(bench):
    policy = bench.learn(WORK)
    status, document, out = bench.verify(without(policy, "ftruncate"), *shell(WORK))
    equal((status, [(f["section"], f["rule"], f["refused"]) for f in document["findings"]]),
          (1, [("syscalls", "ftruncate", True)]), out)
    equal((document["workload"]["exit_status"], document["tolerated"]), (0, True), out)
    status, document, out = bench.verify(without(policy, "CAP_CHOWN"), *shell("touch /tmp/file; chown 1 /tmp/file"))
    equal((status, document["workload"]["exit_status"]), (1, 1), out)
    check("Operation not permitted" in out, out)
    equal([(f["section"], f["rule"], f["refused"]) for f in document["findings"]],
          [("capabilities", "CAP_CHOWN", True)], out)


def capabilities_asked_in_vain(bench):
    """They are named if nothing else that was refused may be why it failed."""
    policy = bench.learn(WORK)
    less = without(policy, "CAP_CHOWN")
    script = "touch /tmp/file; chown 1 /tmp/file; truncate -s 0 /tmp/file"
    status, document, out = bench.verify(less, *shell(script))
    equal((status, document["workload"]["exit_status"], document["findings"]), (0, 0, []), out)
    status, document, out = bench.verify(without(less, "ftruncate"), *shell(script))
    equal((status, document["workload"]["exit_status"]), (1, 1), out)
    equal([(f["section"], f["rule"], f["refused"]) for f in document["findings"]], [("syscalls", "ftruncate", True)], out)


def capabilities_of_another_user(bench):
    """Docker gives a user other than root none, but what programs with file capabilities take up; Podman gives what it
    is told. No rule is proposed that would give nothing."""
    by_itself, by_file = "touch /dev/shm/f; chown 5 /dev/shm/f", "touch /dev/shm/f; /capable/chown 5 /dev/shm/f"
    user = ["--user", "1000:1000", "--cap-add=CHOWN"]
    policy = bench.learn(by_file, *user)
    check("CAP_CHOWN" in site.read(policy), site.read(policy))
    for runtime in bench.runtimes:
        status, document, out = bench.verify(policy, f"--run-arg=--runtime={runtime}", *shell(by_file))
        equal((status, document["findings"]), (0, []), f"{runtime}: {out}")

    policy = bench.learn(f"{by_itself} || true", *user)
    check("CAP_CHOWN" not in site.read(policy), site.read(policy))
    fix = os.path.join(bench.folder, "fix.diff")
    status, document, out = bench.verify(policy, "--fix", fix, *shell(by_itself))
    equal((status, [(f["rule"], f["refused"]) for f in document["findings"]]), (1, [("CAP_CHOWN", True)]), out)
    check("user is not root" in document["findings"][0]["not_proposed"], document["findings"])
    equal(site.read(fix), "", "what is proposed")

    with open(policy, "a", encoding="utf-8") as file:
        file.write("capabilities: [CAP_CHOWN]\n")
    status, document, out = bench.verify(policy, *shell(by_itself))
    equal((status, document["findings"]), (1, []), out)
    check("note: CAP_CHOWN, which the policy has, was refused to /bin/busybox" in out, out)
    done = live.native([live.WHITTLE, "generate", "--quiet", "-o", os.path.join(bench.folder, "noted"), policy])
    check("--cap-add gives user 1000:1000 of Docker" in done[2], done)
    podman, wrapper = podman_of(bench)
    for runtime in bench.runtimes:
        status, document, out = bench.verify(policy, "--engine", wrapper(runtime), *podman(runtime), *shell(by_itself))
        equal((status, document["findings"]), (0, []), f"{runtime}: {out}")


def what_is_expected(bench):
    """The exit status without the policy; and nothing is left of that container either."""
    policy = bench.learn("cat /etc/group >/dev/null; grep Seccomp: /proc/self/status")
    script = "cat /etc/group >/dev/null; grep Seccomp: /proc/self/status; exit 3"
    status, document, out = bench.verify(policy, *shell(script))
    equal((status, document["workload"]["exit_status"]), (1, 3), out)
    status, document, out = bench.verify(policy, "--baseline", *shell(script))
    equal((status, document["expected_status"], document["findings"]), (0, 3, []), out)
    equal(out.count("Seccomp:"), 2, f"two containers: {out}")


def tested_while_it_runs(bench):
    policy = bench.learn(f"{WORK}; trap 'exit 0' TERM; echo up; for i in 1 2 3; do sleep 0.01; done; kill -TERM $$")
    test = os.path.join(bench.folder, "test")
    site.write(test, f"#!/bin/sh\n[ \"$($WHITTLE_ENGINE inspect --format '{{{{.Config.Image}}}}' $WHITTLE_CONTAINER)\" = {IMAGE} ] && exit $1\n")
    os.chmod(test, 0o755)
    script = f"{WORK}; trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"
    for wanted in (0, 3):
        status, document, out = bench.verify(policy, "--test", f"{test} {wanted}", *shell(script))
        equal((status, document["workload"]["exit_status"]), (1 if wanted else 0, wanted), f"{document}{out}")
        equal((state_of(document, "syscalls"), state_of(document, "capabilities")), ("enforced", "enforced"), f"{document}")
        check(("up\n" in out) == (wanted != 0), f"what it said is told if the test fails: {out}")


def like_a_container(bench):
    script = "cat /data/given >/dev/null; [ $GIVEN = there ] && touch /tmp/file && truncate -s 0 /tmp/file"
    given = os.path.join(bench.folder, "given")
    site.write(given, "")
    policy = bench.learn("cat /etc/group >/dev/null; [ / = / ] && touch /tmp/file && truncate -s 0 /tmp/file; sleep 0.01")
    name = bench.engine.start("runc", IMAGE, ["--env", "GIVEN=there", "--volume", f"{given}:/data/given:ro", "--entrypoint", "/bin/sh"],
                              ["-c", f"{script}; sleep 1000"])
    # the second one does not end either: it is told to
    process = bench.start(policy, "--format", "json", "--container", name)
    live.wait_until(lambda: bench.do("ps", "--quiet", "--filter", "name=whittle-") or process.poll() is not None, 60, "the second")
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    status, out, err = live.finish(process)
    check(bench.engine.state(name)["Running"], "the first one ended")
    bench.engine.remove(name)
    equal(status, 1, f"{out}{err}")
    rules = {f["rule"] for f in json.loads(out)["findings"]}
    check("/data/given r" in rules, f"{rules} {err}")
    check("not taken over" in err, err)
    bench.leaves_nothing()


def nothing_is_left(bench):
    """Whoever is killed, and whenever."""
    policy = bench.learn("sleep 0.01")
    for victim, pause in (("caller", 0.3), ("guard", 1), ("worker", 0.6), ("group", 1.5), ("worker", 2), ("caller", 2)):
        process = bench.start(policy, *shell("sleep 1000"), start_new_session=True)
        time.sleep(pause)
        pid = process.pid
        for _ in range({"guard": 1, "worker": 2}.get(victim, 0)):
            pid = next(iter(live.children(pid)), pid)
        (os.killpg if victim == "group" else os.kill)(pid, signal.SIGKILL)
        check(live.finish(process)[0] != 0, f"{victim}: status 0")
        live.wait_until(lambda: bench.left() == ("", [], []), 60, f"the end of all after {victim} was killed {bench.left()}")


@functools.cache
def podman_of(bench):
    """By runtime: the options that it needs here, and a program that is Podman with it."""
    podman = engines.Podman(bench.folder, site.runtimes())
    podman.load(f"{bench.folder}/image.tar", IMAGE)

    def wrapper(runtime):
        path = os.path.join(bench.folder, "podman-here")
        site.write(path, f'#!/bin/sh\nexec {" ".join(podman.command(runtime))} "$@"\n')
        os.chmod(path, 0o755)
        return path

    def words(runtime):
        return [f"--run-arg={word}" for word in podman.options(runtime) if word.startswith("--ulimit") or "=" in word]

    return words, wrapper


def by_podman(bench):
    words_for, wrapper_for = podman_of(bench)
    policy = bench.learn(WORK)
    for runtime in site.runtimes():
        words, wrapper = words_for(runtime), wrapper_for(runtime)
        status, document, out = bench.verify(policy, "--engine", wrapper, *words, *shell(WORK))
        equal((status, document["findings"]), (0, []), f"{runtime}: {out}")
        check("Seccomp:\t2" in out, f"the container's output: {out}")
        equal(state_of(document, "syscalls"), "enforced", "system calls")
        less = without(policy, "ftruncate")
        status, document, out = bench.verify(less, "--engine", wrapper, *words, *shell(WORK))
        equal((status, [f["rule"] for f in document["findings"]]), (1, ["ftruncate"]), f"{runtime}: {out}")


CASES = (learnt_has_no_denials, a_missing_rule_is_found, capabilities_asked_in_vain, capabilities_of_another_user,
         what_is_expected, tested_while_it_runs,
         like_a_container, nothing_is_left, by_podman)


def main():
    if "bpf" not in live.BACKENDS:
        raise engines.Unavailable("the eBPF backend does not work here: `whittle doctor` tells why")
    site.need()
    folder = engines.enter("whittle-verify-")
    bench = Bench(folder)
    try:
        site.run_cases(CASES, bench)
    except engines.EngineError as reason:
        raise engines.Unavailable(f"no container runs here: {reason}") from None
    finally:
        bench.engine.shut_down()


try:
    main()
except engines.Unavailable as why:
    print(why)
    sys.exit(77)
