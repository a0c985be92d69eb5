"""Install what lies in a directory as a user of this machine does, and use it: install.py DIST [PLATFORM].

The wheel goes into a new virtual environment, the npm packages into a new project, the command and the C library are
unpacked. Nothing is asked of a registry. Without a C compiler the library is loaded but not compiled with.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def this_platform() -> str:
    """Name this machine as the packages do."""
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}[sys.platform]
    cpu = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    abi = {"linux": "-gnu" if platform.libc_ver()[0] == "glibc" else "-musl", "win32": "-msvc"}.get(system, "")
    return f"{system}-{cpu}{abi}"


def run(*words: str | Path, cwd: Path | None = None) -> None:
    """Run a program, which must succeed."""
    print("$", *words, flush=True)
    subprocess.run([str(word) for word in words], cwd=cwd, check=True)


def one(dist: Path, pattern: str) -> Path:
    """Return the one file that has such a name."""
    [found] = dist.glob(pattern)
    return found


def python(dist: Path, work: Path) -> None:
    """Pip chooses the wheel."""
    venv.create(work / "venv", with_pip=True)
    program = work / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    quiet = ("--disable-pip-version-check", "--quiet")
    run(program, "-m", "pip", "install", *quiet, "--no-index", "--only-binary=:all:", "--find-links", dist, "untorn")
    run(program, HERE / "python.py", cwd=work)


def node(dist: Path, work: Path, name: str) -> None:
    """The loader finds the addon in the package of its platform."""
    npm = shutil.which("npm")
    if npm is None:
        print("no npm: the Node package was not tried")
        return
    project = work / "node"
    project.mkdir()
    (project / "package.json").write_text('{ "private": true }\n')
    packages = (one(dist, f"untorn-{name}-*.tgz"), one(dist, "untorn-[0-9]*.tgz"))
    # Without the optional ones, which no registry has before the release.
    run(npm, "install", "--omit=optional", "--no-audit", "--no-fund", "--offline", *packages, cwd=project)
    shutil.copy(HERE / "node.cjs", project)
    run("node", project / "node.cjs", cwd=project)


def unpack(dist: Path, work: Path, pattern: str) -> Path:
    """Unpack an archive, and return its top directory."""
    archive = one(dist, pattern)
    with tarfile.open(archive) as packed:
        packed.extractall(work, filter="data")
    return work / archive.name.removesuffix(".tar.gz")


def command(dist: Path, work: Path, name: str) -> None:
    """The program without anything around it."""
    top = unpack(dist, work, f"untorn-cli-*-{name}.tar.gz")
    for page in ("man/man1/untorn.1", "man/man1/untorn-check.1", "zsh/site-functions/_untorn"):
        if b"untorn" not in (top / "share" / page).read_bytes():
            raise SystemExit(f"{top.name} has no share/{page}")
    run(sys.executable, HERE / "command.py", top / ("untorn.exe" if os.name == "nt" else "untorn"))


def library(dist: Path, work: Path, name: str) -> None:
    """The loader takes it, and it is the version that its header says."""
    top = unpack(dist, work, f"untorn-c-*-{name}.tar.gz")
    file = {"linux": "lib/libuntorn.so", "darwin": "lib/libuntorn.dylib", "win32": "bin/untorn.dll"}[sys.platform]
    loaded = ctypes.CDLL(str(top / file))
    loaded.untorn_version.restype = ctypes.c_char_p
    version = loaded.untorn_version().decode()
    compiler = shutil.which("cc") if os.name != "nt" else None
    if compiler is None:
        print(f"ok: libuntorn {version}, loaded; no C compiler to use it with")
        return
    source = HERE.parents[1] / "ffi/tests/c/consumer.c"
    for kind, words in {
        "shared": ("-luntorn",),
        "static": (str(top / "lib/libuntorn.a"), "-lpthread", "-lm", "-ldl"),
    }.items():
        program = work / f"consumer-{kind}"
        include, lib = f"-I{top}/include", f"-L{top}/lib"
        run(compiler, include, source, "-o", program, lib, *words, f"-Wl,-rpath,{top}/lib", "-lpthread")
        place = work / f"c-{kind}"
        place.mkdir()
        run(program, cwd=place)
    print(f"ok: libuntorn {version}")


def main() -> None:
    """Try all four."""
    dist = Path(sys.argv[1]).resolve()
    name = sys.argv[2] if len(sys.argv) > 2 else this_platform()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        work = Path(directory)
        python(dist, work)
        node(dist, work, name)
        command(dist, work, name)
        library(dist, work, name)
    print(f"{name}: 4 passed, 0 failed")


main()
