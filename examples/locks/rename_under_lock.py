"""Updates under flock, lost: the lock is on the file, and the rename moves its name.

    python rename_under_lock.py [INCREMENTS]

Four processes add one to a number in a JSON file, INCREMENTS times each: under a flock
on the file itself, writing a new file and renaming it over the old; then with untorn.
"""

import fcntl
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import untorn

PROCESSES = 4


def with_flock_on_the_data(path: Path, increments: int) -> None:
    """As it is often done. Every step is right; together they are not."""
    for _ in range(increments):
        with path.open("r+") as file:
            # Whoever waits here waits for a file that has no name any more when its
            # turn comes: it reads what is old, and excludes nobody who came later.
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            state["n"] += 1
            temporary = path.with_name(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(state))
            temporary.rename(path)


def with_untorn(path: Path, increments: int) -> None:
    """The same; the lock is on `state.json.lock`, which nobody renames."""
    document = untorn.Document(path, durability="process")
    for _ in range(increments):
        with document.update() as state:
            state["n"] += 1


def total(work: Callable[[Path, int], None], increments: int) -> int:
    """What is in the file in the end."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "state.json"
        path.write_text('{"n": 0}')
        fork = multiprocessing.get_context("fork")
        processes = [fork.Process(target=work, args=(path, increments)) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
        number: int = json.loads(path.read_text())["n"]
        return number


def main() -> None:
    """Shows both."""
    increments = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    expected = PROCESSES * increments
    flock = total(with_flock_on_the_data, increments)
    print(f"flock on the data file, then rename: {flock} of {expected} increments kept")
    assert flock < expected, "nothing was lost this time; run it again with more increments"
    ours = total(with_untorn, increments)
    print(f"untorn:                              {ours} of {expected}")
    assert ours == expected


if __name__ == "__main__":
    main()
