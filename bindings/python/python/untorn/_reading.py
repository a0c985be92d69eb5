"""Decode records to values."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, cast

from untorn import _codec
from untorn._types import Damage, DamageWarning, Record
from untorn._untorn import Position, inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from untorn._codec import _Loads
    from untorn._untorn import Reader, _Item, _Left

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


def read_all(reader: Reader, told: _Told) -> Iterator[Record]:
    """Yield the records that a reader finds; report damage in its place."""
    while items := reader._next():
        yield from records_of(items, told)


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

    def values(self, reader: Reader, told: _Told) -> Iterator[Any]:
        """Yield the values that a reader finds."""
        while True:
            values, left = reader._values(False, self._own_or_none)
            if not values and not left:
                return
            yield from self.unmixed(values, left, told)

    def entries(self, reader: Reader, told: _Told) -> Iterator[tuple[Position, Any]]:
        """Yield the values that a reader finds, each with its end."""
        while True:
            entries, left = reader._values(True, self._own_or_none)
            if not entries and not left:
                return
            yield from self.merged(entries, left, told)

    @property
    def _own_or_none(self) -> _Loads | None:
        """The function that the extension calls for each record; `None` for its own decoder."""
        return None if self._is_own else self._loads

    def unmixed(self, values: list[Any], left: list[_Left], told: _Told) -> Iterable[Any]:
        """Return the values, and between them what the extension left to Python."""
        if not left:
            return values
        return (value for _, value in self.merged([(None, value) for value in values], left, told))

    def merged(self, entries: list[tuple[Any, Any]], left: list[_Left], told: _Told) -> Iterator[tuple[Any, Any]]:
        """Yield entries, and between them what the extension left to Python."""
        at = 0
        for place, item, error in left:
            yield from entries[at:place]
            at = place
            if not isinstance(item[0], bytes):
                told(Damage(*cast("Any", item)))
            elif error is None:
                yield from self.decoded(iter([Record(*cast("Any", item))]), told)
            else:
                self._skip(Record(*cast("Any", item)), error, told)
        yield from entries[at:]

    def decoded(
        self, records: Iterator[Record], told: _Told, keep: Callable[[bytes], object] | None = None
    ) -> Iterator[tuple[Position, Any]]:
        """Yield each record's end and value. `keep` receives sound records that Python can't decode."""
        loads = self._loads
        for record in records:
            try:
                value = loads(record.data)
            except Exception as error:
                self._skip(record, error, told, keep)
                continue
            yield record.end, value

    def _skip(
        self, record: Record, error: Exception, told: _Told, keep: Callable[[bytes], object] | None = None
    ) -> None:
        """Report a record that the decoder refused; raise its error if the record is sound."""
        data, start, end = record
        kind = self._kind_of(data, error)
        if kind is None:
            error.add_note(f"in the record at {start} of {self._path}; continue reading at {end}")
            raise error
        if kind == "undecodable" and keep is not None:
            keep(data)
        told(Damage(kind, start.offset, end.offset - start.offset))

    def _kind_of(self, data: bytes, error: Exception) -> Any:
        """Return what is wrong with a record that the decoder refused; `None` if nothing is."""
        kind = inspect(data) if self._is_json else None
        # Python's json has limits that JSON does not have: depth, and the digits of an integer.
        if kind is None and self._is_own and isinstance(error, ValueError | RecursionError):
            return "undecodable"
        return kind
