# SPDX-License-Identifier: Apache-2.0
"""Reads a recording into a Behaviour."""

import json
import os
import re

from behaviour import Behaviour, plain


def unescape(text):
    """The inverse of src/base/escape.h."""
    raw = re.sub(
        rb"\\x([0-9a-f]{2})",
        lambda m: bytes([int(m.group(1), 16)]),
        text.encode("utf-8", "surrogateescape"),
    )
    return os.fsdecode(raw)


def read_recording(path, without=""):
    """The recording at PATH; what the program WITHOUT did is left out, but for the programs that it ran."""
    out = Behaviour()
    footer = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            if "whittle" in item:
                continue
            if "footer" in item:
                footer = item
                continue
            if without and item.get("subject") == without and not _runs_another(item, without):
                continue
            _READERS.get(item["kind"], lambda *_: None)(out, item)
    if footer is None:
        out.complaints.append("the recording has no footer")
        return out
    for loss in footer["losses"]:
        out.losses[loss["cause"]] = loss.get("example", "")
    out.status = footer["runs"][0].get("exit_status", -1)
    return out


def _runs_another(item, program):
    if item["kind"] == "syscall":
        return item["name"] == "execve"
    if item["kind"] == "file" and "exec" not in item["access"]:
        return False
    return item["kind"] in ("exec", "file") and item["name"] != program


def _syscall(out, item):
    key = (item["arch"], item["number"])
    out.calls[key] = item["name"]
    out.calls_of.setdefault(unescape(item.get("subject", "")), {})[key] = item["name"]


def _file(out, item):
    name = plain(unescape(item["name"]))
    fact = out.facts.setdefault(name, {"ok": set(), "errors": set(), "looked": set()})
    access = set(item["access"])
    results = set(item.get("results", []))
    if not results or results & {"ok", "unknown"}:
        fact["ok"] |= access
    fact["looked"] |= access
    fact["errors"] |= results - {"ok"}


def _exec(out, item):
    if item.get("loaded_as") in ("program", "script"):
        if set(item.get("results", ["ok"])) & {"ok", "unknown"}:
            out.execs.add(plain(unescape(item["name"])))


def _signal(out, item):
    out.signals.add(item["name"])


def _network(out, item):
    if item["name"] in ("bind", "connect", "send"):
        out.sockets.add((item["name"], item["family"], item.get("port", 0)))


def _unix(out, item):
    if item["name"] in ("bind", "connect", "send"):
        address = unescape(item.get("address", ""))
        if address.startswith("@"):
            out.sockets.add((item["name"], "unix", "@"))


_READERS = {
    "syscall": _syscall,
    "file": _file,
    "exec": _exec,
    "signal": _signal,
    "network": _network,
    "unix": _unix,
}
