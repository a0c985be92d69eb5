"""Python's own `json`, for values that the extension leaves to it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from untorn import _spelling

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
    """Decode one line of JSON."""
    return _from_text(record.decode())


def decode_exactly(record: bytes) -> Any:
    """Decode one line, but keep the spelling of numbers beyond Python's floats."""
    return _from_text_exactly(record.decode())
