"""Recognise what means a database: a URL, or an object of a driver."""

from __future__ import annotations

import sys
from typing import Any

_URLS = ("postgres://", "postgresql://")
_KINDS = {"psycopg_pool": "ConnectionPool", "psycopg": "Connection", "asyncpg": "Pool"}


def is_database(where: Any) -> bool:
    """Return whether this means a database."""
    if isinstance(where, str):
        return where.startswith(_URLS)
    return driver_of(where) is not None


def driver_of(where: Any) -> str | None:
    """Return the module of the driver whose object this is; `None` if it is none."""
    for module, name in _KINDS.items():
        # If the caller has an object of a driver, the driver is loaded.
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(where, kind):
            return module
    return None
