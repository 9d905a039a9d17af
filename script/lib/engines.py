# SPDX-License-Identifier: Apache-2.0
"""Container engines of our own for tests: a Docker daemon and Podman that nobody else sees or shares.

enter() runs this program again in namespaces of its own (mount, network, process) with an empty /run and
/dev/shm, so that any number of tests run at once with the same ports, and an engine of the system is
neither used nor disturbed. When that program ends, however it ends, the kernel ends every daemon, shim and
container with it; enter() then removes the folder and the control groups.

An engine gives run(), which starts a container, and what is asked of containers by name. Errors of the
engine's own programs are EngineError; what this machine cannot do is Unavailable, with the reason.
"""
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import private_mounts

PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
CAP_SYS_RESOURCE = 24
LIMIT = 90  # seconds that one command of an engine may take; most take less than one
GROUPS = "/sys/fs/cgroup"
# The distribution's programs, not whatever else is installed of the same name.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


class Unavailable(Exception):
    """This machine cannot run the engine; the text says why."""


class EngineError(Exception):
    """A command of the engine failed."""


def startable(engine, image, runtimes):
    """Those of RUNTIMES by which the engine runs IMAGE; why others do not is printed."""
    usable = []
    reason = "there is no runtime"
    for runtime in runtimes:
        status, out, err = engine.run(runtime, image, [], ["/bin/sh", "-c", "echo it runs"])
        if (status, out) == (0, "it runs\n"):
            usable.append(runtime)
        else:
            reason = (err.strip().splitlines() or [f"status {status}, output {out!r}"])[-1]
            print(f"note {engine.name} cannot run containers with {runtime} here: {reason}")
    if not usable:
        raise Unavailable(f"no container starts here, even without a profile: {reason}")
    return usable


# ---- namespaces ----------------------------------------------------------------------------------

def enter(folder_prefix):
    """Returns the private folder, in the namespaces; outside it never returns."""
    folder = os.environ.get("WHITTLE_ENGINE_FOLDER")
    if folder:
        _prepare()
        return folder
    sys.exit(_outside(folder_prefix))


def _outside(prefix):
    if os.geteuid() != 0:
        print("needs root")
        return 77
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "unchanged"]
    trial = subprocess.run([*spaces, "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        print(f"cannot make namespaces: {trial.stderr.strip()}")
        return 77
    # Container engines put overlays there, which a tmpfs as /tmp may not carry.
    folder = tempfile.mkdtemp(prefix=prefix, dir="/var/tmp")
    os.chmod(folder, 0o711)
    finish = _start_cleaner(folder)
    # A shell is the first process: it collects those that daemons leave behind, as Python would not.
    command = [*spaces, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, os.path.realpath(sys.argv[0]), *sys.argv[1:]]
    child = subprocess.Popen(command, env=dict(os.environ, WHITTLE_ENGINE_FOLDER=folder, HOME=folder, PATH=PATH),
                             preexec_fn=lambda: _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: child.kill())
    try:
        status = child.wait()
        return status if status >= 0 else 128 - status
    finally:
        finish()


def _start_cleaner(folder):
    """A process that outlives us, should we be killed, and then removes what is left. Gives what ends it."""
    ours_read, cleaner_write = os.pipe()
    cleaner_read, ours_write = os.pipe()
    first = os.fork()
    if first == 0:
        os.setsid()
        if os.fork() == 0:  # no child of ours, so that what kills our whole tree spares it
            os.close(ours_read)
            os.close(ours_write)
            os.read(cleaner_read, 1)
            _clean(folder)
        os._exit(0)
    os.close(cleaner_write)
    os.close(cleaner_read)
    os.waitpid(first, 0)

    def finish():
        os.close(ours_write)
        os.read(ours_read, 1)
        os.close(ours_read)
    return finish


def _clean(folder):
    _remove_groups(os.path.basename(folder))
    for _ in range(50):
        private_mounts.remove(folder)
        if not os.path.exists(folder):
            break
        time.sleep(0.1)  # who writes there is ending


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _mount(kind, target):
    done = subprocess.run(["mount", "-t", kind, kind, target], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"cannot mount {kind} at {target}: {done.stderr.strip()}")


def _prepare():
    try:
        private_mounts.prepare()
    except (OSError, subprocess.CalledProcessError) as reason:
        raise Unavailable(f"this root file system cannot carry containers: {reason}") from None
    _mount("proc", "/proc")
    _mount("tmpfs", "/run")
    _mount("tmpfs", "/dev/shm")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def _remove_groups(name):
    """The control groups of containers that were killed with their engine."""
    for base, folders, _ in os.walk(GROUPS):
        if name in folders:
            for folder, _, _ in os.walk(os.path.join(base, name), topdown=False):
                _remove_group(folder)
        if base != GROUPS:
            folders.clear()  # ours are right below each hierarchy


def _remove_group(folder):
    for _ in range(50):
        try:
            os.rmdir(folder)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)  # its processes are ending


# ---- engines ---------------------------------------------------------------------------------------

def _call(command, data=None, cwd=None, allow_failure=False):
    try:
        done = subprocess.run(command, input=data, stdin=None if data else subprocess.DEVNULL, capture_output=True,
                              cwd=cwd, timeout=LIMIT, check=False)
    except FileNotFoundError:
        raise Unavailable(f"needs {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"{' '.join(command)}: still running after {LIMIT} s") from None
    if done.returncode != 0 and not allow_failure:
        text = done.stderr.decode(errors="replace").strip()[-600:]
        raise EngineError(f"{' '.join(command)}: status {done.returncode}: {text}")
    return done


class Engine:
    """What Docker and Podman have in common: the command line."""

    def __init__(self, name, client):
        self.name = name
        self._client = client
        self._count = 0

    def command(self, runtime, *arguments):
        del runtime
        return [*self._client, *arguments]

    def options(self, runtime):
        """Of each `run`: what this machine needs."""
        raise NotImplementedError

    def load(self, tar, image):
        _call(self.command(None, "import", tar, image))

    def start(self, runtime, image, options, command, cwd=None):
        """Starts a container in the background; gives its name. CWD: what relative options refer to."""
        self._count += 1
        name = f"container-{self._count}"
        _call(self.command(runtime, "run", "--detach", "--name", name, *self.options(runtime), *options, image,
                           *command), cwd=cwd)
        return name

    def run(self, runtime, image, options, command, cwd=None):
        """Runs a container to its end; gives its exit status, output and errors."""
        done = _call(self.command(runtime, "run", "--rm", *self.options(runtime), *options, image, *command), cwd=cwd,
                     allow_failure=True)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def inspect(self, name):
        return json.loads(_call(self.command(None, "inspect", "--type", "container", name)).stdout)[0]

    def state(self, name):
        return self.inspect(name)["State"]

    def signal(self, name, number):
        _call(self.command(None, "kill", "--signal", number, name))

    def stop(self, name):
        """`stop`, which tells the workload to end; gives its exit status."""
        _call(self.command(None, "stop", "--time", "30", name))
        return self.state(name)["ExitCode"]

    def logs(self, name):
        """The last lines: a workload may despair in a loop."""
        done = _call(self.command(None, "logs", "--tail", "12", name), allow_failure=True)
        return (done.stdout + done.stderr).decode(errors="replace")

    def remove(self, name):
        _call(self.command(None, "rm", "--force", "--volumes", name), allow_failure=True)

    def shut_down(self):
        pass


class Docker(Engine):
    """A daemon in FOLDER, without a bridge: containers share the (private) network.

    FURTHER: runtimes by name, as paths. ARGUMENTS: for dockerd.
    """

    def __init__(self, folder, runtimes, further=(), arguments=()):
        folder = os.path.join(folder, "docker")
        os.mkdir(folder)
        address = f"unix://{folder}/socket"
        super().__init__("docker", ["docker", "-H", address])
        self._log = os.path.join(folder, "log")
        # Empty, so that a configuration of the system's daemon has no say.
        configuration = os.path.join(folder, "daemon.json")
        with open(configuration, "w", encoding="ascii") as file:
            file.write("{}")
        self._command = ["dockerd", "--config-file", configuration, "-H", address, "--data-root", f"{folder}/data",
                         "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid", "--iptables=false",
                         "--ip6tables=false", "--bridge=none", "--exec-opt", "native.cgroupdriver=cgroupfs",
                         "--cgroup-parent", "/" + os.path.basename(os.path.dirname(folder)), *arguments]
        paths = {runtime: shutil.which(runtime) for runtime in runtimes if runtime != "runc"}
        for runtime, path in {**paths, **dict(further)}.items():
            self._command += ["--add-runtime", f"{runtime}={path}"]
        self._environment = dict(os.environ)
        for program in ("dockerd", "docker"):
            if not shutil.which(program):
                raise Unavailable(f"needs {program} (package docker.io)")
        self.launch()

    def launch(self, without=()):
        """Starts the daemon, also again: then as it was at first, WITHOUT these arguments."""
        command = [word for word in self._command if word not in without]
        with open(self._log, "wb") as log:
            self._daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self._environment)
        self._await()

    def kill(self):
        """The daemon gets SIGKILL."""
        self._daemon.kill()
        self._daemon.wait()

    def _await(self):
        end = time.monotonic() + LIMIT
        while _call(self.command(None, "version"), allow_failure=True).returncode != 0:
            if self._daemon.poll() is not None:
                raise Unavailable(f"dockerd does not run here: {self._last_words()}")
            if time.monotonic() > end:
                raise Unavailable(f"dockerd did not answer within {LIMIT} s: {self._last_words()}")
            time.sleep(0.1)

    def _last_words(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        return next((line for line in reversed(lines) if "failed" in line or "error" in line), lines[-1:] or "")

    def options(self, runtime):
        return ["--runtime", runtime, "--network", "host"]

    def shut_down(self):
        self._daemon.terminate()
        try:
            self._daemon.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self._daemon.kill()


class Podman(Engine):
    """Podman with all of its state in FOLDER. FURTHER: paths of runtimes by name."""

    def __init__(self, folder, runtimes, further=()):
        del runtimes
        self._further = dict(further)
        self._group = "/" + os.path.basename(folder)
        folder = os.path.join(folder, "podman")
        os.mkdir(folder)
        for program in ("podman", "conmon"):
            if not shutil.which(program):
                raise Unavailable(f"needs {program} (package podman)")
        # Not "--events-backend none": podman 3.4 then waits for ever where --rm has taken the container away
        # before its status was asked for.
        super().__init__("podman", ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir",
                                    f"{folder}/tmp", "--cgroup-manager", "cgroupfs", "--events-backend", "file"])

    def command(self, runtime, *arguments):
        return [*self._client, *(["--runtime", self._path(runtime)] if runtime else []), *arguments]

    def _path(self, runtime):
        return self._further.get(runtime) or shutil.which(runtime) or runtime

    def options(self, runtime):
        result = ["--network", "host", "--cgroup-parent", self._group]
        if not _has_capability(CAP_SYS_RESOURCE):
            # Podman's own limits are higher than ours, which only that capability may raise.
            result += ["--ulimit", "nproc=1000:1000", "--ulimit", "nofile=1000:1000"]
        return result


def _has_capability(number):
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        effective = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    return bool(effective >> number & 1)


ENGINES = {"docker": Docker, "podman": Podman}
