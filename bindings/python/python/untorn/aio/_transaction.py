"""Several files of objects that change together, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import untorn
from untorn._untorn import LaterTransaction

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self, Unpack

    from untorn import _codec
    from untorn._options import TransactionOptions


class Transaction:
    """Several documents and journals of one directory that change together or not at all, whatever dies.

        async with aio.Transaction("session") as tx:
            state = await tx.load("state.json", default={})
            await tx.save("state.json", {**state, "done": True})
            await tx.append("session.jsonl", {"event": "done"})

    It is committed when the block ends; if it ends by an exception, or its task is cancelled, nothing has happened. As
    `untorn.Transaction`, with the same options.
    """

    __slots__ = ("__weakref__", "_later", "_tx")

    def __init__(self, dir: str | os.PathLike[str], **options: Unpack[TransactionOptions]) -> None:  # noqa: A002
        """Prepare a transaction in `dir`; it begins with its `with` block."""
        self._set(untorn.Transaction(dir, **options))

    def _set(self, tx: untorn.Transaction) -> None:
        self._tx = tx
        self._later = LaterTransaction(tx)

    @classmethod
    def _of(cls, tx: untorn.Transaction) -> Self:
        self = cls.__new__(cls)
        self._set(tx)
        return self

    async def load(self, name: str, default: Any = ..., *, loads: _codec._Loads | None = None) -> Any:
        """The value of a file, as the transaction leaves it; `default` if it is not there, and `NotFound` without one.

        Locks the file until the end of the transaction.
        """
        return self._tx._value(name, await self._later.load(name), default, loads)

    async def save(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """The file is to have this value, whatever it was; gives its version."""
        return await self._later.save(name, self._tx._document("save", name, obj, dumps))

    async def create(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """The file is to have this value, and must not be there: now, or when it is committed: `AlreadyExists`."""
        return await self._later.create(name, self._tx._document("create", name, obj, dumps))

    async def append(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """Append a record to a journal, which is made if it is not there."""
        await self._later.append(name, self._tx._records(name, [obj], dumps))

    async def extend(self, name: str, objs: Iterable[Any], *, dumps: _codec._Dumps | None = None) -> None:
        """Append many records."""
        await self._later.append(name, self._tx._records(name, objs, dumps))

    async def set_header(self, name: str, header: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """The journal is to have this header, which begins with `header_prefix`. Writes it anew: O(n)."""
        await self._later.set_header(name, self._tx._document("set_header", name, header, dumps))

    async def remove(self, name: str) -> bool:
        """The file is not to be there; `False` if it is not there now. Locks it until the end of the transaction."""
        return await self._later.remove(name)

    async def commit(self) -> None:
        """Make all the changes, or none; then the transaction is over."""
        await self._later.commit()

    async def rollback(self) -> None:
        """End the transaction without a change. A second time, or after the commit, does nothing."""
        await self._later.rollback()

    @property
    def open(self) -> bool:
        """Whether it has begun and is not over."""
        return self._tx.open

    @property
    def dir(self) -> Path:
        """The directory as it was given."""
        return self._tx.dir

    async def __aenter__(self) -> Self:
        try:
            await self._later.begin()
        except BaseException:
            # Cancelled in the very moment in which it began.
            self._tx.rollback()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if exc_type is None and self.open:
                await self.commit()
        finally:
            await self.rollback()

    def __repr__(self) -> str:
        return repr(self._tx).replace("<untorn.", "<untorn.aio.", 1)
