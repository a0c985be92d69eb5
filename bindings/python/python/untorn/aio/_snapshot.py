"""Several files of objects as they were at one instant, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import untorn
from untorn import _codec
from untorn._reading import Decoder, records_of, told
from untorn._untorn import snapshot_load_later, snapshot_reader_later, take_snapshot_later
from untorn.aio._closing import Closing

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from untorn import Damage
    from untorn._options import _Format


class Snapshot(Closing):
    """The files of a directory as they were at one instant; `await snapshot(dir)` returns it."""

    __slots__ = ("__weakref__", "_snapshot")

    def __init__(self, snapshot: untorn.Snapshot) -> None:
        self._snapshot = snapshot

    @property
    def dir(self) -> Path:
        """The directory, with every symbolic link resolved."""
        return self._snapshot.dir

    def names(self) -> list[str]:
        """Return the names of the files that existed, sorted, without waiting."""
        return self._snapshot.names()

    async def load(self, name: str, default: Any = ..., *, loads: _codec._Loads | None = None) -> Any:
        """Return the value that a file had; `default`, or `NotFound` without it, if it did not exist."""
        found = await snapshot_load_later(self._snapshot._raw, name)
        return self._snapshot._value(name, found, default, loads)

    async def values(
        self,
        name: str,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        header_prefix: bytes | str | None = None,
        loads: _codec._Loads | None = None,
    ) -> AsyncIterator[Any]:
        """Yield the records that a journal had, decoded; none if it did not exist."""
        options = {"format": format, "header_prefix": header_prefix}
        reader = await snapshot_reader_later(self._snapshot._raw, name, options)
        decoder = Decoder(loads or _codec.decoder_of(format), format == "json", self.dir / name)
        tell = told(on_damage, self.dir / name)
        while items := await reader.next():
            for _, value in decoder.decoded(records_of(items, tell), tell):
                yield value

    async def close(self) -> None:
        """Close the files. A second call does nothing."""
        self._snapshot.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._snapshot.closed

    def __repr__(self) -> str:
        return repr(self._snapshot).replace("<untorn.", "<untorn.aio.", 1)


async def snapshot(
    dir: str | os.PathLike[str],  # noqa: A002 - as in every language
    *,
    timeout: float | None = None,
) -> Snapshot:
    """Take the files of `dir` as they are at one instant, also while transactions run."""
    return Snapshot(untorn.Snapshot(await take_snapshot_later(dir, timeout)))
