#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle lint: formats, exit statuses, the page of findings, and policies that whittle itself makes."""
import glob
import json
import os
import random
import shutil
import subprocess
import xml.etree.ElementTree as ET

import live
from live import case, check, equal, need, record

PARSER = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
PARTS = ["/a", "/b", "/c", "/*", "/**", "/a*", "/{a,b}", "/[ab]", "/?", "/a/"]

BAD = """whittle: policy
format: 1
architectures: [x86_64]
runtimes: [runc]
no-new-privileges: true
read-only-root: true
syscalls:
  - read
  - unshare  # lint: accept W302: makes sandboxes
capabilities:
  - CAP_SYS_ADMIN
"""


def lint(*arguments, **more):
    return subprocess.run([live.WHITTLE, "lint", *arguments], capture_output=True, text=True, check=False,
                          timeout=live.LIMIT, **more)


def write(folder, text, name="policy.yaml"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


@case
def exit_statuses(folder):
    path = write(folder, BAD)
    equal(lint(path).returncode, 1, "an error")
    equal(lint("--fail-on", "error", path).returncode, 1, "an error, --fail-on error")
    good = write(folder, BAD.replace("CAP_SYS_ADMIN", "CAP_SETUID"), "good.yaml")
    equal(lint(good).returncode, 0, f"what is left is notes and accepted: {lint(good).stdout}")
    equal(lint("--fail-on", "note", good).returncode, 1, "--fail-on note")
    equal(lint(write(folder, "whittle: policy\n", "half.yaml")).returncode, 2, "no policy")
    equal(lint(os.path.join(folder, "missing")).returncode, 2, "no file")
    equal(lint().returncode, 2, "no argument")
    equal(lint("--fail-on", "fatal", path).returncode, 2, "no severity")
    equal(lint("-", input=BAD).returncode, 1, "standard input")


@case
def text_is_as_of_a_compiler(folder):
    path = write(folder, BAD)
    done = lint(path)
    check(f"{path}:11:5: error: \"CAP_SYS_ADMIN\"" in done.stdout and "[W301]" in done.stdout, done.stdout)
    check("1 accepted" in done.stdout and "makes sandboxes" not in done.stdout, done.stdout)
    check("accepted: makes sandboxes" in lint("--all", path).stdout, lint("--all", path).stdout)
    check("\x1b" not in done.stdout, "colours in a pipe")


@case
def notes_are_counted(folder):
    path = write(folder, BAD + "".join(f"  - CAP_{name}\n" for name in ("CHOWN", "FOWNER", "SETUID", "SETGID", "SETPCAP", "SYS_TIME")))
    some, every = lint(path).stdout, lint("--all", path).stdout
    equal((some.count("[W303]"), every.count("[W303]")), (5, 6), "medium risks, and that there are more")
    check(f"{path}: 2 more: " in some and "more: " not in every, some)


@case
def json_follows_the_schema(folder):
    for text in [BAD, *(open(p, encoding="utf-8").read() for p in
                        glob.glob(os.path.join(live.SOURCE, "tests/golden/generate/*/policy.yaml")))]:
        document = json.loads(lint("-f", "json", write(folder, text)).stdout)
        live.check_schema(document, "lint", folder)
        severities = [f["severity"] for f in document["findings"] if f["accepted"] is None]
        equal([document["summary"][k] for k in ("errors", "warnings", "notes")],
              [severities.count(k) for k in ("error", "warning", "note")], "counts")
        lines = text.split("\n")
        for finding in document["findings"]:
            if finding["section"] == "capabilities":
                check(lines[finding["line"] - 1][finding["column"] - 1:].startswith(finding["rule"]), f"place of {finding}")


@case
def other_formats(folder):
    path = write(folder, BAD)
    document = json.loads(lint("-f", "sarif", path).stdout)
    run = document["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    check({result["ruleId"] for result in run["results"]} <= rules, "rules of results")
    suppressed = [r["suppressions"][0]["justification"] for r in run["results"] if "suppressions" in r]
    equal(suppressed, ["makes sandboxes"], "suppressions")
    suite = ET.fromstring(lint("-f", "junit", path).stdout).find("testsuite")
    equal(suite.get("failures"), str(len(suite.findall("testcase/failure"))), "failures")
    equal(suite.get("failures"), "1", "failures")


@case
def explains(_folder):
    one = lint("--explain", "W301")
    equal(one.returncode, 0, "status")
    check(one.stdout.startswith("W301 (error): ") and "What to do" in one.stdout, one.stdout)
    wrong = lint("--explain", "W3011")
    equal(wrong.returncode, 2, "status of a code that is not there")
    check("did you mean W301" in wrong.stderr, wrong.stderr)
    check(one.stdout in lint("--explain", "all").stdout, "all")


@case
def own_policies_have_no_errors(folder):
    """What whittle makes of recorded programs does what it says and grants nothing critical."""
    for name in ("everything", "server"):
        done = lint("--fail-on", "error", os.path.join(live.SOURCE, "tests/golden/generate", name, "policy.yaml"))
        equal(done.returncode, 0, f"lint of {name}: {done.stdout}{done.stderr}")
    work = {
        "shell": ["sh", "-c", "echo one | sed s/one/two/ | tee /tmp/lint.$$ | wc -c; cat /etc/passwd | grep -c root; rm /tmp/lint.$$"],
        "server": live.python("import socket, threading\n"
                              "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
                              "c = socket.create_connection(s.getsockname())\n"
                              "t = threading.Thread(target=lambda: s.accept()); t.start(); t.join(); print('end')"),
    }
    for name, command in work.items():
        done = record(live.BACKENDS[0], folder, command, name=f"{name}.jsonl")
        equal(done.status, 0, f"status of {name}")
        made = subprocess.run([live.WHITTLE, "generate", done.recording, "-o", os.path.join(folder, name)],
                              capture_output=True, text=True, check=False, timeout=live.LIMIT)
        equal(made.returncode, 0, f"generate: {made.stderr}")
        result = lint("--fail-on", "error", os.path.join(folder, name, "policy.yaml"))
        equal(result.returncode, 0, f"lint of {name}: {result.stdout}{result.stderr}")


def profile(folder, files):
    """What apparmor_parser makes of a policy with these rules; None: it refuses them."""
    path = write(folder, "whittle: policy\nformat: 1\nname: t\narchitectures: [x86_64]\nsyscalls: [read]\nfiles:\n" +
                 "".join(f"  - {rule}\n" for rule in files), "files.yaml")
    made = subprocess.run([live.WHITTLE, "generate", "--format", "apparmor", path, "-o", os.path.join(folder, "made")],
                          capture_output=True, text=True, check=False, timeout=live.LIMIT)
    equal(made.returncode, 0, f"generate: {made.stderr}")
    done = subprocess.run([PARSER, "-QKS", os.path.join(folder, "made", "apparmor.profile")], capture_output=True,
                          check=False, timeout=live.LIMIT)
    return done.stdout if done.returncode == 0 else None


def found(folder, files, *codes):
    """The indices of the rules with such a finding."""
    path = write(folder, "whittle: policy\nformat: 1\nfiles:\n" + "".join(f"  - {rule}\n" for rule in files))
    return {f["line"] - 4 for f in json.loads(lint("-f", "json", path).stdout)["findings"] if f["code"] in codes}


@case
def apparmor_loses_nothing_with_what_others_grant(folder):
    """Without the rules that lint calls superfluous, all of them, apparmor_parser makes the same automaton."""
    need("apparmor_parser")
    seeds, compared = random.Random(7), 0
    while compared < 6:
        files = ["'" + ("owner " if seeds.random() < .2 else "") +
                 "".join(seeds.choice(PARTS) for _ in range(seeds.randint(1, 3))).replace("//", "/") + " " +
                 "".join(sorted({seeds.choice(["r", "w", "k", "m", "a", "ix"]) for _ in range(seeds.randint(1, 3))})) + "'"
                 for _ in range(seeds.randint(4, 9))]
        files += ["{rule: '" + "".join(seeds.choice(PARTS) for _ in range(2)).replace("//", "/") +
                  f" {seeds.choice('rwk')}', deny: true}}" for _ in range(seeds.randint(0, 2))]
        superfluous = found(folder, files, "W103", "W104")
        if superfluous:
            compared += 1
            less = [rule for i, rule in enumerate(files) if i not in superfluous]
            check(profile(folder, less) == profile(folder, files), f"without {superfluous} of {files}")


@case
def apparmor_refuses_two_ways_to_execute(folder):
    need("apparmor_parser")
    version = live.native(["apparmor_parser", "--version"])[1]
    pairs = [["/usr/bin/* rmix", "/usr/bin/x rmpx"], ["/a/x rmix", "/a/x ux"], ["/a/** rmix", "/b/** rmpx"], ["/a/* px", "/a/** ux"],
             ["/a/*x px", "'/a/x* ux'"]]
    if "version 3" in version:  # 4 takes the one with a set for the narrower one, as if it were without wildcards
        pairs.append(["/usr/bin/* rmix", "'/usr/[a-c]in/x rmpx'"])
    for files in pairs:
        equal(bool(found(folder, files, "W108")), profile(folder, files) is None, str(files))


live.main()
