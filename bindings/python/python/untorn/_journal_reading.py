"""The methods of a `Journal` that read its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, SupportsIndex, overload

from untorn._codec import _T
from untorn._indexing import at_index
from untorn._reading import read_all, told
from untorn._types import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from untorn._journal import Journal
    from untorn._types import Damage
    from untorn._untorn import Position


class Reading(Generic[_T]):
    """The methods of a `Journal` that read its records."""

    __slots__ = ()

    def __iter__(self) -> Iterator[_T]:
        """Yield all records, decoded. Damage is skipped, with one `DamageWarning`."""
        return _raw(self)._decoder.values(_raw(self)._read(None, None, None), told(None, _raw(self).path))

    def entries(
        self, start: Position | None = None, on_damage: Callable[[Damage], object] | None = None
    ) -> Iterator[tuple[Position, _T]]:
        """Yield `(position, value)` in file order, from `start` on.

        The position is the end of the record, where reading can continue. Damaged stretches are skipped: `on_damage`
        receives each in its place; without it, the first causes a `DamageWarning`. Takes no lock, and uses constant
        memory. A position that is not of this file raises `Conflict`. If your own `loads` raises for a sound record,
        the exception is passed on.
        """
        return _raw(self)._decoder.entries(_raw(self)._read(start, None, None), told(on_damage, _raw(self).path))

    def records(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> Iterator[Record]:
        """Yield the records as bytes, not decoded, each with its start and its end.

        `on_damage` receives the damage that the framing shows: a torn tail, NULs, lines that are too long. Only the
        first 1,024 of these are reported; `verify` counts them all. One record, or one byte of records, more than a
        limit allows raises `LimitExceeded`, whose `position` is where to continue reading.
        """
        return read_all(_raw(self)._read(start, max_records, max_bytes), told(on_damage, _raw(self).path))

    def read(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> list[_T]:
        """Return all values from `start` on in a list; raise `LimitExceeded` if they are more than a limit allows."""
        reader = _raw(self)._read(start, max_records, max_bytes)
        return list(_raw(self)._decoder.values(reader, told(on_damage, _raw(self).path)))

    def tail(self, n: int, on_damage: Callable[[Damage], object] | None = None) -> list[_T]:
        """Return the last `n` values, oldest first. It reads backwards, so the journal's length does not matter.

        Returns fewer than `n` if some of the last `n` lines can't be decoded.
        """
        records = iter(self.tail_records(n))
        return [value for _, value in _raw(self)._decoder.decoded(records, told(on_damage, _raw(self).path))]

    def tail_records(self, n: int) -> list[Record]:
        """Return the last `n` records as bytes, oldest first."""
        return [Record(*record) for record in _raw(self)._tail(n)]

    def __len__(self) -> int:
        """Count the records: reads the file. A line that only decoding shows to be damaged counts, too."""
        return _raw(self)._count()

    def __bool__(self) -> bool:
        """A journal is true, also without records."""
        return True

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> _T: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_T]: ...
    def __getitem__(self, index: Any, /) -> Any:
        """Return a record by its place, or some by a slice. `journal[-1]` and `journal[-9:]` read only the end."""
        return at_index(_raw(self), index)

    def __reversed__(self) -> Iterator[_T]:
        """Yield the records, the last one first. All of them are in memory."""
        yield from reversed(self.read())


def _raw(reading: Any) -> Journal[Any]:
    journal: Journal[Any] = reading
    return journal
