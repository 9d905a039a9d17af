#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle verify: what was learnt runs under its policy, what is missing is refused and named, nothing is left."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree

import live
from live import both, case, check, equal, record

# Files are made, moved between folders, read, executed and deleted; a pipe, a script, a child.
WORK = ('cat "$1/in" | sort >"$1/out"; mkdir "$1/a" "$1/b"; : >"$1/a/file"; mv "$1/a/file" "$1/b/file"; rm "$1/b/file"; '
        'rmdir "$1/a" "$1/b"; "$1/script"; cat /proc/self/status >"$1/out"')


def learn(folder, backend, command=WORK, before=lambda: None):
    for name, text in (("in", "b\na\n"), ("script", "#!/bin/sh\nexit 0\n")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    os.chmod(os.path.join(folder, "script"), 0o755)
    before()
    result = record(backend, folder, ["sh", "-c", command, "sh", folder])
    equal(result.status, 0, result.err)
    generated = os.path.join(folder, "generated")
    subprocess.run([live.WHITTLE, "generate", "--quiet", result.recording, "-o", generated], check=True,
                   capture_output=True)
    return os.path.join(generated, "policy.yaml"), result.recording


def run_verify(*arguments, whittle=live.WHITTLE, **options):
    done = subprocess.run([whittle, "verify", *arguments], capture_output=True, text=True, check=False,
                          timeout=live.LIMIT, stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr


def verify(policy, folder, command=WORK, *options, **popen):
    report = os.path.join(folder, "report.json")
    status, out, err = run_verify("--policy", policy, "--format", "json", "-o", report, *options, "--", "sh", "-c",
                                  command, "sh", folder, **popen)
    check(status in (0, 1), f"status {status}: {err}")
    document = live.read_report(report, "verify")
    equal(document["ok"], status == 0, f"ok, of {document}")
    return status, document, out, err


def without(policy, rule):
    """A copy of POLICY that lacks the one line of RULE."""
    with open(policy, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    kept = [line for line in lines if line.strip() not in (f"- {rule}", f'- "{rule}"')]
    equal(len(kept), len(lines) - 1, f"rules like {rule} in {''.join(lines)}")
    result = os.path.join(os.path.dirname(policy), "less.yaml")
    with open(result, "w", encoding="utf-8") as file:
        file.write("".join(kept))
    return result


def added(policy, rule):
    """A copy of POLICY with RULE for files."""
    with open(policy, encoding="utf-8") as file:
        text = file.read()
    check("\nfiles:\n" in text, text)
    result = os.path.join(os.path.dirname(policy), "more.yaml")
    with open(result, "w", encoding="utf-8") as file:
        file.write(text.replace("\nfiles:\n", f'\nfiles:\n  - "{rule}"\n', 1))
    return result


def state_of(document, part):
    return next(layer["state"] for layer in document["layers"] if layer["part"] == part)


def landlock():
    done = subprocess.run(live.python(live.CALL + "print(call(444, 0, 0, 1))"), capture_output=True, text=True, check=True)
    return int(done.stdout)


@both
def learnt_has_no_denials(folder, backend):
    policy, recording = learn(folder, backend)
    status, document, _, err = verify(policy, folder, WORK, "--recording", recording)
    equal((status, document["findings"], document["intended"]), (0, [], []), err)
    check(document["complete"], err)
    equal(document["expected_status"], 0, "expected status")
    equal(state_of(document, "syscalls"), "enforced", "system calls")
    equal(state_of(document, "capabilities"), "enforced", "capabilities")
    equal(state_of(document, "signals"), "enforced", "signals")
    equal(state_of(document, "files"), "partly" if landlock() >= 2 else "watched", "files")


@case
def a_refused_call_names_its_file(folder):
    command = 'mkdir "$1/made" 2>/dev/null || :'
    policy, _ = learn(folder, "notify", command)
    os.rmdir(os.path.join(folder, "made"))
    status, document, out, err = verify(without(policy, "mkdir"), folder, command)
    equal(status, 1, err)
    paths = [who["paths"] for f in document["findings"] if f["rule"] == "mkdir" for who in f["by"]]
    equal(paths, [[f"{folder}/made"]], f"paths of the refused call: {out}")
    check(not os.path.exists(os.path.join(folder, "made")), "made all the same")


@case
def a_missing_rule_is_found(folder):
    # Taken away by hand: each is refused, named, and proposed; the proposal applies, and then nothing is denied.
    policy, _ = learn(folder, "notify", WORK + '; umask 022; ls "$1" >/dev/null')
    command = WORK + '; umask 022; ls "$1" >/dev/null'
    live.need("patch")
    # Landlock grants what is in a folder where files are made.
    for rule, section, refused in [("umask", "syscalls", True), (f"{folder}/in r", "files", False),
                                   (f"{folder}/ r", "files", False), ("execve", "syscalls", True)]:
        less = without(policy, rule)
        fix = os.path.join(folder, "fix.diff")
        status, document, _, err = verify(less, folder, command, "--fix", fix)
        equal(status, 1, f"{rule}: {err}")
        found = {(f["section"], f["rule"]): f["refused"] for f in document["findings"]}
        check((section, rule) in found, f"{rule}: {found}")
        equal(found[section, rule], refused, f"{rule}: refused")
        subprocess.run(["patch", "-s", less, fix], check=True)
        for name in ("a", "b"):
            subprocess.run(["rm", "-rf", os.path.join(folder, name)], check=True)
        status, document, _, err = verify(less, folder, command)
        equal((status, document["findings"]), (0, []), f"{rule}, mended: {err}")


@case
def a_pattern_grants_what_it_matches(folder):
    # Landlock has no patterns; of what the system's packages brought it gets the files that there are.
    if landlock() < 2:
        raise live.Skip("needs Landlock 2")
    licenses = "/usr/share/common-licenses"
    command = f"cat {licenses}/BSD >/dev/null && cat {licenses}/Artistic >/dev/null || exit 9"
    policy, _ = learn(folder, "notify", command)
    edited = without(without(policy, f"{licenses}/BSD r"), f"{licenses}/Artistic r")
    for pattern, wanted in ((f"{licenses}/{{BSD,Art*}} r", 0), (f"{licenses}/B* r", 9), ("/usr/share/common-lic**/*tic r", 9)):
        status, document, out, err = verify(added(edited, pattern), folder, command)
        equal((status, document["workload"]["exit_status"]), (int(wanted != 0), wanted), f"{pattern}: {out}{err}")
        check(all(f["refused"] for f in document["findings"]), f"{pattern}: {out}")


@case
def refusals_are_real(folder):
    # What the program itself sees of it.
    outside = os.path.join(live.SOURCE, "README.md")
    command = f'cat {outside} >"$1/out" || exit 9; umask >"$1/mask"'
    policy, _ = learn(folder, "notify", command)
    equal(verify(policy, folder, command)[0], 0, "as learnt")
    status, document, _, err = verify(without(policy, "umask"), folder, command)
    equal((status, document["workload"]["exit_status"], document["tolerated"]), (1, 0, True), err)
    if landlock() >= 2:
        less = without(policy, f"{outside} r")
        status, document, _, err = verify(less, folder, command)
        check("Permission denied" in err, err)
        equal((status, document["workload"]["exit_status"], document["tolerated"]), (1, 9, False), err)
        equal([(f["rule"], f["refused"]) for f in document["findings"]], [(f"{outside} r", True)], "findings")
        # whoever is not asked about files may use them
        status, document, _, err = verify(less, folder, command, "--only", "syscalls,capabilities")
        equal((status, document["findings"]), (0, []), err)


@case
def answers_are_the_filters(folder):
    # A rule against a call: its errno, which is what the policy wants; and the process killed.
    policy, _ = learn(folder, "notify", "umask >/dev/null")
    with open(without(policy, "umask"), encoding="utf-8") as file:
        text = file.read()
    for answer, expected in (("ENOSYS", 0), ("KILL", 137)):
        changed = os.path.join(folder, "changed.yaml")
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text.replace("syscalls:\n", f"syscalls:\n  - {{rule: umask, deny: {answer}}}\n", 1))
        status, document, _, err = verify(changed, folder, "umask >/dev/null")
        equal(document["workload"]["exit_status"], expected, f"{answer}: {err}")
        equal(([f["rule"] for f in document["intended"]], document["findings"]), (["umask"], []), answer)
        equal(status, 1 if expected else 0, answer)


@case
def capabilities_are_taken(folder):
    live.need_root()
    command = 'chown 1234 "$1/in" && chown 0 "$1/in"; grep CapBnd /proc/self/status'
    policy, _ = learn(folder, "notify", command)
    status, document, out, err = verify(policy, folder, command)
    equal((status, document["findings"]), (0, []), err)
    equal(int(re.search(r"CapBnd:\s*(\w+)", out).group(1), 16), 1, "only CAP_CHOWN is left")
    status, document, out, err = verify(without(policy, "CAP_CHOWN"), folder, command)
    check("Operation not permitted" in err, err)
    equal([(f["section"], f["rule"], f["refused"]) for f in document["findings"]],
          [("capabilities", "CAP_CHOWN", True)], "findings")


@case
def without_privilege(folder):
    policy, _ = learn(folder, "notify")
    # The build may be where nobody else comes, as in /root.
    whittle = shutil.copy(live.WHITTLE, os.path.join(folder, "whittle"))
    os.chmod(folder, 0o777)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o777)
    os.unlink(os.path.join(folder, "out"))
    # A shell that may not look at its working folder makes other calls.
    how = {"whittle": whittle, "cwd": folder, "env": {**os.environ, "PWD": folder}}
    if os.geteuid() == 0:
        how |= {"user": live.NOBODY, "group": live.NOBODY, "extra_groups": []}
    status, document, _, err = verify(policy, folder, WORK, "--only", "syscalls,capabilities,network", **how)
    equal((status, document["findings"]), (0, []), err)
    status, document, _, err = verify(without(policy, "pipe2"), folder, WORK, "--only", "syscalls", **how)
    equal([(f["rule"], f["refused"]) for f in document["findings"] if f["rule"] == "pipe2"], [("pipe2", True)], err)


@case
def tcp_is_refused(folder):
    if landlock() < 4:
        raise live.Skip("needs Landlock 4")
    server = socket.create_server(("127.0.0.1", 0))
    code = f"import socket\ntry: print(socket.create_connection(('127.0.0.1', {server.getsockname()[1]})).family)\nexcept OSError as e: print(e)"
    program = os.path.join(folder, "client.py")
    with open(program, "w", encoding="ascii") as file:
        file.write(code)
    command = f"{live.PYTHON} -I -S -B {program}"
    policy, _ = learn(folder, "notify", command)
    equal(verify(policy, folder, command)[0], 0, "as learnt")
    status, document, out, err = verify(without(policy, "inet stream"), folder, command)
    equal(status, 1, err)
    check("Permission denied" in out, f"{out}{err}")
    equal([(f["rule"], f["refused"]) for f in document["findings"]], [("inet stream", True)], "findings")
    equal(state_of(document, "network"), "partly", "network")


@case
def a_program_with_capabilities_is_not_run_without(folder):
    # execve() itself fails, whether the program uses them or not
    live.need("setcap")
    path = f"{folder}/capable"
    live.native(["cp", "/bin/true", path])
    if os.geteuid() != 0 or live.native(["setcap", "cap_net_raw+ep", path])[0] != 0:
        raise live.Skip("needs root, and a file system that keeps capabilities")
    command = f'"{path}" 2>/dev/null || exit 9'
    policy, _ = learn(folder, "notify", command)
    equal(verify(policy, folder, command)[0], 0, "as learnt")
    status, document, out, err = verify(without(policy, "CAP_NET_RAW"), folder, command)
    equal((status, document["workload"]["exit_status"]), (1, 9), f"{out}{err}")
    found = {f["rule"]: f["refused"] for f in document["findings"]}  # and dash's write of what failed
    equal(found.get("CAP_NET_RAW"), True, f"refused, of {found}")


@case
def what_is_expected(folder):
    policy, _ = learn(folder, "notify", "exit 0")
    equal(verify(policy, folder, "exit 3")[0], 1, "status 3 instead of 0")
    status, document, _, err = verify(policy, folder, "exit 3", "--baseline")
    equal((status, document["expected_status"]), (0, 3), err)


@case
def formats(folder):
    policy, _ = learn(folder, "notify", "umask >/dev/null")
    less = without(policy, "umask")
    arguments = ("--policy", less, "--", "sh", "-c", "umask >/dev/null")
    status, out, _ = run_verify(*arguments)
    equal(status, 1, "status")
    check("1 denial under the policy" in out and "system call umask   (refused)" in out and "What was in force" in out, out)
    _, out, _ = run_verify("--format", "junit", *arguments)
    suite = xml.etree.ElementTree.fromstring(out).find("testsuite")
    equal((suite.get("tests"), suite.get("failures")), ("1", "1"), "tests, failures")
    _, out, _ = run_verify("--format", "sarif", *arguments)
    equal([r["ruleId"] for r in json.loads(out)["runs"][0]["results"]], ["new-system-call-low-risk"], "results")
    fix = os.path.join(folder, "fix.diff")
    for proposed, said, wrong in ((less, "1 rule proposed", "is empty"), (policy, "is empty", "patch")):
        _, _, err = run_verify("--policy", proposed, "--fix", fix, "--", "sh", "-c", "umask >/dev/null")
        check(said in err and wrong not in err, err)
        equal(os.path.getsize(fix) > 0, proposed == less, f"{fix} holds a diff")


@case
def others_are_spared(folder):
    # Who is refused its own number takes -1 for it, and signals to -1 are for all; so this has processes of its own.
    live.need_root()
    live.need("unshare")
    command = 'trap "exit 0" TERM; kill -TERM $$; exit 1'
    policy, _ = learn(folder, "notify", command)
    report = os.path.join(folder, "report.json")
    fix = os.path.join(folder, "fix.diff")
    script = 'sleep 1000 & "$@"; kill $!'
    for only, wanted in ((["--only", "syscalls"], False), ([], True)):
        status, out, err = live.native(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh",
                                        live.WHITTLE, "verify", "--policy", without(policy, "getpid"), "--format", "json", "-o",
                                        report, "--fix", fix, *only, "--", "sh", "-c", command, "sh", folder])
        equal(status, 0, f"what ran beside it was killed: {out}{err}")
        document = live.read_report(report, "verify")
        refused = {f["rule"] for f in document["findings"] if f["refused"]}
        check("getpid" in refused, f"{document['findings']}")
        equal("SIGTERM all" in refused, wanted, f"{document['findings']}")
        # What it would not send if it knew its number is no rule to propose.
        wide = [f["not_proposed"] or "" for f in document["findings"] if f["rule"] == "SIGTERM all"]
        check(len(wide) == wanted and all("getpid was refused" in text for text in wide), f"{document['findings']}")
        with open(fix, encoding="utf-8") as file:
            added = [line for line in file if line.startswith("+ ")]
        check(any("getpid" in line for line in added) and not any("SIGTERM" in line for line in added), f"{added}")
        # Nor what it complains by, that its signal was refused.
        check(not wanted or not any("write" in line for line in added), f"{added}")


# Daemons, what ignores signals, and what never stops.
STAY = 'setsid sleep 1000 & (trap "" TERM INT; sleep 1000) & nohup sleep 1000 >/dev/null 2>&1 & while :; do /bin/true; done'


@case
def nothing_is_left(folder):
    # Whoever of it is killed, and whenever; the processes are looked for by main() as well.
    policy, _ = learn(folder, "notify", STAY.replace("1000", "0").replace("while :; do /bin/true; done", "/bin/true; wait"))
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch)
    mark = f"WHITTLE_VERIFY={folder}"
    environment = dict(os.environ, TMPDIR=scratch, WHITTLE_VERIFY=folder)
    chance = random.Random(7)
    for victim in ("caller", "guard", "worker", "recorder", "group", "caller", "worker", "group"):
        process = subprocess.Popen([live.WHITTLE, "verify", "--policy", policy, "--", "sh", "-c", STAY],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment, start_new_session=True)
        time.sleep(chance.random() * 0.3)
        pid = process.pid
        for _ in range({"guard": 1, "worker": 2, "recorder": 3}.get(victim, 0)):
            pid = next(iter(live.children(pid)), pid)
        try:
            if victim == "group":
                os.killpg(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        check(live.finish(process)[0] != 0, f"{victim}: status 0")
        live.wait_until(lambda: not live.with_environment(mark) and not os.listdir(scratch), 30,
                        f"the end of all after {victim} was killed")


@case
def a_signal_is_passed_on(folder):
    # Whether verify gets it or its guard, or both: then the command gets it once.
    command = 'trap "echo told; exit 5" TERM; echo ready; while :; do sleep 0.01; done'
    policy, _ = learn(folder, "notify", 'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.01; kill -TERM $$; done')
    for victims in ("caller", "guard", "both"):
        process = subprocess.Popen([live.WHITTLE, "verify", "--policy", policy, "--", "sh", "-c", command],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        equal(process.stdout.readline(), "ready\n", "output")
        guard = live.children(process.pid)[0]
        if victims != "guard":
            process.send_signal(signal.SIGTERM)
        if victims != "caller":
            os.kill(guard, signal.SIGTERM)
        status, out, _ = live.finish(process)
        equal((status, out.count("told\n")), (1, 1), f"{victims}: {out}")
        check("status 5 instead of 0" in out, f"{victims}: {out}")


@case
def what_hangs_is_told(folder):
    # Without its rule the command never ends, and no signal but SIGKILL ends it: what was denied is told all the same.
    with open(os.path.join(folder, "secret"), "w", encoding="ascii") as file:
        file.write("x\n")
    command = 'trap "" TERM INT; echo started; until read line <"$1/secret"; do sleep 0.05; done; sleep 0.01'
    policy, _ = learn(folder, "notify", command)
    with open(policy, encoding="utf-8") as file:
        lines = [line for line in file if "secret" not in line]
    with open(policy, "w", encoding="utf-8") as file:
        file.writelines(lines)
    process = subprocess.Popen([live.WHITTLE, "verify", "--policy", policy, "--", "sh", "-c", command, "sh", folder],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    equal(process.stdout.readline(), "started\n", "output")
    process.send_signal(signal.SIGTERM)
    status, out, _ = live.finish(process)
    equal(status, 1, out)
    check(f"file {folder}/secret r" in out and "status 137 instead of 0" in out, out)


@case
def bad_input(folder):
    policy, recording = learn(folder, "notify")
    wrong = os.path.join(folder, "wrong.yaml")
    with open(wrong, "w", encoding="utf-8") as file:
        file.write("whittle: policy\nformat: 1\nfiles:\n  - nonsense\n")
    for arguments, said in [
            (["--", "true"], "--policy"),
            (["--policy", policy], "CMD"),
            (["--policy", policy, "--baseline", "--recording", recording, "--", "true"], "exclude"),
            (["--policy", wrong, "--", "true"], "wrong.yaml:4"),
            (["--policy", policy, "--only", "nothing", "--", "true"], "nothing"),
            (["--policy", policy, "--fix", "-", "--", "true"], "-o"),
            (["--policy", policy, "--image", "a", "--container", "b"], "exclude"),
            (["--policy", policy, "--container", "a", "--", "true"], "--image"),
            (["--policy", policy, "--test", "true", "--", "true"], "--image"),
            (["--policy", policy, "--image", "a", "--test", " "], "--test"),
            (["--policy", policy, "--image", "a", "--test", "no-such-program"], "no-such-program"),
            (["--policy", policy, "--recording", policy, "--", "true"], "policy.yaml"),
            (["--policy", policy, "--", os.path.join(folder, "no-such-program")], "no-such-program")]:
        status, _, err = run_verify(*arguments)
        equal(status, 2, f"{arguments}: {err}")
        check(said in err, f"{arguments}: {err}")


@case
def the_lab_says_what_it_lacks(folder):
    policy, _ = learn(folder, "notify", "true")
    programs = os.path.join(folder, "programs")
    os.mkdir(programs)
    for program in ("bash", "dirname", "env", "readlink"):
        os.symlink(shutil.which(program), os.path.join(programs, program))
    status, out, err = run_verify("--policy", policy, "--lab", "--", "true",
                                  env={"PATH": programs, "HOME": folder, "WHITTLE_LAB": os.path.join(folder, "lab")})
    if "qemu-system-x86" not in err and shutil.which("qemu-system-x86_64", path="/usr/sbin:/sbin"):
        raise live.Skip("the lab's programs are where nobody can leave them out")
    equal((status, out), (3, ""), err)
    check("apt-get install" in err and "cpio" in err, err)
    check(not os.path.exists(os.path.join(folder, "lab")), "the lab was made")


live.main()
