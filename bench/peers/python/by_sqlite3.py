"""The standard library's sqlite3: a write-ahead log, one transaction a change, JSON as text."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any


class Peer:
    def __init__(self, path: str, durable: bool) -> None:
        self.db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self.db.execute("CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, value TEXT)")
        self.db.execute("CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, value TEXT)")

    def append(self, value: Any) -> None:
        self.db.execute("INSERT INTO records (value) VALUES (?)", (json.dumps(value),))

    def fill(self, values: list[Any]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO records (value) VALUES (?)", ((json.dumps(value),) for value in values))
        self.db.execute("COMMIT")

    def save(self, value: Any) -> None:
        self.db.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (json.dumps(value),))

    def update(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        (text,) = self.db.execute("SELECT value FROM state WHERE id = 1").fetchone()
        value = json.loads(text)
        value["turns"] += 1
        self.save(value)
        self.db.execute("COMMIT")

    def read(self) -> Iterator[Any]:
        for (text,) in self.db.execute("SELECT value FROM records ORDER BY id"):
            yield json.loads(text)

    def tail(self, count: int) -> list[Any]:
        rows = self.db.execute("SELECT value FROM records ORDER BY id DESC LIMIT ?", (count,)).fetchall()
        return [json.loads(text) for (text,) in reversed(rows)]

    def close(self) -> None:
        self.db.close()
