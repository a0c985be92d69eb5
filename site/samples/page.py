"""The code of a page: its blocks, and what is said about each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Run, or at least read by what reads such files.
RUN = {"python", "js", "ts", "c", "rust", "console", "sh"}
READ = {"json", "jsonl", "toml", "yaml"}
# Nothing to run: what a program prints, names of files, drawings.
PASSIVE = {"text", "mermaid", "gitignore", "dockerfile"}
# Bytes of docs/protocol.md, which conformance/rust/protocol.rs compares with the library.
PASSIVE |= {"hexdump", "torn", "holder", "manifest"}
# It needs a server: the step `postgres` has one.
PASSIVE |= {"sql"}

_FENCE = re.compile(r"^( *)```([\w-]*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SETUP = re.compile(r"<!-- setup (\w+)\n(.*?)-->", re.DOTALL)
_SAID = re.compile(r"<!-- sample: ([^>]*?) -->\s*\Z")
_REASON = re.compile(r"\*(Not tested[^*]*: [^*]+)\*\s*\Z")
_PRINTS = re.compile(r"\s*\S*.*prints:\s*\Z", re.DOTALL)


@dataclass
class Block:
    """One block of code."""

    language: str
    code: str
    line: int
    # The words of `<!-- sample: … -->` above it.
    said: list[str] = field(default_factory=list)
    # Why it is not run: a line above it that readers see.
    reason: str | None = None
    # What it prints, if the page says so.
    prints: str | None = None

    @property
    def runs_here(self) -> bool:
        """Whether it is code, without a reason why not, and not run by another program."""
        return self.language in RUN | READ and self.reason is None and "elsewhere" not in self.said

    def after(self, word: str) -> str | None:
        """Return the word that follows this one in the comment above."""
        return self.said[self.said.index(word) + 1] if word in self.said else None


def blocks(path: Path) -> list[Block]:
    """Find the blocks of a page, in its order."""
    text = path.read_text(encoding="utf-8")
    found: list[tuple[int, Block]] = []
    end = 0
    last: Block | None = None
    for match in _FENCE.finditer(text):
        before = text[end : match.start()]
        indent, language, code = match[1], match[2], match[4]
        code = re.sub(rf"^{indent}", "", code, flags=re.MULTILINE)
        block = Block(language, code, text.count("\n", 0, match.start()) + 2)
        above = before.rstrip()
        if said := _SAID.search(above):
            block.said = said[1].split()
            above = above[: said.start()].rstrip()
        if reason := _REASON.search(above):
            block.reason = reason[1]
        if language == "text" and last and _PRINTS.match(before.rsplit("\n\n", 2)[-2] if "\n\n" in before else ""):
            last.prints = code
        found.append((match.start(), block))
        last, end = block, match.end()
    for match in _SETUP.finditer(text):
        block = Block(match[1], match[2], text.count("\n", 0, match.start()) + 2, ["hidden"])
        found.append((match.start(), block))
    return [block for _, block in sorted(found, key=lambda pair: pair[0])]
