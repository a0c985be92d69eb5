"""Reading journals of objects."""

import json
from pathlib import Path
from typing import Any

import pytest

import untorn
from untorn import Damage, Journal, Position


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.jsonl"


def test_entries_give_positions_to_read_on_from(path: Path) -> None:
    journal = Journal(path, durability="process")
    journal.extend(range(2000))
    entries = list(journal.entries())
    assert [value for _, value in entries] == list(range(2000))
    assert entries[-1][0] == journal.end()
    for place in (0, 255, 256, 257, 1998, 1999):
        position, value = entries[place]
        assert journal.read(start=position) == list(range(value + 1, 2000))


def test_a_start_of_another_file_is_a_conflict(path: Path) -> None:
    journal = Journal(path)
    end = journal.append(1)
    for start in (Position(end.generation - 1, end.offset), Position(end.generation, 1), Position(end.generation, 99)):
        with pytest.raises(untorn.Conflict):
            journal.entries(start=start)
    assert journal.read(start=end) == []
    path.unlink()
    with pytest.raises(untorn.Conflict, match="no longer exists"):
        journal.entries(start=end)


def test_records_are_bytes_with_their_places(path: Path) -> None:
    path.write_bytes(b'\n{"a": 1}\r\n \n[2]\n')
    records = list(Journal(path).records())
    assert [(record.data, record.start.offset, record.end.offset) for record in records] == [
        (b'{"a": 1}', 1, 11),
        (b"[2]", 13, 17),
    ]
    assert Journal(path).tail_records(1) == records[1:]


def test_damage_is_skipped_and_told_in_file_order(path: Path) -> None:
    path.write_bytes(b'[1]\n{"a\n[2]\n\0\0\n[3][4]\nNaN\n"\xff"\n[5]\n[6')
    found: list[Any] = []
    for _, value in Journal(path).entries(on_damage=found.append):
        found.append(value)
    assert found == [
        [1],
        Damage("not_json", 4, 4),
        [2],
        Damage("nul_run", 12, 3),
        Damage("glued", 15, 7),
        Damage("not_json", 22, 4),
        Damage("not_utf8", 26, 4),
        [5],
        Damage("torn_tail", 34, 2),
    ]
    with pytest.warns(untorn.DamageWarning, match=r"skipped 4 bytes at byte 4 \(not_json\)") as warned:
        assert list(Journal(path)) == [[1], [2], [5]]
    assert [Path(warning.filename) for warning in warned] == [Path(__file__)]
    report = Journal(path).verify()
    skipped = [item for item in found if isinstance(item, Damage)]
    # A reader can begin anywhere, so it counts no lines.
    lines = zip(skipped, (2, 4, 5, 6, 7, 9), strict=True)
    assert report.damage == tuple(Damage(one.kind, one.offset, one.length, line, line == 9) for one, line in lines)
    assert not report.ok
    assert report.notes == ()
    assert (report.records, report.bytes, report.end.offset, report.damage_count) == (3, 36, 34, 6)


def test_what_the_decoder_refuses_but_is_sound_comes_through(path: Path) -> None:
    path.write_bytes(b'[1]\n"two"\n[3]\n')

    def loads(record: bytes) -> Any:
        value = json.loads(record)
        if not isinstance(value, list):
            raise LookupError("a list is needed")
        return value

    journal = Journal(path, loads=loads)
    entries = journal.entries()
    position, _ = next(entries)
    with pytest.raises(LookupError) as caught:
        next(entries)
    assert str(path) in caught.value.__notes__[0]
    _, after = [record.end for record in journal.records()][:2]
    assert position < after
    assert journal.read(start=after) == [[3]]


def test_limits_say_where_to_read_on(path: Path) -> None:
    journal = Journal(path)
    ends = [journal.append(n) for n in range(10)]
    assert journal.read(max_records=10, max_bytes=10) == list(range(10))
    with pytest.raises(untorn.LimitExceeded) as caught:
        journal.read(max_records=4)
    assert caught.value.position == ends[3]
    records = journal.records(max_bytes=6)
    assert len([next(records) for _ in range(6)]) == 6
    with pytest.raises(untorn.LimitExceeded) as caught:
        next(records)
    assert caught.value.position == ends[5]


def test_a_record_longer_than_max_record(path: Path) -> None:
    journal = Journal(path, max_record=10)
    with pytest.raises(untorn.LimitExceeded):
        journal.append("x" * 9)
    journal.append("x" * 8)
    path.write_bytes(path.read_bytes() + b'"xxxxxxxxx"\n')
    damage: list[Damage] = []
    assert journal.read(on_damage=damage.append) == ["x" * 8]
    assert damage == [Damage("too_long", 11, 12)]


def test_the_tail_is_oldest_first(path: Path) -> None:
    journal = Journal(path)
    assert journal.tail(3) == []
    journal.extend(range(100))
    assert journal.tail(3) == [97, 98, 99]
    assert journal.tail(0) == []
    assert journal.tail(2**40) == list(range(100))
    with pytest.raises(ValueError, match="a whole number from 0"):
        journal.tail(-1)


def test_repair_says_what_it_did(path: Path) -> None:
    path.write_bytes(b'[1]\n{"a":')
    journal = Journal(path)
    assert journal.repair().repaired == untorn.Repair(offset=4, cut=5, newline_added=False)
    assert journal.repair().repaired is None
    assert path.read_bytes() == b"[1]\n"
    path.write_bytes(b"[1]\n[2]")
    assert journal.repair().repaired == untorn.Repair(offset=4, cut=0, newline_added=True)
    assert list(journal) == [[1], [2]]


def test_a_report_says_whether_all_is_well(path: Path) -> None:
    journal = Journal(path)
    journal.append(1)
    assert journal.verify().ok
    with path.open("ab") as file:
        file.write(b"{\n")
    assert not journal.verify().ok
