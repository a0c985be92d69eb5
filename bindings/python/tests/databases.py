"""The PostgreSQL that a test works on: `cargo xtask test --only postgres` starts one, and names it."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool


def server() -> str:
    """The server's address."""
    named = os.environ.get("UNTORN_TEST_POSTGRES")
    if named is None:
        pytest.skip("UNTORN_TEST_POSTGRES names no server: the step `postgres` of the tests starts one")
    return named


def url(**changes: str) -> str:
    """The address as a URL."""
    parts = {**psycopg.conninfo.conninfo_to_dict(server()), **changes}
    name = parts.pop("dbname", "")
    return f"postgresql:///{name}?{urlencode(parts, quote_via=quote)}"


def _pool(closing: ExitStack, size: int) -> Any:
    return closing.enter_context(ConnectionPool(server(), min_size=1, max_size=size, open=True))


def _connection(closing: ExitStack, **options: Any) -> Any:
    return closing.enter_context(psycopg.connect(server(), **options))


# What a caller can pass.
PLACES: dict[str, Callable[[ExitStack], Any]] = {
    "a URL": lambda _: url(),
    "a connection string": lambda _: server(),
    "a pool": lambda closing: _pool(closing, 4),
    "a pool of one": lambda closing: _pool(closing, 1),
    "a connection": lambda closing: _connection(closing, autocommit=True),
    "a connection that begins transactions": _connection,
    "a connection with rows of its own": lambda closing: _connection(closing, row_factory=dict_row),
}


def execute(sql: str, *given: Any) -> list[Any]:
    """Run a statement beside the library."""
    with psycopg.connect(server(), autocommit=True) as connection:
        cursor = connection.execute(sql, given)
        return cursor.fetchall() if cursor.description else []


def expire(schema: str, key: str) -> None:
    """Have the lease of a session end now, as if its owner had been stopped."""
    execute(f"update {schema}.session set until = clock_timestamp() - interval '1 s' where key = %s", key)
