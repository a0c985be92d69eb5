"""Journals: objects in and out."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import untorn
from untorn import Journal, Position


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.jsonl"


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def test_appends_compact_json_in_utf8(path: Path) -> None:
    journal = Journal(path)
    end = journal.append({"a": 1, "é": [None, True, 0.5]})
    assert path.read_bytes() == '{"a":1,"é":[null,true,0.5]}\n'.encode()
    assert end.offset == path.stat().st_size
    assert journal.end() == end


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        10**30,
        0.1,
        1e300,
        "",
        "text",
        "\u2028\u2029\x85\x0b\r\n\t\0",
        "\ud800",
        {},
        [],
        {"": {"": [[]]}},
    ],
)
def test_gives_back_what_it_was_given(path: Path, value: Any) -> None:
    journal = Journal(path, durability="process")
    journal.append(value)
    journal.extend([value, [value]])
    assert list(journal) == [value, value, [value]]
    assert len(lines(path)) == 3
    assert journal.verify().damage_count == 0


def test_a_lone_surrogate_is_escaped_and_the_rest_of_the_file_is_utf8(path: Path) -> None:
    Journal(path).append("é\ud800")
    assert path.read_bytes() == b'"\\u00e9\\ud800"\n'


def circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": -float("inf")}, circular()])
def test_what_json_cannot_say_is_an_invalid_record(path: Path, value: Any) -> None:
    journal = Journal(path)
    with pytest.raises(untorn.InvalidRecord, match="nothing was appended") as caught:
        journal.append(value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.path == path
    with pytest.raises(untorn.InvalidRecord):
        journal.extend([1, value, 2])
    assert not path.exists()


def test_an_unknown_type_is_jsons_own_type_error(path: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        Journal(path).append(object())
    assert not path.exists()


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview, bytes.decode])
def test_appends_raw_records_of_any_kind(path: Path, convert: Callable[[bytes], Any]) -> None:
    journal = Journal(path)
    end = journal.append_raw(convert('{"é": 1}'.encode()))
    assert path.read_bytes() == '{"é": 1}\n'.encode()
    assert end.offset == 10


def test_a_memoryview_need_not_be_contiguous(path: Path) -> None:
    Journal(path).append_raw(memoryview(b"1x2x3x")[::2])
    assert path.read_bytes() == b"123\n"


@pytest.mark.parametrize("record", [b"", b"  ", b"{", b"1\n", b"1\n2", b"1\0", b'"\xff"', b"NaN", b"1 2"])
def test_refuses_raw_bytes_that_are_no_record(path: Path, record: bytes) -> None:
    with pytest.raises(untorn.InvalidRecord):
        Journal(path).append_raw(record)
    assert not path.exists()


def test_refuses_raw_values_of_other_types(path: Path) -> None:
    with pytest.raises(TypeError, match="not int"):
        Journal(path).append_raw(1)  # type: ignore[arg-type]


def test_an_iterable_that_fails_appends_nothing(path: Path) -> None:
    def values() -> Any:
        yield 1
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Journal(path).extend(values())
    assert not path.exists()


def test_extends_only_at_the_expected_end(path: Path) -> None:
    journal = Journal(path)
    first = journal.append(1)
    second = journal.extend([2, 3], at=first)
    with pytest.raises(untorn.Conflict) as caught:
        journal.extend([4], at=first)
    assert caught.value.position == second
    assert list(journal) == [1, 2, 3]
    empty = Journal(path.with_name("new.jsonl"))
    empty.extend([1], at=empty.end())
    assert list(empty) == [1]


def test_lines_are_bytes(path: Path) -> None:
    journal = Journal(path, format="lines")
    journal.append(b"\xff {")
    journal.append("é")
    journal.extend([bytearray(b"x")])
    assert list(journal) == [b"\xff {", "é".encode(), b"x"]
    with pytest.raises(TypeError, match="dumps="):
        journal.append(1)
    with pytest.raises(untorn.InvalidRecord):
        journal.append("")


def test_another_encoder_and_decoder(path: Path) -> None:
    journal = Journal(
        path, dumps=lambda value: json.dumps(value, indent=None), loads=lambda record: json.loads(record)["v"]
    )
    journal.append({"v": 1})
    assert path.read_bytes() == b'{"v": 1}\n'
    assert list(journal) == [1]
    for bad in (lambda _: "no json", lambda _: b"1\n2"):
        with pytest.raises(untorn.InvalidRecord):
            Journal(path, dumps=bad).append(None)
    with pytest.raises(TypeError, match="not int"):
        Journal(path, dumps=lambda _: 5).append(None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="indent"):
        Journal(path, dumps=lambda _: (_ for _ in ()).throw(ValueError("indent"))).append(None)
    assert path.read_bytes() == b'{"v": 1}\n'


def test_a_value_is_encoded_before_the_lock_is_taken(path: Path) -> None:
    journal = Journal(path, timeout=0)
    with untorn.FileLock(path), pytest.raises(TypeError):
        journal.append(object())


def test_options_are_checked(path: Path) -> None:
    with pytest.raises(untorn.InvalidArgument, match="durability"):
        Journal(path, durability="none")  # type: ignore[arg-type]
    with pytest.raises(untorn.InvalidArgument, match="format"):
        Journal(path, format="csv")  # type: ignore[arg-type]
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            Journal(path, timeout=timeout)
    with pytest.raises(ValueError, match="a whole number from 0"):
        Journal(path, max_record=-1)
    Journal(path, timeout=float("inf")).append(1)
    with pytest.raises(untorn.NotFound):
        Journal(path.with_name("other"), create=False)
    with pytest.raises(untorn.NotFound, match="directory"):
        Journal(path / "no" / "j", parents=False) if not path.exists() else Journal(path.parent / "no" / "j")
    Journal(path.parent / "yes" / "j", parents=True, mode=0o640).append(1)
    assert (path.parent / "yes" / "j").stat().st_mode & 0o777 == 0o640


def test_a_closed_journal_refuses_to_append(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(1)
        assert not journal.closed
    assert journal.closed
    journal.close()
    with pytest.raises(untorn.InvalidArgument, match="closed"):
        journal.append(2)


def test_what_it_says_of_itself(path: Path) -> None:
    journal = Journal(path, durability="process")
    assert (journal.path, journal.durability) == (path, "process")
    assert repr(journal) == f"<untorn.Journal {str(path)!r}, durability='process'>"
    journal.append(1)
    journal.sync()
    with Path(journal).open("rb") as file:
        assert file.read() == b"1\n"


def identity(value: bytes) -> bytes:
    return value


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda journal: pickle.loads(pickle.dumps(journal))])
def test_a_copy_opens_the_file_anew(path: Path, copied: Callable[[Journal], Journal]) -> None:
    journal = Journal(path, durability="process", max_record=10, loads=identity)
    other = copied(journal)
    journal.close()
    other.append(1)
    assert list(other) == [b"1"]
    with pytest.raises(untorn.LimitExceeded):
        other.append("x" * 20)


def test_positions_are_values() -> None:
    position = Position(7, 4096)
    assert str(position) == "7:4096"
    assert Position.parse("7:4096") == position
    assert hash(Position(7, 4096)) == hash(position)
    assert Position(7, 4095) < position < Position(8, 0)
    assert position != Position(7, 0)
    assert position != "7:4096"
    assert pickle.loads(pickle.dumps(position)) == copy.deepcopy(position) == position
    assert repr(position) == "Position(generation=7, offset=4096)"
    match position:
        case Position(generation, offset):
            assert (generation, offset) == (7, 4096)
    with pytest.raises(AttributeError):
        position.offset = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="generation:offset"):
        Position.parse("7")


@pytest.mark.parametrize("nuls", [0, 3])
def test_a_torn_tail_cut_at_every_byte_harms_nothing(path: Path, nuls: int) -> None:
    whole = b'{"n":1}\n'
    value = {"n": 2, "text": "é\U0001f600\n", "nested": [1, {"a": None}]}
    last = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    for cut in range(len(last) + 1):
        torn = last[:cut] + b"\0" * nuls
        path.write_bytes(whole + torn)
        quarantine = path.with_name(path.name + ".torn")
        quarantine.unlink(missing_ok=True)
        journal = Journal(path, durability="process")
        journal.append({"n": 3})
        values = list(journal)
        # All of it was there, but for its newline: that is no loss.
        survives = [value] if cut >= len(last) - 1 else []
        assert values == [{"n": 1}, *survives, {"n": 3}], cut
        assert journal.verify().damage_count == 0, cut
        assert quarantine.exists() == bool(torn and (nuls or not survives)), cut
