"""A state that follows the records of a journal, awaited."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn._arguments import many
from untorn._errors import Locked
from untorn._fold import decided
from untorn._untorn import LaterFold, LaterTurn, RawTurn
from untorn.aio._closing import Closing
from untorn.aio._held import forget, note
from untorn.aio._lock import given
from untorn.aio._pending import taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from types import EllipsisType

    import untorn
    from untorn import Position
    from untorn._fold import State
    from untorn.aio._lock import FileLock

_S = TypeVar("_S")
_R = TypeVar("_R")


class Fold(Closing, Generic[_S]):
    """A state that follows the records of a journal; `await Journal.fold(initial, apply)` returns it.

    As `untorn.Fold`. If a task that changes it is cancelled or fails, the state is computed again from the file.
    """

    def __init__(self, journal: untorn.Journal, state: State[_S]) -> None:
        self._journal = journal
        self._raw = journal._fold()
        self._later = LaterFold(self._raw, journal._options.get("timeout"))
        self._state = state

    async def refresh(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Apply the records that were appended since, and return how far that is. Waits for the lock if any were."""
        if self._state.is_there and (position := await self._later.current()) is not None:
            return position
        async with self._turn(timeout, lock) as turn:
            return await turn.finish()

    async def append(
        self, obj: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append a record and apply it, after all records that other processes appended before."""
        return await self.extend([obj], timeout=timeout, lock=lock)

    async def extend(
        self, objs: Iterable[Any], *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append many records, all or none, and apply them."""
        journal = self._journal
        data = [journal._encode(obj) for obj in many(objs, "extend", journal.path)]
        async with self._turn(timeout, lock) as turn:
            end = await turn.append(iter(data), journal._checked, False)
            await self._take_in(turn)
            position = await turn.finish()
            return position if end is None else end

    async def update(
        self,
        decide: Callable[[_S], Iterable[Any] | Awaitable[Iterable[Any] | None] | None],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Let `decide` choose from the state what to append, and append it, under one lock. It may be `async`.

        As `untorn.Fold.update`.
        """
        journal = self._journal
        async with self._turn(timeout, lock) as turn:
            while True:
                try:
                    with self._state.in_use():
                        objs = self._state.look(decide)
                    if inspect.isawaitable(objs):
                        objs = await objs
                    data = [journal._encode(obj) for obj in decided(objs, journal.path)]
                    end = await turn.append(iter(data), journal._checked, True) if data else None
                except BaseException:
                    # The state is unchanged and right, or the next turn applies what was appended.
                    await turn.finish()
                    raise
                if data:
                    await self._take_in(turn)
                # In a database another process can be faster.
                if end is not None or not data:
                    position = await turn.finish()
                    return position if end is None else end

    async def read(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the present state. Call `refresh` first to include new records."""
        while True:
            with self._state.in_use():
                if self._state.is_there:
                    return self._state.look(look)
            # Another task is changing it just now, or failed to.
            await self.refresh()

    def read_now(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the present state, without waiting: no other task runs meanwhile.

        Raises `Locked` while a task changes the state, and after one failed to: then await `read`, which waits.
        """
        with self._state.in_use():
            if self._state.is_there:
                return self._state.look(look)
        path = self._journal.path
        msg = f"fold {path}: a task is changing the state, or failed to: await fold.read(...)"
        raise Locked(msg, path=path, operation="fold")

    @property
    async def state(self) -> _S:
        """The present state: `await fold.state`."""
        return await self.read(lambda state: state)

    @property
    def position(self) -> Position | None:
        """How far the state was folded; `None` while it changes, and if no state exists."""
        return self._raw._position

    async def close(self) -> None:
        """Close the journal's file now. As `untorn.Fold.close`."""
        self._raw._close()

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
        # The state is taken out: no other task has a turn, and readers wait for one.
        with self._state.in_use():
            value = self._state.take()
        while items := await turn.next():
            value = self._state.fold(value, items)
        with self._state.in_use():
            self._state.put(value)
