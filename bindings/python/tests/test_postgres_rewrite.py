"""Rewrites of a journal on PostgreSQL, blocking and awaited. Nothing is locked meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from databases import expire, server, url

import untorn
from untorn import aio, postgres
from untorn.aio import postgres as awaited


@pytest.fixture
def session(schema: str) -> Iterator[postgres.Session]:
    with postgres.Store(server(), schema=schema) as store:
        yield store.session("k")


def test_compacts_by_a_function_and_keeps_what_others_append_meanwhile(session: postgres.Session) -> None:
    journal = session.journal()
    journal.extend(range(1000))
    told: list[tuple[int, int]] = []

    def change(values: Iterator[int]) -> Iterator[object]:
        for value in values:
            if value == 1:
                journal.append("mine")
                session.journal().append("meanwhile")
            if value % 3 == 0:
                yield value
        yield -1

    size = journal.end().offset
    end = journal.compact(change, progress=lambda *at: told.append(at))
    assert end == journal.end()
    assert list(journal) == [*range(0, 1000, 3), -1, "mine", "meanwhile"]
    assert told[-1] == (size, size)
    journal.sync()


def test_a_compaction_that_fails_changes_nothing(session: postgres.Session, tmp_path: Path) -> None:
    journal = session.journal()
    journal.extend([1, 2])

    def fail(values: Iterator[int]) -> Iterator[int]:
        yield next(values)
        raise ZeroDivisionError

    def rewritten(values: Iterator[int]) -> Iterator[int]:
        session.journal().replace(["other"])
        yield from values

    with pytest.raises(ZeroDivisionError):
        journal.compact(fail)
    with pytest.raises(untorn.InvalidRecord):
        journal.compact(lambda _: [float("inf")])
    refused = pytest.raises(untorn.InvalidArgument, match="no file lock: take a lease instead")
    with untorn.FileLock(tmp_path / "p") as lock, refused:
        journal.compact(list, lock=lock)
    assert list(journal) == [1, 2]
    with pytest.raises(untorn.Conflict):
        journal.compact(rewritten)
    assert list(journal) == ["other"]
    journal.close()
    with pytest.raises(untorn.InvalidArgument, match="the journal is closed"):
        journal.compact(list)


def test_an_owner_that_was_replaced_compacts_nothing(session: postgres.Session, schema: str) -> None:
    journal = session.journal()
    journal.extend([1, 2])
    lease = session.claim("the owner")
    expire(schema, "k")
    with postgres.Store(server(), schema=schema) as store, store.session("k").claim("the next"):
        with pytest.raises(untorn.LeaseLost):
            journal.compact(lambda _: [])
        assert list(journal) == [1, 2]
    with pytest.raises(untorn.LeaseLost):
        lease.release()


def test_a_state_begins_again_with_a_new_generation(session: postgres.Session) -> None:
    journal = session.journal()
    journal.extend([1, 2, 3])
    fold = journal.fold(list, list.append)
    journal.compact(lambda values: [value for value in values if value > 1])
    fold.refresh()
    assert fold.state == [2, 3]
    # With nothing after it, and with records before it and after it.
    journal.rotate()
    fold.refresh()
    assert fold.state == []
    fold.append(4)
    journal.append(5)
    journal.rotate()
    fold.append(6)
    assert fold.state == [6]
    assert fold.position == journal.end()


def test_a_compact_awaited(schema: str) -> None:
    async def thirds(values: AsyncIterator[int]) -> AsyncIterator[int]:
        async for value in values:
            if value % 3 == 0:
                yield value

    async def main() -> None:
        async with asyncpg.create_pool(url(), min_size=1, max_size=1) as pool:
            store = await awaited.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            await journal.extend(range(1000))
            told: list[tuple[int, int]] = []
            end = await journal.compact(thirds, progress=lambda *at: told.append(at))
            assert end == await journal.end()
            assert (told[-1][0], told[-1][1]) == (3890, 3890)
            values = list(range(0, 1000, 3))
            assert await journal.read() == values
            # Plain functions read, too: one at once, and one bit by bit.
            await journal.compact(lambda values: list(values)[:-1])
            await journal.compact(lambda values: (value for value in values if value))
            assert await journal.read() == values[1:-1]
            await journal.sync()

    asyncio.run(main())


def test_a_compact_that_is_cancelled_changes_nothing(schema: str) -> None:
    inside = asyncio.Event()

    async def stuck(values: AsyncIterator[int]) -> AsyncIterator[int]:
        async for value in values:
            yield value
            inside.set()
            await asyncio.Event().wait()

    async def main() -> None:
        async with asyncpg.create_pool(url(), min_size=1, max_size=2) as pool:
            store = await awaited.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            await journal.extend([1, 2])
            task = asyncio.create_task(journal.compact(stuck))
            await inside.wait()
            await journal.append(3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await journal.read() == [1, 2, 3]
            # Nothing is locked: a task may append within its own compaction.
            assert await journal.compact(lambda values: values) == await journal.end()

            async def appends(values: AsyncIterator[int]) -> AsyncIterator[int]:
                await journal.append("behind")
                async for value in values:
                    yield value + 1

            await journal.compact(appends)
            assert await journal.read() == [2, 3, 4, "behind"]

    asyncio.run(main())


def test_an_async_function_reads_with_async_for(schema: str) -> None:
    async def blocking(values: Iterator[int]) -> AsyncIterator[int]:
        for value in values:
            yield value

    async def main() -> None:
        async with asyncpg.create_pool(url(), min_size=1, max_size=2) as pool:
            store = await aio.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            await journal.extend([1, 2])
            with pytest.raises(untorn.IoError, match="event loop's own thread"):
                await journal.compact(blocking)
            assert await journal.read() == [1, 2]

    asyncio.run(main())
