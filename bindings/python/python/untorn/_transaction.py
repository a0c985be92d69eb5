"""Several files of objects that change together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn import _codec
from untorn._transaction_staging import Staging
from untorn._untorn import RawSession, RawTransaction, Turn

if TYPE_CHECKING:
    import os
    from typing import Self

    from untorn._options import _Durability, _Format


class Transaction(RawTransaction, Staging):
    """Several documents and journals of one directory that change together or not at all, whichever process dies.

        with Transaction("session") as tx:
            state = tx.load("state.json", default={})
            tx.save("state.json", {**state, "done": True})
            tx.append("session.jsonl", {"event": "done"})
            tx.create("result.json", {"ok": True})

    It is committed when the block ends. If the block raises, nothing has changed. A file is locked from its first
    `load` on, so that a save can depend on what was read; other files are locked during the commit. A name is that of a
    file directly in the directory.

    - `durability`: which failure a finished commit survives: `"power"` a power cut, `"process"` the end of a process.
    - `mode`: permission bits of new files.
    - `timeout`: how many seconds each call waits for locks; `None` waits without a limit, 0 tries once.
    - `parents`: whether the directory and its missing parent directories are created when the transaction begins.
    - `format`, `max_record`, `header_prefix`, `header_reserve`, `sealed`: the options of the journals.
    - `dumps`, `loads`: how values are encoded and decoded, by default as JSON. A call can have its own:
      `tx.load("state.toml", loads=bytes)`.
    """

    __slots__ = ("_dumps", "_loads")

    def __new__(
        cls,
        dir: str | os.PathLike[str],  # noqa: A002 - as in every language
        *,
        # begin generated parameters (spec/options.toml, cargo xtask generate)
        timeout: float | None = None,
        max_record: int = 64 << 20,
        mode: int | None = None,
        durability: _Durability = "power",
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        parents: bool = False,
        header_prefix: bytes | str | None = None,
        header_reserve: int = 512,
        sealed: bool = False,
        # end generated parameters
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
    ) -> Self:
        """Prepare a transaction in `dir`; it begins with its `with` block."""
        options = {
            # begin generated options (spec/options.toml, cargo xtask generate)
            "timeout": timeout,
            "max_record": max_record,
            "mode": mode,
            "durability": durability,
            "format": format,
            "parents": parents,
            "header_prefix": header_prefix,
            "header_reserve": header_reserve,
            "sealed": sealed,
            # end generated options
        }
        return cls._of(dir, options, dumps, loads)

    @classmethod
    def _of(
        cls,
        origin: str | os.PathLike[str] | RawSession | Turn,
        options: dict[str, Any],
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = RawTransaction.__new__(cls, origin, options)
        self._dumps = dumps
        self._loads = loads
        return self

    def __repr__(self) -> str:
        state = ", open" if self.open else ""
        return f"<untorn.Transaction {str(self.dir)!r}{state}>"
