"""What `untorn.aio` exports. Loaded when the first of the names is used.

For type checkers, `X as X` exports the name.
"""

import atexit
import warnings

from untorn._untorn import finish_appends
from untorn.aio._document import Document as Document
from untorn.aio._fold import Fold as Fold
from untorn.aio._follow import Follow as Follow
from untorn.aio._journal import Journal as Journal
from untorn.aio._lock import FileLock as FileLock, holder as holder
from untorn.aio._one_shot import append_json as append_json, load_json as load_json, save_json as save_json
from untorn.aio._salvage import held_below as held_below, waiters as waiters
from untorn.aio._snapshot import Snapshot as Snapshot, snapshot as snapshot
from untorn.aio._store import Lease as Lease, Session as Session, Store as Store, selftest as selftest
from untorn.aio._transaction import Transaction as Transaction


def _finish() -> None:
    left, failures = finish_appends()
    if left:
        failures.append(f"{left} appends were still waiting for their lock when the program ended, and were not made")
    for failure in failures:
        warnings.warn(failure, RuntimeWarning, stacklevel=1)


atexit.register(_finish)
