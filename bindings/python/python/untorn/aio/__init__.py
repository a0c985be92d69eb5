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

The first use of one of the names loads `asyncio` and the rest. `from untorn.aio import Journal` does that at once.
"""

# ruff: noqa: F405 - the names come from one import of all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from untorn.aio._names import *  # noqa: F403

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


def __getattr__(name: str) -> object:
    """Load all names when the first is used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name)
    from untorn.aio import _names

    globals().update((each, getattr(_names, each)) for each in __all__)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
