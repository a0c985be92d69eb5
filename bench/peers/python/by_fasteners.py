"""fasteners: a lock file next to it, and the file by hand."""

from typing import Any

import fasteners
import files


class Peer:
    def __init__(self, path: str, durable: bool) -> None:
        self.path, self.durable = path, durable
        self.lock = fasteners.InterProcessLock(path + ".lock")

    def append(self, value: Any) -> None:
        with self.lock:
            files.append(self.path, value, self.durable)

    def save(self, value: Any) -> None:
        with self.lock:
            files.replace(self.path, value, self.durable)

    def update(self) -> None:
        with self.lock:
            files.change(self.path, self.durable)

    def close(self) -> None:
        pass
