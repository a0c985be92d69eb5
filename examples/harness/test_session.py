"""Many processes save one file, one of them is killed, and a program reads that knows of no lock.

What was reported of `open("r+")`, `flock`, `truncate` and `json.dump` on the file itself: who read meanwhile found it
empty or half written, and so it stayed when the writer was killed.
"""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from session import load_json, save_json, undo

if TYPE_CHECKING:
    from pathlib import Path

SAVES = 10
VICTIM = 8


def value(writer: int, n: int) -> dict[str, Any]:
    return {"writer": writer, "n": n, "fill": [n] * 1000}


def write(path: Path, writer: int, saves: int, told: Connection) -> None:
    """A process of the harness."""
    told.send("ready")
    told.recv()
    for n in range(saves):
        save_json(path, value(writer, n), indent=2)
        told.send("saved")


def read(path: Path, over: Event) -> int:
    """A program that knows of no lock."""
    reads = 0
    while not over.is_set():
        seen = json.loads(path.read_text())
        assert seen == value(seen["writer"], seen["n"])
        reads += 1
    return reads


def hear_to_the_end(told: Connection) -> int:
    heard = 0
    try:
        while told.recv() == "saved":
            heard += 1
    except EOFError:
        pass
    return heard


def test_nobody_sees_a_torn_file_and_undo_goes_all_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    save_json(path, value(0, 0), indent=2)
    processes = multiprocessing.get_context("spawn")
    writers = {}
    for writer in range(1, 9):
        here, there = Pipe()
        saves = 1_000_000 if writer == VICTIM else SAVES
        process = processes.Process(target=write, args=(path, writer, saves, there), daemon=True)
        process.start()
        there.close()
        writers[writer] = process, here
    with ThreadPoolExecutor() as threads:
        over = Event()
        reader = threads.submit(read, path, over)
        try:
            for _, told in writers.values():
                assert told.recv() == "ready"
            for _, told in writers.values():
                told.send("go")
            process, told = writers[VICTIM]
            safe = {0: 1, VICTIM: sum(told.recv() == "saved" for _ in range(4))}
            process.kill()
            for writer, (process, told) in writers.items():
                safe[writer] = safe.get(writer, 0) + hear_to_the_end(told)
                process.join()
                assert (process.exitcode == 0) == (writer != VICTIM)
        finally:
            over.set()
        assert reader.result() > 0

    # Every save that was ever made, the last first.
    history = [load_json(path)]
    while undo(path):
        history.append(load_json(path))
    history.reverse()
    assert history[0] == value(0, 0)
    for writer, saves in safe.items():
        made = [seen["n"] for seen in history if seen["writer"] == writer]
        assert made == list(range(len(made)))
        # Whether the one that was at work when it was killed was made is not known, but it was made whole.
        assert len(made) in ((saves, saves + 1) if writer == VICTIM else (saves,))
    assert load_json(path) == value(0, 0)


def test_the_text_is_that_of_json(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    save_json(path, {"b": "ü", "a": 1}, indent=4, sort_keys=True)
    assert path.read_text() == json.dumps({"b": "ü", "a": 1}, indent=4, sort_keys=True)
    assert not undo(path)


def test_what_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    save_json(path, 1)
    save_json(path, 2)
    with pytest.raises(TypeError):
        save_json(path, object())
    assert undo(path)
    assert load_json(path) == 1
    assert not undo(path)
    assert load_json(path) == 1
