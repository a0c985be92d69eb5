"""portalocker: its `Lock` opens the file that it locks."""

from typing import Any

import files
import portalocker

# Its own five seconds end too early where sixteen processes wait.
PATIENCE = 60


class Peer:
    def __init__(self, path: str, durable: bool) -> None:
        self.path, self.durable = path, durable

    def append(self, value: Any) -> None:
        with portalocker.Lock(self.path, "a", timeout=PATIENCE) as file:
            files.add(file, value, self.durable)

    def save(self, value: Any) -> None:
        with portalocker.Lock(self.path + ".lock", "a", timeout=PATIENCE):
            files.replace(self.path, value, self.durable)

    def update(self) -> None:
        with portalocker.Lock(self.path + ".lock", "a", timeout=PATIENCE):
            files.change(self.path, self.durable)

    def close(self) -> None:
        pass
