"""Frame detections from tubelets, as ACT's and MOC's evaluators make them.

Every box is put in its frame; then, within frame and label, ACT keeps what non-maximum suppression at IoU 0.3
leaves (ACT.py, ``load_frame_detections``), and MOC multiplies the score of a box by 1 - IoU with the first
stronger one that it overlaps above 0.6 (ACT_utils.py, ``nms2d``), which drops none. Of equal scores the last
is the stronger, as it is there in groups so small that numpy sorts them stably.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.interop import checks
from bench.interop.act_files import Tubelets
from bench.interop.base import Table
from bench.metrics.boxes import iou, nms, suppress
from bench.metrics.matching import ramp
from bench.records import Array

ACT_NMS, MOC_NMS = 0.3, 0.6


def frame_detections(tubelets: Tubelets, classes: int) -> Table:
    """The boxes of all tubelets, by video and frame. Boxes of single frames, K = 1, are taken as they are.

    Raises ValueError naming the place of a label or a number that is none.
    """
    count, length = len(tubelets.video_M), tubelets.length
    tubelet = np.repeat(np.arange(count), length)
    frame_N = tubelets.start_M[tubelet] + ramp(np.full(count, length))
    order = np.lexsort((frame_N, tubelets.video_M[tubelet]))
    tubelet = tubelet[order]
    table = Table(tubelets.videos, tubelets.video_M[tubelet], frame_N[order], tubelets.label_M[tubelet],
                  tubelets.boxes_MK4.reshape(-1, 4)[order], tubelets.places.take(tubelet),
                  tubelets.score_M[tubelet], of_tubelets=length > 1)  # fmt: skip
    return _suppressed(table, classes, tubelets.soft) if length > 1 else table


def _suppressed(table: Table, classes: int, soft: bool) -> Table:
    """Video by video, which bounds the memory."""
    label_N = checks.labels(table, [str(label) for label in range(classes)])
    boxes_N4, score_N = checks.boxes(table, 0, inverted=True), checks.scores(table, table.scores)
    group_N = table.frame_N * classes + label_N
    kept = [np.zeros(0, np.int64)]
    for rows in np.split(np.arange(len(table)), np.flatnonzero(np.diff(table.video_N)) + 1):
        rows = rows[::-1]
        found = (boxes_N4[rows], score_N[rows], group_N[rows])
        if soft:
            score_N[rows] *= _weights(*found)
        else:
            boxes, scores, groups = found
            kept.append(rows[nms(boxes, scores, ACT_NMS, 1, groups)])
    return replace(table, score_N=score_N) if soft else table.take(np.concatenate(kept))


def _weights(boxes_N4: Array, score_N: Array, group_N: Array) -> Array:
    """What MOC's soft suppression multiplies each score with, float64 [N]."""
    weight_N = np.ones(len(boxes_N4))

    def survives(rows: Array, leaders: Array) -> Array:
        overlap = iou(boxes_N4[rows], boxes_N4[leaders], 1)
        weak = overlap > MOC_NMS
        weight_N[rows[weak]] = 1 - overlap[weak]
        return ~weak

    suppress(np.lexsort((-score_N, group_N)), group_N, survives)
    return weight_N
