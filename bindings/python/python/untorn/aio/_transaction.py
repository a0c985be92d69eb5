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
    """Several documents and journals of one directory that change together or not at all, whichever process dies.

        async with aio.Transaction("session") as tx:
            state = await tx.load("state.json", default={})
            await tx.save("state.json", {**state, "done": True})
            await tx.append("session.jsonl", {"event": "done"})

    It is committed when the block ends. If the block raises, or its task is cancelled, nothing has changed. As
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
        """Return the value of a file as the transaction leaves it.

        If the file does not exist, return `default`, or raise `NotFound` without it. The file stays locked until the
        end of the transaction.
        """
        return self._tx._value(name, await self._later.load(name), default, loads)

    async def save(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """Replace the whole file at the commit, whatever it holds now, and return its new version."""
        return await self._later.save(name, self._tx._document("save", name, obj, dumps))

    async def create(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """Create the file at the commit. Raises `AlreadyExists` if it exists now, or at the commit."""
        return await self._later.create(name, self._tx._document("create", name, obj, dumps))

    async def append(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """Append a record to a journal, and create the journal if it is missing."""
        await self._later.append(name, self._tx._records(name, [obj], dumps))

    async def extend(self, name: str, objs: Iterable[Any], *, dumps: _codec._Dumps | None = None) -> None:
        """Append many records."""
        await self._later.append(name, self._tx._records(name, objs, dumps))

    async def set_header(self, name: str, header: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """Set the header of a journal. It must begin with `header_prefix`. This rewrites the journal: O(n)."""
        await self._later.set_header(name, self._tx._document("set_header", name, header, dumps))

    async def remove(self, name: str) -> bool:
        """Delete the file at the commit, and return whether it exists now. The file stays locked until then."""
        return await self._later.remove(name)

    async def commit(self) -> None:
        """Make all the changes, or none; then the transaction is over."""
        await self._later.commit()

    async def rollback(self) -> None:
        """End the transaction without a change. A second call, or a call after the commit, does nothing."""
        await self._later.rollback()

    @property
    def open(self) -> bool:
        """Whether it has begun and is not over."""
        return self._tx.open

    @property
    def dir(self) -> Path:
        """The directory that was passed, as an absolute path."""
        return self._tx.dir

    async def __aenter__(self) -> Self:
        try:
            await self._later.begin()
        except BaseException:
            # The task was cancelled in the moment in which the transaction began.
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
