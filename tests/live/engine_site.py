# SPDX-License-Identifier: Apache-2.0
"""The image and the workloads of the engine tests: a small root file system made of the host's own
programs, redis and nginx in it, and what is asked of them, the same natively, recorded and in a container.
"""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time

import live

REDIS_PORT, NGINX_PORT = 6390, 8090  # the network is the test's own
PROGRAMS = ("/usr/bin/redis-server", "/usr/sbin/nginx", "/usr/bin/setpriv", "/bin/sh", "/bin/cat", "/bin/ls")
ETC = {
    "passwd": "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "selinux/semanage.conf": "",  # ls asks by access(2) for a neighbour of it
    "nginx/nginx.conf": f"""daemon off;
user www-data;
worker_processes 2;
pid /run/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log /var/log/nginx/access.log;
    client_body_temp_path /var/lib/nginx/body;
    proxy_temp_path /var/lib/nginx/proxy;
    fastcgi_temp_path /var/lib/nginx/fastcgi;
    uwsgi_temp_path /var/lib/nginx/uwsgi;
    scgi_temp_path /var/lib/nginx/scgi;
    server {{
        listen 127.0.0.1:{NGINX_PORT};
        root /var/www/html;
        location /empty {{ return 204; }}
        location /upload {{ client_body_buffer_size 1k; proxy_pass http://127.0.0.1:{NGINX_PORT}/empty; }}
    }}
}}
""",
}
FOLDERS = {"proc": 0o555, "dev": 0o755, "sys": 0o555, "run": 0o755, "tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700,
           "data": 0o755, "run/redis": 0o755, "var/log/nginx": 0o755, "var/lib/nginx": 0o755, "var/www/html": 0o755, "etc/nginx": 0o755, "etc/selinux": 0o755}
OF_NOBODY = ("data", "run/redis")


# ---- the root file system ------------------------------------------------------------------------

def _libraries(program):
    """What ldd names: the loader and the libraries."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return {word for line in done.stdout.splitlines() for word in line.split() if word.startswith("/")}


def copy_in(rootfs, *programs):
    """Each at the path that it has outside, with what it loads."""
    for path in sorted({f for p in programs for f in (p, *_libraries(p))}):
        target = rootfs + path
        if not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(path, target)  # what a link leads to, under the link's name


def open_way(rootfs, path):
    """Lets everybody search the folders down to PATH: the tree under test may lie in somebody's home."""
    folder = os.path.dirname(path)
    while folder != "/":
        os.chmod(rootfs + folder, os.stat(rootfs + folder).st_mode | 0o111)
        folder = os.path.dirname(folder)


def build(rootfs):
    live.need(*(os.path.basename(p) for p in PROGRAMS), "tar", "ldd")
    for folder, mode in FOLDERS.items():
        os.makedirs(os.path.join(rootfs, folder))
        os.chmod(os.path.join(rootfs, folder), mode)
    for folder in OF_NOBODY:
        os.chown(os.path.join(rootfs, folder), live.NOBODY, live.NOBODY)
    copy_in(rootfs, *PROGRAMS)
    copy_in(rootfs, live.program("engine_probe"))
    shutil.copy2(live.program("engine_probe"), rootfs + "/engine_probe")
    for name, text in ETC.items():
        with open(os.path.join(rootfs, "etc", name), "w", encoding="ascii") as file:
            file.write(text)
    with open(rootfs + "/var/www/html/index.html", "w", encoding="ascii") as file:
        file.write("<h1>whittle</h1>\n")


def mount_kernel_files(rootfs):
    """As containers have them. The mounts end with the test's mount namespace."""
    for kind, name in (("proc", "proc"), ("sysfs", "sys")):
        subprocess.run(["mount", "-t", kind, kind, f"{rootfs}/{name}"], check=True)
    subprocess.run(["mount", "--bind", "/dev", f"{rootfs}/dev"], check=True)


def unmount_kernel_files(rootfs):
    for name in ("dev", "sys", "proc"):
        subprocess.run(["umount", "--lazy", f"{rootfs}/{name}"], check=False)


def start_in(rootfs, command, user=None):
    def enter():
        os.chroot(rootfs)
        os.chdir("/")
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    return subprocess.Popen(command, preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT,
                            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})


# ---- the workloads -----------------------------------------------------------------------------------

class Workload:
    """A command; what is asked of it while it runs; the signal for a reload, if it knows that; and who starts it."""

    def __init__(self, name, command, ready, exercise, reload=None, user=None):
        self.name, self.command, self.ready, self.exercise = name, command, ready, exercise
        self.reload, self.user = reload, user

    def use(self, alive, send):
        """Requests, a reload and requests again. ALIVE raises if it has ended; SEND sends it a signal."""
        live.wait_until(lambda: alive() or self.ready(), 60, f"{self.name} to answer")
        self.exercise()
        if self.reload:
            send(self.reload)
            time.sleep(0.5)  # the old workers may still answer; what follows meets old or new ones
            self.exercise()


def redis(*words):
    """The answer to one command; a line, or the text of a bulk answer."""
    with socket.create_connection(("127.0.0.1", REDIS_PORT), 10) as connection, connection.makefile("rwb") as stream:
        stream.write(b"*%d\r\n" % len(words))
        for word in words:
            stream.write(b"$%d\r\n%s\r\n" % (len(word), word.encode()))
        stream.flush()
        line = stream.readline().decode().rstrip()
        if line.startswith("$") and line != "$-1":
            return stream.read(int(line[1:])).decode()
        return line


def _redis_ready():
    try:
        return redis("PING") == "+PONG"
    except OSError:
        return False


def _redis_exercise():
    live.equal(redis("GET", "seeded"), "yes", "the value that came with the image")
    live.equal(redis("SET", "key", "value" * 1000), "+OK", "SET")
    live.equal(redis("GET", "key"), "value" * 1000, "GET")
    live.equal(redis("LPUSH", "list", "a", "b"), ":2", "LPUSH")
    live.equal(redis("DEL", "list"), ":1", "DEL")
    live.check(redis("BGSAVE").startswith("+"), "BGSAVE")
    live.wait_until(lambda: "rdb_bgsave_in_progress:0" in redis("INFO", "persistence"), 60, "BGSAVE")
    live.check("rdb_last_bgsave_status:ok" in redis("INFO", "persistence"), "BGSAVE failed")
    live.check("redis_version" in redis("INFO"), "INFO")


def _upload(*pauses):
    """The status of an upload whose header, and first part, come with PAUSES before what follows: what nginx has
    read by the time that it opens its temporary file decides by which call it writes."""
    body = b"x" * 200000
    header = b"POST /upload HTTP/1.0\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body)
    parts = [header + body[:500], body[500:]] if len(pauses) == 1 else [header, body[:500], body[500:]]
    with socket.create_connection(("127.0.0.1", NGINX_PORT), 10) as connection:
        for part, pause in zip(parts, (*pauses, 0)):
            connection.sendall(part)
            time.sleep(pause)
        return int(connection.makefile("rb").readline().split()[1])


def _get(path):
    connection = http.client.HTTPConnection("127.0.0.1", NGINX_PORT, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _nginx_ready():
    try:
        return _get("/empty") == 204
    except (OSError, http.client.HTTPException):
        return False


def _nginx_exercise():
    for path, status in (("/", 200), ("/index.html", 200), ("/missing", 404), ("/empty", 204)) * 5:
        live.equal(_get(path), status, f"nginx's answer for {path}")
    for pauses in ((0,), (0.1,), (0, 0), (0.1, 0), (0, 0.1), (0.1, 0.1)):
        live.equal(_upload(*pauses), 204, f"nginx's answer for an upload with pauses of {pauses} s")


_REDIS = ["/usr/bin/redis-server", "--port", str(REDIS_PORT), "--bind", "127.0.0.1", "--dir", "/data",
          "--unixsocket", "/run/redis/redis.sock", "--maxclients", "50", "--save", "3600", "1"]
WORKLOADS = {w.name: w for w in (
    Workload("redis", _REDIS, _redis_ready, _redis_exercise, user=live.NOBODY),
    # started as root, which it leaves at once, as images' entrypoints do
    Workload("redis-dropped", ["/usr/bin/setpriv", f"--reuid={live.NOBODY}", f"--regid={live.NOBODY}",
                               "--clear-groups", *_REDIS], _redis_ready, _redis_exercise),
    Workload("nginx", ["/usr/sbin/nginx"], _nginx_ready, _nginx_exercise, reload=signal.SIGHUP),
)}


def seed(rootfs):
    """Has redis leave a database, as an image may bring one."""
    process = start_in(rootfs, WORKLOADS["redis"].command, live.NOBODY)
    try:
        live.wait_until(lambda: _ended(process) or _redis_ready(), 60, "redis to answer")
        live.equal(redis("SET", "seeded", "yes"), "+OK", "SET")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()


def _ended(process):
    if process.poll() is not None:
        raise AssertionError(f"it ended with status {process.returncode}: {process.stdout.read()[-800:]!r}")


def record(rootfs, name):
    """Records a workload in ROOTFS while it is used; gives the recording's path."""
    workload = WORKLOADS[name]
    inside = f"/tmp/{name}.jsonl"
    process = start_in(rootfs, [os.path.realpath(live.WHITTLE), "record", "-o", inside, "--", *workload.command],
                       workload.user)
    try:
        workload.use(lambda: _ended(process), process.send_signal)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        live.equal(process.returncode, 0, f"status of recorded {name} after SIGTERM: {out[-800:]!r}")
    finally:
        process.kill()
        process.wait()
    return rootfs + inside


def record_command(rootfs, name, command):
    """Records COMMAND to its end; gives its status and the recording's path."""
    inside = f"/{name}.jsonl"
    process = start_in(rootfs, [os.path.realpath(live.WHITTLE), "record", "-o", inside, "--", *command])
    process.communicate(timeout=60)
    return process.returncode, rootfs + inside
