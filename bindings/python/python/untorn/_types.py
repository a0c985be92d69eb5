"""Plain values that calls return."""

from __future__ import annotations

import pathlib  # noqa: F401 - now: the extension needs it, and a program may lose its file system (chroot)
from typing import TYPE_CHECKING, Literal, NamedTuple

from untorn._plain import Plain, plain
from untorn._untorn import Process

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from untorn._untorn import Position

    _Kind: TypeAlias = Literal[
        "torn_tail",
        "nul_run",
        "too_long",
        "glued",
        "not_json",
        "not_utf8",
        "bad_seal",
        "missing_newline",
        "byte_order_mark",
        "carriage_return",
        "lone_surrogate",
        "undecodable",
    ]


@plain
class Holder(Plain):
    """The process that holds a lock."""

    pid: int
    start: int | None
    """When it started, in the system's own unit. With pid, boot and host it identifies one process, and no later one.
    """
    boot: str | None
    namespace: str | None
    """The namespace of its pid: in another container the same pid is another process."""
    host: str | None
    label: str | None
    """The label that the holder chose (`label=`)."""
    since: str | None
    """Since when it holds the lock, as RFC 3339 in UTC."""
    alive: Literal["alive", "dead", "unknown"]
    """Whether the very process lived when it was checked."""

    @property
    def process(self) -> Process:
        """The process, to check again whether it lives."""
        import json  # only where it is needed: to import it takes long

        names = ("pid", "start", "boot", "namespace", "host")
        return Process.from_json(json.dumps({name: getattr(self, name) for name in names}))


class Record(NamedTuple):
    """One record as bytes, without its newline."""

    data: bytes
    start: Position
    """The position where the record begins."""
    end: Position
    """The position where the next line begins: reading from here yields what follows."""


class DamageWarning(UserWarning):
    """A reader without `on_damage` skipped a damaged stretch of a journal. It warns once per read."""


@plain
class Damage(Plain):
    """A stretch of a journal that was skipped."""

    kind: _Kind
    """`"undecodable"`: the record is sound JSON, but Python's `json` can't decode it (nested too deep, an integer of
    more than 4,300 digits). `records` returns its bytes. Only Python reports this kind."""
    offset: int
    """Bytes from the start of the file."""
    length: int
    """The number of bytes, including the newline if the stretch has one."""
    line: int | None = None
    """The number of the line, from 1, in a `Report`; `None` from readers."""
    repairable: bool = False
    """Whether the next append, or `repair`, mends it: it is at the end of the file."""


class Rewound(NamedTuple):
    """Passed to `on_rewind` when records were removed from a journal that is followed."""

    start: Position
    """How far the old file had been read."""
    end: Position
    """Up to where the new file is the same as the old one. Offset 0: nothing is, or it is not known."""


class Reconciled(NamedTuple):
    """The result of `Session.reconcile`."""

    outcome: Literal["no_change", "busy", "alive", "done"]
    """`"no_change"`: the session was never owned, was released properly, is already reconciled, or needed no change.
    `"busy"`: another process is reconciling, claiming or removing it. `"alive"`: the owner lives. `"done"`: the
    changes are made."""
    holder: Holder | None
    """The owner that lives, or the one that died, if it is known."""


@plain
class Repair(Plain):
    """How a torn tail was repaired."""

    offset: int
    """Where the tail began, in bytes from the start of the file."""
    cut: int
    """How many bytes were cut. The file `.torn` next to the journal keeps them."""
    newline_added: bool
    """Whether the tail was a whole record that lacked only its newline."""


@plain
class Report(Plain):
    """The result of checking a journal."""

    records: int
    """The number of good records, without the header."""
    header: bool
    """Whether the journal has a header."""
    unsealed: int
    """The number of good records without a seal, in a sealed journal."""
    bytes: int
    """The number of bytes that were checked: the length of the file."""
    end: Position
    """The position where the last whole line ends."""
    damage: tuple[Damage, ...]
    """The damaged stretches, in file order (the first 1,024)."""
    damage_count: int
    """The number of all damaged stretches."""
    notes: tuple[Damage, ...]
    """Sound stretches that other programs stumble over: a byte order mark, carriage returns, half a character as an
    escape. The first place of each kind."""
    repaired: Repair | None
    """What `repair` did; `None` if no repair was needed, and always from `verify`."""

    @property
    def ok(self) -> bool:
        """Whether nothing was damaged at the time of the report."""
        return self.damage_count == 0


class Hit(NamedTuple):
    """A record in which `Store.search` found the text."""

    key: str
    """The key of the session."""
    position: Position
    """The position where the record begins: `records(position)` yields it first."""
    snippet: str
    """The text around the match, with escapes decoded: up to 60 characters before and after it."""
    range: tuple[int, int]
    """The place of the match in the snippet: `snippet[range[0]:range[1]]`."""


class Check(NamedTuple):
    """One check of `selftest`."""

    name: str
    """`"exclusion"`, `"exclusion_threads"`, `"sharing"`, `"waiting"`, `"release_on_death"`, `"scheme"`, `"rename"`,
    `"link"`, `"sync"`, `"sync_directory"`. Later versions may add more."""
    outcome: Literal["passed", "failed", "skipped"]
    """`"skipped"`: the check can't be made here, or is not needed."""
    detail: str
    """What was observed, for people."""


@plain
class SelfTest(Plain):
    """The report of `selftest`. `str` of it is a text for people."""

    dir: Path
    """The directory, with every symbolic link resolved."""
    file_system: str
    """The name of the file system, as `mount` shows it; empty if unknown."""
    scheme: Literal["sidecar", "in-place", "pid-file"]
    """The scheme that was tested."""
    checks: tuple[Check, ...]
    """The checks, in the order in which they were made."""
    _text: str

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
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
    damage: list[tuple[_Kind, int, int, int | None, bool]],
    damage_count: int,
    notes: list[tuple[_Kind, int, int, int | None, bool]],
    repaired: tuple[int, int, bool] | None,
) -> Report:
    return Report(
        records=records,
        header=header,
        unsealed=unsealed,
        bytes=size,
        end=end,
        damage=tuple(Damage(*one) for one in damage),
        damage_count=damage_count,
        notes=tuple(Damage(*one) for one in notes),
        repaired=None if repaired is None else Repair(*repaired),
    )
