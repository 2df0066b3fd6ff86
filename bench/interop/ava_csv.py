"""Rows of AVA's files: ``video, timestamp, x1, y1, x2, y2, action[, score or person]``, as they stand there.

Comma or tab, with or without a header (its names are not read), further columns are passed over. Boxes are
shares of the frame's width and height, timestamps seconds (``0902``, ``902`` and ``902.0`` are the same),
actions 1-based ids. In ground truth a row ``video, timestamp`` is a scored frame without anybody.
Every error is a ValueError that names the file, the row and the mend.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from bench.records import Array

NUMBERS = ("timestamp", "x1", "y1", "x2", "y2", "action", "score")
HEAD = 1 << 16
"""Characters of a file that are looked at to tell its layout."""
LATEST = 1e6
"""Seconds: no movie is longer."""


@dataclass(frozen=True)
class Rows:
    """N rows with a box, and those of two columns (``bare``). ``video_N`` points into ``videos``."""

    videos: tuple[str, ...]
    video_N: Array
    seconds_N: Array
    boxes_N4: Array
    action_N: Array
    score_N: Array
    """Empty in ground truth."""
    bare: list[tuple[str, float]]


@dataclass(frozen=True)
class Layout:
    """How a file is written. ``scored``: predictions, whose eighth column is the score."""

    path: Path
    scored: bool
    delimiter: str
    header: bool
    width: int
    bare: list[tuple[str, float]] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, scored: bool) -> Layout:
        """From the beginning of the file. Raises ValueError if there is no file or nothing in it."""
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(HEAD)
        whole = head if len(head) < HEAD else head[: head.rfind("\n")]
        lines = [line for line in whole.splitlines() if line.strip()]
        if not lines:
            raise ValueError(f"{path} is empty; write it again")
        delimiter = "\t" if "\t" in lines[0] else ","
        rows = list(csv.reader(lines, delimiter=delimiter))
        header = len(rows[0]) > 1 and not _is_number(rows[0][1])
        widths = [len(row) for row in rows[header:] if len(row) > 2]
        return cls(path, scored, delimiter, header, widths[0] if widths else 7 + scored)

    @property
    def columns(self) -> list[str]:
        """What the columns are called; those past the ones that are read have no names of their own."""
        known = ["video", *NUMBERS[: 6 + self.scored]]
        return known[: self.width] + [f"further {i}" for i in range(self.width - len(known))]

    def fault(self, row: list[str]) -> str:
        """What is wrong with a row, empty if nothing is."""
        if len(row) == 2 and not self.scored:
            return self._fault_of_time(row[1])
        if len(row) != self.width or self.width < 7 + self.scored:
            least = "video, timestamp, x1, y1, x2, y2, action" + ", score" * self.scored
            return f"{len(row)} columns; a row here has {max(self.width, 7 + self.scored)}, at least {least}"
        if not row[0]:
            return "the video has no name"
        for name, text in zip(self.columns[1:], row[1 : 7 + self.scored]):
            if not _is_number(text):
                return f"{name} {text!r} is no number"
        if said := self._fault_of_time(row[1]):
            return said
        if not all(-1 <= float(edge) <= 2 for edge in row[2:6]):
            return f"box {row[2:6]} is far outside the frame; edges are shares of width and height, 0 to 1"
        if float(row[6]) < 1 or float(row[6]) % 1:
            return f"action {row[6]} is no id; they are whole numbers from 1"
        return ""

    @staticmethod
    def _fault_of_time(text: str) -> str:
        if not _is_number(text):
            return f"timestamp {text!r:.40} is no number"
        return f"timestamp {text:.40} is no second of a movie" if abs(float(text)) > LATEST else ""

    def refuse(self, fault: Callable[[list[str]], str]) -> NoReturn:
        """Raise ValueError for the first row that has a fault."""
        with self.path.open(encoding="utf-8", errors="replace", newline="") as file, suppress(csv.Error):
            reader = csv.reader(file, delimiter=self.delimiter)
            for number, row in enumerate(reader):
                if row and number >= self.header and (said := fault(row)):
                    raise ValueError(f"{self.path}, line {reader.line_num}: {said}")
        raise ValueError(f"{self.path} cannot be read as rows of {', '.join(self.columns)}; write it again")

    def take_bare(self, row: pc.InvalidRow) -> str:
        """Keep a row of two columns aside; any other of the wrong width stops the reading."""
        parts = next(csv.reader([row.text], delimiter=self.delimiter))
        if self.fault(parts):
            return "error"
        self.bare.append((parts[0], float(parts[1])))
        return "skip"


def read_rows(path: Path, scored: bool) -> tuple[Rows, Layout]:
    """All rows of a file of predictions (``scored``) or ground truth, in its order."""
    layout = Layout.of(path, scored)
    if layout.width < 7 + scored:
        layout.refuse(layout.fault)
    used = ["video", *NUMBERS[: 6 + scored]]
    types = dict.fromkeys(used[1:], pa.float64()) | {"video": pa.dictionary(pa.int32(), pa.string())}
    try:
        table = pc.read_csv(
            path,
            pc.ReadOptions(column_names=layout.columns, skip_rows=int(layout.header)),
            pc.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=layout.take_bare),
            pc.ConvertOptions(column_types=types, include_columns=used),
        )
    except pa.ArrowInvalid:
        layout.refuse(layout.fault)
    video = table["video"].unify_dictionaries().combine_chunks()
    numbers = {name: table[name].to_numpy() for name in used[1:]}
    boxes_N4 = np.stack([numbers[edge] for edge in ("x1", "y1", "x2", "y2")], axis=1)
    rows = Rows(
        tuple(video.dictionary.to_pylist()), video.indices.to_numpy(), numbers["timestamp"], boxes_N4,
        numbers["action"], numbers.get("score", np.zeros(0)), layout.bare,
    )  # fmt: skip
    if not _sound(rows):
        layout.refuse(layout.fault)
    return rows, layout


def read_frames(path: Path) -> list[tuple[str, float]]:
    """(video, timestamp) of every row of a file of two columns, such as AVA's excluded timestamps."""
    layout = Layout.of(path, scored=False)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file, delimiter=layout.delimiter) if row][layout.header :]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no text of two columns ({error}); write it again") from error
    if any(len(row) != 2 or layout.fault(row) for row in rows):
        layout.refuse(lambda row: layout.fault(row[:2]) if len(row) == 2 else f"{len(row)} columns, not 2")
    return [(row[0], float(row[1])) for row in rows]


def _sound(rows: Rows) -> bool:
    """Whether no row has a fault; an empty cell is NaN by now."""
    columns = (rows.seconds_N, rows.action_N, rows.score_N)
    return bool(
        "" not in rows.videos
        and all(np.isfinite(column).all() for column in columns)
        and (np.abs(rows.seconds_N) <= LATEST).all()
        and ((rows.boxes_N4 >= -1) & (rows.boxes_N4 <= 2)).all()
        and ((rows.action_N >= 1) & (rows.action_N % 1 == 0)).all()
    )


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
