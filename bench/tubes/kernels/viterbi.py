"""Best chains of boxes through a whole video, one after the other, by dynamic programming."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.records import Array
from bench.tubes.kernels import compiled
from bench.tubes.kernels.common import Boxes, box_iou, insert_best, suppress


class Weights(NamedTuple):
    """What a chain is worth: ``box`` for each score of its boxes; for each link ``link`` times the sum of
    both scores, ``overlap`` times their IoU and ``product`` times the product of the scores."""

    box: float
    link: float
    overlap: float
    product: float


class Runs(NamedTuple):
    """The boxes of G groups (a video and class), by group, then frame, then falling score.

    Group g has the runs ``runs_G[g]`` to ``runs_G[g + 1]``; run i is of frame ``frame_I[i]`` and has
    ``row_M[begin_I[i]:begin_I[i + 1]]``.
    """

    row_M: Array
    begin_I: Array
    frame_I: Array
    runs_G: Array


@compiled
def best_boxes(
    order: Array, bounds_G: Array, boxes: Boxes, limits: tuple[float, float], candidates: int
) -> Runs:
    """The boxes of each group and frame that take part.

    Group g has the rows ``order[bounds_G[g]:bounds_G[g + 1]]``, frames rising. ``limits``: the score a box
    must exceed, the IoU above which a weaker one goes. ``candidates``: best boxes that enter NMS.
    """
    row_M, begin_I = np.empty(len(order), np.int64), np.zeros(len(order) + 1, np.int64)
    frame_I, runs_G = np.empty(len(order), np.int64), np.zeros(len(bounds_G), np.int64)
    best, kept = np.empty(candidates, np.int64), np.empty(candidates, np.int64)
    runs, total = 0, 0
    for g in range(len(bounds_G) - 1):
        i = bounds_G[g]
        while i < bounds_G[g + 1]:
            frame, count = boxes.frame_N[order[i]], 0
            while i < bounds_G[g + 1] and boxes.frame_N[order[i]] == frame:
                if boxes.score_N[order[i]] > limits[0]:
                    count = insert_best(best, count, order[i], boxes.score_N)
                i += 1
            number = suppress(best, count, boxes.boxes_N4, limits[1], kept)
            if number:
                row_M[total : total + number] = kept[:number]
                total += number
                frame_I[runs] = frame
                runs += 1
                begin_I[runs] = total
        runs_G[g + 1] = runs
    return Runs(row_M[:total], begin_I[: runs + 1], frame_I[:runs], runs_G)


@compiled
def path_counts(runs: Runs, tracks: int) -> Array:
    """Paths of each group, int64 [G]: one after the other until a frame has no box left."""
    counts = np.zeros(len(runs.runs_G) - 1, np.int64)
    for g in range(len(counts)):
        first, last = runs.runs_G[g], runs.runs_G[g + 1]
        if first < last:
            counts[g] = tracks
        for i in range(first, last):
            counts[g] = min(counts[g], runs.begin_I[i + 1] - runs.begin_I[i])
    return counts


@compiled
def _nearest(runs: Runs, g: int, first: int, run_T: Array) -> None:
    """The run that each frame of the video takes its boxes from: the nearest, the earlier of two."""
    i, last = runs.runs_G[g], runs.runs_G[g + 1] - 1
    for t in range(len(run_T)):
        frame = first + t
        while i < last and runs.frame_I[i + 1] - frame < abs(frame - runs.frame_I[i]):
            i += 1
        run_T[t] = i


@compiled
def _link_worth(boxes: Boxes, a: int, b: int, weights: Weights) -> float:
    """What the link from box a to box b is worth."""
    score_a, score_b = np.float64(boxes.score_N[a]), np.float64(boxes.score_N[b])
    overlap = box_iou(boxes.boxes_N4, a, boxes.boxes_N4, b, 0.0)
    return (
        weights.link * (score_a + score_b) + weights.overlap * overlap + weights.product * score_a * score_b
    )


@compiled
def _best(worth: Array, used: Array) -> int:
    """Position of the highest worth of what is not used, the first of equal ones."""
    best = -1
    for i in range(len(worth)):
        if not used[i] and (best < 0 or worth[i] > worth[best]):
            best = i
    return best


@compiled
def _solve(
    runs: Runs, run_T: Array, at_T: Array, boxes: Boxes, weights: Weights, used_V: Array, next_V: Array
) -> int:
    """Best chain from every box of every frame to the end, as ``next_V``; the first box of the best of all.

    The boxes of frame t are ``at_T[t]`` to ``at_T[t + 1]`` in the arrays over V; the ``used_V`` do not count.
    """
    worth_V, last = np.zeros(len(used_V)), len(run_T) - 1
    onward = np.zeros(max(at_T[1:] - at_T[:-1]))
    for t in range(last, -1, -1):
        for v in range(at_T[t], at_T[t + 1]):
            a = runs.row_M[runs.begin_I[run_T[t]] + v - at_T[t]]
            worth_V[v] = weights.box * boxes.score_N[a]
            if t == last or used_V[v]:
                continue
            begin, end = at_T[t + 1], at_T[t + 2]
            for w in range(begin, end):
                b = runs.row_M[runs.begin_I[run_T[t + 1]] + w - begin]
                onward[w - begin] = worth_V[w] + _link_worth(boxes, a, b, weights)
            next_V[v] = _best(onward[: end - begin], used_V[begin:end])
            worth_V[v] += onward[next_V[v]]
    return _best(worth_V[: at_T[1]], used_V[: at_T[1]])


@compiled
def chain_videos(
    runs: Runs, spans_G2: Array, boxes: Boxes, weights: Weights, counts_G: Array, row_R: Array
) -> None:
    """Write the box of every frame of every path to ``row_R``: by group, path, frame.

    ``spans_G2``: first frame and number of frames of each group's video. A frame without boxes takes those
    of the nearest frame that has some.
    """
    written = 0
    for g in range(len(counts_G)):
        frames = spans_G2[g, 1]
        run_T, at_T = np.empty(frames, np.int64), np.zeros(frames + 1, np.int64)
        if counts_G[g]:
            _nearest(runs, g, spans_G2[g, 0], run_T)
            for t in range(frames):
                at_T[t + 1] = at_T[t] + runs.begin_I[run_T[t] + 1] - runs.begin_I[run_T[t]]
        used_V, next_V = np.zeros(at_T[-1], np.bool_), np.zeros(at_T[-1], np.int64)
        for _ in range(counts_G[g]):
            i = _solve(runs, run_T, at_T, boxes, weights, used_V, next_V)
            for t in range(frames):
                row_R[written] = runs.row_M[runs.begin_I[run_T[t]] + i]
                written += 1
                used_V[at_T[t] + i] = True
                i = next_V[at_T[t] + i]
