#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuse_server.py MOUNTPOINT COMMAND…: serves a file system of two files (/f, and /p: a program) from
/dev/fuse, runs COMMAND meanwhile, unmounts, and ends with COMMAND's status. No library."""
import ctypes
import os
import stat
import struct
import subprocess
import sys
import threading

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 5, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET = 25, 26, 27, 28, 29, 42
ENOENT, ENOSYS = 2, 38
NODES = {
    1: (stat.S_IFDIR | 0o755, b""),
    2: (stat.S_IFREG | 0o644, b"served\n"),
    3: (stat.S_IFREG | 0o755, b"#!/bin/sh\nexit 7\n"),
}
NAMES = {b"f": 2, b"p": 3}


def attributes(node):
    mode, data = NODES[node]
    return struct.pack("<QQQQQQIIIIIIIIII", node, len(data), 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(code, node, body):
    """A negative errno, or the bytes of the reply; None for no reply. linux/fuse.h."""
    if code == INIT:
        return struct.pack("<IIIIHHII36x", 7, 31, 0, 0, 1, 1, 4096, 1)
    if code in (FORGET, BATCH_FORGET):
        return None
    if code == LOOKUP:
        found = NAMES.get(body.rstrip(b"\0"))
        # Nothing may be kept: every look-up and every look at attributes asks again.
        return struct.pack("<QQQQII", found, 0, 0, 0, 0, 0) + attributes(found) if found else -ENOENT
    if code == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if code in (OPEN, OPENDIR):
        return struct.pack("<QII", node, 0, 0)
    if code == READ:
        _, offset, size = struct.unpack_from("<QQI", body)
        return NODES[node][1][offset:offset + size]
    if code == READDIR:
        _, offset, _ = struct.unpack_from("<QQI", body)
        return b"" if offset else struct.pack("<QQII", 2, 1, 1, 8) + b"f".ljust(8, b"\0")
    if code == STATFS:
        return struct.pack("<QQQQQIIII24x", 1, 0, 0, 2, 0, 4096, 255, 4096, 0)
    return b"" if code in (RELEASE, RELEASEDIR, FLUSH) else -ENOSYS


def serve(device):
    while True:
        try:
            request = os.read(device, 1 << 17)
        except OSError:
            return  # unmounted
        _, code, unique, node = struct.unpack_from("<IIQQ", request)
        reply = answer(code, node, request[40:])
        if reply is not None:
            error, data = (reply, b"") if isinstance(reply, int) else (0, reply)
            os.write(device, struct.pack("<IiQ", 16 + len(data), error, unique) + data)


def main():
    point, command = sys.argv[1], sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"served", point.encode(), b"fuse.served", 0, options.encode()) < 0:
        print("cannot mount:", os.strerror(ctypes.get_errno()))
        return 77
    threading.Thread(target=serve, args=(device,), daemon=True).start()
    status = subprocess.call(command)
    libc.umount2(point.encode(), 2)
    return status


if __name__ == "__main__":
    sys.exit(main())
