"""Carries a step out through the public API."""

from __future__ import annotations

import subprocess
import tomllib
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import sessions
from data import Failed, check, to_bytes
from database import Handles
from salvages import salvaged
from sessions import Mine, as_given

import untorn
from untorn import (
    Damage,
    Document,
    FileLock,
    Fold,
    Journal,
    Lease,
    Position,
    Record,
    Report,
    Rewound,
    Session,
    Store,
    Transaction,
    load_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Outcome:
    """What a step gave, as far as it gives such things."""

    kept: Position | str | None = None
    records: list[Record] | None = None
    values: list[Any] | None = None
    damage: list[Damage] = field(default_factory=list)
    report: Report | None = None
    value: bytes | None = None
    removed: bool | None = None
    rotated: Path | str | None = None
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class Handle:
    """A journal has two: one for bytes, and one that decodes."""

    it: Any
    decoding: Any = None


class Follower:
    """What follows a journal, and what it has told."""

    def __init__(self, journal: Journal, start: Position | None) -> None:
        self.told: deque[dict[str, Any]] = deque()
        self.news: Any = journal.follow(start, on_rewind=self._rewound)
        if hasattr(self.news, "begin"):
            # Awaited, it would begin with the first `next`.
            self.news.begin()

    def _rewound(self, rewound: Rewound) -> None:
        self.told.append({"rewound": [rewound.start.offset, rewound.end.offset]})

    def next(self, step: dict[str, Any]) -> dict[str, Any]:
        """The next thing that is told."""
        self.news.timeout = step.get("timeout", 60_000) / 1000
        if not self.told:
            self.told.extend({"record": record.decode()} for record in islice(self.news, 1))
        told = self.told.popleft() if self.told else {"nothing": True}
        return {name: told.get(name) for name in ("record", "rewound", "nothing")}


class Stage:
    """The handles of a case, and what it has kept."""

    def __init__(self, folder: Path, closing: ExitStack, untorn: Any) -> None:
        self.folder = folder
        self.untorn = untorn
        self.closing = closing
        self.handles: dict[str, Handle] = {}
        self.kept: dict[str, Position | str | None] = {"nothing": Position(0, 0)}

    def run(self, step: dict[str, Any]) -> Outcome:
        """Carry out one step."""
        carry_out = getattr(self, f"_{step['op']}", None)
        if carry_out is None:
            msg = f"no such op: {step['op']}"
            raise Failed(msg)
        return cast("Outcome", carry_out(step)) or Outcome()

    # What steps name.

    def path(self, step: dict[str, Any]) -> Path:
        """The path that a step names."""
        return self.folder / str(step["path"])

    def name(self, of: Path | str) -> str:
        """The name of a file of the case. A session in a database names its files itself."""
        return of if isinstance(of, str) else str(of.relative_to(self.folder))

    def _on(self, step: dict[str, Any], kind: type) -> Any:
        it = self.handles[step["on"]].it
        # An awaited one has the same name, and is wrapped.
        if type(getattr(it, "it", it)).__name__ != kind.__name__:
            _refuse(f"{step['on']} is no {kind.__name__}")
        return it

    def position(self, name: Any) -> Position:
        """The position that a step means."""
        if isinstance(name, str):
            return cast("Position", self.kept[name])
        return Position(self.position(name["of"]).generation, name.get("offset", self.position(name["of"]).offset))

    def _call(self, step: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if "timeout" in step:
            options["timeout"] = step["timeout"] / 1000
        if "lock" in step:
            options["lock"] = self.handles[step["lock"]].it
        return options

    # Journals.

    def _journal_open(self, step: dict[str, Any]) -> None:
        options = _options(step, "journal")
        it = self.untorn.Journal(self.path(step), dumps=as_given, loads=as_given, **options)
        self.handles[step["on"]] = Handle(it, self.untorn.Journal(self.path(step), **{**options, "parents": False}))
        self.closing.callback(it.close)

    def _append(self, step: dict[str, Any]) -> Outcome:
        return Outcome(self._on(step, Journal).append_raw(to_bytes(step["record"]), **self._call(step)))

    def _append_all(self, step: dict[str, Any]) -> Outcome:
        options = self._call(step)
        if "header" in step:
            options["header"] = to_bytes(step["header"])
        return Outcome(self._on(step, Journal).extend(map(to_bytes, step["records"]), **options))

    def _append_at(self, step: dict[str, Any]) -> Outcome:
        at, records = self.position(step["at"]), map(to_bytes, step["records"])
        return Outcome(self._on(step, Journal).extend(records, at=at, **self._call(step)))

    def _end(self, step: dict[str, Any]) -> Outcome:
        return Outcome(self._on(step, Journal).end())

    def _range(self, step: dict[str, Any]) -> dict[str, Any]:
        start = self.position(step["start"]) if "start" in step else None
        return {"start": start, "max_records": step.get("max_records"), "max_bytes": step.get("max_bytes")}

    def _records(self, step: dict[str, Any]) -> Outcome:
        outcome = Outcome()
        records = self._on(step, Journal).records(on_damage=outcome.damage.append, **self._range(step))
        outcome.records = list(records)
        return outcome

    def _values(self, step: dict[str, Any]) -> Outcome:
        outcome = Outcome()
        journal = self.handles[step["on"]].decoding
        outcome.values = journal.read(on_damage=outcome.damage.append, **self._range(step))
        return outcome

    def _tail(self, step: dict[str, Any]) -> Outcome:
        return Outcome(records=self._on(step, Journal).tail_records(step["n"]))

    def _verify(self, step: dict[str, Any]) -> Outcome:
        return Outcome(report=self._on(step, Journal).verify())

    def _repair(self, step: dict[str, Any]) -> Outcome:
        return Outcome(report=self._on(step, Journal).repair(**self._call(step)))

    def _salvage_plan(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"found": salvaged(self._on(step, Journal).salvage_plan())})

    def _salvage(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"found": salvaged(self._on(step, Journal).salvage(**self._call(step)))})

    def _torn(self, step: dict[str, Any]) -> Outcome:
        found = self._on(step, Journal).torn()
        return Outcome(told={"found": [[one.number, one.offset, one.length, one.nuls, one.why] for one in found]})

    def _torn_bytes(self, step: dict[str, Any]) -> Outcome:
        return Outcome(value=self._on(step, Journal).torn_bytes(step["number"]))

    def _restore_torn(self, step: dict[str, Any]) -> Outcome:
        return Outcome(self._on(step, Journal).restore_torn(step["number"], **self._call(step)))

    def _prune_torn(self, step: dict[str, Any]) -> Outcome:
        count = self._on(step, Journal).prune_torn(step["older_than"] / 1000, **self._call(step))
        return Outcome(told={"found": count})

    def _waiters(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"found": len(untorn.waiters(self.path(step)))})

    def _held_below(self, step: dict[str, Any]) -> Outcome:
        found = untorn.held_below(self.path(step))
        return Outcome(told={"found": [[str(one.path.relative_to(self.folder)), one.holder.label] for one in found]})

    def _sync(self, step: dict[str, Any]) -> None:
        self._on(step, Journal).sync()

    def _close(self, step: dict[str, Any]) -> None:
        self.handles[step["on"]].it.close()

    def _header(self, step: dict[str, Any]) -> Outcome:
        return Outcome(value=self._on(step, Journal).header)

    def _set_header(self, step: dict[str, Any]) -> None:
        self._on(step, Journal).set_header(to_bytes(step["bytes"]), **self._call(step))

    def _rewind(self, step: dict[str, Any]) -> Outcome:
        return Outcome(rotated=self._on(step, Journal).rewind(self.position(step["to"]), **self._call(step)))

    def _rotate(self, step: dict[str, Any]) -> Outcome:
        return Outcome(rotated=self._on(step, Journal).rotate(**self._call(step)))

    def _rotated(self, step: dict[str, Any]) -> Outcome:
        found = self._on(step, Journal).rotated()
        return Outcome(told={"found": [self.name(path) for path in found]})

    def _prune_rotated(self, step: dict[str, Any]) -> Outcome:
        limits = {"keep": step["keep_files"], "older_than": step.get("older_than", 0) / 1000}
        return Outcome(told={"found": self._on(step, Journal).prune_rotated(**limits, **self._call(step))})

    def _clear(self, step: dict[str, Any]) -> Outcome:
        return Outcome(rotated=self._on(step, Journal).clear(**self._call(step)))

    def _replace(self, step: dict[str, Any]) -> Outcome:
        return Outcome(self._on(step, Journal).replace(map(to_bytes, step["records"]), **self._call(step)))

    def _compact(self, step: dict[str, Any]) -> Outcome:
        def change(old: Iterator[bytes]) -> Iterator[bytes]:
            if step.get("fail"):
                raise Mine
            yield from (record for number, record in enumerate(old) if number in step["stay"])
            yield from map(to_bytes, step["add"])

        try:
            outcome = Outcome(self._on(step, Journal).compact(change, **self._call(step)))
        except Mine:
            return Outcome()
        if step.get("fail"):
            _refuse("the caller's own error was lost")
        return outcome

    # What comes.

    def _follow(self, step: dict[str, Any]) -> None:
        journal = self.handles[step["journal"]].it
        follower = Follower(journal, self.position(step["start"]) if "start" in step else None)
        self.handles[step["on"]] = Handle(follower)
        self.closing.callback(follower.news.close)

    def _next(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told=self._on(step, Follower).next(step))

    def _fold(self, step: dict[str, Any]) -> None:
        journal = self.handles[step["journal"]].it
        self.handles[step["on"]] = Handle(journal.fold(list, lambda state, record: state.append(record)))

    def _fold_refresh(self, step: dict[str, Any]) -> Outcome:
        self._on(step, Fold).refresh()
        return self._fold_state(step)

    def _fold_append(self, step: dict[str, Any]) -> Outcome:
        self._on(step, Fold).append(to_bytes(step["record"]))
        return self._fold_state(step)

    def _fold_state(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"state": [record.decode() for record in self._on(step, Fold).state]})

    # Transactions.

    def _transaction(self, step: dict[str, Any]) -> None:
        tx = self.untorn.Transaction(self.path(step), dumps=as_given, loads=as_given, **_options(step, "transaction"))
        tx.__enter__()
        self.handles[step["on"]] = Handle(tx)
        self.closing.callback(tx.rollback)

    def _tx_load(self, step: dict[str, Any]) -> Outcome:
        return Outcome(value=self._on(step, Transaction).load(step["name"], None))

    def _tx_save(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).save(step["name"], to_bytes(step["bytes"]))

    def _tx_create(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).create(step["name"], to_bytes(step["bytes"]))

    def _tx_append(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).extend(step["name"], map(to_bytes, step["records"]))

    def _tx_set_header(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).set_header(step["name"], to_bytes(step["bytes"]))

    def _tx_remove(self, step: dict[str, Any]) -> Outcome:
        return Outcome(removed=self._on(step, Transaction).remove(step["name"]))

    def _commit(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).commit()

    def _rollback(self, step: dict[str, Any]) -> None:
        self._on(step, Transaction).rollback()

    # Sessions.

    def _store(self, step: dict[str, Any]) -> None:
        self.handles[step["on"]] = Handle(sessions.open_store(self, step))

    def _keys(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"keys": self._on(step, Store).keys()})

    def _store_remove(self, step: dict[str, Any]) -> Outcome:
        return Outcome(removed=self._on(step, Store).remove(step["key"]))

    def _search(self, step: dict[str, Any]) -> Outcome:
        limit = {"max_hits": step["max_hits"]} if "max_hits" in step else {}
        hits = self._on(step, Store).search(step["text"], **limit)
        return Outcome(told={"hits": [[hit.key, hit.snippet[slice(*hit.range)]] for hit in hits]})

    def _session(self, step: dict[str, Any]) -> Outcome:
        session = self.handles[step["store"]].it.session(step["key"])
        self.handles[step["on"]] = Handle(session)
        return Outcome(told={"exists": session.exists()})

    def _session_journal(self, step: dict[str, Any]) -> None:
        file = sessions.open_file(self.handles[step["session"]].it, step)
        self.handles[step["on"]] = Handle(file)
        self.closing.callback(file.close)

    _session_state = _session_document = _session_journal

    def _session_holder(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"holder": sessions.holder(self._on(step, Session), step)})

    def _claim(self, step: dict[str, Any]) -> None:
        lease = self.handles[step["session"]].it.claim(step["label"], **self._call(step))
        self.handles[step["on"]] = Handle(lease)
        self.closing.callback(lease.release)

    def _release(self, step: dict[str, Any]) -> None:
        self._on(step, Lease).release()

    def _reconcile(self, step: dict[str, Any]) -> Outcome:
        return Outcome(told={"outcome": sessions.reconcile(self._on(step, Session), step)})

    # Documents.

    def _document_open(self, step: dict[str, Any]) -> None:
        it = self.untorn.Document(self.path(step), dumps=as_given, loads=as_given, **_options(step, "document"))
        self.handles[step["on"]] = Handle(it)
        self.closing.callback(it.close)

    def _load(self, step: dict[str, Any]) -> Outcome:
        value, version = self._on(step, Document).load_versioned()
        return Outcome(version, value=value)

    def _load_json(self, step: dict[str, Any]) -> None:
        # `untorn.aio` has it too, but a case needs it only once.
        read = self.untorn.load_json if isinstance(self.untorn, Handles) else load_json
        read(self.path(step))

    def _expect(self, step: dict[str, Any]) -> dict[str, Any]:
        return {"expect": self.kept[step["expect"]]} if "expect" in step else {}

    def _save(self, step: dict[str, Any]) -> Outcome:
        options = {**self._expect(step), **self._call(step)}
        return Outcome(self._on(step, Document).save(to_bytes(step["bytes"]), **options))

    def _create(self, step: dict[str, Any]) -> Outcome:
        return Outcome(self._on(step, Document).create(to_bytes(step["bytes"]), **self._call(step)))

    def _update(self, step: dict[str, Any]) -> Outcome:
        document = self._on(step, Document)
        outcome = Outcome()

        def change(value: Any) -> bytes:
            outcome.value = value
            if step.get("fail"):
                raise Mine
            return to_bytes(step["bytes"])

        try:
            document.update_with(change, default=None, **self._call(step))
        except Mine:
            return outcome
        if step.get("fail"):
            _refuse("the caller's own error was lost")
        outcome.kept = document.version
        return outcome

    def _remove(self, step: dict[str, Any]) -> Outcome:
        options = {**self._expect(step), **self._call(step)}
        return Outcome(removed=self._on(step, Document).remove(**options))

    # Locks.

    def _lock(self, step: dict[str, Any]) -> None:
        self._take(step, self.untorn.FileLock(self.path(step), **_lock_options(step)))

    def _lock_at(self, step: dict[str, Any]) -> None:
        self._take(step, self.untorn.FileLock.at(self.path(step), **_lock_options(step)))

    def _take(self, step: dict[str, Any], lock: Any) -> None:
        lock.acquire()
        self.handles[step["on"]] = Handle(lock)
        self.closing.callback(lock.release)

    def _unlock(self, step: dict[str, Any]) -> None:
        self._on(step, FileLock).release()

    # What other programs do.

    def _foreign_lock(self, step: dict[str, Any]) -> None:
        shared = ["--shared"] if step.get("shared") else []
        command = ["flock", *shared, str(self.path(step)), "sh", "-c", "echo; read -r _"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.closing.callback(child.communicate)
        assert child.stdout is not None
        if child.stdout.read(1) != b"\n":
            _refuse("the command flock of util-linux is needed")
        self.handles[step["on"]] = Handle(child)

    def _foreign_unlock(self, step: dict[str, Any]) -> None:
        child = self._on(step, subprocess.Popen)
        child.stdin.close()
        child.wait()
        child.stdin = None

    def _file_write(self, step: dict[str, Any]) -> None:
        self.path(step).write_bytes(to_bytes(step["bytes"]))

    def _file_append(self, step: dict[str, Any]) -> None:
        with self.path(step).open("ab") as file:
            file.write(to_bytes(step["bytes"]))

    def _file_replace(self, step: dict[str, Any]) -> None:
        if isinstance(self.untorn, Handles):
            self.untorn.place.replace(step["path"], to_bytes(step["bytes"]))
            return
        new = self.folder / "foreign.new"
        new.write_bytes(to_bytes(step["bytes"]))
        new.rename(self.path(step))

    def _file_remove(self, step: dict[str, Any]) -> None:
        if isinstance(self.untorn, Handles):
            self.untorn.place.remove(step["path"])
            return
        self.path(step).unlink()

    def _file_move(self, step: dict[str, Any]) -> None:
        self.path(step).rename(self.folder / str(step["to"]))

    def _file_make_directory(self, step: dict[str, Any]) -> None:
        self.path(step).mkdir()

    def _file_is(self, step: dict[str, Any]) -> None:
        check(self.path(step), step["bytes"])


# What Python's handles take, as every language's do.
TABLE = tomllib.loads((Path(__file__).parents[2] / "spec/options.toml").read_text("utf-8"))["option"]
READ: dict[str, Callable[[Any], Any]] = {
    "age": lambda value: value / 1000,
    "data": to_bytes,
    "mode": lambda value: int(value, 8),
    "timeout": lambda value: value / 1000,
}


def _options(step: dict[str, Any], handle: str) -> dict[str, Any]:
    options: dict[str, Any] = {"durability": "process"}
    for option in TABLE:
        case = option.get("case", option["name"])
        if case in step and handle in (*option["of"], *option.get("through", ())):
            read = READ.get(option["type"], as_given)
            options[option["name"]] = read(step[case])
    return options


def _lock_options(step: dict[str, Any]) -> dict[str, Any]:
    options = _options(step, "lock")
    del options["durability"]
    return options


def _refuse(why: str) -> NoReturn:
    raise Failed(why)
