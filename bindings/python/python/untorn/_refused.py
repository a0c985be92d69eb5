"""Say which part of a value JSON can't hold."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from untorn._errors import InvalidArgument, InvalidRecord, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from untorn._errors import Error

_DONE = {"append": "nothing was appended", "save": "nothing was saved"}


def refused(value: Any, error: Exception, operation: str, path: Path) -> Error:
    """Return the error for a value that Python's `json` refused with `error`."""
    if isinstance(error, RecursionError):
        msg = f"{operation} {path}: Python's json can't encode a value nested this deep: pass dumps="
        return LimitExceeded(msg, path=path, operation=operation)
    where = _place(value, error)
    place = f", at value{where}" if where else ""
    done = _DONE.get(operation, "nothing was changed")
    if isinstance(error, TypeError):
        msg = f"{operation} {path}: {error}{place}; convert it, or pass dumps= when you open the file; {done}"
        return InvalidArgument(msg, path=path, operation=operation)
    return InvalidRecord(f"{operation} {path}: {error}{place}; {done}", path=path, operation=operation)


def _place(value: Any, error: Exception) -> str:
    """Return the place of the part that is the reason, as Python spells it; empty if it is the whole value."""
    outer = {id(value)}
    # One iterator per container that is being looked at, with its place.
    stack = [("", id(value), _parts(value))]
    while stack:
        place, one, parts = stack[-1]
        for name, part in parts:
            inner = f"{place}[{name!r}]"
            if id(part) in outer or _is_reason(part, error):
                return inner
            if isinstance(part, dict | list | tuple):
                outer.add(id(part))
                stack.append((inner, id(part), _parts(part)))
                break
        else:
            outer.discard(one)
            stack.pop()
    return ""


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list | tuple) else iter(())


def _is_reason(part: Any, error: Exception) -> bool:
    if isinstance(part, dict | list | tuple):
        # The name of an entry may be the reason.
        return isinstance(part, dict) and "keys must be" in str(error) and not all(map(_is_name, part))
    if isinstance(part, float):
        return not math.isfinite(part)
    if isinstance(part, str | int | None):
        return False
    return _is_refused(part)


def _is_name(name: Any) -> bool:
    return isinstance(name, str | int | float | None)


def _is_refused(part: Any) -> bool:
    try:
        json.dumps(part)
    except (TypeError, ValueError):
        return True
    return False
