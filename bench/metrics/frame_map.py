"""Frame level: boxes against boxes of the same frame and label (frame-AP)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import iou
from bench.metrics.frame_rows import counted_detections, counted_truth
from bench.metrics.matching import Candidates, Pairs, Ranking, join_in_parts, rank
from bench.protocol import FrameRules
from bench.records import Array, Detections, GroundTruth


def frame_ranking(truth: GroundTruth, detections: Detections, rules: FrameRules) -> Ranking:
    """Ranked detections, those that count, with the truth boxes they overlap; serves every threshold.

    ``detections.videos`` must be those of ``truth``. Frames are 0-based; those past the annotated length
    count like others. ``row_N`` is the row in ``detections``, a truth's number its row in ``truth.boxes``.
    """
    rows, numbers = counted_detections(truth, detections, rules), counted_truth(truth, rules)
    found = detections[rows] if len(rows) < len(detections) else detections
    video, label = truth.boxes.video[numbers], truth.box_labels()[numbers]
    classes = len(truth.classes)
    keys_N = pair_keys(found.video, found.frame) * classes + found.label
    keys_M = pair_keys(video, truth.boxes.frame[numbers]) * classes + label
    pairs = [Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for row, number in join_in_parts(keys_N, keys_M):
        overlap = frame_iou(truth, found, row, numbers[number], rules)
        meet = overlap > 0
        pairs.append(Pairs(row[meet], numbers[number[meet]], overlap[meet]))
    counts = np.zeros((len(truth.videos), classes), np.int64)
    np.add.at(counts, (video, label), 1)
    candidates = Candidates(found.video, found.label, found.score)
    ranking = rank(candidates, Pairs(*(np.concatenate(column) for column in zip(*pairs))), counts, rules)
    return replace(ranking, row_N=rows[ranking.row_N])


def frame_iou(
    truth: GroundTruth, detections: Detections, row_P: Array, number_P: Array, rules: FrameRules
) -> Array:
    """IoU of detections with truth boxes of the same videos, in the coordinates that the rules measure in.

    Raises ValueError for normalised boxes in a video of unknown size.
    """
    a, b = detections.boxes_N4[row_P], truth.boxes.boxes_N4[number_P]
    if rules.coordinates == "normalised":
        video, table = truth.boxes.video[number_P], truth.videos
        size = np.column_stack([table.width, table.height] * 2).astype(np.float64)[video]
        unknown = video[(size <= 0).any(axis=1)]
        if len(unknown):
            raise ValueError(
                f"normalised boxes need the size of every video; that of {table.names[unknown[0]]!r} is"
                " unknown: write width and height into the video table of the ground truth"
            )
        a, b = np.round(a / size, 6), np.round(b / size, 6)
    return iou(a, b, rules.box_extent, rules.precision, clipped=rules.apart == "clipped")
