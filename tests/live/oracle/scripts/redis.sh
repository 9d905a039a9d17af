#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
port=$1
redis-server --port "$port" --bind 127.0.0.1 --dir "$PWD" --appendonly yes --save '' --daemonize no >log 2>&1 &
server=$!
i=0
until redis-cli -p "$port" ping >/dev/null 2>&1 || [ $i -gt 100 ]; do
    sleep 0.1
    i=$((i + 1))
done
seq 1 200 | sed 's/.*/set key& value&/' | redis-cli -p "$port" >/dev/null
redis-cli -p "$port" eval 'return redis.call("get", KEYS[1])' 1 key7
redis-cli -p "$port" save
redis-cli -p "$port" config get maxmemory
sleep 1.2
redis-cli -p "$port" shutdown nosave || true
wait "$server"
