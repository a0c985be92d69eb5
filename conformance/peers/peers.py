"""Untorn's locks among other programs' locks on the same file.

Each participant is a process that is told, a line a time, to `lock` or `try`
(answers `locked` or `busy`; the next line lets go: `unlocked`) or to `count N`: take
the lock, add one to a number in a file, let go, N times (`counted`). The number is
exact only if every one of them excluded all the others.

    peers.py RUST_PEER NODE_PROJECT [--rounds N]
"""

import argparse
import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = [sys.executable, "-P", str(HERE / "peer.py")]
SHELL = ["bash", str(HERE / "peer.sh")]
# Nothing here takes as long.
LONG = 60.0

Command = list[str]


class Peer:
    """One participant, and what it answers."""

    def __init__(self, command: Command, kind: str, path: Path) -> None:
        self.name = f"{Path(command[-1]).name} {kind}"
        counter = path.with_name("counter")
        self.process = subprocess.Popen(
            [*command, kind, str(path), str(counter)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def tell(self, word: str) -> None:
        """Says something without waiting for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def has_answered(self, seconds: float) -> bool:
        """Whether an answer is there within this time."""
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def answer(self) -> str:
        """The next answer, which must come."""
        if not self.has_answered(LONG):
            raise AssertionError(f"{self.name} says nothing")
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise AssertionError(f"{self.name} ended with {self.process.wait()}")
        return line

    def ask(self, word: str, expected: str) -> None:
        """Says something, and gets this answer."""
        self.tell(word)
        got = self.answer()
        assert got == expected, f"{self.name}: {word}: {got}, not {expected}"


@contextlib.contextmanager
def peers(path: Path, *wanted: tuple[Command, str]) -> Iterator[list[Peer]]:
    """Participants that end with the block."""
    made: list[Peer] = []
    try:
        made.extend(Peer(command, kind, path) for command, kind in wanted)
        yield made
    finally:
        for peer in made:
            peer.process.kill()
            peer.process.wait()
            for stream in (peer.process.stdin, peer.process.stdout):
                # What it was not told any more does not matter.
                with contextlib.suppress(OSError):
                    assert stream is not None
                    stream.close()


@contextlib.contextmanager
def stage() -> Iterator[Path]:
    """A file to lock, and a counter beside it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "state.json"
        path.write_text("{}")
        path.with_name("counter").write_text("0")
        yield path


def holder_and_waiter(one: tuple[Command, str], other: tuple[Command, str]) -> None:
    """`one` holds: `other` is refused, waits, and has it the moment it is free."""
    with stage() as path, peers(path, one, other) as (holder, waiter):
        for _ in range(3):
            holder.ask("lock", "locked")
            waiter.ask("try", "busy")
            waiter.tell("lock")
            assert not waiter.has_answered(0.02), f"{waiter.name} got in beside {holder.name}"
            holder.ask("unlock", "unlocked")
            assert waiter.answer() == "locked"
            waiter.ask("unlock", "unlocked")
        # One that dies lets go, however it dies.
        holder.ask("lock", "locked")
        waiter.tell("lock")
        holder.process.kill()
        assert waiter.answer() == "locked"
        waiter.ask("unlock", "unlocked")


def count(rounds: int, *all_of: tuple[Command, str]) -> None:
    """Two of each at once, and a number that must be exact."""
    with stage() as path, peers(path, *all_of, *all_of) as made:
        for peer in made:
            peer.tell(f"count {rounds}")
        for peer in made:
            assert peer.answer() == "counted"
        number = int(path.with_name("counter").read_text())
        expected = rounds * len(made)
        assert number == expected, f"{number}, not {expected}: {[p.name for p in made]}"


def a_counter_without_a_lock_is_wrong(rounds: int, python: tuple[Command, str]) -> None:
    """The measure itself: locks of two different files exclude nobody."""
    with stage() as path, stage() as elsewhere:
        # One counter, two locks.
        counter = path.with_name("counter")
        other = elsewhere.with_name("counter")
        other.unlink()
        os.link(counter, other)
        with peers(path, python) as (one,), peers(elsewhere, python) as (two,):
            for _ in range(50):
                for peer in (one, two):
                    peer.tell(f"count {rounds}")
                for peer in (one, two):
                    assert peer.answer() == "counted"
                lost = 2 * rounds - int(counter.read_text())
                if lost > 0:
                    return
                counter.write_text("0")
    raise AssertionError("two that do not exclude each other lost nothing: no measure")


def proper_lockfile(ours: tuple[Command, str], theirs: tuple[Command, str]) -> None:
    """Not compatible: its lock is a directory of the name of our lock file.

    Nobody gets in beside the other, but neither can have the lock while the other's
    lock file is there: each is refused, and says so.
    """
    with stage() as path, peers(path, ours, theirs) as (our, their):
        their.ask("lock", "locked")
        our.tell("try")
        got = our.answer()
        assert got.startswith("error UNTORN_"), got
        their.ask("unlock", "unlocked")
        our.ask("lock", "locked")
        their.ask("try", "busy")
        our.ask("unlock", "unlocked")
        # Our lock file stays, and is no lock: for it that is a holder.
        their.ask("try", "busy")


def main() -> None:
    """Runs them all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rust", type=Path)
    parser.add_argument("node", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    rounds: int = options.rounds
    rust = [str(options.rust)]
    node = ["node", str(options.node / "peers" / "peer.mjs")]
    ours = [(rust, "untorn"), (PYTHON, "untorn"), (node, "untorn")]
    sidecar = [
        (PYTHON, "filelock"),
        (PYTHON, "portalocker"),
        (PYTHON, "fcntl"),
        (SHELL, "flock"),
        (rust, "fd-lock"),
    ]
    in_place = [
        (PYTHON, "fcntl-in-place"),
        (SHELL, "flock-in-place"),
        (rust, "fd-lock-in-place"),
    ]
    a_counter_without_a_lock_is_wrong(rounds, (PYTHON, "fcntl"))
    pairs = [(our, their) for our in ours for their in sidecar]
    pairs += [((rust, "untorn-in-place"), their) for their in in_place]
    for our, their in pairs:
        holder_and_waiter(our, their)
        holder_and_waiter(their, our)
        count(rounds, our, their)
        print(f"{our[1]} and {their[1]}: exact", flush=True)
    proper_lockfile((node, "untorn"), (node, "proper-lockfile"))
    print("untorn and proper-lockfile: not compatible, and nobody gets in beside the other")


main()
