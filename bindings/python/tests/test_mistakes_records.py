"""Mistakes with records, and with the values of documents."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest
from mistakes import J, Mistakes, answered, beginning, wrong

import untorn
from untorn import Conflict, Corrupt, Document, InvalidArgument, InvalidRecord, Journal, LimitExceeded, NotFound


@dataclasses.dataclass
class Message:
    text: str


def circle() -> list[Any]:
    one: list[Any] = [1]
    one.append({"again": one})
    return one


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def closed(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.append(1)


def closed_document(path: Path) -> None:
    document = Document(path)
    document.close()
    document.save(1)


def holding(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


async def awaited(state: Any, _value: Any) -> Any:
    return state


def stale(path: Path) -> None:
    first, second = Document(path, **J), Document(path, **J)
    first.save(1)
    second.load()
    first.save(2)
    second.save(3, expect=second.version)


def changed(path: Path) -> untorn.Position:
    journal = beginning(path)
    before = journal.end()
    journal.rewind(untorn.Position(before.generation, 0))
    return before


MISTAKES: Mistakes = {
    "a set": (
        lambda path: Journal(path).append({"tags": [1, {2}]}),
        InvalidArgument,
        r"Object of type set is not JSON serializable, at value\['tags'\]\[1\]; convert it, or pass dumps=",
    ),
    "a date": (
        lambda path: Journal(path).append({"at": datetime.datetime(2026, 1, 1)}),
        InvalidArgument,
        r"append .*: Object of type datetime .*, at value\['at'\]; .*; nothing was appended",
    ),
    "a dataclass": (
        lambda path: Journal(path).append(Message("hello")),
        InvalidArgument,
        "Object of type Message is not JSON serializable; convert it, or pass dumps=",
    ),
    "a set in a document": (
        lambda path: Document(path).save({1}),
        InvalidArgument,
        "save .*: Object of type set .*; nothing was saved",
    ),
    "a name that is a tuple": (
        lambda path: Journal(path).append({"by": {(1, 2): 3}}),
        InvalidArgument,
        r"keys must be str, int, float, bool or None, not tuple, at value\['by'\]",
    ),
    "NaN": (
        lambda path: Journal(path).append([1, float("nan")]),
        InvalidRecord,
        r"append .*: Out of range .*, at value\[1\]; nothing was appended",
    ),
    "an infinity in a document": (
        lambda path: Document(path).save({"n": float("inf")}),
        InvalidRecord,
        r"save .*: Out of range .*, at value\['n'\]; nothing was saved",
    ),
    "a value that contains itself": (
        lambda path: Journal(path).append(circle()),
        InvalidRecord,
        r"Circular reference detected, at value\[1\]\['again'\]",
    ),
    "a value that is nested too deep": (
        lambda path: Journal(path).append(deep()),
        LimitExceeded,
        "can't encode a value nested this deep: pass dumps=",
    ),
    "a record that is too long": (
        lambda path: Journal(path, max_record=10).append("x" * 100),
        LimitExceeded,
        "the record has 102 bytes, and max_record is 10; nothing was appended",
    ),
    "half a record": (lambda path: Journal(path).append_raw(b'{"a":'), InvalidRecord, "not one JSON value: EOF while"),
    "a record with its newline": (
        lambda path: Journal(path).append_raw("1\n"),
        InvalidRecord,
        "leave the final newline off: it is added",
    ),
    "pretty JSON": (
        lambda path: Journal(path).append_raw("{\n}"),
        InvalidRecord,
        "a newline at byte 1 would make two records of it; escape it",
    ),
    "an empty record": (lambda path: Journal(path).append_raw(b""), InvalidRecord, "an empty record would read as"),
    "an object as a raw record": (
        lambda path: Journal(path).append_raw(wrong({"a": 1})),
        InvalidArgument,
        "expected bytes, bytearray, memoryview or str, not dict",
    ),
    "an encoder that returns an object": (
        lambda path: Journal(path, dumps=lambda value: {"v": value}).append(1),  # type: ignore[arg-type,return-value]
        InvalidArgument,
        "expected bytes, bytearray, memoryview or str, not dict",
    ),
    "an object as a line": (
        lambda path: Journal(path, format="lines").append({"a": 1}),
        InvalidArgument,
        "a line is bytes or str, not dict: pass dumps= for other values",
    ),
    "half of a surrogate pair in a line": (
        lambda path: Journal(path, format="lines").append("\ud800"),
        InvalidRecord,
        "half of a surrogate pair",
    ),
    "an append after close": (closed, InvalidArgument, "append .*: the journal is closed"),
    "a save after close": (closed_document, InvalidArgument, "save .*: the document is closed"),
    "an append where it may not create": (
        lambda path: Journal(path, create=False).append(1),
        NotFound,
        "the journal does not exist, and this handle must not create it",
    ),
    "a document that is missing": (
        lambda path: Document(path).load(),
        NotFound,
        "load .*: the document does not exist; pass default= to continue without it",
    ),
    "an update of a document that is missing": (
        lambda path: Document(path).update().__enter__(),
        NotFound,
        "the document does not exist; pass default= to start with",
    ),
    "a JSON file that is missing": (
        lambda path: untorn.load_json(path),
        NotFound,
        "the document does not exist; pass default= to continue without it",
    ),
    "an empty document": (
        lambda path: Document(holding(path, b"")).load(),
        Corrupt,
        r"holds no value \(0 bytes\).*restore it, or save a new value",
    ),
    "half a document": (lambda path: Document(holding(path, b'{"a')).load(), Corrupt, "not JSON"),
    "a stale version": (stale, Conflict, r"the document is version \w+, not \w+: .*load it and try again"),
    "a version that is none": (
        lambda path: Document(path).save(1, expect="7"),
        InvalidArgument,
        'a version has 32 hexadecimal digits, unlike "7"',
    ),
    "a version that is a number": (
        lambda path: Document(path).save(1, expect=wrong(7)),
        InvalidArgument,
        "expected str, not int",
    ),
    "a removal of what must not exist": (
        lambda path: Document(path).remove(expect=wrong(None)),
        InvalidArgument,
        "expect= must be a version here",
    ),
    "a document that exists already": (
        lambda path: (Document(path, **J).save(1), Document(path).create(2)),
        untorn.AlreadyExists,
        "already exists",
    ),
    "a keyword that json does not know": (
        lambda path: untorn.save_json(path, {}, indnt=2),
        TypeError,
        "unexpected keyword argument 'indnt'",
    ),
    "a rewind into a record": (
        lambda path: (journal := beginning(path)).rewind(untorn.Position(journal.end().generation, 1)),
        Conflict,
        "in the middle of a record.*nothing was changed",
    ),
    "a rewind to another file's position": (
        lambda path: beginning(path).rewind(untorn.Position(99, 5)),
        Conflict,
        "it belongs to another file.*nothing was changed",
    ),
    "a position of before": (
        lambda path: list(Journal(path).entries(changed(path))),
        Conflict,
        "belongs to another file .*: the journal was rewritten or replaced",
    ),
    "a rewind to a number": (
        lambda path: beginning(path).rewind(wrong(5)),
        InvalidArgument,
        "expected an untorn.Position, not int",
    ),
    "a start that is text": (
        lambda path: Journal(path).entries(wrong("1:2")),
        InvalidArgument,
        "expected an untorn.Position, not str",
    ),
    "a position that is no text of one": (
        lambda _: untorn.Position.parse("x"),
        InvalidArgument,
        'a position is written generation:offset, not "x"',
    ),
    "a negative position": (lambda _: untorn.Position(-1, 2), InvalidArgument, "expected a whole number .*, not -1"),
    "a negative tail": (lambda path: Journal(path).tail(-1), InvalidArgument, "expected a whole number .*, not -1"),
    "a limit as text": (
        lambda path: Journal(path).read(max_records=wrong("3")),
        InvalidArgument,
        "expected a whole number .*, not str",
    ),
    "more than the limit": (
        lambda path: beginning(path).read(max_bytes=0),
        LimitExceeded,
        "max_bytes",
    ),
    "a header without header_prefix": (
        lambda path: beginning(path).set_header({"type": "header"}),
        InvalidArgument,
        "this handle knows no headers: open the journal with header_prefix",
    ),
    "a header with another beginning": (
        lambda path: beginning(path, header_prefix='{"type":"header"').set_header({"n": 1, "type": "header"}),
        InvalidRecord,
        "a header begins with header_prefix",
    ),
    "an append to a file that is no journal": (
        lambda path: Journal(holding(path, b'{\n "a": 1\n}')).append(1),
        Corrupt,
        "not a journal: it is one JSON document over several lines",
    ),
    "an append to a gzip file": (
        lambda path: Journal(holding(path, b"\x1f\x8b\x08\x00\x00\x00\x00\x00")).append(1),
        Corrupt,
        "not a journal: ",
    ),
    "a fold of no function": (
        lambda path: Journal(path).fold(wrong({}), print),
        InvalidArgument,
        "initial makes the first state: pass a function, such as dict, not a",
    ),
    "a fold with apply missing": (
        lambda path: Journal(path).fold(dict, wrong(1)),
        InvalidArgument,
        "apply must be a function of the state and a record, not an int",
    ),
    "a fold with apply that is async": (
        lambda path: Journal(path).fold(dict, wrong(awaited)),
        InvalidArgument,
        "apply must not be async: it runs under the lock; await before or after; nothing was changed",
    ),
    "a compaction by a list": (
        lambda path: Journal(path).compact(wrong([1])),
        InvalidArgument,
        "change must be a function, not a list; nothing was changed",
    ),
    "a compaction that returns nothing": (
        lambda path: Journal(path).compact(lambda _: wrong(None)),
        InvalidArgument,
        "the function returns many records, such as a list, not NoneType; nothing was changed",
    ),
    "an update by a value": (
        lambda path: Document(path).update_with(wrong({}), default={}),
        InvalidArgument,
        "change must be a function, not a dict; nothing was changed",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered(path: Path, mistake: str) -> None:
    answered(path, MISTAKES[mistake])
