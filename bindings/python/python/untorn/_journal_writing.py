"""The verbs of a `Journal` that append, replace, fold and follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn import _codec
from untorn._arguments import function, many
from untorn._codec import _T
from untorn._errors import Error
from untorn._fold import State, folded
from untorn._follow import Follow, News
from untorn._inside import inside
from untorn._progress import reported
from untorn._reading import Decoder, read_all, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._fold import Fold
    from untorn._progress import _Progress
    from untorn._types import Damage, Rewound
    from untorn._untorn import FileLock, Position, PostgresRewrite, RawFollow, Rewrite

_S = TypeVar("_S")

# How many records a rewrite passes on at once.
_CHUNK = 256


class _Raw:
    """What the class of the extension has. It comes first among the bases."""

    __slots__ = ()

    @property
    def path(self) -> Path:
        raise NotImplementedError

    def _append(self, value: Any, timeout: float | EllipsisType | None, lock: FileLock | None) -> Position:
        raise NotImplementedError

    def _extend(
        self,
        values: Iterable[Any],
        at: Position | None,
        header: _codec._Data | None,
        timeout: float | EllipsisType | None,
        lock: FileLock | None,
    ) -> Position:
        raise NotImplementedError

    def _replace(
        self,
        values: Iterable[Any],
        timeout: float | EllipsisType | None,
        lock: FileLock | None,
        progress: _Progress | None,
    ) -> Position:
        raise NotImplementedError

    def _begin_rewrite(self, timeout: float | EllipsisType | None, lock: FileLock | None) -> Rewrite | PostgresRewrite:
        raise NotImplementedError

    def _follow(self, start: Position | None) -> RawFollow:
        raise NotImplementedError

    def _new_fold(self, state: State[_S]) -> Fold[_S]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Writing(_Raw, Generic[_T]):
    """The verbs of a `Journal`, whatever keeps it: a file, or a database."""

    if not TYPE_CHECKING:
        # The class below has the slots.
        __slots__ = ()

    _dumps: _codec._Dumps
    _loads: _codec._Loads
    _made_decoder: Decoder | None
    _checked: bool
    _options: dict[str, Any]

    def _set_codec(self, options: dict[str, Any], dumps: _codec._Dumps | None, loads: _codec._Loads | None) -> None:
        function(dumps, "dumps", "open", self)
        function(loads, "loads", "open", self)
        self._dumps = dumps or (_codec.encode if _codec.is_json(options) else _codec.same_line)
        self._loads = loads or _codec.decoder_of(options.get("format", "json"))
        self._made_decoder = None
        # The built-in encoder makes only JSON; the output of another encoder is checked.
        self._checked = dumps is not None

    @property
    def _decoder(self) -> Decoder:
        # Made by the first read: many handles only append.
        made = self._made_decoder
        if made is None:
            made = self._made_decoder = Decoder(self._loads, _codec.is_json(self._options), self.path)
        return made

    def append(self, obj: _T, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Append one record, and return the position just after it.

        Raises `InvalidRecord` for a value that JSON can't hold (NaN, a circular reference), and `InvalidArgument`,
        which is a `TypeError`, for a type that it does not know. After `LockTimeout`, `StorageFull` and other failures
        of the system the journal is unchanged. `NotDurable`: the record is in the file, but a power cut may lose it.
        """
        return self._append(obj, timeout, lock)

    def extend(
        self,
        objs: Iterable[_T],
        *,
        at: Position | None = None,
        header: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Append many records next to each other, and return the position just after the last.

        If a process dies, all of them are in the file or none. (After a power cut a part of them may be.) With `at`,
        append only if the journal ends there; otherwise raise `Conflict`, whose `position` is the actual end. With
        `header`, change the header in the same step: both happen or neither. The records are all in memory during
        the call.
        """
        stamp = None if header is ... else self._encode(header)
        objs = many(objs, "extend", self.path)
        return self._extend(objs, at, stamp, timeout, lock)

    def replace(
        self,
        objs: Iterable[_T],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
        progress: _Progress | None = None,
    ) -> Position:
        """Replace all records by these, all of them or none, and return the position just after the last.

        The header stays. The old records are deleted; `rotate` keeps them. `progress` is called about every 50 ms with
        the number of bytes that are done, and of all bytes.
        """
        objs = many(objs, "replace", self.path)
        return self._replace(objs, timeout, lock, progress)

    def compact(
        self,
        change: Callable[[Iterator[_T]], Iterable[_T]],
        on_damage: Callable[[Damage], object] | None = None,
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
        progress: _Progress | None = None,
    ) -> Position:
        """Rewrite the journal, whole or not at all.

        `change` receives the old values, and returns the new ones:

            journal.compact(lambda values: (value for value in values if value["keep"]))

        If `change` raises, nothing changes. A file is locked: appends of other processes wait, and then go into the new
        file. Damaged stretches are left out: `on_damage` receives each of them. Records that Python's `json` can't
        decode are copied unchanged. For a file it uses constant memory if `change` does. `progress` is called about
        every 50 ms with the number of old bytes that are read, and of all of them.

        In a database nothing is locked. Records that others append meanwhile come after the new ones. `Conflict`:
        another process rewrote the journal meanwhile.
        """
        function(change, "change", "compact", self)
        rewrite = self._begin_rewrite(timeout, lock)
        try:
            chunk: list[_codec._Data] = []
            tell = told(on_damage, self.path)
            read, total = read_all(rewrite._reader(), tell), rewrite._old_bytes
            if progress is not None:
                read = reported(read, total, progress)
            old = self._decoder.exact().decoded(read, tell, chunk.append)
            with inside(self.path, "compact"):
                new = change(value for _, value in old)
                for obj in many(new, "compact", self.path, "the function returns"):
                    chunk.append(self._encode(obj))
                    if len(chunk) >= _CHUNK:
                        rewrite._push(chunk, self._checked)
                        chunk.clear()
            rewrite._push(chunk, self._checked)
            end = rewrite._commit()
            if progress is not None:
                progress(total, total)
            return end
        finally:
            rewrite._discard()

    def fold(
        self,
        initial: Callable[[], _S],
        apply: Callable[[_S, _T], _S | None],
        on_damage: Callable[[Damage], object] | None = None,
    ) -> Fold[_S]:
        """Keep a state from the records: `apply(state, value)` is called once for each, whichever process appends it.

            counts = journal.fold(Counter, lambda counts, event: counts.update([event["kind"]]))
            counts.append({"kind": "tool"})
            counts.state["tool"]

        `initial` makes the first state. `apply` returns the next one; or it changes the state in place and returns
        `None`. If `apply` raises, so does the call; a record that was appended stays in the journal. The next call
        then computes the state again. `apply` must not use the fold itself, nor append to the journal.
        """
        fold = self._new_fold(State(self, *folded(initial, apply, self.path), on_damage))
        fold.refresh()
        return fold

    def follow(
        self,
        start: Position | None = None,
        on_damage: Callable[[Damage], object] | None = None,
        on_rewind: Callable[[Rewound], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Follow[_T]:
        """Yield the values that any process appends, from `start` on, or from now on.

            for value in journal.follow():
                print(value)

        It yields each value once and in file order, and misses none, through every change of the file. `on_rewind`
        is called when values that were yielded are removed from the journal (it was rewound, rewritten or replaced).
        Takes no lock. With `timeout`, the iteration ends if no record came for so many seconds.
        """
        raw = self._follow(start)
        return Follow(raw, News(self, raw._position, on_damage, on_rewind), timeout)

    def _encode(self, obj: Any) -> _codec._Data:
        try:
            return self._dumps(obj)
        except (TypeError, ValueError, RecursionError) as error:
            if self._checked or isinstance(error, Error):
                raise
            from untorn._refused import refused  # only where it is needed: to import it takes long

            raise refused(obj, error, "append", self.path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
