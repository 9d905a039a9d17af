#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strace and whittle see of the same programs is the same: the quick ones, with both backends.

All of them: tests/live/oracle/run.py programs
"""

import os
import sys

run = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle", "run.py")
os.execv(sys.executable, [sys.executable, run, "--fast", "programs"])
