"""Convert values to bytes and back, if the caller passes no encoder."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from untorn._errors import Corrupt, InvalidArgument, LimitExceeded
from untorn._untorn import document_json, json_line, json_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer, TypeVar

    from untorn._options import _Format

    _Data: TypeAlias = Buffer | str
    """The types that are taken as bytes; of a `str`, its UTF-8."""
    _Dumps: TypeAlias = Callable[[Any], _Data]
    _Loads: TypeAlias = Callable[[bytes], Any]

    _T = TypeVar("_T", default=Any)
else:
    from typing import TypeVar

    _T = TypeVar("_T")


class Codec(Generic[_T]):
    """How values of one type become bytes (or `str`, for a journal on one line), and values again.

    `dumps` encodes a value; `loads` decodes what `dumps` made.
    """

    __slots__ = ("dumps", "loads")

    def __init__(self, dumps: Callable[[_T], _Data], loads: Callable[[bytes], _T]) -> None:
        self.dumps = dumps
        self.loads = loads


def functions(
    codec: Codec[Any] | None, dumps: _Dumps | None, loads: _Loads | None
) -> tuple[_Dumps | None, _Loads | None]:
    """Return the encoder and the decoder that the caller chose."""
    if codec is None:
        return dumps, loads
    if dumps is not None or loads is not None:
        msg = "a codec is both functions: pass codec=, or dumps= and loads="
        raise InvalidArgument(msg)
    if not isinstance(codec, Codec):
        msg = f"expected an untorn.codecs.Codec, not {type(codec).__name__}"
        raise InvalidArgument(msg)
    return codec.dumps, codec.loads


def encode(value: Any) -> bytes:
    """Encode a value as one line of JSON in UTF-8."""
    line = json_line(value)
    if line is not None:
        return line
    from untorn import _by_json  # only where it is needed: to import it takes long

    return _by_json.encode(value)


def decode(record: bytes) -> Any:
    """Decode one line of JSON, strictly: if the reader of one language takes a line, those of all languages do."""
    value = json_value(record)
    if value is not ...:
        return value
    from untorn import _by_json

    return _by_json.decode(record)


def decode_exactly(record: bytes) -> Any:
    """Like `decode`, but a number beyond Python's floats becomes an infinity whose spelling `encode` restores."""
    value = json_value(record)
    if value is not ...:
        return value
    from untorn import _by_json

    return _by_json.decode_exactly(record)


def same_line(value: Any) -> _Data:
    """Return a line unchanged: format `lines`."""
    if isinstance(value, bytes | bytearray | memoryview | str):
        return value
    msg = f"a line is bytes or str, not {type(value).__name__}: pass dumps= for other values"
    raise TypeError(msg)


def same_bytes(record: bytes) -> bytes:
    """Return a line unchanged: format `lines`."""
    return record


def decoder_of(format: _Format) -> _Loads:  # noqa: A002 - the option's name in every language
    """Return the decoder for records of this format."""
    return decode if format == "json" else same_bytes


def is_json(options: dict[str, Any]) -> bool:
    """Return whether the records of a journal with these options are JSON."""
    return bool(options.get("format", "json") == "json")


def encoder_of(options: dict[str, Any], dumps: _Dumps | None) -> str:
    """Return how the extension encodes the records of a journal: what it makes itself needs no check."""
    if dumps is not None:
        return "checked"
    return "json" if is_json(options) else "trusted"


def encode_document(value: Any, dumps: _Dumps | None, operation: str, path: Path) -> _Data:
    """Encode the value of a document."""
    if dumps is not None:
        return dumps(value)
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        from untorn._refused import refused

        raise refused(value, error, operation, path) from error


def decode_document(data: bytes, loads: _Loads | None, path: Path, exactly: bool = False) -> Any:
    """Decode a document: one value in UTF-8, with or without a byte order mark, as in every language.

    `exactly`: as `decode_exactly` does, because the value will be saved again.
    """
    if loads is not None:
        return loads(data)
    text = data.removeprefix(codecs.BOM_UTF8)
    value = json_value(text)
    if value is not ...:
        return value
    try:
        return decode_exactly(text) if exactly else decode(text)
    except RecursionError as error:
        msg = f"load {path}: Python's json can't decode a value nested this deep: pass loads="
        raise LimitExceeded(msg, path=path, operation="load") from error
    except ValueError as error:
        # All languages give the same verdict, in the same words.
        try:
            document_json(path, data)
        except Corrupt as corrupt:
            raise corrupt from error
        # Valid JSON, but with a number of more digits than Python converts.
        msg = f"load {path}: Python's json can't decode this value: {error}; pass loads="
        raise LimitExceeded(msg, path=path, operation="load") from error
