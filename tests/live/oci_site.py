# SPDX-License-Identifier: Apache-2.0
"""What the tests of whittle-oci share: bundles made of busybox, whittle-oci over a real runtime with a
configuration of its own, and waiting for the recordings of containers that came and went.

A test runs in the namespaces of engines.enter(), with /run, /dev/shm and control groups of its own.
"""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time

import live

sys.path.insert(0, os.path.join(live.SOURCE, "script", "lib"))

import engines  # noqa: E402  (needs the path above)

WHITTLE_OCI = os.path.realpath(os.environ.get("WHITTLE_OCI", os.path.join(os.path.dirname(live.WHITTLE), "whittle-oci")))
PATIENCE = 120  # seconds; a container takes less than one, unless the machine has other things to do
LINKS = ("sh", "cat", "ls", "mkdir", "touch", "sleep", "env", "id", "true", "chown", "nc", "readlink")
KEPT = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP")
# Nothing is in its way, but there is a filter: runtime-init is what comes after.
SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
           "syscalls": [{"names": ["swapoff"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
# Says when it is there, and goes on when it may.
WAIT = "until [ -e /tmp/go ]; do sleep 0.05; done"


def runtimes():
    """Names of the real ones."""
    return [name for name in ("runc", "crun") if real(name)]


def real(name):
    return shutil.which(name, path=engines.PATH)


def need():
    """Before engines.enter(): what no namespace brings."""
    if os.geteuid() == 0 and "bpf" not in live.BACKENDS:
        raise engines.Unavailable("the eBPF backend does not work here: `whittle doctor` tells why")
    if not shutil.which("busybox"):
        raise engines.Unavailable("needs busybox")
    if not runtimes():
        raise engines.Unavailable("needs runc or crun")


def main():
    """Runs the cases of a test that needs no engine."""
    try:
        need()
        engines.enter("whittle-oci-")
    except engines.Unavailable as reason:
        print(reason)
        sys.exit(77)
    live.main()


class Oci:
    """whittle-oci over one runtime, all of whose state is in FOLDER."""

    def __init__(self, folder, runtime, **configuration):
        self.folder, self.name = folder, runtime
        self.real = real(runtime)
        self.state = os.path.join(folder, "state")
        self.output = os.path.join(folder, "recordings")
        self.configuration = os.path.join(folder, "oci.yaml")
        self._calls = 0
        os.mkdir(self.output)
        self.configure(**configuration)

    def configure(self, **words):
        """Keys have _ for -."""
        words = {"runtime": self.real, "output": self.output, **words}
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.writelines(f"{key.replace('_', '-')}: {value}\n" for key, value in words.items())

    # ---- bundles

    def rootfs(self, name):
        return os.path.join(self.folder, name, "rootfs")

    def bundle(self, name, script, *, args=None, env=(), process=(), linux=(), **top):
        """A folder with a root file system and config.json; PROCESS, LINUX and TOP replace what is in there."""
        rootfs = self.rootfs(name)
        for folder, mode in (("bin", 0o755), ("proc", 0o555), ("dev", 0o755), ("sys", 0o555), ("etc", 0o755), ("tmp", 0o1777)):
            os.makedirs(os.path.join(rootfs, folder))
            os.chmod(os.path.join(rootfs, folder), mode)
        shutil.copy2(shutil.which("busybox"), rootfs + "/bin/busybox")
        for link in LINKS:
            os.symlink("busybox", f"{rootfs}/bin/{link}")
        for text in ("hello", "added", "passwd", "group"):
            write(f"{rootfs}/etc/{text}", f"{text}:x:0:0:::\n")
        config = {
            "ociVersion": "1.0.2", "hostname": "tested", "root": {"path": "rootfs", "readonly": False},
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "cwd": "/",
                        "args": args or ["/bin/sh", "-c", script], "env": ["PATH=/bin", *env], "noNewPrivileges": False,
                        "capabilities": {kind: list(KEPT) for kind in ("bounding", "effective", "permitted")},
                        **dict(process)},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}],
            "linux": {"cgroupsPath": self.group(name), "seccomp": SECCOMP,
                      "namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount", "uts")], **dict(linux)},
            **top}
        if config["linux"]["seccomp"] is None:
            del config["linux"]["seccomp"]
        self.write_config(name, config)
        return os.path.join(self.folder, name)

    def group(self, name):
        """A control group that goes with the test's folder."""
        return os.path.join("/", os.path.basename(os.environ["WHITTLE_ENGINE_FOLDER"]), os.path.basename(self.folder), name)

    def config(self, name):
        with open(os.path.join(self.folder, name, "config.json"), encoding="utf-8") as file:
            return json.load(file)

    def write_config(self, name, config):
        write(os.path.join(self.folder, name, "config.json"), json.dumps(config, indent=1))

    def let_go(self, name):
        write(f"{self.rootfs(name)}/tmp/go", "")

    # ---- commands

    def start(self, *words, program=None, environment=(), **popen):
        """The process; its output goes to files, since a container keeps what it is given open."""
        self._calls += 1
        base = os.path.join(self.folder, f"call-{self._calls}")
        env = dict(os.environ, WHITTLE_OCI_CONFIG=self.configuration, **dict(environment))
        del env["WHITTLE_LIVE_TEST"]  # a spare recorder may outlive the case
        with open(base + ".out", "wb") as out, open(base + ".err", "wb") as err:
            process = subprocess.Popen([program or WHITTLE_OCI, "--root", self.state, *words], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, env=env, **popen)
        process.texts = lambda: (read(base + ".out"), read(base + ".err"))
        return process

    def call(self, *words, **options):
        """Its status, output and errors."""
        process = self.start(*words, **options)
        return (ended(process), *process.texts())

    def do(self, *words, **options):
        """What must succeed; gives the output."""
        status, out, err = self.call(*words, **options)
        live.equal(status, 0, f"status of {self.name} {' '.join(words)}: {out}{err}")
        return out

    def status(self, name):
        """What `state` tells; None if there is no such container."""
        status, out, _ = self.call("state", name, program=self.real)
        return json.loads(out) if status == 0 else None

    def await_status(self, name, wanted):
        def there():
            state = self.status(name)
            return state and state["status"] == wanted
        live.wait_until(there, PATIENCE, f"container {name} to be {wanted}")

    def run(self, name, *words, **options):
        """A container from its beginning to its end."""
        return self.call("run", *words, "--bundle", os.path.join(self.folder, name), name, **options)

    def begin(self, name, *words):
        """A container that runs when this returns."""
        self.do("create", *words, "--bundle", os.path.join(self.folder, name), name)
        self.do("start", name)
        live.wait_until(lambda: os.path.exists(f"{self.rootfs(name)}/tmp/here"), PATIENCE, f"container {name} to begin")

    def end(self, name):
        """It may go, and is removed."""
        self.let_go(name)
        self.await_status(name, "stopped")
        self.do("delete", name)

    def delete(self, name):
        self.call("delete", "--force", name, program=self.real)

    # ---- recordings

    def recorders(self):
        return recorders(self.output)

    def recordings(self):
        """All files, from the folder of recordings on."""
        return sorted(os.path.relpath(os.path.join(base, name), self.output)
                      for base, _, names in os.walk(self.output) for name in names)

    def recording(self, name="rec.jsonl"):
        """When it is finished."""
        path = os.path.join(self.output, name)
        return finished(path)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def ended(process):
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"still running after {PATIENCE} s: {process.args}; {process.texts()}") from None


def last_line(path):
    try:
        return json.loads(read(path).splitlines()[-1])
    except (OSError, IndexError, ValueError):
        return {}


def finished(path):
    live.wait_until(lambda: "footer" in last_line(path), PATIENCE, f"the end of the recording {os.path.basename(path)}")
    return live.Result(None, None, None, path)


def phases(result):
    """The names of system calls by phase."""
    calls = {}
    for fact in result.facts("syscall"):
        calls.setdefault(fact["phase"], set()).add(fact["name"])
    return calls


def profile_of(recording, folder):
    """What whittle generate makes of it, as config.json wants it: linux.seccomp and process.capabilities."""
    done = live.native([live.WHITTLE, "generate", "--quiet", "-o", folder, recording])
    live.equal(done[0], 0, f"status of whittle generate: {done[2]}")
    return for_runtime(folder)


def for_runtime(folder):
    """What was generated into FOLDER, as config.json wants it: linux.seccomp and process.capabilities."""
    loader = importlib.machinery.SourceFileLoader("run_in_runc", os.path.join(live.SOURCE, "tests/live/run-in-runc"))
    run_in_runc = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(run_in_runc)
    seccomp = run_in_runc.native_architecture(json.loads(read(os.path.join(folder, "seccomp.json"))))
    kept = [run_in_runc.capability(name) for name in json.loads(read(os.path.join(folder, "capabilities.json")))["add"]]
    return seccomp, {kind: kept for kind in ("bounding", "effective", "permitted")}


def recorders(output):
    """Processes of whittle-oci that write below OUTPUT. (A spare one, which waits for a container, does not.)"""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") == WHITTLE_OCI and any(
                    os.readlink(f"/proc/{pid}/fd/{fd}").startswith(output + "/") for fd in os.listdir(f"/proc/{pid}/fd")):
                found.append(int(pid))
        except OSError:
            pass
    return found


def run_cases(functions, bench):
    """Calls those FUNCTIONS that the command line names, or all, with BENCH, and exits: 77 if none of them could be."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    why = ""
    for function in functions:
        if sys.argv[1:] and function.__name__ not in sys.argv[1:]:
            continue
        begin = time.monotonic()
        verdict, text = "ok", ""
        try:
            function(bench)
        except (live.Skip, engines.Unavailable) as reason:
            verdict, why = "skip", str(reason)
            text = f": {reason}"
        except (AssertionError, engines.EngineError) as reason:
            verdict, text = "FAIL", f": {reason}"
        counts[verdict] += 1
        print(f"{verdict:4} {function.__name__} ({time.monotonic() - begin:.1f} s){text}", flush=True)
    print(f"{sum(counts.values())} cases, {counts['FAIL']} failures, {counts['skip']} skipped")
    if counts["FAIL"]:
        sys.exit(1)
    if counts["skip"] and not counts["ok"]:
        print(why)
        sys.exit(77)
    sys.exit(0)
