"""Writers that are killed at random; what they had acknowledged is there."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import untorn

WRITER = """
    import logging, os, random, sys, untorn
    # That a writer settles what a killed one left is reported on stderr otherwise.
    logging.getLogger("untorn").addHandler(logging.NullHandler())
    folder, name, seed, forks, ready = sys.argv[1:]
    chance = random.Random(int(seed))
    ready = int(ready)
    journal = untorn.Journal(f"{folder}/j", durability="process")
    document = untorn.Document(f"{folder}/d", durability="process")
    if forks == "forks" and os.fork() == 0:
        # Stays when its parent is killed, with all that it has inherited.
        sys.stdin.read()
        os._exit(0)
    n = 0
    while True:
        if chance.random() < 0.1:
            # Over 1 MiB: smaller ones are never caught half-way.
            count = chance.randrange(15, 40)
            journal.extend([name, n + i, "x" * 90_000, [n, count]] for i in range(count))
            n += count
        else:
            journal.append([name, n, "x" * int(100 * 900 ** chance.random()), [n, 1]])
            n += 1
        print("j", n, flush=True)
        if ready:
            os.write(ready, b".")
            os.close(ready)
            ready = 0
        with document.update(default={}) as value:
            value[name] = value.get(name, 0) + 1
            value["padding"] = "x" * chance.randrange(100_000)
        print("d", flush=True)
"""


def acknowledged(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """How many records and updates this writer was told are done."""
    out, err = process.communicate()
    assert err == ""
    # A last line that was cut off does not count.
    told = out.split("\n")[:-1]
    records = max((int(line[2:]) for line in told if line.startswith("j ")), default=0)
    return records, told.count("d")


@pytest.mark.parametrize("forks", ["", "forks"])
def test_nothing_acknowledged_is_lost(
    tmp_path: Path, script: Callable[..., "subprocess.Popen[str]"], forks: str
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    told: dict[str, tuple[int, int]] = {}
    for turn in range(8):
        writers = {}
        for which in range(3):
            name = f"{turn}.{which}"
            read, write = os.pipe()
            seeds = chance.randrange(2**32)
            writers[name] = script(WRITER, tmp_path, name, seeds, forks, write, pass_fds=(write,))
            os.close(write)
            assert os.read(read, 1) == b".", "it has begun"
            os.close(read)
        # Not a wait for something to happen: they must die anywhere in their work.
        time.sleep(0.3 * chance.random())
        for process in writers.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        for name, process in writers.items():
            told[name] = acknowledged(process)

    untorn.Journal(tmp_path / "j", durability="process").append(["end", 0, "", [0, 1]])
    untorn.Document(tmp_path / "d", timeout=60).update_with(lambda value: value, default={})

    # With json alone, so that the library does not judge itself.
    text = (tmp_path / "j").read_bytes()
    assert text.endswith(b"\n")
    records: dict[str, list[Any]] = {}
    for line in text.split(b"\n")[:-1]:
        name, n, _, batch = json.loads(line)
        records.setdefault(name, []).append((n, batch))
    counts = json.loads((tmp_path / "d").read_bytes())
    for name, (appended, updated) in told.items():
        found = records.get(name, [])
        assert [n for n, _ in found] == list(range(len(found))), "once, whole and in order"
        assert len(found) >= appended
        if found:
            last, (start, count) = found[-1]
            assert last == start + count - 1, "no batch in part"
        # One more of each may have been done, and its writer killed before it could say so.
        assert updated <= counts.get(name, 0) <= updated + 1
    assert sum(appended for appended, _ in told.values()) > 100
    assert untorn.Journal(tmp_path / "j").verify().damage_count == 0
