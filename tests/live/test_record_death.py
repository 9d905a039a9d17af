#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle is killed, or its disk is full: the command finishes, unharmed, and nothing stays behind."""
import glob
import json
import os
import random
import signal
import subprocess
import time

import live
from live import both, check, equal, record, record_command, wait_until

# Several processes that fork, exec, open and pipe all the time; its output is always the same. For bash,
# whose signal handlers restart calls: until the keeper has noticed that the recorder was killed, a signal
# interrupts the calls that wait (tracer/notify.c), and dash takes EINTR from fork() for the end.
BUSY = r"""
i=0
while [ $i -lt "$2" ]; do
    i=$((i+1))
    (cat /etc/passwd | sort | wc -l; ls /etc | wc -l) >"$1/part.$i" &
    echo "$i" >"$1/number"
    /bin/true
    [ "$(cat "$1/number")" = "$i" ] || { echo broken; exit 9; }
done
wait
cat "$1"/part.* | sort -u | wc -l
echo end
exit 17
"""


# How often it goes round, so that it is still at it when somebody is killed.
ROUNDS = {"notify": "12", "ptrace": "12", "bpf": "60"}


def run_busy(folder, backend, number):
    inside = os.path.join(folder, str(number))
    os.mkdir(inside)
    recording = os.path.join(inside, "rec.jsonl")
    process = subprocess.Popen(record_command(backend, recording, ["bash", "-c", BUSY, "bash", inside, ROUNDS[backend]]),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, recording


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def recorder_of(process):
    def look():
        # not a trial of the backend's, which comes before
        return [p for p in live.children(process.pid) if comm(p) == "whittle-rec"]
    return wait_until(look, what="the recorder")[0]


def incomplete(recording, text):
    """The recording can be read and says that it is cut off, in every way it can be looked at."""
    document = live.show(recording)
    check(not document["complete"], f"{text}: the recording says that it is complete")
    check("no-footer" in [loss["cause"] for loss in document["losses"]] or
          "detached" in [loss["cause"] for loss in document["losses"]], f"{text}: losses {document['losses']}")
    plain = subprocess.run([live.WHITTLE, "show", recording], capture_output=True, text=True, check=True).stdout
    check("not complete" in plain.lower(), f"{text}: show does not say so: {plain[:300]}")
    return document


def incomplete_unless_over(recording, text):
    """As incomplete(), unless the run was over, and its end recorded, before anybody was killed."""
    document = live.show(recording)
    if document["complete"]:
        equal(document["runs"][0]["exit_status"], 17, f"{text}: complete, with the exit status")
    else:
        incomplete(recording, text)


def live_facts(recording):
    return [f for f in live.show(recording)["facts"] if f["kind"] == "exec"]


def is_written(recording, *texts):
    try:
        with open(recording, encoding="utf-8") as file:
            written = file.read()
    except FileNotFoundError:
        return False
    return all(text in written for text in texts)


def writers(path):
    found = []
    for pid in leftovers():
        try:
            found += [pid for fd in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{fd}") == path]
        except OSError:
            pass
    return found


def leftovers():
    return [p for p in live.with_environment("WHITTLE_LIVE_TEST=" + os.environ["WHITTLE_LIVE_TEST"])]


def no_leftovers(text):
    try:
        wait_until(lambda: not leftovers(), 5, "everything to end")
    except AssertionError:
        names = []
        for pid in leftovers():
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                names.append((pid, file.read().strip(), live.state(pid)))
        raise AssertionError(f"{text}: left behind: {names}") from None


@both
def recorder_is_killed(folder, backend):
    randomness = random.Random(2)
    for number in range(7):
        process, recording = run_busy(folder, backend, number)
        recorder = recorder_of(process)
        delay = randomness.uniform(0, 0.12)
        time.sleep(delay)
        try:
            os.kill(recorder, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it was over already
        status, out, err = live.finish(process)
        text = f"killed after {delay:.3f} s"
        if not out and status == 125:
            check("recorder was killed" in err or "cannot" in err or "ended" in err, f"{text}: message {err}")
            no_leftovers(text)
            continue  # before the command had been started
        check(out.endswith("end\n") and "broken" not in out, f"{text}: output {out!r}, status {status}, {err!r}")
        check(status in (17, 125), f"{text}: status {status}: {err}")
        if os.path.exists(recording) and "killed" in err:
            incomplete(recording, text)
            equal(status, 125, f"{text}: the command's status cannot be known")
        no_leftovers(text)


@both
def front_is_killed(folder, backend):
    randomness = random.Random(3)
    for number in range(7):
        process, recording = run_busy(folder, backend, number)
        recorder_of(process)
        delay = randomness.uniform(0, 0.12)
        time.sleep(delay)
        text = f"killed after {delay:.3f} s"
        process.kill()
        status, out, err = live.finish(process)  # to end of file: when the last of the workload ends
        equal(status, -signal.SIGKILL, text)
        # the recording is there before the command is executed: it may have been killed in between
        if out or (os.path.exists(recording) and live_facts(recording)):
            check(out.endswith("end\n") and "broken" not in out, f"{text}: output {out!r}, {err!r}")
            # killed before it had given the recording its name: that is as it was created then
            incomplete_unless_over(recording if os.path.exists(recording) else glob.glob(recording + ".*")[0], text)
        no_leftovers(text)


@both
def everybody_is_killed(folder, backend):
    for number in range(4):
        process, recording = run_busy(folder, backend, number)
        recorder = recorder_of(process)
        wait_until(lambda: os.path.exists(recording), what="the recording")
        time.sleep(0.03 * number)
        for pid in (process.pid, recorder):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, out, err = live.finish(process)
        if not out and not live_facts(recording):
            no_leftovers(f"round {number}")
            continue  # before the command was executed
        check(out.endswith("end\n") and "broken" not in out, f"output {out!r}, {err!r}")
        incomplete_unless_over(recording, f"round {number}")
        no_leftovers(f"round {number}")


@both
def recording_so_far_is_there(folder, backend):
    # What had been seen before the kill is in the file.
    recording = os.path.join(folder, "rec.jsonl")
    with subprocess.Popen(record_command(backend, recording, ["sh", "-c", f"cat /etc/hostname >{folder}/out; echo ready; "
                                                              "read line; exit 3"]),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        equal(process.stdout.readline(), "ready\n", "line")
        wait_until(lambda: is_written(recording, f'"{folder}/out"', '"/etc/hostname"', '"name":"read"'), what="the facts in the recording")
        os.kill(recorder_of(process), signal.SIGKILL)
        # whoever traces for it sees that, and records no more
        wait_until(lambda: not writers(recording), what="the end of the recording")
        process.communicate("go\n", timeout=20)
        equal(process.returncode, 125, "status")
    document = incomplete(recording, "killed")
    names = {f["name"] for f in document["facts"] if f["kind"] == "file"}
    check({"/etc/hostname", f"{folder}/out"} <= names, f"files: {sorted(names)}")
    calls = {f["name"] for f in document["facts"] if f["kind"] == "syscall"}
    check({"execve", "openat", "read"} <= calls, f"calls: {sorted(calls)}")
    generated = os.path.join(folder, "generated")
    done = subprocess.run([live.WHITTLE, "generate", recording, "-o", generated], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, "status of generate")
    check("incomplete" in done.stderr.lower() or "incomplete" in done.stdout.lower(),
          f"generate does not say that the recording is incomplete: {done.stderr}")


def on_tiny_disk(folder, size, command):
    """COMMAND by the shell, in a mount namespace with a file system of SIZE on FOLDER/disk."""
    disk = os.path.join(folder, "disk")
    os.makedirs(disk, exist_ok=True)
    live.need("unshare")
    done = subprocess.Popen(["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size={size} tiny "$1" && shift && "$@"', "sh",
                             disk, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)
    return live.finish(done)


@both
def disk_is_full(folder, backend):
    live.need_root()
    inside = os.path.join(folder, "work")
    os.mkdir(inside)
    recording = os.path.join(folder, "disk", "rec.jsonl")
    status, out, err = on_tiny_disk(folder, "8k", record_command(backend, recording,
                                                                 ["bash", "-c", BUSY, "bash", inside, ROUNDS[backend]]))
    check(out.endswith("end\n"), f"output {out!r}, {err!r}")
    check("No space left" in err or "INCOMPLETE" in err, f"nothing said: {err!r}")
    check(recording in err or "recording" in err, f"message: {err!r}")
    equal(status, 17, f"status ({err})")


@both
def folder_is_not_writable(folder, backend):
    # Found out before the command is started.
    result = record(backend, folder, ["touch", os.path.join(folder, "ran")], name="no-such-folder/rec.jsonl")
    equal(result.status, 125, f"status ({result.err})")
    check("no-such-folder" in result.err, f"message: {result.err}")
    check(not os.path.exists(os.path.join(folder, "ran")), "the command ran unrecorded")


@both
def recording_goes_to_standard_output(folder, backend):
    done = subprocess.run([live.WHITTLE, "record", "--backend", backend, "-o", "-", "--", "true"], capture_output=True,
                          check=False, timeout=live.LIMIT, stdin=subprocess.DEVNULL)
    equal(done.returncode, 0, "status")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    equal((lines[0].get("whittle"), lines[-1].get("footer"), lines[-1].get("complete")), ("recording", True, True),
          "first and last line")


live.main()
