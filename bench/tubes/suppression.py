"""3D-NMS: of tubes that overlap the best stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.metrics.tube_iou import tube_frames
from bench.metrics.video_map import tube_nms
from bench.protocol import TubeRules
from bench.records import Tubes


def suppressed(tubes: Tubes, iou: float | None) -> Tubes:
    """The tubes whose spatio-temporal IoU (inclusive pixels) with no better one of their class and video is
    above this, in their order, numbered anew; None: all, as they are."""
    if iou is None:
        return tubes
    starts = tubes.starts
    rules = TubeRules(nms=iou)
    kept = np.sort(tube_nms(tubes[starts], tube_frames(tubes), np.arange(len(starts)), rules))
    number = np.full(len(starts), -1)
    number[kept] = np.arange(len(kept))
    number_N = np.repeat(number, np.diff(starts, append=len(tubes)))
    rows = number_N >= 0
    return replace(tubes[rows], tube=number_N[rows])
