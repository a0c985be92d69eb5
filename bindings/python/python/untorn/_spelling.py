"""Numbers beyond Python's floats. A file that is read to be written again keeps their spelling."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Beyond(float):
    """An infinity that was a number in JSON, such as 1e999."""

    __slots__ = ("spelled",)

    spelled: str


def number(text: str) -> float:
    """For a decoder's `parse_float`."""
    value = float(text)
    if math.isfinite(value):
        return value
    beyond = Beyond(value)
    beyond.spelled = text
    return beyond


def encoded(value: Any, to_text: Callable[[Any], str], error: ValueError) -> str:
    """Return the text of a value that `to_text` refused; raise `error` again if such numbers are not the reason."""
    # No text of the caller's contains this.
    mark = os.urandom(16).hex()
    found: list[str] = []
    try:
        marked = _marked(value, mark, found)
    except RecursionError:
        # The reason was a value that contains itself.
        raise error from None
    if not found:
        raise error
    text = to_text(marked)
    for n, spelled in enumerate(found):
        text = text.replace(f'"{mark}{n}."', spelled)
    return text


def _marked(value: Any, mark: str, found: list[str]) -> Any:
    if isinstance(value, Beyond):
        found.append(value.spelled)
        return f"{mark}{len(found) - 1}."
    if isinstance(value, dict):
        return {name: _marked(inner, mark, found) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(inner, mark, found) for inner in value]
    return value


def decoder(parse_constant: Callable[[str], Any]) -> Callable[[str], Any]:
    """A decoder of JSON that keeps such numbers."""
    return json.JSONDecoder(parse_constant=parse_constant, parse_float=number).decode
