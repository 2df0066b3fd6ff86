"""From the stored predictions of one video to frame detections and, where boxes are linked, action tubes."""

from __future__ import annotations

import numpy as np

from bench.records import Detections, Tubes
from methods.base import Info
from methods.common.suppression import suppressed
from methods.two_stream_yolo.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_frames: int, config: PostprocessConfig, info: Info
) -> tuple[Detections, Tubes | None]:
    """Without linking the best box of every frame and no tubes; else what NMS leaves, and scored tubes.

    Linking reads the predictions themselves: its own floor and NMS are others than those of frames.
    """
    linked = config.linked
    if linked is None:
        return best_of_frames(predictions, info.multi_label), None
    found = suppressed(predictions, linked.nms)
    return found, linked.linking.tubes(predictions, np.array([num_frames])) if info.linked else None


def best_of_frames(predictions: Detections, multi_label: bool) -> Detections:
    """The row of the highest score of every frame (section IV.C); with several labels all rows of its box."""
    rows = predictions[np.lexsort((-predictions.score, predictions.frame))]
    best = rows[np.flatnonzero(np.diff(rows.frame, prepend=-1))]
    return rows[np.isin(rows.box, best.box)] if multi_label else best
