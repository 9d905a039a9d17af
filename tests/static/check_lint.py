#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/LINT.md is what profiles/tables/lint.csv says.

usage: check_lint.py [--write]
"""

import csv
import pathlib
import sys

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made from profiles/tables/lint.csv by tests/static/check_lint.py --write; edit that instead. -->
# What `whittle lint` finds

`whittle lint POLICY` looks at a policy alone: no recording, no privilege, no container. Each finding has a code that never gets another
meaning, a severity, and a place in the file; `whittle lint --explain CODE` prints what stands here.

* **error**: the policy does not do what it says, or confines nobody
* **warning**: probably a mistake, or dangerous
* **note**: worth knowing

The exit status is 1 if there is a finding of `--fail-on` (`warning`) or worse that nobody has accepted. How one is accepted, with a reason,
says [FORMATS.md](FORMATS.md#accepting-what-whittle-lint-finds).

"""

PARTS = [
    ("W1", "Rules against each other"),
    ("W2", "Rules that do not do what they say"),
    ("W3", "Dangerous grants"),
    ("W4", "Stricter than what works"),
    ("W5", "Granted for nothing"),
    ("W9", "About the policy's comments, and about lint"),
]


def page(path):
    with open(path, encoding="ascii") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    text = HEAD + "| code | severity | finding |\n| --- | --- | --- |\n"
    for row in rows:
        text += f"| [{row['code']}](#{row['code'].lower()}) | {row['severity']} | {row['title']} |\n"
    left = rows
    for prefix, title in PARTS:
        text += f"\n## {title}\n"
        for row in [r for r in left if r["code"].startswith(prefix)]:
            text += (f"\n### {row['code']}\n**{row['title']}** ({row['severity']}). {row['why']}\n\n"
                     f"    {row['example']}\n\nWhat to do: {row['advice']}.\n")
        left = [r for r in left if not r["code"].startswith(prefix)]
    assert not left, f"no part of the page for {left[0]['code']}"
    return text


def main():
    wanted = page("profiles/tables/lint.csv")
    path = pathlib.Path("docs/LINT.md")
    if sys.argv[1:] == ["--write"]:
        path.write_text(wanted, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
        sys.exit("docs/LINT.md is not what profiles/tables/lint.csv says: run tests/static/check_lint.py --write")


main()
