#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle verify --minimal: each rule is needed, tolerated or unneeded, with evidence; and that is kept."""
import json
import os
import signal
import subprocess

import live
from live import case, check, equal, record


def learn(folder, command, extra=()):
    """The policy of COMMAND, with rules EXTRA (section, rule) besides."""
    result = record("notify", folder, command)
    equal(result.status, 0, result.err)
    generated = os.path.join(folder, "generated")
    subprocess.run([live.WHITTLE, "generate", "--quiet", result.recording, "-o", generated], check=True)
    policy = os.path.join(generated, "policy.yaml")
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    for section, rule in extra:
        line = f"\n{section}:\n"
        text = text.replace(line, f"{line}  - {rule}\n") if line in text else text + f"{line}  - {rule}\n"
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text)
    return policy


def start(policy, command, *options, **popen):
    return subprocess.Popen([live.WHITTLE, "verify", "--policy", policy, "--minimal", "--format", "json", *options, "--",
                             *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **popen)


def minimal(folder, policy, command, *options, statuses=(0, 1)):
    status, out, err = live.finish(start(policy, command, *options))
    check(status in statuses, f"status {status}: {err}")
    document = json.loads(out)
    live.check_schema(document, "minimal", folder)
    equal(document["ok"], status == 0, f"ok: {err}")
    with open(os.path.join(os.path.dirname(policy), "policy.proofs.json"), encoding="utf-8") as file:
        live.check_schema(json.load(file), "proofs", folder)
    return document, {(r["section"], r["rule"]): r for r in document["rules"]}, err


def ours(rules):
    """But for what says how a container is made, and is not tried."""
    return {k: r for k, r in rules.items() if r["verdict"] != "untried"}


def holds_within(seconds, condition):
    try:
        return live.wait_until(condition, seconds)
    except AssertionError:
        return False


def small(folder):
    for name in ("in", "out"):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write("b\na\n")
    return ["sort", "-o", os.path.join(folder, "out"), os.path.join(folder, "in")]


@case
def each_rule(folder):
    live.need("patch")
    command = small(folder)
    extra = [("syscalls", "ptrace"), ("syscalls", "socket 0=AF_INET"), ("files", "/etc/shadow rw"), ("files", f"{folder}/* r")]
    policy = learn(folder, command, extra)
    fix = os.path.join(folder, "fix.diff")
    document, rules, err = minimal(folder, policy, command, "--fix", fix)
    proposed = {k for k, r in rules.items() if r["proposed"]}
    check({e for e in extra if e[0] == "syscalls" or "shadow" in e[1]} <= proposed, f"{proposed}: {err}")
    # The broad rule is tried first: it goes, and with it gone the narrow one is needed.
    check(("files", f"{folder}/* r") in proposed, f"{proposed}: {err}")
    equal(rules["files", f"{folder}/in r"]["verdict"], "needed", "what is read")
    equal(rules["files", f"{folder}/out rw"]["verdict"] if ("files", f"{folder}/out rw") in rules else "needed", "needed", "out")
    needed = rules["syscalls", "openat"]
    equal((needed["verdict"], needed["exit_status"]), ("needed", 127), "openat")
    check("openat" in needed["denied"] and "sort" in needed["denied"], needed)
    check(all(r["verdict"] in ("needed", "tolerated", "unneeded") for r in ours(rules).values()), rules)
    # What is proposed is taken, and then nothing is left to propose or to prove.
    subprocess.run(["patch", "-s", policy, fix], check=True)
    document, rules, err = minimal(folder, policy, command, "--fix", fix)
    equal([k for k, r in rules.items() if r["proposed"]], [], err)
    check("the diff is empty" in err and "patch" not in err and os.path.getsize(fix) == 0, err)
    again = [k for k, r in ours(rules).items() if not r["earlier"] and r["verdict"] != "unneeded"]
    equal([k for k in again if k[1] not in (f"{folder}/in r", f"{folder}/out rw")], [], "proven twice")
    check(document["runs"] < 10, f"{document['runs']} runs")
    # A needed rule that is missing is found, with the very rule proposed.
    for section, rule in (("syscalls", "openat"), ("syscalls", "mmap"), ("files", f"{folder}/in r")):
        with open(policy, encoding="utf-8") as file:
            text = file.read()
        check(f"  - {rule}\n" in text, text)
        less = os.path.join(folder, "less.yaml")
        with open(less, "w", encoding="utf-8") as file:
            file.write(text.replace(f"  - {rule}\n", "", 1))
        status, out, _ = live.native([live.WHITTLE, "verify", "--policy", less, "--format", "json", "--", *command])
        equal(status, 1, rule)
        check((section, rule) in [(f["section"], f["rule"]) for f in json.loads(out)["findings"]], f"{rule}: {out}")
        status, _, err = live.native([live.WHITTLE, "verify", "--policy", less, "--minimal", "--", *command])
        if section == "syscalls":
            check(status == 1 and "under the whole policy" in err, f"{status}: {err}")


# Opens one for both and reads only, locks one, appends to one, maps one executable, links one; what it is refused of "may" it does
# without.
LETTERS = """
import fcntl, mmap, os, sys
folder = sys.argv[1] + '/'
if os.path.lexists(folder + 'link'): os.unlink(folder + 'link')  # of a run that was refused that in the end
with open(folder + 'both', 'r+b') as file: file.read()
with open(folder + 'locked') as file: fcntl.flock(file, fcntl.LOCK_SH); file.read()
with open(folder + 'log', 'a') as file: file.write('x')
with open(folder + 'code', 'rb') as file: mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
os.link(folder + 'both', folder + 'link'); os.unlink(folder + 'link')
with open(folder + 'may') as file:
    try: fcntl.flock(file, fcntl.LOCK_SH)
    except OSError: pass
"""
LETTERS_LEARNT = {"both": "rw", "locked": "rk", "log": "a", "code": "rm", "may": "rk", "link": "w"}
# And what a person wrote instead.
LETTERS_WRITTEN = {"both": "rwk", "locked": "rwkm", "log": "ra", "code": "rm", "may": "rwk", "link": "rwk"}


def rewrite(policy, rules):
    """The rules, from and to, are others now."""
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    for old, new in rules:
        check(f"{old}\n" in text, f"{old}: {text}")
        text = text.replace(f"{old}\n", f"{new}  # by hand\n")
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text)


@case
def letters(folder):
    live.need("patch")
    for name in LETTERS_LEARNT:
        if name != "link":
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write("x")
    command = live.python(LETTERS, folder)
    policy = learn(folder, command)
    rewrite(policy, [(f"{folder}/{name} {LETTERS_LEARNT[name]}", f"{folder}/{name} {written}")
                     for name, written in LETTERS_WRITTEN.items()])
    # Of other commands' proofs it is known that they need a rule, and not which letters of it.
    fix, proofs = os.path.join(folder, "fix.diff"), os.path.join(os.path.dirname(policy), "policy.proofs.json")
    document, rules, err = minimal(folder, policy, command, "--only", "files", "--fix", fix, "--jobs", "2")

    def found(name, written):
        rule = next(r for (_, text), r in rules.items() if text.endswith(f"{folder}/{name} {written}"))
        return {p["rule"].rpartition(" ")[2]: p["verdict"] for p in rule["letters"]}

    equal(found("both", "rwk"), {"r": "needed", "w": "needed", "k": "unneeded"}, err)
    equal(found("locked", "rwkm"), {"r": "needed", "w": "unneeded", "k": "needed", "m": "unneeded"}, err)
    equal(found("log", "ra"), {"r": "unneeded", "a": "needed"}, err)
    equal(found("code", "rm"), {"r": "needed", "m": "needed"}, err)
    equal(found("link", "rwk"), {"r": "unneeded", "w": "needed", "k": "unneeded"}, err)
    equal(found("may", "rwk"), {"r": "needed", "w": "unneeded", "k": "tolerated"}, err)
    lock = next(p for p in rules["files", f"{folder}/locked rwkm"]["letters"] if p["rule"].endswith(" k"))
    check(lock["exit_status"] == 1 and f"{folder}/locked k" in lock["denied"] and "denied" in lock["last_words"], lock)
    with open(proofs, encoding="utf-8") as file:
        kept = [(p["rule"], p["letter_of"]) for w in json.load(file)["workloads"] for p in w["proofs"] if "letter_of" in p]
    check((f"{folder}/locked k", f"{folder}/locked rwkm") in kept, kept)
    # Narrowed, with what stands beside the rules; and of what is left nothing is to be proven.
    subprocess.run(["patch", "-s", policy, fix], check=True)
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    for name, left in LETTERS_LEARNT.items():
        check(f"{folder}/{name} {left}  # by hand\n" in text, f"{name} {left}: {text}")
    document, rules, err = minimal(folder, policy, command, "--only", "files", "--fix", fix)
    equal(([r for r in rules.values() if r["proposed"]], document["ok"]), ([], True), err)
    open_ones = [k for k, r in ours(rules).items() for p in [r, *r.get("letters", [])] if not p["earlier"] and p["verdict"] != "unneeded"]
    equal([k for k in open_ones if folder in k[1]], [], "proven twice")
    # Another command needs a rule of this policy, nobody knows which letters: none is proposed to go.
    with open(proofs, encoding="utf-8") as file:
        document = json.load(file)
    for proof in document["workloads"][0]["proofs"]:
        proof["rule"] = proof["rule"].replace(f"{folder}/may rk", f"{folder}/may rwk")
    document["workloads"][0]["proofs"] = [p for p in document["workloads"][0]["proofs"] if "letter_of" not in p]
    document["workloads"][0]["command"] = ["another"]
    with open(proofs, "w", encoding="utf-8") as file:
        json.dump(document, file)
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text.replace(f"{folder}/may rk ", f"{folder}/may rwk "))
    document, rules, err = minimal(folder, policy, command, "--only", "files")
    equal((found("may", "rwk")["w"], document["ok"]), ("unneeded", True), err)


@case
def letters_nobody_saw(folder):
    # What io_uring does is no call: nobody can say that a letter was not asked for, nor refuse that letter.
    ring = live.program("ring_or_calls")
    if subprocess.run([ring, "ring"], cwd=folder, check=False).returncode == 77:
        raise live.Skip("this kernel has no io_uring, or none for everyone")
    command = ["sh", "-c", 'cd "$1" && "$2" ring', "sh", folder, ring]
    policy = learn(folder, command, [("files", f"'{folder}/** rwlk'")])
    _, rules, err = minimal(folder, policy, command, "--only", "files")
    rule = rules["files", f"{folder}/** rwlk"]
    equal((rule["verdict"], rule["proposed"]), ("needed", False), err)
    check("not all that happened was seen" in err, err)
    untried = {p["rule"].rpartition(" ")[2]: p["why"] for p in rule["letters"] if p["verdict"] == "untried"}
    check({"l", "k"} <= set(untried) and all("was seen" in why for why in untried.values()), rule["letters"])
    equal([p for p in rule["letters"] if p["verdict"] not in ("untried", "needed")], [], err)


# One request of three is needed, one is not asked for, one can be done without; and one family of sockets of three.
VALUES = """
import fcntl, os, socket, termios
r, w = os.pipe()
os.write(w, b'x')
assert fcntl.ioctl(r, termios.FIONREAD, bytes(4)) == (1).to_bytes(4, 'little')
try: fcntl.ioctl(r, termios.FIONBIO, (1).to_bytes(4, 'little'))
except OSError: pass
socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
"""


@case
def values_of_arguments(folder):
    live.need("patch")
    command = live.python(VALUES)
    policy = learn(folder, command)
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    request = next(line for line in text.splitlines() if "ioctl 1=FIONREAD" in line)
    family = next(line for line in text.splitlines() if "socket 0=AF_UNIX" in line)
    more = {request: ["ioctl 1=TIOCSTI"], family: ["socket 0=AF_INET 1=SOCK_STREAM", "socket 0=AF_PACKET 1=SOCK_RAW"]}
    for line, extra in more.items():
        text = text.replace(line, "\n".join([line, *(f"  - {rule}" for rule in extra)]))
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text)
    fix = os.path.join(folder, "fix.diff")
    _, rules, err = minimal(folder, policy, command, "--only", "syscalls", "--fix", fix)
    verdicts = {rule: r["verdict"] for (_, rule), r in rules.items() if rule.split()[0] in ("ioctl", "socket")}
    equal([(rule, v) for rule, v in verdicts.items() if "FIONREAD" in rule or "AF_UNIX" in rule],
          [("ioctl 1=FIONREAD", "needed"), (family.strip()[2:], "needed")], err)
    equal(verdicts["ioctl 1=FIONBIO"], "tolerated", err)
    equal({rule: verdicts[rule] for extra in more.values() for rule in extra},
          {rule: "unneeded" for extra in more.values() for rule in extra}, err)
    before = text
    subprocess.run(["patch", "-s", policy, fix], check=True)
    with open(policy, encoding="utf-8") as file:
        after = file.read()
    check(all(rule in before and f"  - {rule}\n" not in after for extra in more.values() for rule in extra), after)


# It reads the first file that it may: each alone can go, but not both; the second is not even asked for.
FALL_BACK = """
import sys
for path in sys.argv[1:]:
    try:
        with open(path, encoding='ascii') as file:
            sys.exit(file.read() != 'x')
    except PermissionError:
        pass
sys.exit(3)
"""


@case
def what_stands_in(folder):
    paths = [os.path.join(folder, name) for name in ("first", "second")]
    for path in paths:
        with open(path, "w", encoding="ascii") as file:
            file.write("x")
    command = live.python(FALL_BACK, *paths)
    policy = learn(folder, command, [("files", f"{paths[1]} r")])
    _, rules, err = minimal(folder, policy, command, "--only", "files", "--jobs", "2")
    equal(rules["files", f"{paths[1]} r"]["verdict"], "unneeded", err)
    first = rules["files", f"{paths[0]} r"]
    equal((first["verdict"], first["exit_status"]), ("needed", 3), f"{first} {err}")


@case
def smaller_capabilities(folder):
    live.need_root()
    secret = os.path.join(folder, "secret")
    with open(secret, "w", encoding="ascii") as file:
        file.write("x\n")
    os.chmod(secret, 0)
    os.chown(secret, live.NOBODY, live.NOBODY)
    command = ["cat", secret]
    policy = learn(folder, command)
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    check("CAP_DAC_READ_SEARCH" in text, text)
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text.replace("CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE\n  - CAP_SYS_TIME"))
    fix = os.path.join(folder, "fix.diff")
    _, rules, err = minimal(folder, policy, command, "--only", "capabilities", "--fix", fix)
    large = rules["capabilities", "CAP_DAC_OVERRIDE"]
    equal((large["verdict"], large.get("smaller")), ("needed", "CAP_DAC_READ_SEARCH"), f"{large} {err}")
    check("CAP_DAC_OVERRIDE" in large["denied"] or "CAP_DAC_READ_SEARCH" in large["denied"], large)
    check(rules["capabilities", "CAP_SYS_TIME"]["proposed"], err)
    with open(fix, encoding="utf-8") as file:
        check("+  - CAP_DAC_READ_SEARCH" in file.read(), fix)


@case
def runs_that_share_a_file(folder):
    shared = ["sh", "-c", 'echo x >"$1/file"; rm "$1/file"', "sh", folder]
    apart = ["sh", "-c", 'd=$(mktemp -d "$1/XXXXXXXX"); echo x >"$d/file"; rm -r "$d"', "sh", folder]
    for command, warned in ((shared, True), (apart, False)):
        policy = learn(folder, command)
        _, _, err = minimal(folder, policy, command, "--only", "capabilities", "--jobs", "3")
        equal("one run at a time instead of 3" in err, warned, err)


@case
def a_group_is_signalled(folder):
    command = ["sh", "-c", 'trap "exit 0" TERM; kill 0; exit 1']
    result = record("notify", folder, command, start_new_session=True)
    equal(result.status, 0, result.err)
    generated = os.path.join(folder, "generated")
    subprocess.run([live.WHITTLE, "generate", "--quiet", result.recording, "-o", generated], check=True)
    _, rules, err = minimal(folder, os.path.join(generated, "policy.yaml"), command, "--only", "signals")
    equal(rules["signals", "SIGTERM group"]["verdict"], "needed", err)


@case
def stop_and_go_on(folder):
    command = small(folder)
    policy = learn(folder, command)
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch)
    proofs = os.path.join(os.path.dirname(policy), "policy.proofs.json")

    def proven():
        try:
            with open(proofs, encoding="utf-8") as file:
                return sum(p["verdict"] != "unneeded" for w in json.load(file)["workloads"] for p in w["proofs"])
        except OSError:
            return 0

    for victim in (signal.SIGINT, signal.SIGKILL):
        before = proven()
        process = start(policy, command, env=dict(os.environ, TMPDIR=scratch))
        live.wait_until(lambda: proven() > before + 2 or process.poll() is not None, 60, "proofs")
        process.send_signal(victim)
        status, out, err = live.finish(process)
        if victim == signal.SIGINT:
            equal(status, 130, err)
            check(not json.loads(out)["complete"] and "goes on from there" in err, f"{out}{err}")
        live.wait_until(lambda: not os.listdir(scratch), 30, "the end of all")
    so_far = proven()
    check(so_far >= 4, f"{so_far} proofs")
    _, rules, err = minimal(folder, policy, command)
    equal(sum(u["earlier"] for r in rules.values() for u in [r, *r.get("letters", [])]), so_far, err)


@case
def the_guard_is_late(folder):
    # Who ends what is left has no session of its own yet when all of the group are killed.
    policy = learn(folder, ["sh", "-c", "/bin/true; sleep 0"])
    scratch, sign = os.path.join(folder, "scratch"), os.path.join(folder, "sign")
    os.mkdir(scratch)
    mark = f"LATE_SETSID_SIGN={sign}"
    environment = dict(os.environ, TMPDIR=scratch, LATE_SETSID="whittle-guard", LATE_SETSID_SIGN=sign,
                       LD_PRELOAD=live.program("liblate_setsid.so"),
                       ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    process = start(policy, ["sh", "-c", "/bin/true; sleep 1000"], env=environment, start_new_session=True)
    live.wait_until(lambda: os.path.exists(sign), 30, "the guard")
    working = holds_within(2, lambda: len(live.with_environment(mark)) > 3)
    os.killpg(process.pid, signal.SIGKILL)
    live.finish(process)
    check(not working, "trials were begun meanwhile")
    live.wait_until(lambda: not live.with_environment(mark) and not os.listdir(scratch), 30, "the end of all")


@case
def what_cannot_be_proven(folder):
    command = ["sh", "-c", "exit 3"]
    policy = learn(folder, ["sh", "-c", "exit 0"])
    for arguments, status, said in [
            (["--minimal", "--jobs", "0"], 2, "--jobs"),
            (["--jobs", "2"], 2, "--minimal"),
            (["--minimal", "--format", "sarif"], 2, "json"),
            (["--minimal"], 1, "status 3 instead of 0")]:
        got, _, err = live.native([live.WHITTLE, "verify", "--policy", policy, *arguments, "--", *command])
        equal(got, status, f"{arguments}: {err}")
        check(said in err, f"{arguments}: {err}")
    wrong = os.path.join(folder, "wrong.json")
    with open(wrong, "w", encoding="ascii") as file:
        file.write("{\n")
    got, _, err = live.native([live.WHITTLE, "verify", "--policy", policy, "--minimal", "--proofs", wrong, "--", "sh", "-c",
                               "exit 0"])
    check(got == 2 and "wrong.json:" in err, f"{got}: {err}")


live.main()
