"""Many followers in one event loop: none has a thread while it waits."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from untorn import InvalidArgument, aio

if TYPE_CHECKING:
    from conftest import Script

TASKS = Path("/proc/self/task")


def threads() -> int:
    return sum(1 for _ in TASKS.iterdir())


async def follow_all(folder: Path, rounds: int) -> list[int]:
    """Two hundred followers each get their records. Returns how many more threads ran meanwhile, at several times."""
    journals = [aio.Journal(folder / str(n), durability="process") for n in range(200)]
    follows = [await journal.follow().begin() for journal in journals]
    before = threads()
    most = []
    for turn in range(rounds):
        news = [asyncio.ensure_future(anext(follow)) for follow in follows]
        await asyncio.sleep(0.05)
        most.append(threads() - before)
        for n, journal in enumerate(journals):
            await journal.append([turn, n])
        assert await asyncio.gather(*news) == [[turn, n] for n in range(200)]
        most.append(threads() - before)
    for follow in follows:
        await follow.close()
    return most


@pytest.mark.skipif(not TASKS.exists(), reason="there is no /proc")
def test_followers_that_wait_have_no_threads(tmp_path: Path) -> None:
    # One that watches, four that look, and a few that append.
    assert max(asyncio.run(follow_all(tmp_path, 3))) <= 12


FEW_THREADS = """
    import asyncio, os, pathlib, resource, sys, tempfile
    import untorn.aio
    sys.path.append(sys.argv[1])
    from test_aio_crowd import follow_all

    os.setuid(65534)
    # This one, and {more} for the library.
    resource.setrlimit(resource.RLIMIT_NPROC, ({more} + 1, {more} + 1))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(follow_all(pathlib.Path(folder), 2))
    print("followed", flush=True)
"""


@pytest.mark.skipif(
    os.geteuid() != 0, reason="another user's threads are counted: only root can become one who has none"
)
@pytest.mark.parametrize("more", [1, 2, 3])
def test_followers_where_there_are_few_threads(script: Script, more: int) -> None:
    program = script(FEW_THREADS.format(more=more), Path(__file__).parent, cwd="/")
    out, err = program.communicate(timeout=100)
    assert (out, err) == ("followed\n", "")


def test_one_call_at_a_time_waits_for_a_follower(tmp_path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(tmp_path / "j", durability="process")
        async with journal.follow() as follow:
            first = asyncio.ensure_future(anext(follow))
            await asyncio.sleep(0.05)
            with pytest.raises(InvalidArgument, match="another call"):
                await anext(follow)
            # A cancelled one delays no other.
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            second = asyncio.ensure_future(anext(follow))
            await asyncio.sleep(0)
            await journal.append(1)
            assert await second == 1
            # To close it ends the wait.
            third = asyncio.ensure_future(anext(follow))
            await asyncio.sleep(0.05)
        with pytest.raises(StopAsyncIteration):
            await third
        with pytest.raises(StopAsyncIteration):
            await anext(journal.follow(timeout=0.02))

    asyncio.run(main())
