"""What users test their own recovery with."""

import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import untorn

pytest_plugins = ["untorn.testing"]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="it traces by Linux's ptrace"
)
Killed = Callable[..., Iterator[int]]


def test_a_journal_is_whole_wherever_its_writer_dies(path: Path, killed_at_each_call: Killed) -> None:
    def write() -> None:
        untorn.Journal(path).extend([{"n": 1}, {"n": 2}])

    found: list[list[int]] = []
    for _ in killed_at_each_call(write):
        journal = untorn.Journal(path, durability="process")
        journal.append({"n": 0})
        found.append([value["n"] for value in journal])
        path.unlink()
    # Both or neither, and at last they were there.
    assert set(map(tuple, found)) == {(0,), (1, 2, 0)}
    assert found[0] == [0]
    assert found[-1] == [1, 2, 0]
    assert len(found) > 3


def test_a_writer_without_care_is_found_out(path: Path, killed_at_each_call: Killed) -> None:
    def write() -> None:
        with path.open("w") as file:
            file.write("[1, 2")
            file.flush()
            file.write(", 3]")

    left = set()
    for _ in killed_at_each_call(write):
        left.add(path.read_text() if path.exists() else None)
    assert left == {None, "", "[1, 2", "[1, 2, 3]"}


def test_the_calls_of_other_threads_count(path: Path, killed_at_each_call: Killed) -> None:
    def write() -> None:
        import threading

        thread = threading.Thread(target=path.write_text, args=["x"])
        thread.start()
        thread.join()

    left = [path.read_text() if path.exists() else None for _ in killed_at_each_call(write)]
    assert left[0] is None
    assert left[-1] == "x"
    assert "" in left


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_writer_that_raises_is_an_error(
    path: Path, killed_at_each_call: Killed, capfd: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        raise LookupError(path)

    with pytest.raises(RuntimeError, match="the writer failed"):
        list(killed_at_each_call(write))
    assert "LookupError" in capfd.readouterr().err


def test_a_writer_without_an_end_is_an_error(path: Path, killed_at_each_call: Killed) -> None:
    def write() -> None:
        while True:
            path.write_text("x")

    with pytest.raises(RuntimeError, match="more than 5 calls"):
        list(killed_at_each_call(write, most=5))
