"""From the stored predictions of one video to frame detections and action tubes: numpy, no network."""

from __future__ import annotations

import numpy as np

from bench.metrics.boxes import nms
from bench.records import Detections, Tubes
from bench.speed.marks import NMS, part
from methods.reclnet.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_frames: int, config: PostprocessConfig, linked: bool = True
) -> tuple[Detections, Tubes | None]:
    """Frame detections, by frame and falling score, and, if ``linked``, scored tubes of one video."""
    found = suppressed(config.linking.detections(predictions), config.nms)
    return found, config.linking.tubes(predictions, np.array([num_frames])) if linked else None


@part(NMS)
def suppressed(found: Detections, threshold: float) -> Detections:
    """What non-maximum suppression of each frame and class leaves: tracks share boxes."""
    group_N = found.frame.astype(np.int64) << 16 | found.label
    found = found[nms(found.boxes_N4, found.score, threshold, 0, group_N)]
    return found[np.lexsort((-found.score, found.frame))]
