# SPDX-License-Identifier: Apache-2.0
"""Images of whole servers, made of a Debian release's packages, for the tests of services: see services.py for what
the servers are asked.

A release's packages are fetched once, by mmdebstrap, and kept in the user's cache. What is put over them here is in
the manner of the official images: an entrypoint in shell that makes folders, sets owners and leaves root.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile

import live

USER = 1000  # of those services that the image's author gives a user
COMMON = ("apache2", "busybox", "dnsmasq-base", "gunicorn", "haproxy", "lighttpd", "memcached", "nginx", "php-fpm",
          "procps", "python3-flask", "redis-server", "unbound")
PACKAGES = {  # by release; the first one is recorded
    "bookworm": (*COMMON, "bash", "mariadb-server", "openssh-server", "postgresql"),
    "trixie": COMMON,
}

FILES = {
    "entry/postgres": """#!/bin/bash
set -Eeo pipefail
export PGDATA=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"; chmod 00700 "$PGDATA" || :
  mkdir -p /var/run/postgresql; chmod 03775 /var/run/postgresql || :
  find "$PGDATA" \\! -user postgres -exec chown postgres '{}' +
  find /var/run/postgresql \\! -user postgres -exec chown postgres '{}' +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --pwfile=<(printf '%s\\n' secret) >/dev/null
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start >/dev/null
  psql -v ON_ERROR_STOP=1 --no-psqlrc -U postgres -d postgres -c 'create database app' >/dev/null
  pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
fi
exec postgres "$@"
""",
    "entry/mariadb": """#!/bin/bash
set -eo pipefail
data=/var/lib/mysql
if [ "$(id -u)" = 0 ]; then
  mkdir -p $data /run/mysqld
  find $data /run/mysqld \\! -user mysql -exec chown mysql: '{}' +
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi
if [ ! -d $data/mysql ]; then
  mariadb-install-db --datadir=$data --auth-root-authentication-method=normal --skip-test-db >/dev/null
fi
exec mariadbd --datadir=$data --bind-address=127.0.0.1 "$@"
""",
    "entry/apache": """#!/bin/sh
set -e
. /etc/apache2/envvars
for folder in "$APACHE_LOCK_DIR" "$APACHE_RUN_DIR" "$APACHE_LOG_DIR"; do mkdir -p "$folder"; done
rm -f "$APACHE_PID_FILE"
exec apache2 -DFOREGROUND "$@"
""",
    "entry/php": """#!/bin/sh
mkdir -p /run/php
/app/php-fpm -F -y /app/php-fpm.conf &
exec nginx -c /app/nginx-php.conf
""",
    "entry/sshd": """#!/bin/sh
mkdir -p /run/sshd /root/.ssh; chmod 700 /root/.ssh
ssh-keygen -A >/dev/null
cp /app/key.pub /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys
exec /usr/sbin/sshd -D -e -p 2222 -o ListenAddress=127.0.0.1
""",
    "app/php-fpm.conf": """[global]
error_log = /dev/stderr
[www]
user = www-data
group = www-data
listen = /run/php/fpm.sock
listen.owner = www-data
pm = static
pm.max_children = 2
""",
    "app/nginx-php.conf": """daemon off; user www-data; worker_processes 1; error_log stderr; pid /run/nginx.pid;
events { worker_connections 64; }
http { access_log /dev/stdout; server { listen 127.0.0.1:8091;
 location / { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME /app/php/index.php;
              fastcgi_pass unix:/run/php/fpm.sock; } } }
""",
    "app/php/index.php": """<?php session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
$f = tempnam(sys_get_temp_dir(), 'up'); file_put_contents($f, 'x'); unlink($f);
echo "ok ".strlen(file_get_contents('/etc/hosts'))." ".shell_exec('echo shelled; date >/dev/null');
""",
    "app/flaskapp.py": """import os, socket, sqlite3, subprocess, tempfile
from concurrent.futures import ThreadPoolExecutor
from flask import Flask, request
app = Flask(__name__)
def database():
    c = sqlite3.connect("/srv/data/app.db", timeout=20)
    c.execute("pragma journal_mode=wal"); c.execute("create table if not exists t(x)")
    return c
@app.route("/")
def index(): return "hello"
@app.route("/add", methods=["POST"])
def add():
    c = database(); c.execute("insert into t values(?)", (request.get_data(as_text=True),)); c.commit()
    return str(c.execute("select count(*)>0 from t").fetchone()[0])
@app.route("/shell")
def shell(): return subprocess.run(["sh", "-c", "echo shelled; date >/dev/null"], capture_output=True, text=True).stdout
@app.route("/scratch")
def scratch():
    with tempfile.NamedTemporaryFile() as f, tempfile.TemporaryDirectory() as d:
        f.write(b"x" * 100000); f.flush(); open(d + "/y", "w").write("y"); return "scratch"
@app.route("/resolve")
def resolve(): return "resolved" if socket.getaddrinfo("localhost", 80) else ""
@app.route("/threads")
def threads():
    with ThreadPoolExecutor(4) as p: return str(sum(p.map(lambda x: x * x, range(10))))
""",
    "app/haproxy.cfg": """global
  stats socket /run/haproxy.sock mode 600 level admin
  chroot /var/lib/haproxy
  user haproxy
  group haproxy
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:8094
  http-request return status 200 content-type text/plain string "haproxy" if { path /self }
  default_backend b
backend b
  server s 127.0.0.1:8094 check
""",
    "app/unbound.conf": """server:
  directory: "/etc/unbound"
  username: unbound
  chroot: ""
  interface: 127.0.0.1@5354
  pidfile: "/run/unbound.pid"
  local-zone: "test." static
  local-data: "www.test. A 10.1.2.3"
  access-control: 127.0.0.0/8 allow
""",
    "app/lighttpd.conf": """server.document-root = "/var/www/html"
server.port = 8095
server.bind = "127.0.0.1"
server.username = "www-data"
server.groupname = "www-data"
server.errorlog = "/var/log/lighttpd/error.log"
server.pid-file = "/run/lighttpd.pid"
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html" )
""",
    "var/www/html/index.html": "<h1>served</h1>\n",
    "etc/apache2/ports.conf": "Listen 127.0.0.1:8096\n",
    "etc/apache2/sites-enabled/000.conf": """ServerName test
<VirtualHost 127.0.0.1:8096>
 DocumentRoot /var/www/html
 ErrorLog /dev/stderr
 CustomLog ${APACHE_LOG_DIR}/access.log combined
</VirtualHost>
""",
}
MADE_BY_PACKAGES = ("etc/apache2/sites-enabled/*", "var/lib/mysql/*", "var/lib/postgresql/*", "etc/ssh/ssh_host_*")


def fetch(release):
    """The tar of a release's packages, which is made unless it is there. Before the test has a network of its own."""
    names = ",".join(sorted(PACKAGES[release]))
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "whittle", "services")
    path = os.path.join(cache, f"{release}-{hashlib.sha256(names.encode()).hexdigest()[:12]}.tar")
    if os.path.exists(path):
        return path
    if os.geteuid() != 0:
        raise live.Skip("needs root")
    live.need("mmdebstrap")
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        made = os.path.join(scratch, "made.tar")
        # a session of its own: it ends its process group when it fails
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={names}", release, made],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True)
        if done.returncode != 0:
            raise live.Skip(f"mmdebstrap of {release} failed: {done.stderr.strip()[-300:]}")
        os.rename(made, path)
    return path


def lay_over(rootfs, public_key):
    """Puts the services' files into the packages' root file system."""
    for pattern in MADE_BY_PACKAGES:
        for path in glob.glob(os.path.join(rootfs, pattern)):
            (shutil.rmtree if os.path.isdir(path) and not os.path.islink(path) else os.remove)(path)
    for name, text in FILES.items():
        path = os.path.join(rootfs, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755 if name.startswith("entry/") else 0o644)
    for path in glob.glob(rootfs + "/usr/sbin/php-fpm?.?"):  # a name without the version
        os.symlink(path[len(rootfs):], rootfs + "/app/php-fpm")
    shutil.copy(public_key, rootfs + "/app/key.pub")
    os.makedirs(rootfs + "/srv/data", exist_ok=True)
    os.chown(rootfs + "/srv/data", USER, USER)


def set_shell(rootfs, shell):
    """/bin/sh becomes SHELL, a program of the same folder."""
    link = os.path.join(rootfs, "usr/bin/sh")
    os.remove(link)
    os.symlink(shell, link)


def pack(rootfs, tar):
    subprocess.run(["tar", "-C", rootfs, "-cf", tar, "."], check=True)


def unpack(tar, rootfs):
    os.makedirs(rootfs)
    os.chmod(rootfs, 0o755)
    subprocess.run(["tar", "-C", rootfs, "--numeric-owner", "-xpf", tar], check=True)
