#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""io_uring by the eBPF backend: what is done through a ring makes the facts of the calls that do the same."""
import os
import subprocess

import live
from live import case, check, equal, record

WAYS = ("ring", "async", "poller", "direct")


def work(folder, way):
    """The recording of ring_or_calls; its folder has the same name each time, since facts do."""
    if "bpf" not in live.BACKENDS:
        raise live.Skip("the eBPF backend does not work here: `whittle doctor` tells why")
    program = live.program("ring_or_calls")
    place = os.path.join(folder, "work")
    subprocess.run(["rm", "-rf", place], check=True)
    os.mkdir(place)
    with open(os.path.join(place, "old"), "w", encoding="ascii"):
        pass
    result = record("bpf", folder, ["sh", "-c", f"cd {place} && exec {program} {way}"])
    if result.status == 77:
        raise live.Skip("no io_uring here")
    equal(result.status, 0, f"{way}: {result.err}")
    result.complete()
    return result


def facts(result, folder):
    """What the program worked on, without how often and where first."""
    seen = set()
    for fact in result.document["facts"]:
        about = fact["kind"] in ("network", "unix") or (fact["kind"] == "file" and fact["name"].startswith(folder + "/work"))
        if about and fact["subject"].endswith("ring_or_calls"):
            seen.add(str(sorted((k, v) for k, v in fact.items() if k not in ("count", "first"))))
    return sorted(seen)


@case
def same_as_by_calls(folder):
    calls = facts(work(folder, "calls"), folder)
    check(len(calls) > 20, f"only {len(calls)} facts: {calls}")
    for way in WAYS:
        equal(facts(work(folder, way), folder), calls, way)


@case
def operations_and_results(folder):
    for way in ("ring", "async"):
        result = work(folder, way)
        for name, results in (("OPENAT", ["ok", "ENOENT"]), ("MKDIRAT", ["ok", "EEXIST"]), ("STATX", ["ok"]), ("ACCEPT", ["ok"]),
                              ("CONNECT", ["ok", "ECONNREFUSED"]), ("UNLINKAT", ["ok"])):
            fact = result.one("io_uring", name="IORING_OP_" + name)
            equal(fact["results"], results, f"{way}: {name}")
        equal(result.one("io_uring", name="IORING_OP_UNLINKAT")["count"], 5, "unlinked")
        equal(result.one("io_uring", name="IORING_OP_SOCKET")["count"], 6, "sockets")


@case
def facts_tell_of_the_ring(folder):
    result = work(folder, "ring")
    place = os.path.join(folder, "work")
    equal(result.one("file", name=place + "/missing")["first"]["syscall"], "IORING_OP_OPENAT", "missing")
    equal(result.one("file", name=place + "/d/hard", access={"link"})["first"]["syscall"], "IORING_OP_LINKAT", "hard")
    equal(result.one("unix", name="connect")["first"]["syscall"], "IORING_OP_CONNECT", "connect")
    result.none("syscall", name="connect", subject=live.program("ring_or_calls"))


@case
def descriptors_are_counted(folder):
    peaks = [work(folder, way).one("resource", name="descriptors")["value"] for way in ("calls", "ring")]
    equal(peaks[1] - peaks[0], 1, f"the ring's own descriptor: {peaks}")


@case
def unseen_ends(folder):
    result = work(folder, "unseen")
    place = os.path.join(folder, "work")
    equal(result.one("io_uring", name="IORING_OP_MKDIRAT")["results"], ["unknown"], "one that tells of failure only")
    equal(result.one("file", name=place + "/d")["access"], ["create"], "d")
    equal(result.one("io_uring", name="IORING_OP_NOP")["results"], ["ok"], "one behind it")
    results = result.one("io_uring", name="IORING_OP_ACCEPT")["results"]
    check(results in (["ECANCELED"], ["unknown"]), f"one that never ends: {results}")
    result.one("unix", name="accept")


@case
def the_policy_says_so(folder):
    result = work(folder, "ring")
    out = os.path.join(folder, "profile")
    done = subprocess.run([live.WHITTLE, "generate", result.recording, "-o", out], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stderr)
    check("io_uring       ALLOWED" in done.stdout, done.stdout)
    check("IORING_OP_CONNECT" in done.stderr and "kernel.io_uring_disabled" in done.stderr, done.stderr)
    with open(os.path.join(out, "policy.yaml"), encoding="utf-8") as text:
        lines = text.read().splitlines()
    rules = {name: [line for line in lines if f"rule: io_uring_{name}," in line] for name in ("setup", "enter")}
    check(len(rules["setup"]) == 1 and "past seccomp" in rules["setup"][0], f"{rules}")
    check(len(rules["enter"]) == 1 and "IORING_OP_CONNECT" in rules["enter"][0], f"{rules}")
    check(not any(line.strip().startswith(("- mkdir", "- unlinkat", "- socket 0")) for line in lines), "calls that were not made")
    with open(os.path.join(out, "apparmor.profile"), encoding="utf-8") as text:
        profile = text.read()
    check(os.path.join(folder, "work") + "/" in profile and "network inet dgram" in profile, profile)
    # denied by hand, it is closed
    policy = os.path.join(out, "policy.yaml")
    text = "\n".join("  - {rule: io_uring_setup, deny: ENOSYS}" if "rule: io_uring_setup," in line else line for line in lines)
    with open(policy, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    done = subprocess.run([live.WHITTLE, "generate", policy, "-o", out], capture_output=True, text=True, check=False)
    equal((done.returncode, "ALLOWED" in done.stdout), (0, False), done.stdout + done.stderr)


live.main()
