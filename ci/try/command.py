"""Use the command as a shell does: command.py PROGRAM, which may be several words (`wine64 untorn.exe`)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = sys.argv[1:]


def run(*arguments: str | Path, status: int = 0) -> str:
    """Run it, and return what it prints."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == status, (arguments, done)
    return done.stdout


def main() -> None:
    """Append, lose power in the middle of a line, see it, repair it; save."""
    with tempfile.TemporaryDirectory() as name:
        journal, document = Path(name, "journal.jsonl"), Path(name, "document.json")
        for n in range(3):
            run("append", journal, json.dumps({"n": n}))
        run("check", journal)
        with journal.open("ab") as file:
            file.write(b'{"n": half')
        assert "torn_tail" in run("check", journal, status=1)
        run("repair", "--yes", journal)
        run("check", journal)
        assert [json.loads(line)["n"] for line in journal.read_text().splitlines()] == [0, 1, 2]
        run("set", "--create", document, ".a", '{"b": 1}')
        assert json.loads(run("get", document)) == {"a": {"b": 1}}
    print(f"ok: {run('--version').strip()}")


main()
