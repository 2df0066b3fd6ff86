"""The annotation of UCF101-24 as Singh et al. (ICCV 2017) give it for Python and for MATLAB.

Both hold for every video its number of frames and its tubes: first and last frame, class, and a box for every
frame, xywh in pixels at 320x240 with a 1-based corner. ``pyannot.pkl`` counts frames and classes from 0 and
its end is the frame after the last; ``finalAnnots.mat`` counts from 1 and its end is the last. Otherwise the
two are equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.annotation import Annotated, Tube, field, table, whole
from datasets.errors import DataError
from datasets.files import check_name, load_plain
from datasets.matlab import load_mat

WIDTH, HEIGHT, FPS = 320, 240, 25.0


@dataclass(frozen=True)
class Source:
    """An annotation file: its videos in the order of their names, and tubes by the number type of boxes."""

    path: Path
    videos: dict[str, Annotated]
    types: Counter[str]

    def classes(self) -> tuple[str, ...]:
        """Class folders in the order of labels. Raises DataError where a label has two folders or none."""
        found: dict[int, str] = {}
        for name, video in self.videos.items():
            for tube in video.tubes:
                folder = name.split("/")[0]
                if found.setdefault(tube.label, folder) != folder:
                    raise DataError(
                        f"{self.path}: {name} has a tube of label {tube.label}, as {found[tube.label]} has"
                    )
        if sorted(found) != list(range(len(found))) or len(set(found.values())) != len(found):
            raise DataError(f"{self.path}: labels and class folders do not match: {found!s:.200}")
        return tuple(found[label] for label in range(len(found)))


def read_pyannot(path: Path) -> Source:
    """``pyannot.pkl``: a dict video -> ``numf``, ``annotations`` [``label``, ``sf``, ``ef``, ``boxes``]."""
    data = load_plain(path)
    if type(data) is not dict or not data:
        raise DataError(f"{path}: holds no dict of videos")
    types: Counter[str] = Counter()

    def tubes(video: Any, where: str) -> Iterator[Tube]:
        listed = field(video, "annotations", where)
        if type(listed) is not list:
            raise DataError(f"{where}: annotations are no list")
        for entry in listed:
            label, start, end = (
                whole(field(entry, key, where), f"{where}: {key}") for key in ("label", "sf", "ef")
            )
            boxes = field(entry, "boxes", where)
            yield _tube(boxes, where, label, start, end)
            types[boxes.dtype.name] += 1

    videos = {}
    for name in sorted(check_name(name, path) for name in data):
        where = f"{path}: {name}"
        frames = whole(field(data[name], "numf", where), f"{where}: numf")
        videos[name] = _video(name, frames, tuple(tubes(data[name], where)))
    return Source(path, videos, types)


def read_final_annots(path: Path) -> Source:
    """``finalAnnots.mat``: structs ``annot`` of ``num_imgs``, ``name``, ``tubes`` [``class sf ef boxes``]."""
    videos, types = {}, Counter[str]()
    for entry in _structs(load_mat(path, "annot"), ("num_imgs", "name", "tubes"), f"{path}: annot"):
        name = check_name(_single(entry["name"], f"{path}: a name"), path)
        where = f"{path}: {name}"
        if name in videos:
            raise DataError(f"{where} is there twice")
        tubes = []
        for one in _structs(entry["tubes"], ("class", "sf", "ef", "boxes"), f"{where}: tubes"):
            label, start, end = (
                whole(_single(one[key], f"{where}: {key}"), f"{where}: {key}")
                for key in ("class", "sf", "ef")
            )
            tubes.append(_tube(one["boxes"], where, label - 1, start - 1, end))
            types[one["boxes"].dtype.name] += 1
        frames = whole(_single(entry["num_imgs"], f"{where}: num_imgs"), f"{where}: num_imgs")
        videos[name] = _video(name, frames, tuple(tubes))
    return Source(path, dict(sorted(videos.items())), types)


def _tube(boxes: Any, where: str, label: int, start: int, end: int) -> Tube:
    """Corners of xywh boxes, cast first, as sums of uint8 overflow. There must be one for every frame."""
    boxes_N4 = table(boxes, f"{where}: boxes", 4).astype(np.float32)
    if label < 0 or start < 0 or end - start != len(boxes_N4):
        raise DataError(f"{where}: a tube of frames {start} to {end} has {len(boxes_N4)} boxes")
    x, y, w, h = boxes_N4.T
    corners_N4 = np.stack([x - 1, y - 1, x - 1 + w, y - 1 + h], axis=1)
    return Tube(label, start, end, np.arange(start, end, dtype=np.int32), corners_N4)


def _video(name: str, frames: int, tubes: tuple[Tube, ...]) -> Annotated:
    return Annotated(frames, WIDTH, HEIGHT, FPS, source_group(name), tubes)


def source_group(name: str) -> str:
    """``Class/gXX`` of ``Class/v_Class_gXX_cYY``; the video's own name where it has no such form."""
    match = re.fullmatch(r"([^/]+)/v_.*_(g\d+)_c\d+", name)
    return f"{match[1]}/{match[2]}" if match else name


def _structs(value: Any, fields: tuple[str, ...], what: str) -> Iterator[Any]:
    """The entries of a MATLAB struct array that has all these fields."""
    if not isinstance(value, np.ndarray) or not set(fields) <= set(value.dtype.names or ()):
        raise DataError(f"{what} is no struct with {', '.join(fields)}")
    yield from value.ravel()


def _single(value: Any, what: str) -> Any:
    """The one number or text in a MATLAB array."""
    if not isinstance(value, np.ndarray) or value.size != 1 or value.dtype.kind not in "iufU":
        raise DataError(f"{what} is not a single number or text")
    one = value.reshape(-1)[0]
    if isinstance(one, np.str_):
        return str(one)
    return int(one) if float(one).is_integer() else one
