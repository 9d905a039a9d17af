#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
mkdir html
seq 1 100 >html/numbers
cat >serve.py <<'EOF'
import http.server, os, signal, sys
os.chdir("html")
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
open("../ready", "w").close()
for _ in range(3):
    server.handle_request()
EOF
/usr/bin/python3 serve.py "$1" 2>/dev/null &
i=0
while [ ! -e ready ] && [ $i -lt 100 ]; do
    sleep 0.1
    i=$((i + 1))
done
curl -s "http://127.0.0.1:$1/numbers" | wc -l
curl -s "http://127.0.0.1:$1/" | wc -l
curl -s "http://localhost:$1/none" | wc -l
wait
