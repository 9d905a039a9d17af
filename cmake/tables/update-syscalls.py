#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrite profiles/tables/syscalls.csv from installed kernel headers.

The headers are those of Debian's linux-libc-dev and linux-libc-dev-ARCH-cross packages. They may be
older than the newest kernel we know of: calls that came later are listed in LATER, from the kernel's
own tables (scripts/syscall.tbl, arch/*/kernel/syscalls/*.tbl). What the CSV knows and the headers do
not is kept, so that running this with older headers loses nothing; a number that differs is an error.

usage: update-syscalls.py [CSV]
"""
import pathlib
import re
import subprocess
import sys

ARCHES = ["x86_64", "i386", "x32", "aarch64", "arm", "riscv64", "ppc64le", "s390x"]

X86 = "/usr/include/x86_64-linux-gnu"
# Architecture: preprocessor arguments that make <asm/unistd.h> (or FILE) that architecture's.
HEADERS = {
    "x86_64": (["-I" + X86], "asm/unistd_64.h"),
    "i386": (["-I" + X86], "asm/unistd_32.h"),
    "x32": (["-I" + X86, "-D__X32_SYSCALL_BIT=0"], "asm/unistd_x32.h"),
    "aarch64": (["-I/usr/aarch64-linux-gnu/include", "-D__aarch64__"], "asm/unistd.h"),
    "arm": (["-I/usr/arm-linux-gnueabihf/include", "-D__arm__", "-D__ARM_EABI__"], "asm/unistd.h"),
    "riscv64": (["-I/usr/riscv64-linux-gnu/include", "-D__riscv", "-D__riscv_xlen=64",
                 "-D__LP64__", "-D__SIZEOF_POINTER__=8"],
                "asm/unistd.h"),
    "ppc64le": (["-I/usr/powerpc64le-linux-gnu/include", "-D__powerpc__", "-D__powerpc64__",
                 "-D__LITTLE_ENDIAN__"], "asm/unistd.h"),
    "s390x": (["-I/usr/s390x-linux-gnu/include", "-D__s390__", "-D__s390x__"], "asm/unistd.h"),
}

# No system calls, though they look like one.
NOT_CALLS = {"SYSCALL_BASE", "SYSCALL_MASK", "OABI_SYSCALL_BASE", "arch_specific_syscall", "syscalls"}
# arm's headers give one number two names; libseccomp knows this one.
RENAMED = {("arm", "sync_file_range2"): "arm_sync_file_range"}

ALL = ARCHES
# Linux 6.2 … 6.19: name, number, architectures.
LATER = [
    ("cachestat", 451, ALL),
    ("fchmodat2", 452, ALL),
    ("map_shadow_stack", 453, [a for a in ALL if a != "x32"]),
    ("futex_wake", 454, ALL),
    ("futex_wait", 455, ALL),
    ("futex_requeue", 456, ALL),
    ("statmount", 457, ALL),
    ("listmount", 458, ALL),
    ("lsm_get_self_attr", 459, ALL),
    ("lsm_set_self_attr", 460, ALL),
    ("lsm_list_modules", 461, ALL),
    ("mseal", 462, ALL),
    ("setxattrat", 463, ALL),
    ("getxattrat", 464, ALL),
    ("listxattrat", 465, ALL),
    ("removexattrat", 466, ALL),
    ("open_tree_attr", 467, ALL),
    ("file_getattr", 468, ALL),
    ("file_setattr", 469, ALL),
    ("listns", 470, ALL),
    ("uretprobe", 335, ["x86_64"]),
    ("uprobe", 336, ["x86_64"]),
    ("riscv_hwprobe", 258, ["riscv64"]),
    ("riscv_flush_icache", 259, ["riscv64"]),
    ("memfd_secret", 447, ["s390x"]),
]


def header_calls(arch):
    """{name: number} as ARCH's headers define them."""
    arguments, header = HEADERS[arch]
    base = ["gcc", "-E", "-nostdinc", "-undef", *arguments]
    source = f"#include <{header}>\n"
    macros = subprocess.run([*base, "-dM", "-"], input=source, capture_output=True, text=True,
                            check=True).stdout
    names = re.findall(r"^#define (__NR_\w+|__ARM_NR_\w+) ", macros, re.M)
    source += "".join(f'"{name}" = {name}\n' for name in names)
    text = subprocess.run([*base, "-P", "-"], input=source, capture_output=True, text=True,
                          check=True).stdout
    calls = {}
    for name, value in re.findall(r'^"(\w+)" = (.+)$', text, re.M):
        name = re.sub(r"^__(ARM_)?NR_", "", name)
        name = RENAMED.get((arch, name), name)
        if name in NOT_CALLS or name == "BASE" or name.startswith("3264_"):
            continue
        number = eval(value, {"__builtins__": {}})  # a sum of integer constants from our headers
        calls[name] = number
    return calls


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "profiles/tables/syscalls.csv"
    table = {}
    if path.exists():
        rows = [line.split(",") for line in path.read_text().splitlines() if line[:1] not in "#"]
        for row in rows[1:]:
            for arch, number in zip(rows[0][1:], row[1:]):
                if number:
                    table.setdefault(row[0], {})[arch] = int(number)

    def put(name, arch, number):
        known = table.setdefault(name, {}).setdefault(arch, number)
        if known != number:
            sys.exit(f"{name} on {arch}: {known} in the table, {number} now")

    for arch in ARCHES:
        for name, number in header_calls(arch).items():
            put(name, arch, number)
    for name, number, arches in LATER:
        for arch in arches:
            put(name, arch, number)
    with path.open("w") as out:
        out.write("# SPDX-License-Identifier: Apache-2.0\n")
        out.write("name," + ",".join(ARCHES) + "\n")
        for name in sorted(table):
            out.write(name + "," + ",".join(str(table[name].get(a, "")) for a in ARCHES) + "\n")
    print(f"{len(table)} calls")


if __name__ == "__main__":
    main()
