#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that what whittle --help says is in the manual pages and completions.

usage: check_docs.py WHITTLE DOCS_FOLDER
"""

import pathlib
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commands_of(overview):
    """Names in the section Commands of `whittle help`."""
    section = overview.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    return [line.split()[0] for line in section.splitlines()]


def options_of(text):
    """Long options in the section Options of a command's help."""
    section = text.split("Options:\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", section, re.MULTILINE)


def check(whittle, docs):
    faults = []

    def expect(found, what):
        if not found:
            faults.append(what)

    names = [name for name in commands_of(run(whittle, "help")) if name != "help"]
    overview = (docs / "man/whittle.1").read_text()
    bash = (docs / "completions/whittle.bash").read_text()
    zsh = (docs / "completions/_whittle").read_text()
    fish = (docs / "completions/whittle.fish").read_text()
    expect(names, "no commands in `whittle help`")
    for name in names:
        options = options_of(run(whittle, name, "--help"))
        page = docs / f"man/whittle-{name}.1"
        expect(page.exists(), f"no {page.name}")
        expect(f"whittle\\-{name} (1)" in overview, f"whittle.1 does not name {name}")
        expect(f"            {name})" in zsh, f"_whittle does not know {name}")
        expect("--help" in options, f"{name} --help does not list --help")
        text = page.read_text().replace("\\-", "-") if page.exists() else ""
        line = next((l for l in bash.splitlines() if l.strip().startswith(f"{name}) echo '--help")), "")
        for option in options:
            expect(f"\\fB{option}\\fR" in text, f"{page.name} does not tell of {option}")
            expect(option in line.replace("'", " ").split(), f"whittle.bash: {name} without {option}")
            expect(option in zsh, f"_whittle: {name} without {option}")
            if option != "--help":
                expect(f"seen_subcommand_from {name}' -l {option[2:]}" in fish,
                       f"whittle.fish: {name} without {option}")
    for match in re.findall(r"whittle\\-([a-z]+) \(1\)", overview):
        expect(match in names, f"whittle.1 names {match}, which is no command")
    return names, faults


def main():
    names, faults = check(sys.argv[1], pathlib.Path(sys.argv[2]))
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    print(f"docs: {len(names)} commands, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
