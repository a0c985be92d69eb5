"""What used to lose data, or to wait, without a word, awaited."""

import asyncio
import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run

import untorn
from untorn import Journal, aio

Script = Callable[..., Any]


def test_an_append_that_is_never_awaited_warns_and_is_made(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        with pytest.warns(RuntimeWarning, match=f"append {path} was never awaited") as warned:
            journal.append(1)  # type: ignore[unused-coroutine]
        assert warned[0].filename == __file__
        await journal.append(2)

    run(main)
    assert list(Journal(path)) == [1, 2]


FORGETFUL = """
    import asyncio, sys, warnings
    from untorn import aio

    warnings.simplefilter("ignore", RuntimeWarning)

    async def main():
        journal = aio.Journal(sys.argv[1], durability="process")
        for n in range(3000):
            journal.append(n)

    asyncio.run(main())
"""


def test_what_was_begun_is_made_when_the_program_ends(path: Path, script: Script) -> None:
    for turn in range(1, 4):
        ended = script(FORGETFUL, path)
        assert ended.communicate(timeout=60) == ("", "")
        assert ended.returncode == 0
        assert list(Journal(path)) == [*range(3000)] * turn


LATE = """
    import asyncio, sys
    from untorn import aio

    async def main():
        aio.Journal(sys.argv[1], durability="process").append(1)

    asyncio.run(main())
"""


def test_an_append_that_did_not_get_its_lock_is_told(path: Path, script: Script, hold: Any) -> None:
    hold(path)
    ended = script(
        LATE.replace("import asyncio", "import warnings; warnings.simplefilter('default'); import asyncio"), path
    )
    out, err = ended.communicate(timeout=60)
    assert out == ""
    assert "1 appends were still waiting for their lock when the program ended" in err
    assert not path.exists()


def test_an_append_given_to_asyncio_run(path: Path) -> None:
    position = asyncio.run(aio.Journal(path, durability="process").append({"n": 1}))
    asyncio.run(aio.Journal(path, durability="process").extend([2, 3]))
    asyncio.run(aio.Journal(path, durability="process").append_raw("4"))
    assert isinstance(position, untorn.Position)
    assert list(Journal(path)) == [{"n": 1}, 2, 3, 4]


def test_without_an_event_loop_an_append_says_what_is_missing(path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no running event loop: untorn\.aio needs asyncio's"):
        aio.Journal(path).append(1).send(None)


def test_a_task_that_would_wait_for_itself(run: Run, path: Path) -> None:
    async def main() -> None:
        journal, document = aio.Journal(path, durability="process"), aio.Document(path, durability="process")
        async with document.update(default={}) as value:
            value["n"] = 1
            for call in (
                document.save({}),
                document.remove(),
                document.update_with(lambda value: value),
                journal.append(1),
                journal.extend([1]),
                journal.rotate(),
                journal.clear(),
                aio.FileLock(path).acquire(),
            ):
                with pytest.raises(untorn.Deadlock, match="change the value instead of saving"):
                    await call
            with pytest.raises(untorn.Locked):
                await document.save({}, timeout=0)
        assert await document.load() == {"n": 1}
        async with aio.FileLock(path) as lock:
            with pytest.raises(untorn.Deadlock, match="pass it the lock"):
                await document.save({"n": 2})
            await document.save({"n": 3}, lock=lock)
        async with aio.FileLock(path, shared=True), aio.FileLock(path, shared=True):
            pass
        # Nothing is remembered once it is released.
        await document.save({"n": 4})
        lock = aio.FileLock(path)
        await lock.acquire()
        await asyncio.create_task(lock.release())
        await document.save({"n": 5})

    run(main)


def test_an_append_can_be_waited_for_in_every_way(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        done, _ = await asyncio.wait([asyncio.create_task(journal.append(1)), asyncio.create_task(journal.append(2))])
        assert len(done) == 2
        # An append is a coroutine as well as a future, and `wait` takes none: it asks for tasks.
        begun = asyncio.ensure_future(journal.append(2.5))
        with pytest.raises(TypeError, match="use tasks explicitly"):
            await asyncio.wait([begun])
        await begun
        for earliest in asyncio.as_completed([journal.append(3), journal.extend([4, 5])]):
            await earliest
        await asyncio.wait_for(asyncio.shield(journal.append(6)), 60)
        again = journal.append(7)
        assert await again == await again

    run(main)
    assert list(Journal(path)) == [1, 2, 2.5, 3, 4, 5, 6, 7]


def test_gathered_appends_make_no_tasks_and_no_warning(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        for awaited in (asyncio.gather, lambda *calls: asyncio.gather(*map(asyncio.shield, calls))):
            calls: list[Any] = [journal.append(n) for n in range(100)]
            before = len(asyncio.all_tasks())
            gathered = awaited(*calls)
            assert len(asyncio.all_tasks()) == before
            positions = await gathered
            assert [call.result() for call in calls] == positions == sorted(positions)
            del calls, gathered, positions
            gc.collect()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(main)
    assert list(Journal(path)) == [*range(100)] * 2


def test_a_task_that_is_cancelled_before_its_first_step_appends_nothing_later(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        for n in range(50):
            task = asyncio.create_task(journal.append(n))
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task
            before = await journal.read()
            # It stands behind the append, if that is still to come.
            await journal.rotate()
            assert await journal.read() == []
            end = await journal.append(n)
            assert [position for position, _ in [entry async for entry in journal.entries()]] == [end]
            assert before in ([], [n - 1], [n], [n - 1, n])

    run(main)


def test_another_task_is_waited_for(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")
        async with document.update(default={}) as value:
            other = asyncio.create_task(document.save({"by": "the other"}))
            await asyncio.sleep(0)
            value["by"] = "the first"
        await other
        assert await document.load() == {"by": "the other"}

    run(main)


def test_what_tries_once_does_not_stand_behind_what_waits(run: Run, path: Path, hold: Any) -> None:
    other = hold(path)

    async def main() -> None:
        document, journal = aio.Document(path, durability="process"), aio.Journal(path, durability="process")
        waiting = [asyncio.ensure_future(document.save(n)) for n in range(3)]
        appending = asyncio.ensure_future(journal.append(1))
        await asyncio.sleep(0)
        for call in (document.save(4, timeout=0), document.update_with(lambda value: value, timeout=0)):
            with pytest.raises(untorn.Locked, match="held by pid"):
                await call
        with pytest.raises(untorn.Locked):
            await journal.append(2, timeout=0)
        assert not any(call.done() for call in [*waiting, appending])
        other.communicate()
        await asyncio.gather(*waiting, appending)

    run(main)
