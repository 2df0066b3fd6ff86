"""Online incremental linking (Singh et al. 2017, section 3.4): every class alone, frame after frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.records import Array
from bench.tubes.kernels import compiled
from bench.tubes.kernels.common import Boxes, box_iou, insert_best, keep_best, mean, suppress


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
    last max_gap frames. ``next_path`` [1] is the number of the next new path, ``frame`` [1] the last linked.
    ``rows_CB`` (the B best boxes of each class in a frame), ``found_C`` and ``kept`` (those that NMS
    keeps) are work space whose sizes are limits.
    """

    order_CL: Array
    count_C: Array
    path_CL: Array
    missed_CL: Array
    length_CL: Array
    box_CL4: Array
    top_CLK: Array
    rank_CL: Array
    next_path: Array
    frame: Array
    rows_CB: Array
    found_C: Array
    kept: Array


@compiled
def _append(live: Live, c: int, slot: int, box: Array, score: float) -> None:
    """Add a box to the path in the slot."""
    for k in range(4):
        live.box_CL4[c, slot, k] = box[k]
    live.missed_CL[c, slot] = 0
    keep_best(live.top_CLK[c, slot], live.length_CL[c, slot], score)
    live.length_CL[c, slot] += 1


@compiled
def _extend(live: Live, c: int, kept: Array, boxes: Boxes, min_iou: float, path_N: Array) -> None:
    """Each live path, in list order, takes the best free box that overlaps its last, or misses the frame."""
    last_L4 = live.box_CL4[c]
    for i in range(live.count_C[c]):
        slot = live.order_CL[c, i]
        live.missed_CL[c, slot] += 1
        for row in kept:
            if path_N[row] < 0 and box_iou(last_L4, slot, boxes.boxes_N4, row, 1.0) >= min_iou:
                path_N[row] = live.path_CL[c, slot]
                _append(live, c, slot, boxes.boxes_N4[row], boxes.score_N[row])
                break
        top = live.top_CLK[c, slot]
        live.rank_CL[c, slot] = mean(top, min(live.length_CL[c, slot], len(top)))


@compiled
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


@compiled
def _start(live: Live, c: int, kept: Array, boxes: Boxes, path_N: Array) -> None:
    """Every kept box that no path took starts a path, at the end of the list."""
    for row in kept:
        if path_N[row] < 0:
            slot = live.order_CL[c, live.count_C[c]]
            live.count_C[c] += 1
            live.length_CL[c, slot] = 0
            live.path_CL[c, slot] = path_N[row] = live.next_path[0]
            live.next_path[0] += 1
            _append(live, c, slot, boxes.boxes_N4[row], boxes.score_N[row])


@compiled
def link_frames(live: Live, rules: Rules, boxes: Boxes, path_N: Array, dead: Array) -> int:
    """Link the frames of one video that follow ``live.frame``; frames between two rows have no boxes.

    ``path_N`` must be -1 throughout and receives each row's path; a row that was filtered out keeps -1.
    ``dead`` receives the paths that end, in order; their number is returned.
    """
    deaths, row, classes = 0, 0, len(live.count_C)
    while row < len(path_N):
        frame = boxes.frame_N[row]
        for _ in range(min(frame - live.frame[0] - 1, rules.max_gap)):
            for c in range(classes):
                _extend(live, c, live.kept[:0], boxes, rules.min_iou, path_N)
                deaths += _retire(live, c, rules.max_gap, dead[deaths:])
        live.found_C[:] = 0
        while row < len(path_N) and boxes.frame_N[row] == frame:
            if boxes.score_N[row] > rules.score_floor:
                c = boxes.label_N[row]
                live.found_C[c] = insert_best(live.rows_CB[c], live.found_C[c], row, boxes.score_N)
            row += 1
        for c in range(classes):
            number = suppress(live.rows_CB[c], live.found_C[c], boxes.boxes_N4, rules.nms, live.kept)
            _extend(live, c, live.kept[:number], boxes, rules.min_iou, path_N)
            deaths += _retire(live, c, rules.max_gap, dead[deaths:])
            _start(live, c, live.kept[:number], boxes, path_N)
        live.frame[0] = frame
    return deaths


@compiled
def link_videos(
    live: Live, rules: Rules, boxes: Boxes, bounds_V: Array, path_N: Array, place_N: Array
) -> None:
    """Link videos one after the other; video v has the rows ``bounds_V[v]`` to ``bounds_V[v + 1]``.

    ``path_N`` as in :func:`link_frames`, numbered on from video to video. ``place_N`` receives the place of
    each path in the final list of its video and class: live ones in their order, then dead ones as they died.
    """
    dead = np.empty(len(path_N), np.int64)
    deaths = 0
    for v in range(len(bounds_V) - 1):
        a, b = bounds_V[v], bounds_V[v + 1]
        live.count_C[:] = 0
        live.frame[0] = -1
        rows = Boxes(boxes.frame_N[a:b], boxes.label_N[a:b], boxes.boxes_N4[a:b], boxes.score_N[a:b])
        deaths += link_frames(live, rules, rows, path_N[a:b], dead[deaths:])
        for c in range(len(live.count_C)):
            for i in range(live.count_C[c]):
                place_N[live.path_CL[c, live.order_CL[c, i]]] = i - live.order_CL.shape[1]
    for i in range(deaths):
        place_N[dead[i]] = i
