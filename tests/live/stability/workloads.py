# SPDX-License-Identifier: Apache-2.0
"""Test suites of real programs whose runs differ in ways that mean nothing: made-up names, process numbers,
ports, dates, worker pools, caches. Each is a shell script that runs in a fresh folder of a fixed name.

WORKLOADS: name: (programs that it needs, script). MORE: others, for script/stability alone.
"""

SERVE = r"""
wait_for() { n=0; sleep 0.1; until "$@" >/dev/null 2>&1 || [ $n -gt 300 ]; do n=$((n + 1)); sleep 0.1; done; }
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

MORE = {
    "postgres": (["psql", "runuser"], SERVE + r"""
bin=$(ls -d /usr/lib/postgresql/*/bin | head -n 1)
chmod a+rx .
mkdir data sock
chown postgres data sock
runuser -u postgres -- "$bin/initdb" -D "$PWD/data" -A trust >log 2>&1
runuser -u postgres -- "$bin/postgres" -D "$PWD/data" -k "$PWD/sock" -c listen_addresses= >>log 2>&1 &
wait_for psql -U postgres -h "$PWD/sock" -c 'select 1'
psql -q -U postgres -h "$PWD/sock" -c 'create table t(a int primary key, b text)' -c "insert into t select g, md5(g::text) from generate_series(1, 20000) g" -c 'set work_mem=64; select count(*) from (select * from t order by b) s' -c 'vacuum t' -c checkpoint >/dev/null
runuser -u postgres -- "$bin/pg_ctl" -D "$PWD/data" -m fast stop >/dev/null
wait
"""),
    "haproxy": (["haproxy", "curl"], SERVE + r"""
port=$(free_port)
printf 'defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\nfrontend f\n bind 127.0.0.1:%s\n http-request return status 200 content-type text/plain string ok\n' "$port" >conf
haproxy -f "$PWD/conf" -db >log 2>&1 &
server=$!
wait_for curl -sf "http://127.0.0.1:$port/"
for i in 1 2 3 4 5 6; do curl -s -o /dev/null "http://127.0.0.1:$port/?$i" & done
sleep 0.3
kill -TERM $server
wait $server || true
"""),
    "memcached": (["memcached"], SERVE + r"""
port=$(free_port)
memcached -u nobody -l 127.0.0.1 -p "$port" -t 2 &
server=$!
wait_for /usr/bin/python3 -c "import socket; socket.create_connection(('127.0.0.1', $port)).close()"
/usr/bin/python3 -c "
import socket
s = socket.create_connection(('127.0.0.1', $port))
for i in range(100):
    s.sendall(b'set k%d 0 0 3\r\nabc\r\n' % i); s.recv(100)
s.sendall(b'quit\r\n'); s.recv(100)"
kill -TERM $server
wait $server || true
"""),
    "php": (["php"], r"""
exec php -r '
session_save_path(getcwd()); session_start(); $_SESSION["a"] = 1; session_write_close();
$f = tempnam(sys_get_temp_dir(), "php"); file_put_contents($f, "x"); unlink($f);
$t = tmpfile(); fwrite($t, "y"); fclose($t);
file_put_contents("cache-" . md5(random_bytes(8)), "z"); file_put_contents(date("Y-m-d") . ".log", "l", FILE_APPEND); file_put_contents(uniqid("job") , "u");'
"""),
    "ruby": (["ruby"], r"""
exec ruby -rtempfile -rtmpdir -rsecurerandom -e '
Tempfile.create("up") { |f| f.write "x" }
Dir.mktmpdir { |d| File.write(File.join(d, "a"), "1") }
File.write("#{SecureRandom.uuid}.json", "{}"); File.write("#{SecureRandom.hex(16)}", "{}")
3.times { |i| fork { File.write("worker-#{$$}", i.to_s) } }; Process.waitall
4.times.map { |i| Thread.new { File.write("t#{i}", "x") } }.each(&:join)
File.write(Time.now.strftime("log-%Y%m%d-%H%M%S"), "l")'
"""),
    "vim": (["vim"], r"""
printf 'one\ntwo\n' >a.txt
HOME=$PWD vim -u NONE -i "$PWD/info" -es -c 'set backup writebackup' -c '%s/one/three/' -c 'call system("sort a.txt")' -c 'wq' a.txt </dev/null
"""),
    "openssl": (["openssl"], r"""
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=a -keyout key.pem -out cert.pem -days 2 2>/dev/null
mkdir ca; : >ca/index.txt; echo 01 >ca/serial
openssl req -new -key key.pem -subj /CN=b -out b.csr 2>/dev/null
openssl x509 -req -in b.csr -CA cert.pem -CAkey key.pem -CAcreateserial -out b.pem 2>/dev/null
openssl enc -aes-256-cbc -pbkdf2 -k x -in key.pem -out key.enc
"""),
    "ssh-keygen": (["ssh-keygen"], r"""
ssh-keygen -q -t ed25519 -N '' -f "$PWD/id"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$PWD/ca"
ssh-keygen -q -s ca -I me -n user id.pub 2>/dev/null
ssh-keygen -l -f id.pub >/dev/null
printf 'host %s\n' "$(cut -d' ' -f1,2 id.pub)" >known_hosts
ssh-keygen -q -H -f "$PWD/known_hosts" >/dev/null 2>&1
ssh-keygen -R other -f "$PWD/known_hosts" >/dev/null 2>&1 || true
"""),
    "lighttpd": (["lighttpd", "curl"], SERVE + r"""
port=$(free_port)
mkdir html up; seq 1 2000 >html/index.html
chmod a+rx . html
printf 'server.document-root = "%s/html"\nserver.port = %s\nserver.bind = "127.0.0.1"\nserver.upload-dirs = ( "%s/up" )\nindex-file.names = ( "index.html" )\nserver.errorlog = "%s/error.log"\n' "$PWD" "$port" "$PWD" "$PWD" >conf
lighttpd -D -f "$PWD/conf" >log 2>&1 &
server=$!
wait_for curl -sf "http://127.0.0.1:$port/"
for i in 1 2 3 4 5; do curl -s -o /dev/null "http://127.0.0.1:$port/?$i"; done
seq 1 50000 >body; curl -s -o /dev/null --data-binary @body "http://127.0.0.1:$port/" || true
kill -INT $server
wait $server || true
"""),
    "cmake": (["cmake", "ninja", "gcc"], r"""
printf 'cmake_minimum_required(VERSION 3.10)\nproject(p C)\ninclude(CheckSymbolExists)\ncheck_symbol_exists(getpid unistd.h HAVE)\nadd_executable(p main.c)\n' >CMakeLists.txt
printf 'int main(void) { return 0; }\n' >main.c
cmake -G Ninja -S . -B build >/dev/null
ninja -C build >/dev/null
build/p
"""),
    "java": (["java"], r"""
printf 'import java.nio.file.*; public class M { public static void main(String[] a) throws Exception { Path p = Files.createTempFile("m", ".tmp"); Files.delete(p); Path d = Files.createTempDirectory("d"); Files.delete(d); var e = java.util.concurrent.Executors.newFixedThreadPool(3); for (int i = 0; i < 5; i++) e.submit(() -> System.nanoTime()); e.shutdown(); } }' >M.java
java M.java
"""),
    "rsync": (["rsync"], r"""
mkdir a; for i in 1 2 3; do seq 1 $((i * 500)) >a/f$i; done
rsync -a a/ b
echo more >>a/f2
rsync -a --delete a/ b
"""),
    "unbound": (["unbound"], SERVE + r"""
port=$(free_port)
printf 'server:\n username: ""\n chroot: ""\n directory: "%s"\n pidfile: "%s/pid"\n interface: 127.0.0.1\n port: %s\n do-daemonize: no\n use-syslog: no\n logfile: "%s/log"\n num-threads: 2\n local-data: "a.example. A 192.0.2.1"\n module-config: "iterator"\nremote-control:\n control-enable: no\n' "$PWD" "$PWD" "$port" "$PWD" >conf
unbound -c "$PWD/conf" &
server=$!
wait_for /usr/bin/python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.sendto(bytes.fromhex('0001010000010000000000000161076578616d706c650000010001'), ('127.0.0.1', $port)); s.recv(500)"
kill -TERM $server
wait $server || true
"""),
    "zip": (["zip", "unzip"], r"""
seq 1 5000 >a; seq 1 50 >b
zip -q x.zip a b
echo more >>b; zip -q x.zip b
mkdir o; unzip -q x.zip -d o
"""),
    "unittest": (["/usr/bin/python3"], r"""
printf 'import logging, logging.handlers, multiprocessing, sqlite3, subprocess, tempfile, unittest\ndef f(x): return x\nclass T(unittest.TestCase):\n    def test_a(self):\n        with tempfile.TemporaryDirectory() as d, multiprocessing.Pool(3) as p: self.assertEqual(sum(p.map(f, range(9))), 36)\n    def test_b(self):\n        with tempfile.NamedTemporaryFile(suffix=".db") as t:\n            c = sqlite3.connect(t.name); c.execute("create table a(b)"); c.commit()\n    def test_c(self):\n        h = logging.handlers.RotatingFileHandler("app.log", maxBytes=50, backupCount=2)\n        l = logging.getLogger(); l.addHandler(h)\n        for i in range(9): l.warning("line %%d", i)\n        subprocess.run(["true"])\n    def test_d(self):\n        q = multiprocessing.Queue(); q.put(1); self.assertEqual(q.get(), 1)\n        s = multiprocessing.shared_memory.SharedMemory(create=True, size=10) if hasattr(multiprocessing, "shared_memory") else None\n        if s: s.close(); s.unlink()\n' >test_x.py
sed -i '1s/^/import multiprocessing.shared_memory\n/' test_x.py
/usr/bin/python3 -m unittest -q
"""),
}
