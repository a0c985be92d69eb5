"""The store on PostgreSQL for `asyncio`: the classes of `untorn.postgres`, awaited.

    import asyncpg
    from untorn import aio

    async with asyncpg.create_pool("postgresql://app@db/app") as pool:
        await aio.postgres.migrate(pool)
        store = await aio.Store.open(pool)
        async with await store.session("chat:42").claim("worker 3") as lease:
            ...

Threads of the library carry out the calls. With an asyncpg pool their statements go back to the event loop that
opened the store. With a psycopg pool, a connection or a URL the threads send them.

Appends of one handle that start at the same time (`asyncio.gather`) go into one statement, in their order. Other
calls have no order then. A cancelled call ends its wait; its `CancelledError` is raised when the call has stopped. If
its statement was sent, and has no answer soon, the server is asked to end it.
"""

from untorn.aio._follow import Follow as Follow
from untorn.aio.postgres._checks import migrate as migrate, selftest as selftest
from untorn.aio.postgres._files import Document as Document, Transaction as Transaction
from untorn.aio.postgres._fold import Fold as Fold
from untorn.aio.postgres._journal import Journal as Journal
from untorn.aio.postgres._store import Lease as Lease, Session as Session, Store as Store

__all__ = [
    "Document",
    "Fold",
    "Follow",
    "Journal",
    "Lease",
    "Session",
    "Store",
    "Transaction",
    "migrate",
    "selftest",
]
