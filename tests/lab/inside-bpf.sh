#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs in the lab's machine (script/lab): records workloads by eBPF and by ptrace and compares what the
# recordings generate. Prints a line a workload, and what differs. Each workload runs once unrecorded
# before, for what only a first run does (folders, caches); and since a server makes some calls only
# where a timer or a signal comes at that moment, two recordings count as the same if they are in one
# of three rounds.
# shellcheck disable=SC2016 # the workloads are expanded by the shell that runs them
set -u
whittle=$PWD/whittle
failed=0

fail() {
    echo "FAILED $*"
    failed=1
}

nginx_workload='nginx -g "daemon off;" & server=$!
sleep 0.5
for i in $(seq 100); do curl -sf http://127.0.0.1/ >/dev/null && break; sleep 0.1; done
curl -s http://127.0.0.1/missing >/dev/null
kill -QUIT $server; wait $server'
redis_workload='cd /tmp; redis-server --port 7001 --save "" --dir /tmp >/dev/null & server=$!
sleep 0.5
for i in $(seq 100); do redis-cli -p 7001 ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done
redis-cli -p 7001 set key value; redis-cli -p 7001 get key; kill $server; wait $server'
files_workload='cd /tmp; rm -rf t; mkdir t; cd t; echo a >a; ln a b; ln -s a c; mv b d; mkdir e; mv d e/f; chmod 600 a; cat c e/f
touch -d 2020-01-01 a; rm c e/f a; rmdir e; cd ..; rmdir t; ls /etc/hostname; test -e /nothing || true'
python_workload='python3 -c "
import os, socket, tempfile, threading
d = tempfile.mkdtemp()
open(d + \"/x\", \"w\").write(\"y\"); os.rename(d + \"/x\", d + \"/z\"); os.unlink(d + \"/z\"); os.rmdir(d)
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()
c = socket.create_connection(s.getsockname()); c.close(); s.close()
t = threading.Thread(target=os.getpid); t.start(); t.join()"'

# record_and_generate NAME BACKEND WORKLOAD
record_and_generate() {
    local name=$1 backend=$2 status
    "$whittle" record --backend "$backend" -o "$backend.jsonl" -- bash -c "$3" >"$backend.out" 2>"$backend.err"
    status=$?
    ((status == 0)) || fail "$name: $backend exits with $status: $(tail -n 3 "$backend.err")"
    grep -q INCOMPLETE "$backend.err" && fail "$name: $backend: $(tail -n 1 "$backend.jsonl" | cut -c 1-600)"
    rm -rf "$backend"
    "$whittle" generate "$backend.jsonl" -o "$backend" >generate.out 2>&1 ||
        fail "$name: generate: $(cat generate.out)"
}

compare() {
    local name=$1 workload=$2 round
    bash -c "$workload" >/dev/null 2>&1
    for round in 1 2 3; do
        record_and_generate "$name" bpf "$workload"
        record_and_generate "$name" ptrace "$workload"
        if diff bpf/seccomp.json ptrace/seccomp.json >difference &&
            diff bpf/apparmor.profile ptrace/apparmor.profile >>difference; then
            echo "same   $name (round $round)"
            return
        fi
    done
    fail "$name: eBPF (<) and ptrace (>) differ:"
    cat difference
}

capabilities_workload='cd /tmp; touch k; chown 1:1 k; chmod 600 k; cat k; nice -n -5 true; hostname lab; mount -t tmpfs none /mnt
umount /mnt; setpriv --reuid 1 --clear-groups true; rm k'

# The capabilities in RECORDING, without what differs between runs.
capability_facts() {
    "$whittle" show --json "$1" | grep '"kind":"capability"' | sed 's/"count":[0-9]*,//; s/,"first":.*//' | sort
}

# The same checks are seen whichever way they are.
compare_ways_to_see_checks() {
    "$whittle" record --backend bpf -o fexit.jsonl -- bash -c "$capabilities_workload" || fail "capabilities: fexit exits with $?"
    ./whittle-by-kprobes record --backend bpf -o kprobe.jsonl -- bash -c "$capabilities_workload" ||
        fail "capabilities: kprobe exits with $?"
    "$whittle" show kprobe.jsonl | grep -q 'cap_capable:kprobe' || fail "the kprobe is not in use"
    capability_facts fexit.jsonl >fexit.facts
    capability_facts kprobe.jsonl >kprobe.facts
    if [[ -s fexit.facts ]] && diff fexit.facts kprobe.facts; then
        echo "same   capabilities ($(wc -l <fexit.facts) facts)"
    else
        fail "capabilities: fexit (<) and kprobe (>) differ"
    fi
}

# Folders, made, renamed, looked at and removed at once through a link that leads elsewhere each time.
moving_link='
import os
os.makedirs("/tmp/h/a"); os.mkdir("/tmp/h/b")
for i in range(100):
    os.symlink("ab"[i % 2], "/tmp/h/l")
    os.mkdir("/tmp/h/l/../l/m%d" % i)
    os.chmod("/tmp/h/l/m%d" % i, 0o700)
    os.rename("/tmp/h/l/m%d" % i, "/tmp/h/l/n%d" % i)
    os.access("/tmp/h/l/n%d" % i, os.R_OK)
    os.rmdir("/tmp/h/l/n%d" % i)
    if i < 2:
        os.mkdir("/tmp/h/l/o%d" % i)
        os.system("mount -c -t tmpfs none /tmp/h/l/o%d; umount -c /tmp/h/l/o%d" % (i, i))
        os.rmdir("/tmp/h/l/o%d" % i)
    os.unlink("/tmp/h/l")
os.rmdir("/tmp/h/a"); os.rmdir("/tmp/h/b"); os.rmdir("/tmp/h")'

# Each is recorded where it really was.
follow_moving_link() {
    local i folder
    "$whittle" record --backend bpf -o link.jsonl -- python3 -c "$moving_link" || fail "moving link: exits with $?"
    for ((i = 0; i < 100; i++)); do
        folder=/tmp/h/a
        ((i % 2)) && folder=/tmp/h/b
        printf '%s\n' "$folder/m$i" "$folder/n$i"
        ((i < 2)) && echo "$folder/o$i"
    done | sort >link.expected
    "$whittle" show --json link.jsonl | sed -n 's/^{"kind":"file","name":"\(\/tmp\/h\/[^"]*[0-9]\)".*/\1/p' | sort -u >link.seen
    if diff link.expected link.seen >difference; then
        echo "same   moving link ($(wc -l <link.seen) paths)"
    else
        fail "moving link: expected (<) and seen (>) differ: $(grep -c '^[<>]' difference) lines, as $(head -n 5 difference)"
    fi
    for i in a/o0 b/o1; do
        "$whittle" show --json link.jsonl | grep -q "\"name\":\"umount\",\"target\":\"/tmp/h/$i\"" ||
            fail "moving link: umount of /tmp/h/$i is missing"
    done
    tail -n 1 link.jsonl | grep -q '"losses":\[\]' || fail "moving link: $(tail -n 1 link.jsonl | cut -c 1-600)"
}

# Two threads, of which one moves both and then has the other do something.
moving_threads='
import sys, threading
go = threading.Event()
def other():
    go.wait(); open("/etc/group").read()
thread = threading.Thread(target=other); thread.start()
open("/etc/shells").read()
with open(sys.argv[1], "w") as file: file.write("0")
go.set(); thread.join(); open("/etc/hostname").read()'

# Who comes to a cgroup is recorded from then on, with all its threads.
record_cgroup() {
    local group=/sys/fs/cgroup/whittle-test recorder
    mkdir "$group" || fail "cgroup: cannot make one"
    "$whittle" record --cgroup "$group" -o cgroup.jsonl &
    recorder=$!
    until [[ -e cgroup.jsonl ]] || ! kill -0 "$recorder"; do sleep 0.1; done
    python3 -c "$moving_threads" "$group/cgroup.procs"
    wait "$recorder" || fail "cgroup: exits with $?"
    "$whittle" show --json cgroup.jsonl | sed -n 's/^{"kind":"file","name":"\(\/etc\/[gsh][^"]*\)".*/\1/p' |
        sort -u >cgroup.seen
    if [[ "$(cat cgroup.seen)" == $'/etc/group\n/etc/hostname' ]]; then
        echo "same   cgroup"
    else
        fail "cgroup: seen $(tr '\n' ' ' <cgroup.seen)"
    fi
    tail -n 1 cgroup.jsonl | grep -q '"losses":\[\]' || fail "cgroup: $(tail -n 1 cgroup.jsonl | cut -c 1-600)"
    rmdir "$group"
}

# Stacks are what libgcc's unwinder says in the program itself (it begins one frame further out, and its
# own function is elsewhere by then).
record_stacks() {
    local backend recorder
    if "$whittle" record --stacks -o - -- true 2>&1 >/dev/null | grep -q 'without libdw'; then
        echo "none   stacks: this whittle was built without libdw"
        return
    fi
    mkfifo stacks.input
    for backend in bpf notify ptrace; do
        LD_LIBRARY_PATH=$PWD "$whittle" record --backend "$backend" --stacks -o stacks.jsonl -- ./stack_chain \
            <stacks.input >stacks.out 2>stacks.err &
        recorder=$!
        exec 9>stacks.input # eBPF does not stop the program: it is to be there until it was told of
        until grep -qs '"/stack-chain"' stacks.jsonl || ! kill -0 "$recorder" 2>/dev/null; do sleep 0.1; done
        exec 9>&-
        wait "$recorder" || fail "stacks: $backend exits with $?: $(tail -n 3 stacks.err)"
        sed 's/.*\///' stacks.out | tail -n +2 >stacks.expected
        "$whittle" show --json stacks.jsonl | grep '^{"kind":"file","name":"/stack-chain"' >stacks.fact
        grep -o '"[^" ]*+0x[0-9a-f][^"]*"' stacks.fact | grep -v ' inlined ' |
            sed 's/^"//; s/[ "].*//; s/.*\///' | tail -n +3 >stacks.seen
        if [[ $(wc -l <stacks.expected) -ge 6 ]] && diff stacks.expected stacks.seen >difference &&
            grep -q ' chain_inner+.* chain_middle+.* main+' stacks.fact && ! grep -q '\[cut\]' stacks.fact; then
            echo "same   stacks ($backend)"
        else
            fail "stacks: $backend: expected (<) and seen (>): $(cat difference stacks.fact)"
        fi
        rm -f stacks.jsonl
    done
}

# Facts of RECORDING about what ring_or_calls worked on.
work_facts() {
    "$whittle" show --json "$1" |
        grep -E '^{"kind":"(network|unix|file","name":"/tmp/ring/)' | sed 's/"count":[0-9]*,//; s/,"first":.*//' | sort
}

# What is done by io_uring is told as what is done by calls.
compare_ring_and_calls() {
    local way
    for way in calls ring async poller direct; do
        rm -rf /tmp/ring && mkdir /tmp/ring && touch /tmp/ring/old
        "$whittle" record --backend bpf -o "$way.jsonl" -- sh -c "cd /tmp/ring && exec $PWD/ring_or_calls $way" ||
            fail "ring_or_calls $way exits with $?"
        work_facts "$way.jsonl" >"$way.facts"
        if [[ -s $way.facts ]] && diff calls.facts "$way.facts"; then
            echo "same   io_uring $way ($(wc -l <"$way.facts") facts)"
        else
            fail "io_uring: calls (<) and $way (>) differ"
        fi
    done
}

# storm_of_signals PROGRAM
storm_of_signals() {
    local calls result interrupted hidden waits signals
    for calls in 100 1000 10000; do # a quick machine is through before there are signals enough
        result=$("$whittle" record --backend notify -o storm.jsonl -- timeout 120 "./$1" 1 $calls 100000 1 2>storm.err) ||
            fail "$1: exits with $?: $(cat storm.err)"
        read -r interrupted hidden waits signals <<<"$result"
        ((signals <= 20)) || break
    done
    if ((signals > 20 && waits == 10 && interrupted + hidden <= 3 + signals / 20)); then
        echo "same   $1 ($signals signals, $interrupted and $hidden calls interrupted, $waits of 10 that wait)"
    else
        fail "$1: interrupted, hidden, waits, signals: $result"
    fi
}

# The notify backend makes anew what a signal interrupted before its time. This kernel does not tell of
# every such call, as those since 6.17 do: a few may fail with EINTR (tests/live/test_record_processes.py).
# dash sets its handler of SIGCHLD without SA_RESTART, and its fork and pipe must not fail for that.
signals_under_notify() {
    local program forks
    for program in signal_storm signal_storm_i386 signal_storm_x32; do
        storm_of_signals "$program"
    done
    forks='for i in 1 2 3 4 5 6 7 8; do (true) & (true) & (true) & x=$(echo a | cat); [ "$x" = a ] || exit 9; wait; done'
    "$whittle" record --backend notify -o dash.jsonl -- dash -c "$forks" || fail "dash: exits with $?"
}

# Programs that are attached but never run are not taken for working ones. To be done last: the machine
# is another one afterwards.
notice_what_never_runs() {
    local features
    sysctl -q -w kernel.ftrace_enabled=0
    features=$("$whittle" doctor | sed -n 's/^.* bpf .*(\(.*\))$/\1/p')
    [[ " $features " == *" paths:look-ups "* && $features != *cap_capable:fexit* ]] || fail "without ftrace: $features"
}

uname -r
"$whittle" --version || exit 1 # a library is missing here: see PACKAGES in script/lib/lab-machine
"$whittle" doctor | sed -n '/bpf/p'
compare_ways_to_see_checks
follow_moving_link
record_cgroup
record_stacks
compare_ring_and_calls
signals_under_notify
compare files "$files_workload"
compare python "$python_workload"
compare nginx "$nginx_workload"
compare redis "$redis_workload"
features=$("$whittle" show bpf.jsonl | sed -n 's/^ *features *//p')
echo "$features"
# What this kernel has instead of the tracepoints of later ones.
for probe in cap_capable:fexit paths:hooks exec:fentry io_uring:submit_sqe io_uring:complete; do
    [[ " $features " == *" $probe "* ]] || fail "$probe is not in use"
done
notice_what_never_runs
exit $failed
