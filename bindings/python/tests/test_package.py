"""What is installed."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import untorn
from untorn import _errors, aio


def test_the_installed_package_is_what_is_tested() -> None:
    assert not Path(untorn.__file__).is_relative_to(Path(__file__).parent.parent)
    assert Path(untorn.__file__).with_name("py.typed").exists()


def test_every_public_name_is_there() -> None:
    # The exceptions are generated, and stand at the end.
    errors = _errors.__all__
    assert untorn.__all__[-len(errors) :] == sorted(errors)
    others = untorn.__all__[: -len(errors)]
    assert others == sorted(others, key=lambda name: (not name[0].isupper(), name))
    assert len(set(untorn.__all__)) == len(untorn.__all__)
    for name in untorn.__all__:
        thing = getattr(untorn, name)
        assert thing.__doc__, name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if callable(value) and not member.startswith("_"):
                assert value.__doc__, f"{name}.{member}"


LOADED = """
import os, sys  # `os`: `site` would have loaded it
before = set(sys.modules)
import untorn, untorn.aio
print(*sorted(set(sys.modules) - before))
print(untorn.FileLock.__name__, untorn.aio.Journal.__name__, "asyncio" in sys.modules)
"""


def test_a_program_that_only_imports_it_waits_for_nothing_else() -> None:
    # Without `site`, this package is found by its path alone.
    script = f"import sys; sys.path.insert(0, {str(Path(untorn.__file__).parents[1])!r}){LOADED}"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    loaded, names = ran.stdout.splitlines()
    ours = {"untorn", "untorn._extension", "untorn._untorn", "untorn.aio"}
    assert set(loaded.split()) <= {*ours, "__future__"}
    assert names == "FileLock Journal True"


@pytest.mark.parametrize("package", [untorn, aio], ids=["untorn", "untorn.aio"])
def test_the_names_are_listed_before_they_are_loaded(package: ModuleType) -> None:
    assert {*package.__all__, "__all__"} <= set(dir(package))
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Jornal'"):
        _ = package.Jornal


def test_the_version_is_the_workspaces() -> None:
    assert untorn.__version__ == version("untorn")
    manifest = Path(__file__).parents[3] / "Cargo.toml"
    if not manifest.exists():
        pytest.skip("not in a checkout")
    assert tomllib.loads(manifest.read_text())["workspace"]["package"]["version"] == untorn.__version__


def test_editors_are_shown_what_the_extension_documents() -> None:
    tool = Path(__file__).parents[1] / "tools" / "stub_docs.py"
    checked = subprocess.run([sys.executable, "-P", tool, "--check"], capture_output=True, text=True, check=False)
    assert (checked.stderr, checked.returncode) == ("", 0)
