#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# find, grep, sed, awk, sort, xargs over a tree.
set -eu
for i in 1 2 3 4 5; do
    mkdir -p "tree/$i/sub"
    seq 1 "${i}00" >"tree/$i/sub/numbers.txt"
done
find tree -name '*.txt' -size -100k -exec grep -c 7 {} +
find tree -type d -empty
find tree -name '*.txt' -print0 | xargs -0 -n 2 sed -i 's/1/one/g'
grep -rl one tree | sort | awk '{ n += length($0) } END { print n }'
awk '/one/ { print $1 > "found" } END { while (("ls tree" | getline x) > 0) print x }' tree/1/sub/numbers.txt
sort -u -S 1M tree/*/sub/numbers.txt | uniq -c | sort -rn | sed -n 1,3p >top
cut -c1-4 top | paste - - - | tee copy
cmp copy copy
du -s tree >/dev/null
stat -c %s copy
split -l 100 tree/5/sub/numbers.txt part.
cat part.* | sha256sum
