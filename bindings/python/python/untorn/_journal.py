"""Journals of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from untorn import _codec
from untorn._codec import _T, Codec
from untorn._fold import Fold
from untorn._journal_reading import Reading
from untorn._journal_writing import Writing
from untorn._salvage import Salvaging
from untorn._untorn import (
    FileLock,
    Position,
    RawJournal,
    count_records,
    read_header,
    read_journal,
    tail_journal,
)

if TYPE_CHECKING:
    import os
    from types import EllipsisType
    from typing import Self

    from untorn._fold import State
    from untorn._options import _Durability, _Format, _HeaderMode, _OnUnsupported, _Scheme
    from untorn._untorn import Opened, Reader, _Record

_S = TypeVar("_S")


class Journal(RawJournal, Writing[_T], Reading[_T], Salvaging):
    """An append-only file of one-line records. Any number of processes and threads append to it.

    No record is torn, interleaved with another or glued to it, and none that `append` acknowledged is lost. If a crash
    leaves half a record, the next append repairs the file. Reading takes no lock. One handle serves many threads.

    Options:
    - `timeout`: How long a call waits for the lock. In seconds; `None` waits without a limit, 0 tries once.
    - `max_record`: How many bytes a record may have, without its newline. Longer lines are damage to a reader. Default:
      64 MiB.
    - `mode`: Permission bits of a new file. A file that exists keeps its own. Default: 0666 less the umask.
    - `durability`: The failure that a finished call survives: a power cut (`power`), or the end of any process
      (`process`). `"power"` (the default) or `"process"`.
    - `format`: The format of the records. With `"lines"` a record is `bytes` (or `str`): any without a newline or NUL.
      `"json"` (the default) or `"lines"`.
    - `create`: Whether an append creates the file if it is missing, also after it was deleted. If not, the append fails
      with `NotFound`. Default: yes.
    - `parents`: Whether missing parent directories are created when the handle is opened. Default: no.
    - `cut_foreign_tail`: Whether an append, a rewrite or a repair may change a file that is plainly not a journal, and
      cut its end off. Such a file is UTF-16, a JSON document over several lines, or binary. If not, it fails with
      `Corrupt`. Format `json` only. Default: no.
    - `scheme`: Which file carries the lock. All programs that share the file must use the same scheme. `"sidecar"` (the
      default), `"in-place"` or `"pid-file"`.
    - `on_unsupported`: The reaction to a file system that reports that it does not lock files. `"fail"` (the default)
      or `"pid-file"`.
    - `stale`: Scheme `pid-file` only: the age at which a lock file without a refresh is taken over. At least 2 s. In
      seconds; default: 10.
    - `max_bytes`: An append that finds the journal larger than this many bytes rotates it first. So the journal is
      never larger than this and one append. If the rotation fails, so does the append. Default: no limit.
    - `keep`: How many rotated files a rotation by `max_bytes` leaves, including those of `rewind` and `rotate`. It
      removes older ones. It neither counts nor removes a file that only has such a name, or that another program
      copied, replaced or appended to. Default: no limit.
    - `header_prefix`: The journal may have a header: its first line, if that begins with these bytes. The header is not
      a record. All handles on a journal must have the same prefix. A handle without it sees the header as a record.
      Default: none.
    - `header_reserve`: How many bytes a new header takes, including its newline. It is padded with spaces, so that
      later ones fit in its place. A longer header takes as much as it needs. Default: 512.
    - `header_mode`: How an existing header is changed: in its place if it fits (`stamp`), or always with a new file
      (`rename`). `"stamp"` (the default) or `"rename"`.
    - `sealed`: Whether a checksum follows each record (35 bytes per record). JSON readers take it for white space. It
      detects bit rot and spliced lines. It also makes an append of many records all or nothing across a power cut.
      Format `json` only. Default: no.
    - `dumps`, `loads`: how a record is encoded (to `bytes` or `str`, on one line) and decoded (from `bytes`), as
      `orjson.dumps` and `orjson.loads` do. By default compact JSON in UTF-8.
    - `codec`: both at once, for values of one type: `codecs.dataclass(Message)` makes a `Journal[Message]`.

    A call's own `timeout` replaces the handle's. `lock` is a `FileLock` of the same path that you already hold: the
    call works under it. A value is encoded before the lock is taken.
    """

    __slots__ = ("_checked", "_dumps", "_loads", "_made_decoder", "_options")

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        # begin generated parameters (spec/options.toml, cargo xtask generate)
        timeout: float | None = None,
        max_record: int = 64 << 20,
        mode: int | None = None,
        durability: _Durability = "power",
        format: _Format = "json",  # noqa: A002 - the option's name in every language
        create: bool = True,
        parents: bool = False,
        cut_foreign_tail: bool = False,
        scheme: _Scheme = "sidecar",
        on_unsupported: _OnUnsupported = "fail",
        stale: float = 10.0,
        max_bytes: int | None = None,
        keep: int | None = None,
        header_prefix: bytes | str | None = None,
        header_reserve: int = 512,
        header_mode: _HeaderMode = "stamp",
        sealed: bool = False,
        # end generated parameters
        dumps: _codec._Dumps | None = None,
        loads: _codec._Loads | None = None,
        codec: Codec[_T] | None = None,
    ) -> Self:
        """Open the journal at `path`. This resolves symbolic links; the first append creates the file."""
        options = {
            # begin generated options (spec/options.toml, cargo xtask generate)
            "timeout": timeout,
            "max_record": max_record,
            "mode": mode,
            "durability": durability,
            "format": format,
            "create": create,
            "parents": parents,
            "cut_foreign_tail": cut_foreign_tail,
            "scheme": scheme,
            "on_unsupported": on_unsupported,
            "stale": stale,
            "max_bytes": max_bytes,
            "keep": keep,
            "header_prefix": header_prefix,
            "header_reserve": header_reserve,
            "header_mode": header_mode,
            "sealed": sealed,
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
        self = RawJournal.__new__(cls, source, options, _codec.encoder_of(options, dumps))
        self._set_codec(options, dumps, loads)
        self._options = {**options, "dumps": dumps, "loads": loads}
        return self

    @property
    def header(self) -> Any:
        """Return the decoded header: the first line, if it begins with `header_prefix`. `None` if the journal has none.

        Takes no lock, and never sees half a stamp.
        """
        found = read_header(self)
        return None if found is None else self._loads(found)

    def set_header(
        self, header: Any, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None
    ) -> None:
        """Change the header, or add one.

        A header that fits in the place of the old one is written there (see `header_reserve`); otherwise the whole
        journal is rewritten. Raises `InvalidRecord` if the encoded header does not begin with `header_prefix`.
        """
        self._extend((), None, self._encode(header), timeout, lock)

    def _new_fold(self, state: State[_S]) -> Fold[_S]:
        return Fold(self, state)

    def _read(self, start: Position | None, max_records: int | None, max_bytes: int | None) -> Reader:
        return read_journal(self, start, max_records, max_bytes)

    def _tail(self, n: int) -> list[_Record]:
        return tail_journal(self, n)

    def _count(self) -> int:
        return count_records(self)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.Journal {str(self.path)!r}, durability={self.durability!r}{closed}>"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self.path),), self._options

    def __getstate__(self) -> None:
        """The arguments are all that a copy needs to open the file again."""
