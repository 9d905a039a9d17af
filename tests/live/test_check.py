#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle check: nothing to say of what was learnt, one finding for each new behaviour."""
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import live
from live import both, case, check, equal, record

KNOWN = 'cat "$1/in" | sort >"$1/out"; mkdir -p "$1/folder"; : >"$1/folder/file"; rm "$1/folder/file"'

# What is new, and the findings that it must make. A file is read by two programs: that is one finding.
NEW = KNOWN + '; head -c 1 "$1/secret" >"$1/out"; cat "$1/secret" >"$1/out"; ln -s nowhere "$1/link"; rmdir "$1/folder"'


def learn(folder, backend):
    with open(os.path.join(folder, "in"), "w", encoding="ascii") as file:
        file.write("b\na\n")
    with open(os.path.join(folder, "secret"), "w", encoding="ascii") as file:
        file.write("x\n")
    # with the programs that are used later, so that only what they do is new
    command = KNOWN + '; head -c 1 "$1/in" >"$1/out"; cat "$1/in" >"$1/out"; ln -s x "$1/other"; rmdir "$1/folder"'
    result = record(backend, folder, ["sh", "-c", command, "sh", folder])
    equal(result.status, 0, result.err)
    generated = os.path.join(folder, "generated")
    subprocess.run([live.WHITTLE, "generate", "--quiet", result.recording, "-o", generated], check=True,
                   capture_output=True)
    return os.path.join(generated, "policy.yaml"), result.recording


def run_check(*arguments):
    done = subprocess.run([live.WHITTLE, "check", *arguments], capture_output=True, text=True, check=False,
                          timeout=live.LIMIT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def findings(policy, backend, folder, command, *options):
    report = os.path.join(folder, "report.json")
    status, out, err = run_check("--policy", policy, "--backend", backend, "--format", "json", "-o", report, *options,
                                 "--", "sh", "-c", command, "sh", folder)
    check(status in (0, 1), f"status {status}: {err}")
    document = live.read_report(report, "check")
    equal(document["ok"], not document["findings"], "ok")
    check(document["complete"], f"not complete: {err}")
    return status, out, document


@both
def learnt_is_clean(folder, backend):
    policy, recording = learn(folder, backend)
    # all but the last steps
    status, _, document = findings(policy, backend, folder, KNOWN)
    equal((status, document["findings"]), (0, []), "findings")
    equal(document["workload"]["exit_status"], 0, "exit status")
    equal(run_check("--policy", policy, "--recording", recording)[0], 0, "the recording against its own policy")


@both
def new_is_found_once(folder, backend):
    policy, _ = learn(folder, backend)
    os.unlink(os.path.join(folder, "other"))
    status, _, document = findings(policy, backend, folder, NEW)
    equal(status, 1, "status")
    found = [(f["section"], f["rule"]) for f in document["findings"]]
    equal(sorted(found), [("files", f"{folder}/secret r"), ("files", f"owner {folder}/link w")], "findings")
    by = {f["rule"]: [w["subject"].rsplit("/", 1)[1] for w in f["by"]] for f in document["findings"]}
    equal(sorted(by[f"{folder}/secret r"]), ["cat", "head"], "who")
    status, _, document = findings(policy, backend, folder, NEW, "--only", "syscalls,capabilities")
    equal((status, document["findings"]), (0, []), "without files")


@both
def a_call_is_found(folder, backend):
    # Most of what the policy knows is not even stopped by notify; this has to be.
    policy, _ = learn(folder, backend)
    status, _, document = findings(policy, backend, folder, KNOWN + '; nice -n 3 true', "--only", "syscalls")
    equal(status, 1, "status")
    rules = [f["rule"] for f in document["findings"]]
    check("setpriority" in rules and "openat" not in rules, f"findings: {rules}")
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    denied = os.path.join(folder, "denied.yaml")
    with open(denied, "w", encoding="utf-8") as file:
        file.write(text.replace("syscalls:\n", "syscalls:\n  - {rule: setpriority, deny: EPERM}\n", 1))
    _, _, document = findings(denied, backend, folder, KNOWN + '; nice -n 3 true', "--only", "syscalls")
    equal([f["denied"] for f in document["findings"] if f["rule"] == "setpriority"], [True], "denied")


# Opens the same again and again. With "new", the same names then lead elsewhere, each in another way.
OPENED = r"""
import os, sys
folder, what = sys.argv[1:]
os.chdir(folder)
def again(name, flags=os.O_RDONLY, times=20):
    for _ in range(times):
        os.close(os.open(folder + name, flags))
def all_again():
    for name in ("/in", "/one", "/sub/two", "/three"):
        again(name)
all_again()
if what == "new":
    os.rename("one", "was-one")
    os.symlink("secret", "one")      # a link
    os.rename("sub", "moved")
    os.symlink("moved", "sub")       # a link on the way: the very same file by another name
    all_again()
    again("/three", os.O_WRONLY, 5)  # more than reading
    os.unlink("three")
    os.mkdir("three")                # another thing of the same name
    again("/three", times=3)
all_again()
"""


@case
def what_is_opened_again_is_looked_at(folder):
    # Without privilege notify looks less closely at what was opened before; ptrace does not.
    for name in ("in", "one", "three", "secret", "sub/two"):
        os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write("x\n")
    shutil.copytree(folder, f"{folder}-begin")
    prefix = ["setpriv", "--no-new-privs"]
    if os.geteuid() == 0:
        prefix += [f"--reuid={live.NOBODY}", f"--regid={live.NOBODY}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]

    def begin():
        shutil.rmtree(folder)
        shutil.copytree(f"{folder}-begin", folder)
        subprocess.run(["chmod", "-R", "a+rwX", folder], check=True)

    def counts(backend, policy, what):
        report = os.path.join(folder, "report.json")
        done = subprocess.run([*prefix, live.WHITTLE, "check", "--policy", policy, "--backend", backend, "--only", "files",
                               "--format", "json", "-o", report, "--", *live.python(OPENED, folder, what)],
                              capture_output=True, text=True, check=False, timeout=live.LIMIT)
        check(done.returncode in (0, 1), done.stderr)
        return {f["rule"]: sum(w["count"] for w in f["by"]) for f in live.read_report(report, "check")["findings"]}

    try:
        begin()
        result = record("notify", folder, live.python(OPENED, folder, "known"), prefix=prefix)
        equal(result.status, 0, result.err)
        policy = os.path.join(f"{folder}-begin", "policy.yaml")
        subprocess.run([live.WHITTLE, "generate", "--quiet", "--generalize", "exact", result.recording,
                        "-o", f"{folder}-begin/generated"], check=True, capture_output=True)
        shutil.move(f"{folder}-begin/generated/policy.yaml", policy)
        found = {}
        for backend in ("notify", "ptrace"):
            equal(counts(backend, policy, "known"), {}, "of what is known")
            found[backend] = counts(backend, policy, "new")
            begin()
        equal(found["notify"], found["ptrace"], "by notify, and by ptrace")
        for rule in (f"{folder}/secret r", f"{folder}/moved/two r"):
            equal(found["notify"].get(rule), 40, f"{rule} of {found}")
    finally:
        shutil.rmtree(f"{folder}-begin")


@both
def found_is_accepted(folder, backend):
    policy, _ = learn(folder, backend)
    with open(policy, "a", encoding="utf-8") as file:
        file.write("# the end\n")
    with open(policy, encoding="utf-8") as file:
        before = file.read().splitlines()
    os.unlink(os.path.join(folder, "other"))
    command = NEW + '; nice -n 3 true; rm "$1/link"'
    status, _, document = findings(policy, backend, folder, command, "--accept")
    equal(status, 1, "status of the check that finds")
    with open(policy, encoding="utf-8") as file:
        after = file.read().splitlines()
    added = [line for line in after if line not in before]
    equal([line for line in after if line in before], before, "what was there")
    check({f"  - {f['rule']}" for f in document["findings"]} == set(added) and "  - setpriority" in added, f"added: {added}")
    # files are there now that were not: made anew they are what was accepted
    equal(findings(policy, backend, folder, command)[2]["findings"], [], "findings afterwards")


@both
def label_is_told(folder, backend):
    policy, _ = learn(folder, backend)
    _, _, document = findings(policy, backend, folder,
                              f'{live.WHITTLE} mark login; cat "$1/secret" >"$1/out"', "--only", "files")
    told = [w["label"] for f in document["findings"] if f["rule"].endswith("/secret r") for w in f["by"]]
    equal(told, ["login"], f"labels of {document['findings']}")


@both
def unused_is_listed(folder, backend):
    policy, _ = learn(folder, backend)
    _, _, document = findings(policy, backend, folder, KNOWN, "--unused")
    unused = {(u["section"], u["rule"]) for u in document["unused"]}
    check(("files", f"owner {folder}/other w") in unused, f"unused: {unused}")
    check(("files", f"{folder}/in r") not in unused and ("syscalls", "openat") not in unused, f"unused: {unused}")
    with open(policy, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for rule in document["unused"]:
        check(rule["rule"] in lines[rule["line"] - 1], f"line {rule['line']} is not {rule['rule']}")


# Does the same again and again, so that it does not matter when the watcher comes.
WATCHED = 'while sleep 0.1; do cat "$1/in" >"$1/out"; cat "$1/secret" >"$1/out"; done'


def lines_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().splitlines()]
    except FileNotFoundError:
        return []


@case
def what_runs_is_watched(folder):
    # By --pid, with findings told while it goes on; then it is left alone.
    policy, _ = learn(folder, "ptrace")
    report = os.path.join(folder, "found.jsonl")
    workload = subprocess.Popen(["sh", "-c", WATCHED, "sh", folder], stdin=subprocess.DEVNULL)
    watcher = subprocess.Popen([live.WHITTLE, "check", "--policy", policy, "--only", "files", "--pid", str(workload.pid),
                                "--format", "jsonl", "-o", report], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    live.wait_until(lambda: [f for f in lines_of(report) if f["rule"] == f"{folder}/secret r"], 30, "the finding")
    check(watcher.poll() is None and workload.poll() is None, "one of them has ended")
    watcher.send_signal(2)
    _, err = watcher.communicate(timeout=live.LIMIT)
    equal(watcher.returncode, 1, err)
    found = lines_of(report)
    equal(len([f for f in found if f["rule"] == f"{folder}/secret r"]), 1, f"{found}")
    check(all(f["time"].endswith("Z") and f["by"] for f in found), f"{found}")
    check(workload.poll() is None, "the workload has ended")
    workload.kill()
    workload.wait()


@case
def the_command_goes_on_as_it_is(folder):
    policy, _ = learn(folder, "ptrace")
    status, out, err = run_check("--policy", policy, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    equal(status, 1, "status")
    check(out.startswith("out\n") and "err\n" in err and "status 7" in err, f"{out!r} {err!r}")


@case
def formats(folder):
    policy, recording = learn(folder, "ptrace")
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text.replace(f"  - {folder}/in r\n", ""))
    check(f"{folder}/in r" in text, text)
    status, out, _ = run_check("--policy", policy, "--recording", recording)
    equal(status, 1, "status")
    check(f"1 thing outside the policy {policy}:\n\n  file {folder}/in r\n      by " in out, out)
    check(f"files:\n  - {folder}/in r\n" in out, out)
    _, out, _ = run_check("--policy", policy, "--recording", recording, "--format", "junit")
    suite = xml.etree.ElementTree.fromstring(out).find("testsuite")
    equal((suite.get("tests"), suite.get("failures")), ("1", "1"), "tests, failures")
    equal(suite.find("testcase").get("name"), f"file {folder}/in r", "test case")
    _, out, _ = run_check("--policy", policy, "--recording", recording, "--format", "sarif")
    run = json.loads(out)["runs"][0]
    equal([(r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for r in run["results"]],
          [("new-file-access-none-risk", "file://" + policy)], "results")
    equal([r["id"] for r in run["tool"]["driver"]["rules"]], ["new-file-access-none-risk"], "rules")


@case
def risk_of_findings(folder):
    # As `whittle diff` tells it of a policy with these rules.
    policy, _ = learn(folder, "ptrace")
    recording = os.path.join(folder, "risky.jsonl")
    program = "import socket; open('/etc/shadow').close(); socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9).close()"
    subprocess.run([live.WHITTLE, "record", "--backend", "ptrace", "-o", recording, "--", "/usr/bin/python3", "-Ic", program],
                   check=True, capture_output=True, timeout=live.LIMIT)
    accepted = os.path.join(folder, "accepted.yaml")
    shutil.copy(policy, accepted)
    run_check("--policy", accepted, "--recording", recording, "--accept")
    differ = subprocess.run([live.WHITTLE, "diff", "--format", "json", policy, accepted], check=True, capture_output=True, timeout=live.LIMIT)
    said = {(c["section"], c["what"]): c for c in json.loads(differ.stdout)["changes"] if c["change"] == "allowed"}
    _, out, _ = run_check("--policy", policy, "--recording", recording, "--format", "json")
    found = {(f["section"], f["rule"]): f for f in json.loads(out)["findings"]}
    for key in [("files", "/etc/shadow r"), ("network", "netlink raw")]:
        equal([found[key][k] for k in ("risk", "why", "source")], [said[key][k] for k in ("risk", "why", "source")], f"{key}")
        check(found[key]["risk"] != "none", f"{found[key]}")
    shadow = found["files", "/etc/shadow r"]
    line = f"risk: {shadow['risk']}: {shadow['why']} ({shadow['source']})\n"
    _, out, _ = run_check("--policy", policy, "--recording", recording)
    check(f"  file /etc/shadow r\n      {line}      by /" in out, out)
    _, out, _ = run_check("--policy", policy, "--recording", recording, "--format", "junit")
    failures = {c.get("name"): c.find("failure") for c in xml.etree.ElementTree.fromstring(out).iter("testcase")}
    equal(failures["file /etc/shadow r"].get("type"), f"{shadow['risk']} risk", "JUnit's type")
    check(failures["file /etc/shadow r"].text.startswith(line), out)
    _, out, _ = run_check("--policy", policy, "--recording", recording, "--format", "sarif")
    rules = {r["id"]: float(r["properties"]["security-severity"]) for r in json.loads(out)["runs"][0]["tool"]["driver"]["rules"]}
    check(rules[f"new-file-access-{shadow['risk']}-risk"] > rules["new-system-call-low-risk"], f"{rules}")
    check(all(r["ruleId"] in rules for r in json.loads(out)["runs"][0]["results"]), out)


@case
def bad_input(folder):
    policy, recording = learn(folder, "ptrace")
    wrong = os.path.join(folder, "wrong.yaml")
    with open(wrong, "w", encoding="utf-8") as file:
        file.write("whittle: policy\nformat: 1\nfiles:\n  - nonsense\n")
    for arguments, said in [
            (["--", "true"], "--policy"),
            (["--policy", policy], "command"),
            (["--policy", policy, "--pid", "1", "--container", "x"], "exclude"),
            (["--policy", policy, "--format", "jsonl", "--recording", recording], "jsonl"),
            (["--policy", policy, "--recording", recording, "--", "true"], "command"),
            (["--policy", wrong, "--", "true"], "wrong.yaml:4"),
            (["--policy", policy, "--only", "files,nothing", "--", "true"], "nothing"),
            (["--policy", policy, "--", os.path.join(folder, "no-such-program")], "no-such-program")]:
        status, _, err = run_check(*arguments)
        equal(status, 2, f"{arguments}: {err}")
        check(said in err, f"{arguments}: {err}")


live.main()
