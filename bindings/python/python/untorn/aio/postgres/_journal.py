"""Journals in the database, awaited: the class for files, with calls that threads carry out."""

from __future__ import annotations

from contextlib import asynccontextmanager
from inspect import isasyncgenfunction
from typing import TYPE_CHECKING, Any, TypeVar

from untorn._codec import _T
from untorn._fold import State, folded
from untorn.aio import _journal
from untorn.aio._follow import Follow
from untorn.aio._lock import given
from untorn.aio.postgres._appends import Appends
from untorn.aio.postgres._fold import Fold
from untorn.aio.postgres._workers import called, on_loop
from untorn.postgres._only_files import WithoutRepair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
    from types import EllipsisType

    from untorn import Damage, Position, Rewound, postgres
    from untorn._progress import _Progress
    from untorn._untorn import PostgresRewrite, RawFollow, Reader, _Data, _Item
    from untorn.aio._lock import FileLock
    from untorn.aio._pending import Pending

_S = TypeVar("_S")


class _Batch(list[Any]):
    """Encoded records, and a header."""

    def __init__(self, records: Iterable[Any], header: Any = None) -> None:
        super().__init__(records)
        self.header = header


class _LaterReader:
    """The calls of a reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def next(self) -> Pending[Any]:
        return called(self._reader._next)

    def values(self, ends: bool, loads: Any) -> Pending[Any]:
        return called(self._reader._values, ends, loads)


class _LaterRewrite:
    """The calls of a rewrite."""

    def __init__(self, rewrite: PostgresRewrite) -> None:
        self._rewrite = rewrite

    async def reader(self) -> _LaterReader:
        """Begin to read what was there."""
        return _LaterReader(await called(self._rewrite._reader))

    def push(self, records: list[_Data], checked: bool) -> Pending[None]:
        return called(self._rewrite._push, records, checked)

    def commit(self) -> Pending[Position]:
        return called(self._rewrite._commit)


class _Found:
    """In place of a reader: what it found."""

    def __init__(self, items: list[_Item]) -> None:
        self._items = items

    def _next(self) -> list[_Item]:
        items, self._items = self._items, []
        return items


class _Before:
    """In place of a rewrite: what it was before, to be read without a wait."""

    def __init__(self, items: list[_Item], old_bytes: int) -> None:
        self._items = items
        self._old_bytes = old_bytes

    def _reader(self) -> _Found:
        return _Found(self._items)


def _read_before(rewrite: PostgresRewrite) -> _Before:
    reader = rewrite._reader()
    items: list[_Item] = []
    while more := reader._next():
        items += more
    return _Before(items, rewrite._old_bytes)


class _LaterJournal:
    """The calls of a journal. `raw` is a handle on the same journal that takes encoded records."""

    def __init__(self, journal: postgres.Journal[Any], raw: postgres.Journal[Any]) -> None:
        self._journal = journal
        self._raw = raw
        self._appends = Appends(raw._extend_each)
        # A journal with `max_bytes` is looked at before each append.
        self._together = journal._options.get("max_bytes") is None

    def encoded(self, obj: Any) -> _Batch:
        """Encode a record now: the caller may change the object during the call."""
        return _Batch([_copied(self._journal._encode(obj))])

    def encoded_raw(self, record: Any) -> _Batch:
        """Take a record that is encoded."""
        return _Batch([_copied(record)])

    def encoded_many(self, objs: Iterable[Any], header: Any) -> _Batch:
        """Encode many records now."""
        return _Batch((_copied(self._journal._encode(obj)) for obj in objs), header)

    def append(self, batch: _Batch, at: Position | None, timeout: Any, lock: Any) -> Pending[Position]:
        plain = at is None and batch.header is None and lock is None and timeout is ...
        if plain and batch and self._together:
            return self._appends.begin(batch)
        return called(self._raw._extend, batch, at, batch.header, timeout, lock)

    def rotate(self, timeout: Any, lock: Any) -> Pending[Any]:
        return called(lambda: self._journal.rotate(timeout=timeout, lock=lock))

    def clear(self, timeout: Any, lock: Any) -> Pending[Any]:
        return called(lambda: self._journal.clear(timeout=timeout, lock=lock))

    def rotated(self) -> Pending[Any]:
        return called(self._journal.rotated)

    def prune_rotated(self, keep: int, older_than: float, timeout: Any, lock: Any) -> Pending[int]:
        return called(lambda: self._journal.prune_rotated(keep, older_than, timeout=timeout, lock=lock))

    def replace(self, objs: Iterable[Any], timeout: Any, lock: Any, progress: Any) -> Pending[Position]:
        return called(self._raw._replace, self.encoded_many(objs, None), timeout, lock, on_loop(progress))

    def rewind(self, position: Position, timeout: Any, lock: Any) -> Pending[Any]:
        return called(lambda: self._journal.rewind(position, timeout=timeout, lock=lock))

    def sync(self) -> Pending[None]:
        return called(self._journal.sync)

    async def reader(self, start: Position | None, max_records: int | None, max_bytes: int | None) -> _LaterReader:
        """Begin to read."""
        return _LaterReader(await called(self._journal._read, start, max_records, max_bytes))

    def tail(self, n: int) -> Pending[Any]:
        return called(self._journal._tail, n)

    def end(self) -> Pending[Position]:
        return called(self._journal.end)

    def verify(self, progress: _Progress | None) -> Pending[Any]:
        told = on_loop(progress)
        return called(lambda: self._journal.verify(progress=told))

    def header(self) -> Pending[Any]:
        return called(self._journal._header)

    def follow(self, start: Position | None) -> Pending[RawFollow]:
        return called(self._journal._follow, start)

    async def close(self) -> None:
        """Close it."""


def _copied(data: Any) -> Any:
    return data if isinstance(data, bytes | str) else bytes(data)


class Journal(WithoutRepair, _journal.Journal[_T]):
    """An append-only file of a session, in the database. As `untorn.postgres.Journal`."""

    __slots__ = ()

    def _set(self, journal: Any) -> None:
        self._journal = journal
        raw = journal._again(dumps=lambda record: record)
        self._later: Any = _LaterJournal(journal, raw)

    def _commit(
        self, batch: Any, at: Position | None, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> Coroutine[Any, Any, Position]:
        return self._committed(batch, at, timeout, lock)

    async def _committed(
        self, batch: Any, at: Position | None, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> Position:
        position: Position = await self._later.append(batch, at, timeout, None if lock is None else lock._lock)
        return position

    @asynccontextmanager
    async def _rewriting(
        self, change: Callable[[Any], Any], timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> AsyncIterator[tuple[Any, Any]]:
        held = given(lock, "compact", self.path, timeout)
        rewrite: Any = await called(self._journal._begin_rewrite, timeout, held)
        try:
            # A plain function reads on the event loop's own thread, which carries out the statements.
            before = rewrite if isasyncgenfunction(change) else await called(_read_before, rewrite)
            yield before, _LaterRewrite(rewrite)
        finally:
            rewrite._discard()

    async def fold(
        self,
        initial: Callable[[], _S],
        apply: Callable[[_S, _T], _S | None],
        on_damage: Callable[[Damage], object] | None = None,
    ) -> Fold[_S]:
        """Keep a state from the records. As `untorn.postgres.Journal.fold`; `apply` must not be `async`."""
        fold = Fold(self._journal, State(self._journal, *folded(initial, apply, self.path), on_damage))
        await fold.refresh()
        return fold

    def follow(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        on_rewind: Callable[[Rewound], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Follow[_T]:
        """Yield the values that any process appends, from `start` on, or from now on.

        As `untorn.aio.Journal.follow`.
        """
        return Follow(self._journal, self._later, start, on_damage, on_rewind, timeout)

    def __fspath__(self) -> str:
        msg = f"{self.path} is in a database: it has no path"
        raise TypeError(msg)
