"""untorn."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import untorn


class Peer:
    """A journal, or a document, at one path."""

    def __init__(self, path: str, durable: bool) -> None:
        self.path = path
        self.durability: Any = "power" if durable else "process"

    @cached_property
    def journal(self) -> untorn.Journal:
        return untorn.Journal(self.path, durability=self.durability)

    @cached_property
    def document(self) -> untorn.Document:
        return untorn.Document(self.path, durability=self.durability)

    def append(self, value: Any) -> None:
        self.journal.append(value)

    def fill(self, values: list[Any]) -> None:
        self.journal.extend(values)

    def save(self, value: Any) -> None:
        self.document.save(value)

    def update(self) -> None:
        with self.document.update() as value:
            value["turns"] += 1

    def read(self) -> Iterator[Any]:
        return iter(self.journal)

    def tail(self, count: int) -> list[Any]:
        return self.journal.tail(count)

    def follow(self) -> Iterator[Any]:
        with self.journal.follow() as news:
            yield None
            yield from news

    def close(self) -> None:
        if "journal" in vars(self):
            self.journal.close()
