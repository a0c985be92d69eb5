"""Pack directories so that two runs make the same bytes: archive.py OUT.tar.gz DIR, in the order of names."""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from pathlib import Path


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Drop what belongs to this machine and this moment."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def main() -> None:
    """Write the archive; its top directory has the name of the given one."""
    out, top = Path(sys.argv[1]), Path(sys.argv[2])
    with (
        out.open("wb") as file,
        # Neither a name nor a time in the header of gzip.
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in [top, *sorted(top.rglob("*"))]:
            archive.add(path, arcname=path.relative_to(top.parent), recursive=False, filter=plain)


main()
