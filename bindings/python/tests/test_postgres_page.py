"""The page on PostgreSQL in Python: its programs run, one after another, and print what the page says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databases import execute, server, url

PAGE = Path(__file__).parents[3] / "docs/guides/postgres-python.md"


def test_the_programs_of_the_page_print_what_it_says(
    script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server()
    if not PAGE.exists():
        pytest.skip("not in a checkout")
    programs = re.findall(r"```python\n(.*?)```\n\nIt prints:\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(programs) == 4
    # The page has the default schema, so it has a database of its own.
    execute("drop database if exists the_page")
    execute("create database the_page")
    monkeypatch.setenv("DATABASE_URL", url(dbname="the_page"))
    try:
        for program, printed in programs:
            process = script(program)
            out, errors = process.communicate(timeout=60)
            assert (out, process.returncode) == (printed, 0), errors
    finally:
        execute("drop database the_page")
