"""Load the extension, or say what to do if it can't be loaded."""

from __future__ import annotations

__all__: list[str] = []


def _what_to_do() -> str:
    from pathlib import Path  # only where it is needed: to import it takes long

    here = Path(__file__).parent
    if here.is_dir():
        return (
            f"untorn: the extension _untorn.*.so (Windows: .pyd) is not in {here}, or is one for another Python or "
            "system: install the package with pip, or copy its whole directory from a machine like this one"
        )
    return (
        f"untorn can't be imported from the archive {here.parent}: the system loads its extension from a file; unpack "
        "the archive (shiv does that by itself), or install untorn next to it with pip"
    )


try:
    import untorn._untorn  # noqa: F401
except ModuleNotFoundError as _error:
    if _error.name != "untorn._untorn":
        raise
    raise ImportError(_what_to_do(), name=_error.name) from _error
