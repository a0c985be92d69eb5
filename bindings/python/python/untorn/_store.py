"""Sessions by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from untorn._document import Document
from untorn._drivers import is_database
from untorn._journal import Journal
from untorn._options import StoreOptions, split
from untorn._session_owning import Owning
from untorn._transaction import Transaction
from untorn._untorn import Lease, RawSession, RawStore

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from types import EllipsisType
    from typing import Self, Unpack

    from untorn import _codec, postgres
    from untorn._options import _Durability, _Format, _HeaderMode, _OnUnsupported, _Scheme
    from untorn._untorn import Opened


class Store(RawStore):
    """A directory of sessions, one directory each, found by their keys.

    Any string is a key: the store maps it to the name of a directory, and back. The first change to a session creates
    it.

    - `journal_name`, `state_name`: the names of a session's journal and state document.
    - `create`: whether the directory is created if it is missing.
    - `dumps`, `loads`: how the journals' records are encoded and decoded.
    - `state_dumps`, `state_loads`: the same for the state (`state_dumps=bytes, state_loads=bytes` if it is not JSON).

    All other options are passed to `Journal` and `Document`.
    """

    __slots__ = ("_codecs", "_options")

    _options: dict[str, Any]
    _codecs: dict[str, Any]

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        # begin generated parameters (spec/options.toml, cargo xtask generate)
        timeout: float | None = None,
        journal_name: str = "journal.jsonl",
        state_name: str = "state.json",
        max_record: int = 64 << 20,
        mode: int | None = None,
        durability: _Durability = "power",
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        create: bool = True,
        cut_foreign_tail: bool = False,
        scheme: _Scheme = "sidecar",
        on_unsupported: _OnUnsupported = "fail",
        stale: float = 10.0,
        max_bytes: int | None = None,
        keep: int | None = None,
        header_prefix: bytes | str | None = None,
        header_reserve: int = 512,
        header_mode: _HeaderMode = "stamp",
        sealed: bool = False,
        # end generated parameters
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
        state_dumps: _codec._Dumps | None = None,
        state_loads: _codec._Loads | None = None,
    ) -> Self:
        """Open the store at `path`, and create the directory if it is missing."""
        options = {
            # begin generated options (spec/options.toml, cargo xtask generate)
            "timeout": timeout,
            "journal_name": journal_name,
            "state_name": state_name,
            "max_record": max_record,
            "mode": mode,
            "durability": durability,
            "format": format,
            "create": create,
            "cut_foreign_tail": cut_foreign_tail,
            "scheme": scheme,
            "on_unsupported": on_unsupported,
            "stale": stale,
            "max_bytes": max_bytes,
            "keep": keep,
            "header_prefix": header_prefix,
            "header_reserve": header_reserve,
            "header_mode": header_mode,
            "sealed": sealed,
            # end generated options
        }
        codecs = {"dumps": dumps, "loads": loads, "state_dumps": state_dumps, "state_loads": state_loads}
        return cls._of(path, options, codecs)

    @classmethod
    def _of(cls, source: str | os.PathLike[str] | Opened, options: dict[str, Any], codecs: dict[str, Any]) -> Self:
        self = RawStore.__new__(cls, source, options)
        self._options = options
        self._codecs = codecs
        return self

    @overload
    @classmethod
    def open(cls, where: str, **options: Any) -> Store | postgres.Store: ...
    @overload
    @classmethod
    def open(cls, where: os.PathLike[str], **options: Unpack[StoreOptions]) -> Self: ...
    @overload
    @classmethod
    def open(cls, where: Any, **options: Unpack[postgres.StoreOptions]) -> postgres.Store: ...
    @classmethod
    def open(cls, where: Any, **options: Any) -> Any:
        """Open the store of files at a path; or a store on PostgreSQL, which many hosts share.

        `where` is a path, a `psycopg_pool.ConnectionPool`, a `psycopg.Connection` or a `postgresql://` URL. The
        options are those of `Store` or of `untorn.postgres.Store`, such as `schema="untorn"`.
        """
        # Not for a path: to import it takes time.
        if is_database(where):
            from untorn import postgres

            return postgres.Store(where, **options)
        core, codecs = split(options, StoreOptions)
        return cls._of(where, core, codecs)

    def session(self, key: str) -> Session:
        """Return the session with this key, which need not exist yet. Creates nothing."""
        return Session(self, self._session(key))

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<untorn.Store {str(self.path)!r}>"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self.path),), {**self._options, **self._codecs}

    def __getstate__(self) -> None:
        """The arguments are all that a copy needs to open the store again."""

    def _journal(self, opened: Any) -> Journal:
        names = ("journal_name", "state_name", "create")
        options = {name: value for name, value in self._options.items() if name not in names}
        return Journal._of(opened, {**options, "create": True}, self._codecs.get("dumps"), self._codecs.get("loads"))

    def _document(self, opened: Any, dumps: _codec._Dumps | None, loads: _codec._Loads | None) -> Document:
        names = {"durability", "mode", "timeout", "scheme", "on_unsupported", "stale"} & self._options.keys()
        return Document._of(opened, {name: self._options[name] for name in names}, dumps, loads)

    def _state(self, opened: Any) -> Document:
        return self._document(opened, self._codecs.get("state_dumps"), self._codecs.get("state_loads"))


class Session(Owning[Transaction]):
    """A directory with a journal, a state document, media files and a lease; `Store.session` returns it.

    The first change to the session creates the directory; reading creates nothing. A session has at most one owner
    at a time (`claim`). Its files stay whole without an owner, too.
    """

    __slots__ = ("__weakref__", "_raw", "_store")

    def __init__(self, store: Store, raw: RawSession) -> None:
        self._store = store
        self._raw: RawSession = raw

    @property
    def path(self) -> Path:
        """The session's directory."""
        return self._raw._path

    def journal(self) -> Journal:
        """Open the session's journal."""
        return self._store._journal(self._raw._journal())

    def state(self) -> Document:
        """Open the session's state document."""
        return self._store._state(self._raw._document(None))

    def document(
        self, name: str, *, dumps: _codec._Dumps | None = None, loads: _codec._Loads | None = None
    ) -> Document:
        """Open another document in the session's directory."""
        return self._store._document(self._raw._document(name), dumps, loads)

    def media(self, name: str) -> Path:
        """Return the path for the media file of this name: always the same for one name, and never the same for two.

        Creates the directory; you write the file.
        """
        return self._raw._media(name)

    def claim(self, label: str, *, timeout: float | EllipsisType | None = 0) -> Lease:
        """Make this process the session's owner: a context manager. `label` is what other processes see.

        Tries once: `Locked`, whose `holder` is the owner. With a `timeout` it waits until the owner releases it or
        dies.
        """
        return self._raw._claim(label, timeout)

    def transaction(self) -> Transaction:
        """Prepare a transaction on the session's files."""
        return self._transaction(self._raw)

    def _transaction(self, origin: Any) -> Transaction:
        codecs = self._store._codecs
        return Transaction._of(origin, {}, codecs.get("dumps"), codecs.get("loads"))

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<untorn.Session {self.key!r} at {str(self.path)!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Store.session, (self._store, self.key)
