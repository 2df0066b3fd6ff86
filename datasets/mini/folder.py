"""The folder of a miniature: there whole or not at all, rendered by one process at a time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.files.store import locked


class Edition(NamedTuple):
    """What a folder holds: the miniature's name, its version and the size."""

    name: str
    version: int
    size: str


def is_complete(root: Path, edition: Edition) -> bool:
    """Whether `root` already holds this rendering. ValueError: it holds something else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    manifest = root / "dataset.json"
    if not manifest.is_file():
        raise ValueError(
            f"{root} exists and is not a rendered dataset: it has no dataset.json; name another folder"
        )
    found = json.loads(manifest.read_text())
    held = (found.get("name"), found.get("version"), found.get("size"))
    if held != edition:
        raise ValueError(f"{root} holds {held}, not {tuple(edition)}; name another folder or remove it")
    return True


@contextmanager
def whole_folder(root: Path, edition: Edition) -> Iterator[Path | None]:
    """A temporary sibling of `root` that takes its name when the block ends well, and vanishes otherwise.

    None where `root` holds this rendering already, perhaps because another process made it while this one
    waited. What a killed process left is removed. ValueError as :func:`is_complete`.
    """
    if is_complete(root, edition):
        yield None
        return
    with locked(root.parent / f".{root.name}.lock"):
        partial = root.parent / f".{root.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        if is_complete(root, edition):
            yield None
            return
        partial.mkdir()
        try:
            yield partial
            os.sync()
            partial.rename(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
