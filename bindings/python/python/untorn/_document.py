"""Documents of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn import _codec
from untorn._arguments import function
from untorn._codec import _T, Codec
from untorn._document_saving import Saving
from untorn._untorn import RawDocument

if TYPE_CHECKING:
    import os
    from typing import Self

    from untorn._options import _Durability, _OnUnsupported, _Scheme
    from untorn._untorn import Opened


class Document(RawDocument, Saving[_T]):
    """One value in one file, always replaced whole.

    At every instant, and after every crash that its durability covers, the file holds its old value or its new one.
    A save keeps mode, owner, extended attributes and symbolic links.

    Options:
    - `timeout`: How long a call waits for the lock. In seconds; `None` waits without a limit, 0 tries once.
    - `mode`: Permission bits of a new file. A file that exists keeps its own. Default: 0666 less the umask.
    - `durability`: The failure that a finished call survives: a power cut (`power`), or the end of any process
      (`process`). `"power"` (the default) or `"process"`.
    - `parents`: Whether missing parent directories are created when the handle is opened. Default: no.
    - `scheme`: Which file carries the lock. All programs that share the file must use the same scheme. `"sidecar"` (the
      default), `"in-place"` or `"pid-file"`.
    - `on_unsupported`: The reaction to a file system that reports that it does not lock files. `"fail"` (the default)
      or `"pid-file"`.
    - `stale`: Scheme `pid-file` only: the age at which a lock file without a refresh is taken over. At least 2 s. In
      seconds; default: 10.
    - `dumps`, `loads`: how the value is encoded (to `bytes` or `str`) and decoded (from `bytes`). By default compact
      JSON in UTF-8.
    - `codec`: both at once, for a value of one type: `codec=untorn.codecs.dataclass(Settings)` makes a
      `Document[Settings]`.

    A call's own `timeout` replaces the handle's. `lock` is a `FileLock` of the same path that you already hold: the
    call works under it. A version is a text of 32 hexadecimal digits, a hash of the file's bytes.
    """

    __slots__ = ("_dumps", "_loads", "_options", "_version")

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        # begin generated parameters (spec/options.toml, cargo xtask generate)
        timeout: float | None = None,
        mode: int | None = None,
        durability: _Durability = "power",
        parents: bool = False,
        scheme: _Scheme = "sidecar",
        on_unsupported: _OnUnsupported = "fail",
        stale: float = 10.0,
        # end generated parameters
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
        codec: Codec[_T] | None = None,
    ) -> Self:
        """Open the document at `path`, which need not exist yet. This resolves symbolic links."""
        options = {
            # begin generated options (spec/options.toml, cargo xtask generate)
            "timeout": timeout,
            "mode": mode,
            "durability": durability,
            "parents": parents,
            "scheme": scheme,
            "on_unsupported": on_unsupported,
            "stale": stale,
            # end generated options
        }
        return cls._of(path, options, *_codec.functions(codec, dumps, loads))

    @classmethod
    def _of(
        cls,
        source: str | os.PathLike[str] | Opened,
        options: dict[str, Any],
        dumps: _codec._Dumps | None,
        loads: _codec._Loads | None,
    ) -> Self:
        self = RawDocument.__new__(cls, source, options)
        function(dumps, "dumps", "open", self)
        function(loads, "loads", "open", self)
        self._dumps = dumps
        self._loads = loads
        self._version = None
        self._options = {**options, "dumps": dumps, "loads": loads}
        return self

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.Document {str(self.path)!r}, durability={self.durability!r}{closed}>"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self.path),), self._options

    def __getstate__(self) -> None:
        """The arguments are all that a copy needs to open the file again."""
