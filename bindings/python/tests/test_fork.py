"""Forked children, and processes that multiprocessing starts."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import untorn
from untorn import Document, FileLock, Journal


def in_child(work: Callable[[], object]) -> int:
    """Run in a forked child; its exit status is 0 if nothing was raised."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    return pid


def ended_well(pid: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_child_appends_through_the_parents_handle(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", durability="process")
    document = Document(tmp_path / "d", durability="process")
    journal.append("before")

    def work(name: str) -> None:
        for n in range(50):
            journal.append([name, n])
            with document.update(default=[]) as value:
                value.append(name)

    children = [in_child(partial(work, name)) for name in ("a", "b")]
    work("parent")
    assert [ended_well(pid) for pid in children] == [True, True]
    values = journal.read()[1:]
    for name in ("a", "b", "parent"):
        assert [n for owner, n in values if owner == name] == list(range(50))
    assert len(document.load()) == 150


def test_a_child_does_not_let_the_parents_lock_go(tmp_path: Path) -> None:
    path = tmp_path / "p"
    lock = FileLock(path)
    lock.acquire()

    def work() -> None:
        assert not lock.held
        lock.release()
        lock.close()
        with pytest.raises(untorn.Locked) as caught:
            FileLock(path, timeout=0).acquire()
        assert caught.value.holder is not None
        assert caught.value.holder.pid == os.getppid()
        with pytest.raises(untorn.InvalidArgument):
            Journal(path).append(1, lock=lock)

    assert ended_well(in_child(work))
    assert lock.held

    def finds_it_held() -> None:
        with pytest.raises(untorn.Locked):
            FileLock(path, timeout=0).acquire()

    assert ended_well(in_child(finds_it_held))
    lock.release()
    assert ended_well(in_child(FileLock(path, timeout=0).acquire))


def test_a_child_in_the_middle_of_an_update_saves_nothing(tmp_path: Path) -> None:
    document = Document(tmp_path / "d")
    document.save(1)

    def change(value: int) -> int:
        def work() -> None:
            with pytest.raises(untorn.Locked):
                document.save(5, timeout=0)

        assert ended_well(in_child(work))
        return value + 1

    assert document.update_with(change) == 2
    assert document.load() == 2


def test_a_child_that_outlives_its_parent_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "p"
    text = """
        import os, sys, untorn
        lock = untorn.FileLock(sys.argv[1])
        lock.acquire()
        if os.fork() == 0:
            print("child", flush=True)
            sys.stdin.read()
            os._exit(0)
        sys.stdin.read()
    """
    read, write = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", "\n".join(line[8:] for line in text.split("\n")), str(path)],
        stdin=read,
        stdout=subprocess.PIPE,
    )
    os.close(read)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == b"child\n"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        # Waits for as long as it takes: if the child kept the lock, forever.
        with FileLock(path):
            os.close(write)
        # And the child ends, which it could not before.
        assert parent.stdout.read() == b""


def test_a_fork_in_the_middle_of_other_threads_calls(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", durability="process")
    stop = threading.Event()
    counts = [0] * 4

    def work(thread: int) -> None:
        while not stop.is_set():
            journal.append([thread, counts[thread]])
            counts[thread] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for n in range(20):
        assert ended_well(in_child(partial(journal.append, ["child", n])))
    stop.set()
    for thread in threads:
        thread.join()
    values = journal.read()
    assert [n for owner, n in values if owner == "child"] == list(range(20))
    for owner, count in enumerate(counts):
        assert [n for who, n in values if who == owner] == list(range(count))


def test_a_child_of_another_thread_has_its_own_main_thread(tmp_path: Path) -> None:
    path = tmp_path / "p"

    def work() -> None:
        # The forking thread is this process's main thread now, which signals interrupt.
        class Mine(Exception):
            pass

        def handler(*_: object) -> None:
            raise Mine

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Mine):
            FileLock(path).acquire()

    children: list[int] = []
    with FileLock(path):

        def fork() -> None:
            Journal(tmp_path / "j").append(1)  # this thread is known not to be the main one
            children.append(in_child(work))

        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
        assert ended_well(children[0])


def append_many(journal: Journal, document: Document, name: str, queue: Any) -> None:
    for n in range(25):
        journal.append([name, n])
        with document.update(default={}) as value:
            value[name] = value.get(name, 0) + 1
    try:
        journal.append(1, timeout=0, lock=FileLock(journal.path))
    except untorn.Error as error:
        queue.put(error)  # an exception has to survive the way back


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(tmp_path: Path, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    journal = Journal(tmp_path / "j", durability="process")
    document = Document(tmp_path / "d", durability="process")
    queue = context.Queue()
    names = ["a", "b", "c"]
    processes = [context.Process(target=append_many, args=(journal, document, name, queue)) for name in names]
    for process in processes:
        process.start()
    errors = [queue.get() for _ in names]
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    queue.close()
    queue.join_thread()
    assert {type(error) for error in errors} == {untorn.InvalidArgument}
    assert {error.path for error in errors} == {journal.path}
    for name in names:
        assert [n for owner, n in journal if owner == name] == list(range(25))
    assert document.load() == dict.fromkeys(names, 25)
