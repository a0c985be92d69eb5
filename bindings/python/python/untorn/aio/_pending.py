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
    from contextvars import Context
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Protocol

    class _Call(Protocol):
        name: str

        def cancel(self) -> bool: ...
        def keep(self, future: Pending[Any]) -> None: ...


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


if TYPE_CHECKING:

    class _Both(Pending[_T], Coroutine[Any, Any, _T]): ...
else:
    # A coroutine by its methods. `gather` and `ensure_future` take it as it is, since they look for a future first:
    # a task for each append would cost more than the append.
    _Both = Pending

_add_done_callback = asyncio.Future.add_done_callback
_await = asyncio.Future.__await__


class Started(_Both[_T]):
    """A call that has started: a future, and a coroutine for `create_task`, `run` and others that take only those."""

    __slots__ = ("_steps", "_used")

    _steps: Generator[Any, Any, _T]
    # Set when a task awaits it.
    _used: bool
    # The file whose lock the task that awaits the call must not hold itself, and the timeout.
    _own: tuple[Path, float | EllipsisType | None] | None = None

    def __await__(self) -> Generator[Any, Any, _T]:
        self._used = True
        self._call.keep(self)
        if self._own is not None:
            self._refuse_own(*self._own)
        return _await(self)

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        """As every future: what waits for it learns its end."""
        self._used = True
        self._call.keep(self)
        _add_done_callback(self, fn, context=context)

    def _refuse_own(self, path: Path, timeout: float | EllipsisType | None) -> None:
        try:
            refuse_own(path, "append", timeout)
        except Deadlock:
            self.cancel()
            raise

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._running().send(value)

    def throw(self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None) -> Any:
        """As every coroutine."""
        if not hasattr(self, "_steps") and self.cancel(*getattr(typ, "args", ())[:1]):
            # The task was cancelled before its first step: it ends when the call has ended.
            return self._running().send(None)
        if val is None and tb is None:
            return self._running().throw(typ)
        return self._running().throw(typ, val, tb)

    def close(self) -> None:
        """As every coroutine: the code that ran it stopped."""
        self._used = True
        self.cancel()

    def _running(self) -> Generator[Any, Any, _T]:
        try:
            return self._steps
        except AttributeError:
            self._steps = steps = self.__await__()
            return steps

    def __del__(self) -> None:
        # The call is finished even if no task awaited it, but then no code learns that it failed, or when it ended.
        if not hasattr(self, "_used"):
            msg = f"{self._call.name} was never awaited: write `await journal.append(...)`"
            warnings.warn(msg, RuntimeWarning, source=self, stacklevel=2)
        if self._log_traceback:
            super().__del__()


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


async def when_running(begin: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Start the call when it is awaited, since no event loop is running yet. That allows `asyncio.run(...)`."""
    if asyncio._get_running_loop() is None:
        msg = "no running event loop: untorn.aio needs asyncio's; under trio, run the calls of untorn in threads"
        raise RuntimeError(msg)
    return await begin()
