"""Locks, waits, and what they say of the holder."""

import gc
import os
import subprocess
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from loops import is_free

import untorn
from untorn import FileLock, Journal

Hold = Callable[[Path], "subprocess.Popen[str]"]


def test_is_an_flock_on_the_sidecar(path: Path) -> None:
    lock = FileLock(path, label="me")
    assert not lock.held
    with lock as same:
        assert same is lock
        assert lock.held
        assert not is_free(path)
    assert not lock.held
    assert is_free(path)
    assert not path.exists()
    assert (lock.path, lock.label, lock.shared) == (path, "me", False)


def test_acquire_and_release_again_and_again(path: Path) -> None:
    lock = FileLock(path)
    for _ in range(2):
        lock.acquire()
        assert not is_free(path)
        lock.release()
        assert is_free(path)
        lock.release()
    assert repr(lock) == f"<untorn.FileLock '{path}'>"


def test_is_let_go_with_its_object(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    gone = weakref.ref(lock)
    with pytest.warns(ResourceWarning, match=f"the lock of {path} was held when its FileLock was dropped"):
        del lock
        gc.collect()
    assert gone() is None
    assert is_free(path)


def test_acquire_in_a_with_statement(path: Path) -> None:
    lock = FileLock(path)
    with lock.acquire() as same:
        assert same is lock
        assert not is_free(path)
    assert is_free(path)
    with lock.acquire(timeout=0), pytest.raises(untorn.Deadlock):
        FileLock(path).acquire()
    assert is_free(path)


def test_the_same_thread_would_wait_for_itself(path: Path) -> None:
    with FileLock(path) as lock:
        for again in (lock, FileLock(path), FileLock(path, timeout=30)):
            with pytest.raises(untorn.Deadlock, match="itself"):
                again.acquire()
        with pytest.raises(untorn.Deadlock):
            Journal(path).append(1)
        Journal(path).append(1, lock=lock)
        Journal(path).append_raw("2", lock=lock)
        Journal(path).extend([3], lock=lock)
        assert Journal(path).repair(lock=lock).records == 3


def test_tries_once_or_for_a_while_and_names_the_holder(path: Path, hold: Hold) -> None:
    other = hold(path)
    with pytest.raises(untorn.Locked) as locked:
        FileLock(path, timeout=0).acquire()
    with pytest.raises(untorn.LockTimeout) as late:
        FileLock(path).acquire(timeout=0.05)
    with pytest.raises(untorn.LockTimeout) as append:
        Journal(path, timeout=30).append(1, timeout=0.05)
    for error in (locked.value, late.value, append.value):
        assert error.holder is not None
        assert (error.holder.pid, error.holder.label, error.holder.alive) == (other.pid, "the other", "alive")
        assert error.holder.since is not None
        assert error.filename == str(path)
        assert "the other" in str(error)
    assert isinstance(locked.value, BlockingIOError)
    assert isinstance(late.value, TimeoutError)
    assert untorn.holder(path) == locked.value.holder
    other.communicate()
    assert untorn.holder(path) is None


def test_a_holder_that_dies_lets_go(path: Path, hold: Hold) -> None:
    other = hold(path)
    taken = threading.Event()

    def wait() -> None:
        with FileLock(path):
            taken.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not taken.is_set()
    other.kill()
    waiter.join()
    assert taken.is_set()


def test_shared_locks_keep_writers_out(path: Path) -> None:
    with FileLock(path, shared=True) as first, FileLock(path, shared=True) as second:
        assert first.shared
        with pytest.raises(untorn.Locked):
            FileLock(path, timeout=0).acquire()
        with pytest.raises(untorn.InvalidArgument, match="shared"):
            Journal(path).append(1, lock=second)
    with FileLock(path), pytest.raises(untorn.Locked):
        FileLock(path, shared=True, timeout=0).acquire()


def test_one_shared_object_is_held_as_often_as_it_was_taken(path: Path) -> None:
    lock = FileLock(path, shared=True)
    lock.acquire()
    lock.acquire()
    lock.release()
    assert not is_free(path)
    lock.release()
    assert is_free(path)


def test_at_locks_exactly_this_file(path: Path) -> None:
    with pytest.raises(untorn.InvalidArgument, match="at"):
        FileLock(f"{path}.lock").acquire()
    with FileLock.at(f"{path}.lock"):
        assert not is_free(path)
        with pytest.raises(untorn.Deadlock):
            FileLock(path).acquire()
    with FileLock.at(path.with_name("any name")):
        assert path.with_name("any name").exists()


def test_other_threads_run_while_one_waits(path: Path, hold: Hold) -> None:
    other = hold(path)
    waiter = threading.Thread(target=lambda: Journal(path).append("waited"))
    waiter.start()
    # All of this is done by the thread that must not be held up.
    Journal(path.with_name("free")).extend(range(100))
    assert waiter.is_alive()
    other.communicate()
    waiter.join()
    assert list(Journal(path)) == ["waited"]


def test_a_directory_that_is_not_there(path: Path) -> None:
    with pytest.raises(untorn.NotFound, match="directory") as caught:
        FileLock(path / "no" / "p").acquire()
    assert caught.value.operation == "lock"


def test_a_directory_that_must_not_be_written(path: Path) -> None:
    if os.geteuid() != 0:
        path.parent.chmod(0o500)
        with pytest.raises(untorn.PermissionDenied) as caught:
            FileLock(path).acquire()
        assert isinstance(caught.value, PermissionError)
        return
    # Root may write anywhere, but not as another user.
    path.parent.chmod(0o500)
    child = os.fork()
    if child == 0:
        os.chdir("/")
        os.setuid(65534)
        try:
            FileLock(path).acquire()
        except untorn.PermissionDenied as error:
            os._exit(0 if error.errno == 13 and isinstance(error, PermissionError) else 1)
        except BaseException:
            os._exit(2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
