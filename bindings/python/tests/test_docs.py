"""The examples in the package's own words run."""

import ast
import asyncio
import inspect
import re
import textwrap
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import untorn
from untorn import aio


def of_docstrings(module: Any) -> Iterator[tuple[str, str]]:
    """Each public object's examples: what is indented in a docstring after a blank line."""
    places = [(module.__name__, module)]
    for name in module.__all__:
        thing = getattr(module, name)
        places.append((f"{module.__name__}.{name}", thing))
        if inspect.isclass(thing):
            # A verb may be that of a class that the public ones share.
            shared = [kind for kind in thing.__mro__ if kind.__module__.startswith("untorn.")]
            verbs = [verb for kind in shared for verb in vars(kind) if not verb.startswith("_")]
            places += [(f"{module.__name__}.{name}.{verb}", getattr(thing, verb)) for verb in verbs]
    for place, thing in places:
        for code in re.findall(r"\n\n((?: {4}.*\n|\n)+)", (inspect.getdoc(thing) or "") + "\n"):
            yield place, textwrap.dedent(code)


def of_readme() -> Iterator[tuple[str, str]]:
    text = (Path(__file__).parent.parent / "README.md").read_text()
    for n, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        yield f"README {n}", code


EXAMPLES = [*of_docstrings(untorn), *of_docstrings(aio), *of_readme()]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 12
    assert {"untorn.Journal.follow", "untorn.aio.Journal.compact", "untorn.aio", "README 3"} <= {
        place for place, _ in EXAMPLES
    }


@pytest.mark.parametrize(("place", "code"), EXAMPLES, ids=[place for place, _ in EXAMPLES])
def test_runs(place: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("session").mkdir()
    untorn.Document("session/state.json").save({"n": 1})
    kind: Any = aio if "aio" in place else untorn
    plain = untorn.Journal("log.jsonl", durability="process")
    plain.extend([{"kind": "tool", "keep": True, "tokens": 5}, {"kind": "user", "keep": False, "tokens": 5}])
    journal = kind.Journal("log.jsonl", durability="process")
    names = {
        **{name: getattr(untorn, name) for name in untorn.__all__},
        "aio": aio,
        "Counter": Counter,
        "journal": journal,
        "document": kind.Document("document.json"),
        "tokens": plain.fold(int, lambda total, value: total + value["tokens"]),
        "budget": 100,
        # What is followed is printed, and that is the end of it.
        "print": lambda _: plain.close() if kind is aio else journal.close(),
    }
    if "follow(" in code and "timeout" not in code:
        run_followed(code, names, kind)
        return
    if ".update(default" in code and "document" in code:
        untorn.Document("document.json").save({})
    run(code, names)


def compiled(code: str) -> CodeType:
    return compile(  # type: ignore[no-any-return]
        code, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )


def run(code: str, names: dict[str, Any]) -> None:
    example = compiled(code)
    if not example.co_flags & inspect.CO_COROUTINE:
        exec(example, names)
        return

    async def main() -> None:
        await eval(example, names)

    asyncio.run(main())


def run_followed(code: str, names: dict[str, Any], kind: Any) -> None:
    seen = threading.Event()
    closing = names["journal"]

    def append() -> None:
        with untorn.Journal("log.jsonl", durability="process") as other:
            while not seen.is_set():
                other.append({"kind": "news"})

    def end(_: object) -> None:
        seen.set()
        (closing._journal if kind is aio else closing).close()

    names["print"] = end
    appending = threading.Thread(target=append)
    appending.start()
    try:
        run(code, names)
    finally:
        seen.set()
        appending.join()
