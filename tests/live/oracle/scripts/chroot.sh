#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A root of its own, with a program and its libraries.
set -eu
mkdir -p r/bin r/lib64 r/data
for program in /bin/sh /bin/cat /bin/ls; do
    cp "$program" r/bin/
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "r$(dirname "$library")"
        cp -L "$library" "r$library"
    done
done
echo inside >r/data/file
chroot r /bin/sh -c 'cat /data/file; ls /; cd /data; echo y >made; cat made; cat /nothing || true'
cat r/data/made
