"""Which rows of two lists of boxes are of the same frame."""

from __future__ import annotations

import numpy as np

from bench.metrics.matching import ramp
from bench.records import Array


def in_same_frame(frame_N: Array, frame_G: Array) -> tuple[Array, Array]:
    """All pairs (row of the first, row of the second) with the same number, int64 [P], by the first.

    The numbers may be of any meaning, say video and frame in one.
    """
    order_G = np.argsort(frame_G, kind="stable")
    sorted_G = frame_G[order_G]
    begin_N, end_N = (np.searchsorted(sorted_G, frame_N, side) for side in ("left", "right"))
    counts_N = end_N - begin_N
    row_P = np.repeat(np.arange(len(frame_N)), counts_N)
    return row_P, order_G[begin_N[row_P] + ramp(counts_N)]
