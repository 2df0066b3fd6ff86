"""MATLAB files, version 5 to 7: every size that a file states is checked before scipy believes it.

A small file can state an array of many gigabytes, or inflate to them. So the elements are inflated up to a
limit and walked through first: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf. Numbers,
text, cells and structs are let through, everything else is refused.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from datasets.errors import DataError

MOST_BYTES = 512 << 20
"""Of a file when inflated. J-HMDB's largest mask has 24 MiB."""
DEEPEST = 8
"""Structs within structs."""

_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""By the type of an element, of numbers."""
_TEXTS = (2, 4, 16, 17, 18)
"""Types of elements of text: numbers of one or two bytes, UTF-8, -16 and -32."""
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)
"""Classes of arrays."""
_COMPLEX = 0x0800


def load_mat(path: Path, variable: str) -> np.ndarray[Any, Any]:
    """A variable of a MATLAB file, as scipy's ``loadmat`` gives it. Raises DataError naming the file."""
    from scipy.io import loadmat

    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path.stat().st_size >> 20} MiB are too many")
        checked: Any = io.BytesIO(_checked(path.read_bytes()))
        content = loadmat(checked, variable_names=[variable])
        if variable not in content:
            raise DataError(f"lacks the variable {variable}")
        return np.asarray(content[variable])
    except DataError as error:
        raise DataError(f"{path}: {error}; get the file again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # scipy raises whatever a broken file leads to
        raise DataError(f"{path}: not a whole MATLAB file ({error!r:.200}); get the file again") from error


def _checked(data: bytes) -> bytes:
    """The file without compression, each of its variables walked through."""
    header, mark = data[:128], data[126:128]
    order = "<" if mark == b"IM" else ">"
    if mark not in (b"IM", b"MI") or struct.unpack(f"{order}H", data[124:126]) != (0x100,):
        newer = b"MATLAB 7.3" in header
        raise DataError(
            "is version 7.3; save it as version 7" if newer else "no MATLAB file of version 5 to 7"
        )
    parts, left = [header], MOST_BYTES
    for kind, body in _elements(memoryview(data)[128:], order):
        if kind == _COMPRESSED:
            part = zlib.decompressobj().decompress(body, left + 1)
        else:
            part = struct.pack(f"{order}II", kind, len(body)) + body
        left -= len(part)
        if left < 0:
            raise DataError(f"inflates to more than {MOST_BYTES >> 20} MiB")
        for inner, matrix in _elements(memoryview(part), order):
            _check_matrix(inner, matrix, order, 0)
        parts.append(part)
    return b"".join(parts)


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, content) of the elements that lie in ``data`` one after another."""
    position = 0
    while position < len(data):
        if len(data) - position < 8:
            raise DataError("cut off within an element")
        kind, size = struct.unpack_from(f"{order}II", data, position)
        start, step, room = position + 8, 8 + size, len(data) - position - 8
        if kind >> 16:  # a small element: size and type share four bytes, the content has the next four
            kind, size, start, step, room = kind & 0xFFFF, kind >> 16, position + 4, 8, 4
        if size > room:
            raise DataError(f"states an element of {size} bytes where {room} are left")
        yield kind, data[start : start + size]
        position += step if kind == _COMPRESSED else step + -step % 8


def _check_matrix(kind: int, data: memoryview, order: str, depth: int) -> None:
    """Raises DataError unless an element is an array, every part of it of the type and size that scipy takes
    for granted: it reads the parts one after another and looks up their types in tables without a check."""
    if kind != _MATRIX or len(data) % 8 or depth > DEEPEST:
        raise DataError("nests too deeply" if depth > DEEPEST else "holds something else than arrays")
    if not data:
        return
    parts = list(_elements(data, order))
    flags_dims_name, content = parts[:3], parts[3:]
    if [part for part, _ in flags_dims_name] != [_UINT32, _INT32, _INT8]:
        raise DataError("holds an array without a shape")
    flag_bytes, dim_bytes = (part for _, part in flags_dims_name[:2])
    if len(flag_bytes) != 8 or len(dim_bytes) not in range(8, 4 * 32 + 1, 4):
        raise DataError("holds an array without a shape")
    (flags,) = struct.unpack_from(f"{order}I", flag_bytes)
    shape = struct.unpack(f"{order}{len(dim_bytes) // 4}i", dim_bytes)
    if any(n < 0 for n in shape) or flags & _COMPLEX:
        raise DataError("holds complex numbers or an array of negative size")
    count, kind = math.prod(shape), flags & 0xFF
    if kind in _NUMBERS or kind == _CHAR:
        fits = _is_flat(kind, count, content)
    else:
        fields, content = _fields(kind, content, order)
        fits = count * fields == len(content) and (fields > 0 or count <= 1)
        for part, inner in content:
            _check_matrix(part, inner, order, depth + 1)
    if not fits:
        raise DataError(f"states an array of {count} entries that it does not hold")


def _is_flat(kind: int, count: int, content: list[tuple[int, memoryview]]) -> bool:
    """Whether so many numbers or characters are there; none may have no element at all."""
    if len(content) != 1:
        return not content and not count
    part, data = content[0]
    if kind == _CHAR:
        return part in _TEXTS and count <= len(data)
    return part in _ITEM_BYTES and count * _ITEM_BYTES[part] == len(data)


def _fields(
    kind: int, content: list[tuple[int, memoryview]], order: str
) -> tuple[int, list[tuple[int, memoryview]]]:
    """How many arrays an entry of a cell or struct array has, and the elements that hold them."""
    if kind == _CELL:
        return 1, content
    if kind != _STRUCT or [part for part, _ in content[:2]] != [_INT32, _INT8] or len(content[0][1]) != 4:
        raise DataError("holds something else than numbers, text, cells and structs")
    (name_bytes,) = struct.unpack(f"{order}i", content[0][1])
    if not 0 < name_bytes <= 64 or len(content[1][1]) % name_bytes:
        raise DataError("holds a struct without names")
    return len(content[1][1]) // name_bytes, content[2:]
