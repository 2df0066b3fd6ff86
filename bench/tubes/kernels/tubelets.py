"""Tubelet linking (Kalogeiton et al. 2017, section 3.3): stacks of K boxes chained in their order in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.records import Array
from bench.tubes.kernels import compiled
from bench.tubes.kernels.common import box_iou, insert_best


class Rules(NamedTuple):
    """The numbers of :class:`bench.tubes.tubelet_linking.TubeletLinking` that the loop reads.

    ``soft``: 0: what overlaps a better tubelet goes; else its score is multiplied by 1 - the mean (1) or
    1 - the sum (2) of the IoUs of its K boxes with those of the first better one that it overlaps.
    """

    score_floor: float
    nms: float
    soft: int
    candidates: int
    min_iou: float
    max_gap: int


class Live(NamedTuple):
    """Paths that go on, in list order: number, last tubelet, its first frame, sum and number of scores."""

    path_L: Array
    row_L: Array
    start_L: Array
    total_L: Array
    count_L: Array


@compiled
def _overlap(boxes_NK4: Array, earlier: int, later: int, offset: int) -> float:
    """Mean IoU (inclusive boxes) over the frames of both tubelets, the later ``offset`` frames behind; where
    they have none in common, IoU of the last box of one with the first of the other."""
    stack = boxes_NK4.shape[1]
    if offset >= stack:
        return box_iou(boxes_NK4[earlier], stack - 1, boxes_NK4[later], 0, 1.0)
    total = 0.0
    for k in range(stack - offset):
        total += box_iou(boxes_NK4[earlier], k + offset, boxes_NK4[later], k, 1.0)
    return total / (stack - offset)


@compiled
def _choose(sorted_B: Array, count: int, rules: Rules, boxes_NK4: Array, value_N: Array, best: Array) -> int:
    """NMS of tubelets of one frame, sorted by falling score, into ``best``; their number.

    ``value_N`` are scores, which soft NMS lowers in place.
    """
    stack, kept, number = boxes_NK4.shape[1], 0, 0
    for i in range(count):
        row, leader, overlap = sorted_B[i], False, 0.0
        for j in range(kept):
            overlap = _overlap(boxes_NK4, sorted_B[j], row, 0)
            if overlap > rules.nms:
                leader = True
                break
        if not leader:
            if rules.soft == 0:
                if number == len(best):
                    break
                best[number] = row
                number += 1
            sorted_B[i], sorted_B[kept] = sorted_B[kept], row
            kept += 1
        elif rules.soft > 0:
            value_N[row] *= 1 - overlap * (stack if rules.soft == 2 else 1)
    if rules.soft > 0:
        for i in range(count):
            number = insert_best(best, number, sorted_B[i], value_N)
    return number


@compiled
def _retire(live: Live, count: int, frame: int, max_gap: int) -> int:
    """Sort live paths by falling mean score, stable, and drop those that ended before the frame.

    A path ends when ``max_gap`` frames after the start of its last tubelet it is not continued. Returns how
    many are left.
    """
    alive = 0
    for i in range(count):
        path, row, start = live.path_L[i], live.row_L[i], live.start_L[i]
        total, number = live.total_L[i], live.count_L[i]
        if frame - 1 - start >= max_gap:
            continue
        j = alive
        while j > 0 and live.total_L[j - 1] * number < total * live.count_L[j - 1]:
            live.path_L[j], live.row_L[j], live.start_L[j] = (
                live.path_L[j - 1], live.row_L[j - 1], live.start_L[j - 1]
            )  # fmt: skip
            live.total_L[j], live.count_L[j] = live.total_L[j - 1], live.count_L[j - 1]
            j -= 1
        live.path_L[j], live.row_L[j], live.start_L[j] = path, row, start
        live.total_L[j], live.count_L[j] = total, number
        alive += 1
    return alive


@compiled
def _append(live: Live, i: int, row: int, start: int, score: float) -> None:
    """Add a tubelet to the path at place i."""
    live.row_L[i], live.start_L[i] = row, start
    live.total_L[i] += score
    live.count_L[i] += 1


@compiled
def _extend(
    live: Live, count: int, rows: Array, min_iou: float, boxes_NK4: Array, start: int, value_N: Array,
    path_N: Array,
) -> None:  # fmt: skip
    """Each live path, in list order, takes the best free tubelet that overlaps its last."""
    for i in range(count):
        chosen = -1
        for row in rows:
            if path_N[row] >= 0 or (chosen >= 0 and value_N[row] <= value_N[chosen]):
                continue
            if _overlap(boxes_NK4, live.row_L[i], row, start - live.start_L[i]) >= min_iou:
                chosen = row
        if chosen >= 0:
            path_N[chosen] = live.path_L[i]
            _append(live, i, chosen, start, value_N[chosen])


@compiled
def link_tubelets(
    order: Array, bounds_G: Array, rules: Rules, start_N: Array, boxes_NK4: Array, value_N: Array,
    path_N: Array,
) -> int:  # fmt: skip
    """Link the tubelets of each group (a video and class); number of paths.

    Group g has the rows ``order[bounds_G[g]:bounds_G[g + 1]]``, starts rising. ``value_N`` are scores, which
    soft NMS lowers in place. ``path_N`` must be -1 throughout and receives each row's path, numbered by
    group.
    """
    slots = rules.candidates * (rules.max_gap + 1)
    whole = np.zeros((4, slots), np.int64)
    live = Live(whole[0], whole[1], whole[2], np.zeros(slots), whole[3])
    best, paths = np.empty(rules.candidates, np.int64), 0
    for g in range(len(bounds_G) - 1):
        i, end, count = bounds_G[g], bounds_G[g + 1], 0
        sorted_B = np.empty(end - i, np.int64)
        while i < end:
            start, found = start_N[order[i]], 0
            while i < end and start_N[order[i]] == start:
                if value_N[order[i]] > rules.score_floor:
                    found = insert_best(sorted_B, found, order[i], value_N)
                i += 1
            rows = best[: _choose(sorted_B, found, rules, boxes_NK4, value_N, best)]
            count = _retire(live, count, start, rules.max_gap)
            _extend(live, count, rows, rules.min_iou, boxes_NK4, start, value_N, path_N)
            for row in rows:
                if path_N[row] < 0:
                    live.path_L[count] = path_N[row] = paths
                    live.total_L[count], live.count_L[count] = 0.0, 0
                    _append(live, count, row, start, value_N[row])
                    count, paths = count + 1, paths + 1
    return paths


@compiled
def average(
    order: Array, bounds_P: Array, start_N: Array, boxes_NK4: Array, value_N: Array, first_P: Array,
    boxes_R4: Array, score_R: Array,
) -> None:  # fmt: skip
    """Mean box and score of every frame over the tubelets that cover it.

    Path p has the tubelets ``order[bounds_P[p]:bounds_P[p + 1]]`` and its first frame in row ``first_P[p]``
    of the results. A frame that no tubelet covers has score NaN.
    """
    stack = boxes_NK4.shape[1]
    covered_R = np.zeros(len(score_R))
    for p in range(len(bounds_P) - 1):
        begin = start_N[order[bounds_P[p]]]
        for i in range(bounds_P[p], bounds_P[p + 1]):
            row = order[i]
            for k in range(stack):
                r = first_P[p] + start_N[row] - begin + k
                covered_R[r] += 1
                score_R[r] += value_N[row]
                for side in range(4):
                    boxes_R4[r, side] += boxes_NK4[row, k, side]
    for r in range(len(score_R)):
        if covered_R[r] == 0:
            score_R[r] = np.nan
        else:
            score_R[r] /= covered_R[r]
            for side in range(4):
                boxes_R4[r, side] /= covered_R[r]
