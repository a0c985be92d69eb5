"""diskcache: a `Deque` of records, or one value, in a directory of its own."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import diskcache


class Peer:
    def __init__(self, path: str, durable: bool) -> None:
        self.cache = diskcache.Cache(path, eviction_policy="none", sqlite_synchronous=2 if durable else 1)

    @cached_property
    def records(self) -> diskcache.Deque:
        return diskcache.Deque.fromcache(self.cache)

    def append(self, value: Any) -> None:
        self.records.append(value)

    def fill(self, values: list[Any]) -> None:
        with self.cache.transact():
            self.records.extend(values)

    def save(self, value: Any) -> None:
        self.cache["state"] = value

    def update(self) -> None:
        with self.cache.transact():
            value = self.cache["state"]
            value["turns"] += 1
            self.cache["state"] = value

    def read(self) -> Iterator[Any]:
        return iter(self.records)

    def tail(self, count: int) -> list[Any]:
        return list(islice(reversed(self.records), count))[::-1]

    def close(self) -> None:
        self.cache.close()
