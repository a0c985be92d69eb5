"""What readers skip, and what a document may hold."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from loops import Run

import untorn
from untorn import Damage, Document, Journal, aio


def test_damage_is_warned_of_once_a_reading(path: Path) -> None:
    path.write_bytes(b'[1]\n{"a\n{"b\n[2]\n')
    journal = Journal(path, durability="process")
    for read in (list, Journal.read, lambda journal: [*journal], lambda journal: journal.tail(9)):
        with pytest.warns(untorn.DamageWarning, match="at byte") as warned:
            assert read(journal) == [[1], [2]]
        assert len(warned) == 1
        assert warned[0].filename == __file__
    with pytest.warns(untorn.DamageWarning):
        assert journal.fold(list[Any], lambda state, value: state.append(value)).state == [[1], [2]]


def test_a_torn_tail_is_no_warning(path: Path) -> None:
    path.write_bytes(b'[1]\n{"a')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(Journal(path)) == [[1]]


DEEP = b"[" * 100_000 + b"]" * 100_000
HUGE = b'{"id":' + b"9" * 5000 + b"}"


@pytest.fixture(params=[DEEP, HUGE], ids=["deep", "huge"])
def beyond_python(path: Path, request: pytest.FixtureRequest) -> Iterable[tuple[Journal, bytes]]:
    record: bytes = request.param
    journal = Journal(path, durability="process")
    journal.append(1)
    journal.append_raw(record)
    journal.append(2)
    yield journal, record


def test_a_record_that_python_cannot_decode_does_not_end_the_reading(beyond_python: tuple[Journal, bytes]) -> None:
    journal, record = beyond_python
    found: list[Damage] = []
    expected = [Damage("undecodable", 2, len(record) + 1)]
    assert [value for _, value in journal.entries(on_damage=found.append)] == [1, 2]
    assert found == expected
    assert journal.tail(3, found.append) == [1, 2]
    assert journal.fold(list[Any], lambda state, value: state.append(value), found.append).state == [1, 2]
    follow = journal.follow(untorn.Position(0, 0), found.append, timeout=0)
    assert list(follow) == [1, 2]
    assert found == expected * 4
    assert [data for data, _, _ in journal.records()] == [b"1", record, b"2"]
    assert journal.verify().damage == ()
    with pytest.warns(untorn.DamageWarning, match="undecodable"):
        assert list(journal) == [1, 2]


def test_a_record_that_python_cannot_decode_is_kept_by_compact(beyond_python: tuple[Journal, bytes]) -> None:
    journal, record = beyond_python
    found: list[Damage] = []
    journal.compact(lambda values: (value for value in values if value != 1), found.append)
    assert [data for data, _, _ in journal.records()] == [record, b"2"]
    assert [damage.kind for damage in found] == ["undecodable"]


def test_compact_awaited_takes_a_plain_function_and_keeps_what_python_cannot_decode(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        await journal.extend(range(1000))
        await journal.append_raw(HUGE)
        await journal.compact(lambda values: (value for value in values if value % 2), print)
        assert [data for data, _, _ in await tail(journal, 2)] == [b"999", HUGE]

        async def kept(values: Any) -> Any:
            async for value in values:
                if value > 990:
                    yield value

        await journal.compact(kept, print)
        assert [data for data, _, _ in await tail(journal, 9)] == [b"991", b"993", b"995", b"997", b"999", HUGE]

    async def tail(journal: aio.Journal, n: int) -> list[untorn.Record]:
        return await journal.tail_records(n)

    run(main)


DOCUMENTS: dict[str, tuple[bytes, Any]] = {
    "BOM": (b"\xef\xbb\xbf[1]", [1]),
    "UTF-16": ("\ufeff[1]".encode("utf-16-le"), "UTF-16"),
    "UTF-16 without BOM": ("[1]".encode("utf-16-le"), "UTF-16"),
    "NaN": (b"[NaN]", "not JSON: expected value at line 1 column 2"),
    "empty": (b"", "holds no value"),
    "NULs": (bytes(200), "holds no value"),
    "half": (b'{"a', "not JSON"),
    "Latin-1": (b'"\xe9"', "not UTF-8, from byte 1 on"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_what_a_document_may_hold(path: Path, case: str) -> None:
    data, expected = DOCUMENTS[case]
    path.write_bytes(data)
    if not isinstance(expected, str):
        assert untorn.load_json(path) == expected
        return
    for load in (Document(path).load, lambda: untorn.load_json(path, default={})):
        with pytest.raises(untorn.Corrupt, match=expected):
            load()  # type: ignore[no-untyped-call]
    with pytest.raises(untorn.Corrupt), Document(path).update(default={}):
        pytest.fail("the block ran")
    assert path.read_bytes() == data


@pytest.mark.parametrize("data", [DEEP, HUGE], ids=["deep", "huge"])
def test_a_document_that_python_cannot_decode_is_not_called_damaged(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(untorn.LimitExceeded, match="pass loads="):
        Document(path).load()
    assert Document(path, loads=bytes).load() == data
