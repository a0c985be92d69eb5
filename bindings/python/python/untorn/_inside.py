"""What a thread is doing under a lock of its own, so that `Deadlock` can say what to do instead."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADVICE = {
    "update": "inside update, change the value instead of saving",
    "compact": "inside compact, yield the record instead of appending it",
    "fold": "inside a fold's update, return the records instead of appending them",
    "FileLock": "pass it the lock (lock=), or release the lock first",
}

_here = threading.local()


def begin(path: Path, how: str) -> None:
    """Note that this thread is in such a block."""
    _here.blocks = [*getattr(_here, "blocks", ()), (path, how)]


def end(path: Path, how: str) -> None:
    """Forget the block."""
    blocks = list(getattr(_here, "blocks", ()))
    # A block may end in another thread than it began in.
    if (path, how) in blocks:
        blocks.remove((path, how))
    _here.blocks = blocks


@contextmanager
def inside(path: Path, how: str) -> Iterator[None]:
    """Note a block."""
    begin(path, how)
    try:
        yield
    finally:
        end(path, how)


def advised(message: str, path: Path) -> str:
    """Return the message of a `Deadlock`, with what helps in Python."""
    what, itself, advice = message.partition("would wait for itself; ")
    if not itself:
        return message
    for block, how in reversed(getattr(_here, "blocks", ())):
        if block == path:
            return what + itself + ADVICE[how]
    return what + itself + (ADVICE["FileLock"] if advice.startswith("pass the guard") else advice)
