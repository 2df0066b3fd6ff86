"""Frame level: boxes against boxes of the same frame and label (frame-AP; ACT.py, ``frameAP``)."""

from __future__ import annotations

import numpy as np

from bench.metrics.boxes import iou
from bench.metrics.matching import Ranking, join, rank
from bench.protocol import FrameRules
from bench.records import Array, Detections, GroundTruth


def frame_ranking(truth: GroundTruth, detections: Detections, rules: FrameRules) -> Ranking:
    """Ranked detections with the truth boxes they overlap. IoU is computed once and serves every threshold.

    ``detections.videos`` must be those of ``truth``. Frames are 0-based; all count, those past the annotated
    length too, unless ``truth.scored_frames`` lists some: then boxes elsewhere are neither scored nor missed.
    """
    detections = detections[_scored(truth, detections.video, detections.frame)]
    boxes = truth.boxes
    labels = truth.box_labels()
    counted = _scored(truth, boxes.video, boxes.frame)
    boxes, labels = boxes[counted], labels[counted]
    keys_N, keys_M = _keys(
        np.concatenate([detections.video, boxes.video]),
        np.concatenate([detections.frame, boxes.frame]),
        np.concatenate([detections.label, labels]),
        len(detections),
    )
    row, number = join(keys_N, keys_M)
    overlap = iou(detections.boxes_N4[row], boxes.boxes_N4[number], rules.box_extent)
    counts = np.zeros((len(truth.videos), len(truth.classes)), np.int64)
    np.add.at(counts, (boxes.video, labels), 1)
    return rank(detections.video, detections.label, detections.score, (row, number, overlap), counts)


def _keys(video: Array, frame: Array, label: Array, split: int) -> tuple[Array, Array]:
    """One int64 a (video, frame, label), for the first ``split`` rows and the others."""
    if not len(video):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = int(frame.min())
    key = video.astype(np.int64) * (int(frame.max()) - first + 1) + (frame - first)
    key = key * (int(label.max()) + 1) + label
    return key[:split], key[split:]


def _scored(truth: GroundTruth, video: Array, frame: Array) -> slice | Array:
    """Rows that lie on frames that count."""
    if truth.scored_frames is None:
        return slice(None)
    scored = truth.scored_frames.astype(np.int64)
    return np.isin(video.astype(np.int64) << 32 | frame.astype(np.int64), scored[:, 0] << 32 | scored[:, 1])
