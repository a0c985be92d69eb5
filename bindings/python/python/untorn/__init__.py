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
"""

# ruff: noqa: F405 - the exceptions come from one import of all

from untorn import _extension  # noqa: F401 - first: it says what to do where the extension is missing

# isort: split
from untorn._document import Document
from untorn._errors import *  # noqa: F403 - the list is in spec/errors.toml
from untorn._events import Event, set_event_callback
from untorn._fold import Fold
from untorn._follow import Follow
from untorn._journal import Journal
from untorn._one_shot import append_json, load_json, save_json
from untorn._salvage import Held, Salvage, SalvagedLine, TornEntry
from untorn._snapshot import Snapshot, snapshot
from untorn._store import Session, Store
from untorn._transaction import Transaction
from untorn._types import (
    Check,
    Damage,
    DamageWarning,
    Hit,
    Holder,
    Reconciled,
    Record,
    Repair,
    Report,
    Rewound,
    SelfTest,
)
from untorn._untorn import (
    FileLock,
    Lease,
    Position,
    Process,
    flush_events,
    held_below,
    holder,
    selftest,
    set_wait_threshold,
    waiters,
)
from untorn._untorn import version as _version

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
    "LimitExceeded",
    "LockTimeout",
    "LockUnsupported",
    "Locked",
    "NotDurable",
    "NotFound",
    "PermissionDenied",
    "Poisoned",
    "StorageFull",
]
# end generated exceptions

# Not from importlib.metadata: that takes longer than all other imports. It also knows no distribution of this name if
# the package was vendored or frozen.
__version__ = _version()
