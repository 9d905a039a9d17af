#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx: requests, a missing page, reload, graceful stop.
set -eu
port=$1
mkdir -p html logs tmp
seq 1 5000 >html/index.html
cat >nginx.conf <<EOF
worker_processes 1;
pid $PWD/nginx.pid;
error_log $PWD/logs/error.log;
events { worker_connections 64; }
http {
    access_log $PWD/logs/access.log;
    client_body_temp_path $PWD/tmp/body;
    proxy_temp_path $PWD/tmp/proxy;
    fastcgi_temp_path $PWD/tmp/fastcgi;
    uwsgi_temp_path $PWD/tmp/uwsgi;
    scgi_temp_path $PWD/tmp/scgi;
    server { listen 127.0.0.1:$port; root $PWD/html; location /moved { return 301 /; } }
}
EOF
chmod a+rx . html logs tmp
get() { curl -s -o /dev/null --retry 20 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$port$1"; }
nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/logs/error.log"
for path in / /missing /moved; do get "$path"; done
nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/logs/error.log" -s reload
sleep 1
get /
nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/logs/error.log" -s quit
i=0
while [ -e nginx.pid ] && [ $i -lt 100 ]; do
    sleep 0.1
    i=$((i + 1))
done
