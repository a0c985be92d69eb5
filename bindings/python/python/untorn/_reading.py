"""Decode records to values."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, cast

from untorn import _codec
from untorn._types import Damage, DamageWarning, Record
from untorn._untorn import Position, inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from untorn._codec import _Loads
    from untorn._untorn import _Item

    _Told: TypeAlias = Callable[[Damage], object]
    """Receives each stretch that a reader skips."""


class Warned:
    """Warn about the first stretch that one read skips, if the caller passed no `on_damage`."""

    __slots__ = ("_path", "_warned")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._warned = False

    def __call__(self, damage: Damage) -> None:
        # A torn tail may be an append that is running. Nothing is lost: the next append repairs it and keeps what it
        # cuts.
        if self._warned or damage.kind == "torn_tail":
            return
        self._warned = True
        msg = (
            f"read {self._path}: skipped {damage.length} bytes at byte {damage.offset} ({damage.kind}), and perhaps "
            "more: verify() lists all damage; on_damage= takes a function that receives each"
        )
        warnings.warn(DamageWarning(msg), stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    # The line of the program that reads, not one of this package.
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "untorn":
        depth, frame = depth + 1, frame.f_back
    return depth


def told(on_damage: Callable[[Damage], object] | None, path: Path) -> _Told:
    """Return the function that receives the damage of one read."""
    return Warned(path) if on_damage is None else on_damage


def records_of(items: list[_Item], told: _Told) -> Iterator[Record]:
    """Yield the records of one call; report damage in its place."""
    for first, second, third in items:
        if isinstance(first, bytes):
            yield Record(first, cast("Position", second), cast("Position", third))
        else:
            told(Damage(first, cast("int", second), cast("int", third)))


class Decoder:
    """How the records of one journal are decoded."""

    __slots__ = ("_is_json", "_is_own", "_loads", "_path")

    def __init__(self, loads: _Loads, is_json: bool, path: Path) -> None:
        self._loads = loads
        self._is_json = is_json
        self._is_own = loads in (_codec.decode, _codec.decode_exactly)
        self._path = path

    def exact(self) -> Decoder:
        """Return a decoder for records to write again: numbers beyond Python's floats keep their spelling."""
        return Decoder(_codec.decode_exactly, self._is_json, self._path) if self._is_own else self

    def decoded(
        self, records: Iterator[Record], told: _Told, keep: Callable[[bytes], object] | None = None
    ) -> Iterator[tuple[Position, Any]]:
        """Yield each record's end and value. `keep` receives sound records that Python can't decode."""
        loads = self._loads
        for data, start, end in records:
            try:
                value = loads(data)
            except Exception as error:
                kind = self._kind_of(data, error)
                if kind is None:
                    error.add_note(f"in the record at {start} of {self._path}; continue reading at {end}")
                    raise
                if kind == "undecodable" and keep is not None:
                    keep(data)
                told(Damage(kind, start.offset, end.offset - start.offset))
                continue
            yield end, value

    def _kind_of(self, data: bytes, error: Exception) -> Any:
        """Return what is wrong with a record that the decoder refused; `None` if nothing is."""
        kind = inspect(data) if self._is_json else None
        # Python's json has limits that JSON does not have: depth, and the digits of an integer.
        if kind is None and self._is_own and isinstance(error, ValueError | RecursionError):
            return "undecodable"
        return kind
