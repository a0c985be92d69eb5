"""A disk that is full."""

import errno
from pathlib import Path

import pytest

import untorn
from untorn import Document, Journal


def test_a_failed_append_leaves_the_journal_as_it_was(small_disk: Path) -> None:
    journal = Journal(small_disk / "j")
    journal.append("first")
    before = journal.path.read_bytes()
    for values in (["x" * 400_000], ["x" * 4000] * 100):
        with pytest.raises(untorn.StorageFull) as caught:
            journal.extend(values)
        assert isinstance(caught.value, OSError)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(journal.path))
        assert journal.path.read_bytes() == before
    journal.append("second")
    assert list(journal) == ["first", "second"]
    assert journal.verify().damage_count == 0


def test_a_journal_that_fills_up_loses_nothing(small_disk: Path) -> None:
    journal = Journal(small_disk / "j", durability="process")
    written = 0
    with pytest.raises(untorn.StorageFull):
        while True:
            journal.append([written, "x" * 997])
            written += 1
    assert [n for n, _ in journal] == list(range(written))
    assert written > 100
    assert journal.verify().damage_count == 0


def test_a_failed_save_leaves_the_old_document(small_disk: Path) -> None:
    document = Document(small_disk / "d")
    document.save({"n": 1})
    with pytest.raises(untorn.StorageFull) as caught:
        document.save("x" * 400_000)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(untorn.StorageFull), document.update() as value:
        value["text"] = "x" * 400_000
    with pytest.raises(OSError, match="No space left"):
        untorn.save_json(document.path, "x" * 400_000)
    assert document.load() == {"n": 1}
    # What the failed saves began with is gone, so that there is room.
    document.save("x" * 100_000)
    assert sorted(child.name for child in small_disk.iterdir()) == ["d", "d.lock"]
