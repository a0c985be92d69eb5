"""The locks that the tasks of this program hold: a task that waits for its own lock would never wake."""

from __future__ import annotations

import asyncio
import os
import weakref
from typing import TYPE_CHECKING, Any

from untorn._errors import Deadlock
from untorn._inside import ADVICE

if TYPE_CHECKING:
    from pathlib import Path
    from types import EllipsisType

    from untorn import FileLock


class Held:
    """One lock that a task holds, from `note` until `forget`."""

    __slots__ = ("_key", "_lock", "how", "shared", "task")

    def __init__(self, key: str, how: str, lock: FileLock | None) -> None:
        self._key = key
        self._lock = None if lock is None else weakref.ref(lock)
        self.how = how
        self.shared = lock is not None and lock.shared
        self.task: weakref.ref[asyncio.Task[Any]] = weakref.ref(_task())
        _held.setdefault(key, []).append(self)

    @property
    def stands(self) -> bool:
        """Whether the lock was not released in another way."""
        lock = None if self._lock is None else self._lock()
        return self._lock is None or (lock is not None and lock.held)

    def forget(self) -> None:
        """Forget a lock that some task has released."""
        held = _held.get(self._key, [])
        if self in held:
            held.remove(self)
        if not held:
            _held.pop(self._key, None)


# By the file that is locked. Mostly it is empty.
_held: dict[str, list[Held]] = {}


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def any_held() -> bool:
    """Whether any task holds a lock: mostly none does."""
    return bool(_held)


def note(path: Path, how: str, lock: FileLock | None = None) -> Held | None:
    """Note that the running task holds the lock of this file. Return `None` if no task is running."""
    return None if asyncio.current_task() is None else Held(str(path), how, lock)


def forget(held: Held | None) -> None:
    """Forget the lock that `note` returned."""
    if held is not None:
        held.forget()


def refuse_own(path: Path, verb: str, timeout: float | EllipsisType | None, shared: bool = False) -> None:
    """Raise `Deadlock` if the running task holds this lock. A single try does not wait: it raises `Locked`."""
    if not _held or timeout == 0:
        return
    held = _held.get(str(path))
    if not held or asyncio._get_running_loop() is None:
        return
    task = asyncio.current_task()
    for one in held:
        if task is not None and one.task() is task and one.stands and not (one.shared and shared):
            own = f"this task already holds the lock ({one.how}) and would wait for itself"
            msg = f"{verb} {path}: {own}; {ADVICE[one.how]}"
            raise Deadlock(msg, path=path, operation=verb)


def file_of(lock: FileLock) -> Path:
    """The file that a `FileLock` locks."""
    path = lock.path
    real = type(path)(os.path.realpath(path))
    return real.with_suffix("") if lock._exact and real.suffix == ".lock" else real
