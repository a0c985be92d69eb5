"""What is done with a database before a store is opened, awaited."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from untorn._untorn import postgres_migrate, postgres_selftest
from untorn.aio.postgres._workers import called
from untorn.postgres._checks import Check
from untorn.postgres._where import adapter_of

if TYPE_CHECKING:
    from untorn.postgres._failed import Adapter


def awaited_adapter_of(where: Any) -> Adapter:
    """Return the adapter for an awaited store. An asyncpg pool belongs to the loop that runs now."""
    asyncpg = sys.modules.get("asyncpg")
    if asyncpg is not None and isinstance(where, asyncpg.Pool):
        from untorn.postgres._asyncpg import OfPool

        return OfPool(where, asyncio.get_running_loop())
    return adapter_of(where)


async def migrate(where: Any, schema: str = "untorn") -> int:
    """Create the schema, or bring it up to date. As `untorn.postgres.migrate`; it takes an asyncpg pool, too."""
    adapter = awaited_adapter_of(where)
    try:
        return await called(postgres_migrate, adapter, schema)
    finally:
        if isinstance(where, str):
            adapter.close()


async def selftest(where: Any, schema: str = "untorn") -> list[Check]:
    """Try what the promises need of a server. As `untorn.postgres.selftest`; it takes an asyncpg pool, too."""
    adapter = awaited_adapter_of(where)
    try:
        return [Check(*check) for check in await called(postgres_selftest, adapter, schema)]
    finally:
        if isinstance(where, str):
            adapter.close()
