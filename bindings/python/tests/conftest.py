"""What all tests share."""

import asyncio
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loops import LOOPS, Main, NoExecutor, Run

import untorn.postgres

Script = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def script() -> Iterator[Script]:
    """Start a Python program, with `sys.argv[1:]`; it ends with the test at the latest."""
    started = []

    def start(text: str, *arguments: Any, **options: Any) -> "subprocess.Popen[str]":
        # -P: the installed package, not one that lies in the current directory.
        command = [sys.executable, "-P", "-W", "error", "-c", textwrap.dedent(text), *map(str, arguments)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


HOLDER = """
    import sys, untorn
    with untorn.FileLock(sys.argv[1], label="the other"):
        print("held", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def hold(script: Script) -> Callable[[Path], "subprocess.Popen[str]"]:
    """Have another process take the lock of a path; it lets go when its standard input ends."""

    def start(path: Path) -> "subprocess.Popen[str]":
        process = script(HOLDER, path)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Run a test in each kind of event loop."""

    def run(main: Main) -> None:
        async def guarded() -> None:
            asyncio.get_running_loop().set_default_executor(NoExecutor())
            await main()

        with asyncio.Runner(**LOOPS[request.param]) as runner:
            runner.run(guarded())

    return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p"


@pytest.fixture
def schema() -> Iterator[str]:
    """A schema of the test's own, on the server that the tests share."""
    import databases  # only with a server: another Python may have no driver

    name = f"py_{uuid.uuid4().hex[:12]}"
    databases.server()
    untorn.postgres.migrate(databases.server(), name)
    yield name
    databases.execute(f"drop schema {name} cascade")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small tmpfs to fill up")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small tmpfs can't be mounted here: {mounted.stderr.strip()}")
    yield place
    # Lazily: a handle that an exception's traceback keeps alive has its lock file open there still.
    subprocess.run(["umount", "--lazy", str(place)], check=True)
