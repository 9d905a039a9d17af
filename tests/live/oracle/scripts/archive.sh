#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tar with every compressor there is, links and all.
set -eu
mkdir -p in/sub
seq 1 20000 >in/numbers
ln -s numbers in/link
ln in/numbers in/sub/hard
tar -czf a.tgz in
tar -cJf a.txz in
mkdir out
tar -xzf a.tgz -C out
tar -xJf a.txz -C out --overwrite
gzip -k in/numbers
gzip -t in/numbers.gz
xz -T1 -k in/numbers
xz -l in/numbers.xz >/dev/null
tar -tf a.tgz >/dev/null
cp -a out copy
