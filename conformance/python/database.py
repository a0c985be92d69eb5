"""The cases on a store in a database: the files of a case are those of one session."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from awaited import Blocking
from data import same, same_bytes, to_bytes

from untorn import postgres
from untorn.aio import postgres as awaited

if TYPE_CHECKING:
    from pathlib import Path

    from awaited import Loop

# As the runner in Rust: engine/postgres/tests/it/conformance.rs.
OPS = (
    "journal_open append append_all append_at end records values tail verify document_open load save create update "
    "remove follow next fold fold_refresh fold_append rewind replace rotate clear rotated prune_rotated compact header "
    "set_header sync file_remove file_replace load_json transaction tx_load tx_save tx_create tx_append "
    "tx_set_header tx_remove commit rollback store keys store_remove search session session_journal session_state "
    "session_document session_holder claim release reconcile"
)
FILES_ONLY = "lock mode parents cut_foreign_tail scheme on_unsupported stale"
OPTIONS = {
    *("durability", "format", "max_record", "sealed", "timeout", "journal_name", "state_name"),
    *("header_prefix", "header_reserve", "header_mode", "max_bytes", "keep", "create"),
}
# How many cases were run when this was written.
LEAST = 191
CODECS = {"dumps", "loads", "state_dumps", "state_loads"}


def left_out(case: dict[str, Any]) -> str | None:
    """Return why a case can't be carried out in a database."""
    has_store = any(step["op"] == "store" for step in case["steps"])
    if has_store and case.get("files"):
        return "its files are in the directories of sessions"
    # The directories of a store's sessions are compared by their verbs.
    for name, entry in {} if has_store else {**case.get("files", {}), **case.get("after", {})}.items():
        if "/" in name or isinstance(entry, dict) or is_own(name):
            return f"{name} needs a directory"
    for step in case["steps"]:
        op, path = step["op"], step.get("path", "plain")
        if isinstance(step.get("except", {}).get("postgres"), str):
            continue
        if op == "store" and "create" in step:
            return "a schema that is missing is never made by itself"
        if op not in OPS.split():
            return f"a session of a database has no {op}"
        if found := step.keys() & set(FILES_ONLY.split()):
            return f"a session of a database has no {found.pop()}"
        if (op == "transaction" and path != ".") or (op != "store" and "/" in path):
            return f"{path} needs a directory"
    return None


def is_own(name: str) -> bool:
    """Return whether this is a file that the library keeps next to others."""
    ends = (".lock", ".guard", ".holder", ".torn", ".rotated", ".redo", ".untorn")
    return name.startswith(".untorn.") or name.endswith(ends)


class Place:
    """A schema for many cases, each in a session of its own."""

    def __init__(self, server: str) -> None:
        import psycopg  # only with a server: else it need not be installed

        self.server = server
        self.connection = psycopg.connect(server, autocommit=True)
        self.keys = map("case {}".format, count())
        self.schemas = map("conformance_{}".format, count())
        self.schema = ""
        self.key = ""

    def begin(self, case: dict[str, Any]) -> None:
        """Make a session with the files of a case."""
        self.key = next(self.keys)
        has_store = any(step["op"] == "store" for step in case["steps"])
        # A store of a case's own has all of a schema.
        if has_store or not self.schema:
            self.schema = next(self.schemas)
            self.connection.execute(f"drop schema if exists {self.schema} cascade")
            postgres.migrate(self.server, self.schema)
        for name, entry in case.get("files", {}).items():
            self._verb("call {}.put(%s, %s, %s)", self.key, name, to_bytes(entry))

    def remove(self, name: str) -> None:
        """Remove a file, as a program does that does not use the library."""
        self._verb("call {}.commit(%s, '{{remove}}', array[%s], '{{null}}')", self.key, name)

    def replace(self, name: str, content: bytes) -> None:
        """Put another file in the place of one, as such a program does."""
        self.remove(name)
        self._verb("call {}.put(%s, %s, %s)", self.key, name, content)

    def check(self, case: dict[str, Any]) -> None:
        """Compare what is there after a case."""
        if any(step["op"] == "store" for step in case["steps"]):
            # The next case is not one of this store.
            self.schema = ""
            return
        expected = {**case.get("files", {}), **case.get("after", {})}
        names = {name for (name,) in self._verb("select name from {}.stat(%s)", self.key)}
        same("the files", sorted(names), sorted(name for name, entry in expected.items() if entry is not None))
        for name in names:
            ((found,),) = self._verb("select bytes from {}.read(%s, %s, 0, 1 << 24)", self.key, name)
            same_bytes(name, found, to_bytes(expected[name]))

    def _verb(self, sql: str, *given: Any) -> list[Any]:
        cursor = self.connection.execute(sql.format(self.schema), given)
        return cursor.fetchall() if cursor.description else []


class Handles:
    """In place of the module `untorn`: what it opens is in the session of the case."""

    def __init__(self, place: Place, loop: Loop | None) -> None:
        self.place = place
        self.loop = loop

    def Store(self, path: Path | None, **options: Any) -> Any:  # noqa: N802 - as in `untorn`
        """The store of the case."""
        del path
        known = {name: value for name, value in options.items() if name in OPTIONS | CODECS}
        where, schema = self.place.server, self.place.schema
        if self.loop is None:
            return postgres.Store(where, schema=schema, **known)
        opened = self.loop.run(lambda: awaited.Store.open(where, schema=schema, **known))
        return Blocking(self.loop, opened)

    def Journal(self, path: Path, **options: Any) -> Any:  # noqa: N802
        """A journal of the case."""
        return self.Store(None, **options).session(self.place.key).journal(path.name)

    def Document(self, path: Path, dumps: Any = None, loads: Any = None, **options: Any) -> Any:  # noqa: N802
        """A document of the case."""
        session = self.Store(None, **options).session(self.place.key)
        return session.document(path.name, dumps=dumps, loads=loads)

    def Transaction(self, path: Path, **options: Any) -> Any:  # noqa: N802
        """A transaction of the case."""
        del path
        return self.Store(None, **options).session(self.place.key).transaction()

    def load_json(self, path: Path) -> Any:
        """A document, decoded."""
        return self.Document(path).load()
