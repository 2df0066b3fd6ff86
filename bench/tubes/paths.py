"""Paths: boxes of one video that linking chained over time, before they are trimmed and scored as tubes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from bench.records import Array
from bench.tubes.kernels import top_means


@dataclass(frozen=True)
class Paths:
    """Linked boxes of one video, one row a (path, frame).

    Rows of one path lie together, frames consecutive; paths are numbered from 0 in row order. ``label``
    is the path's class and repeats on its rows; ``score`` is the score of the box for that class; ``row``
    is the detection the box was taken from (a gap-filled row names the detection it copies), so that
    any other column of the detections can be looked up: ``detections.actionness[paths.row]``.
    """

    video: str
    path: Array = field(metadata={"dtype": np.int32})
    label: Array = field(metadata={"dtype": np.int16})
    frame: Array = field(metadata={"dtype": np.int32})
    boxes_R4: Array = field(metadata={"dtype": np.float32})
    score: Array = field(metadata={"dtype": np.float32})
    row: Array = field(metadata={"dtype": np.int64})

    def __post_init__(self) -> None:
        for column in fields(self)[1:]:
            object.__setattr__(
                self, column.name, np.asarray(getattr(self, column.name), column.metadata["dtype"])
            )
        if len({len(column) for column in self._columns().values()}) != 1:
            raise ValueError(f"Paths of {self.video!r}: columns differ in length")
        step = np.diff(self.path)
        if len(self.path) and (self.path[0] != 0 or np.any((step != 0) & (step != 1))):
            raise ValueError(f"Paths of {self.video!r}: paths must be numbered from 0 in row order")
        if np.any((step == 0) & (np.diff(self.frame) != 1)):
            raise ValueError(f"Paths of {self.video!r}: frames of one path must be consecutive")

    def _columns(self) -> dict[str, Array]:
        return {f.name: getattr(self, f.name) for f in fields(self)[1:]}

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
        return top_means(self.starts, self.lengths, self.score, len(self) if top is None else top)

    def runs(self, keep_R: Array) -> Self:
        """The maximal runs of kept rows, each a path of its own; order is kept.

        ``keep_R``: bool [R]. A dropped row cuts its path in two.
        """
        if keep_R.shape != (len(self),):
            raise ValueError(f"one value a row expected: {len(self)} rows, mask of shape {keep_R.shape}")
        kept = np.flatnonzero(keep_R)
        begins = (np.diff(kept, prepend=-2) != 1) | (np.diff(self.path[kept], prepend=-1) != 0)
        columns = {name: column[kept] for name, column in self._columns().items()}
        return type(self)(self.video, **(columns | {"path": np.cumsum(begins) - 1}))
