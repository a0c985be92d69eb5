"""Check arguments before anything is locked or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from untorn._errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Each is iterable, but not a list of records: a dict would yield its keys, a text its letters.
_ONE = (Mapping, str, bytes, bytearray, memoryview)


def many(objs: Any, verb: str, path: Path, what: str = "it takes") -> Iterable[Any]:
    """Check that the argument is many records, before anything is locked or changed."""
    if isinstance(objs, _ONE):
        refuse(f"{what} many records, and {kind_of(objs)} is one: put it in a list", verb, path)
    if hasattr(objs, "__await__"):
        refuse(f"{what} many records, not {kind_of(objs)}: await it first", verb, path)
    if hasattr(objs, "__aiter__") and not hasattr(objs, "__iter__"):
        refuse(f"{what} many records at once, not an async iterator: collect them first", verb, path)
    try:
        iter(objs)
    except TypeError:
        refuse(f"{what} many records, such as a list, not {type(objs).__name__}", verb, path)
    made: Iterable[Any] = objs
    return made


def function(given: Any, name: str, verb: str, of: Any) -> None:
    """Check that an argument of this handle's method is a function, or left out."""
    if given is not None and not callable(given):
        refuse(f"{name} must be a function, not {kind_of(given)}", verb, of.path)


def kind_of(value: Any) -> str:
    """Return the name of a value's type, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


def refuse(why: str, verb: str, path: Path) -> None:
    """Raise `InvalidArgument`."""
    msg = f"{verb} {path}: {why}; nothing was changed"
    raise InvalidArgument(msg, path=path, operation=verb)
