"""The verbs of a `Transaction`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn import _codec
from untorn._arguments import many, refuse
from untorn._errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class _Raw:
    """What the class of the extension has. It comes first among the bases."""

    __slots__ = ()

    @property
    def dir(self) -> Path:
        raise NotImplementedError

    @property
    def open(self) -> bool:
        raise NotImplementedError

    def _begin(self) -> None:
        raise NotImplementedError

    def _load(self, name: str) -> tuple[bytes, str] | None:
        raise NotImplementedError

    def _save(self, name: str, data: _codec._Data) -> str:
        raise NotImplementedError

    def _create(self, name: str, data: _codec._Data) -> str:
        raise NotImplementedError

    def _append(self, name: str, records: list[_codec._Data]) -> None:
        raise NotImplementedError

    def _set_header(self, name: str, header: _codec._Data) -> None:
        raise NotImplementedError

    def _remove(self, name: str) -> bool:
        raise NotImplementedError

    def commit(self) -> None:
        raise NotImplementedError

    def rollback(self) -> None:
        raise NotImplementedError


class Staging(_Raw):
    """The verbs of a `Transaction`, whatever keeps its files: a directory, or a database."""

    __slots__ = ()

    _dumps: _codec._Dumps | None
    _loads: _codec._Loads | None

    def load(self, name: str, default: Any = ..., *, loads: _codec._Loads | None = None) -> Any:
        """Return the value of a file as the transaction leaves it.

        If the file does not exist, return `default`, or raise `NotFound` without it. The file stays locked until the
        end of the transaction.
        """
        return self._value(name, self._load(name), default, loads)

    def _value(self, name: str, found: tuple[bytes, str] | None, default: Any, loads: _codec._Loads | None) -> Any:
        path = self._file(name)
        if found is not None:
            return _codec.decode_document(found[0], loads or self._loads, path)
        if default is not ...:
            return default
        msg = f"load {path}: the file does not exist; pass default= to continue without it"
        raise NotFound(msg, path=path, operation="load")

    def save(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """Replace the whole file at the commit, whatever it holds now, and return its new version."""
        return self._save(name, self._document("save", name, obj, dumps))

    def create(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> str:
        """Create the file at the commit. Raises `AlreadyExists` if it exists now, or at the commit."""
        return self._create(name, self._document("create", name, obj, dumps))

    def append(self, name: str, obj: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """Append a record to a journal, and create the journal if it is missing."""
        self._append(name, self._records(name, [obj], dumps))

    def extend(self, name: str, objs: Iterable[Any], *, dumps: _codec._Dumps | None = None) -> None:
        """Append many records."""
        self._append(name, self._records(name, objs, dumps))

    def set_header(self, name: str, header: Any, *, dumps: _codec._Dumps | None = None) -> None:
        """Set the header of a journal. It must begin with `header_prefix`. This rewrites the journal: O(n).

        The file stays locked until the end of the transaction. In a database nothing is locked: the commit raises
        `Conflict` if the journal has changed meanwhile.
        """
        self._set_header(name, self._document("set_header", name, header, dumps))

    def remove(self, name: str) -> bool:
        """Delete the file at the commit, and return whether it exists now. The file stays locked until then."""
        return self._remove(name)

    def _document(self, operation: str, name: str, obj: Any, dumps: _codec._Dumps | None) -> _codec._Data:
        return _codec.encode_document(obj, dumps or self._dumps, operation, self._file(name))

    def _records(self, name: str, objs: Iterable[Any], dumps: _codec._Dumps | None) -> list[_codec._Data]:
        path = self._file(name)
        return [self._document("append", name, obj, dumps) for obj in many(objs, "extend", path)]

    def _file(self, name: str) -> Path:
        if not isinstance(name, str):
            refuse(f"expected the name of a file (str), not {type(name).__name__}", "transaction", self.dir)
        return self.dir / name

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc_type is None and self.open:
            self.commit()
        else:
            self.rollback()
