"""A document that is changed in a `with` block."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from untorn._arguments import kind_of
from untorn._errors import InvalidArgument
from untorn._inside import begin, end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import EllipsisType, TracebackType

    from untorn._document_saving import Saving
    from untorn._untorn import FileLock, PostgresUpdate, Update

# Types that can't change in place: a block could only assign to the name, and that value would not be saved.
_FIXED = (str, bytes, int, float, complex, tuple, frozenset, type(None))


class Changed:
    """The value of an update: what the block receives, and whether the block changed it."""

    __slots__ = ("_again", "_holders", "_path", "_value")

    _holders: int

    def __init__(self, value: Any, again: Callable[[], Any], path: Path) -> None:
        if isinstance(value, _FIXED):
            kind = "null" if value is None else kind_of(value)
            msg = f"update {path}: the document is {kind}, which can't be changed in place: use update_with"
            raise InvalidArgument(msg, path=path, operation="update")
        self._value = value
        # Makes the value as it was before the block.
        self._again = again
        self._path = path

    def give(self) -> Any:
        """The value, for the block."""
        self._holders = sys.getrefcount(self._value)
        return self._value

    def take(self) -> Any:
        """Return the value to save after the block has ended."""
        # Only this object still has the value, and it is unchanged: the block made another value, which would be lost.
        if sys.getrefcount(self._value) <= self._holders and self._value == self._again():
            msg = (
                f"update {self._path}: the value is unchanged, and the block made another one: change the value "
                "itself, or use update_with; nothing was saved"
            )
            raise InvalidArgument(msg, path=self._path, operation="update")
        return self._value


class Updating:
    """The context manager that `Document.update` returns."""

    __slots__ = ("__weakref__", "_changed", "_document", "_how", "_update")

    _update: Update | PostgresUpdate
    _changed: Changed

    def __init__(
        self, document: Saving[Any], default: Any, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> None:
        self._document = document
        self._how = (default, timeout, lock)

    def __enter__(self) -> Any:
        document = self._document
        default, timeout, lock = self._how
        self._update = document._begin_update(timeout, lock)
        try:
            self._changed = changed_of(document, self._update, default)
        except BaseException:
            self._update._finish()
            raise
        begin(document.path, "update")
        return self._changed.give()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        document = self._document
        try:
            if exc_type is None:
                document._version = self._update._save(document._encode(self._changed.take()))
        finally:
            end(document.path, "update")
            self._update._finish()


def changed_of(document: Saving[Any], update: Update | PostgresUpdate, default: Any) -> Changed:
    """Return the value that the block receives."""
    return Changed(document._current(update, default), lambda: document._current(update, default), document.path)
