"""The verbs of a `Session` that say who owns it, and settle after a dead owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn._transaction_staging import Staging
from untorn._types import Reconciled

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import EllipsisType

    from untorn._types import Holder
    from untorn._untorn import PostgresSession, RawSession

_Tx = TypeVar("_Tx", bound=Staging)


class Owning(Generic[_Tx]):
    """The verbs of a `Session`, whatever keeps it: a directory, or a database."""

    __slots__ = ()

    _raw: RawSession | PostgresSession

    def _transaction(self, origin: Any) -> _Tx:
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The key."""
        return self._raw._key

    def exists(self) -> bool:
        """Return whether the session exists."""
        return self._raw._exists()

    def holder(self) -> Holder | None:
        """Return the process that owns the session; `None` if none does. Takes no lock and creates nothing."""
        return self._raw._holder()

    def reconcile(
        self,
        change: Callable[[_Tx], bool | None],
        *,
        also_alive: Callable[[], bool] | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> Reconciled:
        """Run `change` in a transaction on the session's files, if the last owner died without releasing the session.

        It runs in one process at a time, and not again once it has changed something. If it raises, nothing has
        changed, and the next call tries again. It returns `False` if no change was needed; the next call then tries
        again, too. If the owner's process is dead, `also_alive` is called; it returns whether the session lives in
        another way. Never waits for an owner, and creates nothing if the session does not exist.
        """
        begun = self._raw._begin_reconcile(timeout)
        if isinstance(begun, tuple):
            return Reconciled(*begun)
        owner = begun.owner
        tx = self._transaction(begun)
        try:
            if also_alive is not None and also_alive():
                return Reconciled("alive", owner)
            if change(tx) is False:
                return Reconciled("no_change", None)
            if tx.open:
                tx.commit()
            return Reconciled("done", owner)
        finally:
            tx.rollback()
