#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle diff on files as people have them: what it says, in every format, and its exit status."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ["WHITTLE_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/unit"))
import live  # noqa: E402
from check_schema import Validator  # noqa: E402

WHITTLE = os.environ["WHITTLE"]


class DiffValidator(Validator):
    def check_additionalProperties(self, rule, value, schema):
        extra = [key for key in value if key not in schema["properties"]] if isinstance(value, dict) else []
        return f"{extra} unknown" if extra else None


SCHEMA = DiffValidator(json.loads((SOURCE / "profiles/schema/diff.schema.json").read_text()))
GOLDEN = SOURCE / "tests/golden"
HEAD = "whittle: policy\nformat: 1\nname: t\narchitectures: [x86_64]\nruntimes: []\n"


def seccomp(*entries, **others):
    document = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": names.split(), "action": "SCMP_ACT_ALLOW", **more}
                             for names, more in entries]}
    document.update(others)
    return json.dumps(document)


def cond(index, op, value, two=0):
    return {"index": index, "op": "SCMP_CMP_" + op, "value": value, "valueTwo": two}


# Old text, new text, what must be said: "CHANGE RISK SECTION WHAT [WHEN]" (risk - but of allowed).
SAME = []
ROWS = {
    "seccomp: order, groups and duplicates mean nothing": (
        seccomp(("read write", {}), ("read", {})), seccomp(("write", {}), ("read", {})), SAME),
    "seccomp: a rule that answers as the default is none": (
        seccomp(), seccomp(("read", {"action": "SCMP_ACT_ERRNO", "errnoRet": 1})), SAME),
    "seccomp: a call more": (
        seccomp(), seccomp(("mount", {})), ["allowed critical syscalls mount"]),
    "seccomp: another errno": (
        seccomp(), seccomp(("clone3", {"action": "SCMP_ACT_ERRNO", "errnoRet": 38})),
        ["changed - syscalls clone3"]),
    "seccomp: the default's errno is told once": (
        seccomp(), seccomp(defaultErrnoRet=38), ["changed - syscalls every system call that has no rule"]),
    "seccomp: default allow": (
        seccomp(), seccomp(defaultAction="SCMP_ACT_ALLOW"),
        ["allowed critical syscalls every system call that has no rule"]),
    "seccomp: a condition less": (
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]})), seccomp(("socket", {"args": []})),
        ["allowed high syscalls socket 0!=AF_UNIX",
         "allowed none syscalls socket 0!=AF_UNIX | if the upper half of a 32-bit argument is not 0"][:1]),
    "seccomp: two conditions on one argument are alternatives": (
        seccomp(("prctl", {"args": [cond(0, "EQ", 1)]}), ("prctl", {"args": [cond(0, "EQ", 2)]})),
        seccomp(("prctl", {"args": [cond(0, "EQ", 1), cond(0, "EQ", 2)]})), SAME),
    "seccomp: conditions told otherwise": (
        seccomp(("lseek", {"args": [cond(1, "LE", 3)]})), seccomp(("lseek", {"args": [cond(1, "LT", 4)]})), SAME),
    "seccomp: an interval": (
        seccomp(("lseek", {"args": [cond(1, "LE", 3)]})), seccomp(("lseek", {"args": [cond(1, "LE", 7)]})),
        ["allowed low syscalls lseek 1=4..7"]),
    "seccomp: a bit of a mask": (
        seccomp(("clone", {"args": [cond(0, "MASKED_EQ", 0x30000000, 0)]})),
        seccomp(("clone", {"args": [cond(0, "MASKED_EQ", 0x20000000, 0)]})),
        ["allowed high syscalls clone 0&0x20000000=0 and 0&0x30000000!=0"]),
    "seccomp: the upper half": (
        seccomp(("socket", {"args": [cond(0, "MASKED_EQ", 0xffffffff, 1)]})),
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]})), None),
    "seccomp: a hole by the upper half": (
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]})),
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]}), ("socket", {"args": [cond(0, "EQ", 0x100000028)]})),
        ["allowed high syscalls socket 0=0x100000028 | if the upper half of a 32-bit argument is not 0"]),
    "seccomp: a hole by the upper half beside another change": (
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]})),
        seccomp(("socket", {"args": [cond(0, "EQ", 1)]}), ("socket", {"args": [cond(0, "EQ", 2)]}),
                ("socket", {"args": [cond(0, "EQ", 0x100000028)]})),
        ["allowed high syscalls socket 0=0x100000028 | if the upper half of a 32-bit argument is not 0",
         "allowed high syscalls socket 0=AF_INET"]),
    "seccomp: what is not to be is, by the upper half": (
        seccomp(), seccomp(("socket", {"args": [cond(0, "NE", 40)]})),
        ["allowed high syscalls socket 0!=AF_VSOCK",
         "allowed high syscalls socket 0!=AF_VSOCK | if the upper half of a 32-bit argument is not 0"]),
    "seccomp: numbers of 64 bits": (
        seccomp(("mmap", {"args": [cond(5, "EQ", 1 << 63)]})),
        seccomp(("mmap", {"args": [cond(5, "EQ", 1 << 63)]}), ("mmap", {"args": [cond(5, "EQ", (1 << 64) - 1)]})),
        ["allowed low syscalls mmap 5=0xffffffffffffffff"]),
    "seccomp: another message for the tracer": (
        seccomp(("read", {"action": "SCMP_ACT_TRACE"})),
        seccomp(("read", {"action": "SCMP_ACT_TRACE", "errnoRet": 7})),
        ["changed - syscalls read"]),
    "seccomp: an architecture": (
        seccomp(("read", {})), seccomp(("read", {}), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]),
        ["allowed medium architectures system calls of i386"]),
    "docker: only with a capability": (
        seccomp(), seccomp(("bpf", {"includes": {"caps": ["CAP_SYS_ADMIN"]}})),
        ["allowed critical syscalls bpf | with CAP_SYS_ADMIN"]),
    "docker: not without one": (
        seccomp(("chroot", {})), seccomp(("chroot", {"includes": {"caps": ["CAP_SYS_CHROOT"]}})),
        ["forbidden - syscalls chroot | without CAP_SYS_CHROOT"]),
    "docker: excludes": (
        seccomp(("clone", {})), seccomp(("clone", {"excludes": {"caps": ["CAP_SYS_ADMIN"]}})),
        ["forbidden - syscalls clone | with CAP_SYS_ADMIN"]),
    "docker: from a kernel on": (
        seccomp(("ptrace", {})), seccomp(("ptrace", {"includes": {"minKernel": "4.8"}})),
        ["forbidden - syscalls ptrace | before Linux 4.8"]),
    "docker: from a kernel on, with a capability": (
        seccomp(("bpf", {"includes": {"caps": ["CAP_SYS_ADMIN"]}})),
        seccomp(("bpf", {"includes": {"caps": ["CAP_SYS_ADMIN"], "minKernel": "5.8"}})),
        ["forbidden - syscalls bpf | with CAP_SYS_ADMIN and before Linux 5.8"]),
    "docker: with a capability, not with another": (
        seccomp(("bpf", {"includes": {"caps": ["CAP_SYS_ADMIN"]}})),
        seccomp(("bpf", {"includes": {"caps": ["CAP_SYS_ADMIN"]}, "excludes": {"caps": ["CAP_SYS_BOOT"]}})),
        ["forbidden - syscalls bpf | with CAP_SYS_ADMIN and with CAP_SYS_BOOT"]),
    "docker: up to a kernel": (
        seccomp(("ptrace", {})), seccomp(("ptrace", {"excludes": {"minKernel": "4.8"}}), default="SCMP_ACT_ERRNO"),
        ["forbidden - syscalls ptrace"]),
    "docker: on some machines": (
        seccomp(("read", {})), seccomp(("read", {}), ("arch_prctl", {"includes": {"arches": ["amd64"]}}),
                                       ("set_tls", {"includes": {"arches": ["arm", "arm64"]}})),
        ["allowed low syscalls arch_prctl"]),
    "docker: archMap": (
        seccomp(architectures=None, archMap=[{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]),
        seccomp(architectures=None, archMap=[{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]),
        ["forbidden - architectures system calls of i386"]),
    "capabilities": (
        '{"add": ["NET_RAW"], "drop": ["ALL"]}', "CAP_SYS_ADMIN\n",
        ["allowed critical capabilities CAP_SYS_ADMIN", "forbidden - capabilities CAP_NET_RAW"]),
    "policy: a narrower pattern": (
        HEAD + "files: [/a/** r]\n", HEAD + "files: [/a/*/b r]\n",
        ["forbidden - files /a/** r | of which a part still is"]),
    "policy: the same in other words": (
        HEAD + "files: ['/a/{b,c} rw', /d w]\n", HEAD + "files: [/a/b rw, /a/c wr, /d wa]\n", SAME),
    "policy: what is dangerous": (
        HEAD, HEAD + "files: [/run/docker.sock rw]\nnetwork: [inet raw]\nsyscalls: [socket 0=AF_PACKET]\n"
        "read-only-root: false\n",
        ["allowed critical files /run/docker.sock rw", "allowed high network inet raw",
         "allowed high syscalls socket 0=AF_PACKET"]),
    "policy: deny": (
        HEAD + "files: [/a/** r]\n", HEAD + "files: [/a/** r, {rule: /a/b r, deny: true}]\n",
        ["forbidden - files /a/** r | of which a part still is"]),
    "policy: a deny rule is gone": (
        HEAD + "files: [/a/** r, {rule: /a/b/** rw, deny: true, reason: it holds keys}, {rule: /a/c r, deny: true}]\n",
        HEAD + "files: [/a/** r, {rule: /a/c r, deny: true}]\n",
        ["allowed medium files /a/** r | of which a part was allowed, the rest was denied by: /a/b/** rw (it holds keys)"]),
    "policy: a narrower deny rule": (
        HEAD + "files: [/a/* w, {rule: /a/* w, deny: true}]\n", HEAD + "files: [/a/* w, {rule: /a/x* w, deny: true}]\n",
        ["allowed medium files /a/* w | was denied by: /a/* w"]),
    "AppArmor: what the parser adds for a hat": (
        "profile p {\n  /a r,\n}\n", "profile p {\n  /a r,\n  ^h {\n    /b r,\n  }\n}\n",
        [f"allowed low files owner /proc/[0-9]*/attr/{{apparmor/,}}current w | in {name}, which AppArmor adds for hats, "
         "children and change_profile" for name in ("p", "p//h")] + ["allowed none files /b r | in p//h"] +
        [f"allowed none files owner {path} r | in {name}, which AppArmor adds for hats, children and change_profile"
         for path in ("/proc/*/attr/apparmor/", "/sys/module/apparmor/parameters/enabled") for name in ("p", "p//h")]),
    "AppArmor: what comes with a letter is no longer denied": (
        "profile p {\n  /a w,\n  /b ix,\n  deny /a a,\n  deny /b m,\n}\n", "profile p {\n  /a w,\n  /b ix,\n}\n",
        ["allowed low files /a a", "allowed none files /b m"]),
    "AppArmor: spelling means nothing": (
        "profile p {\n  /a/{b,c} rw,\n  capability chown,\n}\n",
        "@{X}=/a\nprofile p {\n  rw @{X}/c,\n  @{X}/b wr,\n capability chown,\n capability chown,\n}\n", SAME),
    "AppArmor: what is dangerous": (
        "profile p {\n  /a/** r,\n}\n",
        "profile p {\n  /a/*/b r,\n  capability sys_admin,\n  /bin/sh Ux,\n  network raw,\n}\n",
        ["allowed critical capabilities capability sys_admin", "allowed critical files /bin/sh Ux",
         "allowed high network network raw", "forbidden - files /a/** r | of which a part still is"]),
    "AppArmor: for more programs": (
        "profile p /a {\n  /a r,\n}\n", "profile p /{a,b} {\n  /a r,\n}\n",
        ["forbidden - profile profile p is for more programs, like /b: it confines those, too"]),
    "AppArmor: for fewer programs": (
        "profile p /{a,b} {\n  /a r,\n}\n", "profile p /a {\n  /a r,\n}\n",
        ["allowed critical profile profile p is no longer for all programs that it was for, like /b: "
         "nothing here confines those"]),
    "AppArmor: for no program any more": (
        "profile p /a {\n  /a r,\n}\n", "profile p {\n  /a r,\n}\n",
        ["allowed critical profile profile p is no longer for all programs that it was for, like /a: "
         "nothing here confines those"]),
    "AppArmor: flags that make it stricter": (
        "profile p {\n  /a r,\n}\n", "profile p flags=(audit,kill) {\n  /a r,\n}\n",
        ["allowed none profile flag audit: what is allowed is logged, too",
         "allowed none profile flag kill: what is not allowed ends the process"]),
    "AppArmor: complain": (
        "profile p {\n  /a r,\n}\n", "profile p flags=(complain) {\n  /a r,\n}\n", None),
    "AppArmor: flags that do not lift it": (
        "profile p {\n  /a r,\n}\n", "profile p flags=(attach_disconnected,mediate_deleted) {\n  /a r,\n}\n",
        ["allowed medium profile flag attach_disconnected: rules match paths from outside the mount namespace too",
         "allowed low profile flag mediate_deleted: rules match deleted files by the names that they had"]),
    "policy against AppArmor": (
        HEAD + "files: [/a/* r]\n", "profile t {\n  /a/* r,\n  /b r,\n}\n", None),
    "policy against seccomp": (
        HEAD + "syscalls: [read]\n", seccomp(("read write", {})), None),
}


def diff(*arguments, **more):
    return subprocess.run([WHITTLE, "diff", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=60, **more)


def told(document):
    return [f"{c['change']} {c.get('risk', '-')} {c['section']} {c['what']}" +
            (f" | {c['when']}" if "when" in c else "") for c in document["changes"]]


def case_rows(folder):
    for name, (old, new, wanted) in ROWS.items():
        (folder / "old").write_text(old)
        (folder / "new").write_text(new)
        done = diff("-f", "json", "--exit-code", folder / "old", folder / "new")
        assert done.returncode in (0, 1), f"{name}: {done.stderr}"
        document = json.loads(done.stdout)
        assert SCHEMA.good(SCHEMA.root, document), f"{name}: {SCHEMA.why(SCHEMA.root, document)}"
        assert done.returncode == (1 if document["changes"] else 0), name
        if wanted is None:
            continue
        got = [line for line in told(document)
               if "| if the upper half" not in line or line in wanted]
        assert got == wanted, f"{name}: {got}"
        back = json.loads(diff("-f", "json", folder / "new", folder / "old").stdout)
        assert back["summary"]["forbidden"] == document["summary"]["allowed"], name


def case_comment_length(folder):
    """What GitHub takes as a comment, whatever names and reasons are like."""
    item = "  - {rule: '/home/u%d/.ssh/<i>|`@a`&%s rw', reason: '" + "&" * 900 + "'}\n"
    (folder / "old").write_text(HEAD + "files: [/a r]\n")
    (folder / "new").write_text(HEAD + "files:\n  - /a r\n" + "".join(item % (i, "é" * 60) for i in range(300)) +
                                "".join(f"  - '/z{i}&&&&|{'&' * 900} r'\n" for i in range(300)))
    for old, new in (("old", "new"), ("new", "old")):
        done = diff("-f", "markdown", folder / old, folder / new)
        assert done.returncode == 0 and 10000 < len(done.stdout) < 65536, (len(done.stdout), done.stderr)
        counts = [int(count) for count in re.findall(r"and (\d+) more; `whittle diff`", done.stdout)]
        shown = len(re.findall("^(?:- files|\\| [⚪🔵🟡🟠🔴])", done.stdout, re.M))
        assert shown >= 10 and shown + sum(counts) == 600, (shown, counts)


def case_formats(folder):
    (folder / "old").write_text(HEAD + "syscalls: [read]\nfiles: [/etc/x r]\n")
    (folder / "new").write_text(HEAD + "syscalls: [read, bpf]\nfiles: [/etc/x rw, '/a/<b>|*c r']\n")
    text = diff(folder / "old", folder / "new").stdout
    assert re.search(r"Newly allowed: 3\n  \+ critical  bpf  EPERM → allowed\n", text), text
    markdown = diff("-f", "markdown", folder / "old", folder / "new").stdout
    assert markdown.startswith("### Security profile: ⚠️ 1 dangerous permission to decide about"), markdown
    assert "<b>" not in markdown and "**critical**" in markdown, markdown
    sarif = json.loads(diff("-f", "sarif", folder / "old", folder / "new").stdout)
    run = sarif["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert sarif["version"] == "2.1.0" and len(run["results"]) == 3
    for result in run["results"]:
        assert result["ruleId"] in rules and result["message"]["text"]
        assert result["level"] in ("note", "warning", "error")
        where = result["locations"][0]["physicalLocation"]
        assert where["artifactLocation"]["uri"].startswith("file:///"), where
        assert where["region"]["startLine"] == 1
    assert run["results"][0]["level"] == "error"


def case_status(folder):
    (folder / "old").write_text(seccomp())
    (folder / "new").write_text(seccomp(("keyctl", {})))
    old, new = folder / "old", folder / "new"
    for arguments, wanted in (
            ([old, new], 0), (["--exit-code", old, new], 1), (["--exit-code", old, old], 0),
            (["--fail-on", "high", old, new], 1), (["--fail-on", "critical", old, new], 0),
            (["--fail-on", "none", old, old], 0), (["--fail-on", "low", new, old], 0),
            ([old], 2), (["-", "-"], 2), ([old, folder / "none"], 2), (["--fail-on", "huge", old, new], 2)):
        done = diff(*arguments)
        assert done.returncode == wanted, f"{arguments}: {done.returncode}, {done.stderr}"
    done = diff("--exit-code", "-", new, input=seccomp())
    assert done.returncode == 1 and "keyctl" in done.stdout, done.stderr


def case_errors(folder):
    for text, complaint in (
            ("", "none of what can be compared"),
            ("hello world", "none of what can be compared"),
            ('{"defaultAction": 1}', '"defaultAction" must be one of'),
            ('{"defaultAction": "SCMP_ACT_ALLOW",\n "syscalls": [}', ":2:"),
            (seccomp(("read", {"args": [cond(6, "EQ", 1)]})), "must be 0 to 5"),
            (seccomp(("read", {"args": [cond(0, "LIKE", 1)]})), 'no "op" "SCMP_CMP_LIKE"'),
            (seccomp(("read", {"args": [cond(0, "EQ", 2**64)]})), "more than 64 bits"),
            (seccomp(("read", {"args": [cond(0, "EQ", -1)]})), "negative number"),
            (seccomp(("read", {"includes": {"caps": ["CAP_FLY"]}})), 'no capability "CAP_FLY"'),
            (seccomp(architectures=["x86_64"]), "SCMP_ARCH_X86_64"),
            ('{"add": ["FLY"]}', 'no capability "FLY"')):
        (folder / "bad").write_text(text)
        (folder / "good").write_text(seccomp())
        done = diff(folder / "good", folder / "bad")
        assert done.returncode == 2 and complaint in done.stderr, f"{text}: {done.stderr}"
    (folder / "caps").write_text("CAP_KILL")
    done = diff(folder / "good", folder / "caps")
    assert done.returncode == 2 and "nothing in common" in done.stderr, done.stderr


def case_folders_and_recordings(folder):
    server = GOLDEN / "generate/server"
    done = json.loads(diff("-f", "json", server, server).stdout)
    assert not done["changes"] and "files" in done["compared"], done
    done = json.loads(diff("-f", "json", server / "recording.jsonl", server / "policy.yaml").stdout)
    assert not [c for c in done["changes"] if c["change"] == "allowed" and c["section"] == "syscalls"], done
    for name in ("policy.yaml", "apparmor.profile"):
        (folder / name).write_text((server / name).read_text())
    (folder / "apparmor.profile").write_text(
        (server / "apparmor.profile").read_text().replace("  /srv/www/index.html r,\n", "  /srv/www/** r,\n"))
    done = json.loads(diff("-f", "json", server, folder).stdout)
    assert told(done) == ["allowed none AppArmor: files /srv/www/** r | of which a part was allowed"], told(done)
    (folder / "empty").write_text(HEAD)
    done = json.loads(diff("-f", "json", "--recording", server / "recording.jsonl", folder / "empty",
                           server / "policy.yaml").stdout)
    needed = {c["what"]: c["needed_by"] for c in done["changes"] if "needed_by" in c}
    assert any(who["subject"] == "/usr/sbin/server" for who in needed["CAP_CHOWN"]), needed.keys()
    assert "accept4" in needed and any("/srv/www/index.html" in what for what in needed), needed.keys()
    assert SCHEMA.good(SCHEMA.root, done), SCHEMA.why(SCHEMA.root, done)


def case_includes_of_another_folder(folder):
    """What profiles include is looked for in --include first."""
    (folder / "mine").mkdir()
    (folder / "mine/site").write_text("/srv/www/** r,\n")
    (folder / "old").write_text("profile p {\n  /srv/www/index.html r,\n}\n")
    (folder / "new").write_text("profile p {\n  include <mine/site>\n}\n")
    with_folder = json.loads(diff("-f", "json", "--include", folder, folder / "old", folder / "new").stdout)
    assert told(with_folder) == ["allowed none files /srv/www/** r | of which a part was allowed"], told(with_folder)
    without = json.loads(diff("-f", "json", folder / "old", folder / "new").stdout)
    assert [c["change"] for c in without["changes"]] == ["forbidden"], told(without)
    assert "mine/site" in json.dumps(without), without


def case_markdown_tells_what_is_written(folder):
    """Writing is more than appending, and a setting goes from one value to another."""
    paths = [folder / "old.yaml", folder / "new.yaml"]
    paths[0].write_text(HEAD + "read-only-root: true\n", encoding="utf-8")
    paths[1].write_text(HEAD + "read-only-root: false\nfiles: [/srv/a w, /srv/b a, /usr/bin/c w]\n", encoding="utf-8")
    out = subprocess.run([os.environ["WHITTLE"], "diff", "--format", "markdown", *paths], check=True, capture_output=True, text=True,
                         timeout=60).stdout
    for what, why in [("/srv/a w", "writes a file"), ("/srv/b a", "appends to a file"), ("/usr/bin/c w", "programs and libraries")]:
        assert any(f"<code>{what}</code> | {why}" in line for line in out.splitlines()), out
    assert "read-only-root</code>: <code>true</code> → <code>false</code> |" in out, out


def markdown(folder, old, new, kind):
    paths = [folder / f"old.{kind}", folder / f"new.{kind}"]
    for path, text in zip(paths, (old, new)):
        path.write_text(text, encoding="utf-8")
    done = diff("--format", "markdown", *paths)
    assert done.returncode == 0, done
    return done.stdout


def case_markdown_tells_what_is_not_known(folder):
    """What could not be compared is neither counted nor listed among what is new."""
    many = [("clone", {"args": [cond(0, "EQ", i)]}) for i in range(5000)]
    out = markdown(folder, seccomp(), seccomp(*many), "json")
    assert "⚠️ 1 rule to read, which could not be compared" in out, out
    assert "**0** new permissions" in out and "Of **1** more it is not known" in out, out
    out = markdown(folder, seccomp(), seccomp(("mount", {}), *many), "json")
    assert "⚠️ 1 dangerous permission to" in out and "**1** new permissions (1 critical" in out, out
    proven, unknown = out.split("**Not known:**")
    assert "<code>mount</code>" in proven and "<code>clone</code>" not in proven, out
    assert "| perhaps now allowed |" in unknown and "<code>clone</code>" in unknown, out


def case_markdown_of_hostile_names(folder):
    """Nothing of a name is markup: of a child profile, or of a file that is not here."""
    profile = 'profile p {{\n  {}\n  profile "x|<img>" {{\n    {}\n  }}\n}}\n'
    out = markdown(folder, profile.format("", ""), profile.format("include <a|b>", "/srv/a r,"), "apparmor")
    assert "x&#124;&lt;img&gt;" in out and "<img>" not in out and "a|b" not in out, out


for _name, _case in list(globals().items()):
    if _name.startswith("case_"):
        live.add_case(_name[5:], lambda folder, case=_case: case(pathlib.Path(folder)))
live.main()
