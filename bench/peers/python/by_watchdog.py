"""watchdog says that the file changed; the new lines are read by hand."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer


class Peer(FileSystemEventHandler):
    def __init__(self, path: str, _durable: bool) -> None:
        self.path = path
        self.changes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def on_modified(self, event: Any) -> None:
        if event.src_path == self.path:
            self.changes.put(None)

    def follow(self) -> Iterator[Any]:
        observer = Observer()
        observer.schedule(self, str(Path(self.path).parent))
        observer.start()
        with open(self.path) as file:
            while True:
                for line in file:
                    yield json.loads(line)
                self.changes.get()
