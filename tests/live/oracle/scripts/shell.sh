#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What shells do all day, in dash: substitutions, here-documents, redirections, functions, traps.
exec dash -eu <<'SCRIPT'
umask 027
mkdir -p a/b/c
printf '%s\n' one two three >a/list
while read -r line; do
    echo "line $line" >>a/b/out
done <a/list
cat <<EOF >a/here
$(wc -l <a/b/out) $(basename "$PWD" | tr w x)
EOF
ln -s ../list a/b/link
cat a/b/link >/dev/null
(cd a/b/c && echo deep >../../deep && cd - >/dev/null)
cp -p a/list a/copy
mv a/copy a/b/moved
ln a/list a/hard
touch -d '2020-01-01' a/hard
chmod 600 a/here
[ -e a/nothing ] || true
cat a/nothing 2>/dev/null || true
mkfifo a/fifo
echo through >a/fifo &
read -r got <a/fifo
wait
[ "$got" = through ]
trap 'rm -rf a/b' EXIT
kill -0 $$
rmdir a/b/c
SCRIPT
