"""Our own Parquet files, and those that other programs write in their likeness.

``docs/predictions-schema.md`` describes them. Columns of detections that scoring has no use for are passed
over, and ``box`` may be missing. Tubes need not be sorted, and their numbers need to differ within a video
only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from bench.files.headers import Header
from bench.files.parquet import CORNERS, column, load, read_header, video_column
from bench.files.tables import read_ground_truth, read_parts
from bench.interop.base import Content, Format, Look, Places, Role, Table, Truth, source_group
from bench.interop.checks import MOST_FRAMES
from bench.names import near
from bench.records import Array, Detections, GroundTruth

COMMON = ("video", "frame", "label", "score", *CORNERS)
_EMPTY = (pa.array([], pa.float32()), pa.array([], pa.string()))
PASSED_OVER = tuple(name for name in Detections.columns() if name not in ("boxes_N4", *COMMON))


class OwnParquet(Format):
    """Parquet: detections, tubes, a folder of either, or ground truth in both its forms."""

    name = "parquet"
    title = "the suite's Parquet"
    files: ClassVar[str] = "*.parquet: video frame x1 y1 x2 y2 label score, for tubes also tube"

    def recognises(self, look: Look, role: Role) -> bool:
        return look.head.startswith(b"PAR1") or look.holds("*.parquet")

    def truth(self, path: Path, split: str | None) -> Truth:
        found = read_ground_truth(path)
        if not found.videos.names:
            raise ValueError(f"{path} names no video; write it again")
        _check_truth(path, found)
        if path.is_dir():
            return Truth(found)
        grouped = replace(found.videos, group=tuple(source_group(name) for name in found.videos.names))
        known = "frames" in read_header(path).facts
        return Truth(replace(found, videos=grouped), lengths_known=known)

    def content(self, path: Path, truth: Truth) -> Content:
        if not path.is_dir():
            return _content(path)
        names = [path / f"{name}.parquet" for name in ("detections", "tubes")]
        found = [_content(file) for file in names if file.is_file()]
        if not found and not next(path.glob("part-*.parquet"), None):
            raise ValueError(f"{path} has neither detections.parquet nor parts part-00000.parquet ...")
        return _joined(found) if found else _of_parts(path)


def _content(path: Path) -> Content:
    """Of one file, which holds detections, or tubes where there is a column ``tube``."""
    table, header = load(path)
    if header.kind not in ("", "detections", "tubes"):
        raise ValueError(f"{path} holds {header.kind}, not detections or tubes")
    is_tubes = header.kind == "tubes" or (not header.kind and "tube" in table.column_names)
    wanted = (*COMMON, "tube") if is_tubes else COMMON
    _check_columns(path, table, wanted, ("frame_score",) if is_tubes else PASSED_OVER)
    rows = _rows(path, table, header, is_tubes)
    return Content(None if is_tubes else rows, rows if is_tubes else None, header.videos)


def _check_columns(path: Path, table: pa.Table, wanted: Iterable[str], optional: Iterable[str]) -> None:
    """Raise ValueError for missing and unknown columns, naming near ones."""
    there = table.column_names
    missing = [name for name in wanted if name not in there]
    unknown = [name for name in there if name not in (*wanted, *optional)]
    if missing:
        hint = near(missing[0], unknown) if unknown else f"it has {', '.join(there) or 'none'}"
        raise ValueError(f"{path} lacks the column {', '.join(missing)}; {hint}")
    if unknown:
        raise ValueError(f"{path} has a column {unknown[0]!r}; {near(unknown[0], (*wanted, *optional))}")


def _rows(path: Path, table: pa.Table, header: Header, is_tubes: bool) -> Table:
    """Raises ValueError for columns of the wrong type, and for no rows where no video is listed either."""
    if not table.num_rows:
        if header.videos is None:
            raise ValueError(f"{path} has no rows and lists no videos that were looked at; write it again")
        table = pa.table({name: _EMPTY[name == "video"] for name in table.column_names})
    names, video_N = _videos(path, table, header)
    inner = is_tubes and "frame_score" in table.column_names
    return Table(
        names,
        video_N,
        _numbers(path, table, "frame"),
        _numbers(path, table, "label"),
        np.stack([_numbers(path, table, corner) for corner in CORNERS], axis=1),
        Places((path,)),
        _numbers(path, table, "score"),
        _numbers(path, table, "tube") if is_tubes else None,
        _numbers(path, table, "frame_score") if inner else None,
    )


def _videos(path: Path, table: pa.Table, header: Header) -> tuple[tuple[str, ...], Array]:
    kind = table["video"].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise ValueError(f"{path}, column video: {kind} instead of text; videos are named")
    names, video_N = video_column(path, table, header.videos)
    if None in names:
        raise ValueError(f"{path}, column video, row {int(np.argmax(video_N == names.index(None)))}: no name")
    return names, video_N


def _numbers(path: Path, table: pa.Table, name: str) -> Array:
    """A column of numbers, none missing, as int64, float32 or float64."""
    kind = table[name].type
    if pa.types.is_integer(kind):
        return column(path, table, name, np.dtype(np.int64))
    if not pa.types.is_floating(kind):
        raise ValueError(f"{path}, column {name}: {kind} instead of numbers")
    return column(path, table, name, np.dtype(np.float32 if kind == pa.float32() else np.float64))


def _joined(found: list[Content]) -> Content:
    """One content of a file of detections and a file of tubes, or of either alone."""
    detections = next((content.detections for content in found if content.detections is not None), None)
    tubes = next((content.tubes for content in found if content.tubes is not None), None)
    return Content(detections, tubes, found[0].videos)


def _of_parts(folder: Path) -> Content:
    """The detections in the parts that a run's prediction leaves."""
    rows = read_parts(folder)
    places = Places((folder,), word="row of all parts")
    table = Table(rows.videos, rows.video, rows.frame, rows.label, rows.boxes_N4, places, rows.score)
    return Content(table, None, rows.videos)


def _check_truth(path: Path, truth: GroundTruth) -> None:
    """Raise ValueError for boxes and spans that cannot be."""
    boxes = truth.boxes
    order = np.lexsort((boxes.frame, boxes.tube))
    twice = np.zeros(len(boxes), bool)
    twice[order[1:]] = (np.diff(boxes.tube[order]) == 0) & (np.diff(boxes.frame[order]) == 0)
    for said, bad in {
        "an inverted box (x2 < x1 or y2 < y1)": (boxes.boxes_N4[:, 2:] < boxes.boxes_N4[:, :2]).any(axis=1),
        "no frame that can be": (boxes.frame < 0) | (boxes.frame >= MOST_FRAMES),
        "two boxes in one frame": twice,
    }.items():
        if bad.any():
            row = int(np.argmax(bad))
            where = f"tube {boxes.tube[row]} of {boxes.videos[boxes.video[row]]}, frame {boxes.frame[row]}"
            raise ValueError(f"{path}: {where}: {said}; mend the annotation")
    empty = truth.tubes.end <= truth.tubes.start
    if empty.any():
        raise ValueError(f"{path}: tube {truth.tubes.tube[int(np.argmax(empty))]} ends before it begins")
