"""The extension's JSON is that of Python's own `json`, to the byte."""

import io
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

import untorn
from untorn import _by_json, _codec
from untorn._one_shot import _plain_text
from untorn._untorn import json_line, json_value

# As records are written without the extension.
THEIRS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
STRICT = json.JSONDecoder(parse_constant=_by_json._no_constant)

# Every float, by its bits: powers of two and their neighbours are where the shortest digits are hard to find.
by_bits = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
near_powers = st.builds(math.nextafter, st.integers(-1074, 1023).map(lambda n: 2.0**n), st.sampled_from([0.0, 1e308]))
floats = st.one_of(st.floats(allow_nan=False, allow_infinity=False), by_bits.filter(math.isfinite), near_powers)
texts = st.one_of(st.text(), st.text(st.sampled_from('"\\/\x00\x08\n\x1f\x7f\x80é\u2028\ud7ff\uffff😀ab'), max_size=40))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), floats, texts)
names = st.one_of(texts, texts, texts, st.integers(), floats, st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(names, inner), st.dictionaries(texts, inner)
    ),
    max_leaves=40,
)


@settings(max_examples=500, deadline=None)
@given(values)
@example([1e16, 1e15, 123456789012345678.0, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, -0.0, 0.1, 1e22, 1e21])
@example({"": {}, "a": [], "b": [[], ()], 2: 2, 1.5: 3, True: 4, None: 5, -(10**30): 6})
def test_a_line_is_what_json_writes(value: Any) -> None:
    line = json_line(value)
    assert line is not None
    assert line.decode() == THEIRS.encode(value)


@settings(max_examples=500, deadline=None)
@given(
    values,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 0, 1, 2, "\t", "", "é"]),
    st.sampled_from([None, (",", ":"), (" ;", " = ")]),
)
def test_a_text_is_what_json_dump_writes(
    value: Any, ensure_ascii: bool, allow_nan: bool, sort_keys: bool, indent: Any, separators: Any
) -> None:
    options: dict[str, Any] = {
        "ensure_ascii": ensure_ascii,
        "allow_nan": allow_nan,
        "sort_keys": sort_keys,
        "indent": indent,
        "separators": separators,
        "default": repr,
    }
    ours = _plain_text(value, **options)
    text = io.StringIO()
    try:
        json.dump(value, text, **options)
    except TypeError:
        # Names of several types can't be sorted.
        assert sort_keys
        assert ours is None
        return
    if ours is None:
        assert sort_keys or not (separators or ("", ""))[0].isascii() or indent == "é"
    else:
        assert ours.decode() == text.getvalue()


@settings(max_examples=500, deadline=None)
@given(values, st.sampled_from([None, 1]), st.booleans())
def test_a_value_is_what_json_reads(value: Any, indent: Any, ensure_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
    same(json_value(text.encode()), json.loads(text))


def same(ours: Any, theirs: Any) -> None:
    """Compare as no `==` does: 1 is no 1.0, and the order of names counts."""
    assert repr(ours) == repr(theirs)


NOISE = '[]{},:"\\/bfnrtu0123456789.eE+- \t\n\r\x00é\ud800truefalsn'
NUMBERS = ["-0", "00", "-", "1.", ".5", "1e5", "1E+05", "1e", "-1.5e-3", "1e999", "-1e999", "9" * 400]
WORDS = [
    "NaN",
    "Infinity",
    "tru",
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u00E9"',
    '"\\u+123"',
    '"\\x"',
]
OTHERS = ['"\t"', '"\x7f"', '"\\', '"', "[1,]", '{"a":1,}', '{"a":1,"a":2,"b":3}', "{1:2}", "[1 2]", "\ufeff1", "1 "]
SPACED = ["\n[\r\n1\t]\n", "1 1", "", " ", "\xa01"]
SPELLED = st.sampled_from([*NUMBERS, *WORDS, *OTHERS, *SPACED])


@settings(max_examples=1000, deadline=None)
@given(st.one_of(SPELLED, st.text(NOISE, max_size=12)))
def test_what_is_no_json_is_left_to_json(text: str) -> None:
    data = text.encode(errors="surrogatepass")
    ours = json_value(data)
    try:
        theirs = STRICT.decode(data.decode())
    except ValueError:
        assert ours is ...
        with pytest.raises(ValueError, match=r"."):
            _codec.decode(data)
    else:
        same(_codec.decode(data), theirs)
        assert ours is ... or repr(ours) == repr(theirs)


class Text(str):
    __slots__ = ()


class Number(int):
    def __repr__(self) -> str:
        return "never"


class Values(list[Any]):
    def __iter__(self) -> Any:
        return iter(["another"])


LEFT = {
    "a text of a subclass": [Text("a")],
    "a number of a subclass": {"n": Number(7)},
    "a list of a subclass": Values([1]),
    "half of a surrogate pair": "\ud800",
    "a name with half of a surrogate pair": {"\udc00": 1},
    "a number with more digits than Python writes": 10**5000,
    "a value nested deeper than the extension goes": json.loads("[" * 250 + "]" * 250),
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_not_covered_is_left_to_json(tmp_path: Path, kind: str) -> None:
    value = LEFT[kind]
    assert json_line(value) is None
    assert _plain_text([value]) is None or kind.startswith(("half", "a name"))
    journal = untorn.Journal(tmp_path / "j", durability="process")
    try:
        expected = _by_json.encode(value)
    except ValueError:
        with pytest.raises(untorn.InvalidRecord):
            journal.append(value)
        return
    journal.append(value)
    journal.extend([value, value])
    assert [record.data for record in journal.records()] == [expected] * 3


def test_a_deep_value_is_read() -> None:
    for depth in (199, 200, 201, 250):
        data = b"[" * depth + b"]" * depth
        same(_codec.decode(data), json.loads(data))


def test_a_value_that_contains_itself_is_refused_at_once() -> None:
    circle: list[Any] = ["x" * 100_000]
    circle.append({"again": circle})
    assert json_line(circle) is None


def test_the_names_of_many_records_are_their_own() -> None:
    for n in range(5000):
        for name in (f"n{n}", f"{n}" * 9, "é" * (n % 30)):
            assert json_value(json.dumps({name: 1}, ensure_ascii=False).encode()) == {name: 1}
