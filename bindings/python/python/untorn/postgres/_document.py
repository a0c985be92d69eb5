"""Documents of objects in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn._arguments import function
from untorn._codec import _T
from untorn._document_saving import Saving
from untorn._errors import AlreadyExists, Conflict, LeaseLost
from untorn._untorn import PostgresDocument

if TYPE_CHECKING:
    from typing import Self

    from untorn import _codec
    from untorn._untorn import PostgresSession, PostgresUpdate, Update, _Data


class Document(PostgresDocument, Saving[_T]):
    """One value of a session, in the database, always replaced whole.

    `Session.state` and `Session.document` return it. It has the verbs of `untorn.Document`, and the same versions.

    Nothing is locked: `update` raises `Conflict` when its block ends, and saves nothing, if another process has saved
    meanwhile. `update_with` calls its function again.
    """

    __slots__ = ("_dumps", "_loads", "_options", "_version")

    @classmethod
    def _of(
        cls,
        session: PostgresSession,
        name: str | None,
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = PostgresDocument.__new__(cls, session, name)
        function(dumps, "dumps", "open", self)
        function(loads, "loads", "open", self)
        self._dumps = dumps
        self._loads = loads
        self._version = None
        self._options = {}
        return self

    def _saved(self, update: Update | PostgresUpdate, data: _Data) -> bool:
        try:
            return super()._saved(update, data)
        except LeaseLost:
            raise
        except (AlreadyExists, Conflict):
            return False

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.postgres.Document {str(self.path)!r}, durability={self.durability!r}{closed}>"
