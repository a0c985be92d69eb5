"""A harness's `save_json`, from any number of processes, with undo.

Before each save the value that it replaces goes onto a stack, a journal beside the file. Both change together or not at
all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from untorn import Transaction, load_json

__all__ = ["load_json", "save_json", "undo"]


def stack_of(path: Path) -> str:
    return f"{path.stem}.undo.jsonl"


def save_json(path: str | Path, obj: Any, **dump_kwargs: Any) -> None:
    """Takes what `json.dumps` takes, and raises what it raises; then nothing has changed."""
    path, text = Path(path), json.dumps(obj, **dump_kwargs)
    with Transaction(path.parent) as tx:
        old = tx.load(path.name, None, loads=bytes)
        if old is not None:
            tx.append(stack_of(path), old.decode())
        tx.save(path.name, text, dumps=str.encode)


def undo(path: str | Path) -> bool:
    """The value before the last save. `False`: there is none."""
    path = Path(path)
    with Transaction(path.parent) as tx:
        *rest, last = tx.load(stack_of(path), b"", loads=bytes).splitlines(keepends=True) or [b""]
        if not last:
            return False
        tx.save(path.name, json.loads(last), dumps=str.encode)
        tx.save(stack_of(path), b"".join(rest), dumps=bytes)
    return True
