"""``daly1.1.0.pkl``, DALY's annotation, a dict that Python 2 wrote.

``labels``; ``splits``, whose first entry lists the test videos; ``metadata`` video -> ``fps``, ``duration``
in seconds, where it is known ``nbframes_ffmpeg``, and ``width`` and ``height`` or ``size`` (width, height);
``annot`` video -> ``annot`` -> action -> instances, each with ``beginTime`` and ``endTime`` in seconds,
``flags`` and ``keyframes``, each of these with its ``time`` and ``boundingBox``, rows x1, y1, x2, y2 as
shares of width and height.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.records import Array
from datasets.annotation import MOST_FRAMES, Annotated, Tube, field, table, whole
from datasets.errors import DataError
from datasets.files import check_name, load_plain
from datasets.probe import Probe, probe

UNKNOWN_SIDE = 1000
"""Width and height of a video where neither annotation nor file tells them: overlaps stay the same."""
DIFFICULT = ("isReflection", "isAmbiguous")
"""Flags of instances that DALY's own evaluation passes over."""

Find = Callable[[str], Path | None]


@dataclass(frozen=True)
class DalyFile:
    """The content of the file: classes in label order, videos in the order of names, the test videos, and how
    often there was what :meth:`datasets.daly.Daly.quirks` tells."""

    path: Path
    classes: tuple[str, ...]
    videos: dict[str, Annotated]
    test: tuple[str, ...]
    odd: Counter[str]


def read_daly(path: Path, find: Find) -> DalyFile:
    """Read it. ``find`` gives the file of a video, for sizes that are not annotated. Raises DataError."""
    data = load_plain(path)
    classes = _names(field(data, "labels", str(path)), f"{path}: labels")
    splits = field(data, "splits", str(path))
    if type(splits) is not list or not splits:
        raise DataError(f"{path}: splits are no list")
    test = tuple(check_name(name, path) for name in _names(splits[0], f"{path}: splits"))
    annot, odd = field(data, "annot", str(path)), Counter[str]()
    if type(annot) is not dict:
        raise DataError(f"{path}: annot is no dict of videos")
    videos = {}
    for name in sorted(check_name(name, path) for name in annot):
        where = f"{path}: {name}"
        timing = _timing(
            field(field(data, "metadata", str(path)), name, f"{where}: metadata"), where, name, find, odd
        )
        instances = _instances(annot[name], classes, where)
        tubes = tuple(_tube(entry, label, timing, where, odd) for label, entry in instances)
        videos[name] = Annotated(timing.frames, timing.width, timing.height, timing.fps, name, tubes)
    unknown = set(test) - set(videos)
    if unknown:
        raise DataError(f"{path}: the test video {min(unknown)} is not annotated")
    return DalyFile(path, classes, videos, test, odd)


def _names(value: Any, what: str) -> tuple[str, ...]:
    if type(value) is not list or not value or any(not isinstance(name, str) for name in value):
        raise DataError(f"{what} are no list of names")
    return tuple(str(name) for name in value)


def _timing(metadata: Any, where: str, name: str, find: Find, odd: Counter[str]) -> Probe:
    """By the annotation where it tells the size, else by the video's file, else with no known size."""
    fps = _number(metadata, "fps", where, 0.1, 1000.0)
    if "nbframes_ffmpeg" in metadata:
        frames = whole(metadata["nbframes_ffmpeg"], f"{where}: nbframes_ffmpeg", 1)
    else:
        frames = round(_number(metadata, "duration", where, 0.0, MOST_FRAMES / fps) * fps)
    size = metadata.get("size", (metadata.get("width"), metadata.get("height")))
    if type(size) in (tuple, list) and len(size) == 2 and all(side is not None for side in size):
        width, height = (whole(side, f"{where}: its size", 1) for side in size)
        return Probe(width, height, fps, frames)
    path = find(name)
    if path is not None:
        return probe(path, fps)
    odd["videos of unknown size"] += 1
    return Probe(UNKNOWN_SIDE, UNKNOWN_SIDE, fps, frames)


def _number(content: Any, name: str, where: str, least: float, most: float) -> float:
    value = field(content, name, where)
    if not isinstance(value, (int, float, np.integer, np.floating)) or not least <= value <= most:
        raise DataError(f"{where}: {name} is no number from {least:g} to {most:g}")
    return float(value)


def _instances(content: Any, classes: tuple[str, ...], where: str) -> list[tuple[int, Any]]:
    """(label, instance) of a video."""
    by_action = field(content, "annot", where)
    if type(by_action) is not dict or any(type(listed) is not list for listed in by_action.values()):
        raise DataError(f"{where}: annot is no dict of lists of instances")
    unknown = [action for action in by_action if action not in classes]
    if unknown:
        raise DataError(f"{where}: the action {unknown[0]!r:.80} is none of {', '.join(classes)!s:.300}")
    return [(label, entry) for label, action in enumerate(classes) for entry in by_action.get(action, ())]


def _tube(instance: Any, label: int, timing: Probe, where: str, odd: Counter[str]) -> Tube:
    """An instance. The frame nearest to its end is its last; the span is kept within the video."""
    most = MOST_FRAMES / timing.fps
    begin, end = (_number(instance, key, where, 0.0, most) for key in ("beginTime", "endTime"))
    if end < begin:
        raise DataError(f"{where}: an instance ends at {end:g} s, before it begins at {begin:g} s")
    first, last = timing.frame_at([begin, end])
    odd["spans that end after their video"] += int(last >= timing.frames)
    last = max(min(last, timing.frames - 1), 0)
    frame_N, boxes_N4 = _keyframes(instance, timing, where, odd)
    odd["key-frames outside their span"] += int(np.count_nonzero((frame_N < first) | (frame_N > last)))
    odd["instances without a key-frame"] += int(not len(frame_N))
    flags = instance.get("flags", {})
    passed = type(flags) is dict and any(_is_set(flags.get(flag)) for flag in DIFFICULT)
    odd["difficult instances"] += int(passed)
    first = min(first, last)
    return Tube(label, int(first), int(last) + 1, frame_N, boxes_N4, passed or not len(frame_N))


def _is_set(flag: Any) -> bool:
    return isinstance(flag, (bool, int, np.bool, np.integer)) and bool(flag)


def _keyframes(instance: Any, timing: Probe, where: str, odd: Counter[str]) -> tuple[Array, Array]:
    """(frame_N rising, float32 boxes_N4 in pixels); of two key-frames nearest to one frame the first."""
    listed = field(instance, "keyframes", where)
    if type(listed) is not list:
        raise DataError(f"{where}: keyframes are no list")
    found: dict[int, Array] = {}
    for keyframe in listed:
        time = _number(keyframe, "time", where, 0.0, MOST_FRAMES / timing.fps)
        box = field(keyframe, "boundingBox", where)
        if isinstance(box, np.ndarray) and box.ndim == 1:
            box = box[None]
        rows_N4 = table(box, f"{where}: boundingBox", 4)
        if np.abs(rows_N4).max() > 10:
            raise DataError(f"{where}: the box at {time:g} s is not of shares of width and height")
        odd["key-frames with more than one box"] += int(len(rows_N4) > 1)
        frame = int(timing.frame_at(time))
        odd["key-frames on the frame of another"] += int(frame in found)
        found.setdefault(frame, rows_N4[0])
    frames = sorted(found)
    size = np.array([timing.width, timing.height] * 2)
    boxes_N4 = np.array([found[frame] * size for frame in frames], np.float32).reshape(-1, 4)
    return np.array(frames, np.int64), boxes_N4
