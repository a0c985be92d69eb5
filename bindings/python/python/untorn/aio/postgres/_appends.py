"""Appends of one journal in the database. Those that wait go into one statement together, as with files."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from untorn._untorn import PostgresCall
from untorn.aio._pending import Pending
from untorn.aio.postgres._workers import submit, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn._untorn import Position

# About how many bytes one statement takes of those that wait.
_MOST = 4 << 20


class _Append:
    """An append on its way."""

    name = "append"

    def __init__(self, appends: Appends, records: list[bytes | str], pending: Pending[Position]) -> None:
        self.records = records
        self.size = sum(len(record) for record in records)
        self.pending = pending
        self.is_cancelled = False
        self._appends = appends

    def cancel(self) -> bool:
        """End it. Its future is cancelled when it has ended."""
        self._appends.cancel(self)
        return True

    def keep(self, _: object) -> None:
        """The queue keeps it already."""

    def ended(self, end: Position | BaseException) -> None:
        """Tell the task that awaits it."""
        tell(self.pending.get_loop(), self._end, end)

    def _end(self, end: Position | BaseException) -> None:
        if self.pending.done():
            return
        if self.is_cancelled:
            self.pending._end()
        elif isinstance(end, BaseException):
            self.pending.set_exception(end)
        else:
            self.pending.set_result(end)


class Appends:
    """The appends of one handle. A thread carries them out, a statement after another."""

    def __init__(self, append_each: Callable[[list[list[bytes | str]]], list[Position | BaseException]]) -> None:
        self._append_each = append_each
        self._guard = threading.Lock()
        self._queue: deque[_Append] = deque()
        self._together: list[_Append] = []
        self._call = PostgresCall()
        # The loop that starts the thread, and whether the thread runs.
        self._starts: asyncio.AbstractEventLoop | None = None
        self._runs = False

    def begin(self, records: list[bytes | str]) -> Pending[Position]:
        """Begin an append, after those that were begun before it."""
        loop = asyncio.get_running_loop()
        pending: Pending[Position] = Pending(loop=loop)
        append = _Append(self, records, pending)
        pending._call = append
        with self._guard:
            self._queue.append(append)
            if self._runs or (self._starts is not None and not self._starts.is_closed()):
                return pending
            self._starts = loop
        # Appends that other tasks begin in this turn of the loop go along.
        loop.call_soon(self._start)
        return pending

    def cancel(self, append: _Append) -> None:
        """End an append. A statement that others go with goes on."""
        append.is_cancelled = True
        with self._guard:
            waits = append in self._queue
            if waits:
                self._queue.remove(append)
            elif all(other.is_cancelled for other in self._together):
                self._call.cancel()
        if waits:
            append.pending._end()

    def _start(self) -> None:
        with self._guard:
            self._starts = None
            self._runs = True
        submit(self._work)

    def _work(self) -> None:
        while together := self._next():
            records = [append.records for append in together]
            ends: list[Any]
            try:
                ends = self._call.run(self._append_each, records)
            except BaseException as error:
                # Each has its own: a task adds its traceback.
                ends = [error, *(_copied(error) for _ in together[1:])]
            for append, end in zip(together, ends, strict=True):
                append.ended(end)

    def _next(self) -> list[_Append]:
        with self._guard:
            together: list[_Append] = []
            size = 0
            while self._queue and size < _MOST:
                append = self._queue.popleft()
                size += append.size
                together.append(append)
            self._together = together
            self._call = PostgresCall()
            self._runs = bool(together)
            return together


def _copied(error: BaseException) -> BaseException:
    try:
        copied = copy.copy(error)
    except Exception:
        return error
    copied.__cause__ = error.__cause__
    return copied
