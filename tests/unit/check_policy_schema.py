#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks policies that whittle printed against profiles/schema/policy.schema.json, and that the
schema refuses what the parser refuses: check_policy_schema.py SCHEMA POLICY...

Reads only what whittle's printer writes, one rule a line; it is no YAML reader.
"""

import json
import re
import sys

sys.dont_write_bytecode = True

from check_schema import Validator  # noqa: E402

BAD = [
    {"format": 1},
    {"whittle": "policy", "format": 2},
    {"whittle": "policy", "format": 1, "sycalls": ["read"]},
    {"whittle": "policy", "format": 1, "files": ["etc/passwd r"]},
    {"whittle": "policy", "format": 1, "files": [{"rule": "/a r", "kepe": True}]},
    {"whittle": "policy", "format": 1, "files": [{"keep": True}]},
    {"whittle": "policy", "format": 1, "files": [{"rule": "/a r", "deny": "EPERM"}]},
    {"whittle": "policy", "format": 1, "files": "/a r"},
    {"whittle": "policy", "format": 1, "capabilities": ["NET_RAW"]},
    {"whittle": "policy", "format": 1, "syscalls": ["socket 6=1"]},
    {"whittle": "policy", "format": 1, "syscalls": [{"rule": "read", "deny": "perhaps"}]},
    {"whittle": "policy", "format": 1, "architectures": ["vax"]},
    {"whittle": "policy", "format": 1, "name": "../x"},
    {"whittle": "policy", "format": 1, "user": "a b"},
    {"whittle": "policy", "format": 1, "deny-action": "ALLOW"},
    {"whittle": "policy", "format": 1, "limits": {"cpus": 1}},
    {"whittle": "policy", "format": 1, "limits": {"pids": -1}},
    {"whittle": "policy", "format": 1, "no-new-privileges": "yes"},
]


def scalar(text):
    if text.startswith('"'):
        return json.loads(text)
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch("[0-9]+", text) else text


def split(text):
    """The parts of a flow collection: texts in quotes hold commas of their own."""
    return [part[0] for part in re.findall(r'((?:[a-z]+: )?(?:"(?:[^"\\]|\\.)*"|[^",{}\[\]]+))(, |$)', text)]


def value(text):
    if text.startswith("["):
        return [scalar(part) for part in split(text[1:-1])]
    if text.startswith("{"):
        pairs = (part.split(": ", 1) for part in split(text[1:-1]))
        return {key: scalar(rest) for key, rest in pairs}
    return scalar(text)


def read_policy(name):
    policy = {}
    with open(name, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if not line or line.startswith("#"):
                continue
            if line.startswith("  - "):
                policy[section].append(value(line[4:]))
            elif line.endswith(":"):
                section = line[:-1]
                policy[section] = []
            else:
                key, rest = line.split(": ", 1)
                policy[key] = value(rest)
    return policy


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        validator = Validator(json.load(file))
    failed = 0
    for name in sys.argv[2:]:
        problem = validator.why(validator.root, read_policy(name))
        if problem:
            failed += 1
            print(f"{name}: {problem}")
    for policy in BAD:
        if validator.good(validator.root, policy):
            failed += 1
            print(f"the schema does not mind {policy}")
    print(f"{len(sys.argv) - 2} policies, {failed} problems")
    return 1 if failed or len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
