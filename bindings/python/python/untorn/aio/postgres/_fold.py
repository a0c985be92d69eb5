"""A state that follows the records of a journal in the database, awaited."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from untorn.aio import _fold
from untorn.aio._lock import given
from untorn.aio._pending import taken
from untorn.aio.postgres._workers import called

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import EllipsisType

    from untorn import Position
    from untorn._fold import State
    from untorn._untorn import PostgresFold, PostgresFoldTurn, _Data, _Folded
    from untorn.aio._lock import FileLock
    from untorn.aio._pending import Pending

_S = TypeVar("_S")


class _LaterFold:
    """The calls of a fold."""

    def __init__(self, raw: PostgresFold) -> None:
        self._raw = raw

    async def current(self) -> Position | None:
        """Nothing: as the fold itself."""
        return self._raw._current()

    def begin(self, timeout: Any, lock: Any) -> Pending[PostgresFoldTurn]:
        return called(self._raw._begin, timeout, lock, let_go=_drop)


class _LaterTurn:
    """The calls of a turn."""

    def __init__(self, raw: PostgresFoldTurn) -> None:
        self._raw = raw

    def next(self) -> Pending[list[_Folded]]:
        return called(self._raw._next)

    def append(self, records: Iterator[_Data], checked: bool, decided: bool) -> Pending[Position | None]:
        return called(self._raw._append, records, checked, decided)

    def finish(self) -> Pending[Position]:
        return called(self._raw._finish)


class Fold(_fold.Fold[_S]):
    """A state that follows the records of a journal; `await Journal.fold(initial, apply)` returns it.

    As `untorn.postgres.Fold`. `apply` runs on the event loop's thread.
    """

    _later: Any
    _raw: Any

    def __init__(self, journal: Any, state: State[_S]) -> None:
        self._journal: Any = journal
        self._raw = journal._fold()
        self._later = _LaterFold(self._raw)
        self._state = state
        # The threads of the calls change within a turn, so none of them knows its own.
        self._turns = asyncio.Lock()

    @asynccontextmanager
    async def _turn(self, timeout: float | EllipsisType | None, lock: FileLock | None) -> AsyncIterator[Any]:
        async with self._turns:
            raw = await taken(self._later.begin(timeout, given(lock, "fold", self._journal.path, timeout)), _drop)
            try:
                turn: Any = _LaterTurn(raw)
                await self._take_in(turn)
                yield turn
            finally:
                raw._drop()

    def __repr__(self) -> str:
        return f"<untorn.aio.postgres.Fold of {str(self._journal.path)!r}>"


def _drop(turn: PostgresFoldTurn) -> None:
    turn._drop()
