"""One handle, many threads."""

import itertools
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest

import untorn
from untorn import Journal

Process: TypeAlias = "subprocess.Popen[str]"
Script = Callable[..., Process]
THREADS = 16

FINALIZING = """
    import os, sys, threading, untorn
    from pathlib import Path
    path = sys.argv[1]

    class Late:
        # Runs when modules are gone already, so it brings what it needs.
        exists, write, path = os.access, os.write, path

        def __del__(self):
            self.write(1, b"ending\\n")
            while not self.exists(self.path, 0):
                pass

    # Kept by a module that goes late.
    sys.modules["builtins"].late = Late()
    threading.Thread(target=lambda: untorn.Journal(path).append(1), daemon=True).start()
    # Python stops a thread that comes back to it now; this one must not be in Python any more.
    while f"-> FLOCK  ADVISORY  WRITE {os.getpid()} " not in Path("/proc/locks").read_text():
        pass
"""


def together(work: Callable[[int], None]) -> None:
    """Run `work` in all threads at once; what any of them raises is raised."""
    start = threading.Barrier(THREADS)

    def run(thread: int) -> None:
        start.wait()
        work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(run, range(THREADS)))


@pytest.mark.parametrize("durability", ["process", "power"])
def test_threads_append_through_one_handle(tmp_path: Path, durability: str) -> None:
    journal = Journal(tmp_path / "j", durability=durability)  # type: ignore[arg-type]
    each = 100
    ends: dict[tuple[int, int], untorn.Position] = {}

    def work(thread: int) -> None:
        for n in range(each):
            if n % 10 == 9:
                ends[thread, n] = journal.extend([[thread, n, "x" * 500], [thread, n, "y"]])
            else:
                ends[thread, n] = journal.append([thread, n, "x" * 500])

    together(work)
    entries = list(journal.entries())
    for thread in range(THREADS):
        order = [n for _, (owner, n, text) in entries if owner == thread and text[0] == "x"]
        assert order == list(range(each))
    for place, (position, (thread, n, text)) in enumerate(entries):
        if text == "y":
            assert entries[place - 1][1][:2] == [thread, n], "a batch lies together"
        if text == "y" or n % 10 != 9:
            assert ends[thread, n] == position
    assert journal.verify().records == THREADS * each * 11 // 10


def test_threads_share_one_lock_object(tmp_path: Path) -> None:
    lock = untorn.FileLock(tmp_path / "p")
    inside = 0

    def work(_: int) -> None:
        nonlocal inside
        for _ in range(50):
            with lock:
                inside += 1
                assert inside == 1
                inside -= 1

    together(work)
    assert not lock.held


def test_threads_read_while_others_append(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", durability="process")

    def work(thread: int) -> None:
        if thread % 2:
            for n in range(200):
                journal.append({"n": n, "text": "x" * n})
            return
        seen = 0
        while seen < THREADS // 2 * 200:
            values = journal.read()
            assert all(len(value["text"]) == value["n"] for value in values)
            assert len(values) >= seen
            seen = len(values)

    together(work)


def test_one_iterator_is_for_one_thread(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", durability="process")
    journal.extend(range(5000))
    entries = journal.entries()
    guard = threading.Lock()
    got: list[int] = []

    def work(_: int) -> None:
        while True:
            with guard:
                item = next(entries, None)
                if item is None:
                    return
                got.append(item[1])

    together(work)
    assert got == list(range(5000))


def test_a_lock_may_be_let_go_by_another_thread(tmp_path: Path) -> None:
    lock = untorn.FileLock(tmp_path / "p")
    lock.acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    assert not lock.held
    with untorn.FileLock(tmp_path / "p", timeout=0):
        pass


def test_an_interpreter_ends_while_a_thread_of_it_gets_its_lock(
    tmp_path: Path, script: Script, hold: Callable[[Path], Process]
) -> None:
    path = tmp_path / "j"
    other = hold(path)
    ending = script(FINALIZING, path)
    assert ending.stdout is not None
    assert ending.stdout.readline() == "ending\n"
    # Now the thread gets its lock, writes, and finds no interpreter to return to.
    other.communicate()
    out, err = ending.communicate(timeout=60)
    assert (out, err, ending.returncode) == ("", "", 0)
    assert list(Journal(path)) == [1]


def test_a_value_that_another_thread_changes_is_appended(tmp_path: Path) -> None:
    # A free-threaded Python changes it in the middle of the encoding.
    journal = Journal(tmp_path / "j")
    inner: dict[str, object] = {}
    numbers: list[int] = []
    is_over = threading.Event()

    def change() -> None:
        for n in itertools.count():
            inner[str(n % 100)] = {"n": n}
            inner.pop(str(n * 7 % 100), None)
            numbers.append(n)
            if n % 50 == 0:
                numbers.clear()
            if is_over.is_set():
                return

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(1000):
            journal.append({"inner": inner, "numbers": numbers})
    finally:
        is_over.set()
        changing.join()
    assert len(list(journal)) == 1000
