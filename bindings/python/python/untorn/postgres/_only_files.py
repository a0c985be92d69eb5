"""Verbs that only files have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from untorn._errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable


def only_files(verb: str) -> Callable[..., NoReturn]:
    """Return a method that raises `Unsupported`."""

    def method(self: Any, *_: Any, **__: Any) -> NoReturn:
        msg = f"{verb} {self.path}: only a store of files can do this, and this one is in a database"
        raise Unsupported(msg, path=self.path, operation=verb)

    method.__name__ = verb
    method.__doc__ = "Raise `Unsupported`: only files have this."
    return method


class WithoutRepair:
    """The verbs of a journal that mend a file, or show what was mended."""

    __slots__ = ()

    repair = only_files("repair")
    salvage = only_files("salvage")
    salvage_plan = only_files("salvage_plan")
    torn = only_files("torn")
    torn_bytes = only_files("torn_bytes")
    restore_torn = only_files("restore_torn")
    prune_torn = only_files("prune_torn")
