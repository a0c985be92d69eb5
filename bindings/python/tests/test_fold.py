"""A state that is kept from the records, and several files at one instant."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from loops import Run, is_free

import untorn
from untorn import Document, Journal, Transaction, aio, snapshot

Hold = Callable[[Path], "subprocess.Popen[str]"]


def total(state: int, value: int) -> int:
    return state + value


def count(counts: "Counter[str]", value: str) -> None:
    counts[value] += 1


def contains(value: Any, values: list[Any]) -> bool:
    return value in values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.jsonl"


@pytest.fixture
def journal(path: Path) -> Journal:
    return Journal(path, durability="process")


def test_takes_in_what_anybody_appends(journal: Journal, path: Path) -> None:
    journal.extend(["a", "b"])
    counts = journal.fold(Counter, count)
    assert counts.state == {"a": 1, "b": 1}
    assert counts.append("a") == journal.end() == counts.position
    Journal(path).append("c")
    assert counts.state == {"a": 2, "b": 1}
    assert counts.refresh() == journal.end()
    assert counts.state == {"a": 2, "b": 1, "c": 1}
    journal.append("d")
    counts.extend(["e", "f"])
    assert counts.read(lambda state: sorted(state)) == list("abcdef")


def test_begins_anew_when_the_journal_does(journal: Journal) -> None:
    made = 0

    def initial() -> int:
        nonlocal made
        made += 1
        return 100

    place = journal.extend([1, 2])
    sums = journal.fold(initial, total)
    sums.append(3)
    assert (sums.state, made) == (106, 1)
    journal.rewind(place)
    sums.refresh()
    assert (sums.state, made) == (103, 2)
    journal.rotate()
    sums.append(7)
    assert (sums.state, made) == (107, 3)


def test_decides_under_the_lock(journal: Journal, path: Path) -> None:
    sums = journal.fold(int, total)

    def spend(n: int) -> None:
        def decide(state: int) -> list[int] | None:
            assert not is_free(path)
            return [n] if state + n <= 100 else None

        Journal(path, durability="process").fold(int, total).update(decide)
        sums.update(decide)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spend, [7] * 40))
    sums.refresh()
    assert sums.state == 98
    assert sum(journal) == 98
    with pytest.raises(ZeroDivisionError):
        sums.update(lambda state: [state / 0])
    with pytest.raises(untorn.InvalidRecord):
        sums.update(lambda _: [1, float("nan")])
    with pytest.raises(untorn.Deadlock):
        sums.update(lambda _: [sums.state])
    with pytest.raises(untorn.Deadlock):
        sums.read(lambda _: sums.append(1))
    assert (sums.state, sum(journal)) == (98, 98)
    assert is_free(path)


def test_state_and_file_never_part(journal: Journal) -> None:
    """G10: whatever is appended, the state has each record once, and in file order."""
    seen = journal.fold(list, lambda values, value: values.append(value))
    ends: list[untorn.Position] = []

    def work(thread: int) -> None:
        for n in range(50):
            if n % 3 == 0:
                journal.append([thread, n])
            else:
                ends.append(seen.append([thread, n]))
                assert seen.read(partial(contains, [thread, n]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    seen.refresh()
    assert seen.state == list(journal)
    assert len(seen.state) == 400
    assert seen.position == journal.end()
    assert len(set(ends)) == len(ends)


def test_apply_that_fails(journal: Journal) -> None:
    def apply(state: list[int], value: int) -> None:
        state.append(value)
        if value == wrong:
            raise ZeroDivisionError

    wrong = 3
    values = journal.fold(list, apply)
    values.extend([1, 2])
    with pytest.raises(ZeroDivisionError) as caught:
        values.extend([3, 4])
    assert "the next call computes the state again" in caught.value.__notes__[0]
    with pytest.raises(ZeroDivisionError):
        values.refresh()
    with pytest.raises(ZeroDivisionError):
        _ = values.state
    wrong = 0
    # Each once, also those that were taken in before it failed.
    assert values.state == [1, 2, 3, 4]


def test_skips_what_is_damaged(journal: Journal, path: Path) -> None:
    path.write_bytes(b'1\n{"a"}\n3\n')
    found: list[untorn.Damage] = []
    assert journal.fold(int, total, found.append).state == 4
    assert [damage.kind for damage in found] == ["not_json"]


def test_a_forked_child_has_a_state_of_its_own(journal: Journal) -> None:
    sums = journal.fold(int, total)
    sums.append(1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert sums.state == 1
            sums.append(2)
            assert sums.state == 3
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    sums.refresh()
    assert sums.state == 3


def test_waits(journal: Journal, path: Path, hold: Hold) -> None:
    sums = journal.fold(int, total)
    other = hold(path)
    for wait in (sums.refresh, lambda **options: sums.append(1, **options)):
        journal_appends = path.open("ab")
        journal_appends.write(b"1\n")
        journal_appends.close()
        with pytest.raises(untorn.LockTimeout):
            wait(timeout=0.01)
    assert sums.state == 0
    other.communicate()
    sums.refresh()
    assert sums.state == 2


def test_awaited(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        await journal.extend(range(10))
        values = await journal.fold(list, lambda state, value: state.append(value))
        assert await values.state == list(range(10))

        async def work(task: int) -> None:
            for n in range(10):
                if n % 3 == 0:
                    await journal.append([task, n])
                else:
                    await values.append([task, n])
                    assert await values.read(partial(contains, [task, n]))

        await asyncio.gather(*(work(task) for task in range(20)))
        await values.refresh()
        assert await values.state == await journal.read()

        async def decide(state: list[Any]) -> list[Any]:
            await asyncio.sleep(0)
            return [len(state)]

        await asyncio.gather(*(values.update(decide) for _ in range(20)))
        assert (await values.state)[-20:] == list(range(210, 230))
        assert values.position == await journal.end()

        for turn in range(50):
            tasks = [asyncio.create_task(values.append(["cancelled", turn])) for _ in range(3)]
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert is_free(path)
        await values.refresh()
        assert await values.state == await journal.read()

    run(main)


def test_files_at_one_instant(run: Run, tmp_path: Path) -> None:
    def change(n: int) -> None:
        with Transaction(tmp_path, durability="process") as tx:
            tx.save("a", n)
            tx.append("j", n)
            tx.save("b.bin", bytes([n]), dumps=bytes)

    change(0)
    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(lambda: list(map(change, range(1, 60))))
        while not changes.done():
            past = snapshot(tmp_path)
            n = past.load("a")
            assert past.load("b.bin", loads=bytes) == bytes([n])
            assert list(past.values("j")) == list(range(n + 1))
        changes.result()
    assert past.names() == ["a", "b.bin", "j"]
    assert past.dir == tmp_path
    assert past.load("none", default=None) is None
    with pytest.raises(untorn.NotFound):
        past.load("none")
    Document(tmp_path / "a").save("later")
    assert past.load("a") == n

    async def main() -> None:
        now = await aio.snapshot(tmp_path)
        assert now.names() == ["a", "b.bin", "j"]
        assert await now.load("a") == "later"
        assert [value async for value in now.values("j")] == list(range(60))
        with pytest.raises(untorn.NotFound):
            await aio.snapshot(tmp_path / "none")

    run(main)


def test_an_async_function_is_no_apply(path: Path) -> None:
    async def apply(state: Any, value: Any) -> None: ...

    with pytest.raises(untorn.InvalidArgument, match="apply must not be async: it runs under the lock"):
        Journal(path).fold(dict, apply)
