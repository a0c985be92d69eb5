"""untorn from Python: answers the bench's requests, one line each (see src/peer.rs)."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import untorn

HEAD = '{"type":"message","role":"assistant","id":"msg_01HQ8","ts":1731990000.25,"text":"'
TEXT = "The tail is whole again; the next append goes to its own line. " * 2
# The same record as src/data.rs makes: 199 bytes, and the newline that is added.
RECORD = (HEAD + TEXT[: 199 - 2 - len(HEAD)] + '"}').encode()

# About 2 KB as JSON.
VALUE = {f"turn {n}": {"role": "user", "text": "hello " * 10, "number": n} for n in range(20)}

journal: Any = None


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - start


def append(count: int) -> None:
    append_raw = journal.append_raw
    record = RECORD
    for _ in range(count):
        append_raw(record)


def read() -> None:
    count = 0
    for _ in journal:
        count += 1
    if not count:
        raise RuntimeError("the journal is empty")


def verify() -> None:
    report = journal.verify()
    if report.damage_count:
        raise RuntimeError("the journal is damaged")


def save_json(path: str, count: int) -> None:
    for _ in range(count):
        untorn.save_json(path, VALUE, durability="process")


def replace_json(path: str, count: int) -> None:
    """Save as people do who know that a file must be replaced whole."""
    for _ in range(count):
        with tempfile.NamedTemporaryFile("w", dir=Path(path).parent, delete=False) as file:
            file.write(json.dumps(VALUE))
        os.replace(file.name, path)


def append_json(path: str, count: int) -> None:
    for _ in range(count):
        untorn.append_json(path, VALUE["turn 1"], durability="process")


def answer(verb: str, *arguments: str) -> float:
    global journal
    match verb:
        case "ready":
            return 0
        case "open":
            options: dict[str, Any] = {"durability": arguments[1]}
            journal = untorn.Journal(arguments[0], **options)
            return 0
        case "append":
            return timed(lambda: append(int(arguments[0])))
        case "records":
            return timed(read)
        case "verify":
            return timed(verify)
        case "save-json":
            return timed(lambda: save_json(arguments[0], int(arguments[1])))
        case "replace-json":
            return timed(lambda: replace_json(arguments[0], int(arguments[1])))
        case "append-json":
            return timed(lambda: append_json(arguments[0], int(arguments[1])))
        case "close":
            journal.close()
            return 0
    raise RuntimeError("the Python worker can't do that")


def main() -> None:
    for line in sys.stdin:
        try:
            reply = f"ok\t{answer(*line.rstrip().split(chr(9)))}"
        except Exception as error:
            reply = f"error\t{type(error).__name__}: {error}".replace("\n", " ")
        print(reply, flush=True)


main()
