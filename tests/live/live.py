# SPDX-License-Identifier: Apache-2.0
"""What the live tests written in Python share: record a command, look at its facts, run cases.

A test file defines functions decorated with @case or @both (once for each backend that works here) and ends with
live.main(). Each function gets a fresh folder and, with @both, the backend's name; it fails by an
exception, mostly from check(), and is skipped by Skip. Environment: see CMakeLists.txt.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

WHITTLE = os.environ.get("WHITTLE", "whittle")
PROGRAMS = os.environ.get("WHITTLE_PROGRAMS", "")
SOURCE = os.environ.get("WHITTLE_SOURCE", os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))


def _backends():
    """Those that work here; eBPF wants privilege, and may be left out of the build."""
    done = subprocess.run([WHITTLE, "doctor", "--json"], capture_output=True, check=False, timeout=120)
    checks = json.loads(done.stdout)["checks"]
    ready = {c["name"] for c in checks if c["group"] == "backends" and c["state"] == "ok"}
    return ("notify", "ptrace", *(["bpf"] if "bpf" in ready else []))


BACKENDS = _backends()
# The system's own, which other users can run too; a manager's wrapper would be a workload of its own.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
NOBODY = 65534
LIMIT = 60  # seconds that one recorded command may take

_cases = []


class Skip(Exception):
    """This machine cannot; the text says why."""


class LookedUpTooLate(AssertionError):
    """
    An eBPF recorder that must look names up after the call did so when they led elsewhere already, and said so. On a
    machine that runs other things first this may be: the case has two more attempts.
    """


def check_schema(document, schema, folder):
    """DOCUMENT is as profiles/schema/SCHEMA.schema.json says. Writes into FOLDER."""
    path = os.path.join(folder, f"{schema}-document.jsonl")
    with open(path, "w", encoding="utf-8") as file:  # one line
        json.dump(document, file)
    check_schema_of(path, schema)


def check_schema_of(path, schema):
    """Each line of the file at PATH is as profiles/schema/SCHEMA.schema.json says."""
    done = subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "unit", "check_schema.py"),
                           os.path.join(SOURCE, "profiles", "schema", schema + ".schema.json"), path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"schema: {done.stdout}{done.stderr}")


def read_report(path, schema):
    """The report in JSON at PATH, which is as profiles/schema/SCHEMA.schema.json says."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    check_schema(document, schema, os.path.dirname(path))
    return document


def case(function):
    _cases.append((function.__name__, function, None))
    return function


def add_case(name, function):
    """@case of a function that is not one by its own name."""
    _cases.append((name, function, None))


def both(function):
    for backend in BACKENDS:
        _cases.append((f"{function.__name__}[{backend}]", function, backend))
    return function


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(got, wanted, text):
    if got != wanted and isinstance(got, list) and isinstance(wanted, list):
        got, wanted = [x for x in got if x not in wanted] or got, [x for x in wanted if x not in got] or wanted
    check(got == wanted, f"{text}: {got!r} instead of {wanted!r}")


def unprivileged(backend):
    """What follows runs whittle itself without privilege."""
    if backend == "bpf":
        raise Skip("eBPF needs privilege")


def origin(backend):
    """Of capability facts."""
    return "observed" if backend == "bpf" else "inferred"


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            raise Skip(f"needs {program}")


def program(name):
    path = os.path.join(PROGRAMS, name)
    if not os.access(path, os.X_OK):
        raise Skip(f"needs the test program {name}")
    return path


class Result:
    """What became of a recorded command."""

    def __init__(self, status, out, err, recording):
        self.status, self.out, self.err, self.recording = status, out, err, recording
        self._document = None

    @property
    def document(self):
        if self._document is None:
            self._document = show(self.recording)
        return self._document

    def facts(self, kind=None, **wanted):
        """The facts that have these values; a set or callable as value is asked."""
        return [f for f in self.document["facts"]
                if (kind is None or f["kind"] == kind) and all(_fits(f.get(k), v) for k, v in wanted.items())]

    def one(self, kind, **wanted):
        found = self.facts(kind, **wanted)
        if not found:
            near = [_brief(f) for f in self.facts(kind) if f.get("name") == wanted.get("name")]
            raise AssertionError(f"no {kind} fact {wanted}; with that name: {near[:6]}")
        return found[0]

    def none(self, kind, **wanted):
        found = self.facts(kind, **wanted)
        check(not found, f"a {kind} fact {wanted}: {[_brief(f) for f in found[:4]]}")

    def access(self, path, ok=True):
        """The union of accesses of PATH; with OK of the facts that succeeded or may have."""
        result = set()
        for fact in self.facts("file", name=path):
            if not ok or {"ok", "unknown"} & set(fact.get("results", ["ok"])):
                result |= set(fact.get("access", []))
        return result

    def losses(self):
        return {loss["cause"]: loss["count"] for loss in self.document["losses"]}

    def complete(self):
        losses = self.document["losses"]
        text = f"the recording is not complete: {losses}"
        looked_up = any("paths:look-ups" in run.get("features", "") for run in self.document["runs"])
        if looked_up and losses and {loss["cause"] for loss in losses} == {"unresolved-path"}:
            raise LookedUpTooLate(text)
        check(self.document["complete"], text)


def _brief(fact):
    return {k: v for k, v in fact.items() if k not in ("first", "kind", "phase", "count", "origin")}


def _fits(value, wanted):
    if callable(wanted):
        return wanted(value)
    if isinstance(wanted, set):
        return wanted <= set(value or ())
    return value == wanted


def show(recording):
    done = subprocess.run([WHITTLE, "show", "--json", recording], capture_output=True, check=False, timeout=LIMIT)
    check(done.returncode == 0, f"whittle show: status {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def record_command(backend, recording, command, *options):
    return [WHITTLE, "record", "--backend", backend, "-o", recording, *options, "--", *command]


def record(backend, folder, command, *, options=(), prefix=(), text=True, name="rec.jsonl", **popen):
    """Records COMMAND to its end."""
    recording = os.path.join(folder, name)
    popen.setdefault("stdin", subprocess.DEVNULL)
    done = finish(subprocess.Popen([*prefix, *record_command(backend, recording, command, *options)],
                                   stdout=popen.pop("stdout", subprocess.PIPE),
                                   stderr=popen.pop("stderr", subprocess.PIPE), text=text,
                                   errors="surrogateescape" if text else None, **popen))
    return Result(*done, recording)


def finish(process, data=None):
    try:
        out, err = process.communicate(data, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still running after {LIMIT} s: {process.args}") from None
    return process.returncode, out, err


def native(command, *, text=True, **popen):
    popen.setdefault("stdin", subprocess.DEVNULL)
    return finish(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text,
                                   errors="surrogateescape" if text else None, **popen))


def python(code, *arguments):
    return [PYTHON, "-I", "-S", "-B", "-c", code, *arguments]


# For workloads in Python: any system call by number; -errno if it fails.
CALL = r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *plain)
    return -ctypes.get_errno() if result == -1 else result
"""


def journal(recording):
    """What is recorded so far: a joiner's file has its name only at the end."""
    result = ""
    for path in glob.glob(recording + ".*"):
        with open(path, encoding="utf-8") as file:
            result += file.read()
    return result


def wait_until(condition, seconds=15, what="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def children(pid):
    """Of all threads of PID."""
    result = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                result += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return result


def descendants(pid):
    result = []
    for child in children(pid):
        result += [child, *descendants(child)]
    return result


def state(pid):
    """The letter of /proc/PID/stat, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return None


def with_environment(variable):
    """Processes whose environment at exec has VARIABLE: finds what one test left behind."""
    wanted = os.fsencode(variable)
    result = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0") and state(int(entry)) != "Z":
                        result.append(int(entry))
            except OSError:
                pass
    return result


def end(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def _run_case(name, function, backend):
    for _ in range(2):
        try:
            return _try_case(name, function, backend)
        except LookedUpTooLate as reason:
            print(f"again {name}: {reason}", flush=True)
    return _try_case(name, function, backend, last=True)


def _try_case(name, function, backend, last=False):
    # /tmp may be a tmpfs or not; tests that need one kind of file system make it.
    folder = tempfile.mkdtemp(prefix="whittle-live-")
    os.chmod(folder, 0o755)
    mark = f"WHITTLE_LIVE_TEST={os.path.basename(folder)}"
    os.environ["WHITTLE_LIVE_TEST"] = os.path.basename(folder)
    start = time.monotonic()
    try:
        function(folder, *([backend] if backend else []))
        verdict, text = "ok", ""
    except Skip as reason:
        verdict, text = "skip", str(reason)
    except LookedUpTooLate as reason:
        if not last:
            end(with_environment(mark))
            shutil.rmtree(folder, ignore_errors=True)
            raise
        verdict, text = "FAIL", str(reason)
    except AssertionError as reason:
        verdict, text = "FAIL", str(reason)
    except Exception:  # pylint: disable=broad-except
        verdict, text = "FAIL", "".join(traceback.format_exc().splitlines(keepends=True)[-7:])
    if verdict == "ok":
        try:
            # what was told to end may need a moment
            wait_until(lambda: not with_environment(mark), 5)
        except AssertionError:
            left = with_environment(mark)
            verdict, text = "FAIL", f"left running: {[_command_line(pid) for pid in left]}"
    end(with_environment(mark))
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{verdict:4} {name} ({time.monotonic() - start:.1f} s){': ' if text else ''}{text}", flush=True)
    return verdict


def _command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid} " + file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return str(pid)


def main(arguments=None):
    """Runs the cases, or those whose names contain one of ARGUMENTS (None: the command line's)."""
    wanted = sys.argv[1:] if arguments is None else arguments
    chosen = [c for c in _cases if not wanted or any(a in c[0] for a in wanted)]
    verdicts = [_run_case(*c) for c in chosen]
    failed, skipped = verdicts.count("FAIL"), verdicts.count("skip")
    print(f"{len(verdicts)} cases, {failed} failures, {skipped} skipped")
    if failed:
        sys.exit(1)
    sys.exit(77 if skipped == len(verdicts) else 0)
