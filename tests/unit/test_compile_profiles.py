#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generator/compile_profiles.py: takes our profiles/ and names the line of what is wrong in others.

usage: test_compile_profiles.py SOURCE-FOLDER
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])

# File, a line to put at its end, what the message must hold.
BAD = [
    ("runtimes/runtimes.csv", "runc,1.1.5,maybe,start,read,required,", "'maybe' can be no no_new_privs"),
    ("runtimes/runtimes.csv", "runc,1.1.5,yes,stop,read,required,", "'stop' can be no phase"),
    ("runtimes/runtimes.csv", "runc,1.1.5,yes,start,read,required,6=1", "'6=1' can be no args"),
    ("runtimes/runtimes.csv", "runc,1.1.5,yes,start,read", "5 cells where 7 are expected"),
    ("baselines/syscalls.csv", "a-b,read,why", "'a-b' can be no syscall"),
    ("baselines/syscalls.csv", "read,write,", "'' can be no reason"),
    ("baselines/apparmor.csv", "\"/a r, /b\",why", "can be no rule"),
    ("baselines/places.csv", "tmp,tmpfs", "'tmp' can be no path"),
    ("baselines/places.csv", "/tmp,ramfs", "'ramfs' can be no kind"),
    ("baselines/places.csv", "/tmp,shared", "the same as line"),
    ("tables/equivalents.csv", "always,read,readv,why", "'always' can be no level"),
    ("tables/equivalents.csv", "broad,read,readv 6=1,why", "can be no rules"),
    ("tables/guarded.csv", "/etc/,why", "'/etc/' can be no path"),
    ("tables/path_sets.csv", "broad,/a/*/,/a/**,why", "can be no path"),
    ("tables/pid_calls.csv", "getuid,", "'' can be no answer"),
    ("tables/pid_calls.csv", "ioctl 6=TIOCGPGRP,x", "can be no call"),
    ("tables/temporary_names.csv", "a,,b,6,alnum,,why", "'6' can be no length"),
    ("tables/temporary_names.csv", "a,,b,06,any,,why", "'any' can be no letters"),
    ("tables/risk.csv", "syscall,read,huge,why,man", "'huge' can be no risk"),
    ("tables/risk.csv", "syscall,read,low,why,", "'' can be no source"),
    ("tables/lint.csv", "W1,note,A,b.,c,d", "'W1' can be no code"),
    ("tables/lint.csv", "W999,fatal,A,b.,c,d", "'fatal' can be no severity"),
    ("tables/capability_calls.csv", "CAP_KILL,likes,kill,man", "'likes' can be no relation"),
    ("tables/rule_calls.csv", "tmpfs,x,kill", "'tmpfs' can be no section"),
    ("defaults/docker.csv", "syscall,read,sometimes,", "'sometimes' can be no when"),
]


def compile_profiles(folder):
    return subprocess.run(
        [sys.executable, SOURCE / "generator/compile_profiles.py", folder, folder / "out.c"],
        capture_output=True, text=True, check=False)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in ("runtimes", "baselines", "defaults", "tables"):
            shutil.copytree(SOURCE / "profiles" / part, folder / part)
        done = compile_profiles(folder)
        if done.returncode != 0 or "runtime_calls_count" not in (folder / "out.c").read_text():
            failed += 1
            print(f"our own profiles: {done.stderr}")
        for file, line, complaint in BAD:
            path = folder / file
            good = path.read_text()
            path.write_text(good + line + "\n")
            where = f"{path}:{len(good.splitlines()) + 1}: "
            done = compile_profiles(folder)
            if done.returncode == 0 or where not in done.stderr or complaint not in done.stderr:
                failed += 1
                print(f"{file}: {line!r}: {done.stderr!r}")
            path.write_text(good)
        (folder / "baselines/places.csv").write_text("path,sort\n")
        done = compile_profiles(folder)
        if "places.csv:1: the header must be path,kind" not in done.stderr:
            failed += 1
            print(f"header: {done.stderr!r}")
    print(f"{len(BAD) + 2} cases, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
