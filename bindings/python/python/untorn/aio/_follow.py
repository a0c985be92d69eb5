"""Follow a journal: its values as they are appended, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from untorn._codec import _T
from untorn._follow import News
from untorn._untorn import LaterFollow
from untorn.aio._closing import Closing
from untorn.aio._pending import taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    import untorn
    from untorn import Damage, Position, Rewound
    from untorn._untorn import LaterJournal, RawFollow


class Follow(Closing, AsyncIterator[_T]):
    """The values of a journal as any process appends them; `Journal.follow` returns it.

    The iteration ends when the journal's handle is closed, or when `close` is called. It also ends if no record came
    for `timeout` seconds: you can then continue it.
    """

    def __init__(
        self,
        journal: untorn.Journal[Any],
        later: LaterJournal,
        start: Position | None,
        on_damage: Callable[[Damage], object] | None,
        on_rewind: Callable[[Rewound], object] | None,
        timeout: float | None,
    ) -> None:
        self._begin = (later, start)
        self._begun: tuple[RawFollow, LaterFollow] | None = None
        self._news = News(journal, start, on_damage, on_rewind)
        self.timeout = timeout
        self._closed = False

    timeout: float | None
    """How many seconds it waits for a record before it ends; `None`: without a limit. You may change it."""

    async def begin(self) -> Self:
        """Begin now instead of with the first value: records that are appended from here on are not missed."""
        if self._begun is None:
            later, start = self._begin
            raw = await later.follow(start)
            self._begun = raw, LaterFollow(raw)
            self._news.position = raw._position
        return self

    async def __anext__(self) -> _T:
        await self.begin()
        assert self._begun is not None
        while True:
            for value in self._news.values():
                return value  # type: ignore[no-any-return]
            if self._closed:
                raise StopAsyncIteration
            items = await taken(self._begun[1].next(self.timeout), self._news.items.extend)
            if not items:
                raise StopAsyncIteration
            self._news.items.extend(items)

    @property
    def position(self) -> Position | None:
        """The position just after the last value that was yielded. `follow(position)` continues there."""
        return self._news.position

    def __repr__(self) -> str:
        return f"<untorn.aio.Follow of {str(self._news.path)!r}>"

    async def close(self) -> None:
        """End the iteration, and the wait of the task that waits for the next value."""
        self._closed = True
        if self._begun is not None:
            self._begun[0]._close()

    async def __aenter__(self) -> Self:
        return await self.begin()
