"""From the stored predictions of one video to frame detections and action tubes: numpy, no network."""

from __future__ import annotations

import numpy as np

from bench.records import Detections, Tubes
from methods.common.suppression import suppressed
from methods.reclnet.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_frames: int, config: PostprocessConfig, linked: bool = True
) -> tuple[Detections, Tubes | None]:
    """Frame detections, by frame and falling score, and, if ``linked``, scored tubes of one video.

    Detections are suppressed: tracks share boxes.
    """
    found = suppressed(config.linking.detections(predictions), config.nms)
    return found, config.linking.tubes(predictions, np.array([num_frames])) if linked else None
