"""Codecs: how the records of a `Journal`, or the value of a `Document`, become objects of yours, and bytes again.

    from untorn import Journal, codecs

    journal = Journal("session.jsonl", codec=codecs.dataclass(Message))  # Journal[Message]
    journal.append(Message("hello"))
    for message in journal:
        print(message.text)

`msgspec`, `pydantic` and `orjson` need the library of that name. A `Codec` of your own is two functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from untorn import _codec
from untorn._codec import _T, Codec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Codec", "dataclass", "msgspec", "orjson", "pydantic"]


class _Of(Generic[_T]):
    """A function of a type, which can be pickled if the type can."""

    def __init__(self, make: Callable[[type[_T]], Callable[[Any], Any]], kind: type[_T]) -> None:
        self._make, self._kind = make, kind
        self._function = make(kind)

    def __call__(self, value: Any) -> Any:
        return self._function(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Of, (self._make, self._kind)


def orjson() -> Codec[Any]:
    """Return a codec of `orjson`: plain values, and what it encodes besides (dates, dataclasses, UUIDs)."""
    import orjson as library

    return Codec(library.dumps, library.loads)


def msgspec(kind: type[_T]) -> Codec[_T]:
    """Return a codec of `msgspec` for any type that it decodes: a `Struct`, a dataclass, a `TypedDict`, ..."""
    return Codec(_Of(_msgspec_encoder, kind), _Of(_msgspec_decoder, kind))


def _msgspec_encoder(kind: type[Any]) -> Callable[[Any], Any]:  # noqa: ARG001 - it encodes every type
    import msgspec.json

    return msgspec.json.Encoder().encode


def _msgspec_decoder(kind: type[Any]) -> Callable[[Any], Any]:
    import msgspec.json

    return msgspec.json.Decoder(kind).decode


def pydantic(kind: type[_T]) -> Codec[_T]:
    """Return a codec of `pydantic` for a model, or for any type that a `TypeAdapter` takes."""
    return Codec(_Of(_pydantic_encoder, kind), _Of(_pydantic_decoder, kind))


def _pydantic_encoder(kind: type[Any]) -> Callable[[Any], Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind).dump_json


def _pydantic_decoder(kind: type[Any]) -> Callable[[Any], Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_json


def dataclass(kind: type[_T]) -> Codec[_T]:
    """Return a codec for a dataclass, without another library.

    Fields that are dataclasses, and lists, dicts and optional values of them, are built, too. Other values are those
    of JSON: a field of another type, such as a date, needs `msgspec` or `pydantic`. Nothing is validated.
    """
    return Codec(_Of(_dataclass_encoder, kind), _Of(_dataclass_decoder, kind))


def _dataclass_encoder(kind: type[Any]) -> Callable[[Any], Any]:  # noqa: ARG001 - it encodes every dataclass
    from dataclasses import asdict

    def encode(value: Any) -> bytes:
        return _codec.encode(asdict(value))

    return encode


def _dataclass_decoder(kind: type[Any]) -> Callable[[Any], Any]:
    build = _builder(kind)
    return lambda record: build(_codec.decode(record))


def _builder(kind: Any) -> Callable[[Any], Any]:
    """Return the function that makes a value of this type from plain values."""
    from dataclasses import is_dataclass
    from typing import get_args, get_origin, get_type_hints

    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        # A field may have the type of the class itself: its builder is made when it is needed.
        fields: dict[str, Callable[[Any], Any]] = {}

        def build(value: Any) -> Any:
            for name in value:
                if name not in fields:
                    fields[name] = _builder(hints.get(name))
            return kind(**{name: fields[name](inner) for name, inner in value.items()})

        return build
    args = [_builder(arg) for arg in get_args(kind) if arg is not type(None)]
    if get_origin(kind) in (list, tuple) and args:
        return lambda value: get_origin(kind)(map(args[0], value))
    if get_origin(kind) is dict:
        return lambda value: {name: args[1](inner) for name, inner in value.items()}
    if len(args) == 1 and type(None) in get_args(kind):
        return lambda value: None if value is None else args[0](value)
    return lambda value: value
