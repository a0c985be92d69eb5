"""Follow a journal: its values as they are appended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from untorn._codec import _T
from untorn._reading import told
from untorn._types import Damage, Record, Rewound

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from untorn._journal_writing import Writing
    from untorn._untorn import Position, RawFollow, _News


class News:
    """The items that have arrived and were not yielded yet."""

    def __init__(
        self,
        journal: Writing[Any],
        position: Position | None,
        on_damage: Callable[[Damage], object] | None,
        on_rewind: Callable[[Rewound], object] | None,
    ) -> None:
        self.items: deque[_News] = deque()
        self.position = position
        self.path = journal.path
        self._journal = journal
        self._told = told(on_damage, journal.path)
        self._on_rewind = on_rewind

    def values(self) -> Iterator[Any]:
        """Yield the values among the items. Each item is removed when it has been handled."""
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


class Follow(Iterator[_T]):
    """The values of a journal as any process appends them; `Journal.follow` returns it.

    The iteration ends when the journal's handle is closed, or when any thread calls `close`. It also ends if no
    record came for `timeout` seconds: you can then continue it.
    """

    def __init__(self, raw: RawFollow, news: News, timeout: float | None) -> None:
        self._raw = raw
        self._news = news
        self.timeout = timeout

    timeout: float | None
    """How many seconds it waits for a record before it ends; `None`: without a limit. You may change it."""

    def __next__(self) -> _T:
        while True:
            for value in self._news.values():
                return value  # type: ignore[no-any-return]
            items = self._raw._next(self.timeout)
            if not items:
                raise StopIteration
            self._news.items.extend(items)

    @property
    def position(self) -> Position:
        """The position just after the last value that was yielded.

        You can store it. `follow(position)` continues there.
        """
        position = self._news.position
        assert position is not None
        return position

    def close(self) -> None:
        """End the iteration, and a wait for the next value in any thread."""
        self._raw._close()

    def __repr__(self) -> str:
        return f"<untorn.Follow of {str(self._news.path)!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
