"""POSIX record locks: two of one process do not exclude each other, and one unlocks both.

    python record_locks.py

With fasteners, whose InterProcessLock is such a lock; then with untorn.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import fasteners  # type: ignore[import-untyped]

import untorn

OTHER_PROCESS = """
import sys, fasteners
print(fasteners.InterProcessLock(sys.argv[1]).acquire(blocking=False))
"""


def with_fasteners(path: Path) -> None:
    """Two objects, as two parts of a program would have them."""
    one = fasteners.InterProcessLock(path)
    two = fasteners.InterProcessLock(path)
    assert one.acquire(blocking=False)
    both = two.acquire(blocking=False)
    print(f"fasteners: a second lock of the same process is acquired too: {both}")
    assert both
    # It closes its descriptor, and with any of them the process's locks go.
    two.release()
    other = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    robbed = other.stdout.strip() == "True"
    print(
        f"fasteners: when it is let go, the first says acquired={one.acquired}, "
        f"and another process acquires it: {robbed}"
    )
    assert one.acquired
    assert robbed


def with_untorn(path: Path) -> None:
    """The same two objects."""
    one = untorn.FileLock(path, timeout=0)
    two = untorn.FileLock(path, timeout=0)
    with one:
        try:
            two.acquire()
        except untorn.Locked as error:
            print(f"untorn:    a second lock of the same process is refused: {error}")
        else:
            raise AssertionError("acquired twice")
        other = subprocess.run(["flock", "--nonblock", f"{path}.lock", "true"], check=False)
        print(f"untorn:    another process is refused: {other.returncode == 1}")
        assert other.returncode == 1
    with two:
        print("untorn:    the second has it once the first has let go")


def main() -> None:
    """Shows both."""
    with tempfile.TemporaryDirectory() as directory:
        with_fasteners(Path(directory) / "theirs.lock")
        with_untorn(Path(directory) / "ours")


if __name__ == "__main__":
    main()
