"""Write a wheel again, as it is published: wheel.py WHEEL DIRECTORY MODULE.

maturin names each crate of the checkout by its path. So the wheels of two checkouts would differ, and tell where they
were built: the directory is taken out.

The wheel for free-threaded Python could be loaded by any Python 3.15, so maturin's name says that it is for both. The
other Python would take it instead of the wheel that is tried there. So it is named for the free-threaded one alone.

The module writes the wheel: zipfile, or zopfli, which takes long and makes it 3.5% smaller.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import re
import sys
import zipfile
from pathlib import Path


def recorded(name: str, content: bytes) -> str:
    """Return the line of a file in RECORD, as the wheel's specification has it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def main() -> None:
    """Write the wheel again, with the same files in the same order."""
    wheel, directory = Path(sys.argv[1]), Path(sys.argv[2])
    with zipfile.ZipFile(wheel) as old:
        files = {entry.filename: (entry, old.read(entry)) for entry in old.infolist()}
    [record] = [name for name in files if name.endswith(".dist-info/RECORD")]
    lines = files[record][1].decode().splitlines()
    named = wheel.with_name(wheel.name.replace("-abi3.abi3t-", "-abi3t-"))
    for name, (entry, content) in files.items():
        changed = content
        if name.endswith(".cyclonedx.json"):
            changed = content.replace(directory.as_uri().encode(), b"file:///untorn")
        elif name.endswith(".dist-info/WHEEL") and named != wheel:
            changed = re.sub(rb"(?m)^Tag: .*-abi3-.*\n", b"", content)
        if changed != content:
            files[name] = entry, changed
            lines = [recorded(name, changed) if line.startswith(f"{name},") else line for line in lines]
    files[record] = files[record][0], "".join(f"{line}\n" for line in lines).encode()
    whole = wheel.with_suffix(".part")
    module = importlib.import_module(sys.argv[3])
    # By itself zopfli ends a block 15 times at most, which is few for an extension.
    options = {"block_splitting_max": 0} if sys.argv[3] == "zopfli" else {}
    with module.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, **options) as new:
        for entry, content in files.values():
            new.writestr(entry, content, compresslevel=9)
    wheel.unlink()
    whole.replace(named)


main()
