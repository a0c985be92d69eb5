"""The same store on PostgreSQL, for programs on several hosts. Your own driver and pool carry it.

    from psycopg_pool import ConnectionPool
    from untorn import Store, postgres

    pool = ConnectionPool("postgresql://app@db/app")
    postgres.migrate(pool)
    store = Store.open(pool)
    with store.session("chat:42").claim("worker 3") as lease:
        ...

The classes have the verbs, options and errors of those of files. These things differ:

- A lease fences its session. Once another process has claimed the session, everything that this `Session` writes
  raises `LeaseLost`. `lease.lost` is an event.
- Nothing is locked between two calls. An `update` in a `with` block, and a transaction, raise `Conflict` if another
  process was faster. `update_with` and a fold's `update` decide again.
- Verbs that need files raise `Unsupported`. Names have no path.

`pip install "untorn[postgres]"` installs psycopg, which a URL needs. `untorn.aio` takes an asyncpg pool, too.
"""

from untorn.postgres._checks import Check as Check, migrate as migrate, selftest as selftest
from untorn.postgres._document import Document as Document
from untorn.postgres._fold import Fold as Fold
from untorn.postgres._journal import Journal as Journal
from untorn.postgres._lease import Lease as Lease
from untorn.postgres._store import Session as Session, Stat as Stat, Store as Store, StoreOptions as StoreOptions
from untorn.postgres._transaction import Transaction as Transaction

__all__ = [
    "Check",
    "Document",
    "Fold",
    "Journal",
    "Lease",
    "Session",
    "Stat",
    "Store",
    "StoreOptions",
    "Transaction",
    "migrate",
    "selftest",
]
