"""Runs the examples of the README and the quickstart: `readme.py python | node | c`.

Python: under the interpreter that runs this, which has untorn installed. Node: from a directory where `import 'untorn'`
finds the package (the working directory, or `--from`). C: with the library at UNTORN_PREFIX (dist/c). Each example runs
in an empty directory; then a plain reader looks at what it left there. The Rust example is a doc test of the core.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "quickstart.md")
BLOCKS = {"python": "python", "node": "js", "c": "c"}


def examples(language: str) -> list[str]:
    """Find the code blocks in this language."""
    blocks: list[str] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks += re.findall(rf"^```{BLOCKS[language]}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if not blocks:
        sys.exit(f"there is no example in {language}")
    return blocks


def run_python(code: str, place: Path) -> None:
    """Run under this interpreter; `-P`: the installed package, not a source tree."""
    script = place.parent / "example.py"
    script.write_text(code, encoding="utf-8")
    subprocess.run([sys.executable, "-P", str(script)], cwd=place, check=True)


def run_node(code: str, place: Path, origin: Path) -> None:
    """Node looks for packages beside the script, not in the working directory."""
    with tempfile.TemporaryDirectory(prefix="readme-", dir=origin) as beside:
        script = Path(beside) / "example.mjs"
        script.write_text(code, encoding="utf-8")
        subprocess.run(["node", str(script)], cwd=place, check=True)


def run_c(code: str, place: Path) -> None:
    """Compile as the README says, and run."""
    prefix = Path(os.environ["UNTORN_PREFIX"]).resolve()
    source, program = place.parent / "example.c", place.parent / "example"
    source.write_text(code, encoding="utf-8")
    search = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "untorn"], env=search, check=True, capture_output=True, text=True
    )
    compiler = shutil.which(os.environ.get("CC", "cc")) or "cc"
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    flags = [*shlex.split(asked.stdout), f"-Wl,-rpath,{prefix / 'lib'}"]
    subprocess.run([compiler, *strict, str(source), "-o", str(program), *flags], check=True)
    subprocess.run([str(program)], cwd=place, check=True)


def check(place: Path) -> None:
    """Look at what the example has left: a whole document, a whole journal if it has one, and no temporary."""
    if (place / "sessions").exists():
        check_session(place / "sessions" / "chat%3a42")
        return
    journal, document = place / "session.jsonl", place / "session.json"
    if journal.exists():
        text = journal.read_bytes()
        assert text.endswith(b"\n"), text
        assert [json.loads(line) for line in text.splitlines()] == [{"role": "user", "text": "hello"}]
    assert json.loads(document.read_bytes()) == {"turns": 1}
    left = {path.name for path in place.iterdir()}
    expected = {"session.jsonl", "session.jsonl.lock", "session.json", "session.json.lock"}
    assert left <= expected, left


def check_session(place: Path) -> None:
    """Look at what the example of a session has left. Nobody died, so nothing was reconciled by Node's."""
    lines = (place / "journal.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [{"role": "user", "text": "hello"}]
    if (place / ".untorn.lease").exists():
        assert json.loads((place / "state.json").read_bytes()) == {"turns": 1}
        assert json.loads((place / "result.json").read_bytes()) == {"ok": True}


def main() -> None:
    """Run every example of one language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=sorted(BLOCKS))
    parser.add_argument("--from", dest="origin", type=Path, default=Path.cwd(), help="where Node finds the package")
    arguments = parser.parse_args()
    journals = 0
    for code in examples(arguments.language):
        with tempfile.TemporaryDirectory() as base:
            place = Path(base) / "data"
            place.mkdir()
            if arguments.language == "python":
                run_python(code, place)
            elif arguments.language == "node":
                run_node(code, place, arguments.origin.resolve())
            else:
                run_c(code, place)
            check(place)
            journals += (place / "session.jsonl").exists()
    assert journals, "no example wrote a journal"
    print(f"the examples in {arguments.language} work")


main()
