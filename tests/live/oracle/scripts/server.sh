#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# server.sh NAME PORT: starts a server in the working folder, asks it something, ends it.
set -eu
port=$2
here=$PWD

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
esac
