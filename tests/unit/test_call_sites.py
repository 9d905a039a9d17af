#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers that tracer/call_site.h reads backwards from the calls of this system's C libraries are those that
objdump, which reads forwards, shows to be loaded there. None may be another; some may be unknown.

usage: test_call_sites.py CALL_SITE_TOOL [FILE…]
"""
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
LIBRARIES = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/lib32/libc.so.6",
             "/lib/ld-linux.so.2", "/libx32/libc.so.6", "/lib/ld-musl-x86_64.so.1", "/usr/bin/busybox"]
# Of the calls whose number objdump shows just before them, so many in a hundred have to be known.
KNOWN = 97
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t(.*)$")
LOAD = re.compile(r"^mov +\$0x([0-9a-f]+),%[er]ax$")
# What ends a straight line, and what may write %eax in it by another way than naming it last.
LEAVES = re.compile(r"^(j|call|ret|loop|syscall|int|sysenter|hlt|xchg|cmpxchg|xadd|mul|div|imul|idiv|cltq|cwtl|rdtsc|"
                    r"cpuid|lods|in |rep|lock|xgetbv|rdpkru|leave)")
WRITES = re.compile(r",%(rax|eax|ax|al|ah)$|^(pop|set\w+|inc|dec|neg|not|shl|shr|sar) +%(rax|eax|ax|al|ah)$")


def is_call(text):
    return text == "syscall" or text == "int    $0x80" or text == "call   *%gs:0x10"


def shown(lines, at):
    """The number that LINES load before the call at index AT, or None."""
    before = lines[max(0, at - 40):at]
    for text, previous in zip(reversed(before), reversed(["", *before[:-1]])):
        load = LOAD.match(text)
        if text.startswith("jne ") and re.match(r"test +%([er]ax),%\1$", previous):
            return 0  # or it would have jumped
        if load:
            return int(load[1], 16)
        if text == "xor    %eax,%eax":
            return 0
        if LEAVES.match(text) or WRITES.search(text):
            return None
    return None


def sections(path):
    """(address, offset) of code's sections"""
    out = subprocess.run(["objdump", "-h", path], check=True, capture_output=True, text=True).stdout
    return [(int(m[2], 16), int(m[2], 16) + int(m[1], 16), int(m[3], 16)) for m in
            re.finditer(r"^ *\d+ \S+ +([0-9a-f]+) +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) .*\n.*CODE", out, re.M)]


def calls_of(path):
    """Offset behind each call of the file → the number that objdump shows, or None."""
    out = subprocess.run(["objdump", "-d", "-w", path], check=True, capture_output=True, text=True,
                         env=os.environ | {"LC_ALL": "C"}).stdout
    where = sections(path)
    found = {}
    lines, ends = [], []
    for line in out.splitlines():
        m = INSTRUCTION.match(line)
        if not m:
            continue
        address = int(m[1], 16)
        lines.append(re.sub(r" *[#<].*", "", m[3]).strip())
        ends.append(address + len(m[2].split()))
    for i, text in enumerate(lines):
        if is_call(text):
            offset = next(ends[i] - begin + at for begin, end, at in where if begin < ends[i] <= end)
            found[offset] = shown(lines, i)
    return found


def compare(tool, path):
    """How many calls PATH has with a number shown, how many of them the tool knows; exits if one is wrong."""
    kind = subprocess.run(["objdump", "-f", path], check=True, capture_output=True, text=True).stdout
    width = "32" if "file format elf32-i386" in kind else "64"
    calls = calls_of(path)
    text = "".join(f"{offset:x}\n" for offset in calls)
    out = subprocess.run([tool, width, path], input=text, check=True, capture_output=True, text=True).stdout.split()
    if len(out) != len(calls):
        sys.exit(f"{path}: {len(out)} answers to {len(calls)} calls")
    total = known = 0
    for (offset, number), answer in zip(calls.items(), map(int, out)):
        if number is None:
            continue
        total += 1
        known += answer == number
        if answer not in (number, -1):
            sys.exit(f"{path}: the call before offset {offset:#x} is {number}, and was read as {answer}")
    print(f"{path}: {known} of {total} calls known, none wrong; {len(calls) - total} more that objdump shows no number of")
    return total, known


def main():
    tool, files = sys.argv[1], sys.argv[2:] or [f for f in LIBRARIES if os.path.exists(f)]
    if not shutil.which("objdump"):
        print("SKIP: needs objdump")
        return SKIPPED
    if os.uname().machine != "x86_64":
        print("SKIP: needs a machine of x86-64")
        return SKIPPED
    total = known = 0
    for path in files:
        a, b = compare(tool, path)
        total, known = total + a, known + b
    if total < 100 or known * 100 < total * KNOWN:
        sys.exit(f"{known} of {total} calls known")
    return 0


if __name__ == "__main__":
    sys.exit(main())
