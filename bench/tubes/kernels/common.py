"""Overlap, ranking and grouping: what every kernel needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.records import Array
from bench.tubes.kernels import compiled


class Boxes(NamedTuple):
    """Scored boxes, rows of one video together, frames rising within it."""

    frame_N: Array
    label_N: Array
    boxes_N4: Array
    score_N: Array


@compiled
def box_iou(a_N4: Array, i: int, b_M4: Array, j: int, extent: float) -> float:
    """IoU of box i of ``a`` with box j of ``b``; 0 where they do not meet."""
    ax1, ay1, ax2, ay2 = (
        np.float64(a_N4[i, 0]), np.float64(a_N4[i, 1]), np.float64(a_N4[i, 2]), np.float64(a_N4[i, 3])
    )  # fmt: skip
    bx1, by1, bx2, by2 = (
        np.float64(b_M4[j, 0]), np.float64(b_M4[j, 1]), np.float64(b_M4[j, 2]), np.float64(b_M4[j, 3])
    )  # fmt: skip
    width = min(ax2, bx2) - max(ax1, bx1) + extent
    height = min(ay2, by2) - max(ay1, by1) + extent
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    area_a = (ax2 - ax1 + extent) * (ay2 - ay1 + extent)
    area_b = (bx2 - bx1 + extent) * (by2 - by1 + extent)
    return inter / (area_a + area_b - inter)


@compiled
def insert_best(rows: Array, count: int, row: int, score_N: Array) -> int:
    """Insert a row into ``count`` rows sorted by falling score, after equal ones; their number then.

    The last one falls out where ``rows`` is full.
    """
    if count == len(rows):
        if score_N[row] <= score_N[rows[-1]]:
            return count
        count -= 1
    i = count
    while i > 0 and score_N[rows[i - 1]] < score_N[row]:
        rows[i] = rows[i - 1]
        i -= 1
    rows[i] = row
    return count + 1


@compiled
def suppress(rows: Array, count: int, boxes_N4: Array, limit: float, kept: Array) -> int:
    """Greedy NMS of sorted rows until ``kept`` is full; a box stays if its IoU with all kept is <= limit."""
    number = 0
    for i in range(count):
        if number == len(kept):
            break
        alone = True
        for j in range(number):
            if box_iou(boxes_N4, kept[j], boxes_N4, rows[i], 0.0) > limit:
                alone = False
                break
        if alone:
            kept[number] = rows[i]
            number += 1
    return number


@compiled
def keep_best(best: Array, count: int, score: float) -> None:
    """Insert a score into the ``min(count, len(best))`` best so far, which fall; ``count`` were seen."""
    i = min(count, len(best) - 1)
    if count >= len(best) and score <= best[i]:
        return
    while i > 0 and best[i - 1] < score:
        best[i] = best[i - 1]
        i -= 1
    best[i] = score


@compiled
def mean(values: Array, count: int) -> float:
    """Mean of the first ``count`` values."""
    total = 0.0
    for i in range(count):
        total += values[i]
    return total / count


@compiled
def top_means(starts_P: Array, lengths_P: Array, score_R: Array, top: int) -> Array:
    """Mean of the ``top`` highest scores of each path, float64 [P]."""
    means = np.zeros(len(starts_P))
    best = np.zeros(top)
    for p in range(len(starts_P)):
        for i in range(lengths_P[p]):
            keep_best(best, i, score_R[starts_P[p] + i])
        means[p] = mean(best, min(lengths_P[p], top))
    return means


@compiled
def grouped(group_N: Array, groups: int) -> tuple[Array, Array]:
    """Rows by group, rows of one group in their own order, int64 [K], and where each group begins [G+1].

    A row of a negative group is left out.
    """
    bounds_G = np.zeros(groups + 1, np.int64)
    for row in range(len(group_N)):
        if group_N[row] >= 0:
            bounds_G[group_N[row] + 1] += 1
    bounds_G = np.cumsum(bounds_G)
    order = np.empty(bounds_G[-1], np.int64)
    filled_G = bounds_G[:-1].copy()
    for row in range(len(group_N)):
        group = group_N[row]
        if group >= 0:
            order[filled_G[group]] = row
            filled_G[group] += 1
    return order, bounds_G
