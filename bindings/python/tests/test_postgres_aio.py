"""The store on PostgreSQL for `asyncio`, with an asyncpg pool and with psycopg."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from databases import PLACES, execute, expire, server, url
from loops import Main, Run

import untorn
from untorn import aio
from untorn.aio import postgres
from untorn.postgres._asyncpg import OfPool

Place = Callable[[], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def asyncpg_pool(size: int = 4, **options: Any) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(url(), min_size=1, max_size=size, **options) as pool:
        yield pool


@asynccontextmanager
async def one_connection() -> AsyncIterator[Any]:
    async with asyncpg_pool(1) as pool:
        yield pool


@asynccontextmanager
async def blocking(name: str) -> AsyncIterator[Any]:
    from contextlib import ExitStack

    with ExitStack() as closing:
        yield PLACES[name](closing)


POOLS: dict[str, Place] = {
    "an asyncpg pool": asyncpg_pool,
    "an asyncpg pool of one": one_connection,
    "a psycopg pool": lambda: blocking("a pool"),
    "a URL": lambda: blocking("a URL"),
}


@pytest.fixture(params=POOLS)
def place(request: pytest.FixtureRequest) -> Place:
    server()
    return POOLS[request.param]


def test_what_a_caller_passes_carries_all_verbs(place: Place, schema: str, run: Run) -> None:
    async def main() -> None:
        async with place() as pool:
            assert await postgres.migrate(pool, schema) == 0
            store = await aio.Store.open(pool, schema=schema)
            session = store.session("chat:42")
            journal = await session.journal()
            async with await session.claim("worker", timeout=5) as lease:
                assert lease.held
                end = await journal.extend([{"n": 1}, {"n": 2}])
                await asyncio.gather(*(journal.append(n) for n in range(8)))
            assert not lease.held
            values = await journal.read()
            assert (values[:2], sorted(values[2:])) == ([{"n": 1}, {"n": 2}], list(range(8)))
            assert [value async for value in journal] == values
            assert [value async for _, value in journal.entries(end)] == values[2:]
            assert await journal.tail(1) == values[-1:]
            state = await session.state()
            version = await state.save({"turns": 1})
            assert await state.load_versioned() == ({"turns": 1}, version)
            async with state.update() as value:
                value["turns"] += 1
            async with session.transaction() as tx:
                await tx.append("journal.jsonl", "last")
                await tx.save("other.json", await tx.load("state.json"))
            assert await (await session.document("other.json")).load() == {"turns": 2}
            fold = await journal.fold(list, list.append)
            await fold.update(lambda values: [len(values)])
            assert (await fold.state)[-2:] == ["last", 11]
            assert await store.keys() == ["chat:42"]
            assert [hit.key for hit in await store.search('"n":2')] == ["chat:42"]
            assert (await journal.verify()).records == 12
            checks = await postgres.selftest(pool, schema)
            assert checks
            assert await store.remove("chat:42")
            assert not await session.exists()
            with pytest.raises(untorn.Unsupported):
                await journal.repair()
            await store.close()

    run(main)


def test_a_follower_wakes_and_waits_for_as_long_as_it_may(place: Place, schema: str, run: Run) -> None:
    async def main() -> None:
        async with place() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            async with journal.follow(timeout=0.05) as follow:
                assert [value async for value in follow] == []
                follow.timeout = 60
                later = asyncio.ensure_future(anext(follow))
                await journal.append({"n": 1})
                assert await later == {"n": 1}
            await store.close()

    run(main)


def test_a_rotation_keeps_the_records_in_a_file_of_the_session(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema, header_prefix='{"header"')
            journal = await store.session("k").journal()
            await journal.extend([1], header={"header": 1})
            name = await journal.rotate()
            assert (await journal.header, await journal.read()) == ({"header": 1}, [])
            await journal.set_header({"header": 2})
            assert await journal.header == {"header": 2}
            cleared = await journal.clear()
            assert await journal.rotated() == [name, cleared]
            assert await journal.prune_rotated(0) == 2

    alone(main)


def alone(main: Main) -> None:
    asyncio.run(main())


def test_a_claim_that_is_cancelled_holds_nothing(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            owner = await store.session("k").claim("the owner")
            waits = asyncio.ensure_future(store.session("k").claim("waits", timeout=None))
            await asyncio.to_thread(
                lambda: until_seen(f"""query like '%%"{schema}".claim(%%' and query_start > now() - interval '1 min'""")
            )
            waits.cancel("enough")
            with pytest.raises(asyncio.CancelledError):
                await waits
            await owner.release()
            assert await store.session("k").holder() is None

    alone(main)


def test_a_cancelled_call_ends_though_the_server_waits(place: Place, schema: str) -> None:
    async def main() -> None:
        async with place() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            await journal.append(1)
            with psycopg.connect(server()) as other:
                other.execute(f"select from {schema}.file for update")
                waits = asyncio.ensure_future(journal.append(2))
                await asyncio.to_thread(until_seen, "wait_event_type = 'Lock' and query like 'call%%append%%'")
                waits.cancel()
                # The row is still locked.
                with pytest.raises(asyncio.CancelledError):
                    await waits
                other.rollback()
            # Its connection is clean, and nothing is unknown.
            await journal.append(3)
            assert await journal.read() == [1, 3]
            await store.close()

    alone(main)


def test_appends_that_start_together_go_into_one_statement(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            adapter = store._store._adapter
            asked: list[str] = []
            query = adapter.query

            def asking(*given: Any) -> list[Any]:
                asked.append(given[0])
                return query(*given)

            monkeypatch.setattr(adapter, "query", asking)
            ends = await asyncio.gather(*(journal.append({"n": n}) for n in range(100)))
            assert len(asked) == 1
            # In the order of the calls, and each knows its own place.
            found = [(value["n"], position) async for position, value in journal.entries()]
            assert [n for n, _ in found] == list(range(100))
            follow = journal.follow(ends[49])
            assert (await anext(follow), ends[99]) == ({"n": 50}, await journal.end())
            await follow.close()
            # One that is no record fails by itself.
            asked.clear()
            raw = (journal.append_raw(record) for record in [b"1", b"{", b"2"])
            first, refused, last = await asyncio.gather(*raw, return_exceptions=True)
            assert isinstance(refused, untorn.InvalidRecord)
            assert isinstance(first, untorn.Position)
            assert len(asked) == 1
            assert last == await journal.end()
            await store.close()

    alone(main)


def test_an_append_that_is_cancelled_stops_no_other(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            await journal.append(0)
            with psycopg.connect(server()) as other:
                other.execute(f"select from {schema}.file for update")
                together = [asyncio.ensure_future(journal.append(n)) for n in (1, 2)]
                await asyncio.to_thread(until_seen, "wait_event_type = 'Lock' and query like 'call%%append%%'")
                later = [asyncio.ensure_future(journal.append(n)) for n in (3, 4)]
                await asyncio.sleep(0)
                # One of the statement that waits, and one that waits for it.
                together[0].cancel()
                later[0].cancel()
                with pytest.raises(asyncio.CancelledError):
                    await later[0]
                other.rollback()
            with pytest.raises(asyncio.CancelledError):
                await together[0]
            await asyncio.gather(together[1], later[1])
            assert await journal.read() == [0, 1, 2, 4]

    alone(main)


# The connection that listens for followers: it waits for what comes next.
LISTENS = "state = 'idle' and (query like 'listen %%' or query like 'select %%watch(%%')"


@pytest.mark.parametrize("name", ["an asyncpg pool", "a psycopg pool"])
def test_a_pool_closes_though_the_store_has_connections_of_it(name: str, schema: str) -> None:
    async def main() -> None:
        async with POOLS[name]() as pool:
            store = await postgres.Store.open(pool, schema=schema, ttl=3600, connected=True)
            lease = await store.session("k").claim("owner")
            journal = await store.session("k").journal()
            follow = await journal.follow().begin()
            waits = asyncio.ensure_future(anext(follow))
            await asyncio.to_thread(until_seen, LISTENS)
        # Closed, or closing: the first that closes waits for the others.
        with pytest.raises(untorn.IoError, match="pool is clos"):
            await waits
        with pytest.raises(untorn.IoError, match="pool is closed"):
            await lease.release()

    alone(main)
    # The lease ended with its connection.
    with untorn.postgres.Store(server(), schema=schema) as store:
        store.session("k").claim("next", timeout=60).release()


def test_followers_that_wait_take_no_thread_each(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journals = [await store.session(f"k{n}").journal() for n in range(30)]
            follows = [await journal.follow().begin() for journal in journals]
            # Threads of earlier calls stay for a while.
            before = threading.active_count()
            waits = [asyncio.ensure_future(anext(follow)) for follow in follows]
            await asyncio.to_thread(until_seen, LISTENS)
            assert threading.active_count() < before + 10
            await asyncio.gather(*(journal.append(n) for n, journal in enumerate(journals)))
            assert await asyncio.gather(*waits) == list(range(30))

    alone(main)


def test_a_statement_that_ends_soon_is_not_interrupted(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            for n in range(20):
                append = asyncio.ensure_future(journal.append(n))
                await asyncio.sleep(0)
                append.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await append
            # Each was made, or it was not.
            found = await journal.read()
            assert found == sorted(set(found))
            await journal.append("after")

    alone(main)


def until_seen(condition: str) -> None:
    while not execute(f"select 1 from pg_stat_activity where pid <> pg_backend_pid() and {condition}"):
        pass


def test_a_follower_that_is_cancelled_misses_nothing(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            async with journal.follow() as follow:
                waits = asyncio.ensure_future(anext(follow))
                await asyncio.sleep(0)
                waits.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waits
                await journal.append(1)
                assert await anext(follow) == 1

    alone(main)


def test_an_owner_that_was_replaced_learns_it(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema, ttl=1.5)
            session = store.session("k")
            lease = await session.claim("the old")
            journal = await session.journal()
            expire(schema, "k")
            async with await store.session("k").claim("the new", timeout=60):
                await asyncio.wait_for(lease.lost.wait(), 60)
                with pytest.raises(untorn.LeaseLost):
                    await journal.append(1)
            with pytest.raises(untorn.LeaseLost):
                await lease.release()

    alone(main)


def test_a_dead_owner_is_reconciled_once(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema, ttl=3600)
            lease = await store.session("k").claim("dies")
            expire(schema, "k")

            async def change(tx: postgres.Transaction) -> bool:
                await tx.append("journal.jsonl", "settled")
                return True

            outcomes = [(await store.session("k").reconcile(change)).outcome for _ in range(2)]
            assert outcomes == ["done", "no_change"]
            assert await (await store.session("k").journal()).read() == ["settled"]
            with pytest.raises(untorn.LeaseLost):
                await lease.release()

    alone(main)


def test_a_value_is_encoded_before_the_call_is_awaited(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema)
            journal = await store.session("k").journal()
            value = {"n": 1}
            append = journal.append(value)
            value["n"] = 2
            await append
            assert await journal.read() == [{"n": 1}]

    alone(main)


def test_an_error_of_the_server_keeps_its_meaning(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            with pytest.raises(untorn.NotFound, match="run the migrations"):
                await postgres.Store.open(pool, schema="no_such_schema")
            store = await postgres.Store.open(pool, schema=schema)
            async with await store.session("k").claim("owner"):
                with pytest.raises(untorn.Locked) as caught:
                    await store.session("k").claim("another")
                assert caught.value.holder is not None
                assert caught.value.holder.label == "owner"
            await pool.close()
            with pytest.raises(untorn.IoError, match="pool is closed"):
                await store.keys()

    alone(main)


def test_the_loops_own_thread_cannot_wait_for_it(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            adapter = OfPool(pool, asyncio.get_running_loop())
            with pytest.raises(untorn.IoError, match="can't wait on an event loop's own thread"):
                untorn.postgres.Store._of(adapter, schema, {}, {})
            with pytest.raises(untorn.InvalidArgument, match=r"use untorn\.aio\.Store\.open"):
                untorn.Store.open(pool)

    alone(main)


def test_a_lease_that_is_dropped_is_released(schema: str) -> None:
    async def main() -> None:
        async with asyncpg_pool() as pool:
            store = await postgres.Store.open(pool, schema=schema, ttl=3600)
            lease = await store.session("k").claim("dropped")
            raw = lease._lease._raw
            # Until the thread that made the call has let go of it.
            while sys.getrefcount(raw) > 3:
                await asyncio.sleep(0)
            del raw
            with pytest.warns(ResourceWarning, match="was owned when its Lease was dropped"):
                del lease
            await (await store.session("k").claim("next", timeout=60)).release()

    alone(main)


ENDS = """
    import asyncio, asyncpg, os, sys
    from untorn.aio import postgres

    async def main():
        pool = await asyncpg.create_pool(os.environ["URL"], min_size=1, max_size=4)
        store = await postgres.Store.open(pool, schema=sys.argv[1], ttl=1)
        journal = await store.session("k").journal()
        lease = await store.session("k").claim("never released")
        follow = journal.follow()
        await follow.begin()
        asyncio.ensure_future(anext(follow))
        await journal.append(1)
        print("ends")
        pool.terminate()

    asyncio.run(main())
"""


def test_a_program_ends_in_the_middle_of_waits(
    schema: str, script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URL", url())
    process = script(ENDS, schema)
    out, errors = process.communicate(timeout=60)
    assert (out, process.returncode) == ("ends\n", 0), errors
