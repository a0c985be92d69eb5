"""Mistakes with `untorn.aio`."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from loops import Run
from mistakes import wrong

import untorn
from untorn import Deadlock, FileLock, InvalidArgument, InvalidRecord, NotFound, aio

MISTAKES: dict[str, tuple[Callable[[Path], Awaitable[object]], type[BaseException], str]] = {
    "a misspelt durability": (
        lambda path: aio.Journal.open(path, durability=wrong("proces")),
        InvalidArgument,
        'durability must be "process" or "power", not "proces"',
    ),
    "a misspelt option": (
        lambda path: aio.Journal.open(path, durabilty="process"),  # type: ignore[call-arg]
        InvalidArgument,
        "unknown option 'durabilty'; did you mean 'durability'",
    ),
    "no path": (lambda _: aio.Journal.open(wrong(None)), InvalidArgument, "expected a path .*, not NoneType"),
    "a directory that is missing": (
        lambda path: aio.Document.open(path / "a" / "b"),
        NotFound,
        "or open with `parents`",
    ),
    "NaN": (
        lambda path: aio.Journal(path).append([float("nan")]),
        InvalidRecord,
        r"at value\[0\]; nothing was appended",
    ),
    "a set": (
        lambda path: aio.Document(path).save({"tags": {1}}),
        InvalidArgument,
        r"Object of type set .*, at value\['tags'\]; .*; nothing was saved",
    ),
    "many records that are one": (
        lambda path: aio.Journal(path).replace({"n": 1}),
        InvalidArgument,
        "it takes many records, and a dict is one: put it in a list; nothing was changed",
    ),
    "the lock of the calls that block": (
        lambda path: aio.Journal(path).append(1, lock=wrong(FileLock(path))),
        InvalidArgument,
        r"expected an untorn\.aio\.FileLock, not untorn\.FileLock",
    ),
    "the lock of the calls that block, for a save": (
        lambda path: aio.Document(path).save(1, lock=wrong(FileLock(path))),
        InvalidArgument,
        r"expected an untorn\.aio\.FileLock, not untorn\.FileLock",
    ),
    "a timeout as text": (
        lambda path: aio.FileLock(path).acquire(wrong("5")),
        InvalidArgument,
        "expected a number of seconds, not str",
    ),
    "a compaction by a list": (
        lambda path: aio.Journal(path).compact(wrong([1])),
        InvalidArgument,
        "change must be a function, not a list; nothing was changed",
    ),
    "an update by a value": (
        lambda path: aio.Document(path).update_with(wrong(5), default={}),
        InvalidArgument,
        "change must be a function, not an int; nothing was changed",
    ),
    "a search for a number": (
        lambda path: aio.Store(path).search(wrong(5)),
        InvalidArgument,
        "expected str, not int",
    ),
    "a rewind to a number": (
        lambda path: aio.Journal(path).rewind(wrong(5)),
        InvalidArgument,
        "expected an untorn.Position, not int",
    ),
}


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered(path: Path, mistake: str) -> None:
    make, kind, words = MISTAKES[mistake]

    async def main() -> None:
        with pytest.raises(kind, match=words) as raised:
            await make(path)
        assert type(raised.value) is kind

    asyncio.run(main())


def test_a_lock_that_a_task_takes_twice(run: Run, path: Path) -> None:
    async def main() -> None:
        lock = aio.FileLock(path)
        async with await lock.acquire(10) as same:
            assert same is lock
            with pytest.raises(Deadlock, match=r"this task already holds the lock .* and would wait for itself"):
                await lock.acquire()
            with pytest.raises(untorn.Locked):
                await lock.acquire(blocking=False)
        assert not lock.held

    run(main)


def test_a_blocking_call_of_the_task_that_holds_the_lock(run: Run, path: Path) -> None:
    async def main() -> None:
        async with aio.FileLock(path, label="the task"):
            with pytest.raises(Deadlock, match="this thread already holds the lock and would wait for itself"):
                untorn.Document(path).save(1)

    run(main)


def test_a_forgotten_await_is_told(path: Path) -> None:
    async def main() -> None:
        document, journal = aio.Document(path), aio.Journal(path.with_name("j"), durability="process")
        with pytest.warns(RuntimeWarning, match=r"'Document\.save' was never awaited"):
            document.save(1)  # type: ignore[unused-coroutine]
            gc.collect()
        with pytest.warns(RuntimeWarning, match=r"append .*/j was never awaited: write `await journal\.append"):
            journal.append(1)  # type: ignore[unused-coroutine]
        with pytest.warns(RuntimeWarning, match="never awaited"), pytest.raises(AttributeError, match="coroutine"):
            journal.header.get("seq")  # type: ignore[attr-defined]

    asyncio.run(main())


def test_the_words_of_the_calls_that_block(path: Path) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="context manager protocol"), aio.FileLock(path):  # type: ignore[attr-defined]
            pytest.fail("it was taken")
        with pytest.raises(TypeError, match="context manager protocol"), aio.Document(path).update(default={}):  # type: ignore[attr-defined]
            pytest.fail("it was begun")
        with pytest.raises(TypeError, match="not iterable"):
            list(aio.Journal(path))  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="requires an object with __aiter__ method"):
            async for _ in untorn.Journal(path):  # type: ignore[attr-defined]
                pytest.fail("it was read")

    asyncio.run(main())
