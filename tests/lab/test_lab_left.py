#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`whittle verify --lab` leaves neither processes nor scratch files, whoever of it is killed, and whenever; a machine that
is killed is no verdict. Needs the lab (script/lab)."""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "live"))

import live  # noqa: E402  (needs the path above)
from live import check, equal  # noqa: E402


def learn(folder):
    recording, generated = os.path.join(folder, "rec.jsonl"), os.path.join(folder, "generated")
    status, _, err = live.native(live.record_command("notify", recording, ["sleep", "0.01"]))
    equal(status, 0, err)
    subprocess.run([live.WHITTLE, "generate", "--quiet", recording, "-o", generated], check=True)
    return os.path.join(generated, "policy.yaml")


def qemu_of(mark):
    """The machine that was started with MARK in its environment."""
    for pid in live.with_environment(mark):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().startswith("qemu-system"):
                    return pid
        except OSError:
            pass
    return None


def nothing_is_left(folder):
    policy = learn(folder)
    done = subprocess.run([live.WHITTLE, "verify", "--policy", policy, "--lab", "--", "sleep", "0.01"],
                          capture_output=True, text=True, check=False)
    if done.returncode == 3:
        raise live.Skip(f"no lab: {done.stderr.strip()[-100:]}")
    equal(done.returncode, 0, done.stderr)
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch)
    mark = f"WHITTLE_LAB_LEFT={folder}"
    environment = dict(os.environ, TMPDIR=scratch, WHITTLE_LAB_LEFT=folder)
    chance = random.Random(7)
    kill, term = signal.SIGKILL, signal.SIGTERM
    for victim, number in (("qemu", kill), ("caller", kill), ("guard", kill), ("machine", kill), ("group", kill),
                           ("guard", term), ("caller", term), ("group", term)):
        process = subprocess.Popen([live.WHITTLE, "verify", "--policy", policy, "--lab", "--", "sleep", "100"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment, start_new_session=True)
        pid = process.pid
        if victim == "qemu":
            live.wait_until(lambda: qemu_of(mark), 60, "the machine")
            pid = int(qemu_of(mark))
        else:
            time.sleep(chance.random() * 2)
        for _ in range({"guard": 1, "machine": 2}.get(victim, 0)):
            pid = next(iter(live.children(pid)), pid)
        (os.killpg if victim == "group" else os.kill)(pid, number)
        status = live.finish(process)[0]
        check(status == 3 if victim == "qemu" else status != 0, f"{victim}: status {status}")
        live.wait_until(lambda: not live.with_environment(mark) and not os.listdir(scratch), 30,
                        f"the end of all after {victim} was sent {number.name}: {os.listdir(scratch)}")


live.add_case("nothing_is_left", nothing_is_left)
live.main([])
