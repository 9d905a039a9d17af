#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# server.sh NAME PORT: starts a server in the working folder, asks it something, ends it.
set -eEu
port=$2
here=$PWD
trap 'kill $(jobs -p)' ERR # no server stays behind

# run PATTERN COMMAND…: until a connection to the port is taken.
run() {
    "$@" >log 2>&1 &
    server=$!
    until (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        kill -0 "$server"
        sleep 0.2
    done
}

# A moment for what a server does after an answer; then its end and status.
finish() {
    sleep 0.3
    kill "-${1-TERM}" "$server"
    wait "$server" || echo "status $?"
}

# ask NAME: a question of a name server by UDP, and the address it answers.
ask() {
    python3 - "$port" "$1" <<'EOF'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
name = b"".join(bytes([len(x)]) + x.encode() for x in sys.argv[2].split(".")) + b"\0"
s.sendto(struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1), ("127.0.0.1", int(sys.argv[1])))
print(socket.inet_ntoa(s.recv(4096)[-4:]))
EOF
}

as_postgres() {
    setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
}

case $1 in
memcached)
    run memcached -u root -t 2 -p "$port" -l 127.0.0.1
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'set a 0 0 1\r\nx\r\nget a\r\nquit\r\n' >&3
    cat <&3
    finish
    ;;
lighttpd)
    printf 'server.document-root="%s"\nserver.port=%s\nserver.bind="127.0.0.1"\n' "$here" "$port" >conf
    echo hello >file.html
    run lighttpd -D -f conf
    curl -s "http://127.0.0.1:$port/file.html"
    curl -s -o missing -w '%{http_code}\n' "http://127.0.0.1:$port/missing"
    finish INT
    ;;
postgres)
    chmod 777 .
    PATH=$PATH:$(dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
    as_postgres initdb -D "$here/data" -N >/dev/null
    as_postgres pg_ctl -D "$here/data" -w -o "-p $port -k $here" -l "$here/log" start >/dev/null
    as_postgres psql -h "$here" -p "$port" -d postgres -At <<EOF
create table t(a int);
insert into t select generate_series(1, 1000);
create index on t(a);
select sum(a) from t;
vacuum analyze t;
EOF
    as_postgres pg_ctl -D "$here/data" -w -m fast stop | tail -n 1
    ;;
php)
    echo '<?php echo 6 * 7;' >a.php
    run php -S "127.0.0.1:$port" -t .
    curl -s "http://127.0.0.1:$port/a.php"
    finish
    ;;
dnsmasq)
    run dnsmasq -k -C /dev/null -R -h -p "$port" -a 127.0.0.1 -z --address=/a.test/192.0.2.7 -x "$here/pid"
    ask a.test
    finish
    ;;
named)
    chmod 777 .
    cat >conf <<EOF
options { directory "$here"; listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file "$here/pid"; session-keyfile "$here/key"; dnssec-validation no; };
controls { };
zone "test" { type primary; file "zone"; };
EOF
    # shellcheck disable=SC2016
    printf '$TTL 60\n@ SOA a a 1 60 60 60 60\n@ NS a\na A 192.0.2.7\n' >zone
    run named -f -n 2 -u bind -c "$here/conf"
    dig @127.0.0.1 -p "$port" +short a.test
    finish
    ;;
unbound)
    chmod 777 .
    cat >conf <<EOF
server:
 interface: 127.0.0.1
 port: $port
 directory: "$here"
 chroot: ""
 pidfile: "$here/pid"
 use-syslog: no
 logfile: "$here/unbound.log"
 num-threads: 2
 username: "unbound"
 local-data: "a.test. A 192.0.2.7"
EOF
    run unbound -d -c "$here/conf"
    ask a.test
    finish
    ;;
mariadb)
    chmod 777 .
    mariadb-install-db --no-defaults --user=nobody --datadir="$here/d" --auth-root-authentication-method=normal >/dev/null 2>&1
    run mariadbd --no-defaults --user=nobody --datadir="$here/d" --socket="$here/s" --port="$port" --bind-address=127.0.0.1 --pid-file="$here/pid"
    mariadb --no-defaults -S "$here/s" -N -e 'create database x; use x; create table x.t(a int primary key, b text) engine=innodb; insert into x.t select seq, repeat("z", 100) from seq_1_to_1000; select count(*), sum(a) from x.t; alter table x.t add index(b(10)); drop database x'
    finish
    ;;
squid)
    chmod 777 .
    cat >conf <<EOF
http_port 127.0.0.1:$port
http_access allow all
access_log stdio:$here/access
cache_log $here/cache
cache_effective_user proxy
pid_filename $here/pid
coredump_dir $here
cache_mem 8 MB
shutdown_lifetime 1 second
EOF
    run squid -N -f "$here/conf"
    curl -sS -x "http://127.0.0.1:$port" "http://127.0.0.1:1/zone" -o /dev/null -w '%{http_code}\n'
    finish
    ;;
varnish)
    run varnishd -F -n "$here/v" -a "127.0.0.1:$port" -T none -b none -s malloc,8M
    curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/"
    finish
    ;;
mosquitto)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nuser nobody\n' "$port" "$here" >conf
    chmod 777 .
    run mosquitto -c conf
    mosquitto_sub -p "$port" -t a -C 1 &
    sub=$!
    sleep 0.5
    mosquitto_pub -p "$port" -t a -m hello
    wait $sub
    finish
    ;;
vsftpd)
    mkdir -p empty
    printf 'listen=YES\nlisten_address=127.0.0.1\nlisten_port=%s\nanonymous_enable=YES\nanon_root=%s\nbackground=NO\nsecure_chroot_dir=%s/empty\nsyslog_enable=NO\nftp_username=daemon\n' "$port" "$here/pub" "$here" >conf
    mkdir -p pub; echo hi >pub/f
    run vsftpd "$here/conf"
    curl -s "ftp://127.0.0.1:$port/f"
    finish
    ;;
iperf3)
    run iperf3 -s -p "$port" -B 127.0.0.1
    # It serves one client at a time, and may still have to do with the one that looked whether it listens.
    until iperf3 -c 127.0.0.1 -p "$port" -n 1M >/dev/null 2>&1; do
        sleep 0.2
    done
    echo sent
    finish
    ;;
rsyncd)
    printf 'pid file=%s/pid\nuse chroot=no\n[a]\npath=%s/a\n' "$here" "$here" >conf
    mkdir a; seq 1 1000 >a/f
    run rsync --daemon --no-detach --config=conf --port="$port" --address=127.0.0.1
    rsync -a "rsync://127.0.0.1:$port/a/" b/
    cmp a/f b/f && echo same
    finish
    ;;
openssl-server)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -days 2 -subj /CN=localhost 2>/dev/null
    run openssl s_server -accept "127.0.0.1:$port" -key k -cert c -WWW -quiet
    echo hi >f
    curl -s -k --http1.0 "https://127.0.0.1:$port/f"
    finish
    ;;
socat)
    run socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" EXEC:cat
    echo hi | socat -t1 - "TCP:127.0.0.1:$port"
    socat "UNIX-LISTEN:$here/u,fork" SYSTEM:'echo from unix' &
    other=$!
    until [ -S u ]; do sleep 0.1; done
    socat -u "UNIX-CONNECT:$here/u" -
    kill $other
    finish
    ;;
chrony)
    mkdir -m 770 r
    chown _chrony:_chrony r
    printf 'port %s\nbindaddress 127.0.0.1\ncmdport 0\nbindcmdaddress %s/r/s\nlocal stratum 8\nallow\ndriftfile %s/r/drift\npidfile %s/r/pid\n' "$port" "$here" "$here" "$here" >conf
    chronyd -d -x -F -1 -u _chrony -f "$here/conf" >log 2>&1 &
    server=$!
    until chronyc -n -h "$here/r/s" tracking 2>/dev/null | grep Stratum; do
        kill -0 "$server"
        sleep 0.2
    done
    finish
    ;;
esac
