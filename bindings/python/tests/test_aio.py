"""`untorn.aio`: the verbs, awaited."""

import asyncio
import inspect
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from loops import Run

import untorn
from untorn import _options, aio

Hold = Callable[[Path], "subprocess.Popen[str]"]


VERBS: list[tuple[type, type, type | None]] = [
    (untorn.Journal, aio.Journal, _options.JournalOptions),
    (untorn.Document, aio.Document, _options.DocumentOptions),
    (untorn.FileLock, aio.FileLock, _options.LockOptions),
    (untorn.Transaction, aio.Transaction, _options.TransactionOptions),
    (untorn.Store, aio.Store, _options.StoreOptions),
    (untorn.Session, aio.Session, None),
    (untorn.Lease, aio.Lease, None),
]


@pytest.mark.parametrize(("plain", "awaited", "options"), VERBS)
def test_every_verb_is_there(plain: type, awaited: type, options: type | None) -> None:
    def verbs(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    # To open takes the file system: awaited, there is a verb for it.
    assert verbs(plain) == verbs(awaited) - {"open"} | verbs(plain) & {"open"}
    for name in verbs(plain):
        function = getattr(awaited, name)
        if callable(function) and name != "append_raw":
            ours = inspect.signature(function).parameters
            theirs = inspect.signature(getattr(plain, name)).parameters
            assert list(ours) == list(theirs), name
    if options is not None:
        theirs = inspect.signature(plain).parameters
        # The first parameter is the path; a lock's timeout may stand behind it without its name.
        named = {*theirs} - {next(iter(theirs)), "codec"}
        assert options.__annotations__.keys() == named


def test_a_journal(run: Run, path: Path) -> None:
    async def main() -> None:
        async with aio.Journal(path, durability="process") as journal:
            first = await journal.append({"n": 0})
            await journal.append_raw(b'{"n":1}')
            last = await journal.extend([{"n": 2}, {"n": 3}])
            assert await journal.end() == last
            values = [{"n": n} for n in range(4)]
            assert [value async for value in journal] == values
            assert [value async for _, value in journal.entries(first)] == values[1:]
            assert [record.data async for record in journal.records(first)][:1] == [b'{"n":1}']
            assert await journal.read(first) == values[1:]
            assert await journal.tail(2) == values[2:]
            assert (await journal.tail_records(1))[0].end == last
            assert (await journal.verify()).records == 4
            await journal.sync()
            with path.open("ab") as file:
                file.write(b'{"torn":')
            assert (await journal.repair()).repaired is not None
            with pytest.raises(untorn.Conflict) as caught:
                await journal.extend([5], at=first)
            assert caught.value.position == last
            with pytest.raises(untorn.LimitExceeded):
                await journal.read(max_records=2)
            assert not journal.closed
        assert journal.closed
        with pytest.raises(untorn.InvalidArgument, match="closed"):
            await journal.append(1)

    run(main)


def test_a_document(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")
        with pytest.raises(untorn.NotFound):
            await document.load()
        assert await document.load(default=7) == 7
        with pytest.raises(untorn.NotFound):
            async with document.update():
                pass
        version = await document.create({"n": 1})
        assert (await document.load_versioned()) == ({"n": 1}, version)
        with pytest.raises(untorn.AlreadyExists):
            await document.create(2)
        async with document.update() as value:
            value["n"] += 1
        assert document.version != version
        with pytest.raises(untorn.Conflict):
            await document.save(3, expect=version)

        async def change(value: dict[str, int]) -> dict[str, int]:
            await asyncio.sleep(0)
            return {"n": value["n"] + 1}

        assert await document.update_with(change) == {"n": 3}
        assert await document.update_with(lambda value: value.update(m=1)) == {"n": 3, "m": 1}
        with pytest.raises(ZeroDivisionError):
            async with document.update() as value:
                value["n"] = 1 / 0
        assert await document.load() == {"n": 3, "m": 1}
        assert await document.remove(expect=document.version or "")
        assert not await document.remove()
        await document.close()
        with pytest.raises(untorn.InvalidArgument, match="closed"):
            await document.save(1)

    run(main)


def test_a_burst_keeps_its_order(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        n = 10_000
        ends = await asyncio.gather(*(journal.append(i) for i in range(n)))
        entries = [entry async for entry in journal.entries()]
        assert entries == list(zip(ends, range(n), strict=True))

    run(main)


def test_tasks_on_one_handle_keep_their_order(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path)

        async def work(task: int) -> None:
            for n in range(20):
                if n % 5 == 4:
                    await journal.extend([[task, n], [task, n, "too"]])
                else:
                    await journal.append([task, n])

        async with asyncio.TaskGroup() as group:
            for task in range(50):
                group.create_task(work(task))
        values = await journal.read()
        for task in range(50):
            assert [n for owner, n, *_ in values if owner == task] == [
                n for n in range(20) for _ in range(2 if n % 5 == 4 else 1)
            ]
        for before, value in itertools.pairwise(values):
            assert len(value) == 2 or before == value[:2], "a batch lies together"

    run(main)


def test_an_append_is_a_coroutine(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        zeroth = journal.append(0)
        assert asyncio.iscoroutine(zeroth)
        await zeroth
        first = asyncio.create_task(journal.append(1))
        second = await asyncio.wait_for(journal.append(2), 60)
        assert await first < second
        third = await asyncio.shield(journal.append(3))
        task = asyncio.create_task(journal.append_raw("{"))
        with pytest.raises(untorn.InvalidRecord):
            await task
        assert await journal.end() == third
        with pytest.raises(untorn.InvalidRecord):
            await journal.append(float("nan"))
        assert await journal.read() == [0, 1, 2, 3]

    with pytest.raises(untorn.InvalidRecord):
        # Refused when it is made: nothing that can't be a record ever waits for a lock.
        run(main)


def test_saves_keep_their_order(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")
        versions = await asyncio.gather(*(document.save(n) for n in range(100)))
        assert (await document.load_versioned()) == (99, versions[-1])

    run(main)


def test_updates_of_many_tasks_are_all_there(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")

        async def work() -> None:
            async with document.update(default={"n": 0}) as value:
                await asyncio.sleep(0)
                value["n"] += 1

        await asyncio.gather(*(work() for _ in range(100)))
        assert await document.load() == {"n": 100}

    run(main)


def test_reading_while_others_append(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")

        async def write() -> None:
            for n in range(300):
                await journal.append({"n": n, "text": "x" * n})

        writer = asyncio.create_task(write())
        seen = 0
        while seen < 300:
            values = [value async for value in journal]
            assert all(len(value["text"]) == value["n"] for value in values)
            assert len(values) >= seen
            seen = len(values)
        await writer

    run(main)


def test_damage_is_told(run: Run, path: Path) -> None:
    path.write_bytes(b'1\n{"glued":1}{"to":2}\n3\n{"torn')
    found: list[untorn.Damage] = []

    async def main() -> None:
        assert await aio.Journal(path).read(on_damage=found.append) == [1, 3]

    run(main)
    assert [damage.kind for damage in found] == ["glued", "torn_tail"]


def test_opened_in_the_background(run: Run, path: Path) -> None:
    async def main() -> None:
        there = path / "not" / "yet"
        journal = await aio.Journal.open(there / "j", parents=True, dumps=repr, loads=bytes, durability="process")
        await journal.append(7)
        assert (await journal.read(), journal.durability) == ([b"7"], "process")
        document = await aio.Document.open(there / "d", timeout=0)
        await document.save(1)
        store = await aio.Store.open(path / "store", state_name="x", state_dumps=bytes, state_loads=bytes)
        state = await store.session("a").state()
        await state.save(b"y")
        assert (state.path.name, await state.load()) == ("x", b"y")
        with pytest.raises(untorn.NotFound):
            await aio.Document.open(path / "no" / "d")
        for kind in (aio.Journal, aio.Document, aio.Store):
            with pytest.raises(TypeError, match="unknown option"):
                await kind.open(path / "x", nonsense=1)  # type: ignore[call-arg, call-overload]
        await aio.save_json(there / "a" / "s", {"b": [1]}, indent=2)
        assert (there / "a" / "s").read_text() == '{\n  "b": [\n    1\n  ]\n}'
        assert await aio.load_json(there / "a" / "s") == {"b": [1]}
        assert await aio.load_json(there / "none" / "s", default=3) == 3
        await aio.append_json(there / "k" / "j", 1)
        assert (there / "k" / "j").read_bytes() == b"1\n"

    run(main)
