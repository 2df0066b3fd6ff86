"""Figures that need not be drawn again: kept beside the report with the digest of all that they show."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.files.decode import decode
from bench.files.store import digest, digest_file, read_json, write_json

FOLDER = ".figures"
DRAWN_WITH = ("matplotlib", "seaborn")

Figures = dict[str, str]
"""Name -> SVG."""


def kept(out: Path, name: str, shown: Any, draw: Callable[[], Figures]) -> Figures:
    """What ``draw`` makes, from ``out`` where it was made before of the same.

    shown: everything that the figures are made of, or a digest of it. Another version of the drawing code or
    of its libraries draws again, and so does a file that cannot be read.
    """
    path, key = out / FOLDER / f"{name}.json", digest([shown, _drawing()])
    try:
        before = read_json(path)
        if before["key"] == key:
            return decode(Figures, before["figures"], f"{path}: figures")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or not what was written: drawn again
    found = draw()
    write_json(path, {"key": key, "figures": found})
    return found


@cache
def _drawing() -> list[str]:
    """Digests of the code that draws, and the versions of its libraries."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [*(digest_file(path) for path in files), *(metadata.version(name) for name in DRAWN_WITH)]
