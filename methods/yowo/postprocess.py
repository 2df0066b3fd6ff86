"""From the stored predictions of one video to frame detections and action tubes: numpy, no network.

Boxes are suppressed over all classes by objectness. A frame's detection is scored objectness times class
probability; tubes are linked by the class probability alone (the program's ``link_bbxes``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.metrics.boxes import nms
from bench.records import Array, Detections, Tubes
from bench.speed.marks import NMS, part
from methods.yowo.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_frames: int, config: PostprocessConfig, linked: bool = True
) -> tuple[Detections, Tubes | None]:
    """Frame detections, by frame and falling score, and, if ``linked``, scored tubes of one video."""
    if not len(predictions):
        return predictions, Tubes.empty(predictions.videos) if linked else None
    kept = suppressed(predictions, config)
    assert kept.objectness is not None
    found = replace(kept, score=kept.score * kept.objectness)
    found = found[found.score > config.score_floor]
    found = found[np.lexsort((-found.score, found.frame))]
    return found, config.linking.tubes(kept, np.array([num_frames])) if linked else None


@part(NMS)
def suppressed(predictions: Detections, config: PostprocessConfig) -> Detections:
    """All rows of the boxes that greedy suppression by objectness keeps in each frame.

    A box takes part if its objectness times its best class is above the floor.
    """
    if predictions.objectness is None:
        raise ValueError("yowo's predictions lack the column objectness: these are of another method")
    _, first, place = np.unique(predictions.box, return_index=True, return_inverse=True)
    best = np.zeros(len(first), np.float32)
    np.maximum.at(best, place, predictions.score * predictions.objectness)
    strong = first[best > config.score_floor]
    rows = predictions[strong]
    objectness: Array = predictions.objectness[strong]
    kept = nms(rows.boxes_N4, objectness, config.nms, 0, rows.frame)
    return predictions[np.isin(predictions.box, rows.box[kept])]
