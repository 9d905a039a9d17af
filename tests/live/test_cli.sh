#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The command line itself: exit statuses, where output goes, what is said about mistakes.
set -u

failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# expect STATUS STDOUT-REGEX STDERR-REGEX ARGUMENT…: an empty expression wants no output.
expect() {
    local status=$1 out=$2 err=$3 got
    shift 3
    "$WHITTLE" "$@" >"$folder/out" 2>"$folder/err" </dev/null
    got=$?
    if ((got != status)); then
        echo "whittle $*: status $got instead of $status" >&2
        failures=$((failures + 1))
    fi
    check_text "$out" "$folder/out" "whittle $*: standard output"
    check_text "$err" "$folder/err" "whittle $*: standard error"
}

check_text() {
    if { [[ -z $1 ]] && [[ -s $2 ]]; } || { [[ $1 ]] && ! grep -qE -- "$1" "$2"; }; then
        echo "$3 is not as expected (\"$1\"):" >&2
        sed 's/^/  /' "$2" >&2
        failures=$((failures + 1))
    fi
}

expect 0 '^whittle [0-9]+\.[0-9]+\.[0-9]+$' '' --version
expect 0 '^usage: whittle COMMAND' '' help
expect 0 '^usage: whittle COMMAND' '' --help
expect 0 '^usage: whittle mark LABEL' '' help mark
expect 0 '^usage: whittle mark LABEL' '' mark --help
expect 0 '^usage: whittle mark LABEL' '' mark -h
expect 2 '' 'a command is missing' # nothing
expect 2 '' 'no command "hlep"; did you mean "help"' hlep
expect 2 '' 'no command "shwo"; did you mean "show"' shwo
expect 2 '' 'no command "xyzzy"$' xyzzy
expect 2 '' 'no option --jsno; did you mean --json' doctor --jsno
expect 2 '' 'no option --zzzzzzz$' doctor --zzzzzzz
expect 2 '' 'no option -Z' doctor -Z
expect 2 '' 'takes no value' doctor --json=yes
expect 2 '' 'needs a value, REC' merge a --output
expect 2 '' 'needs a value, REC' merge a -o
expect 2 '' 'one argument too many' mark a b
expect 2 '' 'usage: whittle mark LABEL' mark
expect 2 '' '--kind cannot be "files"; it is one of:' show --kind files x
expect 2 '' 'control character' mark $'a\nb'
expect 2 '' 'is empty' mark ''
expect 2 '' 'longer than 255' mark "$(printf '%0256d' 0)"
expect 3 '' 'nobody is recording' mark a
expect 2 '' '/nonexistent: .*No such file' show /nonexistent
expect 2 '' 'No such file' merge /nonexistent
# Escape sequences of a file's name do not reach the terminal.
expect 2 '' '\?\[31mred' show $'/nonexistent\e[31mred'

# What is no ordinary file is never replaced by one: /dev/null, to whoever may write to its folder.
mkfifo "$folder/pipe"
expect 125 '' 'is no ordinary file' record -o "$folder/pipe" -- true
[[ -p $folder/pipe ]] || {
    echo 'record -o replaced a pipe' >&2
    failures=$((failures + 1))
}

# Where nothing can be written nothing is run, for the result would be lost.
printf 'whittle: policy\nformat: 1\narchitectures: [x86_64]\n' >"$folder/policy.yaml"
ran="$folder/ran"
for wrong in "$folder/none/file" "$folder" "$folder/pipe"; do
    for option in --fix -o; do
        expect 2 '' 'cannot create a file|is a folder|is no ordinary file' verify --policy "$folder/policy.yaml" "$option" "$wrong" -- touch "$ran"
    done
    expect 2 '' 'cannot create a file|is a folder|is no ordinary file' verify --minimal --proofs "$wrong" --policy "$folder/policy.yaml" -- touch "$ran"
    expect 2 '' 'cannot create a file|is a folder|is no ordinary file' check --policy "$folder/policy.yaml" -o "$wrong" -- touch "$ran"
done
[[ ! -e $ran ]] || {
    echo 'a command was run although its result could not be written' >&2
    failures=$((failures + 1))
}

if "$WHITTLE" help >/dev/full 2>"$folder/err"; then
    echo 'a full disk was taken for success' >&2
    failures=$((failures + 1))
fi
check_text 'cannot write to standard output' "$folder/err" 'help >/dev/full'

echo "$failures failures"
((failures == 0))
