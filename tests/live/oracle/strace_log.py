# SPDX-License-Identifier: Apache-2.0
"""Reads what `strace -f -n -y -s 4096 -xx -o FILE` wrote.

-xx makes strings and descriptor annotations hexadecimal throughout (strace_text.py); -n gives the number with which the
call was really made (socketcall for `socket` on i386, bit 30 for x32).
"""

import csv
import os
import re

from behaviour import Behaviour, FileUse, plain
from strace_names import Names
from strace_tables import DESCRIPTOR_CALLS, FAMILIES, KILLS, OPERATIONS, PATH_ARGUMENTS
from strace_text import HEX, annotation_of, split_arguments, string_of, unhex, with_deleted_apart

_X32 = 0x40000000
_LINE = re.compile(r"^(\d+) +\[ *(-?\d+|0x[0-9a-f]+|\?+)\] (.*)$")
_BIRTH = re.compile(
    r"^(\d+) .*(?:clone3?|v?fork)(?:\(| resumed>).* = (\d+)(?: /\* (\d+) in strace's PID NS \*/)?$"
)
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.S)
_CALL = re.compile(r"^(\w+)\((.*)$", re.S)


def load_numbers(source):
    """(architecture, name) -> number, from the table of numbers that has tests of its own."""
    numbers = {}
    with open(os.path.join(source, "profiles/tables/syscalls.csv"), encoding="ascii") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        for row in rows:
            for arch in ("x86_64", "i386", "x32"):
                if row[arch]:
                    number = int(row[arch]) | (_X32 if arch == "x32" else 0)
                    numbers.setdefault((arch, number), row["name"])
    return numbers


class _Files:
    """The folder of a process, shared by CLONE_FS."""

    def __init__(self, cwd, like=None):
        self.cwd = cwd
        # Names below another root, or among other mounts, mean nothing to this reader.
        self.other_root = bool(like and like.other_root)
        self.other_mounts = bool(like and like.other_mounts)

    @property
    def elsewhere(self):
        return self.other_root or self.other_mounts


class _Task:
    """A thread. `pid` is its process's; threads share `group`: [program, architecture]."""

    def __init__(self, pid, files, group, above=None):
        self.pid = pid
        self.above = above  # who made it
        self.files = files
        self.group = group

    @property
    def program(self):
        return self.group[0]

    @property
    def arch(self):
        return self.group[1]

    @arch.setter
    def arch(self, arch):
        self.group[1] = arch


class StraceLog:
    def __init__(self, source, cwd, program):
        self.numbers = load_numbers(source)
        self.cwd = cwd
        self.program = program
        self.out = Behaviour()
        self.tasks = {}
        self.unfinished = {}
        self.parent_of = {}
        self.names = Names()
        self.aims = {}  # datagram sockets -> where they are connected to, or None
        self.handles = {}  # descriptors got by handle -> accesses

    # ---- frame ------------------------------------------------------------------------------

    def read(self, path):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = with_deleted_apart(file.read().split("\n"))
        for line in lines:
            match = _BIRTH.match(line)
            if match:
                self.parent_of.setdefault(match.group(3) or match.group(2), match.group(1))
        for line in lines:
            match = _LINE.match(line)
            if match:
                self.line(match.group(1), match.group(2), match.group(3))
        # What never came back did happen (exit, a killed process).
        for pid, (number, text) in list(self.unfinished.items()):
            self.call(pid, number, text + ") = ?")
        return self.out

    def line(self, pid, number, text):
        if text.startswith("--- ") or text.startswith("+++ "):
            match = re.match(r"\+\+\+ superseded by execve in pid (\d+)", text)
            if match and match.group(1) in self.tasks:
                # The caller goes on under the leader's number.
                former = match.group(1)
                self.tasks[pid] = self.tasks[former]
                if former in self.unfinished:
                    self.unfinished[pid] = self.unfinished.pop(former)
            return
        resumed = _RESUMED.match(text)
        if resumed:
            began = self.unfinished.pop(pid, None)
            if began:
                self.call(pid, began[0], began[1] + resumed.group(2))
            return
        if text.endswith("<unfinished ...>"):
            text = text[: -len("<unfinished ...>")].rstrip()
            self.unfinished[pid] = (number, text)
            self.task(pid)
            return
        self.call(pid, number, text)

    def task(self, pid):
        if pid in self.tasks:
            return self.tasks[pid]
        parent = self.parent_of.get(pid)
        if parent is None or parent not in self.tasks or parent == pid:
            # In another pid namespace: the newest call that makes processes is the likely parent.
            making = [p for p, (_, t) in self.unfinished.items() if re.match(r"clone|v?fork", t)]
            parent = making[-1] if making else None
        if parent is None:
            task = _Task(pid, _Files(self.cwd), [self.program, "x86_64"])
        else:
            text = self.unfinished.get(parent, ("", ""))[1]
            task = self.made(self.tasks[parent], pid, text)
        self.tasks[pid] = task
        return task

    @staticmethod
    def made(above, pid, flags):
        """The task that `above` made by a clone with these flags."""
        files = above.files if "CLONE_FS" in flags else _Files(above.files.cwd, above.files)
        if "CLONE_NEWNS" in flags:
            files.other_mounts = True
        if "CLONE_THREAD" in flags:
            return _Task(above.pid, files, above.group, above.above)
        return _Task(pid, files, [above.program, above.arch], above)

    # ---- one call ---------------------------------------------------------------------------

    def identify(self, task, number, name):
        """Architecture of a call: strace's line does not say it, but name and number together do."""
        if number > 0 and number & _X32:
            return "x32"
        if name in ("socketcall", "ipc") or number in (102, 117):
            if self.numbers.get(("i386", number)) in ("socketcall", "ipc") and name not in (
                "getuid",
                "setresuid",
            ):
                return "i386"
        found = [a for a in ("x86_64", "i386") if self.numbers.get((a, number)) == name]
        if len(found) == 1:
            return found[0]
        return task.arch

    def call(self, pid, number_text, text):
        match = _CALL.match(text)
        if not match:
            return
        task = self.task(pid)
        name = match.group(1)
        arguments, rest = split_arguments(match.group(2))
        number = int(number_text, 0) if number_text[0] != "?" else -1
        if number >= 1 << 63:
            number -= 1 << 64
        arch = self.identify(task, number, name)
        if arch != "x32":
            task.arch = arch
        known = self.numbers.get((arch, number), name)
        self.out.calls[(arch, number)] = known
        self.out.calls_of.setdefault(task.program, {})[(arch, number)] = known
        result, error = self.result(rest)
        self.note_descriptors(pid, arguments, rest)
        # Of a call from which nobody came back alive nobody knows whether it came to the file.
        unknown = error or ("?" if re.match(r"^\s*= \?", rest) else "")
        self.paths(task, name, arguments, rest, unknown)
        self.descriptors(task, name, arguments, rest, error)
        self.signals(name, arguments, error)
        self.sockets(task, name, arguments, rest, unknown)
        self.state(task, pid, name, arguments, result, error)

    @staticmethod
    def result(rest):
        match = re.match(r"^\s*= (-?\d+|\?|0x[0-9a-f]+)(?: (E[A-Z0-9]+))?", rest)
        if not match:
            return None, ""
        translated = re.search(r"/\* (\d+) in strace's PID NS \*/", rest)
        if translated:
            return translated.group(1), ""
        return match.group(1), match.group(2) or ""

    # ---- files ------------------------------------------------------------------------------

    def note_descriptors(self, pid, arguments, rest):
        for text in (*arguments, rest.lstrip(" =")):
            path, number = annotation_of(text)
            if number is not None and number != "AT_FDCWD" and "<" in text:
                key = (self.tasks[pid].pid, number)
                self.names.descriptors[key] = path or ""
                may = self.handles.pop(key, None)
                if may and path:
                    self.out.files.append(FileUse((plain(path),), frozenset(), may, "", "open_by_handle_at"))

    def paths(self, task, name, arguments, rest, error):
        rows = PATH_ARGUMENTS.get(name)
        if not rows:
            return
        for dirfd, index, operation in rows:
            if index >= len(arguments):
                continue
            base = task.files.cwd
            if dirfd is not None:
                base, number = annotation_of(arguments[dirfd])
                if number == "AT_FDCWD" and base:
                    task.files.cwd = base
            path = string_of(arguments[index])
            if path is None and arguments[index] == "NULL" and base and operation == "write":
                self.use(task, name, operation, arguments, rest, (plain(base),), error)
            if path is None or (path.strip("/") in ("", ".") and error and not path.startswith("/")):
                continue  # no name in it
            if path == "":
                # What is done to the descriptor itself; looking at it needs no permission.
                if base is None or operation == "stat":
                    continue
                if "AT_EMPTY_PATH" not in "".join(arguments):
                    continue
                names = (plain(base),)
            elif path.startswith("/") or base:
                names = self.names.of(task, base, path, operation in ("open", "stat"))
            else:
                continue
            if names:
                self.use(task, name, operation, arguments, rest, names, error)

    def use(self, task, name, operation, arguments, rest, names, error):
        if name == "fanotify_mark":
            # ENOENT may mean that there is no such mark.
            may = frozenset({"stat", "ENOENT"})
            self.out.files.append(FileUse(names, frozenset(), may, "", name))
            return
        optional = task.files.elsewhere
        if operation == "open":
            must, may = self.open_access(name, arguments)
            match = re.search(r"= \d+<([^>]*)>(\(deleted\))?", rest)
            if match and HEX.fullmatch(match.group(1)) and not error:
                real = unhex(match.group(1))
                if not real.startswith("/"):
                    return  # through /proc/…/fd or ns to what has no name: pipe:[1], uts:[2]
                names = (plain(real),)
                if "__O_TMPFILE" in "".join(arguments) or "O_TMPFILE" in "".join(arguments):
                    names = tuple(os.path.dirname(n) + "/#[inode]" for n in names) + names
                    must, may = must - {"create"}, may | {"create"}
        elif operation == "exec":
            if not error:
                self.out.exec_names.append((names, optional))
            must, may = frozenset(), frozenset({"read", "mmap-exec", "exec", "stat"})
        else:
            must, may = OPERATIONS[operation]
        self.out.files.append(
            FileUse(names, frozenset(must), frozenset(may), error, name, optional)
        )

    @staticmethod
    def open_access(name, arguments):
        flags = arguments[2] if name in ("openat", "openat2") else arguments[1]
        if name == "openat2":
            match = re.search(r"flags=([^,}]*)", flags)
            flags = match.group(1) if match else ""
        words = set(flags.split("|"))
        if "O_PATH" in words:
            return frozenset({"stat"}), frozenset()
        must = set()
        if "O_RDWR" in words or "O_ACCMODE" in words:
            must |= {"read", "write"}
        elif "O_WRONLY" in words:
            must.add("write")
        else:
            must.add("read")
        may = set()
        if "write" in must and "O_APPEND" in words and "O_TRUNC" not in words:
            must.remove("write")
            must.add("append")
        if "O_TRUNC" in words:
            must.add("truncate")
        if "O_CREAT" in words:
            may.add("create")
            if "O_EXCL" in words:
                must.add("create")
        return frozenset(must), frozenset(may)

    def descriptors(self, task, name, arguments, rest, error):
        operation = DESCRIPTOR_CALLS.get(name)
        if operation is None and name in ("fcntl", "fcntl64") and len(arguments) > 1:
            if arguments[1] in (
                "F_SETLK",
                "F_SETLKW",
                "F_SETLK64",
                "F_SETLKW64",
                "F_OFD_SETLK",
                "F_OFD_SETLKW",
                "F_SETLEASE",
            ):
                operation = "lock"
        if operation:
            path, _ = annotation_of(arguments[0])
            if path and not path.startswith("/memfd:"):
                must = {"lock"} if operation == "lock" else OPERATIONS[operation][0]
                use = FileUse(
                    (plain(path),),
                    frozenset(must if not error else ()),
                    frozenset(must | {"write"}),
                    "",
                    name,
                    task.files.elsewhere,
                )
                self.out.files.append(use)
        self.by_handle(task, name, arguments, self.result(rest)[0], error)
        if name in ("mmap", "mmap2") and len(arguments) > 4 and "PROT_EXEC" in arguments[2]:
            path, _ = annotation_of(arguments[4])
            unnamed = path and path.startswith("/memfd:")
            if path and not unnamed and not error and "MAP_ANONYMOUS" not in arguments[3]:
                must = {"mmap-exec"}
                if "PROT_READ" in arguments[2]:
                    must.add("read")
                self.out.files.append(
                    FileUse(
                        (plain(path),),
                        frozenset(must),
                        frozenset(),
                        "",
                        name,
                        task.files.elsewhere,
                    )
                )

    def by_handle(self, task, name, arguments, result, error):
        """What a handle opened: only ptrace can tell, so it may be there. strace names it when the descriptor is used."""
        if name == "open_by_handle_at" and not error and result:
            must, may = self.open_access("openat", arguments)
            self.handles[(task.pid, result)] = must | may

    # ---- the rest ---------------------------------------------------------------------------

    def signals(self, name, arguments, error):
        index = KILLS.get(name)
        if index is None or index >= len(arguments):
            return
        text = arguments[index]
        if text == "0":
            text = "exists"
        if re.fullmatch(r"SIG[A-Z0-9]+|exists", text):
            self.out.signals.add(text)

    def datagrams(self, name, arguments, rest, error):
        """Where a datagram socket is connected to counts once it sends something. Sockets by their inode, as annotated."""
        text = rest if name == "socket" else arguments[0] if arguments else ""
        match = re.search(r"\d<([^>]*)>", text)
        if not match or error not in ("", "ECONNREFUSED"):
            return False
        inode = match.group(1)
        if name == "socket" and "SOCK_DGRAM" in arguments[1]:
            self.aims[inode] = None
        elif name in ("send", "sendto", "sendmsg", "sendmmsg", "write", "writev") and self.aims.get(inode):
            self.out.sockets.add(self.aims[inode])
        return name == "connect" and inode in self.aims and inode

    def sockets(self, task, name, arguments, rest, error):
        datagram = self.datagrams(name, arguments, rest, error)
        index = {"connect": 1, "bind": 1, "sendto": 4, "sendmsg": 1, "sendmmsg": 1}.get(name)
        if index is None:
            return
        if index >= len(arguments):
            return
        text = arguments[index]
        match = re.search(r"sa_family=(AF_\w+)", text)
        if not match:
            return
        operation = "send" if name.startswith("send") else name
        family = match.group(1)
        if family == "AF_UNIX":
            path = re.search(r'sun_path=(@?)"([^"]*)"', text)
            if path:
                address = unhex(path.group(2)) if path.group(2) else ""
                if path.group(1):
                    item = (operation, "unix", "@")
                else:
                    item = (operation, "unix", self.names.of(task, task.files.cwd, address, True)[0])
                    names = self.names.of(task, task.files.cwd, address, True)
                    must = {"create", "write"} if name == "bind" else {"connect"}
                    self.out.files.append(
                        FileUse(
                            names,
                            frozenset() if error == "?" else frozenset(must),
                            frozenset(must),
                            error if error in ("ENOENT", "ENOTDIR", "ELOOP") else "",
                            name,
                            task.files.elsewhere,
                        )
                    )
                    return
                self.out.sockets.add(item)
            return
        port = re.search(r"sin6?_port=htons\((\d+)\)", text)
        number = int(port.group(1)) if port else 0
        item = (operation, FAMILIES.get(family, family), number)
        if family not in FAMILIES:
            return
        self.out.optional_sockets.add(item)
        if datagram:
            self.aims[datagram] = item
        elif operation != "connect":
            self.out.sockets.add(item)
        elif error in ("", "EINPROGRESS", "ECONNREFUSED"):
            self.out.sockets.add(item)

    def state(self, task, pid, name, arguments, result, error):
        if error or result is None:
            return
        if name == "chdir":
            path = string_of(arguments[0])
            if path is not None:
                joined = os.path.join(task.files.cwd or "/", path)
                task.files.cwd = self.names.resolve(joined, True)
        elif name == "fchdir":
            path, _ = annotation_of(arguments[0])
            if path:
                task.files.cwd = path
        elif name in ("chroot", "pivot_root"):
            task.files.other_root = True
        elif name in ("unshare", "setns") and "CLONE_NEWNS" in "".join(arguments):
            task.files = _Files(task.files.cwd, task.files)
            task.files.other_mounts = True
        elif name == "unshare" and "CLONE_FS" in arguments[0]:
            task.files = _Files(task.files.cwd, task.files)
        elif name == "symlink" and len(arguments) > 1:
            self.names.note_link(task.files.cwd, arguments[1], arguments[0])
        elif name == "symlinkat" and len(arguments) > 2:
            base, _ = annotation_of(arguments[1])
            self.names.note_link(base, arguments[2], arguments[0])
        elif name in ("clone", "clone3", "fork", "vfork") and result.isdigit() and result != "0":
            if result not in self.tasks and self.parent_of.get(result) == pid:
                self.tasks[result] = self.made(task, result, "".join(arguments))
        elif name in ("execve", "execveat"):
            index = 1 if name == "execveat" else 0
            path = string_of(arguments[index])
            base = task.files.cwd
            if name == "execveat":
                base, _ = annotation_of(arguments[0])
            if path == "":
                self.leave(pid, base)
            elif path is not None:
                joined = path if path.startswith("/") else (base or "/") + "/" + path
                if task.files.other_root:
                    self.leave(pid, os.path.normpath(joined))
                else:
                    joined = self.names.magic(task, joined) or joined
                    self.leave(pid, self.names.interpreter(self.names.resolve(joined, True), task.files.cwd))

    def leave(self, pid, program):
        """A new program: what was shared with threads is no longer."""
        old = self.tasks[pid]
        self.tasks[pid] = _Task(old.pid, old.files, [program, old.arch], old.above)
