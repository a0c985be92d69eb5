"""A newcomer's way: from the README alone to a first locked append in each language, with its steps and its seconds.

    python first_append.py [--only python node c rust]

It types the lines of the README's install block in an empty project next to the checkout (`dist/` must exist: `cargo
xtask package`), saves the example of the language, and runs it. Then it looks: the record is in the file, and the file
has its lock.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# How one begins an empty project, where the README's line goes, and how the example is started.
WAYS = {
    "python": (f"'{sys.executable}' -m venv .venv && . .venv/bin/activate", "pip install", "app.py", "python app.py"),
    "node": ("npm init -y", "npm install", "app.mjs", "node app.mjs"),
    "c": (None, "cc ", "app.c", "./a.out"),
    "rust": ("cargo init --quiet --name app", "cargo add", "src/main.rs", "cargo run --quiet"),
}


def install_line(begins: str) -> str:
    """Find the line of the README's install block, without its comment."""
    block = re.search(r"## Install\n.*?```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = block[1].splitlines() if block else []
    for line in lines:
        if line.startswith(begins):
            return re.sub(r"\s+#.*", "", line)
    sys.exit(f"the README has no line `{begins}…` below Install")


def example(language: str) -> str:
    """Find the README's example, or that of the page to which it leads."""
    page = ROOT / ("README.md" if language == "python" else "docs/quickstart.md")
    name = {"node": "js"}.get(language, language)
    found = re.search(rf"```{name}\b[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else sys.exit(f"{page} has no example in {language}")


def walk(language: str, base: Path) -> tuple[int, float]:
    """Do what the README says. Returns how many commands that was, and how many seconds."""
    begin, installs, name, run = WAYS[language]
    app = base / language
    app.mkdir()
    install = install_line(installs)
    steps = [step for step in (begin, install, run) if step]
    # The C compiler reads the program; the others must be there when it runs.
    before = f"mkdir -p src; cat > {name} <<'END'\n{example(language)}END\n"
    save_first = language == "c"
    script = [before, *steps] if save_first else [*steps[:-1], before, steps[-1]]
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)], cwd=app, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{language}: the README's way ended with {done.returncode}\n{done.stdout}{done.stderr}")
    took = time.monotonic() - began
    lines = (app / "session.jsonl").read_bytes().splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == [{"role": "user", "text": "hello"}], lines
    assert lines[-1].endswith(b"\n")
    assert (app / "session.jsonl.lock").exists(), "no lock was taken"
    return len(steps) + 1, took


def main() -> None:
    """Walk each way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    if not (ROOT / "dist").exists():
        sys.exit("dist/ does not exist: run `cargo xtask package`")
    # An environment of one's own would take part in the first.
    os.environ.pop("VIRTUAL_ENV", None)
    with tempfile.TemporaryDirectory(prefix="newcomer ") as place:
        base = Path(place)
        (base / "untorn").symlink_to(ROOT)
        print(f"{'language':<10}{'steps':>6}{'seconds':>9}   the first append, from the README")
        for language in arguments.only:
            steps, seconds = walk(language, base)
            print(f"{language:<10}{steps:>6}{seconds:>9.1f}   {install_line(WAYS[language][1])}", flush=True)


if __name__ == "__main__":
    main()
