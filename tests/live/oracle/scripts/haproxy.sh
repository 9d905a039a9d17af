#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A master with a worker as another user, a request, its control socket, a soft stop.
set -eu
port=$1
cat >c <<END
global
 user nobody
 stats socket $PWD/s level admin
 pidfile $PWD/pid
defaults
 mode http
 timeout client 2s
 timeout server 2s
 timeout connect 2s
frontend f
 bind 127.0.0.1:$port
 http-request return status 200 content-type text/plain string hi
END
haproxy -W -f c &
server=$!
curl -s --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/"
echo 'show info' | socat - UNIX:s | head -1 || true
kill -USR1 $server
wait $server
