# SPDX-License-Identifier: Apache-2.0
"""Which calls did threads that carry a seccomp filter make before the entrypoint's execve?

Reads the output of `strace -f -o FILE -e raw=all -e signal=none`. A filter belongs to a thread, not to a
process: runc loads it with prctl() in one locked thread of many, and only that thread is judged by it.
"""
import re
from typing import NamedTuple, Tuple

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1
CLONES = ("clone", "clone3", "fork", "vfork")

# Arguments that choose what a call does: those that a profile may put conditions on.
SELECTORS = {
    "arch_prctl": (0,), "clone": (0,), "ioctl": (1,), "keyctl": (0,), "madvise": (2,),
    "mmap": (2, 3), "mprotect": (2,), "personality": (0,), "prctl": (0,), "seccomp": (0, 1),
    "setns": (1,), "setsockopt": (1, 2), "socket": (0, 1, 2), "socketpair": (0, 1, 2), "unshare": (0,),
}

CALL = re.compile(r"^(?P<tid>\d+) +(?P<name>\w+)\((?P<args>[^)<]*)(?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<tid>\d+) +<\.\.\. (?P<name>\w+) resumed>.*")
SUPERSEDED = re.compile(r"^(?P<tid>\d+) +\+\+\+ superseded by execve in pid (?P<by>\d+) \+\+\+")
RESULT = re.compile(r"\) += (?P<result>-?(?:0x)?[0-9a-f]+|\?)")


class Event(NamedTuple):
    tid: int
    name: str
    args: Tuple[int, ...]


def _number(text):
    try:
        return int(text, 0)
    except ValueError:
        return None


class _Reader:
    def __init__(self):
        self.filtered = set()  # threads under the filter
        self.known = set()     # threads that were seen already
        self.pending = {}      # thread -> the call it is in
        self.events = []
        self.adopting = False  # a filtered thread made a child that has not been told apart yet
        self.tsync = False
        self.done = False

    def enter(self, event):
        if event.tid not in self.known:
            self.known.add(event.tid)
            # Which thread is the parent is not told: better one call too many than one too few.
            if self.adopting or self.tsync:
                self.filtered.add(event.tid)
        self.pending[event.tid] = event
        if event.tid in self.filtered:
            self.events.append(event)
            if event.name in CLONES:
                self.adopting = True

    def leave(self, tid, result):
        event = self.pending.pop(tid, None)
        if event is None or result is None:
            return
        if self._loads_filter(event) and result >= 0:
            self.filtered.add(tid)
            if event.name == "seccomp" and event.args[1] & SECCOMP_FILTER_FLAG_TSYNC:
                self.tsync = True
                self.filtered |= self.known
        elif event.name in ("execve", "execveat") and result == 0 and tid in self.filtered:
            self.done = True

    @staticmethod
    def _loads_filter(event):
        if len(event.args) < 2:
            return False
        if event.name == "prctl":
            return event.args[:2] == (PR_SET_SECCOMP, SECCOMP_MODE_FILTER)
        return event.name == "seccomp" and event.args[0] == SECCOMP_SET_MODE_FILTER

    def line(self, line):
        match = SUPERSEDED.match(line)
        if match:
            old = int(match["by"])
            if old in self.filtered:
                self.done = True
            return
        match = RESUMED.match(line)
        if match:
            result = RESULT.search(line)
            self.leave(int(match["tid"]), _number(result["result"]) if result else None)
            return
        match = CALL.match(line)
        if not match:
            return
        args = tuple(_number(a.strip()) or 0 for a in match["args"].split(",") if a.strip())
        self.enter(Event(int(match["tid"]), match["name"], args))
        result = RESULT.search(line)
        if result and "<unfinished" not in match["rest"]:
            self.leave(int(match["tid"]), _number(result["result"]))


def filtered_calls(path):
    """Events under the filter up to the entrypoint's execve, or None if it did not come to that."""
    reader = _Reader()
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            reader.line(line)
            if reader.done:
                return reader.events
    return None


def filtered_calls_until_exit(path):
    """The same for a run that ends without an execve; None if no filter was loaded."""
    reader = _Reader()
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            reader.line(line)
    return reader.events if reader.filtered and not reader.done else None


def collect_values(events, into):
    """Adds the selector arguments of EVENTS to INTO: call -> argument index -> set of values."""
    for event in events:
        for index in SELECTORS.get(event.name, ()):
            if index < len(event.args):
                value = event.args[index] & 0xffffffff
                into.setdefault(event.name, {}).setdefault(index, set()).add(value)


def format_values(values):
    return ";".join(f"{index}={value:#x}" for index in sorted(values) for value in sorted(values[index]))


def parse_values(text):
    values = {}
    for part in filter(None, text.split(";")):
        index, value = part.split("=")
        values.setdefault(int(index), set()).add(int(value, 0))
    return values
