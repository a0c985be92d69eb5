"""Mistakes when a file is opened."""

import io
from pathlib import Path

import pytest
from mistakes import Mistakes, answered, beginning, wrong

import untorn
from untorn import Document, FileLock, InvalidArgument, Journal, NotFound

MISTAKES: Mistakes = {
    "a misspelt durability": (
        lambda path: Journal(path, durability=wrong("proces")),
        InvalidArgument,
        r'open .*: durability must be "process" or "power", not "proces"',
    ),
    "a misspelt format": (
        lambda path: Journal(path, format=wrong("jsonl")),
        InvalidArgument,
        r'must be "json" or "lines", not "jsonl"',
    ),
    "a misspelt scheme": (
        lambda path: Document(path, scheme=wrong("flock")),
        InvalidArgument,
        r'a scheme must be "sidecar", "in-place" or "pid-file", not "flock"',
    ),
    "a misspelt scheme of a lock": (
        lambda path: FileLock(path, scheme=wrong("flock")),
        InvalidArgument,
        r'a scheme must be "sidecar", "in-place" or "pid-file", not "flock"',
    ),
    "a durability that is a number": (
        lambda path: Journal(path, durability=wrong(1)),
        InvalidArgument,
        "durability: expected str, not int",
    ),
    "a flag that is text": (
        lambda path: Journal(path, sealed=wrong("yes")),
        InvalidArgument,
        "sealed: expected True or False, not str",
    ),
    "a flag of a lock that is text": (
        lambda path: FileLock(path, shared=wrong("yes")),
        InvalidArgument,
        "expected True or False, not str",
    ),
    "a size as text": (
        lambda path: Journal(path, max_record=wrong("64M")),
        InvalidArgument,
        "max_record: expected a whole number from 0 to .*, not str",
    ),
    "a negative size": (
        lambda path: Journal(path, max_record=-1),
        InvalidArgument,
        "max_record: expected a whole number from 0 to .*, not -1",
    ),
    "a negative count of files": (
        lambda path: Journal(path, keep=-1),
        InvalidArgument,
        "keep: expected a whole number from 0 to .*, not -1",
    ),
    "a mode that is decimal": (
        lambda path: Journal(path, mode=600),
        InvalidArgument,
        r"mode 600 is 0o1130, more than permission bits \(0o777\); modes are octal: 0o600\?",
    ),
    "a mode that is text": (
        lambda path: Document(path, mode=wrong("600")),
        InvalidArgument,
        "mode: expected a whole number from 0 to .*, not str",
    ),
    "a header prefix that is an object": (
        lambda path: Journal(path, header_prefix=wrong({"type": "header"})),
        InvalidArgument,
        "header_prefix: expected bytes, bytearray, memoryview or str, not dict",
    ),
    "an encoder that is no function": (
        lambda path: Journal(path, dumps=wrong({})),
        InvalidArgument,
        "dumps must be a function, not a dict",
    ),
    "a decoder that is no function": (
        lambda path: Document(path, loads=wrong("json")),
        InvalidArgument,
        "loads must be a function, not a str",
    ),
    "a misspelt option": (
        lambda path: Journal(path, durabilty="process"),  # type: ignore[call-arg]
        TypeError,
        "unexpected keyword argument 'durabilty'",
    ),
    "a directory that is missing": (
        lambda path: Journal(path / "no" / "j").append(1),
        NotFound,
        r"the directory .*/no does not exist: make it, or open with `parents`",
    ),
    "a directory that is missing, of a document": (
        lambda path: Document(path / "no" / "j").save(1),
        NotFound,
        r"the directory .*/no does not exist: make it, or open with `parents`",
    ),
    "a directory that is missing, of a transaction": (
        lambda path: untorn.Transaction(path / "no").__enter__(),
        NotFound,
        "begin .*: .*the directory does not exist: make it, or begin with `parents`",
    ),
    "a directory that is missing, of a snapshot": (
        lambda path: untorn.snapshot(path / "no"),
        NotFound,
        "snapshot .*: .*the directory does not exist",
    ),
    "a store that is missing": (
        lambda path: untorn.Store(path / "no", create=False),
        NotFound,
        "open .*/no: ",
    ),
    "a directory in the place of the file": (
        lambda path: Journal(path.parent).append(1),
        InvalidArgument,
        "not a regular file",
    ),
    "a directory in the place of a document": (lambda path: Document(path.parent), InvalidArgument, "not a regular"),
    "a file in the place of the store": (
        lambda path: untorn.Store(beginning(path).path),
        InvalidArgument,
        "open .*: not a directory",
    ),
    "an empty path": (lambda _: Journal(""), InvalidArgument, "the path is empty"),
    "a path with a NUL": (lambda _: Journal("a\0b"), InvalidArgument, "NUL byte"),
    "no path": (
        lambda _: Journal(wrong(None)),
        InvalidArgument,
        r"expected a path \(str, bytes or os.PathLike\), not None",
    ),
    "a number as a path": (lambda _: Journal(wrong(3)), InvalidArgument, r"expected a path .*, not int"),
    "an open file": (lambda _: Journal(wrong(io.StringIO())), InvalidArgument, "expected a path .*, not StringIO"),
    "an open file as a document": (
        lambda _: Document(wrong(io.BytesIO())),
        InvalidArgument,
        "expected a path .*, not BytesIO",
    ),
    "no path of a lock": (lambda _: FileLock(wrong(None)), InvalidArgument, "expected a path .*, not NoneType"),
    "no path of a store": (lambda _: untorn.Store(wrong(None)), InvalidArgument, "expected a path .*, not NoneType"),
    "no path of a transaction": (
        lambda _: untorn.Transaction(wrong(None)),
        InvalidArgument,
        "expected a path .*, not NoneType",
    ),
    "no path to ask the holder of": (lambda _: untorn.holder(wrong(None)), InvalidArgument, "expected a path"),
    "a home directory that the shell would know": (
        lambda _: Journal("~/x/y.jsonl"),
        NotFound,
        "the directory ~/x does not exist: a shell expands `~`, this library does not; write the whole path",
    ),
    "a URL": (
        lambda _: Journal("file:///x/y.jsonl"),
        NotFound,
        "the directory file:///x does not exist: write a path, not a URL",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered(path: Path, mistake: str) -> None:
    answered(path, MISTAKES[mistake])
