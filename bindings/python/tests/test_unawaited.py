"""A call of `untorn.aio` that was not awaited releases its lock by itself. So a blocking call may wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import aio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

DOCUMENT: dict[str, Callable[[aio.Document[Any]], Awaitable[Any]]] = {
    "save": lambda document: document.save(1),
    "remove": lambda document: document.remove(),
}
JOURNAL: dict[str, Callable[[aio.Journal[Any]], Awaitable[Any]]] = {
    "append": lambda journal: journal.append(1),
    "extend": lambda journal: journal.extend([1, 2]),
    "replace": lambda journal: journal.replace([3]),
    "rotate": lambda journal: journal.rotate(),
    "clear": lambda journal: journal.clear(),
    "sync": lambda journal: journal.sync(),
}
# A call that was begun is often still under way when the next one asks for the lock.
TIMES = 30


@pytest.mark.parametrize("verb", DOCUMENT)
def test_a_blocking_save_waits_for_a_call_that_was_not_awaited(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "d.json"
    blocking = untorn.Document(path)

    async def main() -> None:
        document = aio.Document(path)
        for turn in range(TIMES):
            begun = asyncio.ensure_future(DOCUMENT[verb](document))
            await asyncio.sleep(0)
            blocking.save(turn)
            blocking.update_with(lambda value: value, default=0)
            await begun

    asyncio.run(main())


@pytest.mark.parametrize("verb", JOURNAL)
def test_a_blocking_append_waits_for_a_call_that_was_not_awaited(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "j.jsonl"
    blocking = untorn.Journal(path)

    async def main() -> None:
        journal = aio.Journal(path)
        for turn in range(TIMES):
            begun = asyncio.ensure_future(JOURNAL[verb](journal))
            await asyncio.sleep(0)
            blocking.append(turn)
            await begun

    asyncio.run(main())


def test_a_blocking_save_is_refused_in_an_update_of_the_same_loop(tmp_path: Path) -> None:
    path = tmp_path / "d.json"

    async def main() -> None:
        async with aio.Document(path).update(default={}) as value:
            value["n"] = 1
            with pytest.raises(untorn.Deadlock):
                untorn.Document(path).save(1)

    asyncio.run(main())
