"""What a call gives that a thread of the library carries out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Protocol

    class _Call(Protocol):
        def cancel(self) -> bool: ...


_T = TypeVar("_T")


class Pending(asyncio.Future[_T], Coroutine[Any, Any, _T]):
    """A future that is a coroutine, too, and so can be given to `create_task`.

    Unlike other futures, it is over only when its call is: also after it was cancelled.
    """

    __slots__ = ("_call", "_message", "_steps")

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

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._running().send(value)

    def throw(self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None) -> Any:
        """As every coroutine."""
        if val is None and tb is None:
            return self._running().throw(typ)
        return self._running().throw(typ, val, tb)

    def close(self) -> None:
        """As every coroutine: whoever ran it does so no more."""
        self.cancel()

    def _running(self) -> Generator[Any, Any, _T]:
        try:
            return self._steps
        except AttributeError:
            self._steps = self.__await__()
            return self._steps


async def taken(pending: Pending[_T], let_go: Callable[[_T], object]) -> _T:
    """What was taken, or nothing: also if the call is cancelled in the very moment in which it gets it."""
    try:
        return await pending
    except BaseException:
        if not pending.done():
            pending.cancel()
        elif not pending.cancelled() and pending.exception() is None:
            let_go(pending.result())
        raise
