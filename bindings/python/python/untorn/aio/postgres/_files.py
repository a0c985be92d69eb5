"""Documents and transactions in the database, awaited: the classes for files, with calls that threads carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._arguments import function
from untorn._codec import _T
from untorn._errors import AlreadyExists, Conflict, LeaseLost
from untorn.aio import _document, _transaction
from untorn.aio.postgres._workers import called

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import EllipsisType

    from untorn import postgres
    from untorn._untorn import PostgresUpdate
    from untorn.aio._lock import FileLock
    from untorn.aio._pending import Pending


class _LaterDocument:
    """The calls of a document."""

    def __init__(self, document: postgres.Document[Any]) -> None:
        self._document = document

    def load(self) -> Pending[Any]:
        return called(self._document._load)

    def save(self, data: Any, expect: Any, timeout: Any, lock: Any) -> Pending[str]:
        return called(self._document._save, data, expect, timeout, lock)

    def remove(self, expect: Any, timeout: Any, lock: Any) -> Pending[bool]:
        return called(self._document._remove, expect, timeout, lock)

    def begin_update(self, timeout: Any, lock: Any) -> Pending[Any]:
        return called(self._document._begin_update, timeout, lock)

    def save_update(self, update: PostgresUpdate, data: Any) -> Pending[str]:
        return called(update._save, data)


class Document(_document.Document[_T]):
    """One value of a session, in the database, always replaced whole. As `untorn.postgres.Document`."""

    __slots__ = ()

    def _set(self, document: Any) -> None:
        self._document = document
        self._later: Any = _LaterDocument(document)

    async def update_with(
        self,
        change: Callable[[_T], _T | Awaitable[_T | None] | None],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> _T:
        """Read, change and save. If another process has saved meanwhile, the function is called again.

        As `untorn.postgres.Document.update_with`. The function may be `async`.
        """
        function(change, "change", "update", self._document)
        while True:
            update = await self._begin_update(timeout, lock)
            try:
                value = await self._changed(update, change, default)
                try:
                    await self._save_update(update, value)
                except LeaseLost:
                    raise
                except (AlreadyExists, Conflict):
                    continue
                return value
            finally:
                update._finish()

    def __fspath__(self) -> str:
        msg = f"{self.path} is in a database: it has no path"
        raise TypeError(msg)


class _LaterTransaction:
    """The calls of a transaction."""

    def __init__(self, tx: postgres.Transaction) -> None:
        self._tx = tx

    def begin(self) -> Pending[None]:
        return called(self._tx._begin)

    def load(self, name: str) -> Pending[Any]:
        return called(self._tx._load, name)

    def save(self, name: str, data: Any) -> Pending[str]:
        return called(self._tx._save, name, data)

    def create(self, name: str, data: Any) -> Pending[str]:
        return called(self._tx._create, name, data)

    def append(self, name: str, records: Any) -> Pending[None]:
        return called(self._tx._append, name, records)

    def set_header(self, name: str, header: Any) -> Pending[None]:
        return called(self._tx._set_header, name, header)

    def remove(self, name: str) -> Pending[bool]:
        return called(self._tx._remove, name)

    def commit(self) -> Pending[None]:
        return called(self._tx.commit)

    def rollback(self) -> Pending[None]:
        return called(self._tx.rollback)


class Transaction(_transaction.Transaction):
    """Several files of a session that change together or not at all. As `untorn.postgres.Transaction`."""

    __slots__ = ()

    def _set(self, tx: Any) -> None:
        self._tx = tx
        self._later: Any = _LaterTransaction(tx)

    @property
    def path(self) -> Path:
        """The session's name in messages."""
        return self.dir
