"""The verbs of a `Document`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from untorn import _codec
from untorn._arguments import function
from untorn._codec import _T
from untorn._errors import NotFound
from untorn._inside import inside
from untorn._updating import Updating

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._untorn import FileLock, PostgresUpdate, Update, _Data

_D = TypeVar("_D")


class _Raw:
    """What the class of the extension has. It comes first among the bases."""

    __slots__ = ()

    @property
    def path(self) -> Path:
        raise NotImplementedError

    def _load(self) -> tuple[bytes, str]:
        raise NotImplementedError

    def _save(
        self,
        data: _Data,
        expect: str | EllipsisType | None,
        timeout: float | EllipsisType | None,
        lock: FileLock | None,
    ) -> str:
        raise NotImplementedError

    def _remove(self, expect: str | EllipsisType, timeout: float | EllipsisType | None, lock: FileLock | None) -> bool:
        raise NotImplementedError

    def _begin_update(self, timeout: float | EllipsisType | None, lock: FileLock | None) -> Update | PostgresUpdate:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Saving(_Raw, Generic[_T]):
    """The verbs of a `Document`, whatever keeps it: a file, or a database."""

    if not TYPE_CHECKING:
        # The class below has the slots.
        __slots__ = ()

    _dumps: _codec._Dumps | None
    _loads: _codec._Loads | None
    _options: dict[str, Any]
    _version: str | None

    @property
    def version(self) -> str | None:
        """The version that this handle last loaded or saved; `None` if the document did not exist.

        For `save(obj, expect=document.version)`. If several threads share the handle, use `load_versioned` instead:
        this property has the version of the thread that came last.
        """
        return self._version

    @overload
    def load(self) -> _T: ...
    @overload
    def load(self, default: _D) -> _T | _D: ...
    def load(self, default: Any = ...) -> Any:
        """Return the value. Takes no lock.

        If the document does not exist, return `default`, or raise `NotFound` without it. Raises `Corrupt` if the file
        is not JSON. With `loads=`, an exception of that function is passed on.
        """
        return self.load_versioned(default)[0]

    def load_versioned(self, default: Any = ...) -> tuple[Any, str | None]:
        """Return the value and its version for `save(obj, expect=version)`. For `default` the version is `None`."""
        try:
            found = self._load()
        except NotFound:
            if default is ...:
                raise
            self._version = None
            return default, None
        return self._found(*found)

    def _found(self, data: bytes, version: str) -> tuple[Any, str]:
        value = self._decode(data)
        self._version = version
        return value, version

    def save(
        self,
        obj: _T,
        *,
        expect: str | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> str:
        """Replace the whole value, and return the new version.

        With `expect`, save only if the document still has that version; otherwise raise `Conflict`. `expect=None`
        saves only if it does not exist; otherwise raises `AlreadyExists`. After `StorageFull`, `PermissionDenied`,
        `LockTimeout` and other failures of the system the file is unchanged.
        """
        version = self._save(self._encode(obj), expect, timeout, lock)
        self._version = version
        return version

    def create(self, obj: _T, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> str:
        """Save a document that does not exist yet; otherwise raise `AlreadyExists`."""
        return self.save(obj, expect=None, timeout=timeout, lock=lock)

    def remove(
        self,
        *,
        expect: str | EllipsisType = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> bool:
        """Remove the document, and return whether it existed.

        With `expect`, remove only that version; otherwise raise `Conflict`.
        """
        removed = self._remove(expect, timeout, lock)
        self._version = None
        return removed

    def update(
        self,
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> AbstractContextManager[_T]:
        """Read, change and save under one lock, so that no update of another process is lost.

            with document.update(default={}) as value:
                value["count"] = value.get("count", 0) + 1

        Change `value` in place. It is saved when the block ends. If the block raises, nothing is saved. If the
        document does not exist, the value is a copy of `default`; without `default`, `NotFound` is raised.

        Assigning to the name (`value = ...`) changes nothing, and raises `InvalidArgument` if the value is left
        unchanged. So does a value that can't be changed in place, such as a number: use `update_with`.
        """
        return Updating(self, default, timeout, lock)

    def update_with(
        self,
        change: Callable[[_T], _T | None],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> _T:
        """Like `update`, with a function that receives the value and returns the new one.

        Returns the value that was saved. If the function returns `None`, it has changed the value in place, and that
        value is saved. If it raises, nothing is saved.
        """
        function(change, "change", "update", self)
        while True:
            update = self._begin_update(timeout, lock)
            try:
                value: _T = self._current(update, default)
                with inside(self.path, "update"):
                    changed = change(value)
                if changed is not None:
                    value = changed
                if self._saved(update, self._encode(value)):
                    return value
            finally:
                update._finish()

    def _saved(self, update: Update | PostgresUpdate, data: _Data) -> bool:
        """Save what an update changed. `False`: another process has saved meanwhile, so the update begins again."""
        self._version = update._save(data)
        return True

    def _current(self, update: Update | PostgresUpdate, default: Any) -> Any:
        found = update._value()
        if found is not None:
            return _codec.decode_document(found[0], self._loads, self.path, exactly=True)
        if default is not ...:
            # A default that is used twice must not keep the changes of the first time.
            import copy  # only where it is needed: to import it takes long

            return copy.deepcopy(default)
        msg = f"update {self.path}: the document does not exist; pass default= to start with"
        raise NotFound(msg, path=self.path, operation="update")

    def _encode(self, obj: Any) -> _codec._Data:
        if self._dumps is not None:
            return self._dumps(obj)
        return _codec.encode_document(obj, None, "save", self.path)

    def _decode(self, data: bytes) -> Any:
        return _codec.decode_document(data, self._loads, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
