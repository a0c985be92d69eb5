"""What handles are opened with, for those who pass it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, TypeAlias

    from untorn import _codec

    _Durability: TypeAlias = Literal["power", "process"]
    _Format: TypeAlias = Literal["json", "lines"]
    _Scheme: TypeAlias = Literal["sidecar", "in-place", "pid-file"]
    _OnUnsupported: TypeAlias = Literal["fail", "pid-file"]
    _HeaderMode: TypeAlias = Literal["stamp", "rename"]


class LockOptions(TypedDict, total=False):
    """As `FileLock` has them."""

    timeout: float | None
    shared: bool
    label: str | None
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float


class FileOptions(TypedDict, total=False):
    """Those that journals and documents share."""

    durability: _Durability
    mode: int | None
    timeout: float | None
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class DocumentOptions(FileOptions, total=False):
    """As `Document` has them."""

    parents: bool


class RecordOptions(FileOptions, total=False):
    """Those of journals, wherever they are."""

    max_record: int
    format: _Format
    header_prefix: bytes | str | None
    header_reserve: int
    header_mode: _HeaderMode
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

    durability: _Durability
    mode: int | None
    timeout: float | None
    format: _Format
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
            msg = f"unknown option {name!r}; this call takes {', '.join(sorted(known.__annotations__))}"
            raise TypeError(msg)
    codecs = {name: given[name] for name in _CODECS if name in given}
    return {name: given[name] for name in given if name not in codecs}, codecs
