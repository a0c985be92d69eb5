"""Plain values: frozen dataclasses, without the time that it takes to import `dataclasses`."""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


class Plain:
    """What a frozen dataclass has. `repr` leaves out fields that begin with an underscore."""

    _fields: tuple[str, ...]

    def __init__(self, *args: Any, **named: Any) -> None:
        kind = type(self)
        given = dict(zip(kind._fields, args, strict=False))
        missing = [field for field in kind._fields if field not in given and field not in named]
        known = len(args) <= len(kind._fields) and not given.keys() & named and named.keys() <= set(kind._fields)
        if not known or not all(hasattr(kind, field) for field in missing):
            msg = f"{kind.__name__} has the fields {', '.join(kind._fields)}"
            raise TypeError(msg)
        self.__dict__.update(given, **named)

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field) for field in self._fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = (f"{field}={getattr(self, field)!r}" for field in self._fields if not field.startswith("_"))
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: Any) -> None:
        msg = f"can't set {name!r}: a {type(self).__name__} never changes"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        msg = f"can't delete {name!r}: a {type(self).__name__} never changes"
        raise AttributeError(msg)


@dataclass_transform(frozen_default=True)
def plain(cls: type[_T]) -> type[_T]:
    """Give a class that derives from `Plain` its fields, which are its annotations."""
    cls._fields = cls.__match_args__ = tuple(cls.__annotations__)  # type: ignore[attr-defined, misc]
    return cls
