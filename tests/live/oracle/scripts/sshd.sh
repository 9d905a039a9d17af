#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Privilege separation with chroot, a command, a terminal, files.
set -eu
port=$1
ssh-keygen -q -t ed25519 -N '' -f k
ssh-keygen -q -t ed25519 -N '' -f u
chmod 700 .
cp u.pub ak
mkdir -p /run/sshd
cat >c <<END
Port $port
ListenAddress 127.0.0.1
HostKey $PWD/k
AuthorizedKeysFile $PWD/ak
StrictModes no
PidFile none
UsePAM no
UseDNS no
Subsystem sftp internal-sftp
PermitRootLogin yes
END
"$(command -v sshd)" -D -e -f c 2>log &
server=$!
sleep 1
options=(-F none -i u -o StrictHostKeyChecking=no -o UserKnownHostsFile=kh -o BatchMode=yes -o AddressFamily=inet)
ssh -p "$port" "${options[@]}" root@127.0.0.1 'echo hi; id -u'
ssh -p "$port" "${options[@]}" -tt root@127.0.0.1 tty </dev/null | wc -l
echo 'ls /etc/apt' | sftp -P "$port" "${options[@]}" -b - 127.0.0.1 | wc -l
kill $server
wait $server || true
