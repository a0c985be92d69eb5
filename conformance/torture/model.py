"""What the journal must have been at every moment, from what is left and what the writers logged.

A journal's life is a chain of intervals. Each begins with the records that the change before it left (`after`), grows
by appends only, and ends with a rotation, a rewind or a compaction, which found exactly `before` there. Rotations and
rewinds keep the file that they found, and its number is their order; a compaction logs what it found, and the
generation that it began. So the whole chain is known, record by record, and with it every state that any reader may
have seen: one number and one hash each.
"""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

Id = tuple[int, int]
State = tuple[int, int]
Entry = dict[str, Any]


def step(state: State, record: Id) -> State:
    """The writers' fold, in short: how many records, and a hash of their order."""
    count, value = state
    return count + 1, (value * 31 + record[0] * 1_000_003 + record[1]) % 2**32


def check(condition: object, *what: object) -> None:
    """As `assert`, and not to be switched off."""
    if not condition:
        raise AssertionError(" ".join(str(word) for word in what))


@dataclass
class File:
    """A journal file: its records, and where each ends."""

    name: str
    ids: list[Id] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    @staticmethod
    def read(path: Path) -> "File":
        """The file at this path; an empty one, if there is none."""
        file, end = File(path.name), 0
        text = path.read_bytes() if path.exists() else b""
        check(text.endswith(b"\n") or not text, path.name, "ends in half a record")
        for line in text.split(b"\n")[:-1]:
            end += len(line) + 1
            record = json.loads(line)
            filler = chr(97 + record["n"] % 26) * record["length"]
            check(record["filler"] == filler, path.name, "has a damaged record:", line[:80])
            file.ids.append((record["w"], record["n"]))
            file.ends.append(end)
        return file


@dataclass
class Change:
    """What ends an interval; the end of the run is one that leaves everything."""

    what: str
    before: list[Id]
    after: list[Id]
    ends: list[int] | None
    # Of the file before (rewinds) and after (compactions), where known.
    old: int | None = None
    new: int | None = None


def changes(journal: Path, logs: dict[int, list[Entry]]) -> list[Change]:
    """All changes but appends, in their order."""
    kept: dict[str, tuple[int, Entry]] = {}
    compactions: list[Change] = []
    for writer, log in logs.items():
        for entry in log:
            if entry["op"] in ("rotate", "rewind") and entry["kept"] is not None:
                check(entry["kept"] not in kept, entry["kept"], "was kept twice")
                kept[entry["kept"]] = (writer, entry)
            if entry["op"] == "compact":
                before, after = ([(w, n) for w, n in entry[part]] for part in ("before", "after"))
                compactions.append(Change(f"compaction by {writer}", before, after, None, None, entry["generation"]))
    compactions.sort(key=lambda change: change.new or 0)

    stem = f"{journal.stem}_"
    paths = [path for path in journal.parent.iterdir() if path.name.startswith(stem) and path.suffix == ".jsonl"]
    files = [File.read(path) for path in sorted(paths, key=lambda path: int(path.stem.removeprefix(stem)))]
    check({file.name for file in files} == set(kept), "rotated files and what the writers know of them differ")
    rotations = [of_kept(file, *kept[file.name]) for file in files]
    return in_order(rotations, compactions)


def of_kept(file: File, writer: int, entry: Entry) -> Change:
    """The rotation or the rewind that kept this file."""
    if entry["op"] == "rotate":
        return Change(f"{file.name}, rotated by {writer}", file.ids, [], file.ends)
    what = f"{file.name}, rewound by {writer}"
    check(entry["end"] in file.ends, what, "to the middle of a record")
    length = file.ends.index(entry["end"]) + 1
    # The writer's own record is what stood before this position. Of another file's, it would not be.
    check(file.ids[length - 1] == (writer, entry["n"]), what, "to where another record ends")
    check(length < len(file.ids), what, "though nothing was behind it")
    return Change(what, file.ids, file.ids[:length], file.ends, entry["generation"])


def in_order(rotations: list[Change], compactions: list[Change]) -> list[Change]:
    """One order of both. A compaction keeps the first record, so what it left is in the next file that is kept."""
    order: list[Change] = []
    rest = iter(compactions)
    next_one = next(rest, None)
    for rotation in rotations:
        there = set(rotation.before)
        while next_one is not None and next_one.new is not None:
            known = rotation.old is not None
            if not (next_one.new <= (rotation.old or 0) if known else next_one.after[0] in there):
                break
            order.append(next_one)
            next_one = next(rest, None)
        order.append(rotation)
    while next_one is not None:
        order.append(next_one)
        next_one = next(rest, None)
    return order


class Life:
    """The intervals, and where and when each record came."""

    def __init__(self, journal: Path, logs: dict[int, list[Entry]]) -> None:
        last = File.read(journal)
        self.chain = [*changes(journal, logs), Change("the end", last.ids, last.ids, last.ends)]
        self.logs = logs
        # Of each record: its interval, and its place among the records there.
        self.places: dict[Id, tuple[int, int]] = {}
        # Of each state: when it was.
        self.states: dict[State, list[tuple[int, int]]] = {}
        self.lengths: list[int] = []
        after: list[Id] = []
        for number, change in enumerate(self.chain):
            self._interval(number, after, change)
            after = change.after

    def _interval(self, number: int, after: list[Id], change: Change) -> None:
        length = len(after)
        self.lengths.append(length)
        check(change.before[:length] == after, change.what, "did not find what the change before it had left")
        state = (0, 0)
        for at, record in enumerate(change.before):
            if at >= length:
                self.states.setdefault(state, []).append((number, at))
                check(record not in self.places, change.what, "found a record that was there before:", record)
                self.places[record] = (number, at)
            state = step(state, record)
        self.states.setdefault(state, []).append((number, len(change.before)))

    def check(self) -> None:
        """All that the writers logged, against this."""
        self._appends()
        for writer, log in self.logs.items():
            self._views(writer, log)

    def _appends(self) -> None:
        logged: set[Id] = set()
        generations: dict[int, int] = {}
        ends: dict[int, list[tuple[int, int]]] = {}
        for writer, log in self.logs.items():
            number = 0
            before = (0, 0)
            for entry in log:
                if entry["op"] != "append":
                    continue
                ids = [(writer, n) for n in range(entry["from"], entry["to"] + 1)]
                check(entry["from"] == number, writer, "logged its appends in another order")
                number = entry["to"] + 1
                logged.update(ids)
                for record in ids:
                    check(record in self.places, "an acknowledged record is lost:", record, entry)
                interval, at = self.places[ids[0]]
                check(
                    [self.places[record] for record in ids] == [(interval, at + i) for i in range(len(ids))],
                    "an append is not in one piece:",
                    ids,
                )
                check((interval, at) >= before, "a writer's records are not in its order:", ids)
                before = (interval, at)
                known = generations.setdefault(interval, entry["generation"])
                check(known == entry["generation"], "one file has two generations:", entry, known)
                ends.setdefault(interval, []).append((at + len(ids), entry["end"]))
        check(logged == set(self.places), "records that nobody appended:", sorted(set(self.places) - logged)[:5])
        in_time = [generations[interval] for interval in sorted(generations)]
        check(all(a < b for a, b in pairwise(in_time)), "generations do not grow")
        for interval, positions in ends.items():
            positions.sort()
            check(all(a[1] < b[1] for a, b in pairwise(positions)), "positions do not grow")
            change = self.chain[interval]
            for length, end in positions if change.ends is not None else []:
                check(change.ends is not None and change.ends[length - 1] == end, change.what, "a wrong position", end)
        for interval, change in enumerate(self.chain):
            for told, at in ((change.old, interval), (change.new, interval + 1)):
                check(told is None or generations.get(at, told) == told, change.what, "has another generation")

    def _views(self, writer: int, log: list[Entry]) -> None:
        """Each view is a state that was, not older than what this writer had seen or done before."""
        known = (0, 0)
        for entry in log:
            if entry["op"] == "append":
                interval, at = self.places[writer, entry["from"]]
                if "seen" in entry:
                    state = (entry["seen"][0], entry["seen"][1])
                    check((interval, at) in self.states.get(state, []), writer, "decided on another state:", entry)
                known = max(known, (interval, at + entry["to"] - entry["from"] + 1))
            if entry["op"] in ("view", "fold", "final"):
                state = (entry["count"], entry["hash"])
                moments = [moment for moment in self.states.get(state, []) if moment >= known]
                check(moments, writer, "saw what the journal was not, or no longer:", entry, known)
                known = min(moments)
            if entry["op"] == "final":
                end = (len(self.chain) - 1, len(self.chain[-1].before))
                check(end in moments, writer, "folded another journal than the last:", entry)
