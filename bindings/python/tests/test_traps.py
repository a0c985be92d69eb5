"""What used to lose data, or to wait, without a word."""

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run

import untorn
from untorn import Document, Journal, aio

Script = Callable[..., Any]

NOT_MANY = {
    "dict": {"role": "user"},
    "str": "ab",
    "bytes": b"[1]",
    "int": 5,
    "None": None,
    "async generator": "async",
}


def not_many(kind: str) -> Any:
    async def values() -> Any:
        yield 1

    return values() if kind == "async generator" else NOT_MANY[kind]


@pytest.mark.parametrize("kind", NOT_MANY)
@pytest.mark.parametrize("verb", ["extend", "replace", "compact", "fold.extend", "fold.update", "tx.extend"])
def test_what_is_no_list_of_records_is_refused(path: Path, verb: str, kind: str) -> None:
    if (verb, kind) == ("fold.update", "None"):
        pytest.skip("a decision to append nothing")
    journal = Journal(path, durability="process")
    journal.extend([1, {"two": 2}])
    before = path.read_bytes()
    given = not_many(kind)
    with pytest.raises(untorn.InvalidArgument, match=r"many records.*nothing was changed"):
        match verb:
            case "extend" | "replace":
                getattr(journal, verb)(given)
            case "compact":
                journal.compact(lambda _: given)
            case "fold.extend":
                journal.fold(list[Any], lambda state, value: state.append(value)).extend(given)
            case "fold.update":
                journal.fold(list[Any], lambda state, value: state.append(value)).update(lambda _: given)
            case _:
                with untorn.Transaction(path.parent) as tx:
                    tx.extend(path.name, given)
    assert path.read_bytes() == before
    assert isinstance(untorn.InvalidArgument(), TypeError)


@pytest.mark.parametrize("verb", ["extend", "replace", "compact"])
def test_a_promise_in_the_place_of_its_value_is_refused(run: Run, path: Path, verb: str) -> None:
    async def records() -> list[int]:
        return [1]

    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        await journal.append(0)
        given = records()
        with pytest.raises(untorn.InvalidArgument, match="await it first"):
            await (journal.compact(lambda _: given) if verb == "compact" else getattr(journal, verb)(given))
        given.close()
        assert await journal.read() == [0]

    run(main)


@pytest.mark.parametrize("value", [5, 1.5, "text", None, True])
def test_a_value_that_cannot_be_changed_in_place_is_no_update(path: Path, value: Any) -> None:
    document = Document(path, durability="process")
    document.save(value)
    with pytest.raises(untorn.InvalidArgument, match="can't be changed in place: use update_with"), document.update():
        pytest.fail("the block ran")
    with pytest.raises(untorn.InvalidArgument), document.update(default=0):
        pytest.fail("the block ran")
    assert document.update_with(lambda old: [old]) == [value]
    # The lock was released each time.
    document.save(1, timeout=0)


def test_a_name_that_is_given_another_value_is_told(path: Path) -> None:
    document = Document(path, durability="process")
    document.save({"n": 1})
    with pytest.raises(untorn.InvalidArgument, match="the block made another one"), document.update() as value:
        value = {"n": 2}
    assert document.load() == {"n": 1}
    with pytest.raises(untorn.InvalidArgument), document.update() as value:
        value = {**value, "n": 2}
    other = Document(path.with_name("other"), durability="process")
    with pytest.raises(untorn.InvalidArgument), other.update(default=[]) as entries:
        entries = [*entries, 1]
    assert not other.path.exists()


def test_a_block_that_changes_nothing_saves_nothing_new(path: Path) -> None:
    document = Document(path, durability="process")
    version = document.save({"n": 1})
    with document.update() as value:
        assert value == {"n": 1}
    assert document.version == version
    with document.update() as value:
        value["n"] = 2
        value = None
    assert document.load() == {"n": 2}


def test_a_name_that_is_given_another_value_is_told_awaited(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")
        async with document.update(default={}) as value:
            value["n"] = 1
        with pytest.raises(untorn.InvalidArgument, match="the block made another one"):
            async with document.update() as value:
                value = {"n": 2}
        with pytest.raises(untorn.InvalidArgument, match="use update_with"):
            async with aio.Document(path.with_name("number")).update(default=0):
                pytest.fail("the block ran")
        assert await document.load() == {"n": 1}

    run(main)


def test_errors_show_their_message(path: Path, hold: Any) -> None:
    hold(path)
    with pytest.raises(untorn.LockTimeout) as raised:
        Document(path).save(1, timeout=0.01)
    assert repr(raised.value) == f"LockTimeout({str(raised.value)!r})"
    assert str(path) in repr(raised.value)
    assert "the other" in repr(raised.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda path: Journal(path, timeout=-1),
        lambda path: Document(path).save(1, timeout=float("nan")),
        lambda path: Document(path).save(1, expect="7"),
        lambda path: Journal(path, max_record=-1),
        lambda _: untorn.Position.parse("x"),
    ],
    ids=["timeout", "nan", "version", "max_record", "position"],
)
def test_every_argument_that_is_refused_is_an_error_of_ours(path: Path, call: Any) -> None:
    with pytest.raises(untorn.InvalidArgument) as raised:
        call(path)
    assert isinstance(raised.value, ValueError)


def test_what_is_dropped_while_it_is_in_use_warns(tmp_path: Path) -> None:
    lease = untorn.Store(tmp_path / "store").session("k").claim("me")
    with pytest.warns(ResourceWarning, match="was owned when its Lease was dropped"):
        del lease
        gc.collect()
    tx = untorn.Transaction(tmp_path)
    tx.__enter__()
    tx.save("a.json", 1)
    with pytest.warns(ResourceWarning, match="was open when it was dropped, and is rolled back"):
        del tx
        gc.collect()
    assert not (tmp_path / "a.json").exists()
    update = untorn.Document(tmp_path / "d.json").update(default={})
    update.__enter__()["n"] = 1
    with pytest.warns(ResourceWarning, match="was open when it was dropped, and nothing is saved"):
        del update
        gc.collect()
    assert untorn.holder(tmp_path / "d.json") is None
    assert not (tmp_path / "d.json").exists()


VENDORED = """
    import sys
    sys.path.insert(0, sys.argv[1])
    # As in a frozen program: the distribution's metadata is missing.
    sys.path[:] = [entry for entry in sys.path if not entry.endswith("site-packages")]
    import untorn
    assert untorn.__file__.startswith(sys.argv[1]), untorn.__file__
    assert "importlib.metadata" not in sys.modules
    print(untorn.__version__, untorn.Journal(sys.argv[2]).append(1).offset)
"""


def test_a_copied_package_directory_can_be_imported(tmp_path: Path, script: Script) -> None:
    package = Path(untorn.__file__).parent
    copy = tmp_path / "vendor"
    copy.mkdir()
    (copy / "untorn").symlink_to(package)
    ended = script(VENDORED, copy, tmp_path / "j.jsonl", env={**os.environ, "PYTHONPATH": ""})
    out, err = ended.communicate(timeout=60)
    assert (out, err) == (f"{untorn.__version__} 2\n", "")


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert untorn.__version__ == version("untorn")


def test_json_that_was_saved_is_json(path: Path) -> None:
    Document(path, durability="process").save({"a": ["\ud800", 10**30]})
    assert json.loads(path.read_bytes()) == {"a": ["\ud800", 10**30]}
