"""What :mod:`bench.files.pickles` makes of names in a pickle: numpy's arrays, scalars and dtypes, and bytes.

None of numpy's own functions for this is called with what a file states: they believe it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU]\d{1,4})")


class Refused(ValueError):
    """What a file asks for and does not get."""


def _short(value: Any) -> str:
    """A text, cut; of anything else the type: what a file holds may take for ever to print."""
    return f"{value!r:.60}" if type(value) is str else type(value).__name__


class Dtype:
    """A numpy dtype while the file still adds its byte order."""

    def __init__(self, text: Any, *_: Any) -> None:
        if type(text) is not str or not _DTYPE.fullmatch(text):
            raise Refused(f"it holds an array of the type {_short(text)}")
        self.value: np.dtype[Any] = np.dtype(text)

    def set_state(self, state: Any) -> None:
        if type(state) is not tuple or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise Refused("it holds an array of a compound type")
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


def raw_bytes(shape: Any, dtype: Any, data: Any) -> bytes:
    """The bytes of an array. Refuses what is none, and a shape that they do not fill exactly."""
    if type(dtype) is not Dtype or type(data) not in (str, bytes, bytearray):
        raise Refused("it holds an array of objects")
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
        raise Refused("it holds an array without a shape")
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    if math.prod(shape) * dtype.value.itemsize != len(raw):
        raise Refused(f"it states an array of shape {shape!r:.60}, but holds {len(raw)} bytes of it")
    if dtype.value.kind == "U" and not _is_unicode(raw, dtype.value):
        raise Refused("it holds text of numbers that are no characters")
    return raw


def _is_unicode(raw: bytes, dtype: np.dtype[Any]) -> bool:
    """numpy makes strings of any number without a look, and Python may crash on them."""
    return bool((np.frombuffer(raw, np.dtype("u4").newbyteorder(dtype.byteorder)) <= sys.maxunicode).all())


def _empty_array(*_: Any) -> np.ndarray:
    return np.empty(0, np.uint8)


def _scalar(dtype: Dtype, data: Any) -> Any:
    raw = raw_bytes((), dtype, data)
    return np.frombuffer(raw, dtype.value)[0] if raw else dtype.value.type()


_NUMPY_FROM_BUFFER: Callable[..., Any] = np.zeros(1).__reduce_ex__(5)[0]  # type: ignore[assignment]


def _from_buffer(data: Any, dtype: Dtype, shape: Any, *order: Any) -> Any:
    return _NUMPY_FROM_BUFFER(bytearray(raw_bytes(shape, dtype, data)), dtype.value, shape, *order)


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into pickles that Python 2 can read."""
    if encoding != "latin1":
        raise Refused(f"it encodes as {_short(encoding)}")
    return text.encode("latin1")


def _not_called(*_: Any) -> Any:
    raise Refused("it calls numpy.ndarray")


MAKERS: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _not_called,
    "numpy.dtype": Dtype,
    "_codecs.encode": _latin1,
    "builtins.bytes": lambda: b"",
    "__builtin__.bytes": lambda: b"",
}
for _core in ("core", "_core"):
    MAKERS[f"numpy.{_core}.multiarray._reconstruct"] = _empty_array
    MAKERS[f"numpy.{_core}.multiarray.scalar"] = _scalar
    MAKERS[f"numpy.{_core}.numeric._frombuffer"] = _from_buffer
