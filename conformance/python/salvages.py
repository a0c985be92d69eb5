"""The steps on damage in the middle of a journal, and on held locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from untorn import Salvage


def salvaged(done: Salvage) -> dict[str, Any]:
    """Returns a salvage as the data writes it."""
    tail = done.tail
    return {
        "lines": [list(line) for line in done.lines],
        "line_count": done.line_count,
        "records": done.records,
        "kept": done.kept,
        "nuls": done.nuls,
        "left": done.left,
        "tail": tail and [tail.offset, tail.cut, tail.newline_added],
    }
