"""Sessions in a database, awaited."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from untorn import postgres
from untorn._types import Reconciled
from untorn.aio.postgres._checks import awaited_adapter_of
from untorn.aio.postgres._files import Document, Transaction
from untorn.aio.postgres._journal import Journal
from untorn.aio.postgres._workers import called, on_loop
from untorn.postgres._only_files import only_files
from untorn.postgres._store import opening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    from untorn import Hit, Holder, Process, _codec
    from untorn._progress import _Progress
    from untorn._untorn import PostgresLease
    from untorn.postgres._store import Stat, StoreOptions


class Store:
    """The sessions of one schema of a PostgreSQL database, found by their keys. `await Store.open(pool)` returns it.

    As `untorn.postgres.Store`, with the same options. `pool` may be an asyncpg pool, too.
    """

    __slots__ = ("__weakref__", "_store")

    def __init__(self, store: postgres.Store) -> None:
        self._store = store

    @classmethod
    async def open(cls, where: Any, **options: Unpack[StoreOptions]) -> Self:
        """Open the store, and check that its migrations are those that this version knows."""
        schema, core, codecs = opening(options)
        adapter = awaited_adapter_of(where)
        return cls(await called(postgres.Store._of, adapter, schema, core, codecs))

    @property
    def path(self) -> Path:
        """The store's name in messages: the schema. It is not a path of this machine."""
        return self._store.path

    def session(self, key: str) -> Session:
        """Return the session with this key, which need not exist yet. Creates nothing, and does not wait."""
        return Session(self._store.session(key))

    async def keys(self) -> list[str]:
        """Return the keys of all sessions, sorted."""
        return await called(self._store.keys)

    async def remove(self, key: str, *, timeout: float | EllipsisType | None = 0) -> bool:
        """Remove a session with all its files; `False` if it did not exist. Tries once: `Locked` while it is owned."""
        return await called(lambda: self._store.remove(key, timeout=timeout))

    async def search(self, text: str, *, max_hits: int = 100, progress: _Progress | None = None) -> list[Hit]:
        """Search the journals of all sessions for a text, ignoring case. As `untorn.postgres.Store.search`.

        The event loop calls `progress`.
        """
        told = on_loop(progress)
        return await called(lambda: self._store.search(text, max_hits=max_hits, progress=told))

    async def close(self) -> None:
        """Close the connections that the store opened itself, for a URL."""
        self._store.close()

    def __repr__(self) -> str:
        return repr(self._store).replace("<untorn.", "<untorn.aio.", 1)


class Lease:
    """A session's lease: one live owner at a time, on any host. As `untorn.postgres.Lease`."""

    __slots__ = ("__weakref__", "_lease", "_lost")

    def __init__(self, raw: PostgresLease) -> None:
        self._lease = postgres.Lease(raw)
        self._lost = asyncio.Event()
        loop, lost = asyncio.get_running_loop(), self._lost

        def tell() -> None:
            try:
                loop.call_soon_threadsafe(lost.set)
            except RuntimeError:
                # The loop is closed: no task waits for it any more.
                return

        raw._on_lost(tell)

    @property
    def lost(self) -> asyncio.Event:
        """Set once this process learns that it lost the lease: `await lease.lost.wait()`."""
        return self._lost

    @property
    def holder(self) -> Holder:
        """This process, as others see it."""
        return self._lease.holder

    @property
    def previous(self) -> Holder | None:
        """The previous owner, if it ended without releasing the session; else `None`."""
        return self._lease.previous

    @property
    def path(self) -> Path:
        """The session's name in messages: schema and key. It is not a path of this machine."""
        return self._lease.path

    @property
    def token(self) -> int:
        """The number that fences the owner's writes, for statements of your own (`token => …`)."""
        return self._lease.token

    @property
    def held(self) -> bool:
        """Whether this process still holds it, as far as it knows."""
        return self._lease.held

    async def release(self) -> None:
        """Release the session. A second call does nothing. As `untorn.postgres.Lease.release`."""
        await called(self._lease.release)

    async def close(self) -> None:
        """The same as `release`; every handle has `close`."""
        await self.release()

    async def transfer(self, to: Process) -> None:
        """Hand the session over to another process, on any host. As `untorn.postgres.Lease.transfer`."""
        await called(self._lease.transfer, to)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.release()

    def __repr__(self) -> str:
        return repr(self._lease).replace("<untorn.", "<untorn.aio.", 1)


class Session:
    """A session: a journal, a state document, other documents and a lease. As `untorn.postgres.Session`."""

    __slots__ = ("__weakref__", "_session")

    def __init__(self, session: postgres.Session) -> None:
        self._session = session

    @property
    def key(self) -> str:
        """The key."""
        return self._session.key

    @property
    def path(self) -> Path:
        """The session's name in messages: schema and key. It is not a path of this machine."""
        return self._session.path

    async def exists(self) -> bool:
        """Return whether the session exists."""
        return await called(self._session.exists)

    async def files(self) -> list[Stat]:
        """Return the files of the session, by name."""
        return await called(self._session.files)

    async def journal(self, name: str | None = None) -> Journal:
        """Open the session's journal, or another of this name."""
        return Journal._of(self._session.journal(name))  # type: ignore[arg-type]

    async def state(self) -> Document:
        """Open the session's state document."""
        return Document._of(self._session.state())  # type: ignore[arg-type]

    async def document(
        self, name: str, *, dumps: _codec._Dumps | None = None, loads: _codec._Loads | None = None
    ) -> Document:
        """Open another document of the session."""
        return Document._of(self._session.document(name, dumps=dumps, loads=loads))  # type: ignore[arg-type]

    media = only_files("media")

    async def claim(self, label: str, *, timeout: float | EllipsisType | None = 0) -> Lease:
        """Make this process the session's owner: `async with await session.claim(label):`. Tries once: `Locked`."""
        return Lease(await called(self._session._raw._claim, label, timeout, let_go=_release))

    async def holder(self) -> Holder | None:
        """Return the process that owns the session; `None` if none does."""
        return await called(self._session.holder)

    def transaction(self) -> Transaction:
        """Prepare a transaction on the session's files."""
        return Transaction._of(self._session.transaction())  # type: ignore[arg-type]

    async def reconcile(
        self,
        change: Callable[[Transaction], Awaitable[bool | None]],
        *,
        also_alive: Callable[[], bool | Awaitable[bool]] | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> Reconciled:
        """Run the `async` function `change` in a transaction, if the last owner ended without a release.

        As `untorn.Session.reconcile`.
        """
        begun = await called(self._session._raw._begin_reconcile, timeout, let_go=_discard)
        if isinstance(begun, tuple):
            return Reconciled(*begun)
        owner = begun.owner
        tx = Transaction._of(self._session._transaction(begun))  # type: ignore[arg-type]
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

    def __repr__(self) -> str:
        return repr(self._session).replace("<untorn.", "<untorn.aio.", 1)


def _release(raw: PostgresLease) -> None:
    raw._release()


def _discard(begun: Any) -> None:
    if not isinstance(begun, tuple):
        begun.discard()
