"""Reading pickles of annotation without running code: numpy arrays, numbers, strings and plain containers.

A pickle names functions to call while it is read. Only those that rebuild numpy arrays and scalars are let
through, under the module names of numpy 1 and of numpy 2; files written by Python 2 are read as Latin-1.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import DataError

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "multiarray._reconstruct": np.zeros(1).__reduce__()[0],  # type: ignore[dict-item]
    "multiarray.scalar": np.float32(0).__reduce__()[0],  # type: ignore[dict-item]
    "numeric._frombuffer": np.zeros(1).__reduce_ex__(5)[0],  # type: ignore[dict-item]
}


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into pickles that Python 2 can read."""
    if encoding != "latin1":
        raise DataError(f"it encodes as {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[str, Any] = {
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
    "_codecs.encode": _latin1,
} | {f"numpy.{core}.{name}": function for core in ("core", "_core") for name, function in _FUNCTIONS.items()}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in _ALLOWED:
            raise DataError(f"it asks for {module}.{name}")
        return _ALLOWED[f"{module}.{name}"]


def load_plain(path: Path) -> Any:
    """The content of a pickle that holds numpy arrays, numbers, strings, lists, dicts and tuples alone.

    Raises DataError naming the file if it is missing, not a whole pickle, or asks for anything else; nothing
    that the file names is run.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open("rb") as file:
        try:
            return _Plain(file, encoding="latin1").load()
        except DataError as error:
            raise DataError(
                f"{path}: refused, {error}; annotation holds only numbers, strings, lists, dicts, tuples and "
                f"numpy arrays. Get the file from its official source"
            ) from error
        except Exception as error:  # a broken pickle may raise anything
            raise DataError(f"{path}: not a whole pickle ({error!r:.200}); get the file again") from error
