"""Where the second that AVA annotates lies in the files that somebody has.

AVA annotates seconds 902 to 1798 of movies. People keep the whole movies, or the usual cut from second 900 to
1801, whose beginning is then 0, as files or as frames taken 30 a second; or one-second segments, named by
their second, of which the middle frame is the annotated one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bench.interop.ava import MILLISECONDS, SIDE
from bench.keys import pair_keys, split_keys
from bench.records import Array, Detections, GroundTruth, VideoTable
from datasets.errors import DataError
from datasets.probe import Probe, probe

Layout = Literal["whole movies", "900-1800 s cuts", "one-second segments"]
START: dict[Layout, float] = {"whole movies": 0.0, "900-1800 s cuts": 900.0}
FRAMES_A_SECOND = 30.0
"""Of folders of frames, as everybody extracts them."""


@dataclass(frozen=True)
class Movie:
    """One of AVA's videos as it lies on disk; for segments, ``probe`` is that of one of them."""

    layout: Layout
    probe: Probe


def look_at(path: Path) -> Movie:
    """A movie or its cut, told apart by how long it lasts. Raises DataError for something between."""
    found = probe(path, FRAMES_A_SECOND)
    if found.seconds >= 1790:
        return Movie("whole movies", found)
    if 890 <= found.seconds <= 1000:
        return Movie("900-1800 s cuts", found)
    raise DataError(
        f"{path}: lasts {found.seconds:.0f} s; a whole AVA movie has 1,800 s or more, its cut from 900 to "
        f"1,800 s about 901. Get the file again, or cut it"
    )


def relocate(truth: GroundTruth, movies: Mapping[str, Movie]) -> GroundTruth:
    """Annotation in milliseconds and thousandths, in the frames and pixels of the movies that are there.

    A movie in segments becomes a video ``movie/second`` for each annotated second. Of movies that are not
    there nothing is known; they stay as they are. Source groups are the movies.
    """
    known = [movies.get(name) for name in truth.videos.names]
    cut_V = np.array([movie is not None and movie.layout == "one-second segments" for movie in known])
    boxes, scored = truth.boxes, truth.scored_frames if truth.scored_frames is not None else _NO_FRAMES
    keys = np.unique(
        np.concatenate([_keys(boxes.video, boxes.frame, cut_V), _keys(scored[:, 0], scored[:, 1], cut_V)])
    )
    number_V, millisecond_V = split_keys(keys)
    names = tuple(_name(truth.videos.names[v], ms, bool(cut_V[v])) for v, ms in zip(number_V, millisecond_V))

    def place(video_N: Array, frame_N: Array) -> tuple[Array, Array]:
        found = np.searchsorted(keys, _keys(video_N, frame_N, cut_V))
        return found.astype(np.int32), _frames(known, video_N, frame_N).astype(np.int32)

    def places(frames_S2: Array | None) -> Array | None:
        if frames_S2 is None:
            return None
        listed = frames_S2[np.isin(_keys(frames_S2[:, 0], frames_S2[:, 1], cut_V), keys)]
        return np.stack(place(listed[:, 0], listed[:, 1]), axis=1)

    video_N, frame_N = place(boxes.video, boxes.frame)
    table = _video_table(truth.videos, names, number_V, known)
    scale_V4 = np.column_stack([table.width, table.height, table.width, table.height]) / SIDE
    tubes = replace(truth.tubes, videos=names, video=video_N, start=frame_N, end=frame_N + 1)
    pixels_N4 = boxes.boxes_N4 * scale_V4[video_N]
    moved = replace(boxes, videos=names, video=video_N, frame=frame_N, boxes_N4=pixels_N4)
    return GroundTruth(
        truth.classes, table, tubes, moved, places(truth.scored_frames), places(truth.excluded_frames)
    )


def relocate_detections(found: Detections, table: VideoTable, movies: Mapping[str, Movie]) -> Detections:
    """Detections in milliseconds and thousandths, in the frames and pixels of the videos of ``table``.

    ``table`` is that of the annotation that :func:`relocate` made with the same movies.
    """
    known = [movies.get(name) for name in found.videos]
    position = {name: v for v, name in enumerate(table.names)}
    cut_V = np.array([movie is not None and movie.layout == "one-second segments" for movie in known], bool)
    keys, number_N = np.unique(_keys(found.video, found.frame, cut_V), return_inverse=True)
    names = [_name(found.videos[v], ms, bool(cut_V[v])) for v, ms in zip(*split_keys(keys))]
    video_N = np.array([position.get(name, -1) for name in names], np.int32)[number_N]
    frame_N = _frames(known, found.video, found.frame).astype(np.int32)
    kept = video_N >= 0
    scale_V4 = np.column_stack([table.width, table.height, table.width, table.height]) / SIDE
    return replace(
        found[kept], videos=table.names, video=video_N[kept], frame=frame_N[kept],
        boxes_N4=found.boxes_N4[kept] * scale_V4[video_N[kept]],
    )  # fmt: skip


def _name(movie: str, millisecond: int, is_cut: bool) -> str:
    return f"{movie}/{millisecond // MILLISECONDS:04d}" if is_cut else movie


_NO_FRAMES: Array = np.zeros((0, 2), np.int32)


def _keys(video_N: Array, frame_N: Array, cut_V: Array) -> Array:
    """One int64 a video, in segments one a (video, millisecond)."""
    return pair_keys(video_N, np.where(cut_V[video_N], frame_N, 0))


def _frames(known: Sequence[Movie | None], video_N: Array, millisecond_N: Array) -> Array:
    """The frame of each annotated second in its file, int64 [N]."""
    frame_N = millisecond_N.astype(np.int64)
    for number in np.unique(video_N):
        movie = known[number]
        if movie is None:
            continue
        rows = video_N == number
        if movie.layout == "one-second segments":
            frame_N[rows] = movie.probe.frames // 2
        else:
            frame_N[rows] = movie.probe.frame_at(frame_N[rows] / MILLISECONDS - START[movie.layout])
    return frame_N


def _video_table(
    table: VideoTable, names: tuple[str, ...], number_V: Array, known: Sequence[Movie | None]
) -> VideoTable:
    """Of the videos ``names``, each made of video ``number_V`` of ``table``."""
    rows_V4 = np.array([
        (movie.probe.frames, movie.probe.width, movie.probe.height, movie.probe.fps)
        if (movie := known[v]) is not None
        else (table.frames[v], table.width[v], table.height[v], table.fps[v])
        for v in number_V
    ]).reshape(-1, 4)  # fmt: skip
    frames, width, height, fps = rows_V4.T
    return VideoTable(names, frames, width, height, fps, tuple(table.names[v] for v in number_V))
