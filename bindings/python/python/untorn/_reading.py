"""Records to values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from untorn._types import Damage, Record
from untorn._untorn import Position, inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from untorn._codec import _Loads
    from untorn._untorn import _Item


def records_of(items: list[_Item], on_damage: Callable[[Damage], object] | None) -> Iterator[Record]:
    """The records of one hand-over; damage is told in its place."""
    for first, second, third in items:
        if isinstance(first, bytes):
            yield Record(first, cast("Position", second), cast("Position", third))
        elif on_damage is not None:
            on_damage(Damage(first, cast("int", second), cast("int", third)))


class Decoder:
    """How the records of one journal are decoded."""

    __slots__ = ("_is_json", "_loads", "_path")

    def __init__(self, loads: _Loads, is_json: bool, path: Path) -> None:
        self._loads = loads
        self._is_json = is_json
        self._path = path

    def decoded(
        self, records: Iterator[Record], on_damage: Callable[[Damage], object] | None
    ) -> Iterator[tuple[Position, Any]]:
        """Where each record ends, and its value."""
        loads = self._loads
        for data, start, end in records:
            try:
                value = loads(data)
            except Exception as error:
                # Damaged, or sound and only not to the decoder's liking?
                kind = inspect(data) if self._is_json else None
                if kind is None:
                    error.add_note(f"in the record at {start} of {self._path}; read on from {end}")
                    raise
                if on_damage is not None:
                    on_damage(Damage(kind, start.offset, end.offset - start.offset))
                continue
            yield end, value
