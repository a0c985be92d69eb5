"""Follow a journal in the database, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._codec import _T
from untorn.aio import _follow
from untorn.aio.postgres._workers import called

if TYPE_CHECKING:
    from typing import Self

    from untorn._untorn import RawFollow
    from untorn.aio._pending import Pending


class LaterFollow:
    """The calls of a follower. Each wait for a record takes a thread."""

    def __init__(self, raw: RawFollow) -> None:
        self._raw = raw

    def next(self, timeout: Any) -> Pending[Any]:
        """Wait for a record."""
        return called(self._raw._next, timeout)


class Follow(_follow.Follow[_T]):
    """The values of a journal as any process appends them; `Journal.follow` returns it. As `untorn.aio.Follow`."""

    _begun: Any

    async def begin(self) -> Self:
        """Begin now instead of with the first value: records that are appended from here on are not missed."""
        if self._begun is None:
            later, start = self._begin
            raw = await later.follow(start)
            self._begun = raw, LaterFollow(raw)
            self._news.position = raw._position
        return self
