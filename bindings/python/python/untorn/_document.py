"""Documents of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from untorn import _codec
from untorn._arguments import function
from untorn._codec import _T, Codec
from untorn._errors import NotFound
from untorn._inside import inside
from untorn._untorn import FileLock, RawDocument
from untorn._updating import Updating

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import EllipsisType, TracebackType
    from typing import Self

    from untorn._options import _Durability, _OnUnsupported, _Scheme
    from untorn._untorn import Opened, Update

_D = TypeVar("_D")


class Document(RawDocument, Generic[_T]):
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

    _dumps: _codec._Dumps | None
    _loads: _codec._Loads | None
    _options: dict[str, Any]
    _version: str | None

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

    @property
    def version(self) -> str | None:
        """The version that this handle last loaded or saved; `None` if the document did not exist.

        For `save(obj, expect=document.version)`. If several threads share the handle, use `load_versioned` instead:
        this property has the version of the thread that came last.
        """
        return self._version

    @overload
    def load(self) -> _T: ...
    @overload
    def load(self, default: _D) -> _T | _D: ...
    def load(self, default: Any = ...) -> Any:
        """Return the value. Takes no lock.

        If the document does not exist, return `default`, or raise `NotFound` without it. Raises `Corrupt` if the file
        is not JSON. With `loads=`, an exception of that function is passed on.
        """
        return self.load_versioned(default)[0]

    def load_versioned(self, default: Any = ...) -> tuple[Any, str | None]:
        """Return the value and its version for `save(obj, expect=version)`. For `default` the version is `None`."""
        try:
            found = self._load()
        except NotFound:
            if default is ...:
                raise
            self._version = None
            return default, None
        return self._found(*found)

    def _found(self, data: bytes, version: str) -> tuple[Any, str]:
        value = self._decode(data)
        self._version = version
        return value, version

    def save(
        self,
        obj: _T,
        *,
        expect: str | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> str:
        """Replace the whole value, and return the new version.

        With `expect`, save only if the document still has that version; otherwise raise `Conflict`. `expect=None`
        saves only if it does not exist; otherwise raises `AlreadyExists`. After `StorageFull`, `PermissionDenied`,
        `LockTimeout` and other failures of the system the file is unchanged.
        """
        version = self._save(self._encode(obj), expect, timeout, lock)
        self._version = version
        return version

    def create(self, obj: _T, *, timeout: float | EllipsisType | None = ..., lock: FileLock | None = None) -> str:
        """Save a document that does not exist yet; otherwise raise `AlreadyExists`."""
        return self.save(obj, expect=None, timeout=timeout, lock=lock)

    def remove(
        self,
        *,
        expect: str | EllipsisType = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> bool:
        """Remove the document, and return whether it existed.

        With `expect`, remove only that version; otherwise raise `Conflict`.
        """
        removed = self._remove(expect, timeout, lock)
        self._version = None
        return removed

    def update(
        self,
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> AbstractContextManager[_T]:
        """Read, change and save under one lock, so that no update of another process is lost.

            with document.update(default={}) as value:
                value["count"] = value.get("count", 0) + 1

        Change `value` in place. It is saved when the block ends. If the block raises, nothing is saved. If the
        document does not exist, the value is a copy of `default`; without `default`, `NotFound` is raised.

        Assigning to the name (`value = ...`) changes nothing, and raises `InvalidArgument` if the value is left
        unchanged. So does a value that can't be changed in place, such as a number: use `update_with`.
        """
        return Updating(self, default, timeout, lock)

    def update_with(
        self,
        change: Callable[[_T], _T | None],
        *,
        default: Any = ...,
        timeout: float | EllipsisType | None = ...,
        lock: FileLock | None = None,
    ) -> _T:
        """Like `update`, with a function that receives the value and returns the new one.

        Returns the value that was saved. If the function returns `None`, it has changed the value in place, and that
        value is saved. If it raises, nothing is saved.
        """
        function(change, "change", "update", self)
        update = self._begin_update(timeout, lock)
        try:
            value: _T = self._current(update, default)
            with inside(self.path, "update"):
                changed = change(value)
            if changed is not None:
                value = changed
            self._version = update._save(self._encode(value))
        finally:
            update._finish()
        return value

    def _current(self, update: Update, default: Any) -> Any:
        found = update._value()
        if found is not None:
            return _codec.decode_document(found[0], self._loads, self.path, exactly=True)
        if default is not ...:
            # A default that is used twice must not keep the changes of the first time.
            import copy  # only where it is needed: to import it takes long

            return copy.deepcopy(default)
        msg = f"update {self.path}: the document does not exist; pass default= to start with"
        raise NotFound(msg, path=self.path, operation="update")

    def _encode(self, obj: Any) -> _codec._Data:
        if self._dumps is not None:
            return self._dumps(obj)
        return _codec.encode_document(obj, None, "save", self.path)

    def _decode(self, data: bytes) -> Any:
        return _codec.decode_document(data, self._loads, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<untorn.Document {str(self.path)!r}, durability={self.durability!r}{closed}>"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self.path),), self._options

    def __getstate__(self) -> None:
        """The arguments are all that a copy needs to open the file again."""
