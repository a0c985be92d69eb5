"""Where files are and how they are locked there; what is sealed; what a search finds."""

import fcntl
import json
import os
from pathlib import Path

import pytest
from loops import Run, is_free

import untorn
from untorn import Document, FileLock, Journal, Store, Transaction, aio


def test_selftest(run: Run, tmp_path: Path) -> None:
    for scheme in ("sidecar", "in-place", "pid-file"):
        test = untorn.selftest(tmp_path, scheme=scheme)
        assert test.passed, str(test)
        assert (test.dir, test.scheme) == (tmp_path, scheme)
        assert {"exclusion", "rename", "sync"} <= {check.name for check in test.checks}
        assert "exclusion" in str(test)
    with pytest.raises(untorn.InvalidArgument):
        untorn.selftest(tmp_path, scheme="none")  # type: ignore[arg-type]
    with pytest.raises(untorn.NotFound):
        untorn.selftest(tmp_path / "none")

    async def main() -> None:
        assert (await aio.selftest(tmp_path)).passed

    run(main)
    assert list(tmp_path.iterdir()) == []


def test_in_place(path: Path) -> None:
    """As a harness does it that locks the file itself, and keeps it open."""
    path.write_text('{"n": 0}')
    inode = path.stat().st_ino
    document = Document(path, scheme="in-place")
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(untorn.Locked):
            document.save(1, timeout=0)
        fcntl.flock(file, fcntl.LOCK_UN)
        with document.update() as value:
            value["n"] += 1
            with pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_SH)
        assert json.load(file) == {"n": 1}
    assert path.stat().st_ino == inode
    journal = Journal(path.with_name("j"), scheme="in-place", durability="process")
    with FileLock(path.with_name("j"), scheme="in-place") as lock:
        journal.append(1, lock=lock)
    assert list(journal) == [1]
    assert not path.with_name("j.lock").exists()


def test_pid_file(path: Path, run: Run) -> None:
    """As a program does it that creates the file exclusively."""
    lock_file = Path(f"{path}.lock")
    journal = Journal(path, scheme="pid-file", durability="process", timeout=0)
    with FileLock(path, scheme="pid-file") as lock:
        assert lock_file.read_text().splitlines()[0] == str(os.getpid())
        journal.append(1, lock=lock)
    assert not lock_file.exists()
    lock_file.write_text(f"{os.getpid()}\nnonce\n")
    with pytest.raises(untorn.Locked):
        journal.append(2)
    lock_file.unlink()

    async def main() -> None:
        async with aio.FileLock(path, scheme="pid-file", stale=2.5):
            assert lock_file.exists()

    run(main)
    with pytest.raises(untorn.InvalidArgument, match="stale"):
        FileLock(path, scheme="pid-file", stale=1).acquire()


def test_words_that_are_none(path: Path) -> None:
    for kind in (Journal, Document, FileLock):
        for options in ({"scheme": "sidecars"}, {"on_unsupported": "ignore"}, {"stale": -1.0}):
            with pytest.raises(untorn.InvalidArgument):
                kind(path, **options)
    with pytest.raises(untorn.InvalidArgument):
        Journal(path, header_mode="x")  # type: ignore[arg-type]
    with pytest.raises(untorn.InvalidArgument):
        Journal(path, sealed=True, format="lines")
    assert Journal(path, on_unsupported="pid-file").append(1)


def test_sealed(path: Path) -> None:
    journal = Journal(path, sealed=True, durability="process")
    journal.extend([{"n": 1}, {"n": 2}])
    assert list(journal) == list(Journal(path)) == [{"n": 1}, {"n": 2}]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"n": 1}, {"n": 2}]
    Journal(path, durability="process").append({"n": 3})
    assert (journal.verify().records, journal.verify().unsealed) == (3, 1)
    # Still valid JSON, and found.
    path.write_bytes(path.read_bytes().replace(b'{"n":1}', b'{"n":7}'))
    found: list[untorn.Damage] = []
    assert journal.read(on_damage=found.append) == [{"n": 2}, {"n": 3}]
    assert [damage.kind for damage in found] == ["bad_seal"]


def test_a_header_in_a_transaction(tmp_path: Path, run: Run) -> None:
    with Transaction(tmp_path, header_prefix='{"at"') as tx:
        tx.set_header("j", {"at": 1})
        tx.append("j", [1])
    journal = Journal(tmp_path / "j", header_prefix='{"at"')
    assert [journal.header, *journal] == [{"at": 1}, [1]]

    async def main() -> None:
        async with aio.Transaction(tmp_path, header_prefix='{"at"') as tx:
            await tx.set_header("j", {"at": 2})

    run(main)
    assert [journal.header, *journal] == [{"at": 2}, [1]]


def test_searches_all_sessions(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path, durability="process")
    for key in ("b", "a"):
        journal = store.session(key).journal()
        place = journal.append({"text": "nothing"})
        journal.extend([{"text": "😀 Grüße aus Köln"}] * 2)
    hits = store.search("GRÜSSE") + store.search("GRÜ", max_hits=3)
    assert [hit.key for hit in hits] == ["a", "a", "b"]
    first = hits[0]
    assert first.position == untorn.Position(store.session("a").journal().end().generation, place.offset)
    assert first.snippet[slice(*first.range)] == "Grü"
    assert next(store.session("a").journal().entries(first.position))[1] == {"text": "😀 Grüße aus Köln"}
    with pytest.raises(untorn.InvalidArgument):
        store.search("")

    async def main() -> None:
        assert await aio.Store(tmp_path).search("grü", max_hits=3) == hits

    run(main)
    assert is_free(tmp_path / "x")
