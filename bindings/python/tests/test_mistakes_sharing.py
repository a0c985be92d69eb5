"""Mistakes with locks, transactions and sessions."""

import datetime
import pickle
from pathlib import Path
from typing import Any

import pytest
from mistakes import J, Mistakes, answered, beginning, wrong

import untorn
from untorn import Deadlock, Document, FileLock, InvalidArgument, Journal, Locked, LockTimeout, Process, Transaction


def held(path: Path) -> Any:
    return FileLock(path).acquire()


def under_its_lock(path: Path) -> None:
    with held(path):
        Journal(path).append(1)


def taken_twice(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    try:
        with lock:
            pytest.fail("it was taken twice")
    finally:
        lock.release()


def saved_in_its_update(path: Path) -> None:
    document = Document(path)
    with document.update(default={}):
        document.save({})


def updated_in_its_update(path: Path) -> None:
    document = Document(path)
    with document.update(default={}):
        document.update_with(lambda value: value, default={})


def lock_of_another(path: Path) -> None:
    with FileLock(path.with_name("other")).acquire() as other:
        Journal(path).append(1, lock=other)


def over(path: Path) -> None:
    with Transaction(path.parent) as tx:
        tx.save("a", 1)
    tx.save("a", 2)


def within(path: Path, mistake: Any) -> None:
    with Transaction(path.parent) as tx:
        mistake(tx)


def session(path: Path) -> untorn.Session:
    return untorn.Store(path.with_name("store"), **J).session("chat:42")


def claimed_twice(path: Path) -> None:
    with session(path).claim("me"):
        session(path).claim("me too")


def removed_while_owned(path: Path) -> None:
    with session(path).claim("me"):
        untorn.Store(path.with_name("store")).remove("chat:42")


def handed_over(path: Path, to: Any) -> None:
    with held(path) as lock:
        lock.transfer(to)


def appended_in_its_compaction(path: Path) -> None:
    journal = beginning(path)
    journal.compact(lambda values: [journal.append(value) for value in values])


def appended_in_its_decision(path: Path) -> None:
    journal = beginning(path)
    fold = journal.fold(list[Any], lambda state, value: state.append(value))
    fold.update(lambda state: [journal.append(value) for value in state])


def beside_a_directory(path: Path) -> None:
    path.with_name("p.lock").mkdir()
    Document(path).save(1)


MISTAKES: Mistakes = {
    "an append within a compaction": (appended_in_its_compaction, Deadlock, "inside compact, yield the record instead"),
    "an append within a decision": (appended_in_its_decision, Deadlock, "inside a fold's update, return the records"),
    "an append under one's own lock": (
        under_its_lock,
        Deadlock,
        r"append .*: this thread already holds the lock and would wait for itself; .*lock=",
    ),
    "a lock that is taken twice": (
        taken_twice,
        Deadlock,
        "this thread already holds the lock and would wait for itself",
    ),
    "a save within an update": (saved_in_its_update, Deadlock, "inside update, change the value instead of saving"),
    "an update within an update": (
        updated_in_its_update,
        Deadlock,
        "inside update, change the value instead of saving",
    ),
    "the lock of another file": (
        lock_of_another,
        InvalidArgument,
        "the lock given is that of .*other, not of this file",
    ),
    "a lock that is not held": (
        lambda path: Journal(path).append(1, lock=FileLock(path)),
        InvalidArgument,
        "the lock given is not held",
    ),
    "a lock that is none": (
        lambda path: Journal(path).append(1, lock=wrong(True)),
        InvalidArgument,
        "expected an untorn.FileLock, not bool",
    ),
    "a negative timeout": (
        lambda path: Journal(path, timeout=-1),
        InvalidArgument,
        "a timeout is in seconds: 0 tries once, None waits without a limit; not -1",
    ),
    "a negative timeout of a lock, which other locks take": (
        lambda path: FileLock(path, -1),
        InvalidArgument,
        "0 tries once, None waits without a limit; not -1",
    ),
    "a timeout as text": (
        lambda path: Journal(path, timeout=wrong("5")),
        InvalidArgument,
        "timeout: expected a number of seconds, not str",
    ),
    "a timeout of a call as text": (
        lambda path: Journal(path).append(1, timeout=wrong("5")),
        InvalidArgument,
        "expected a number of seconds, not str",
    ),
    "a timeout that is a timedelta": (
        lambda path: Journal(path).append(1, timeout=wrong(datetime.timedelta(seconds=5))),
        InvalidArgument,
        r"expected a number of seconds, not timedelta: pass its total_seconds\(\)",
    ),
    "a timeout that is NaN": (
        lambda path: Document(path).save(1, timeout=float("nan")),
        InvalidArgument,
        "0 tries once, None waits without a limit; not NaN",
    ),
    "a flag where a timeout is due, as threading's locks take it": (
        lambda path: FileLock(path).acquire(False),
        InvalidArgument,
        "expected a number of seconds, not False",
    ),
    "a timeout for one try": (
        lambda path: FileLock(path).acquire(5, blocking=False),
        InvalidArgument,
        "blocking=False tries once: pass no timeout with it",
    ),
    "a label that is a number": (
        lambda path: FileLock(path, label=wrong(7)),
        InvalidArgument,
        "expected str, not int",
    ),
    "a stale age that is text": (
        lambda path: FileLock(path, stale=wrong("10")),
        InvalidArgument,
        "expected a number of seconds, not str",
    ),
    "a lock file in the place of its file": (
        lambda path: FileLock(f"{path}.lock").acquire(),
        InvalidArgument,
        "or lock exactly this file with `at`",
    ),
    "another library's lock in the place of ours": (
        beside_a_directory,
        InvalidArgument,
        r"not a regular file; it is a directory, as another program's lock may be \(proper-lockfile",
    ),
    "a lock that is pickled": (lambda path: pickle.dumps(FileLock(path)), TypeError, "cannot pickle .*FileLock"),
    "a lock that is handed to a number": (
        lambda path: handed_over(path, 1),
        InvalidArgument,
        "expected an untorn.Process, not int",
    ),
    "a lock that is handed to a process that has ended": (
        lambda path: handed_over(path, Process.of(4_000_000)),
        InvalidArgument,
        "the successor, pid 4000000, has ended",
    ),
    "a lock that is handed over, and is not held": (
        lambda path: FileLock(path).transfer(Process.current()),
        InvalidArgument,
        "the lock given is not held",
    ),
    "a pid that is text": (
        lambda _: Process.of(wrong("7")),
        InvalidArgument,
        "expected a whole number .*, not str",
    ),
    "a process that is no JSON": (lambda _: Process.from_json("x"), InvalidArgument, "not a process as JSON"),
    "a transaction without with": (
        lambda path: Transaction(path.parent).save("a", 1),
        InvalidArgument,
        r"it has not begun \(use it in a with block\), or is over",
    ),
    "a transaction that is over": (over, InvalidArgument, r"it has not begun .*, or is over"),
    "a file outside of the transaction": (
        lambda path: within(path, lambda tx: tx.save("../x", 1)),
        InvalidArgument,
        r"save ../x: not the name of a file in the transaction's directory: no separator, no `\.\.`",
    ),
    "an absolute path in a transaction": (
        lambda path: within(path, lambda tx: tx.save(str(path), 1)),
        InvalidArgument,
        "not the name of a file in the transaction's directory",
    ),
    "a path in the place of a name": (
        lambda path: within(path, lambda tx: tx.save(path, 1)),
        InvalidArgument,
        r"expected the name of a file \(str\), not PosixPath",
    ),
    "a file that the transaction does not find": (
        lambda path: within(path, lambda tx: tx.load("nope")),
        untorn.NotFound,
        "load .*/nope: the file does not exist; pass default= to continue without it",
    ),
    "many records that are one": (
        lambda path: within(path, lambda tx: tx.extend("a", {"n": 1})),
        InvalidArgument,
        "it takes many records, and a dict is one: put it in a list; nothing was changed",
    ),
    "a transaction in the scheme of others": (
        lambda path: Transaction(path.parent, **wrong({"scheme": "in-place"})),
        TypeError,
        "unexpected keyword argument 'scheme'",
    ),
    "a key that is a number": (
        lambda path: untorn.Store(path.with_name("store")).session(wrong(42)),
        InvalidArgument,
        "expected str, not int",
    ),
    "a claim without a label": (
        lambda path: session(path).claim(),  # type: ignore[call-arg]
        TypeError,
        "missing 1 required positional argument: 'label'",
    ),
    "a session that is claimed twice": (claimed_twice, Locked, r"claim .*: .*held by pid \d+ \(me\) since"),
    "a session that is removed while it is owned": (removed_while_owned, Locked, r"held by pid \d+ \(me\)"),
    "a search for nothing of a text": (
        lambda path: untorn.Store(path.with_name("store")).search(wrong(5)),
        InvalidArgument,
        "expected str, not int",
    ),
    "a name for two files": (
        lambda path: untorn.Store(path.with_name("store"), journal_name="a", state_name="a"),
        InvalidArgument,
        'journal and state must differ in name: both are "a"',
    ),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered(path: Path, mistake: str) -> None:
    answered(path, MISTAKES[mistake])


def test_a_lock_that_another_process_holds_names_it(path: Path, hold: Any) -> None:
    other = hold(path)
    with pytest.raises(LockTimeout, match=rf"not free within 10ms.*held by pid {other.pid} \(the other\) since"):
        Journal(path).append(1, timeout=0.01)
    for how in ({"timeout": 0}, {"blocking": False}):
        with pytest.raises(Locked, match=rf"the lock is held; held by pid {other.pid} \(the other\) since"):
            FileLock(path, 60).acquire(**wrong(how))
    with pytest.raises(LockTimeout, match=r"held by pid"), FileLock(path, 0.01):
        pytest.fail("it was taken")


EMBRACE = """
    import sys, untorn
    untorn.set_wait_threshold(0.02)
    untorn.set_event_callback(lambda event: print(event.holder.pid, flush=True))
    with untorn.FileLock(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.readline()
        untorn.FileLock(sys.argv[2]).acquire()
"""


def test_two_processes_that_wait_for_each_other_say_so(path: Path, script: Any) -> None:
    paths = (path, path.with_name("other"))
    one, other = script(EMBRACE, *paths), script(EMBRACE, *reversed(paths))
    for process in (one, other):
        assert process.stdout.readline() == "held\n"
    for process in (one, other):
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [int(process.stdout.readline()) for process in (one, other)] == [other.pid, one.pid]


def test_what_other_locks_of_files_offer(path: Path) -> None:
    lock = FileLock(path, 10)
    with lock.acquire(10), pytest.raises(Deadlock):
        FileLock(path).acquire()
    with lock.acquire(blocking=False) as same:
        assert same is lock
        assert lock.held
    assert not lock.held
    beginning(path)
