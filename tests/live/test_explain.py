#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle explain: a reviewer asks why of a real policy's lines, and of what is not in there."""
import json
import os
import subprocess
import sys

import live
from live import case, check, equal

sys.path.insert(0, os.path.join(live.SOURCE, "tests", "unit"))
from check_schema import Validator  # noqa: E402

SERVER = os.path.join(live.SOURCE, "tests/golden/generate/server")
LINES = 20

CONFIGURATION = """daemon on; worker_processes 1; pid {0}/nginx.pid; error_log {0}/error.log;
events {{ worker_connections 64; }}
http {{ access_log {0}/access.log; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;
 fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
 server {{ listen unix:{0}/socket; root {0}/www; }} }}
"""

# The pid file is there once the server answers, and goes when it ends.
WORKLOAD = """nginx -c "$1/nginx.conf" || exit 1
while ! [ -s "$1/nginx.pid" ]; do sleep 0.05; done
"$0" mark first-page
curl -s --unix-socket "$1/socket" http://x/index.html
"$0" mark stop
kill -QUIT "$(cat "$1/nginx.pid")"
while [ -e "$1/nginx.pid" ]; do sleep 0.05; done
"""


def schema(name):
    with open(os.path.join(live.SOURCE, "profiles/schema", name), encoding="utf-8") as file:
        return Validator(json.load(file))


EXPLAIN, RECORDING = schema("explain.schema.json"), schema("recording.schema.json")


def run(*arguments, status=0):
    done = subprocess.run([live.WHITTLE, "explain", *arguments], capture_output=True, text=True, check=False,
                          errors="surrogateescape", timeout=live.LIMIT)
    equal(done.returncode, status, f"{arguments}: status, {done.stderr}")
    return done


def explain(*arguments, status=0):
    document = json.loads(run("--json", *arguments, status=status).stdout)
    check(EXPLAIN.good(EXPLAIN.root, document), f"{arguments}: {EXPLAIN.why(EXPLAIN.root, document)}")
    equal(document["found"], status == 0, "found")
    for fact in document["facts"]:
        check(RECORDING.good(RECORDING.root, fact), f"{fact}: {RECORDING.why(RECORDING.root, fact)}")
    return document


def generate(folder, recording):
    profile = os.path.join(folder, "profile")
    done = subprocess.run([live.WHITTLE, "generate", recording, "-o", profile], capture_output=True, text=True,
                          check=False, timeout=live.LIMIT)
    equal(done.returncode, 0, f"generate: {done.stderr}")
    with open(os.path.join(profile, "policy.yaml"), encoding="utf-8") as file:
        return profile, file.read().splitlines()


@case
def nginx(folder):
    live.need("nginx", "curl")
    os.mkdir(os.path.join(folder, "www"))
    for name, text in (("nginx.conf", CONFIGURATION.format(folder)), ("www/index.html", "hello\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    done = live.record("notify", folder, ["/bin/sh", "-c", WORKLOAD, live.WHITTLE, folder], env=environment)
    equal((done.status, done.out), (0, "hello\n"), f"nginx: {done.err}")
    profile, policy = generate(folder, done.recording)
    rules = [number for number, text in enumerate(policy, 1) if text.startswith("  - ")]
    check(len(rules) >= LINES, f"{len(rules)} rules")
    for number in rules[::len(rules) // LINES]:
        why = explain(profile, f"policy.yaml:{number}", "--recording", done.recording)
        asked = [rule for rule in why["rules"] if rule["asked"]]
        equal([rule["line"] for rule in asked], [number], f"the rules of line {number}")
        check(why["facts"] or asked[0]["origin"] in ("baseline", "equivalent"), f"nothing about {policy[number - 1]}")
        check(asked[0]["facts"] or asked[0]["origin"] in ("baseline", "equivalent"), f"{asked} needs no fact")

    # the lines of the AppArmor profile as they stand, and by their number
    with open(os.path.join(profile, "apparmor.profile"), encoding="utf-8") as file:
        lines = list(enumerate(file.read().splitlines(), 1))
    own = lines.index(next(line for line in lines if line[1] == "  # files"))
    lines = [line for line in lines[own:] if line[1].startswith("  ") and not line[1].startswith("  #")]
    check(len(lines) >= LINES, f"{len(lines)} lines of the profile")
    for number, line in [*lines[::len(lines) // LINES], lines[-1]]:
        why = explain(profile, line, "-r", done.recording)
        check(why["facts"] and why["rules"], f"{line}: {why}")
        equal(explain(profile, f"apparmor.profile:{number}", "-r", done.recording)["facts"], why["facts"], line)

    page = os.path.join(os.path.realpath(folder), "www/index.html")
    why = explain(profile, page, "-r", done.recording)
    reads = [fact for fact in why["facts"] if "read" in fact.get("access", ())]
    check(reads and all(fact["labels"] == ["first-page"] for fact in reads), f"the label of {reads}")
    check(any(rule["rule"].startswith(page + " ") and rule["facts"] for rule in why["rules"]), f"{why['rules']}")
    text = run(profile, page, "-r", done.recording).stdout
    for wanted in ("sbin/nginx", "nginx -c ", "label first-page", "policy.yaml:", "; in open", "ok"):
        check(wanted in text, f"{wanted!r} is not in: {text}")
    # who of them is still there when the server reads the page is chance; a shell waits for its child
    text = run(profile, os.path.join(os.path.realpath(folder), "nginx.pid"), "-r", done.recording).stdout
    check("/cat, started by /" in text, f"no ancestry: {text}")
    # the same of the recording alone, where the policy is the one that follows from it
    alone = explain(done.recording, page)
    equal([rule["rule"] for rule in alone["rules"]], [rule["rule"] for rule in why["rules"]], "the rules")
    check("line" not in alone["rules"][0], "a line of no file")


@case
def what_is_not_there(_):
    recording = os.path.join(SERVER, "recording.jsonl")
    for what, nearest in (("opnat", "openat"), ("/srv/www/index.htm", "/srv/www/index.html"),
                          ("CAP_CHWON", "CAP_CHOWN"), (":81", "tcp/80")):
        why = explain(recording, what, status=1)
        check(nearest in why["nearest"], f"{what}: {why['nearest']}")
        done = run(recording, what, status=1)
        check(nearest in done.stderr and not done.stdout, f"{what}: {done.stdout}{done.stderr}")
    check("no rule allows" in run(SERVER, "clone3", "-r", recording, status=1).stderr, "clone3: not said that it is a call")
    run(SERVER, "seccomp.json:99999", "-r", recording, status=1)


@case
def usage(folder):
    empty = os.path.join(folder, "empty")
    with open(empty, "w", encoding="utf-8"):
        pass
    recording = os.path.join(SERVER, "recording.jsonl")
    for arguments, complaint in (((recording, "policy.yaml:3"), "--recording"), ((empty, "read"), "neither a recording"),
                                 ((folder, "read"), "no recording"), ((SERVER, "read", "-r", os.path.join(SERVER, "policy.yaml")), "no recording"),
                                 ((recording,), "help"), ((recording, "x", "--kind", "port"), "no port")):
        check(complaint in run(*arguments, status=2).stderr, f"{arguments}: no {complaint}")


@case
def what_is_taken(_):
    recording = os.path.join(SERVER, "recording.jsonl")
    why = explain(SERVER, "setuid", "-r", recording)
    equal((why["kind"], why["also"]), ("call", ["capability"]), "setuid")
    check("--kind capability" in run(SERVER, "setuid", "-r", recording).stdout, "the other kind is not told")
    equal(explain(SERVER, "setuid", "-r", recording, "-k", "capability")["what"], "CAP_SETUID", "--kind capability")
    # a folder stands for the recordings in it
    equal(explain(SERVER, "setuid", "-r", SERVER)["facts"], explain(recording, "setuid")["facts"], "of the folder")
    # a start-up set: in no policy
    why = explain(recording, "capset")
    check(not why["rules"] and any("start-up set" in note for note in why["notes"]), f"{why['notes']}")
    # a policy without a recording tells what it can
    why = explain(SERVER, "accept4")
    equal([rule["origin"] for rule in why["rules"]], ["unknown"], "accept4")


live.main()
