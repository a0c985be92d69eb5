"""A state that follows the records of a journal in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from untorn import _fold
from untorn._arguments import many
from untorn._errors import Conflict, LeaseLost
from untorn._fold import decided
from untorn._inside import inside
from untorn._untorn import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import EllipsisType

    from untorn._untorn import FileLock, RawFollow, _Folded
    from untorn.postgres._journal import Journal

_S = TypeVar("_S")
_R = TypeVar("_R")

_NOTHING = Position(0, 0)


class Fold(_fold.Fold[_S]):
    """A state that follows the records of a journal; `Journal.fold` returns it. It has the verbs of `untorn.Fold`.

    No lock is held: `update` appends where the state ends, and decides again if another process appended first.
    """

    # A journal in the database.
    _journal: Any

    def __init__(self, journal: Journal[Any], state: _fold.State[_S]) -> None:
        self._journal = journal
        self._state = state
        self._follow: RawFollow | None = None

    def refresh(self, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> Position:
        """Apply the records that were appended since, and return how far that is."""
        del timeout, lock
        with self._state.in_use():
            return self._catch_up()

    def extend(
        self, objs: Iterable[Any], *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> Position:
        """Append many records, all or none, and apply them."""
        journal = self._journal
        end: Position = journal.extend(many(objs, "extend", journal.path), timeout=timeout, lock=lock)
        self.refresh()
        return end

    def update(
        self,
        decide: Callable[[_S], Iterable[Any] | None],
        *,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> Position:
        """Let `decide` choose from the state what to append, and append it, if no other process appended in between.

        Else it decides again. `decide` must not change the state. If it raises, nothing is appended.
        """
        journal = self._journal
        with self._state.in_use():
            while True:
                at = self._catch_up()
                with inside(journal.path, "fold"):
                    objs = list(decided(self._state.look(decide), journal.path))
                if not objs:
                    return at
                try:
                    end: Position = journal.extend(objs, at=at, timeout=timeout, lock=lock)
                except LeaseLost:
                    raise
                except Conflict:
                    continue
                self._catch_up()
                return end

    def read(self, look: Callable[[_S], _R]) -> _R:
        """Return what `look` returns for the present state. Call `refresh` first to include new records."""
        with self._state.in_use():
            if not self._state.is_there:
                self._catch_up()
            return self._state.look(look)

    @property
    def position(self) -> Position | None:
        """How far the state was folded; `None` if no state exists."""
        follow = self._follow
        return follow._position if follow is not None and self._state.is_there else None

    def close(self) -> None:
        """End it. The next call that refreshes or changes the state reads the journal again."""
        follow, self._follow = self._follow, None
        if follow is not None:
            follow._close()

    def _catch_up(self) -> Position:
        if self._follow is None or not self._state.is_there:
            self._begin_again()
        value = self._state.take()
        while True:
            items = self._begun._next(0)
            # For a follower a rotation is not a rewind. But a state belongs to one generation.
            if self._begun._rotations:
                self._begin_again()
                value = self._state.take()
                continue
            if not items:
                break
            for item in items:
                if item[0] != "rewound":
                    value = self._state.fold(value, [_folded(item)])
                elif item[2].offset == 0:
                    # The records follow from the first on.
                    value = self._state.fold(value, [None])
                else:
                    self._begin_again()
                    value = self._state.take()
                    break
        self._state.put(value)
        return self._begun._position

    def _begin_again(self) -> None:
        self.close()
        self._follow = self._journal._follow(_NOTHING)
        self._state.put(self._state.fold(self._state.take(), [None]))

    @property
    def _begun(self) -> RawFollow:
        assert self._follow is not None
        return self._follow

    def __repr__(self) -> str:
        return f"<untorn.postgres.Fold of {str(self._journal.path)!r}>"


def _folded(item: Any) -> _Folded:
    folded: _Folded = item
    return folded
