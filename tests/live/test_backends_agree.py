#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same program gives the same policy, whichever backend recorded it: the quick programs.

All of them: tests/live/oracle/policies.py
"""

import os
import sys

policies = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle", "policies.py")
os.execv(sys.executable, [sys.executable, policies, "--fast"])
