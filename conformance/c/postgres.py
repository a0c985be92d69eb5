"""The cases on a store in a PostgreSQL database.

The files of a case are those of one session. `psql` puts them there and looks at them,
so nothing here asks the library what a file should hold.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

# Another program's changes, which `psql` makes.
FOREIGN = ("file_remove", "file_replace")
# The operations that a store in a database has.
OPERATIONS = {
    *("journal_open", "append", "append_all", "append_at", "end", "records", "values", "tail", "verify"),
    *("document_open", "load", "save", "create", "update", "remove", "load_json"),
    *("follow", "next", "fold", "fold_refresh", "fold_append", "rewind", "replace"),
    *("transaction", "tx_load", "tx_save", "tx_create", "tx_append", "tx_set_header", "tx_remove"),
    *("commit", "rollback"),
    *("store", "keys", "store_remove", "search", "session", "session_journal", "session_state"),
    *("session_document", "session_holder", "claim", "release", "reconcile", "close"),
    *("rotate", "clear", "rotated", "prune_rotated", "compact", "header", "set_header", "sync"),
    *FOREIGN,
}
# Arguments and options that only files have.
FILES_ONLY = {
    *("lock", "mode", "parents", "cut_foreign_tail", "scheme", "on_unsupported", "stale"),
}
OWN_ENDS = (".lock", ".guard", ".holder", ".torn", ".rotated", ".redo", ".untorn")


def left_out(case: Json) -> str | None:
    """Give the reason why a case can't be carried out in a database."""
    if "postgres" in case.get("except", {}):
        return str(case["except"]["postgres"])
    has_store = any(step["op"] == "store" for step in case["steps"])
    if has_store and case.get("files"):
        return "its files are in the directories of sessions"
    if not has_store:
        for name, entry in files_of(case):
            if "/" in name or isinstance(entry, dict) or name.endswith(OWN_ENDS):
                return f"{name} needs a directory"
    for step in case["steps"]:
        if isinstance(step.get("except", {}).get("postgres"), str):
            continue
        if step["op"] not in OPERATIONS:
            return f"a session of a database has no {step['op']}"
        if step["op"] == "store" and "create" in step:
            return "a schema that is missing is never made by itself"
        if only_files := FILES_ONLY & step.keys():
            return f"a session of a database has no {min(only_files)}"
        path = step.get("path", "plain")
        if (step["op"] == "transaction" and path != ".") or (step["op"] != "store" and "/" in path):
            return f"{path} needs a directory"
    return None


def files_of(case: Json) -> Iterator[tuple[str, Any]]:
    """Give the files that a case names."""
    for part in ("files", "after"):
        yield from case.get(part, {}).items()


class Schema:
    """A schema, and the session of a case in it."""

    def __init__(self, url: str, name: str, driver: Path) -> None:
        """Have the driver make the schema."""
        self.url = url
        self.name = name
        self.key = ""
        done = subprocess.run(
            [driver], input="migrate\n", stdout=subprocess.PIPE, text=True, env=self.environment(), check=True
        )
        if '"applied"' not in done.stdout:
            raise data.Differs(f"the schema was not made: {done.stdout}")

    def environment(self) -> dict[str, str]:
        """Give what the driver must know."""
        own = {
            "UNTORN_TEST_POSTGRES": self.url,
            "UNTORN_TEST_SCHEMA": self.name,
            "UNTORN_TEST_KEY": self.key,
        }
        return os.environ | own

    def ask(self, *statements: str) -> list[str]:
        """Run statements, and give the lines that they print."""
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        script = "".join(f"{statement};\n" for statement in statements)
        printed = subprocess.run(
            ["psql", self.url, *options], input=script, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        return printed.splitlines()

    def begin(self, key: str, case: Json) -> None:
        """Put the files of a case in place."""
        self.key = key
        puts = [self.put(name, entry) for name, entry in case.get("files", {}).items()]
        if puts:
            self.ask(*puts)

    def put(self, name: str, entry: Any) -> str:
        """Give the statement that makes a file."""
        return f"call {self.name}.put('{self.key}', '{name}', decode('{data.read(entry).hex()}', 'hex'))"

    def foreign(self, step: Json) -> None:
        """Change a file as another program does."""
        remove = f"call {self.name}.commit('{self.key}', '{{remove}}', array['{step['path']}'], '{{null}}')"
        put = [self.put(step["path"], step["bytes"])] if step["op"] == "file_replace" else []
        self.ask(remove, *put)

    def check(self, case: Json) -> None:
        """Compare all that is there after a case."""
        if any(step["op"] == "store" for step in case["steps"]):
            # Its sessions are compared by their verbs.
            return
        whole = f"{self.name}.read('{self.key}', f.name, 0, 1000000000)"
        lines = self.ask(
            f"select f.name || ' ' || encode(r.bytes, 'hex') from {self.name}.stat('{self.key}') f, lateral {whole} r"
        )
        there = {name: bytes.fromhex(text) for name, _, text in (line.partition(" ") for line in lines)}
        for name, entry in dict(files_of(case)).items():
            if entry is None and name in there:
                raise data.Differs(f"{name} is there")
            if entry is None:
                continue
            if name not in there:
                raise data.Differs(f"{name} is not there")
            data.same(name, there.pop(name), data.read(entry))
        if there:
            raise data.Differs(f"{min(there)} was left behind")
