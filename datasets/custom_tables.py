"""The tables of somebody's own dataset: annotation, splits and videos; see ``docs/custom-dataset.md``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bench.files.parquet import CORNERS, column, corners, load, texts, video_column
from bench.names import near
from bench.records import Array, TruthBoxes, TruthTubes
from datasets.annotation import MOST_FRAMES
from datasets.errors import DataError
from datasets.files import check_name, read_lines, reading

COLUMNS = ("video", "tube", "label", "frame", *CORNERS)


@dataclass(frozen=True)
class Annotation:
    """Boxes sorted by video, tube and frame; tubes are numbered through. ``classes`` in label order."""

    classes: tuple[str, ...]
    tubes: TruthTubes
    boxes: TruthBoxes


def read_annotation(path: Path, classes: Path | None) -> Annotation:
    """``video tube label frame x1 y1 x2 y2``, as CSV with a header or as Parquet.

    Labels are class names, or numbers where the file ``classes`` with a name a line, or the Parquet file
    itself, say what they mean. Raises DataError naming file and row.
    """
    listed = None if classes is None else _read_classes(classes)
    with reading(path):
        table, facts = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
        for name in set(COLUMNS) & set(table.column_names):
            _refuse(path, np.asarray(table[name].is_null()), f"its {name} is empty or no number")
        names, video_N = video_column(path, table, None)
        tube_N, frame_N = (column(path, table, name, np.dtype(np.int64)) for name in ("tube", "frame"))
        boxes_N4 = corners(path, table)
        source = path if classes is None else classes
        known, label_N = _labels(path, texts(path, table, "label"), listed or facts, source)
    if not len(video_N):
        raise DataError(f"{path}: holds no box")
    for name in names:
        check_name(name, path)
    _refuse(path, (frame_N < 0) | (frame_N > MOST_FRAMES), f"a frame is not from 0 to {MOST_FRAMES}")
    _refuse(path, np.any(boxes_N4[:, 2:] < boxes_N4[:, :2], axis=1), "a box has x2 < x1 or y2 < y1")
    order = np.lexsort([frame_N, tube_N, video_N])
    rows_N4 = np.column_stack([video_N, tube_N, label_N, frame_N])[order]
    same = (np.diff(rows_N4[:, :2], axis=0) == 0).all(axis=1)
    relabelled, repeated = (same & (np.diff(rows_N4[:, 2]) != 0), same & (np.diff(rows_N4[:, 3]) == 0))
    _refuse(path, relabelled, "its tube has another label in another row", order[1:])
    _refuse(path, repeated, "its tube has a box in this frame already", order[1:])
    number_N = np.cumsum(np.concatenate([[False], ~same]))
    boxes = TruthBoxes(names, rows_N4[:, 0], number_N, rows_N4[:, 3], boxes_N4[order])
    return Annotation(known, _tubes(names, rows_N4, ~same), boxes)


def _tubes(names: tuple[str, ...], rows_N4: Array, breaks: Array) -> TruthTubes:
    """Of sorted rows (video, tube, label, frame); ``breaks``: where a row begins another tube than before."""
    first = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    last = np.concatenate([first[1:], [len(rows_N4)]]) - 1
    return TruthTubes(
        names, rows_N4[first, 0], np.arange(len(first)), rows_N4[first, 2], rows_N4[first, 3],
        rows_N4[last, 3] + 1, np.zeros(len(first), bool),
    )  # fmt: skip


def _refuse(path: Path, bad_N: Array, said: str, row_N: Array | None = None) -> None:
    if bad_N.any():
        row = int(np.argmax(bad_N)) if row_N is None else int(row_N[np.argmax(bad_N)])
        raise DataError(f"{path}, row {row + 1} after the header: {said}")


def _read_csv(path: Path) -> tuple[pa.Table, None]:
    types = {name: pa.float64() for name in CORNERS} | {
        "video": pa.string(), "label": pa.string(), "tube": pa.int64(), "frame": pa.int64(),
    }  # fmt: skip
    options = pyarrow.csv.ConvertOptions(
        column_types=types, include_columns=list(COLUMNS), strings_can_be_null=False
    )
    try:
        return pyarrow.csv.read_csv(path, pyarrow.csv.ReadOptions(use_threads=False), None, options), None
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}; columns are {', '.join(COLUMNS)}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: {error!s:.300}") from error


def _read_parquet(path: Path) -> tuple[pa.Table, list[str] | None]:
    table, header = load(path)
    if "label" in table.column_names and pa.types.is_integer(table["label"].type):
        numbers = table["label"].cast(pa.string())
        table = table.set_column(table.column_names.index("label"), "label", numbers)
    return table, header.facts.get("classes")


def _labels(
    path: Path, words: list[str], classes: Sequence[str] | None, source: Path
) -> tuple[tuple[str, ...], Array]:
    """(classes, label of each row). Raises DataError naming a class that ``source`` lacks, and near ones."""
    distinct = sorted(set(words))
    numbers = [word for word in distinct if word.isascii() and word.isdecimal()]
    if not classes:
        if numbers or not all(distinct):
            nameless = (numbers or [""])[0]
            raise DataError(f"{path}: the label {nameless!r} is no class name; list the names in classes.txt")
        classes = distinct
    position = {name: label for label, name in enumerate(classes)}
    for word in distinct:
        if word in numbers and len(word) < 6 and int(word) < len(classes):
            position.setdefault(word, int(word))
        elif word not in position:
            raise DataError(f"{path}: unknown class {word!r:.80}; in {source} {near(word, classes)!s:.300}")
    return tuple(classes), np.array([position[word] for word in words], np.int64)


def _read_classes(path: Path) -> tuple[str, ...]:
    """Class names, one a line, in label order. Raises DataError for none, or one twice."""
    names = tuple(text for _, text in read_lines(path))
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path}: {'a class is there twice' if names else 'names no class'}")
    return names


def read_records(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) of a CSV file with a header that begins with ``video``; each video once.

    Raises DataError for unknown columns, rows of another length, videos that are there twice, bad names.
    """
    try:
        header, *rows = csv.reader([text for _, text in read_lines(path)] or [""], strict=True)
    except csv.Error as error:
        raise DataError(f"{path}: {error}") from error
    if header[:1] != ["video"] or not set(header) <= {"video", *columns} or len(set(header)) < len(header):
        raise DataError(f"{path}: the header must be video and some of {', '.join(columns)}")
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number} after the header"
        if len(row) != len(header):
            raise DataError(f"{where}: the header has {len(header)} columns, this row has {len(row)}")
        name = check_name(row[0], where)
        if name in seen:
            raise DataError(f"{where}: the video {name!r:.200} is there twice")
        seen.add(name)
        yield where, dict(zip(header, row))
