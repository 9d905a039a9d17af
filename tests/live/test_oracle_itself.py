#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The oracle finds differences: a run compared with a recording of another run must not agree."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))
from compare import Case, Runner, differences

ONE = "mkdir d; echo x >d/f; cat d/f; mv d/f d/g; kill -0 $$; echo >/dev/tcp/127.0.0.1/2; exit 1"
OTHER = "mkdir e; echo x >e/f; ls d/f; rm e/f; kill -USR1 $$; exit 2"

EXPECTED = (
    "status: ",
    "calls: strace only: ",
    "calls: whittle only: ",
    "calls of /usr/bin/bash: strace only: ",
    "programs: strace only: ",
    "programs: whittle only: ",
    "file: strace only: mkdir create ",
    "file: strace only: openat read ",
    "file: strace only: newfstatat ENOENT ",
    "file: whittle only: create ",
    "file: whittle only: ENOENT ",
    "signals: strace only: ['exists']",
    "signals: whittle only: ['SIGUSR1']",
    "sockets: strace only: [('connect', 'inet', 2)]",
    "exec: strace only: ",
    "exec: whittle only: ",
)


def main():
    for program in ("strace", "bash"):
        if not shutil.which(program):
            print(f"{program} is not installed")
            return 77
    whittle = os.path.abspath(os.environ["WHITTLE"])
    failures = 0
    one = Case("one", ["bash", "-c", ONE])
    runner = Runner(one, whittle, "notify")
    try:
        trace, recording = runner.strace(), runner.record()
        runner.case = Case("other", ["bash", "-c", OTHER])
        other_trace, other_recording = runner.strace(), runner.record()
    finally:
        runner.close(None)
    for title, a, b in (("one", trace, recording), ("other", other_trace, other_recording)):
        for line in differences(one, [a], [b]):
            print(f"{title}: unexpected: {line}")
            failures += 1
    found = differences(one, [trace], [other_recording])
    for start in EXPECTED:
        if not any(line.startswith(start) for line in found):
            print(f"not found: {start}")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
