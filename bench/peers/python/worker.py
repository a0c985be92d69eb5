"""One program of the public benchmark: `worker.py PEER` answers requests, one line each (see ../../src/peer.rs).

PEER is a module of this directory. Its class `Peer` does the work the way that the program's users would write it.
"""

import importlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

HEAD = '{"type":"message","role":"assistant","id":"msg_01HQ8","ts":1731990000.25,"text":"'
TEXT = "The tail is whole again; the next append goes to its own line. " * 2
# The same record as src/data.rs makes: 199 bytes as JSON.
VALUE = json.loads(HEAD + TEXT[: 199 - 2 - len(HEAD)] + '"}')

Peer = importlib.import_module(sys.argv[1]).Peer
peer: Any = None
many: list[Any] = []


def state(size: int) -> dict[str, Any]:
    """Make an object of about so many bytes as JSON."""
    message = {"role": "user", "text": "x" * 70}
    return {"turns": 0, "messages": [message] * max(1, size // 101)}


def resident() -> int:
    """Return the memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def timed(work: Any, count: str, *arguments: Any) -> float:
    """Return the nanoseconds of so many calls."""
    calls = range(int(count))
    start = time.perf_counter_ns()
    for _ in calls:
        work(*arguments)
    return time.perf_counter_ns() - start


def contend(start: str, end: str) -> float:
    """Append from one instant to another. Return how often."""
    append, count, until = peer.append, 0, int(end)
    while time.monotonic_ns() < int(start):
        time.sleep(0.00005)
    while time.monotonic_ns() < until:
        append(VALUE)
        count += 1
    return count


def read(expected: str) -> float:
    """Return the nanoseconds of one pass over all records."""
    start = time.perf_counter_ns()
    count = sum(1 for _ in peer.read())
    took = time.perf_counter_ns() - start
    if count != int(expected):
        raise RuntimeError(f"{count} records instead of {expected}")
    return took


def tail(count: str) -> None:
    """Read the last records."""
    if len(peer.tail(int(count))) != int(count):
        raise RuntimeError("the tail is short")


def deliver(count: str) -> float:
    """Return the median of the nanoseconds that so many records were on their way."""
    times = []
    for _ in range(int(count)):
        sent = next(news)
        times.append(time.monotonic_ns() - sent)
    return statistics.median(times)


def visit(directory: str, files: str, count: str) -> float:
    """Open one of so many files, append, close it, so many times. Return the nanoseconds."""
    place, start = 0, time.perf_counter_ns()
    for _ in range(int(count)):
        place = (place * 1103515245 + 12345) % 2**31
        one = Peer(f"{directory}/{place % int(files)}", False)
        one.append(VALUE)
        one.close()
    return time.perf_counter_ns() - start


def answer(verb: str, *arguments: str) -> float:
    """Do what the line asks for."""
    global peer, news
    match verb, *arguments:
        case ["ready"]:
            return 0
        case ["open", path, mode]:
            peer = Peer(path, mode == "durable")
            return 0
        case ["close"]:
            for one in [peer, *many]:
                one and one.close()
            peer = None
            many.clear()
            return 0
        case ["append", count]:
            return timed(peer.append, count, VALUE)
        case ["contend", start, end, _]:
            return contend(start, end)
        case ["fill", count]:
            peer.fill([VALUE] * int(count))
            return 0
        case ["save", size, count]:
            return timed(peer.save, count, state(int(size)))
        case ["update", count]:
            return timed(peer.update, count)
        case ["tail", last, count]:
            return timed(tail, count, last)
        case ["read", expected]:
            return read(expected)
        case ["follow", path]:
            news = Peer(path, False).follow()
            # The record that was there, or None: from here on no record is missed.
            next(news)
            return 0
        case ["deliver", count]:
            return deliver(count)
        case ["visit", directory, files, count]:
            return visit(directory, files, count)
        case ["many", directory, count]:
            before = resident()
            many.extend(Peer(f"{directory}/{n}", False) for n in range(int(count)))
            for one in many:
                one.append(VALUE)
            return (resident() - before) / int(count)
        case ["each", rounds]:
            return timed(lambda: [one.append(VALUE) for one in many], rounds) / len(many)
    raise RuntimeError(f"this program can't {verb}")


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        try:
            reply = f"ok\t{answer(*line.rstrip().split(chr(9)))}"
        except Exception as error:
            reply = f"error\t{type(error).__name__}: {error}".replace("\n", " ")
        print(reply, flush=True)


main()
