"""Sessions by their keys, awaited."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, overload

import untorn
from untorn import Reconciled
from untorn._drivers import is_database
from untorn._options import StoreOptions, split
from untorn._untorn import (
    LaterSession,
    Turn,
    lease_release_later,
    lease_transfer_later,
    open_store_later,
    selftest_later,
    store_keys_later,
    store_remove_later,
    store_search_later,
)
from untorn.aio._document import Document
from untorn.aio._journal import Journal
from untorn.aio._pending import taken
from untorn.aio._transaction import Transaction

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    import untorn.postgres
    from untorn import Hit, Holder, SelfTest, _codec
    from untorn._options import _Scheme
    from untorn._progress import _Progress
    from untorn.aio import postgres


class Store:
    """A directory of sessions, one directory each, found by their keys.

    As `untorn.Store`, with the same options.
    """

    __slots__ = ("__weakref__", "_store")

    def __init__(self, path: str | os.PathLike[str], **options: Unpack[StoreOptions]) -> None:
        """Open the store at `path`, and create the directory if it is missing."""
        self._store = untorn.Store(path, **options)

    @overload
    @classmethod
    async def open(cls, where: str, **options: Any) -> Store | postgres.Store: ...
    @overload
    @classmethod
    async def open(cls, where: os.PathLike[str], **options: Unpack[StoreOptions]) -> Self: ...
    @overload
    @classmethod
    async def open(cls, where: Any, **options: Unpack[untorn.postgres.StoreOptions]) -> postgres.Store: ...
    @classmethod
    async def open(cls, where: Any, **options: Any) -> Any:
        """Open as `Store(path)` does, but create the directory in the background; or open a store on PostgreSQL.

        `where` is a path, an `asyncpg.Pool` of this event loop, a `psycopg_pool.ConnectionPool`, a
        `psycopg.Connection` or a `postgresql://` URL.
        """
        # Not for a path: to import it takes time.
        if is_database(where):
            from untorn.aio import postgres

            return await postgres.Store.open(where, **options)
        core, codecs = split(options, StoreOptions)
        self = cls.__new__(cls)
        self._store = untorn.Store._of(await open_store_later(where, core), core, codecs)
        return self

    @property
    def path(self) -> Path:
        """The directory, with every symbolic link resolved."""
        return self._store.path

    def session(self, key: str) -> Session:
        """Return the session with this key, which need not exist yet. Creates nothing, and does not wait."""
        return Session(self._store.session(key))

    async def keys(self) -> list[str]:
        """Return the keys of all sessions, sorted."""
        return await store_keys_later(self._store)

    async def remove(self, key: str, *, timeout: float | EllipsisType | None = 0) -> bool:
        """Remove a session with all its files; `False` if it did not exist. Tries once: `Locked` while it is owned."""
        return await store_remove_later(self._store, key, timeout)

    async def search(self, text: str, *, max_hits: int = 100, progress: _Progress | None = None) -> list[Hit]:
        """Search the journals of all sessions for a text, ignoring case. As `untorn.Store.search`.

        The event loop calls `progress`.
        """
        return await store_search_later(self._store, text, max_hits, progress)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return repr(self._store).replace("<untorn.", "<untorn.aio.", 1)


class Lease:
    """A session's lease: no other process owns the session until it is released or its process dies."""

    __slots__ = ("__weakref__", "_lease")

    def __init__(self, lease: untorn.Lease) -> None:
        self._lease = lease

    @property
    def holder(self) -> Holder:
        """This process, as others see it."""
        return self._lease.holder

    @property
    def previous(self) -> Holder | None:
        """The previous owner, if it died without releasing the session; else `None`."""
        return self._lease.previous

    @property
    def path(self) -> Path:
        """The session's directory."""
        return self._lease.path

    @property
    def held(self) -> bool:
        """Whether this process still holds it."""
        return self._lease.held

    async def release(self) -> None:
        """Release the session. A second call does nothing."""
        await lease_release_later(self._lease)

    async def close(self) -> None:
        """The same as `release`; every handle has `close`."""
        await self.release()

    async def transfer(self, to: untorn.Process) -> None:
        """Hand the session over to another process of this machine. As `untorn.Lease.transfer`."""
        await lease_transfer_later(self._lease, to)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.release()

    def __repr__(self) -> str:
        return repr(self._lease).replace("<untorn.", "<untorn.aio.", 1)


class Session:
    """A directory with a journal, a state document, media files and a lease; `Store.session` returns it."""

    __slots__ = ("__weakref__", "_later", "_session")

    def __init__(self, session: untorn.Session) -> None:
        self._session = session
        self._later = LaterSession(session._raw)

    @property
    def key(self) -> str:
        """The key."""
        return self._session.key

    @property
    def path(self) -> Path:
        """The session's directory."""
        return self._session.path

    async def exists(self) -> bool:
        """Return whether the session exists."""
        return await self._later.exists()

    async def journal(self) -> Journal:
        """Open the session's journal."""
        return Journal._of(self._session._store._journal(await self._later.journal()))

    async def state(self) -> Document:
        """Open the session's state document."""
        return Document._of(self._session._store._state(await self._later.document(None)))

    async def document(
        self, name: str, *, dumps: _codec._Dumps | None = None, loads: _codec._Loads | None = None
    ) -> Document:
        """Open another document in the session's directory."""
        return Document._of(self._session._store._document(await self._later.document(name), dumps, loads))

    async def media(self, name: str) -> Path:
        """Return the path for the media file of this name. As `untorn.Session.media`."""
        return await self._later.media(name)

    async def claim(self, label: str, *, timeout: float | EllipsisType | None = 0) -> Lease:
        """Make this process the session's owner: `async with await session.claim(label):`. Tries once: `Locked`."""
        return Lease(await taken(self._later.claim(label, timeout), untorn.Lease.release))

    async def holder(self) -> Holder | None:
        """Return the process that owns the session; `None` if none does."""
        return await self._later.holder()

    def transaction(self) -> Transaction:
        """Prepare a transaction on the session's files."""
        return Transaction._of(self._session.transaction())

    async def reconcile(
        self,
        change: Callable[[Transaction], Awaitable[bool | None]],
        *,
        also_alive: Callable[[], bool | Awaitable[bool]] | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> Reconciled:
        """Run the `async` function `change` in a transaction, if the last owner died without releasing the session.

        As `untorn.Session.reconcile`.
        """
        begun = await taken(self._later.begin_reconcile(timeout), _discard)
        if not isinstance(begun, Turn):
            return Reconciled(*begun)
        owner = begun.owner
        tx = Transaction._of(self._session._transaction(begun))
        try:
            if also_alive is not None:
                alive = also_alive()
                if await alive if inspect.isawaitable(alive) else alive:
                    return Reconciled("alive", owner)
            if await change(tx) is False:
                return Reconciled("no_change", None)
            if tx.open:
                await tx.commit()
            return Reconciled("done", owner)
        finally:
            await tx.rollback()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return repr(self._session).replace("<untorn.", "<untorn.aio.", 1)


def _discard(begun: Any) -> None:
    if isinstance(begun, Turn):
        begun.discard()


async def selftest(dir: str | os.PathLike[str], *, scheme: _Scheme = "sidecar") -> SelfTest:  # noqa: A002
    """Test with a second process whether locks, renames and syncs work in this directory. As `untorn.selftest`."""
    return await selftest_later(dir, scheme)
