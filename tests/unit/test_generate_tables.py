#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cmake/tables/generate.py takes the tables that we have and refuses each of these mistakes.

usage: test_generate_tables.py SOURCE_ROOT
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
TABLES = ROOT / "profiles/tables"

# What is wrong: file, text, replacement, expected message. The text must be there.
MISTAKES = [
    ("syscalls.csv", "\nread,0,", "\nread,1,", "x86_64 1 is "),
    ("syscalls.csv", "\nread,0,", "\nread,x,", "'x' is no number"),
    ("syscalls.csv", "\nread,0,", "\nread,-1,", "out of range"),
    ("syscalls.csv", "\nread,0,", "\nzread,0,", "must stand before"),
    ("syscalls.csv", "\nread,0,", "\nreac,0,", "unknown system call 'read'"),
    ("syscalls.csv", "\nread,0,", "\nread,", "8 columns, expected 9"),
    ("syscalls.csv", "name,x86_64,i386", "name,i386,x86_64", "the first line must be"),
    ("arguments.csv", "\nread,fd,pointer,length,,,,\n", "\n", "no line in arguments.csv for read"),
    ("arguments.csv", "\nread,fd,", "\nread,fb,", "unknown role 'fb'"),
    ("arguments.csv", "\nread,fd,", "\nread,,", "unused argument"),
    ("arguments.csv", "\nread,fd,", "\nread,fd!,", "only a selector"),
    ("arguments.csv", "\nread,fd,", "\nread,fd:x,", "only path and selector"),
    ("arguments.csv", "\nread,fd,", "\nread,dirfd,", "dirfd must stand before its path"),
    ("arguments.csv", "\nread,fd,", "\nread,selector,", "only path and selector"),
    ("arguments.csv", "\nread,fd,", "\nread,selector:x,", "unknown family 'x'"),
    ("arguments.csv", "\nread,fd,", "\nread,path:x,", "unknown path operation 'x'"),
    ("arguments.csv", "\nread,fd,", "\nread@z,fd,", "'z' has no read"),
    ("arguments.csv", "\nreadv,fd,iovec,length,,,,", "\nreadv,fd,iovec,length,,,,x",
     "unknown attribute 'x'"),
    ("arguments.csv", "selector:seek_whence", "selector:seek_whence!", "which is not closed"),
    ("arguments.csv", "selector:ptrace_request!+", "selector:ptrace_request!", "is not wide"),
    ("flags.csv", "socket_domain,AF_INET,0x2", "socket_domain,AF_INET,0x1", "is there twice"),
    ("flags.csv", "socket_domain,AF_INET,0x2", "socket_domain,AF_UNIX,0x2", "is there twice"),
    ("flags.csv", "socket_type,SOCK_DGRAM,0x2", "socket_type,SOCK_DGRAM,0x12", "must stand before"),
    ("flags.csv", "socket_type,SOCK_PACKET,0xa", "socket_type,SOCK_PACKET,0x10",
     "outside the family's mask"),
    ("flags.csv", "\nseek_whence,", "\nseek_whense,", "unknown family 'seek_whense'"),
    ("flag_families.csv", "seek_whence,enum", "seek_whence,enun", "unknown style"),
    ("refinements.csv", "SOL_TCP", "SOL_TCX", "unknown name 'SOL_TCX'"),
    ("refinements.csv", "ip_protocol", "ip_protocoll", "unknown family"),
    ("path_operations.csv", "chdir,stat", "chdir,state", "unknown access 'state'"),
    ("path_operations.csv", "chdir,stat,follow", "chdir,stat,follows", "unknown final"),
    ("capabilities.csv", "\n7,CAP", "\n8,CAP", "expected number 7"),
    ("capabilities.csv", ",CAP_DAC_READ_SEARCH\n", ",CAP_DAC_READ\n", "unknown capability"),
    ("capability_sites.csv", "cap_capset,,CAP_SETPCAP", "cap_capset,,CAP_SETCAP",
     "unknown capability 'CAP_SETCAP'"),
    ("capability_sites.csv", ",need,CAP_SYS_NICE", ",need,CAP_NICE", "unknown capability"),
    ("capability_sites.csv", "CAP_SETPCAP,rule", "CAP_SETPCAP,ruled", "unknown verdict 'ruled'"),
    ("capability_sites.csv", "\ndo_jit,", "\nzdo_jit,", "must stand before"),
    ("io_uring.csv", "\n18,", "\n19,", "expected number 18"),
    ("io_uring.csv", "IORING_OP_OPENAT2,", "IORING_OP_OPENAT3,", "flags.csv has another name"),
    ("io_uring.csv", ",openat2,", ",openat3,", "unknown system call 'openat3'"),
    ("io_uring.csv", ",listen,fd", ",listen,fd fd", "'listen' takes no fd"),
    ("io_uring.csv", "\n62,IORING_OP_PIPE,pipe2,\n", "\n", "no line for IORING_OP_PIPE"),
]


def generate(folder):
    script = ROOT / "cmake/tables/generate.py"
    return subprocess.run([sys.executable, script, folder, pathlib.Path(folder) / "out.c"],
                          capture_output=True, text=True, check=False)


class GenerateTables(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for path in TABLES.glob("*.csv"):
            shutil.copy(path, self.folder)

    def test_ours(self):
        result = generate(self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        first = (pathlib.Path(self.folder) / "out.c").read_bytes()
        generate(self.folder)
        self.assertEqual(first, (pathlib.Path(self.folder) / "out.c").read_bytes())

    def test_mistakes(self):
        for name, text, replacement, message in MISTAKES:
            with self.subTest(file=name, to=replacement):
                path = pathlib.Path(self.folder) / name
                good = path.read_text(encoding="ascii")
                self.assertIn(text, good)
                path.write_text(good.replace(text, replacement, 1), encoding="ascii")
                result = generate(self.folder)
                path.write_text(good, encoding="ascii")
                self.assertNotEqual(result.returncode, 0)
                self.assertRegex(result.stderr, r"\.csv:?\d*: ")
                self.assertIn(message, result.stderr)


if __name__ == "__main__":
    unittest.main()
