"""The package where it is not installed: frozen into one file, in an archive, copied."""

import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import untorn

PACKAGE = Path(untorn.__file__).parent

PROGRAM = """
import asyncio
import pickle
import sys

import untorn
from untorn import aio

path = sys.argv[1]
journal = untorn.Journal(path, durability="process")
journal.append({"n": 1})


async def main() -> None:
    async with aio.Journal(path, durability="process") as other:
        await other.append({"n": 2})
        assert await other.read() == [{"n": 1}, {"n": 2}]


asyncio.run(main())
assert list(pickle.loads(pickle.dumps(journal))) == [{"n": 1}, {"n": 2}]
try:
    untorn.load_json(path + ".none")
except FileNotFoundError as error:
    assert isinstance(error, untorn.NotFound)
assert untorn.selftest(sys.argv[2]).passed
print(untorn.__version__)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return file


def ran(command: list[str | Path], tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What the program says, with nothing of this environment to be found but what is named."""
    names = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [*command, tmp_path / "j.jsonl", tmp_path],
        cwd=tmp_path,
        env={**names, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def works(command: list[str | Path], tmp_path: Path, **environment: str) -> None:
    done = ran(command, tmp_path, **environment)
    assert (done.stdout, done.stderr, done.returncode) == (f"{untorn.__version__}\n", "", 0)


# `-S`: no site-packages, so what is found is what is beside the program.
BARE: list[str | Path] = [sys.executable, "-S"]


def test_a_program_that_is_one_file(tmp_path: Path, program: Path) -> None:
    try:
        import PyInstaller.__main__  # type: ignore[import-untyped]  # noqa: F401
    except ModuleNotFoundError:
        pytest.skip("PyInstaller is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "PyInstaller", "--onefile", "--log-level", "WARN", "--distpath", "dist", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    moved = tmp_path / "moved"
    moved.mkdir()
    works([shutil.move(tmp_path / "dist" / "program", moved)], tmp_path)


def test_a_copied_package(tmp_path: Path, program: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "untorn")
    works([*BARE, program], tmp_path)


def test_a_package_copied_without_its_extension_says_so(tmp_path: Path, program: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "untorn", ignore=shutil.ignore_patterns("_untorn.*"))
    done = ran([*BARE, program], tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: untorn: the extension _untorn.*.so (Windows: .pyd) is not in {tmp_path}")
    assert last.endswith("install the package with pip, or copy its whole directory from a machine like this one")


def test_an_archive_says_what_to_do(tmp_path: Path, program: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(PACKAGE, app / "untorn")
    shutil.copy(program, app / "__main__.py")
    archive = tmp_path / "app.pyz"
    zipapp.create_archive(app, archive)
    done = ran([*BARE, archive], tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: untorn can't be imported from the archive {archive}: the system loads")
    assert "unpack the archive" in last


def test_an_archive_beside_an_installed_package_works(tmp_path: Path, program: Path) -> None:
    app, beside = tmp_path / "app", tmp_path / "beside"
    app.mkdir()
    shutil.copy(program, app / "__main__.py")
    zipapp.create_archive(app, tmp_path / "app.pyz")
    shutil.copytree(PACKAGE, beside / "untorn")
    works([*BARE, tmp_path / "app.pyz"], tmp_path, PYTHONPATH=str(beside))
