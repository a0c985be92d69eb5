"""docs/reference/python.md: the public names of the package, from its source and its stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import griffe

from reference.text import block, markdown

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

HEAD = """# Python

Everything that `import untorn`, `from untorn import aio` and `from untorn import postgres` offer. This page is made
from the package's own docstrings, which an editor and `help()` show too.

"""


def page(root: Path) -> str:
    """Write the whole page."""
    loader = griffe.GriffeLoader(search_paths=[root / "bindings/python/python"], allow_inspection=False)
    package = loader.load("untorn")
    loader.resolve_aliases(implicit=True)
    parts = [HEAD, "## untorn\n", markdown(doc(package)), ""]
    parts += [entry(package[name], "untorn") for name in exported(package)]
    aio = package["aio"]
    parts += ["## untorn.aio\n", markdown(doc(aio)), ""]
    parts += [entry(aio[name], "aio") for name in exported(aio) if aio[name].canonical_path.startswith("untorn.aio")]
    for module in (package["postgres"], aio["postgres"]):
        parts += [f"## {module.path}\n", markdown(doc(module)), ""]
        parts += [entry(module[name], module.path.removeprefix("untorn.")) for name in exported(module)]
    return "\n".join(parts)


def exported(module: Any) -> list[str]:
    """The names of `__all__`, in its order."""
    names = [str(getattr(name, "name", name)).strip("'\"") for name in module.exports or []]
    if not names:
        msg = f"{module.path} exports nothing"
        raise ValueError(msg)
    return names


def doc(thing: Any) -> str:
    """The docstring, or nothing."""
    return thing.docstring.value if thing.docstring else ""


def entry(thing: Any, module: str) -> str:
    """One class or function."""
    heading = f"### `{module}.{thing.name}` {{: #{module}.{thing.name} }}\n"
    if not thing.is_class:
        return "\n".join([heading, block("python", signature(thing)), markdown(doc(thing)), ""])
    parts = [heading, block("python", of_class(thing)), markdown(doc(thing)), ""]
    parts += [member(thing, m, module) for m in members(thing)]
    return "\n".join(parts)


def members(thing: Any) -> list[Any]:
    """Its own public members, and those of our own bases."""
    found = []
    for name, value in sorted(thing.all_members.items(), key=lambda item: item[0]):
        if name.startswith("_") or not value.canonical_path.startswith("untorn."):
            continue
        if value.is_function or "property" in value.labels or doc(value):
            found.append(value)
    return found


def of_class(thing: Any) -> str:
    """The line of a class: how one is made, or what it derives from."""
    for maker in ("__new__", "__init__"):
        made = thing.all_members.get(maker)
        if made is not None and made.canonical_path.startswith("untorn.") and len(made.parameters) > 1:
            return signature(made, thing.name)
    bases = [str(base) for base in thing.bases if "Raw" not in str(base)]
    return f"class {thing.name}({', '.join(bases)})" if bases else f"class {thing.name}"


def member(owner: Any, thing: Any, module: str) -> str:
    """One method or property."""
    heading = f"#### `{thing.name}` {{: #{module}.{owner.name}.{thing.name} }}\n"
    if thing.is_function and "property" not in thing.labels:
        shown = signature(thing)
    else:
        shown = f"{thing.name}: {thing.annotation}"
    return "\n".join([heading, block("python", shown), markdown(doc(thing)), ""])


def signature(thing: Any, name: str | None = None) -> str:
    """A call as the source has it, on several lines if it is long."""
    parts: list[str] = []
    star = False
    for p in thing.parameters:
        if p.name in ("self", "cls", "slf"):
            continue
        if p.kind is griffe.ParameterKind.keyword_only and not star:
            parts.append("*")
            star = True
        mark = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(p.kind, "")
        star = star or mark == "*"
        text = f"{mark}{p.name}" + (f": {p.annotation}" if p.annotation is not None else "")
        parts.append(text if p.default is None or mark else f"{text} = {p.default}")
    shown = name or thing.name
    returns = "" if name or thing.returns is None else f" -> {thing.returns}"
    line = f"{shown}({', '.join(parts)}){returns}"
    if len(line) <= 88:
        return line
    return f"{shown}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"
