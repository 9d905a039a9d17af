# SPDX-License-Identifier: Apache-2.0
"""What must hold of the generated files under a container engine, once for each OCI runtime it can use.

redis and nginx are recorded in a root file system, which then becomes an image; they run from that image
with the arguments that docker.args lists, literally, from the folder that whittle generate wrote. The
requests must be answered as before, the profile be in force, and what is outside it be denied.
"""
import csv
import errno
import functools
import json
import os
import signal
import shutil
import subprocess
import sys

import engine_site as site
import live

sys.path.insert(0, os.path.join(live.SOURCE, "script", "lib"))

import engines  # noqa: E402  (needs the path above)

IMAGE = "localhost/whittle-test:latest"
DENIED_AT_LEAST = 3


class Bench:
    """The engine, the image, and the profiles, each made when first asked for."""

    def __init__(self, engine_name, folder):
        self.folder = folder
        self.rootfs = os.path.join(folder, "rootfs")
        self.runtimes = [r for r in ("runc", "crun") if shutil.which(r)]
        if not self.runtimes:
            raise engines.Unavailable("needs runc or crun")
        os.mkdir(self.rootfs)
        site.build(self.rootfs)
        site.seed(self.rootfs)
        tar = os.path.join(folder, "image.tar")
        subprocess.run(["tar", "-C", self.rootfs, "-cf", tar, "."], check=True)
        self.engine = engines.ENGINES[engine_name](folder, self.runtimes)
        try:
            self.engine.load(tar, IMAGE)
            self.runtimes = engines.startable(self.engine, IMAGE, self.runtimes)
        except engines.EngineError as reason:
            raise engines.Unavailable(f"no container runs here at all: {reason}") from None
        whittle = os.path.realpath(live.WHITTLE)
        site.copy_in(self.rootfs, whittle)  # only now: not part of the image
        site.open_way(self.rootfs, whittle)
        site.mount_kernel_files(self.rootfs)

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def profile(self, name):
        return Profile(self, name, site.record(self.rootfs, name))

    def close(self):
        site.unmount_kernel_files(self.rootfs)
        self.engine.shut_down()


class Profile:
    """What whittle generate made of a recording."""

    def __init__(self, bench, name, recording, *options):
        self.folder = os.path.join(bench.folder, f"profile-{name}")
        # AppArmor has one list of profiles for the whole machine: a name of our own
        self.name = f"{os.path.basename(bench.folder)}-{name}"
        done = subprocess.run([live.WHITTLE, "generate", "--quiet", "--name", self.name, *options, "-o", self.folder,
                               recording], capture_output=True, text=True, check=False)
        live.equal(done.returncode, 0, f"status of whittle generate: {done.stderr}")

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    @property
    def arguments(self):
        """docker.args; without AppArmor's line where the kernel has none, as its user would have to."""
        lines = self.read("docker.args").splitlines()
        apparmor = f"--security-opt=apparmor={self.name}"
        live.check(apparmor in lines, f"docker.args lacks {apparmor}")
        live.equal(lines, " ".join(lines).split(), "docker.args as $(cat docker.args) gives it")
        if not kernel_has_apparmor():
            lines.remove(apparmor)
        return lines

    @property
    def capabilities(self):
        with open(os.path.join(live.SOURCE, "profiles/tables/capabilities.csv"), encoding="ascii") as file:
            numbers = {row[1]: int(row[0]) for row in csv.reader(file) if row[0].isdigit()}
        added = json.loads(self.read("capabilities.json"))["add"]
        live.equal([f"--cap-add={name}" for name in added],
                   [line for line in self.arguments if line.startswith("--cap-add=")], "docker.args' capabilities")
        return sum(1 << numbers[name] for name in added)

    def denial(self, call):
        """The errno with which the profile answers CALL whatever its arguments; None if it allows any of them."""
        profile = json.loads(self.read("seccomp.json"))
        result = profile.get("defaultErrnoRet", errno.EPERM)
        for rule in profile["syscalls"]:
            if call in rule["names"]:
                if rule["action"] != "SCMP_ACT_ERRNO":
                    return None
                result = rule.get("errnoRet", errno.EPERM)
        return result

    def load_apparmor(self, option):
        if kernel_has_apparmor():
            subprocess.run(["apparmor_parser", option, os.path.join(self.folder, "apparmor.profile")], check=True)


def kernel_has_apparmor():
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
            return file.read().strip() == "Y"
    except OSError:
        return False


# ---- the cases ---------------------------------------------------------------------------------------

def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def mount_options(pid, point):
    with open(f"/proc/{pid}/mounts", encoding="utf-8", errors="replace") as file:
        found = [line.split()[3].split(",") for line in file if line.split()[1] == point]
    live.check(found, f"nothing is mounted at {point}")
    return found[-1]


def check_in_force(profile, pid):
    """The profile's words are the kernel's facts about the process."""
    status = status_of(pid)
    live.equal(status["Seccomp"], "2", "the container's Seccomp mode")
    uid = int(status["Uid"].split()[0])
    live.equal(int(status["CapBnd"], 16), profile.capabilities, "the container's CapBnd")
    for line in ("CapEff", "CapPrm"):
        live.equal(int(status[line], 16), 0 if uid else profile.capabilities, f"the container's {line}")
    live.equal(status["NoNewPrivs"], str(int("--security-opt=no-new-privileges" in profile.arguments)),
               "the container's NoNewPrivs")
    if "--read-only" in profile.arguments:
        live.check("ro" in mount_options(pid, "/"), "the container's root is writable")
    for line in profile.arguments:
        if line.startswith(("--tmpfs=", "--volume=")):
            live.check("rw" in mount_options(pid, line.partition("=")[2].partition(":")[0]), f"{line} is not writable")


def serves(bench, runtime, profile, workload):
    """The workload does under its profile what it did before, and ends well when it is told to stop."""
    profile.load_apparmor("-r")
    name = bench.engine.start(runtime, IMAGE, profile.arguments, workload.command, cwd=profile.folder)

    def alive():
        live.check(bench.engine.state(name)["Running"], f"it ended: {bench.engine.state(name)} "
                                                        f"{bench.engine.logs(name)[-800:]}")

    try:
        workload.use(alive, lambda number: bench.engine.signal(name, signal.Signals(number).name))
        check_in_force(profile, bench.engine.state(name)["Pid"])
        if workload.user:
            live.check(f"--user={workload.user}:{workload.user}" in profile.arguments, "docker.args lacks the user")
        live.equal(bench.engine.stop(name), 0, f"the status after stop; it said {bench.engine.logs(name)[-800:]}")
    except AssertionError as reason:
        raise AssertionError(f"{reason}; the container said: {bench.engine.logs(name)[-800:]}") from None
    finally:
        bench.engine.remove(name)
        profile.load_apparmor("-R")


def serving(name):
    def case(bench, runtime):
        serves(bench, runtime, bench.profile(name), site.WORKLOADS[name])
    case.__name__ = f"{name} serves"
    return case


def probe(bench, runtime, options, cwd):
    status, out, err = bench.engine.run(runtime, IMAGE, options, ["/engine_probe"], cwd=cwd)
    live.equal(status, 0, f"the probe's status: {err[-500:]}")
    return {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}


def denies(bench, runtime):
    """Calls outside the profile get its error, and without the profile they don't."""
    profile = bench.profile("redis")
    # redis' AppArmor profile lets nothing else be executed, the probe neither.
    options = [line for line in profile.arguments if not line.startswith("--security-opt=apparmor=")]
    got = probe(bench, runtime, options, profile.folder)
    free = probe(bench, runtime, ["--security-opt=seccomp=unconfined", "--cap-drop=ALL"], profile.folder)
    telling = 0
    for call, error in got.items():
        wanted = profile.denial(call)
        if wanted is None:
            continue
        live.equal(error, wanted, f"errno of {call}, which the profile denies")
        telling += free[call] != wanted
    live.check(telling >= DENIED_AT_LEAST, f"only {telling} calls show that it is the profile that denies: {free}")


def passes_status_on(bench, runtime):
    """A job's output and exit status."""
    command = ["/bin/sh", "-c", "echo out; cat /missing; exit 7"]
    status, recording = site.record_command(bench.rootfs, f"job-{runtime}", command)
    live.equal(status, 7, "the recorded job's status")
    profile = Profile(bench, f"job-{runtime}", recording)
    profile.load_apparmor("-r")
    try:
        status, out, err = bench.engine.run(runtime, IMAGE, profile.arguments, command, cwd=profile.folder)
    finally:
        profile.load_apparmor("-R")
    live.equal((status, out), (7, "out\n"), f"the job's status and output: {err[-500:]}")
    live.check("No such file" in err, f"cat's message: {err[-500:]}")


def apparmor_compiles(bench):
    live.need("apparmor_parser")
    for profile in map(bench.profile, site.WORKLOADS):
        done = subprocess.run(["apparmor_parser", "-QK", os.path.join(profile.folder, "apparmor.profile")],
                              capture_output=True, text=True, check=False)
        live.equal(done.returncode, 0, f"status of apparmor_parser: {done.stderr}")


def leaves_nothing(bench):
    """No container, no volume."""
    for words in (("ps", "--all", "--quiet"), ("volume", "ls", "--quiet")):
        done = subprocess.run(bench.engine.command(None, *words), capture_output=True, text=True, check=True)
        live.equal(done.stdout, "", f"{bench.engine.name} {' '.join(words)}")


def add_case(function, bench, runtime=None):
    def wrapped(_folder):
        function(bench, *([runtime] if runtime else []))
    wrapped.__name__ = f"{bench.engine.name}{'/' + runtime if runtime else ''} {function.__name__}"
    live.case(wrapped)


def main(engine_name):
    try:
        folder = engines.enter(f"whittle-{engine_name}-")
        bench = Bench(engine_name, folder)
    except (engines.Unavailable, live.Skip) as reason:
        print(f"{engine_name}: {reason}")
        sys.exit(77)
    if not kernel_has_apparmor():
        print("note this kernel has no AppArmor: --security-opt=apparmor=… is left out, the profile only compiled")
    for runtime in bench.runtimes:
        for function in (*map(serving, site.WORKLOADS), denies, passes_status_on):
            add_case(function, bench, runtime)
    add_case(apparmor_compiles, bench)
    add_case(leaves_nothing, bench)
    try:
        live.main()
    finally:
        bench.close()
