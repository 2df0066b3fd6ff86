"""Median filtering of what is above a threshold."""

from __future__ import annotations

from bench.records import Array
from bench.tubes.kernels import compiled


@compiled
def _beyond(i: int, length: int, mirror: bool) -> int:
    """Position inside ``0 .. length - 1`` that stands for position ``i``.

    The ends repeat, or the path is mirrored at them, as often as it takes: ``c b a | a b c | c b a``.
    """
    if not mirror:
        return min(max(i, 0), length - 1)
    i %= 2 * length
    return i if i < length else 2 * length - 1 - i


@compiled
def majority(bounds_P: Array, above_R: Array, window: int, mirror: bool, keep_R: Array) -> None:
    """Whether most rows of each row's window are ``above``: then, and only then, their median is.

    Path p has the rows ``bounds_P[p]`` to ``bounds_P[p + 1]``; ``window`` is odd, the row in the middle.
    """
    half = window // 2
    for p in range(len(bounds_P) - 1):
        first, length = bounds_P[p], bounds_P[p + 1] - bounds_P[p]
        votes = 0
        for i in range(-half, half + 1):
            votes += above_R[first + _beyond(i, length, mirror)]
        for t in range(length):
            keep_R[first + t] = 2 * votes > window
            votes += above_R[first + _beyond(t + half + 1, length, mirror)]
            votes -= above_R[first + _beyond(t - half, length, mirror)]
