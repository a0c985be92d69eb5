"""What the three references share: comments as Markdown, and headings."""

from __future__ import annotations

import re


def markdown(text: str) -> str:
    """A comment as Markdown: a list needs an empty line before it, and an argument in angle brackets is no tag."""
    out: list[str] = []
    code = False
    for line in text.strip("\n").split("\n"):
        code = code != line.lstrip().startswith("```")
        item = re.match(r"\s*[-*] ", line) is not None
        before = out[-1] if out else ""
        if item and not code and before.strip() and not re.match(r"\s*[-*] |\s+", before):
            out.append("")
        out.append(line)
    return "\n".join(out)


def block(language: str, code: str) -> str:
    """A fenced block. It shows a declaration: there is nothing to run."""
    return f"```{language}\n{code.strip()}\n```\n"
