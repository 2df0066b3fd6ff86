"""Detections as the linking rules read them: in order of time, box by box, with the scores of all classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.keys import pair_keys
from bench.records import Array, Detections
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import Boxes


class Ordered(NamedTuple):
    """Detections by video and frame; ``row_N`` is the row of each in the detections."""

    boxes: Boxes
    video_N: Array
    row_N: Array

    @property
    def bounds(self) -> Array:
        """Where each video begins, and the end, int64 [V + 1]."""
        return np.searchsorted(self.video_N, np.arange(self.video_N.max(initial=-1) + 2))


def ordered(detections: Detections) -> Ordered:
    """The rows by video, then frame, else in their own order. Raises ValueError for a negative label."""
    check_labels(detections.label)
    order = in_order(detections.video, detections.frame)
    columns = [detections.frame, detections.label, detections.boxes_N4, detections.score, detections.video]
    if order is not None:
        columns = [column[order] for column in columns]
    frame, label, boxes, score, video = writable(*columns)
    order = np.arange(len(video)) if order is None else order
    return Ordered(Boxes(frame, label, boxes, score), video, order)


def check_labels(label_N: Array) -> None:
    """Raise ValueError for a negative label."""
    if label_N.min(initial=0) < 0:
        row = int(label_N.argmin())
        raise ValueError(f"label {label_N[row]} in row {row} of what is linked; labels begin at 0")


def in_order(video_N: Array, frame_N: Array) -> Array | None:
    """The stable order by video, then frame; None where the rows lie so already."""
    key = pair_keys(video_N, frame_N)
    return None if np.all(key[1:] >= key[:-1]) else np.argsort(key, kind="stable")


def class_scores(detections: Detections) -> tuple[Array, Array]:
    """The box of each row, int64 [N], and scores_BC of each box, float32, 0 where it lacks a label.

    Raises ValueError for a negative label.
    """
    check_labels(detections.label)
    box_N = box_numbers(detections)
    boxes, classes = int(box_N.max(initial=-1)) + 1, int(detections.label.max(initial=0)) + 1
    scores_BC = np.zeros((boxes, classes), np.float32)
    scores_BC[box_N, detections.label] = detections.score
    return box_N, scores_BC


def box_numbers(detections: Detections) -> Array:
    """The box of each row, numbered over all videos by video and ``box``, int64 [N]."""
    key = pair_keys(detections.video, detections.box)
    if np.all(key[1:] >= key[:-1]):
        return np.cumsum(np.diff(key, prepend=-1) != 0) - 1
    return np.unique(key, return_inverse=True)[1]


def first_rows(box_N: Array, boxes: int) -> Array:
    """The first detection of each box, int64 [B]; ``box_N`` as in :func:`box_numbers`."""
    first_B = np.zeros(boxes, np.int64)
    first_B[box_N[::-1]] = np.arange(len(box_N))[::-1]
    return first_B
