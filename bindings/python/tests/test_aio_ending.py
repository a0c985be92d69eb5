"""Loops, processes and interpreters that end while calls of `untorn.aio` are on their way."""

import asyncio
import gc
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from loops import Run, becomes_free, until, waits

import untorn
from untorn import aio

Process = subprocess.Popen[str]
Hold = Callable[[Path], Process]
Script = Callable[..., Process]


def test_a_loop_that_is_closed_while_its_calls_wait(path: Path, hold: Hold) -> None:
    other = hold(path)
    loop = asyncio.new_event_loop()

    async def begin() -> list[Awaitable[Any]]:
        begun: list[Awaitable[Any]] = [aio.Journal(path).append(1), aio.Journal(path).extend([2, 3])]
        await until(waits)
        return begun

    begun = loop.run_until_complete(begin())
    loop.close()
    with pytest.warns(RuntimeWarning, match=f"append {path} was never awaited"):
        del begun
        gc.collect()
    other.communicate()
    # An append that has begun is made, by any thread: no task awaits it.
    assert list(islice(untorn.Journal(path).follow(untorn.Position(0, 0), timeout=60), 3)) == [1, 2, 3]
    becomes_free(path)


def test_a_loop_that_is_closed_while_its_lock_comes(path: Path) -> None:
    """What is granted to nobody is let go."""
    for _ in range(50):
        holder = untorn.FileLock(path)
        holder.acquire()
        loop = asyncio.new_event_loop()

        async def begin() -> "asyncio.Task[Any]":
            task = asyncio.ensure_future(aio.FileLock(path).acquire())
            await asyncio.sleep(0)
            return task

        task = loop.run_until_complete(begin())
        release = threading.Thread(target=holder.release)
        release.start()
        loop.close()
        release.join()
        becomes_free(path)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.get_coro().close()


def test_another_loop_of_the_same_thread(path: Path) -> None:
    journal = aio.Journal(path, durability="process")
    for n in range(50):
        asyncio.run(append(journal, n))
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    for n in range(50, 60):
        (first if n % 2 else second).run_until_complete(append(journal, n))
    first.close()
    second.close()
    assert list(untorn.Journal(path)) == list(range(60))
    # Each loop has a pipe, and they are gone with their loops.
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) < 60


async def append(journal: aio.Journal, n: int) -> None:
    await journal.append(n)


def test_a_fork_amidst(run: Run, path: Path, hold: Hold) -> None:
    other = hold(path)

    async def main() -> None:
        journal, lock = aio.Journal(path), aio.FileLock(path)
        waiting = [asyncio.ensure_future(journal.append("parent")), asyncio.ensure_future(lock.acquire())]
        await until(waits)
        child = os.fork()
        if child == 0:
            # The loop, its calls and the threads that carry them out are the parent's.
            code = 1
            try:
                with pytest.raises(RuntimeError, match="no running event loop"):
                    await journal.append("child")
                assert not waiting[1].done()
                asyncio.set_event_loop(None)
                code = 2
                beside = aio.Journal(path.with_name("child"))
                own = asyncio.new_event_loop()
                own.run_until_complete(append(beside, 1))
                own.run_until_complete(asyncio.wait_for(append(aio.Journal(path.with_name("child")), 2), 60))
                own.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(untorn.Journal(path.with_name("child"))) == [1, 2]
        assert not any(task.done() for task in waiting)
        other.communicate()
        await waiting[1]
        await lock.release()
        await waiting[0]
        assert await journal.read() == ["parent"]

    run(main)


INTERRUPTED = """
    import asyncio, signal, sys
    # Loads all names now: a signal during an import is Python's own affair.
    from untorn.aio import Document, FileLock, Journal
    signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main(path, how):
        print("waiting", flush=True)
        if how == "lock":
            await FileLock(path).acquire()
        elif how == "append":
            await Journal(path).append(1)
        else:
            await Document(path).save(1)

    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("how", ["lock", "append", "save"])
def test_ctrl_c(path: Path, hold: Hold, script: Script, how: str) -> None:
    other = hold(path)
    waiting = script(INTERRUPTED, path, how)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waiting\n"
    waiting.send_signal(signal.SIGINT)
    # The lock is never released, so nothing but the signal can end it.
    out, err = waiting.communicate(timeout=60)
    assert (out, err, waiting.returncode) == ("interrupted\n", "", 0)
    other.communicate()
    with untorn.FileLock(path, timeout=0):
        assert not path.exists()


ENDING = """
    import asyncio, os, sys, pathlib
    from untorn import aio
    path, how = sys.argv[1:]
    loop = asyncio.new_event_loop()

    async def main():
        calls = [aio.Journal(path).append(n) for n in range(3)] + [aio.Document(path).save(2)]
        while f"-> FLOCK  ADVISORY  WRITE {os.getpid()} " not in pathlib.Path("/proc/locks").read_text():
            await asyncio.sleep(0)
        return calls

    calls = loop.run_until_complete(main())
    print("ending", flush=True)
    sys.stdin.readline()
    if how == "close":
        loop.close()
"""


@pytest.mark.parametrize("how", ["close", "drop"])
def test_an_interpreter_that_ends_amidst(path: Path, hold: Hold, script: Script, how: str) -> None:
    other = hold(path)
    ending = script(ENDING, path, how, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert ending.stdout is not None
    assert ending.stdout.readline() == "ending\n"
    assert ending.stdin is not None
    # Now its threads get the lock, while the interpreter goes.
    other.kill()
    out, err = ending.communicate("\n", timeout=60)
    assert (out, ending.returncode) == ("", 0)
    assert "anic" not in err
    becomes_free(path)


NO_THREAD = """
    import asyncio, errno, os, resource, tempfile
    from untorn import IoError, aio
    from untorn.aio import Journal
    if os.geteuid() == 0:
        # Root may start as many threads as it likes.
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

    async def main(folder):
        journal = Journal(f"{folder}/j")
        lock, document = aio.FileLock(folder), aio.Document(f"{folder}/d")
        # The event loop's thread does what need not wait.
        assert (await journal.end()).offset == 0
        assert await document.load(default=1) == 1
        for call in (document.save(1), journal.append(1), lock.acquire()):
            try:
                await call
            except IoError as error:
                assert error.errno == errno.EAGAIN, error
                assert "thread" in str(error) or error.operation == "append", error
            else:
                raise AssertionError("it had a thread")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))
    print("told", flush=True)
"""


def test_there_is_no_thread_to_be_had(script: Script) -> None:
    out, err = script(NO_THREAD, cwd="/").communicate(timeout=60)
    assert (out, err) == ("told\n", "")


FEW_THREADS = """
    import asyncio, os, resource, tempfile
    from untorn import aio
    from untorn.aio import Journal

    os.setuid(65534)
    # This one, and two for the library.
    resource.setrlimit(resource.RLIMIT_NPROC, (3, 3))

    async def main(folder):
        process = {"durability": "process"}
        saves = [aio.save_json(f"{folder}/{n}.json", n, **process) for n in range(300)]
        journal = Journal(f"{folder}/j", **process)
        await asyncio.gather(*saves, *(journal.append(n) for n in range(300)))
        assert [await aio.load_json(f"{folder}/{n}.json") for n in range(300)] == [*range(300)]
        assert await journal.read() == [*range(300)]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))
    print("done", flush=True)
"""


@pytest.mark.skipif(
    os.geteuid() != 0, reason="another user's threads are counted: only root can become one who has none"
)
def test_calls_are_queued_where_there_are_few_threads(script: Script) -> None:
    out, err = script(FEW_THREADS, cwd="/").communicate(timeout=100)
    assert (out, err) == ("done\n", "")
