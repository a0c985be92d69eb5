"""Mistakes that newcomers make: each gets an answer that a person can act on."""

import datetime
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import untorn
from untorn import Document, FileLock, Journal

J = {"durability": "process"}


def held(path: Path) -> Any:
    return FileLock(path).acquire()


def under_its_lock(path: Path) -> None:
    with held(path):
        Journal(path).append(1)


def saved_in_its_update(path: Path) -> None:
    document = Document(path)
    with document.update(default={}):
        document.save({})


def lock_of_another(path: Path) -> None:
    with FileLock(path.with_name("other")).acquire() as other:
        Journal(path).append(1, lock=other)


def closed(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.append(1)


def emptied(path: Path) -> None:
    path.write_bytes(b"")
    Document(path).load()


def beginning(path: Path, **options: Any) -> Journal:
    journal = Journal(path, durability="process", **options)
    journal.append(1)
    return journal


def stale(path: Path) -> None:
    first, second = Document(path, durability="process"), Document(path, durability="process")
    first.save(1)
    second.load()
    first.save(2)
    second.save(3, expect=second.version)


def over(path: Path) -> None:
    with untorn.Transaction(path.parent) as tx:
        tx.save("a", 1)
    tx.save("a", 2)


MISTAKES: dict[str, tuple[Callable[[Path], object], type[BaseException], str]] = {
    "a misspelt durability": (
        lambda path: Journal(path, durability="proces"),  # type: ignore[arg-type]
        untorn.InvalidArgument,
        r'durability must be "process" or "power", not "proces"',
    ),
    "a misspelt option": (lambda path: Journal(path, durabilty="process"), TypeError, "durabilty"),  # type: ignore[call-arg]
    "a directory that is missing": (
        lambda path: Journal(path / "no" / "j").append(1),
        untorn.NotFound,
        "the directory",
    ),
    "a directory in the place of the file": (
        lambda path: Journal(path.parent).append(1),
        untorn.InvalidArgument,
        "not a regular file",
    ),
    "an empty path": (lambda _: Journal(""), untorn.InvalidArgument, "the path is empty"),
    "no path": (lambda _: Journal(None), TypeError, "str, bytes or os.PathLike"),  # type: ignore[arg-type]
    "an open file": (lambda _: Journal(io.StringIO()), TypeError, "str, bytes or os.PathLike"),  # type: ignore[arg-type]
    "a set as a record": (lambda path: Journal(path).append({1}), TypeError, "set is not JSON serializable"),
    "a date as a record": (
        lambda path: Journal(path).append({"at": datetime.datetime(2026, 1, 1)}),
        TypeError,
        "datetime is not JSON serializable",
    ),
    "NaN": (lambda path: Journal(path).append(float("nan")), untorn.InvalidRecord, "nothing was appended"),
    "half a record": (lambda path: Journal(path).append_raw(b'{"a":'), untorn.InvalidRecord, "not one JSON value"),
    "a record with its newline": (lambda path: Journal(path).append_raw("1\n"), untorn.InvalidRecord, "final newline"),
    "pretty JSON": (lambda path: Journal(path).append_raw("{\n}"), untorn.InvalidRecord, "a newline at byte 1"),
    "an append after close": (closed, untorn.InvalidArgument, "the journal is closed"),
    "a document that is missing": (lambda path: Document(path).load(), untorn.NotFound, "the document does not exist"),
    "an empty document": (emptied, untorn.Corrupt, r"holds no value \(0 bytes\).*restore it, or save a new value"),
    "a stale version": (stale, untorn.Conflict, "load it and try again"),
    "a version that is none": (
        lambda path: Document(path).save(1, expect="7"),
        untorn.InvalidArgument,
        "32 hexadecimal digits",
    ),
    "an append under one's own lock": (under_its_lock, untorn.Deadlock, "this thread already holds the lock"),
    "a save within an update": (saved_in_its_update, untorn.Deadlock, "this thread already holds the lock"),
    "the lock of another file": (lock_of_another, untorn.InvalidArgument, "not of this file"),
    "a lock that is not held": (
        lambda path: Journal(path).append(1, lock=FileLock(path)),
        untorn.InvalidArgument,
        "the lock given is not held",
    ),
    "a negative timeout": (lambda path: Journal(path, timeout=-1), untorn.InvalidArgument, "0 tries once, None waits"),
    "a timeout as text": (lambda path: Journal(path, timeout="5"), TypeError, "real number"),  # type: ignore[arg-type]
    "a record that is too long": (
        lambda path: Journal(path, max_record=10).append("x" * 100),
        untorn.LimitExceeded,
        "max_record is 10; nothing was appended",
    ),
    "a rewind into a record": (
        lambda path: (journal := beginning(path)).rewind(untorn.Position(journal.end().generation, 1)),
        untorn.Conflict,
        "in the middle of a record",
    ),
    "a rewind to a number": (lambda path: beginning(path).rewind(0), TypeError, "Position"),  # type: ignore[arg-type]
    "a header without header_prefix": (
        lambda path: beginning(path).set_header({"type": "header"}),
        untorn.InvalidArgument,
        "open the journal with header_prefix",
    ),
    "a file outside of the transaction": (
        lambda path: untorn.Transaction(path.parent).__enter__().save("../x", 1),
        untorn.InvalidArgument,
        "directory",
    ),
    "a transaction that is over": (over, untorn.InvalidArgument, r"has not begun \(use it in a with block\)"),
    "a document that exists already": (
        lambda path: (Document(path).save(1), Document(path).create(2)),
        untorn.AlreadyExists,
        "already exists",
    ),
    "a lock for a process that has ended": (
        lambda path: held(path).__enter__().transfer(1),
        TypeError,
        "Process",
    ),
    "a fold of no function": (
        lambda path: Journal(path).fold({}, print),  # type: ignore[arg-type]
        untorn.InvalidArgument,
        "pass a function",
    ),
    "a fold with apply missing": (
        lambda path: Journal(path).fold(Counter, 1),  # type: ignore[arg-type]
        untorn.InvalidArgument,
        "apply must be a function",
    ),
    "a lock file in the place of its file": (
        lambda path: FileLock(f"{path}.lock").acquire(),
        untorn.InvalidArgument,
        "or lock exactly this file with `at`",
    ),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_is_told_what_to_do(path: Path, mistake: str) -> None:
    make, kind, words = MISTAKES[mistake]
    with pytest.raises(kind, match=words):
        make(path)


def test_an_async_function_is_no_apply(path: Path) -> None:
    async def apply(state: Any, value: Any) -> None: ...

    with pytest.raises(untorn.InvalidArgument, match="apply must not be async"):
        Journal(path).fold(dict, apply)


def test_a_report_tells_whether_all_is_well(path: Path) -> None:
    journal = beginning(path)
    assert journal.verify().ok
    with path.open("ab") as file:
        file.write(b"{\n")
    assert not journal.verify().ok
