"""Journals of objects, awaited."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import untorn
from untorn import _codec
from untorn._arguments import function, many
from untorn._codec import _T, Codec
from untorn._fold import State, folded
from untorn._journal_writing import _CHUNK
from untorn._options import JournalOptions, split
from untorn._progress import reported
from untorn._reading import read_all, records_of, told
from untorn._types import Record
from untorn._untorn import LaterJournal, LaterRewrite, Rewrite, open_journal_later
from untorn.aio._closing import Closing
from untorn.aio._fold import Fold
from untorn.aio._follow import Follow
from untorn.aio._held import any_held, forget, note
from untorn.aio._lock import given, raw_of
from untorn.aio._pending import taken, when_running
from untorn.aio._salvage import Salvaging

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
    from pathlib import Path
    from types import EllipsisType
    from typing import Self, Unpack

    from untorn import Damage, Position, Report, Rewound
    from untorn._progress import _Progress
    from untorn._reading import _Told
    from untorn._untorn import Encoded, _Data, _Item
    from untorn.aio._lock import FileLock

_S = TypeVar("_S")


class _Old:
    """The values of a journal during a rewrite, for `async for` and for `for`."""

    def __init__(
        self,
        journal: untorn.Journal[Any],
        rewrite: Any,
        later: Any,
        tell: _Told,
        keep: Callable[[bytes], object],
        progress: _Progress | None,
    ) -> None:
        self._journal = journal
        self._decoder = journal._decoder.exact()
        self._rewrite = rewrite
        self._later = later
        self._tell = tell
        self._keep = keep
        self._progress = progress
        self._total = rewrite._old_bytes

    async def __aiter__(self) -> AsyncIterator[Any]:
        reader = await self._later.reader()
        while items := await reader.next():
            for value in self._values(records_of(items, self._tell)):
                yield value

    def __iter__(self) -> Iterator[Any]:
        return self._values(read_all(self._rewrite._reader(), self._tell))

    def done(self) -> None:
        """Report that all is done."""
        if self._progress is not None:
            self._progress(self._total, self._total)

    def _values(self, records: Iterator[Record]) -> Iterator[Any]:
        if self._progress is not None:
            records = reported(records, self._total, self._progress)
        return (value for _, value in self._decoder.decoded(records, self._tell, self._keep))


async def _each(new: Any, path: Path) -> AsyncIterator[Any]:
    if hasattr(new, "__aiter__"):
        async for obj in new:
            yield obj
    else:
        for obj in many(new, "compact", path, "the function returns"):
            yield obj


class Journal(Salvaging, Closing, Generic[_T]):
    """An append-only file of one-line records. Any number of processes, threads and tasks append to it.

    As `untorn.Journal`, with the same options. One handle serves many tasks, and any number of event loops.
    """

    __slots__ = ("__weakref__", "_journal", "_later")

    def __init__(
        self, path: str | os.PathLike[str], *, codec: Codec[_T] | None = None, **options: Unpack[JournalOptions]
    ) -> None:
        """Open the journal at `path`. This resolves symbolic links; the first append creates the file."""
        self._set(untorn.Journal(path, codec=codec, **options))

    @classmethod
    async def open(
        cls, path: str | os.PathLike[str], *, codec: Codec[_T] | None = None, **options: Unpack[JournalOptions]
    ) -> Self:
        """Open as `Journal(path)` does, but in the background: for slow file systems, and `parents`."""
        core, codecs = split(options, JournalOptions)
        opened = await open_journal_later(path, core)
        chosen = _codec.functions(codec, codecs.get("dumps"), codecs.get("loads"))
        return cls._of(untorn.Journal._of(opened, core, *chosen))

    def _set(self, journal: untorn.Journal[_T]) -> None:
        self._journal = journal
        self._later = LaterJournal(journal)

    @classmethod
    def _of(cls, journal: untorn.Journal[Any]) -> Self:
        self = cls.__new__(cls)
        self._set(journal)
        return self

    def append(
        self, obj: _T, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Coroutine[Any, Any, Position]:
        """Append one record, and return the position just after it.

        The call itself encodes the record and takes its place in the order, before you await it. Appends that start
        at the same time (`asyncio.gather`) go into the file with few writes. Raises as `untorn.Journal.append`.
        """
        return self._commit(self._later.encoded(obj), None, timeout, lock)

    def append_raw(
        self, record: _Data, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Coroutine[Any, Any, Position]:
        """Append one encoded record: `bytes` or `str` without a newline. It must be JSON (format `json`)."""
        return self._commit(self._later.encoded_raw(record), None, timeout, lock)

    def _commit(
        self, batch: Encoded, at: Position | None, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> Coroutine[Any, Any, Position]:
        if asyncio._get_running_loop() is None:
            return when_running(lambda: self._commit(batch, at, timeout, lock))
        started = self._later.append(batch, at, timeout, None if lock is None else raw_of(lock))
        if lock is None and any_held():
            started._own = (self.path, timeout)
        return started

    def extend(
        self,
        objs: Iterable[_T],
        *,
        at: Position | None = None,
        header: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Coroutine[Any, Any, Position]:
        """Append many records next to each other: all of them or none. With `at`, only if the journal ends there.

        With `header`, the header is changed in the same step. As with `append`, the call takes its place in the
        order before you await it.
        """
        journal = self._journal
        stamp = None if header is ... else journal._encode(header)
        batch = self._later.encoded_many(many(objs, "extend", journal.path), stamp)
        return self._commit(batch, at, timeout, lock)

    @property
    async def header(self) -> Any:
        """Return the decoded header; `None` if the journal has none. Takes no lock: `await journal.header`."""
        found = await self._later.header()
        return None if found is None else self._journal._loads(found)

    async def set_header(
        self, header: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> None:
        """Change the header, or add one. As `untorn.Journal.set_header`."""
        journal = self._journal
        stamp = journal._encode(header)
        batch = self._later.encoded_many((), stamp)
        await self._later.append(batch, None, timeout, given(lock, "set_header", self.path, timeout))

    async def rewind(
        self, position: Position, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Path | None:
        """Remove every record after a position. Return the rotated file that keeps the journal as it was."""
        return await self._later.rewind(position, timeout, given(lock, "rewind", self.path, timeout))

    async def rotate(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Path | None:
        """Move the records to a rotated file, and begin a new journal. Return the rotated file's path."""
        return await self._later.rotate(timeout, given(lock, "rotate", self.path, timeout))

    async def clear(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Path | None:
        """Empty the journal, its header included. Return the rotated file that keeps the journal as it was."""
        return await self._later.clear(timeout, given(lock, "clear", self.path, timeout))

    async def rotated(self) -> list[Path]:
        """Return the rotated files of this journal that exist, oldest first. As `untorn.Journal.rotated`."""
        return await self._later.rotated()

    async def prune_rotated(
        self,
        keep: int,
        older_than: float = 0.0,
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> int:
        """Remove all rotated files but the newest, and return how many. As `untorn.Journal.prune_rotated`."""
        held = given(lock, "prune_rotated", self.path, timeout)
        return await self._later.prune_rotated(keep, older_than, timeout, held)

    async def replace(
        self,
        objs: Iterable[_T],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
        progress: _Progress | None = None,
    ) -> Position:
        """Replace all records by these: all of them or none. The header stays.

        The event loop calls `progress` about every 50 ms with the number of bytes that are done, and of all bytes.
        """
        journal = self._journal
        objs = many(objs, "replace", journal.path)
        return await self._later.replace(objs, timeout, given(lock, "replace", self.path, timeout), progress)

    async def compact(
        self,
        change: Callable[[Any], Any],
        on_damage: Callable[[Damage], object] | None = None,
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
        progress: _Progress | None = None,
    ) -> Position:
        """Rewrite the journal, whole or not at all. As `untorn.Journal.compact`.

        `change` receives the old values, and returns the new ones:

            async def kept(values):
                async for value in values:
                    if value["keep"]:
                        yield value

            await journal.compact(kept)

        `change` may also be a plain function, as for `untorn.Journal.compact`: it then reads in the event loop's
        thread. If it raises, or is cancelled, nothing changes. `progress` is as for `replace`.
        """
        journal = self._journal
        function(change, "change", "compact", journal)
        async with self._rewriting(change, timeout, lock) as (rewrite, later):
            chunk: list[_Data] = []
            tell = told(on_damage, journal.path)
            old = _Old(journal, rewrite, later, tell, chunk.append, progress)
            async for obj in _each(change(old), journal.path):
                chunk.append(journal._encode(obj))
                if len(chunk) >= _CHUNK:
                    await later.push(chunk, journal._checked)
                    chunk.clear()
            await later.push(chunk, journal._checked)
            end: Position = await later.commit()
            old.done()
            return end

    @asynccontextmanager
    async def _rewriting(
        self, change: Callable[[Any], Any], timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> AsyncIterator[tuple[Any, Any]]:
        """Begin a rewrite, which ends with the block. Give it, and its verbs that may take a while."""
        del change
        rewrite = await taken(
            self._later.begin_rewrite(timeout, given(lock, "compact", self.path, timeout)), Rewrite._discard
        )
        held = note(self.path, "compact")
        try:
            yield rewrite, LaterRewrite(rewrite)
        finally:
            forget(held)
            rewrite._discard()

    async def fold(
        self,
        initial: Callable[[], _S],
        apply: Callable[[_S, _T], _S | None],
        on_damage: Callable[[Damage], object] | None = None,
    ) -> Fold[_S]:
        """Keep a state from the records. As `untorn.Journal.fold`; `apply` must not be `async`."""
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

            async for value in journal.follow():
                print(value)

        "Now" is when the first value is requested. As `untorn.Journal.follow`. A task that is cancelled while it
        waits loses nothing: the next request returns the values.
        """
        return Follow(self._journal, self._later, start, on_damage, on_rewind, timeout)

    def __aiter__(self) -> AsyncIterator[_T]:
        """Yield all records, decoded. Damage is skipped."""
        return self._values(None, None, None, None)

    async def _values(
        self,
        start: Position | None,
        on_damage: Callable[[Damage], object] | None,
        max_records: int | None,
        max_bytes: int | None,
    ) -> AsyncIterator[Any]:
        decoder = self._journal._decoder
        tell = told(on_damage, self.path)
        reader = await self._later.reader(start, max_records, max_bytes)
        while True:
            values, left = await reader.values(False, decoder._own_or_none)
            if not values and not left:
                return
            for value in decoder.unmixed(values, left, tell):
                yield value

    async def entries(
        self, start: Position | None = None, on_damage: Callable[[Damage], object] | None = None
    ) -> AsyncIterator[tuple[Position, _T]]:
        """Yield `(position, value)` in file order, from `start` on. The position is where reading can continue.

        As `untorn.Journal.entries`.
        """
        decoder = self._journal._decoder
        tell = told(on_damage, self.path)
        reader = await self._later.reader(start, None, None)
        while True:
            entries, left = await reader.values(True, decoder._own_or_none)
            if not entries and not left:
                return
            for entry in decoder.merged(entries, left, tell):
                yield entry

    async def records(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> AsyncIterator[Record]:
        """Yield the records as bytes, not decoded, each with its start and its end.

        As `untorn.Journal.records`.
        """
        tell = told(on_damage, self.path)
        async for items in self._read(start, max_records, max_bytes):
            for record in records_of(items, tell):
                yield record

    async def read(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> list[_T]:
        """Return all values from `start` on in a list; raise `LimitExceeded` if they are more than a limit allows."""
        return [value async for value in self._values(start, on_damage, max_records, max_bytes)]

    async def _read(
        self, start: Position | None, max_records: int | None, max_bytes: int | None
    ) -> AsyncIterator[list[_Item]]:
        reader = await self._later.reader(start, max_records, max_bytes)
        while items := await reader.next():
            yield items

    async def tail(self, n: int, on_damage: Callable[[Damage], object] | None = None) -> list[_T]:
        """Return the last `n` values, oldest first. It reads backwards from the end."""
        records = iter(await self.tail_records(n))
        tell = told(on_damage, self.path)
        return [value for _, value in self._journal._decoder.decoded(records, tell)]

    async def tail_records(self, n: int) -> list[Record]:
        """Return the last `n` records as bytes, oldest first."""
        return [Record(*record) for record in await self._later.tail(n)]

    async def end(self) -> Position:
        """Return where the last whole record ends. Takes no lock: a running append may be counted or not."""
        return await self._later.end()

    async def verify(self, *, progress: _Progress | None = None) -> Report:
        """Check every record. Takes no lock and changes nothing. `progress` is as for `replace`."""
        return await self._later.verify(progress)

    async def repair(
        self,
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
        progress: _Progress | None = None,
    ) -> Report:
        """Repair the tail as the next append would, then check every record. `progress` is as for `replace`."""
        return await self._later.repair(timeout, given(lock, "repair", self.path, timeout), progress)

    async def sync(self) -> None:
        """Make everything that the file contains now survive a power cut, including what other processes wrote."""
        await self._later.sync()

    async def close(self) -> None:
        """Close the handle: later changes through it are refused. A second call does nothing."""
        await self._later.close()
        self._journal.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._journal.closed

    @property
    def path(self) -> Path:
        """The path of the file, with every symbolic link resolved."""
        return self._journal.path

    @property
    def durability(self) -> str:
        """`"process"` or `"power"`."""
        return self._journal.durability

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return repr(self._journal).replace("<untorn.", "<untorn.aio.", 1)
