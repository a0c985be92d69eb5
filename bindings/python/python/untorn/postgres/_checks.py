"""What is done with a database before a store is opened."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from untorn._plain import Plain, plain
from untorn._untorn import postgres_migrate, postgres_selftest
from untorn.postgres._where import adapter_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.postgres._failed import Adapter


@plain
class Check(Plain):
    """One thing that `selftest` tried."""

    name: str
    """A setting of the server, or what was tried."""
    ok: bool
    """It is as the promises need it."""
    found: str
    """The value or the behaviour that was found."""
    why: str
    """What is lost without it."""


def migrate(where: Any, schema: str = "untorn") -> int:
    """Create the schema, or bring it up to date, and return how many migrations were missing.

    `where` is a psycopg pool, connection or URL. Its role needs the right to create a schema in the database, or owns
    the schema. Each migration is one transaction. Of several callers at once one applies them.
    """
    with adapted(where) as adapter:
        return postgres_migrate(adapter, schema)


def selftest(where: Any, schema: str = "untorn") -> list[Check]:
    """Try what the promises need of a server, or of a pooler before it. It changes nothing that stays.

    `where` is a psycopg pool, connection or URL.
    """
    with adapted(where) as adapter:
        return [Check(*check) for check in postgres_selftest(adapter, schema)]


@contextmanager
def adapted(where: Any) -> Iterator[Adapter]:
    """Have an adapter for a while."""
    adapter = adapter_of(where)
    try:
        yield adapter
    finally:
        if isinstance(where, str):
            adapter.close()
