# SPDX-License-Identifier: Apache-2.0
"""What must hold of whittle-oci as a runtime of a container engine: containers behave as with runc or crun, all that
they do is recorded, and the generated profile lets the plain runtimes run them.
"""
import os
import shutil
import subprocess
import sys

import engine_cases
import engine_site
import live
from live import check, equal
import oci_site as site
from oci_site import engines

IMAGE = engine_cases.IMAGE
STATUS = "busybox grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' /proc/self/status"
WAIT = "until [ -e /tmp/go ]; do busybox sleep 0.05; done"


class Bench:
    """The engine that MAKE_ENGINE(folder, {runtime: path}) gives, with whittle-oci over runc and crun as runtimes
    "whittle-runc" and "whittle-crun", and an image."""

    health = ["--health-cmd", "cat /etc/nsswitch.conf", "--health-interval", "1s", "--health-timeout", "30s"]

    init = ["--init"]

    configuration = ""  # more lines for oci.yaml

    def __init__(self, folder, make_engine):
        self.folder = folder
        self.output = os.path.join(folder, "recordings")
        self.runtimes = site.runtimes()
        self.count = 0
        os.mkdir(self.output)
        rootfs = os.path.join(folder, "rootfs")
        os.mkdir(rootfs)
        engine_site.build(rootfs)
        engine_site.copy_in(rootfs, shutil.which("busybox"))
        engine_site.seed(rootfs)
        tar = os.path.join(folder, "image.tar")
        subprocess.run(["tar", "-C", rootfs, "-cf", tar, "."], check=True)
        self.engine = make_engine(folder, {f"whittle-{name}": self._wrapper(name) for name in self.runtimes})
        self.engine.load(tar, IMAGE)
        status, out, err = self.engine.run("runc", IMAGE, [], ["/bin/sh", "-c", "echo it runs"])
        if (status, out) != (0, "it runs\n"):
            raise engines.Unavailable(f"no container starts here with runc: {err.strip()[-300:]}")

    def _wrapper(self, runtime):
        """Engines do not hand their environment on to a runtime."""
        base = os.path.join(self.folder, f"whittle-{runtime}")
        site.write(f"{base}.yaml", f"runtime: {site.real(runtime)}\noutput: {self.output}\non-failure: refuse\n{self.configuration}")
        site.write(base, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={base}.yaml exec {site.WHITTLE_OCI} "$@"\n')
        os.chmod(base, 0o755)
        return base

    def name(self):
        self.count += 1
        return f"recorded-{self.count}"

    def call(self, *words):
        """A command of the engine: its status, output and errors."""
        return live.native(self.engine.command(None, *words))

    def do(self, *words):
        status, out, err = self.call(*words)
        equal(status, 0, f"status of {self.engine.name} {' '.join(words)}: {out}{err}")
        return out

    def run(self, runtime, options, script, *, wish=None, network="host"):
        """To its end."""
        words = [word for word in self.engine.options(runtime) if word not in ("--network", "host")]
        network = ["--network", network]
        wishes = ["--env", f"WHITTLE_OUT={wish}.jsonl"] if wish else []
        return live.native(self.engine.command(runtime, "run", *words, *network, *wishes, *options, IMAGE, "/bin/sh", "-c", script))

    def start(self, runtime, options, command):
        """In the background; gives its name, which its recording bears as well."""
        name = self.name()
        words = ["run", "--detach", "--name", name, *self.engine.options(runtime), "--env", f"WHITTLE_OUT={name}.jsonl"]
        done = live.native(self.engine.command(runtime, *words, *options, IMAGE, *command))
        equal(done[0], 0, f"status of run: {done[2]}")
        return name

    def shell(self, runtime, options, script):
        """The same for a script, which has begun when this returns."""
        name = self.start(runtime, options, ["/bin/sh", "-c", f"busybox touch /tmp/here; {script}"])
        live.wait_until(lambda: self.call("exec", name, "/bin/ls", "/tmp/here")[0] == 0, site.PATIENCE, f"{name} to begin")
        return name

    def state(self, name):
        return self.engine.state(name)

    def await_healthy(self, name):
        live.wait_until(lambda: self.state(name)["Health"]["Status"] == "healthy", site.PATIENCE, "a healthy container")

    def await_end(self, name):
        live.wait_until(lambda: not self.state(name)["Running"], site.PATIENCE, f"the end of {name}")

    def recording(self, name):
        return site.finished(os.path.join(self.output, f"{name}.jsonl"))

    def close(self):
        self.engine.shut_down()


def needs_what_it_has(result):
    """The kernel asks on behalf of the overlay's mounter too: what the container was not given it did not need."""
    given = set(result.document["runs"][0].get("capabilities", "").split())
    used = {f["name"] for f in result.facts("capability") if f["phase"] != "runtime-init" and "ok" in f["results"]}
    check(used <= given, f"capabilities that nobody gave: {used - given}")


def reads(result, path, phase="run"):
    result.one("file", name=path, access=["read"], phase=phase)


# ---- options of run: as with runc ------------------------------------------------------------------------------

# name: options, script, network. {folder} is the test's; what is printed must be the same under runc.
OPTIONS = {
    "plain": ([], "exit 3", "host"),
    "init": (["--init"], "[ $$ -gt 1 ] && echo child; exit 4", "host"),
    "pid-host": (["--pid=host"], "[ $$ -gt 1 ] && echo many", "host"),
    "network-none": ([], "busybox ifconfig -a | busybox grep -c Link", "none"),
    "read-only": (["--read-only", "--tmpfs", "/tmp"], "echo x >/tmp/x && cat /tmp/x; echo y >/y", "host"),
    "user": (["--user", "65534:65534"], "busybox id -u; cat /root/x", "host"),
    "volume": (["--volume", "{folder}/volume:/volume"], "cat /volume/file; echo more >>/volume/written", "host"),
    "privileged": (["--privileged"], "busybox mount -t tmpfs none /data && echo mounted", "host"),
    "cap-add": (["--cap-add", "SYS_ADMIN"], "echo added", "host"),
    "cap-drop": (["--cap-drop", "ALL"], "busybox chown 7 /etc/group; echo dropped", "host"),
    "no-new-privileges": (["--security-opt", "no-new-privileges"], "echo kept", "host"),
    "unconfined": (["--security-opt", "seccomp=unconfined"], "echo free", "host"),
    "workdir": (["--workdir", "/var/tmp", "--env", "A=B", "--hostname", "elsewhere"], "pwd; echo $A; busybox hostname", "none"),
    "limits": (["--memory", "200m", "--pids-limit", "50", "--cpu-shares", "100"], "ulimit -n", "host"),
}


def option_case(name):
    def case(bench, runtime):
        options, script, network = OPTIONS[name]
        os.makedirs(f"{bench.folder}/volume", exist_ok=True)
        site.write(f"{bench.folder}/volume/file", "in the volume\n")
        options = [word.format(folder=bench.folder) for word in options]
        script = f"cat /etc/group >/dev/null; ls /etc/group; {STATUS}; {script}"
        wish = f"{name}-{runtime}"
        real = bench.run(runtime, ["--rm", *options], script, network=network)
        ours = bench.run(f"whittle-{runtime}", ["--rm", *options], script, wish=wish, network=network)
        equal(ours[:2], real[:2], f"status and output with {options}; {ours[2]}")
        if real[0] == 125 and "OCI runtime" in real[2]:
            raise live.Skip(f"{runtime} itself cannot: {real[2].strip()[-200:]}")
        equal(ours[2], real[2], f"errors with {options}")
        result = bench.recording(wish)
        result.complete()
        reads(result, "/etc/group")
        needs_what_it_has(result)
        equal(result.document["runs"][0]["runtime"], runtime, "the runtime in the header")
        equal(result.document["runs"][0]["no_new_privs"], name == "no-new-privileges", "no_new_privs in the header")
        phases = set(site.phases(result))
        filtered = name not in ("privileged", "unconfined")
        check({"run"} <= phases <= {"run", "runtime-init"}, f"phases {phases}")
        if filtered and name != "no-new-privileges":
            check("runtime-init" in phases, f"no start-up of the runtime: {phases}")
    case.__name__ = f"run {name}"
    return case


# ---- lives -----------------------------------------------------------------------------------------------------

def killed(bench, runtime):
    name = bench.shell(f"whittle-{runtime}", [], f"cat /etc/group; {WAIT}")
    bench.do("kill", name)
    bench.await_end(name)
    equal(bench.state(name)["ExitCode"], 137, "status after kill")
    bench.do("rm", name)
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/group")


def removed_by_force(bench, runtime):
    name = bench.shell(f"whittle-{runtime}", [], f"cat /etc/group; {WAIT}")
    bench.do("rm", "--force", name)
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/group")


def paused(bench, runtime):
    name = bench.shell(f"whittle-{runtime}", [], f"{WAIT}; cat /etc/group; exit 6")
    bench.do("pause", name)
    check(bench.state(name)["Paused"], "it is not paused")
    bench.do("unpause", name)
    bench.do("exec", name, "busybox", "touch", "/tmp/go")
    bench.await_end(name)
    equal(bench.state(name)["ExitCode"], 6, "status")
    bench.do("rm", name)
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/group")


def restarted(bench, runtime):
    """Each time it is another run, with a recording of its own."""
    name = bench.shell(f"whittle-{runtime}", [], f"cat /etc/group; {WAIT}; cat /etc/passwd; exec busybox sleep 1000")
    bench.do("restart", "--time", "1", name)
    bench.do("exec", name, "busybox", "touch", "/tmp/go")
    live.wait_until(lambda: "sleep" in bench.do("top", name), site.PATIENCE, "the second run to go on")
    bench.do("stop", "--time", "1", name)
    bench.do("rm", name)
    first, second = bench.recording(name), bench.recording(f"{name}-2")
    for result in (first, second):
        result.complete()
        reads(result, "/etc/group")
    first.none("file", name="/etc/passwd", phase="run")
    reads(second, "/etc/passwd")


def health_checked(bench, runtime):
    name = bench.shell(f"whittle-{runtime}", bench.health, WAIT)
    bench.await_healthy(name)
    bench.do("rm", "--force", name)
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/nsswitch.conf", "exec")
    result.none("file", name="/etc/nsswitch.conf", phase="run")


def out_of_memory(bench, runtime):
    options = ["--memory", "32m"]
    name = bench.start(f"whittle-{runtime}", options, ["/bin/sh", "-c", "cat /etc/group; exec busybox tail /dev/zero"])
    bench.await_end(name)
    state = bench.state(name)
    bench.do("rm", name)
    if not state["OOMKilled"]:
        raise live.Skip(f"memory is not limited here: {state}")
    equal(state["ExitCode"], 137, "status")
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/group")


def forks_daemons(bench, runtime):
    """What goes on in a session of its own, while the first process waits; --init, where the engine has it, collects it."""
    daemon = "busybox setsid /bin/sh -c 'busybox sleep 0.2; cat /etc/nsswitch.conf; busybox touch /tmp/over' >/dev/null 2>&1 &"
    name = bench.start(f"whittle-{runtime}", bench.init, ["/bin/sh", "-c", f"({daemon}); until [ -e /tmp/over ]; do busybox sleep 0.05; done"])
    bench.await_end(name)
    equal(bench.state(name)["ExitCode"], 0, "status")
    bench.do("rm", name)
    result = bench.recording(name)
    result.complete()
    reads(result, "/etc/nsswitch.conf")


def at_once(bench, runtime):
    """Several containers, each with its own recording."""
    paths = ("group", "passwd", "nsswitch.conf")
    names = [bench.start(f"whittle-{runtime}", [], ["/bin/sh", "-c", f"{WAIT}; exec cat /etc/{path}"]) for path in paths]
    for name in reversed(names):
        bench.do("exec", name, "busybox", "touch", "/tmp/go")
    for name, own in zip(names, paths):
        bench.await_end(name)
        bench.do("rm", name)
        result = bench.recording(name)
        result.complete()
        found = {f["name"] for f in result.facts("file", subject="/bin/cat") if f["name"].startswith("/etc/")}
        equal({path for path in found if path.split("/")[2] in paths}, {f"/etc/{own}"}, f"files of {name}")


LIVES = (killed, removed_by_force, paused, restarted, health_checked, out_of_memory, forks_daemons, at_once)


# ---- from a recording to a profile ------------------------------------------------------------------------------

def learned(workload_name):
    def case(bench, runtime):
        """Recorded under load with all that engines do; then the same requests under plain runtimes with the profile."""
        workload = engine_site.WORKLOADS[workload_name]
        user = [f"--user={workload.user}:{workload.user}"] if workload.user else []
        name = bench.start(f"whittle-{runtime}", [*user, *bench.health], workload.command)

        def alive():
            check(bench.state(name)["Running"], f"it ended: {bench.state(name)} {bench.engine.logs(name)[-800:]}")

        workload.use(alive, lambda number: bench.engine.signal(name, engine_cases.signal.Signals(number).name))
        equal(bench.do("exec", name, "/bin/sh", "-c", "cat /etc/passwd >/dev/null; ls /etc/group"), "/etc/group\n", "exec")
        bench.await_healthy(name)
        equal(bench.engine.stop(name), 0, f"the status after stop: {bench.engine.logs(name)[-800:]}")
        bench.do("rm", name)
        result = bench.recording(name)
        result.complete()
        equal(set(site.phases(result)), {"runtime-init", "run", "exec"}, "phases")
        reads(result, "/etc/passwd", "exec")
        reads(result, "/etc/nsswitch.conf", "exec")
        needs_what_it_has(result)
        profile = engine_cases.Profile(bench, name, result.recording)
        for plain in bench.runtimes:
            for nnp in ([], ["--security-opt=no-new-privileges"]):
                serves_again(bench, plain, profile, workload, [*bench.health, *(word for word in nnp if word not in profile.arguments)])
    case.__name__ = f"{workload_name} learned"
    return case


def serves_again(bench, runtime, profile, workload, options):
    profile.load_apparmor("-r")
    name = bench.engine.start(runtime, IMAGE, [*profile.arguments, *options], workload.command, cwd=profile.folder)

    def alive():
        state = bench.state(name)
        check(state["Running"], f"with {runtime} {options} it ended: {state} {bench.engine.logs(name)[-800:]}")

    try:
        workload.use(alive, lambda number: bench.engine.signal(name, engine_cases.signal.Signals(number).name))
        equal(engine_cases.status_of(bench.state(name)["Pid"])["Seccomp"], "2", "the container's Seccomp mode")
        equal(bench.do("exec", name, "/bin/sh", "-c", "cat /etc/passwd >/dev/null; ls /etc/group"), "/etc/group\n", "exec")
        bench.await_healthy(name)
        equal(bench.engine.stop(name), 0, f"the status after stop; it said {bench.engine.logs(name)[-800:]}")
    except AssertionError as reason:
        raise AssertionError(f"{runtime} {options}: {reason}; the container said: {bench.engine.logs(name)[-600:]}") from None
    finally:
        bench.engine.remove(name)
        profile.load_apparmor("-R")


def add_case(bench, runtime, function):
    def wrapped(_folder):
        function(bench, runtime)
    wrapped.__name__ = f"{runtime} {function.__name__}"
    live.case(wrapped)


def main(name, make_bench, cases):
    """CASES: functions by runtime."""
    try:
        site.need()
        bench = make_bench(engines.enter(f"whittle-oci{name}-"))
    except (engines.Unavailable, engines.EngineError, live.Skip) as reason:
        print(f"{name}: {reason}")
        sys.exit(77)
    for runtime in bench.runtimes:
        for function in cases[runtime]:
            add_case(bench, runtime, function)
    try:
        live.main()
    finally:
        bench.close()
