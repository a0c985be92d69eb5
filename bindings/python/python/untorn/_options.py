"""What handles are opened with, for those who pass it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from untorn import _codec


Durability: TypeAlias = Literal["power", "process"]
Format: TypeAlias = Literal["json", "lines"]
Scheme: TypeAlias = Literal["sidecar", "in-place", "pid-file"]
OnUnsupported: TypeAlias = Literal["fail", "pid-file"]
HeaderMode: TypeAlias = Literal["stamp", "rename"]


class LockOptions(TypedDict, total=False):
    """As `FileLock` has them."""

    timeout: float | None
    shared: bool
    label: str | None
    scheme: Scheme
    on_unsupported: OnUnsupported
    stale: float


class FileOptions(TypedDict, total=False):
    """Those that journals and documents share."""

    durability: Durability
    mode: int | None
    timeout: float | None
    scheme: Scheme
    on_unsupported: OnUnsupported
    stale: float
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class DocumentOptions(FileOptions, total=False):
    """As `Document` has them."""

    parents: bool


class RecordOptions(FileOptions, total=False):
    """Those of journals, wherever they are."""

    max_record: int
    format: Format
    header_prefix: bytes | str | None
    header_reserve: int
    header_mode: HeaderMode
    sealed: bool
    cut_foreign_tail: bool
    max_bytes: int | None
    keep: int | None


class JournalOptions(RecordOptions, total=False):
    """As `Journal` has them."""

    create: bool
    parents: bool


class TransactionOptions(TypedDict, total=False):
    """As `Transaction` has them."""

    durability: Durability
    mode: int | None
    timeout: float | None
    format: Format
    max_record: int
    header_prefix: bytes | str | None
    header_reserve: int
    sealed: bool
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class StoreOptions(RecordOptions, total=False):
    """As `Store` has them."""

    journal_name: str
    state_name: str
    create: bool
    state_dumps: _codec._Dumps | None
    state_loads: _codec._Loads | None


_CODECS = ("dumps", "loads", "state_dumps", "state_loads")


def split(given: Mapping[str, Any], known: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that the core takes, and those that say how values are encoded."""
    for name in given:
        if name not in known.__annotations__:
            msg = f"{name!r} is no option here; these are: {', '.join(sorted(known.__annotations__))}"
            raise TypeError(msg)
    codecs = {name: given[name] for name in _CODECS if name in given}
    return {name: given[name] for name in given if name not in codecs}, codecs
