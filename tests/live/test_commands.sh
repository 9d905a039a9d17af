#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# doctor, show, merge and mark on real and golden recordings.
set -u

failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fault() {
    echo "$*" >&2
    failures=$((failures + 1))
}

# expect_status STATUS COMMAND…
expect_status() {
    local wanted=$1 got
    shift
    "$@" >"$folder/out" 2>"$folder/err" </dev/null
    got=$?
    if ((got != wanted)); then
        fault "$*: status $got instead of $wanted: $(cat "$folder/err")"
    fi
}

# ---- doctor: text and JSON agree --------------------------------------------------------------

"$WHITTLE" doctor >"$folder/doctor.txt"
doctor_status=$?
expect_status "$doctor_status" "$WHITTLE" doctor --json
python3 - "$folder/out" "$doctor_status" <<'PYTHON' || fault 'doctor --json is not as expected'
import json, sys
document = json.load(open(sys.argv[1]))
names = [check["name"] for check in document["checks"]]
assert {"notify", "ptrace", "kernel", "AppArmor", "runc"} <= set(names), names
assert document["can_record"] == (sys.argv[2] == "0")
assert all(check["state"] in ("ok", "no", "info") and check["found"] for check in document["checks"])
PYTHON
grep -q ' kernel  *Linux ' "$folder/doctor.txt" || fault 'doctor does not name the kernel'

# The version is found behind a warning.
mkdir "$folder/bin"
printf '#!/bin/sh\necho WARNING: something odd >&2\necho Docker version 1.2.3\n' >"$folder/bin/docker"
printf '#!/bin/sh\necho 4.5 of something\necho more\n' >"$folder/bin/podman"
chmod +x "$folder/bin/docker" "$folder/bin/podman"
PATH=$folder/bin:$PATH "$WHITTLE" doctor >"$folder/doctor-path.txt"
for line in 'docker .*/bin/docker (Docker version 1.2.3)' 'podman .*/bin/podman (4.5 of something)'; do
    grep -q "ok  $line\$" "$folder/doctor-path.txt" ||
        fault "doctor does not say $line: $(cat "$folder/doctor-path.txt")"
done

# ---- merge: order and repetition do not matter -------------------------------------------------

golden=tests/golden/recording
expect_status 0 "$WHITTLE" merge "$golden/every-kind.jsonl" "$golden/two-runs.jsonl" -o "$folder/ab"
expect_status 0 "$WHITTLE" merge "$golden/two-runs.jsonl" "$golden/every-kind.jsonl" -o "$folder/ba"
expect_status 0 "$WHITTLE" merge "$folder/ab" "$golden/two-runs.jsonl" "$folder/ab" -o "$folder/aba"
cmp "$folder/ab" "$folder/ba" || fault 'merge depends on the order'
cmp "$folder/ab" "$folder/aba" || fault 'merging twice changes something'
"$WHITTLE" merge - <"$folder/ab" >"$folder/piped" 2>/dev/null || fault 'merge from a pipe failed'
cmp "$folder/ab" "$folder/piped" || fault 'merge from a pipe differs'
expect_status 2 "$WHITTLE" merge "$folder/ab" -o "$folder/no/such/folder"
expect_status 2 "$WHITTLE" merge "$0"

# ---- show -----------------------------------------------------------------------------------

expect_status 0 "$WHITTLE" show "$golden/every-kind.jsonl"
cmp "$folder/out" tests/golden/show/every-kind.txt || fault 'show differs from the golden file'
"$WHITTLE" show - <"$golden/every-kind.jsonl" | head -n 1 | grep -q '^NOT COMPLETE' ||
    fault 'show does not begin with the losses'
expect_status 0 "$WHITTLE" show --json --kind file "$golden/every-kind.jsonl"
python3 - "$folder/out" <<'PYTHON' || fault 'show --json --kind is not as expected'
import json, sys
facts = json.load(open(sys.argv[1]))["facts"]
assert facts and all(fact["kind"] == "file" and fact["name"] for fact in facts)
PYTHON
expect_status 2 "$WHITTLE" show "$0"
grep -q 'neither a recording nor a policy' "$folder/err" || fault "show $0: $(cat "$folder/err")"

# ---- mark: facts carry the label, the recording does not show the mark --------------------------

if ! grep -q '^whittle can record' "$folder/doctor.txt"; then
    ((failures == 0)) || exit 1
    echo 'no backend works here, so that mark cannot be tried'
    exit 77
fi
mapfile -t backends < <(sed -n '/^backends$/,/^$/s/^  ok  \([a-z]*\) .*/\1/p' "$folder/doctor.txt")
for backend in "${backends[@]}"; do
    recording=$folder/$backend.whittle.jsonl
    # LeakSanitizer, in the preset asan, cannot work in a process that is being traced.
    # shellcheck disable=SC2016
    expect_status 0 "$WHITTLE" record --backend "$backend" -o "$recording" -- \
        sh -c 'cat /proc/version; ASAN_OPTIONS=detect_leaks=0 "$0" mark "one two" || exit 9; cat /proc/uptime' "$WHITTLE"
    python3 - "$recording" <<'PYTHON' || fault "the labels of $backend are not as expected"
import json, sys
labels = {}
for line in open(sys.argv[1]):
    fact = json.loads(line)
    if fact.get("kind") == "file":
        labels.setdefault(fact["name"], set()).update(fact.get("labels", []))
assert labels["/proc/uptime"] == {"one two"}, labels
assert labels["/proc/version"] == set(), labels
PYTHON
    "$WHITTLE" show "$recording" | grep -q '^labels *one two$' || fault 'show does not name the label'
done

echo "$failures failures"
((failures == 0))
