#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn profiles/tables/*.csv into C, refusing anything that does not fit together.

usage: generate.py TABLES_DIR OUTPUT.c
       generate.py --check TABLES_DIR kernel|libc|numbers OUTPUT.c

The second form writes a table of what the system's headers say, which the unit tests compare with
the first: flags by the kernel's and by libc's headers, system call numbers of the machine that
compiles it. What each column means is in profiles/tables/README.md.
"""
import csv
import pathlib
import sys

ARCHES = ["x86_64", "i386", "x32", "aarch64", "arm", "riscv64", "ppc64le", "s390x"]
ROLES = """value fd dirfd path text open_flags open_how at_flags mode sockaddr socklen msghdr mmsghdr
iovec pointer length pid tid pidfd signal uid gid selector clone_args argv envp""".split()
# Roles that whittle has something to look at for.
TELLING = set(ROLES) - {"value", "pointer", "length", "mode", "uid", "gid", "text"}
# Memory and sizes: full registers.
WIDE_ROLES = {"path", "text", "open_how", "sockaddr", "msghdr", "mmsghdr", "iovec", "pointer",
              "length", "clone_args", "argv", "envp"}
FAMILY_OF_ROLE = {"open_flags": "open_flags", "at_flags": "at_flags"}
ACCESS = """read write append create delete rename link lock exec mmap-exec chmod chown truncate
connect stat""".split()
FINALS = {"follow", "nofollow", "parent"}
ATTRIBUTES = {"returns_fd", "fallback"}
VERDICTS = {"need", "probe", "rule", "mode", "user", "own", "any", "touch", "link", "map"}
DENSE_LIMIT = 4096
NO_CALL = 0xFFFF
FLAGS_MAX = 64


class Row(dict):
    """One line of a table; knows where it stands."""

    def __init__(self, place, columns, cells):
        super().__init__(zip(columns, cells))
        self.place = place

    def fail(self, message):
        sys.exit(f"{self.place}: {message}")

    def number(self, column, limit):
        try:
            value = int(self[column], 0)
        except ValueError:
            self.fail(f"{column}: '{self[column]}' is no number")
        if not 0 <= value <= limit:
            self.fail(f"{column}: {value} is out of range")
        return value


def read_table(folder, name, columns):
    path = folder / name
    rows = []
    with path.open(newline="", encoding="ascii") as text:
        reader = csv.reader(text)
        for cells in reader:
            place = f"{path}:{reader.line_num}"
            if not cells or cells[0].startswith("#"):
                continue
            if len(cells) != len(columns):
                sys.exit(f"{place}: {len(cells)} columns, expected {len(columns)}")
            rows.append(Row(place, columns, cells))
    if not rows or list(rows[0].values()) != columns:
        sys.exit(f"{path}: the first line must be {','.join(columns)}")
    return rows[1:]


def need_sorted(rows, key):
    for before, row in zip(rows, rows[1:]):
        if key(before) == key(row):
            row.fail(f"{key(row)} is there twice")
        if key(before) > key(row):
            row.fail(f"{key(row)} must stand before {key(before)}")


class Tables:
    def __init__(self, folder):
        self.read_families(folder)
        self.read_refinements(folder)
        self.read_operations(folder)
        self.read_capabilities(folder)
        self.read_sites(folder)
        self.read_syscalls(folder)
        self.read_arguments(folder)
        self.read_io_uring(folder)

    def read_families(self, folder):
        rows = read_table(folder, "flag_families.csv",
                          ["family", "style", "mask", "closed", "headers"])
        need_sorted(rows, lambda row: row["family"])
        self.families = {}
        for row in rows:
            if row["style"] not in ("enum", "flags"):
                row.fail(f"unknown style '{row['style']}'")
            if row["closed"] not in ("", "yes"):
                row.fail("closed is 'yes' or nothing")
            row["mask"] = row.number("mask", 2**64 - 1)
            row["names"] = []
            self.families[row["family"]] = row
        names = read_table(folder, "flags.csv", ["family", "name", "value", "enumerator_since"])
        for row in names:
            row["value"] = row.number("value", 2**64 - 1)
            if row["family"] not in self.families:
                row.fail(f"unknown family '{row['family']}'")
        need_sorted(names, lambda row: (row["family"], row["value"]))
        for row in names:
            family = self.families[row["family"]]
            if row["name"] in (other["name"] for other in family["names"]):
                row.fail(f"{row['name']} is there twice")
            if row["value"] & ~family["mask"]:
                row.fail(f"{row['name']} is outside the family's mask")
            family["names"].append(row)
        for family in self.families.values():
            if family["style"] == "flags" and len(family["names"]) > FLAGS_MAX:
                family.fail(f"more than {FLAGS_MAX} names")

    def read_refinements(self, folder):
        self.refinements = read_table(folder, "refinements.csv",
                                      ["family", "back", "value", "names"])
        need_sorted(self.refinements, lambda row: (row["family"], row["back"], row["value"]))
        known = {row["name"]: row["value"] for family in self.families.values()
                 for row in family["names"]}
        for row in self.refinements:
            for column in ("family", "names"):
                if row[column] not in self.families:
                    row.fail(f"unknown family '{row[column]}'")
            if row["value"] not in known:
                row.fail(f"unknown name '{row['value']}'")
            row["value"] = known[row["value"]]
            row["back"] = row.number("back", 5)

    def read_operations(self, folder):
        rows = read_table(folder, "path_operations.csv", ["name", "access", "final"])
        need_sorted(rows, lambda row: row["name"])
        self.operations = {row["name"]: row for row in rows}
        for row in rows:
            row["access"] = row["access"].split("+") if row["access"] else []
            for access in row["access"]:
                if access not in ACCESS:
                    row.fail(f"unknown access '{access}'")
            if row["final"] not in FINALS:
                row.fail(f"unknown final '{row['final']}'")

    def read_capabilities(self, folder):
        self.capabilities = read_table(folder, "capabilities.csv",
                                       ["number", "name", "summary", "implied"])
        names = {row["name"] for row in self.capabilities}
        for index, row in enumerate(self.capabilities):
            if row.number("number", 63) != index:
                row.fail(f"expected number {index}")
            row["implied"] = row["implied"].split()
            for name in row["implied"]:
                if name not in names:
                    row.fail(f"unknown capability '{name}'")

    def read_sites(self, folder):
        self.sites = read_table(folder, "capability_sites.csv",
                                ["function", "via", "capability", "verdict", "alternative",
                                 "source"])
        need_sorted(self.sites, lambda row: (row["function"], row["via"], row["capability"]))
        numbers = {row["name"]: index for index, row in enumerate(self.capabilities)}
        numbers.update({"*": -1, "": -1})
        for row in self.sites:
            for column in ("capability", "alternative"):
                if row[column] not in numbers:
                    row.fail(f"unknown capability '{row[column]}'")
                row[column] = numbers[row[column]]
            if row["verdict"] not in VERDICTS:
                row.fail(f"unknown verdict '{row['verdict']}'")
            if not row["function"] or not row["source"]:
                row.fail("a site has a function and a source")

    def read_syscalls(self, folder):
        rows = read_table(folder, "syscalls.csv", ["name", *ARCHES])
        need_sorted(rows, lambda row: row["name"])
        self.syscalls = {row["name"]: row for row in rows}
        taken = {}
        for row in rows:
            for arch in ARCHES:
                if not row[arch]:
                    row[arch] = None
                    continue
                row[arch] = row.number(arch, 2**20)
                other = taken.setdefault((arch, row[arch]), row["name"])
                if other != row["name"]:
                    row.fail(f"{arch} {row[arch]} is {other} already")

    def read_arguments(self, folder):
        rows = read_table(folder, "arguments.csv",
                          ["name", *(f"arg{i}" for i in range(6)), "attributes"])
        need_sorted(rows, lambda row: row["name"])
        self.entries, self.variants = {}, []
        for row in rows:
            name, _, arch = row["name"].partition("@")
            if name not in self.syscalls:
                row.fail(f"unknown system call '{name}'")
            row["args"] = self.parse_arguments(row)
            row["attributes"] = row["attributes"].split()
            for attribute in row["attributes"]:
                if attribute not in ATTRIBUTES:
                    row.fail(f"unknown attribute '{attribute}'")
            if not arch:
                self.entries[name] = row
                continue
            if arch not in ARCHES or self.syscalls[name][arch] is None:
                row.fail(f"'{arch}' has no {name}")
            self.variants.append((name, arch, row))
        for name, row in self.syscalls.items():
            if name not in self.entries:
                row.fail(f"no line in arguments.csv for {name}")

    def read_io_uring(self, folder):
        self.operations_io_uring = read_table(folder, "io_uring.csv",
                                              ["number", "name", "syscall", "names"])
        names = {row["value"]: row["name"] for row in self.families["io_uring_operation"]["names"]}
        for index, row in enumerate(self.operations_io_uring):
            if row.number("number", 255) != index:
                row.fail(f"expected number {index}")
            if names.pop(index, None) != row["name"]:
                row.fail("flags.csv has another name in the family io_uring_operation")
            row["names"] = row["names"].split()
            if row["syscall"] and row["syscall"] not in self.syscalls:
                row.fail(f"unknown system call '{row['syscall']}'")
            entry = self.entries.get(row["syscall"])
            roles = [arg["role"] for arg in entry["args"] if arg] if entry else []
            for role in row["names"]:
                if role not in roles:
                    row.fail(f"'{row['syscall']}' takes no {role}")
                roles.remove(role)
        for name in names.values():
            sys.exit(f"{folder / 'io_uring.csv'}: no line for {name}")

    def parse_arguments(self, row):
        args = [self.parse_argument(row, row[f"arg{i}"]) for i in range(6)]
        used = [arg is not None for arg in args]
        if used != sorted(used, reverse=True):
            row.fail("an unused argument stands before a used one")
        for arg, following in zip(args, args[1:] + [None]):
            if arg and arg["role"] == "dirfd" and (not following or following["role"] != "path"):
                row.fail("a dirfd must stand before its path")
        roles = [arg["role"] for arg in args if arg]
        if roles.count("path") > 2:
            row.fail("more than two paths")
        return args

    def parse_argument(self, row, text):
        if not text:
            return None
        wide = text.endswith("+")
        text = text.rstrip("+")
        condition = text.endswith("!")
        role, _, detail = text.rstrip("!").partition(":")
        if role not in ROLES:
            row.fail(f"unknown role '{role}'")
        if (role in ("path", "selector")) != bool(detail):
            row.fail(f"'{text}': only path and selector name something behind a colon")
        arg = {"role": role, "operation": None, "family": FAMILY_OF_ROLE.get(role),
               "condition": condition, "wide": wide or role in WIDE_ROLES}
        if role == "path":
            if detail not in self.operations:
                row.fail(f"unknown path operation '{detail}'")
            arg["operation"] = detail
        if role == "selector":
            if detail not in self.families:
                row.fail(f"unknown family '{detail}'")
            arg["family"] = detail
            if condition and not self.families[detail]["closed"]:
                row.fail(f"a condition on '{detail}', which is not closed")
            if not wide and self.families[detail]["mask"] >= 2**32:
                row.fail(f"'{detail}' has a mask of 64 bits but the argument is not wide")
        elif condition:
            row.fail("only a selector can carry a condition")
        return arg


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def c_flag(value):
    return "true" if value else "false"


class Writer:
    def __init__(self, tables):
        self.tables = tables
        self.lines = []
        self.family_index = {name: i for i, name in enumerate(tables.families)}
        self.operation_index = {name: i for i, name in enumerate(tables.operations)}

    def put(self, line=""):
        self.lines.append(line)

    def array(self, head, items):
        self.put(f"{head} = {{")
        self.lines += [f"    {item}," for item in items]
        self.put("};")
        self.put()

    def counted(self, kind, name, count_name, items):
        self.array(f"const {kind} {name}[]", items)
        self.put(f"const size_t {count_name} = {len(items)};")
        self.put()

    def families(self):
        items = []
        for name, row in self.tables.families.items():
            names = "NULL"
            if row["names"]:
                names = f"names_{name}"
                self.array(f"static const FlagName {names}[]",
                           [f"{{{c_string(n['name'])}, {n['value']:#x}u}}" for n in row["names"]])
            style = f"FLAG_STYLE_{row['style'].upper()}"
            items.append(f"{{{c_string(name)}, {style}, {row['mask']:#x}u, {c_flag(row['closed'])},"
                         f" {names}, {len(row['names'])}}}")
        self.counted("FlagFamily", "tables_families", "tables_family_count", items)
        self.counted("TablesRefinement", "tables_refinements", "tables_refinement_count",
                     [f"{{{c_string(row['family'])}, {row['back']}, {row['value']:#x}u,"
                      f" &tables_families[{self.family_index[row['names']]}]}}"
                      for row in self.tables.refinements])

    def operations(self):
        items = []
        for name, row in self.tables.operations.items():
            bits = [f"ACCESS_{access.upper().replace('-', '_')}" for access in row["access"]]
            items.append(f"{{{c_string(name)}, {' | '.join(bits) or '0'},"
                         f" PATH_FINAL_{row['final'].upper()}}}")
        self.counted("PathOperation", "tables_path_operations", "tables_path_operation_count",
                     items)

    def capabilities(self):
        items = []
        for row in self.tables.capabilities:
            implied = f"implied_{row['number']}"
            self.put(f"static const char *const {implied}[] = {{"
                     + "".join(f"{c_string(name)}, " for name in row["implied"]) + "NULL};")
            items.append(f"{{{c_string(row['name'])}, {row['number']}, {c_string(row['summary'])},"
                         f" {implied}}}")
        self.put()
        self.counted("Capability", "tables_capabilities", "tables_capability_count", items)

    def sites(self):
        self.counted("CapabilitySite", "tables_capability_sites", "tables_capability_site_count",
                     [f"{{{c_string(row['function'])},"
                      f" {c_string(row['via']) if row['via'] else 'NULL'}, {row['capability']},"
                      f" SITE_{row['verdict'].upper()}, {row['alternative']}}}"
                      for row in self.tables.sites])

    def argument(self, arg):
        if arg is None:
            return "{ROLE_NONE, NULL, NULL, false, false}"
        operation = family = "NULL"
        if arg["operation"]:
            operation = f"&tables_path_operations[{self.operation_index[arg['operation']]}]"
        if arg["family"]:
            family = f"&tables_families[{self.family_index[arg['family']]}]"
        return (f"{{ROLE_{arg['role'].upper()}, {operation}, {family},"
                f" {c_flag(arg['condition'])}, {c_flag(arg['wide'])}}}")

    def syscall(self, name, index, row):
        args = ", ".join(self.argument(arg) for arg in row["args"])
        telling = any(arg and arg["role"] in TELLING for arg in row["args"])
        return (f"{{{c_string(name)}, {{{args}}}, {index},"
                f" {c_flag('returns_fd' in row['attributes'])}, {c_flag(telling)},"
                f" {c_flag('fallback' in row['attributes'])}}}")

    def syscalls(self):
        tables = self.tables
        index = {name: i for i, name in enumerate(tables.syscalls)}
        items = [self.syscall(name, index[name], tables.entries[name]) for name in index]
        items += [self.syscall(name, index[name], row) for name, _, row in tables.variants]
        self.array("const Syscall tables_syscalls[]", items)
        self.put(f"const size_t tables_syscall_count = {len(index)};")
        self.put()
        self.array("const int32_t tables_number_of[][ARCH_COUNT]",
                   ["{" + ", ".join(str(-1 if row[arch] is None else row[arch]) for arch in ARCHES)
                    + "}" for row in tables.syscalls.values()])
        entry = {(name, arch): len(index) + i for i, (name, arch, _) in enumerate(tables.variants)}
        items = []
        for arch in ARCHES:
            numbers = {row[arch]: entry.get((name, arch), index[name])
                       for name, row in tables.syscalls.items() if row[arch] is not None}
            dense = 1 + max(number for number in numbers if number < DENSE_LIMIT)
            self.array(f"static const uint16_t dense_{arch}[]",
                       [str(numbers.get(number, NO_CALL)) for number in range(dense)])
            sparse = sorted(number for number in numbers if number >= DENSE_LIMIT)
            if sparse:
                self.array(f"static const TablesSparse sparse_{arch}[]",
                           [f"{{{number}, {numbers[number]}}}" for number in sparse])
            items.append(f"[ARCH_{arch.upper()}] = {{dense_{arch}, {dense},"
                         f" {f'sparse_{arch}' if sparse else 'NULL'}, {len(sparse)}}}")
        self.array("const TablesNumbers tables_numbers[ARCH_COUNT]", items)

    def io_uring(self):
        index = {name: i for i, name in enumerate(self.tables.syscalls)}
        items = []
        for row in self.tables.operations_io_uring:
            syscall = f"&tables_syscalls[{index[row['syscall']]}]" if row["syscall"] else "NULL"
            roles = " | ".join(f"1u << ROLE_{role.upper()}" for role in sorted(set(row["names"])))
            items.append(f"{{{c_string(row['name'])}, {syscall}, {roles or '0'}}}")
        self.counted("IoUringOperation", "tables_io_uring", "tables_io_uring_count", items)

    def text(self):
        self.put("/* SPDX-License-Identifier: Apache-2.0 */")
        self.put("/* Made from profiles/tables by cmake/tables/generate.py. */")
        self.put('#include "model/tables_data.h"')
        self.put('#include "model/fact.h"')
        self.put()
        self.families()
        self.operations()
        self.capabilities()
        self.sites()
        self.syscalls()
        self.io_uring()
        return "\n".join(self.lines)


def check_text(tables, side):
    """A C table of (family, name, what the system's headers say), kernel's and libc's apart because
    they do not go into one translation unit together."""
    out = ["/* SPDX-License-Identifier: Apache-2.0 */",
           "/* Made from profiles/tables by cmake/tables/generate.py --check. */",
           "#include <stddef.h> /* which asm/signal.h of Linux 5.15 takes for granted */"]
    families = [row for row in tables.families.values() if row["headers"]
                and (side == "libc") == row["headers"].startswith("sys/")]
    headers = sorted({header for row in families for header in row["headers"].split()})
    for header in ["linux/version.h", *headers]:
        out += [f"#if __has_include(<{header}>)", f"#include <{header}>", "#endif"]
    out += ['#include "flags_check.h"', "", f"const FlagCheck flags_check_{side}[] = {{"]
    for family in families:
        for row in family["names"]:
            name = row["name"]
            macro = name.partition("(")[0]
            guard = f"defined({macro})"
            if row["enumerator_since"]:
                version = row["enumerator_since"].replace(".", ", ")
                guard = f"LINUX_VERSION_CODE >= KERNEL_VERSION({version}, 0)"
            out += [f"#if {guard}",
                    f"    {{{c_string(family['family'])}, {c_string(name)}, FLAG_CHECK({name})}},",
                    "#endif"]
    out += ["    {NULL, NULL, 0},", "};", ""]
    return "\n".join(out)


def numbers_check_text(tables):
    out = ["/* SPDX-License-Identifier: Apache-2.0 */",
           "/* Made from profiles/tables by cmake/tables/generate.py --check. */",
           "#include <asm/unistd.h>", '#include "flags_check.h"', "",
           "const FlagCheck flags_check_numbers[] = {"]
    for name in tables.syscalls:
        out += [f"#ifdef __NR_{name}", f"    {{\"syscall\", {c_string(name)}, __NR_{name}}},",
                "#endif"]
    out += ["    {NULL, NULL, 0},", "};", ""]
    return "\n".join(out)


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "--check" and arguments[2] in ("kernel", "libc"):
        text = check_text(Tables(pathlib.Path(arguments[1])), arguments[2])
    elif len(arguments) == 4 and arguments[0] == "--check" and arguments[2] == "numbers":
        text = numbers_check_text(Tables(pathlib.Path(arguments[1])))
    elif len(arguments) == 2:
        text = Writer(Tables(pathlib.Path(arguments[0]))).text()
    else:
        sys.exit(__doc__)
    pathlib.Path(arguments[-1]).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1:])
