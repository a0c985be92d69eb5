"""Tasks that are cancelled, loops that end: nothing is held and nothing is written afterwards."""

import asyncio
import subprocess
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run, becomes_free, is_free, until, waits

import untorn
from untorn import aio
from untorn._untorn import acquire_later

Process = subprocess.Popen[str]
Hold = Callable[[Path], Process]
Script = Callable[..., Process]

WAITS: dict[str, Callable[[Path], Awaitable[object]]] = {
    "lock": lambda path: aio.FileLock(path).acquire(),
    "lock with a timeout": lambda path: aio.FileLock(path, timeout=3600).acquire(),
    "shared lock": lambda path: aio.FileLock(path, shared=True).acquire(),
    "append": lambda path: aio.Journal(path).append(1),
    "append_raw": lambda path: aio.Journal(path).append_raw("1"),
    "extend": lambda path: aio.Journal(path).extend([1, 2]),
    "repair": lambda path: aio.Journal(path).repair(),
    "save": lambda path: aio.Document(path).save(1),
    "update": lambda path: aio.Document(path).update_with(lambda value: value, default=1),
    "remove": lambda path: aio.Document(path).remove(),
}


async def cancelled(task: "asyncio.Future[Any]") -> None:
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert task.cancelled()


@pytest.mark.parametrize("wait", WAITS)
def test_a_cancelled_wait(run: Run, path: Path, hold: Hold, wait: str) -> None:
    other = hold(path)

    async def main() -> None:
        task = asyncio.ensure_future(WAITS[wait](path))
        if "shared" not in wait:
            await until(waits)
        await cancelled(task)
        # Nor one that nothing has begun for yet.
        await cancelled(asyncio.ensure_future(WAITS[wait](path)))

    run(main)
    other.communicate()
    with untorn.FileLock(path, timeout=60):
        assert not path.exists()
    becomes_free(path)


def test_the_call_is_over_when_its_task_is(run: Run, path: Path) -> None:
    """Trap 54: the thread that waits may get the lock in the moment in which its task is cancelled."""

    async def main() -> None:
        holder = aio.FileLock(path)
        for turn in range(200):
            await holder.acquire()
            waiting = asyncio.ensure_future(aio.FileLock(path).acquire())
            update = asyncio.ensure_future(aio.Document(path).update_with(lambda value: value + 1, default=0))
            if turn % 2:
                await asyncio.sleep(0)
            # On another thread, so that either of the two may be first.
            release = threading.Thread(target=holder._lock.release)
            release.start()
            for task in (waiting, update):
                task.cancel()
            done = await asyncio.gather(waiting, update, return_exceptions=True)
            release.join()
            for result in done:
                assert isinstance(result, asyncio.CancelledError), result
            # No moment later: in this very one.
            assert is_free(path)

    run(main)


def test_cancelled_between_the_grant_and_the_task(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted: list[bool] = []

    def spy(lock: untorn.FileLock, timeout: float) -> Any:
        pending = acquire_later(lock, timeout)
        task = asyncio.current_task()
        assert task is not None
        # Before the task hears of it.
        pending.add_done_callback(lambda _: granted.append(task.cancel()))
        return pending

    async def main() -> None:
        holder, lock = aio.FileLock(path), aio.FileLock(path)
        for _ in range(50):
            await holder.acquire()
            with monkeypatch.context() as patch:
                patch.setattr("untorn.aio._lock.acquire_later", spy)
                task = asyncio.ensure_future(lock.acquire())
                await asyncio.sleep(0)
            await holder.release()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert granted.pop()
            assert is_free(path)
            assert not lock.held

    run(main)


def test_cancelled_appends_are_not_there_and_the_others_are(run: Run, path: Path, hold: Hold) -> None:
    other = hold(path)
    journal = aio.Journal(path, durability="process")

    async def main() -> None:
        appends = [asyncio.ensure_future(journal.append(n)) for n in range(100)]
        await until(waits)
        for n in (0, 1, 50, 99):
            await cancelled(appends[n])
        for append in appends[2:50:2]:
            append.cancel()
        other.communicate()
        ends = await asyncio.gather(*appends, return_exceptions=True)
        kept = [n for n, end in enumerate(ends) if isinstance(end, untorn.Position)]
        assert kept == [n for n in range(100) if n not in (0, 1, 50, 99) and not (n < 50 and n % 2 == 0)]
        assert await journal.read() == kept

    run(main)
    assert is_free(path)


def test_appends_that_are_cancelled_while_they_are_written(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        acknowledged = []
        for turn in range(30):
            appends = [asyncio.create_task(journal.extend([[turn, n], [turn, n]])) for n in range(20)]
            await asyncio.wait(appends, return_when=asyncio.FIRST_COMPLETED)
            for append in appends[turn % 20 :]:
                append.cancel()
            done = await asyncio.gather(*appends, return_exceptions=True)
            acknowledged += [[turn, n] for n, end in enumerate(done) if isinstance(end, untorn.Position)]
            size = path.stat().st_size
            assert is_free(path)
            values = await journal.read()
            assert path.stat().st_size == size, "nothing of a cancelled call is under way any more"
            assert values[::2] == values[1::2], "each whole or not at all"
            assert all(value in values for value in acknowledged)
        assert (await journal.verify()).damage_count == 0

    run(main)


def test_an_update_that_is_cancelled_changes_nothing(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path)
        await document.save({"n": 1})
        inside = asyncio.Event()

        async def work() -> None:
            async with document.update() as value:
                value["n"] = 2
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(work())
        await inside.wait()
        assert not is_free(path)
        await cancelled(task)
        assert is_free(path)
        assert await document.load() == {"n": 1}

    run(main)


def test_a_task_that_holds_a_lock_lets_go_when_it_is_cancelled(run: Run, path: Path) -> None:
    async def main() -> None:
        inside = asyncio.Event()

        async def work() -> None:
            async with aio.FileLock(path):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(work())
        await inside.wait()
        await cancelled(task)
        assert is_free(path)

    run(main)


def test_cancelled_while_it_lets_go(run: Run, path: Path) -> None:
    async def main() -> None:
        lock = aio.FileLock(path)
        await lock.acquire()
        task = asyncio.ensure_future(lock.release())
        await asyncio.sleep(0)
        await cancelled(task)
        assert is_free(path)
        assert not lock.held

    run(main)


def test_a_wait_for_that_is_too_late(run: Run, path: Path, hold: Hold) -> None:
    other = hold(path)

    async def main() -> None:
        for wait in WAITS.values():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wait(path), 0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await wait(path)

    run(main)
    other.communicate()
    with untorn.FileLock(path, timeout=60):
        assert not path.exists()
