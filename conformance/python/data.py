"""The bytes and files that the data speaks of. Nothing here asks the library what a file should hold."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Failed(Exception):
    """A step or a file is not as the case says."""


def same(what: str, actual: object, expected: object) -> None:
    """Compare as JSON does: 1 is not True, and 1.0 is not 1."""
    if json.dumps(actual, sort_keys=True) != json.dumps(expected, sort_keys=True):
        msg = f"{what} is {actual!r}, not {expected!r}"
        raise Failed(msg)


def same_bytes(what: str, actual: bytes, expected: bytes) -> None:
    """Compare, and show only the ends of long ones."""
    if actual != expected:
        msg = f"{what} is {len(actual)} bytes, …{actual[-120:]!r}, not {len(expected)} bytes, …{expected[-120:]!r}"
        raise Failed(msg)


def to_bytes(value: Any) -> bytes:
    """A string's UTF-8, or a list of pieces joined."""
    if isinstance(value, str):
        return value.encode()
    return b"".join(map(_piece, value))


def _piece(piece: Any) -> bytes:
    match piece:
        case str():
            return piece.encode()
        case {"nul": int(count)}:
            return bytes(count)
        case {"repeat": str(unit), "times": int(times)}:
            return unit.encode() * times
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
    msg = f"this is no piece of bytes: {piece!r}"
    raise Failed(msg)


def place(path: Path, entry: Any) -> None:
    """Put what `files` says in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match entry:
        case {"symlink": target}:
            path.symlink_to(target)
        case {"directory": True}:
            path.mkdir(exist_ok=True)
        case {"bytes": content, **rest}:
            path.write_bytes(to_bytes(content))
            if "mode" in rest:
                path.chmod(int(str(rest["mode"]), 8))
        case _:
            path.write_bytes(to_bytes(entry))


def check(path: Path, entry: Any) -> None:
    """Compare a file with what `after` says."""
    name = path.name
    there = path.is_symlink() or path.exists()
    if entry is None or not there:
        same(f"that {name} is there", there, entry is not None)
        return
    if isinstance(entry, dict):
        if "symlink" in entry:
            same(f"that {name} is a link", path.is_symlink(), True)
            same(name, str(path.readlink()), entry["symlink"])
            return
        if entry.get("directory"):
            same(f"that {name} is a directory", path.is_dir() and not path.is_symlink(), True)
            return
        if "mode" in entry:
            same(f"the mode of {name}", oct(path.lstat().st_mode & 0o7777), oct(int(entry["mode"], 8)))
    same(f"that {name} is a regular file", path.is_file() and not path.is_symlink(), True)
    if isinstance(entry, dict) and entry.get("any"):
        return
    if isinstance(entry, dict) and "torn" in entry:
        _check_torn(name, path.read_bytes(), entry["torn"])
        return
    same_bytes(name, path.read_bytes(), to_bytes(entry["bytes"] if isinstance(entry, dict) else entry))


def _check_torn(name: str, rest: bytes, entries: list[Any]) -> None:
    for entry in entries:
        head, newline, rest = rest.partition(b"\n")
        same(f"that {name} has another entry", bool(newline), True)
        told = json.loads(head)
        expected = to_bytes(entry["bytes"])
        same(f"{name}: offset", told["offset"], entry["offset"])
        same(f"{name}: nuls", told["nuls"], entry["nuls"])
        same(f"{name}: length", told["length"], len(expected))
        same(f"{name}: that the time is text", isinstance(told["time"], str), True)
        same_bytes(f"{name}: entry", rest[: len(expected) + 1], expected + b"\n")
        rest = rest[len(expected) + 1 :]
    same_bytes(f"{name}: behind the last entry", rest, b"")


def check_all(folder: Path, case: dict[str, Any]) -> None:
    """Compare what is there after a case: what `after` says, what only `files` names as it was, and nothing else."""
    expected = {**case.get("files", {}), **case.get("after", {})}
    for name, entry in expected.items():
        check(folder / name, entry)
    named = {name.split("/")[0] for name in expected}
    for child in folder.iterdir():
        same(
            f"that {child.name} was left behind",
            child.name not in named and child.suffix not in (".lock", ".rotated"),
            False,
        )
