"""Threads that carry out calls of the engine, so that the event loop stays free for the statements."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from untorn._untorn import PostgresCall
from untorn.aio._pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn._progress import _Progress

_T = TypeVar("_T")

# How many seconds a thread without work stays.
_STAYS = 10.0


class Workers:
    """As many threads as calls wait at once. They end with the program, also in the middle of a wait."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._free = 0
        self._process = os.getpid()

    def submit(self, job: Callable[[], None]) -> None:
        """Have a thread do this."""
        if self._process != os.getpid():
            # The threads are the parent's.
            self.__init__()  # type: ignore[misc]
        with self._guard:
            is_one_free = self._free > 0
            if is_one_free:
                self._free -= 1
        self._jobs.put(job)
        if not is_one_free:
            threading.Thread(target=self._work, name="untorn-postgres", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_STAYS)
            except queue.Empty:
                with self._guard:
                    if self._free > 0:
                        self._free -= 1
                        return
                # A job for this thread is being put just now.
                continue
            job()
            del job
            with self._guard:
                self._free += 1


_WORKERS = Workers()
submit = _WORKERS.submit


def on_loop(progress: _Progress | None) -> _Progress | None:
    """Have the running loop call this function, for a thread."""
    if progress is None:
        return None
    loop, told = asyncio.get_running_loop(), progress
    return lambda done, total: loop.call_soon_threadsafe(told, done, total)


class _Call:
    """A call that a thread carries out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = PostgresCall()
        self.is_cancelled = False

    def cancel(self) -> bool:
        """End its waits; its future is cancelled when it has ended."""
        self.is_cancelled = True
        self.calls.cancel()
        return True

    def keep(self, _: object) -> None:
        """A thread keeps it already."""


def called(function: Callable[..., _T], *arguments: Any, let_go: Callable[[_T], object] | None = None) -> Pending[_T]:
    """Call a function on a thread. `let_go` receives a result that no task wants any more, on that thread."""
    loop = asyncio.get_running_loop()
    pending: Pending[_T] = Pending(loop=loop)
    call = _Call(getattr(function, "__name__", "call"))
    pending._call = call

    def work() -> None:
        try:
            result = call.calls.run(function, *arguments)
        except BaseException as error:
            tell(loop, _failed, pending, call, error)
        else:
            tell(loop, _done, pending, call, result, let_go)

    submit(work)
    return pending


def tell(loop: asyncio.AbstractEventLoop, ended: Callable[..., None], *arguments: Any) -> None:
    """Call this on the loop's thread, unless the loop is closed."""
    try:
        loop.call_soon_threadsafe(ended, *arguments)
    except RuntimeError:
        # The loop is closed: no task waits any more.
        return


def _done(pending: Pending[Any], call: _Call, result: Any, let_go: Callable[[Any], object] | None) -> None:
    if pending.done():
        return
    if not call.is_cancelled:
        pending.set_result(result)
        return
    if let_go is None:
        pending._end()
        return
    loop = pending.get_loop()

    def work() -> None:
        try:
            let_go(result)
        except Exception as error:
            tell(loop, _failed, pending, call, error)
        else:
            tell(loop, pending._end)

    submit(work)


def _failed(pending: Pending[Any], call: _Call, error: BaseException) -> None:
    if pending.done():
        return
    if call.is_cancelled:
        pending._end()
    else:
        pending.set_exception(error)
