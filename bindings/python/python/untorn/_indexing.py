"""Records by their place."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untorn._journal import Journal


def at_index(journal: Journal[Any], index: Any) -> Any:
    """Return what `journal[index]` is. From the end, only the end of the file is read."""
    if isinstance(index, slice):
        if _is_tail(index):
            return journal.tail(-index.start)
        return journal.read()[index]
    place = operator.index(index)
    if place < 0:
        found = journal.tail(-place)
        if len(found) == -place:
            return found[0]
    else:
        for number, value in enumerate(journal):
            if number == place:
                return value
    msg = f"{journal.path} has no record {place}"
    raise IndexError(msg)


def _is_tail(index: slice) -> bool:
    start, stop, step = index.start, index.stop, index.step
    return isinstance(start, int) and start < 0 and stop is None and step is None
