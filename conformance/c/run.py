#!/usr/bin/env python3
"""Run the cases of conformance/*.json through the C library.

usage: run.py --prefix dist/c [--only WORD] [--postgres URL]

The library is only ever called by the driver (driver.c and the files next to it), which
this compiles against the header and the shared library in PREFIX. One process of it
carries out a case. What the data means is in conformance/README.md. What it gives is
compared here. With the URL of a PostgreSQL server the cases run on stores there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import data
import postgres

HERE = Path(__file__).resolve().parent
LANGUAGES = {"rust", "c", "python", "node", "node_sync", "postgres"}
CODES = {
    re.sub("(?<!^)(?=[A-Z])", "_", error["name"]).upper()
    for error in tomllib.loads((HERE.parents[1] / "spec/errors.toml").read_text("utf-8"))["error"]
}
# Of `records` and `values` the latter is decoded, which C does not do.
LEFT_OUT = {"values"}
SPEC = HERE.parents[1] / "spec"
OPTIONS = tomllib.loads((SPEC / "options.toml").read_text("utf-8"))["option"]
# What options that are one of a few words are in C.
NUMBERS_OF = {
    enum["name"]: {re.sub("(?<!^)(?=[A-Z])", "-", word["name"]).lower(): word["number"] for word in enum["word"]}
    for enum in tomllib.loads((SPEC / "constants.toml").read_text("utf-8"))["enum"]
}


def cases(*types: str) -> set[str]:
    """The options of these types, as cases name them."""
    return {option.get("case", option["name"]) for option in OPTIONS if option["type"] in types}


WORDS = {option["name"]: NUMBERS_OF[option["type"]] for option in OPTIONS if option["type"] in NUMBERS_OF}
BYTES = {"record", "bytes", "header", *cases("data")}
TEXTS = {"text", "name", "key", *cases("text")}
NUMBERS = {"max_records", "n", "max_hits", "number", "older_than", *cases("count", "limit", "timeout", "age")}
FLAGS = {"fail", "also_alive", *cases("flag")}
RECORDS = {"append_all", "append_at", "replace", "tx_append"}
NAMES = {"on", "lock", "store", "session", "journal"}

Json = dict[str, Any]


class Wrong(Exception):
    """The library did not do what the case says."""


class Stage:
    """One case: its directory, the driver, what it has kept."""

    def __init__(self, driver: Path, directory: Path, schema: postgres.Schema | None) -> None:
        """Start the driver in the case's directory."""
        self.directory = directory
        self.schema = schema
        self.kept: dict[str, Any] = {"nothing": [0, 0]}
        self.foreign: dict[str, subprocess.Popen[bytes]] = {}
        self.driver = subprocess.Popen(
            [driver],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=None if schema is None else schema.environment(),
        )

    def ask(self, command: str) -> Json:
        """Have the driver carry a command out."""
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(command + "\n")
        self.driver.stdin.flush()
        line = self.driver.stdout.readline()
        if not line:
            raise Wrong(f"the driver ended with status {self.driver.wait()}")
        answer: Json = json.loads(line)
        return answer

    def end(self) -> None:
        """Close every handle, and wait until that is done."""
        for child in self.foreign.values():
            end_foreign(child)
        self.foreign.clear()
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        if not self.driver.stdin.closed:
            self.driver.stdin.close()
            rest = self.driver.stdout.read()
            self.driver.stdout.close()
            if self.driver.wait() != 0 or rest:
                raise Wrong(f"the driver ended with status {self.driver.returncode}: {rest}")

    def position(self, value: Any) -> list[int]:
        """Give the position that an argument means."""
        if isinstance(value, str):
            return list(self.kept[value])
        return [self.kept[value["of"]][0], value["offset"]]

    def within(self, path: str | None) -> str | None:
        """Give the path within the case's directory."""
        if path is None:
            return None
        found = bytes.fromhex(path).decode()
        return found if self.schema is not None else str(Path(found).relative_to(self.directory))

    def found(self, answer: Json) -> object:
        """Give what a step on damage, locks or rotated files found."""
        if "paths" in answer:
            return [self.within(found["path"]) for found in answer["paths"]]
        if "held" not in answer:
            return answer["found"]
        return [
            [self.within(held["path"]), held["label"] and bytes.fromhex(held["label"]).decode()]
            for held in answer["held"]
        ]

    def command(self, step: Json) -> str:
        """Put a step into the driver's words."""
        words = [step["op"]]
        for key, value in step.items():
            if key in BYTES:
                words.append(f"{key}={data.read(value).hex()}")
            elif key == "add" or (key == "records" and step["op"] in RECORDS):
                words += [f"record={data.read(record).hex()}" for record in value]
            elif key == "path":
                place = self.directory / value if self.schema is None else Path(value)
                words.append(f"path={bytes(place).hex()}")
            elif key in TEXTS:
                words.append(f"{key}={value.encode().hex()}")
            elif key in WORDS:
                words.append(f"{key}={WORDS[key][value]}")
            elif key == "stay":
                words += [f"stay={number}" for number in value]
            elif key == "save":
                for file, content in value.items():
                    words += [f"file={file.encode().hex()}", f"content={data.read(content).hex()}"]
            elif key in ("at", "start", "to"):
                generation, offset = self.position(value)
                words += [f"generation={generation}", f"offset={offset}"]
            elif key == "expect":
                words.append(f"expect={self.kept[value].encode().hex()}")
            elif key == "mode":
                words.append(f"mode={int(value, 8)}")
            elif key in NUMBERS | NAMES:
                words.append(f"{key}={value}")
            elif key in FLAGS:
                words.append(f"{key}={int(value)}")
        return " ".join(words)

    def carry_out(self, step: Json) -> None:
        """Carry one step out and compare what it gives."""
        operation = step["op"]
        if self.schema is not None and operation in postgres.FOREIGN:
            return self.schema.foreign(step)
        if operation.startswith("file_"):
            return data.foreign_write(self.directory, step)
        if operation == "foreign_lock":
            self.foreign[step["on"]] = foreign_lock(self.directory / step["path"], shared=step.get("shared", False))
            return None
        if operation == "foreign_unlock":
            return end_foreign(self.foreign.pop(step["on"]))
        answer = self.ask(self.command(step))
        if ("error" in step) != ("error" in answer):
            shown = bytes.fromhex(answer["message"]).decode() if "error" in answer else "it succeeded"
            raise Wrong(f"{shown}, and was to give {step.get('error', 'no error')}")
        if "error" in step:
            return self.compare_error(step, answer)
        return self.compare(step, answer)

    def compare_error(self, step: Json, answer: Json) -> None:
        """Compare an error."""
        if step["error"] not in CODES:
            raise Wrong(f"{step['error']} is no code")
        same("the code", answer["error"], "UNTORN_" + step["error"])
        if "error_at" in step:
            same("the error's position", answer.get("position", [None, None])[1], step["error_at"])
        if "error_path" in step and self.schema is None:
            same("the error's path", bytes.fromhex(answer["path"]).decode(), str(self.directory / step["error_path"]))
        if "error_operation" in step:
            same("the operation", bytes.fromhex(answer["operation"]).decode(), step["error_operation"])
        if "error_holder" in step:
            compare_holder(answer.get("holder") or {}, step["error_holder"])

    def compare(self, step: Json, answer: Json) -> None:
        """Compare what a step that succeeded gives."""
        records = answer.get("records", [])
        actual: Json = {
            "records": lambda: [bytes.fromhex(record["bytes"]) for record in records],
            "spans": lambda: [[record["start"][1], record["end"]] for record in records],
            "end": lambda: answer["position"][1],
            "damage": lambda: answer["damage"],
            "value": lambda: None if answer["value"] is None else bytes.fromhex(answer["value"]),
            "was": lambda: None if answer["was"] is None else bytes.fromhex(answer["was"]),
            "version": lambda: bytes.fromhex(answer["version"]).decode(),
            "removed": lambda: answer["removed"],
            "rotated": lambda: self.within(answer["rotated"]),
            "state": lambda: bytes.fromhex(answer["state"]),
            "keys": lambda: [bytes.fromhex(key).decode() for key in answer["keys"]],
            "exists": lambda: answer["exists"],
            "hits": lambda: [[bytes.fromhex(hit[key]).decode() for key in ("key", "match")] for hit in answer["hits"]],
            "outcome": lambda: answer["outcome"],
            "found": lambda: self.found(answer),
        }
        for key, give in actual.items():
            if key not in step or (key == "records" and step["op"] in RECORDS):
                continue
            expected = step[key]
            if key == "records":
                expected = [data.read(record) for record in expected]
            elif key == "state":
                expected = b"".join(data.read(record) + b"\n" for record in expected)
            elif key in ("value", "was") and expected is not None:
                expected = data.read(expected)
            same(key, give(), expected)
        if "holder" in step and step["holder"] is None:
            same("the holder", answer["holder"], None)
        elif "holder" in step:
            compare_holder(answer["holder"] or {}, step["holder"])
        if step["op"] == "next":
            told = {key: answer[key] for key in ("record", "rewound", "nothing") if key in answer}
            wanted = {key: step[key] for key in ("record", "rewound", "nothing") if key in step}
            if "record" in wanted:
                wanted["record"] = data.read(wanted["record"]).hex()
            same("what came", told, wanted)
        for key, value in step.get("report", {}).items():
            same(f"report: {key}", answer["report"][key], value)
        if "generation_of" in step:
            same("the generation", answer["position"][0], self.kept[step["generation_of"]][0])
        if "keep" in step:
            version = answer.get("version")
            self.kept[step["keep"]] = bytes.fromhex(version).decode() if version else answer["position"]
        for name, record in zip(step.get("starts_keep", []), records, strict=False):
            self.kept[name] = record["start"]


def compare_holder(actual: Json, expected: Json) -> None:
    """Compare what a step says of a holder."""
    for key, value in expected.items():
        is_text = key == "label" and actual.get(key) is not None
        given = bytes.fromhex(actual[key]).decode() if is_text else actual.get(key, "not given")
        same(f"the holder's {key}", given, value)


def same(what: str, actual: Any, expected: Any) -> None:
    """Compare, and say what differs."""
    if actual != expected:
        raise Wrong(f"{what} is {str(actual)[:300]}, not {str(expected)[:300]}")


def foreign_lock(path: Path, *, shared: bool) -> subprocess.Popen[bytes]:
    """Have another process take the lock, with nothing of this library in it."""
    child = subprocess.Popen(
        ["flock", *(["--shared"] if shared else []), path, "sh", "-c", "echo; read -r _"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    if child.stdout.read(1) != b"\n":
        raise Wrong("flock did not get the lock")
    return child


def end_foreign(child: subprocess.Popen[bytes]) -> None:
    """End that process."""
    child.communicate()


def exception(of: Json, schema: postgres.Schema | None = None) -> Any:
    """Give what `except` says for C, or for C on a database."""
    exceptions = of.get("except", {})
    unknown = set(exceptions) - LANGUAGES
    if unknown:
        raise Wrong(f"no such language: {unknown}")
    if schema is not None and "postgres" in exceptions:
        return exceptions["postgres"]
    return exceptions.get("c")


def run_case(driver: Path, case: Json, schema: postgres.Schema | None) -> None:
    """Run one case in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="untorn-") as name:
        directory = Path(name).resolve()
        for path, entry in case.get("files", {}).items():
            if schema is None:
                data.place(directory / path, entry)
        stage = Stage(driver, directory, schema)
        try:
            for number, step in enumerate(case["steps"], 1):
                changes = exception(step, schema)
                if isinstance(changes, str) or step["op"] in LEFT_OUT:
                    continue
                changed = {**step, **(changes or {})}
                changed = {key: value for key, value in changed.items() if (changes or {}).get(key, 0) is not None}
                try:
                    stage.carry_out(changed)
                except (Wrong, data.Differs) as error:
                    raise Wrong(f"step {number}, {json.dumps(changed)[:300]}: {error}") from error
        except BaseException:
            # The driver may be waiting: its end is not of interest any more.
            stage.driver.kill()
            stage.driver.wait()
            for child in stage.foreign.values():
                end_foreign(child)
            raise
        stage.end()
        if schema is None:
            data.check_all(directory, case)
        else:
            schema.check(case)


def compile_driver(prefix: Path, to: Path, *, on_postgres: bool) -> Path:
    """Compile the driver against what is installed."""
    program = to / "driver"
    flags = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    link = [f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}", "-luntorn"]
    compiler = [os.environ.get("CC", "cc"), *flags, f"-I{prefix / 'include'}"]
    sources = sorted(HERE.glob("*.c"))
    if on_postgres:
        example = HERE.parents[1] / "examples/c-postgres"
        compiler += ["-DUNTORN_POSTGRES", f"-I{example}", f"-I{output('pg_config', '--includedir')}"]
        sources.append(example / "untorn_libpq.c")
        link += ["-lpq", "-lpthread"]
    subprocess.run([*compiler, *sources, "-o", program, *link], check=True)
    return program


def output(*command: str) -> str:
    """Give what a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main() -> int:
    """Run the cases, and say how many there were."""
    parser = argparse.ArgumentParser(description="Run the conformance cases through the C library.")
    parser.add_argument("--prefix", type=Path, required=True, help="what cargo xtask package wrote")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--postgres", default="", help="the URL of a server: the cases run on stores there")
    options = parser.parse_args()

    ran = left_out = failed = schemas = 0
    schema: postgres.Schema | None = None
    with tempfile.TemporaryDirectory(prefix="untorn-driver-") as work:
        driver = compile_driver(options.prefix.resolve(), Path(work), on_postgres=bool(options.postgres))
        for file in sorted(HERE.parent.glob("*.json")):
            cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
            if not cases:
                print(f"FAILED  {file.name} has no case")
                failed += 1
            for number, case in enumerate(cases):
                if options.only not in case["name"]:
                    continue
                why = exception(case)
                if why is None and options.postgres:
                    why = postgres.left_out(case)
                if why is not None:
                    print(f"left out  {file.name}: {case['name']}: {why}")
                    left_out += 1
                    continue
                ran += 1
                if options.postgres and (schema is None or any(step["op"] == "store" for step in case["steps"])):
                    # A store of a case's own has all of a schema.
                    schemas += 1
                    schema = postgres.Schema(options.postgres, f"conformance_c_{schemas}", driver)
                if schema is not None:
                    schema.begin(f"{file.stem} {number}", case)
                try:
                    run_case(driver, case, schema)
                except (Wrong, data.Differs) as error:
                    failed += 1
                    print(f"FAILED  {file.name}: {case['name']}\n  {error}")
    where = "C on PostgreSQL" if options.postgres else "C"
    print(f"{ran} cases run in {where}, {left_out} left out, {failed} failed")
    return 0 if ran and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
