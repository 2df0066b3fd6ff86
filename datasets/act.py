"""The ground-truth pickle of the ACT detector (Kalogeiton et al., ICCV 2017), which many others took over.

A dict: ``labels``; ``gttubes`` video -> label -> list of float arrays, rows [frame (1-based), x1, y1, x2,
y2]; ``nframes`` video -> length; ``resolution`` video -> (height, width); ``train_videos`` and
``test_videos``, lists of names, one list a split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.annotation import Annotated, Tube, field, table, whole
from datasets.base import DataError, Split
from datasets.files import check_name, load_plain


@dataclass(frozen=True)
class ActFile:
    """A file of that layout; videos in the order of their names. ``splits`` may lack the last ones."""

    path: Path
    classes: tuple[str, ...]
    videos: dict[str, Annotated]
    splits: tuple[Split, ...]

    def split(self, number: int) -> Split:
        """Split 1, 2 ... Raises DataError for one that the file lacks."""
        if number > len(self.splits):
            raise DataError(f"{self.path}: holds no split {number}; it has {len(self.splits)}")
        return self.splits[number - 1]


def read_act(path: Path, fps: float, group: Callable[[str], str]) -> ActFile:
    """The content of such a file, checked; boxes as they stand, frames from 0. Raises DataError."""
    data = load_plain(path)
    labels = field(data, "labels", str(path))
    if type(labels) is not list or not labels or any(not isinstance(label, str) for label in labels):
        raise DataError(f"{path}: labels are no list of names")
    videos = {}
    for name, by_label in sorted(_tubes(data, path).items()):
        where = f"{path}: {check_name(name, path)}"
        frames = whole(
            field(field(data, "nframes", str(path)), name, f"{where}: nframes"), f"{where}: nframes"
        )
        size = field(field(data, "resolution", str(path)), name, f"{where}: resolution")
        if type(size) not in (tuple, list) or len(size) != 2:
            raise DataError(f"{where}: resolution is no pair of height and width")
        height, width = (whole(side, f"{where}: resolution", 1) for side in size)
        tubes = tuple(_tube(rows, label, len(labels), where) for label, every in by_label for rows in every)
        videos[name] = Annotated(frames, width, height, fps, group(name), tubes)
    return ActFile(path, tuple(str(label) for label in labels), videos, _splits(data, path))


def _tubes(data: Any, path: Path) -> dict[str, list[tuple[Any, list[Any]]]]:
    tubes = field(data, "gttubes", str(path))
    if type(tubes) is not dict or any(type(by_label) is not dict for by_label in tubes.values()):
        raise DataError(f"{path}: gttubes is no dict of videos and labels")
    if any(type(every) is not list for by_label in tubes.values() for every in by_label.values()):
        raise DataError(f"{path}: gttubes of a label are no list")
    if any(not isinstance(name, str) for name in tubes):
        raise DataError(f"{path}: a video's name is no text")
    return {name: list(by_label.items()) for name, by_label in tubes.items()}


def _tube(rows: Any, label: Any, classes: int, where: str) -> Tube:
    """Rows must be those of rising whole frames from 1, the label one of the classes."""
    rows_N5 = table(rows, f"{where}: a tube", 5)
    frame_N = rows_N5[:, 0]
    if frame_N[0] < 1 or (frame_N != np.rint(frame_N)).any():
        raise DataError(f"{where}: frames of a tube must be whole, and at least 1")
    if (np.diff(frame_N) <= 0).any():
        raise DataError(f"{where}: frames of a tube must rise")
    start, end = whole(int(frame_N[0]), f"{where}: a frame") - 1, whole(int(frame_N[-1]), f"{where}: a frame")
    label = whole(label, f"{where}: a label", 0, classes - 1)
    return Tube(label, start, end, frame_N.astype(np.int32) - 1, rows_N5[:, 1:].astype(np.float32))


def _splits(data: Any, path: Path) -> tuple[Split, ...]:
    parts = []
    for part in ("train_videos", "test_videos"):
        lists = field(data, part, str(path))
        if type(lists) is not list or any(type(names) is not list for names in lists):
            raise DataError(f"{path}: {part} is no list of lists")
        parts.append([tuple(check_name(name, path) for name in names) for names in lists])
    return tuple(Split.of(train, test, path) for train, test in zip(*parts))
