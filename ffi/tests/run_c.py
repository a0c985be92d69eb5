#!/usr/bin/env python3
"""Test the C library as a user has it: header, libraries, pkg-config and CMake files.

usage: run_c.py --prefix dist/c [--jobs N] [--only WORD] [--postgres URL]

PREFIX is what `cargo xtask package` writes: include/untorn.h, lib/libuntorn.so
and .a, lib/pkgconfig, lib/cmake. Needed: gcc, g++, clang, clang++, valgrind,
pkg-config, cmake, meson, nm and readelf. One that is missing is a failure, not a test
less.

- The header compiles by itself and included twice, in every dialect, with
  every warning an error. The examples at its beginning run.
- The programs in c/ pass against the shared and the static library: plainly,
  under AddressSanitizer and UBSan, and under valgrind.
- The shared library has the right name, can't be unloaded, and exports exactly
  the functions that the header declares, each with the version of that name. A
  program that is linked with it asks for that version.
- With the URL of a PostgreSQL server, only these: the programs that need one,
  examples/c-postgres and the guide. They need libpq and pg_config.
- pkg-config (shared and static), CMake and Meson (both targets) build a program
  that runs.

The last line is "N passed, M failed"; the exit status is 0 if M is 0.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "c"
LIBPQ = SOURCES.parents[2] / "examples/c-postgres"
PROGRAMS = [
    *("journal.c", "document.c", "lock.c", "process.c", "fork.c"),
    *("transaction.c", "header.c", "rewrite.c", "follow.c", "fold.c", "session.c"),
    *("threads.c", "errors.c", "kill.c", "descriptors.c", "events.c"),
    *("versions.c", "mistakes-opening.c", "mistakes-sharing.c", "mistakes-postgres.c"),
    "smoke.cpp",
]
# What is leaked in a child of fork() is leaked on purpose: see fork.supp.
GO_ON_IN_CHILDREN = {"fork.c", "fold.c", "follow.c", "events.c"}
STRICT = ["-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes"]
DIALECTS = {
    "gcc": ["c99", "c11", "c17"],
    "clang": ["c99", "c11", "c17"],
    "g++": ["c++11", "c++17"],
    "clang++": ["c++11", "c++17"],
}
VALGRIND = [
    "valgrind",
    "--quiet",
    "--leak-check=full",
    # What is lost indirectly is listed with what it was lost with.
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--error-exitcode=99",
]
# Nothing here takes this long; a test that hangs is one that failed.
PATIENCE = 300

Test = tuple[str, Callable[[], None]]


class Failed(Exception):
    """What a command that failed had to say."""


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and give what it prints."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise Failed(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(words)}\nstill running after {PATIENCE} s") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}\nexit status {done.returncode}\n{done.stdout}")
    return done.stdout


class Prefix:
    """Where the library is installed."""

    def __init__(self, root: Path, work: Path) -> None:
        """Take the prefix, and a directory to build in."""
        self.root = root
        self.work = work
        self.include = f"-I{root / 'include'}"
        self.lib = root / "lib"

    def link(self, kind: str) -> list[str]:
        """Give the linker's arguments; what else a static link needs is in the pkg-config file."""
        if kind == "shared":
            return [f"-L{self.lib}", f"-Wl,-rpath,{self.lib}", "-luntorn", "-lpthread"]
        private = re.search(r"^Libs\.private:(.*)$", (self.lib / "pkgconfig/untorn.pc").read_text(), re.MULTILINE)
        if private is None:
            raise Failed("untorn.pc has no Libs.private")
        return [str(self.lib / "libuntorn.a"), *private.group(1).split()]

    def build(self, name: str, source: Path, compiler: str, flags: list[str], kind: str, *more: str | Path) -> Path:
        """Compile and link one program; more are other sources, folders and libraries."""
        program = self.work / name
        own = C_ONLY if source.suffix == ".c" else []
        start = [compiler, "-g", "-D_GNU_SOURCE", *STRICT, *own, *flags, self.include]
        run(*start, source, *more, "-o", program, *self.link(kind))
        return program


def header_tests(prefix: Prefix) -> Iterator[Test]:
    """Compile the header in every dialect."""
    texts = {
        "alone": "#include <untorn.h>\n",
        "twice": "#include <untorn.h>\n#include <untorn.h>\n",
    }
    for compiler, dialects in DIALECTS.items():
        language = "c++" if compiler.endswith("++") else "c"
        for dialect in dialects:
            for name, text in texts.items():
                source = prefix.work / f"header-{name}.{language}"
                source.write_text(text + "extern int nothing;\n")

                def test(
                    compiler: str = compiler,
                    language: str = language,
                    dialect: str = dialect,
                    source: Path = source,
                ) -> None:
                    own = C_ONLY if language == "c" else []
                    run(
                        *(compiler, "-x", language, f"-std={dialect}", *STRICT, *own),
                        *(prefix.include, "-fsyntax-only", source),
                    )

                yield f"header {name}, {compiler} {dialect}", test

    ignored = prefix.work / "ignored.c"
    ignored.write_text("#include <untorn.h>\nvoid forget(void);\nvoid forget(void) { untorn_journal_sync(0, 0); }\n")

    def ignored_result() -> None:
        try:
            run("gcc", "-std=c11", "-Werror", prefix.include, "-c", ignored, "-o", "/dev/null")
        except Failed as refused:
            if "unused-result" not in str(refused):
                raise
        else:
            raise Failed("the compiler does not warn of a result that is ignored")

    yield "an ignored result is a warning", ignored_result


def example_tests(prefix: Prefix) -> Iterator[Test]:
    """Run the examples at the header's beginning: what they print is the record, and never an error."""
    head = (prefix.root / "include/untorn.h").read_text().split("*/")[0]
    examples = re.findall(r"(?:^ \*     .*\n)+", head, re.MULTILINE)
    for index, example in enumerate(examples):
        lines = [line.removeprefix(" *") for line in example.splitlines()]
        source = prefix.work / f"example-{index}.c"
        source.write_text(
            "\n".join(
                [
                    "#include <stdio.h>",
                    "#include <string.h>",
                    "#include <untorn.h>",
                    "int main(void)",
                    "{",
                    *lines,
                    "}",
                    "",
                ]
            )
        )

        def test(name: str = f"example-{index}", source: Path = source) -> None:
            folder = prefix.work / f"{name}-files"
            folder.mkdir()
            printed = run(prefix.build(name, source, "gcc", ["-std=c11"], "shared"), cwd=folder)
            if printed not in ("", '{"role":"user"}\n'):
                raise Failed(printed)
            if not any(folder.iterdir()):
                raise Failed("the example wrote no file")

        yield f"example {index + 1} of the header", test
    if len(examples) != 3:
        raise Failed(f"the header has {len(examples)} examples: one each for journal, document and lock")


def program_tests(prefix: Prefix) -> Iterator[Test]:
    """Run every program in every way."""
    for file in PROGRAMS:
        source = SOURCES / file
        gnu, llvm = ("gcc", "clang") if source.suffix == ".c" else ("g++", "clang++")
        dialect = "-std=c11" if source.suffix == ".c" else "-std=c++17"
        for kind in ("shared", "static"):

            def plain(source: Path = source, kind: str = kind, gnu: str = gnu, dialect: str = dialect) -> None:
                name = f"{source.stem}-{kind}"
                run(prefix.build(name, source, gnu, [dialect, "-O2"], kind))

            def sanitized(source: Path = source, kind: str = kind, llvm: str = llvm, dialect: str = dialect) -> None:
                flags = [dialect, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
                name = f"{source.stem}-{kind}-sanitized"
                run(prefix.build(name, source, llvm, flags, kind))

            yield f"{file}, {kind}", plain
            yield f"{file}, {kind}, sanitizers", sanitized

        def valgrind(source: Path = source, gnu: str = gnu, dialect: str = dialect) -> None:
            name = f"{source.stem}-valgrind"
            suppress = [f"--suppressions={SOURCES / 'fork.supp'}"] if source.name in GO_ON_IN_CHILDREN else []
            # Inner functions have names in the archive only, and fork.supp names one.
            run(*VALGRIND, *suppress, prefix.build(name, source, gnu, [dialect], "static"))

        yield f"{file}, valgrind", valgrind


def postgres_tests(prefix: Prefix) -> Iterator[Test]:
    """Run what needs a server: the driver on libpq, in every way, and the example."""
    url = os.environ["UNTORN_TEST_POSTGRES"]
    more: list[str | Path] = [
        *(LIBPQ / "untorn_libpq.c", f"-I{LIBPQ}", f"-I{run('pg_config', '--includedir').strip()}"),
        *("-Wl,--push-state,--no-as-needed", "-lpq", "-Wl,--pop-state"),
    ]
    source = SOURCES / "postgres.c"
    for kind in ("shared", "static"):

        def plain(kind: str = kind) -> None:
            run(prefix.build(f"postgres-{kind}", source, "gcc", ["-std=c11", "-O2"], kind, *more))

        def sanitized(kind: str = kind) -> None:
            flags = ["-std=c11", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
            run(prefix.build(f"postgres-{kind}-sanitized", source, "clang", flags, kind, *more))

        yield f"postgres.c, {kind}", plain
        yield f"postgres.c, {kind}, sanitizers", sanitized

    def valgrind() -> None:
        run(*VALGRIND, prefix.build("postgres-valgrind", source, "gcc", ["-std=c11"], "shared", *more))

    def example() -> None:
        program = prefix.build("chat", LIBPQ / "chat.c", "gcc", ["-std=c11"], "shared", *more)
        said = [run(program, url, "example", text) for text in ("one", "two")]
        if said[1].splitlines() != [f'{{"role":"user","text":"{text}"}}' for text in ("one", "two")]:
            raise Failed(said[1])

    def guide() -> None:
        page = (SOURCES.parents[2] / "docs/guides/postgres-c.md").read_text()
        [code] = re.findall(r"^```c\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        written = prefix.work / "guide.c"
        written.write_text(code.replace("host=db dbname=app", url))
        said = run(prefix.build("guide", written, "gcc", ["-std=c11"], "shared", *more))
        if url not in written.read_text() or said:
            raise Failed(said)

    yield "postgres.c, valgrind", valgrind
    yield "examples/c-postgres", example
    yield "docs/guides/postgres-c.md", guide


def library_tests(prefix: Prefix) -> Iterator[Test]:
    """Look at the shared library itself."""
    library = prefix.lib / "libuntorn.so"

    def dynamic_section() -> None:
        section = run("readelf", "--dynamic", "--wide", library)
        if "[libuntorn.so.0]" not in section:
            raise Failed("the SONAME is not libuntorn.so.0")
        if "NODELETE" not in section:
            raise Failed("the library could be unloaded: no NODELETE")

    def version() -> str:
        number = re.search(r"\[libuntorn\.so\.([\d.]+)\]", run("readelf", "--dynamic", "--wide", library))
        if number is None:
            raise Failed("the library has no SONAME")
        return f"UNTORN_{number[1]}"

    def symbols() -> None:
        node = version()
        functions = re.findall(r"\b(untorn_\w+)\(", declarations((prefix.root / "include/untorn.h").read_text()))
        declared = {f"{name}@@{node}" for name in functions}
        listed = [line.split()[-2:] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        # The version itself is an absolute symbol.
        exported = {name for kind, name in listed if [kind, name] != ["A", node]}
        if not declared or declared != exported:
            only = f"only declared: {declared - exported}, only exported: {exported - declared}"
            raise Failed(only)

    def requirement() -> None:
        program = prefix.build("requirement", SOURCES / "consumer.c", "gcc", ["-std=c11"], "shared")
        needs = run("readelf", "--version-info", "--wide", program)
        if not re.search(rf"File: libuntorn\.so\.0\b[^\n]*\n[^\n]*Name: {re.escape(version())}\b", needs):
            raise Failed(f"the program does not ask for {version()} of libuntorn.so.0:\n{needs}")
        used = run("nm", "-D", "--undefined-only", program)
        bare = [line for line in used.splitlines() if "untorn_" in line and not line.endswith(f"@{version()}")]
        if bare or "untorn_" not in used:
            raise Failed(f"functions without the version: {bare}")

    def another_version() -> None:
        other = prefix.work / "another"
        other.mkdir()
        names = re.findall(r"\b(untorn_\w+)\(", declarations((prefix.root / "include/untorn.h").read_text()))
        (other / "none.c").write_text("".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in set(names)))
        (other / "map").write_text("UNTORN_9 { global: untorn_*; local: *; };\n")
        run(
            *("gcc", "-shared", "-fPIC", other / "none.c", "-o", other / "libuntorn.so.0"),
            *("-Wl,-soname,libuntorn.so.0", f"-Wl,--version-script={other / 'map'}"),
        )
        program = prefix.build("another-version", SOURCES / "consumer.c", "gcc", ["-std=c11"], "shared")
        try:
            run(program, env={"LD_LIBRARY_PATH": str(other)})
        except Failed as refused:
            if version() in str(refused):
                return
            raise
        raise Failed("a library with other versions was taken")

    yield "name of the library, NODELETE", dynamic_section
    yield "exported symbols are the header's functions, with the version", symbols
    yield "a program asks for the version", requirement
    yield "a library of another version is refused by the loader", another_version


def declarations(header: str) -> str:
    """Take comments and macros away."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return re.sub(r"^#(.*\\\n)*.*$", "", header, flags=re.MULTILINE)


def consumer_tests(prefix: Prefix) -> Iterator[Test]:
    """Build a program as users do."""
    source = SOURCES / "consumer.c"
    found = {"PKG_CONFIG_PATH": str(prefix.lib / "pkgconfig")}

    def pkg_config(static: bool) -> None:
        # The linker takes the archive only if it is asked for by name.
        flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "untorn", env=found)
        words = flags.split()
        if static:
            words = ["-l:libuntorn.a" if word == "-luntorn" else word for word in words]
        program = prefix.work / f"consumer-pkg-config-{static}"
        run("gcc", *STRICT, source, "-o", program, *words)
        run(program, env={} if static else {"LD_LIBRARY_PATH": str(prefix.lib)})
        if static:
            # Without any shared library.
            run("gcc", "-static", *STRICT, source, "-o", program, *words)
            run(program)

    def cmake(target: str) -> None:
        project = prefix.work / f"cmake-{target}"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\n"
            "project(consumer C)\n"
            "find_package(untorn 0.1 REQUIRED)\n"
            f"add_executable(consumer {source})\n"
            f"target_link_libraries(consumer untorn::{target})\n"
        )
        run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix.root}")
        run("cmake", "--build", project / "build")
        run(project / "build" / "consumer")

    def static_pc() -> None:
        flags = run("pkg-config", "--cflags", "--libs", "untorn-static", env=found)
        program = prefix.work / "consumer-static-pc"
        run("gcc", *STRICT, source, "-o", program, *flags.split())
        if "libuntorn" in run("ldd", program):
            raise Failed("untorn-static.pc links the shared library")
        run(program)

    def meson(name: str) -> None:
        project = prefix.work / f"meson-{name}"
        project.mkdir()
        (project / "consumer.c").write_text(source.read_text())
        (project / "meson.build").write_text(
            "project('consumer', 'c', version: '1')\n"
            f"untorn = dependency('{name}', version: '>=0.1')\n"
            "executable('consumer', 'consumer.c', dependencies: untorn)\n"
        )
        run("meson", "setup", project / "build", project, env=found)
        run("meson", "compile", "-C", project / "build")
        run(project / "build" / "consumer", env={"LD_LIBRARY_PATH": str(prefix.lib)})

    yield "untorn-static.pc", static_pc
    yield "Meson, untorn", lambda: meson("untorn")
    yield "Meson, untorn-static", lambda: meson("untorn-static")
    yield "pkg-config, shared", lambda: pkg_config(static=False)
    yield "pkg-config, static", lambda: pkg_config(static=True)
    yield "CMake, untorn::untorn", lambda: cmake("untorn")
    yield "CMake, untorn::static", lambda: cmake("static")


def main() -> int:
    """Run the tests and say how many passed."""
    parser = argparse.ArgumentParser(description="Test the installed C library.")
    parser.add_argument("--prefix", type=Path, required=True, help="what cargo xtask package wrote")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only tests with this in their name")
    parser.add_argument("--postgres", default="", help="the URL of a server: only what needs one is tested")
    options = parser.parse_args()
    root = options.prefix.resolve()
    if not (root / "include/untorn.h").is_file():
        parser.error(f"{root} has no include/untorn.h: run cargo xtask package")

    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="untorn-c-") as work:
        os.environ["TMPDIR"] = work
        prefix = Prefix(root, Path(work))
        groups = [header_tests, example_tests, library_tests, consumer_tests, program_tests]
        if options.postgres:
            os.environ["UNTORN_TEST_POSTGRES"] = options.postgres
            groups = [postgres_tests]
        tests = [test for group in groups for test in group(prefix) if options.only in test[0]]
        with ThreadPoolExecutor(options.jobs) as pool:
            results = [(name, pool.submit(test)) for name, test in tests]
            for name, result in results:
                error = result.exception()
                if error is None:
                    passed += 1
                    print(f"ok      {name}", flush=True)
                    continue
                if not isinstance(error, Failed):
                    raise error
                failed += 1
                print(f"FAILED  {name}\n{error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
