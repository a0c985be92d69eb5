"""Runs the blocks of one page in their order, in one empty directory: `one.py PAGE DIRECTORY`.

The blocks in Python share their names, as the page tells one story. Each block of another language is a program.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from page import Block, blocks

if TYPE_CHECKING:
    from collections.abc import Callable

_TSC = [
    "--strict",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--lib",
    "es2023,esnext.disposable",
    "--types",
    "node",
]
_C = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class FaultError(Exception):
    """A block that does not do what its page says."""


class Runner:
    """One page's directory, and the names that its Python has made."""

    def __init__(self, page: Path, place: Path) -> None:
        """Begin in an empty directory."""
        self.page, self.base = page, place
        self.names: dict[str, object] = {}
        self.count = 0
        self.fresh()

    def fresh(self) -> None:
        """Begin again: no file, no name."""
        self.names = {"__name__": "__main__"}
        self.base.parent.mkdir(parents=True, exist_ok=True)
        os.chdir(self.base.parent)
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir()
        os.chdir(self.base)

    def run(self, block: Block) -> None:
        """Run one block, and compare what it prints."""
        self.count += 1
        if "new" in block.said:
            self.fresh()
        if name := block.after("file"):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
            return
        work: Callable[[Block], str] = getattr(self, block.language)
        out = work(block)
        if block.prints is not None and not alike(block.prints, out):
            msg = f"prints\n{out}\nand the page says\n{block.prints}"
            raise FaultError(msg)

    def python(self, block: Block) -> str:
        """Run here, with the names of the blocks before."""
        out = io.StringIO()
        # As many lines above it as the page has: a traceback then names the page's own line.
        code = compile("\n" * (block.line - 1) + block.code, str(self.page), "exec")
        wanted = block.after("fails")
        try:
            with contextlib.redirect_stdout(out):
                exec(code, self.names)
        except Exception as error:
            if wanted is None or type(error).__name__ != wanted:
                raise
            return out.getvalue() + f"{type(error).__name__}: {error}\n"
        if wanted is not None:
            msg = f"{wanted} was not raised"
            raise FaultError(msg)
        return out.getvalue()

    def js(self, block: Block) -> str:
        """Run as a module of its own."""
        script = Path(f"page-{self.count}.mjs")
        script.write_text(block.code, encoding="utf-8")
        out = command(["node", str(script)], block.after("fails"))
        script.unlink()
        return out

    def ts(self, block: Block) -> str:
        """Compile strictly, then run."""
        script = Path(f"page-{self.count}.mts")
        script.write_text(block.code, encoding="utf-8")
        command([os.environ["SAMPLES_TSC"], *_TSC, str(script)])
        out = command(["node", str(script.with_suffix(".mjs"))], block.after("fails"))
        script.unlink()
        script.with_suffix(".mjs").unlink()
        return out

    def c(self, block: Block) -> str:
        """Compile without a warning, against the installed library, and run."""
        source, program = Path("page.c"), Path("page.out")
        source.write_text(block.code, encoding="utf-8")
        flags = shlex.split(command(["pkg-config", "--cflags", "--libs", "untorn"]))
        lib = command(["pkg-config", "--variable=libdir", "untorn"]).strip()
        command([os.environ.get("CC", "cc"), *_C, str(source), "-o", str(program), *flags, f"-Wl,-rpath,{lib}"])
        out = command([f"./{program}"], block.after("fails"))
        source.unlink()
        program.unlink()
        return out

    def rust(self, block: Block) -> str:
        """Run what was built for all pages at once."""
        return command([str(Path(os.environ["SAMPLES_RUST"]) / rust_name(self.page, block))], block.after("fails"))

    def console(self, block: Block) -> str:
        """Type each command, and compare what it prints, as far as the page shows it."""
        for typed, shown in sessions(block.code):
            out = subprocess.run(
                ["bash", "-c", typed],
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
            )
            if shown and not alike(shown, out.stdout):
                msg = f"$ {typed}\nprints\n{out.stdout}\nand the page says\n{shown}"
                raise FaultError(msg)
            if not shown and out.returncode:
                msg = f"$ {typed}\nended with {out.returncode}:\n{out.stdout}"
                raise FaultError(msg)
        return ""

    def sh(self, block: Block) -> str:
        """Run as a script that stops at the first failure."""
        return command(["bash", "-euo", "pipefail", "-c", block.code])

    def json(self, block: Block) -> str:
        """Read it."""
        json.loads(block.code)
        return ""

    def jsonl(self, block: Block) -> str:
        """Read each line."""
        for line in block.code.splitlines():
            json.loads(line)
        return ""

    def toml(self, block: Block) -> str:
        """Read it."""
        tomllib.loads(block.code)
        return ""


def rust_name(page: Path, block: Block) -> str:
    """The name of the program of a block."""
    words = re.sub(r"[^a-z]+", "_", "_".join(page.with_suffix("").parts[-2:]).lower())
    return f"sample_{words}_{block.line}"


def command(words: list[str], wanted: str | None = None) -> str:
    """Run a program. It must succeed, or fail and say `wanted`."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300)
    if wanted is not None:
        if not done.returncode or wanted not in done.stderr + done.stdout:
            msg = f"{words[0]} was to fail with {wanted}: {done.returncode}\n{done.stdout}{done.stderr}"
            raise FaultError(msg)
    elif done.returncode:
        msg = f"{shlex.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        raise FaultError(msg)
    return done.stdout


def sessions(code: str) -> list[tuple[str, str]]:
    """Each command of a console, and what it prints."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        typed, rest = [lines[0]], lines[1:]
        while rest and (rest[0].startswith("> ") or typed[-1].endswith("\\\n")):
            typed.append(rest.pop(0).removeprefix("> "))
        found.append(("".join(typed), "".join(rest)))
    return found


def alike(shown: str, printed: str) -> bool:
    """Whether the output is what the page shows; an ellipsis stands for anything, alone on a line for many lines."""
    pattern = ""
    for line in shown.strip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:.*\n)*"
        else:
            pattern += re.escape(line.rstrip()).replace("…", ".*") + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None


def main() -> None:
    """Run every block of a page; print what is wrong with it."""
    page, place = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    runner = Runner(page, place)
    for block in blocks(page):
        if not block.runs_here:
            continue
        try:
            runner.run(block)
        except Exception as error:
            if not isinstance(error, FaultError | subprocess.SubprocessError):
                traceback.print_exc()
            print(f"{page}:{block.line}: {block.language}: {error}", flush=True)
            sys.exit(1)


if __name__ == "__main__":
    main()
