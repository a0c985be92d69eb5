"""Calls that need no handle, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._one_shot import given, text_of
from untorn.aio._document import Document
from untorn.aio._journal import Journal

if TYPE_CHECKING:
    import os
    from typing import Literal

    from untorn import Position


async def save_json(
    path: str | os.PathLike[str],
    obj: Any,
    *,
    durability: Literal["power", "process"] = "power",
    timeout: float | None = None,
    **dump_kwargs: Any,
) -> str:
    """Replace the whole file at `path` by the text that `json.dump` would write. As `untorn.save_json`."""
    text = text_of(obj, dump_kwargs)
    document = await Document.open(path, durability=durability, timeout=timeout, parents=True, dumps=given)
    return await document.save(text)


async def load_json(path: str | os.PathLike[str], default: Any = ...) -> Any:
    """Return the value in the JSON file at `path`; `default`, or `NotFound` without it, if it does not exist."""
    try:
        document = await Document.open(path)
    except FileNotFoundError:
        if default is ...:
            raise
        return default
    return await document.load(default)


async def append_json(
    path: str | os.PathLike[str],
    obj: Any,
    *,
    durability: Literal["power", "process"] = "power",
    timeout: float | None = None,
) -> Position:
    """Append one record to the journal at `path`. As `untorn.append_json`."""
    journal = await Journal.open(path, durability=durability, timeout=timeout, parents=True)
    return await journal.append(obj)
