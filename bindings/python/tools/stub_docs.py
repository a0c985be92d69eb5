"""Writes the docstrings of the built extension into its stub, so that editors show them: `python tools/stub_docs.py`.

The Rust files are where they are written; with `--check` it only says whether the stub is current.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from pathlib import Path
from typing import Any

STUB = Path(__file__).resolve().parent.parent / "python" / "untorn" / "_untorn.pyi"


def documented(stub: str, module: Any) -> str:
    """The stub, with a docstring for each public class, function and member that has one."""
    lines = stub.splitlines()
    inserts: list[tuple[int, int, str]] = []
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ClassDef):
            of_class(node, getattr(module, node.name), inserts)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            of_function(node, getattr(module, node.name), inserts)
    for start, end, text in sorted(inserts, reverse=True):
        # What has nothing but a placeholder gets the text in its place.
        lines[start:end] = [*(line.removesuffix(" ...") for line in lines[start:end]), *text.splitlines()]
    return "\n".join(lines) + "\n"


def of_class(node: ast.ClassDef, found: Any, inserts: list[tuple[int, int, str]]) -> None:
    """A class and its public members."""
    first = node.body[0]
    if found.__doc__ and ast.get_docstring(node) is None:
        if first.lineno == node.lineno:
            inserts.append((node.lineno - 1, node.lineno, quoted(found.__doc__, 4)))
        else:
            at = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))]) - 1
            inserts.append((at, at, quoted(found.__doc__, 4)))
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
            of_function(member, inspect.getattr_static(found, member.name), inserts)


def of_function(node: ast.FunctionDef, found: Any, inserts: list[tuple[int, int, str]]) -> None:
    """A function or a property."""
    text = getattr(found, "__func__", found).__doc__
    if text and ast.get_docstring(node) is None:
        assert node.end_lineno is not None
        inserts.append((node.end_lineno - 1, node.end_lineno, quoted(text, node.col_offset + 4)))


def quoted(text: str, indent: int) -> str:
    """A docstring at this depth."""
    body = textwrap.indent(inspect.cleandoc(text), " " * indent).strip()
    end = '"""' if "\n" not in body else "\n" + " " * indent + '"""'
    return f'{" " * indent}"""{body}{end}'


def bare(stub: str) -> str:
    """The stub without docstrings."""
    lines = stub.splitlines()
    tree = ast.parse(stub)
    for node in sorted(ast.walk(tree), key=lambda node: -getattr(node, "lineno", 0)):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is None:
            continue
        doc = node.body[0]
        assert doc.end_lineno is not None
        del lines[doc.lineno - 1 : doc.end_lineno]
        if len(node.body) == 1:
            lines[doc.lineno - 2] += " ..."
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check."""
    from untorn import _untorn

    stub = STUB.read_text(encoding="utf-8")
    current = documented(bare(stub), _untorn)
    if "--check" not in sys.argv:
        STUB.write_text(current, encoding="utf-8")
        return 0
    if words(current) != words(stub):
        sys.stderr.write(
            f"{STUB.name} is not current: run python {Path(__file__).name} with the new extension installed\n"
        )
    return int(words(current) != words(stub))


def words(stub: str) -> list[str]:
    """The lines that say something: a formatter puts blank ones in between."""
    return [line for line in stub.splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
