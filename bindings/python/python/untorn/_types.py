"""Plain values that calls give back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from untorn._untorn import Process

if TYPE_CHECKING:
    from typing import TypeAlias

    from untorn._untorn import Position

    _Kind: TypeAlias = Literal["torn_tail", "nul_run", "too_long", "glued", "not_json", "not_utf8"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock."""

    pid: int
    start: int | None
    """When the process started, in the system's own unit: with pid, boot and host it names one process for ever."""
    boot: str | None
    namespace: str | None
    """Within which pids are counted: in another container the same pid is another process."""
    host: str | None
    label: str | None
    """What the holder calls itself (`label=`)."""
    since: str | None
    """RFC 3339, UTC."""
    alive: Literal["alive", "dead", "unknown"]
    """Whether the very process lived when this was asked."""

    @property
    def process(self) -> Process:
        """The process, to be asked again whether it lives."""
        names = ("pid", "start", "boot", "namespace", "host")
        return Process.from_json(json.dumps({name: getattr(self, name) for name in names}))


class Record(NamedTuple):
    """One record as bytes, without its newline."""

    data: bytes
    start: Position
    """Where it begins."""
    end: Position
    """Where the next line begins: reading on from here yields what follows."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a journal that was skipped."""

    kind: _Kind
    offset: int
    """Bytes from the start of the file."""
    length: int
    """Bytes, the newline included where there is one."""


class Rewound(NamedTuple):
    """What one who follows a journal is told where records were taken out of it."""

    start: Position
    """How far was read in the file as it was."""
    end: Position
    """Up to where the file that is there now is the same. Offset 0: nothing of it is, or it is not known how much."""


class Reconciled(NamedTuple):
    """What came of `Session.reconcile`."""

    outcome: Literal["no_change", "busy", "alive", "done"]
    """`"no_change"`: the session was never owned, its last owner let it go properly or was reconciled, or there was
    nothing to change. `"busy"`: somebody else is about to reconcile, claim or remove it. `"alive"`: the owner lives.
    `"done"`: the changes are made."""
    holder: Holder | None
    """The owner that lives, or the one that died, where it is known."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done to a torn tail."""

    offset: int
    """Where the tail began, in bytes from the start of the file."""
    cut: int
    """How many bytes were cut; they are kept in the file `.torn` beside the journal."""
    newline_added: bool
    """Whether the tail was a whole record that had only lost its newline."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of a journal found."""

    records: int
    """How many good records. The header is none."""
    header: bool
    """Whether the journal has a header."""
    bytes: int
    """Where the file ended: how much was looked at."""
    end: Position
    """Where the last whole line ends."""
    damage: tuple[Damage, ...]
    """What is damaged, in file order (the first 1,024)."""
    damage_count: int
    """How many stretches are damaged."""
    repaired: Repair | None
    """What `repair` did; `None` from `verify`, and where nothing was to do."""


def _make_report(
    records: int,
    header: bool,
    size: int,
    end: Position,
    damage: list[tuple[_Kind, int, int]],
    damage_count: int,
    repaired: tuple[int, int, bool] | None,
) -> Report:
    return Report(
        records=records,
        header=header,
        bytes=size,
        end=end,
        damage=tuple(Damage(*triple) for triple in damage),
        damage_count=damage_count,
        repaired=None if repaired is None else Repair(*repaired),
    )
