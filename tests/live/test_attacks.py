#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks from inside a container, tests/programs/attack.c: without a profile they work, under the one learnt from
nginx they do not. Which part of the profile stops each is measured part by part, and has to be as docs/ATTACKS.md says.
in_lab does it again in the lab's machine, whose kernel has AppArmor and modules.

inside FOLDER: what of this runs in the machine. Needs root, runc, nginx and redis."""
import ctypes
import errno
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys

sys.dont_write_bytecode = True

import engine_site as site  # noqa: E402
import live  # noqa: E402
import oci_site  # noqa: E402
from live import check, equal  # noqa: E402
from oci_site import engines  # noqa: E402

IMAGE = "localhost/whittle-attacks:latest"
TABLE = os.path.join(live.SOURCE, "docs", "ATTACKS.md")
WORKS = "works"
# The table's columns, after the attack and what it is.
COLUMNS = ("no profile", "seccomp", "capabilities", "file systems", "AppArmor", "all but AppArmor", "all", "Docker's defaults")
PARTS = {"no profile": (), "seccomp": ("seccomp",), "capabilities": ("capabilities",), "file systems": ("file systems",),
         "all but AppArmor": ("seccomp", "capabilities", "file systems")}
PARTS_OF_LAB = {"AppArmor": ("AppArmor",), "all": ("seccomp", "capabilities", "file systems", "AppArmor")}
# An attack that does not work without a profile here shows nothing; so many must.
SHOWN_AT_LEAST = 18
# As Docker and Podman have them.
MASKED = ("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
NEWER_CAPABILITIES = ("CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE")  # parts of CAP_SYS_ADMIN


def handle_of(path):
    """As open_by_handle_at wants it."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = 128
    space = ctypes.create_string_buffer(size.to_bytes(4, sys.byteorder), 8 + size)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, path.encode(), space, ctypes.byref(mount), 0) != 0:
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    return space.raw[:8 + int.from_bytes(space.raw[:4], sys.byteorder)]


class Bench:
    """The root file system, what the host shares with the container, and the profile."""

    def __init__(self, folder):
        self.folder = folder
        self.rootfs = os.path.join(folder, "rootfs")
        self.profile = os.path.join(folder, "profile")
        self.name = os.path.basename(folder)
        self._count = 0
        if not os.path.exists(self.rootfs):
            self._make()
        self._share()
        self.seccomp, self.capabilities = oci_site.for_runtime(self.profile)
        self.arguments = [line for line in oci_site.read(f"{self.profile}/docker.args").splitlines()
                          if not line.startswith("--security-opt=apparmor=")]

    def _make(self):
        os.mkdir(self.rootfs)
        site.build(self.rootfs)
        whittle = os.path.realpath(live.WHITTLE)
        site.copy_in(self.rootfs, whittle)
        site.open_way(self.rootfs, whittle)
        site.mount_kernel_files(self.rootfs)
        try:
            recording = site.record(self.rootfs, "nginx")
        finally:
            site.unmount_kernel_files(self.rootfs)
        done = live.native([live.WHITTLE, "generate", "--quiet", "--name", self.name, "-o", self.profile, recording])
        equal(done[0], 0, f"status of whittle generate: {done[2]}")
        os.unlink(self.rootfs + whittle)
        shutil.copy2(live.program("attack"), self.rootfs + "/attack")
        for name in ("home/other", "mnt", "shared"):
            os.makedirs(f"{self.rootfs}/{name}", 0o755)
        secret = f"{self.rootfs}/home/other/secret"
        oci_site.write(secret, "secret\n")
        os.chmod(secret, 0o600)
        os.chown(secret, 1000, 1000)

    def _share(self):
        """A file system of the host's, of which the container gets one folder, with Docker's socket in it."""
        host = os.path.join(self.folder, "host")
        os.makedirs(host, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "host", host], check=True)  # has file handles, whatever /var/tmp is
        self.shared = os.path.join(host, "shared")
        os.mkdir(self.shared)
        oci_site.write(f"{host}/secret", "secret\n")
        self.command = ["/attack", handle_of(f"{host}/secret").hex()]
        self._server = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(self.shared)  # a socket's name is short
        self._server.bind("docker.sock")
        os.chdir(here)
        self._server.listen(64)

    def mount_points(self):
        """Those of docker.args."""
        return [line.partition("=")[2].split(":")[0] for line in self.arguments if line.startswith(("--tmpfs=", "--volume="))]

    def run(self, runtime, parts):
        """The attacks' results in a container that has these PARTS of the profile and nothing else."""
        self._count += 1
        name = f"attacked-{self._count}"
        bundle = os.path.join(self.folder, name)
        os.mkdir(bundle)
        if os.path.exists(f"{self.rootfs}/run/docker.sock"):
            os.unlink(f"{self.rootfs}/run/docker.sock")  # what an earlier container's was mounted over
        oci_site.write(f"{bundle}/config.json", json.dumps(self._config(name, parts)))
        done = subprocess.run([runtime, "--root", f"{self.folder}/state", "run", "--bundle", bundle, name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=oci_site.PATIENCE, check=False)
        equal(done.returncode, 0, f"status of {runtime} with {parts or 'no profile'}: {done.stdout}{done.stderr}")
        return results(done.stdout)

    def _config(self, name, parts):
        everything = {kind: own_capabilities() for kind in ("bounding", "effective", "permitted")}
        closed = "file systems" in parts
        read_only = closed and "--read-only" in self.arguments
        result = {
            "ociVersion": "1.0.2", "root": {"path": self.rootfs, "readonly": read_only},
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "cwd": "/", "args": self.command, "env": [],
                        "noNewPrivileges": "--security-opt=no-new-privileges" in self.arguments and len(parts) > 2,
                        "capabilities": self.capabilities if "capabilities" in parts else everything},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                       {"destination": "/shared", "type": "bind", "source": self.shared, "options": ["bind", "ro"]}],
            "linux": {"cgroupsPath": f"/{os.path.basename(self.folder)}/{name}",
                      "resources": {"devices": [{"allow": True, "access": "rwm"}]},
                      "maskedPaths": MASKED if closed else [], "readonlyPaths": READ_ONLY if closed else [],
                      "namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount", "uts")]},
        }
        if closed:
            options = ["nosuid", "nodev", "mode=1777"]
            result["mounts"] += [{"destination": point, "type": "tmpfs", "source": "tmpfs", "options": options}
                                 for point in self.mount_points()]
        else:
            result["mounts"] += [{"destination": "/run/docker.sock", "type": "bind", "source": f"{self.shared}/docker.sock",
                                  "options": ["bind"]}]
        if "AppArmor" in parts:
            result["process"]["apparmorProfile"] = self.name
        if "seccomp" in parts:
            result["linux"]["seccomp"] = self.seccomp
        return result


def own_capabilities():
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        own = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))
    with open(os.path.join(live.SOURCE, "profiles/tables/capabilities.csv"), encoding="ascii") as file:
        rows = [line.split(",") for line in file]
    return [row[1] for row in rows if row[0].isdigit() and own >> int(row[0]) & 1]


def results(text):
    """Of the program's output: WORKS, or by which error it was refused."""
    found = {}
    for line in text.splitlines():
        name, result = line.split()
        check(result != "setup", f"{name}: what comes before the attack failed")
        found[name] = WORKS if result == "0" else errno.errorcode.get(int(result), f"signal {int(result) - 1000}")
    return found


def cell(result):
    return WORKS if result == WORKS else "stopped"


def table():
    """{attack: {column: cell}} of docs/ATTACKS.md."""
    found, heads = {}, []
    for line in oci_site.read(TABLE).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| attack |"):
            heads = cells
        elif heads and not line.startswith("|"):
            break
        elif heads and line.startswith("| `"):
            found[cells[0].strip("`")] = dict(zip(heads, cells))
    equal(tuple(heads[2:]), COLUMNS, "the table's columns")
    return found


def compare(measured, where):
    """MEASURED, {column: results}, says what the table says, of all that works without a profile here."""
    names = list(measured["no profile"])
    if os.environ.get("WHITTLE_SHOW_TABLE"):
        for name in names:
            print(f"| `{name}` | | " + " | ".join(measured.get(c, {}).get(name, "?") for c in COLUMNS) + " |")
    written = table()
    equal(sorted(written), sorted(names), "attacks of the table and of the program")
    shown = [name for name in names if measured["no profile"][name] == WORKS]
    for name in sorted(set(names) - set(shown)):
        print(f"note {where}: {name} does not work here without a profile either ({measured['no profile'][name]})")
    check(len(shown) >= SHOWN_AT_LEAST, f"{where}: only {shown} work without a profile")
    wrong = [f"{name}, {column}: {found[name]}, the table says {written[name][column]}"
             for column, found in measured.items() for name in shown if cell(found[name]) != written[name][column]]
    check(not wrong, f"{where}: " + "; ".join(wrong))


def part_by_part(bench, runtime, parts):
    compare({column: bench.run(runtime, used) for column, used in parts.items()}, runtime)


def in_runc(bench):
    part_by_part(bench, "runc", PARTS)


def in_crun(bench):
    if not oci_site.real("crun"):
        raise live.Skip("needs crun")
    part_by_part(bench, "crun", PARTS)


def in_docker(bench):
    """By the arguments of docker.args, literally."""
    tar = os.path.join(bench.folder, "image.tar")
    subprocess.run(["tar", "-C", bench.rootfs, "-cf", tar, "."], check=True)
    engine = engines.Docker(bench.folder, oci_site.runtimes())
    try:
        engine.load(tar, IMAGE)

        def run(runtime, *options):
            status, out, err = engine.run(runtime, IMAGE, [f"--volume={bench.shared}:/shared:ro", *options], bench.command,
                                          cwd=bench.profile)
            equal(status, 0, f"status of docker with {runtime} and {options}: {out}{err}")
            return results(out)

        # Not --privileged, which wants more capabilities than there may be, nor those that this Docker may not know.
        open_options = ["--security-opt=seccomp=unconfined", "--security-opt=systempaths=unconfined",
                        "--security-opt=apparmor=unconfined",
                        *(f"--cap-add={name}" for name in own_capabilities() if name not in NEWER_CAPABILITIES)]
        version = subprocess.run(engine.command(None, "version", "--format", "{{.Server.Version}}"), capture_output=True,
                                 text=True, check=True).stdout
        known = version.startswith("20.10.")
        if not known:
            print(f"note Docker's defaults are those of 20.10 in the table, and {version} here")
        mounted = f"--volume={bench.shared}/docker.sock:/run/docker.sock"
        for runtime in oci_site.runtimes():
            compare({"no profile": run(runtime, mounted, *open_options), "all but AppArmor": run(runtime, *bench.arguments),
                     **({"Docker's defaults": run(runtime, mounted)} if known else {})}, f"docker with {runtime}")
    finally:
        engine.shut_down()


def in_lab(bench):
    missing = [tool for tool in ("qemu-system-x86_64", "busybox", "cpio", "apparmor_parser") if not shutil.which(tool)]
    if missing:
        raise live.Skip(f"the lab needs {', '.join(missing)}")
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".cache"))
    environment = dict(os.environ, WHITTLE_LAB=os.environ.get("WHITTLE_LAB", os.path.join(cache, "whittle", "lab")))
    words = [f"{key}={os.environ[key]}" for key in ("WHITTLE", "WHITTLE_OCI", "WHITTLE_PROGRAMS", "WHITTLE_SOURCE", "PATH",
                                                     "WHITTLE_SHOW_TABLE") if key in os.environ]
    done = subprocess.run([os.path.join(live.SOURCE, "script/lib/lab-machine"), "--host", "--", "env", *words, live.PYTHON,
                           os.path.realpath(__file__), "inside", bench.folder], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env=environment, timeout=600, check=False)
    print(done.stdout, end="")
    if done.returncode == 125:
        raise live.Skip(f"no lab here: {' '.join(done.stderr.split())}")
    equal(done.returncode, 0, f"status of the lab: {done.stderr}")


def inside(folder):
    """In the lab's machine. What starts in the profile is /attack, which nginx' profile does not know."""
    bench = Bench(folder)
    path = os.path.join(bench.profile, "apparmor.profile")
    text = oci_site.read(path).rstrip()
    check(text.endswith("}"), "the profile's end")
    oci_site.write("/tmp/profile", text[:-1] + "  /attack mr,\n}\n")
    done = live.native(["apparmor_parser", "-r", "-K", "/tmp/profile"])
    equal(done[0], 0, f"apparmor_parser: {done[2]}")
    part_by_part(bench, "runc", {**PARTS, **PARTS_OF_LAB})


CASES = (in_runc, in_crun, in_docker, in_lab)


def main():
    if sys.argv[1:2] == ["inside"]:
        inside(sys.argv[2])
        return
    folder = engines.enter("whittle-attacks-")
    oci_site.need()
    if not oci_site.real("runc"):
        raise engines.Unavailable("needs runc")
    oci_site.run_cases(CASES, Bench(folder))


try:
    main()
except (engines.Unavailable, live.Skip) as why:
    print(why)
    sys.exit(77)
