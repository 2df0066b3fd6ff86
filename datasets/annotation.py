"""From what an annotation file says of each video to the suite's ground truth; readers share the checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.records import Array, GroundTruth, TruthBoxes, TruthTubes, VideoTable
from datasets.errors import DataError

MOST_FRAMES = 20_000_000
"""Of one video: a week at 30 a second. Higher numbers are damage."""
FARTHEST = 1e9
"""No frame and no pixel has such a number."""


@dataclass(frozen=True)
class Tube:
    """One person doing one action in frames ``start`` .. ``end - 1`` (0-based), N of them with a box.

    boxes_N4: corners in pixels of the annotation's frame size, at the frames of ``frame_N``.
    """

    label: int
    start: int
    end: int
    frame_N: Array
    boxes_N4: Array
    difficult: bool = False


@dataclass(frozen=True)
class Annotated:
    """What is known of a video. ``group``: the recording it was cut from."""

    frames: int
    width: int
    height: int
    fps: float
    group: str
    tubes: tuple[Tube, ...]


def ground_truth(classes: tuple[str, ...], videos: Mapping[str, Annotated], where: object) -> GroundTruth:
    """The records of all videos in order, tubes numbered through. DataError, beginning with ``where``, if
    there is no tube."""
    names = tuple(videos)
    tubes = [(v, tube) for v, video in enumerate(videos.values()) for tube in video.tubes]
    if not tubes:
        raise DataError(f"{where}: the annotation holds no tube")
    video_T, number_T = np.array([v for v, _ in tubes], np.int32), np.arange(len(tubes), dtype=np.int32)
    length_T = np.array([len(tube.frame_N) for _, tube in tubes])
    boxes = TruthBoxes(
        names,
        np.repeat(video_T, length_T),
        np.repeat(number_T, length_T),
        np.concatenate([tube.frame_N for _, tube in tubes]),
        np.concatenate([tube.boxes_N4 for _, tube in tubes]),
    )
    label, start, end = (
        np.array([getattr(tube, part) for _, tube in tubes]) for part in ("label", "start", "end")
    )
    difficult = np.array([tube.difficult for _, tube in tubes])
    return GroundTruth(
        classes,
        _video_table(videos),
        TruthTubes(names, video_T, number_T, label, start, end, difficult),
        boxes,
    )


def _video_table(videos: Mapping[str, Annotated]) -> VideoTable:
    every = videos.values()
    return VideoTable(
        tuple(videos),
        np.array([video.frames for video in every]),
        np.array([video.width for video in every]),
        np.array([video.height for video in every]),
        np.array([video.fps for video in every]),
        tuple(video.group for video in every),
    )


def whole(value: Any, what: str, least: int = 0, most: int = MOST_FRAMES) -> int:
    """A number of a file as an int. Raises DataError, beginning with ``what``, if it is none or too large."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise DataError(f"{what} is {type(value).__name__}, not a whole number")
    if not least <= value <= most:
        raise DataError(f"{what} is not from {least} to {most}")
    return int(value)


def table(value: Any, what: str, columns: int) -> Array:
    """An array of a file as float64 [N, columns], N > 0, finite. DataError, beginning with ``what``."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf":
        raise DataError(f"{what} is {type(value).__name__}, not an array of numbers")
    if value.ndim != 2 or value.shape[1] != columns or not len(value):
        raise DataError(f"{what} is an array of shape {value.shape}, not of rows of {columns} numbers")
    if not (np.abs(value.astype(np.float64)) < FARTHEST).all():
        raise DataError(f"{what} holds a number that is no place in a video or a picture")
    return value.astype(np.float64)


def field(value: Any, name: str, where: str) -> Any:
    """An entry of a dict. Raises DataError, beginning with ``where``, if it is none or lacks the entry."""
    if type(value) is not dict or name not in value:
        raise DataError(f"{where}: lacks {name!r}; get the file again from its official source")
    return value[name]
