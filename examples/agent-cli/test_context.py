"""Tasks that write to one file at once, cancelled ones, another process that is killed.

What was reported: records in each other, and a history and a token count in memory that had changed when the file had
not, or the other way round, where a task was cancelled between the two.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from pathlib import Path

import pytest
from context import Context, Message, State

TASKS = 400

# Another process of the same session, until it is killed.
OTHER = """
import asyncio, itertools, sys
from context import Context

async def main():
    context = await Context.open(sys.argv[1])
    for n in itertools.count():
        await context.append({"role": "user", "content": f"other {n}"})
        await context.add_usage(1)
        print("safe", flush=True)

asyncio.run(main())
"""


def records(path: Path) -> list[Message]:
    """As any reader of JSON Lines has them."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return lines[1:] if lines and lines[0]["role"] == "_system_prompt" else lines


def state_of(path: Path) -> State:
    """What the file says, added up here once more."""
    found = records(path)
    marks = [record["id"] for record in found if record["role"] == "_checkpoint"]
    assert marks == list(range(len(marks)))
    return State(
        [record for record in found if not record["role"].startswith("_")],
        sum(record["tokens"] for record in found if record["role"] == "_usage"),
        len(marks),
    )


def text(record: Message) -> str | None:
    content = record.get("content")
    assert content is None or isinstance(content, str)
    return content


def test_memory_and_file_agree_whatever_tasks_do(tmp_path: Path) -> None:
    asyncio.run(many_tasks(tmp_path / "context.jsonl"))


async def many_tasks(path: Path) -> None:
    context = await Context.open(path)
    await context.set_system_prompt("You are helpful.")
    safe: set[str] = set()
    marks: set[int] = set()
    tasks: list[asyncio.Task[None]] = []

    async def turn(n: int) -> None:
        question, answer = f"question {n}", f"answer {n}"
        await context.append({"role": "user", "content": question}, {"role": "assistant", "content": answer})
        safe.update((question, answer))
        # At whichever instruction it is.
        tasks[(7 * n + 3) % TASKS].cancel()
        await context.add_usage(10)
        if n % 10 == 0:
            mark = await context.checkpoint()
            assert mark not in marks
            marks.add(mark)
        safe.add(f"all of {n}")

    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, str(path), cwd=Path(__file__).parent, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    try:
        assert await other.stdout.readline() == b"safe\n"
        tasks += [asyncio.create_task(turn(n)) for n in range(TASKS)]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        other.kill()
        rest = await other.stdout.read()
        await other.wait()
    cancelled = [outcome for outcome in outcomes if isinstance(outcome, asyncio.CancelledError)]
    assert [outcome for outcome in outcomes if outcome is not None] == cancelled
    assert len(cancelled) > TASKS // 10

    # The next process finishes what the killed one has begun, and this one sees it.
    await context.append({"role": "user", "content": "the end"})
    assert await context.read(copy.deepcopy) == state_of(path)
    found = records(path)
    contents = [content for record in found if (content := text(record)) is not None]
    assert len(set(contents)) == len(contents)
    assert {name for name in safe if not name.startswith("all of")} <= set(contents)
    for n in range(TASKS):
        assert (f"question {n}" in contents) == (f"answer {n}" in contents)
    whole = sum(name.startswith("all of") for name in safe)
    assert sum(record.get("tokens") == 10 for record in found) >= whole
    others = [content for content in contents if content.startswith("other ")]
    assert others == [f"other {n}" for n in range(len(others))]
    assert len(others) >= 1 + rest.count(b"safe")
    assert await context.system_prompt() == "You are helpful."
    assert await (await Context.open(path)).read(copy.deepcopy) == state_of(path)


def test_reverting_among_tasks_that_append_loses_nothing(tmp_path: Path) -> None:
    asyncio.run(revert_among_many(tmp_path / "context.jsonl"))


async def revert_among_many(path: Path) -> None:
    context = await Context.open(path)
    await context.set_system_prompt("You are helpful.")
    await context.append({"role": "user", "content": "kept"})
    safe = {"kept"}

    async def turn(n: int) -> None:
        await context.append({"role": "user", "content": f"question {n}"})
        safe.add(f"question {n}")
        if n % 20 == 10:
            await context.revert(await context.checkpoint())

    outcomes = await asyncio.gather(*(turn(n) for n in range(TASKS)), return_exceptions=True)
    # Another revert may have taken the checkpoint, too.
    assert {type(outcome) for outcome in outcomes} <= {type(None), LookupError}
    assert await context.read(copy.deepcopy) == state_of(path)
    assert records(path)[0] == {"role": "user", "content": "kept"}
    assert await context.system_prompt() == "You are helpful."

    kept = [text(record) for file in (path, *path.parent.glob("context_*.jsonl")) for record in records(file)]
    assert {content for content in kept if content} == safe


def test_revert_and_clear(tmp_path: Path) -> None:
    asyncio.run(revert_and_clear(tmp_path / "context.jsonl"))


async def revert_and_clear(path: Path) -> None:
    context = await Context.open(path)
    await context.set_system_prompt("You are helpful.")
    first = await context.checkpoint()
    await context.append({"role": "user", "content": "a"})
    await context.add_usage(5)
    second = await context.checkpoint()
    await context.append({"role": "user", "content": "b"})
    await context.add_usage(7)

    elsewhere = await Context.open(path)
    await context.revert(second)
    expected = State([{"role": "user", "content": "a"}], 5, 1)
    assert (await context.read(copy.deepcopy), await elsewhere.read(copy.deepcopy)) == (expected, expected)
    assert await context.checkpoint() == second
    await elsewhere.revert(first)
    with pytest.raises(LookupError):
        await context.revert(first)
    assert await context.read(copy.deepcopy) == State()

    await context.append({"role": "user", "content": "c"})
    await elsewhere.clear()
    assert await context.read(copy.deepcopy) == State()
    assert await context.system_prompt() == "You are helpful."
    await context.append({"role": "user", "content": "d"})
    assert [text(record) for record in records(path)] == ["d"]
    assert len(list(path.parent.glob("context_*.jsonl"))) == 3


def test_half_a_record_harms_no_other(tmp_path: Path) -> None:
    asyncio.run(half_a_record(tmp_path / "context.jsonl"))


async def half_a_record(path: Path) -> None:
    context = await Context.open(path)
    await context.append({"role": "user", "content": "before"})
    with path.open("ab") as file:
        file.write(b'{"role":"user","conte')
    context = await Context.open(path)
    await context.append({"role": "user", "content": "after"})
    assert [text(record) for record in records(path)] == ["before", "after"]
    assert await context.read(copy.deepcopy) == state_of(path)
