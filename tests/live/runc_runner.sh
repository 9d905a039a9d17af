#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-in-runc itself: what it promises about exit status, enforcement and tidiness, in runc and in crun.
set -u

here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
mark=54321.$$ # what no other run's container sleeps
trap 'rm -rf "$work"' EXIT
failed=0
tried=0

# expect NAME WANTED GOT
expect() {
    if [ "$2" != "$3" ]; then
        echo "FAIL $runtime: $1: wanted '$2', got '$3'"
        failed=$((failed + 1))
    fi
}

cat >"$work/seccomp.json" <<'EOF'
{"defaultAction": "SCMP_ACT_ALLOW",
 "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
             {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
EOF
cat >"$work/conditional.json" <<'EOF'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_BPF"]}}]}
EOF
echo '{"add": ["CHOWN"], "drop": ["ALL"]}' >"$work/capabilities.json"

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }

for runtime in runc crun; do
    command -v "$runtime" >/dev/null || continue
    tried=$((tried + 1))
    run() { "$here/run-in-runc" --runtime "$runtime" "$@"; }

    out=$(echo input | run -- sh -c 'cat; exit 7')
    expect "exit status" 7 $?
    expect "standard streams" input "$out"
    # shellcheck disable=SC2016  # the container's shell shall expand it
    run -- sh -c 'sleep 60 & kill -KILL $!; wait $!'
    expect "killed" 137 $?

    out=$(run --seccomp "$work/seccomp.json" -- sh -c 'mkdir /tmp/x 2>&1; grep ^Seccomp: /proc/self/status')
    expect "a denied call" 1 "$(echo "$out" | grep -c 'not supported')"
    expect "seccomp mode" 1 "$(echo "$out" | grep -c '2$')"
    run --seccomp "$work/conditional.json" -- true 2>/dev/null
    expect "a profile only engines can read" 2 $?

    out=$(run --capabilities "$work/capabilities.json" --no-new-privileges -- grep -E '^(CapEff|NoNewPrivs)' /proc/self/status)
    expect "capabilities" "CapEff:0000000000000001NoNewPrivs:1" "$(echo "$out" | tr -d '\t\n')"
    out=$(run --user 1000:1000 -- sh -c 'id -u; touch /etc/x 2>/dev/null || echo read-only; touch /tmp/x && echo tmp')
    expect "user and folders" "1000 read-only tmp" "$(echo "$out" | tr '\n' ' ' | sed 's/ $//')"

    run --bind "$work:/data:rw" -- sh -c 'echo done >/data/out'
    expect "a writable bind" "done" "$(cat "$work/out" 2>/dev/null)"
    TMPDIR=$work run --bind "$work:/data:rw" -- true 2>/dev/null
    expect "the container's own root in its reach" 2 $?
    run --rootfs "$work/none" -- true >/dev/null 2>&1
    expect "no root file system" 1 $?

    # a handler in the container answers a signal that was sent to the helper
    # shellcheck disable=SC2016
    "$here/run-in-runc" --runtime "$runtime" --bind "$work:/data:rw" -- sh -c 'trap "exit 5" TERM; : >/data/ready; while :; do sleep 0.05; done' &
    helper=$!
    for _ in $(seq 200); do [ -e "$work/ready" ] && break; sleep 0.05; done
    kill -TERM "$helper"
    wait "$helper"
    expect "a forwarded signal" 5 $?
    rm -f "$work/ready"

    # the helper is killed: the container must not outlive it
    "$here/run-in-runc" --runtime "$runtime" --bind "$work:/data:rw" -- sh -c ": >/data/ready; exec sleep $mark" &
    helper=$!
    for _ in $(seq 200); do [ -e "$work/ready" ] && break; sleep 0.05; done
    kill -KILL "$helper"
    wait "$helper" 2>/dev/null
    for _ in $(seq 100); do pgrep -f "^sleep $mark\$" >/dev/null || break; sleep 0.05; done
    expect "left after SIGKILL" "" "$(pgrep -f "^sleep $mark\$")"
    rm -f "$work/ready"
done

[ "$tried" -gt 0 ] || { echo "needs runc or crun"; exit 77; }
[ "$failed" -eq 0 ] && echo "run-in-runc keeps its promises in $tried runtimes"
exit "$((failed > 0))"
