# SPDX-License-Identifier: Apache-2.0
"""The programs that the oracle tries. Each is the same from run to run but for what timing decides."""

import os
import socket

from compare import Case

_HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(_HERE, "scripts")


def free_port():
    """A port that nobody has now; it stays below the kernel's range for clients."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port")


def sh(text, shell="sh"):
    return [shell, "-c", text]


def script(name, *arguments):
    return ["bash", os.path.join(SCRIPTS, name), *arguments]


def c_program(name, *flags):
    """Sources are compiled once per run of the harness, outside what is compared."""

    def build(folder):
        import subprocess

        source = os.path.join(SCRIPTS, name + ".c")
        out = os.path.join(os.path.dirname(folder), name)
        if not os.path.exists(out):
            subprocess.run(["gcc", "-O1", "-pthread", *flags, "-o", out, source], check=True)

    return build


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


# Calls that depend on who runs first, in programs of several threads or processes.
TIMING = (
    "futex",
    "restart_syscall",
    "sched_yield",
    "madvise",
    "rt_sigreturn",
    "munmap",
    "mprotect",
    "brk",
    "poll",
    "epoll_wait",
    "clock_nanosleep",
)

# How long a server takes to listen, and to go.
SERVER = ("nanosleep", "kill", "wait4", "connect")


def cases():
    port = free_port()
    py = "/usr/bin/python3"
    all_cases = [
        # ---- shells and small tools
        Case("dash", script("shell.sh"), calls=("rt_sigsuspend",), fast=True),
        Case("sh-pipes", sh("seq 1 2000 | sort -rn | sed -n 1,20p | tr 0-9 a-j | wc -c; : | cat"), calls=("rt_sigreturn",), fast=True),
        Case("bash-jobs", script("jobs.bash"), calls=TIMING, noise=(r"^\[1\]. +Terminated .*",), fast=True),
        Case("find-grep-sed-awk", script("text.sh"), calls=("restart_syscall",), fast=True),
        Case("tar-gzip-xz", script("archive.sh"), calls=TIMING, needs=("xz", "gzip")),
        Case("script-alone", ["./s"], setup=lambda folder: write(folder, "s", "#!/bin/sh\necho hi\n", 0o755), fast=True),
        Case("self-exe", sh("exec /proc/self/exe -c 'cat /etc/hostname'", "bash"), fast=True),
        Case("names", [py, os.path.join(SCRIPTS, "names.py")], fast=True),
        # ---- interpreters
        Case("python", [py, os.path.join(SCRIPTS, "many.py")], calls=TIMING, fast=True),
        Case("perl", ["perl", os.path.join(SCRIPTS, "many.pl")], needs=("perl",), fast=True),
        Case("node", ["node", os.path.join(SCRIPTS, "many.js")], calls=TIMING + ("write", "read", "epoll_pwait", "eventfd2", "mmap"), needs=("node",)),
        Case("java", script("java.sh"), calls=TIMING, needs=("java",)),
        # ---- compilers and build tools
        Case("gcc", script("gcc.sh"), needs=("gcc",), calls=("rt_sigreturn",)),
        Case("cc-one", sh("echo 'int main(void){return 0;}' >a.c && gcc -O2 a.c -o a && ./a"), needs=("gcc",), fast=True),
        Case("make", script("make.sh"), needs=("make", "gcc"), calls=TIMING + ("pselect6", "rt_sigprocmask", "read", "fcntl")),
        Case("cmake", script("cmake.sh"), needs=("cmake",), calls=TIMING + ("epoll_pwait", "wait4")),
        Case("go", script("go.sh"), needs=("go",), calls=TIMING + ("nanosleep", "tgkill", "getpid", "epoll_pwait", "write", "read")),
        Case("rustc", sh("echo 'fn main() { std::thread::spawn(|| println!(\"hi\")).join().unwrap() }' >a.rs && rustc a.rs && ./a"), needs=("rustc",), calls=TIMING),
        # ---- package tools and git
        Case("git", script("git.sh"), needs=("git",), calls=TIMING),
        Case("dpkg-query", ["dpkg", "-l", "coreutils", "bash"], needs=("dpkg",)),
        Case("dpkg-deb", script("deb.sh"), needs=("dpkg-deb",), calls=TIMING),
        Case("apt-cache", ["apt-cache", "policy", "bash"], needs=("apt-cache",), calls=TIMING),
        # ---- servers
        Case("nginx", script("nginx.sh", str(port)), needs=("nginx", "curl"), calls=TIMING + ("kill", "wait4", "nanosleep")),
        Case("redis", script("redis.sh", str(port + 1)), needs=("redis-server", "redis-cli"), calls=TIMING),
        Case("python-http", script("http.sh", str(port + 2)), needs=("curl",), calls=TIMING),
        Case("memcached", script("server.sh", "memcached", str(port + 3)), needs=("memcached",), calls=TIMING + SERVER),
        Case("lighttpd", script("server.sh", "lighttpd", str(port + 4)), needs=("lighttpd", "curl"), calls=TIMING + SERVER),
        Case("postgres", script("server.sh", "postgres", str(port + 5)), needs=("psql", "setpriv"), calls=TIMING + SERVER, needs_root=True),
        Case("php", script("server.sh", "php", str(port + 6)), needs=("php", "curl"), calls=TIMING + SERVER),
        Case("man", ["man", "-w", "man"], needs=("man",), statuses=(0, 16)),
        Case("vim", ["vim", "-es", "-c", "w! out", "-c", "q"], needs=("vim",)),
        Case("script", ["script", "-qc", "echo hi", "typescript"], needs=("script",), calls=TIMING),
        Case("python-venv", [py, "-m", "venv", "--without-pip", "v"]),
        # ---- data, crypto
        Case("sqlite3", sh("sqlite3 t.db 'create table t(a,b); insert into t values(1,2),(3,4); pragma journal_mode=wal; insert into t values(5,6); select sum(a) from t;'"), needs=("sqlite3",), fast=True),
        Case("openssl", sh("openssl rand -out r 4096 && openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in r -out e && openssl dgst -sha256 r && openssl genpkey -algorithm ed25519 -out k && openssl pkey -in k -pubout"), needs=("openssl",), noise=("^MC.*", "[0-9a-f]{64}"), fast=True),
        Case("ssh-keygen", sh("ssh-keygen -q -t ed25519 -N '' -f k && ssh-keygen -l -f k.pub"), needs=("ssh-keygen",), noise=("SHA256:[^ ]*",)),
        # ---- processes, threads, privilege
        Case("pthread-storm", ["../threads"], setup=c_program("threads"), calls=TIMING, fast=True),
        Case("fork-storm", ["../forks"], setup=c_program("forks"), calls=TIMING, init=True, fast=True),
        Case("spawn", ["../spawn"], setup=c_program("spawn"), calls=("restart_syscall",), fast=True),
        Case("daemon", ["../daemon"], setup=c_program("daemon"), init=True, fast=True),
        Case("i386", ["../compat"], setup=c_program("compat", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"), fast=True),
        Case("mixed-entry", ["../entries"], setup=c_program("entries"), paths=("/by-x32",), no_strict="numbers without a name stand in no profile", fast=True),
        Case("unshare", script("unshare.sh"), needs=("unshare",), needs_root=True),
        Case("chroot", script("chroot.sh"), needs_root=True, fast=True),
        Case("privilege", script("privilege.sh"), needs=("setpriv", "su"), needs_root=True),
        Case("ipc", [py, os.path.join(SCRIPTS, "ipc.py")], calls=TIMING, fast=True),
        Case("signals", [py, os.path.join(SCRIPTS, "signals.py")], calls=TIMING, init=True, fast=True),
    ]
    return all_cases + other_programs(port + 10)


# What a client or a server of several processes and threads does depends on who is first.
SERVING = TIMING + (
    "accept4",
    "clone",
    "epoll_ctl",
    "fcntl",
    "getpgrp",
    "getsockopt",
    "kill",
    "nanosleep",
    "ppoll",
    "pselect6",
    "read",
    "recvfrom",
    "rt_sigprocmask",
    "select",
    "sendmsg",
    "sendto",
    "shutdown",
    "splice",
    "tgkill",
    "timer_gettime",
    "timer_settime",
    "times",
    "wait4",
    "write",
    "writev",
)


def other_programs(port):
    """More that people run; few of them are installed for the tests, the others where they are."""
    own_mounts = "mounts of its own need more than a container has"
    return [
        Case("bash-udp", sh(f"echo x >/dev/udp/127.0.0.1/{port}; exec 3<>/dev/udp/127.0.0.1/{port}; echo y >&3; exec 3>&-", "bash"), fast=True),
        Case("busybox", ["busybox", "sh", "-c", "ls /etc >l; sort <l | uniq -c | wc -l; busybox cp l l2; busybox mv l2 l3; busybox rm l3; busybox ln -s a b; busybox readlink b; busybox tar cf t.tar l; busybox gzip t.tar"], needs=("busybox",), calls=TIMING + ("wait4",), fast=True),
        Case("zsh", ["zsh", "-f", "-c", "zmodload zsh/stat zsh/system; print -l /etc/host*(.); (sleep 0.05; exit 3) & wait $!; print $?; cat =(echo hi); cat <(echo ho); TRAPUSR1() { print usr1 }; kill -USR1 $$"], needs=("zsh",), calls=TIMING + ("rt_sigsuspend", "rt_sigprocmask", "wait4", "kill")),
        Case("fish", ["fish", "--no-config", "-c", "echo (ls /etc/apt | wc -l); for i in 1 2; echo $i; end; begin; echo a; end | string upper"], needs=("fish",), calls=TIMING + ("select", "pselect6", "read", "write", "ioctl")),
        Case("jq", sh("echo '{\"a\":[1,2,3]}' >x.json; jq '.a|add' x.json"), needs=("jq",), fast=True),
        Case("lua", ["lua5.4", "-e", "local f=io.open('x','w') f:write('hi') f:close() os.rename('x','y') os.remove('y') print(io.popen('echo p'):read())"], needs=("lua5.4",), fast=True),
        Case("ruby", ["ruby", "-e", "require 'tempfile'; require 'socket'; p (1..4).map{|i| Thread.new{ i }}.map(&:value); p `echo hi`; Tempfile.create('x'){|f| f.puts 'a'}; s=TCPServer.new('127.0.0.1',0); c=TCPSocket.new('127.0.0.1',s.addr[1]); a=s.accept; a.puts 'x'; p c.gets"], statuses=(0,), needs=("ruby",), calls=TIMING + ("ppoll", "read", "write")),
        Case("erlang", ["erl", "-noshell", "-eval", "file:write_file(\"x\",<<\"hi\">>), {ok,B}=file:read_file(\"x\"), io:format(\"~s~n\",[B]), io:format(\"~s\",[os:cmd(\"echo z\")]), halt()."], needs=("erl",), no_strict="its memory grows by mremap() in some runs", calls=SERVING + ("timerfd_settime", "timerfd_create", "mremap")),
        Case("rsync", sh("mkdir -p a/b; seq 1 1000 >a/f; ln -s f a/l; ln a/f a/h; rsync -aHAX a/ c/; echo x >>a/f; rsync -a --inplace --delete a/ c/; diff -r a c && echo same"), statuses=(0,), needs=("rsync",), calls=TIMING + ("select", "pselect6", "kill", "wait4")),
        Case("owners-devices", script("more_tools.sh"), statuses=(0,), needs=("setfacl", "setfattr", "cpio"), needs_root=True),
        Case("valgrind", ["valgrind", "-q", "/bin/echo", "hi"], needs=("valgrind",), calls=TIMING, timeout=200),
        Case("tmux", sh("tmux -f /dev/null -S s new-session -d 'sleep 30'; tmux -S s list-sessions -F '#S'; tmux -S s kill-server; sleep 0.4"), needs=("tmux",), calls=SERVING + ("recvmsg", "epoll_pwait"), paths=("/dev/pts",)),
        Case("dbus", sh("dbus-run-session -- dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames >/dev/null"), needs=("dbus-run-session",), noise=(r"\[\d+\]", r"pid=\d+"), calls=TIMING + ("kill", "wait4"), paths=("dbus-",)),
        Case("apache", script("apache.sh", str(port + 1)), statuses=(0,), needs=("apache2", "curl"), calls=SERVING + ("semop", "sendfile"), timeout=90, needs_root=True),
        Case("haproxy", script("haproxy.sh", str(port + 2)), statuses=(0,), needs=("haproxy", "socat", "curl"), noise=(r"\(\d+\)",), calls=SERVING, timeout=90, needs_root=True),
        Case("sshd", script("sshd.sh", str(port + 3)), statuses=(0,), needs=("sshd", "sftp"), calls=SERVING, paths=("/dev/pts", "/.ssh", "/root"), timeout=120, needs_root=True, no_replay="a server of logins wants the machine's users"),
        Case("bubblewrap", ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-all", "sh", "-c", "id -u; touch /tmp/x; cat /etc/hostname"], statuses=(0,), needs=("bwrap",), calls=TIMING, compare_paths=False, no_replay=own_mounts),
        Case("loop-mount", sh("truncate -s 8M i; mkfs.ext4 -q i; mkdir m; mount -o loop i m && echo x >m/f && cat m/f; umount m"), statuses=(0,), needs=("mkfs.ext4", "losetup"), calls=TIMING, needs_root=True, no_replay=own_mounts),
        Case("fuse", script("fuse.sh"), statuses=(0,), needs=("bindfs",), calls=TIMING, needs_root=True, no_replay=own_mounts),
    ]
