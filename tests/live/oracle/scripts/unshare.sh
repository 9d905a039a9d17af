#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Namespaces and mounts.
set -eu
mkdir m n
unshare -u sh -c 'hostname other; hostname'
unshare -m sh -c 'mount -t tmpfs none m && echo x >m/f && mount --bind m n && cat n/f && umount n && umount m'
unshare -p -f --mount-proc sh -c 'ps ax | wc -l; kill -0 1; echo $$'
unshare -i -n sh -c 'ip link show lo | wc -l' || true
unshare -r id -u
ls m n
