# SPDX-License-Identifier: Apache-2.0
"""Test suites of real programs whose runs differ in ways that mean nothing: made-up names, process numbers,
ports, dates, worker pools, caches. Each is a shell script that runs in a fresh folder of a fixed name.

WORKLOADS: name: (programs that it needs, script).
"""

SERVE = r"""
wait_for() { n=0; until "$@" >/dev/null 2>&1 || [ $n -gt 300 ]; do n=$((n + 1)); sleep 0.1; done; }
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
"""

WORKLOADS = {
    # Scratch files of the shell, of mktemp, and named after the process.
    "bash": (["bash"], r"""
exec bash -euc '
f=$(mktemp); d=$(mktemp -d); g=$(mktemp "$PWD/report-XXXXXX.txt")
echo one >"$f"; echo two >"$d/two"; echo three >"$g"; echo $$ >"/tmp/whittle-lock.$$"
cat <<HERE | sort | sed -n 1p
$(seq 1 2000)
HERE
sleep 0.05 & sleep 0.01 & wait
rm -rf "$f" "$d" "$g" "/tmp/whittle-lock.$$"'
"""),
    # A sort that does not fit into memory, on two threads.
    "sort": (["sort"], r"""
seq 1 60000 | tac >in
mkdir scratch
sort -T "$PWD/scratch" -S 200k --parallel=2 -o out in
sort -c out
"""),
    "sqlite": (["sqlite3"], r"""
sqlite3 shop.db 'create table t(a, b); create index i on t(b);'
sqlite3 shop.db "with recursive n(x) as (select 1 union all select x+1 from n where x<3000) insert into t select x, hex(x*7919%3001) from n;"
sqlite3 shop.db 'pragma temp_store=file; pragma cache_size=10; select count(*) from (select * from t order by b, a);' 'vacuum;'
"""),
    "gcc": (["gcc"], r"""
printf 'int f(void) { return 1; }\n' >f.c
printf 'int f(void); int main(void) { return f() - 1; }\n' >main.c
gcc -O1 -o prog f.c main.c
./prog
"""),
    # Parallel jobs with a job server, and archives.
    "make": (["make", "gcc", "ar"], r"""
for i in 1 2 3 4; do printf 'int f%s(void) { return %s; }\n' $i $i >f$i.c; done
printf 'all: lib.a\nlib.a: f1.o f2.o f3.o f4.o\n\tar rcs $@ $^\n%%.o: %%.c\n\tgcc -c -o $@ $<\n' >Makefile
make -j3 all
"""),
    # Names of objects follow from contents, and these hold the time.
    "git": (["git"], r"""
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo
cd repo
git config user.name a
git config user.email a@example.org
for i in 1 2 3; do date +%s.%N >"f$i"; git add .; git commit -q -m "change $i"; done
git branch side
git gc -q
git log --oneline | cat
git diff HEAD~1 | wc -l
"""),
    "nginx": (["nginx", "curl"], SERVE + r"""
port=$(free_port)
mkdir -p html logs tmp cache
seq 1 5000 >html/index.html
cat >nginx.conf <<EOF
worker_processes 2; daemon off; pid $PWD/nginx.pid; error_log $PWD/logs/error.log;
events { worker_connections 64; }
http {
    access_log $PWD/logs/access.log;
    client_body_temp_path $PWD/tmp/body; proxy_temp_path $PWD/tmp/proxy; fastcgi_temp_path $PWD/tmp/fastcgi;
    uwsgi_temp_path $PWD/tmp/uwsgi; scgi_temp_path $PWD/tmp/scgi;
    proxy_cache_path $PWD/cache levels=1:2 keys_zone=c:1m use_temp_path=off;
    server { listen 127.0.0.1:$port; root $PWD/html;
        location /up { client_body_in_file_only clean; proxy_pass http://127.0.0.1:$port/index.html; proxy_method GET; }
        location /cached { proxy_cache c; proxy_cache_valid any 1m; proxy_pass http://127.0.0.1:$port/index.html; } }
}
EOF
chmod a+rx . html logs tmp cache
nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/logs/error.log" &
server=$!
base=http://127.0.0.1:$port
wait_for curl -sf "$base/"
for path in / /missing "/cached?1" "/cached?2" "/cached?$port"; do curl -s -o /dev/null "$base$path"; done
seq 1 20000 >body
curl -s -o /dev/null --data-binary @body "$base/up"
for i in 1 2 3 4 5 6 7 8; do curl -s -o /dev/null "$base/index.html?$i" & done
sleep 0.5
kill -QUIT $server
wait
"""),
    "redis": (["redis-server", "redis-cli"], SERVE + r"""
port=$(free_port)
redis-server --port "$port" --bind 127.0.0.1 --dir "$PWD" --appendonly yes --save '' --daemonize no >log 2>&1 &
server=$!
wait_for redis-cli -p "$port" ping
seq 1 300 | sed 's/.*/set key& value&/' | redis-cli -p "$port" >/dev/null
redis-cli -p "$port" bgsave >/dev/null
n=0
while redis-cli -p "$port" info persistence | grep -q rdb_bgsave_in_progress:1 && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
redis-cli -p "$port" bgrewriteaof >/dev/null
sleep 0.3
n=0
while redis-cli -p "$port" info persistence | grep -q aof_rewrite_in_progress:1 && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
redis-cli -p "$port" shutdown nosave || true
wait $server
"""),
    # A threaded server with uploads into temporary files, a process pool, a log named after the day.
    "python": (["/usr/bin/python3"], r"""
exec /usr/bin/python3 -c '
import concurrent.futures, datetime, http.server, os, tempfile, threading, time, urllib.request, uuid
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with tempfile.NamedTemporaryFile(dir=os.getcwd()) as f, open(str(uuid.uuid4()) + ".upload", "xb") as g:
            body = self.rfile.read(int(self.headers["Content-Length"])); f.write(body); g.write(body)
        with open("access-%s.log" % datetime.date.today().isoformat(), "a") as log:
            log.write("post\n")
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
def work(i):
    with tempfile.TemporaryFile() as f: f.write(b"x" * i)
    return os.getpid()
if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for i in range(6):
        urllib.request.urlopen("http://127.0.0.1:%d/" % server.server_port, b"x" * 1000).read()
    with concurrent.futures.ProcessPoolExecutor(3) as pool:
        list(pool.map(work, range(20)))
    server.shutdown()
'
"""),
    # Logs that are named after the day and turned over.
    "logrotate": (["logrotate"], r"""
mkdir -p log
seq 1 500 >log/app.log; seq 1 500 >log/other.log
printf '"%s/log/*.log" {\n rotate 3\n dateext\n compress\n create 0600\n su root root\n}\n' "$PWD" >conf
chmod 0644 conf
logrotate -f -s "$PWD/state" "$PWD/conf"
"""),
    "perl": (["perl"], r"""
exec perl -MFile::Temp=tempfile,tempdir -e '
my ($h, $name) = tempfile(UNLINK => 1); print $h "x";
my $dir = tempdir(CLEANUP => 1); open my $o, ">", "$dir/out" or die; print $o "y"; close $o;
for my $i (1..3) { my $pid = fork; if (!$pid) { open my $w, ">", "worker-$$.log" or die; print $w $i; exit 0 } } 1 while wait != -1;
unlink glob "worker-*.log";'
"""),
    # Uploads into folders of mkdtemp(), a pool of child processes, worker threads, a day's log.
    "node": (["node"], r"""
exec node -e '
const fs = require("fs"), os = require("os"), path = require("path"), cp = require("child_process"), crypto = require("crypto");
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "upload-"));
fs.writeFileSync(path.join(dir, "body"), "x");
fs.writeFileSync(crypto.randomUUID() + ".json", "{}");
fs.appendFileSync("log-" + new Date().toISOString().slice(0, 10) + ".txt", "line");
fs.writeFileSync("cache-" + crypto.createHash("sha256").update(String(Math.random())).digest("hex"), "y");
const { Worker } = require("worker_threads");
new Worker("require(\"fs\").writeFileSync(\"job-\" + process.pid + \".out\", \"z\")", { eval: true }).on("exit", () => {
  for (let i = 0; i < 3; i++) cp.execFileSync(process.execPath, ["-e", "require(\"fs\").writeFileSync(`child-${process.pid}`, \"c\")"]);
  fs.rmSync(dir, { recursive: true });
});'
"""),
    # A pool of threads and processes.
    "apache": (["apache2", "curl"], SERVE + r"""
port=$(free_port)
modules=/usr/lib/apache2/modules
mkdir html
seq 1 2000 >html/index.html
cat >conf <<EOF
ServerRoot $PWD
PidFile $PWD/pid
ServerName localhost
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule dir_module $modules/mod_dir.so
ErrorLog $PWD/error.log
DocumentRoot $PWD/html
StartServers 2
User nobody
Group nogroup
EOF
chmod a+rx . html
apache2 -X -f "$PWD/conf" -k start &
server=$!
base=http://127.0.0.1:$port
wait_for curl -sf "$base/"
for i in 1 2 3 4 5 6 7 8; do curl -s -o /dev/null "$base/?$i" & done
curl -s -o /dev/null "$base/missing"
sleep 0.3
kill -TERM $server
wait
"""),
    # A database that makes its files, works, and ends.
    "mariadb": (["mariadb-install-db", "mariadbd", "mariadb"], SERVE + r"""
mariadb-install-db --no-defaults --auth-root-authentication-method=normal --user=root --datadir="$PWD/data" >log 2>&1
mariadbd --no-defaults --user=root --datadir="$PWD/data" --socket="$PWD/sock" --pid-file="$PWD/pid" --skip-networking >>log 2>&1 &
server=$!
wait_for mariadb --no-defaults -S "$PWD/sock" -e 'select 1'
mariadb --no-defaults -S "$PWD/sock" -e 'create database d; create table d.t(a int primary key, b text); insert into d.t values (1, "x"), (2, "y");
  create temporary table d.s select * from d.t; alter table d.t add c int; select count(*) from d.t, d.s'
kill -TERM $server
wait
"""),
}
