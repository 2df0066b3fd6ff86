"""YOWO's linking as its script does it, so that its stored video-AP can be compared with ours.

Every box takes part in every class, with its score for that class. A frame without boxes copies the nearest
one that has some. Up to three paths through the whole video, each the best of the boxes left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bench.metrics.boxes import iou_matrix

LinkedPath = tuple[np.ndarray, np.ndarray]
"""Boxes [T, 4] and their scores [T], one a frame, from frame 0 on."""


def link(boxes: Sequence[np.ndarray], scores: Sequence[np.ndarray], limit: int = 3) -> list[list[LinkedPath]]:
    """Paths of each class in one video: ``boxes[t]`` [N, 4] and ``scores[t]`` [N, C] of every frame."""
    classes = scores[0].shape[1]
    filled = np.flatnonzero([len(frame) for frame in boxes])
    if not len(filled):
        return [[] for _ in range(classes)]
    source = [int(filled[np.argmin(np.abs(filled - t))]) for t in range(len(boxes))]
    boxes, scores = [boxes[s] for s in source], [scores[s] for s in source]
    ious = [iou_matrix(a, b, 0) for a, b in pairwise(boxes)]
    return [_paths(boxes, [frame[:, c] for frame in scores], ious, limit) for c in range(classes)]


def _paths(
    boxes: Sequence[np.ndarray], scores: Sequence[np.ndarray], ious: Sequence[np.ndarray], limit: int
) -> list[LinkedPath]:
    """Paths of one class; an edge is worth IoU + sum of the scores + half their product."""
    edges = [
        (iou + (a[:, None] + b) + 0.5 * (a[:, None] * b)).astype(np.float32)
        for iou, (a, b) in zip(ious, pairwise(scores))
    ]
    left = [np.arange(len(frame)) for frame in boxes]
    paths: list[LinkedPath] = []
    while len(paths) < limit and all(len(rows) for rows in left):
        chosen = _best_path(left, edges)
        rows = [int(remaining[i]) for remaining, i in zip(left, chosen)]
        path_boxes = np.stack([frame[row] for frame, row in zip(boxes, rows)])
        paths.append((path_boxes, np.array([frame[row] for frame, row in zip(scores, rows)], np.float32)))
        left = [np.delete(remaining, i) for remaining, i in zip(left, chosen)]
    return paths


def _best_path(left: Sequence[np.ndarray], edges: Sequence[np.ndarray]) -> list[int]:
    """Position among the boxes left in each frame, by dynamic programming from the end; first of equals."""
    best = np.zeros(len(left[-1]), np.float32)
    following: list[np.ndarray] = []
    for t in range(len(left) - 2, -1, -1):
        totals = edges[t][np.ix_(left[t], left[t + 1])] + best
        following.append(totals.argmax(axis=1))
        best = totals.max(axis=1)
    path = [int(best.argmax())]
    for step in reversed(following):
        path.append(int(step[path[-1]]))
    return path
