"""The same nouns for `asyncio`: the verbs are awaited, and the event loop goes on meanwhile.

    from untorn import aio

    journal = aio.Journal("session.jsonl")
    await journal.append({"role": "user", "text": "hello"})
    async for record in journal:
        print(record)
    async with aio.Document("session.json").update(default={}) as value:
        value["turns"] = value.get("turns", 0) + 1
    async with aio.FileLock("session.json", timeout=5):
        ...

Work is done by threads of the library's own: the event loop's executor is never used, so a lock that is waited for
holds nothing else up. Options, values and errors are those of `untorn`. Calls on one file keep their order.

A call that is cancelled gives up its wait, and its `CancelledError` is raised when nothing of it is under way any more:
from then on it holds no lock and writes nothing. An append or a save that was being written in that moment may be in
the file, whole.

A call that waits for a lock that its own task holds raises `Deadlock`. A lock of another task is waited for.

An append that was begun is made, also where nobody awaits it, or the event loop was closed meanwhile: a program that
ends waits for it, 5 seconds at the most. What was never awaited causes a `RuntimeWarning`.
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
    "holder",
    "load_json",
    "save_json",
    "selftest",
    "snapshot",
]


def _finish() -> None:
    left, failures = _finish_appends()
    if left:
        failures.append(f"{left} appends had not got their lock when the program ended, and were not made")
    for failure in failures:
        _warnings.warn(failure, RuntimeWarning, stacklevel=1)


_atexit.register(_finish)
