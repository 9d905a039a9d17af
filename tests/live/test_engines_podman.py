#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated profiles under Podman of the test's own, see engine_cases.py. Needs root."""
import sys

sys.dont_write_bytecode = True

import engine_cases  # noqa: E402

engine_cases.main("podman")
