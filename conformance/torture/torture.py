"""Torture: processes in several languages append, rewind, rotate, compact and fold one journal; a model checks it.

    torture.py SECONDS COMMAND... [-- COMMAND...]...

Each command is a writer. It is given the journal, its own log, its number, a seed, and how long to write; says `done`,
waits for a line, takes in what the others wrote last, and ends. The model (`model.py`) takes nothing of this library
but the files that it left.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from model import Entry, Life, check

# Without each of them, the run shows nothing.
WHAT = ["append", "view", "fold", "rewind", "rotate", "compact", "refused", "gave up"]


def commands(words: list[str]) -> list[list[str]]:
    """The writers, between dashes."""
    found: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            found.append([])
        else:
            found[-1].append(word)
    return found


def play(directory: Path, seconds: str, writers: list[list[str]]) -> tuple[Path, dict[int, list[Entry]]]:
    """The run; gives the journal, and each writer's log."""
    journal = directory / "journal" / "j.jsonl"
    journal.parent.mkdir()
    seed = random.randrange(2**31)
    print(f"seed {seed}", flush=True)
    playing = []
    for number, command in enumerate(writers):
        log = directory / f"{number}.log"
        arguments = [str(journal), str(log), str(number), str(seed + number), seconds]
        process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        playing.append((process, log))
    try:
        for number, (process, _) in enumerate(playing):
            assert process.stdout is not None
            check(process.stdout.readline() == "done\n", "writer", number, writers[number][-1], "did not get through")
        for process, _ in playing:
            process.communicate("settle\n", timeout=60)
            check(process.returncode == 0, process.args, "ended with", process.returncode)
    finally:
        for process, _ in playing:
            process.kill()
            process.wait()
    return journal, {n: [json.loads(line) for line in log.open()] for n, (_, log) in enumerate(playing)}


def main() -> None:
    """Plays, checks, says what there was."""
    writers = commands(sys.argv[2:])
    with tempfile.TemporaryDirectory() as directory:
        journal, logs = play(Path(directory), sys.argv[1], writers)
        life = Life(journal, logs)
        life.check()
        total: Counter[str] = Counter()
        for number, log in logs.items():
            counts = Counter(entry["op"] for entry in log)
            print(f"{Path(writers[number][-1]).name} {number}: {dict(counts)}")
            check(counts["append"] and counts["fold"] and counts["final"], f"writer {number} did nothing")
            total += counts
        check(all(total[what] for what in WHAT), f"not all of {WHAT} came up")
        print(f"{len(life.places)} records, {len(life.chain) - 1} changes, {len(life.states)} states: all as logged")


if __name__ == "__main__":
    main()
