"""The same classes for `asyncio`. You await their methods, and the event loop continues meanwhile.

    from untorn import aio

    journal = aio.Journal("session.jsonl")
    await journal.append({"role": "user", "text": "hello"})
    async for record in journal:
        print(record)
    async with aio.Document("session.json").update(default={}) as value:
        value["turns"] = value.get("turns", 0) + 1
    async with aio.FileLock("session.json", timeout=5):
        ...

Threads of the library do the work, never the event loop's executor, so a wait for a lock delays nothing else.
Options, values and errors are those of `untorn`. Calls on one file keep their order.

A cancelled call ends its wait. Its `CancelledError` is raised when the call has stopped: from then on it holds no
lock and writes nothing. If an append or a save was being written at that moment, it may be in the file, whole.

A call that waits for a lock that its own task holds raises `Deadlock`. It can wait for a lock of another task.

An append that has started is finished, even if you do not await it, or if the event loop was closed. A program that
ends waits for it, 5 seconds at most. A call that you never await causes a `RuntimeWarning`.
"""

import atexit as _atexit
import warnings as _warnings

from untorn._untorn import finish_appends as _finish_appends
from untorn.aio._document import Document
from untorn.aio._fold import Fold
from untorn.aio._follow import Follow
from untorn.aio._journal import Journal
from untorn.aio._lock import FileLock, holder
from untorn.aio._one_shot import append_json, load_json, save_json
from untorn.aio._salvage import held_below, waiters
from untorn.aio._snapshot import Snapshot, snapshot
from untorn.aio._store import Lease, Session, Store, selftest
from untorn.aio._transaction import Transaction

__all__ = [
    "Document",
    "FileLock",
    "Fold",
    "Follow",
    "Journal",
    "Lease",
    "Session",
    "Snapshot",
    "Store",
    "Transaction",
    "append_json",
    "held_below",
    "holder",
    "load_json",
    "save_json",
    "selftest",
    "snapshot",
    "waiters",
]


def _finish() -> None:
    left, failures = _finish_appends()
    if left:
        failures.append(f"{left} appends were still waiting for their lock when the program ended, and were not made")
    for failure in failures:
        _warnings.warn(failure, RuntimeWarning, stacklevel=1)


_atexit.register(_finish)
