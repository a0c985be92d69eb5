"""Use the Python package on Windows, or in Wine: append, save, lock, asyncio, and the peers.

The peers are `filelock`, `portalocker` and `msvcrt.locking`, on the lock file of the
sidecar scheme, each as holder and as the one who is kept out.
"""

from __future__ import annotations

import asyncio
import msvcrt
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import portalocker

import untorn
from untorn import aio

TRY = """
import sys, untorn
try:
    with untorn.FileLock(sys.argv[1], timeout=0):
        print("free")
except untorn.Locked as error:
    print("locked", error.holder and error.holder.label)
"""


HOLD = """
import sys, untorn
with untorn.FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def elsewhere(path: Path) -> str:
    """Try the lock in another process."""
    done = subprocess.run([sys.executable, "-c", TRY, path], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def journal(path: Path) -> None:
    """Append and read."""
    with untorn.Journal(path) as journal:
        journal.append({"n": 1})
        journal.extend([{"n": 2}, {"n": "\N{SNOWMAN}"}])
        assert list(journal) == [{"n": 1}, {"n": 2}, {"n": "\N{SNOWMAN}"}]
    assert path.read_bytes().count(b"\n") == 3


def document(path: Path) -> None:
    """Save, also while another reads, and update."""
    document = untorn.Document(path)
    document.save({"n": 1})
    with document.update() as value:
        value["n"] += 1
    assert untorn.load_json(path) == {"n": 2}
    # CPython's `open` does not let a file be replaced.
    with path.open(), refusal(untorn.Error) as failed:
        document.save({"n": 3})
    assert failed, "a reader that does not share is not robbed of its file"
    document.save({"n": 3})
    assert document.load() == {"n": 3}


@contextmanager
def refusal(kind: type[Exception]) -> Iterator[list[Exception]]:
    """Keep what was raised."""
    raised: list[Exception] = []
    try:
        yield raised
    except kind as error:
        raised.append(error)


def lock(path: Path) -> None:
    """Exclude another process."""
    with untorn.FileLock(path, label="python"):
        assert elsewhere(path) == "locked python"
    assert elsewhere(path) == "free"


@contextmanager
def with_filelock(path: Path) -> Iterator[None]:
    """Lock as filelock does."""
    with filelock.FileLock(f"{path}.lock", timeout=0):
        yield


@contextmanager
def with_portalocker(path: Path) -> Iterator[None]:
    """Lock as portalocker does."""
    with portalocker.Lock(f"{path}.lock", "rb+", timeout=0):
        yield


@contextmanager
def with_msvcrt(path: Path) -> Iterator[None]:
    """Lock as the standard library does."""
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_BINARY)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        try:
            yield
        finally:
            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    finally:
        os.close(file)


async def wait_and_follow(path: Path) -> None:
    """Append at once, follow, and wait for a lock while the loop goes on."""
    journal = await aio.Journal.open(path)
    await asyncio.gather(*(journal.append({"n": n}) for n in range(50)))
    assert [record["n"] async for record in journal] == list(range(50))
    async with journal.follow(timeout=60) as follow:
        later = asyncio.create_task(journal.append({"n": 50}))
        assert (await anext(follow)) == {"n": 50}
        await later
    async with aio.Document(path.with_suffix(".json")).update(default={}) as value:
        value["turns"] = 1
    # Another process has the lock: waits are given up, and are granted.
    held = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert held.stdout is not None and held.stdin is not None
    assert held.stdout.readline().strip() == b"held"
    try:
        await aio.FileLock(path, timeout=0.05).acquire()
    except untorn.LockTimeout:
        pass
    else:
        raise AssertionError("another process has the lock")
    waits = asyncio.create_task(aio.FileLock(path).acquire())
    await asyncio.sleep(0)
    assert not waits.done()
    held.stdin.close()
    await waits
    held.wait()


def asynchronous(path: Path) -> None:
    """Run it on Windows' own event loop."""
    asyncio.run(wait_and_follow(path))


PEERS: dict[str, Callable[[Path], Any]] = {
    "filelock": with_filelock,
    "portalocker": with_portalocker,
    "msvcrt": with_msvcrt,
}


def peers(path: Path) -> None:
    """Each peer keeps us out, and is kept out."""
    for name, peer in PEERS.items():
        # Makes the lock file; filelock removes it when it lets go.
        with untorn.FileLock(path):
            pass
        with peer(path):
            assert elsewhere(path).startswith("locked"), f"{name} did not keep us out"
        assert elsewhere(path) == "free", name
        with untorn.FileLock(path):
            refused = False
            try:
                with peer(path):
                    pass
            except (filelock.Timeout, portalocker.LockException, OSError):
                refused = True
            assert refused, f"{name} was not kept out"


def main() -> None:
    """Run all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        for part in (journal, document, lock, asynchronous, peers):
            part(Path(scratch) / part.__name__)
            print(f"ok      {part.__name__}", flush=True)


main()
