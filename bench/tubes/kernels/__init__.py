"""Compiled loops of linking, labelling and scoring.

Arrays are what :mod:`bench.records` holds: boxes ``x1, y1, x2, y2`` float32, frames int32, labels int16,
scores float32. Arithmetic is float64. ``extent`` is added to ``x2 - x1`` for a width (1: inclusive pixels).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
import numpy as np

from bench.records import Array

_Function = TypeVar("_Function", bound=Callable)


def compiled(function: _Function) -> _Function:
    """Compile on the first call; the machine code is kept beside the source for the next process."""
    return cast(_Function, numba.njit(cache=True)(function))


def writable(*arrays: Array) -> tuple[Array, ...]:
    """The arrays, contiguous and writable: a kernel would be compiled once more for others."""
    return tuple(np.require(array, requirements=("C", "W")) for array in arrays)


def _forget_stale_code(folder: Path) -> None:
    """Drop kept machine code that is older than any source here.

    A kernel contains the kernels that it calls, also those of other files, but the compiler looks only at
    the age of its own file: an edit to one file would leave its callers as they were.
    """
    newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
    for index in folder.glob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


_forget_stale_code(Path(__file__).parent)
