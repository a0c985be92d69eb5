"""Compares the reader of docs/format.md with the library. The page's own names are here: it is run after them."""

# ruff: noqa: F821, PTH116, PTH202 - they are the page's
# mypy: ignore-errors

import os
import signal
import warnings

import untorn

warnings.simplefilter("ignore")


def same(path: str) -> None:
    """Both yield the same records."""
    theirs = [record.data for record in untorn.Journal(path).records(on_damage=lambda _: None)]
    assert list(records(path)) == [data for data in theirs if is_json(data)], path


def dies_in_its_write(journal: untorn.Journal, n: int) -> bool:
    """Kill a writer once it has announced an append of many. Returns whether a part of it was in the file then."""
    path = str(journal.path)
    child = os.fork()
    if not child:
        journal.extend([["x" * 50_000, n, k] for k in range(100)])
        os._exit(0)
    ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.path.getsize(path + ".lock") <= 64 and not os.waitid(os.P_PID, child, ended):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    data, lock = file(path), file(path + ".lock")
    return len(lock) > 64 and decided(data, lock, os.stat(path).st_ino) < len(data)


same("log.jsonl")
killed = untorn.Journal("killed.jsonl", durability="process")
killed.append([0])
found = 0
for n in range(300):
    if dies_in_its_write(killed, n):
        found += 1
        same("killed.jsonl")
        if found == 2:
            break
    # The next append takes the part back.
    killed.append([n])
    same("killed.jsonl")
    killed.replace([[0]])
assert found, "no writer died in the middle of its append"
