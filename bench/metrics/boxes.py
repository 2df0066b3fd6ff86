"""Overlap of boxes and greedy non-maximum suppression, for scoring and for linking.

Boxes are ``x1, y1, x2, y2``. ``extent`` is what a width adds to ``x2 - x1``: 1 where coordinates are
inclusive pixels (ACT), 0 where they are continuous. Arithmetic is float64 where nothing else is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bench.records import Array


def area(boxes_N4: Array, extent: int, precision: npt.DTypeLike = np.float64) -> Array:
    """Area in square pixels, [N]. An inverted box has a negative side, as in the references."""
    boxes = np.asarray(boxes_N4, precision)
    return (boxes[..., 2] - boxes[..., 0] + extent) * (boxes[..., 3] - boxes[..., 1] + extent)


def iou(
    a_N4: Array, b_N4: Array, extent: int, precision: npt.DTypeLike = np.float64, clipped: bool = True
) -> Array:
    """Intersection over union of box i of ``a`` with box i of ``b``, [N]; 0 where the union is empty.

    Leading dimensions broadcast: ``[N, 1, 4]`` with ``[1, M, 4]`` gives ``[N, M]``. Sides of the common area
    below 0 are 0, or with ``clipped=False`` stay as they are where the boxes touch (YOWO).
    """
    a, b = np.asarray(a_N4, precision), np.asarray(b_N4, precision)
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]) + extent
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]) + extent
    if clipped:
        common = np.maximum(width, 0) * np.maximum(height, 0)
    else:
        touch = (a[..., :2] <= b[..., 2:]).all(axis=-1) & (b[..., :2] <= a[..., 2:]).all(axis=-1)
        common = np.where(touch, width * height, 0)
    union = area(a, extent, precision) + area(b, extent, precision) - common
    return np.divide(common, union, out=np.zeros_like(common), where=union != 0)


def iou_matrix(a_N4: Array, b_M4: Array, extent: int) -> Array:
    """Intersection over union of every box of ``a`` with every box of ``b``, float64 [N, M]."""
    return iou(np.asarray(a_N4)[:, None], np.asarray(b_M4)[None], extent)


def nms(
    boxes_N4: Array, scores_N: Array, threshold: float, extent: int, groups_N: Array | None = None
) -> Array:
    """Rows that greedy non-maximum suppression keeps, int64 [K], by group, then score descending.

    The best box stays, those of its group with IoU > ``threshold`` go, and so on. Equal scores keep their
    order. ``groups_N`` (integers, say frame * classes + label) suppresses within each group alone; many
    groups in one call cost far less than a call each.
    """
    boxes = np.asarray(boxes_N4)
    groups = np.zeros(len(boxes), np.int64) if groups_N is None else np.asarray(groups_N)
    order = np.lexsort((-np.asarray(scores_N), groups))
    return suppress(
        order, groups, lambda rows, leaders: iou(boxes[rows], boxes[leaders], extent) <= threshold
    )


def suppress(order: Array, groups: Array, survives: Callable[[Array, Array], Array]) -> Array:
    """Greedy suppression in all groups at once.

    ``order`` lists the rows by group, best first; ``groups`` is the group of every row. Each round keeps the
    first row left in each group and drops those rows of the group for which ``survives(rows, leaders)`` is
    False. Returns the kept rows in the sequence of ``order``.
    """
    position = np.arange(len(order))
    kept = []
    while len(position):
        rows = order[position]
        first = np.concatenate([[True], np.diff(groups[rows]) != 0])
        kept.append(position[first])
        leaders = rows[first][np.cumsum(first) - 1]
        others = np.flatnonzero(~first)
        position = position[others[survives(rows[others], leaders[others])]]
    return order[np.sort(np.concatenate(kept))] if kept else np.zeros(0, np.int64)
