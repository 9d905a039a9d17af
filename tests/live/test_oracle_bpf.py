#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strace sees of a program and what the eBPF backend records of it are the same: the quick programs and stressors.

First in runs of their own, in which nobody slows the program down for whittle; then in one that both see, of which
nothing is excused. Arguments: alone, together; both without. All of them: tests/live/oracle/run.py --backend bpf|--together programs|stressors
"""

import os
import subprocess
import sys

import live

if "bpf" not in live.BACKENDS:
    print("the eBPF backend does not work here: `whittle doctor` tells why")
    sys.exit(77)

run = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle", "run.py")
failed = 0
ways = {"alone": ("--backend", "bpf"), "together": ("--together",)}
for how in (ways[name] for name in sys.argv[1:] or ways):
    for what in ("programs", "stressors"):
        failed |= subprocess.run([sys.executable, run, "--fast", *how, what], check=False).returncode
sys.exit(1 if failed else 0)
