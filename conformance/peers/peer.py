"""A holder and waiter in Python: `peer.py KIND PATH COUNTER`.

What it is told and answers is in peers.py.
"""

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

# Takes the lock; yields False if it is held and was only to be tried.
WithLock = Callable[[bool], AbstractContextManager[bool]]


def untorn_lock(path: str) -> WithLock:
    """This library."""
    import untorn

    @contextlib.contextmanager
    def take(once: bool) -> Iterator[bool]:
        lock = untorn.FileLock(path, timeout=0 if once else None)
        try:
            lock.acquire()
        except untorn.Locked:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    return take


def filelock_lock(path: str) -> WithLock:
    """PyPI's filelock, which unlinks the lock file when it lets go."""
    import filelock

    lock = filelock.FileLock(path + ".lock", poll_interval=0.001)

    @contextlib.contextmanager
    def take(once: bool) -> Iterator[bool]:
        try:
            lock.acquire(timeout=0 if once else -1)
        except filelock.Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    return take


def portalocker_lock(path: str) -> WithLock:
    """PyPI's portalocker."""
    import portalocker

    @contextlib.contextmanager
    def take(once: bool) -> Iterator[bool]:
        flags = portalocker.LockFlags.EXCLUSIVE
        if once:
            flags |= portalocker.LockFlags.NON_BLOCKING
        with Path(path + ".lock").open("a") as file:
            try:
                portalocker.lock(file, flags)
            except portalocker.LockException:
                yield False
                return
            yield True
            portalocker.unlock(file)

    return take


def fcntl_lock(path: str) -> WithLock:
    """What many harnesses do: open, flock, work, close."""

    @contextlib.contextmanager
    def take(once: bool) -> Iterator[bool]:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if once else 0))
            except BlockingIOError:
                yield False
                return
            # A file that lost its name meanwhile excludes nobody: what every
            # program that shares a lock file with others has to look for.
            if os.fstat(file).st_nlink == 0:
                os.close(file)
                file = -1
                with take(once) as taken:
                    yield taken
                return
            yield True
        finally:
            if file >= 0:
                os.close(file)

    return take


KINDS: dict[str, Callable[[str], WithLock]] = {
    "untorn": untorn_lock,
    "filelock": filelock_lock,
    "portalocker": portalocker_lock,
    "fcntl": lambda path: fcntl_lock(path + ".lock"),
    "fcntl-in-place": fcntl_lock,
}


def add_one(counter: str) -> None:
    """Not atomic by itself: one that is done in between is lost."""
    with Path(counter).open("r+") as file:
        number = int(file.read())
        os.sched_yield()
        file.seek(0)
        file.write(str(number + 1))


def main() -> None:
    """Does what it is told."""
    kind, path, counter = sys.argv[1:]
    with_lock = KINDS[kind](path)
    for line in iter(sys.stdin.readline, ""):
        word, _, times = line.strip().partition(" ")
        if word == "count":
            for _ in range(int(times)):
                with with_lock(False):
                    add_one(counter)
            print("counted", flush=True)
            continue
        with with_lock(word == "try") as taken:
            if taken:
                print("locked", flush=True)
                sys.stdin.readline()
        print("unlocked" if taken else "busy", flush=True)


main()
