"""Documents: objects in and out."""

import copy
import json
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import untorn
from untorn import Document


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.json"


def test_saves_and_loads(path: Path) -> None:
    document = Document(path)
    version = document.save({"é": [1, None]})
    assert path.read_bytes() == '{"é":[1,null]}'.encode()
    assert document.load() == {"é": [1, None]}
    assert document.version == version
    assert len(version) == 32


def test_a_missing_document(path: Path) -> None:
    document = Document(path)
    with pytest.raises(FileNotFoundError) as caught:
        document.load()
    assert isinstance(caught.value, untorn.NotFound)
    assert (caught.value.errno, caught.value.filename) == (2, str(path))
    assert document.load(default=None) is None
    assert document.load_versioned({}) == ({}, None)
    with pytest.raises(untorn.NotFound), document.update():
        pytest.fail("there is nothing to update")


def test_expect_is_compare_and_swap(path: Path) -> None:
    mine, theirs = Document(path), Document(path)
    value, version = mine.load_versioned(default=[])
    assert mine.save([*value, 1], expect=version) == mine.version
    value, version = mine.load_versioned()
    theirs.save("theirs")
    with pytest.raises(untorn.Conflict):
        mine.save([*value, 2], expect=version)
    assert mine.load() == "theirs"
    mine.save("again", expect=mine.version)
    with pytest.raises(untorn.AlreadyExists) as caught:
        mine.create("new")
    assert isinstance(caught.value, FileExistsError)
    with pytest.raises(untorn.AlreadyExists):
        mine.save("new", expect=None)
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        mine.save("new", expect="1")


def test_removes(path: Path) -> None:
    document = Document(path)
    assert document.remove() is False
    first = document.create(1)
    second = document.save(2)
    with pytest.raises(untorn.Conflict):
        document.remove(expect=first)
    assert document.remove(expect=second) is True
    assert not path.exists()
    with pytest.raises(untorn.InvalidArgument):
        document.remove(expect=None)  # type: ignore[arg-type]


def test_update_changes_in_place(path: Path) -> None:
    document = Document(path)
    default: dict[str, int] = {}
    for n in range(3):
        with document.update(default=default) as value:
            assert value.get("n", 0) == n
            value["n"] = n + 1
    assert document.load() == {"n": 3}
    assert default == {}
    assert document.version == document.load_versioned()[1]


def test_an_update_that_fails_saves_nothing(path: Path) -> None:
    document = Document(path, timeout=0)
    document.save({"n": 1})
    with pytest.raises(KeyError, match="mine"), document.update() as value:
        value["n"] = 2
        raise KeyError("mine")
    with pytest.raises(untorn.InvalidRecord, match="nothing was saved"), document.update() as value:
        value["n"] = float("nan")
    with pytest.raises(TypeError), document.update() as value:
        value["n"] = object()
    assert document.load() == {"n": 1}
    document.save(2)  # and the lock is free


def test_update_with_replaces(path: Path) -> None:
    document = Document(path)
    assert document.update_with(lambda n: n + 1, default=0) == 1
    assert document.update_with(lambda n: n + 1) == 2
    document.save([1])
    assert document.update_with(lambda value: value.append(2)) == [1, 2]
    assert document.load() == [1, 2]


def test_no_update_is_lost_among_threads(path: Path) -> None:
    document = Document(path, durability="process")

    def work() -> None:
        for _ in range(50):
            with document.update(default={"n": 0}) as value:
                value["n"] += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert document.load() == {"n": 400}


def test_works_under_a_lock_that_is_held(path: Path) -> None:
    document = Document(path)
    with untorn.FileLock(path) as lock:
        with pytest.raises(untorn.Deadlock):
            document.save(1)
        document.save({"n": 1}, lock=lock)
        with document.update(lock=lock) as value:
            value["n"] = 2
        assert lock.held
    assert document.load() == {"n": 2}
    with pytest.raises(untorn.InvalidArgument, match="not held"):
        document.save(3, lock=lock)
    with untorn.FileLock(path.with_name("other")) as lock, pytest.raises(untorn.InvalidArgument, match="other"):
        document.save(3, lock=lock)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1] [2]"])
def test_a_file_that_is_no_json_is_corrupt(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(untorn.Corrupt) as caught:
        Document(path).load(default={})
    assert isinstance(caught.value, ValueError)
    assert caught.value.path == path
    assert caught.value.__cause__ is not None


def test_another_encoder_and_decoder(path: Path) -> None:
    document = Document(path, dumps=lambda value: json.dumps(value, indent=1), loads=lambda data: len(data))
    document.save([1])
    assert path.read_text() == "[\n 1\n]"
    assert document.load() == 6

    def broken(_: bytes) -> Any:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        Document(path, loads=broken).load()


def test_mode_and_links_are_kept(path: Path) -> None:
    link = path.with_name("link.json")
    link.symlink_to(path)
    Document(link, mode=0o600).save(1)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    Document(link, mode=0o600).save(2)
    assert path.stat().st_mode & 0o777 == 0o644


def test_closed_named_and_copied(path: Path) -> None:
    with Document(path, durability="process") as document:
        document.save(1)
    assert document.closed
    with pytest.raises(untorn.InvalidArgument, match="closed"):
        document.save(2)
    assert repr(document) == f"<untorn.Document {str(path)!r}, durability='process', closed>"
    assert os.fspath(document) == str(path)
    for other in (copy.copy(document), pickle.loads(pickle.dumps(document))):
        assert (other.durability, other.load()) == ("process", 1)
        other.save(1)
