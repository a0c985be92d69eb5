"""Stores, sessions, leases, and processes that are named for longer than their pid."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run, is_free

import untorn
from untorn import Process, Store, Transaction, aio

Script = Callable[..., "subprocess.Popen[str]"]

OWNER = """
    import sys, untorn
    lease = untorn.Store(sys.argv[1]).session(sys.argv[2]).claim("the owner")
    print("owned", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", durability="process")


@pytest.fixture
def owner(script: Script, store: Store) -> Callable[[str], "subprocess.Popen[str]"]:
    def start(key: str) -> "subprocess.Popen[str]":
        process = script(OWNER, store.path, key)
        assert process.stdout is not None
        assert process.stdout.readline() == "owned\n"
        return process

    return start


def test_a_process() -> None:
    own = Process.current()
    assert own == Process.of(os.getpid())
    assert (own.pid, own.alive) == (os.getpid(), "alive")
    assert own.start is not None
    for again in (pickle.loads(pickle.dumps(own)), Process.from_json(own.to_json()), eval(repr(own))):
        assert again == own
        assert hash(again) == hash(own)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        theirs = Process.of(child.pid)
        assert (theirs.alive, theirs == own) == ("alive", False)
        child.kill()
    assert theirs.alive == "dead"
    assert "dead" in str(theirs)
    with pytest.raises(untorn.InvalidArgument):
        Process.from_json("17")


def test_a_holder_is_a_process(tmp_path: Path) -> None:
    with untorn.FileLock(tmp_path / "p", label="me"):
        holder = untorn.holder(tmp_path / "p")
        assert holder is not None
        assert holder.process == Process.current()


HEIR = """
    import sys, untorn
    sys.stdin.readline()
    with untorn.FileLock(sys.argv[1], timeout=60):
        print("mine", flush=True)
        sys.stdin.readline()
"""


def test_a_lock_is_given_away(tmp_path: Path, script: Script, run: Run) -> None:
    path = tmp_path / "p"

    async def main() -> None:
        for kind in (untorn.FileLock, aio.FileLock):
            heir = script(HEIR, path)
            assert heir.stdin is not None
            assert heir.stdout is not None
            lock: Any = kind(path)
            if kind is aio.FileLock:
                await lock.acquire()
                await lock.transfer(Process.of(heir.pid))
            else:
                lock.acquire()
                lock.transfer(Process.of(heir.pid))
            assert not lock.held
            with pytest.raises(untorn.Locked) as caught:
                untorn.FileLock(path, timeout=0).acquire()
            assert caught.value.holder is not None
            assert caught.value.holder.pid == heir.pid
            print(file=heir.stdin, flush=True)
            assert heir.stdout.readline() == "mine\n"
            heir.kill()
            heir.wait()
        with untorn.FileLock(path, timeout=60) as mine, pytest.raises(untorn.InvalidArgument, match="ended"):
            mine.transfer(Process.of(heir.pid))

    run(main)


def test_a_session(store: Store) -> None:
    session = store.session("chat:42/ü")
    assert not session.exists()
    with session.claim("worker 3") as lease:
        assert lease.held
        assert lease.holder.label == "worker 3"
        assert lease.previous is None
        session.journal().append({"role": "user"})
        session.state().save({"turns": 1})
        session.document("notes.md", dumps=bytes, loads=bytes).save(b"# hi")
        media = session.media("../photo.jpg")
        media.write_bytes(b"x")
        assert media.is_relative_to(session.path)
        assert session.holder() == untorn.Holder(**{**_fields(lease.holder), "alive": "alive"})
        with pytest.raises(untorn.Locked) as caught:
            store.session("chat:42/ü").claim("another")
        assert caught.value.holder is not None
        assert caught.value.holder.label == "worker 3"
        with pytest.raises(untorn.Locked):
            store.remove(session.key)
    assert not lease.held
    assert session.holder() is None
    assert session.exists()
    assert store.keys() == ["chat:42/ü"]
    again = pickle.loads(pickle.dumps(store)).session("chat:42/ü")
    assert list(again.journal()) == [{"role": "user"}]
    assert again.journal().durability == "process"
    assert again.state().load() == {"turns": 1}
    with again.transaction() as tx:
        assert tx.load("state.json") == {"turns": 1}
        tx.append("journal.jsonl", 2)
    assert list(again.journal()) == [{"role": "user"}, 2]
    assert store.remove(session.key)
    assert not store.remove(session.key)
    assert store.keys() == []


def _fields(holder: untorn.Holder) -> dict[str, Any]:
    return {name: getattr(holder, name) for name in holder._fields}


def test_options_are_those_of_its_files(tmp_path: Path) -> None:
    store = Store(
        tmp_path,
        journal_name="context.jsonl",
        state_name="state.toml",
        state_dumps=bytes,
        state_loads=bytes,
        header_prefix='{"type"',
        max_bytes=10,
        timeout=0,
    )
    session = store.session("a")
    session.state().save(b"x = 1")
    journal = session.journal()
    journal.extend([1], header={"type": "h"})
    journal.extend([2, 3, 4, 5, 6, 7])
    journal.append(8)
    assert (journal.header, list(journal)) == ({"type": "h"}, [8])
    assert {file.name for file in session.path.iterdir()} >= {"context.jsonl", "context_1.jsonl", "state.toml"}
    with untorn.FileLock(journal.path), pytest.raises(untorn.Locked):
        aio_free(journal)
    with pytest.raises(untorn.InvalidArgument):
        Store(tmp_path, journal_name="x", state_name="x")
    with pytest.raises(untorn.NotFound):
        Store(tmp_path / "none", create=False)


def aio_free(journal: untorn.Journal) -> None:
    journal.append(9)


def test_a_dead_owner(store: Store, owner: Callable[[str], "subprocess.Popen[str]"]) -> None:
    session = store.session("a")
    ran = 0

    def change(tx: Transaction) -> None:
        nonlocal ran
        ran += 1
        tx.create("result.json", {"failed": "the worker died"})

    assert session.reconcile(change) == ("no_change", None)
    process = owner("a")
    alive = session.reconcile(change)
    assert alive.outcome == "alive"
    assert alive.holder is not None
    assert (alive.holder.pid, alive.holder.label) == (process.pid, "the owner")
    process.kill()
    process.wait()

    def fail(tx: Transaction) -> None:
        change(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.reconcile(fail)
    with pytest.raises(ZeroDivisionError):
        session.reconcile(change, also_alive=lambda: bool(1 / 0))
    assert session.reconcile(change, also_alive=lambda: True).outcome == "alive"
    assert session.reconcile(lambda _: False) == ("no_change", None)
    assert not (session.path / "result.json").exists()
    assert ran == 1
    done = session.reconcile(change, also_alive=lambda: session.holder() is not None)
    assert done.outcome == "done"
    assert done.holder is not None
    assert done.holder.pid == process.pid
    assert session.document("result.json").load() == {"failed": "the worker died"}
    assert session.reconcile(change) == ("no_change", None)
    assert ran == 2


def test_awaited(run: Run, tmp_path: Path, owner: Callable[[str], "subprocess.Popen[str]"], store: Store) -> None:
    async def main() -> None:
        mine = aio.Store(store.path, durability="process")
        session = mine.session("b")
        assert not await session.exists()
        async with await session.claim("me") as lease:
            assert lease.held
            await (await session.journal()).append(1)
            await (await session.state()).save(2)
            await (await session.document("c")).save(3)
            assert (await session.media("m")).parent.is_dir()
            held_by = await session.holder()
            assert held_by is not None
            assert held_by.label == "me"
            with pytest.raises(untorn.Locked):
                await session.claim("again")
            waiting = asyncio.create_task(session.claim("next", timeout=60))
            async with session.transaction() as tx:
                assert await tx.load("state.json") == 2
        async with await waiting as lease:
            assert lease.held
            task = asyncio.create_task(session.claim("cancelled", timeout=None))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await session.holder() is None
        process = owner("b")

        async def change(tx: aio.Transaction) -> None:
            await tx.save("state.json", "dead")

        async def not_alive() -> bool:
            return False

        assert (await session.reconcile(change)).outcome == "alive"
        process.kill()
        process.wait()
        assert (await session.reconcile(change, also_alive=lambda: True)).outcome == "alive"
        assert (await session.reconcile(change, also_alive=not_alive)).outcome == "done"
        assert await (await session.state()).load() == "dead"
        assert await mine.keys() == ["b"]
        assert await mine.remove("b")

    run(main)
    assert is_free(tmp_path / "x")


def test_a_lease_is_given_away(store: Store, script: Script) -> None:
    worker = script(
        """
        import sys, untorn
        sys.stdin.readline()
        with untorn.Store(sys.argv[1]).session("a").claim("worker", timeout=60):
            print("mine", flush=True)
            sys.stdin.readline()
        """,
        store.path,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    session = store.session("a")
    lease = session.claim("supervisor")
    lease.transfer(Process.of(worker.pid))
    assert not lease.held
    with pytest.raises(untorn.Locked):
        session.claim("a third")
    print(file=worker.stdin, flush=True)
    assert worker.stdout.readline() == "mine\n"
    owned_by = session.holder()
    assert owned_by is not None
    assert (owned_by.pid, owned_by.label) == (worker.pid, "worker")
