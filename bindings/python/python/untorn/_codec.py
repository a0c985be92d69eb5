"""Convert values to bytes and back, if the caller passes no encoder."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from untorn import _spelling
from untorn._errors import Corrupt, LimitExceeded
from untorn._refused import refused
from untorn._untorn import document_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer

    from untorn._options import _Format

    _Data: TypeAlias = Buffer | str
    """The types that are taken as bytes; of a `str`, its UTF-8."""
    _Dumps: TypeAlias = Callable[[Any], _Data]
    _Loads: TypeAlias = Callable[[bytes], Any]


# Made once: `json.dumps` with arguments makes an encoder for every call. NaN and Infinity are not JSON: readers of
# other languages would call the line damaged.
_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_to_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


def encode(value: Any) -> bytes:
    """Encode a value as one line of JSON in UTF-8."""
    try:
        return _to_text(value).encode()
    except UnicodeEncodeError:
        # UTF-8 can't hold a lone surrogate, but a JSON escape can.
        return _to_ascii(value).encode()
    except ValueError as error:
        return _spelling.encoded(value, _to_ascii, error).encode()


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_from_text = json.JSONDecoder(parse_constant=_no_constant).decode
_from_text_exactly = _spelling.decoder(_no_constant)


def decode(record: bytes) -> Any:
    """Decode one line of JSON, strictly: if the reader of one language takes a line, those of all languages do."""
    return _from_text(record.decode())


def decode_exactly(record: bytes) -> Any:
    """Like `decode`, but a number beyond Python's floats becomes an infinity whose spelling `encode` restores."""
    return _from_text_exactly(record.decode())


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


def encode_document(value: Any, dumps: _Dumps | None, operation: str, path: Path) -> _Data:
    """Encode the value of a document."""
    if dumps is not None:
        return dumps(value)
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise refused(value, error, operation, path) from error


def decode_document(data: bytes, loads: _Loads | None, path: Path, exactly: bool = False) -> Any:
    """Decode a document: one value in UTF-8, with or without a byte order mark, as in every language.

    `exactly`: as `decode_exactly` does, because the value will be saved again.
    """
    if loads is not None:
        return loads(data)
    try:
        from_text = _from_text_exactly if exactly else _from_text
        return from_text(data.removeprefix(codecs.BOM_UTF8).decode())
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
