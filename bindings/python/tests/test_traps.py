"""What used to lose data, or to wait, without a word."""

import asyncio
import gc
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from loops import Run

import untorn
from untorn import Damage, Document, Journal, aio

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
    # The lock was let go each time.
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


def test_an_append_that_is_never_awaited_warns_and_is_made(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        with pytest.warns(RuntimeWarning, match=f"append {path} was never awaited") as warned:
            journal.append(1)  # type: ignore[unused-coroutine]
        assert warned[0].filename == __file__
        await journal.append(2)

    run(main)
    assert list(Journal(path)) == [1, 2]


FORGETFUL = """
    import asyncio, sys, warnings
    from untorn import aio

    warnings.simplefilter("ignore", RuntimeWarning)

    async def main():
        journal = aio.Journal(sys.argv[1], durability="process")
        for n in range(3000):
            journal.append(n)

    asyncio.run(main())
"""


def test_what_was_begun_is_made_when_the_program_ends(path: Path, script: Script) -> None:
    for turn in range(1, 4):
        ended = script(FORGETFUL, path)
        assert ended.communicate(timeout=60) == ("", "")
        assert ended.returncode == 0
        assert list(Journal(path)) == [*range(3000)] * turn


LATE = """
    import asyncio, sys
    from untorn import aio

    async def main():
        aio.Journal(sys.argv[1], durability="process").append(1)

    asyncio.run(main())
"""


def test_an_append_that_did_not_get_its_lock_is_told(path: Path, script: Script, hold: Any) -> None:
    hold(path)
    ended = script(
        LATE.replace("import asyncio", "import warnings; warnings.simplefilter('default'); import asyncio"), path
    )
    out, err = ended.communicate(timeout=60)
    assert out == ""
    assert "1 appends were still waiting for their lock when the program ended" in err
    assert not path.exists()


def test_an_append_given_to_asyncio_run(path: Path) -> None:
    position = asyncio.run(aio.Journal(path, durability="process").append({"n": 1}))
    asyncio.run(aio.Journal(path, durability="process").extend([2, 3]))
    asyncio.run(aio.Journal(path, durability="process").append_raw("4"))
    assert isinstance(position, untorn.Position)
    assert list(Journal(path)) == [{"n": 1}, 2, 3, 4]


def test_without_an_event_loop_an_append_says_what_is_missing(path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no running event loop: untorn\.aio needs asyncio's"):
        aio.Journal(path).append(1).send(None)


def test_a_task_that_would_wait_for_itself(run: Run, path: Path) -> None:
    async def main() -> None:
        journal, document = aio.Journal(path, durability="process"), aio.Document(path, durability="process")
        async with document.update(default={}) as value:
            value["n"] = 1
            for call in (
                document.save({}),
                document.remove(),
                document.update_with(lambda value: value),
                journal.append(1),
                journal.extend([1]),
                journal.rotate(),
                aio.FileLock(path).acquire(),
            ):
                with pytest.raises(untorn.Deadlock, match="change the value instead of saving"):
                    await call
            with pytest.raises(untorn.Locked):
                await document.save({}, timeout=0)
        assert await document.load() == {"n": 1}
        async with aio.FileLock(path) as lock:
            with pytest.raises(untorn.Deadlock, match="pass it the lock"):
                await document.save({"n": 2})
            await document.save({"n": 3}, lock=lock)
        async with aio.FileLock(path, shared=True), aio.FileLock(path, shared=True):
            pass
        # Nothing is remembered once it is let go.
        await document.save({"n": 4})
        lock = aio.FileLock(path)
        await lock.acquire()
        await asyncio.create_task(lock.release())
        await document.save({"n": 5})

    run(main)


def test_an_append_can_be_waited_for_in_every_way(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        done, _ = await asyncio.wait([asyncio.ensure_future(journal.append(1)), asyncio.create_task(journal.append(2))])
        assert len(done) == 2
        for earliest in asyncio.as_completed([journal.append(3), journal.extend([4, 5])]):
            await earliest
        await asyncio.wait_for(asyncio.shield(journal.append(6)), 60)
        again = journal.append(7)
        assert await again == await again

    run(main)
    assert list(Journal(path)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_task_that_is_cancelled_before_its_first_step_appends_nothing_later(run: Run, path: Path) -> None:
    async def main() -> None:
        journal = aio.Journal(path, durability="process")
        for n in range(50):
            task = asyncio.create_task(journal.append(n))
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task
            before = await journal.read()
            # It stands behind the append, if that is still to come.
            await journal.rotate()
            assert await journal.read() == []
            end = await journal.append(n)
            assert [position for position, _ in [entry async for entry in journal.entries()]] == [end]
            assert before in ([], [n - 1], [n], [n - 1, n])

    run(main)


def test_another_task_is_waited_for(run: Run, path: Path) -> None:
    async def main() -> None:
        document = aio.Document(path, durability="process")
        async with document.update(default={}) as value:
            other = asyncio.create_task(document.save({"by": "the other"}))
            await asyncio.sleep(0)
            value["by"] = "the first"
        await other
        assert await document.load() == {"by": "the other"}

    run(main)


def test_what_tries_once_does_not_stand_behind_what_waits(run: Run, path: Path, hold: Any) -> None:
    other = hold(path)

    async def main() -> None:
        document, journal = aio.Document(path, durability="process"), aio.Journal(path, durability="process")
        waiting = [asyncio.ensure_future(document.save(n)) for n in range(3)]
        appending = asyncio.ensure_future(journal.append(1))
        await asyncio.sleep(0)
        for call in (document.save(4, timeout=0), document.update_with(lambda value: value, timeout=0)):
            with pytest.raises(untorn.Locked, match="held by pid"):
                await call
        with pytest.raises(untorn.Locked):
            await journal.append(2, timeout=0)
        assert not any(call.done() for call in [*waiting, appending])
        other.communicate()
        await asyncio.gather(*waiting, appending)

    run(main)


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
    # As in a frozen program: the distribution's metadata is not there.
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
