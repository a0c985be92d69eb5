"""What was opened is given back when it is closed, not when it is collected."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import Run

import untorn
from untorn import Document, FileLock, Journal, Store, aio

Script = Callable[..., Any]

# Each verb, on a file of its own, 5,000 times, with few descriptors. All objects are kept: the collector is no help.
MANY = """
    import asyncio, gc, resource, sys
    from pathlib import Path
    import untorn
    from untorn import aio

    gc.disable()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    folder, verb, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    kept = []
    process = {"durability": "process"}

    def journal(path, read):
        with untorn.Journal(path, **process) as journal:
            journal.append(1)
            kept.append(journal)
            read(journal)

    def half_read(journal):
        journal.extend(range(9))
        reader = journal.entries()
        next(reader)
        reader.close()
        kept.append(reader)

    def fully_read(journal):
        reader = journal.entries()
        assert [value for _, value in reader] == [1]
        kept.append(reader)

    def dropped(journal):
        for _ in journal:
            break

    def folded(journal):
        with journal.fold(int, lambda n, _: n + 1) as fold:
            assert fold.state == 1
            kept.append(fold)

    def followed(journal):
        with journal.follow(untorn.Position(0, 0), timeout=0) as follow:
            assert list(follow) == [1]
            kept.append(follow)

    def document(path):
        with untorn.Document(path, **process) as document:
            with document.update(default={}) as value:
                value["n"] = 1
            kept.append(document)

    def session(path):
        session = untorn.Store(folder / "store", **process).session(path.name)
        with session.claim("me") as lease:
            with session.journal() as journal:
                journal.append(1)
            with session.state() as state:
                state.save(1)
            kept.extend([session, lease, journal, state])

    def lock(path):
        lock = untorn.FileLock(path)
        with lock:
            pass
        kept.append(lock)

    def transaction(path):
        with untorn.Transaction(folder, **process) as tx:
            tx.save(path.name, 1)
        kept.append(tx)

    def snapshot(path):
        path.mkdir()
        (path / "a.json").write_text("1")
        with untorn.snapshot(path) as snapshot:
            assert snapshot.load("a.json") == 1
        kept.append(snapshot)

    def one_shots(path):
        untorn.save_json(path, 1, **process)
        assert untorn.load_json(path) == 1
        untorn.append_json(f"{path}l", 1, **process)

    async def awaited(path):
        async with aio.Journal(path, **process) as journal:
            await journal.append(1)
            assert await journal.read() == [1]
            async for _ in journal:
                break
        async with aio.Document(f"{path}.json", **process) as document:
            await document.save(1)
        lock = aio.FileLock(path)
        async with lock:
            pass
        await aio.save_json(f"{path}.s", 1, **process)
        kept.extend([journal, document, lock])

    VERBS = {
        "append": lambda path: journal(path, lambda journal: None),
        "half_read": lambda path: journal(path, half_read),
        "fully_read": lambda path: journal(path, fully_read),
        "dropped": lambda path: journal(path, dropped),
        "tail": lambda path: journal(path, lambda journal: journal.tail(1)),
        "verify": lambda path: journal(path, lambda journal: (journal.verify(), journal.repair(), journal.end())),
        "rewrite": lambda path: journal(path, lambda journal: (journal.replace([1]), journal.compact(list))),
        "follow": lambda path: journal(path, followed),
        "fold": lambda path: journal(path, folded),
        "document": document,
        "session": session,
        "lock": lock,
        "transaction": transaction,
        "snapshot": snapshot,
        "one_shots": one_shots,
    }

    async def main():
        for n in range(count):
            await awaited(folder / str(n))

    if verb == "awaited":
        asyncio.run(main())
    else:
        for n in range(count):
            VERBS[verb](folder / str(n))
"""

VERBS = (
    "append",
    "half_read",
    "fully_read",
    "dropped",
    "tail",
    "verify",
    "rewrite",
    "follow",
    "fold",
    "document",
    "session",
    "lock",
    "transaction",
    "snapshot",
    "one_shots",
    "awaited",
)
# More than there may be descriptors. `UNTORN_DEEP=1` tries what a long-lived program comes to.
COUNT = 5000 if os.environ.get("UNTORN_DEEP") else 150


@pytest.mark.parametrize("verb", VERBS)
def test_a_closed_handle_has_no_descriptor(tmp_path: Path, script: Script, verb: str) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("a limit of descriptors is a thing of Unix")
    ended = script(MANY, tmp_path, verb, COUNT)
    assert ended.communicate(timeout=None) == ("", "")
    assert ended.returncode == 0


def test_a_closed_snapshot_refuses_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    snapshot = untorn.snapshot(tmp_path)
    with snapshot:
        assert snapshot.load("a.json") == 1
    assert snapshot.closed
    snapshot.close()
    for read in (snapshot.names, lambda: snapshot.load("a.json"), lambda: list(snapshot.values("a.json"))):
        with pytest.raises(untorn.InvalidArgument, match="the snapshot is closed"):
            read()


def test_a_closed_snapshot_refuses_to_be_read_awaited(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")

    async def main() -> None:
        async with await aio.snapshot(tmp_path) as snapshot:
            assert await snapshot.load("a.json") == 1
        with pytest.raises(untorn.InvalidArgument, match="the snapshot is closed"):
            await snapshot.load("a.json")

    run(main)


def test_what_can_be_pickled(tmp_path: Path) -> None:
    session = Store(tmp_path / "store", durability="process").session("k")
    session.journal().append(1)
    again = pickle.loads(pickle.dumps(session))
    assert (again.key, again.path, list(again.journal())) == ("k", session.path, [1])
    for handle in (Journal(tmp_path / "j"), Document(tmp_path / "d")):
        assert pickle.loads(pickle.dumps(handle)).path == handle.path
    for other in (FileLock(tmp_path / "j"), untorn.Transaction(tmp_path)):
        with pytest.raises(TypeError):
            pickle.dumps(other)


def test_names_in_repr(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert repr(FileLock(path)) == f"<untorn.FileLock '{path}'>"
    assert repr(aio.FileLock(path)) == f"<untorn.aio.FileLock '{path}'>"
    assert repr(untorn.snapshot(tmp_path)) == f"<untorn.Snapshot '{tmp_path}'>"
    with Store(tmp_path / "store").session("k").claim("me") as lease:
        assert repr(lease) == f"<untorn.Lease '{lease.path}', held>"
