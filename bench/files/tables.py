"""Detections, tubelets, tubes and ground truth as Parquet files.

Columns are those of the dataclasses in :mod:`bench.records`, boxes as ``x1 y1 x2 y2``, ``video`` and
``stream`` by name; an optional column is present or absent as a whole. The schema's key-value metadata
holds under ``bench`` a JSON object: format version, kind, all videos (those without rows too) and free facts.
``docs/predictions-schema.md`` describes the files for other programs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.files.headers import Header
from bench.files.parquet import (
    column,
    corners,
    load,
    names_array,
    read_header,
    read_rows,
    texts,
    video_column,
    write_rows,
    write_table,
)
from bench.files.store import digest
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, Tubelets, Tubes, VideoTable

PART = "part-{:05d}.parquet"
FRAME_LISTS = ("scored_frames", "excluded_frames")
"""Optional tables of ground truth, (video, frame) each."""


def write_detections(path: Path, detections: Detections, metadata: Mapping[str, Any]) -> None:
    """Write detections and the free facts about them. Raises ValueError for NaN or infinite values."""
    write_rows(path, detections, metadata)


def read_detections(path: Path) -> Detections:
    """Detections of a file. Raises ValueError naming file, column and row of what is wrong."""
    return read_rows(path, Detections)


def write_tubelets(path: Path, tubelets: Tubelets, metadata: Mapping[str, Any]) -> None:
    """As :func:`write_detections`; ``x1 y1 x2 y2`` are lists of K numbers."""
    write_rows(path, tubelets, metadata)


def read_tubelets(path: Path) -> Tubelets:
    """As :func:`read_detections`."""
    return read_rows(path, Tubelets)


def write_tubes(path: Path, tubes: Tubes, metadata: Mapping[str, Any]) -> None:
    """As :func:`write_detections`."""
    write_rows(path, tubes, metadata)


def read_tubes(path: Path) -> Tubes:
    """As :func:`read_detections`."""
    return read_rows(path, Tubes)


def read_metadata(path: Path) -> dict[str, Any]:
    """The free facts of a file; empty where another program wrote it."""
    return read_header(path).facts


def write_part(folder: Path, number: int, detections: Detections, metadata: Mapping[str, Any]) -> None:
    """Close a part: the predictions of its ``detections.videos``.

    A video too long for one part goes on in the next: ``metadata["continues"] = {video: next frame}``.
    Its boxes are numbered on from part to part.
    """
    write_rows(folder / PART.format(number), detections, metadata)


def read_parts(folder: Path) -> Detections:
    """The rows of all parts, by number; videos in order of first appearance."""
    return Detections.concat([read_detections(path) for path in _parts(folder).values()])


def next_part(folder: Path, rank: int = 0, world: int = 1) -> int:
    """The number of the next part: above all there are, and for each of ``world`` processes another one."""
    free = max(_parts(folder), default=-1) + 1
    return free + (rank - free) % world


def videos_done(folder: Path) -> tuple[str, ...]:
    """Videos whose predictions are complete."""
    open_ = videos_continuing(folder)
    names = [name for path in _parts(folder).values() for name in read_header(path).videos or ()]
    return tuple(name for name in dict.fromkeys(names) if name not in open_)


def videos_continuing(folder: Path) -> dict[str, int]:
    """Videos that parts have begun and not ended, with the first frame still to be predicted."""
    following: dict[str, int] = {}
    for path in _parts(folder).values():
        header = read_header(path)
        following = {name: frame for name, frame in following.items() if name not in (header.videos or ())}
        following |= header.facts.get("continues", {})
    return following


def _parts(folder: Path) -> dict[int, Path]:
    numbered = {
        int(m[1]): p
        for p in folder.glob("part-*.parquet")
        if (m := re.fullmatch(r"part-(\d+)\.parquet", p.name))
    }
    return dict(sorted(numbered.items()))


def write_ground_truth(folder: Path, truth: GroundTruth, metadata: Mapping[str, Any] | None = None) -> None:
    """Write ``videos tubes boxes`` and, if there, ``scored_frames``, ``excluded_frames``, as ``.parquet``."""
    facts = {**(metadata or {}), "classes": truth.classes, "set": digest_ground_truth(truth)}
    for name in FRAME_LISTS:
        path, frames_S2 = folder / f"{name}.parquet", getattr(truth, name)
        if frames_S2 is None:
            path.unlink(missing_ok=True)
            continue
        names = names_array(frames_S2[:, 0].astype(np.int32), truth.videos.names)
        columns = {"video": names, "frame": pa.array(frames_S2[:, 1], pa.int32())}
        write_table(path, columns, Header(name, truth.videos.names, facts))
    write_rows(folder / "tubes.parquet", truth.tubes, facts)
    write_rows(folder / "boxes.parquet", truth.boxes, facts)
    table = truth.videos
    columns = {
        "video": pa.array(table.names, pa.string()),
        "frames": pa.array(table.frames),
        "width": pa.array(table.width),
        "height": pa.array(table.height),
        "fps": pa.array(table.fps),
        "group": pa.array(table.group, pa.string()),
    }
    write_table(folder / "videos.parquet", columns, Header("videos", table.names, facts))


def digest_ground_truth(truth: GroundTruth) -> str:
    """Digest of everything in an annotation: classes, videos, tubes, boxes, scored and excluded frames."""
    parts: list[Any] = [truth.classes]
    for table in (truth.videos, truth.tubes, truth.boxes):
        parts += [_digestible(getattr(table, f.name)) for f in fields(table)]
    scored, excluded = (
        None if frames is None else _digestible(frames.astype(np.int32))
        for frames in (truth.scored_frames, truth.excluded_frames)
    )
    return digest([*parts, scored, *([] if excluded is None else [excluded])])


def _digestible(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return [str(value.dtype), value.shape, sha256(little.tobytes()).hexdigest()]


def read_ground_truth(path: Path, classes: Sequence[str] | None = None) -> GroundTruth:
    """The annotation in a folder of tables, or in one file of the short form.

    The short form is one Parquet table ``video tube label frame x1 y1 x2 y2``: a tube spans its first to its
    last box, a video ends with its last box unless the file says how many frames it has, its size is unknown
    (0). ``classes`` are needed there, unless the file has them; they must be its own where it has some.
    Raises ValueError naming what is missing or wrong.
    """
    truth = _read_short_truth(path, classes) if path.is_file() else _read_truth_folder(path)
    outside = np.flatnonzero((truth.tubes.label < 0) | (truth.tubes.label >= len(truth.classes)))
    if len(outside):
        label = truth.tubes.label[outside[0]]
        raise ValueError(f"{path} has a tube of label {label}, but {len(truth.classes)} classes")
    if classes is not None and tuple(classes) != truth.classes:
        raise ValueError(f"{path} has the classes {truth.classes}, not {tuple(classes)}")
    return truth


def _read_truth_folder(folder: Path) -> GroundTruth:
    names = ["videos", "tubes", "boxes"]
    missing = [name for name in names if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise ValueError(f"{folder} is no ground truth: {missing[0]}.parquet is missing")
    lists = [name for name in FRAME_LISTS if (folder / f"{name}.parquet").is_file()]
    names += lists
    sets = {name: read_metadata(folder / f"{name}.parquet").get("set") for name in names}
    if len(set(sets.values())) > 1:
        raise ValueError(f"{folder} mixes tables of different annotations ({sets}); write it again")
    classes = read_metadata(folder / "videos.parquet").get("classes")
    if classes is None:
        raise ValueError(f"{folder / 'videos.parquet'} has no classes in its facts")
    videos = _read_videos(folder / "videos.parquet")
    tubes = read_rows(folder / "tubes.parquet", TruthTubes).with_videos(videos.names)
    boxes = read_rows(folder / "boxes.parquet", TruthBoxes).with_videos(videos.names)
    listed = {name: _read_frames(folder / f"{name}.parquet", videos.names) for name in lists}
    return GroundTruth(tuple(classes), videos, tubes, boxes, **listed)


def _read_videos(path: Path) -> VideoTable:
    table, _ = load(path)
    types = {"frames": "int32", "width": "int32", "height": "int32", "fps": "float32"}
    columns = {name: column(path, table, name, np.dtype(dtype)) for name, dtype in types.items()}
    names, group = texts(path, table, "video"), texts(path, table, "group")
    return VideoTable(tuple(names), **columns, group=tuple(group))


def _read_frames(path: Path, videos: tuple[str, ...]) -> Array:
    table, _ = load(path)
    _, video = video_column(path, table, videos)
    return np.stack([video, column(path, table, "frame", np.dtype("int32"))], axis=1)


def _read_short_truth(path: Path, classes: Sequence[str] | None) -> GroundTruth:
    table, header = load(path)
    classes = classes if classes is not None else header.facts.get("classes")
    if classes is None:
        raise ValueError(f"{path} is short-form ground truth without classes; name them, in label order")
    names, video = video_column(path, table, header.videos)
    rows = pd.DataFrame({"video": video, "row": np.arange(len(video))})
    for name, dtype in (("tube", "int64"), ("label", "int16"), ("frame", "int32")):
        rows[name] = column(path, table, name, np.dtype(dtype))
    boxes_N4 = corners(path, table)
    rows["key"] = rows.groupby(["video", "tube"], sort=True).ngroup()
    mixed = rows.groupby("key")["label"].nunique().gt(1)
    if mixed.any():
        row = rows[rows["key"] == mixed.idxmax()].iloc[0]
        raise ValueError(
            f"{path}: tube {row['tube']} of video {names[row['video']]} has rows of several labels"
        )
    rows = rows.sort_values(["key", "frame"], kind="stable")
    boxes = TruthBoxes(names, rows["video"].to_numpy(), rows["key"].to_numpy(), rows["frame"].to_numpy(),
                       boxes_N4[rows["row"].to_numpy()])  # fmt: skip
    spans = rows.groupby("key").agg(
        video=("video", "first"), label=("label", "first"), start=("frame", "min"), end=("frame", "max")
    )
    tubes = TruthTubes(
        names,
        spans["video"].to_numpy(),
        spans.index.to_numpy(),
        spans["label"].to_numpy(),
        spans["start"].to_numpy(),
        spans["end"].to_numpy() + 1,
        np.zeros(len(spans), bool),
    )
    known = header.facts.get("frames")
    last = rows.groupby("video")["frame"].max().reindex(range(len(names)), fill_value=-1).to_numpy()
    frames = last + 1 if known is None else np.array([known[name] for name in names])
    unknown = np.zeros(len(names))
    return GroundTruth(
        tuple(classes), VideoTable(names, frames, unknown, unknown, unknown, names), tubes, boxes
    )
