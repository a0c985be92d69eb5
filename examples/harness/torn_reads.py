"""What a reader sees while four processes save one file: with the usual locked `json.dump`, and with untorn.

    python torn_reads.py [--seconds 5] [--svg torn-reads.svg]

The usual function opens the file itself, locks it, empties it and dumps into it. A reader that takes no lock finds the
file empty or half written. The picture of the README is drawn by this program.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import untorn

if TYPE_CHECKING:
    from collections.abc import Callable

WRITERS = 4


def locked_save_json(path: Path, obj: Any) -> None:
    """As it stands in many harnesses."""
    import fcntl

    with path.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        json.dump(obj, file)


def untorn_save_json(path: Path, obj: Any) -> None:
    """The same in one line."""
    untorn.save_json(path, obj)


@dataclass
class Seen:
    """How many reads there were, and how many of them found no whole value."""

    reads: int = 0
    broken: int = 0


def write(save: Callable[[Path, Any], None], path: Path, until: float) -> None:
    """One writer: some kilobytes, again and again."""
    turn = 0
    while time.monotonic() < until:
        turn += 1
        save(path, {"turn": turn, "messages": [{"role": "user", "text": "x" * 200}] * 20})


def measure(save: Callable[[Path, Any], None], seconds: float) -> Seen:
    """Read for some seconds while the writers write."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.json"
        path.write_text("{}")
        until = time.monotonic() + seconds
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=write, args=(save, path, until)) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        while time.monotonic() < until:
            seen.reads += 1
            try:
                json.loads(path.read_bytes())
            except ValueError:
                seen.broken += 1
        for writer in writers:
            writer.join()
    return seen


STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 12px; fill: #59636e }
    .track { fill: #d1d9e0 }
    .bad { fill: #cf222e }
    .good { fill: #1a7f37 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .small { fill: #9198a1 } .track { fill: #3d444d }
      .bad { fill: #f85149 } .good { fill: #3fb950 }
    }
"""


def draw(usual: Seen, ours: Seen) -> str:
    """Two bars."""
    width = 520
    rows = []
    for at, (name, seen) in enumerate([('flock + open("r+") + json.dump', usual), ("untorn.save_json", ours)]):
        top = 44 + at * 62
        part = seen.broken / max(seen.reads, 1)
        bar = round(width * part)
        kind = "bad" if seen.broken else "good"
        share = f" ({100 * part:.0f}%)" if seen.broken else ""
        label = f"{seen.broken:,} of {seen.reads:,} reads broken{share}"
        rows.append(
            f'  <text x="20" y="{top}">{name}</text>\n'
            f'  <rect class="track" x="20" y="{top + 8}" width="{width}" height="14" rx="3"/>\n'
            f'  <rect class="{kind}" x="20" y="{top + 8}" width="{bar or 3}" height="14" rx="3"/>\n'
            f'  <text class="small" x="20" y="{top + 38}">{label}</text>'
        )
    body = "\n".join(rows)
    words = f"broken reads: {usual.broken} of {usual.reads} with the usual function, {ours.broken} with untorn"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 176" width="560" height="176" '
        f'role="img" aria-label="{words}">\n'
        f"  <style>{STYLE}  </style>\n"
        f'  <text class="small" x="20" y="20">What a reader saw while {WRITERS} processes saved one JSON file</text>\n'
        f"{body}\n</svg>\n"
    )


def main() -> None:
    """Measure both, and draw."""
    parser = argparse.ArgumentParser(description="What a reader sees while four processes save one file.")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--svg", type=Path)
    arguments = parser.parse_args()
    usual = measure(locked_save_json, arguments.seconds)
    ours = measure(untorn_save_json, arguments.seconds)
    for name, seen in (("the usual function", usual), ("untorn.save_json", ours)):
        print(f"{name}: {seen.broken:,} of {seen.reads:,} reads found no whole value")
    if arguments.svg:
        arguments.svg.write_text(draw(usual, ours), encoding="utf-8")


if __name__ == "__main__":
    main()
