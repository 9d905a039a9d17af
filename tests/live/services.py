# SPDX-License-Identifier: Apache-2.0
"""The servers of service_images.py: how each is started, when it is ready, and what is asked of it, so that the same
can be asked while it is recorded and while it is confined. Whatever goes wrong is a live AssertionError.
"""
import dataclasses
import http.client
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request

import live
from live import check, equal
from service_images import USER

LIMIT = 30  # seconds for one answer
ENV_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin"


class Container:
    """One that runs: ENGINE is the command line that leads to it, KEY the private key for sshd."""

    def __init__(self, engine, name, key=None):
        self.engine, self.name, self.key = engine, name, key

    def call(self, *words):
        return subprocess.run([*self.engine, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)

    def exec(self, *command, user=None, wanted=""):
        done = self.call("exec", *(["--user", user] if user else []), self.name, *command)
        check(done.returncode == 0, f"exec {command}: {done.returncode} {done.stdout[-300:]} {done.stderr[-400:]}")
        check(wanted in done.stdout, f"exec {command}: {done.stdout[-300:]!r} lacks {wanted!r}")

    def signal(self, name):
        done = self.call("kill", "--signal", name, self.name)
        equal(done.returncode, 0, f"kill {name}: {done.stderr}")


# ---- asking --------------------------------------------------------------------------------------

def get(port, path, wanted, data=None):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", data=data, timeout=LIMIT) as answer:
            text = answer.read().decode()
    except (OSError, http.client.HTTPException) as reason:
        raise AssertionError(f"port {port} /{path}: {reason!r}") from None
    check(wanted in text, f"port {port} /{path}: {text[:300]!r} lacks {wanted!r}")


def ask(port, question, wanted):
    got = b""
    try:
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            connection.sendall(question)
            while wanted not in got:
                part = connection.recv(65536)
                if not part:
                    break
                got += part
    except OSError as reason:
        raise AssertionError(f"port {port}: {reason!r}") from None
    check(wanted in got, f"port {port}: {got[:200]!r} lacks {wanted!r}")


def resolve(port):
    """www.test by UDP and by TCP."""
    name = b"".join(bytes([len(part)]) + part for part in (b"www", b"test"))
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + b"\0\0\1\0\1"
    address = bytes((10, 1, 2, 3))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(LIMIT)
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(query)
            answer = asking.recv(512)
        except OSError as reason:
            raise AssertionError(f"port {port}: {reason!r}") from None
    check(address in answer, f"port {port}: {answer!r}")
    ask(port, struct.pack(">H", len(query)) + query, address)


def answers(port, path, wanted, again=None):
    """Many requests; with AGAIN that signal for a reload and as many again."""
    def use(container):
        for _ in range(20):
            get(port, path, wanted)
        if again:
            container.signal(again)
            time.sleep(0.5)  # the old workers may still answer; what follows meets old or new ones
            for _ in range(20):
                until(lambda: get(port, path, wanted))
    return use


def until(function, alive=lambda: None, limit=90):
    """Until FUNCTION does not complain any more."""
    end = time.monotonic() + limit
    while True:
        try:
            return function()
        except AssertionError:
            alive()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


# ---- what is asked of each -----------------------------------------------------------------------

def use_postgres(c):
    def sql(*statements, wanted="", database="app"):
        c.exec("psql", "-tqU", "postgres", "-d", database, *(w for s in statements for w in ("-c", s)), user="postgres",
               wanted=wanted)
    sql("create table if not exists t(x int, y text); insert into t select g, md5(g::text) from generate_series(1,20000) g;"
        "create index if not exists i on t(x)")
    sql("vacuum analyze t", "checkpoint")
    sql("set max_parallel_workers_per_gather=2", "set parallel_setup_cost=0", "set parallel_tuple_cost=0",
        "set min_parallel_table_scan_size=0", "select count(*)>0 from t where y like '%a%'", wanted="t")
    sql("set work_mem='64kB'", "select count(*)>0 from (select distinct y from t order by y) z", wanted="t")
    c.exec("sh", "-c", "PGPASSWORD=secret psql -h 127.0.0.1 -tU postgres -c 'select 41+1'", wanted="42")
    c.exec("pg_dump", "-U", "postgres", "app", user="postgres", wanted="CREATE TABLE")
    c.signal("HUP")


def use_mariadb(c):
    def sql(text, wanted="", *options):
        c.exec("mariadb", "-uroot", *options, "-e", text, wanted=wanted)
    sql("create database if not exists app; use app; create table if not exists t(x int primary key auto_increment, y text)"
        " engine=innodb; insert into t(y) select md5(rand()) from seq_1_to_5000; alter table t add column if not exists"
        " z int; select count(*)>0 from t", "1")
    sql("use app; create or replace table a(x int, y varchar(100)) engine=aria; insert into a select seq, md5(seq) from"
        " seq_1_to_2000; set session tmp_memory_table_size=16384; select count(*) from (select distinct y, x from a order"
        " by y) q; flush tables; flush logs", "2000")
    c.exec("sh", "-c", "mariadb-dump -uroot app | grep -c INSERT")
    sql("select 41+1", "42", "-h127.0.0.1", "--protocol=tcp")


def use_redis(c):
    def cli(*words, wanted=""):
        c.exec("redis-cli", "-p", "6391", *words, wanted=wanted)
    cli("set", "a", "b", wanted="OK")
    cli("bgsave", wanted="started")
    until(lambda: cli("info", "persistence", wanted="rdb_bgsave_in_progress:0"))
    cli("bgrewriteaof")
    until(lambda: cli("info", "persistence", wanted="aof_rewrite_in_progress:0"))
    cli("config", "set", "appendonly", "yes", wanted="OK")
    until(lambda: cli("info", "persistence", wanted="aof_rewrite_in_progress:0"))
    cli("set", "a", "c", wanted="OK")
    cli("eval", "return redis.call('get','a')", "0", wanted="c")


def use_memcached(_):
    for _ in range(10):
        ask(11212, b"set k 0 0 5\r\nvalue\r\nget k\r\nstats\r\n", b"END\r\nSTAT")


def use_flask(c):
    for _ in range(2):
        for path, wanted in (("", "hello"), ("shell", "shelled"), ("scratch", "scratch"), ("resolve", "resolved"),
                             ("threads", "285")):
            until(lambda p=path, w=wanted: get(8092, p, w), limit=20)  # while workers are exchanged one may be reset
        get(8092, "add", "1", b"xyz")
        c.signal("HUP")
        time.sleep(1)  # gunicorn starts new workers and tells the old ones to end
    until(lambda: get(8092, "", "hello"), limit=20)


def use_haproxy(c):
    answers(8094, "self", "haproxy", "USR2")(c)
    c.exec("sh", "-c", "ls -l /run/haproxy.sock >/dev/null")


def use_dnsmasq(c):
    resolve(5353)
    c.signal("HUP")
    resolve(5353)


def use_sshd(c):
    common = ["-o", f"IdentityFile={c.key}", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
              "-o", "BatchMode=yes", "-o", "Port=2222"]
    for words, wanted in ((["id -un"], "root"), (["echo $SSH_CONNECTION"], "127.0.0.1"), (["-tt", "tty"], "/dev/pts")):
        options = [word for word in words if word.startswith("-")]
        done = live.native(["ssh", *common, *options, "root@127.0.0.1", words[-1]])
        check(wanted in done[1], f"ssh {words}: {done}")
    done = live.native(["scp", *common, "/etc/hostname", "root@127.0.0.1:/tmp/copied"])
    equal(done[0], 0, f"status of scp: {done[2]}")


@dataclasses.dataclass(frozen=True)
class Service:
    """STOP_SIGNAL: what `stop` sends, if not SIGTERM. STATUS: after that. USER: the image's, if not root."""
    name: str
    command: list
    ready: callable
    use: callable
    stop_signal: str = ""
    status: int = 0
    user: int = 0
    environment: str = ""


SERVICES = {s.name: s for s in (
    Service("apache", ["/entry/apache"], lambda c: get(8096, "", "served"), answers(8096, "index.html", "served", "USR1"),
            stop_signal="WINCH"),
    Service("dnsmasq", ["dnsmasq", "-k", "-p", "5353", "--listen-address=127.0.0.1", "--bind-interfaces",
                        "--address=/www.test/10.1.2.3", "--no-resolv", "--user=nobody"],
            lambda c: resolve(5353), use_dnsmasq),
    Service("flask", ["gunicorn", "--chdir", "/app", "-w", "2", "-b", "127.0.0.1:8092", "flaskapp:app"],
            lambda c: get(8092, "", "hello"), use_flask, user=USER),
    Service("haproxy", ["haproxy", "-W", "-db", "-f", "/app/haproxy.cfg"], lambda c: get(8094, "self", "haproxy"),
            use_haproxy, stop_signal="USR1"),
    Service("lighttpd", ["lighttpd", "-D", "-f", "/app/lighttpd.conf"], lambda c: get(8095, "", "served"),
            answers(8095, "", "served")),
    Service("mariadb", ["/entry/mariadb"], lambda c: c.exec("mariadb-admin", "-uroot", "ping"), use_mariadb),
    Service("memcached", ["memcached", "-u", "memcache", "-c", "64", "-l", "127.0.0.1", "-p", "11212"],
            lambda c: ask(11212, b"version\r\n", b"VERSION"), use_memcached),
    Service("php", ["/entry/php"], lambda c: get(8091, "", "ok"), answers(8091, "", "shelled")),
    Service("postgres", ["/entry/postgres"], lambda c: c.exec("pg_isready", "-h", "127.0.0.1"), use_postgres,
            stop_signal="INT", environment=ENV_PATH),
    Service("redis", ["redis-server", "--port", "6391", "--dir", "/srv/data"], lambda c: ask(6391, b"PING\r\n", b"PONG"),
            use_redis, user=USER),
    Service("sshd", ["/entry/sshd"], lambda c: ask(2222, b"", b"SSH-2"), use_sshd),
    Service("unbound", ["unbound", "-d", "-c", "/app/unbound.conf"], lambda c: resolve(5354),
            lambda c: [resolve(5354) for _ in range(5)]),
)}


def ask_from_outside(service):
    """What `whittle verify --test` runs: waits until the container that it names serves, and asks it."""
    container = Container([os.environ["WHITTLE_ENGINE"]], os.environ["WHITTLE_CONTAINER"])

    def alive():
        done = container.call("inspect", "--format", "{{.State.Running}}", container.name)
        if done.stdout.strip() != "true":
            sys.exit(f"the container has ended: {done.stderr}")

    until(lambda: SERVICES[service].ready(container), alive, 60)
    SERVICES[service].use(container)
