#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""apparmor_parser takes every profile that whittle makes, and understands its paths as meant.

The golden profiles, and profiles of hostile paths: for these a second profile is written in which
every byte of a path is an octal escape, which leaves nothing to interpretation; both must compile to
the same bytes. Needs no privilege and no AppArmor in the kernel. The paths are made up by a fixed seed.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

PARSER = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
WHITTLE = os.environ["WHITTLE"]
SOURCE = os.environ["WHITTLE_SOURCE"]

SPECIAL = b" *?[]{}^\\\"'#,@<>()|&;!%=~$\t\n\r\x01\x7f\x80\xc3\xa9\xff"
HEADER = {"whittle": "recording", "format": 1,
          "runs": [{"id": "0" * 32, "arch": "x86_64", "command": ["test"], "no_new_privs": False}]}


def compile_profile(path):
    """The compiled policy; fails loudly if the parser does not take it."""
    done = subprocess.run([PARSER, "-QKS", path], capture_output=True, check=False)
    if done.returncode != 0:
        with open(path, "rb") as file:
            sys.stderr.write(file.read().decode("utf-8", "backslashreplace"))
        sys.exit(f"FAIL: {path}: {done.stderr.decode('utf-8', 'backslashreplace')}")
    return done.stdout


def escape(path):
    """docs/FORMATS.md, "Text": bytes that are no UTF-8, control characters and the backslash."""
    out = []
    for character in path.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif code < 0x20 or character in "\\\x7f":
            out.append(f"\\x{code:02x}")
        else:
            out.append(character)
    return "".join(out)


def write_recording(file, paths):
    facts = [{"kind": "syscall", "name": "openat", "arch": "x86_64", "number": 257, "phase": "run",
              "count": 1, "results": ["ok"], "origin": "observed"}]
    for path in paths:
        facts.append({"kind": "file", "name": escape(path), "access": ["read"], "file_type": "regular",
                      "phase": "run", "count": 1, "results": ["ok"], "origin": "observed"})
    lines = [HEADER, *facts, {"footer": True, "facts": len(facts), "complete": True, "losses": [],
                              "runs": [{"complete": True}]}]
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def octal(path):
    return "".join("/" if byte == 0x2F else f"\\{byte:03o}" for byte in path)


def generate(recording, folder):
    subprocess.run([WHITTLE, "generate", recording, "-q", "-o", folder], check=True)


def check_paths(folder, paths):
    """Compares what whittle wrote with the octal form of the same paths."""
    recording = os.path.join(folder, "recording.jsonl")
    write_recording(recording, paths)
    generate(recording, folder)
    profile = os.path.join(folder, "apparmor.profile")
    made = compile_profile(profile)
    with open(profile, "rb") as file:
        text = file.read()
    head, rest = text.split(b"  # files\n")
    rules = [line for line in rest.split(b"\n") if line.strip() not in (b"", b"}")]
    if len(rules) != len(paths):
        sys.exit(f"FAIL: {len(rules)} rules for {len(paths)} paths")
    plain = os.path.join(folder, "octal.profile")
    with open(plain, "wb") as file:
        file.write(head + b"".join(b'  "%s" r,\n' % octal(path).encode() for path in paths) + b"}\n")
    if made != compile_profile(plain):
        if len(paths) == 1:
            sys.exit(f"FAIL: {paths[0]!r} was written as {rules[0]!r}, which means something else")
        for path in paths:
            check_paths(folder, [path])
        sys.exit("FAIL: together these paths mean something else than alone")


def check_homes(path):
    """@{HOME} is just the pattern that the policy has, and /home/*/ and /root/ are all of it."""
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("@{HOME}=")]
    made = compile_profile(path)
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.profile")
        for homes, same in (("/{home/*,root}", True), ("/home/*", False), ("/{home/*,root,srv}", False)):
            with open(plain, "w", encoding="utf-8") as file:
                file.write("".join(lines).replace("@{HOME}", homes))
            if (compile_profile(plain) == made) != same:
                sys.exit(f"FAIL: @{{HOME}} is {'not ' if same else ''}{homes}")


def main():
    if not PARSER:
        print("skipped: apparmor_parser is not installed (package apparmor)")
        sys.exit(77)
    golden = os.path.join(SOURCE, "tests/golden/generate")
    for case in sorted(os.listdir(golden)):
        compile_profile(os.path.join(golden, case, "apparmor.profile"))
    check_homes(os.path.join(golden, "homes", "apparmor.profile"))
    chooser = random.Random(20240501)
    paths = [b"/" + bytes([byte]) + b"x" for byte in range(1, 256) if byte != 0x2F]
    paths += [b"/x" + bytes([byte]) for byte in range(1, 256) if byte != 0x2F]
    for _ in range(400):
        length = chooser.randint(1, 12)
        paths.append(b"/r/" + bytes(chooser.choice(SPECIAL) for _ in range(length)) + b"/f")
    paths.append(b"/" + b"/".join([b"y" * 255] * 15))
    paths = sorted(set(paths))
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(paths), 40):
            check_paths(folder, paths[start:start + 40])
    # The check itself can fail: a wildcard is not the same as its octal form.
    with tempfile.TemporaryDirectory() as folder:
        for name, pattern in (("a", b'"/*x"'), ("b", b'"/\\052x"')):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"profile t {\n  " + pattern + b" r,\n}\n")
        if compile_profile(os.path.join(folder, "a")) == compile_profile(os.path.join(folder, "b")):
            sys.exit("FAIL: the comparison sees no difference")
    print(f"{len(paths)} paths and {len(os.listdir(golden))} golden profiles")


main()
