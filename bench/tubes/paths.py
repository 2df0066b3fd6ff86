"""Paths: boxes that linking chained over time, before they are trimmed and scored as tubes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

import numpy as np

from bench.records import Array
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import top_means

Gaps = Literal["copy", "interpolate"]
"""What a path holds in a frame in which no box was found: the next box found, or one on the straight line
between its neighbours."""


@dataclass(frozen=True)
class Paths:
    """Linked boxes of any videos, one row a (path, frame).

    Rows of one path lie together, frames consecutive; paths are numbered from 0 in row order. ``label``
    is the path's class and repeats on its rows; ``score`` is the score of the box for that class; ``row``
    is the detection the box was taken from (a filled gap names the next box found), so that any other column
    of the detections can be looked up: ``detections.actionness[paths.row]``; -1 where a box was made of
    several. ``path_score`` repeats what the linking itself thought of the whole path, None where it had
    no such thing.
    """

    videos: tuple[str, ...]
    video: Array = field(metadata={"dtype": np.int32})
    path: Array = field(metadata={"dtype": np.int32})
    label: Array = field(metadata={"dtype": np.int16})
    frame: Array = field(metadata={"dtype": np.int32})
    boxes_R4: Array = field(metadata={"dtype": np.float32})
    score: Array = field(metadata={"dtype": np.float32})
    row: Array = field(metadata={"dtype": np.int64})
    path_score: Array | None = field(default=None, metadata={"dtype": np.float32})

    def __post_init__(self) -> None:
        object.__setattr__(self, "videos", tuple(self.videos))
        for column in fields(self)[1:]:
            value = getattr(self, column.name)
            if value is not None:
                (value,) = writable(np.asarray(value, column.metadata["dtype"]))
                object.__setattr__(self, column.name, value)
        if len({len(column) for column in self._columns().values() if column is not None}) != 1:
            raise ValueError("Paths: columns differ in length")
        step = np.diff(self.path)
        if len(self.path) and (self.path[0] != 0 or np.any((step != 0) & (step != 1))):
            raise ValueError("Paths: paths must be numbered from 0 in row order")
        if np.any((step == 0) & (np.diff(self.frame) != 1)):
            raise ValueError("Paths: frames of one path must be consecutive")

    def _columns(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)[1:]}

    def _take(self, rows: Array, path_R: Array) -> Self:
        """Other paths, numbered ``path_R``, made of the given rows."""
        columns = {name: None if column is None else column[rows] for name, column in self._columns().items()}
        return type(self)(self.videos, **(columns | {"path": path_R}))

    def __len__(self) -> int:
        return len(self.path)

    @property
    def starts(self) -> Array:
        """Row at which each path begins, int64 [P]."""
        return np.flatnonzero(np.diff(self.path, prepend=-1))

    @property
    def lengths(self) -> Array:
        """Number of frames of each path, int64 [P]."""
        return np.diff(self.starts, append=len(self))

    def top_mean(self, top: int | None) -> Array:
        """Mean of the ``top`` highest box scores of each path (all of them if None), float64 [P]."""
        starts, lengths = self.starts, self.lengths
        if top is None:
            return np.add.reduceat(self.score, starts, dtype=np.float64) / lengths if len(self) else lengths
        return top_means(starts, lengths, self.score, top)

    def runs(self, keep_R: Array) -> Self:
        """The maximal runs of kept rows, each a path of its own; order is kept.

        ``keep_R``: bool [R]. A dropped row cuts its path in two. No run has a ``path_score``.
        """
        if keep_R.shape != (len(self),):
            raise ValueError(f"one value a row expected: {len(self)} rows, mask of shape {keep_R.shape}")
        kept = np.flatnonzero(keep_R)
        begins = (np.diff(kept, prepend=-2) != 1) | (np.diff(self.path[kept], prepend=-1) != 0)
        return replace(self, path_score=None)._take(kept, np.cumsum(begins) - 1)

    def ordered(self, order_P: Array) -> Self:
        """The named paths, in that order."""
        lengths = self.lengths[order_P]
        first = np.cumsum(lengths) - lengths
        rows = np.repeat(self.starts[order_P] - first, lengths) + np.arange(lengths.sum())
        return self._take(rows, np.repeat(np.arange(len(order_P)), lengths))


def chained(videos: tuple[str, ...], gaps: Gaps, **columns: Any) -> Paths:
    """Paths of rows whose paths are numbered by any rising numbers and may lack frames, which are filled.

    ``columns`` are those of :class:`Paths`, rows by path, frames of one path rising.
    """
    frame, path = columns["frame"].astype(np.int64), columns["path"]
    begins = np.diff(path, prepend=-1) != 0
    step = np.where(begins, 1, np.diff(frame, prepend=0))
    rows = np.repeat(np.arange(len(step)), step)
    back = np.cumsum(step)[rows] - 1 - np.arange(len(rows))
    filled = {name: column[rows] for name, column in columns.items() if column is not None}
    filled |= {"path": np.cumsum(begins)[rows] - 1, "frame": frame[rows] - back}
    if gaps == "interpolate":
        missing = np.flatnonzero(back)
        share = back[missing] / step[rows[missing]]
        for name in ("boxes_R4", "score"):
            after, before = columns[name][rows[missing]], columns[name][rows[missing] - 1]
            part = share.reshape(-1, *[1] * (after.ndim - 1))
            filled[name] = filled[name].copy()
            filled[name][missing] = after * (1 - part) + before * part
    return Paths(videos, **filled)
