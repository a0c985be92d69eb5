"""What becomes of damage, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn import _untorn
from untorn.aio._lock import given

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from types import EllipsisType

    from untorn import Held, Position, Process, Salvage, TornEntry
    from untorn._untorn import LaterJournal
    from untorn.aio._lock import FileLock


class Salvaging:
    """The methods of a `Journal` for damage. As those of `untorn.Journal`."""

    __slots__ = ()

    _later: LaterJournal

    @property
    def path(self) -> Path:
        """The path of the file."""
        raise NotImplementedError

    async def salvage_plan(self) -> Salvage:
        """Return what `salvage` would do. Takes no lock and changes nothing."""
        return await _untorn.salvage_later(self._later, True, ..., None)

    async def salvage(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Salvage:
        """Mend damage before the end of the journal, and throw nothing away. As `untorn.Journal.salvage`."""
        held = given(lock, "salvage", self.path, timeout)
        return await _untorn.salvage_later(self._later, False, timeout, held)

    async def torn(self) -> list[TornEntry]:
        """Return what repairs and salvages have cut off this journal, oldest first."""
        return await _untorn.torn_later(self._later)

    async def torn_bytes(self, number: int) -> bytes:
        """Return the bytes of one entry of `torn`."""
        return await _untorn.torn_bytes_later(self._later, number)

    async def restore_torn(
        self, number: int, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Give the bytes of one entry back, as records. As `untorn.Journal.restore_torn`."""
        held = given(lock, "append", self.path, timeout)
        return await _untorn.restore_torn_later(self._later, number, timeout, held)

    async def prune_torn(
        self, older_than: float, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> int:
        """Forget entries older than this many seconds, and return how many they were."""
        held = given(lock, "prune_torn", self.path, timeout)
        return await _untorn.prune_torn_later(self._later, older_than, timeout, held)


async def waiters(path: str | os.PathLike[str]) -> list[Process]:
    """Return the processes that wait for the lock of the file `path`. As `untorn.waiters`."""
    return await _untorn.waiters_later(path)


async def held_below(dir: str | os.PathLike[str]) -> list[Held]:  # noqa: A002
    """Return all locks below a directory that a process holds. As `untorn.held_below`."""
    return await _untorn.held_below_later(dir)
