"""A state that is kept from the records of a journal, awaited."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn._fold import decided
from untorn._many import many
from untorn._untorn import LaterFold, LaterTurn, RawTurn
from untorn.aio._held import forget, note
from untorn.aio._lock import given
from untorn.aio._pending import taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from types import EllipsisType, TracebackType
    from typing import Self

    import untorn
    from untorn import Position
    from untorn._fold import State
    from untorn.aio._lock import FileLock

_S = TypeVar("_S")
_R = TypeVar("_R")


class Fold(Generic[_S]):
    """A state that is kept from the records of a journal; `await Journal.fold(initial, apply)` gives it.

    As `untorn.Fold`. Where a task that changes it is cancelled or fails, the state is made anew from the file.
    """

    def __init__(self, journal: untorn.Journal, state: State[_S]) -> None:
        self._journal = journal
        self._raw = journal._fold()
        self._later = LaterFold(self._raw, journal._options.get("timeout"))
        self._state = state

    async def refresh(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Take in what was appended since; waits for the lock if there is anything. Gives how far that is."""
        if self._state.is_there and (position := await self._later.current()) is not None:
            return position
        async with self._turn(timeout, lock) as turn:
            return await turn.finish()

    async def append(
        self, obj: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append a record and take it in, after all that others appended before."""
        return await self.extend([obj], timeout=timeout, lock=lock)

    async def extend(
        self, objs: Iterable[Any], *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append many records, all or none, and take them in."""
        journal = self._journal
        data = [journal._encode(obj) for obj in many(objs, "extend", journal.path)]
        async with self._turn(timeout, lock) as turn:
            end = await turn.append(iter(data), journal._checked)
            await self._take_in(turn)
            await turn.finish()
            return end

    async def update(
        self,
        decide: Callable[[_S], Iterable[Any] | Awaitable[Iterable[Any] | None] | None],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Decide on the state what to append, and append it, under one lock; `decide` may be `async`.

        As `untorn.Fold.update`.
        """
        journal = self._journal
        async with self._turn(timeout, lock) as turn:
            try:
                with self._state.in_use():
                    objs = self._state.look(decide)
                if inspect.isawaitable(objs):
                    objs = await objs
                data = [journal._encode(obj) for obj in decided(objs, journal.path)]
                if data:
                    await turn.append(iter(data), journal._checked)
            except BaseException:
                # The state is as it was, and right; or the next turn takes in what was appended.
                await turn.finish()
                raise
            await self._take_in(turn)
            return await turn.finish()

    async def read(self, look: Callable[[_S], _R]) -> _R:
        """What `look` gives for the state as it is now; `refresh` first for what others have appended."""
        while True:
            with self._state.in_use():
                if self._state.is_there:
                    return self._state.look(look)
            # Another task changes it just now, or failed to.
            await self.refresh()

    @property
    async def state(self) -> _S:
        """The state as it is now: `await fold.state`."""
        return await self.read(lambda state: state)

    @property
    def position(self) -> Position | None:
        """Up to where the state was folded; `None` while it is being changed, and where there is none."""
        return self._raw._position

    async def close(self) -> None:
        """Let the journal's file go now. As `untorn.Fold.close`."""
        self._raw._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<untorn.aio.Fold of {str(self._journal.path)!r}>"

    @asynccontextmanager
    async def _turn(self, timeout: float | EllipsisType | None, lock: FileLock | None) -> AsyncIterator[LaterTurn]:
        raw = await taken(self._later.begin(timeout, given(lock, "fold", self._journal.path, timeout)), RawTurn._drop)
        held = note(self._journal.path, "fold")
        try:
            turn = LaterTurn(raw)
            await self._take_in(turn)
            yield turn
        finally:
            forget(held)
            raw._drop()

    async def _take_in(self, turn: LaterTurn) -> None:
        # Out of everybody's hands: nobody else has a turn, and who reads waits for one.
        with self._state.in_use():
            value = self._state.take()
        while items := await turn.next():
            value = self._state.fold(value, items)
        with self._state.in_use():
            self._state.put(value)
