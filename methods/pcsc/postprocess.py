"""From the stored predictions of one video to frame detections and action tubes: numpy, no network.

Section 3 of the paper: the result of stage t is NMS over the union of the boxes of stages 0..t; linking is
online without temporal labelling; temporal refinement trims each tube by its filtered actionness.
"""

from __future__ import annotations

import numpy as np

from bench.metrics.boxes import nms
from bench.records import Detections, Tubes
from bench.speed.marks import LINK, NMS, part
from bench.tubes.scoring import score_tubes
from bench.tubes.trimming import ActionnessTrimming
from methods.pcsc.config import PostprocessConfig


def detections_and_tubes(
    predictions: Detections, num_classes: int, config: PostprocessConfig, linked: bool = True
) -> tuple[Detections, Tubes | None]:
    """Frame detections and, if ``linked``, scored tubes of one video at ``config.stage``.

    Raises ValueError if refinement is asked for and the predictions hold no actionness.
    """
    if not len(predictions):
        return predictions, Tubes.empty(predictions.videos) if linked else None
    if not linked:
        return union_of_stages(predictions, num_classes, config), None
    if config.refine and predictions.actionness is None:
        raise ValueError(
            "postprocess.refine needs actionness, which these predictions lack: "
            "train with actionness.enabled=true, or use --set postprocess.refine=false"
        )
    found = union_of_stages(predictions, num_classes, config)
    with part(LINK):
        paths = config.linking.link(found)
        if config.refine:
            paths = ActionnessTrimming(config.threshold, config.window).trim(paths, found)
        return found, score_tubes(paths, config.scoring)


@part(NMS)
def union_of_stages(predictions: Detections, num_classes: int, config: PostprocessConfig) -> Detections:
    """NMS per frame and class over the boxes of stages 0..t, then the best boxes of each frame.

    Rows come in order of frame and, within it, falling score.
    """
    assert predictions.stage is not None
    keep = (predictions.stage <= config.stage) & (predictions.score >= config.score_floor)
    rows = predictions[keep]
    groups = rows.frame.astype(np.int64) * num_classes + rows.label
    rows = rows[nms(rows.boxes_N4, rows.score, config.nms, 0, groups)]
    rows = rows[np.lexsort((-rows.score, rows.frame))]
    rank = np.arange(len(rows)) - np.searchsorted(rows.frame, rows.frame)
    return rows[rank < config.boxes_per_frame]
