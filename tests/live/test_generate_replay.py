#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a recording to a container: what was generated lets the same work be done under runc and crun."""
import json
import os
import subprocess

import live
from live import BACKENDS, case, check, equal, need, need_root, record

RUN_IN_RUNC = os.path.join(live.SOURCE, "tests", "live", "run-in-runc")
ARTEFACTS = ["apparmor.profile", "capabilities.json", "docker.args", "policy.yaml", "seccomp.json"]

# Each does the same in every run: where timing decides whether a shell has to wait for a child, another run needs
# other calls (dash: rt_sigsuspend).
# name: programs that must be there, command line for sh, what its output must contain. They write below /tmp only.
WORK = {
    "shell": ([], "echo one | sed s/one/two/ | tee /tmp/r.$$ | wc -c; for i in 1 2 3; do (cat /etc/passwd | grep -c root); done; "
              "find /etc -maxdepth 1 -name 'host*' | sort; rm /tmp/r.$$; echo end", "end"),
    "python": (["/usr/bin/python3"], "/usr/bin/python3 -ISB -c \"import threading, subprocess, json, socket; "
               "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname()); "
               "t = threading.Thread(target=lambda: print('thread')); t.start(); t.join(); "
               "print(subprocess.check_output(['echo', 'child'])); print('end')\"", "end"),
    "perl": (["perl"], "perl -e 'use POSIX; open(F, \">/tmp/p.$$\"); print F 1; close F; rename \"/tmp/p.$$\", \"/tmp/q.$$\"; "
             "unlink \"/tmp/q.$$\"; print `echo child`; print \"end\\n\"'", "end"),
    "sqlite": (["sqlite3"], "sqlite3 /tmp/w$$.db 'create table t(a); insert into t values(7); select a from t; vacuum;' && "
               "rm /tmp/w$$.db && echo end", "7\nend"),
    "compiler": (["gcc"], "cd /tmp && echo 'int main(void){return 0;}' >w.c && gcc -o w w.c && ./w && rm w w.c && echo end", "end"),
    "git": (["git"], "cd /tmp && export HOME=/tmp && git init -q w && cd w && git config user.email a@b && git config user.name n && "
            "echo x >f && git add f && git commit -qm m && git log --oneline | wc -l && cd .. && rm -rf w && echo end", "1\nend"),
    "redis": (["redis-server", "redis-cli"], "redis-server --port 0 --unixsocket /tmp/redis.$$ --save '' --dir /tmp >/dev/null & "
              "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -S /tmp/redis.$$ ] && break; sleep 0.1; done; "
              "redis-cli -s /tmp/redis.$$ set a b; redis-cli -s /tmp/redis.$$ get a; "
              "redis-cli -s /tmp/redis.$$ shutdown nosave; sleep 0.7; echo end", "OK\nb\nend"),
    "tls": (["openssl"], "cd /tmp && openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 1 -subj /CN=x 2>/dev/null && "
            "openssl x509 -in c.pem -noout -subject && rm k.pem c.pem && echo end", "end"),
    "http": (["/usr/bin/python3", "curl"], "cd /tmp; /usr/bin/python3 -ISB -m http.server --bind 127.0.0.1 PORT 2>/dev/null & p=$!; "
             "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do curl -sf -o /dev/null http://127.0.0.1:PORT/ && break; "
             "sleep 0.2; done; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:PORT/missing; kill $p; sleep 0.5; echo end", "404\nend"),
    "owner": ([], "touch /tmp/o.$$ && chown 1000:1000 /tmp/o.$$ && stat -c %u /tmp/o.$$ && rm /tmp/o.$$ && echo end", "1000\nend"),
}


def generate(recording, folder):
    done = subprocess.run([live.WHITTLE, "generate", recording, "-o", folder], capture_output=True, text=True, check=False,
                          timeout=live.LIMIT)
    equal(done.returncode, 0, f"status of generate ({done.stderr})")
    equal(sorted(n for n in os.listdir(folder) if n in ARTEFACTS), ARTEFACTS, "artefacts")


def contents(folder):
    result = {}
    for name in ARTEFACTS:
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    return result


def replay(runtime, folder, script, *options):
    done = subprocess.run([RUN_IN_RUNC, "--runtime", runtime, "--seccomp", f"{folder}/seccomp.json", "--capabilities",
                           f"{folder}/capabilities.json", *options, "--", "sh", "-c", script],
                          capture_output=True, text=True, check=False, timeout=live.LIMIT, stdin=subprocess.DEVNULL)
    if done.returncode == 77:
        raise live.Skip(done.stderr.strip())
    return done


def container_case(name):
    programs, script, wanted = WORK[name]
    script = script.replace("PORT", str(20000 + os.getpid() % 12000))

    def run(folder):
        need_root()
        need("runc", *programs)
        first = record(BACKENDS[len(name) % len(BACKENDS)], folder, ["sh", "-c", script], cwd="/tmp")
        equal((first.status, first.err), (0, ""), "status of the recorded run")
        check(wanted in first.out, f"output of the recorded run: {first.out}")
        first.complete()
        out = os.path.join(folder, "out")
        generate(first.recording, out)
        for runtime in ("runc", "crun"):
            for options in ([], ["--no-new-privileges"]) if name in ("shell", "owner") else ([],):
                try:
                    need(runtime)
                except live.Skip:
                    continue
                done = replay(runtime, out, script, *options)
                equal((done.returncode, done.stderr), (0, ""), f"{runtime} {options}")
                check(wanted in done.stdout, f"{runtime}: {done.stdout}")
        check_apparmor(out)
        with open(os.path.join(out, "capabilities.json"), encoding="utf-8") as file:
            add = json.load(file)["add"]
        equal(sorted(add), ["CAP_CHOWN"] if name == "owner" else [], "capabilities")

    run.__name__ = f"replay_{name}"
    return case(run)


def check_apparmor(out):
    try:
        need("apparmor_parser")
    except live.Skip:
        return
    done = subprocess.run(["apparmor_parser", "-Q", "-K", os.path.join(out, "apparmor.profile")], capture_output=True, text=True,
                          check=False, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    equal(done.returncode, 0, f"apparmor_parser: {done.stderr}")


for each in WORK:
    container_case(each)


@case
def what_was_not_seen_is_refused(folder):
    need_root()
    need("runc")
    result = record("notify", folder, ["sh", "-c", "cat /etc/hostname >/dev/null; echo end"])
    generate(result.recording, f"{folder}/out")
    done = replay("runc", f"{folder}/out", "mkdir /tmp/x && echo made")
    check(done.returncode != 0 and "made" not in done.stdout, f"mkdir was not recorded, and works: {done.stdout}")
    done = replay("runc", f"{folder}/out", "cat /etc/hostname >/dev/null; echo end")
    equal((done.returncode, done.stdout), (0, "end\n"), done.stderr)


@case
def same_behaviour_same_bytes(folder):
    # Two recordings of one thing, by either backend, and the same recording generated twice.
    script = WORK["shell"][1].replace("$$", str(os.getpid()))
    for backend in BACKENDS:
        made = []
        for number in range(2):
            result = record(backend, folder, ["sh", "-c", script], cwd="/tmp", name=f"{backend}{number}")
            generate(result.recording, f"{folder}/{backend}{number}.out")
            made.append(contents(f"{folder}/{backend}{number}.out"))
        for name in ARTEFACTS:
            equal(made[0][name].splitlines(), made[1][name].splitlines(), f"{backend}: {name} of two runs")
    generate(f"{folder}/ptrace1", f"{folder}/again")
    check(contents(f"{folder}/again") == made[1], "the same recording gives other bytes")


@case
def recordings_follow_the_schema(folder):
    script = f"{live.WHITTLE} mark label; mkdir /tmp/s.$$; rmdir /tmp/s.$$; kill -0 $$; cat /etc/hostname /missing; exit 3"
    for backend in BACKENDS:
        result = record(backend, folder, ["sh", "-c", script], options=["--label", "run"], name=f"{backend}.jsonl")
        live.check_schema_of(result.recording, "recording")
        with open(result.recording, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        equal(result.document["facts"], lines[1:-1], f"{backend}: show --json has the facts of the file")
        equal(result.document["runs"], [{**lines[0]["runs"][0], **lines[-1]["runs"][0]}], f"{backend}: and its runs")


@case
def shards(folder):
    # Merged in any order and grouping: the same bytes; the union generates.
    for number, script in enumerate(("cat /etc/hostname", "ls /etc", "mkdir /tmp/w.$$; rmdir /tmp/w.$$")):
        record(BACKENDS[number % len(BACKENDS)], folder, ["sh", "-c", script], name=f"s{number}")
    merge = lambda to, *names: subprocess.run([live.WHITTLE, "merge", *(f"{folder}/{n}" for n in names), "-o", f"{folder}/{to}"],
                                              check=True, timeout=live.LIMIT)
    merge("a", "s0", "s1", "s2")
    merge("b", "s2", "s1", "s0", "s1")
    merge("c1", "s1", "s2")
    merge("c", "c1", "s0")
    texts = [open(f"{folder}/{n}", "rb").read() for n in "abc"]
    check(texts[0] == texts[1] == texts[2], "order or grouping matter")
    result = live.Result(0, "", "", f"{folder}/a")
    equal(len(result.document["runs"]), 3, "runs")
    result.one("file", name="/etc/hostname", access={"read"})
    result.one("syscall", name="mkdir")
    generate(f"{folder}/a", f"{folder}/out")
    check('"mkdir"' in contents(f"{folder}/out")["seccomp.json"].decode(), "a shard's call is missing")


@case
def bad_input(folder):
    good = record("notify", folder, ["true"]).recording
    with open(good, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    rows = {
        "empty": (b"", r"empty|recording"), "garbage": (os.urandom(4096), "recording"),
        "damaged": (b"".join([*lines[:5], b'{"kind":"syscall","name":\n', *lines[5:]]), "line 6"),
        "kind": (b"".join([*lines[:3], b'{"kind":"nonsense","name":"x"}\n', *lines[3:]]), "line 4"),
        "behind": (b"".join(lines) + lines[2], f"line {len(lines) + 1}"),
        "newer": (lines[0].replace(b'"format":1', b'"format":99') + b"".join(lines[1:]), "newer|format"),
        "deep": (lines[0] + b"[" * 100000 + b"\n", "line 2"),
        "header": (b'{"whittle":"recording"', "line 1|header|recording"),
    }
    before = b"precious"
    for name, (data, wanted) in rows.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(data)
        target = os.path.join(folder, f"{name}.merged")
        with open(target, "wb") as file:
            file.write(before)
        for command in (["show", path], ["merge", good, path, "-o", target], ["generate", path, "-o", f"{folder}/{name}.out"]):
            done = subprocess.run([live.WHITTLE, *command], capture_output=True, text=True, check=False, timeout=live.LIMIT)
            equal(done.returncode, 2, f"{command[0]} of {name}: {done.stderr}")
            check(path in done.stderr and any(w in done.stderr for w in wanted.split("|")), f"{command[0]} of {name}: {done.stderr}")
        with open(target, "rb") as file:
            equal(file.read(), before, f"{name}: the output was touched")
        check(not os.path.exists(f"{folder}/{name}.out/policy.yaml"), f"{name}: something was generated")
    for command in (["show", folder], ["generate", folder, "-o", f"{folder}/o"], ["merge", folder, "-o", f"{folder}/o2"]):
        done = subprocess.run([live.WHITTLE, *command], capture_output=True, text=True, check=False, timeout=live.LIMIT)
        equal(done.returncode, 2, f"a folder: {done.stderr}")
    # cut off in the middle of a line: read as far as it goes, and marked
    with open(os.path.join(folder, "cut"), "wb") as file:
        file.write(b"".join(lines)[:len(b"".join(lines)) // 2])
    document = live.show(os.path.join(folder, "cut"))
    equal((document["complete"], [loss["cause"] for loss in document["losses"]]), (False, ["no-footer"]), "cut off")


live.main()
