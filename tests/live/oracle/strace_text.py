# SPDX-License-Identifier: Apache-2.0
"""The syntax of what strace writes with -y and -xx: strings and descriptor annotations are hexadecimal throughout, so that
quotes, commas and brackets are the syntax's own."""

import os
import re

HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")
_DELETED = re.escape("".join(f"\\x{byte:02x}" for byte in b" (deleted)"))
_NAMED_DELETED = re.compile(r'"((?:\\x[0-9a-f]{2})*' + _DELETED + ')"')
_WAS_DELETED = re.compile(r"<((?:\\x[0-9a-f]{2})+)" + _DELETED + ">")


def unhex(text):
    return os.fsdecode(bytes.fromhex(text.replace("\\x", "")))


def split_arguments(text):
    """The arguments up to the closing bracket of the call, and what is behind it."""
    depth = 0
    quoted = False
    start = 0
    arguments = []
    for i, c in enumerate(text):
        if quoted:
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                arguments.append(text[start:i].strip())
                return arguments, text[i + 1 :]
            depth -= 1
        elif c == "," and depth == 0:
            arguments.append(text[start:i].strip())
            start = i + 1
    arguments.append(text[start:].strip())
    return arguments, ""


def string_of(argument):
    """The text of a quoted argument; None for a pointer or NULL."""
    if len(argument) < 2 or argument[0] != '"' or '"' not in argument[1:]:
        return None
    body = argument[1 : argument.index('"', 1)]
    return unhex(body) if body else ""


def annotation_of(argument):
    """The path behind a descriptor, its number; (None, number) if it has none."""
    match = re.match(r"^(AT_FDCWD|-?\d+)(?:<([^>]*)>)?(\(deleted\))?", argument)
    if not match:
        return None, None
    path = unhex(match.group(2)) if match.group(2) and HEX.fullmatch(match.group(2)) else None
    if path is not None and not path.startswith("/"):
        path = None
    return path, match.group(1)


def with_deleted_apart(lines):
    """LINES with `<PATH (deleted)>`, as strace 5.16 shows what was removed, as later ones do: `<PATH>(deleted)`. But for
    names that the run itself gave and that end so."""
    given = {name.rsplit("\\x2f", 1)[-1] for line in lines for name in _NAMED_DELETED.findall(line)}

    def apart(match):
        whole = match.group(0)[1:-1]
        return match.group(0) if whole.rsplit("\\x2f", 1)[-1] in given else f"<{match.group(1)}>(deleted)"

    return [_WAS_DELETED.sub(apart, line) for line in lines]
