"""A writer of the torture, in Python: see `torture.py`."""

import json
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from untorn import Conflict, Damage, Fold, Journal, Position

Record = dict[str, Any]


class State:
    """How many records, a hash of their order, and the last of each writer."""

    def __init__(self) -> None:
        self.count = self.hash = 0
        self.last: dict[int, int] = {}

    def take(self, record: Record) -> None:
        """The next record, which must be whole, and not before one of its writer's."""
        writer, n = record["w"], record["n"]
        assert record["filler"] == chr(97 + n % 26) * record["length"], record
        assert n > self.last.get(writer, -1), f"{record} after {self.last}"
        self.last[writer] = n
        self.count += 1
        self.hash = (self.hash * 31 + writer * 1_000_003 + n) % 2**32

    def seen(self) -> list[int]:
        """What is compared."""
        return [self.count, self.hash]


class Writer:
    """One of the four."""

    def __init__(self, journal: str, log: str, number: str, seed: str) -> None:
        self.journal = Journal(journal, durability="process")
        self.fold: Fold[State] = self.journal.fold(State, State.take)
        self.log = Path(log)
        self.entries: list[str] = []
        self.number, self.random = int(number), random.Random(int(seed))
        self.next = 0
        self.ends: list[tuple[int, Position]] = []

    def note(self, op: str, **what: object) -> None:
        """What came of an operation that is over."""
        self.entries.append(json.dumps({"op": op, **what}) + "\n")

    def records(self, count: int) -> list[Record]:
        """The next records of this writer."""
        made = []
        for n in range(self.next, self.next + count):
            length = self.random.choice([0, 10, 100, 100, 9_000 if n % 50 == 0 else 30])
            made.append({"w": self.number, "n": n, "length": length, "filler": chr(97 + n % 26) * length})
        return made

    def appended(self, count: int, end: Position, **more: object) -> None:
        """Notes an append."""
        first, self.next = self.next, self.next + count
        self.ends = [*self.ends[-7:], (self.next - 1, end)]
        self.note("append", **{"from": first, "to": self.next - 1}, generation=end.generation, end=end.offset, **more)

    def append(self) -> None:
        """One record."""
        [record] = self.records(1)
        self.appended(1, self.journal.append(record))

    def append_many(self) -> None:
        """A few records in one piece."""
        records = self.records(self.random.randint(2, 6))
        self.appended(len(records), self.journal.extend(records))

    def fold_append(self) -> None:
        """One record, and the state with it."""
        [record] = self.records(1)
        self.appended(1, self.fold.append(record))
        self.fold_view("fold")

    def fold_update(self) -> None:
        """The state that is decided on is that of all records before this one."""
        [record] = self.records(1)
        seen: list[int] = []

        def decide(state: State) -> list[Record]:
            seen[:] = state.seen()
            return [record]

        self.appended(1, self.fold.update(decide), seen=seen)

    def fold_view(self, op: str) -> None:
        """The state as the fold has it."""
        count, value = self.fold.read(State.seen)
        self.note(op, count=count, hash=value)

    def refresh(self) -> None:
        """The state with all that there is."""
        self.fold.refresh()
        self.fold_view("fold")

    def view(self) -> None:
        """One pass over the file, without the lock."""
        state = State()
        for _, record in self.journal.entries(on_damage=harmless):
            state.take(record)
        self.note("view", count=state.count, hash=state.hash)

    def rewind(self) -> None:
        """Back to the end of an append of our own, if the journal is still that file."""
        if not self.ends:
            return
        n, end = self.random.choice(self.ends)
        try:
            kept = self.journal.rewind(end)
        except Conflict:
            self.note("refused")
            return
        self.note("rewind", n=n, generation=end.generation, end=end.offset, kept=kept and kept.name)

    def rotate(self) -> None:
        """A new file."""
        kept = self.journal.rotate()
        self.note("rotate", kept=kept and kept.name)

    def compact(self) -> None:
        """All but some records, always with the first; or in the end not."""
        before, after = [], []

        def change(records: Iterator[Record]) -> Iterable[Record]:
            for record in records:
                before.append((record["w"], record["n"]))
                if len(before) == 1 or self.random.random() < 0.8:
                    after.append((record["w"], record["n"]))
                    yield record
            if not before or self.random.random() < 0.25:
                raise InterruptedError

        try:
            end = self.journal.compact(change)
        except InterruptedError:
            self.note("gave up")
            return
        self.note("compact", before=before, after=after, generation=end.generation)

    def run(self, seconds: float) -> None:
        """Anything, for so long; and what there is when all are done."""
        verbs = {
            self.append: 430,
            self.append_many: 130,
            self.fold_append: 140,
            self.fold_update: 80,
            self.view: 120,
            self.refresh: 60,
            self.rewind: 15,
            self.rotate: 7,
            self.compact: 18,
        }
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.random.choices(list(verbs), list(verbs.values()))[0]()
        print("done", flush=True)
        sys.stdin.readline()
        self.fold.refresh()
        self.fold_view("final")
        self.log.write_text("".join(self.entries), encoding="utf-8")


def harmless(damage: Damage) -> None:
    """An append in flight looks torn to whoever takes no lock."""
    assert damage.kind == "torn_tail", damage


if __name__ == "__main__":
    Writer(*sys.argv[1:5]).run(float(sys.argv[5]))
