"""Journals of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from untorn import _codec
from untorn._errors import InvalidRecord
from untorn._fold import Fold, State, folded
from untorn._follow import Follow, News
from untorn._many import many
from untorn._reading import Decoder, records_of, told
from untorn._types import Record
from untorn._untorn import FileLock, Position, RawJournal, Reader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._options import _Durability, _Format, _HeaderMode, _OnUnsupported, _Scheme
    from untorn._reading import _Told
    from untorn._types import Damage, Rewound
    from untorn._untorn import Opened

_S = TypeVar("_S")

# How many records a rewrite hands over at once.
_CHUNK = 256


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
    - `scheme`, `on_unsupported`, `stale`: how programs agree on who may change it: see `FileLock`.
    - `header_prefix`: the first line is no record but a header, if it begins so. `header_reserve`: how many bytes a new
      one takes, so that later ones fit in its place. `header_mode`: whether they are written there (`"stamp"`), or with
      a new file, always (`"rename"`): for programs that read without this library.
    - `sealed`: each record gets a checksum that JSON readers ignore. It finds bit rot and spliced lines, and makes an
      append of many all-or-nothing across a power cut, too. For format `json`.
    - `cut_foreign_tail`: whether an append or a repair may cut the end off a file that is plainly no journal (UTF-16, a
      JSON document over several lines, a binary file). Otherwise that is `Corrupt`.
    - `max_bytes`: an append that finds the journal larger than this rotates it first. `keep`: how many rotated files
      that leaves.
    - `dumps`, `loads`: how a record is encoded (to `bytes` or `str`, on one line) and decoded (from `bytes`), as
      `orjson.dumps` and `orjson.loads` do. By default compact JSON in UTF-8.

    A call's own `timeout` replaces the handle's. `lock` is a `FileLock` of the same path that is held already, to work
    under. A value is encoded before the lock is taken.
    """

    __slots__ = ("_checked", "_decoder", "_dumps", "_loads", "_options")

    _dumps: _codec._Dumps
    _loads: _codec._Loads
    _decoder: Decoder
    _checked: bool
    _options: dict[str, Any]

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        durability: _Durability = "power",
        create: bool = True,
        max_record: int = 64 << 20,
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        mode: int | None = None,
        timeout: float | None = None,
        parents: bool = False,
        scheme: _Scheme = "sidecar",
        on_unsupported: _OnUnsupported = "fail",
        stale: float = 10.0,
        header_prefix: bytes | str | None = None,
        header_reserve: int = 512,
        header_mode: _HeaderMode = "stamp",
        sealed: bool = False,
        cut_foreign_tail: bool = False,
        max_bytes: int | None = None,
        keep: int | None = None,
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
    ) -> Self:
        """Open the journal at `path`. Symbolic links are resolved now; the file itself is made by the first append."""
        options = {
            "durability": durability,
            "create": create,
            "max_record": max_record,
            "format": format,
            "mode": mode,
            "timeout": timeout,
            "parents": parents,
            "scheme": scheme,
            "on_unsupported": on_unsupported,
            "stale": stale,
            "header_prefix": header_prefix,
            "header_reserve": header_reserve,
            "header_mode": header_mode,
            "sealed": sealed,
            "cut_foreign_tail": cut_foreign_tail,
            "max_bytes": max_bytes,
            "keep": keep,
        }
        return cls._of(path, options, dumps, loads)

    @classmethod
    def _of(
        cls,
        source: str | os.PathLike[str] | Opened,
        options: dict[str, Any],
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = RawJournal.__new__(cls, source, options)
        is_json = options.get("format", "json") == "json"
        self._dumps = dumps or (_codec.encode if is_json else _codec.same_line)
        self._loads = loads or (_codec.decode if is_json else _codec.same_bytes)
        self._decoder = Decoder(self._loads, is_json, self.path)
        # Our own encoder makes nothing but JSON; another's output is looked at.
        self._checked = dumps is not None
        self._options = {**options, "dumps": dumps, "loads": loads}
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
        header: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Append many records next to each other: all of them or none, whenever a process dies.

        With `at`, only if the journal ends there, else `Conflict`, whose `position` is the actual end. (Across a power
        cut a part of the records may be there.) With `header`, the header is changed in the same step: both or neither.
        Gives the position behind the last. They are all in memory meanwhile.
        """
        stamp = None if header is ... else self._encode(header)
        objs = many(objs, "extend", self.path)
        return self._extend(map(self._encode, objs), self._checked, at, stamp, timeout, lock)

    @property
    def header(self) -> Any:
        """The header, decoded: the first line, where that begins with `header_prefix`. `None` if there is none.

        Takes no lock, and never sees half a stamp.
        """
        found = self._header()
        return None if found is None else self._loads(found)

    def set_header(
        self, header: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> None:
        """Change the header, or give the journal one.

        One that fits in the place of the old is written there (see `header_reserve`); else the whole journal is written
        anew. `InvalidRecord` if it does not begin with `header_prefix` when it is encoded.
        """
        self._extend(iter(()), self._checked, None, self._encode(header), timeout, lock)

    def replace(
        self, objs: Iterable[Any], *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Put these records in the place of all that are there: all of them or none. The header stays.

        The old records are gone; `rotate` keeps them. Gives the position behind the last.
        """
        objs = many(objs, "replace", self.path)
        return self._replace(map(self._encode, objs), self._checked, timeout, lock)

    def compact(
        self,
        change: Callable[[Iterator[Any]], Iterable[Any]],
        on_damage: Callable[[Damage], object] | None = None,
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Rewrite the journal under its lock, whole or not at all: `change` is given the old values, and gives the new.

            journal.compact(lambda values: (value for value in values if value["keep"]))

        If it raises, nothing changes. Others wait with their appends, which then go into the new file. Damaged
        stretches are not carried over: `on_damage` is told of each. Records that Python's `json` can't decode are
        carried over as they are. Constant memory, if `change` takes it.
        """
        rewrite = self._begin_rewrite(timeout, lock)
        try:
            chunk: list[_codec._Data] = []
            tell = told(on_damage, self.path)
            old = self._decoder.exact().decoded(self._read(rewrite._reader(), tell), tell, chunk.append)
            new = change(value for _, value in old)
            for obj in many(new, "compact", self.path, "the function returns"):
                chunk.append(self._encode(obj))
                if len(chunk) >= _CHUNK:
                    rewrite._push(chunk, self._checked)
                    chunk.clear()
            rewrite._push(chunk, self._checked)
            return rewrite._commit()
        finally:
            rewrite._discard()

    def fold(
        self,
        initial: Callable[[], _S],
        apply: Callable[[_S, Any], _S | None],
        on_damage: Callable[[Damage], object] | None = None,
    ) -> Fold[_S]:
        """A state that is kept from the records: `apply(state, value)` is called once for each, whoever appends it.

            counts = journal.fold(Counter, lambda counts, event: counts.update([event["kind"]]))
            counts.append({"kind": "tool"})
            counts.state["tool"]

        `initial` makes the first state. `apply` returns the next one; or it changes the state in place and returns
        `None`. If it raises, so does the call, and the state is made anew by the next; a record that was appended stays
        in the journal. It must not use the fold itself, nor append to the journal.
        """
        fold = Fold(self, State(self, *folded(initial, apply, self.path), on_damage))
        fold.refresh()
        return fold

    def follow(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        on_rewind: Callable[[Rewound], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Follow:
        """The values as they are appended, by whichever process: from `start` on, or from now on.

            for value in journal.follow():
                print(value)

        Each once, in file order, none left out, through every change of the file. Where values that were yielded are
        taken out of the journal (it was rewound, rewritten or replaced), `on_rewind` is told. Takes no lock. With
        `timeout`, the iteration ends where no record came for so many seconds.
        """
        raw = self._follow(start)
        return Follow(raw, News(self, raw._position, on_damage, on_rewind), timeout)

    def __iter__(self) -> Iterator[Any]:
        """All records, decoded. What is damaged is skipped, with one `DamageWarning`."""
        return (value for _, value in self.entries())

    def entries(
        self, start: Position | None = None, on_damage: Callable[[Damage], object] | None = None
    ) -> Iterator[tuple[Position, Any]]:
        """Read `(position, value)` in file order, from `start` on.

        The position is where to read on: the end of the record. Each damaged stretch is skipped and given to
        `on_damage` in its place; without one, the first causes a `DamageWarning`. Takes no lock and constant memory. A
        position that is not of this file raises `Conflict`. What a `loads` of your own raises for a record that is
        sound comes through.
        """
        tell = told(on_damage, self.path)
        return self._decoder.decoded(self._read(self._reader(start, None, None), tell), tell)

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
        return self._read(self._reader(start, max_records, max_bytes), told(on_damage, self.path))

    def read(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> list[Any]:
        """All values from `start` on, in a list; `LimitExceeded` if they are more than a limit allows."""
        tell = told(on_damage, self.path)
        records = self.records(start, tell, max_records=max_records, max_bytes=max_bytes)
        return [value for _, value in self._decoder.decoded(records, tell)]

    def tail(self, n: int, on_damage: Callable[[Damage], object] | None = None) -> list[Any]:
        """The last `n` values, oldest first, read backwards from the end: the journal's length does not matter.

        Of the last `n` lines those that can't be decoded are left out.
        """
        records = iter(self.tail_records(n))
        return [value for _, value in self._decoder.decoded(records, told(on_damage, self.path))]

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

    def _read(self, reader: Reader, tell: _Told) -> Iterator[Record]:
        while items := reader._next():
            yield from records_of(items, tell)

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
