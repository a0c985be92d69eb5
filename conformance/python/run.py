"""Runs the cases of `conformance/*.json` through the Python package that is installed. See `conformance/README.md`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The runner's own files; with `-P`, Python does not look here by itself.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import database
from awaited import Loop
from data import Failed, check_all, place, same, same_bytes, to_bytes
from steps import Outcome, Stage

import untorn

if TYPE_CHECKING:
    from collections.abc import Callable

# The cases look at the damage itself.
warnings.simplefilter("ignore", untorn.DamageWarning)

LANGUAGE = "python"
LANGUAGES = {"rust", "c", "python", "node", "node_sync", "postgres"}
CODES = {kind.code for kind in untorn.Error.__subclasses__()}


def exception(of: dict[str, Any], languages: tuple[str, ...]) -> Any:
    """What `except` says for the first of these languages that it names."""
    except_ = of.get("except", {})
    if not except_.keys() <= LANGUAGES:
        msg = f"no languages: {except_.keys() - LANGUAGES}"
        raise Failed(msg)
    return next((except_[name] for name in languages if name in except_), None)


def carry_out(case: dict[str, Any], awaited: bool) -> None:
    """Carry out a case in a directory of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file, entry in case.get("files", {}).items():
            place(folder / file, entry)
        with ExitStack() as closing:
            loop = Loop()
            closing.callback(loop.runner.close)
            carry_out_steps(Stage(folder, closing, loop if awaited else untorn), case, awaited)
        check_all(folder, case)


def carry_out_in(place: database.Place, case: dict[str, Any], awaited: bool) -> None:
    """Carry out a case in a session of its own."""
    place.begin(case)
    with ExitStack() as closing:
        loop = Loop()
        closing.callback(loop.runner.close)
        handles = database.Handles(place, loop if awaited else None)
        carry_out_steps(Stage(Path(place.key), closing, handles), case, awaited, ("postgres", LANGUAGE))
    place.check(case)


def carry_out_steps(
    stage: Stage, case: dict[str, Any], awaited: bool, languages: tuple[str, ...] = (LANGUAGE,)
) -> None:
    """Carry out the steps of a case, one after another."""
    for number, given in enumerate(case["steps"], 1):
        changes = exception(given, languages)
        if isinstance(changes, str):
            continue
        if awaited and given.get("error") == "DEADLOCK":
            # Another task might let it go: an awaited call waits.
            continue
        step = {key: value for key, value in {**given, **(changes or {})}.items() if value is not None}
        # A key that is null by itself says something; one that `except` made null is taken away.
        step |= {key: None for key, value in given.items() if value is None and key not in (changes or {})}
        try:
            carry_out_step(stage, step)
        except Failed as failed:
            msg = f"step {number}, {json.dumps(step, ensure_ascii=False)[:300]}: {failed}"
            raise Failed(msg) from None


def carry_out_step(stage: Stage, step: dict[str, Any]) -> None:
    """Carry out a step, and compare what it gives with what the step says."""
    expected = step.get("error")
    try:
        outcome = stage.run(step)
    except untorn.Error as error:
        if expected is None:
            msg = f"{error.code}: {error}"
            raise Failed(msg) from error
        if f"UNTORN_{expected}" not in CODES:
            msg = f"no such code: {expected}"
            raise Failed(msg) from None
        same(f"the code ({error})", error.code, f"UNTORN_{expected}")
        compare_error(stage, step, error)
        return
    if expected is not None:
        msg = f"it went well, and was to fail with {expected}"
        raise Failed(msg)
    compare(stage, step, outcome)
    if "keep" in step:
        stage.kept[step["keep"]] = outcome.kept
    for name, record in zip(step.get("starts_keep", []), outcome.records or [], strict=False):
        stage.kept[name] = record.start


def compare(stage: Stage, step: dict[str, Any], outcome: Outcome) -> None:
    """Compare what a step gave with what it says."""
    if "end" in step:
        assert isinstance(outcome.kept, untorn.Position)
        same("the offset", outcome.kept.offset, step["end"])
    if "generation_of" in step:
        assert isinstance(outcome.kept, untorn.Position)
        same(
            "the generation",
            outcome.kept.generation,
            stage.position(step["generation_of"]).generation,
        )
    if "version" in step:
        same("the version", outcome.kept, step["version"])
    if "records" in step and outcome.records is not None:
        for record, expected in zip(outcome.records, step["records"], strict=False):
            same_bytes("a record", record.data, to_bytes(expected))
        same("the number of records", len(outcome.records), len(step["records"]))
    if "spans" in step:
        spans = [[record.start.offset, record.end.offset] for record in outcome.records or []]
        same("spans", spans, step["spans"])
    if "values" in step:
        same("values", outcome.values, step["values"])
    if "damage" in step:
        same("damage", triples(outcome.damage), step["damage"])
    if "report" in step:
        assert outcome.report is not None
        actual = report(outcome.report)
        for key, expected in step["report"].items():
            same(key, actual[key], expected)
    for key in ("value", "was"):
        if key in step and step[key] is None:
            same(key, outcome.value is None, True)
        elif key in step:
            same_bytes(key, outcome.value or b"", to_bytes(step[key]))
    if "rotated" in step:
        rotated = outcome.rotated and stage.name(outcome.rotated)
        same("the rotated file", rotated, step["rotated"])
    for key, told in outcome.told.items():
        if key in step:
            same(key, told, step[key])
    if "removed" in step:
        same("removed", outcome.removed, step["removed"])


def compare_error(stage: Stage, step: dict[str, Any], error: untorn.Error) -> None:
    """Compare an error with what the step says of it."""
    if "error_at" in step:
        same(
            "the error's offset",
            error.position and error.position.offset,
            step["error_at"],
        )
    if "error_path" in step and not isinstance(stage.untorn, database.Handles):
        same("the error's path", str(error.path), str(stage.folder / step["error_path"]))
    if "error_operation" in step:
        same("the operation", error.operation, step["error_operation"])
    for key, expected in step.get("error_holder", {}).items():
        if error.holder is None:
            msg = f"the error names no holder ({error})"
            raise Failed(msg)
        actual = {
            "label": error.holder.label,
            "alive": error.holder.alive,
            "self": error.holder.pid == os.getpid(),
        }
        same(key, actual[key], expected)


def report(of: untorn.Report) -> dict[str, Any]:
    """A report as the data writes it."""
    repaired = of.repaired and {
        "offset": of.repaired.offset,
        "cut": of.repaired.cut,
        "newline_added": of.repaired.newline_added,
    }
    return {
        "records": of.records,
        "bytes": of.bytes,
        "end": of.end.offset,
        "damage": triples(of.damage),
        "damage_count": of.damage_count,
        "lines": [one.line for one in of.damage],
        "repairable": [one.repairable for one in of.damage],
        "notes": [[note.kind, note.offset, note.length, note.line] for note in of.notes],
        "header": of.header,
        "unsealed": of.unsealed,
        "repaired": repaired,
    }


def triples(damage: tuple[untorn.Damage, ...] | list[untorn.Damage]) -> list[list[Any]]:
    """Damage as the data writes it."""
    return [[one.kind, one.offset, one.length] for one in damage]


def main() -> int:
    """Run all cases, and say how it went."""
    server = os.environ.get("UNTORN_TEST_POSTGRES")
    if server is not None:
        # The step `postgres` of the tests starts one.
        place = database.Place(server)
        failed = [
            run_on(place, "python on postgres", awaited=False),
            run_on(place, "python on postgres, awaited", awaited=True),
        ]
    else:
        failed = [
            run_all("python", lambda case: carry_out(case, awaited=False)),
            run_all("python, awaited", lambda case: carry_out(case, awaited=True)),
        ]
    return 1 if any(failed) else 0


def run_on(place: database.Place, name: str, awaited: bool) -> bool:
    """Run the cases that a database can have."""
    return run_all(
        name,
        lambda case: carry_out_in(place, case, awaited),
        ("postgres", LANGUAGE),
        database.left_out,
        quietly=True,
        least=database.LEAST,
    )


def run_all(
    name: str,
    carry_out: Callable[[dict[str, Any]], None],
    languages: tuple[str, ...] = (LANGUAGE,),
    left_out_for: Callable[[dict[str, Any]], str | None] | None = None,
    quietly: bool = False,
    least: int = 1,
) -> bool:
    """Run all cases one way; gives whether any failed, or there were fewer than expected."""
    ran, left_out, failed = 0, 0, 0
    for file in sorted(Path(__file__).resolve().parent.parent.glob("*.json")):
        for case in json.loads(file.read_bytes())["cases"]:
            why = exception(case, languages) or (left_out_for and left_out_for(case))
            if why is not None:
                if not quietly:
                    print(f"left out: {file.stem}: {case['name']}: {why}")
                left_out += 1
                continue
            ran += 1
            try:
                carry_out(case)
            except Exception as error:
                what = error if isinstance(error, Failed) else repr(error)
                print(f"FAILED: {file.stem}: {case['name']}: {what}")
                failed += 1
    print(f"{name}: {ran} cases run, {left_out} left out, {failed} failed")
    return bool(failed) or ran < least


sys.exit(main())
