"""Ctrl-C and other signals during a wait."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import untorn
from untorn import Document, FileLock, Journal

Hold = Callable[[Path], "subprocess.Popen[str]"]

WAITS: dict[str, Callable[[Path], object]] = {
    "lock": lambda path: FileLock(path).acquire(),
    "lock with a timeout": lambda path: FileLock(path, timeout=3600).acquire(),
    "append": lambda path: Journal(path).append(1),
    "append_raw": lambda path: Journal(path).append_raw("1"),
    "extend": lambda path: Journal(path).extend([1, 2]),
    "repair": lambda path: Journal(path).repair(),
    "save": lambda path: Document(path).save(1),
    "update": lambda path: Document(path).update_with(lambda value: value, default=1),
    "remove": lambda path: Document(path).remove(),
    "set_header": lambda path: Journal(path, header_prefix="[").set_header([]),
    "rewind": lambda path: Journal(path).rewind(untorn.Position(0, 0)),
    "rotate": lambda path: Journal(path).rotate(),
    "clear": lambda path: Journal(path).clear(),
    "replace": lambda path: Journal(path).replace([1]),
    "compact": lambda path: Journal(path).compact(list),
    "fold": lambda path: Journal(path).fold(int, int.__add__),
    "transaction": lambda path: commit(path),
    "load in a transaction": lambda path: load(path),
    "follow": lambda path: next(Journal(path).follow()),
}


def commit(path: Path) -> None:
    with untorn.Transaction(path.parent) as tx:
        tx.save(path.name, 1)


def load(path: Path) -> None:
    with untorn.Transaction(path.parent) as tx:
        tx.load(path.name)


class Mine(Exception):
    """What a signal handler raises."""


@pytest.fixture
def alarm() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run a function in a signal handler again and again, as `setitimer` does."""
    before = signal.getsignal(signal.SIGALRM)

    def start(action: Callable[[], None]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: action())
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("wait", WAITS)
def test_what_a_handler_raises_ends_the_wait(
    tmp_path: Path, hold: Hold, alarm: Callable[[Callable[[], None]], None], wait: str
) -> None:
    path = tmp_path / "p"
    hold(path)

    def action() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Mine

    alarm(action)
    with pytest.raises(Mine):
        WAITS[wait](path)
    assert not path.exists()


def test_a_wait_goes_on_if_the_handler_returns(
    tmp_path: Path, hold: Hold, alarm: Callable[[Callable[[], None]], None]
) -> None:
    path = tmp_path / "p"
    other = hold(path)
    runs = 0

    def action() -> None:
        nonlocal runs
        runs += 1
        if runs == 5:
            assert other.stdin is not None
            other.stdin.close()

    alarm(action)
    with FileLock(path) as lock:
        assert lock.held
    assert runs >= 5
    other.stdin = None


def test_signals_do_not_disturb_appends_and_saves(tmp_path: Path, alarm: Callable[[Callable[[], None]], None]) -> None:
    journal = Journal(tmp_path / "j")
    document = Document(tmp_path / "d")
    runs = 0

    def action() -> None:
        nonlocal runs
        runs += 1

    alarm(action)
    n = 0
    while runs < 20:
        journal.extend([[n, "x" * 50_000]] * 3)
        document.save(["y" * 50_000, n])
        n += 1
    assert [value[0] for value in journal] == [i for i in range(n) for _ in range(3)]
    assert document.load()[1] == n - 1


def test_a_thread_waits_on_while_the_main_thread_handles_signals(
    tmp_path: Path, hold: Hold, alarm: Callable[[Callable[[], None]], None]
) -> None:
    path = tmp_path / "p"
    other = hold(path)
    done = threading.Event()
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            Journal(path).append("in the end")
        except BaseException as error:
            failed.append(error)
        done.set()

    runs = threading.Semaphore(0)
    alarm(runs.release)
    thread = threading.Thread(target=wait)
    thread.start()
    for _ in range(5):
        runs.acquire()
    assert not done.is_set()
    other.communicate()
    thread.join()
    assert failed == []
    assert list(Journal(path)) == ["in the end"]


def test_what_a_handler_raises_ends_the_wait_for_a_directory(
    tmp_path: Path, hold: Hold, alarm: Callable[[Callable[[], None]], None]
) -> None:
    other = hold(tmp_path / ".untorn")
    waits: list[Callable[[], object]] = [lambda: untorn.snapshot(tmp_path), lambda: commit(tmp_path / "p")]

    def action() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Mine

    for wait in waits:
        alarm(action)
        with pytest.raises(Mine):
            wait()
    other.communicate()
    commit(tmp_path / "p")
    assert untorn.snapshot(tmp_path).load("p") == 1


def test_what_a_handler_raises_ends_the_wait_for_an_owner(
    tmp_path: Path, script: Callable[..., "subprocess.Popen[str]"], alarm: Callable[[Callable[[], None]], None]
) -> None:
    other = script(OWNER, tmp_path)
    assert other.stdout is not None
    assert other.stdout.readline() == "owned\n"
    store = untorn.Store(tmp_path)
    waits: list[Callable[[], object]] = [
        lambda: store.session("a").claim("me", timeout=None),
        lambda: store.remove("a", timeout=None),
    ]

    def action() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Mine

    for wait in waits:
        alarm(action)
        with pytest.raises(Mine):
            wait()
    other.kill()
    with store.session("a").claim("me", timeout=60) as lease:
        assert lease.previous is not None


OWNER = """
    import sys, untorn
    lease = untorn.Store(sys.argv[1]).session("a").claim("the owner")
    print("owned", flush=True)
    sys.stdin.readline()
"""


CTRL_C = """
    import signal, sys
    # Loads all names now: a signal during an import is Python's own affair.
    from untorn import Document, FileLock, Journal
    # A shell that starts the tests in the background lets them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, how = sys.argv[1:]
    try:
        print("waiting", flush=True)
        if how == "lock":
            FileLock(path).acquire()
        elif how == "append":
            Journal(path).append(1)
        else:
            Document(path).save(1)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("how", ["lock", "append", "save"])
def test_ctrl_c_ends_a_wait(
    tmp_path: Path, hold: Hold, script: Callable[..., "subprocess.Popen[str]"], how: str
) -> None:
    path = tmp_path / "p"
    other = hold(path)
    waiting = script(CTRL_C, path, how)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waiting\n"
    waiting.send_signal(signal.SIGINT)
    # The lock is never released, so nothing but the signal can end it.
    out, err = waiting.communicate(timeout=60)
    assert (out, err, waiting.returncode) == ("interrupted\n", "", 0)
    other.communicate()
    with FileLock(path, timeout=0):
        assert not path.exists()


def test_nothing_is_left_of_an_interrupted_wait(
    tmp_path: Path, hold: Hold, alarm: Callable[[Callable[[], None]], None]
) -> None:
    path = tmp_path / "p"
    other = hold(path)
    journal = Journal(path)

    def action() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Mine

    alarm(action)
    with pytest.raises(Mine):
        journal.append("never")
    other.communicate()
    journal.append("later", timeout=60)
    assert list(journal) == ["later"]
    with untorn.FileLock(path, timeout=60):
        pass
