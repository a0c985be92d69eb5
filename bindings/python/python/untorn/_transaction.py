"""Several files of objects that change together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn import _codec
from untorn._arguments import many, refuse
from untorn._errors import NotFound
from untorn._untorn import RawSession, RawTransaction, Turn

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from untorn._options import _Durability, _Format


class Transaction(RawTransaction):
    """Several documents and journals of one directory that change together or not at all, whichever process dies.

        with Transaction("session") as tx:
            state = tx.load("state.json", default={})
            tx.save("state.json", {**state, "done": True})
            tx.append("session.jsonl", {"event": "done"})
            tx.create("result.json", {"ok": True})

    It is committed when the block ends. If the block raises, nothing has changed. A file is locked from its first
    `load` on, so that a save can depend on what was read; other files are locked during the commit. A name is that of a
    file directly in the directory.

    - `durability`: which failure a finished commit survives: `"power"` a power cut, `"process"` the end of a process.
    - `mode`: permission bits of new files.
    - `timeout`: how many seconds each call waits for locks; `None` waits without a limit, 0 tries once.
    - `parents`: whether the directory and its missing parent directories are created when the transaction begins.
    - `format`, `max_record`, `header_prefix`, `header_reserve`, `sealed`: the options of the journals.
    - `dumps`, `loads`: how values are encoded and decoded, by default as JSON. A call can have its own:
      `tx.load("state.toml", loads=bytes)`.
    """

    __slots__ = ("_dumps", "_loads")

    _dumps: _codec._Dumps | None
    _loads: _codec._Loads | None

    def __new__(
        cls,
        dir: str | os.PathLike[str],  # noqa: A002 - as in every language
        *,
        # begin generated parameters (spec/options.toml, cargo xtask generate)
        timeout: float | None = None,
        max_record: int = 64 << 20,
        mode: int | None = None,
        durability: _Durability = "power",
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        parents: bool = False,
        header_prefix: bytes | str | None = None,
        header_reserve: int = 512,
        sealed: bool = False,
        # end generated parameters
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
    ) -> Self:
        """Prepare a transaction in `dir`; it begins with its `with` block."""
        options = {
            # begin generated options (spec/options.toml, cargo xtask generate)
            "timeout": timeout,
            "max_record": max_record,
            "mode": mode,
            "durability": durability,
            "format": format,
            "parents": parents,
            "header_prefix": header_prefix,
            "header_reserve": header_reserve,
            "sealed": sealed,
            # end generated options
        }
        return cls._of(dir, options, dumps, loads)

    @classmethod
    def _of(
        cls,
        origin: str | os.PathLike[str] | RawSession | Turn,
        options: dict[str, Any],
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = RawTransaction.__new__(cls, origin, options)
        self._dumps = dumps
        self._loads = loads
        return self

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

        The file stays locked until the end of the transaction.
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

    def __repr__(self) -> str:
        state = ", open" if self.open else ""
        return f"<untorn.Transaction {str(self.dir)!r}{state}>"
