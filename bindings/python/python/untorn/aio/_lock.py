"""The lock, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import untorn
from untorn._untorn import Taken, acquire_later, holder_later, patience, release_later, transfer_later
from untorn.aio._held import Held, file_of, forget, note, refuse_own
from untorn.aio._pending import taken

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    from untorn._options import LockOptions


class FileLock:
    """A lock across processes, threads and tasks. The kernel releases it when its holder dies.

        async with aio.FileLock("session.json", timeout=5, label="nightly build"):
            ...

    As `untorn.FileLock`, except that a task also waits for other tasks. Many tasks may use one object.
    """

    __slots__ = ("__weakref__", "_held", "_lock")

    _held: list[Held | None]

    def __init__(self, path: str | os.PathLike[str], **options: Unpack[LockOptions]) -> None:
        self._lock = untorn.FileLock(path, **options)
        self._held = []

    @classmethod
    def at(
        cls,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        shared: bool = False,
        label: str | None = None,
    ) -> Self:
        """Make a lock that is exactly the file `path`, whatever its name is."""
        self = cls.__new__(cls)
        self._lock = untorn.FileLock.at(path, timeout=timeout, shared=shared, label=label)
        self._held = []
        return self

    async def acquire(self, timeout: float | EllipsisType | None = ..., *, blocking: bool = True) -> Acquired:
        """Take the lock. `timeout` replaces that of the object for this call; `blocking=False` tries once.

        Returns an object for `async with await lock.acquire(): ...`, which releases the lock.

        Raises `LockTimeout` or `Locked`, which name the holder if it is known, and `Deadlock` if this task already
        holds the lock.
        """
        timeout = patience(timeout, blocking)
        file = file_of(self._lock)
        refuse_own(file, "lock", self._lock._timeout if timeout is ... else timeout, self.shared)
        guard = await taken(acquire_later(self._lock, timeout), Taken.release)
        guard.keep(self._lock)
        self._held.append(note(file, "FileLock", self._lock))
        return Acquired(self)

    async def release(self) -> None:
        """Release the lock. Does nothing if it is not held, and in a forked child, where the lock is the parent's."""
        if self._held:
            forget(self._held.pop())
        pending = release_later(self._lock)
        if pending is not None:
            await pending

    async def transfer(self, to: untorn.Process) -> None:
        """Hand the lock over to another process of this machine. As `untorn.FileLock.transfer`."""
        await transfer_later(self._lock, to)
        if self._held:
            forget(self._held.pop())

    async def close(self) -> None:
        """The same as `release`; every handle has `close`."""
        await self.release()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.release()

    @property
    def held(self) -> bool:
        """Whether this process holds the lock through this object."""
        return self._lock.held

    @property
    def path(self) -> Path:
        """The path that was passed, as an absolute path."""
        return self._lock.path

    @property
    def shared(self) -> bool:
        """Whether others may share it."""
        return self._lock.shared

    @property
    def label(self) -> str | None:
        """What other processes see of the holder."""
        return self._lock.label

    def __repr__(self) -> str:
        return repr(self._lock).replace("<untorn.", "<untorn.aio.", 1)


class Acquired:
    """A `FileLock` that was acquired, for `async with await lock.acquire(): ...`."""

    __slots__ = ("_lock",)

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> FileLock:
        return self._lock

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._lock.release()


def given(lock: FileLock | None, verb: str, path: Path, timeout: float | EllipsisType | None) -> untorn.FileLock | None:
    """Return the lock of `lock=`. Without one, check that this task does not hold the lock itself."""
    if lock is not None:
        return raw_of(lock)
    refuse_own(path, verb, timeout)
    return None


def raw_of(lock: FileLock) -> untorn.FileLock:
    """Return the lock that the extension takes."""
    if not isinstance(lock, FileLock):
        msg = f"expected an untorn.aio.FileLock, not {type(lock).__module__}.{type(lock).__qualname__}"
        raise untorn.InvalidArgument(msg)
    return lock._lock


async def holder(path: str | os.PathLike[str]) -> untorn.Holder | None:
    """Return the process that holds the lock of the file `path` now; `None` if none does, or it is not known."""
    return await holder_later(path)
