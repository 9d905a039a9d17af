# SPDX-License-Identifier: Apache-2.0
"""What a path that strace shows names: links and /proc/self followed, as far as the file system and the run itself still tell."""

import os
import re

from behaviour import plain
from strace_text import string_of


class Names:
    def __init__(self):
        self.links = {}  # symbolic links that the run made or read
        self.descriptors = {}  # (process, number) -> path, as annotated last
        self.standard = {}  # the first process's

    def magic(self, task, path):
        """/proc/self/fd/N…, /proc/self/cwd… jump to what they stand for."""
        if re.fullmatch(r"/proc/(?:self|thread-self|%s)/exe" % task.pid, path):
            return task.program
        match = re.match(r"^/proc/(?:self|thread-self|%s)/(fd/(\d+)|cwd)(/.*|$)" % task.pid, path)
        if not match:
            match = re.match(r"^/dev/(fd/(\d+))(/.*|$)", path)
        if not match:
            return None
        if match.group(2):
            number = match.group(2)
            holder = task
            target = None
            while holder and target is None:
                target = self.descriptors.get((holder.pid, number))
                holder = holder.above
            if target is None:
                target = self.standard.get(number)
        else:
            target = task.files.cwd
        return target + match.group(3) if target else target

    def resolve(self, path, final):
        """Canonical name, as far as the file system and the links seen still tell."""
        done = "/"
        parts = [p for p in path.split("/") if p not in ("", ".")]
        for _ in range(200):
            if not parts:
                return done
            part = parts.pop(0)
            if part == "..":
                done = os.path.dirname(done)
                continue
            here = done.rstrip("/") + "/" + part
            target = None
            if parts or final:
                target = self.links.get(here)
                if target is None and not here.startswith("/proc/"):
                    try:
                        target = os.readlink(here)
                    except (OSError, ValueError):
                        target = None
            if target is None:
                done = here
                continue
            if target.startswith("/"):
                done = "/"
            parts = [p for p in target.split("/") if p not in ("", ".")] + parts
        return done

    def of(self, task, base, path, follow):
        """The names that PATH, from BASE, may go by: its last link followed or not, /proc/self by number or not."""
        joined = path if path.startswith("/") else (base or "/").rstrip("/") + "/" + path
        found = {self.resolve(joined, True) if follow else self.resolve(joined, False)}
        found.add(self.resolve(joined, False))
        found.add(self.resolve(joined, True))
        found.add(os.path.normpath(joined).replace("//", "/"))
        for name in list(found):
            target = self.magic(task, name)
            if target == "":
                return ()  # a pipe, a socket: no name
            if target:
                found |= {self.resolve(target, True), self.resolve(target, False)}
        out = set()
        for name in found:
            out.add(plain(name))
            if name.startswith("/proc/self"):
                out.add(plain(name.replace("self", task.pid, 1)))
        return tuple(sorted(out))

    def note_link(self, base, where, target):
        path, text = string_of(where), string_of(target)
        if path is None or text is None or (base is None and not path.startswith("/")):
            return
        joined = path if path.startswith("/") else base.rstrip("/") + "/" + path
        self.links[self.resolve(joined, False)] = text

    def interpreter(self, path, cwd="/"):
        """The program that runs when `path` is executed, "#!" followed."""
        for _ in range(5):
            try:
                with open(path, "rb") as file:
                    head = file.readline(256)
            except OSError:
                return path
            if not head.startswith(b"#!"):
                return path
            words = os.fsdecode(head[2:]).split()
            if not words:
                return path
            path = self.resolve(os.path.join(cwd or "/", words[0]), True)
        return path
