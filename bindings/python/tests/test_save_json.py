"""One call, no handle; and the promise that `save_json` is `json.dump`."""

import enum
import io
import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

import untorn


class Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        return {"set": sorted(o)} if isinstance(o, set) else super().default(o)

    def iterencode(self, o: Any, _one_shot: bool = False) -> Any:
        yield "\n"
        yield from super().iterencode(o, _one_shot)

    def encode(self, o: Any) -> str:
        # json.dumps would call this, json.dump does not.
        return "never" + super().encode(o)


class Colour(enum.IntEnum):
    RED = 1


VALUE = {
    "z": [1, 2.5, 1e100, -0.0, True, False, None],
    "é": '\u2028 \U0001f600 " \\ / \n \x7f',
    "nested": OrderedDict([("b", {}), ("a", []), ("c", [[], [{}]])]),
    "tuple": (1, (2,)),
    "enum": Colour.RED,
    1: "int key",
    2.5: "float key",
    None: "none key",
    False: "bool key",
}
TEXT_KEYS = {"b": [1, {"d": 4, "c": "é"}], "a": {}}
CASES: list[tuple[Any, dict[str, Any]]] = [
    (VALUE, {}),
    (VALUE, {"indent": 2}),
    (VALUE, {"indent": 0}),
    (VALUE, {"indent": "\t"}),
    (VALUE, {"indent": 2, "ensure_ascii": False}),
    (VALUE, {"ensure_ascii": False}),
    (VALUE, {"separators": (",", ":")}),
    (VALUE, {"separators": (" ;", " = "), "indent": 1}),
    (VALUE, {"check_circular": False}),
    (TEXT_KEYS, {"sort_keys": True}),
    (TEXT_KEYS, {"sort_keys": True, "indent": 4, "separators": (",", ": ")}),
    ({(1, 2): 3, "a": 1}, {"skipkeys": True}),
    ([float("nan"), float("inf")], {}),
    ([float("nan")], {"allow_nan": True}),
    ({"a": {3, 1}}, {"default": sorted}),
    ({"a": {3, 1}}, {"cls": Encoder}),
    ({"a": {3, 1}}, {"cls": Encoder, "indent": 3}),
    ("text", {}),
    (None, {}),
    ("\ud800", {}),
]


@pytest.mark.parametrize(("value", "keywords"), CASES)
def test_save_json_writes_what_json_dump_would(tmp_path: Path, value: Any, keywords: dict[str, Any]) -> None:
    theirs = tmp_path / "theirs.json"
    with theirs.open("w", encoding="utf-8") as file:
        json.dump(value, file, **keywords)
    ours = tmp_path / "ours.json"
    untorn.save_json(ours, value, **keywords)
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("value", "keywords"),
    [
        ([float("nan")], {"allow_nan": False}),
        ({(1, 2): 3}, {}),
        ({"a": object()}, {}),
        ({1: 1, "a": 2}, {"sort_keys": True}),
        ([], {"no such": 1}),
    ],
)
def test_save_json_raises_what_json_dump_would(tmp_path: Path, value: Any, keywords: dict[str, Any]) -> None:
    path = tmp_path / "d.json"
    path.write_text("old")
    with pytest.raises(Exception) as theirs:
        json.dump(value, io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), **keywords)
    with pytest.raises(type(theirs.value)) as ours:
        untorn.save_json(path, value, **keywords)
    assert str(ours.value) == str(theirs.value)
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["d.json"]


def test_save_json_refuses_half_a_surrogate_pair_as_json_dump_does(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text("old")
    # json.dump raises a UnicodeEncodeError, which is a ValueError too.
    with pytest.raises(ValueError, match="half of a surrogate pair") as ours:
        untorn.save_json(path, "\ud800", ensure_ascii=False)
    assert isinstance(ours.value, untorn.InvalidRecord)
    assert isinstance(ours.value.__cause__, UnicodeEncodeError)
    assert path.read_text() == "old"


def test_save_json_makes_directories_and_gives_the_version(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    version = untorn.save_json(str(path), {"x": 1}, indent=2)
    assert untorn.load_json(path) == {"x": 1}
    assert untorn.Document(path).load_versioned() == ({"x": 1}, version)


def test_save_json_waits_for_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    with untorn.FileLock(path):
        late: list[BaseException] = []

        def save() -> None:
            try:
                untorn.save_json(path, 1, timeout=0.05)
            except untorn.LockTimeout as error:
                late.append(error)

        thread = threading.Thread(target=save)
        thread.start()
        thread.join()
        assert len(late) == 1
    untorn.save_json(path, 2, durability="process")
    assert untorn.load_json(path) == 2


def test_load_json(tmp_path: Path) -> None:
    for missing in (tmp_path / "no", tmp_path / "no" / "no"):
        assert untorn.load_json(missing, default=None) is None
        with pytest.raises(FileNotFoundError):
            untorn.load_json(missing)
    (tmp_path / "bad").write_text("{")
    with pytest.raises(untorn.Corrupt):
        untorn.load_json(tmp_path / "bad", default=1)


def test_append_json(tmp_path: Path) -> None:
    path = tmp_path / "a" / "j.jsonl"
    untorn.append_json(path, {"n": 1})
    end = untorn.append_json(path, {"n": 2}, durability="process", timeout=1)
    assert path.read_text() == '{"n":1}\n{"n":2}\n'
    assert end == untorn.Journal(path).end()


def test_append_json_refuses_what_a_handle_refuses(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    wrong: Any = "disk"
    with pytest.raises(untorn.InvalidArgument, match='durability must be "process" or "power"'):
        untorn.append_json(path, 1, durability=wrong)
    with pytest.raises(untorn.InvalidArgument, match="timeout"):
        untorn.append_json(path, 1, timeout=-1)
    with pytest.raises(untorn.InvalidArgument, match=r"at value\['n'\]"):
        untorn.append_json(path, {"n": object()})
    with pytest.raises(untorn.InvalidRecord):
        untorn.append_json(path, float("nan"))
    assert not path.exists()


def test_append_json_leaves_to_json_what_json_alone_can_encode(tmp_path: Path) -> None:
    class Text(str):
        pass

    path = tmp_path / "j.jsonl"
    untorn.append_json(path, {"a": Text("é"), "deep": [[[1]]]})
    assert path.read_text(encoding="utf-8") == '{"a":"é","deep":[[[1]]]}\n'
