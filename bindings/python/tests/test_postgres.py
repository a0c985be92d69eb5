"""The store on PostgreSQL, with psycopg."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import PLACES, execute, server, url
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

import untorn
from untorn import postgres


@pytest.fixture(params=PLACES)
def where(request: pytest.FixtureRequest) -> Iterator[Any]:
    server()
    with ExitStack() as closing:
        yield PLACES[request.param](closing)


@pytest.fixture
def store(schema: str) -> Iterator[postgres.Store]:
    with postgres.Store(server(), schema=schema) as store:
        yield store


def test_what_a_caller_passes_carries_all_verbs(where: Any, schema: str) -> None:
    with postgres.Store(where, schema=schema) as store:
        session = store.session("chat:42")
        journal = session.journal()
        with session.claim("worker", timeout=5) as lease:
            assert lease.held
            end = journal.extend([{"n": 1}, {"n": 2}])
            assert journal.append(3, timeout=5) > end
        assert not lease.held
        assert (list(journal), journal.tail(1), len(journal)) == ([{"n": 1}, {"n": 2}, 3], [3], 3)
        version = session.state().save({"turns": 1})
        assert session.state().load_versioned() == ({"turns": 1}, version)
        with session.transaction() as tx:
            tx.append("journal.jsonl", 4)
            tx.save("other.json", tx.load("state.json"))
        assert next(journal.follow(end)) == 3
        assert journal.fold(list, list.append).state == [{"n": 1}, {"n": 2}, 3, 4]
        assert [file.name for file in session.files()] == ["journal.jsonl", "other.json", "state.json"]
        assert store.keys() == ["chat:42"]
        assert [hit.key for hit in store.search('"n":2')] == ["chat:42"]
        assert store.remove("chat:42")
        assert not session.exists()


def test_what_is_passed_decides_which_store_is_opened(tmp_path: Path, schema: str) -> None:
    assert type(untorn.Store.open(tmp_path)) is untorn.Store
    assert type(untorn.Store.open(str(tmp_path), journal_name="context.jsonl")) is untorn.Store
    opened = untorn.Store.open(url(), schema=schema)
    assert type(opened) is postgres.Store
    opened.close()
    with psycopg.connect(server()) as connection:
        assert type(untorn.Store.open(connection, schema=schema)) is postgres.Store
    with pytest.raises(untorn.InvalidArgument, match=r"expected a path"):
        untorn.Store.open(7)
    with pytest.raises(untorn.InvalidArgument, match=r"psycopg_pool\.ConnectionPool.* not int"):
        postgres.Store(7)
    with pytest.raises(untorn.InvalidArgument, match="did you mean 'schema'"):
        untorn.Store.open(url(), shema=schema)


def test_a_connection_is_left_as_it_was(schema: str) -> None:
    with psycopg.connect(server()) as connection:
        journal = postgres.Store(connection, schema=schema).session("k").journal()
        # More often than psycopg runs a statement before it prepares it.
        for n in range(10):
            journal.append(n)
        assert not connection.autocommit
        assert connection.info.transaction_status == TransactionStatus.IDLE
        assert connection.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
        # This began a transaction.
        with pytest.raises(untorn.IoError, match=r"the connection is in a transaction.*commit first"):
            journal.append("refused")
        connection.rollback()
        assert journal.tail(1) == [9]


def test_a_pool_has_all_its_connections_afterwards(schema: str) -> None:
    with ConnectionPool(server(), min_size=2, max_size=2, timeout=20, open=True) as pool:
        store = postgres.Store(pool, schema=schema, connected=True)
        journal = store.session("k").journal()
        with store.session("k").claim("it has one of the two"):
            journal.append(1)
        with journal.follow(untorn.Position(0, 0)) as follow:
            assert next(follow) == 1
        # Both at once, so the follower has given its own back.
        with pool.connection() as one, pool.connection() as other:
            assert not one.autocommit
            assert not other.autocommit


def test_a_follower_wakes_by_the_server(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    with journal.follow() as follow:
        follow.timeout = 0.0
        assert list(follow) == []
        store.session("k").journal().append({"n": 1})
        follow.timeout = 60
        assert next(follow) == {"n": 1}


def test_verbs_that_only_files_have_are_unsupported(store: postgres.Store, tmp_path: Path) -> None:
    session = store.session("k")
    journal = session.journal()
    for verb in (journal.repair, journal.salvage, journal.torn, session.media):
        with pytest.raises(untorn.Unsupported, match="only a store of files can do this") as caught:
            verb()
        assert isinstance(caught.value, NotImplementedError)
    refused = pytest.raises(untorn.InvalidArgument, match="no file lock: take a lease instead")
    with untorn.FileLock(tmp_path / "p") as lock, refused:
        journal.append(1, lock=lock)
    assert not hasattr(journal, "__fspath__")
    assert not session.exists()


def test_a_closed_handle_refuses_changes(store: postgres.Store) -> None:
    journal, state = store.session("k").journal(), store.session("k").state()
    journal.append(1)
    journal.close()
    state.close()
    with pytest.raises(untorn.InvalidArgument, match="the journal is closed"):
        journal.append(2)
    with pytest.raises(untorn.InvalidArgument, match="the document is closed"):
        state.save(2)
    assert list(store.session("k").journal()) == [1]


def test_an_update_in_a_block_is_refused_and_a_function_is_called_again(store: postgres.Store) -> None:
    state, other = store.session("k").state(), store.session("k").state()
    state.save({"n": 0})
    with pytest.raises(untorn.Conflict), state.update() as value:
        other.save({"n": 10})
        value["n"] += 1
    calls = []

    def change(value: Any) -> Any:
        calls.append(value["n"])
        if len(calls) == 1:
            other.save({"n": 20})
        return {"n": value["n"] + 1}

    assert state.update_with(change) == {"n": 21}
    assert calls == [10, 20]
    # A conflict of the function's own is not tried again.
    with pytest.raises(untorn.Conflict):
        state.update_with(lambda value: other.save(value, expect="0" * 32))


def test_a_fold_decides_again(store: postgres.Store) -> None:
    journal, other = store.session("k").journal(), store.session("k").journal()
    fold = journal.fold(int, int.__add__)
    seen = []

    def decide(total: int) -> list[int]:
        seen.append(total)
        if len(seen) == 1:
            other.append(5)
        return [1]

    fold.update(decide)
    assert (seen, fold.state, list(journal)) == ([0, 5], 6, [5, 1])
    journal.replace([7])
    fold.refresh()
    assert fold.state == 7


def test_a_fold_whose_function_fails_begins_again(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    journal.extend([1, 2])
    fails = [True]

    def apply(total: int, n: int) -> int:
        if n == 2 and fails.pop():
            raise RuntimeError("mine")
        return total + n

    with pytest.raises(RuntimeError, match="mine"):
        journal.fold(int, apply)
    fails[:] = [True]
    fold = None
    fails[:] = [False, False]
    fold = journal.fold(int, apply)
    assert fold.state == 3


def test_a_transaction_is_refused_if_what_it_loaded_has_changed(store: postgres.Store) -> None:
    session = store.session("k")
    session.state().save(1)
    with pytest.raises(untorn.Conflict), session.transaction() as tx:
        tx.save("state.json", tx.load("state.json") + 1)
        tx.append("journal.jsonl", "not there")
        session.state().save(10)
    assert (session.state().load(), list(session.journal())) == (10, [])


def test_a_journal_has_the_codecs_of_the_store(schema: str) -> None:
    with postgres.Store(server(), schema=schema, dumps=repr, loads=lambda data: data.decode()) as store:
        journal = store.session("k").journal()
        journal.append(12)
        assert list(journal) == ["12"]
        with pytest.raises(untorn.InvalidRecord):
            journal.append("not JSON")
    with postgres.Store(server(), schema=schema, format="lines") as store:
        lines = store.session("k").journal("log.txt")
        lines.append("a line")
        assert list(lines) == [b"a line"]


def test_migrate_says_how_many_were_missing(schema: str) -> None:
    assert postgres.migrate(server(), schema) == 0
    execute(f"drop schema {schema} cascade")
    with psycopg.connect(server()) as connection:
        assert postgres.migrate(connection, schema) > 0
        assert postgres.migrate(connection, schema) == 0


def test_selftest_says_what_is_there_and_what_is_not(schema: str) -> None:
    checks = {check.name: check for check in postgres.selftest(server(), schema)}
    assert checks["notifications"].ok
    assert checks["own connection"].ok
    with psycopg.connect(server()) as connection:
        alone = {check.name: check for check in postgres.selftest(connection, schema)}
    assert not alone["own connection"].ok
    assert alone["statements outside of transactions"].ok


def test_a_rotation_keeps_the_records_in_a_file_of_the_session(schema: str) -> None:
    with postgres.Store(server(), schema=schema, header_prefix='{"header"') as store:
        session = store.session("k")
        journal = session.journal()
        journal.set_header({"header": 1})
        journal.extend([1, 2])
        assert (journal.header, list(journal)) == ({"header": 1}, [1, 2])
        name = journal.rotate()
        assert name is not None
        assert (journal.header, list(journal), journal.rotated()) == ({"header": 1}, [], [name])
        assert list(session.journal(name)) == [1, 2]
        journal.extend([3], header={"header": 2})
        assert (journal.header, list(journal)) == ({"header": 2}, [3])
        cleared = journal.clear()
        assert (journal.header, list(journal), journal.rotated()) == (None, [], [name, cleared])
        assert journal.clear() is None
        assert journal.prune_rotated(1) == 1
        assert journal.rotated() == [cleared]


def test_a_fold_of_a_closed_journal_changes_nothing(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    fold = journal.fold(list, list.append)
    fold.append(1)
    journal.close()
    with pytest.raises(untorn.InvalidArgument, match="the journal is closed"):
        fold.update(lambda _: [2])
    assert list(store.session("k").journal()) == [1]


def test_a_fold_takes_one_question_to_see_that_it_is_current(
    store: postgres.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = store.session("k").journal().fold(list, list.append)
    fold.append(1)
    asked = []
    query = store._adapter.query

    def asking(*given: Any) -> list[Any]:
        asked.append(given[0])
        return query(*given)

    monkeypatch.setattr(store._adapter, "query", asking)
    assert fold.refresh() == fold.position
    assert len(asked) == 1


def test_a_search_says_how_far_it_is(store: postgres.Store) -> None:
    journal = store.session("k").journal()
    end = journal.extend({"n": n} for n in range(100))
    told: list[tuple[int, int]] = []
    assert len(store.search('"n"', progress=lambda *seen: told.append(seen))) == 100
    assert told[-1] == (end.offset, end.offset)


def test_an_append_creates_no_journal_where_that_is_off(schema: str) -> None:
    with postgres.Store(server(), schema=schema, create=False) as store, pytest.raises(untorn.NotFound):
        store.session("k").journal().append(1)


def test_a_transaction_changes_a_header(schema: str) -> None:
    with postgres.Store(server(), schema=schema, header_prefix='{"at"', header_reserve=16) as store:
        session = store.session("k")
        journal = session.journal()
        journal.append(1)
        with session.transaction() as tx:
            tx.set_header("journal.jsonl", {"at": 1})
            tx.append("journal.jsonl", 2)
        assert (journal.header, list(journal)) == ({"at": 1}, [1, 2])
        with pytest.raises(untorn.Conflict), session.transaction() as tx:
            tx.set_header("journal.jsonl", {"at": 2})
            journal.append(3)
        assert (journal.header, list(journal)) == ({"at": 1}, [1, 2, 3])
