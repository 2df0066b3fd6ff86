"""From the stored predictions of one video to frame detections and action tubes: numpy, no network."""

from __future__ import annotations

import numpy as np

from bench.records import Array, Detections, Tubes
from bench.speed.marks import NMS, part
from methods.common import suppression
from methods.rfb_flow.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_frames: int, config: PostprocessConfig, linked: bool = True
) -> tuple[Detections, Tubes | None]:
    """Frame detections, by frame and falling score, and, if ``linked``, scored tubes of one video.

    Linking reads the predictions themselves: its own floor and NMS are others than those of frames.
    """
    found = suppressed(predictions, config)
    return found, config.linking.tubes(predictions, np.array([num_frames])) if linked else None


@part(NMS)
def suppressed(predictions: Detections, config: PostprocessConfig) -> Detections:
    """The boxes that NMS of each frame and class keeps of its best ones, by frame and falling score."""
    return suppression.suppressed(predictions[strongest(predictions, config)], config.nms)


def strongest(predictions: Detections, config: PostprocessConfig) -> Array:
    """Rows of the best boxes above the floor of each frame and class."""
    rows = np.flatnonzero(predictions.score > config.score_floor)
    groups = suppression.frame_classes(predictions)[rows]
    order = np.lexsort((-predictions.score[rows], groups))
    rows, groups = rows[order], groups[order]
    rank = np.arange(len(rows)) - np.searchsorted(groups, groups)
    return rows[rank < config.candidates]
