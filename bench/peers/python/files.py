"""What every program with a lock but without files of its own does with them by hand."""

import json
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


def append(path: str, value: Any, durable: bool) -> None:
    """Append one line to a file that is opened for it."""
    with open(path, "a") as file:
        add(file, value, durable)


def add(file: IO[str], value: Any, durable: bool) -> None:
    """Append one line to an open file."""
    file.write(json.dumps(value) + "\n")
    file.flush()
    if durable:
        os.fdatasync(file.fileno())


def replace(path: str, value: Any, durable: bool) -> None:
    """Save under another name, then rename."""
    name = f"{path}.{os.getpid()}.tmp"
    with open(name, "w") as file:
        json.dump(value, file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    Path(name).replace(path)
    if durable:
        directory = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(directory)
        os.close(directory)


def change(path: str, durable: bool) -> None:
    """Read, change, save."""
    with open(path) as file:
        value = json.load(file)
    value["turns"] += 1
    replace(path, value, durable)


def fill(path: str, values: list[Any]) -> None:
    """Append many lines at once."""
    with open(path, "a") as file:
        file.writelines(json.dumps(value) + "\n" for value in values)


def read(path: str) -> Iterator[Any]:
    """Yield each record."""
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def tail(path: str, count: int) -> list[Any]:
    """Return the last records."""
    with open(path) as file:
        return [json.loads(line) for line in deque(file, count)]
