#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one AppArmor profile allows beyond another, judged by the automata that apparmor_parser builds.

Pairs of profiles (made up by a fixed seed, and Debian's own against edited copies) are compared by
whittle and compiled by apparmor_parser. The test then walks the two compiled automata together: what is
newly allowed on some path must be exactly what whittle says, and each of whittle's examples must be one.
Needs no privilege and no AppArmor in the kernel.

usage: test_apparmor_compare.py [PAIRS]
"""
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

PARSER = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
TOOL = os.path.join(os.environ["WHITTLE_PROGRAMS"], "../unit/apparmor_tool")
FOLDER = "/etc/apparmor.d"

# The kernel's security/apparmor/match.h and file.c: what tables and accept words of old policy mean.
ACCEPT, BASE, CHECK, DEFAULT, EQUIVALENCE, NEXT = 1, 2, 3, 4, 5, 8
LETTERS = {"x": 0x01, "w": 0x02, "r": 0x04, "a": 0x08, "k": 0x20, "m": 0x40}
SIZES = {1: ">B", 2: ">H", 4: ">I"}


class Dfa:
    """A compiled automaton: state → perms, and (state, byte) → state."""

    def __init__(self, blob):
        header_size, _, _ = struct.unpack_from(">IIH", blob, 4)
        self.tables = {}
        at = header_size
        total = struct.unpack_from(">I", blob, 8)[0]
        while at + 12 <= total:
            kind, width, _, count = struct.unpack_from(">HHII", blob, at)
            form = SIZES[width]
            self.tables[kind] = struct.unpack_from(f">{count}{form[1]}", blob, at + 12)
            at += (12 + width * count + 7) & ~7
        self.classes = self.tables.get(EQUIVALENCE) or tuple(range(256))
        self.memory = {}

    def step(self, state, byte):
        key = (state, self.classes[byte])
        if key not in self.memory:
            self.memory[key] = self.walk(*key)
        return self.memory[key]

    def walk(self, state, klass):
        check, following = self.tables[CHECK], self.tables[NEXT]
        while True:
            base = self.tables[BASE][state]
            at = (base & 0x00FFFFFF) + klass
            if at < len(check) and check[at] == state:
                return following[at]
            if base & 0x80000000 == 0:  # else the state is written as what differs from another
                return self.tables[DEFAULT][state]
            state = self.tables[DEFAULT][state]

    def permissions(self, state):
        """{(letter, owned)}, with the way to execute instead of x."""
        accept = self.tables[ACCEPT][state]
        found = set()
        for owned, word in ((True, accept), (False, accept >> 14)):
            for letter, bit in LETTERS.items():
                if word & bit:
                    found.add((("x", word >> 7 & 0x7F) if letter == "x" else letter, owned))
        return found

    def match(self, path):
        state = 1
        for byte in path:
            state = self.step(state, byte)
        return self.permissions(state)


def compile_profiles(path):
    """{profile: its automaton of files, or None}, or None and the profile that was not taken."""
    done = subprocess.run([PARSER, "-QKS", "-I", os.path.dirname(path), "-I", FOLDER, path],
                          capture_output=True, check=False)
    if done.returncode != 0:
        conflict = re.search(rb"conflicting x modifiers\n.* for profile (\w+),", done.stderr)
        return None, conflict[1].decode() if conflict else None
    parts = re.split(rb"\x04\x08\x00profile\x00\x07", done.stdout)[1:]
    found = {}
    for part in parts:
        length = struct.unpack_from("<H", part, 1)[0]
        name = part[3:3 + length - 1].decode()
        at = part.rfind(b"\x04\x06\x00aadfa\x00\x06")
        start = part.find(struct.pack(">I", 0x1B5E783D), at) if at >= 0 else -1
        found[name] = Dfa(part[start:]) if start >= 0 else None
    return found, None


def newly(old, fresh):
    before = set() if old is None else old
    return {(name if isinstance(name, str) else "x", owned)
            for name, owned in fresh - before}


def judge(old, fresh):
    """What is newly allowed on some path without two slashes in a row."""
    found = set()
    if fresh is None:
        return found
    start = (1 if old else 0, 1, False)
    seen = {start}
    queue = [start]
    pairs = {}
    for byte in range(1, 256):
        key = (old.classes[byte] if old else 0, fresh.classes[byte], byte == ord("/"))
        pairs.setdefault(key, byte)
    while queue:
        a, b, slash = queue.pop()
        found |= newly(old.permissions(a) if old else None, fresh.permissions(b))
        for byte in pairs.values():
            if slash and byte == ord("/"):
                continue
            target = (old.step(a, byte) if old else 0, fresh.step(b, byte), byte == ord("/"))
            if target[1] != 0 and target not in seen:
                seen.add(target)
                queue.append(target)
    return found


def unescape(text):
    return re.sub(rb"\\(?:x([0-9a-f]{2})|(.))",
                  lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], text)


def compare(old, fresh, folders=()):
    """{profile: [(letters, owned or not, witness)]} as whittle has it, or None with the message."""
    done = subprocess.run([TOOL, "compare", old, fresh, *folders], capture_output=True, check=False)
    if done.returncode != 0:
        return None, done.stderr.decode()
    found = {}
    for line in done.stdout.splitlines():
        if line.count(b"\t") != 3:
            continue
        rule, letters, how, witness = line.split(b"\t")
        name, rule = rule.split(b": ", 1)
        if b"undecided" in how:
            sys.exit(f"FAIL: undecided: {line!r}")
        worlds = [True] if b" owned" in how else [False] if b"not-owned" in how else [True, False]
        found.setdefault(name.decode(), []).append(
            (letters.decode().split(","), worlds, unescape(witness), rule))
    return found, None


def check(name, told, old, fresh, context):
    """Whittle's changes of one profile against the automata."""
    wanted = judge(old, fresh)
    got = set()
    examples = 0
    for letters, worlds, witness, rule in told:
        if rule.split(b" ")[0] in OTHER_RULES:
            continue
        before = old.match(witness) if old else set()
        here = newly(before, fresh.match(witness) if fresh else set())
        for letter in letters:
            if letter == "l":
                continue
            for owned in worlds:
                got.add((letter, owned))
                examples += 1
                if (letter, owned) not in here:
                    fail(f"{name}: {rule!r}: {witness!r} is no example of {letter} "
                         f"{'owned' if owned else 'others'}", context)
    # "w" says "a" too.
    for owned in (True, False):
        if ("w", owned) in got:
            wanted.discard(("a", owned))
            got.discard(("a", owned))
        # "ix" maps too.
        if ("x", owned) in got and ("m", owned) not in got:
            wanted.discard(("m", owned))
    if got != wanted:
        fail(f"{name}: whittle says {sorted(got)}, the automata {sorted(wanted)}", context)
    return examples


OTHER_RULES = (b"capability", b"network", b"unix", b"dbus", b"signal", b"ptrace", b"mount", b"umount",
               b"remount", b"set", b"change_profile", b"link", b"pivot_root")


def fail(message, context):
    print(f"FAIL: {message}", file=sys.stderr)
    for path in context:
        with open(path, encoding="utf-8") as file:
            print(f"---- {path}\n{file.read()[:4000]}", file=sys.stderr)
    sys.exit(1)


# ---- profiles made up -----------------------------------------------------------------------------

PIECES = ["a", "b", "ab", "x", "*", "**", "?", "[ab]", "[^a]", "[a-c]", "{a,b}", "{,a}", "{a,{b,x}?}",
          "*a", "a*", "**b", "a**", "{*,ab}", ".", "\\*", "-", "\\[", ",", "{a/b,b}", "{,**}", "{/,}a"]


def pattern(chooser):
    parts = []
    for _ in range(chooser.randint(1, 3)):
        parts.append("".join(chooser.choice(PIECES) for _ in range(chooser.choice((1, 1, 2)))))
    text = "/" + "/".join(parts) + chooser.choice(("", "", "", "/"))
    return re.sub(r"\*\*\*+", "**", text)


def rule(chooser):
    letters = "".join(chooser.sample("rkm", chooser.randint(1, 2))) + chooser.choice(("", "w", "a"))
    words = ["deny"] if chooser.random() < 0.2 else []
    words += ["owner"] if chooser.random() < 0.25 else []
    if chooser.random() < 0.15 and not words:
        letters = chooser.choice(("ix", "rix"))
    path = f'"{pattern(chooser)}"'
    words += [path, letters] if chooser.random() < 0.7 else [letters, path]
    return " ".join(words) + ","


def literal_rule(chooser):
    path = "/" + "/".join(chooser.choice(("a", "b", "x", "ab")) for _ in range(chooser.randint(1, 2)))
    return f"{path} {chooser.choice(('px', 'ix', 'ux', 'cx', 'Pix', 'r', 'rw'))},"


def implying_rule(chooser):
    """To profiles with such rules the parser adds some of its own."""
    return chooser.choice(("^hat { /a r, }", "profile kid { /b r, }", "change_profile -> x,",
                           "deny change_profile -> x,", "owner /proc/** rw,", "deny /proc/*/attr/** w,"))


def made_up(chooser):
    old = [rule(chooser) for _ in range(chooser.randint(1, 5))]
    fresh = list(old)
    chooser.shuffle(fresh)
    for _ in range(chooser.randint(1, 3)):
        way = chooser.random()
        if way < 0.4 and fresh:
            fresh.pop()
        if way > 0.2:
            fresh.append(rule(chooser))
    for rules in (old, fresh):
        if chooser.random() < 0.4:
            rules.append(literal_rule(chooser))
        if chooser.random() < 0.3:
            rules.append(implying_rule(chooser))
    return old, fresh


def write(path, profiles):
    with open(path, "w", encoding="utf-8") as file:
        for name, rules in profiles.items():
            file.write(f"profile {name} {{\n" + "".join(f"  {line}\n" for line in rules) + "}\n")


def compile_all(path, pairs, which):
    """The automata of all pairs' first or second; those with rules in conflict leave PAIRS."""
    while True:
        write(path, {name: pair[which] for name, pair in pairs.items()})
        found, conflict = compile_profiles(path)
        if found is not None:
            return found
        if conflict not in pairs:
            fail("apparmor_parser does not take the profiles", (path,))
        del pairs[conflict]


def test_made_up(folder, count, chooser):
    old_path, fresh_path = (os.path.join(folder, name) for name in ("old", "new"))
    examples = done = 0
    for first in range(0, count, 50):
        pairs = {f"p{i}": made_up(chooser) for i in range(first, min(first + 50, count))}
        olds = compile_all(old_path, pairs, 0)
        news = compile_all(fresh_path, pairs, 1)
        write(old_path, {name: pair[0] for name, pair in pairs.items()})
        told, message = compare(old_path, fresh_path)
        if told is None:
            fail(message, (old_path, fresh_path))
        for name, pair in pairs.items():
            write(os.path.join(folder, "one-old"), {name: pair[0]})
            write(os.path.join(folder, "one-new"), {name: pair[1]})
            done += 1
            examples += check(name, told.get(name, []), olds.get(name), news.get(name),
                              (os.path.join(folder, "one-old"), os.path.join(folder, "one-new")))
    if examples < count // 2 or done < count * 3 // 4:
        fail(f"only {examples} examples of {done} pairs", ())
    print(f"{done} pairs made up, {examples} examples: as apparmor_parser has them")


# ---- Debian's profiles ----------------------------------------------------------------------------

def edit(lines, chooser):
    """Some rules about files gone, some wider, some narrower."""
    rules = [i for i, line in enumerate(lines)
             if re.match(r"\s+(owner |deny )?[/@][^#]* [rwkml]+,\s*$", line)]
    if len(rules) < 3:
        return None
    lines = list(lines)
    for i in chooser.sample(rules, min(len(rules), 4)):
        way = chooser.randrange(4)
        if way == 0:
            lines[i] = ""
        elif way == 1:
            lines[i] = re.sub(r"([^/{}\[\]@*]*)( [rwkml]+,)", r"**\2", lines[i], count=1)
        elif way == 2:
            lines[i] = re.sub(r"\*\*?( [rwkml]+,)", r"x*\1", lines[i])
        else:
            lines[i] = re.sub(r" [rwkml]+,", " rwk,", lines[i])
    return lines


def test_debian(folder, chooser, most):
    done = 0
    for name in sorted(os.listdir(FOLDER)):
        path = os.path.join(FOLDER, name)
        if not os.path.isfile(path) or done >= most:
            continue
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
        edited = edit(lines, chooser)
        copy = os.path.join(folder, name)
        if edited is None:
            continue
        with open(copy, "w", encoding="utf-8") as file:
            file.writelines(edited)
        olds, news = compile_profiles(path)[0], compile_profiles(copy)[0]
        if olds is None or news is None:
            continue
        for one, other, before, after in ((path, copy, olds, news), (copy, path, news, olds)):
            told, message = compare(one, other, (FOLDER,))
            if told is None:
                fail(message, ())
            for profile, dfa in after.items():
                check(profile, told.get(profile, []), before.get(profile), dfa, (copy,))
        done += 1
    print(f"{done} profiles of {FOLDER} against edited copies: as apparmor_parser has them")
    return done


def main():
    if not PARSER:
        print("skipped: apparmor_parser is not installed (package apparmor)")
        sys.exit(77)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        chooser = random.Random(20261122)
        test_made_up(folder, count, chooser)
        if test_debian(folder, chooser, 2 if count < 1000 else 1000) == 0:
            sys.exit("FAIL: no profile of Debian's could be edited")


main()
