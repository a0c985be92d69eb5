"""An agent's context: one journal of messages, checkpoints and usage, and what they add up to.

The system prompt is the journal's header. What is in memory is folded from the records, under the lock under which they
are appended: it is what the file says, whatever tasks and processes do at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from untorn import aio

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import TypeVar

    R = TypeVar("R")

Message = dict[str, Any]


@dataclass
class State:
    messages: list[Message] = field(default_factory=list)
    tokens: int = 0
    checkpoints: int = 0


def apply(state: State, record: Message) -> None:
    match record["role"]:
        case "_checkpoint":
            state.checkpoints = record["id"] + 1
        case "_usage":
            state.tokens += record["tokens"]
        case _:
            state.messages.append(record)


class Context:
    def __init__(self, journal: aio.Journal, state: aio.Fold[State]) -> None:
        self._journal = journal
        self._state = state

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> Context:
        """As it was left, also by a process that was killed."""
        journal = await aio.Journal.open(path, header_prefix='{"role":"_system_prompt"')
        return cls(journal, await journal.fold(State, apply))

    async def system_prompt(self) -> str | None:
        header = await self._journal.header
        return None if header is None else str(header["content"])

    async def set_system_prompt(self, text: str) -> None:
        await self._journal.set_header({"role": "_system_prompt", "content": text})

    async def append(self, *messages: Message) -> None:
        """All of them or none."""
        await self._state.extend(messages)

    async def add_usage(self, tokens: int) -> None:
        await self._state.append({"role": "_usage", "tokens": tokens})

    async def checkpoint(self) -> int:
        """A place to come back to: no other has its number."""
        numbers: list[int] = []

        def decide(state: State) -> list[Message]:
            numbers.append(state.checkpoints)
            return [{"role": "_checkpoint", "id": state.checkpoints}]

        await self._state.update(decide)
        return numbers[0]

    async def revert(self, checkpoint: int) -> None:
        """As it was before the checkpoint. The rest is kept in a rotated file."""
        async with aio.FileLock(self._journal.path) as lock:
            async for record in self._journal.records():
                if json.loads(record.data) == {"role": "_checkpoint", "id": checkpoint}:
                    await self._journal.rewind(record.start, lock=lock)
                    await self._state.refresh(lock=lock)
                    return
        msg = f"there is no checkpoint {checkpoint}"
        raise LookupError(msg)

    async def clear(self) -> None:
        """Begin anew, with the same system prompt. What there was is kept in a rotated file."""
        await self._journal.rotate()
        await self._state.refresh()

    async def read(self, look: Callable[[State], R]) -> R:
        """What `look` gives for the state as it is now."""
        await self._state.refresh()
        return await self._state.read(look)
