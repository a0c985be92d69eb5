"""Leases that fence their owner."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from untorn._types import Holder
    from untorn._untorn import PostgresLease, Process


class Lease:
    """A session's lease: one live owner at a time, on any host. `session.claim(label)` returns it.

    A thread of the library renews it. If this process dies, stops or is cut off, the lease ends after the store's
    `ttl`. Then another process may claim the session, and this one can change nothing any more: `LeaseLost`.

    Use it as a context manager, or call `release`.
    """

    __slots__ = ("__weakref__", "_lost", "_raw")

    def __init__(self, raw: PostgresLease) -> None:
        self._raw = raw
        self._lost = threading.Event()
        raw._on_lost(self._lost.set)

    @property
    def lost(self) -> threading.Event:
        """Set once this process learns that it lost the lease: `lease.lost.wait(timeout)`, `lease.lost.is_set()`."""
        return self._lost

    @property
    def holder(self) -> Holder:
        """This process, as others see it."""
        return self._raw._holder

    @property
    def previous(self) -> Holder | None:
        """The previous owner, if it ended without releasing the session; else `None`."""
        return self._raw._previous

    @property
    def path(self) -> Path:
        """The session's name in messages: schema and key. It is not a path of this machine."""
        return self._raw._path

    @property
    def token(self) -> int:
        """The number that fences the owner's writes, for statements of your own (`token => …`)."""
        return self._raw._token

    @property
    def held(self) -> bool:
        """Whether this process still holds it, as far as it knows."""
        return self._raw._held

    def release(self) -> None:
        """Release the session. A second call does nothing, nor does a call in a forked child.

        Raises `LeaseLost` if another process has claimed the session meanwhile.
        """
        self._raw._release()

    def close(self) -> None:
        """The same as `release`; every handle has `close`."""
        self.release()

    def transfer(self, to: Process) -> None:
        """Hand the session over to another process, its successor, and release it.

        The successor claims it. Until it has, for a minute, no other process can. It may run on another host: it
        sends its `Process.current()` as text (`to_json`).
        """
        self._raw._transfer(to)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        held = ", held" if self.held else ""
        return f"<untorn.postgres.Lease {str(self.path)!r}{held}>"
