"""A state that follows the records of a journal."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn._arguments import kind_of, many, refuse
from untorn._errors import Deadlock
from untorn._inside import inside
from untorn._reading import told
from untorn._types import Damage, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._journal import Journal
    from untorn._journal_writing import Writing
    from untorn._untorn import FileLock, Position, PostgresFold, PostgresFoldTurn, RawFold, RawTurn, _Folded

_S = TypeVar("_S")
_R = TypeVar("_R")

_NOTHING: Any = object()


class State(Generic[_S]):
    """The state, for one thread at a time. No thread waits for a turn of the journal while it uses the state."""

    def __init__(
        self,
        journal: Writing[Any],
        initial: Callable[[], _S],
        apply: Callable[[_S, Any], _S | None],
        on_damage: Callable[[Damage], object] | None,
    ) -> None:
        self._journal = journal
        self._initial = initial
        self._apply = apply
        self._told = told(on_damage, journal.path)
        self._value: _S = _NOTHING
        self._guard = threading.Lock()
        self._user: tuple[int, int] | None = None
        self._process = os.getpid()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep other threads from the state."""
        if self._process != os.getpid():
            # Another thread may have used it when the process was forked.
            self._guard, self._process, self._value = threading.Lock(), os.getpid(), _NOTHING
        me = os.getpid(), threading.get_ident()
        if self._user == me:
            msg = (
                f"fold {self._journal.path}: this thread is reading or changing the state just now, "
                "and would wait for itself"
            )
            raise Deadlock(msg, path=self._journal.path, operation="fold")
        with self._guard:
            self._user = me
            try:
                yield
            finally:
                self._user = None

    def take(self) -> _S:
        """Take the state out. If it is not put back, it is lost: an exception may have left it half changed."""
        value, self._value = self._value, _NOTHING
        return value

    def put(self, value: _S) -> None:
        """Put the new state in."""
        self._value = value

    @property
    def is_there(self) -> bool:
        """Whether a state exists."""
        return self._process == os.getpid() and self._value is not _NOTHING

    def look(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the state."""
        return look(self._value)

    def fold(self, value: _S, items: list[_Folded]) -> _S:
        """Apply the items to the state."""
        for item in items:
            match item:
                case None:
                    value = self._initial()
                case bytes() as data, start, end:
                    value = self._fold_record(value, Record(data, start, end))
                case kind, offset, length:
                    self._told(Damage(kind, offset, length))
        return value

    def _fold_record(self, value: _S, record: Record) -> _S:
        for _, decoded in self._journal._decoder.decoded(iter([record]), self._told):
            try:
                changed = self._apply(value, decoded)
            except Exception as error:
                error.add_note(
                    f"from apply, for the record at {record.start} of {self._journal.path}; the record is in the "
                    "journal, and the next call computes the state again"
                )
                raise
            if changed is not None:
                value = changed
        return value


def folded(
    initial: Callable[[], _S], apply: Callable[[_S, Any], _S | None], path: Path
) -> tuple[Callable[[], _S], Callable[[_S, Any], _S | None]]:
    """Check the two functions of a fold."""
    if not callable(initial):
        refuse(
            f"initial makes the first state: pass a function, such as dict, not {kind_of(initial)}",
            "fold",
            path,
        )
    if not callable(apply):
        refuse(f"apply must be a function of the state and a record, not {kind_of(apply)}", "fold", path)
    import inspect  # only where it is needed: to import it takes long

    if inspect.iscoroutinefunction(apply):
        refuse("apply must not be async: it runs under the lock; await before or after", "fold", path)
    return initial, apply


def decided(objs: Any, path: Path) -> Iterable[Any]:
    """Return the records that `decide` chose to append; none for `None`."""
    return () if objs is None else many(objs, "update", path, "decide returns")


class Fold(Generic[_S]):
    """A state that follows the records of a journal; `Journal.fold` returns it.

    `apply` is called once for each record, in file order, whichever process appended it. After the journal was
    rewound, rewritten, rotated or replaced, it is called again for all records, on a new state. The state changes
    only under the journal's lock, and after the file did. Whatever threads and processes do at once, it is what the
    file contains. The next `refresh`, `append`, `extend` or `update` applies the records that were appended
    otherwise.
    """

    def __init__(self, journal: Journal, state: State[_S]) -> None:
        self._journal = journal
        self._raw: RawFold | PostgresFold = journal._fold()
        self._state = state

    def refresh(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Apply the records that were appended since, and return how far that is. Waits for the lock if any were."""
        if self._state.is_there and (position := self._raw._current()) is not None:
            return position
        with self._turn(timeout, lock) as turn:
            return turn._finish()

    def append(self, obj: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Append a record and apply it, after all records that other processes appended before."""
        return self.extend([obj], timeout=timeout, lock=lock)

    def extend(
        self, objs: Iterable[Any], *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append many records, all or none, and apply them."""
        journal = self._journal
        data = [journal._encode(obj) for obj in many(objs, "extend", journal.path)]
        with self._turn(timeout, lock) as turn:
            end = turn._append(iter(data), journal._checked, False)
            self._take_in(turn)
            position = turn._finish()
            return position if end is None else end

    def update(
        self,
        decide: Callable[[_S], Iterable[Any] | None],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Let `decide` choose from the state what to append, and append it, under one lock.

            tokens.update(lambda total: [{"tokens": 50}] if total + 50 <= budget else None)

        The state that `decide` sees is that of the whole journal, and no other process appends in between. `decide`
        must not change the state. If it raises, nothing is appended.
        """
        journal = self._journal
        with self._turn(timeout, lock) as turn:
            while True:
                try:
                    with self._state.in_use(), inside(journal.path, "fold"):
                        objs = self._state.look(decide)
                        data = [journal._encode(obj) for obj in decided(objs, journal.path)]
                    end = turn._append(iter(data), journal._checked, True) if data else None
                except BaseException:
                    # The state is unchanged, and right.
                    turn._finish()
                    raise
                if data:
                    self._take_in(turn)
                # In a database another process can be faster.
                if end is not None or not data:
                    position = turn._finish()
                    return position if end is None else end

    def read(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the present state. Call `refresh` first to include new records.

        No other thread changes the state during the call.
        """
        while True:
            with self._state.in_use():
                if self._state.is_there:
                    return self._state.look(look)
            self.refresh()

    @property
    def state(self) -> _S:
        """The present state. If `apply` changes it in place, use `read` instead."""
        return self.read(lambda state: state)

    @property
    def position(self) -> Position | None:
        """How far the state was folded; `None` while it changes, and if no state exists."""
        return self._raw._position

    def close(self) -> None:
        """Close the journal's file now. The next call that refreshes or changes the state reads the file again.

        A second call does nothing.
        """
        self._raw._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<untorn.Fold of {str(self._journal.path)!r}>"

    @contextmanager
    def _turn(
        self, timeout: float | EllipsisType | None, lock: FileLock | None
    ) -> Iterator[RawTurn | PostgresFoldTurn]:
        turn = self._raw._begin(timeout, lock)
        try:
            self._take_in(turn)
            yield turn
        finally:
            turn._drop()

    def _take_in(self, turn: RawTurn | PostgresFoldTurn) -> None:
        with self._state.in_use():
            value = self._state.take()
            while items := turn._next():
                value = self._state.fold(value, items)
            self._state.put(value)
