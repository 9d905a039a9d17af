#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signals and terminals: what is sent to whittle reaches the command once, and job control works."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import live
from live import both, check, equal, python, record, record_command, wait_until

COUNT = r"""
import os, signal, sys, time
names = sys.argv[1].split()
counts = {}
def on(number, frame):
    name = signal.Signals(number).name
    counts[name] = counts.get(name, 0) + 1
    os.write(1, (name + '\n').encode())
for name in names + ['SIGALRM']:
    signal.signal(getattr(signal, name), on)
os.write(1, b'ready\n')
end = time.monotonic() + 20
while 'SIGALRM' not in counts and time.monotonic() < end:
    time.sleep(0.02)
os.write(1, f'counts {sorted(counts.items())}\n'.encode())
"""


class Terminal:
    """A program on a pseudo terminal of its own, as leader of a session."""

    def __init__(self, command, **environment):
        self.text = ""
        self.seen = 0
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.environ.update({"PS1": "prompt> ", "TERM": "dumb", "HISTFILE": "", **environment})
                os.execvp(command[0], command)
            finally:
                os._exit(126)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            live.end([self.pid, *live.descendants(self.pid)])
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def printed(self):
        """What was printed, without whittle's progress."""
        return re.sub(r"\r\x1b\[Kwhittle: [^\r\n]*", "", self.text)

    def expect(self, pattern, seconds=30):
        """Waits for PATTERN in what was printed since the last match."""
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text[self.seen:])
            if match:
                self.seen += match.end()
                return match
            left = end - time.monotonic()
            check(left > 0, f"waited for {pattern!r} in vain after {self.printed()[-600:]!r}")
            self.read(min(left, 0.2))

    def wait(self, seconds=15):
        """Status as a shell has it."""
        end = time.monotonic() + seconds
        while self.status is None:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            check(self.status is not None or time.monotonic() < end, f"still running after {self.text[-300:]!r}")
        while self.read(0.05):
            pass
        return self.status


def start(backend, folder, command, **popen):
    return subprocess.Popen(record_command(backend, os.path.join(folder, "r"), command), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)


def read_line(process, wanted):
    line = process.stdout.readline().strip()
    equal(line, wanted, f"line of the workload ({process.stderr.read() if not line else ''})")


@both
def forwards_signals(folder, backend):
    numbers = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
               signal.SIGWINCH, signal.SIGPIPE, signal.SIGVTALRM]
    with start(backend, folder, python(COUNT, " ".join(n.name for n in numbers))) as process:
        read_line(process, "ready")
        for number in numbers:
            process.send_signal(number)
            read_line(process, number.name)
        process.send_signal(signal.SIGALRM)
        read_line(process, "SIGALRM")
        read_line(process, f"counts {sorted((n.name, 1) for n in [*numbers, signal.SIGALRM])}")
        equal(process.wait(10), 0, "status")
    check(live.show(os.path.join(folder, "r"))["complete"], "the recording is not complete")


@both
def forwarded_signal_kills(folder, backend):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        with start(backend, folder, ["sh", "-c", "echo ready; exec sleep 30"]) as process:
            read_line(process, "ready")
            process.send_signal(number)
            equal(process.wait(10), 128 + number, f"status after {number.name}")


@both
def kill_zero_is_not_doubled(folder, backend):
    # kill(0, …) reaches whittle as well, which shall not pass it on to who has it already.
    code = COUNT.replace("os.write(1, b'ready\\n')", "os.kill(0, signal.SIGUSR1); os.kill(0, signal.SIGTERM)\n"
                         "signal.setitimer(signal.ITIMER_REAL, 0.5)")
    check(code != COUNT, "the program was not changed")
    process = start(backend, folder, python(code, "SIGUSR1 SIGTERM"), start_new_session=True)
    status, out, err = live.finish(process)
    equal((status, err), (0, ""), "status and messages")
    check("counts [('SIGALRM', 1), ('SIGTERM', 1), ('SIGUSR1', 1)]" in out, f"signals: {out}")


@both
def script_kills_its_group(folder, backend):
    result = record(backend, folder, ["bash", "-c", "sleep 30 & trap 'echo trapped' TERM; kill 0; wait $!; echo $?"],
                    start_new_session=True)
    equal((result.status, result.out), (0, "trapped\n143\n"), "status and output")


@both
def is_a_terminal(folder, backend):
    code = ("import os; print(*(os.isatty(fd) for fd in (0, 1, 2)), os.ttyname(0) == os.ttyname(2),"
            "os.tcgetpgrp(0) == os.getpgrp(), os.getsid(0) == os.tcgetsid(0) if hasattr(os, 'tcgetsid') else True)")
    with Terminal(record_command(backend, os.path.join(folder, "r"), python(code))) as terminal:
        terminal.expect("True True True True True True")
        equal(terminal.wait(), 0, "status")


@both
def interrupt_and_quit_keys(folder, backend):
    for key, number in (("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)):
        with Terminal(record_command(backend, os.path.join(folder, "r"),
                                     ["sh", "-c", "ulimit -c 0; echo ready; exec sleep 30"])) as terminal:
            terminal.expect("ready")
            terminal.send(key)
            equal(terminal.wait(), 128 + number, f"status after {number.name}")
        with Terminal(record_command(backend, os.path.join(folder, "r"), python(COUNT, number.name))) as terminal:
            terminal.expect("ready")
            terminal.send(key)
            terminal.expect(number.name)
            time.sleep(0.2)
            os.kill(terminal.pid, signal.SIGALRM)
            terminal.expect(re.escape(f"counts [('SIGALRM', 1), ('{number.name}', 1)]"))
            equal(terminal.wait(), 0, "status")


@both
def window_size(folder, backend):
    code = COUNT.replace("os.write(1, f'counts", "print(os.get_terminal_size(0)); os.write(1, f'counts")
    with Terminal(record_command(backend, os.path.join(folder, "r"), python(code, "SIGWINCH"))) as terminal:
        terminal.expect("ready")
        fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        terminal.expect("SIGWINCH")
        time.sleep(0.2)
        os.kill(terminal.pid, signal.SIGALRM)
        terminal.expect(re.escape("counts [('SIGALRM', 1), ('SIGWINCH', 1)]"))
        equal(terminal.wait(), 0, "status")
        check("columns=99, lines=33" in terminal.text, f"size: {terminal.text}")


def running_in_foreground(terminal, name, count=1):
    """Waits until COUNT processes of that name have the terminal, none of them stopped."""
    def are_there():
        found = 0
        for pid in live.descendants(terminal.pid):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    comm, _, rest = file.read().partition("(")[2].rpartition(")")
            except OSError:
                continue
            state, _, group, _, _, foreground = rest.split()[:6]
            found += comm == name and group == foreground and state != "T"
        return found == count
    wait_until(are_there, what=f"{name} in the foreground")


@both
def stop_and_continue_from_a_shell(folder, backend):
    recorded = " ".join(record_command(backend, os.path.join(folder, "r"), ["sh", os.path.join(folder, "script")]))
    with open(os.path.join(folder, "script"), "w", encoding="ascii") as file:
        file.write("echo RUNS; n=0; while [ ! -e go ]; do sleep 0.05; n=$((n+1)); [ $n -lt 400 ] || exit 9; done\n"
                   "echo over; exit 5\n")
    with Terminal(["bash", "--norc", "--noprofile", "-i"]) as terminal:
        terminal.expect("prompt> ")
        terminal.send(f"cd {folder}; {recorded}\n")
        # No name of a scratch folder, which the shell echoes, has that in it.
        terminal.expect("RUNS")
        for _ in range(3):
            terminal.send("\x1a")
            terminal.expect("Stopped")
            terminal.expect("prompt> ")
            terminal.send("jobs\n")
            terminal.expect(r"\[1\]\+ +Stopped .*record")
            terminal.expect("prompt> ")
            terminal.send("fg\n")
            terminal.expect("script")
            # The shell hands over the terminal before it sends SIGCONT, which would undo a ^Z by then.
            running_in_foreground(terminal, "whittle")
        terminal.send("\x1a")
        terminal.expect("Stopped")
        terminal.expect("prompt> ")
        terminal.send("bg\n")
        terminal.expect("prompt> ")
        # Once it waits: a job that has ended by then is forgotten with the prompt.
        terminal.send("echo waiting; wait %1; echo status=$?\n")
        terminal.expect("waiting\r\n")
        with open(os.path.join(folder, "go"), "w", encoding="ascii"):
            pass
        terminal.expect("over")
        terminal.expect("status=5")
        terminal.send("exit\n")
        terminal.wait()
    check(live.show(os.path.join(folder, "r"))["complete"], "the recording is not complete")


@both
def job_control_inside(folder, backend):
    command = record_command(backend, os.path.join(folder, "r"), ["bash", "--norc", "--noprofile", "-i"])
    with Terminal(command) as terminal:
        terminal.expect("prompt> ")
        check("no job control" not in terminal.text, terminal.text)
        terminal.send("sleep 30\n")
        running_in_foreground(terminal, "sleep")
        terminal.send("\x1a")
        terminal.expect(r"Stopped +sleep 30")
        terminal.expect("prompt> ")
        terminal.send("bg; jobs\n")
        terminal.expect(r"Running +sleep 30")
        terminal.expect("prompt> ")
        terminal.send("fg\n")
        terminal.expect("sleep 30")
        running_in_foreground(terminal, "sleep")
        terminal.send("\x03")
        terminal.expect("prompt> ")
        terminal.send("echo status=$?\n")
        terminal.expect("status=130")
        terminal.send("sleep 30 & kill %1; wait %1; echo status=$?\n")
        terminal.expect("status=143")
        terminal.send("cat | cat\n")
        running_in_foreground(terminal, "cat", 2)
        terminal.send("through\n")
        terminal.expect("through\r\nthrough")
        terminal.send("\x04")
        terminal.expect("prompt> ")
        terminal.send("exit 6\n")
        equal(terminal.wait(), 6, "status")


@both
def stop_signal_by_kill(folder, backend):
    # SIGTSTP to whittle stops the command and whittle; SIGCONT continues both.
    with start(backend, folder, ["sh", "-c", "echo ready; sleep 0.3; echo done; exit 4"],
               start_new_session=True) as process:
        read_line(process, "ready")
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        equal(live.state(process.pid), "T", "state of whittle")
        os.killpg(process.pid, signal.SIGCONT)
        read_line(process, "done")
        equal(process.wait(10), 4, "status")


@both
def workload_stops_itself(folder, backend):
    # Whoever waits for whittle as for the command sees it stop, and continues it in the same way.
    process = start(backend, folder, ["sh", "-c", "kill -STOP $$; echo continued; exit 4"], start_new_session=True)
    with process:
        wait_until(lambda: live.state(process.pid) == "T", what="whittle to stop with its command")
        process.send_signal(signal.SIGCONT)
        read_line(process, "continued")
        equal(process.wait(10), 4, "status")


@both
def progress_spares_prompts(folder, backend):
    # Who edits a line on the terminal (a shell, an editor) has it for itself; others see progress.
    with Terminal(record_command(backend, os.path.join(folder, "r"), ["bash", "--norc", "--noprofile", "-i"])) as terminal:
        terminal.expect("prompt> ")
        before = len(terminal.text)
        terminal.read(1.5)
        terminal.read(0.5)
        equal(terminal.text[before:], "", "printed over a prompt")
        terminal.send("sleep 1.5; exit 0\n")
        terminal.expect("whittle: [0-9]+ calls, [0-9]+ facts, [0-9]+ processes")
        equal(terminal.wait(), 0, "status")


live.main()
