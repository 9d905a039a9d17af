#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles profiles/{runtimes,baselines,defaults} and what of tables/ is for policies into one C file for generator/knowledge.h.

usage: compile_profiles.py PROFILES-FOLDER OUTPUT.c

Every cell is checked; what is wrong is reported as FILE:LINE and stops the build.
"""

import csv
import re
import sys

SYSCALL = r"[a-z_][a-z0-9_]*"
PROGRAM = r"/[A-Za-z0-9._-]+"  # a name, wherever it lies
CAPABILITY = r"CAP_[A-Z_]+"
LEVEL = r"careful|broad"
CALL_RULE = rf"{SYSCALL}( [0-5]=[0-9a-zA-Z_|]+)*"
PATH = r"(/[A-Za-z0-9_.-]+)+"

# file: (C type and name, columns: (name in CSV, pattern, how to write it in C))
TEXT, BOOL = "text", "bool"
TABLES = {
    "runtimes/runtimes.csv": (
        "RuntimeCall",
        "runtime_calls",
        [
            ("runtime", r"[a-z0-9-]+", TEXT),
            ("version", r"[0-9][0-9A-Za-z.+~-]*", TEXT),
            ("no_new_privs", r"yes|no", BOOL),
            ("phase", r"start|exec", TEXT),
            ("syscall", SYSCALL, TEXT),
            ("need", r"required|tolerated|timing", TEXT),
            ("args", r"([0-5]=[0-9a-zA-Z_|]+(;[0-5]=[0-9a-zA-Z_|]+)*)?", TEXT),
        ],
    ),
    "baselines/syscalls.csv": (
        "BaselineCall",
        "baseline_calls",
        [
            ("syscall", SYSCALL, TEXT),
            ("because", rf"{SYSCALL}( {SYSCALL})*", TEXT),
            ("reason", r".+", TEXT),
        ],
    ),
    "baselines/apparmor.csv": (
        "BaselineRule",
        "baseline_rules",
        [("rule", r"[^,#]*[^,#\s]", TEXT), ("reason", r".+", TEXT)],
    ),
    "baselines/places.csv": (
        "Place",
        "places",
        [("path", PATH, TEXT), ("kind", r"tmpfs|shared|volume|given", TEXT)],
    ),
    "tables/equivalents.csv": (
        "EquivalentCalls",
        "equivalent_calls",
        [
            ("level", LEVEL, TEXT),
            ("because", rf"({SYSCALL}|{PROGRAM})( ({SYSCALL}|{PROGRAM}))*", TEXT),
            ("rules", rf"{CALL_RULE}(;{CALL_RULE})*", TEXT),
            ("reason", r".+", TEXT),
        ],
    ),
    "tables/guarded.csv": (
        "GuardedPath",
        "guarded_paths",
        [("path", r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*|" + PATH, TEXT), ("why", r".+", TEXT)],
    ),
    "tables/path_sets.csv": (
        "PathSet",
        "path_sets",
        [
            ("level", LEVEL, TEXT),
            ("path", r"(/[A-Za-z0-9_.:#*-]+)+", TEXT),
            ("pattern", r"/[^\s#]+", TEXT),
            ("what", r".+", TEXT),
        ],
    ),
    "tables/pid_calls.csv": (
        "PidCall",
        "pid_calls",
        [("call", CALL_RULE, TEXT), ("answer", r".+", TEXT)],
    ),
    "tables/temporary_names.csv": (
        "TemporaryName",
        "temporary_names",
        [
            ("program", r"\*|[a-z0-9+.-]+", TEXT),
            ("folder", r"|[A-Za-z0-9._-]+", TEXT),
            ("prefix", r"|\*|\*?[#A-Za-z0-9._-]+", TEXT),
            ("length", r"[0-9][0-9]", TEXT),
            ("letters", r"alnum|alnum_|digits|hex|lower|lower_", TEXT),
            ("suffix", r"|\*|\*\*", TEXT),
            ("source", r".+", TEXT),
        ],
    ),
    "defaults/docker.csv": (
        "DefaultGrant",
        "docker_grants",
        [
            ("kind", r"syscall|capability", TEXT),
            ("name", rf"{SYSCALL}|{CAPABILITY}", TEXT),
            ("when", r"always|arguments|architecture|capability", TEXT),
            ("value", rf"|{CAPABILITY}|[a-z0-9_]+( [a-z0-9_]+)*", TEXT),
        ],
    ),
    "tables/risk.csv": (
        "RiskRow",
        "risk_rows",
        [
            ("kind", r"syscall|capability|path|network|ptrace|mount|unix|signal|setting", TEXT),
            ("name", r"[!-~]+( [!-~]+)*", TEXT),
            ("risk", r"none|low|medium|high|critical", TEXT),
            ("why", r".+", TEXT),
            ("source", r".+", TEXT),
        ],
    ),
    "tables/lint.csv": (
        "LintCode",
        "lint_codes",
        [
            ("code", r"W[1-9][0-9][0-9]", TEXT),
            ("severity", r"note|warning|error", TEXT),
            ("title", r".*[^.]", TEXT),
            ("why", r".+\.", TEXT),
            ("advice", r".+[^.]", TEXT),
            ("example", r".+", TEXT),
        ],
    ),
    "tables/links.csv": (
        "KnownLink",
        "known_links",
        [("path", PATH, TEXT), ("target", r".+", TEXT), ("source", r".+", TEXT)],
    ),
    "tables/capability_calls.csv": (
        "CapabilityCalls",
        "capability_calls",
        [
            ("capability", CAPABILITY, TEXT),
            ("relation", r"needs|uses", TEXT),
            ("calls", rf"{SYSCALL}( {SYSCALL})*", TEXT),
            ("source", r".+", TEXT),
        ],
    ),
    "tables/rule_calls.csv": (
        "RuleCalls",
        "rule_calls",
        [
            ("section", r"files|mounts|ptrace|signals|unix", TEXT),
            ("name", r"\*|[a-z_]+", TEXT),
            ("calls", rf"{SYSCALL}( {SYSCALL})*", TEXT),
        ],
    ),
    "tables/rule_words.csv": (
        "RuleWord",
        "rule_words",
        [("kind", r"[a-z_]+", TEXT), ("word", r"[a-z_-]+", TEXT)],
    ),
}


def die(where, line, text):
    sys.exit(f"{where}:{line}: {text}")


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_rows(path, columns):
    """The rows of one CSV file; lines that begin with # are comments."""
    rows = []
    seen = {}
    header = None
    with open(path, newline="", encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            cells = next(csv.reader([line]))
            if header is None:
                header = cells
                if header != [name for name, _, _ in columns]:
                    die(path, number, "the header must be " + ",".join(c[0] for c in columns))
                continue
            if len(cells) != len(columns):
                die(path, number, f"{len(cells)} cells where {len(columns)} are expected")
            for (name, pattern, _), cell in zip(columns, cells):
                if not re.fullmatch(pattern, cell):
                    die(path, number, f"{cell!r} can be no {name}")
            key = tuple(cells)
            if key in seen:
                die(path, number, f"the same as line {seen[key]}")
            seen[key] = number
            rows.append(cells)
    if header is None:
        die(path, 1, "there is no header")
    return sorted(rows)


def write_table(out, ctype, name, columns, rows):
    out.append(f"const {ctype} {name}[] = {{")
    for row in rows:
        cells = []
        for (_, _, kind), cell in zip(columns, row):
            cells.append(("true" if cell == "yes" else "false") if kind == BOOL else quote(cell))
        out.append("    {" + ", ".join(cells) + "},")
    if not rows:
        out.append("    {0},")
    out.append("};")
    out.append(f"const size_t {name}_count = {len(rows)};")
    out.append("")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Made by generator/compile_profiles.py from profiles/; do not edit. */",
        '#include "generator/knowledge.h"',
        "",
    ]
    for file, (ctype, name, columns) in TABLES.items():
        rows = read_rows(f"{sys.argv[1]}/{file}", columns)
        write_table(out, ctype, name, columns, rows)
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write("\n".join(out))


main()
