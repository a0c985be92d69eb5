"""How far a long call is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from untorn._types import Record

    _Progress: TypeAlias = Callable[[int, int], object]
    """Receives how many bytes are done, and how many there are."""

# As often as the core reports, in seconds.
_EVERY = 0.05


def reported(records: Iterator[Record], total: int, progress: _Progress) -> Iterator[Record]:
    """Yield the records, and report now and then how far they are."""
    told = time.monotonic()
    for record in records:
        yield record
        if time.monotonic() - told >= _EVERY:
            told = time.monotonic()
            done = record.end.offset
            progress(done, max(done, total))
