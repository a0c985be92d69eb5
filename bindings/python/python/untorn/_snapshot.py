"""Several files of objects as they were at one instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn import _codec
from untorn._errors import NotFound
from untorn._reading import Decoder, records_of, told
from untorn._untorn import RawSnapshot, take_snapshot

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from untorn._options import _Format
    from untorn._types import Damage


class Snapshot:
    """The files of a directory as they were at one instant; `snapshot` returns it.

    It keeps them open and holds no lock: other processes continue to work. Use it as a context manager, or call
    `close`.
    """

    __slots__ = ("__weakref__", "_raw")

    def __init__(self, raw: RawSnapshot) -> None:
        self._raw = raw

    @property
    def dir(self) -> Path:
        """The directory, with every symbolic link resolved."""
        return self._raw._dir

    def names(self) -> list[str]:
        """The names of the files that existed, sorted."""
        return self._raw._names()

    def load(self, name: str, default: Any = ..., *, loads: _codec._Loads | None = None) -> Any:
        """Return the value that a file had. If it did not exist, return `default`, or raise `NotFound` without it."""
        return self._value(name, self._raw._load(name), default, loads)

    def _value(self, name: str, found: tuple[bytes, str] | None, default: Any, loads: _codec._Loads | None) -> Any:
        path = self.dir / name
        if found is not None:
            return _codec.decode_document(found[0], loads, path)
        if default is not ...:
            return default
        msg = f"load {path}: the file did not exist"
        raise NotFound(msg, path=path, operation="load")

    def values(
        self,
        name: str,
        on_damage: Callable[[Damage], object] | None = None,
        *,
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        header_prefix: bytes | str | None = None,
        loads: _codec._Loads | None = None,
    ) -> Iterator[Any]:
        """Yield the records that a journal had, decoded; none if it did not exist."""
        reader = self._raw._reader(name, {"format": format, "header_prefix": header_prefix})
        decoder = Decoder(loads or _codec.decoder_of(format), format == "json", self.dir / name)
        tell = told(on_damage, self.dir / name)
        while items := reader._next():
            for _, value in decoder.decoded(records_of(items, tell), tell):
                yield value

    def close(self) -> None:
        """Close the files; reading them later raises `InvalidArgument`. A second call does nothing."""
        self._raw._close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._raw._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.Snapshot {str(self.dir)!r}{closed}>"


def snapshot(
    dir: str | os.PathLike[str],  # noqa: A002 - as in every language
    *,
    timeout: float | None = None,
) -> Snapshot:
    """Take the files of `dir` as they are at one instant, also while transactions run.

    with snapshot("session") as past:
        state, log = past.load("state.json"), list(past.values("session.jsonl"))
    """
    return Snapshot(take_snapshot(dir, timeout))
