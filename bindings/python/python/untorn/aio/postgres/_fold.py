"""A state that follows the records of a journal in the database, awaited."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn._arguments import many
from untorn._errors import Conflict, LeaseLost, Locked
from untorn._fold import decided
from untorn._untorn import Position
from untorn.aio._closing import Closing
from untorn.aio.postgres._workers import called

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import EllipsisType

    from untorn._fold import State
    from untorn._untorn import RawFollow
    from untorn.aio._lock import FileLock
    from untorn.aio.postgres._journal import Journal

_S = TypeVar("_S")
_R = TypeVar("_R")

_NOTHING = Position(0, 0)


class Fold(Closing, Generic[_S]):
    """A state that follows the records of a journal; `await Journal.fold(initial, apply)` returns it.

    As `untorn.postgres.Fold`. `apply` runs on the event loop's thread.
    """

    def __init__(self, journal: Journal[Any], state: State[_S]) -> None:
        self._journal = journal
        self._state = state
        self._follow: RawFollow | None = None
        self._turn = asyncio.Lock()

    async def refresh(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Apply the records that were appended since, and return how far that is."""
        del timeout, lock
        async with self._turn:
            return await self._take_in()

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
        end = await journal.extend(many(objs, "extend", journal.path), timeout=timeout, lock=lock)
        await self.refresh()
        return end

    async def update(
        self,
        decide: Callable[[_S], Iterable[Any] | Awaitable[Iterable[Any] | None] | None],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Let `decide` choose from the state what to append, and append it, if no other process appended in between.

        Else it decides again. It may be `async`.
        """
        journal = self._journal
        async with self._turn:
            while True:
                at = await self._take_in()
                with self._state.in_use():
                    chosen = self._state.look(decide)
                if inspect.isawaitable(chosen):
                    chosen = await chosen
                objs = list(decided(chosen, journal.path))
                if not objs:
                    return at
                try:
                    end = await journal.extend(objs, at=at, timeout=timeout, lock=lock)
                except LeaseLost:
                    raise
                except Conflict:
                    continue
                await self._take_in()
                return end

    async def read(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the present state. Call `refresh` first to include new records."""
        while True:
            with self._state.in_use():
                if self._state.is_there:
                    return self._state.look(look)
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
        follow = self._follow
        return follow._position if follow is not None and self._state.is_there else None

    async def close(self) -> None:
        """End it. The next call that refreshes or changes the state reads the journal again."""
        follow, self._follow = self._follow, None
        if follow is not None:
            follow._close()

    async def _take_in(self) -> Position:
        follow = self._follow
        if follow is None or not self._state.is_there:
            follow = await self._begin_again()
        # Taken out: if a task is cancelled here, the state is made again.
        value = self._state.take()
        while True:
            items = await called(follow._next, 0)
            # For a follower a rotation is not a rewind. But a state belongs to one generation.
            if follow._rotations:
                follow = await self._begin_again()
                value = self._state.take()
                continue
            if not items:
                break
            for item in items:
                if item[0] != "rewound":
                    value = self._state.fold(value, [item])
                elif item[2].offset == 0:
                    # The records follow from the first on.
                    value = self._state.fold(value, [None])
                else:
                    follow = await self._begin_again()
                    value = self._state.take()
                    break
        self._state.put(value)
        return follow._position

    async def _begin_again(self) -> RawFollow:
        await self.close()
        self._follow = follow = await called(self._journal._journal._follow, _NOTHING)
        self._state.put(self._state.fold(self._state.take(), [None]))
        return follow

    def __repr__(self) -> str:
        return f"<untorn.aio.postgres.Fold of {str(self._journal.path)!r}>"
