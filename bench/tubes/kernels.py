"""Compiled loops of linking, temporal labelling and tube scoring.

Boxes are ``x1, y1, x2, y2``; ``extent`` is added to ``x2 - x1`` for a width (1: inclusive pixels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numba
import numpy as np

from bench.records import Array

_Function = TypeVar("_Function", bound=Callable)


def _compiled(function: _Function) -> _Function:
    return cast(_Function, numba.njit(cache=True)(function))


class Rules(NamedTuple):
    """The numbers of :class:`bench.tubes.online.OnlineLinking` that the loop reads."""

    score_floor: float
    nms: float
    min_iou: float
    max_gap: int


class Live(NamedTuple):
    """Live paths of C classes, each with L slots; the best K scores of a path rank it.

    The first ``count_C[c]`` entries of ``order_CL[c]`` are the slots of live paths in list order, the rest
    are free slots. L = boxes a frame x max_gap suffices: every live path has a box of its own in one of the
    last max_gap frames. ``next_path`` [1] is the number of the next new path.
    """

    order_CL: Array
    count_C: Array
    path_CL: Array
    missed_CL: Array
    found_CL: Array
    box_CL4: Array
    top_CLK: Array
    rank_CL: Array
    next_path: Array


@_compiled
def box_iou(a_N4: Array, i: int, b_M4: Array, j: int, extent: float) -> float:
    """IoU of box i of ``a`` with box j of ``b``; 0 where they do not meet."""
    width = min(a_N4[i, 2], b_M4[j, 2]) - max(a_N4[i, 0], b_M4[j, 0]) + extent
    height = min(a_N4[i, 3], b_M4[j, 3]) - max(a_N4[i, 1], b_M4[j, 1]) + extent
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    area_a = (a_N4[i, 2] - a_N4[i, 0] + extent) * (a_N4[i, 3] - a_N4[i, 1] + extent)
    area_b = (b_M4[j, 2] - b_M4[j, 0] + extent) * (b_M4[j, 3] - b_M4[j, 1] + extent)
    return inter / (area_a + area_b - inter)


@_compiled
def _insert(rows: Array, count: int, row: int, score_N: Array) -> int:
    """Insert a row into rows sorted by falling score, after equal ones; the last falls out when full."""
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


@_compiled
def _suppress(rows: Array, count: int, boxes_N4: Array, limit: float, kept: Array) -> int:
    """Greedy NMS of sorted rows, until ``kept`` is full; a box stays if its IoU with all kept is <= limit."""
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


@_compiled
def _keep_best(best: Array, count: int, score: float) -> None:
    """Insert a score into the ``min(count, len(best))`` best so far, which fall; ``count`` were seen."""
    i = min(count, len(best) - 1)
    if count >= len(best) and score <= best[i]:
        return
    while i > 0 and best[i - 1] < score:
        best[i] = best[i - 1]
        i -= 1
    best[i] = score


@_compiled
def _mean(best: Array, count: int) -> float:
    """Mean of the first ``count`` values."""
    total = 0.0
    for i in range(count):
        total += best[i]
    return total / count


@_compiled
def _append(live: Live, c: int, slot: int, box: Array, score: float) -> None:
    """Add a box to the path in the slot."""
    for k in range(4):
        live.box_CL4[c, slot, k] = box[k]
    live.missed_CL[c, slot] = 0
    _keep_best(live.top_CLK[c, slot], live.found_CL[c, slot], score)
    live.found_CL[c, slot] += 1


@_compiled
def _extend(
    live: Live, c: int, kept: Array, boxes_N4: Array, score_N: Array, min_iou: float, path_N: Array
) -> None:
    """Each live path, in list order, takes the best free box that overlaps its last, or misses the frame."""
    last_L4 = live.box_CL4[c]
    for i in range(live.count_C[c]):
        slot = live.order_CL[c, i]
        live.missed_CL[c, slot] += 1
        for row in kept:
            if path_N[row] < 0 and box_iou(last_L4, slot, boxes_N4, row, 1.0) >= min_iou:
                path_N[row] = live.path_CL[c, slot]
                _append(live, c, slot, boxes_N4[row], score_N[row])
                break
        top = live.top_CLK[c, slot]
        live.rank_CL[c, slot] = _mean(top, min(live.found_CL[c, slot], len(top)))


@_compiled
def _retire(live: Live, c: int, max_gap: int, dead: Array) -> int:
    """Sort live paths by falling rank, stable, and move those missed too often to ``dead``; their number."""
    order, rank = live.order_CL[c], live.rank_CL[c]
    for i in range(1, live.count_C[c]):
        slot, j = order[i], i
        while j > 0 and rank[order[j - 1]] < rank[slot]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = slot
    alive, deaths = 0, 0
    for i in range(live.count_C[c]):
        slot = order[i]
        if live.missed_CL[c, slot] >= max_gap:
            dead[deaths] = live.path_CL[c, slot]
            deaths += 1
        else:
            order[i], order[alive] = order[alive], slot
            alive += 1
    live.count_C[c] = alive
    return deaths


@_compiled
def _start(live: Live, c: int, kept: Array, boxes_N4: Array, score_N: Array, path_N: Array) -> None:
    """Every kept box that no path took starts a path, at the end of the list."""
    for row in kept:
        if path_N[row] < 0:
            slot = live.order_CL[c, live.count_C[c]]
            live.count_C[c] += 1
            live.found_CL[c, slot] = 0
            live.path_CL[c, slot] = path_N[row] = live.next_path[0]
            live.next_path[0] += 1
            _append(live, c, slot, boxes_N4[row], score_N[row])


@_compiled
def link_frames(
    live: Live, rules: Rules, bounds_T: Array, label_N: Array, boxes_N4: Array, score_N: Array,
    rows_CB: Array, kept: Array, path_N: Array, dead: Array,
) -> int:  # fmt: skip
    """Link consecutive frames; frame t has the rows ``bounds_T[t]`` to ``bounds_T[t + 1]``, maybe none.

    ``path_N`` must be -1 throughout and receives each row's path; a row that was filtered out keeps -1.
    ``dead`` receives the paths that end, in order; their number is returned. ``rows_CB`` (the B best
    boxes of each class in a frame) and ``kept`` (those that NMS keeps) are work space whose sizes are limits.
    """
    classes = len(live.count_C)
    count_C = np.zeros(classes, np.int64)
    deaths = 0
    for t in range(len(bounds_T) - 1):
        for c in range(classes):
            count_C[c] = 0
        for row in range(bounds_T[t], bounds_T[t + 1]):
            if score_N[row] > rules.score_floor:
                c = label_N[row]
                count_C[c] = _insert(rows_CB[c], count_C[c], row, score_N)
        for c in range(classes):
            found = kept[: _suppress(rows_CB[c], count_C[c], boxes_N4, rules.nms, kept)]
            _extend(live, c, found, boxes_N4, score_N, rules.min_iou, path_N)
            deaths += _retire(live, c, rules.max_gap, dead[deaths:])
            _start(live, c, found, boxes_N4, score_N, path_N)
    return deaths


@_compiled
def top_means(starts_P: Array, lengths_P: Array, score_R: Array, top: int) -> Array:
    """Mean of the ``top`` highest scores of each path, float64 [P]."""
    means = np.zeros(len(starts_P))
    best = np.zeros(top)
    for p in range(len(starts_P)):
        for i in range(lengths_P[p]):
            _keep_best(best, i, score_R[starts_P[p] + i])
        means[p] = _mean(best, min(lengths_P[p], top))
    return means


@_compiled
def _highest(values: Array) -> int:
    """Position of the highest value, the first of equal ones."""
    best = 0
    for i in range(1, len(values)):
        if values[i] > values[best]:
            best = i
    return best


@_compiled
def viterbi(scores_TC: Array, alpha: float) -> tuple[Array, Array]:
    """Best label of every frame when a change of label costs ``alpha``, and the best totals D_TC.

    D[t, c] = scores[t, c] + max_k (D[t-1, k] - alpha * (k != c)), D before the first frame 0; the lowest
    label wins a tie (Singh et al. 2017; Evangelidis et al. 2014). labels int64 [T].
    """
    frames, classes = scores_TC.shape
    totals_TC = np.zeros((frames, classes))
    previous_TC = np.zeros((frames, classes), np.int64)
    for c in range(classes):
        totals_TC[0, c] = scores_TC[0, c]
    for t in range(1, frames):
        best = _highest(totals_TC[t - 1])
        jump = totals_TC[t - 1, best] - alpha
        for c in range(classes):
            stay = totals_TC[t - 1, c]
            changes = jump > stay or (jump == stay and best < c)
            previous_TC[t, c] = best if changes else c
            totals_TC[t, c] = scores_TC[t, c] + (jump if changes else stay)
    labels_T = np.zeros(frames, np.int64)
    labels_T[-1] = _highest(totals_TC[-1])
    for t in range(frames - 1, 0, -1):
        labels_T[t - 1] = previous_TC[t, labels_T[t]]
    return labels_T, totals_TC
