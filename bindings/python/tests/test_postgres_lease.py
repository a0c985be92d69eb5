"""Leases that fence their owner, on PostgreSQL."""

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from databases import execute, expire, server

import untorn
from untorn import Process, postgres


@pytest.fixture
def store(schema: str) -> Iterator[postgres.Store]:
    with postgres.Store(server(), schema=schema, ttl=1.5) as store:
        yield store


def lost(lease: postgres.Lease) -> None:
    """Release a lease that another process has claimed: that says so once."""
    with pytest.raises(untorn.LeaseLost):
        lease.release()
    lease.release()


def test_an_owner_that_was_replaced_learns_it_and_changes_nothing(store: postgres.Store, schema: str) -> None:
    session = store.session("k")
    lease = session.claim("the old")
    session.journal().append(1)
    assert not lease.lost.is_set()
    expire(schema, "k")
    with store.session("k").claim("the new", timeout=60) as new:
        assert new.previous is not None
        assert new.previous.label == "the old"
        # At its next renewal.
        assert lease.lost.wait(60)
        assert not lease.held
        for change in (
            lambda: session.journal().append(2),
            lambda: session.state().save(2),
            lambda: session.state().update_with(lambda _: 2, default=1),
        ):
            with pytest.raises(untorn.LeaseLost, match="claim the session again"):
                change()
        # Another handle is not fenced.
        assert list(store.session("k").journal()) == [1]
    lost(lease)


def test_a_change_finds_out_before_the_renewal(schema: str) -> None:
    with postgres.Store(server(), schema=schema, ttl=3600) as store:
        session = store.session("k")
        lease = session.claim("the old")
        expire(schema, "k")
        with store.session("k").claim("the new"):
            with pytest.raises(untorn.LeaseLost):
                session.journal().append(1)
            assert lease.lost.is_set()
        lost(lease)


def test_a_live_owner_is_named(store: postgres.Store) -> None:
    with store.session("k").claim("the owner") as lease:
        with pytest.raises(untorn.Locked) as caught:
            store.session("k").claim("another")
        assert caught.value.holder is not None
        assert caught.value.holder.label == "the owner"
        with pytest.raises(untorn.LockTimeout):
            store.session("k").claim("another", timeout=0.01)
        with pytest.raises(untorn.Locked):
            store.remove("k")
        holder = store.session("k").holder()
        assert holder is not None
        assert (holder.label, holder.process) == ("the owner", lease.holder.process)
    assert store.session("k").holder() is None


def test_a_transfer_keeps_it_for_the_successor(store: postgres.Store) -> None:
    lease = store.session("k").claim("old")
    lease.transfer(Process.of(1))
    assert not lease.held
    with pytest.raises(untorn.Locked):
        store.session("k").claim("not the successor")
    other = store.session("other").claim("old")
    other.transfer(Process.current())
    store.session("other").claim("the successor").release()


def test_a_dead_owner_is_reconciled_once(store: postgres.Store, schema: str) -> None:
    gone = store.session("dead")
    lease = gone.claim("dies")
    expire(schema, "dead")

    def change(tx: Any) -> bool:
        tx.append("journal.jsonl", "settled")
        return True

    outcomes = [store.session("dead").reconcile(change).outcome for _ in range(2)]
    assert outcomes == ["done", "no_change"]
    assert list(store.session("dead").journal()) == ["settled"]
    lost(lease)


def test_a_lease_that_is_dropped_warns_and_frees_the_session(store: postgres.Store) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store.session("k").claim("dropped")
        gc.collect()
    assert any("was owned when its Lease was dropped" in str(one.message) for one in caught)
    store.session("k").claim("next", timeout=60).release()


def test_a_lease_with_a_connection_ends_with_it(schema: str) -> None:
    with postgres.Store(server(), schema=schema, ttl=3600, connected=True) as store:
        lease = store.session("k").claim("connected")
        execute(f"select pg_terminate_backend(backend) from {schema}.session where key = 'k' and backend is not null")
        store.session("k").claim("next", timeout=60).release()
        lost(lease)
