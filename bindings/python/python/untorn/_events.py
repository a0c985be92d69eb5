"""Events: what happens without a call asking for it."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any, Literal

from untorn._plain import Plain, plain
from untorn._untorn import flush_events, set_event_sink

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from untorn._types import Holder

    _EventKind: TypeAlias = Literal[
        "waiting",
        "waited",
        "repaired",
        "undone",
        "recovered",
        "swept",
        "skipped_damage",
        "rotated",
        "poisoned",
        "dropped",
        "lease_lost",
        "other_scheme",
    ]


@plain
class Event(Plain):
    """Something that happened without a call asking for it: a long wait, a repair, damage that was skipped."""

    kind: _EventKind
    """What happened. `docs/events.md` says what each kind means, and which fields it sets."""
    severity: Literal["info", "warning", "error"]
    """How much it matters."""
    operation: str
    """The operation in which it happened: `"append"`, `"recover"`."""
    path: Path
    """The file, or the directory of a transaction."""
    message: str
    """All of it in one line, for people."""
    holder: Holder | None
    """The process that holds the lock, if it is known."""
    waited: float | None
    """How long the call has waited, in seconds."""
    offset: int | None
    """Where in the file it happened, in bytes."""
    bytes: int | None
    """How many bytes it concerns."""
    count: int | None
    """How many files or events it concerns."""
    kept: Path | None
    """The file that keeps what was cut off or rotated."""
    damage: str | None
    """The kind of the damage that was skipped."""


# The numbers of `logging`, which is imported when the first event comes.
_LEVELS = {"info": 20, "warning": 30, "error": 40}

_callback: Callable[[Event], object] | None = None


def set_event_callback(callback: Callable[[Event], object] | None) -> None:
    """Have a function called with each event of this process, besides the logger `untorn`; `None` ends that.

    It runs on a thread of the library, with one event at a time, in their order. That thread holds no lock, so the
    function may wait, and may use this library. It never delays the call that the event is about.
    """
    global _callback
    _callback = callback


def _deliver(*fields: Any) -> None:
    import logging

    event = Event(*fields)
    # A reader that skips damage also raises a `DamageWarning`, unless the caller passed `on_damage`.
    level = logging.INFO if event.kind == "skipped_damage" else _LEVELS[event.severity]
    logging.getLogger("untorn").log(level, "%s", event.message, extra={"untorn_event": event})
    if _callback is not None:
        _callback(event)


def _end() -> None:
    flush_events()
    set_event_sink(None)


set_event_sink(_deliver)
atexit.register(_end)
