"""The steps on stores and sessions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from data import Failed, to_bytes

from untorn import Document, Journal, Session, Store, Transaction

if TYPE_CHECKING:
    from steps import Stage


class Mine(Exception):
    """The caller's own error."""


def as_given(value: Any) -> Any:
    """An encoder and decoder that hands over what it is given."""
    return value


def open_store(stage: Stage, step: dict[str, Any]) -> Store:
    """The store that a step opens."""
    options: dict[str, Any] = {name: step[name] for name in ("journal_name", "state_name", "create") if name in step}
    options["durability"] = step.get("durability", "process")
    if "timeout" in step:
        options["timeout"] = step["timeout"] / 1000
    for name in ("dumps", "loads", "state_dumps", "state_loads"):
        options[name] = as_given
    store: Store = stage.untorn.Store(stage.path(step), **options)
    return store


def open_file(session: Session, step: dict[str, Any]) -> Journal | Document:
    """The file that a step opens."""
    match step["op"]:
        case "session_journal":
            return session.journal()
        case "session_state":
            return session.state()
    return session.document(step["name"], dumps=as_given, loads=as_given)


def holder(session: Session, step: dict[str, Any]) -> dict[str, Any] | None:
    """What of the holder the step compares."""
    found = session.holder()
    if found is None:
        return None
    told = {"label": found.label, "alive": found.alive, "self": found.pid == os.getpid()}
    return {name: told[name] for name in step["holder"] or told}


def reconcile(session: Session, step: dict[str, Any]) -> str | None:
    """What came of it."""

    def change(tx: Transaction) -> bool:
        for name, value in step["save"].items():
            tx.save(name, to_bytes(value))
        if step.get("fail"):
            raise Mine
        return bool(step["save"])

    try:
        outcome = session.reconcile(change, also_alive=lambda: bool(step.get("also_alive"))).outcome
    except Mine:
        return None
    if step.get("fail"):
        msg = "the caller's own error was lost"
        raise Failed(msg)
    return outcome
