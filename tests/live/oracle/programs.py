# SPDX-License-Identifier: Apache-2.0
"""The programs that the oracle tries. Each is the same from run to run but for what timing decides."""

import os
import shutil
import socket
import subprocess

from compare import SOURCE, Case

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
        source = os.path.join(SCRIPTS, name + ".c")
        out = os.path.join(os.path.dirname(folder), name)
        if not os.path.exists(out):
            subprocess.run(["gcc", "-O1", "-pthread", *flags, "-o", out, source], check=True)

    return build


def rust():
    """Where rustc and cargo really are: rustup's stand-ins look for them below HOME, which is the case's own."""
    found = shutil.which("rustc")
    if not found:
        return "/usr/bin"
    made = subprocess.run([found, "--print", "sysroot"], capture_output=True, text=True, check=False)
    return os.path.join(made.stdout.strip() or "/usr", "bin")


RUST = rust()
OWN_MOUNTS = "mounts of its own need more than a container has"


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

# Rust's job server signals its helper thread until that is gone.
JOBSERVER = ("getpid", "tgkill")

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
        Case("rustc", sh(f"echo 'fn main() {{ std::thread::spawn(|| println!(\"hi\")).join().unwrap() }}' >a.rs && {RUST}/rustc a.rs && ./a"), needs=(RUST + "/rustc",), calls=TIMING + JOBSERVER, signals=("SIGUSR1",)),
        # ---- package tools and git
        Case("git", script("git.sh"), needs=("git",), calls=TIMING),
        Case("dpkg-query", ["dpkg", "-l", "coreutils", "bash"], needs=("dpkg",)),
        Case("dpkg-deb", script("deb.sh"), needs=("dpkg-deb",), calls=TIMING),
        Case("apt-cache", ["apt-cache", "policy", "bash"], needs=("apt-cache",), calls=TIMING),
        # ---- servers
        Case("nginx", script("nginx.sh", str(port)), needs=("nginx", "curl"), calls=TIMING + ("kill", "wait4", "nanosleep"), paths=("/nginx.pid",)),
        Case("redis", script("redis.sh", str(port + 1)), needs=("redis-server", "redis-cli"), calls=TIMING),
        Case("python-http", script("http.sh", str(port + 2)), needs=("curl",), calls=TIMING),
        Case("memcached", script("server.sh", "memcached", str(port + 3)), needs=("memcached",), calls=TIMING + SERVER),
        Case("lighttpd", script("server.sh", "lighttpd", str(port + 4)), needs=("lighttpd", "curl"),
             calls=TIMING + SERVER + ("sysinfo",)),  # it asks for the load when a new second begins between two requests
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
    return all_cases + other_programs(port + 10) + more_programs(port + 20)


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
        Case("bubblewrap", ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-all", "sh", "-c", "id -u; touch /tmp/x; cat /etc/hostname"], statuses=(0,), needs=("bwrap",), calls=TIMING, compare_paths=False, no_replay=OWN_MOUNTS),
        Case("loop-mount", sh("truncate -s 8M i; mkfs.ext4 -q i; mkdir m; mount -o loop i m && echo x >m/f && cat m/f; umount m"), statuses=(0,), needs=("mkfs.ext4", "losetup"), calls=TIMING, needs_root=True, no_replay=OWN_MOUNTS),
        Case("fuse", script("fuse.sh"), statuses=(0,), needs=("bindfs",), calls=TIMING, needs_root=True, no_replay=OWN_MOUNTS),
    ]


def more_programs(port):
    """What was tried to find out how whittle does with programs that nobody had thought of."""

    def server(name, number, *needs, **more):
        argv = script("server.sh", name, str(port + number))
        return Case(name, argv, statuses=(0,), needs=needs, calls=SERVING, **{"timeout": 120, "needs_root": True, **more})

    def container(runtime):
        run = os.path.join(SOURCE, "tests", "live", "run-in-runc")
        return ["/usr/bin/python3", run, "--runtime", runtime, "--", "sh", "-c", "id -u; ls / | wc -l"]

    home = "chmod 700 .; export GNUPGHOME=$PWD"
    return [
        # ---- servers
        server("dnsmasq", 0, "dnsmasq"),
        server("named", 1, "named", "dig"),
        server("unbound", 2, "unbound"),
        # Its input and output go through io_uring, which is no system call.
        server("mariadb", 3, "mariadbd", "mariadb-install-db", timeout=300, losses=("io-uring-unseen",), noise=("^whittle: the recording is INCOMPLETE.*",)),
        server("squid", 4, "squid", "curl"),
        server("varnish", 5, "varnishd", "curl"),
        server("mosquitto", 6, "mosquitto", "mosquitto_pub"),
        server("vsftpd", 7, "vsftpd", "curl"),
        server("iperf3", 8, "iperf3"),
        server("rsyncd", 9, "rsync"),
        server("openssl-server", 10, "openssl", "curl"),
        server("socat", 11, "socat"),
        server("chrony", 12, "chronyd", "chronyc"),
        # ---- languages
        Case("gawk", ["gawk", 'BEGIN{while(("ls /etc"|getline x)>0)n++; print (n>0); print "b\\na" | "sort"; close("sort"); print n>"f"; system("true"); print "z" |& "cat"; close("cat","to"); "cat" |& getline q; print q}'], statuses=(0,), needs=("gawk",), fast=True),
        Case("tclsh", sh("echo 'set f [open x w]; puts $f hi; close $f; puts [exec cat x]; file rename x y; puts [glob y*]; set s [socket -server {apply {{c a p} {puts $c hey; close $c}}} -myaddr 127.0.0.1 0]; set p [lindex [fconfigure $s -sockname] 2]; set c [socket 127.0.0.1 $p]; fileevent $c readable {gets $c l; puts $l; set done 1}; vwait done; file delete y' >a.tcl; tclsh a.tcl"), statuses=(0,), needs=("tclsh",), calls=TIMING),
        Case("guile", ["guile", "--no-auto-compile", "-c", '(display (call-with-input-file "/etc/hostname" (lambda (p) (read-char p)))) (system* "echo" "hi") (mkdir "d") (rmdir "d") (newline)'], statuses=(0,), needs=("guile",), calls=TIMING),
        Case("ocaml", sh("echo 'let () = print_endline \"hi\"; ignore (Sys.command \"echo ho\"); Sys.mkdir \"d\" 0o755; Sys.rmdir \"d\"' >a.ml; ocaml a.ml; ocamlopt -o a a.ml && ./a"), statuses=(0,), needs=("ocaml", "ocamlopt"), calls=TIMING),
        Case("sbcl", ["sbcl", "--noinform", "--non-interactive", "--no-userinit", "--no-sysinit", "--eval", '(progn (with-open-file (s "x" :direction :output) (print 1 s)) (rename-file "x" "y.z") (print (sb-thread:join-thread (sb-thread:make-thread (lambda () 42)))) (run-program "/bin/echo" (list "hi") :output *standard-output*) (gc :full t))'], statuses=(0,), needs=("sbcl",), calls=TIMING),
        Case("cargo", sh(f"PATH=$PATH:{RUST}; mkdir -p p/src; printf '[package]\\nname=\"p\"\\nversion=\"0.1.0\"\\nedition=\"2021\"\\n' >p/Cargo.toml; echo 'fn main(){{println!(\"hi\");}}' >p/src/main.rs; cd p; CARGO_HOME=$PWD/h cargo run -q --offline"), statuses=(0,), needs=(RUST + "/cargo",), calls=SERVING + JOBSERVER, signals=("SIGUSR1",), timeout=120),
        # Through a pipe, as a container's output goes: node asks other things of a pipe than of a file.
        Case("npm", sh('mkdir p; cd p; echo \'{"name":"p","version":"1.0.0","scripts":{"x":"echo hi"}}\' >package.json; (npm run -s x; npm pack --silent) 2>&1 | cat'), statuses=(0,), needs=("npm",), calls=SERVING + ("eventfd2", "epoll_pwait", "mmap"), timeout=120),
        Case("zipapp", sh("cp -r /usr/lib/python3*/json j; rm -rf j/__pycache__; /usr/bin/python3 -m compileall -q -j 2 j; mkdir z; echo 'print(1)' >z/__main__.py; /usr/bin/python3 -m zipapp z; /usr/bin/python3 z.pyz"), statuses=(0,), calls=TIMING),
        # ---- archives, pictures, disks
        Case("zip", sh("seq 1 5000 >a; mkdir d; cp a d/b; ln -s a l; zip -qry z.zip a d l; rm -r a d l; unzip -q z.zip; ls; zip -qd z.zip a; unzip -l z.zip | tail -1"), statuses=(0,), needs=("zip", "unzip")),
        Case("7z-zstd-lz4-bzip2", sh("seq 1 5000 >a; 7z a -bd x.7z a >/dev/null; rm a; 7z x -bd x.7z >/dev/null; wc -l a; zstd -q -T2 a; zstd -qdf a.zst; lz4 -q a b.lz4; bzip2 -k a; ls"), statuses=(0,), needs=("7z", "zstd", "lz4", "bzip2"), calls=TIMING),
        Case("ffmpeg", sh("ffmpeg -nostdin -v error -f lavfi -i testsrc=d=1:s=64x64 -y a.mkv && ffprobe -v error -show_entries stream=codec_name -of csv a.mkv"), statuses=(0,), needs=("ffmpeg", "ffprobe"), calls=TIMING, timeout=120),
        Case("imagemagick", sh("convert -size 32x32 xc:red a.png && convert a.png -resize 16x16 b.jpg && identify b.jpg | wc -w"), statuses=(0,), needs=("convert", "identify"), calls=TIMING),
        Case("disk-images", sh("qemu-img create -q -f qcow2 a.qcow2 10M; qemu-img convert -O raw a.qcow2 b; qemu-img info a.qcow2 | wc -l; truncate -s 1M m; mkfs.ext4 -q -d /etc/apt m 2>/dev/null; fsck.ext4 -fn m >/dev/null 2>&1; debugfs -R ls m 2>/dev/null | wc -l"), statuses=(0,), needs=("qemu-img", "mkfs.ext4", "debugfs"), calls=SERVING),
        # fio looks if its output is a terminal when it has run for long enough to print how far it is.
        Case("fio-libaio", sh("fio --name=a --size=1M --rw=randrw --ioengine=libaio --iodepth=4 --numjobs=2 --randrepeat=1 --output=o --directory=. && ls | sort | head -3"), statuses=(0,), needs=("fio",), calls=SERVING + ("ioctl",), timeout=120),
        Case("fio-threads", sh("fio --name=a --size=1M --rw=randrw --ioengine=psync --numjobs=2 --thread --randrepeat=1 --output=o --directory=. && ls | sort | head -3"), statuses=(0,), needs=("fio",), calls=SERVING + ("ioctl",), timeout=120),
        # ---- terminals, keys, the machine
        Case("expect", ["expect", "-c", "spawn sh -c {read x; echo got $x}; send \"hi\\r\"; expect {got hi}; wait"], statuses=(0,), needs=("expect",), calls=TIMING, paths=("/dev/pts",)),
        Case("screen", sh("mkdir -m 700 s; export SCREENDIR=$PWD/s; screen -dmS x sh -c 'echo a >f; sleep 30'; for i in $(seq 50); do [ -e f ] && break; sleep 0.1; done; screen -S x -X quit; sleep 0.5; cat f"), statuses=(0,), needs=("screen",), calls=SERVING, paths=("/dev/pts",)),
        Case("gpg", sh(home + "; gpg --batch --quiet --passphrase '' --quick-gen-key a@b.c ed25519 sign never 2>/dev/null; echo hi >m; gpg --batch -q -s m; gpg -q -d m.gpg 2>/dev/null; gpgconf --kill all; sleep 0.5"), statuses=(0,), needs=("gpg", "gpgconf"), calls=SERVING, timeout=120),
        Case("netfilter", sh("unshare -n sh -c 'ip link set lo up; ip addr add 10.9.9.9/32 dev lo; ip -o addr show lo | wc -l; nft add table inet t; nft list tables; iptables -L -n | wc -l; ss -tln | wc -l'"), statuses=(0,), needs=("nft", "iptables", "ip", "ss"), needs_root=True),
        Case("exim", sh("chmod 777 .; exim4 -bV | wc -l; exim4 -bP primary_hostname >/dev/null; exim4 -bt nobody@localhost | wc -l"), statuses=(0,), needs=("exim4",), needs_root=True),
        Case("processes", sh("ps -ef >/dev/null; pgrep -x no-such-name; free >/dev/null; vmstat >/dev/null; uptime >/dev/null"), statuses=(0,), needs=("ps", "pgrep"), paths=("/proc/",)),
        Case("editors", sh("seq 1 9 >a; cp a b; printf '3d\\n$a\\nnew\\n.\\nw\\nq\\n' | ed -s b; diff -u a b >d; patch -s a <d; cmp a b && echo same; echo '2^100' | bc; split -l 3 a s.; paste s.a* | wc -l; file a; objdump -h /bin/true | wc -l; nm -D /bin/true | wc -l"), statuses=(0,), needs=("ed", "bc", "patch", "file", "objdump")),
        Case("small-tools", script("small_tools.sh"), statuses=(0,), needs=("runuser", "flock", "shred", "fallocate", "chrt", "prlimit"), needs_root=True, calls=TIMING),
        Case("ping", ["ping", "-q", "-c", "2", "-i", "0.2", "127.0.0.1"], statuses=(0,), needs=("ping",), calls=TIMING, noise=("time [0-9]+ms", "^rtt.*")),
        Case("tcpdump", sh("tcpdump -i lo -c 2 -w d udp port 9999 2>/dev/null & p=$!; for i in $(seq 50); do sleep 0.2; echo x >/dev/udp/127.0.0.1/9999; kill -0 $p 2>/dev/null || break; done; wait; tcpdump -r d 2>/dev/null | wc -l", "bash"), statuses=(0,), needs=("tcpdump",), needs_root=True, calls=SERVING),
        Case("sudo", ["sudo", "-n", "-u", "nobody", "id", "-un"], statuses=(0,), needs=("sudo",), needs_root=True, calls=SERVING, paths=("/dev/pts",)),
        Case("rsyslogd", sh("printf 'module(load=\"imuxsock\" SysSock.Use=\"off\")\\ninput(type=\"imuxsock\" Socket=\"%s/s\")\\n*.* %s/out\\n' $PWD $PWD >c; rsyslogd -n -f $PWD/c -i $PWD/pid & p=$!; while [ ! -S s ]; do sleep 0.1; done; logger -u s hello; sleep 0.5; kill $p; wait $p; wc -l <out"), statuses=(0,), needs=("rsyslogd", "logger"), needs_root=True, calls=SERVING),
        Case("perf", sh("perf stat -x, -e task-clock true 2>&1 | wc -l"), statuses=(0,), needs=("perf",), needs_root=True, calls=SERVING),
        Case("kubectl", sh("kubectl version --client -o yaml | wc -l"), statuses=(0,), needs=("kubectl",), calls=SERVING),
        # ---- more compilers, packages and versions
        Case("gfortran", sh("printf '      print *, 1\\n      end\\n' >a.f; gfortran a.f && ./a.out"), statuses=(0,), needs=("gfortran",)),
        # LeakSanitizer traces the program that it is part of, which strace does not let it.
        Case("clang", sh("echo 'int main(void){return 0;}' >a.c; clang -O2 a.c -o a && ./a; clang --analyze a.c; clang -fsanitize=address a.c -o b && ASAN_OPTIONS=detect_leaks=0 ./b"), statuses=(0,), needs=("clang",), calls=TIMING, paths=("/a-", "/b-"), timeout=120),
        Case("vim-keys", sh("printf 'ihello\\033:wq\\n' >k; vim -u NONE -s k f </dev/null >/dev/null 2>&1; cat f"), statuses=(0,), needs=("vim",), calls=TIMING + ("select",)),
        Case("git-more", script("git_more.sh"), statuses=(0,), needs=("git",), calls=SERVING),
        Case("dpkg-install", sh("mkdir -p d/DEBIAN r/var/lib/dpkg/info r/var/lib/dpkg/updates; printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: a\\nDescription: b\\n' >d/DEBIAN/control; dpkg-deb -b d x.deb >/dev/null; touch r/var/lib/dpkg/status r/var/lib/dpkg/available; dpkg --log=$PWD/log --root=$PWD/r -i x.deb; dpkg --log=$PWD/log --root=$PWD/r -r x"), statuses=(0,), needs=("dpkg", "dpkg-deb"), needs_root=True, calls=TIMING),
        # ---- what makes containers and machines
        Case("runc", container("runc"), statuses=(0,), needs=("runc",), needs_root=True, calls=SERVING, compare_paths=False, timeout=120, no_replay=OWN_MOUNTS),
        Case("crun", container("crun"), statuses=(0,), needs=("crun",), needs_root=True, calls=SERVING, compare_paths=False, timeout=120, no_replay=OWN_MOUNTS),
        Case("user-namespace", ["unshare", "-Urmpf", "--mount-proc", "sh", "-c", "id -u; mount -t tmpfs t /mnt; echo x >/mnt/x; cat /mnt/x; ps -ef | wc -l"], statuses=(0,), needs=("unshare",), calls=TIMING, compare_paths=False, no_replay=OWN_MOUNTS),
        Case("qemu", sh("echo quit | qemu-system-x86_64 -M q35 -accel tcg -S -nodefaults -display none -monitor stdio -drive file=null-co://,if=none,format=raw | wc -l"), statuses=(0,), needs=("qemu-system-x86_64",), calls=SERVING, timeout=120),
    ]
