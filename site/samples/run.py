"""Runs the code on every page that a user reads: `run.py --node DIR --prefix DIR --commands DIR --work DIR [PAGE…]`.

It runs under a Python that has untorn installed, and what site/samples/requirements.txt names. `--node` is a project
with the packages `untorn` and `typescript`; `--prefix` is where the C library was installed; `--commands` has the
program `untorn`. A block that can't run here carries the reason in a line above it, which readers see, or the name of
the program that runs it (`<!-- sample: elsewhere PATH -->`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from one import rust_name
from page import PASSIVE, READ, RUN, Block, blocks

ROOT = Path(__file__).resolve().parents[2]

MANIFEST = """[package]
name = "samples"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[dependencies]
fd-lock = "4"
opentelemetry = {{ version = "=0.33.1", default-features = false, features = ["metrics"] }}
opentelemetry_sdk = {{ version = "=0.33.1", default-features = false, features = ["metrics", "testing"] }}
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread", "sync", "time"] }}
untorn = {{ path = "{core}", features = ["serde"] }}
"""


def pages() -> list[Path]:
    """Every page that users read. The Python package's own has its test in bindings/python/tests."""
    crates = [ROOT / name / "README.md" for name in ("core", "ffi", "cli")]
    found = [ROOT / "README.md", ROOT / "bindings/node/README.md", ROOT / "examples/README.md", *crates]
    return found + sorted((ROOT / "docs").rglob("*.md"))


def unknown(page: Path, block: Block) -> str | None:
    """What is wrong with a block before it runs."""
    runner = block.after("elsewhere")
    if runner is not None and not (ROOT / runner).exists():
        return f"{page}:{block.line}: {runner}, which runs this block, does not exist"
    if block.reason is not None or block.language in RUN | READ | PASSIVE:
        return None
    return f"{page}:{block.line}: a block in {block.language or 'no language'}, and no reason why it is not run"


def build_rust(chosen: list[Path], work: Path) -> Path:
    """Compile the Rust of all pages at once. Returns where the programs are."""
    crate = work / "rust"
    shutil.rmtree(crate / "src", ignore_errors=True)
    (crate / "src/bin").mkdir(parents=True)
    (crate / "Cargo.toml").write_text(MANIFEST.format(core=ROOT / "core"), encoding="utf-8")
    # The versions that the project was built with, so that they are not built again.
    shutil.copy(ROOT / "Cargo.lock", crate / "Cargo.lock")
    names = []
    for page in chosen:
        for block in blocks(page):
            if block.language == "rust" and block.runs_here:
                name = rust_name(page, block)
                (crate / f"src/bin/{name}.rs").write_text(block.code, encoding="utf-8")
                names.append(name)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    for name in names:
        (target / "debug" / name).unlink(missing_ok=True)
    if names:
        # What does not compile is missing afterwards, and fails its page.
        cargo = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--keep-going", "--bins"]
        subprocess.run(cargo, cwd=crate, check=False, env={**os.environ, "CARGO_TARGET_DIR": str(target)})
    return target / "debug"


def main() -> None:
    """Run the pages, two at a time; say what is wrong with each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", type=Path, required=True)
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--commands", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--tsc", type=Path)
    parser.add_argument("page", nargs="*", type=Path)
    args = parser.parse_args()
    chosen = [page.resolve() for page in args.page] or pages()
    wrong = [fault for page in chosen for block in blocks(page) if (fault := unknown(page, block))]
    work, node = args.work.resolve(), args.node.resolve()
    work.mkdir(parents=True, exist_ok=True)
    programs = build_rust(chosen, work)
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(args.commands.resolve()), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PKG_CONFIG_PATH": str(args.prefix.resolve() / "lib/pkgconfig"),
        "SAMPLES_RUST": str(programs),
        "SAMPLES_TSC": str((args.tsc or node / "node_modules/.bin/tsc").absolute()),
        "SAMPLES_ROOT": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    one = Path(__file__).parent / "one.py"

    def run(page: Path) -> str:
        # Below the project: Node looks for packages beside the script and above it.
        slug = re.sub(r"\W+", "-", str(page.relative_to(ROOT)))
        words = [sys.executable, str(one), str(page), str(node / "samples" / slug)]
        done = subprocess.run(words, check=False, capture_output=True, text=True, env=env, timeout=900)
        return (done.stderr + done.stdout) if done.returncode else ""

    with ThreadPoolExecutor(2) as pool:
        wrong += [fault for fault in pool.map(run, chosen) if fault]
    shutil.rmtree(node / "samples", ignore_errors=True)
    every = [block for page in chosen for block in blocks(page) if block.language in RUN]
    ran = [block for block in every if block.runs_here]
    print("\n".join(wrong))
    print(f"{len(chosen)} pages, {len(ran)} blocks run, {len(every) - len(ran)} not, as they say, {len(wrong)} wrong")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
