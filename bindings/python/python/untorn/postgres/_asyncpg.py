"""asyncpg: a pool of an event loop. Statements go to the loop, from the threads that carry out the calls."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]

from untorn.postgres._failed import REFUSED, STOPPED, Failed

if TYPE_CHECKING:
    from collections.abc import Coroutine

# A wait for the loop looks this often whether it was closed, in seconds.
_LOOK = 1.0
# A pool that closes waits for each of its connections. One that the library keeps is given up after this many seconds.
_GIVES_UP = 0.2


class OfPool:
    """A pool of the caller's, which belongs to an event loop."""

    def __init__(self, pool: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._running: dict[int, concurrent.futures.Future[Any]] = {}

    def query(self, sql: str, params: list[Any], number: int) -> list[Any]:
        """As every adapter."""
        rows: list[Any] = self.wait(self._query(sql, params), number)
        return rows

    def cancel(self, number: int) -> None:
        """As every adapter. The driver has the server end it, and lends the connection to no one before it has."""
        running = self._running.pop(number, None)
        if running is not None:
            running.cancel()

    def own(self) -> Own | None:
        """A connection of the pool, unless it is the only one."""
        if self._pool.get_max_size() == 1:
            return None
        own: Own = self.wait(self._own())
        return own

    def close(self) -> None:
        """As every adapter: the pool is the caller's."""

    def wait(self, steps: Coroutine[Any, Any, Any], number: int = 0) -> Any:
        """Have the loop carry it out, and wait for that."""
        if asyncio._get_running_loop() is not None:
            steps.close()
            raise Failed("a call of the engine can't wait on an event loop's own thread", sqlstate=REFUSED)
        carried = self.begin(steps)
        if number == 0:
            return self._result(carried)
        self._running[number] = carried
        try:
            return self._result(carried)
        except Failed as error:
            if number not in self._running and carried.cancelled():
                raise Failed("the statement was cancelled", sqlstate=STOPPED) from error
            raise
        finally:
            self._running.pop(number, None)

    def _result(self, carried: concurrent.futures.Future[Any]) -> Any:
        while True:
            try:
                return carried.result(_LOOK)
            except concurrent.futures.CancelledError as error:
                raise Failed("the event loop cancelled the statement", sent=True) from error
            except TimeoutError as error:
                if carried.done():
                    # A `TimeoutError` of the driver's own.
                    raise Failed("the driver timed out", sent=True) from error
                if self._loop.is_closed():
                    raise Failed("the event loop of the pool is closed", sent=True) from error

    async def _query(self, sql: str, params: list[Any]) -> list[Any]:
        connection = await self._take()
        try:
            return await fetch(connection, sql, params)
        finally:
            await self.release(connection)

    async def _own(self) -> Own:
        return Own(self, await self._take())

    def begin(self, steps: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        """Have the loop carry it out."""
        try:
            return asyncio.run_coroutine_threadsafe(steps, self._loop)
        except RuntimeError as error:
            steps.close()
            raise Failed("the event loop of the pool is closed", sqlstate=REFUSED) from error

    @property
    def is_closing(self) -> bool:
        """Whether the pool is closed, or waits for its connections to close."""
        closing: bool = self._pool.is_closing()
        return closing

    async def _take(self) -> Any:
        try:
            return await self._pool.acquire()
        except Exception as error:
            raise failed(error, sent=False) from error

    async def release(self, connection: Any) -> None:
        """Give a connection back. If it is broken, the pool replaces it."""
        try:
            await self._pool.release(connection)
        except Exception as error:
            if not connection.is_closed():
                connection.terminate()
            del error


async def fetch(connection: Any, sql: str, params: list[Any]) -> list[Any]:
    """Run one statement."""
    try:
        return [tuple(row) for row in await connection.fetch(sql, *params)]
    except Exception as error:
        raise failed(error) from error


def failed(error: Exception, sent: bool = True) -> Failed:
    """Say what an exception of asyncpg means."""
    if isinstance(error, Failed):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate and not error.sqlstate.startswith("08"):
        given: dict[str, Any] = {name: getattr(error, name, None) for name in ("detail", "hint")}
        return Failed(getattr(error, "message", None) or text, sqlstate=error.sqlstate, **given)
    if isinstance(error, asyncpg.InterfaceError) and not sent:
        return Failed(text, sqlstate=REFUSED)
    return Failed(text, sent=sent)


class Own:
    """A connection that its user keeps. Made on the loop."""

    def __init__(self, pool: OfPool, connection: Any) -> None:
        self._pool = pool
        self._connection = connection
        self._heard: dict[str, None] = {}
        self._news = asyncio.Event()
        self._channels: set[str] = set()
        self._is_over = False
        self._connection.add_termination_listener(self._ended)
        self._look_later()

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(_GIVES_UP, self._look)

    def _look(self) -> None:
        # The pool tells nobody that it closes.
        if self._pool.is_closing:
            self._connection.terminate()
        else:
            self._look_later()

    def query(self, sql: str, params: list[Any]) -> list[Any]:
        """Run one statement."""
        command, _, channel = sql.partition(" ")
        rows: list[Any] = self._pool.wait(
            self._listen(channel) if command == "listen" else fetch(self._connection, sql, params)
        )
        return rows

    async def _listen(self, channel: str) -> list[Any]:
        # The driver passes on only what it listens to itself.
        name = channel.strip('"')
        try:
            await self._connection.add_listener(name, self._hear)
        except Exception as error:
            raise failed(error) from error
        self._channels.add(name)
        return []

    def _hear(self, _connection: Any, _pid: int, channel: str, _payload: object) -> None:
        self._heard[channel] = None
        self._news.set()

    def _ended(self, _connection: Any) -> None:
        self._is_over = True
        self._next_look.cancel()
        self._news.set()

    def notifications(self, seconds: float) -> list[str]:
        """Wait until the server notifies."""
        heard: list[str] = self._pool.wait(self._notifications(seconds))
        return heard

    async def _notifications(self, seconds: float) -> list[str]:
        if not self._heard and not self._is_over:
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return []
        if not self._heard:
            raise Failed("the connection broke", sent=True)
        heard = list(self._heard)
        self._heard.clear()
        self._news.clear()
        return heard

    def close(self) -> None:
        """Give the connection back, a moment later: the loop's own thread may call this."""
        try:
            self._pool.begin(self._close())
        except Failed:
            # The loop is gone, and its connections with it.
            return

    async def _close(self) -> None:
        if self._is_over:
            # The pool has taken it back.
            return
        self._next_look.cancel()
        self._connection.remove_termination_listener(self._ended)
        try:
            for channel in self._channels:
                await self._connection.remove_listener(channel, self._hear)
        finally:
            await self._pool.release(self._connection)
