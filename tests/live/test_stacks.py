#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle record --stacks, held against what libgcc's unwinder (backtrace(3)) says in the program itself."""
import json
import os
import re
import subprocess
import sys

import live
from live import both, case, check, equal

sys.path.insert(0, os.path.join(live.SOURCE, "tests", "unit"))
from check_schema import Validator  # noqa: E402

FRAME = re.compile(r"(?P<module>.*?)\+0x(?P<address>[0-9a-f]+)(?: \[[0-9a-f]+\])?(?P<inlined> inlined)?(?: (?P<name>[^( ]*?)"
                   r"(?:\+0x[0-9a-f]+)?)?(?: \((?P<line>.*)\))?$")


def record(backend, folder, command, until="/stack-chain", name="rec.jsonl", prefix=()):
    """COMMAND ends when its input does: with eBPF, which does not stop it, that is once it was told of UNTIL."""
    recording = os.path.join(folder, name)
    process = subprocess.Popen([*prefix, *live.record_command(backend, recording, command, "--stacks")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if backend == "bpf":
        live.wait_until(lambda: process.poll() is not None or f'"{until}"' in journal(recording), 60, until)
    done = live.Result(*live.finish(process, ""), recording)
    if done.status == 3 and "libdw" in done.err:
        raise live.Skip("whittle was built without libdw")
    return done


def journal(recording):
    try:
        with open(recording, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return live.journal(recording)


def need_ebpf():
    if "bpf" not in live.BACKENDS:
        raise live.Skip("eBPF is not to be had here")


def stack_of(result, kind, name):
    first = result.one(kind, name=name)["first"]
    check("stack" in first, f"{name} has no stack")
    return first["stack"]


def places(lines):
    """(file, address) of those that are whole functions, by the file's last name."""
    found = [FRAME.match(line) for line in lines]
    return [(os.path.basename(m["module"]), m["address"]) for m in found if m and not m["inlined"]]


def names(lines):
    found = [FRAME.match(line) for line in lines]
    return [m["name"] for m in found if m]


def compare_chain(folder, backend, program):
    result = record(backend, folder, [live.program(program)])
    stack = stack_of(result, "file", "/stack-chain")
    equal(result.status, 0, "status")
    wanted = places(result.out.splitlines())
    check(len(wanted) >= 7, f"backtrace: {result.out}")
    # Where it was in open() and in the innermost function when it opened is not where it asked.
    equal([p[0] for p in places(stack)[:2]], [wanted[-2][0], program], "the innermost")
    equal(places(stack)[2:], wanted[1:], "frames")
    check("[cut]" not in stack, stack)
    return stack


@both
def chain(folder, backend):
    stack = compare_chain(folder, backend, "stack_chain")
    order = [n for n in names(stack) if n in ("chain_inner", "stack_library_call", "chain_middle", "chain_outer", "main")]
    equal(order, ["chain_inner", "stack_library_call", "chain_middle", "chain_outer", "main"], "functions")
    check(any("stack_chain.c:" in line for line in stack), f"source lines: {stack}")
    ids = re.findall(r"\S*?([^/\s]+)\+0x[0-9a-f]+ \[[0-9a-f]{16,}\]", "\n".join(stack))
    equal(len(ids), len(set(ids)), f"each file's build id once: {stack}")


@both
def frame_pointers(folder, backend):
    """A frame that only the frame pointer tells of, which notify does not learn from the kernel."""
    if os.uname().machine != "x86_64":
        raise live.Skip("frame pointers are searched for on x86-64 only")
    result = record(backend, folder, [live.program("stack_chain_pointers")])
    stack = stack_of(result, "file", "/stack-chain")
    order = [n for n in names(stack) if n in ("open_apart", "chain_inner", "stack_library_call", "chain_middle", "chain_outer", "main")]
    equal(order, ["open_apart", "chain_inner", "stack_library_call", "chain_middle", "chain_outer", "main"], "functions")
    equal(places(stack)[2:], places(result.out.splitlines())[1:], "frames")
    check("[cut]" not in stack, stack)


@both
def stripped(folder, backend):
    stack = compare_chain(folder, backend, "stack_chain_stripped")
    check("chain_middle" not in names(stack), f"it has no names: {stack}")
    check("stack_library_call" in names(stack), f"but its library has: {stack}")


@both
def made_code(folder, backend):
    show_made_code(folder, backend, "stack_chain")


@both
def made_code_between_segments(folder, backend):
    show_made_code(folder, backend, "stack_chain_holes")


def show_made_code(folder, backend, program):
    result = record(backend, folder, [live.program(program), "jit"])
    stack = stack_of(result, "file", "/stack-chain")
    check("[memory] made_code" in stack, stack)
    at = stack.index("[memory] made_code")
    equal(names(stack[:at])[-1], "chain_inner", "below it")
    if os.uname().machine == "x86_64":
        equal(names(stack[at + 1:])[:2], ["chain_jit", "main"], "above it")


@both
def interpreter(folder, backend):
    path = os.path.join(folder, "opened")
    result = record(backend, folder, [live.PYTHON, "-c", f"import sys; open({path!r}, 'w'); sys.stdin.read()"], until=path)
    stack = stack_of(result, "file", path)
    check(any("python" in os.path.basename(p[0]) for p in places(stack)), stack)
    check("[cut]" not in stack and len(stack) > 6, stack)


@both
def who_executes(folder, backend):
    """The stack of an exec is that of the program that asked for it, not of the one that came of it."""
    true = os.path.realpath("/usr/bin/true")
    result = record(backend, folder, ["/bin/sh", "-c", "test -e /stack-chain; read line; exec /usr/bin/true"])
    stack = stack_of(result, "exec", true)
    check(os.path.basename(os.path.realpath("/bin/sh")) in [p[0] for p in places(stack)], stack)


@case
def who_is_gone(folder):
    """eBPF does not wait: of a process that ended, nothing is made up."""
    need_ebpf()
    result = live.record("bpf", folder, ["/bin/sh", "-c", "for i in 1 2 3 4; do /bin/ls /stack-chain$i; done"], options=["--stacks"])
    if result.status == 3 and "libdw" in result.err:
        raise live.Skip("whittle was built without libdw")
    told = [fact["first"].get("stack") for fact in result.document["facts"] if "first" in fact]
    check(any(told), "there are stacks")
    check(not any(stack and stack[0] == "[nowhere]" for stack in told), told)


@case
def beside_fuse(folder):
    """Where something is mounted that a process serves, files are opened with care."""
    need_ebpf()
    live.need_root()
    live.need("unshare")
    mounted = os.path.join(folder, "mounted")
    os.mkdir(mounted)
    prefix = ["unshare", "-m", live.PYTHON, os.path.join(live.SOURCE, "tests", "live", "fuse_server.py"), mounted]
    result = record("bpf", folder, [live.program("stack_chain")], prefix=prefix)
    check("chain_inner" in names(stack_of(result, "file", "/stack-chain")), result.err)


@both
def merging(folder, backend):
    """A recording that has stacks is as good as one without, for every command, and united in any order the same."""
    with open(os.path.join(live.SOURCE, "profiles/schema/recording.schema.json"), encoding="utf-8") as file:
        schema = Validator(json.load(file))
    one = record(backend, folder, [live.program("stack_chain")], name="one.jsonl")
    other = record(backend, folder, [live.program("stack_chain"), "jit"], name="other.jsonl")
    for fact in one.document["facts"]:
        check(schema.good(schema.root, fact), f"{fact}: {schema.why(schema.root, fact)}")
    merged = [whittle("merge", *order, "-o", "-") for order in
              ((one.recording, other.recording), (other.recording, one.recording),
               (one.recording, other.recording, one.recording))]
    equal(merged[0], merged[1], "another order")
    equal(merged[0], merged[2], "twice the same")
    check("chain_jit" in merged[0] or "chain_outer" in merged[0], "stacks are kept")
    with open(one.recording, encoding="utf-8") as file:
        equal(whittle("merge", one.recording, "-o", "-"), file.read(), "canonical")
    whittle("generate", one.recording, "-o", os.path.join(folder, "profile"))
    text = whittle("explain", one.recording, "/stack-chain")
    check(re.search(r"chain_middle \(.*stack_chain\.c:\d+\) in .*stack_chain\n.*chain_outer", text), text)


@both
def readable_names(folder, backend):
    """Recorded as symbol tables have them, told as programmers wrote them."""
    result = record(backend, folder, [live.program("stack_names")], until="/stack-names")
    equal(result.status, 0, "status")
    stack = stack_of(result, "file", "/stack-names")
    reader = "_ZNK4shop6ReaderINS_4PathEJLi1ELin2EEEclERKS1_PFviE"
    check(reader in names(stack), stack)
    text = whittle("explain", result.recording, "/stack-names")
    check(re.search(r"\n    shop::Reader<shop::Path, 1, -2>::operator\(\)\(shop::Path const&, void \(\*\)\(int\)\) const "
                    r"\([^\n]*stack_names\.cpp:\d+\) in [^\n]*stack_names\n"
                    r"    shop::\(anonymous namespace\)::serve\(shop::Path const&\) [^\n]*\n    main ", text), text)
    with open(os.path.join(live.SOURCE, "profiles/schema/explain.schema.json"), encoding="utf-8") as file:
        schema = Validator(json.load(file))
    document = json.loads(whittle("explain", "--json", result.recording, "/stack-names"))
    check(schema.good(schema.root, document), schema.why(schema.root, document))
    demangled = document["demangled"]
    equal(demangled.get(reader), "shop::Reader<shop::Path, 1, -2>::operator()(shop::Path const&, void (*)(int)) const", "in JSON")
    check(not any(name.startswith("main") for name in demangled), demangled)


def whittle(*arguments):
    done = subprocess.run([live.WHITTLE, *arguments], capture_output=True, text=True, check=False, timeout=live.LIMIT)
    equal(done.returncode, 0, f"{arguments}: {done.stderr}")
    return done.stdout


@case
def none_without(folder):
    result = live.record("notify", folder, [live.program("stack_chain")])
    check(not any("stack" in fact.get("first", {}) for fact in result.document["facts"]), "nobody asked for stacks")


live.main()
