"""Journals of objects in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from untorn import _codec
from untorn._codec import _T
from untorn._journal_reading import Reading
from untorn._journal_writing import Writing
from untorn._untorn import PostgresJournal
from untorn.postgres._fold import Fold
from untorn.postgres._only_files import WithoutRepair

if TYPE_CHECKING:
    from types import EllipsisType
    from typing import Self

    from untorn._fold import State
    from untorn._untorn import FileLock, PostgresSession

_S = TypeVar("_S")


class Journal(PostgresJournal, WithoutRepair, Writing[_T], Reading[_T]):
    """An append-only file of a session, in the database. Any number of hosts append to it.

    `Session.journal` returns it. It has the verbs of `untorn.Journal`, but for those that need a file.
    """

    __slots__ = ("_checked", "_dumps", "_loads", "_made_decoder", "_options", "_origin")

    _origin: tuple[PostgresSession, str | None]

    @classmethod
    def _of(
        cls,
        session: PostgresSession,
        name: str | None,
        options: dict[str, Any],
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = PostgresJournal.__new__(cls, session, name, _codec.encoder_of(options, dumps))
        self._set_codec(options, dumps, loads)
        self._options = options
        self._origin = session, name
        return self

    def _again(self, dumps: _codec._Dumps) -> Self:
        """Open the same journal with another encoder."""
        return self._of(*self._origin, self._options, dumps, self._loads)

    @property
    def header(self) -> Any:
        """Return the decoded header: the first line, if it begins with `header_prefix`; `None` if there is none."""
        found = self._header()
        return None if found is None else self._loads(found)

    def set_header(
        self, header: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> None:
        """Change the header, or add one. As `untorn.Journal.set_header`."""
        self._extend((), None, self._encode(header), timeout, lock)

    def _new_fold(self, state: State[_S]) -> Fold[_S]:
        return Fold(self, state)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.postgres.Journal {str(self.path)!r}, durability={self.durability!r}{closed}>"
