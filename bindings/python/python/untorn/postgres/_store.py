"""Sessions in a database, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from untorn._options import split
from untorn._session_owning import Owning
from untorn._untorn import PostgresSession, PostgresStore
from untorn.postgres._document import Document
from untorn.postgres._journal import Journal
from untorn.postgres._lease import Lease
from untorn.postgres._only_files import only_files
from untorn.postgres._transaction import Transaction
from untorn.postgres._where import adapter_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    from untorn import _codec
    from untorn._options import _Durability, _Format, _HeaderMode
    from untorn.postgres._failed import Adapter


class StoreOptions(TypedDict, total=False):
    """The options of `Store`."""

    schema: str
    timeout: float | None
    journal_name: str
    state_name: str
    create: bool
    max_record: int
    durability: _Durability
    format: _Format
    header_prefix: bytes | str | None
    header_reserve: int
    header_mode: _HeaderMode
    max_bytes: int | None
    keep: int | None
    sealed: bool
    ttl: float
    connected: bool
    patience: float
    dumps: _codec._Dumps | None
    loads: _codec._Loads | None
    state_dumps: _codec._Dumps | None
    state_loads: _codec._Loads | None


def opening(options: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the schema, the options of the engine, and how values are encoded."""
    core, codecs = split(options, StoreOptions)
    return core.pop("schema", "untorn"), core, codecs


class Store(PostgresStore):
    """The sessions of one schema of a PostgreSQL database, found by their keys.

    `where` is a `psycopg_pool.ConnectionPool`, a `psycopg.Connection`, a `postgresql://` URL or another connection
    string of libpq. It has the verbs of `untorn.Store`.

    - `schema`: the schema that `untorn.postgres.migrate` made.
    - `timeout`: how many seconds a claim that waits does so; `None` waits without a limit.
    - `journal_name`, `state_name`: the names of a session's journal and state document.
    - `create`: whether an append creates a journal that is missing.
    - `durability`: `"power"`: the server's medium has a finished change, and each synchronous standby. `"process"`: a
      crash of the server may lose the last moments.
    - `max_record`, `format`, `sealed`, `header_prefix`, `header_reserve`, `header_mode`, `max_bytes`, `keep`: as for
      `untorn.Journal`.
    - `ttl`: after how many seconds without a renewal a lease ends.
    - `connected`: whether a lease also ends with a connection of its own, so that a dead owner's session is free at
      once. It takes a connection for each lease, and no pooler in transaction mode.
    - `patience`: for how many seconds a statement is sent again after its connection broke, or none could be had.
    - `dumps`, `loads`, `state_dumps`, `state_loads`: as for `untorn.Store`.
    """

    __slots__ = ("_adapter", "_codecs", "_options")

    _adapter: Adapter
    _options: dict[str, Any]
    _codecs: dict[str, Any]

    def __new__(cls, where: Any, **options: Unpack[StoreOptions]) -> Self:
        """Open the store, and check that its migrations are those that this version knows."""
        return cls._of(adapter_of(where), *opening(options))

    @classmethod
    def _of(cls, adapter: Adapter, schema: str, options: dict[str, Any], codecs: dict[str, Any]) -> Self:
        self = PostgresStore.__new__(cls, adapter, schema, options)
        self._adapter = adapter
        self._options = options
        self._codecs = codecs
        return self

    @classmethod
    def open(cls, where: Any, **options: Unpack[StoreOptions]) -> Self:
        """Open the store, as `Store(where, …)` does."""
        return cls(where, **options)

    @property
    def path(self) -> Path:
        """The store's name in messages: the schema. It is not a path of this machine."""
        return self._name

    def session(self, key: str) -> Session:
        """Return the session with this key, which need not exist yet. Creates nothing."""
        return Session(self, self._session(key))

    def close(self) -> None:
        """Close the connections that the store opened itself, for a URL. The next call opens one again."""
        self._adapter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<untorn.postgres.Store {str(self.path)!r}>"


class Stat(NamedTuple):
    """A file of a session, as the database has it."""

    name: str
    generation: int
    size: int


class Session(Owning[Transaction]):
    """A session: a journal, a state document, other documents and a lease; `Store.session` returns it.

    After `claim`, everything that this session's journals, documents and transactions change names the lease. Once
    another process has claimed the session, they can change nothing any more: `LeaseLost`. Another `Session` of the
    same key is not fenced.
    """

    __slots__ = ("__weakref__", "_raw", "_store")

    def __init__(self, store: Store, raw: PostgresSession) -> None:
        self._store = store
        self._raw: PostgresSession = raw

    @property
    def path(self) -> Path:
        """The session's name in messages: schema and key. It is not a path of this machine."""
        return self._raw._path

    def files(self) -> list[Stat]:
        """Return the files of the session, by name."""
        return [Stat(*file) for file in self._raw._files()]

    def journal(self, name: str | None = None) -> Journal:
        """Open the session's journal, or another of this name."""
        store = self._store
        codecs = store._codecs
        return Journal._of(self._raw, name, store._options, codecs.get("dumps"), codecs.get("loads"))

    def state(self) -> Document:
        """Open the session's state document."""
        codecs = self._store._codecs
        return Document._of(self._raw, None, codecs.get("state_dumps"), codecs.get("state_loads"))

    def document(
        self, name: str, *, dumps: _codec._Dumps | None = None, loads: _codec._Loads | None = None
    ) -> Document:
        """Open another document of the session."""
        return Document._of(self._raw, name, dumps, loads)

    media = only_files("media")

    def claim(self, label: str, *, timeout: float | EllipsisType | None = 0) -> Lease:
        """Make this process the session's owner: a context manager. `label` is what other processes see.

        Tries once: `Locked`, whose `holder` is the owner. With a `timeout` it waits until the owner releases it, or
        its time to live ends.
        """
        return Lease(self._raw._claim(label, timeout))

    def transaction(self) -> Transaction:
        """Prepare a transaction on the session's files."""
        return self._transaction(self._raw)

    def _transaction(self, origin: Any) -> Transaction:
        codecs = self._store._codecs
        return Transaction._of(origin, codecs.get("dumps"), codecs.get("loads"))

    def __repr__(self) -> str:
        return f"<untorn.postgres.Session {self.key!r} in {str(self._store.path)!r}>"
