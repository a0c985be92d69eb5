"""Records of one type, records by their place, and help where one types."""

import dataclasses
import datetime
import inspect
import pickle
from pathlib import Path
from typing import Any, assert_type

import msgspec
import pydantic
import pytest
from loops import Run
from mistakes import wrong

import untorn
from untorn import Document, Journal, aio, codecs

J: Any = {"durability": "process"}


@dataclasses.dataclass
class Part:
    name: str


@dataclasses.dataclass
class Message:
    text: str
    parts: list[Part] = dataclasses.field(default_factory=list)
    answer: "Message | None" = None
    by_name: dict[str, Part] = dataclasses.field(default_factory=dict)


class Struct(msgspec.Struct):
    at: datetime.datetime
    n: int


class Model(pydantic.BaseModel):
    at: datetime.datetime
    n: int


NOW = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
CODECS: dict[str, tuple[codecs.Codec[Any], Any]] = {
    "dataclass": (codecs.dataclass(Message), Message("a", [Part("b")], Message("c"), {"d": Part("e")})),
    "msgspec": (codecs.msgspec(Struct), Struct(NOW, 1)),
    "pydantic": (codecs.pydantic(Model), Model(at=NOW, n=1)),
    "pydantic of a dataclass": (codecs.pydantic(Part), Part("x")),
    "orjson": (codecs.orjson(), {"n": [1, 2.5]}),
}


@pytest.mark.parametrize("name", CODECS)
def test_values_of_a_type_come_back(run: Run, path: Path, name: str) -> None:
    codec, value = CODECS[name]
    journal = Journal(path, codec=codec, **J)
    journal.append(value)
    journal.extend([value, value])
    assert list(journal) == journal.read() == journal.tail(9) == [value] * 3
    document = Document(path.with_name("d"), codec=codec, **J)
    document.save(value)
    assert document.load() == value
    copy = pickle.loads(pickle.dumps(journal))
    assert copy[-1] == value

    async def main() -> None:
        other = await aio.Journal.open(path, codec=codec, **J)
        await other.append(value)
        assert await other.read() == [value] * 4
        assert await aio.Document(document.path, codec=codec).load() == value

    run(main)


def test_a_checker_knows_the_type(path: Path) -> None:
    journal = Journal(path, codec=codecs.dataclass(Part), durability="process")
    assert_type(journal, Journal[Part])
    journal.append(Part("a"))
    for part in journal:
        assert_type(part, Part)
    assert_type(journal[-1], Part)
    assert_type(journal[-2:], list[Part])
    assert_type(journal.read(), list[Part])
    assert_type(Document(path, codec=codecs.dataclass(Part)).load(), Part)
    assert_type(Document(path, codec=codecs.dataclass(Part)).load(None), Part | None)
    assert_type(aio.Journal(path, codec=codecs.dataclass(Part)), aio.Journal[Part])
    assert_type(list(Journal(path)), list[Any])


def test_a_codec_is_both_functions(path: Path) -> None:
    with pytest.raises(untorn.InvalidArgument, match="pass codec=, or dumps= and loads="):
        Journal(path, codec=codecs.orjson(), loads=bytes)
    with pytest.raises(untorn.InvalidArgument, match=r"expected an untorn\.codecs\.Codec, not tuple"):
        Document(path, codec=wrong((bytes, bytes)))


def test_records_by_their_place(path: Path) -> None:
    journal = Journal(path, **J)
    assert len(journal) == 0
    assert journal
    with pytest.raises(IndexError, match="has no record -1"):
        journal[-1]
    journal.extend(range(300))
    values = list(range(300))
    assert len(journal) == 300
    for index in (0, 1, 299, -1, -2, -300):
        assert journal[index] == values[index]
    for place in (slice(-3, None), slice(None, 3), slice(5, 9), slice(None, None, -100), slice(-9, -2), slice(None)):
        assert journal[place] == values[place]
    assert list(reversed(journal)) == values[::-1]
    assert 7 in journal
    assert 300 not in journal
    for index in (300, -301):
        with pytest.raises(IndexError, match=f"has no record {index}"):
            journal[index]
    with pytest.raises(TypeError):
        journal[wrong("a")]


def test_the_header_is_no_record(path: Path) -> None:
    journal = Journal(path, header_prefix='{"type":"header"', **J)
    journal.extend([1, 2], header={"type": "header"})
    assert len(journal) == 2
    assert journal[0] == 1


def test_a_state_is_read_without_a_wait(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, **J)
        fold = await journal.fold(int, lambda total, value: total + value)
        await fold.append(5)
        assert fold.read_now(lambda total: total) == 5
        with pytest.raises(TypeError):
            await fold.append("x")
        with pytest.raises(untorn.Locked, match=r"await fold\.read"):
            fold.read_now(lambda total: total)

    run(main)


def test_a_handle_says_what_it_is(run: Run, path: Path) -> None:
    journal = Journal(path, **J)
    assert repr(journal.fold(list[Any], lambda state, value: state.append(value))) == f"<untorn.Fold of '{path}'>"
    assert repr(journal.follow()) == f"<untorn.Follow of '{path}'>"
    assert repr(untorn.FileLock(path)) == f"<untorn.FileLock '{path}'>"

    async def main() -> None:
        awaited = aio.Journal(path, **J)
        assert repr(awaited.follow()) == f"<untorn.aio.Follow of '{path}'>"
        assert repr(await awaited.fold(int, lambda n, _: n)) == f"<untorn.aio.Fold of '{path}'>"
        assert repr(aio.FileLock(path)) == f"<untorn.aio.FileLock '{path}'>"

    run(main)


@pytest.mark.parametrize("module", [untorn, aio, codecs], ids=lambda module: module.__name__)
def test_every_public_member_has_a_docstring(module: Any) -> None:
    bare = []
    for name in module.__all__:
        thing = getattr(module, name)
        if not inspect.getdoc(thing):
            bare.append(name)
        if not isinstance(thing, type):
            continue
        for member in dir(thing):
            found = inspect.getattr_static(thing, member)
            plain = isinstance(found, int | str | tuple | type(None)) or inspect.ismemberdescriptor(found)
            own = not member.startswith("_") and getattr(found, "__objclass__", thing).__module__ != "builtins"
            if own and not plain and not inspect.getdoc(found) and not issubclass(thing, tuple | BaseException):
                bare.append(f"{name}.{member}")
    assert bare == []
