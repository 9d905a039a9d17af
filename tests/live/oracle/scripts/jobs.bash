#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Job control, coprocesses, process substitution, signals among jobs.
set -m
sleep 30 &
first=$!
until [[ $(ps -o comm= -p "$first") == sleep ]]; do :; done
kill -STOP "$first"
kill -CONT "$first"
kill -TERM "$first"
wait "$first" 2>/dev/null
coproc cat
echo hello >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
[[ $answer == hello ]]
# shellcheck disable=SC1083,SC2093
exec {COPROC[1]}>&-
wait
diff <(seq 1 10) <(seq 1 10)
mapfile -t lines < <(printf '%s\n' a b c)
[[ ${#lines[@]} == 3 ]]
(trap 'exit 7' USR1; kill -USR1 "$BASHPID"; exit 1)
[[ $? == 7 ]]
# A job leads its process group, so setsid forks; the shell would not wait for what it forked.
setsid --wait sh -c 'echo session >session'
nohup true >/dev/null 2>&1
cat <<<"here string" >here
# What the sleep above calls at last, which the signal may have spared it.
sleep 0.01
exit 5
