"""Journals of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from untorn import _codec
from untorn._errors import InvalidRecord
from untorn._types import Damage, Record
from untorn._untorn import FileLock, Position, RawJournal, Reader, inspect

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._untorn import _Item


class Journal(RawJournal):
    """An append-only file of one-line records that any number of processes and threads append to.

    No record is torn, interleaved with another or glued to it, and none that `append` acknowledged is lost; what a
    crash leaves behind is repaired by the next append. Reading takes no lock. One handle serves many threads.

    - `durability`: what a finished append survives: `"power"` a power cut, `"process"` the death of any process.
    - `create`: whether an append makes the file where it is missing, also after somebody deleted it.
    - `max_record`: how long a record may be, in bytes. Longer lines are damage to a reader.
    - `format`: `"json"`, or `"lines"`: any bytes without a newline or NUL; then records are `bytes` (or `str`) here.
    - `mode`: permission bits of a new file; else 0666 less the umask.
    - `timeout`: how many seconds a call waits for the lock; `None` waits for ever, 0 tries once.
    - `parents`: whether missing parent directories are made.
    - `dumps`, `loads`: how a record is encoded (to `bytes` or `str`, on one line) and decoded (from `bytes`), as
      `orjson.dumps` and `orjson.loads` do. By default compact JSON in UTF-8.

    A call's own `timeout` replaces the handle's. `lock` is a `FileLock` of the same path that is held already, to work
    under. A value is encoded before the lock is taken.
    """

    __slots__ = ("_checked", "_dumps", "_loads", "_options")

    _dumps: _codec._Dumps
    _loads: _codec._Loads
    _checked: bool
    _options: dict[str, Any]

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        durability: str = "power",
        create: bool = True,
        max_record: int = 64 << 20,
        format: str = "json",  # noqa: A002 - the option's name in every language
        mode: int | None = None,
        timeout: float | None = None,
        parents: bool = False,
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
    ) -> Self:
        """Open the journal at `path`. Symbolic links are resolved now; the file itself is made by the first append."""
        self = super().__new__(
            cls,
            path,
            durability=durability,
            create=create,
            max_record=max_record,
            format=format,
            mode=mode,
            timeout=timeout,
            parents=parents,
        )
        is_json = format == "json"
        self._dumps = dumps or (_codec.encode if is_json else _codec.same_line)
        self._loads = loads or (_codec.decode if is_json else _codec.same_bytes)
        # Our own encoder makes nothing but JSON; another's output is looked at.
        self._checked = dumps is not None
        self._options = {
            "durability": durability,
            "create": create,
            "max_record": max_record,
            "format": format,
            "mode": mode,
            "timeout": timeout,
            "parents": parents,
            "dumps": dumps,
            "loads": loads,
        }
        return self

    def append(self, obj: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Append one record, and give the position behind it.

        Raises `InvalidRecord` for what JSON can't say (NaN, a circular reference), and for a type that it does not know
        json's own `TypeError`. On `LockTimeout`, `StorageFull` and other failures of the system the journal is as it
        was. `NotDurable`: the record is in the file, but a power cut may lose it.
        """
        return self._append(self._encode(obj), self._checked, timeout, lock)

    def extend(
        self,
        objs: Iterable[Any],
        *,
        at: Position | None = None,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Append many records next to each other: all of them or none, whenever a process dies.

        With `at`, only if the journal ends there, else `Conflict`, whose `position` is the actual end. (Across a power
        cut a part of the records may be there.) Gives the position behind the last. They are all in memory meanwhile.
        """
        return self._extend(map(self._encode, objs), self._checked, at, timeout, lock)

    def __iter__(self) -> Iterator[Any]:
        """All records, decoded. What is damaged is skipped."""
        return (value for _, value in self.entries())

    def entries(
        self, start: Position | None = None, on_damage: Callable[[Damage], object] | None = None
    ) -> Iterator[tuple[Position, Any]]:
        """Read `(position, value)` in file order, from `start` on.

        The position is where to read on: the end of the record. Each damaged stretch is skipped and given to
        `on_damage` in its place. Takes no lock and constant memory. A position that is not of this file raises
        `Conflict`. What `loads` raises for a record that is sound comes through.
        """
        return self._decoded(self._read(self._reader(start, None, None), on_damage), on_damage)

    def records(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> Iterator[Record]:
        """Read the records as bytes, not decoded, each with where it begins and ends.

        `on_damage` is told what framing shows: a torn tail, NULs, lines that are too long (the first 1,024 of these;
        `verify` counts them all). One record, or one byte of records, more than a limit allows raises `LimitExceeded`,
        whose `position` is where to read on.
        """
        return self._read(self._reader(start, max_records, max_bytes), on_damage)

    def read(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> list[Any]:
        """All values from `start` on, in a list; `LimitExceeded` if they are more than a limit allows."""
        records = self.records(start, on_damage, max_records=max_records, max_bytes=max_bytes)
        return [value for _, value in self._decoded(records, on_damage)]

    def tail(self, n: int, on_damage: Callable[[Damage], object] | None = None) -> list[Any]:
        """The last `n` values, oldest first, read backwards from the end: the journal's length does not matter.

        Of the last `n` lines those that can't be decoded are left out.
        """
        return [value for _, value in self._decoded(iter(self.tail_records(n)), on_damage)]

    def tail_records(self, n: int) -> list[Record]:
        """The last `n` records as bytes, oldest first."""
        return [Record(*record) for record in self._tail(n)]

    def _encode(self, obj: Any) -> _codec._Data:
        try:
            return self._dumps(obj)
        except ValueError as error:
            if self._checked or isinstance(error, InvalidRecord):
                raise
            msg = f"append {self.path}: {error}; nothing was appended"
            raise InvalidRecord(msg, path=self.path, operation="append") from error

    def _read(self, reader: Reader, on_damage: Callable[[Damage], object] | None) -> Iterator[Record]:
        while items := reader._next():
            yield from self._records_of(items, on_damage)

    def _records_of(self, items: list[_Item], on_damage: Callable[[Damage], object] | None) -> Iterator[Record]:
        for first, second, third in items:
            if isinstance(first, bytes):
                yield Record(first, cast("Position", second), cast("Position", third))
            elif on_damage is not None:
                on_damage(Damage(first, cast("int", second), cast("int", third)))

    def _decoded(
        self, records: Iterator[Record], on_damage: Callable[[Damage], object] | None
    ) -> Iterator[tuple[Position, Any]]:
        loads = self._loads
        for data, start, end in records:
            try:
                value = loads(data)
            except Exception as error:
                # Damaged, or sound and only not to the decoder's liking?
                kind = inspect(data) if self._options["format"] == "json" else None
                if kind is None:
                    error.add_note(f"in the record at {start} of {self.path}; read on from {end}")
                    raise
                if on_damage is not None:
                    on_damage(Damage(kind, start.offset, end.offset - start.offset))
                continue
            yield end, value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.Journal {str(self.path)!r}, durability={self.durability!r}{closed}>"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self.path),), self._options

    def __getstate__(self) -> None:
        """Everything is in the arguments: a copy opens the file anew."""
