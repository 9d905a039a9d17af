#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks JSON Lines files against a JSON Schema: check_schema.py SCHEMA FILE...

Knows the keywords that our schemas use and refuses others, so that no rule goes unchecked. Also
makes sure that the schema can fail: every file is checked again with each line's first key misspelt.
"""

import json
import re
import sys

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}
NOTES = {"$schema", "$comment", "$defs", "title", "description", "format"}


class Validator:
    def __init__(self, schema):
        self.root = schema

    def resolve(self, reference):
        node = self.root
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node

    def good(self, schema, value):
        return not self.why(schema, value)

    def why(self, schema, value):
        """What is wrong with VALUE, or None."""
        for keyword, rule in schema.items():
            if keyword in NOTES or keyword in ("then", "else"):
                continue
            check = getattr(self, "check_" + keyword.strip("$"), None)
            if check is None:
                raise SystemExit(f"keyword {keyword} is not known to this checker")
            problem = check(rule, value, schema)
            if problem:
                return problem
        return None

    def check_ref(self, rule, value, _):
        return self.why(self.resolve(rule), value)

    def check_type(self, rule, value, _):
        names = rule if isinstance(rule, list) else [rule]
        good = any(isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names)
        return None if good else f"{value!r} is no {' or '.join(names)}"

    def check_const(self, rule, value, _):
        return None if value == rule and type(value) is type(rule) else f"{value!r} is not {rule!r}"

    def check_enum(self, rule, value, _):
        return None if value in rule else f"{value!r} is none of {rule}"

    def check_pattern(self, rule, value, _):
        return None if not isinstance(value, str) or re.search(rule, value) else f"{value!r} is not like {rule}"

    def check_maxLength(self, rule, value, _):
        return "too long" if isinstance(value, str) and len(value) > rule else None

    def check_minLength(self, rule, value, _):
        return "too short" if isinstance(value, str) and len(value) < rule else None

    def check_additionalProperties(self, rule, value, schema):
        others = [key for key in value if key not in schema.get("properties", {})] if isinstance(value, dict) else []
        if rule is False:
            return f"{others} not known" if others else None
        return next(filter(None, (self.why(rule, value[key]) for key in others)), None)

    def check_minimum(self, rule, value, _):
        return f"{value} < {rule}" if isinstance(value, int) and value < rule else None

    def check_maximum(self, rule, value, _):
        return f"{value} > {rule}" if isinstance(value, int) and value > rule else None

    def check_minItems(self, rule, value, _):
        return "too few items" if isinstance(value, list) and len(value) < rule else None

    def check_maxItems(self, rule, value, _):
        return "too many items" if isinstance(value, list) and len(value) > rule else None

    def check_required(self, rule, value, _):
        missing = [key for key in rule if isinstance(value, dict) and key not in value]
        return f"{missing} missing" if missing else None

    def check_properties(self, rule, value, _):
        for key, schema in rule.items():
            if isinstance(value, dict) and key in value:
                problem = self.why(schema, value[key])
                if problem:
                    return f"{key}: {problem}"
        return None

    def check_items(self, rule, value, _):
        for item in value if isinstance(value, list) else []:
            problem = self.why(rule, item)
            if problem:
                return problem
        return None

    def check_allOf(self, rule, value, _):
        return next(filter(None, (self.why(schema, value) for schema in rule)), None)

    def check_oneOf(self, rule, value, _):
        problems = [self.why(schema, value) for schema in rule]
        return None if problems.count(None) == 1 else f"not exactly one of: {problems}"

    def check_not(self, rule, value, _):
        return "must not hold" if self.good(rule, value) else None

    def check_if(self, rule, value, schema):
        branch = schema.get("then" if self.good(rule, value) else "else")
        return self.why(branch, value) if branch else None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        validator = Validator(json.load(file))
    failed = 0
    for name in sys.argv[2:]:
        with open(name, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        for number, line in enumerate(lines, 1):
            problem = validator.why(validator.root, line)
            if problem:
                failed += 1
                print(f"{name}:{number}: {problem}")
            first = next(iter(line))
            if validator.good(validator.root, {"x" + first: line[first], **dict(list(line.items())[1:])}):
                failed += 1
                print(f"{name}:{number}: the schema does not mind that {first!r} is missing")
    print(f"{len(sys.argv) - 2} files, {failed} problems")
    return 1 if failed or len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
