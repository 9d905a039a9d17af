# SPDX-License-Identifier: Apache-2.0
"""The kinds of container in which a runtime is measured."""
import os
from typing import Callable, NamedTuple, Tuple

PHASES = ("start", "exec")
SOME_CAPS = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"]
ALL_CAPS = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW "
    "SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP SYS_ADMIN SYS_PTRACE NET_ADMIN SYS_NICE").split()]


class Variation(NamedTuple):
    name: str
    phases: Tuple[str, ...] = PHASES
    change: Callable = lambda config, process: None
    tty: bool = False
    create: bool = False       # create, wait, start, as a container engine does
    detach: bool = False       # exec --detach, as a container engine does
    preserve: bool = False     # hand an extra descriptor through
    leak: bool = False         # hand one that the container must not get
    environment: dict = {}
    one_cpu: bool = False
    broken: bool = False       # the entrypoint's execve fails: the runtime must be able to say so
    rare: bool = False         # deterministic: fewer runs will do
    quick: bool = False        # among the few for a quick check


def _user(config, process):
    process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [10, 20, 1000]}


def _all_caps(config, process):
    names = ALL_CAPS
    process["capabilities"] = {kind: names for kind in ("bounding", "effective", "permitted")}


def _no_caps(config, process):
    process["capabilities"] = {kind: [] for kind in ("bounding", "effective", "permitted")}


def _ambient(config, process):
    _user(config, process)
    process["capabilities"] = {kind: SOME_CAPS for kind in
                               ("bounding", "effective", "permitted", "inheritable", "ambient")}


def _user_no_caps(config, process):
    _user(config, process)
    _no_caps(config, process)


def _userns(config, process):
    config["linux"]["namespaces"].append({"type": "user"})
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = ids


def _host_namespaces(config, process):
    config["linux"]["namespaces"] = [{"type": "mount"}]
    config["mounts"] = [m for m in config["mounts"] if m["type"] not in ("sysfs", "mqueue")]
    config.pop("hostname")


def _read_only(config, process):
    config["root"]["readonly"] = True
    config["linux"]["maskedPaths"] = ["/proc/kcore", "/proc/keys", "/proc/timer_list"]
    config["linux"]["readonlyPaths"] = ["/proc/bus", "/proc/sys", "/proc/sysrq-trigger"]


def _no_user_database(config, process):
    _user(config, process)
    config["mounts"].append({"destination": "/etc", "type": "tmpfs", "source": "tmpfs"})


def _path_search(config, process):
    process["args"] = [os.path.basename(process["args"][0])]
    process["env"] = ["PATH=/none:/usr/bin:/bin"]


def _work_folder(config, process):
    _user(config, process)
    process["cwd"] = "/home/user"


def _cgroup_namespace(config, process):
    config["linux"]["namespaces"].append({"type": "cgroup"})
    config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                             "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]})


def _umask(config, process):
    process.setdefault("user", {"uid": 0, "gid": 0})["umask"] = 0o27
    process["oomScoreAdj"] = 500
    process["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 256, "soft": 256}]


VARIATIONS = [
    Variation("plain", quick=True),
    Variation("one-cpu", one_cpu=True, environment={"GOMAXPROCS": "1"}),
    Variation("many-threads", environment={"GOMAXPROCS": "8", "GOGC": "1"}),
    Variation("create-start", phases=("start",), create=True, quick=True),
    Variation("detach", phases=("exec",), detach=True, quick=True),
    Variation("terminal", tty=True),
    Variation("user", change=_user),
    Variation("user-terminal", change=_user, tty=True, rare=True, quick=True),
    Variation("user-no-caps", change=_user_no_caps, rare=True),
    Variation("all-caps", change=_all_caps, rare=True),
    Variation("no-caps", change=_no_caps, rare=True),
    Variation("ambient", change=_ambient, rare=True, quick=True),
    Variation("read-only", change=_read_only, rare=True),
    Variation("user-namespace", change=_userns, rare=True),
    Variation("host-namespaces", change=_host_namespaces, rare=True),
    Variation("cgroup-namespace", change=_cgroup_namespace, rare=True),
    Variation("no-user-database", change=_no_user_database, rare=True, quick=True),
    Variation("path-search", change=_path_search, rare=True),
    Variation("work-folder", change=_work_folder, rare=True),
    Variation("umask-and-limits", change=_umask, rare=True, quick=True),
    Variation("extra-descriptor", preserve=True, rare=True),
    Variation("leaked-descriptor", leak=True, rare=True),
    Variation("broken-entrypoint", broken=True, rare=True, quick=True),
]
