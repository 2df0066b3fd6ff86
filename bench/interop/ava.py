"""AVA: ground truth, predictions, excluded timestamps and label maps, as its evaluation scripts read them.

**Classes.** ``GroundTruth.classes`` are the classes that are evaluated, by default 60 of AVA's 80, in the
order of their ids. Rows of other actions are left out when the files are read, so that labels, results and
reports know of none that is not scored. What such rows tell all the same, that their frame was annotated, is
kept in ``GroundTruth.scored_frames``.

**Frames.** A timestamp is the frame nearest to it: the files know neither frame rates nor sizes, so a table
of the videos can be given. Without one, frames are numbered in milliseconds and every frame is 1000 x 1000
pixels: all that scoring needs, as AVA's evaluators measure in shares of the frame.

Boxes become pixels by the video's size. The evaluators' own coordinates are found again exactly, see
:class:`bench.protocol.FrameRules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.interop.ava_classes import EVALUATED
from bench.interop.ava_csv import Layout, Rows, read_frames, read_rows
from bench.names import near
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, VideoTable

MILLISECONDS = 1000
SIDE = 1000
"""Frames a second, and width and height, of videos of which nothing is known."""


def read_label_map(path: Path) -> dict[int, str]:
    """Action ids and names of a ``.pbtxt`` label map, by id. Raises ValueError for none, or an id twice."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = [
        (int(number[1]), name[1])
        for block in re.findall(r"\{([^{}]*)\}", text)
        if (number := re.search(r"\b(?:label_)?id:\s*(\d{1,6})\b", block))
        and (name := re.search(r'\bname:\s*"([^"]*)"', block))
    ]
    ids = [number for number, _ in found]
    if not ids or len(set(ids)) < len(ids):
        what = "one action id twice" if ids else 'no blocks such as item { name: "stand" id: 12 }'
        raise ValueError(f"{path} has {what}; give AVA's action list as it is distributed")
    return dict(sorted(found))


def read_truth(
    path: Path,
    classes: Mapping[int, str] = EVALUATED,
    excluded: Path | None = None,
    videos: VideoTable | None = None,
    start: float = 0.0,
) -> GroundTruth:
    """Annotation of a CSV file; every box is a tube of one frame.

    classes: action id to name, those that are evaluated. excluded: file of timestamps not to be trusted.
    videos: frame rates and sizes, for at least all videos of the file. start: the time at which the videos
    begin, 900 for the usual cut of AVA's movies. Raises ValueError naming file and row of what is wrong.
    """
    rows, layout = read_rows(path, scored=False)
    table = _table_of(rows) if videos is None else videos
    video_N, frame_N = _frames(rows, layout, table, start)
    bare_S2 = _listed(rows.bare, table, start)
    taken, label_N = _labels(rows.action_N, classes)
    video, number = video_N[taken], np.arange(len(taken))
    tubes = TruthTubes(table.names, video, number, label_N, frame_N[taken], frame_N[taken] + 1,
                       np.zeros(len(taken), bool))  # fmt: skip
    boxes = TruthBoxes(
        table.names, video, number, frame_N[taken], _pixels(rows.boxes_N4[taken], video, table)
    )
    scored = np.unique(np.concatenate([np.stack([video_N, frame_N], axis=1), bare_S2]), axis=0)
    untrusted = None if excluded is None else _excluded(excluded, table, start)
    return GroundTruth(_names(classes), table, tubes, boxes, scored.astype(np.int32), untrusted)


def read_detections(
    path: Path, truth: GroundTruth, classes: Mapping[int, str] = EVALUATED, start: float = 0.0
) -> Detections:
    """Predictions of a CSV file over the videos of the truth, in the file's order.

    ``classes`` and ``start`` as the truth was read with. Neighbouring rows of one frame with the same
    coordinates are labels of one box. Raises ValueError naming file and row of what is wrong.
    """
    if _names(classes) != truth.classes:
        raise ValueError("the classes are not those of the ground truth; read both with one label map")
    rows, layout = read_rows(path, scored=True)
    video_N, frame_N = _frames(rows, layout, truth.videos, start)
    taken, label_N = _labels(rows.action_N, classes)
    if len(rows.action_N) and not len(taken):
        raise ValueError(f"{path} has no row of an evaluated action ({min(classes)} to {max(classes)})")
    video, frame, boxes_N4 = video_N[taken], frame_N[taken], rows.boxes_N4[taken]
    place = np.column_stack([video, frame, boxes_N4])
    number = np.cumsum((np.diff(place, axis=0, prepend=-2) != 0).any(axis=1)) - 1
    pixels = _pixels(boxes_N4, video, truth.videos)
    return Detections(truth.videos.names, video, frame, number, pixels, label_N, rows.score_N[taken])


def _table_of(rows: Rows) -> VideoTable:
    """A table of the videos of some rows, of which no more is known."""
    names = tuple(dict.fromkeys([*rows.videos, *(name for name, _ in rows.bare)]))
    one = np.ones(len(names))
    last = max([float(rows.seconds_N.max(initial=0)), *(time for _, time in rows.bare)]) * MILLISECONDS
    return VideoTable(names, one * (round(last) + 1), one * SIDE, one * SIDE, one * MILLISECONDS, names)


def _frames(rows: Rows, layout: Layout, table: VideoTable, start: float) -> tuple[Array, Array]:
    """Position in the table and frame of each row."""
    position = {name: i for i, name in enumerate(table.names)}
    unknown = [name for name in [*rows.videos, *(name for name, _ in rows.bare)] if name not in position]
    if unknown:
        said = f"video {unknown[0]!r} is none of the {len(position)} known ones; {near(unknown[0], position)}"
        layout.refuse(lambda row: said if row[0] == unknown[0] else "")
    if min([float(rows.seconds_N.min(initial=start)), *(time for _, time in rows.bare)]) < start:
        said = f"the timestamp lies before {start:g} s, where the videos begin; give another start"
        layout.refuse(lambda row: said if float(row[1]) < start else "")
    video_N = np.array([position[name] for name in rows.videos], np.int64)[rows.video_N]
    return video_N, _nearest(rows.seconds_N, table.fps[video_N], start)


def _nearest(seconds_N: Array, fps_N: Array, start: float) -> Array:
    """The frame that is nearest to each time."""
    return np.rint((seconds_N - start) * fps_N.astype(np.float64)).astype(np.int64)


def _listed(frames: list[tuple[str, float]], table: VideoTable, start: float) -> Array:
    """(video, frame) of those in videos that the table has, int64 [S, 2]."""
    position = {name: i for i, name in enumerate(table.names)}
    known = [(position[name], time) for name, time in frames if name in position]
    video = np.array([number for number, _ in known], np.int64)
    seconds = np.array([time for _, time in known])
    return np.stack([video, _nearest(seconds, table.fps[video], start)], axis=1)


def _excluded(path: Path, table: VideoTable, start: float) -> Array:
    """The (video, frame) pairs of a file, those of the videos that there are, int32 [S, 2]."""
    listed = read_frames(path)
    found = _listed(listed, table, start)
    if listed and not len(found):
        name = listed[0][0]
        raise ValueError(f"{path} names none of the videos, its first is {name!r}; {near(name, table.names)}")
    return np.unique(found, axis=0).astype(np.int32)


def _names(classes: Mapping[int, str]) -> tuple[str, ...]:
    """Names in label order, which is that of the ids."""
    return tuple(classes[number] for number in sorted(classes))


def _labels(action_N: Array, classes: Mapping[int, str]) -> tuple[Array, Array]:
    """Rows of the evaluated actions, and their labels: positions among the ids, sorted."""
    ids = np.array(sorted(classes))
    label_N = np.searchsorted(ids, action_N)
    taken = np.flatnonzero(ids[np.minimum(label_N, len(ids) - 1)] == action_N)
    return taken, label_N[taken]


def _pixels(boxes_N4: Array, video_N: Array, table: VideoTable) -> Array:
    """Edges in pixels of the frame."""
    return boxes_N4 * np.column_stack([table.width, table.height] * 2)[video_N]
