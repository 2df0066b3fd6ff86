"""YOWO's text files, one a frame: the layout of Object-Detection-Metrics, and of UCF101-24's label folders.

``Class_video_00001.txt`` or ``Class/video/00001.txt``, frames 1-based, lines separated by white space:

detections      label (1-based), score, x1, y1, x2, y2      (YOWO ``core/optimization.py``; integers)
ground truth    label (1-based), x1, y1, x2, y2

Coordinates are those of UCF101-24's annotation, whose corner pixel is 1, 1, taken by YOWO as
``x, y, x + w, y + h`` and learnt like that by its network; so 1 is subtracted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np

from bench.interop.base import Content, Format, Look, Places, Role, Shift, Table, Truth, codes, source_group
from bench.interop.rows import to_truth
from bench.records import Array, VideoTable

FIELDS = {"truth": 5, "predictions": 6}
NAME = re.compile(r"(.+)[_/](\d{1,9})\.txt")


class Yowo(Format):
    """Folders of text files."""

    name = "yowo"
    title = "text files of YOWO"
    files: ClassVar[str] = "a folder of CLASS_VIDEO_00001.txt: label score x1 y1 x2 y2; truth without score"
    shift = Shift(frames=-1, boxes=-1.0, labels=-1)

    def recognises(self, look: Look, role: Role) -> bool:
        return look.holds("**/*.txt")

    def truth(self, path: Path, split: str | None) -> Truth:
        """Boxes of single frames; only frames that have a file are annotated. Classes are named by number."""
        table = _read(path, "truth", {})
        if not len(table):
            raise ValueError(f"{path} holds no annotated box; name the folder of ground truth")
        most = np.clip(table.label_N[np.isfinite(table.label_N)].max(initial=1), 1, 2**15)
        classes = [f"class {label}" for label in range(1, int(most) + 1)]
        last_V = np.zeros(len(table.videos))
        np.maximum.at(last_V, table.video_N, table.frame_N)
        unknown = np.zeros(len(table.videos))
        groups = tuple(source_group(name) for name in table.videos)
        videos = VideoTable(table.videos, last_V, unknown, unknown, unknown, groups)
        annotation = to_truth(table, videos, classes, self.shift)
        notes = ("video-mAP does not apply: this truth has boxes of single frames",)
        return Truth(annotation, has_tubes=False, lengths_known=False, notes=notes)

    def content(self, path: Path, truth: Truth) -> Content:
        known = truth.annotation.videos.names
        flat = {name.replace("/", "_"): name for name in (*truth.others, *known)}
        table = _read(path, "predictions", flat)
        return Content(table, None, table.videos)


def _read(folder: Path, role: Role, names: dict[str, str]) -> Table:
    """All lines, by video and frame. ``names``: what a video's name without slashes stands for."""
    files = [(names.get(video, video), frame, path) for video, frame, path in _files(folder)]
    if not files:
        raise ValueError(f"{folder} has no file named like CLASS_VIDEO_00001.txt, by video and frame")
    files.sort(key=lambda file: file[:2])
    lines = [_lines(path, FIELDS[role]) for _, _, path in files]
    videos, video_F = codes([video for video, _, _ in files])
    count_F = [len(of) for of in lines]
    file_N = np.repeat(np.arange(len(files)), count_F)
    rows_N = np.concatenate([of for of in lines if len(of)] or [np.zeros((0, FIELDS[role] + 1))])
    places = Places([path for _, _, path in files], file_N, rows_N[:, 0].astype(np.int64), "line")
    frame_F = np.array([frame for _, frame, _ in files])
    scored = role == "predictions"
    return Table(videos, video_F[file_N], frame_F[file_N], rows_N[:, 1], rows_N[:, -4:], places,
                 rows_N[:, 2] if scored else None, None if scored else np.arange(len(rows_N)))  # fmt: skip


def _files(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """(video without slashes, frame, file) of every file so named. Other text files are passed over."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            match = NAME.fullmatch(path.relative_to(folder).as_posix())
            if match:
                yield match[1].replace("/", "_"), int(match[2]), path


def _lines(path: Path, fields: int) -> Array:
    """Rows [number of the line, its numbers], [N, 1 + fields]. Raises ValueError naming file and line."""
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        numbered = [[number, *row] for number, row in enumerate(rows, 1) if row]
        found = (
            np.array(numbered, np.float64).reshape(-1, 1 + fields) if numbered else np.zeros((0, 1 + fields))
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text ({error}); write it again") from error
    except ValueError:
        _refuse(path, rows, fields)
    if len(found) != len(numbered):
        _refuse(path, rows, fields)
    return found


def _refuse(path: Path, rows: list[list[str]], fields: int) -> NoReturn:
    """Raise ValueError for the first line that is not of so many numbers."""
    what = "label score x1 y1 x2 y2" if fields == 6 else "label x1 y1 x2 y2"
    for number, row in enumerate(rows, 1):
        if row and len(row) != fields:
            raise ValueError(f"{path}, line {number}: {len(row)} fields instead of {what}")
        for text in row:
            try:
                float(text)
            except ValueError:
                raise ValueError(f"{path}, line {number}: {text!r:.40} is no number; wanted {what}") from None
    raise ValueError(f"{path}: not lines of {what}")
