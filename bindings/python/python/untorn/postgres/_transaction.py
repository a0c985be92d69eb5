"""Several files of a session in the database that change together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn._transaction_staging import Staging
from untorn._untorn import PostgresTransaction

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from untorn import _codec
    from untorn._untorn import PostgresSession, PostgresTurn


class Transaction(PostgresTransaction, Staging):
    """Several files of a session that change together or not at all; `Session.transaction` returns it.

    It has the verbs of `untorn.Transaction`. Nothing is locked before the commit, which raises `Conflict` if a file
    that was loaded has changed meanwhile. Then begin again.
    """

    __slots__ = ("_dumps", "_loads")

    @classmethod
    def _of(
        cls, origin: PostgresSession | PostgresTurn, dumps: _codec._Dumps | None, loads: _codec._Loads | None
    ) -> Self:
        self = PostgresTransaction.__new__(cls, origin)
        self._dumps = dumps
        self._loads = loads
        return self

    @property
    def path(self) -> Path:
        """The session's name in messages."""
        return self.dir

    def __repr__(self) -> str:
        state = ", open" if self.open else ""
        return f"<untorn.postgres.Transaction {str(self.dir)!r}{state}>"
