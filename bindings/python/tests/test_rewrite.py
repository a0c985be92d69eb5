"""Journals that go back, begin anew, and are written anew; their headers; following them."""

import asyncio
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loops import Run, becomes_free, is_free

import untorn
from untorn import Journal, aio

Hold = Callable[[Path], "subprocess.Popen[str]"]
Script = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.jsonl"


@pytest.fixture
def journal(path: Path) -> Journal:
    return Journal(path, durability="process", header_prefix='{"type":"header"')


def head(n: int) -> dict[str, Any]:
    return {"type": "header", "n": n}


def test_goes_back_and_keeps_what_was(journal: Journal, path: Path) -> None:
    place = journal.extend([1, 2])
    assert journal.rewind(place) is None
    journal.append(3)
    rotated = journal.rewind(place)
    assert rotated == path.with_name("j_1.jsonl")
    assert list(Journal(rotated)) == [1, 2, 3]
    assert list(journal) == [1, 2]
    with pytest.raises(untorn.Conflict):
        journal.rewind(place)
    assert journal.rotate() == path.with_name("j_2.jsonl")
    assert journal.rotate() is None
    assert list(journal) == []


def test_replaces_all(journal: Journal) -> None:
    journal.extend(range(10))
    assert journal.replace(["a", "b"]) == journal.end()
    assert list(journal) == ["a", "b"]
    with pytest.raises(untorn.InvalidRecord):
        journal.replace([1, float("nan")])
    assert list(journal) == ["a", "b"]


def test_compacts_by_a_function(journal: Journal, path: Path) -> None:
    journal.extend(range(1000))

    def change(values: Iterator[int]) -> Iterator[int]:
        assert not is_free(path)
        for value in values:
            if value % 3 == 0:
                yield value
        yield -1

    assert journal.compact(change) == journal.end()
    assert list(journal) == [*range(0, 1000, 3), -1]
    before = path.read_bytes()

    def fail(values: Iterator[int]) -> Iterator[int]:
        yield next(values)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.compact(fail)
    with pytest.raises(untorn.InvalidRecord):
        journal.compact(lambda _: [float("inf")])
    assert is_free(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if "lock" not in file.name] == ["j.jsonl"]


def test_rotates_when_it_is_large(path: Path) -> None:
    journal = Journal(path, durability="process", max_bytes=100, keep=2)
    for n in range(50):
        journal.append([n, "x" * 40])
    rotated = sorted(file.name for file in path.parent.glob("j_*.jsonl"))
    assert len(rotated) == 2
    assert list(journal)[-1][0] == 49


def test_a_header(journal: Journal, path: Path) -> None:
    assert journal.header is None
    journal.append(1)
    journal.set_header(head(1))
    size = path.stat().st_size
    assert journal.header == head(1)
    end = journal.extend([2, 3], header=head(2))
    assert journal.header == head(2)
    assert list(journal) == [1, 2, 3]
    assert path.stat().st_size == size + 4 == end.offset
    assert path.read_bytes().startswith(b'{"type":"header","n":2}  ')
    with pytest.raises(untorn.InvalidRecord):
        journal.set_header({"another": 1})
    with pytest.raises(untorn.InvalidRecord):
        journal.extend([4, float("nan")], header=head(3))
    assert [journal.header, *journal] == [head(2), 1, 2, 3]
    journal.rotate()
    assert [journal.header, *journal] == [head(2)]
    with pytest.raises(untorn.InvalidArgument, match="header_prefix"):
        Journal(path).header  # noqa: B018


def test_lines(path: Path) -> None:
    journal = Journal(path, format="lines", header_prefix=b"# ", durability="process")
    journal.extend([b"not json {", "text"], header=b"# 1")
    journal.set_header("# 2")
    assert (journal.header, list(journal)) == (b"# 2", [b"not json {", b"text"])
    assert journal.compact(lambda lines: reversed(list(lines)))
    assert path.read_bytes()[512:] == b"text\nnot json {\n"


def test_under_a_lock(journal: Journal, path: Path) -> None:
    with untorn.FileLock(path) as lock:
        place = journal.append(1, lock=lock)
        journal.append(2, lock=lock)
        journal.set_header(head(1), lock=lock)
        assert journal.replace([1, 2, 3], lock=lock)
        journal.compact(lambda values: (value * 2 for value in values), lock=lock)
        with pytest.raises(untorn.Conflict):
            journal.rewind(place, lock=lock)
        assert journal.rotate(lock=lock) is not None


FOLLOWED = """
    import sys, untorn
    journal = untorn.Journal(sys.argv[1], durability="process")
    for line in sys.stdin:
        exec(line)
"""


def test_follows_another_process(journal: Journal, path: Path, script: Script) -> None:
    rewinds: list[untorn.Rewound] = []
    journal.append("before")
    with journal.follow(on_rewind=rewinds.append) as news:
        other = script(FOLLOWED, path)
        assert other.stdin is not None
        print("journal.extend([1, 2]); place = journal.end(); journal.append(3)", file=other.stdin, flush=True)
        assert [next(news) for _ in range(3)] == [1, 2, 3]
        assert news.position == journal.end()
        assert rewinds == []
        print("journal.rewind(place); journal.append(4)", file=other.stdin, flush=True)
        assert next(news) == 4
        assert [rewound.end.offset for rewound in rewinds] == [len('"before"\n1\n2\n')]
    with journal.follow(timeout=0) as rest:
        assert list(rest) == []
    with journal.follow(untorn.Position(journal.end().generation, 0), timeout=0) as everything:
        assert list(everything) == ["before", 1, 2, 4]


def test_following_ends_when_it_is_closed(journal: Journal) -> None:
    for close in ("follow", "journal"):
        news = journal.follow()
        journal.append(close)
        assert next(news) == close
        closing = threading.Thread(target=(news if close == "follow" else journal).close)
        closing.start()
        assert list(news) == []
        closing.join()


def test_a_compact_awaited(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process", header_prefix='{"type":"header"')
        place = await journal.extend(range(1000), header=head(1))
        assert await journal.header == head(1)
        await journal.set_header(head(2))
        await journal.append("behind")
        assert await journal.rewind(place) == path.with_name("j_1.jsonl")

        async def thirds(values: AsyncIterator[int]) -> AsyncIterator[int]:
            async for value in values:
                if value % 3 == 0:
                    yield value

        assert await journal.compact(thirds) == await journal.end()
        assert await journal.read() == list(range(0, 1000, 3))
        before = path.read_bytes()
        inside = asyncio.Event()

        async def stuck(values: AsyncIterator[int]) -> AsyncIterator[int]:
            async for value in values:
                yield value
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(journal.compact(stuck))
        await inside.wait()
        assert not is_free(path)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert is_free(path)
        assert path.read_bytes() == before
        assert await journal.replace(["a"])
        assert await journal.rotate() == path.with_name("j_2.jsonl")
        assert (await journal.read(), await journal.header) == ([], head(2))
        assert await journal.clear() == path.with_name("j_3.jsonl")
        assert (await journal.clear(), await journal.header) == (None, None)

    run(main)


def test_following_awaited(run: Run, path: Path, script: Script) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        await journal.append("before")
        async with journal.follow() as news:
            other = script(FOLLOWED, path)
            assert other.stdin is not None
            print("journal.extend(range(1000))", file=other.stdin, flush=True)
            assert [await anext(news) for _ in range(1000)] == list(range(1000))
            # A task that gives up waiting loses nothing.
            for n in range(50):
                waiting = asyncio.create_task(anext(news))
                await asyncio.sleep(0)
                append = asyncio.create_task(journal.append(n))
                if n % 2:
                    await append
                waiting.cancel()
                try:
                    value = await waiting
                except asyncio.CancelledError:
                    value = await anext(news)
                assert value == n
                await append
            assert news.position == await journal.end()
            ended = asyncio.create_task(collect(news))
            await asyncio.sleep(0)
            await news.close()
            assert await ended == []
        assert [value async for value in journal.follow(timeout=0.01)] == []

    run(main)


async def collect(news: aio.Follow) -> list[Any]:
    return [value async for value in news]


def test_cancelled_waits(run: Run, path: Path, hold: Hold) -> None:
    other = hold(path)

    async def main() -> None:
        journal = aio.Journal(path, header_prefix="[")

        async def same(values: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for value in values:
                yield value

        waits = [
            journal.set_header([]),
            journal.rewind(untorn.Position(0, 0)),
            journal.rotate(),
            journal.clear(),
            journal.replace([1]),
            journal.compact(same),
        ]
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError)
        with pytest.raises(untorn.LockTimeout):
            await journal.rotate(timeout=0.01)

    run(main)
    other.communicate()
    becomes_free(path)
    assert not path.exists()
