"""A statement that has no answer, in the words of the engine."""

from __future__ import annotations

from typing import Any, Protocol

REFUSED = "58000"
"""The SQLSTATE for what this side refuses: nothing was sent, and nothing is sent again."""
LOGIN = "28P01"
"""The SQLSTATE for a login that the server refuses."""
NO_DATABASE = "3D000"
"""The SQLSTATE for a database that is missing."""
STOPPED = "57014"
"""The SQLSTATE of a statement that the server ended because it was asked to."""


class Failed(Exception):
    """A statement without rows.

    With `sqlstate` it is an error of the server. Else `sent` says whether the statement may have been carried out.
    """

    def __init__(
        self,
        text: str,
        *,
        sqlstate: str | None = None,
        detail: str | None = None,
        hint: str | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint
        self.sent = sent


class OwnConnection(Protocol):
    """A connection that its user keeps."""

    def query(self, sql: str, params: list[Any]) -> list[Any]:
        """Run one statement, and return its rows."""

    def notifications(self, seconds: float) -> list[str]:
        """Wait until the server notifies, and return the channels."""

    def close(self) -> None:
        """End the use of the connection."""


class Adapter(Protocol):
    """What the engine needs of a driver. Each method raises `Failed`, and any thread calls."""

    def query(self, sql: str, params: list[Any], number: int) -> list[Any]:
        """Run one statement on a connection that is in no transaction, and return its rows."""

    def cancel(self, number: int) -> None:
        """Ask the server to end the statement with this number, if it still runs."""

    def own(self) -> OwnConnection | None:
        """Return a connection that no other caller uses; `None` if the driver has none."""

    def close(self) -> None:
        """Close the connections that the adapter opened itself."""
