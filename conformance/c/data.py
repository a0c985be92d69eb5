"""The bytes and files that the cases speak of.

Nothing here asks the library what a file should hold.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any


class Differs(Exception):
    """A file is not what the case says."""


def read(value: Any) -> bytes:
    """Give the bytes that a string or a list of pieces means."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return b"".join(map(piece, value))
    raise Differs(f"these are no bytes: {value}")


def piece(value: Any) -> bytes:
    """Give the bytes of one piece."""
    if isinstance(value, str):
        return value.encode()
    if "nul" in value:
        return bytes(value["nul"])
    if "repeat" in value:
        return str(value["repeat"]).encode() * int(value["times"])
    if "base64" in value:
        return base64.b64decode(value["base64"], validate=True)
    raise Differs(f"this is no piece of bytes: {value}")


def place(path: Path, entry: Any) -> None:
    """Put what `files` says in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry, dict) and "symlink" in entry:
        path.symlink_to(entry["symlink"])
    elif isinstance(entry, dict) and entry.get("directory"):
        path.mkdir(parents=True, exist_ok=True)
    elif isinstance(entry, dict):
        path.write_bytes(read(entry["bytes"]))
        path.chmod(int(entry["mode"], 8))
    else:
        path.write_bytes(read(entry))


def foreign_write(directory: Path, step: dict[str, Any]) -> None:
    """Change a file as a program does that does not use the library."""
    path = directory / step["path"]
    match step["op"]:
        case "file_write":
            path.write_bytes(read(step["bytes"]))
        case "file_append":
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(descriptor, "ab") as file:
                file.write(read(step["bytes"]))
        case "file_replace":
            new = directory / "foreign.new"
            new.write_bytes(read(step["bytes"]))
            new.rename(path)
        case "file_remove":
            path.unlink()
        case "file_move":
            path.rename(directory / step["to"])
        case "file_make_directory":
            path.mkdir()
        case "file_is":
            check(path, step["bytes"])
        case unknown:
            raise Differs(f"no such op: {unknown}")


def check(path: Path, entry: Any) -> None:
    """Compare a file with what `after` says."""
    if entry is None:
        if os.path.lexists(path):
            raise Differs(f"{path.name} is there")
        return
    if not os.path.lexists(path):
        raise Differs(f"{path.name} is not there")
    described = entry if isinstance(entry, dict) else {"bytes": entry}
    if "symlink" in described:
        if not path.is_symlink() or path.readlink() != Path(described["symlink"]):
            raise Differs(f"{path.name} is not a link to {described['symlink']}")
        return
    seen = path.lstat()
    if described.get("directory"):
        if not stat.S_ISDIR(seen.st_mode):
            raise Differs(f"{path.name} is no directory")
        return
    if not stat.S_ISREG(seen.st_mode):
        raise Differs(f"{path.name} is not a regular file")
    if "mode" in described and stat.S_IMODE(seen.st_mode) != int(described["mode"], 8):
        raise Differs(f"{path.name} has mode {stat.S_IMODE(seen.st_mode):o}, not {described['mode']}")
    if described.get("any"):
        return
    actual = path.read_bytes()
    if "torn" in described:
        check_torn(path.name, actual, described["torn"])
    else:
        same(path.name, actual, read(described["bytes"]))


def check_torn(name: str, rest: bytes, entries: list[Any]) -> None:
    """Compare a `.torn` file; its format is in docs/protocol.md."""
    for entry in entries:
        line, newline, rest = rest.partition(b"\n")
        if not newline:
            raise Differs(f"{name}: an entry is missing")
        head = json.loads(line)
        expected = read(entry["bytes"])
        given = [head["offset"], head["nuls"], head["length"], type(head["time"])]
        wanted = [entry["offset"], entry["nuls"], len(expected), str]
        if given != wanted:
            raise Differs(f"{name}: an entry is {given}, not {wanted}")
        same(name, rest[: len(expected) + 1], expected + b"\n")
        rest = rest[len(expected) + 1 :]
    same(f"{name}, behind the last entry", rest, b"")


def same(what: str, actual: bytes, expected: bytes) -> None:
    """Compare bytes, and show the ends of those that differ."""
    if actual != expected:
        raise Differs(
            f"{what} is {len(actual)} bytes, ...{actual[-120:]!r}, not {len(expected)}, ...{expected[-120:]!r}"
        )


def check_all(directory: Path, case: dict[str, Any]) -> None:
    """Compare all that is there after a case."""
    expected = {**case.get("files", {}), **case.get("after", {})}
    for name, entry in expected.items():
        check(directory / name, entry)
    named = {name.split("/")[0] for name in expected}
    for path in directory.iterdir():
        if path.name not in named and not path.name.endswith((".lock", ".rotated")):
            raise Differs(f"{path.name} was left behind")
