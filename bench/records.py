"""The currency of the suite: frozen dataclasses of parallel numpy arrays.

Conventions, the same everywhere: boxes are ``x1, y1, x2, y2`` float32 in pixels of the annotation's
frame size, origin at the top-left pixel; frames are 0-based indices of decoded frames; labels are
0-based in the protocol's class order; spans are half-open ``[start, end)``; higher scores are better.
Array names carry their shape: ``boxes_N4`` has N rows of 4.

Rows refer to videos by their position in ``videos``, a tuple of names such as ``Class/v_Class_g01_c01``.
How each type lies on disk is written in :mod:`bench.files.tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bench.keys import pair_keys

Array = npt.NDArray

STREAMS = ("rgb", "flow", "fused")
"""Values of ``Detections.stream``, by code."""


def _column(dtype: str, *row: int | None, optional: bool = False) -> Any:
    """A dataclass field for one column: dtype, shape of a row (None = any), whether it may be None."""
    metadata = {"dtype": np.dtype(dtype), "row": row}
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


@dataclass(frozen=True)
class _Rows:
    """Parallel arrays of one length, with the names of the videos they speak of."""

    videos: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "videos", tuple(self.videos))
        length: int | None = None
        for name, spec in self.columns().items():
            value = getattr(self, name)
            if value is None:
                continue
            array = np.ascontiguousarray(value, dtype=spec["dtype"])
            row = spec["row"]
            if array.ndim != 1 + len(row) or any(n not in (None, m) for n, m in zip(row, array.shape[1:])):
                raise ValueError(
                    f"{type(self).__name__}.{name} has shape {array.shape}, expected (N, *{row})"
                )
            if length is not None and len(array) != length:
                raise ValueError(f"{type(self).__name__}.{name} has {len(array)} rows, the others {length}")
            length = len(array)
            object.__setattr__(self, name, array)
        video = getattr(self, "video")  # noqa: B009 - declared by every subclass
        if length and not (video.min() >= 0 and video.max() < len(self.videos)):
            raise ValueError(f"{type(self).__name__}.video points outside its {len(self.videos)} videos")

    @classmethod
    def columns(cls) -> dict[str, dict]:
        """Column name -> ``{"dtype", "row"}`` of every array field; ``row`` is the shape of one row."""
        return {f.name: dict(f.metadata) for f in fields(cls) if "dtype" in f.metadata}

    def __len__(self) -> int:
        return len(getattr(self, "video"))  # noqa: B009

    def __getitem__(self, index: npt.ArrayLike | slice) -> Self:
        """The rows that a slice, an index array or a boolean mask picks, in that order."""
        picked: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[index]
            for name in self.columns()
        }
        return replace(self, **picked)

    @classmethod
    def empty(cls, videos: Iterable[str] = ()) -> Self:
        """No rows; optional columns absent."""
        columns = {
            f.name: np.zeros((0, *(n or 1 for n in f.metadata["row"])), f.metadata["dtype"])
            for f in fields(cls)
            if "dtype" in f.metadata and f.default is not None
        }
        return cls(videos=tuple(videos), **columns)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Rows of all parts in order, videos united by name; an optional column stays if all have it."""
        if not parts:
            return cls.empty()
        names = tuple(dict.fromkeys(name for part in parts for name in part.videos))
        position = {name: i for i, name in enumerate(names)}
        columns: dict[str, Array | None] = {}
        for name in cls.columns():
            values = [getattr(part, name) for part in parts]
            columns[name] = None if any(v is None for v in values) else np.concatenate(values)
        lookups = [np.array([position[n] for n in part.videos], np.int32) for part in parts]
        columns["video"] = np.concatenate(
            [lookup[getattr(part, "video")] for lookup, part in zip(lookups, parts)]  # noqa: B009
        )
        return cls(videos=names, **columns)

    def with_videos(self, videos: Sequence[str]) -> Self:
        """The same rows, numbered by another list of videos that holds all of this one's that have rows."""
        position = {name: i for i, name in enumerate(videos)}
        used = np.unique(getattr(self, "video"))  # noqa: B009
        missing = [self.videos[i] for i in used if self.videos[i] not in position]
        if missing:
            raise ValueError(f"{len(missing)} videos are not in the list, the first {missing[0]!r}")
        lookup = np.array([position.get(name, -1) for name in self.videos], np.int32)
        changed: dict[str, Any] = {"videos": tuple(videos), "video": lookup[getattr(self, "video")]}  # noqa: B009
        return replace(self, **changed)

    def by_video(self) -> Iterator[tuple[str, Self]]:
        """(name, rows) of every video in ``videos``, those without rows too; row order is kept."""
        video = getattr(self, "video")  # noqa: B009
        order = np.argsort(video, kind="stable")
        bounds = np.searchsorted(video[order], np.arange(len(self.videos) + 1))
        for i, name in enumerate(self.videos):
            yield name, self[order[bounds[i] : bounds[i + 1]]]


@dataclass(frozen=True)
class Detections(_Rows):
    """Scored boxes, one row a (box, label).

    ``box`` numbers the box within its video and is shared by all labels of one proposal. Optional columns
    are None where a method has none: ``stream`` (code into :data:`STREAMS`), ``stage``, ``objectness``,
    ``track``, ``tubelet`` (rows with one number are one tubelet), ``actionness``.
    """

    video: Array = _column("int32")
    frame: Array = _column("int32")
    box: Array = _column("int32")
    boxes_N4: Array = _column("float32", 4)
    label: Array = _column("int16")
    score: Array = _column("float32")
    stream: Array | None = _column("int8", optional=True)
    stage: Array | None = _column("int8", optional=True)
    objectness: Array | None = _column("float32", optional=True)
    track: Array | None = _column("int32", optional=True)
    tubelet: Array | None = _column("int32", optional=True)
    actionness: Array | None = _column("float32", optional=True)

    def dense(self, num_classes: int) -> tuple[Self, Array]:
        """One row a box (the first of each) and its scores_NC, absent labels 0."""
        keys = pair_keys(self.video, self.box)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        scores_NC = np.zeros((len(first), num_classes), np.float32)
        scores_NC[inverse, self.label] = self.score
        return self[first], scores_NC


@dataclass(frozen=True)
class Tubelets(_Rows):
    """Scored stacks of K boxes, one row a (tubelet, label): frames ``start`` .. ``start + K - 1``."""

    video: Array = _column("int32")
    start: Array = _column("int32")
    boxes_NK4: Array = _column("float32", None, 4)
    label: Array = _column("int16")
    score: Array = _column("float32")


@dataclass(frozen=True)
class Tubes(_Rows):
    """Action tubes, one row a (tube, frame), rows of one tube together and in frame order.

    ``tube`` numbers tubes over all videos; ``label`` and ``score`` are the tube's and repeat on its rows;
    ``frame_score`` is the score of the box itself.
    """

    video: Array = _column("int32")
    tube: Array = _column("int32")
    label: Array = _column("int16")
    score: Array = _column("float32")
    frame: Array = _column("int32")
    boxes_N4: Array = _column("float32", 4)
    frame_score: Array | None = _column("float32", optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        same = np.diff(self.tube) == 0
        if np.any(same & (np.diff(self.frame) <= 0)):
            raise ValueError("Tubes: rows of one tube must lie together, frames rising")
        if len(np.unique(self.tube)) != np.count_nonzero(~same) + bool(len(self.tube)):
            raise ValueError("Tubes: rows of one tube must lie together")

    @property
    def starts(self) -> Array:
        """Row at which each tube begins, int64 [T], in row order."""
        if not len(self):
            return np.zeros(0, np.int64)
        return np.flatnonzero(np.concatenate([[True], np.diff(self.tube) != 0]))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """As for all rows, tubes numbered on from part to part."""
        shifted, offset = [], 0
        for part in parts:
            shifted.append(replace(part, tube=part.tube + offset))
            offset += int(part.tube.max()) + 1 if len(part) else 0
        return super().concat(shifted)


@dataclass(frozen=True)
class TruthTubes(_Rows):
    """Annotated action instances, one row a tube. ``tube`` is unique over all videos; spans half-open."""

    video: Array = _column("int32")
    tube: Array = _column("int32")
    label: Array = _column("int16")
    start: Array = _column("int32")
    end: Array = _column("int32")
    difficult: Array = _column("bool")


@dataclass(frozen=True)
class TruthBoxes(_Rows):
    """Annotated boxes, one row a (tube, frame)."""

    video: Array = _column("int32")
    tube: Array = _column("int32")
    frame: Array = _column("int32")
    boxes_N4: Array = _column("float32", 4)


@dataclass(frozen=True)
class VideoTable:
    """What the annotation says of each video: frames, width and height in pixels, fps, source group."""

    names: tuple[str, ...]
    frames: Array
    width: Array
    height: Array
    fps: Array
    group: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "group", tuple(self.group))
        for name, dtype in (
            ("frames", np.int32),
            ("width", np.int32),
            ("height", np.int32),
            ("fps", np.float32),
        ):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype))
            if len(getattr(self, name)) != len(self.names):
                raise ValueError(
                    f"VideoTable.{name} has {len(getattr(self, name))} rows for {len(self.names)} videos"
                )

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class GroundTruth:
    """Annotation of a set of videos, all tables over the same videos in the same order.

    ``classes`` are those evaluated, in label order. ``scored_frames`` (AVA's key-frames) is a (video, frame)
    int32 [S, 2] array, None where all frames count; ``excluded_frames`` likewise lists those on which the
    annotation is not to be trusted. What either means for the score is the protocol's business.
    """

    classes: tuple[str, ...]
    videos: VideoTable
    tubes: TruthTubes
    boxes: TruthBoxes
    scored_frames: Array | None = None
    excluded_frames: Array | None = None

    def __post_init__(self) -> None:
        if not (self.videos.names == self.tubes.videos == self.boxes.videos):
            raise ValueError(
                "GroundTruth: videos, tubes and boxes must list the same videos in the same order"
            )
        if not np.isin(self.boxes.tube, self.tubes.tube).all():
            raise ValueError("GroundTruth: boxes name tubes that the tube table lacks")

    def box_tubes(self) -> Array:
        """Row of ``tubes`` that each row of ``boxes`` is of, int64 [N]."""
        order = np.argsort(self.tubes.tube, kind="stable")
        return order[np.searchsorted(self.tubes.tube, self.boxes.tube, sorter=order)]

    def box_labels(self) -> Array:
        """Label of each row of ``boxes``, int16 [N]."""
        return self.tubes.label[self.box_tubes()]

    def select(self, names: Sequence[str]) -> Self:
        """The annotation of the named videos alone, in that order."""
        position = {name: i for i, name in enumerate(self.videos.names)}
        unknown = [name for name in names if name not in position]
        if unknown:
            raise ValueError(f"ground truth lacks {len(unknown)} videos, the first {unknown[0]!r}")
        index = np.array([position[name] for name in names], np.int64)
        table = self.videos
        videos = VideoTable(
            tuple(names), table.frames[index], table.width[index], table.height[index], table.fps[index],
            tuple(table.group[i] for i in index),
        )  # fmt: skip
        tubes = self.tubes[np.isin(self.tubes.video, index)].with_videos(names)
        boxes = self.boxes[np.isin(self.boxes.video, index)].with_videos(names)
        lookup = np.full(len(position), -1, np.int32)
        lookup[index] = np.arange(len(index))

        def kept(frames_S2: Array | None) -> Array | None:
            if frames_S2 is None:
                return None
            renumbered = np.stack([lookup[frames_S2[:, 0]], frames_S2[:, 1]], axis=1)
            return renumbered[renumbered[:, 0] >= 0]

        return replace(
            self, videos=videos, tubes=tubes, boxes=boxes,
            scored_frames=kept(self.scored_frames), excluded_frames=kept(self.excluded_frames),
        )  # fmt: skip
