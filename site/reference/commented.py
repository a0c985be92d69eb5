"""docs/reference/c.md and node.md: a header, or a file of types, with a comment before each declaration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.text import block, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

C_HEAD = """# C

Everything in `untorn.h`, in its order. This page is made from the header.

"""
# How the anchors of `untorn/postgres` begin: most of its names are those of files, too.
POSTGRES = "postgres."
NODE_HEAD = """# Node

Everything that `import … from 'untorn'` offers, and then `untorn/postgres`. This page is made from the package's
types, which an editor shows too.

"""
POSTGRES_HEAD = """## PostgreSQL

Everything that `import … from 'untorn/postgres'` offers. See [the guide](../guides/postgres-node.md).

"""


def c(root: Path) -> str:
    """Write the page of the header."""
    text = (root / "include/untorn.h").read_text(encoding="utf-8")
    first = text.split("*/", 1)[0].removeprefix("/*")
    about = re.sub(r"^ \* ?", "", first, flags=re.MULTILINE).strip()
    parts = [C_HEAD, "## The header's own introduction\n", block("text", about)]
    section = re.compile(r"/\* -{20,}\n \* (.*?)\n \* -{20,} \*/", re.DOTALL)
    pieces = section.split(text)
    if len(pieces) < 10:
        msg = "untorn.h has no sections any more"
        raise ValueError(msg)
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        parts.append(f"## {title.strip()}\n")
        parts += [of_c(comment, code) for comment, code in declarations(body)]
    return whole("\n".join(parts), set(re.findall(r"^(?!#|\s|/| \*).*\b(untorn_\w+)\(", text, re.MULTILINE)))


def of_c(comment: str, code: str) -> str:
    """One declaration of the header."""
    code = re.sub(r"\b(UNTORN_API|UNTORN_MUST_USE)\s+", "", code)
    code = re.sub(r"^#(?:if|endif|ifdef|ifndef|else).*$", "", code, flags=re.MULTILINE).strip()
    # The comments of a struct's fields name functions.
    bare = re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)
    name = re.search(r"\b(untorn_\w+)\s*(?:\(|;|$)", bare) or re.search(r"\b(UNTORN_\w+)", bare)
    function = re.search(r"\b(untorn_\w+)\(", bare)
    pointer = re.match(r"typedef [^{]*?\(\*(untorn_\w+)\)\(", bare)
    last = re.search(r"}\s*(\w+);", bare)
    called = pointer or function or last or name
    if not called or not code:
        return ""
    kind = "()" if function and not code.startswith("typedef") else ""
    return "\n".join([f"### `{called[1]}{kind}` {{: #{called[1]} }}\n", block("c", code), markdown(comment), ""])


def node(root: Path) -> str:
    """Write the page of the types."""
    files = sorted((root / "bindings/node/types").glob("*.d.ts"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    postgres = (root / "bindings/node/postgres.d.ts").read_text(encoding="utf-8")
    parts = [NODE_HEAD]
    for title, entries in grouped(text, "").items():
        parts += [f"## {title}\n", *entries]
    parts.append(POSTGRES_HEAD)
    for title, entries in grouped(postgres, POSTGRES).items():
        parts += [f"### {title} {{: #{POSTGRES}{title.lower()} }}\n", *entries]
    exported = re.compile(
        r"^export (?:declare )?(?:abstract )?(?:class|function|interface|type|const) (\w+)", re.MULTILINE
    )
    names = set(exported.findall(text)) | {POSTGRES + name for name in exported.findall(postgres)}
    return whole("\n".join(parts), names)


def grouped(text: str, before: str) -> dict[str, list[str]]:
    """The exported things of a file of types, by their kind. `before` begins their anchors."""
    groups: dict[str, list[str]] = {"Classes": [], "Functions": [], "Types": []}
    for comment, code in declarations(text):
        found = re.match(r"export (?:declare )?(?:abstract )?(class|function|interface|type|const) (\w+)", code)
        if not found:
            continue
        kind, name = found.groups()
        group = "Classes" if kind == "class" else "Functions" if kind in ("function", "const") else "Types"
        groups[group].append(of_node(kind, before + name, comment, code, groups[group]))
    for title, entries in groups.items():
        if not entries:
            msg = f"the types have no {title} any more"
            raise ValueError(msg)
    return groups


def whole(page: str, names: set[str]) -> str:
    """Return the page, if it has all these names."""
    missing = {name for name in names if f"{{: #{name} }}" not in page}
    if missing or not names:
        msg = f"the reference lacks {sorted(missing)}"
        raise ValueError(msg)
    return page


def of_node(kind: str, anchor: str, comment: str, code: str, before: list[str]) -> str:
    """One exported thing; a class with its members."""
    again = any(f"#{anchor} }}" in entry for entry in before)
    # What is in a group of its own section stands a level below.
    level = "####" if anchor.startswith(POSTGRES) else "###"
    heading = "" if again else f"{level} `{anchor.removeprefix(POSTGRES)}` {{: #{anchor} }}\n"
    if kind != "class":
        return "\n".join([heading, block("ts", code.removeprefix("export ")), markdown(comment), ""])
    head, _, body = code.partition("{\n")
    body = body.rstrip().removesuffix("}")
    parts = [heading, block("ts", head.removeprefix("export ")), markdown(comment), ""]
    last = ""
    for about, member in declarations(re.sub(r"^ {2}", "", body, flags=re.MULTILINE)):
        found = re.match(r"(?:static |readonly )*(\[?[\w.]+\]?)", member)
        if not found or member.startswith(("private", "}")):
            continue
        if about:
            parts.append(f"{level}# `{found[1]}` {{: #{anchor}.{found[1].strip('[]')} }}\n" if found[1] != last else "")
            last = found[1]
        parts += [block("ts", member), markdown(about), ""]
    return "\n".join(parts)


def declarations(text: str) -> Iterator[tuple[str, str]]:
    """Each comment of documentation, and the declarations that follow it."""
    lines = text.split("\n")
    comment: list[str] = []
    code: list[str] = []
    depth = 0
    within = False
    for line in lines:
        if within or (not depth and line.startswith("/**")):
            if not within and code:
                yield "\n".join(comment), "\n".join(code)
                comment, code = [], []
            text = line.removeprefix("/**").removesuffix("*/").strip() if not within else line
            text = re.sub(r"^ ?\* ?", "", re.sub(r"\s*\*/$", "", text)) if within else text
            within = "*/" not in line
            if text.strip() or comment:
                comment.append(text.rstrip())
            continue
        if line.startswith(("//", "/*", "#define __", "}  //")) and not depth:
            continue
        if not line.strip() and not depth:
            if code:
                yield "\n".join(comment), "\n".join(code)
                comment, code = [], []
            continue
        code.append(line)
        depth += line.count("{") + line.count("(") - line.count("}") - line.count(")")
    if code:
        yield "\n".join(comment), "\n".join(code)
