"""Records as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from untorn._reading import told
from untorn._types import Damage, Record, Rewound

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from untorn._journal import Journal
    from untorn._untorn import Position, RawFollow, _News


class News:
    """What has come and was not yielded yet."""

    def __init__(
        self,
        journal: Journal,
        position: Position | None,
        on_damage: Callable[[Damage], object] | None,
        on_rewind: Callable[[Rewound], object] | None,
    ) -> None:
        self.items: deque[_News] = deque()
        self.position = position
        self._journal = journal
        self._told = told(on_damage, journal.path)
        self._on_rewind = on_rewind

    def values(self) -> Iterator[Any]:
        """The values among the items; each item goes as it is dealt with."""
        while self.items:
            item = self.items.popleft()
            match item:
                case "rewound", start, end:
                    self.position = end
                    if self._on_rewind is not None:
                        self._on_rewind(Rewound(start, end))
                case bytes() as data, start, end:
                    self.position = end
                    record = Record(data, start, end)
                    for _, value in self._journal._decoder.decoded(iter([record]), self._told):
                        yield value
                case kind, offset, length:
                    self._told(Damage(kind, offset, length))


class Follow(Iterator[Any]):
    """The values of a journal as they are appended, by whichever process; `Journal.follow` gives it.

    It ends when the journal's handle is closed, when `close` is called (by another thread, perhaps), or where no record
    came for `timeout` seconds: it can then be gone on with.
    """

    def __init__(self, raw: RawFollow, news: News, timeout: float | None) -> None:
        self._raw = raw
        self._news = news
        self.timeout = timeout

    timeout: float | None
    """For how many seconds it waits for a record before it ends; `None`: for ever. May be changed."""

    def __next__(self) -> Any:
        while True:
            for value in self._news.values():
                return value
            items = self._raw._next(self.timeout)
            if not items:
                raise StopIteration
            self._news.items.extend(items)

    @property
    def position(self) -> Position:
        """Behind the last value that was yielded: `follow(position)` goes on from here. It can be stored."""
        position = self._news.position
        assert position is not None
        return position

    def close(self) -> None:
        """End it, and the wait of whoever waits for the next."""
        self._raw._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
