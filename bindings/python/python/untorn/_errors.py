"""The exceptions. Each derives from `Error` and from the built-in that a Python programmer would catch."""

from __future__ import annotations

import errno as _errno
import os
from typing import TYPE_CHECKING, Any, ClassVar

from untorn._inside import advised as _advised

if TYPE_CHECKING:
    from pathlib import Path

    from untorn._types import Holder
    from untorn._untorn import Position


class Error(Exception):
    """An error: what failed, on which file, what the system reported, which process holds the lock, and what helps."""

    code: ClassVar[str] = "UNTORN_ERROR"
    """The same in every language: `"UNTORN_LOCK_TIMEOUT"`."""
    _default_errno: ClassVar[int] = _errno.EIO

    message: str
    """Everything that is known, in one line; also `str(error)`."""
    path: Path | None
    """The path of the file."""
    operation: str | None
    """The operation that failed: `"append"`, `"save"`, `"lock"`."""
    errno: int | None
    """The system's error number. An `OSError` always has one."""
    holder: Holder | None
    """The process that holds the lock, for `LockTimeout` and `Locked`, if it is known."""
    position: Position | None
    """The journal's actual end for `Conflict`, the place reached for `LimitExceeded`."""
    sqlstate: str | None = None
    """The code of a PostgreSQL server's error: `"57014"`."""
    detail: str | None = None
    """The server's detail."""
    hint: str | None = None
    """The server's hint."""

    def __init__(
        self,
        message: str = "",
        *,
        path: Path | None = None,
        operation: str | None = None,
        errno: int | None = None,
        holder: Holder | None = None,
        position: Position | None = None,
    ) -> None:
        if isinstance(self, OSError):
            number = self._default_errno if errno is None else errno
            # The three arguments that `open` would pass: OSError takes errno, strerror and filename from here.
            filename = () if path is None else (str(path),)
            super().__init__(number, os.strerror(number), *filename)
        else:
            super().__init__(message)
            self.errno = errno
        self.message = message
        self.path = path
        self.operation = operation
        self.holder = holder
        self.position = position

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        # An OSError's own repr shows only its number; logs and crash reporters print this one.
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickling an exception loses its keyword arguments, which a process pool needs.
        parts = (self.message, self.path, self.operation, self.errno, self.holder, self.position)
        return _rebuild, (type(self), *parts), {name: getattr(self, name) for name in ("sqlstate", "detail", "hint")}


def _rebuild(
    kind: type[Error],
    message: str,
    path: Path | None,
    operation: str | None,
    errno: int | None,
    holder: Holder | None,
    position: Position | None,
) -> Error:
    return kind(message, path=path, operation=operation, errno=errno, holder=holder, position=position)


# begin generated exceptions (spec/errors.toml, cargo xtask generate)
class LockTimeout(Error, TimeoutError):
    """The lock was not free within the timeout."""

    code = "UNTORN_LOCK_TIMEOUT"
    _default_errno = _errno.ETIMEDOUT


class Locked(Error, BlockingIOError):
    """The lock is held, and the call tries only once."""

    code = "UNTORN_LOCKED"
    _default_errno = _errno.EAGAIN


class Deadlock(Error, RuntimeError):
    """The caller already holds the lock that it would wait for. A caller is a thread or an asyncio task."""

    code = "UNTORN_DEADLOCK"


class LockUnsupported(Error, OSError):
    """The file system does not support locks."""

    code = "UNTORN_LOCK_UNSUPPORTED"
    _default_errno = _errno.ENOLCK


class Conflict(Error):
    """The file is not in the state that the caller expects."""

    code = "UNTORN_CONFLICT"


class AlreadyExists(Error, FileExistsError):
    """The file exists already."""

    code = "UNTORN_ALREADY_EXISTS"
    _default_errno = _errno.EEXIST


class NotFound(Error, FileNotFoundError):
    """The file or its directory does not exist."""

    code = "UNTORN_NOT_FOUND"
    _default_errno = _errno.ENOENT


class InvalidRecord(Error, ValueError):
    """The value or the bytes can't be a record of this journal, or a document."""

    code = "UNTORN_INVALID_RECORD"


class Corrupt(Error, ValueError):
    """The file holds what untorn never writes."""

    code = "UNTORN_CORRUPT"


class LimitExceeded(Error):
    """A limit is exceeded: the caller's, or a default one."""

    code = "UNTORN_LIMIT_EXCEEDED"


class StorageFull(Error, OSError):
    """The disk, the quota or the allowed file size is used up."""

    code = "UNTORN_STORAGE_FULL"
    _default_errno = _errno.ENOSPC


class PermissionDenied(Error, PermissionError):
    """The system does not permit the operation."""

    code = "UNTORN_PERMISSION_DENIED"
    _default_errno = _errno.EACCES


class NotDurable(Error, OSError):
    """The change is in the file, but the sync that makes it durable failed."""

    code = "UNTORN_NOT_DURABLE"


class Poisoned(Error):
    """An earlier sync on this handle failed: open the file again."""

    code = "UNTORN_POISONED"


class Cancelled(Error):
    """The caller cancelled the call."""

    code = "UNTORN_CANCELLED"


class InvalidArgument(Error, ValueError, TypeError):
    """An argument has a value or a type that the call can't take. Nothing was changed."""

    code = "UNTORN_INVALID_ARGUMENT"


class IoError(Error, OSError):
    """Another error of the operating system."""

    code = "UNTORN_IO"


class InternalError(Error, RuntimeError):
    """A bug in untorn."""

    code = "UNTORN_INTERNAL"


class LeaseLost(Conflict):
    """Another process claimed the session, or the lease was released. Nothing was changed."""

    code = "UNTORN_LEASE_LOST"


class Unsupported(Error, NotImplementedError):
    """This store has no such verb. Nothing was changed."""

    code = "UNTORN_UNSUPPORTED"


__all__ = [
    "AlreadyExists",
    "Cancelled",
    "Conflict",
    "Corrupt",
    "Deadlock",
    "Error",
    "InternalError",
    "InvalidArgument",
    "InvalidRecord",
    "IoError",
    "LeaseLost",
    "LimitExceeded",
    "LockTimeout",
    "LockUnsupported",
    "Locked",
    "NotDurable",
    "NotFound",
    "PermissionDenied",
    "Poisoned",
    "StorageFull",
    "Unsupported",
]
# end generated exceptions

# One kind can be a special case of another.
_BY_CODE = {kind.code: kind for above in Error.__subclasses__() for kind in (above, *above.__subclasses__())}

# A traceback shows the class under the name for importing it, and a pickle does not depend on this file.
for _kind in (Error, *_BY_CODE.values()):
    _kind.__module__ = "untorn"


def _from_core(
    code: str,
    message: str,
    path: Path,
    operation: str,
    errno: int | None,
    holder: Holder | None,
    position: Position | None,
    said: tuple[str, str | None, str | None] | None = None,
) -> Error:
    kind = _BY_CODE.get("UNTORN_" + code, InternalError)
    if kind is Deadlock:
        message = _advised(message, path)
    elif kind is InvalidArgument:
        message = message.replace("`acquire_at`", "`at`")
    elif kind is NotFound and operation == "load":
        message += "; pass default= to continue without it"
    error = kind(message, path=path, operation=operation, errno=errno, holder=holder, position=position)
    if said is not None:
        error.sqlstate, error.detail, error.hint = said
    return error
