"""The options of handles, for functions that pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from untorn._errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal, TypeAlias

    from untorn import _codec

    # begin generated words (spec/constants.toml, cargo xtask generate)
    _Durability: TypeAlias = Literal["process", "power"]
    _Format: TypeAlias = Literal["json", "lines"]
    _Scheme: TypeAlias = Literal["sidecar", "in-place", "pid-file"]
    _OnUnsupported: TypeAlias = Literal["fail", "pid-file"]
    _HeaderMode: TypeAlias = Literal["stamp", "rename"]
    # end generated words


class LockOptions(TypedDict, total=False):
    """The options of `FileLock`."""

    # begin generated lock options (spec/options.toml, cargo xtask generate)
    timeout: float | None
    shared: bool
    label: str | None
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float
    # end generated lock options


class DocumentOptions(TypedDict, total=False):
    """The options of `Document`."""

    # begin generated document options (spec/options.toml, cargo xtask generate)
    timeout: float | None
    mode: int | None
    durability: _Durability
    parents: bool
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float
    # end generated document options
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class JournalOptions(TypedDict, total=False):
    """The options of `Journal`."""

    # begin generated journal options (spec/options.toml, cargo xtask generate)
    timeout: float | None
    max_record: int
    mode: int | None
    durability: _Durability
    format: _Format
    create: bool
    parents: bool
    cut_foreign_tail: bool
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float
    max_bytes: int | None
    keep: int | None
    header_prefix: bytes | str | None
    header_reserve: int
    header_mode: _HeaderMode
    sealed: bool
    # end generated journal options
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class TransactionOptions(TypedDict, total=False):
    """The options of `Transaction`."""

    # begin generated transaction options (spec/options.toml, cargo xtask generate)
    timeout: float | None
    max_record: int
    mode: int | None
    durability: _Durability
    format: _Format
    parents: bool
    header_prefix: bytes | str | None
    header_reserve: int
    sealed: bool
    # end generated transaction options
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None


class StoreOptions(TypedDict, total=False):
    """The options of `Store`."""

    # begin generated store options (spec/options.toml, cargo xtask generate)
    timeout: float | None
    journal_name: str
    state_name: str
    max_record: int
    mode: int | None
    durability: _Durability
    format: _Format
    create: bool
    cut_foreign_tail: bool
    scheme: _Scheme
    on_unsupported: _OnUnsupported
    stale: float
    max_bytes: int | None
    keep: int | None
    header_prefix: bytes | str | None
    header_reserve: int
    header_mode: _HeaderMode
    sealed: bool
    # end generated store options
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None
    state_dumps: _codec._Dumps | None
    state_loads: _codec._Loads | None


_CODECS = ("dumps", "loads", "state_dumps", "state_loads")


def unknown(name: str, known: Iterable[str]) -> InvalidArgument:
    """Return the error for an option that does not exist."""
    import difflib  # only where it is needed: to import it takes long

    alike = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {alike[0]!r}?" if alike else f"this call takes {', '.join(sorted(known))}"
    return InvalidArgument(f"unknown option {name!r}; {hint}")


def split(given: Mapping[str, Any], known: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that the core takes, and those that say how values are encoded."""
    for name in given:
        if name not in known.__annotations__:
            raise unknown(name, known.__annotations__)
    codecs = {name: given[name] for name in _CODECS if name in given}
    return {name: given[name] for name in given if name not in codecs}, codecs
