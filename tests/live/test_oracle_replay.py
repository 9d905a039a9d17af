#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs work in containers under the profiles of their own recordings, and nothing is denied: the quick ones.

First of all that a denial would be noticed: a program runs under the profile of another one.
All of them: tests/live/oracle/replay.py
"""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))
import replay
from compare import Case

ONE = "echo x >f; /bin/true; echo end"
# What of another program must show under the profile of ONE. The second ignores its denial.
OTHERS = {
    "mkdir d; echo x >f; /bin/true; echo end": ("output: ", "mkdir"),
    "echo x >f; chmod 600 f 2>/dev/null; echo end": ("fchmodat",),
    "echo x >g; /bin/true; echo end; exit 3": ("status 3 ", "files: "),
}


def blind_spots(whittle):
    found = []
    for text, wanted in OTHERS.items():
        run = replay.Replay(Case("one", ["sh", "-c", ONE]), whittle, "notify")
        log, names = replay.AuditReader(), replay.call_names()
        try:
            recorded = run.make_profile()
            run.argv = ["sh", "-c", text]
            for runtime in replay.RUNTIMES:
                if shutil.which(runtime):
                    got = replay.attempts(run, recorded, runtime, names, log)
                    found += [f"{runtime}: {text}: no '{w}' in {got}" for w in wanted if not any(w in line for line in got)]
        finally:
            log.close()
            run.close(None)
    return found


def main():
    if os.geteuid() == 0 and shutil.which("runc") and replay.AuditReader():
        found = blind_spots(os.path.abspath(os.environ["WHITTLE"]))
        if found:
            print("the oracle is blind:", *found, sep="\n  ")
            return 1
    sys.argv[1:] = ["--fast"]
    return replay.main()


if __name__ == "__main__":
    sys.exit(main())
