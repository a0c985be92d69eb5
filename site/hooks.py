"""What mkdocs does besides: pages made from the code, links out of docs/, and diagrams drawn by the site itself."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "site"))

from reference import commented, python  # noqa: E402 - mkdocs does not put a hook's directory on the path

MERMAID = "assets/mermaid.js"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page that the menu lacks at the end of Internals: no page is without a way to it."""
    text = json.dumps(config.nav)
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    last = next(iter((config.nav or [{}])[-1].values()))
    last += [page for page in pages if f'"{page}"' not in text]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made from the code."""
    made = {
        "reference/python.md": python.page(ROOT),
        "reference/node.md": commented.node(ROOT),
        "reference/c.md": commented.c(ROOT),
    }
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    for asset in sorted((ROOT / "site/assets").iterdir()):
        files.append(File.generated(config, f"assets/{asset.name}", abs_src_path=str(asset)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Lead links out of docs/ to the repository, if the file exists there."""
    place = ROOT / "docs" / page.file.src_uri

    def led(found: re.Match[str]) -> str:
        path, _, anchor = found[2].partition("#")
        target = (place.parent / path).resolve()
        if not path or re.match(r"[a-z]+:", path) or target.is_relative_to(ROOT / "docs"):
            return found[0]
        if not target.exists():
            return found[0]
        kind = "tree" if target.is_dir() else "blob"
        url = f"{(config.repo_url or '').rstrip('/')}/{kind}/main/{target.relative_to(ROOT).as_posix()}"
        return f"{found[1]}({url}{'#' + anchor if anchor else ''})"

    return re.sub(r"(\[[^\]]*\])\(([^)\s]+)\)", led, markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Load what draws diagrams only where one is drawn."""
    if 'class="mermaid"' not in output:
        return output
    up = "../" * page.file.dest_uri.count("/")
    # Before the theme's own script, which would ask another host for it.
    return output.replace("</head>", f'<script src="{up}{MERMAID}"></script></head>', 1)
