"""The event loops that `untorn.aio` is tested in."""

import asyncio
import fcntl
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

Main = Callable[[], Coroutine[Any, Any, None]]
Run = Callable[[Main], None]


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that watches no pipes of others, as Windows' own."""

    def add_reader(self, *_: object) -> None:
        raise NotImplementedError


class NoExecutor(ThreadPoolExecutor):
    """The loop's own threads are few: a lock that is waited for there stops everything else (libuv has four)."""

    def submit(self, *_: object, **__: object) -> Any:
        raise AssertionError("the default executor is the program's own")


LOOPS: dict[str, dict[str, Any]] = {
    "asyncio": {},
    "debug": {"debug": True},
    "no readers": {"loop_factory": NoReaders},
    "uvloop": {"loop_factory": uvloop.new_event_loop},
}


def is_free(path: Path) -> bool:
    """As a program without this library sees it."""
    with Path(f"{path}.lock").open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def becomes_free(path: Path) -> None:
    """Wait until it is: a thread whose call gave up may have the lock for an instant yet."""
    while not is_free(path):
        pass


def waits() -> bool:
    """Whether a thread of this process blocks in flock, as the kernel tells."""
    return f"-> FLOCK  ADVISORY  WRITE {os.getpid()} " in Path("/proc/locks").read_text()


async def until(happened: Callable[[], bool]) -> None:
    """Go on when it has happened; other tasks run meanwhile."""
    while not happened():
        await asyncio.sleep(0)
