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
        @property
        def name(self) -> str: ...
        def cancel(self) -> bool: ...


_T = TypeVar("_T")


class Pending(asyncio.Future[_T], Coroutine[Any, Any, _T]):
    """A future that is also a coroutine, so that it can be passed to `create_task`.

    Unlike other futures, it is done only when its call has ended, also after it was cancelled.
    """

    __slots__ = ("_awaited", "_call", "_message", "_own", "_steps")

    _awaited: bool
    _own: tuple[Path, float | EllipsisType | None]
    _call: _Call
    _message: object
    _steps: Generator[Any, Any, _T]

    def cancel(self, msg: object = None) -> bool:
        """End the call. `CancelledError` is raised when it has ended."""
        if self.done():
            return False
        self._message = msg
        return self._call.cancel() or super().cancel(msg)

    def _end(self) -> None:
        super().cancel(self._message)

    def __await__(self) -> Generator[Any, Any, _T]:
        self._awaited = True
        if hasattr(self, "_own"):
            self._refuse_own()
        return super().__await__()

    def _refuse_own(self) -> None:
        path, timeout = self._own
        try:
            refuse_own(path, "append", timeout)
        except Deadlock:
            self.cancel()
            raise

    def add_done_callback(self, fn: Callable[..., object], *, context: Context | None = None) -> None:
        """As every future."""
        self._awaited = True
        super().add_done_callback(fn, context=context)

    def result(self) -> _T:
        """As every future."""
        self._awaited = True
        return super().result()

    def exception(self) -> BaseException | None:
        """As every future."""
        self._awaited = True
        return super().exception()

    def __del__(self) -> None:
        # The call is finished even if no task awaited it, but then no code learns that it failed, or when it ended.
        if not (hasattr(self, "_awaited") or self.cancelled()):
            name = self._call.name if hasattr(self, "_call") else "a call"
            msg = f"{name} was never awaited: write `await journal.append(...)`"
            warnings.warn(msg, RuntimeWarning, source=self, stacklevel=2)
        super().__del__()

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._running().send(value)

    def throw(self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None) -> Any:
        """As every coroutine."""
        if val is None and tb is None:
            return self._running().throw(typ)
        return self._running().throw(typ, val, tb)

    def close(self) -> None:
        """As every coroutine: the code that ran it stopped."""
        self.cancel()

    def _running(self) -> Generator[Any, Any, _T]:
        try:
            return self._steps
        except AttributeError:
            self._steps = self.__await__()
            return self._steps


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
    pending = begin()
    if own is not None:
        pending._own = own
    return pending


async def _when_running(begin: Callable[[], Pending[_T]], own: tuple[Path, float | EllipsisType | None] | None) -> _T:
    if asyncio._get_running_loop() is None:
        msg = "no running event loop: untorn.aio needs asyncio's; under trio, run the calls of untorn in threads"
        raise RuntimeError(msg)
    return await begun(begin, own)
