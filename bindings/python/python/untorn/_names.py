"""What `untorn` exports. Loaded when the first of the names is used.

For type checkers, `X as X` exports the name.
"""

from untorn._document import Document as Document
from untorn._errors import *  # noqa: F403 - the list is in spec/errors.toml
from untorn._events import Event as Event, set_event_callback as set_event_callback
from untorn._fold import Fold as Fold
from untorn._follow import Follow as Follow
from untorn._journal import Journal as Journal
from untorn._one_shot import append_json as append_json, load_json as load_json, save_json as save_json
from untorn._salvage import Held as Held, Salvage as Salvage, SalvagedLine as SalvagedLine, TornEntry as TornEntry
from untorn._snapshot import Snapshot as Snapshot, snapshot as snapshot
from untorn._store import Session as Session, Store as Store
from untorn._transaction import Transaction as Transaction
from untorn._types import (
    Check as Check,
    Damage as Damage,
    DamageWarning as DamageWarning,
    Hit as Hit,
    Holder as Holder,
    Reconciled as Reconciled,
    Record as Record,
    Repair as Repair,
    Report as Report,
    Rewound as Rewound,
    SelfTest as SelfTest,
)
from untorn._untorn import (
    FileLock as FileLock,
    Lease as Lease,
    Position as Position,
    Process as Process,
    flush_events as flush_events,
    held_below as held_below,
    holder as holder,
    selftest as selftest,
    set_wait_threshold as set_wait_threshold,
    waiters as waiters,
)
