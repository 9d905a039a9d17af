# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scripts have in common. To be sourced; changes to the source tree's root.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/sbin:/sbin"

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

# Runs a command as root: directly, or by sudo without asking for a password.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n -- "$@" || die "cannot run \"$*\" as root: sudo wants a password or failed. Run this as root."
    else
        die "\"$*\" must run as root, and there is no sudo. Run this as root."
    fi
}

# How many jobs to run at once.
jobs_count() {
    nproc 2>/dev/null || echo 2
}

# configure_and_build PRESET [CMAKE-ARGUMENT…]
configure_and_build() {
    cmake --preset "$@"
    cmake --build --preset "$1" --parallel "$(jobs_count)"
}
