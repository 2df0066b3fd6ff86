"""What the pickles of ACT, MOC and MultiSports have in common: arrays of rows, and tubes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.interop.base import Look, Places, Table, codes
from bench.records import Array

SUFFIXES = (".pkl", ".pickle")


def is_pickle(look: Look) -> bool:
    """Whether a file begins or is named like a pickle."""
    return not look.is_folder and (look.head.startswith(b"\x80") or look.path.suffix in SUFFIXES)


def whole(value: Any, where: str) -> int:
    """A whole number below 2**31. Raises ValueError beginning with ``where``."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not abs(int(value)) < 2**31:
        raise ValueError(f"{where}: {value!r:.40} is no whole number that can be meant")
    return int(value)


def number(value: Any, where: str) -> float:
    """A number, perhaps not finite. Raises ValueError beginning with ``where``."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ValueError(f"{where}: {value!r:.40} is no number")
    return float(np.float64(value))


def numeric(value: Any, widths: Sequence[int], where: str) -> Array:
    """Rows of numbers, [N, one of ``widths``], of any width without; [0, 0] for an empty array of any shape.

    Raises ValueError beginning with ``where``.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf":
        raise ValueError(f"{where}: {type(value).__name__} instead of an array of numbers")
    if not value.size:
        return np.zeros((0, 0))
    if value.ndim != 2 or (widths and value.shape[1] not in widths):
        wanted = " or ".join(map(str, widths)) or "some"
        raise ValueError(f"{where}: an array of shape {value.shape} instead of rows of {wanted} numbers")
    return value


class Tube(NamedTuple):
    """One tube as a file has it: rows [frame, x1, y1, x2, y2] and perhaps the score of each box.

    number: its place among those of its label in the file.
    """

    file: Path
    number: int
    video: str
    label: int
    score: float
    rows: Array


def read_tube(place: tuple[Path, Any, int], video: str, score: Any, rows: Any) -> Tube:
    """Checked. ``place``: file, label, number. Raises ValueError naming the place."""
    file, label, number_of_label = place
    where = f"{file}, label {label!r:.40}, tube {number_of_label}"
    known = whole(label, where)
    return Tube(file, number_of_label, video, known, number(score, where), numeric(rows, (5, 6), where))


def tube_table(tubes: Sequence[Tube]) -> Table:
    """The rows of all tubes, each of which stays one."""
    tubes = [tube for tube in tubes if len(tube.rows)]
    tube_N = np.repeat(np.arange(len(tubes)), [len(tube.rows) for tube in tubes])
    width = min((tube.rows.shape[1] for tube in tubes), default=5)
    rows_N = np.concatenate([np.zeros((0, width)), *(tube.rows[:, :width] for tube in tubes)])
    names, video_T = codes([tube.video for tube in tubes])
    files, file_T = codes([tube.file for tube in tubes])
    number_T = np.array([tube.number for tube in tubes], np.int64)
    return Table(
        names,
        video_T[tube_N],
        rows_N[:, 0],
        np.array([tube.label for tube in tubes], np.int64)[tube_N],
        rows_N[:, 1:5],
        Places(files, file_T[tube_N], number_T[tube_N], "tube"),
        np.array([tube.score for tube in tubes], np.float64)[tube_N],
        tube_N,
        rows_N[:, 5] if width == 6 else None,
    )
