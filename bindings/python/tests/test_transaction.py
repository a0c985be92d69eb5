"""Several files that change together or not at all."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run, is_free

import untorn
from untorn import Document, Journal, Transaction, aio

Hold = Callable[[Path], Any]


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if not file.name.endswith(".lock")}


def test_all_of_it(tmp_path: Path) -> None:
    Document(tmp_path / "state.json").save({"n": 1})
    Document(tmp_path / "old").save(0)
    with Transaction(tmp_path) as tx:
        assert tx.open
        assert tx.dir == tmp_path
        state = tx.load("state.json")
        version = tx.save("state.json", {**state, "done": True})
        assert tx.load("state.json") == {"n": 1, "done": True}
        tx.append("log.jsonl", 1)
        tx.extend("log.jsonl", [2, 3])
        tx.create("result.toml", b"ok = true\n", dumps=bytes)
        assert tx.load("result.toml", loads=bytes) == b"ok = true\n"
        assert tx.remove("old")
        assert not tx.remove("none")
        assert tx.load("none", default=7) == 7
        with pytest.raises(untorn.NotFound, match="default="):
            tx.load("none")
        assert names(tmp_path) == {"state.json", "old"}
    assert not tx.open
    assert names(tmp_path) == {"state.json", "log.jsonl", "result.toml"}
    assert Document(tmp_path / "state.json").load_versioned() == ({"n": 1, "done": True}, version)
    assert list(Journal(tmp_path / "log.jsonl")) == [1, 2, 3]


def test_nothing_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Transaction(tmp_path) as tx:
        tx.load("a", default=None)
        tx.save("a", 1)
        tx.append("j", 1)
        1 / 0  # noqa: B018
    assert names(tmp_path) == set()
    assert is_free(tmp_path / "a")
    assert is_free(tmp_path / ".untorn")
    with Transaction(tmp_path) as tx:
        tx.save("a", 1)
        tx.rollback()
    assert names(tmp_path) == set()
    with pytest.raises(untorn.InvalidArgument, match="over"):
        tx.save("a", 1)
    with pytest.raises(untorn.AlreadyExists), Transaction(tmp_path) as tx:
        tx.save("a", 1)
        tx.create("b", 2)
        (tmp_path / "b").write_text("theirs")
    assert names(tmp_path) == {"b"}


def test_refuses_what_can_not_be(tmp_path: Path) -> None:
    with Transaction(tmp_path) as tx:
        for name in ("../x", "a/b", "", ".untorn.txn", "a.lock"):
            with pytest.raises(untorn.InvalidArgument):
                tx.save(name, 1)
        with pytest.raises(untorn.InvalidRecord):
            tx.save("a", float("nan"))
        with pytest.raises(untorn.InvalidRecord):
            tx.extend("j", [1, float("nan")])
        with pytest.raises(untorn.Deadlock):
            Transaction(tmp_path).__enter__()
    assert names(tmp_path) == set()


def test_waits_for_its_locks(tmp_path: Path, hold: Hold) -> None:
    other = hold(tmp_path / "a")
    with Transaction(tmp_path, timeout=0) as tx:
        with pytest.raises(untorn.Locked) as caught:
            tx.load("a", default=None)
        assert caught.value.holder is not None
        assert caught.value.holder.pid == other.pid
        tx.save("b", 1)
    with pytest.raises(untorn.LockTimeout), Transaction(tmp_path, timeout=0.01) as tx:
        tx.save("a", 1)
    assert names(tmp_path) == {"a.holder", "b"}
    other.communicate()


def test_a_forked_child_has_no_part_in_it(tmp_path: Path) -> None:
    with Transaction(tmp_path) as tx:
        tx.save("a", 1)
        child = os.fork()
        if child == 0:
            try:
                tx.commit()
            except untorn.InvalidArgument:
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert names(tmp_path) == set()
    assert names(tmp_path) == {"a"}


def test_makes_its_directory(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.Transaction(tmp_path / "c" / "d", parents=True) as tx:
            await tx.save("x", 2)

    made = Transaction(tmp_path / "a" / "b", parents=True)
    assert names(tmp_path) == set()
    with made as tx:
        tx.save("x", 1)
    assert Document(tmp_path / "a" / "b" / "x").load() == 1
    run(main)
    assert Document(tmp_path / "c" / "d" / "x").load() == 2


def test_awaited(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.Transaction(tmp_path, durability="process") as tx:
            await tx.save("a", {"n": 0})
            await asyncio.gather(*(tx.append("j", n) for n in range(20)))
            await tx.create("raw", b"x", dumps=bytes)
            assert await tx.load("raw", loads=bytes) == b"x"
            assert not await tx.remove("none")
            assert names(tmp_path) == set()
        assert not tx.open
        assert await aio.Journal(tmp_path / "j").read() == list(range(20))

        async def work() -> None:
            async with aio.Transaction(tmp_path, durability="process") as tx:
                value = await tx.load("a")
                await asyncio.sleep(0)
                await tx.save("a", {"n": value["n"] + 1})

        await asyncio.gather(*(work() for _ in range(20)))
        assert await aio.Document(tmp_path / "a").load() == {"n": 20}
        with pytest.raises(ZeroDivisionError):
            async with aio.Transaction(tmp_path) as tx:
                await tx.save("b", 1)
                1 / 0  # noqa: B018
        assert not (tmp_path / "b").exists()

    run(main)


def test_cancelled(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        inside = asyncio.Event()

        async def work() -> None:
            async with aio.Transaction(tmp_path) as tx:
                await tx.load("a", default=None)
                await tx.save("a", 1)
                inside.set()
                await asyncio.Event().wait()

        for turn in range(20):
            inside.clear()
            first = asyncio.create_task(work())
            if turn:
                await inside.wait()
            second = asyncio.create_task(work())
            await asyncio.sleep(0)
            for task in (second, first):
                task.cancel()
            for result in await asyncio.gather(first, second, return_exceptions=True):
                assert isinstance(result, asyncio.CancelledError)
            assert names(tmp_path) == set()
            if turn:
                assert is_free(tmp_path / "a")
                assert is_free(tmp_path / ".untorn")

    run(main)
