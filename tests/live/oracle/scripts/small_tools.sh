#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What coreutils and util-linux have beside the everyday: users, limits, holes, locks, owners, times.
set -eu
getent passwd root | wc -l
id nobody
runuser -u nobody -- id -un
flock f echo locked
timeout 5 true
nice -n 3 nohup echo x
taskset -c 0 true
ionice -c 3 true
chrt -o 0 true
prlimit --nofile=100 true
stdbuf -oL echo hi
setsid -w echo s
env -i A=b env
mkfifo p
cat p &
echo q >p
wait
install -m 600 f g
shred -u g
truncate -s 100 h
sync h
fallocate -l 4096 h
fallocate -p -o 0 -l 4096 h
mv h i
ln i j
ln -s i k
cp -a --reflink=auto i l
cp --sparse=always i m
realpath k
stat -c %s k
touch -d @1 -h k
chmod 600 i
chown nobody i
du -s . >/dev/null
df . >/dev/null
dd if=/dev/zero of=n bs=1k count=3 conv=fsync status=none
tail -c 1 n | wc -c
echo a b | xargs -n 1 echo
tee o </dev/null
rm -rf f i j k l m n o p
