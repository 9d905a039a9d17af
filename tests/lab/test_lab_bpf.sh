#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The eBPF backend on Debian's kernel, 6.1, in the lab's machine: another set of probes than on newer
# kernels, and a stricter verifier.
set -u

for program in qemu-system-x86_64 mmdebstrap cpio busybox mkfs.ext4 flock; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || {
        echo "the lab needs $program, which is missing"
        exit 77
    }
done
"$WHITTLE" record --backend bpf -o - -- true 2>&1 >/dev/null | grep -q 'built without' && {
    echo "this whittle was built without eBPF"
    exit 77
}
exec script/lab --no-bootstrap --add "$WHITTLE:whittle" \
    --add "$WHITTLE_BY_KPROBES:whittle-by-kprobes" --add "$WHITTLE_PROGRAMS/ring_or_calls" \
    --add "$WHITTLE_PROGRAMS/signal_storm" --add "$WHITTLE_PROGRAMS/stack_chain" \
    --add "$WHITTLE_PROGRAMS/libstack_library.so" --add "$WHITTLE_PROGRAMS/signal_storm_i386" \
    --add "$WHITTLE_PROGRAMS/signal_storm_x32" --add tests/lab/inside-bpf.sh -- ./inside-bpf.sh
