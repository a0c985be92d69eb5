"""Calls that need no handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._document import Document
from untorn._journal import Journal
from untorn._untorn import append_once, json_text

if TYPE_CHECKING:
    import os

    from untorn._options import _Durability
    from untorn._untorn import Position


def save_json(
    path: str | os.PathLike[str],
    obj: Any,
    *,
    durability: _Durability = "power",
    timeout: float | None = None,
    **dump_kwargs: Any,
) -> str:
    """Replace the whole file at `path` by the text that `json.dump(obj, file, **dump_kwargs)` would write.

    Takes every keyword of `json.dump` (`indent`, `sort_keys`, `default`, `cls`, `ensure_ascii`, ...) and raises what
    it raises. After that, or any failure of the system, the file is unchanged. The file is written in UTF-8. Missing
    parent directories are created. Returns the new version.
    """
    text = text_of(obj, dump_kwargs)
    document = Document(path, durability=durability, timeout=timeout, parents=True, dumps=given)
    return document.save(text)


def load_json(path: str | os.PathLike[str], default: Any = ...) -> Any:
    """Return the value in the JSON file at `path`.

    If the file does not exist, return `default`, or raise `NotFound` without it.
    """
    try:
        document = Document(path)
    except FileNotFoundError:
        # Its directory does not exist either.
        if default is ...:
            raise
        return default
    return document.load(default)


def append_json(
    path: str | os.PathLike[str],
    obj: Any,
    *,
    durability: _Durability = "power",
    timeout: float | None = None,
) -> Position:
    """Append one record to the journal at `path`, and return the position just after it.

    Missing parent directories are created. For more than a few records, keep a `Journal` open.
    """
    end = append_once(path, obj, durability, timeout)
    if end is None:
        # Python's `json` encodes it, or says why it can't.
        end = Journal(path, durability=durability, timeout=timeout, parents=True).append(obj)
    return end


def text_of(obj: Any, dump_kwargs: dict[str, Any]) -> bytes | str:
    """The text that json.dump writes. It differs from json.dumps if `cls` overrides `encode` or `iterencode`."""
    plain = _plain_text(obj, **dump_kwargs) if dump_kwargs.keys() <= _PLAIN else None
    if plain is not None:
        return plain
    import io  # only where it is needed: to import it takes long
    import json

    text = io.StringIO()
    json.dump(obj, text, **dump_kwargs)
    return text.getvalue()


# Options whose text the extension makes, too. It leaves a value to `json` before any `default` was called.
_PLAIN = {
    "allow_nan",
    "check_circular",
    "default",
    "ensure_ascii",
    "indent",
    "separators",
    "skipkeys",
    "sort_keys",
}


def _plain_text(
    obj: Any,
    *,
    ensure_ascii: Any = True,
    allow_nan: Any = True,
    sort_keys: Any = False,
    indent: Any = None,
    separators: Any = None,
    check_circular: Any = True,
    **_: Any,
) -> bytes | None:
    if isinstance(indent, int) and not isinstance(indent, bool):
        indent = " " * indent
    if separators is None:
        separators = (", " if indent is None else ",", ": ")
    try:
        item, name = separators
    except (TypeError, ValueError):
        return None
    # A value that contains itself is without end, if it is not looked for.
    if not check_circular or not all(type(part) is str and part.isascii() for part in (item, name, indent or "")):
        return None
    return json_text(obj, bool(ensure_ascii), bool(allow_nan), bool(sort_keys), indent, item, name)


def given(text: bytes | str) -> bytes | str:
    """An encoder for text that is already encoded."""
    return text
