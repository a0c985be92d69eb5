"""Find the adapter for what a caller passes: a pool, a connection or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn._drivers import driver_of
from untorn._errors import InvalidArgument

if TYPE_CHECKING:
    from untorn.postgres._failed import Adapter


def adapter_of(where: Any) -> Adapter:
    """Return the adapter for a blocking store."""
    if isinstance(where, str):
        return _psycopg().OfUrl(where)  # type: ignore[no-any-return]
    match driver_of(where):
        case "psycopg_pool":
            return _psycopg().OfPool(where)  # type: ignore[no-any-return]
        case "psycopg":
            return _psycopg().OfConnection(where)  # type: ignore[no-any-return]
        case "asyncpg":
            msg = "an asyncpg pool serves an event loop: use untorn.aio.Store.open(pool)"
            raise InvalidArgument(msg)
    msg = (
        "expected a psycopg_pool.ConnectionPool, a psycopg.Connection or a postgresql:// URL, not "
        f"{type(where).__name__}"
    )
    raise InvalidArgument(msg)


def _psycopg() -> Any:
    try:
        import psycopg
    except ModuleNotFoundError as error:
        msg = 'a store on PostgreSQL needs a driver: pip install "untorn[postgres]"'
        raise ImportError(msg, name=error.name) from error
    if not hasattr(psycopg, "RawCursor"):
        msg = f"psycopg {psycopg.__version__} is too old: untorn needs 3.2 or newer"
        raise ImportError(msg, name="psycopg")
    from untorn.postgres import _psycopg

    return _psycopg
