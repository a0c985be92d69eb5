"""By hand: `fcntl.flock` on a file next to it, which stays open, as the journal does."""

import fcntl
import os
from collections.abc import Iterator
from functools import cached_property
from typing import IO, Any

import files


class Lock:
    """Held in a `with` block."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def __enter__(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self.file, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self.file)


class Peer:
    def __init__(self, path: str, durable: bool) -> None:
        self.path, self.durable = path, durable
        self.lock = Lock(path + ".lock")

    @cached_property
    def file(self) -> IO[str]:
        return open(self.path, "a")

    def append(self, value: Any) -> None:
        with self.lock:
            files.add(self.file, value, self.durable)

    def fill(self, values: list[Any]) -> None:
        files.fill(self.path, values)

    def save(self, value: Any) -> None:
        with self.lock:
            files.replace(self.path, value, self.durable)

    def update(self) -> None:
        with self.lock:
            files.change(self.path, self.durable)

    def read(self) -> Iterator[Any]:
        return files.read(self.path)

    def tail(self, count: int) -> list[Any]:
        return files.tail(self.path, count)

    def close(self) -> None:
        self.lock.close()
        if "file" in vars(self):
            self.file.close()
