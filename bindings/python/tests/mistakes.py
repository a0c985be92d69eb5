"""What a mistake is answered with: the class, and the words that a person can act on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import untorn

Make: TypeAlias = Callable[[Path], object]
Mistakes: TypeAlias = Mapping[str, tuple[Make, type[BaseException], str]]

J: Any = {"durability": "process"}


def wrong(value: Any) -> Any:
    """Return a value that a type checker would refuse."""
    return value


def answered(path: Path, mistake: tuple[Make, type[BaseException], str]) -> None:
    """Make the mistake, and look at the answer."""
    make, kind, words = mistake
    with pytest.raises(kind, match=words) as raised:
        make(path)
    assert type(raised.value) is kind
    if isinstance(raised.value, untorn.Error):
        assert repr(raised.value) == f"{kind.__name__}({str(raised.value)!r})"


def beginning(path: Path, **options: Any) -> untorn.Journal:
    """Return a journal of one record."""
    journal = untorn.Journal(path, **J, **options)
    journal.append(1)
    return journal
