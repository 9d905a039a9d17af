#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies against readers and writers of YAML and JSON Schema that are not ours: check_policy_yaml.py TOOL SCHEMA.

TOOL (policy_tool) makes random policies. PyYAML must read what whittle writes, both our checker of schemas and
Debian's python3-jsonschema must find it good, and what PyYAML then writes, in its styles, whittle must read as the same policy.
"""

import json
import subprocess
import sys

sys.dont_write_bytecode = True

from check_policy_schema import BAD  # noqa: E402
from check_schema import Validator  # noqa: E402

COUNT = 40
STYLES = [{"default_flow_style": False}, {"default_flow_style": True}, {"default_flow_style": None, "width": 30},
          {"default_style": '"'}, {"allow_unicode": True, "indent": 6, "explicit_start": True}]


def main():
    try:
        import yaml
    except ImportError:
        print("python3-yaml is not installed")
        return 77
    tool = sys.argv[1]
    with open(sys.argv[2], encoding="utf-8") as file:
        schema = json.load(file)
    ours = Validator(schema)
    try:
        from jsonschema import Draft202012Validator
        Draft202012Validator.check_schema(schema)
        theirs = Draft202012Validator(schema)
    except ImportError:  # Ubuntu 22.04's knows older drafts only
        theirs = None
        print("python3-jsonschema is not installed or too old: without it")
    stream = subprocess.run([tool, "make", str(COUNT)], check=True, capture_output=True, text=True).stdout
    texts = stream.split("---\n")[1:]
    failed = int(len(texts) != COUNT)
    for number, text in enumerate(texts):
        policy = yaml.safe_load(text)
        problems = [ours.why(ours.root, policy)]
        problems += [error.message for error in theirs.iter_errors(policy)] if theirs else []
        for problem in filter(None, problems):
            failed += 1
            print(f"policy {number}: {problem}")
        written = yaml.safe_dump(policy, sort_keys=False, **STYLES[number % len(STYLES)])
        again = subprocess.run([tool, "print"], input=written, check=False, capture_output=True, text=True)
        if again.stdout != text:
            failed += 1
            print(f"policy {number} comes back otherwise: {again.stderr}\n{text}\n{written}\n{again.stdout}")
    for policy in BAD:
        if theirs and theirs.is_valid(policy):
            failed += 1
            print(f"the schema does not mind {policy}")
    print(f"{len(texts)} policies, {failed} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
