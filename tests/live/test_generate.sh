#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# whittle generate as a command: options, messages, exit statuses, and the way from a recorded
# program to its profile and back from an edited policy.
set -u

failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
golden=$WHITTLE_SOURCE/tests/golden/generate

fail() {
    echo "FAIL: $*" >&2
    failures=$((failures + 1))
}

# expect STATUS STDERR-REGEX ARGUMENT…
expect() {
    local status=$1 err=$2 got
    shift 2
    "$WHITTLE" generate "$@" >"$folder/stdout" 2>"$folder/stderr" </dev/null
    got=$?
    ((got == status)) || fail "generate $*: status $got instead of $status: $(cat "$folder/stderr")"
    if [[ $err ]]; then
        grep -qE -- "$err" "$folder/stderr" || fail "generate $*: message: $(cat "$folder/stderr")"
    elif [[ -s $folder/stderr ]]; then
        fail "generate $*: unexpected message: $(cat "$folder/stderr")"
    fi
}

server=$golden/server/recording.jsonl
out=$folder/out

expect 2 'REC|POLICY'
expect 2 '-o DIR is missing' "$server"
expect 2 'No such file' "$folder/none" -o "$out"
expect 2 'neither a recording' "$golden/server/docker.args" -o "$out"
expect 2 'format cannot be "selinux"' "$server" -o "$out" --format selinux
expect 2 'runtimes cannot be "youki"' "$server" -o "$out" --runtimes youki
expect 2 'deny-action' "$server" -o "$out" --deny-action ALLOW
expect 2 'can be no name' "$server" -o "$out" --name ../x
printf 'whittle: policy\nformat: 1\nsycalls: [read]\n' >"$folder/p.yaml"
expect 2 'p.yaml:3:1: "sycalls" is no key of a policy.*did you mean "syscalls"' "$folder/p.yaml" -o "$out"
[[ -e $out ]] && fail "a failed run left $out behind"

expect 0 '' "$server" -o "$out"
grep -q "system calls .* of Docker's 298 kept" "$folder/stdout" || fail 'no comparison with Docker'
for file in policy.yaml seccomp.json apparmor.profile capabilities.json docker.args; do
    [[ -s $out/$file ]] || fail "$file is missing"
done
[[ $(find "$out" -mindepth 1 | wc -l) == 5 ]] || fail "more than five files: $(ls -a "$out")"

# The same bytes again, over the old ones, and from standard input.
cp -r "$out" "$folder/first"
expect 0 '' "$server" -o "$out" -q
[[ -s $folder/stdout ]] && fail '-q printed something'
diff -r "$folder/first" "$out" >&2 || fail 'two runs differ'
"$WHITTLE" generate - -o "$folder/stdin" -q <"$server" || fail 'standard input'
diff -r "$folder/first" "$folder/stdin" >&2 || fail 'standard input gives something else'
# From the policy that was written.
expect 0 '' "$out/policy.yaml" -o "$folder/again" -q
diff -r "$folder/first" "$folder/again" >&2 || fail 'the policy gives something else'

# Options.
expect 0 '' "$server" -o "$folder/o" -q --name shop --deny-action kill --runtimes crun --no-conditions
grep -qx 'name: shop' "$folder/o/policy.yaml" || fail '--name'

# The name of a container's policy: its service, else its image, else the command.
name_with() {
    printf '%s\n' "{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"a\",\"arch\":\"x86_64\",$1\"command\":[\"/bin/api\"]}]}" \
        '{"kind":"syscall","name":"brk","arch":"x86_64","number":12,"phase":"run","count":1,"results":["ok"],"origin":"observed"}' \
        '{"footer":true,"facts":1,"complete":true,"losses":[],"runs":[{"calls":0,"complete":true}]}' |
        "$WHITTLE" generate -q -o "$folder/named" -
    grep -x 'name: .*' "$folder/named/policy.yaml"
}
[[ $(name_with '') == 'name: api' ]] || fail 'name after the command'
[[ $(name_with '"image":"registry.example:5000/team/shop-api:1.2@sha256:ab",') == 'name: shop-api' ]] || fail 'name after the image'
[[ $(name_with '"image":"shop","service":"front end",') == 'name: front_end' ]] || fail 'name after the service'
grep -qx 'deny-action: KILL' "$folder/o/policy.yaml" || fail '--deny-action'
grep -qx 'runtimes: \[crun\]' "$folder/o/policy.yaml" || fail '--runtimes'
grep -qx '  - socket' "$folder/o/policy.yaml" || fail '--no-conditions'
grep -q 'SCMP_ACT_KILL_PROCESS' "$folder/o/seccomp.json" || fail 'the default action'
grep -q '^profile shop ' "$folder/o/apparmor.profile" || fail 'the profile'"'"'s name'

# An edit reaches every artefact.
sed -i 's/^capabilities:$/&\n  - CAP_SYS_TIME/; s/^  - accept4$/&\n  - adjtimex/' "$out/policy.yaml"
expect 0 '' "$out/policy.yaml" -o "$folder/edited" -q
grep -q 'CAP_SYS_TIME' "$folder/edited/capabilities.json" || fail 'edited capability'
grep -q 'capability sys_time,' "$folder/edited/apparmor.profile" || fail 'edited capability'
grep -qx -- '--cap-add=CAP_SYS_TIME' "$folder/edited/docker.args" || fail 'edited capability'
grep -q '"adjtimex"' "$folder/edited/seccomp.json" || fail 'edited system call'

# A policy that people keep: what is new comes, all else stays (git is the judge).
kept=$folder/kept.yaml
cat >"$kept" <<'EOF'
# Ours.
whittle: policy
format: 1
name: shop
architectures: [x86_64]
read-only-root: true

syscalls:
  - read   # first
  - {rule: setuid, deny: EPERM}

capabilities:
  - {rule: CAP_SYS_TIME, keep: true}
  - CAP_SYS_BOOT

files:
  # the site
  - {rule: /srv/** r, reason: all of it}
  - /var/lib/server/db r
EOF
expect 0 'setuid was seen, and .*kept.yaml:10 denies it' "$server" --update "$kept" -o "$folder/new" -q
git diff --no-index --numstat "$kept" "$folder/new/policy.yaml" >"$folder/numstat"
[[ $(cut -f2 "$folder/numstat") == 0 ]] || fail "an update takes away: $(cat "$folder/numstat")"
grep -qx '  - /var/lib/server/db wk' "$folder/new/policy.yaml" || fail 'the letters that were missing'
grep -q '/srv/www' "$folder/new/policy.yaml" && fail 'what a broader rule covers was added'
grep -q '^  - setuid' "$folder/new/policy.yaml" && fail 'what is denied was added'
grep -q '"setuid"' "$folder/new/seccomp.json" && fail 'what is denied is allowed'
grep -q '"write"' "$folder/new/seccomp.json" || fail 'what was added is not in the other files'
grep -q 'SYS_BOOT' "$folder/new/docker.args" || fail 'what people wrote is not in the other files'
cp "$folder/new/policy.yaml" "$folder/again.yaml"
expect 0 'setuid' "$server" --update "$folder/new/policy.yaml" -o "$folder/new"
grep -q 'Nothing new' "$folder/stdout" || fail 'nothing new is not said'
cmp "$folder/again.yaml" "$folder/new/policy.yaml" || fail 'an update without anything new'
expect 0 'setuid' "$server" --update "$folder/again.yaml" -o "$folder/new" -q --prune
grep -qE 'again.yaml:[0-9]+: capabilities: CAP_SYS_BOOT$' "$folder/stdout" || fail "--prune: $(cat "$folder/stdout")"
cmp "$folder/again.yaml" "$folder/new/policy.yaml" || fail '--prune changed something'
expect 0 'setuid' "$server" --update "$folder/again.yaml" -o "$folder/new" -q --prune-apply
diff <(grep -v '^  - CAP_SYS_BOOT$' "$folder/again.yaml") "$folder/new/policy.yaml" >&2 || fail '--prune-apply'
expect 2 'not complete' "$golden/paths/recording.jsonl" --update "$kept" -o "$folder/x" --prune-apply
expect 2 'does not go with --update' "$server" --update "$kept" -o "$folder/x" --name other
expect 2 '--update names' "$server" -o "$folder/x" --prune
expect 2 'one policy' "$kept" --update "$kept" -o "$folder/x"
expect 2 'No such file' "$server" --update "$folder/none.yaml" -o "$folder/x"
[[ -e $folder/x ]] && fail 'a failed update left something behind'

# What is missing or left out is said.
expect 0 'not complete' "$golden/paths/recording.jsonl" -o "$folder/p"
expect 0 'syscall_9999 of x86_64' "$golden/odd/recording.jsonl" -o "$folder/q"

# A recorded program: its calls are in the profile, and nothing that it did not do.
"$WHITTLE" record -o "$folder/cat.jsonl" -- cat /etc/hostname >/dev/null || fail 'record'
expect 0 '' "$folder/cat.jsonl" -o "$folder/cat" -q
grep -qx '  - /etc/hostname r' "$folder/cat/policy.yaml" || fail 'what cat read'
grep -q '"execve"' "$folder/cat/seccomp.json" || fail 'execve'
grep -q '"socket"' "$folder/cat/seccomp.json" && fail 'cat may open sockets'
[[ $(tr -d ' \n' <"$folder/cat/capabilities.json") == '{"add":[],"drop":["ALL"]}' ]] ||
    fail "cat has capabilities: $(cat "$folder/cat/capabilities.json")"

((failures == 0)) || exit 1
echo 'generate: all as expected'
