"""Append to JSONL files and save JSON files safely from several processes. The files stay plain files.

- `Journal`: an append-only file of one-line records (JSON Lines). Any number of processes and threads append to it.
  No record is torn, interleaved, glued to its neighbour or lost.
- `Document`: one value in one file, always replaced whole, under a lock.
- `Transaction`: several documents and journals of one directory that change together or not at all.
- `Store`, `Session`: a directory of sessions, each with a journal, a state and one live owner at a time.
- `FileLock`: the lock itself, which the kernel releases when its holder dies.
- `save_json`, `load_json`, `append_json`: one call, no handle.
- `untorn.aio`: the same for asyncio.

Times are in seconds. Without a timeout a call waits without a limit; 0 tries once. Every error is an `Error`, and
also the built-in exception that you would catch for it: `LockTimeout` is a `TimeoutError`, `NotFound` a
`FileNotFoundError`.

Threads may share handles, and handles are safe across `fork`. You can pickle a `Journal`, `Document`, `Store` and
`Session`: the copy opens the same files again. You can't pickle an object that holds a lock, or a place in a file.

`import untorn` is quick. The first use of one of the names loads the rest. A program that can't read the package later
(after `chroot` or `setuid`) names one before: `from untorn import Journal`.
"""

# ruff: noqa: F405 - the names come from one import of all

from untorn import _extension  # noqa: F401 - first: it says what to do where the extension is missing
from untorn._untorn import version as _version

# Not from `typing`: to import it takes longer than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from untorn._names import *  # noqa: F403

__all__ = [
    "Check",
    "Damage",
    "DamageWarning",
    "Document",
    "Event",
    "FileLock",
    "Fold",
    "Follow",
    "Held",
    "Hit",
    "Holder",
    "Journal",
    "Lease",
    "Position",
    "Process",
    "Reconciled",
    "Record",
    "Repair",
    "Report",
    "Rewound",
    "Salvage",
    "SalvagedLine",
    "SelfTest",
    "Session",
    "Snapshot",
    "Store",
    "TornEntry",
    "Transaction",
    "append_json",
    "flush_events",
    "held_below",
    "holder",
    "load_json",
    "save_json",
    "selftest",
    "set_event_callback",
    "set_wait_threshold",
    "snapshot",
    "waiters",
]
# begin generated exceptions (spec/errors.toml: cargo xtask generate)
__all__ += [
    "AlreadyExists",
    "Cancelled",
    "Conflict",
    "Corrupt",
    "Deadlock",
    "Error",
    "InternalError",
    "InvalidArgument",
    "InvalidRecord",
    "IoError",
    "LeaseLost",
    "LimitExceeded",
    "LockTimeout",
    "LockUnsupported",
    "Locked",
    "NotDurable",
    "NotFound",
    "PermissionDenied",
    "Poisoned",
    "StorageFull",
    "Unsupported",
]
# end generated exceptions

# Not from importlib.metadata: that takes longer than all other imports. It also knows no distribution of this name if
# the package was vendored or frozen.
__version__ = _version()


def __getattr__(name: str) -> object:
    """Load all names when the first is used: a program may import this package and never need it."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name)
    from untorn import _names

    # All at once: a program may lose its file system later (chroot).
    globals().update((each, getattr(_names, each)) for each in __all__)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
