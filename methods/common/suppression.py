"""Non-maximum suppression of the stored predictions of one video: numpy, no network."""

from __future__ import annotations

import numpy as np

from bench.metrics.boxes import nms
from bench.records import Array, Detections
from bench.speed.marks import NMS, part


def frame_classes(rows: Detections) -> Array:
    """A number for each frame and class, int64 [N]."""
    return rows.frame.astype(np.int64) << 16 | rows.label


@part(NMS)
def suppressed(rows: Detections, threshold: float) -> Detections:
    """What NMS of each frame and class leaves, by frame and falling score."""
    found = rows[nms(rows.boxes_N4, rows.score, threshold, 0, frame_classes(rows))]
    return found[np.lexsort((-found.score, found.frame))]
