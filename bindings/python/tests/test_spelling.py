"""What is read and written again keeps its spelling, where Python has no number for it."""

import math
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from loops import Run

from untorn import Document, InvalidRecord, Journal, aio

# Each is more than a float holds, so Python reads an infinity, which is no JSON.
BEYOND = ["1e999", "-1E+400", "1" * 400 + ".5", "1e" + "9" * 5000]


@pytest.mark.parametrize("number", BEYOND)
def test_a_number_that_python_has_not_is_written_again_as_it_was(run: Run, path: Path, number: str) -> None:
    lines = [f'{{"a":[{number},{{"b":{number}}}],"keep":true}}', number, '{"keep":false}', '{"x":"1e999","keep":true}']
    path.write_text("".join(f"{line}\n" for line in lines))
    journal = Journal(path, durability="process")
    assert next(iter(journal))["a"][0] in (math.inf, -math.inf)
    journal.compact(lambda values: list(values)[:-1])
    assert path.read_text().splitlines() == lines[:-1]
    journal.compact(lambda values: [{**value, "n": 1} for value in values if isinstance(value, dict) and value["keep"]])
    kept = f'{{"a":[{number},{{"b":{number}}}],"keep":true,"n":1}}'
    assert path.read_text().splitlines() == [kept]

    async def main() -> None:
        async with aio.Journal(path, durability="process") as other:
            await other.compact(lambda values: values)

    run(main)
    assert path.read_text().splitlines() == [kept]


@pytest.mark.parametrize("number", BEYOND)
def test_an_update_keeps_a_number_that_python_has_not(path: Path, number: str) -> None:
    path.write_text(f'{{"a": {number}}}')
    document = Document(path, durability="process")
    with document.update() as value:
        value["b"] = 1
    assert path.read_text() == f'{{"a":{number},"b":1}}'
    document.update_with(lambda value: {"c": value["a"]})
    assert path.read_text() == f'{{"c":{number}}}'


def test_infinity_and_what_is_within_itself_are_refused_still(path: Path) -> None:
    path.write_text("1e999\n")
    journal = Journal(path, durability="process")
    circle: list[Any] = []
    circle.append(circle)
    for value in (math.inf, [math.nan], {"a": -math.inf}, circle):
        with pytest.raises(InvalidRecord):
            journal.append(value)
        with pytest.raises(InvalidRecord):
            journal.compact(lambda values: chain(values, [value]))  # noqa: B023 - it is called at once
    assert path.read_text() == "1e999\n"
