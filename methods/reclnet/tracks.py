"""Tracks of one video as arrays: what is kept of them, and what every later step reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from bench.records import Array, Tubes
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class Tracks:
    """N rows, one a (track, frame), of T tracks; and M distinct boxes, which tracks of several classes share.

    Rows lie by track, then frame; the frames of a track are consecutive. Boxes are in pixels of the
    annotation, frames 0-based. Distinct boxes lie by frame, and ``boxes_N4 == distinct_M4[row_N]``.

    track_N: int32, 0 .. T - 1. frame_N: int32. boxes_N4: float32.
    label_T: int16, the class that a track was linked for; -1: it was linked whatever the class.
    row_N: int32, the distinct box of each row.
    frame_M: int32. distinct_M4: float32, what features are pooled from.
    """

    track_N: Array
    frame_N: Array
    boxes_N4: Array
    label_T: Array
    row_N: Array
    frame_M: Array
    distinct_M4: Array

    @classmethod
    def of(cls, paths: Paths) -> Self:
        """The paths of one video in their order."""
        key_N5 = np.column_stack([paths.frame, paths.boxes_R4.view(np.int32)])
        distinct_M5, row_N = np.unique(key_N5, axis=0, return_inverse=True)
        return cls(
            paths.path, paths.frame, paths.boxes_R4, paths.label[paths.starts],
            row_N.reshape(-1).astype(np.int32), np.ascontiguousarray(distinct_M5[:, 0]),
            np.ascontiguousarray(distinct_M5[:, 1:]).view(np.float32),
        )  # fmt: skip

    @classmethod
    def read(cls, arrays: Mapping[str, Array]) -> Self:
        """From what :meth:`arrays` gave."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})

    def arrays(self) -> dict[str, Array]:
        """Array by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def tubes(self, video: str) -> Tubes:
        """Every track as a tube of that video, score 1."""
        rows = len(self.track_N)
        return Tubes(
            videos=(video,), video=np.zeros(rows), tube=self.track_N, label=self.label_T[self.track_N],
            score=np.ones(rows), frame=self.frame_N, boxes_N4=self.boxes_N4,
        )  # fmt: skip

    @property
    def starts(self) -> Array:
        """Row at which each track begins, int64 [T]."""
        return np.flatnonzero(np.diff(self.track_N, prepend=-1))

    @property
    def lengths(self) -> Array:
        """Number of frames of each track, int64 [T]."""
        return np.diff(self.starts, append=len(self.track_N))
