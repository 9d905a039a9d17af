#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# profiles/runtimes/runtimes.csv is true of the installed runc and crun: containers start under what it
# allows, and not without what it calls required.
set -u
exec "${WHITTLE_SOURCE:-$(dirname "$0")/../..}/script/measure-runtimes" --check --quick --runs 1
