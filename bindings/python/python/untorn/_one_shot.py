"""One call, no handle."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from untorn._document import Document
from untorn._journal import Journal

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
    """Replace the whole file at `path` by the very text that `json.dump(obj, file, **dump_kwargs)` would write.

    Takes every keyword of `json.dump` (`indent`, `sort_keys`, `default`, `cls`, `ensure_ascii`, ...) and raises what it
    raises; then, and on any failure of the system, the file is as it was. Written in UTF-8. Missing parent directories
    are made. Gives the new version.
    """
    text = text_of(obj, dump_kwargs)
    document = Document(path, durability=durability, timeout=timeout, parents=True, dumps=given)
    return document.save(text)


def load_json(path: str | os.PathLike[str], default: Any = ...) -> Any:
    """The value in the JSON file at `path`; `default` if there is no such file, and `NotFound` without one."""
    try:
        document = Document(path)
    except FileNotFoundError:
        # Its directory is not there either.
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
    """Append one record to the journal at `path`. For more than a few, keep a `Journal` open.

    Missing parent directories are made. Gives the position behind the record.
    """
    return Journal(path, durability=durability, timeout=timeout, parents=True).append(obj)


def text_of(obj: Any, dump_kwargs: dict[str, Any]) -> str:
    """What json.dump writes: it differs from json.dumps where `cls` overrides `encode` or `iterencode`."""
    text = io.StringIO()
    json.dump(obj, text, **dump_kwargs)
    return text.getvalue()


def given(text: str) -> str:
    """An encoder for what is encoded already."""
    return text
