"""Documents of objects, awaited."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import untorn
from untorn import NotFound
from untorn._options import DocumentOptions, split
from untorn._untorn import LaterDocument, Update, open_document_later
from untorn.aio._lock import given
from untorn.aio._pending import taken

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self, Unpack

    from untorn._document import _Box
    from untorn.aio._lock import FileLock


class Document:
    """One value in one file, always replaced whole.

    As `untorn.Document`, with the same options. One handle serves many tasks: what they change, they change in the
    order of their calls.
    """

    __slots__ = ("__weakref__", "_document", "_later")

    def __init__(self, path: str | os.PathLike[str], **options: Unpack[DocumentOptions]) -> None:
        """Open the document at `path`, which need not be there yet. Symbolic links are resolved now."""
        self._set(untorn.Document(path, **options))

    @classmethod
    async def open(cls, path: str | os.PathLike[str], **options: Unpack[DocumentOptions]) -> Self:
        """The same as `Document(path)`, with the file system asked in the background: for slow ones, and `parents`."""
        core, codecs = split(options, DocumentOptions)
        opened = await open_document_later(path, core)
        return cls._of(untorn.Document._of(opened, core, codecs.get("dumps"), codecs.get("loads")))

    def _set(self, document: untorn.Document) -> None:
        self._document = document
        self._later = LaterDocument(document)

    @classmethod
    def _of(cls, document: untorn.Document) -> Self:
        self = cls.__new__(cls)
        self._set(document)
        return self

    @property
    def version(self) -> str | None:
        """The version that this handle last loaded or saved; `None` if there was no document."""
        return self._document.version

    async def load(self, default: Any = ...) -> Any:
        """The value; `default` if there is no document, and `NotFound` without one. Takes no lock."""
        return (await self.load_versioned(default))[0]

    async def load_versioned(self, default: Any = ...) -> tuple[Any, str | None]:
        """The value and its version, which is `None` for `default`: both as `save(obj, expect=version)` wants it."""
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
        obj: Any,
        *,
        expect: str | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> str:
        """Replace the whole, and give the new version; with `expect`, only if the document is that version still."""
        document = self._document
        document._version = await self._later.save(document._encode(obj), expect, timeout, given(lock))
        return document._version

    async def create(
        self, obj: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> str:
        """Save a document that must not be there yet; else `AlreadyExists`."""
        return await self.save(obj, expect=None, timeout=timeout, lock=lock)

    async def remove(
        self,
        *,
        expect: str | EllipsisType = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> bool:
        """Remove the document; `False` if there was none. With `expect`, only that version, else `Conflict`."""
        removed = await self._later.remove(expect, timeout, given(lock))
        self._document._version = None
        return removed

    @asynccontextmanager
    async def update(
        self,
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> AsyncIterator[Any]:
        """Read, change and save under one lock: no update of another is lost.

            async with document.update(default={}) as value:
                value["count"] = value.get("count", 0) + 1

        The value is changed in place, and saved when the block ends; if it ends by an exception, or its task is
        cancelled, nothing is.
        """
        async with self._updating(default, timeout, lock) as box:
            yield box.value

    async def update_with(
        self,
        change: Callable[[Any], Any | Awaitable[Any]],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Any:
        """Like `update`, by a function, plain or `async`, that is given the value and returns the new one.

        If it returns `None`, it has changed the value in place. Gives back what was saved.
        """
        async with self._updating(default, timeout, lock) as box:
            changed = change(box.value)
            if inspect.isawaitable(changed):
                changed = await changed
            if changed is not None:
                box.value = changed
        return box.value

    @asynccontextmanager
    async def _updating(
        self, default: Any, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> AsyncIterator[_Box]:
        document = self._document
        update = await taken(self._later.begin_update(timeout, given(lock)), Update._finish)
        try:
            box = document._box(update, default)
            yield box
            document._version = await self._later.save_update(update, document._encode(box.value))
        finally:
            update._finish()

    async def close(self) -> None:
        """Close the handle: later changes through it are refused. A second time does nothing."""
        self._document.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._document.closed

    @property
    def path(self) -> Path:
        """The file, with every symbolic link resolved."""
        return self._document.path

    @property
    def durability(self) -> str:
        """`"process"` or `"power"`."""
        return self._document.durability

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return repr(self._document).replace("<untorn.", "<untorn.aio.", 1)
