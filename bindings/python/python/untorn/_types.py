"""Plain values that calls give back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from untorn._untorn import Process

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from untorn._untorn import Position

    _Kind: TypeAlias = Literal[
        "torn_tail", "nul_run", "too_long", "glued", "not_json", "not_utf8", "bad_seal", "undecodable"
    ]


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


class DamageWarning(UserWarning):
    """A reader skipped a damaged stretch of a journal, and was given no `on_damage` to tell it to: once a reading."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a journal that was skipped."""

    kind: _Kind
    """`"undecodable"`: the record is sound JSON, but Python's `json` can't decode it (nested too deep, an integer of
    more than 4,300 digits); `records` gives its bytes. Only Python reports it."""
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
    unsealed: int
    """In a sealed journal: how many good records have no seal."""
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

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged, at the time of the report."""
        return self.damage_count == 0


class Hit(NamedTuple):
    """A record in which `Store.search` found the text."""

    key: str
    """The session."""
    position: Position
    """Where the record begins: `records(position)` yields it first."""
    snippet: str
    """The text around the match, as the record means it, up to 60 characters before and behind it."""
    range: tuple[int, int]
    """Where the match is in the snippet: `snippet[range[0]:range[1]]`."""


class Check(NamedTuple):
    """One thing that `selftest` tried."""

    name: str
    """`"exclusion"`, `"exclusion_threads"`, `"sharing"`, `"waiting"`, `"release_on_death"`, `"scheme"`, `"rename"`,
    `"link"`, `"sync"`, `"sync_directory"`; there may be more in later versions."""
    outcome: Literal["passed", "failed", "skipped"]
    """`"skipped"`: it can't be told here, or is not needed."""
    detail: str
    """In words, for people."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What `selftest` found. `str` of it is a report for people."""

    dir: Path
    """The directory, with every symbolic link resolved."""
    file_system: str
    """Its name as `mount` shows it; empty if it is not known."""
    scheme: Literal["sidecar", "in-place", "pid-file"]
    """The scheme that was tried."""
    checks: tuple[Check, ...]
    """What was tried, in this order."""
    _text: str = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(check.outcome != "failed" for check in self.checks)

    def __str__(self) -> str:
        return self._text


def _make_self_test(
    dir: Path,  # noqa: A002
    file_system: str,
    scheme: Literal["sidecar", "in-place", "pid-file"],
    checks: list[tuple[str, Literal["passed", "failed", "skipped"], str]],
    text: str,
) -> SelfTest:
    return SelfTest(dir, file_system, scheme, tuple(Check(*check) for check in checks), text)


def _make_report(
    records: int,
    header: bool,
    unsealed: int,
    size: int,
    end: Position,
    damage: list[tuple[_Kind, int, int]],
    damage_count: int,
    repaired: tuple[int, int, bool] | None,
) -> Report:
    return Report(
        records=records,
        header=header,
        unsealed=unsealed,
        bytes=size,
        end=end,
        damage=tuple(Damage(*triple) for triple in damage),
        damage_count=damage_count,
        repaired=None if repaired is None else Repair(*repaired),
    )
