#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about all but files: network, signals, ptrace, capabilities, resources, labels, unknown calls."""
import os
import subprocess

import live
from live import Skip, both, check, equal, need, need_root, python, record

PRELUDE = live.CALL + r"""
import ctypes, errno, os, signal, socket, struct, sys, time
D = sys.argv[1]
def fails(function, *arguments):
    try: function(*arguments)
    except OSError as e: return e.errno
    return 0
"""


def run(backend, folder, code, **options):
    result = record(backend, folder, python(PRELUDE + code, folder), **options)
    equal((result.status, result.err), (0, ""), f"status and messages ({result.out})")
    return result


def capabilities(result):
    return {f["name"] for f in result.facts("capability")}


# A network of its own, where ports and interfaces are nobody else's.
NETWORK = ["unshare", "-n", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"]


@both
def network(folder, backend):
    result = run(backend, folder, r"""
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = socket.socket(); c.connect(s.getsockname()); s.accept()
port = s.getsockname()[1]; print(port)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0)); there = u.getsockname()
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.sendto(b'x', there)
only = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); fails(only.connect, ('127.0.0.1', 5353))
used = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); used.connect(there); used.send(b'x')
wide = socket.socket(); wide.bind(('0.0.0.0', 0)); wide.listen()
six = socket.socket(socket.AF_INET6)
if fails(six.bind, ('::1', 0)) == 0: six.listen(); print('six')
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
fails(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
fails(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0)
fails(socket.socket, 11, socket.SOCK_STREAM, 0)
m = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); fails(m.sendto, b'x', ('224.0.0.1', 9)); fails(m.sendto, b'x', ('255.255.255.255', 9))
fails(m.sendto, b'x', ('10.1.2.3', 9)); fails(m.sendto, b'x', ('169.254.1.1', 9)); fails(m.sendto, b'x', ('198.51.100.1', 9))
socket.socket().close()
""")
    port = int(result.out.split()[0])
    result.one("network", name="socket", family="inet", socket_type="stream", protocol="tcp")
    result.one("network", name="socket", family="inet", socket_type="dgram", protocol="udp")
    result.one("network", name="socket", family="netlink")
    result.one("network", name="socket", family="inet", socket_type="raw", protocol="icmp")
    result.one("network", name="socket", family="packet")
    result.one("network", name="bind", family="inet", socket_type="stream", address="loopback", port=None)
    result.one("network", name="bind", family="inet", socket_type="stream", address="any", port=None)
    result.one("network", name="listen", family="inet")
    result.one("network", name="accept", family="inet")
    result.one("network", name="connect", family="inet", socket_type="stream", port=port, address="loopback")
    result.none("network", name="connect", socket_type="dgram", port=5353)
    check(result.facts("network", name=lambda n: n in ("connect", "send"), socket_type="dgram", address="loopback"),
          "a UDP socket that was connected and sent has a destination")
    for address in ("multicast", "broadcast", "private", "link-local", "global"):
        result.one("network", name="send", address=address)
    if "six" in result.out:
        result.one("network", name="bind", family="inet6", address="loopback")
    check(not [f for f in result.facts("network") if any(c.isdigit() for c in f.get("address", ""))], "an address, not a class")
    result.complete()


@both
def connected_copies(folder, backend):
    """A shell's "> /dev/udp/…" connects one descriptor and sends through a copy; a child through what it inherited."""
    result = run(backend, folder, r"""
def connected(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', port)); return s
s = connected(5401); copy = os.dup2(s.fileno(), 40); s.close(); os.write(copy, b'x'); os.close(copy)
s = connected(5402); go, stop = os.pipe()
child = os.fork()
if child == 0: os.read(go, 1); os.write(s.fileno(), b'x'); os._exit(0)
s.close(); os.write(stop, b'x'); os.waitpid(child, 0)
s = connected(5403); copy = os.dup2(s.fileno(), 40); s.close(); os.close(copy)
""")
    for port in (5401, 5402):
        result.one("network", name="connect", socket_type="dgram", port=port, address="loopback")
    result.none("network", name="connect", socket_type="dgram", port=5403)
    result.complete()


@both
def deeper_id_maps(folder, backend):
    """Who maps root of a namespace that is not the container's needs nothing of the container."""
    need_root()
    need("unshare", "setpriv")
    maps = ["unshare", "--user", "--map-root-user"]
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
    if subprocess.run([*user, *maps, *maps, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip("no user namespaces for users here")
    result = record(backend, folder, [*user, *maps, *maps, "true"])
    equal(result.status, 0, f"status {result.err}")
    mapping = {"rule": lambda r: r in ("id-map", "id-map-root")} if backend != "bpf" else {"name": "CAP_SETFCAP"}
    equal([f["name"] for f in result.facts("capability", **mapping)], [], "id maps")
    result = record(backend, folder, [*maps, *maps, "true"], name="root.jsonl")
    if backend == "bpf":
        result.one("capability", name="CAP_SETFCAP")  # the kernel asks more than once
    else:
        equal(result.one("capability", name="CAP_SETFCAP", rule="id-map-root")["count"], 1, "levels that need it")


@both
def signals(folder, backend):
    result = run(backend, folder, r"""
signal.signal(signal.SIGUSR1, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGUSR1)
done, tell = os.pipe()
child = os.fork()
if child == 0:
    os.kill(os.getppid(), signal.SIGHUP); os.write(tell, b'x'); time.sleep(20); os._exit(0)
os.read(done, 1)
os.kill(child, 0); os.kill(child, signal.SIGTERM); os.waitpid(child, 0)
fails(os.kill, 1, 0)
os.killpg(os.getpgrp(), signal.SIGUSR1)
""", start_new_session=True)
    result.one("signal", name="SIGUSR1", target="self")
    result.one("signal", name="SIGHUP", target="parent")
    result.one("signal", name="SIGTERM", target="child")
    result.one("signal", name="exists", target="child")
    result.one("signal", name="exists", target="outside")
    result.one("signal", name="SIGUSR1", target="group")
    result.complete()


@both
def reading_another_process(folder, backend):
    # process_vm_readv(2) and /proc/PID/mem of a child
    result = run(backend, folder, r"""
child = os.fork()
if child == 0: time.sleep(20); os._exit(0)
buffer = ctypes.create_string_buffer(8)
local = struct.pack('QQ', ctypes.addressof(buffer), 8); remote = struct.pack('QQ', ctypes.addressof(buffer), 8)
n = call(310, child, local, 1, remote, 1, 0); assert n == 8, n
os.kill(child, 9); os.wait()
""")
    result.one("ptrace", name="read", target="child")
    result.complete()


@both
def capabilities_that_are_needed(folder, backend):
    need_root()
    need("unshare", "ip")
    rows = {
        "CAP_CHOWN": "open(D + '/f', 'w').close(); os.chown(D + '/f', 1234, 1234)",
        "CAP_FOWNER": "open(D + '/f', 'w').close(); os.chown(D + '/f', 1234, 1234); os.chmod(D + '/f', 0o600)",
        "CAP_MKNOD": "os.mknod(D + '/dev', 0o20600, os.makedev(1, 3))",
        "CAP_SYS_CHROOT": "os.chroot(D)",
        "CAP_SETUID": "os.setuid(65534)",
        "CAP_SETGID": "os.setgid(65534)",
        "CAP_NET_RAW": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "CAP_NET_BIND_SERVICE": "socket.socket().bind(('127.0.0.1', 80))",
        "CAP_SYS_ADMIN": "assert libc.sethostname(b'x', 1) == 0 or True; libc.unshare(0x04000000)",
        "CAP_DAC_OVERRIDE": "os.mkdir(D + '/d'); os.chown(D + '/d', 1234, 1234); os.chmod(D + '/d', 0o500); open(D + '/d/f', 'w')",
        "CAP_KILL": "done, tell = os.pipe(); p = os.fork()\nif p == 0: os.setuid(65534); os.write(tell, b'x'); time.sleep(9); os._exit(0)\n"
                    "os.read(done, 1); os.kill(p, 9)",
        "CAP_SYS_NICE": "os.nice(-3)",
    }
    for name, code in rows.items():
        inside = os.path.join(folder, name)
        os.mkdir(inside)
        done = subprocess.run([*NETWORK, *live.record_command(backend, inside + "/r", python(PRELUDE + code, inside))],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=live.LIMIT)
        equal((done.returncode, done.stderr), (0, ""), name)
        result = live.Result(0, "", "", inside + "/r")
        fact = result.one("capability", name=name)
        equal(fact["origin"], live.origin(backend), f"origin of {name}")
        check(fact.get("rule") or fact["origin"] == "observed", f"{name} without a rule")


@both
def capabilities_that_are_not_needed(folder, backend):
    need_root()
    need("unshare", "ip")
    code = r"""
open(D + '/f', 'w').close(); os.chown(D + '/f', 0, 0); os.chmod(D + '/f', 0o640); os.chown(D + '/f', -1, -1)
os.mkfifo(D + '/fifo'); os.mknod(D + '/plain', 0o100600)
os.setuid(0); os.setgid(0); os.setresuid(0, 0, 0); os.nice(0); os.nice(2)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 8080)); socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
os.kill(os.getpid(), 0)
os.listdir('/root'); open('/etc/shadow').read() if os.stat('/etc/shadow').st_uid == 0 else 0
fails(os.chown, D + '/missing', 1, 1); fails(os.mknod, D + '/f', 0o20600, os.makedev(1, 3))
p = os.fork()
if p == 0: time.sleep(9)
os.kill(p, 9)
"""
    done = subprocess.run([*NETWORK, *live.record_command(backend, folder + "/r", python(PRELUDE + code, folder))],
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=live.LIMIT)
    equal((done.returncode, done.stderr), (0, ""), "status")
    result = live.Result(0, "", "", folder + "/r")
    check(not result.facts("capability"),
          f"not needed: {[(f['name'], f.get('rule'), f.get('object')) for f in result.facts('capability')]}")


@both
def without_privilege_no_capability(folder, backend):
    live.unprivileged(backend)
    need_root()
    need("setpriv")
    os.chmod(folder, 0o777)
    result = record(backend, folder, python(PRELUDE + "fails(os.chown, D, 1, 1); fails(os.setuid, 0); fails(os.chroot, D)\n"
                                            "fails(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)", folder),
                    prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    equal((result.status, result.err), (0, ""), "status")
    equal(capabilities(result), set(), "capabilities")


@both
def resources(folder, backend):
    result = run(backend, folder, r"""
data = bytearray(64 << 20)
for i in range(0, len(data), 4096): data[i] = 1
for fd in [os.open('/dev/null', 0) for _ in range(50)]: os.close(fd)
children = []
wait, go = os.pipe()
for _ in range(5):
    p = os.fork()
    if p == 0: os.close(go); os.read(wait, 1); os._exit(0)
    children.append(p)
os.close(go)
for p in children: os.waitpid(p, 0)
""")
    memory = max(f["value"] for f in result.facts("resource", name="memory"))
    check(memory < 400 << 20, f"memory {memory}")
    check(memory >= 64 << 20, f"memory {memory}")
    processes = result.one("resource", name="processes")["value"]
    check(6 <= processes <= 8, f"processes {processes}")
    descriptors = result.one("resource", name="descriptors")["value"]
    check(50 <= descriptors <= 60, f"descriptors {descriptors}")


@both
def unknown_call(folder, backend):
    result = run(backend, folder, "assert call(1000, 1, 2, 3) == -errno.ENOSYS; assert call(100000) == -errno.ENOSYS\n")
    fact = result.one("syscall", name="syscall_1000")
    equal((fact["number"], fact["arch"]), (1000, "x86_64" if os.uname().machine == "x86_64" else fact["arch"]), "number")
    result.one("syscall", name="syscall_100000")
    plain = subprocess.run([live.WHITTLE, "show", result.recording], capture_output=True, text=True, check=True).stdout
    check("syscall_1000" in plain, "show does not tell of it")
    done = subprocess.run([live.WHITTLE, "generate", result.recording, "-o", folder + "/out"], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, f"status of generate ({done.stderr})")
    text = done.stdout + done.stderr + open(folder + "/out/policy.yaml", encoding="utf-8").read()
    check("syscall_1000" in text or "1000" in text, f"generate does not tell of it: {done.stdout}{done.stderr}")


@both
def labels(folder, backend):
    result = record(backend, folder, ["sh", "-c", f'{live.WHITTLE} mark first || exit 1; cat /etc/hostname >/dev/null; '
                                      f'{live.WHITTLE} mark "second test" || exit 1; cat /etc/passwd >/dev/null'],
                    options=["--label", "start"])
    equal((result.status, result.err), (0, ""), "status")
    equal(result.one("file", name="/etc/hostname")["labels"], ["first"], "labels of the first test's file")
    equal(result.one("file", name="/etc/passwd")["labels"], ["second test"], "labels of the second test's file")
    check("start" in result.one("exec", name=os.path.realpath("/bin/sh"))["labels"], "the run's own label")
    result.none("syscall", subject=os.path.realpath(live.WHITTLE))
    result.none("file", name=os.path.realpath(live.WHITTLE), access={"read"})
    result.complete()


@both
def labels_from_another_root(folder, backend):
    need_root()
    need("unshare", "chroot", "mount")
    # the program is bound into the new root, as a test in a container has it
    script = (f'mkdir -p {folder}/root && mount --rbind / {folder}/root && '
              f'chroot {folder}/root {live.WHITTLE} mark inside && chroot {folder}/root cat /etc/hostname >/dev/null')
    result = record(backend, folder, ["unshare", "-mpf", "sh", "-c", script])
    equal((result.status, result.err), (0, ""), "status")
    found = [f for f in result.facts("file", access={"read"}) if f["name"].endswith("/etc/hostname")]
    check(found and all("inside" in f["labels"] for f in found), f"labels: {[(f['name'], f.get('labels')) for f in found]}")


live.main()
