"""Documents of objects in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._arguments import function
from untorn._codec import _T
from untorn._document_saving import Saving
from untorn._errors import AlreadyExists, Conflict, LeaseLost
from untorn._inside import inside
from untorn._untorn import PostgresDocument

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import EllipsisType
    from typing import Self

    from untorn import _codec
    from untorn._untorn import FileLock, PostgresSession


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

    def update_with(
        self,
        change: Callable[[_T], _T | None],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> _T:
        """Read, change and save, with a function that receives the value and returns the new one.

        As `untorn.Document.update_with`. If another process has saved meanwhile, the function is called again, with
        the new value.
        """
        function(change, "change", "update", self)
        while True:
            update = self._begin_update(timeout, lock)
            try:
                value: _T = self._current(update, default)
                with inside(self.path, "update"):
                    changed = change(value)
                if changed is not None:
                    value = changed
                data = self._encode(value)
                try:
                    self._version = update._save(data)
                except LeaseLost:
                    raise
                except (AlreadyExists, Conflict):
                    continue
                return value
            finally:
                update._finish()

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.postgres.Document {str(self.path)!r}, durability={self.durability!r}{closed}>"
