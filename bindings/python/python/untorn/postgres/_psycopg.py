"""psycopg 3: a pool, a connection, or a URL."""

from __future__ import annotations

import os
import re
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from untorn._errors import InvalidArgument
from untorn.postgres._failed import LOGIN, NO_DATABASE, REFUSED, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection
    from psycopg_pool import ConnectionPool

# How many connections of a URL wait for the next call.
_IDLE = 8
# What a server says that no later try can change.
_REFUSALS = (
    (LOGIN, "FATAL: .* authentication failed for user|FATAL: .* pg_hba.conf |FATAL: .* is not permitted to log in"),
    (LOGIN, "FATAL: +role .* does not exist|no password supplied"),
    (NO_DATABASE, "FATAL: +database .* does not exist"),
)


# How many seconds the server may take to hear that it must end a statement.
_HEARS = 5.0


class Running:
    """The statements that run now, by their numbers."""

    def __init__(self) -> None:
        self._connections: dict[int, tuple[Connection[Any], threading.Lock]] = {}

    @contextmanager
    def statement(self, number: int, connection: Connection[Any]) -> Iterator[None]:
        """Have this statement be one of them. A `cancel` that has begun ends before the connection serves another."""
        turn = threading.Lock()
        self._connections[number] = connection, turn
        try:
            yield
        finally:
            with turn:
                del self._connections[number]

    def cancel(self, number: int) -> None:
        """Ask the server to end a statement, if it still runs."""
        found = self._connections.get(number)
        if found is None:
            return
        connection, turn = found
        with turn:
            if number in self._connections and not connection.closed:
                try:
                    connection.cancel_safe(timeout=_HEARS)
                except psycopg.Error:
                    # The statement ends with its answer.
                    return


def run(connection: Connection[Any], sql: str, params: list[Any]) -> list[Any]:
    """Run one statement on a connection in autocommit."""
    try:
        # A cursor of our own: the program's may return rows as it likes. Nothing is prepared, since a pooler may lend
        # the connection to others.
        with psycopg.RawCursor(connection, row_factory=tuple_row) as cursor:
            cursor.execute(sql.encode(), params or None, prepare=False, binary=True)
            return cursor.fetchall() if cursor.description is not None else []
    except psycopg.Error as error:
        raise failed(error) from error


def failed(error: psycopg.Error, sent: bool = True) -> Failed:
    """Say what an exception of psycopg means."""
    diag = error.diag
    if error.sqlstate is not None and diag.message_primary is not None:
        return Failed(diag.message_primary, sqlstate=error.sqlstate, detail=diag.message_detail, hint=diag.message_hint)
    text = " ".join(str(error).split()) or type(error).__name__
    if not sent and (code := _refusal(error, text)) is not None:
        return Failed(text, sqlstate=code)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Failed(text, sent=sent)
    # Of this side: a value that the driver can't send.
    return Failed(text, sqlstate=REFUSED)


def _refusal(error: psycopg.Error, text: str) -> str | None:
    """Return the code with which a server refused to be connected. The driver keeps none."""
    if error.pgconn is not None and error.pgconn.needs_password:
        return LOGIN
    # If the server speaks another language, the same is tried again, and has the same message at last.
    for code, sign in _REFUSALS:
        if re.search(sign, text):
            return code
    return None


def run_alone(connection: Connection[Any], sql: str, params: list[Any]) -> list[Any]:
    """Run one statement on a connection that may begin transactions by itself."""
    if connection.closed:
        raise Failed("the connection is closed: pass an open one, or a pool", sqlstate=REFUSED)
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise Failed(
            "the connection is in a transaction, and the verbs end transactions themselves: use another connection, "
            "or commit first",
            sqlstate=REFUSED,
        )
    before = connection.autocommit
    try:
        if not before:
            connection.autocommit = True
        return run(connection, sql, params)
    finally:
        if not before and not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE:
            connection.autocommit = False


class OfConnection:
    """One connection of the caller's. Calls wait for one another."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self._running = Running()
        self.cancel = self._running.cancel

    def query(self, sql: str, params: list[Any], number: int) -> list[Any]:
        """As every adapter."""
        with self._turn, self._running.statement(number, self._connection):
            return run_alone(self._connection, sql, params)

    def own(self) -> Own | None:
        """Nothing: the only connection must stay free for calls."""
        return None

    def close(self) -> None:
        """As every adapter: the connection is the caller's."""


class OfPool:
    """A pool of the caller's. Each statement takes a connection of it."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool
        self._running = Running()
        self.cancel = self._running.cancel

    def query(self, sql: str, params: list[Any], number: int) -> list[Any]:
        """As every adapter."""
        connection = self._take()
        try:
            with self._running.statement(number, connection):
                return run_alone(connection, sql, params)
        finally:
            self._pool.putconn(connection)

    def own(self) -> Own | None:
        """A connection of the pool, unless it is the only one."""
        if self._pool.max_size == 1:
            return None
        connection = self._take()
        before = connection.autocommit
        connection.autocommit = True

        def back() -> None:
            if not connection.closed:
                try:
                    connection.execute("unlisten *; select pg_advisory_unlock_all()", prepare=False)
                    connection.autocommit = before
                except psycopg.Error:
                    connection.close()
            self._pool.putconn(connection)

        return Own(connection, back)

    def close(self) -> None:
        """As every adapter: the pool is the caller's."""

    def _take(self) -> Connection[Any]:
        try:
            connection: Connection[Any] = self._pool.getconn()
        except psycopg.Error as error:
            if self._pool.closed:
                raise Failed("the pool is closed, or was never opened", sqlstate=REFUSED) from error
            raise failed(error, sent=False) from error
        return connection


class OfUrl:
    """A URL, or what libpq calls a conninfo. The adapter keeps the connections that no call uses, for the next."""

    def __init__(self, conninfo: str) -> None:
        given = _parsed(conninfo)
        if given is None:
            msg = "the connection string can't be parsed: write postgresql://USER@HOST:PORT/DATABASE"
            raise InvalidArgument(msg)
        self._secrets = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
        self._conninfo = conninfo
        self._idle: list[Connection[Any]] = []
        self._turn = threading.Lock()
        self._process = os.getpid()
        self._end = weakref.finalize(self, _close_all, self._idle)
        self._running = Running()
        self.cancel = self._running.cancel

    def query(self, sql: str, params: list[Any], number: int) -> list[Any]:
        """As every adapter."""
        connection = self._take()
        try:
            with self._running.statement(number, connection):
                return run(connection, sql, params)
        finally:
            self._put(connection)

    def own(self) -> Own | None:
        """A connection besides the others."""
        connection = self._connect()
        return Own(connection, connection.close)

    def close(self) -> None:
        """As every adapter."""
        with self._turn:
            _close_all(self._idle)

    def _take(self) -> Connection[Any]:
        with self._turn:
            if self._process != os.getpid():
                # Those are the parent's.
                self._idle.clear()
                self._process = os.getpid()
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        return self._connect()

    def _put(self, connection: Connection[Any]) -> None:
        if not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE:
            with self._turn:
                if len(self._idle) < _IDLE and self._end.alive:
                    self._idle.append(connection)
                    return
        connection.close()

    def _connect(self) -> Connection[Any]:
        made = self._connected()
        if isinstance(made, Failed):
            # Not in the `except` block: the driver's own exception may hold the password.
            raise made
        return made

    def _connected(self) -> Connection[Any] | Failed:
        try:
            return psycopg.connect(self._conninfo, autocommit=True, fallback_application_name="untorn")
        except psycopg.Error as error:
            refused = failed(error, sent=False)
        text = str(refused)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return Failed(text, sqlstate=refused.sqlstate, detail=refused.detail, hint=refused.hint)


def _parsed(conninfo: str) -> dict[str, Any] | None:
    try:
        return psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.Error:
        # Its message may hold a password, and so nothing keeps it.
        return None


def _close_all(connections: list[Connection[Any]]) -> None:
    while connections:
        connections.pop().close()


class Own:
    """A connection that its user keeps, and what takes it back."""

    def __init__(self, connection: Connection[Any], back: Any) -> None:
        self._connection = connection
        self._back = back

    def query(self, sql: str, params: list[Any]) -> list[Any]:
        """Run one statement."""
        return run(self._connection, sql, params)

    def notifications(self, seconds: float) -> list[str]:
        """Wait until the server notifies."""
        try:
            heard = self._connection.notifies(timeout=seconds, stop_after=1)
            return list({notification.channel: None for notification in heard})
        except psycopg.Error as error:
            raise failed(error) from error

    def close(self) -> None:
        """Give the connection back."""
        self._back()
