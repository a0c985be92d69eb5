"""Documents of objects, awaited."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import untorn
from untorn import NotFound, _codec
from untorn._arguments import function
from untorn._codec import _T, Codec
from untorn._options import DocumentOptions, split
from untorn._untorn import LaterDocument, Update, open_document_later
from untorn._updating import Changed, changed_of
from untorn.aio._closing import Closing
from untorn.aio._held import Held, forget, note
from untorn.aio._lock import given
from untorn.aio._pending import taken

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    from untorn._untorn import PostgresUpdate
    from untorn.aio._lock import FileLock

_D = TypeVar("_D")


class Document(Closing, Generic[_T]):
    """One value in one file, always replaced whole.

    As `untorn.Document`, with the same options. One handle serves many tasks: it makes their changes in the order of
    their calls.
    """

    __slots__ = ("__weakref__", "_document", "_later")

    def __init__(
        self, path: str | os.PathLike[str], *, codec: Codec[_T] | None = None, **options: Unpack[DocumentOptions]
    ) -> None:
        """Open the document at `path`, which need not exist yet. This resolves symbolic links."""
        self._set(untorn.Document(path, codec=codec, **options))

    @classmethod
    async def open(
        cls, path: str | os.PathLike[str], *, codec: Codec[_T] | None = None, **options: Unpack[DocumentOptions]
    ) -> Self:
        """Open as `Document(path)` does, but in the background: for slow file systems, and `parents`."""
        core, codecs = split(options, DocumentOptions)
        opened = await open_document_later(path, core)
        chosen = _codec.functions(codec, codecs.get("dumps"), codecs.get("loads"))
        return cls._of(untorn.Document._of(opened, core, *chosen))

    def _set(self, document: untorn.Document[_T]) -> None:
        self._document = document
        self._later = LaterDocument(document)

    @classmethod
    def _of(cls, document: untorn.Document[Any]) -> Self:
        self = cls.__new__(cls)
        self._set(document)
        return self

    @property
    def version(self) -> str | None:
        """The version that this handle last loaded or saved; `None` if the document did not exist."""
        return self._document.version

    @overload
    async def load(self) -> _T: ...
    @overload
    async def load(self, default: _D) -> _T | _D: ...
    async def load(self, default: Any = ...) -> Any:
        """Return the value; `default`, or `NotFound` without it, if it does not exist. Takes no lock."""
        return (await self.load_versioned(default))[0]

    async def load_versioned(self, default: Any = ...) -> tuple[Any, str | None]:
        """Return the value and its version for `save(obj, expect=version)`. For `default` the version is `None`."""
        try:
            found = await self._later.load()
        except NotFound:
            if default is ...:
                raise
            self._document._version = None
            return default, None
        return self._document._found(*found)

    async def save(
        self,
        obj: _T,
        *,
        expect: str | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> str:
        """Replace the whole value, and return the new version. With `expect`, only if it still has that version."""
        document = self._document
        document._version = await self._later.save(
            document._encode(obj), expect, timeout, given(lock, "save", self.path, timeout)
        )
        return document._version

    async def create(self, obj: _T, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> str:
        """Save a document that does not exist yet; otherwise raise `AlreadyExists`."""
        return await self.save(obj, expect=None, timeout=timeout, lock=lock)

    async def remove(
        self,
        *,
        expect: str | EllipsisType = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> bool:
        """Remove the document, and return whether it existed. With `expect`, only that version, else `Conflict`."""
        removed = await self._later.remove(expect, timeout, given(lock, "remove", self.path, timeout))
        self._document._version = None
        return removed

    def update(
        self,
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> AbstractAsyncContextManager[_T]:
        """Read, change and save under one lock, so that no update of another process is lost.

            async with document.update(default={}) as value:
                value["count"] = value.get("count", 0) + 1

        Change `value` in place. It is saved when the block ends. If the block raises, or its task is cancelled,
        nothing is saved. As `untorn.Document.update`.
        """
        return _Updating(self, default, timeout, lock)

    async def update_with(
        self,
        change: Callable[[_T], _T | Awaitable[_T | None] | None],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> _T:
        """Like `update`, with a function, plain or `async`, that receives the value and returns the new one.

        If it returns `None`, it has changed the value in place. Returns the value that was saved.
        """
        function(change, "change", "update", self._document)
        update = await self._begin_update(timeout, lock)
        held = note(self.path, "update")
        try:
            value = await self._changed(update, change, default)
            await self._save_update(update, value)
        finally:
            forget(held)
            update._finish()
        return value

    async def _changed(
        self, update: Update | PostgresUpdate, change: Callable[[_T], _T | Awaitable[_T | None] | None], default: Any
    ) -> _T:
        value: _T = self._document._current(update, default)
        changed = change(value)
        if inspect.isawaitable(changed):
            changed = await changed
        return value if changed is None else changed

    async def _begin_update(self, timeout: float | EllipsisType | None, lock: FileLock | None) -> Update:
        return await taken(self._later.begin_update(timeout, given(lock, "update", self.path, timeout)), Update._finish)

    async def _save_update(self, update: Update, value: Any) -> None:
        document = self._document
        document._version = await self._later.save_update(update, document._encode(value))

    async def close(self) -> None:
        """Close the handle: later changes through it are refused. A second call does nothing."""
        self._document.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._document.closed

    @property
    def path(self) -> Path:
        """The path of the file, with every symbolic link resolved."""
        return self._document.path

    @property
    def durability(self) -> str:
        """`"process"` or `"power"`."""
        return self._document.durability

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return repr(self._document).replace("<untorn.", "<untorn.aio.", 1)


class _Updating:
    """The context manager that `Document.update` returns."""

    __slots__ = ("__weakref__", "_changed", "_document", "_held", "_how", "_update")

    _held: Held | None
    _update: Update
    _changed: Changed

    def __init__(
        self, document: Document, default: Any, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> None:
        self._document = document
        self._how = (default, timeout, lock)

    async def __aenter__(self) -> Any:
        default, timeout, lock = self._how
        self._update = await self._document._begin_update(timeout, lock)
        try:
            self._changed = changed_of(self._document._document, self._update, default)
        except BaseException:
            self._update._finish()
            raise
        self._held = note(self._document.path, "update")
        return self._changed.give()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if exc_type is None:
                await self._document._save_update(self._update, self._changed.take())
        finally:
            forget(self._held)
            self._update._finish()
