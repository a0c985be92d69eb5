"""The exceptions."""

import builtins
import errno
import pickle
import tomllib
import traceback
from pathlib import Path

import pytest

import untorn
from untorn._errors import _from_core

# What is generated from the table is compared with the table itself.
TABLE = tomllib.loads((Path(__file__).parents[3] / "spec/errors.toml").read_text("utf-8"))["error"]
KINDS = {error.get("python", error["name"]): error for error in TABLE}
HOLDER = untorn.Holder(1, None, None, None, None, "x", None, "unknown")


def test_no_class_is_left_out() -> None:
    kinds = [kind for above in untorn.Error.__subclasses__() for kind in (above, *above.__subclasses__())]
    assert {kind.__name__ for kind in kinds} == KINDS.keys()
    # Each is raised for its code, and not as `InternalError`.
    for kind in kinds:
        assert type(_from_core(kind.code.removeprefix("UNTORN_"), "m", Path(), "o", None, None, None)) is kind
        assert kind.__module__ == "untorn"
    assert KINDS.keys() <= set(untorn.__all__)


def test_codes_are_spelled_as_in_c() -> None:
    assert untorn.LockTimeout.code == "UNTORN_LOCK_TIMEOUT"
    assert untorn.IoError.code == "UNTORN_IO"
    header = (Path(__file__).parents[3] / "include/untorn.h").read_text("utf-8")
    for kind in untorn.Error.__subclasses__():
        number = KINDS[kind.__name__]["number"]
        assert f"#define {kind.code} {number}\n" in header


def test_a_caller_can_catch_what_python_raises_itself() -> None:
    assert issubclass(untorn.LockTimeout, TimeoutError)
    assert issubclass(untorn.Locked, BlockingIOError)
    assert issubclass(untorn.NotFound, FileNotFoundError)
    assert issubclass(untorn.InvalidArgument, ValueError)
    assert issubclass(untorn.InvalidArgument, TypeError)
    assert issubclass(untorn.StorageFull, OSError)
    # Code that handles a conflict handles a lost lease too.
    assert issubclass(untorn.LeaseLost, untorn.Conflict)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_an_error_and_a_builtin(name: str) -> None:
    kind = getattr(untorn, name)
    assert issubclass(kind, untorn.Error)
    for builtin in KINDS[name].get("builtin", []):
        assert issubclass(kind, getattr(builtins, builtin))
    position = untorn.Position(1, 2)
    error = kind("what happened", path=Path("/p"), operation="append", holder=HOLDER, position=position)
    assert str(error) == "what happened"
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert type(one) is kind
        assert (one.path, one.operation, one.holder, one.position) == (Path("/p"), "append", HOLDER, position)
        assert str(one) == "what happened"
        if isinstance(one, OSError):
            assert one.errno == getattr(errno, KINDS[name].get("errno", "EIO"))
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
