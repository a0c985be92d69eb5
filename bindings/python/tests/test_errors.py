"""The exceptions."""

import errno
import pickle
import traceback
from pathlib import Path

import pytest

import untorn

KINDS = {
    "LOCK_TIMEOUT": (untorn.LockTimeout, TimeoutError),
    "LOCKED": (untorn.Locked, BlockingIOError),
    "DEADLOCK": (untorn.Deadlock, RuntimeError),
    "LOCK_UNSUPPORTED": (untorn.LockUnsupported, OSError),
    "CONFLICT": (untorn.Conflict, Exception),
    "ALREADY_EXISTS": (untorn.AlreadyExists, FileExistsError),
    "NOT_FOUND": (untorn.NotFound, FileNotFoundError),
    "INVALID_RECORD": (untorn.InvalidRecord, ValueError),
    "CORRUPT": (untorn.Corrupt, ValueError),
    "LIMIT_EXCEEDED": (untorn.LimitExceeded, Exception),
    "STORAGE_FULL": (untorn.StorageFull, OSError),
    "PERMISSION_DENIED": (untorn.PermissionDenied, PermissionError),
    "NOT_DURABLE": (untorn.NotDurable, OSError),
    "POISONED": (untorn.Poisoned, Exception),
    "CANCELLED": (untorn.Cancelled, Exception),
    "INVALID_ARGUMENT": (untorn.InvalidArgument, ValueError),
    "IO": (untorn.IoError, OSError),
    "INTERNAL": (untorn.InternalError, RuntimeError),
}
HOLDER = untorn.Holder(1, None, None, None, None, "x", None, "unknown")


def test_no_class_is_left_out() -> None:
    assert {kind.code for kind in untorn.Error.__subclasses__()} == {f"UNTORN_{code}" for code in KINDS}


@pytest.mark.parametrize("code", KINDS)
def test_each_kind_is_an_error_and_a_builtin(code: str) -> None:
    kind, builtin = KINDS[code]
    assert issubclass(kind, untorn.Error)
    assert issubclass(kind, builtin)
    position = untorn.Position(1, 2)
    error = kind("what happened", path=Path("/p"), operation="append", holder=HOLDER, position=position)
    assert str(error) == "what happened"
    assert error.code == f"UNTORN_{code}"
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert type(one) is kind
        assert (one.path, one.operation, one.holder, one.position) == (Path("/p"), "append", HOLDER, position)
        assert str(one) == "what happened"
        if isinstance(one, OSError):
            assert isinstance(one.errno, int)
            assert one.strerror
            assert one.filename == "/p"
        else:
            assert one.errno is None


def test_a_traceback_names_the_class_as_one_imports_it() -> None:
    assert "".join(traceback.format_exception_only(untorn.Conflict("why"))) == "untorn.Conflict: why\n"


def test_the_systems_number_is_kept() -> None:
    error = untorn.StorageFull("x", path=Path("/p"), errno=errno.EDQUOT)
    assert (error.errno, error.filename) == (errno.EDQUOT, "/p")
    assert pickle.loads(pickle.dumps(error)).errno == errno.EDQUOT


def test_a_real_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a regular file") as caught:
        untorn.Journal(tmp_path)
    assert isinstance(caught.value, untorn.Error)
    assert caught.value.path == tmp_path
    assert caught.value.operation == "open"
