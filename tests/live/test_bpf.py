#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is particular to the eBPF backend: marks, joining, floods, daemons, privileges, what is left behind."""
import os
import shutil
import signal
import subprocess
import time

import live
from live import case, check, equal, python, record, wait_until


def need_bpf():
    if "bpf" not in live.BACKENDS:
        raise live.Skip("the eBPF backend does not work here: `whittle doctor` tells why")


def programs_loaded():
    """Ids of the tracing programs in the kernel; None where it cannot be told."""
    # what the build found, because Ubuntu's works only with the kernel it comes with
    tool = os.environ.get("WHITTLE_BPFTOOL") or shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    done = tool and subprocess.run([tool, "prog", "list"], capture_output=True, text=True, check=False)
    if not done or done.returncode:
        return None
    return {line.split(":")[0] for line in done.stdout.splitlines() if ": tracing" in line}


@case
def features_are_told(folder):
    need_bpf()
    result = record("bpf", folder, ["true"])
    equal((result.status, result.err), (0, ""), "status")
    features = result.document["runs"][0]["features"].split()
    check("tp_btf" in features and "ringbuf" in features, f"features {features}")
    check(any(f.startswith("cap_capable:") for f in features), f"features {features}")
    check(not any(f["kind"] == "capability" and f["origin"] != "observed" for f in result.document["facts"]),
          "a capability that was not observed")


@case
def marks(folder):
    need_bpf()
    script = (f"cat /etc/passwd >/dev/null; {live.WHITTLE} mark first && cat /etc/hostname >/dev/null; "
              f"{live.WHITTLE} mark second && cat /etc/group >/dev/null; {live.WHITTLE} mark first && cat /etc/shells >/dev/null")
    result = record("bpf", folder, ["sh", "-c", script])
    equal((result.status, result.err), (0, ""), "status")
    result.complete()
    for name, label in (("/etc/passwd", None), ("/etc/hostname", "first"), ("/etc/group", "second"), ("/etc/shells", "first")):
        found = result.one("file", name=name, access={"read"}).get("labels", [])
        check(label in found or (label is None and found in ([], [None])), f"{name}: {found}")
    mine = [f for f in result.document["facts"] if f["subject"] == live.WHITTLE]
    equal(mine, [], "facts of `whittle mark` itself")
    # nobody answers outside
    done = subprocess.run([live.WHITTLE, "mark", "outside"], capture_output=True, text=True, check=False)
    equal(done.returncode, 3, done.stderr)


FLOOD = """
import os, sys
folder, processes, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
children = []
for p in range(processes):
    child = os.fork()
    if child == 0:
        for i in range(files):
            try: os.stat('%s/%d-%d' % (folder, p, i))
            except OSError: pass
        os._exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
"""


@case
def flood_of_new_things(folder):
    # each is an event: far more than the ring buffer holds at a time
    need_bpf()
    processes, files = 6, 6000
    result = record("bpf", folder, python(FLOOD, f"{folder}/nowhere", str(processes), str(files)))
    equal((result.status, result.err), (0, ""), "status")
    result.complete()
    found = [f for f in result.facts("file") if f["name"].startswith(f"{folder}/nowhere/")]
    equal(len(found), processes * files, "distinct files")
    equal({f["count"] for f in found}, {1}, "counts")


GONE = """
import os, shutil, subprocess, sys, time
folder = sys.argv[1]
while not os.path.exists(folder + '/go'): time.sleep(0.02)
for source in sys.argv[2:]:
    name = folder + '/' + os.path.basename(source)
    shutil.copy(source, name)
    subprocess.run([name], stdout=subprocess.DEVNULL, check=True)
    os.unlink(name)
os.write(1, b'ran')
"""


@case
def programs_that_are_gone(folder):
    # the recorder comes to them when their files are removed, and so are the processes
    need_bpf()
    recording = os.path.join(folder, "rec.jsonl")
    programs = [path for path in (shutil.which("true"), shutil.which("busybox")) if path]
    process = subprocess.Popen(live.record_command("bpf", recording, python(GONE, folder, *programs)),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: os.path.exists(recording), what="the workload")
    recorder = live.children(process.pid)[0]
    os.kill(recorder, signal.SIGSTOP)
    try:
        with open(f"{folder}/go", "w", encoding="ascii"):
            pass
        equal(process.stdout.read(len("ran")), "ran", "the programs")
    finally:
        os.kill(recorder, signal.SIGCONT)
    _, err = process.communicate(timeout=90)
    equal((process.returncode, err), (0, ""), "status")
    result = live.Result(0, "", err, recording)
    result.complete()
    for path in programs:
        result.one("exec", name=os.path.join(folder, os.path.basename(path)), loaded_as="program")
    result.one("exec", loaded_as="elf-interpreter", subject=os.path.realpath(live.PYTHON))


PASSES = """
import os, sys, time
folder, files, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def look():
    for i in range(files):
        try: os.stat('%s/nowhere/%d' % (folder, i))
        except OSError: pass
    os.write(1, b'looked')
look()
while not os.path.exists(folder + '/go'): time.sleep(0.02)
for i in range(1, passes): look()
"""


def flood_a_stopped_recorder(folder, files, passes):
    """The ring buffer overflows, since nobody takes anything from it."""
    recording = os.path.join(folder, "rec.jsonl")
    process = subprocess.Popen(live.record_command("bpf", recording, python(PASSES, folder, str(files), str(passes))),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: os.path.exists(recording), what="the workload")
    recorder = live.children(process.pid)[0]
    os.kill(recorder, signal.SIGSTOP)
    try:
        equal(process.stdout.read(len("looked")), "looked", "the first pass")
    finally:
        os.kill(recorder, signal.SIGCONT)
    time.sleep(1)
    with open(f"{folder}/go", "w", encoding="ascii"):
        pass
    _, err = process.communicate(timeout=90)
    document = live.show(recording)
    found = {f["name"] for f in document["facts"] if f["kind"] == "file" and f["name"].startswith(f"{folder}/nowhere/")}
    return document, found, err


@case
def overflow_is_told(folder):
    need_bpf()
    files = 45000
    document, found, err = flood_a_stopped_recorder(folder, files, 1)
    losses = {loss["cause"]: loss["count"] for loss in document["losses"]}
    check(not document["complete"] and "INCOMPLETE" in err, f"complete; {err}")
    check(set(losses) == {"ring-full"}, f"losses {losses}")
    check(len(found) < files, "nothing overflowed")
    # a thing may be more than one key, or share its fate with others
    check(losses["ring-full"] >= (files - len(found)) * 0.95, f"{files - len(found)} missing, told {losses}")


@case
def overflow_is_made_up_for(folder):
    # what was lost comes again, and is taken then
    need_bpf()
    files = 45000
    document, found, err = flood_a_stopped_recorder(folder, files, 2)
    equal(len(found), files, f"files; losses {document['losses']}")
    check(document["complete"], f"losses {document['losses']} {err}")


@case
def calls_are_counted(folder):
    need_bpf()
    code = "import os\nfor i in range(20000): os.getppid()\nfor i in range(3000): os.open('/dev/null', 0) and None; os.close(3)"
    result = record("bpf", folder, python(code))
    equal((result.status, result.err), (0, ""), "status")
    equal(result.one("syscall", name="getppid")["count"], 20000, "getppid")
    equal(result.one("file", name="/dev/null", access={"read"})["count"], 3000, "opens")
    check(result.document["runs"][0]["calls"] >= 26000, f"calls {result.document['runs'][0]['calls']}")


@case
def what_is_looked_at_is_counted(folder):
    # an empty name, which stands for the descriptor, goes another way than a name with the same flag
    need_bpf()
    code = f"""
import ctypes, os
folder = os.open({folder!r}, os.O_RDONLY)
look = ctypes.CDLL(None).fstatat
buffer = ctypes.create_string_buffer(512)
for name, times in ((b"", 5000), (b"named", 700), (b"missing", 60)):
    for i in range(times):
        look(folder, name, buffer, 0x1000)
"""
    with open(os.path.join(folder, "named"), "w", encoding="ascii"):
        pass
    result = record("bpf", folder, python(code))
    equal((result.status, result.err), (0, ""), "status")
    for name, times, outcome in (("named", 700, ["ok"]), ("missing", 60, ["ENOENT"])):
        fact = result.one("file", name=os.path.join(folder, name), access={"stat"})
        equal((fact["count"], fact["results"]), (times, outcome), name)
    calls = [fact["count"] for fact in result.facts("syscall", name="newfstatat")]
    check(not calls or sum(calls) >= 5760, f"newfstatat {calls}")


@case
def resources_are_told(folder):
    need_bpf()
    result = record("bpf", folder, ["sh", "-c", "head -c 64M /dev/zero | tail -c 48M | wc -c"])
    result.complete()
    peak = max(f["value"] for f in result.facts("resource", name="memory", phase="run"))
    check(40 << 20 < peak < 400 << 20, f"memory {peak}")
    processes = result.one("resource", name="processes")["value"]
    check(2 <= processes <= 4, f"processes {processes}")


@case
def daemon_outlives_its_parent(folder):
    need_bpf()
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 3); time.sleep(1.5); open('/etc/hostname').read()
    os._exit(0)
os.wait()
"""
    start = time.monotonic()
    result = record("bpf", folder, python(code))
    equal((result.status, result.err), (0, ""), "status")
    check(time.monotonic() - start > 1.4, "whittle did not wait")
    result.one("file", name="/etc/hostname", access={"read"})
    result.complete()


@case
def few_privileges_are_enough(folder):
    need_bpf()
    live.need_root()
    live.need("setpriv")
    os.chmod(folder, 0o777)
    capabilities = "+bpf,+perfmon,+syslog"
    prefix = ["setpriv", f"--reuid={live.NOBODY}", f"--regid={live.NOBODY}", "--clear-groups",
              f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    result = record("bpf", folder, ["sh", "-c", "cat /etc/hostname >/dev/null; id -u; grep NoNewPrivs /proc/self/status"],
                    prefix=prefix)
    equal((result.status, result.out, result.err), (0, f"{live.NOBODY}\nNoNewPrivs:\t0\n", ""), "status")
    result.complete()
    result.one("file", name="/etc/hostname", access={"read"})
    equal(result.document["runs"][0].get("no_new_privs"), False, "no_new_privs in the recording")


@case
def nothing_is_left_behind(folder):
    need_bpf()
    before = programs_loaded()
    if before is None:
        raise live.Skip("needs bpftool")
    process = subprocess.Popen(live.record_command("bpf", f"{folder}/rec.jsonl", ["sleep", "20"]), stdin=subprocess.DEVNULL)
    # the recording has its name once the workload was let go
    wait_until(lambda: os.path.exists(f"{folder}/rec.jsonl"), what="the workload")
    mine = programs_loaded() - before
    check(len(mine) > 4, f"programs {mine}")
    live.end([process.pid, *live.descendants(process.pid)])
    process.wait()
    # the kernel frees them a little later; those of other runs come and go
    wait_until(lambda: not mine & programs_loaded(), what=f"the end of {mine}")


BUSY = """
import os, sys, threading, time
def work():
    while not os.path.exists(sys.argv[1]):
        open('/etc/hostname').read()
        child = os.fork()
        if child == 0: open('/etc/passwd').read(); os._exit(0)
        os.waitpid(child, 0); time.sleep(0.02)
sleeper = os.fork()
if sleeper == 0:
    while not os.path.exists(sys.argv[1]): time.sleep(0.02)
    open('/etc/group').read(); os._exit(0)
thread = threading.Thread(target=work); thread.start(); thread.join()
os.waitpid(sleeper, 0)
print('fine')
"""


def join(folder, pid):
    recording = os.path.join(folder, "rec.jsonl")
    return recording, subprocess.Popen([live.WHITTLE, "record", "--backend", "bpf", "-o", recording, "--pid", str(pid)],
                                       stderr=subprocess.PIPE, text=True)


def names(recording):
    return {f["name"] for f in live.show(recording)["facts"] if f["kind"] == "file"}


@case
def joins_to_the_end(folder):
    # threads, children that are there and children that come
    need_bpf()
    stop = os.path.join(folder, "stop")
    busy = subprocess.Popen(python(BUSY, stop), stdout=subprocess.PIPE, text=True)
    wait_until(lambda: live.children(busy.pid), what="the child")
    recording, whittle = join(folder, busy.pid)
    wait_until(lambda: '"name":"/etc/hostname"' in live.journal(recording), what="a fact")
    with open(stop, "w", encoding="ascii"):
        pass
    equal(busy.communicate(timeout=20)[0], "fine\n", "the joined program")
    _, err = whittle.communicate(timeout=20)
    equal((whittle.returncode, err), (0, ""), "status")
    check({"/etc/hostname", "/etc/passwd", "/etc/group"} <= names(recording), f"files {sorted(names(recording))}")
    check(live.show(recording)["complete"], "complete")


@case
def joins_and_leaves(folder):
    need_bpf()
    stop = os.path.join(folder, "stop")
    busy = subprocess.Popen(python(BUSY, stop), stdout=subprocess.PIPE, text=True)
    recording, whittle = join(folder, busy.pid)
    wait_until(lambda: '"name":"/etc/hostname"' in live.journal(recording), what="a fact")
    whittle.send_signal(signal.SIGINT)
    whittle.communicate(timeout=20)
    check("/etc/hostname" in names(recording), f"files {sorted(names(recording))}")
    check(busy.poll() is None, "the joined program has ended")
    with open(stop, "w", encoding="ascii"):
        pass
    equal(busy.communicate(timeout=20)[0], "fine\n", "the joined program")


@case
def nobody_to_join(folder):
    need_bpf()
    gone = subprocess.Popen(["true"])
    gone.wait()
    _, whittle = join(folder, gone.pid)
    _, err = whittle.communicate(timeout=20)
    equal(whittle.returncode, 125, "status")
    check("no such process" in err, f"said: {err}")


live.main()
