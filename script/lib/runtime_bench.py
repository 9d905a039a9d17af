# SPDX-License-Identifier: Apache-2.0
"""Run one container under a given seccomp profile, in many variations: the bench of measure-runtimes."""
import ctypes
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

import runtime_inspect as inspect
import runtime_trace as trace
from runtime_variations import SOME_CAPS

LEAST_TIMEOUT, MOST_TIMEOUT = 6, 40  # seconds; on an idle machine a container starts in a tenth of one
MOST_OUTPUT = 1 << 26  # bytes
PATIENCE = 0.3  # for a runtime whose container has failed already
PR_SET_CHILD_SUBREAPER = 36

# The entrypoint: it waits to be looked at, and it has no library, so that every other call is the runtime's.
ENTRYPOINT = "1: mov $34, %eax; syscall; jmp 1b"
ENTRYPOINT_CALLS = frozenset({"pause"})

# What Go's scheduler, collector and poller may call at any time in the thread under the filter, whatever
# runc does there; README.md says where in Go's source each comes from. Observation finds some of them
# only by luck, and whether they matter in one run is luck as well.
GO_TIMING = frozenset({
    "clock_gettime", "epoll_ctl", "epoll_pwait", "futex", "getpid", "madvise", "mmap", "munmap", "nanosleep",
    "restart_syscall", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "tgkill",
})

class Seccomp:
    """The few functions of libseccomp that are needed: names, and the filter crun keeps for exec."""

    def __init__(self):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.lib.seccomp_init.argtypes = [ctypes.c_uint32]
        self.lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                                    ctypes.c_uint, ctypes.c_void_p]
        self.lib.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self.lib.seccomp_release.argtypes = [ctypes.c_void_p]
        self.lib.seccomp_arch_native.restype = ctypes.c_uint32
        self.lib.seccomp_syscall_resolve_num_arch.argtypes = [ctypes.c_uint32, ctypes.c_int]
        self.lib.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
        libc = ctypes.CDLL(None)
        libc.free.argtypes = [ctypes.c_void_p]
        self.numbers = {}
        for number in range(1024):
            name = self.lib.seccomp_syscall_resolve_num_arch(self.lib.seccomp_arch_native(), number)
            if name:
                self.numbers[ctypes.string_at(name).decode()] = number
                libc.free(name)

    def export(self, path, allowed, answer):
        context = self.lib.seccomp_init(0x00050000 | answer)
        try:
            for name in sorted(allowed):
                if name in self.numbers and self.lib.seccomp_rule_add_array(
                        context, 0x7fff0000, self.numbers[name], 0, None):
                    raise OSError(f"libseccomp refuses {name}")
            with open(path, "wb") as file:
                if self.lib.seccomp_export_bpf(context, file.fileno()):
                    raise OSError("libseccomp cannot export")
        finally:
            self.lib.seccomp_release(context)


class Stage:
    """A runtime and a root file system; what is started here is gone when the stage is left."""

    def __init__(self, work, runtime):
        self.runtime = runtime
        text = subprocess.run([runtime, "--version"], check=True, capture_output=True, text=True).stdout
        match = re.search(r"^(\S+) version (\d[\w.]*(?:[~-]rc\.?\d+)?)", text, re.M)
        if not match:
            raise SystemExit(f"measure-runtimes: {runtime} --version is not understood")
        self.name, self.version = match[1], match[2].replace("~", "-")
        self.is_go = re.search(r"^go: ", text, re.M) is not None
        self.seccomp = Seccomp()
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}.", dir=work)
        os.chmod(self.folder, 0o711)
        self.state = os.path.join(self.folder, "state")
        self.counter = 0
        self.timeout = MOST_TIMEOUT
        self.reference = {}  # (phase, variation name, nnp) -> what came of it without restriction
        self.waiting = {}  # variation name -> (id, pidfd) of the container to execute in
        self.rootfs = os.path.join(self.folder, "rootfs")
        self.empty = os.path.join(self.folder, "empty")
        self._make_rootfs()

    def __enter__(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, *_):
        for container, handle in self.waiting.values():
            self._delete(container)
            inspect.await_end(handle, LEAST_TIMEOUT)  # crun does not
            os.close(handle)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_rootfs(self):
        for folder in ("bin", "usr/bin", "proc", "dev", "sys", "tmp", "etc", "home/user"):
            os.makedirs(os.path.join(self.rootfs, folder))
        home = os.path.join(self.rootfs, "home/user")
        os.chown(home, 1000, 1000)
        os.chmod(home, 0o700)
        subprocess.run(["cc", "-static", "-nostdlib", "-x", "assembler", "-o",
                        os.path.join(self.rootfs, "bin/entry"), "-"],
                       input=f".globl _start\n_start: {ENTRYPOINT}\n", text=True, check=True)
        for name, text in (("passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"),
                           ("group", "root:x:0:\nuser:x:1000:\nextra:x:10:user\n")):
            with open(os.path.join(self.rootfs, "etc", name), "w", encoding="ascii") as file:
                file.write(text)
        for name in (self.empty, self.empty + ".log"):
            with open(name, "wb"):
                pass
        broken = os.path.join(self.rootfs, "bin/broken")
        with open(broken, "w", encoding="ascii") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(broken, 0o755)

    def _profile(self, allowed, answer):
        return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": answer,
                "syscalls": [{"names": sorted(allowed | ENTRYPOINT_CALLS), "action": "SCMP_ACT_ALLOW"}]}

    def _config(self, variation, nnp, allowed, answer):
        process = {
            "terminal": variation.tty, "user": {"uid": 0, "gid": 0}, "cwd": "/",
            "args": ["/bin/broken" if variation.broken else "/bin/entry"],
            "env": ["PATH=/bin"], "noNewPrivileges": nnp,
            "capabilities": {k: SOME_CAPS for k in ("bounding", "effective", "permitted")},
        }
        flags = ["nosuid", "noexec", "nodev"]
        config = {
            "ociVersion": "1.0.2", "process": process, "hostname": "measured",
            "root": {"path": self.rootfs, "readonly": False},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
                {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": flags},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": flags + ["ro"]},
            ],
            "linux": {"namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount", "network")],
                      "seccomp": self._profile(allowed, answer)},
        }
        variation.change(config, process)
        return config

    def _bundle(self, config):
        bundle = tempfile.mkdtemp(dir=self.folder)
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        return bundle

    def _delete(self, container):
        subprocess.run([self.runtime, "--root", self.state, "delete", "--force", container],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)

    def _spawn(self, variation, arguments, log, strace):
        """Starts the runtime; returns (Popen, master side of its terminal or -1)."""
        command = [self.runtime, "--root", self.state, *arguments]
        if strace:
            command = ["strace", "-f", "-qq", "-o", strace, "-e", "raw=all", "-e", "signal=none", *command]
        # a runtime that fails may do so for ever, and say so each time
        command = ["prlimit", f"--fsize={MOST_OUTPUT}", *command]
        if variation.one_cpu:
            command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *command]
        master = slave = -1
        # not /dev/null: some runtimes give the host's to the container's user
        descriptors = {"stdin": os.open(self.empty, os.O_RDONLY), "stdout": log, "stderr": log}
        borrowed = descriptors["stdin"]
        if variation.tty:
            master, slave = pty.openpty()
            descriptors["stdin"] = slave
            descriptors["stdout"] = slave
        if variation.preserve:
            command = ["sh", "-c", f'exec "$@" 3<{self.empty}', "sh", *command]
        if variation.leak:
            command = ["sh", "-c", f'exec "$@" 9<{self.empty}', "sh", *command]
        child = subprocess.Popen(command, start_new_session=True, close_fds=True,
                                 env={**os.environ, **variation.environment}, **descriptors)
        os.close(borrowed)
        if slave >= 0:
            os.close(slave)
        return child, master

    def _end(self, child, master, patience=None):
        """The runtime's exit status; None if it had to be killed."""
        try:
            return child.wait(patience or self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return None
        finally:
            if master >= 0:
                os.close(master)

    def _look(self, child, pid_file):
        """How the entrypoint looks once it runs; None if that does not happen. It is killed either way."""
        end = time.monotonic() + self.timeout
        handle, pid = -1, 0
        try:
            while time.monotonic() < end:
                ended = child.poll()
                if handle < 0:
                    pid = inspect.read_pid(pid_file)
                    # from here on the pid may be somebody else's, the handle never
                    handle = inspect.open_pid(pid)
                if inspect.waits(handle, pid, "/bin/entry"):
                    return inspect.look(pid)
                if ended or (ended == 0 and not inspect.lives(handle)):
                    self.reason = f"the runtime ended with {ended}, entrypoint {pid} did not run"
                    return None
                time.sleep(0.002)
            self.reason = f"entrypoint {pid} did not run in {self.timeout:.0f} s"
            return None
        finally:
            if handle >= 0:
                inspect.kill(handle)
                inspect.reap(pid)
                os.close(handle)

    def _created(self, child, container, pid_file):
        """Waits until CONTAINER is created, lets its init process wait a little, and starts it. runc 1.3 calls it
        created while it is still being made; PID_FILE is the last that it writes."""
        end = time.monotonic() + self.timeout
        # strace goes on while the container lives; the runtime itself must have ended well
        while child.poll() in (None, 0) and time.monotonic() < end:
            state = subprocess.run([self.runtime, "--root", self.state, "state", container], check=False,
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if (state.returncode == 0 and json.loads(state.stdout).get("status") == "created"
                    and inspect.read_pid(pid_file)):
                time.sleep(0.03)
                return subprocess.run([self.runtime, "--root", self.state, "start", container],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                                      stderr=subprocess.DEVNULL, timeout=self.timeout).returncode == 0
            time.sleep(0.02)
        return False

    def _new_id(self):
        self.counter += 1
        return f"m{os.getpid()}-{self.counter}"

    def _start(self, variation, nnp, allowed, answer, log, strace):
        container = self._new_id()
        bundle = self._bundle(self._config(variation, nnp, allowed, answer))
        pid_file = os.path.join(bundle, "pid")
        arguments = ["create" if variation.create else "run", "--bundle", bundle, "--pid-file", pid_file]
        if variation.preserve:
            arguments += ["--preserve-fds", "1"]
        child, master = self._spawn(variation, [*arguments, container], log, strace)
        result = None
        try:
            if variation.broken:
                result = self._end(child, -1)
            elif not variation.create or self._created(child, container, pid_file):
                result = self._look(child, pid_file)
            return result
        finally:
            # first the runtime: while it hangs, what it started cannot be deleted
            self._end(child, master, PATIENCE if result is None else None)
            self._delete(container)
            shutil.rmtree(bundle, ignore_errors=True)

    def _waiting_container(self, variation):
        """A container made like VARIATION's, under a profile that names every call, to execute in."""
        container, handle = self.waiting.get(variation.name, (None, -1))
        if inspect.lives(handle):
            return container
        if container:
            self._delete(container)
            os.close(handle)
        calm = variation._replace(tty=False, preserve=False, leak=False, one_cpu=False, broken=False,
                                  environment={})
        bundle = self._bundle(self._config(calm, False, frozenset(self.seccomp.numbers), 1))
        container = self._new_id()
        pid_file = os.path.join(bundle, "pid")
        arguments = ["run", "--detach", "--pid-file", pid_file, "--bundle", bundle, container]
        with open(self.empty + ".log", "wb") as log:
            child, master = self._spawn(calm, arguments, log, None)
        handle = inspect.open_pid(inspect.read_pid(pid_file)) if self._end(child, master) == 0 else -1
        if handle < 0:
            self._delete(container)
            return None
        self.waiting[variation.name] = container, handle
        return container

    def _set_profile(self, container, allowed, answer):
        """Changes what `exec` will load; the container's own process keeps its filter.

        The runtime keeps the profile with the container's state, so that the set for exec can be
        told from that for start, of which a real container must allow both.
        """
        folder = os.path.join(self.state, container)
        bpf = os.path.join(folder, "seccomp.bpf")
        if os.path.exists(bpf):
            self.seccomp.export(bpf, allowed | ENTRYPOINT_CALLS, answer)
            return
        path = os.path.join(folder, "state.json")
        full = path + ".full"
        if not os.path.exists(full):
            shutil.copyfile(path, full)
        with open(full, encoding="utf-8") as file:
            state = json.load(file)
        profile = state["config"]["seccomp"]
        profile["default_errno_ret"] = answer
        profile["syscalls"] = [rule for rule in profile["syscalls"]
                               if rule["name"] in allowed or rule["name"] in ENTRYPOINT_CALLS]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)

    def _exec(self, variation, nnp, allowed, answer, log, strace):
        container = self._waiting_container(variation)
        if container is None:
            return None
        self._set_profile(container, allowed, answer)
        bundle = self._bundle(self._config(variation, nnp, allowed, answer)["process"])
        pid_file = os.path.join(bundle, "pid")
        arguments = ["exec", "--process", os.path.join(bundle, "config.json"), "--pid-file", pid_file]
        if variation.preserve:
            arguments += ["--preserve-fds", "1"]
        if variation.detach:
            arguments += ["--detach"]
        child, master = self._spawn(variation, [*arguments, container], log, strace)
        result = None
        try:
            result = self._end(child, -1) if variation.broken else self._look(child, pid_file)
            return result
        finally:
            self._end(child, master, PATIENCE if result is None else None)
            shutil.rmtree(bundle, ignore_errors=True)

    def _run(self, phase, variation, nnp, allowed, answer, strace=None):
        """What came of it, comparable with other runs; None if the entrypoint did not run."""
        run = self._start if phase == "start" else self._exec
        self.reason = ""
        with tempfile.TemporaryFile(dir=self.folder) as log:
            result = run(variation, nnp, allowed, answer, log, strace)
            log.seek(0)
            self.last_output = log.read().decode(errors="replace") + self.reason
        inspect.reap_orphans()
        if variation.broken:
            return result if result and "no such file" in self.last_output.lower() else None
        return result

    def run(self, phase, variation, nnp, allowed, answer):
        """True if the entrypoint ran and is what it is without restriction (or, where it cannot run, the
        runtime said so)."""
        key = (phase, variation.name, nnp)
        if key not in self.reference:
            begin = time.monotonic()
            self.timeout = MOST_TIMEOUT
            self.reference[key] = self._run(phase, variation, nnp, frozenset(self.seccomp.numbers), 1)
            # what hangs is waited for as long as a busy machine needs, and no longer
            self.timeout = min(MOST_TIMEOUT, max(LEAST_TIMEOUT, 20 * (time.monotonic() - begin)))
        wanted = self.reference[key]
        result = self._run(phase, variation, nnp, allowed, answer)
        if isinstance(result, dict) and isinstance(wanted, dict):
            for part in (part for part in wanted if result[part] != wanted[part]):
                self.last_output += f" {part}: {result[part]}, without restriction {wanted[part]}"
        return result is not None and result == wanted

    def observe(self, phase, variation, nnp):
        """The calls of one run under a filter that allows everything; None if it does not work here."""
        path = os.path.join(self.folder, "strace")
        try:
            if self._run(phase, variation, nnp, frozenset(self.seccomp.numbers), 1, path) is None:
                return None
            if variation.broken:
                return trace.filtered_calls_until_exit(path)
            return trace.filtered_calls(path)
        finally:
            if os.path.exists(path):
                os.unlink(path)
