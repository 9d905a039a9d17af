# SPDX-License-Identifier: Apache-2.0
"""What a run did, in the form in which two witnesses of it are compared.

strace_log.py makes a Behaviour from what strace wrote, whittle_log.py from a recording.
Texts are str with surrogateescape, so that any bytes survive.
"""

import re
from dataclasses import dataclass, field


@dataclass
class FileUse:
    """One use of one path. `names` are all spellings under which the other witness may have it."""

    names: tuple
    must: frozenset  # access words that have to be there
    may: frozenset  # and those that may be
    error: str  # "" success, else ENOENT, …
    call: str
    optional: bool = False  # the other witness need not have it at all


@dataclass
class Behaviour:
    # (architecture, number) -> name; the same per program in `calls_of`.
    calls: dict = field(default_factory=dict)
    calls_of: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    # path -> {"ok": access words, "errors": errno names, "looked": access words of any outcome}
    facts: dict = field(default_factory=dict)
    execs: set = field(default_factory=set)
    exec_names: list = field(default_factory=list)
    signals: set = field(default_factory=set)
    sockets: set = field(default_factory=set)
    optional_sockets: set = field(default_factory=set)
    program: str = ""  # that began it
    status: int = -1
    losses: dict = field(default_factory=dict)
    complaints: list = field(default_factory=list)


_PROC = re.compile(r"^/proc/(?:self|thread-self|\d+|\[pid\])(?=/|$)")


def plain(path):
    """`path` without what differs from run to run by nature: process and descriptor numbers."""
    if re.match(r"/proc/(mounts$|net(/|$))", path):
        path = "/proc/self" + path[len("/proc") :]  # links that the kernel has there
    if path.startswith("/proc/thread-self"):
        path = "/proc/self/task/0" + path[len("/proc/thread-self") :]
    path = _PROC.sub("/proc/PID", path)
    # A folder that was removed while it was somebody's working folder.
    path = path.replace(" (deleted)/", "/")
    if path.startswith("/proc/PID/task/"):
        path = re.sub(r"^/proc/PID/task/(?:\d+|\[tid\])", "/proc/PID/task/TID", path)
    return path


def skeleton(path):
    """A name with its random and counted parts taken out: for pairing names that no run repeats."""
    path = re.sub(r"(?<=[.]tmp)[0-9A-Fa-f]{3,}", "#", path)
    path = re.sub(r"\d+", "#", path)
    path = re.sub(r"(?<=[^A-Za-z0-9#])[A-Za-z0-9#_-]{6,}(?=[./]|$)", "@", path)
    return re.sub(r"(?<=[a-z])[A-Za-z0-9#]{6}(?=[./]|$)", "@", path)
