"""The result of a call that a thread of the library carries out."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from untorn._errors import Deadlock
from untorn.aio._held import refuse_own

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Protocol

    class _Call(Protocol):
        name: str

        def cancel(self) -> bool: ...


_T = TypeVar("_T")


class Pending(asyncio.Future[_T]):
    """A future that is done only when its call has ended, also after it was cancelled."""

    __slots__ = ("_call", "_message")

    _call: _Call
    _message: object

    def cancel(self, msg: object = None) -> bool:
        """End the call. `CancelledError` is raised when it has ended."""
        if self.done():
            return False
        self._message = msg
        return self._call.cancel() or super().cancel(msg)

    def _end(self) -> None:
        super().cancel(self._message)


class Started(Coroutine[Any, Any, _T]):
    """A call that has started, as a coroutine: it can be awaited, and passed to `create_task`, `gather` and `run`."""

    __slots__ = ("_own", "_pending", "_steps")

    _steps: Generator[Any, Any, _T]

    def __init__(self, pending: Pending[_T], own: tuple[Path, float | EllipsisType | None] | None) -> None:
        self._pending = pending
        self._own = own

    def __await__(self) -> Generator[Any, Any, _T]:
        self._steps = steps = self._pending.__await__()
        if self._own is not None:
            self._refuse_own(*self._own)
        return steps

    def _refuse_own(self, path: Path, timeout: float | EllipsisType | None) -> None:
        try:
            refuse_own(path, "append", timeout)
        except Deadlock:
            self._pending.cancel()
            raise

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._running().send(value)

    def throw(self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None) -> Any:
        """As every coroutine."""
        if not hasattr(self, "_steps") and self._pending.cancel(*getattr(typ, "args", ())[:1]):
            # The task was cancelled before its first step: it ends when the call has ended.
            return self._running().send(None)
        if val is None and tb is None:
            return self._running().throw(typ)
        return self._running().throw(typ, val, tb)

    def close(self) -> None:
        """As every coroutine: the code that ran it stopped."""
        self._steps = self._pending.__await__()
        self._pending.cancel()

    def _running(self) -> Generator[Any, Any, _T]:
        try:
            return self._steps
        except AttributeError:
            self.__await__()
            return self._steps

    def __del__(self) -> None:
        # The call is finished even if no task awaited it, but then no code learns that it failed, or when it ended.
        if not hasattr(self, "_steps"):
            msg = f"{self._pending._call.name} was never awaited: write `await journal.append(...)`"
            warnings.warn(msg, RuntimeWarning, source=self, stacklevel=2)


async def taken(pending: Pending[_T], let_go: Callable[[_T], object]) -> _T:
    """Return what was taken, or nothing. It is not lost if the call is cancelled in the moment that it gets it."""
    try:
        return await pending
    except BaseException:
        if not pending.done():
            pending.cancel()
        elif not pending.cancelled() and pending.exception() is None:
            let_go(pending.result())
        raise


def begun(
    begin: Callable[[], Pending[_T]], own: tuple[Path, float | EllipsisType | None] | None
) -> Coroutine[Any, Any, _T]:
    """Start the call with `begin`, and return it. Outside of a running event loop it starts when it is awaited.

    That allows `asyncio.run(...)`. `own`: the file whose lock the task that awaits the call must not hold itself.
    """
    if asyncio._get_running_loop() is None:
        return _when_running(begin, own)
    return Started(begin(), own)


async def _when_running(begin: Callable[[], Pending[_T]], own: tuple[Path, float | EllipsisType | None] | None) -> _T:
    if asyncio._get_running_loop() is None:
        msg = "no running event loop: untorn.aio needs asyncio's; under trio, run the calls of untorn in threads"
        raise RuntimeError(msg)
    return await begun(begin, own)
