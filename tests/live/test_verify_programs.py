#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle verify: policies learnt from real programs deny nothing to the same run, whichever backend learnt."""
import json
import os
import subprocess

import live
from live import both, check, equal

# Each twice the same: it removes what it made. $1 is a folder of its own.
NGINX = """
cat >"$1/nginx.conf" <<END
worker_processes 2; pid $1/pid; error_log $1/error; daemon off; user nobody nogroup;
events { worker_connections 64; }
http { access_log $1/access; client_body_temp_path $1/t1; proxy_temp_path $1/t2; fastcgi_temp_path $1/t3;
       uwsgi_temp_path $1/t4; scgi_temp_path $1/t5; server { listen unix:$1/socket; location / { root $1; } } }
END
nginx -c "$1/nginx.conf" 2>/dev/null & server=$!
sleep 0.05; until curl -sf -o /dev/null --unix-socket "$1/socket" http://x/page; do sleep 0.05; done
curl -s -o /dev/null --unix-socket "$1/socket" http://x/not-there
kill -TERM $server; wait $server; rm -f "$1/socket" "$1/pid" "$1/error" "$1/access"; rm -rf "$1"/t?
"""
REDIS = """
cd "$1"; redis-server --port 0 --unixsocket "$1/socket" --save "" >/dev/null & server=$!
sleep 0.05; until redis-cli -s socket ping >/dev/null 2>&1; do sleep 0.05; done
redis-cli -s socket set a b >/dev/null; redis-cli -s socket get a >/dev/null
redis-cli -s socket shutdown nosave; wait $server
"""
GIT = """
cd "$1"; git init -q repository; cd repository; echo a >a; git add a; git -c user.name=x -c user.email=y commit -qm x
git clone -q . ../clone; git log --oneline >/dev/null; tar czf ../archive.tgz a; mkdir ../out; tar xzf ../archive.tgz -C ../out
cd ..; rm -rf repository clone archive.tgz out
"""
SQLITE = """
cd "$1"; %s -I -S -B -c "
import sqlite3
base = sqlite3.connect('base')
base.execute('create table a (b)')
base.executemany('insert into a values (?)', [(i,) for i in range(100)])
base.commit()
print(base.execute('select sum(b) from a').fetchone())"
rm base
""" % live.PYTHON


def sound(folder, backend, script):
    recording, generated = os.path.join(folder, "rec.jsonl"), os.path.join(folder, "generated")
    work = os.path.join(folder, "work")
    os.mkdir(work)
    os.chmod(work, 0o755)
    with open(os.path.join(work, "page"), "w", encoding="ascii") as file:
        file.write("page\n")
    command = ["sh", "-c", script, "sh", work]
    equal(live.native(command)[0], 0, "without whittle")
    equal(live.finish(subprocess.Popen(live.record_command(backend, recording, command), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL))[0], 0, "recorded")
    subprocess.run([live.WHITTLE, "generate", "--quiet", recording, "-o", generated], check=True)
    report = os.path.join(folder, "report.json")
    status, _, err = live.native([live.WHITTLE, "verify", "--policy", os.path.join(generated, "policy.yaml"), "--format",
                                  "json", "-o", report, "--recording", recording, "--", *command])
    check(status in (0, 1), err)
    with open(report, encoding="utf-8") as file:
        document = json.load(file)
    equal([(f["section"], f["rule"], f["by"]) for f in document["findings"]], [], f"denials: {err}")
    equal((status, document["complete"]), (0, True), err)


@both
def nginx(folder, backend):
    live.need_root()
    live.need("nginx", "curl")
    sound(folder, backend, NGINX)


@both
def redis(folder, backend):
    live.need("redis-server", "redis-cli")
    sound(folder, backend, REDIS)


@both
def git_and_tar(folder, backend):
    live.need("git", "tar")
    sound(folder, backend, GIT)


@both
def sqlite(folder, backend):
    sound(folder, backend, SQLITE)


live.main()
