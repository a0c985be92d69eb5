"""A state that follows the records of a journal in the database."""

from __future__ import annotations

from typing import TypeVar

from untorn import _fold

_S = TypeVar("_S")


class Fold(_fold.Fold[_S]):
    """A state that follows the records of a journal; `Journal.fold` returns it. It has the verbs of `untorn.Fold`.

    No lock is held: `update` appends where the state ends, and decides again if another process appended first.
    """

    def __repr__(self) -> str:
        return f"<untorn.postgres.Fold of {str(self._journal.path)!r}>"
