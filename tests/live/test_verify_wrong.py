#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A policy that lacks one rule of what was learnt is always found wrong, and the rule that verify proposes is the one
that is missing: of programs that differ, each rule in turn.

usage: test_verify_wrong.py [--every N] [PROGRAM]...: of all rules, or of each Nth one
"""
import json
import os
import shutil
import subprocess
import sys

import live
from live import check, equal

# Each does the same twice, and removes what it made; it gets its folder as the last argument.
SHELL = """
cd "$1"; printf 'b\\na\\n' >in; sort in | tee out | tr a-z A-Z >big; mkdir d e; mv big d/big; ln d/big d/hard; ln -s hard d/soft
cat d/soft >/dev/null; cp -p in e/copy; chmod 600 e/copy; touch -d @1 e/copy; mv d/hard e/; truncate -s 1 in; ls -l e >/dev/null
mkfifo pipe; rm pipe; sh -c 'trap "exit 0" TERM; kill -TERM $$; exit 1'; flock in true
find . -type f -newer out | wc -l >/dev/null; rm -r d e in out
"""
SERVER = """
import os, signal, socket, sys, threading
folder = sys.argv[1]
signal.alarm(5)  # whatever is refused
def serve(family, kind, address):
    server = socket.socket(family, kind)
    if family != socket.AF_UNIX:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(address)
    if kind == socket.SOCK_STREAM:
        server.listen(4)
    return server
def answer(server):
    peer, _ = server.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.sendall(peer.recv(16))
    peer.close()
local = [(socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_INET6, ('::1', 0)), (socket.AF_UNIX, folder + '/stream'),
         (socket.AF_UNIX, '\\0whittle-wrong')]
for family, address in local:
    try:
        server = serve(family, socket.SOCK_STREAM, address)
    except OSError as error:
        if family == socket.AF_INET6 and error.errno in (97, 99): continue
        raise
    thread = threading.Thread(target=answer, args=(server,), daemon=True); thread.start()
    client = socket.socket(family, socket.SOCK_STREAM); client.connect(server.getsockname()); client.sendall(b'x')
    assert client.recv(16) == b'x'
    client.close(); thread.join(); server.close()
one = serve(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', 0)); one.settimeout(5)
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); two.sendto(b'x', one.getsockname()); assert one.recvfrom(8)[0] == b'x'
three = serve(socket.AF_UNIX, socket.SOCK_DGRAM, folder + '/datagram')
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', folder + '/datagram'); assert three.recv(8) == b'x'
a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); route.bind((0, 0))
with open(folder + '/log', 'w') as log: log.write('x'); log.flush(); os.fsync(log.fileno())
for name in ('stream', 'datagram', 'log'): os.unlink(folder + '/' + name)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
child = os.fork()
if child == 0: signal.alarm(5); signal.sigwait([signal.SIGTERM]); os._exit(0)
os.kill(child, signal.SIGTERM); assert os.waitpid(child, 0)[1] == 0
"""
MODULES = """
import fcntl, mmap, os, resource, select, signal, subprocess, sys
os.chdir(sys.argv[1])
with open('data', 'w+b') as file:
    file.write(b'x' * 8192); file.flush()
    fcntl.lockf(file, fcntl.LOCK_EX); fcntl.flock(file, fcntl.LOCK_SH)
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_NONBLOCK)
    with mmap.mmap(file.fileno(), 4096) as area: area[0] = 1; area.flush()
with open('data', 'ab') as file: file.write(b'y')
signal.alarm(5); epoll = select.epoll(); r, w = os.pipe(); epoll.register(r, select.EPOLLIN); os.write(w, b'x'); assert epoll.poll(1)
assert subprocess.run(['/bin/echo', 'x'], stdout=subprocess.PIPE).stdout == b'x\\n'
resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.nice(1); os.umask(0o77); os.sched_setaffinity(0, os.sched_getaffinity(0))
os.makedirs('a/b'); os.rename('data', 'a/b/data'); os.symlink('data', 'a/b/link'); os.readlink('a/b/link'); os.utime('a/b/data')
os.chmod('a/b/data', 0o600); os.truncate('a/b/data', 1); os.listdir('a'); os.unlink('a/b/link'); os.unlink('a/b/data')
os.removedirs('a/b'); os.mkdir(sys.argv[1]) if not os.path.isdir(sys.argv[1]) else None
"""
PRIVILEGE = """
import os, signal, socket, sys
folder = sys.argv[1]
signal.alarm(5)  # and nobody waits for whom the other may not signal
path = folder + '/file'
with open(path, 'w') as file: file.write('x')
os.chown(path, 1234, 1234); os.chmod(path, 0); open(path).read(); open(path, 'a').close(); os.utime(path, (1, 1))
os.chmod(path, 0o4755); os.mknod(folder + '/null', 0o20600, os.makedev(1, 3))
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
r, w = os.pipe()
child = os.fork()
if child == 0:
    signal.alarm(5)
    os.setgroups([]); os.setgid(1234); os.setuid(1234); os.write(w, b'x')
    while True: pass  # makes no call that depends on when it is killed
os.close(w); assert os.read(r, 1)
os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
for name in ('null', 'file'): os.unlink(folder + '/' + name)
child = os.fork()
if child == 0: os.chroot(folder); os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
MOUNTS = """
cd "$1"; mkdir a b; unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=64k none a && : >a/f && mount --bind a b &&
  mount -o remount,bind,ro b && cat b/f && umount b && umount a'; s=$?; rmdir a b; exit $s
"""
TRACED = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
signal.alarm(5)
r, w = os.pipe()
child = os.fork()
if child == 0: os.close(w); os.read(r, 1); os._exit(0)
assert libc.ptrace(0x4206, child, 0, 0) == 0, ctypes.get_errno()
assert libc.ptrace(0x4207, child, 0, 0) == 0
os.waitpid(child, 0)
assert libc.ptrace(17, child, 0, 0) == 0
os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
libc.prctl(15, b'name', 0, 0, 0); libc.prctl(38, 1, 0, 0, 0); libc.personality(0xffffffff)
"""
PERL = """
use IO::Socket::INET; my $f = shift; alarm 5;
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die; my $port = $s->sockport;
my $child = fork; if (!$child) { my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or exit 1; print $c "x\\n"; exit 0 }
my $p = $s->accept; my $l = <$p>; waitpid $child, 0; exit 2 if $?; die unless $l eq "x\\n";
open my $o, '>', "$f/p" or die; print $o sort { $a <=> $b } 3, 1, 2; close $o; exit 3 if system('cat', "$f/p"); rename "$f/p", "$f/q" or die;
exec '/bin/rm', "$f/q";
"""
# What is read by sets, under a name of its own in each run, and first read and then mapped.
ALIKE = """
cd "$1"; LC_ALL=C.UTF-8 sort -o sorted /etc/passwd
f=$(mktemp "$1/alike.XXXXXX"); echo x >"$f"; cat "$f" >/dev/null; rm "$f" sorted
"""

PROGRAMS = {
    "shell": (["sh", "-ec", SHELL, "sh"], ["flock"]),
    "server": (live.python(SERVER), []),
    "modules": (live.python(MODULES), []),
    "perl": (["perl", "-e", PERL], ["perl"]),
    "traced": (live.python(TRACED), []),
    "privilege": (live.python(PRIVILEGE), ["root"]),
    "mounts": (["sh", "-ec", MOUNTS, "sh"], ["root", "unshare", "mount"]),
    "alike": (["sh", "-ec", ALIKE, "sh"], []),
}
ROUNDS = 8
JUDGED = ("syscalls", "capabilities", "files", "network", "unix", "signals", "ptrace", "mounts")


def rules_of(text):
    """(line, section, rule) of each rule that is judged."""
    section, found = None, []
    for number, line in enumerate(text.splitlines()):
        if line and not line[0].isspace() and line[0] not in "#-":
            section = line.partition(":")[0]
        elif line.strip().startswith("- ") and section in JUDGED:
            rule = line.strip()[2:].partition(" # ")[0].strip().strip('"')
            found.append((number, section, rule))
    return found


class Bench:
    def __init__(self, folder, name):
        self.folder = folder
        self.work = os.path.join(folder, "work")
        self.fresh()
        self.command = [*PROGRAMS[name][0], self.work]
        recording, generated = os.path.join(folder, "rec.jsonl"), os.path.join(folder, "generated")
        status, _, err = live.native(live.record_command("notify", recording, self.command))
        equal(status, 0, f"recorded: {err}")
        subprocess.run([live.WHITTLE, "generate", "--quiet", recording, "-o", generated], check=True)
        self.policy = os.path.join(generated, "policy.yaml")
        with open(self.policy, encoding="utf-8") as file:
            self.text = file.read()
        self.rules = rules_of(self.text)

    def fresh(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.mkdir(self.work)
        os.chmod(self.work, 0o755)

    def verify(self, policy, fix=None):
        """Its status, the findings as (section, rule), the document."""
        self.fresh()
        options = ["--fix", fix] if fix else []
        report = os.path.join(self.folder, "report.json")
        status, _, err = live.native([live.WHITTLE, "verify", "--policy", policy, "--format", "json", "-o", report, *options, "--",
                                      *self.command])
        check(status in (0, 1), f"status {status}: {err}")
        with open(report, encoding="utf-8") as file:
            document = json.load(file)
        return status, [(f["section"], f["rule"]) for f in document["findings"]], document, err

    def without(self, number):
        less = os.path.join(self.folder, "less.yaml")
        with open(less, "w", encoding="utf-8") as file:
            file.write("".join(line for i, line in enumerate(self.text.splitlines(keepends=True)) if i != number))
        return less

    def judge(self, number, section, rule):
        """What is wrong with what verify says without the rule; None: nothing. Who was refused a thing does not get to the
        next one (a library that cannot be read is not mapped), so proposals are taken and the program verified again."""
        less = self.without(number)
        fix = os.path.join(self.folder, "fix.diff")
        status, found, document, err = self.verify(less, fix)
        if status == 0:
            return None if "reason:" in rule else "not noticed"  # the reason says for whom else it is
        if not any(s == section for s, _ in found):
            return f"found {found}, status {document['workload']['exit_status']}: {err[-300:]}"
        known = {r[1:] for r in self.rules}
        proposals = []
        for _ in range(ROUNDS):
            done = subprocess.run(["patch", "-s", less, fix], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"a proposal does not apply: {done.stdout}{done.stderr}"
            with open(less, encoding="utf-8") as file:
                mended = {r[1:] for r in rules_of(file.read())}
            proposals = sorted(mended - known)
            if known <= mended:
                return None
            status, found, _, err = self.verify(less, fix)
            if status == 0:
                return None
        return f"after {ROUNDS} proposals, {proposals}, still {found}: {err[-300:]}"


ALIKE_RULES = ("/usr/lib/locale/**", "/alike.??????", "/libc.so.6 ", "/libselinux.so.1 ")


def judge_alike(folder):
    """What is proposed for these is the rule that was there, on one line, in the report's text and JSON as in the diff."""
    live.need("patch")
    bench = Bench(folder, "alike")
    tried = 0
    for number, section, rule in bench.rules:
        if section != "files" or not any(part in rule for part in ALIKE_RULES):
            continue
        tried += 1
        less, fix = bench.without(number), os.path.join(folder, "fix.diff")
        for _ in range(3):
            status, _, document, err = bench.verify(less, fix)
            if status == 0:
                break
            for finding in document["findings"]:
                check(finding["proposed"], finding)
            subprocess.run(["patch", "-s", less, fix], check=True)
        with open(less, encoding="utf-8") as file:
            equal((status, rules_of(file.read())), (0, bench.rules), f"without {rule}: {err}")
    check(tried >= 3, f"{tried} rules: {bench.rules}")


def judge(folder, name, every):
    for program in PROGRAMS[name][1]:
        if program == "root":
            live.need_root()
        else:
            live.need(program)
    live.need("patch")
    bench = Bench(folder, name)
    status, found, _, err = bench.verify(bench.policy)
    equal((status, found), (0, []), f"as learnt: {err}")
    wrong = []
    tried = bench.rules[::every]
    for number, section, rule in tried:
        text = bench.judge(number, section, rule)
        if text:
            wrong.append(f"{section}: {rule}: {text}")
    check(not wrong, f"{len(wrong)} of {len(tried)} rules:\n  " + "\n  ".join(wrong))


def main():
    # Who is refused its own number takes -1 for it, and signals to -1 are for all: whittle has to refuse them, and should it
    # fail, there is nobody else here.
    if os.geteuid() != 0 or not shutil.which("unshare"):
        print("needs root and unshare (package util-linux), for processes of its own")
        sys.exit(77)
    if not os.environ.get("WHITTLE_WRONG_INSIDE"):
        os.environ["WHITTLE_WRONG_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-B",
                              os.path.realpath(__file__), *sys.argv[1:]])
    os.environ["LC_ALL"] = "C"
    every = 1
    names = sys.argv[1:]
    if names[:1] == ["--every"]:
        every, names = int(names[1]), names[2:]
    for name in names or PROGRAMS:
        if name == "alike":
            live.add_case(name, judge_alike)
        else:
            live.add_case(name, lambda folder, name=name: judge(folder, name, every))
    live.main([])


main()
