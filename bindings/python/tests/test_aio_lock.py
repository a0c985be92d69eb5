"""Locks, awaited."""

import asyncio
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from loops import Run, becomes_free, is_free

import untorn
from untorn import aio

Hold = Callable[[Path], "subprocess.Popen[str]"]


def test_a_lock_keeps_tasks_out(run: Run, path: Path) -> None:
    async def main() -> None:
        lock = aio.FileLock(path, label="me")
        inside = 0
        order = []

        async def work(n: int, lock: aio.FileLock) -> None:
            nonlocal inside
            async with lock as same:
                assert same is lock
                inside += 1
                assert inside == 1
                assert not is_free(path)
                await asyncio.sleep(0)
                order.append(n)
                inside -= 1

        await asyncio.gather(*(work(n, lock if n % 2 else aio.FileLock(path)) for n in range(50)))
        assert order == list(range(50))
        assert is_free(path)
        assert not lock.held

    run(main)


def test_no_deadlock_where_another_task_lets_go(run: Run, path: Path) -> None:
    async def main() -> None:
        first, second = aio.FileLock(path), aio.FileLock(path)
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        append = asyncio.create_task(aio.Journal(path).append("after"))
        # Of this thread's own it is known that it never comes.
        with pytest.raises(untorn.Deadlock):
            untorn.FileLock(path).acquire()
        with pytest.raises(untorn.Locked):
            await second.acquire(timeout=0)
        await aio.Journal(path).append("under it", lock=first)
        assert not waiting.done()
        await first.release()
        await waiting
        assert second.held
        await second.release()
        await append
        assert await aio.Journal(path).read() == ["under it", "after"]

    run(main)


def test_under_a_lock(run: Run, path: Path) -> None:
    async def main() -> None:
        journal, document = aio.Journal(path), aio.Document(path)
        async with aio.FileLock(path) as lock:
            await journal.append(1, lock=lock)
            await journal.append_raw("2", lock=lock)
            await journal.extend([3], lock=lock)
            assert (await journal.repair(lock=lock)).records == 3
            await document.save([1], lock=lock)
            async with document.update(lock=lock) as value:
                value.append(2)
            assert await document.load() == [1, 2]
            assert await document.remove(lock=lock)
        with pytest.raises(untorn.InvalidArgument, match="not held"):
            await journal.append(1, lock=lock)

    run(main)


def test_shared_locks(run: Run, path: Path) -> None:
    async def main() -> None:
        shared = aio.FileLock(path, shared=True)
        writer = aio.FileLock(path)
        async with shared:
            async with aio.FileLock(path, shared=True):
                waiting = asyncio.create_task(writer.acquire())
                with pytest.raises(untorn.Locked):
                    await writer.acquire(timeout=0)
            assert not waiting.done()
        await waiting
        assert writer.held
        await writer.release()
        assert is_free(path)

    run(main)


def test_a_time_limit_names_the_holder(run: Run, path: Path, hold: Hold) -> None:
    other = hold(path)

    async def main() -> None:
        document = aio.Document(path, timeout=0.02)
        # Of two calls that stand behind each other each has its own time.
        endless = asyncio.create_task(document.save(0, timeout=None))
        waits = [
            aio.FileLock(path, timeout=0.02).acquire(),
            aio.Journal(path).append(1, timeout=0.02),
            aio.Journal(path, timeout=0.02).repair(),
            document.save(1),
            document.remove(),
            document.update_with(lambda value: value),
        ]
        for error in await asyncio.gather(*waits, return_exceptions=True):
            assert isinstance(error, untorn.LockTimeout)
            assert isinstance(error, TimeoutError)
            assert error.holder is not None
            assert (error.holder.pid, error.holder.label) == (other.pid, "the other")
        with pytest.raises(untorn.Locked):
            await aio.FileLock(path).acquire(timeout=0)
        held_by = await aio.holder(path)
        assert held_by is not None
        assert held_by.pid == other.pid
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless

    run(main)
    other.communicate()
    becomes_free(path)
    assert not path.exists()


def test_a_lock_may_be_used_by_loops_of_many_threads(path: Path) -> None:
    journal = aio.Journal(path, durability="process")
    lock = aio.FileLock(path.with_name("lock"))
    inside = 0

    async def work(thread: int) -> None:
        nonlocal inside
        for n in range(50):
            await asyncio.gather(*(journal.append([thread, n, m]) for m in range(5)))
            async with lock:
                inside += 1
                assert inside == 1
                await asyncio.sleep(0)
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda thread: asyncio.run(work(thread)), range(8)))
    values = list(untorn.Journal(path))
    for thread in range(8):
        assert [value[1:] for value in values if value[0] == thread] == [[n, m] for n in range(50) for m in range(5)]
