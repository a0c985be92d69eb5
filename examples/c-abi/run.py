#!/usr/bin/env python3
"""Run the programs of this directory against the C library, as it is installed.

usage: run.py --prefix dist/c [--only LANGUAGE] [--may-lack]

Each program runs twice in one directory, beside a process that holds a lock. What it
prints and what it leaves must be right. A language that is not installed is a failure;
with --may-lack its name is printed, and it counts as left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
JNA = Path("/usr/share/java/jna.jar")


class Failed(Exception):
    """What was not as it should be."""


def run(*command: str | Path, **more: str) -> str:
    """Run a command and give what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{command[0]}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def declarations(prefix: Path, work: Path) -> Path:
    """Write the header's declarations without macros, for languages that parse C themselves."""
    header = prefix / "include/untorn.h"
    text = run("cc", "-E", "-P", "-DUNTORN_API=", "-DUNTORN_MUST_USE=", header)
    # Only ours: the system's headers declare what such a parser does not know.
    at = text.index("typedef struct untorn_")
    path = work / "untorn.cdef"
    path.write_text(text[at:])
    return path


def languages(prefix: Path, work: Path) -> dict[str, tuple[list[str | Path], Callable[[Path], str]]]:
    """Name what each language needs, and how its program is run in a directory."""
    library = prefix / "lib/libuntorn.so.0"
    lib = str(prefix / "lib")

    def go(directory: Path) -> str:
        flags = {"CGO_CFLAGS": f"-I{prefix / 'include'}", "CGO_LDFLAGS": f"-L{lib} -luntorn"}
        program = work / "untorn-go"
        if not program.exists():
            run("go", "build", "-o", program, HERE / "untorn.go", GOCACHE=str(work / "go"), GOFLAGS="-mod=mod", **flags)
        return run(program, directory, LD_LIBRARY_PATH=lib)

    def csharp(directory: Path) -> str:
        program = work / "Untorn.exe"
        if not program.exists():
            run("mcs", f"-out:{program}", HERE / "Untorn.cs")
        return run("mono", program, directory, LD_LIBRARY_PATH=lib)

    cdef = declarations(prefix, work)
    return {
        "go": (["go"], go),
        "ruby": (["ruby"], lambda at: run("ruby", HERE / "untorn.rb", library, at)),
        "php": (["php"], lambda at: run("php", "-d", "ffi.enable=1", HERE / "untorn.php", library, cdef, at)),
        "luajit": (["luajit"], lambda at: run("luajit", HERE / "untorn.lua", library, cdef, at)),
        "java": (
            ["java", JNA],
            lambda at: run("java", "-cp", JNA, HERE / "Untorn.java", at, LD_LIBRARY_PATH=lib),
        ),
        "csharp": (["mcs", "mono"], csharp),
    }


def is_there(need: str | Path) -> bool:
    """Whether a program or a file is installed."""
    return need.exists() if isinstance(need, Path) else shutil.which(need) is not None


def check(name: str, play: Callable[[Path], str], work: Path) -> None:
    """Run one program twice, and look at what it says and leaves."""
    directory = work / name
    directory.mkdir()
    held = subprocess.Popen(
        ["flock", directory / "busy.lock", "sh", "-c", "echo; read -r _"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        if held.stdout is None or not held.stdout.readline():
            raise Failed("the lock to wait for can't be held")
        for turn in (1, 2):
            said = play(directory).splitlines()
            appended = 8 * turn - 4
            expected = [
                f"appended {appended}",
                f"updated {turn}",
                f"timeout UNTORN_LOCK_TIMEOUT {held.pid}",
                "followed [2]",
            ]
            if said[:4] != expected:
                raise Failed(f"it said {said}, not {expected}")
            if len(said) != 5 or not re.match(r"error UNTORN_NOT_FOUND open .*no/such: .*`parents`", said[4]):
                raise Failed(f"the last line: {said[4:]}")
        records = [json.loads(line) for line in (directory / "j.jsonl").read_text().splitlines()]
        if records != [[1], [2], [1], [2]] or (directory / "n.json").read_text() != "2":
            raise Failed(f"it left {records}")
    finally:
        held.communicate(b"\n")


def main() -> int:
    """Run all of them."""
    parser = argparse.ArgumentParser(description="Run the programs against the C library.")
    parser.add_argument("--prefix", type=Path, required=True, help="what cargo xtask package wrote")
    parser.add_argument("--only", default="", help="this language")
    parser.add_argument("--may-lack", action="store_true", help="a language that is not installed is left out")
    options = parser.parse_args()
    passed, failed, lacking = 0, 0, []
    with tempfile.TemporaryDirectory(prefix="untorn-c-abi-") as temporary:
        work = Path(temporary)
        for name, (needs, play) in languages(options.prefix.resolve(), work).items():
            if options.only not in ("", name):
                continue
            missing = [str(need) for need in needs if not is_there(need)]
            if missing and options.may_lack:
                lacking.append(name)
                print(f"LEFT OUT {name}: {', '.join(missing)} is not installed", flush=True)
                continue
            try:
                if missing:
                    raise Failed(f"{', '.join(missing)} is not installed")
                check(name, play, work)
            except Failed as error:
                failed += 1
                print(f"FAILED  {name}\n{error}", flush=True)
            else:
                passed += 1
                print(f"ok      {name}", flush=True)
    print(f"{passed} passed, {failed} failed, {len(lacking)} left out: {', '.join(lacking) or 'none'}")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
