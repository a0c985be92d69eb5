"""Use an installed package as a program does: append, save, lock, kill, repair, follow, from two processes.

It says what failed and ends with 1, or prints one line and ends with 0. It needs nothing but untorn.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import IO

import untorn

# qemu makes up when a process began. So the line in which a holder says who it is seems to be another process's.
UNDER_QEMU = "UNTORN_UNDER_QEMU" in os.environ

APPEND = """
import sys, untorn
with untorn.Journal(sys.argv[1]) as journal:
    for n in range(1_000_000):
        journal.append({"n": n})
        print(n, flush=True)
"""
HOLD = """
import sys, untorn
with untorn.FileLock(sys.argv[1], label="holder"):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys, untorn
for n in range(50):
    with untorn.Document(sys.argv[1]).update(default={"n": 0}) as value:
        value["n"] += 1
"""
FOLLOW = """
import sys, untorn
with untorn.Journal(sys.argv[1]).follow() as news:
    print("ready", flush=True)
    for value in news:
        print(value["n"], flush=True)
"""


def start(program: str, path: Path) -> subprocess.Popen[str]:
    """Run a program in another process."""
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def out(process: subprocess.Popen[str]) -> IO[str]:
    """Return its output."""
    assert process.stdout is not None
    return process.stdout


def end(process: subprocess.Popen[str]) -> None:
    """Kill it, as a machine that runs out of memory does."""
    process.kill()
    process.wait()


def kill_and_repair(path: Path) -> None:
    """No finished append is lost, and a torn tail is kept elsewhere."""
    writer = start(APPEND, path)
    finished = [int(out(writer).readline()) for _ in range(20)]
    end(writer)
    with path.open("ab") as file:
        file.write(b'{"n": half')
    with untorn.Journal(path) as journal:
        journal.append({"n": "after"})
        values = [value["n"] for value in journal]
    assert values[:20] == finished, values
    assert values[-1] == "after", values
    assert path.read_bytes().endswith(b"\n")
    assert b"half" in Path(f"{path}.torn").read_bytes()


def lock(path: Path) -> None:
    """Another process is kept out, named, and forgotten when it dies."""
    holder = start(HOLD, path)
    assert out(holder).readline() == "held\n"
    try:
        untorn.FileLock(path, timeout=0).acquire()
    except untorn.Locked as error:
        assert "holder" in str(error) or UNDER_QEMU, error
    else:
        raise AssertionError("the lock of another process was taken")
    end(holder)
    with untorn.FileLock(path, timeout=30):
        pass


def two_processes(path: Path) -> None:
    """No update is lost."""
    both = [start(COUNT, path) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert json.loads(path.read_bytes()) == {"n": 100}


def follow(path: Path) -> None:
    """Each record arrives in another process."""
    with untorn.Journal(path) as journal:
        journal.append({"n": 0})
        reader = start(FOLLOW, path)
        assert out(reader).readline() == "ready\n"
        for n in range(1, 4):
            journal.append({"n": n})
        seen = [out(reader).readline().strip() for _ in range(3)]
    end(reader)
    # From the start, or from where the follower began: in order, and none twice.
    assert seen in (["0", "1", "2"], ["1", "2", "3"]), seen


def command(path: Path) -> None:
    """The command is there too."""
    journal = path / "journal.jsonl"
    shell = [sys.executable, "-m", "untorn"]
    subprocess.run([*shell, "append", str(journal), '{"n": 1}'], check=True, stdout=subprocess.DEVNULL)
    checked = subprocess.run([*shell, "check", str(journal)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked


def other_interpreters() -> None:
    """They are refused in each Python, which begin an import in different ways."""
    try:
        interpreters = importlib.import_module("_interpreters")
    except ImportError:
        # Before 3.13 it has another name; the package's own tests know it.
        return
    other = interpreters.create("legacy")
    failed = interpreters.run_string(other, f"import sys; sys.path[:] = {sys.path!r}; import untorn")
    interpreters.destroy(other)
    assert "main interpreter only" in failed.msg, failed


def main() -> None:
    """Try everything in a new directory."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        untorn.save_json(top / "first.json", {"a": 1})
        assert untorn.load_json(top / "first.json") == {"a": 1}
        kill_and_repair(top / "killed.jsonl")
        lock(top / "locked")
        two_processes(top / "counted.json")
        follow(top / "followed.jsonl")
        command(top)
    other_interpreters()
    libc = "-".join(platform.libc_ver()).strip("-")
    # Not `platform.machine`: it asks Windows in a way that Wine does not know.
    print(f"ok: untorn {untorn.__version__}, Python {sys.version.split()[0]}, {sysconfig.get_platform()} {libc}")


main()
