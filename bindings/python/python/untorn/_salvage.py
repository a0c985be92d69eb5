"""What becomes of damage: salvage, and the bytes that repairs have cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from untorn import _untorn
from untorn._plain import Plain, plain
from untorn._types import Repair

if TYPE_CHECKING:
    from pathlib import Path
    from types import EllipsisType

    from untorn._types import Holder, _Kind
    from untorn._untorn import FileLock, Position, Process, RawJournal


class SalvagedLine(NamedTuple):
    """A damaged line before the end of a journal, and what becomes of it."""

    kind: _Kind
    """The kind of damage."""
    offset: int
    """Bytes from the start of the file as it was."""
    length: int
    """The number of bytes, with the newline."""
    line: int
    """The number of the line in the file as it was, from 1."""
    records: int
    """How many whole records of it become lines of their own."""
    kept: int
    """How many of its bytes go to the file `.torn`."""
    nuls: int
    """How many NULs go. The file `.torn` has their number."""


@plain
class Salvage(Plain):
    """The result of a salvage, or its plan."""

    lines: tuple[SalvagedLine, ...]
    """The damaged lines, in file order (the first 1,024)."""
    line_count: int
    """The number of all lines that are mended."""
    records: int
    """How many whole records the damaged lines had."""
    kept: int
    """How many bytes go to the file `.torn`, without those of the torn tail."""
    nuls: int
    """How many NULs go."""
    left: int
    """How many damaged lines stay as they are, since they are longer than `max_record`."""
    tail: Repair | None
    """The repair of the torn tail."""


class TornEntry(NamedTuple):
    """Bytes that a repair or a salvage cut off a journal."""

    number: int
    """Its place in the list, from 1. It changes only if earlier entries are pruned."""
    time: str
    """When it was cut, in UTC: `2026-11-21T04:00:30.123Z`."""
    offset: int
    """Where the bytes were in the journal as it was."""
    length: int
    """How many bytes are kept."""
    nuls: int
    """How many NULs followed, which are not kept."""
    why: str | None
    """The kind of damage, or another reason; `None` for a torn tail."""


class Held(NamedTuple):
    """A lock that a process holds."""

    path: Path
    """The file whose lock it is."""
    holder: Holder
    """The process that holds it."""
    waiters: list[Process]
    """The processes that wait for it, as far as they are known."""


def make_salvage(
    lines: list[tuple[_Kind, int, int, int, int, int, int]],
    line_count: int,
    records: int,
    kept: int,
    nuls: int,
    left: int,
    tail: tuple[int, int, bool] | None,
) -> Salvage:
    """Make the value that the native half describes."""
    return Salvage(
        lines=tuple(SalvagedLine(*line) for line in lines),
        line_count=line_count,
        records=records,
        kept=kept,
        nuls=nuls,
        left=left,
        tail=None if tail is None else Repair(*tail),
    )


class Salvaging:
    """The methods of a `Journal` for damage."""

    __slots__ = ()

    def salvage_plan(self) -> Salvage:
        """Return what `salvage` would do. Takes no lock and changes nothing."""
        return _untorn.salvage(_raw(self), True, ..., None)

    def salvage(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Salvage:
        """Mend damage before the end of the journal, and throw nothing away.

        Records that were glued together become a line each, and NULs are removed. Bytes that can't be read go to the
        file `.torn`, with their place. The torn tail is repaired too. If anything but the tail is mended, the journal
        is a new file from then on, and earlier positions are refused. `Corrupt`: the file is plainly not a journal.
        """
        return _untorn.salvage(_raw(self), False, timeout, lock)

    def torn(self) -> list[TornEntry]:
        """Return what repairs and salvages have cut off this journal, oldest first."""
        return _untorn.torn(_raw(self))

    def torn_bytes(self, number: int) -> bytes:
        """Return the bytes of one entry of `torn`. `NotFound`: no entry has this number."""
        return _untorn.torn_bytes(_raw(self), number)

    def restore_torn(
        self, number: int, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Give the bytes of one entry back: append each line of them as a record, all or none.

        Returns the position after the last. The entry stays, so a second call appends them again. `InvalidRecord`: a
        line of it is no record; most entries are half a record.
        """
        return _untorn.restore_torn(_raw(self), number, timeout, lock)

    def prune_torn(
        self, older_than: float, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> int:
        """Forget entries older than this many seconds, and return how many they were."""
        return _untorn.prune_torn(_raw(self), older_than, timeout, lock)


def _raw(journal: Salvaging) -> RawJournal:
    # It is mixed into `untorn.Journal` alone.
    return cast("RawJournal", journal)
