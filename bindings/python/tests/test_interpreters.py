"""Sub-interpreters: they are refused, and that does the main interpreter no harm."""

import importlib.util
from pathlib import Path

import pytest
from conftest import Script

# As mod_wsgi and others make them: under one lock with the main interpreter, where Python has several kinds.
PROGRAM = """
    import sys
    try:
        import _interpreters
        make = lambda: _interpreters.create("legacy")
    except ImportError:
        import _xxsubinterpreters as _interpreters
        make = lambda: _interpreters.create(**({} if sys.version_info < (3, 12) else {"isolated": False}))

    path, first = sys.argv[1:]
    if first == "main":
        import untorn
    for _ in range(2):
        sub = make()
        said = _interpreters.run_string(sub, f'''if True:
            import sys
            sys.path[:] = {sys.path!r}
            try:
                import untorn
            except ImportError as error:
                with open({path!r}, "a") as file:
                    file.write(str(error) + chr(10))
        ''')
        assert said is None, said
        _interpreters.destroy(sub)
    import untorn
    journal = untorn.Journal(path + "l", durability="process")
    journal.append({"a": 1})
    try:
        journal.append_raw("{bad")
    except untorn.InvalidRecord as error:
        assert isinstance(error, ValueError) and error.path == journal.path
    print(list(journal), flush=True)
"""


@pytest.mark.parametrize("first", ["main", "sub"])
def test_sub_interpreters_are_refused(tmp_path: Path, script: Script, first: str) -> None:
    if not any(importlib.util.find_spec(name) for name in ("_interpreters", "_xxsubinterpreters")):
        pytest.skip("this Python has no module that makes sub-interpreters")
    said = tmp_path / "said"
    out, err = script(PROGRAM, said, first).communicate(timeout=60)
    assert (out, err) == ("[{'a': 1}]\n", "")
    refused = said.read_text().splitlines()
    assert len(refused) == 2
    assert all("works in the main interpreter only" in line and "use threads or processes" in line for line in refused)
