#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recorded command sees and returns what it would without whittle: status, streams, state."""
import os
import resource
import signal
import subprocess

import live
from live import both, check, equal, native, python, record

STATE = r"""
import os, resource, signal, sys
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
for key in ('Umask', 'Uid', 'Gid', 'Groups', 'SigBlk', 'SigIgn', 'SigCgt', 'ShdPnd', 'CapInh', 'CapPrm',
            'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Threads'):
    print(key, status[key].strip())
print(os.getcwd(), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), sorted(os.sched_getaffinity(0)))
for name in sorted(n for n in dir(resource) if n.startswith('RLIMIT_')):
    print(name, resource.getrlimit(getattr(resource, name)))
print(open('/proc/self/cmdline', 'rb').read(), open('/proc/self/comm').read().strip())
print(open('/proc/self/oom_score_adj').read().strip(), open('/proc/self/timerslack_ns').read().strip())
print(open('/proc/self/coredump_filter').read().strip(), open('/proc/self/personality').read().strip())
stat = open('/proc/self/stat').read().rpartition(')')[2].split()
print('tty', stat[4], 'session', os.getsid(0), 'group', os.getpgrp())
for fd in sorted(int(n) for n in os.listdir('/proc/self/fd')):
    try:
        print(fd, os.readlink(f'/proc/self/fd/{fd}').split(':')[0], os.get_inheritable(fd))
    except OSError:
        pass
"""


def prepare_state():
    os.umask(0o027)
    os.nice(3)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGRTMIN + 3})
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@both
def exit_status(folder, backend):
    for status in (0, 1, 2, 77, 125, 126, 127, 128, 200, 255):
        result = record(backend, folder, ["sh", "-c", f"exit {status}"])
        equal(result.status, status, "exit status")
        equal((result.out, result.err), ("", ""), f"exit {status}: output")
    result.complete()
    equal(result.document["runs"][0]["exit_status"], 255, "exit status in the recording")


@both
def death_by_signal(folder, backend):
    for number in sorted(signal.valid_signals() - {signal.SIGCONT, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG,
                                                   signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}):
        result = record(backend, folder, ["sh", "-c", f"ulimit -c 0; kill -{int(number)} $$; sleep 5"])
        equal(result.status, 128 + number, f"status after {number!r} ({result.err})")


@both
def core_dump(folder, backend):
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        pattern = file.read().strip()
    if pattern.startswith("|") or "/" in pattern:
        raise live.Skip(f"core_pattern is {pattern}")
    command = ["sh", "-c", "ulimit -c unlimited 2>/dev/null || exit 9; kill -SEGV $$"]
    for kind in ("native", backend):
        inside = os.path.join(folder, kind)
        os.mkdir(inside)
    if native(command, cwd=os.path.join(folder, "native"))[0] == 9:
        raise live.Skip("no core dumps here")
    wanted = sorted(name.rstrip("0123456789") for name in os.listdir(os.path.join(folder, "native")))
    result = record(backend, folder, command, cwd=os.path.join(folder, backend))
    equal(result.status, 128 + signal.SIGSEGV, "status")
    equal(sorted(n.rstrip("0123456789") for n in os.listdir(os.path.join(folder, backend))), wanted, "core files")


@both
def streams(folder, backend):
    data = os.urandom(300_000)
    recording = os.path.join(folder, "r")
    process = subprocess.Popen(live.record_command(backend, recording, ["sh", "-c", "cat; echo error >&2"]),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status, out, err = live.finish(process, data)
    equal((status, err), (0, b"error\n"), "status and standard error")
    check(out == data, "standard output is not what came in")


LIST_DESCRIPTORS = r"""
import os, sys
found = []
for fd in sorted(int(n) for n in os.listdir('/proc/self/fd')):
    try:
        found.append((fd, os.readlink(f'/proc/self/fd/{fd}').split(':')[0], os.get_inheritable(fd)))
    except OSError:
        pass
open(sys.argv[1], 'w').write('\n'.join(map(str, found)))
"""


@both
def closed_streams(folder, backend):
    # The workload of a program that was started without descriptors 0, 1 or 2 has none either, and
    # what whittle opens and says does not land there.
    listing = os.path.join(folder, "listing")
    plain = python(LIST_DESCRIPTORS, listing)
    recording = os.path.join(folder, "r")
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
        equal(native(["sh", "-c", f'exec "$@" {closed}', "sh", *plain])[0], 0, f"native status with {closed}")
        with open(listing, encoding="ascii") as file:
            wanted = file.read().splitlines()
        os.unlink(listing)
        recorded = live.record_command(backend, recording, plain)
        equal(native(["sh", "-c", f'exec "$@" {closed}', "sh", *recorded])[0], 0, f"status with {closed}")
        with open(listing, encoding="ascii") as file:
            equal(file.read().splitlines(), wanted, f"descriptors with {closed}")
        check(live.show(recording)["complete"], f"the recording made with {closed} is not complete")


@both
def environment(folder, backend):
    surroundings = {b"PATH": os.environb[b"PATH"], b"EMPTY": b"", b"BYTES": b"\xff\xfe\n\t ", b"LD_BIND_NOW": b"1",
                    b"WHITTLE_LIVE_TEST": os.environb[b"WHITTLE_LIVE_TEST"]}
    wanted = native(["env", "-0"], env=surroundings, text=False)
    result = record(backend, folder, ["env", "-0"], env=surroundings, text=False)
    equal((result.status, result.out, result.err), wanted, "environment")


@both
def process_state(folder, backend):
    code = python(STATE)
    wanted = native(code, preexec_fn=prepare_state, cwd="/usr")
    equal(wanted[0], 0, "status of the native run")
    result = record(backend, folder, code, preexec_fn=prepare_state, cwd="/usr")
    equal((result.status, result.err), (0, ""), "status and standard error")
    got, want = result.out.splitlines(), wanted[1].splitlines()
    if os.geteuid() == 0:
        equal(got, want, "state")
    else:  # no_new_privs is the price of recording without privilege
        equal([line for line in got if "NoNewPrivs" not in line], [line for line in want if "NoNewPrivs" not in line],
              "state")


@both
def inherited_descriptors(folder, backend):
    read_end, write_end = os.pipe()
    extra = os.open("/etc/passwd", os.O_RDONLY)
    far = os.dup2(extra, 77, inheritable=True)
    listing = os.path.join(folder, "listing")
    try:
        for command in (python(LIST_DESCRIPTORS, listing + "1"),
                        live.record_command(backend, os.path.join(folder, "r"), python(LIST_DESCRIPTORS, listing + "2"))):
            equal(native(command, pass_fds=(read_end, far))[0], 0, "status")
        with open(listing + "1", encoding="ascii") as wanted, open(listing + "2", encoding="ascii") as got:
            equal(got.read().splitlines(), wanted.read().splitlines(), "descriptors")
    finally:
        for fd in (read_end, write_end, extra, far):
            os.close(fd)


@both
def many_descriptors_and_low_limit(folder, backend):
    # A workload may use every descriptor that it is allowed.
    code = python("import resource, os\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nn = 0\ntry:\n"
                  "  while True: os.open('/dev/null', 0); n += 1\nexcept OSError as e: print(n, e.errno)")
    wanted = native(code)
    result = record(backend, folder, code)
    equal((result.status, result.out), wanted[:2], "descriptors until EMFILE")


@both
def cannot_execute(folder, backend):
    equal(record(backend, folder, ["/nonexistent/program"]).status, 127, "no such program")
    equal(record(backend, folder, ["no-such-program-at-all"]).status, 127, "no such program in PATH")
    equal(record(backend, folder, ["/etc/passwd"]).status, 126, "a file without x bit")
    equal(record(backend, folder, ["/etc"]).status, 126, "a folder")
    broken = os.path.join(folder, "broken")
    with open(broken, "w", encoding="ascii") as file:
        file.write("#!/nonexistent/interpreter\n")
    os.chmod(broken, 0o755)
    result = record(backend, folder, [broken])
    check(result.status in (126, 127), f"missing interpreter: status {result.status}")
    check("interpreter" in result.err or "No such file" in result.err, f"message: {result.err}")
    check(not os.path.exists(result.recording), "a recording of nothing was left")
    plain = os.path.join(folder, "plain")
    with open(plain, "w", encoding="ascii") as file:
        file.write("echo no interpreter line\n")
    os.chmod(plain, 0o755)
    equal(record(backend, folder, [plain]).out, "no interpreter line\n", "a script without #!")


live.main()
