import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, Literal, Self, TypeAlias, final

from typing_extensions import Buffer, disjoint_base

from untorn._options import _OnUnsupported, _Scheme
from untorn._salvage import Held, Salvage, TornEntry
from untorn._types import Hit, Holder, Report, SelfTest, _Kind
from untorn.aio._pending import Pending, Started

_Data: TypeAlias = Buffer | str
_Timeout: TypeAlias = float | EllipsisType | None
_Progress: TypeAlias = Callable[[int, int], object]
_Record: TypeAlias = tuple[bytes, Position, Position]
_Item: TypeAlias = _Record | tuple[_Kind, int, int]
_Left: TypeAlias = tuple[int, _Item, Exception | None]
_News: TypeAlias = _Item | tuple[Literal["rewound"], Position, Position]
_Folded: TypeAlias = _Item | None
_Begun: TypeAlias = Turn | tuple[Literal["no_change", "busy", "alive", "done"], Holder | None]

__all__ = [
    "Acquired",
    "Encoded",
    "FileLock",
    "LaterDocument",
    "LaterFold",
    "LaterFollow",
    "LaterJournal",
    "LaterReader",
    "LaterRewrite",
    "LaterSession",
    "LaterTransaction",
    "LaterTurn",
    "Lease",
    "Opened",
    "Position",
    "PostgresCall",
    "PostgresDocument",
    "PostgresFold",
    "PostgresFoldTurn",
    "PostgresJournal",
    "PostgresLease",
    "PostgresRewrite",
    "PostgresSession",
    "PostgresStore",
    "PostgresTransaction",
    "PostgresTurn",
    "PostgresUpdate",
    "Process",
    "RawDocument",
    "RawFold",
    "RawFollow",
    "RawJournal",
    "RawSession",
    "RawSnapshot",
    "RawStore",
    "RawTransaction",
    "RawTurn",
    "Reader",
    "Rewrite",
    "Taken",
    "Turn",
    "Update",
    "acquire_later",
    "append_once",
    "command",
    "count_records",
    "document_json",
    "finish_appends",
    "flush_events",
    "forked",
    "held_below",
    "held_below_later",
    "holder",
    "holder_later",
    "inspect",
    "json_line",
    "json_text",
    "json_value",
    "lease_release_later",
    "lease_transfer_later",
    "open_document_later",
    "open_journal_later",
    "open_store_later",
    "patience",
    "postgres_migrate",
    "postgres_selftest",
    "prune_torn",
    "prune_torn_later",
    "read_header",
    "read_journal",
    "release_later",
    "restore_torn",
    "restore_torn_later",
    "salvage",
    "salvage_later",
    "selftest",
    "selftest_later",
    "set_event_sink",
    "set_wait_threshold",
    "snapshot_load_later",
    "snapshot_reader_later",
    "store_keys_later",
    "store_remove_later",
    "store_search_later",
    "tail_journal",
    "take_snapshot",
    "take_snapshot_later",
    "torn",
    "torn_bytes",
    "torn_bytes_later",
    "torn_later",
    "transfer_later",
    "version",
    "waiters",
    "waiters_later",
]

@final
class Position:
    """A place in a journal: a generation, and a byte offset at the end of a record.

    A position from before the journal was rewritten or replaced never matches the
    new file. You can compare, hash and pickle it, and store it as text:
    `str(position)` and `Position.parse(text)`.
    """

    __match_args__ = ("generation", "offset")
    def __new__(cls, generation: int, offset: int) -> Self: ...
    @property
    def generation(self) -> int:
        """Which of the files that had this name; 0: no file existed."""
    @property
    def offset(self) -> int:
        """Bytes from the start of the file."""
    @staticmethod
    def parse(text: str) -> Position:
        """Reads the position that `str` wrote: `generation:offset`."""
    def __getnewargs__(self) -> tuple[int, int]: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __lt__(self, value: Position, /) -> bool: ...
    def __le__(self, value: Position, /) -> bool: ...
    def __gt__(self, value: Position, /) -> bool: ...
    def __ge__(self, value: Position, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class FileLock:
    """A lock across processes and threads. The kernel releases it when its holder
    dies.

    `FileLock(p)` is the lock of the file `p`, the same that `Journal(p)` and
    `Document(p)` take. It is an OS lock on `p.lock`; `p` itself need not exist.
    Use it as a context manager, or with `acquire` and `release`. You can acquire
    it again after a release.

    - `timeout`: seconds to wait; `None` waits without a limit, 0 tries once.
    - `shared`: holds the lock together with others that share it.
    - `label`: what other processes see of the holder.
    - `scheme`: which file carries the lock: `"sidecar"`: an OS lock on `p.lock`,
      `"in-place"`: an OS lock on `p` itself, `"pid-file"`: the existence of `p.lock`.
      Every program that shares the file must use the same scheme.
    - `on_unsupported`: what happens if the file system does not lock: `"fail"` or
      `"pid-file"`.
    - `stale`: after how many seconds without a refresh a `"pid-file"` is taken
      over.
    """

    def __new__(
        cls,
        path: str | os.PathLike[str],
        timeout: float | None = None,
        *,
        shared: bool = False,
        label: str | None = None,
        scheme: _Scheme = "sidecar",
        on_unsupported: _OnUnsupported = "fail",
        stale: float = 10.0,
    ) -> Self: ...
    @classmethod
    def at(
        cls,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        shared: bool = False,
        label: str | None = None,
    ) -> FileLock:
        """Makes a lock that is exactly the file `path`, whatever its name is."""
    def acquire(self, timeout: _Timeout = ..., *, blocking: bool = True) -> Acquired:
        """Takes the lock. Returns this object, for `with`. `timeout` replaces that
        of the object for this call; `blocking=False` tries once.

        Raises `LockTimeout` or `Locked`, which name the holder if it is known,
        and `Deadlock` if this thread already holds the lock.
        """
    def release(self) -> None:
        """Releases the lock. Does nothing if it is not held, and in a forked child,
        where the lock is the parent's.
        """
    def transfer(self, to: Process) -> None:
        """Hands the lock over to another process of this machine, its successor, and
        releases it. The successor acquires it as always. No other process gets
        the lock until the successor has acquired it or has ended.

        `InvalidArgument`: the lock is shared or not held, or the successor has
        ended or can't be seen from here. After any error it is held as before.
        """
    def close(self) -> None:
        """The same as `release`; every handle has `close`."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    @property
    def held(self) -> bool:
        """Whether this process holds the lock through this object."""
    @property
    def path(self) -> Path:
        """The path that was passed, as an absolute path."""
    @property
    def shared(self) -> bool:
        """Whether others may share it."""
    @property
    def label(self) -> str | None:
        """The label that other processes see."""
    @property
    def _exact(self) -> bool: ...
    @property
    def _timeout(self) -> float | None: ...

@final
class Acquired:
    """A `FileLock` that was acquired, for `with lock.acquire(): ...`."""

    def __enter__(self) -> FileLock: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class RawJournal:
    """The base of `untorn.Journal`: takes bytes, returns bytes and positions."""

    def __new__(cls, path: str | os.PathLike[str] | Opened, options: dict[str, Any], codec: str) -> Self: ...
    def append_raw(self, record: _Data, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> Position:
        """Appends one record without encoding it. Returns the position just after
        it.

        `record` is `bytes`, `bytearray`, `memoryview` or `str`, without a
        newline. It must be one JSON value in UTF-8 (format `json`), which is
        checked.
        """
    def _append(self, value: Any, timeout: _Timeout, lock: FileLock | None) -> Position: ...
    def _extend(
        self,
        values: Iterable[Any],
        at: Position | None,
        header: _Data | None,
        timeout: _Timeout,
        lock: FileLock | None,
    ) -> Position: ...
    def _fold(self) -> RawFold: ...
    def _follow(self, start: Position | None) -> RawFollow: ...
    def rewind(self, position: Position, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> Path | None:
        """Rewinds the journal to a position: removes every record after it. A
        rotated file keeps the whole journal as it was. Returns the path of that
        file, or `None` if no record follows the position.

        The journal is a new file from then on: positions taken before this call
        are refused. `Conflict`: the position is not one of this file's.
        """
    def rotate(self, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> Path | None:
        """Moves the records to a rotated file, and begins a new, empty journal with
        the same header. Returns the path of the rotated file, or `None` if the
        journal had no records.
        """
    def rotated(self) -> list[Path]:
        """Returns the rotated files of this journal that exist, oldest first: those that
        `rotate`, `rewind` and `max_bytes` made. A file that another program copied,
        replaced or appended to since is not among them.
        """
    def prune_rotated(
        self, keep: int, older_than: float = 0.0, *, timeout: _Timeout = ..., lock: FileLock | None = None
    ) -> int:
        """Removes rotated files, oldest first, and returns how many: all but the newest
        `keep`, and of these only files last written to longer ago than `older_than`
        seconds. Their records are gone. A reader or follower that has not read them yet
        reports a rewind.
        """
    def clear(self, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> Path | None:
        """Empties the journal: neither records nor a header stay. A rotated file
        keeps the whole journal as it was. Returns the path of that file, or `None`
        if the journal was empty or missing. `rotate` does the same, but the header
        stays.
        """
    def _replace(
        self, values: Iterable[Any], timeout: _Timeout, lock: FileLock | None, progress: _Progress | None
    ) -> Position: ...
    def _begin_rewrite(self, timeout: _Timeout, lock: FileLock | None) -> Rewrite: ...
    def end(self) -> Position:
        """Returns where the last whole record ends. Takes no lock: an append that is
        running may be counted or not.
        """
    def verify(self, *, progress: _Progress | None = None) -> Report:
        """Checks every record. Takes no lock and changes nothing. A torn tail may be
        an append that is running.

        `progress` is called about every 50 ms with the number of bytes that are done,
        and of all bytes. An exception of it ends the check.
        """
    def repair(
        self, *, timeout: _Timeout = ..., lock: FileLock | None = None, progress: _Progress | None = None
    ) -> Report:
        """Repairs the tail as the next append would, then checks every record. It
        reports damage before the tail, but never cuts it. `progress` is as for
        `verify`.
        """
    def sync(self) -> None:
        """Makes everything that the file contains now survive a power cut, including
        what other processes wrote.
        """
    def close(self) -> None:
        """Closes the handle: later changes through it are refused. A second call
        does nothing.
        """
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def path(self) -> Path:
        """The path of the file, with every symbolic link resolved."""
    @property
    def durability(self) -> Literal["power", "process"]:
        """`"process"` or `"power"`."""

@final
class Reader:
    """Reads a journal from a position on."""

    def _next(self) -> list[_Item]: ...
    def _values(self, ends: bool, loads: Callable[[bytes], Any] | None) -> tuple[list[Any], list[_Left]]: ...

@disjoint_base
class RawDocument:
    """The base of `untorn.Document`: takes bytes, returns bytes and a version."""

    def __new__(cls, path: str | os.PathLike[str] | Opened, options: dict[str, Any]) -> Self: ...
    def _load(self) -> tuple[bytes, str]: ...
    def _save(
        self, data: _Data, expect: str | EllipsisType | None, timeout: _Timeout, lock: FileLock | None
    ) -> str: ...
    def _remove(self, expect: str | EllipsisType | None, timeout: _Timeout, lock: FileLock | None) -> bool: ...
    def _begin_update(self, timeout: _Timeout, lock: FileLock | None) -> Update: ...
    def close(self) -> None:
        """Closes the handle: later changes through it are refused. A second call
        does nothing.
        """
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def path(self) -> Path:
        """The path of the file, with every symbolic link resolved."""
    @property
    def durability(self) -> Literal["power", "process"]:
        """`"process"` or `"power"`."""

@final
class Update:
    """An update of a document. It holds the lock until `_save` or `_finish`, or
    until this object is dropped.
    """

    def _value(self) -> tuple[bytes, str] | None: ...
    def _save(self, data: _Data) -> str: ...
    def _finish(self) -> None: ...

@final
class PostgresCall:
    """Calls of one thread that another thread can end."""

    def __new__(cls) -> Self: ...
    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls the function. The calls of the engine that it makes end after `cancel`."""
    def cancel(self) -> None:
        """Ends the waits of those calls. The server is asked to end a statement that was sent,
        unless its answer comes soon.
        """

@disjoint_base
class PostgresStore:
    """The base of `untorn.postgres.Store`."""

    def __new__(cls, adapter: Any, schema: str, options: dict[str, Any]) -> Self: ...
    @property
    def _name(self) -> Path: ...
    def keys(self) -> list[str]:
        """Returns the keys of all sessions, sorted."""
    def remove(self, key: str, *, timeout: _Timeout = 0) -> bool:
        """Removes the session with all its files. Returns `False` if it did not
        exist.

        Without a `timeout` it tries once. It raises `Locked`, with the owner,
        while a process owns the session.
        """
    def search(self, text: str, *, max_hits: int = 100, progress: _Progress | None = None) -> list[Hit]:
        """Searches the journals of all sessions for a text, ignoring case. Returns
        the first hits, one per record, in the order of the keys, and within a
        journal in the order of the records.

        Each journal comes over the connection until enough hits are found. For a
        large store, ask the view `lines` with SQL. `progress` is called about every 50 ms
        with the number of bytes that are done, and of all bytes.
        """
    def _session(self, key: str) -> PostgresSession: ...

@final
class PostgresSession:
    """The base of `untorn.postgres.Session`."""

    @property
    def _key(self) -> str: ...
    @property
    def _path(self) -> Path: ...
    def _exists(self) -> bool: ...
    def _files(self) -> list[tuple[str, int, int]]: ...
    def _claim(self, label: str, timeout: _Timeout) -> PostgresLease: ...
    def _begin_reconcile(
        self, timeout: _Timeout
    ) -> PostgresTurn | tuple[Literal["no_change", "busy", "alive", "done"], Holder | None]: ...
    def _holder(self) -> Holder | None: ...

@disjoint_base
class PostgresJournal:
    """The base of `untorn.postgres.Journal`: takes bytes, returns bytes and positions."""

    def __new__(cls, session: PostgresSession, name: str | None, codec: str) -> Self: ...
    def append_raw(self, record: _Data, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> Position:
        """Appends one record without encoding it. Returns the position just after
        it.

        `record` is `bytes`, `bytearray`, `memoryview` or `str`, without a
        newline. It must be one JSON value in UTF-8 (format `json`), which is
        checked.
        """
    def _append(self, value: Any, timeout: _Timeout, lock: FileLock | None) -> Position: ...
    def _extend(
        self,
        values: Iterable[Any],
        at: Position | None,
        header: _Data | None,
        timeout: _Timeout,
        lock: FileLock | None,
    ) -> Position: ...
    def _extend_each(self, appends: list[list[bytes | str]]) -> list[Position | BaseException]: ...
    def _replace(
        self, values: Iterable[Any], timeout: _Timeout, lock: FileLock | None, progress: _Progress | None
    ) -> Position: ...
    def _begin_rewrite(self, timeout: _Timeout, lock: FileLock | None) -> PostgresRewrite: ...
    def sync(self) -> None:
        """Waits until everything that the journal contains now is as durable as the server
        makes it, including what other processes wrote.
        """
    def end(self) -> Position:
        """Returns where the last whole record ends."""
    def verify(self, *, progress: _Progress | None = None) -> Report:
        """Checks every record, and changes nothing.

        `progress` is called about every 50 ms with the number of bytes that are done,
        and of all bytes. An exception of it ends the check.
        """
    def rotate(self, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> str | None:
        """Moves the records to a rotated file of the session, and begins a new, empty journal
        with the same header. Returns the name of the rotated file, or `None` if the journal
        had no records.
        """
    def clear(self, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> str | None:
        """Empties the journal: neither records nor a header stay. A rotated file keeps the
        whole journal as it was. Returns the name of that file, or `None` if the journal
        was empty or missing.
        """
    def rotated(self) -> list[str]:
        """Returns the names of the rotated files of this journal that exist, oldest first."""
    def prune_rotated(
        self, keep: int, older_than: float = 0.0, *, timeout: _Timeout = ..., lock: FileLock | None = None
    ) -> int:
        """Removes rotated files, oldest first, and returns how many: all but the newest
        `keep`, and of these only files last written to longer ago than `older_than`
        seconds. Their records are gone.
        """
    def rewind(self, position: Position, *, timeout: _Timeout = ..., lock: FileLock | None = None) -> str | None:
        """Removes every record after a position, with a new generation: positions taken
        before this call are refused. Another file of the session keeps the journal as it
        was. Returns its name, or `None` if no record follows the position.

        `Conflict`: the position is not one of this journal's, or another process changed
        the journal meanwhile.
        """
    def _follow(self, start: Position | None) -> RawFollow: ...
    def _fold(self) -> PostgresFold: ...
    def _read(self, start: Position | None, max_records: int | None, max_bytes: int | None) -> Reader: ...
    def _tail(self, n: int) -> list[_Record]: ...
    def _count(self) -> int: ...
    def _header(self) -> bytes | None: ...
    def close(self) -> None:
        """Closes the handle: its followers end, and later changes through it are refused. A
        second call does nothing.
        """
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def path(self) -> Path:
        """The name in messages: schema, key and file. It is not a path of this machine."""
    @property
    def durability(self) -> str:
        """`"process"` or `"power"`."""

@final
class PostgresFold:
    """The base of `untorn.postgres.Fold`: remembers how far its state is."""

    def _current(self) -> Position | None: ...
    def _begin(self, timeout: _Timeout, lock: FileLock | None) -> PostgresFoldTurn: ...
    def _close(self) -> None: ...
    @property
    def _position(self) -> Position | None: ...

@final
class PostgresFoldTurn:
    """A turn of a fold. It locks nothing in the database."""

    def _next(self) -> list[_Folded]: ...
    def _append(self, records: Iterator[_Data], checked: bool, decided: bool) -> Position | None: ...
    def _finish(self) -> Position: ...
    def _drop(self) -> None: ...

@final
class PostgresRewrite:
    """A rewrite of a journal, until `_commit` or `_discard`. It locks nothing: its commit is
    refused if another process rewrote the journal meanwhile.
    """

    def _reader(self) -> Reader: ...
    @property
    def _old_bytes(self) -> int: ...
    def _push(self, records: list[_Data], checked: bool) -> None: ...
    def _commit(self) -> Position: ...
    def _discard(self) -> None: ...

@disjoint_base
class PostgresDocument:
    """The base of `untorn.postgres.Document`: takes bytes, returns bytes and a version."""

    def __new__(cls, session: PostgresSession, name: str | None) -> Self: ...
    def _load(self) -> tuple[bytes, str]: ...
    def _save(
        self, data: _Data, expect: str | EllipsisType | None, timeout: _Timeout, lock: FileLock | None
    ) -> str: ...
    def _remove(self, expect: str | EllipsisType, timeout: _Timeout, lock: FileLock | None) -> bool: ...
    def _begin_update(self, timeout: _Timeout, lock: FileLock | None) -> PostgresUpdate: ...
    def close(self) -> None:
        """Closes the handle: later changes through it are refused. A second call
        does nothing.
        """
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def path(self) -> Path:
        """The name in messages: schema, key and file. It is not a path of this machine."""
    @property
    def durability(self) -> str:
        """`"process"` or `"power"`."""

@final
class PostgresUpdate:
    """An update of a document. It locks nothing: its save is refused if the document has
    changed meanwhile.
    """

    def _value(self) -> tuple[bytes, str] | None: ...
    def _save(self, data: _Data) -> str: ...
    def _finish(self) -> None: ...

@disjoint_base
class PostgresTransaction:
    """The base of `untorn.postgres.Transaction`."""

    def __new__(cls, origin: PostgresSession | PostgresTurn) -> Self: ...
    def _begin(self) -> None: ...
    def _load(self, name: str) -> tuple[bytes, str] | None: ...
    def _save(self, name: str, data: _Data) -> str: ...
    def _create(self, name: str, data: _Data) -> str: ...
    def _append(self, name: str, records: list[_Data]) -> None: ...
    def _set_header(self, name: str, header: _Data) -> None: ...
    def _remove(self, name: str) -> bool: ...
    def commit(self) -> None:
        """Makes all the changes, or none; then the transaction is over."""
    def rollback(self) -> None:
        """Ends the transaction without a change. A second call, or a call after the
        commit, does nothing.
        """
    @property
    def open(self) -> bool:
        """Whether it has begun and is not over."""
    @property
    def dir(self) -> Path:
        """The session's name in messages: schema and key. It is not a path of this machine."""

@final
class PostgresTurn:
    """The last owner is dead, and this process reconciles the session, until the
    transaction that is made of this ends.
    """

    @property
    def owner(self) -> Holder | None: ...
    def discard(self) -> None:
        """Drops the turn."""

@final
class PostgresLease:
    """The base of `untorn.postgres.Lease`."""

    @property
    def _holder(self) -> Holder: ...
    @property
    def _previous(self) -> Holder | None: ...
    @property
    def _key(self) -> str: ...
    @property
    def _path(self) -> Path: ...
    @property
    def _token(self) -> int: ...
    @property
    def _held(self) -> bool: ...
    def _on_lost(self, function: Callable[[], object]) -> None: ...
    def _release(self) -> None: ...
    def _transfer(self, to: Process) -> None: ...

def postgres_migrate(adapter: Any, schema: str) -> int:
    """Applies the migrations that are missing, and returns how many."""

def postgres_selftest(adapter: Any, schema: str) -> list[tuple[str, bool, str, str]]:
    """Returns what was tried: name, whether it is as needed, what was found, and what is
    lost without it.
    """

@final
class Process:
    """The identity of a process, which outlives its pid: pids repeat.

    `Process.current()` is this process, `Process.of(pid)` the one that has that
    pid now. You can compare, hash and pickle it, and store it as text (`to_json`,
    `from_json`, the same in every language). `alive` says whether it lives.
    """

    @staticmethod
    def current() -> Process:
        """Returns this process."""
    @staticmethod
    def of(pid: int) -> Process:
        """Returns the process that has this pid now; its `start` is `None` if none
        has.
        """
    @staticmethod
    def from_json(text: str) -> Process:
        """Reads a process that `to_json` wrote."""
    def to_json(self) -> str:
        """Returns the identity as one line of JSON."""
    @property
    def pid(self) -> int:
        """Its pid."""
    @property
    def start(self) -> int | None:
        """When it started, in the system's own unit."""
    @property
    def boot(self) -> str | None:
        """The id of the machine's boot."""
    @property
    def namespace(self) -> str | None:
        """The namespace of its pid: in another container the same pid is another
        process.
        """
    @property
    def host(self) -> str | None:
        """The name of its host."""
    @property
    def alive(self) -> Literal["alive", "dead", "unknown"]:
        """Whether this very process lives now: `"alive"`, `"dead"`, or `"unknown"`,
        for example on another host.
        """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Rewrite:
    """A rewrite of a journal. It holds the lock until `_commit` or `_discard`, or
    until this object is dropped.
    """

    def _reader(self) -> Reader: ...
    @property
    def _old_bytes(self) -> int: ...
    def _push(self, records: list[_Data], checked: bool) -> None: ...
    def _commit(self) -> Position: ...
    def _discard(self) -> None: ...

@final
class RawFold:
    """The base of `untorn.Fold`: remembers how far its state is."""

    def _current(self) -> Position | None: ...
    def _close(self) -> None: ...
    def _begin(self, timeout: _Timeout, lock: FileLock | None) -> RawTurn: ...
    @property
    def _position(self) -> Position | None: ...

@final
class RawTurn:
    """A turn, which holds the journal's lock until `finish` or `drop`."""

    def _next(self) -> list[_Folded]: ...
    def _append(self, records: Iterator[_Data], checked: bool, decided: bool) -> Position | None: ...
    def _finish(self) -> Position: ...
    def _drop(self) -> None: ...

@final
class RawSnapshot:
    """The base of `untorn.Snapshot`."""

    @property
    def _dir(self) -> Path: ...
    @property
    def _closed(self) -> bool: ...
    def _close(self) -> None: ...
    def _names(self) -> list[str]: ...
    def _load(self, name: str) -> tuple[bytes, str] | None: ...
    def _reader(self, name: str, options: dict[str, Any]) -> Reader: ...

@final
class LaterFold:
    """The verbs of a `RawFold` that may take a while."""

    def __new__(cls, fold: RawFold, timeout: _Timeout) -> Self: ...
    def current(self) -> Pending[Position | None]: ...
    def begin(self, timeout: _Timeout, lock: FileLock | None) -> Pending[RawTurn]:
        """Gives a `RawTurn`, which holds the lock."""

@final
class LaterTurn:
    """The verbs of a `RawTurn` that may take a while."""

    def __new__(cls, turn: RawTurn) -> Self: ...
    def next(self) -> Pending[list[_Folded]]: ...
    def append(self, records: Iterator[_Data], checked: bool, decided: bool) -> Pending[Position | None]: ...
    def finish(self) -> Pending[Position]: ...

@final
class RawFollow:
    """The base of `untorn.Follow`."""

    def _next(self, timeout: _Timeout) -> list[_News]: ...
    def _close(self) -> None: ...
    @property
    def _position(self) -> Position: ...
    @property
    def _rotations(self) -> int: ...

@disjoint_base
class RawTransaction:
    """The base of `untorn.Transaction`."""

    def __new__(cls, origin: str | os.PathLike[str] | RawSession | Turn, options: dict[str, Any]) -> Self: ...
    def _begin(self) -> None: ...
    def _load(self, name: str) -> tuple[bytes, str] | None: ...
    def _save(self, name: str, data: _Data) -> str: ...
    def _create(self, name: str, data: _Data) -> str: ...
    def _append(self, name: str, records: list[_Data]) -> None: ...
    def _set_header(self, name: str, header: _Data) -> None: ...
    def _remove(self, name: str) -> bool: ...
    def commit(self) -> None:
        """Makes all the changes, or none; then the transaction is over."""
    def rollback(self) -> None:
        """Ends the transaction without a change. A second call, or a call after the
        commit, does nothing.
        """
    @property
    def open(self) -> bool:
        """Whether it has begun and is not over."""
    @property
    def dir(self) -> Path:
        """The directory that was passed, as an absolute path."""

@disjoint_base
class RawStore:
    """The base of `untorn.Store`."""

    def __new__(cls, path: str | os.PathLike[str] | Opened, options: dict[str, Any]) -> Self: ...
    @property
    def path(self) -> Path:
        """The directory, with every symbolic link resolved."""
    def keys(self) -> list[str]:
        """Returns the keys of all sessions, sorted."""
    def remove(self, key: str, *, timeout: _Timeout = 0) -> bool:
        """Removes the session with all its files. Returns `False` if it did not
        exist.

        Without a `timeout` it tries once. It raises `Locked`, with the owner,
        while a process owns the session.
        """
    def search(self, text: str, *, max_hits: int = 100, progress: _Progress | None = None) -> list[Hit]:
        """Searches the journals of all sessions for a text, ignoring case. Returns
        the first hits, one per record, in the order of the keys, and within a
        journal in the order of the records.

        It searches the whole record, with names and punctuation. An escape counts
        as the character that it stands for. Takes no lock. It skips damage, and
        does not search rotated files. `progress` is called about every 50 ms with the
        number of bytes that are done, and of all bytes.
        """
    def _session(self, key: str) -> RawSession: ...

@final
class RawSession:
    """The base of `untorn.Session`."""

    @property
    def _key(self) -> str: ...
    @property
    def _path(self) -> Path: ...
    def _exists(self) -> bool: ...
    def _journal(self) -> Opened: ...
    def _document(self, name: str | None) -> Opened: ...
    def _media(self, name: str) -> Path: ...
    def _claim(self, label: str, timeout: _Timeout) -> Lease: ...
    def _begin_reconcile(self, timeout: _Timeout) -> _Begun: ...
    def _holder(self) -> Holder | None: ...

@final
class Opened:
    """A file that a session or the background has opened. A handle is made of it,
    once.
    """

@final
class Turn:
    """The last owner is dead, and this process reconciles the session, until the
    transaction that is made of this ends.
    """

    @property
    def owner(self) -> Holder | None: ...
    def discard(self) -> None:
        """Drops the turn."""

@final
class Lease:
    """A session's lease: no other process owns the session until the lease is
    released or its process dies.

    `session.claim(label)` returns it. Use it as a context manager, or call
    `release`.
    """

    @property
    def holder(self) -> Holder:
        """This process, as others see it."""
    @property
    def previous(self) -> Holder | None:
        """The previous owner, if it died without releasing the session; else `None`."""
    @property
    def path(self) -> Path:
        """The session's directory."""
    @property
    def held(self) -> bool:
        """Whether this process still holds it."""
    def release(self) -> None:
        """Releases the session. A second call does nothing, nor does a call in a
        forked child, where the lease is the parent's.
        """
    def transfer(self, to: Process) -> None:
        """Hands the session over to another process of this machine, its successor,
        and releases it. The successor claims it. No other process gets it until
        the successor has claimed it or has ended.
        """
    def close(self) -> None:
        """The same as `release`; every handle has `close`."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class LaterRewrite:
    """The verbs of a `Rewrite` that may take a while."""

    def __new__(cls, rewrite: Rewrite) -> Self: ...
    def reader(self) -> Pending[LaterReader]: ...
    def push(self, records: list[_Data], checked: bool) -> Pending[None]: ...
    def commit(self) -> Pending[Position]:
        """Puts the new records in the place of the old, and releases the lock."""

@final
class LaterFollow:
    """The verb of a `RawFollow` that may take a while."""

    def __new__(cls, follow: RawFollow) -> Self: ...
    def next(self, timeout: _Timeout) -> Pending[list[_News]]:
        """As `RawFollow._next`. What is found while the caller is cancelled is
        there for the next call.
        """

@final
class LaterTransaction:
    """The verbs of a transaction that may take a while. They keep their order."""

    def __new__(cls, transaction: RawTransaction) -> Self: ...
    def begin(self) -> Pending[None]: ...
    def load(self, name: str) -> Pending[tuple[bytes, str] | None]: ...
    def save(self, name: str, data: _Data) -> Pending[str]: ...
    def create(self, name: str, data: _Data) -> Pending[str]: ...
    def append(self, name: str, records: list[_Data]) -> Pending[None]: ...
    def set_header(self, name: str, header: _Data) -> Pending[None]: ...
    def remove(self, name: str) -> Pending[bool]: ...
    def commit(self) -> Pending[None]:
        """Makes all the changes, or none; then the transaction is over."""
    def rollback(self) -> Pending[None]:
        """Ends it without a change, behind what was begun in it."""

@final
class LaterSession:
    """The verbs of a session that may take a while."""

    def __new__(cls, session: RawSession) -> Self: ...
    def exists(self) -> Pending[bool]: ...
    def journal(self) -> Pending[Opened]: ...
    def document(self, name: str | None) -> Pending[Opened]: ...
    def media(self, name: str) -> Pending[Path]: ...
    def holder(self) -> Pending[Holder | None]: ...
    def claim(self, label: str, timeout: _Timeout) -> Pending[Lease]:
        """Gives a `Lease`."""
    def begin_reconcile(self, timeout: _Timeout) -> Pending[_Begun]:
        """Gives a `Turn`, or `(outcome, holder)`."""

@final
class LaterJournal:
    """The verbs of a journal that may take a while."""

    def __new__(cls, journal: RawJournal) -> Self: ...
    def encoded(self, value: Any) -> Encoded:
        """Encodes one value now. Of what Python changes later, nothing is appended."""
    def encoded_raw(self, record: _Data) -> Encoded:
        """Takes one record that is encoded already, and checks it."""
    def encoded_many(self, values: Iterable[Any], header: _Data | None) -> Encoded:
        """Encodes the values of an iterable now."""
    def append(
        self, records: Encoded, at: Position | None, timeout: _Timeout, lock: FileLock | None
    ) -> Started[Position]: ...
    def header(self) -> Pending[bytes | None]: ...
    def follow(self, start: Position | None) -> Pending[RawFollow]:
        """Gives a `RawFollow`."""
    def rewind(self, position: Position, timeout: _Timeout, lock: FileLock | None) -> Pending[Path | None]: ...
    def rotate(self, timeout: _Timeout, lock: FileLock | None) -> Pending[Path | None]: ...
    def clear(self, timeout: _Timeout, lock: FileLock | None) -> Pending[Path | None]: ...
    def rotated(self) -> Pending[list[Path]]: ...
    def prune_rotated(self, keep: int, older_than: float, timeout: _Timeout, lock: FileLock | None) -> Pending[int]: ...
    def replace(
        self, values: Iterable[Any], timeout: _Timeout, lock: FileLock | None, progress: _Progress | None
    ) -> Pending[Position]: ...
    def begin_rewrite(self, timeout: _Timeout, lock: FileLock | None) -> Pending[Rewrite]:
        """Gives a `Rewrite`, which holds the lock."""
    def reader(
        self, start: Position | None, max_records: int | None, max_bytes: int | None
    ) -> Pending[LaterReader]: ...
    def tail(self, n: int) -> Pending[list[_Record]]: ...
    def end(self) -> Pending[Position]: ...
    def verify(self, progress: _Progress | None) -> Pending[Report]: ...
    def repair(self, timeout: _Timeout, lock: FileLock | None, progress: _Progress | None) -> Pending[Report]: ...
    def sync(self) -> Pending[None]: ...
    def close(self) -> Pending[None]: ...

@final
class Encoded:
    """The records of an append, which is made once."""

@final
class LaterReader:
    """Reads a journal from somewhere on."""

    def values(self, ends: bool, loads: Callable[[bytes], Any] | None) -> Pending[tuple[list[Any], list[_Left]]]:
        """As `Reader._values`."""
    def next(self) -> Pending[list[_Item]]:
        """As `Reader._next`."""

@final
class LaterDocument:
    """The verbs of a document that may take a while."""

    def __new__(cls, document: RawDocument) -> Self: ...
    def load(self) -> Pending[tuple[bytes, str]]: ...
    def save(
        self, data: _Data, expect: str | EllipsisType | None, timeout: _Timeout, lock: FileLock | None
    ) -> Pending[str]: ...
    def remove(self, expect: str | EllipsisType | None, timeout: _Timeout, lock: FileLock | None) -> Pending[bool]: ...
    def begin_update(self, timeout: _Timeout, lock: FileLock | None) -> Pending[Update]:
        """Gives an `Update`, which holds the lock."""
    def save_update(self, update: Update, data: _Data) -> Pending[str]:
        """Saves an `Update`, and releases its lock. It passes other changes, which
        wait for it.
        """

@final
class Taken:
    """A lock that was taken, and belongs to no `FileLock` yet."""

    def keep(self, lock: FileLock) -> None:
        """Makes it one that `lock` holds."""
    def release(self) -> None:
        """Releases a lock that no task wants any more."""

def acquire_later(lock: FileLock, timeout: _Timeout) -> Pending[Taken]:
    """Takes the lock; gives a `Taken`."""

def patience(timeout: _Timeout, blocking: bool) -> _Timeout:
    """The timeout of a call with `blocking`: as `FileLock.acquire`, for `untorn.aio`."""

def release_later(lock: FileLock) -> Pending[None] | None:
    """Releases the lock that was taken last, after the work that was begun under
    it.
    """

def take_snapshot(dir: str | os.PathLike[str], timeout: _Timeout) -> RawSnapshot: ...
def take_snapshot_later(dir: str | os.PathLike[str], timeout: _Timeout) -> Pending[RawSnapshot]:
    """Gives a `RawSnapshot`."""

def snapshot_load_later(snapshot: RawSnapshot, name: str) -> Pending[tuple[bytes, str] | None]: ...
def snapshot_reader_later(snapshot: RawSnapshot, name: str, options: dict[str, Any]) -> Pending[LaterReader]:
    """Gives a `LaterReader`."""

def transfer_later(lock: FileLock, to: Process) -> Pending[None]:
    """Gives the lock to another process, and forgets it here."""

def store_keys_later(store: RawStore) -> Pending[list[str]]: ...
def store_remove_later(store: RawStore, key: str, timeout: _Timeout) -> Pending[bool]: ...
def store_search_later(store: RawStore, text: str, max_hits: int, progress: _Progress | None) -> Pending[list[Hit]]: ...
def selftest(dir: str | os.PathLike[str], *, scheme: _Scheme = "sidecar") -> SelfTest:
    """Tests with a second process whether locks, renames and syncs work in this
    directory, with this scheme.
    """

def selftest_later(dir: str | os.PathLike[str], scheme: _Scheme) -> Pending[SelfTest]:
    """As `selftest`."""

def open_journal_later(path: str | os.PathLike[str], options: dict[str, Any]) -> Pending[Opened]:
    """Gives an `Opened`."""

def open_document_later(path: str | os.PathLike[str], options: dict[str, Any]) -> Pending[Opened]:
    """Gives an `Opened`."""

def open_store_later(path: str | os.PathLike[str], options: dict[str, Any]) -> Pending[Opened]:
    """Gives an `Opened`."""

def lease_release_later(lease: Lease) -> Pending[None]: ...
def lease_transfer_later(lease: Lease, to: Process) -> Pending[None]: ...
def holder_later(path: str | os.PathLike[str]) -> Pending[Holder | None]:
    """Returns the current holder of the lock of the file `path`."""

def finish_appends() -> tuple[int, list[str]]:
    """Called when the program ends: waits for the appends that are under way. Gives
    how many are left then, and what the others failed with.
    """

def forked() -> None:
    """Called in a forked child, whose main thread is the one that forked."""

def holder(path: str | os.PathLike[str]) -> Holder | None:
    """Returns the process that holds the lock of the file `path` now; `None` if none
    does, or it is not known.
    """

def document_json(path: str | os.PathLike[str], data: bytes) -> None:
    """Raises `Corrupt`, and says what it is instead, unless a document is one JSON value."""

def read_journal(
    journal: RawJournal, start: Position | None, max_records: int | None, max_bytes: int | None
) -> Reader: ...
def tail_journal(journal: RawJournal, n: int) -> list[_Record]: ...
def count_records(journal: RawJournal) -> int:
    """Counts the records."""

def read_header(journal: RawJournal) -> bytes | None: ...
def flush_events(timeout: float = 5.0) -> bool:
    """Waits until the receiver of events has had all that happened so far. Returns
    `False` if that took longer than `timeout`, in seconds.
    """

def set_event_sink(sink: Callable[..., object] | None) -> None:
    """Reports the events of this process to a function; to none for `None`."""

def set_wait_threshold(seconds: float) -> None:
    """Sets after how many seconds a call that waits for a lock without a limit is
    reported: 2 at first. It applies to the whole process.
    """

def append_once(path: str | os.PathLike[str], value: Any, durability: str, timeout: float | None) -> Position | None:
    """Appends one value to the journal at `path`; `None` if the encoding is left to `json`."""

def json_line(value: Any) -> bytes | None:
    """Encodes a value as one line of JSON in UTF-8, as `json.JSONEncoder(ensure_ascii=False, separators=(",", ":"),
    allow_nan=False)` does; `None` if it is left to `json`.
    """

def json_text(
    value: Any, ensure_ascii: bool, allow_nan: bool, sort_keys: bool, indent: str | None, item: str, name: str
) -> bytes | None:
    """Encodes a value as `json.dump` does with these options; `None` if it is left to `json`."""

def json_value(data: bytes) -> Any:
    """Decodes one JSON value; `...` if it is left to `json`."""

def inspect(record: bytes) -> _Kind | None:
    """Returns what is wrong with bytes that should be one JSON value; `None` if
    nothing is.
    """

def command(args: list[str]) -> int:
    """Runs the command `untorn` with these arguments, the program's name first, and
    returns its exit status. It changes how this process reacts to signals.
    """

def version() -> str:
    """The package's version, as Python spells it: pre-releases without a dash."""

def salvage(journal: RawJournal, plan: bool, timeout: _Timeout, lock: FileLock | None) -> Salvage:
    """Mends a journal, or returns the plan."""

def salvage_later(journal: LaterJournal, plan: bool, timeout: _Timeout, lock: FileLock | None) -> Pending[Salvage]: ...
def torn(journal: RawJournal) -> list[TornEntry]:
    """Lists what repairs have cut off a journal."""

def torn_later(journal: LaterJournal) -> Pending[list[TornEntry]]: ...
def torn_bytes(journal: RawJournal, number: int) -> bytes:
    """Returns the bytes of an entry."""

def torn_bytes_later(journal: LaterJournal, number: int) -> Pending[bytes]: ...
def restore_torn(journal: RawJournal, number: int, timeout: _Timeout, lock: FileLock | None) -> Position:
    """Appends an entry as records."""

def restore_torn_later(
    journal: LaterJournal, number: int, timeout: _Timeout, lock: FileLock | None
) -> Pending[Position]: ...
def prune_torn(journal: RawJournal, older_than: float, timeout: _Timeout, lock: FileLock | None) -> int:
    """Forgets old entries."""

def prune_torn_later(
    journal: LaterJournal, older_than: float, timeout: _Timeout, lock: FileLock | None
) -> Pending[int]: ...
def waiters(path: str | os.PathLike[str]) -> list[Process]:
    """Returns the processes that wait for the lock of the file `path`. Only Linux reports
    them. Processes that wait in the scheme `pid-file` are not known.
    """

def waiters_later(path: str | os.PathLike[str]) -> Pending[list[Process]]: ...
def held_below(dir: str | os.PathLike[str]) -> list[Held]:
    """Returns all locks below a directory that a process holds, in order of path.
    Elsewhere than on Linux, only those whose holder left its name are known.
    """

def held_below_later(dir: str | os.PathLike[str]) -> Pending[list[Held]]: ...
