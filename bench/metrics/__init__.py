"""Metrics: pure functions of (ground truth, predictions, protocol), float64 inside, percent outside.

========================  ==========================================================================
``frame_map/<t>``         mean over classes of frame-AP at IoU t (protocol.frame_thresholds)
``frame_map/auc``         mean of frame-mAP over the thresholds .05, .10 ... .95
``video_map/<t>``         mean over classes of video-AP at spatio-temporal IoU t (protocol.video_thresholds)
``video_map/0.50-0.95``   mean of the ten video-mAPs at .50, .55 ... .95
``detections/<what>``     classification, localization, f_score, of detections with an objectness:
                          :mod:`bench.metrics.detection_scores`
``frame_ap``, ``video_ap``  the same, class by class
``error/<what>/<kind>``   what was lost to which errors: :mod:`bench.metrics.errors`
matches, truth            what intervals, paired comparisons and curves are made from
========================  ==========================================================================

How boxes overlap, what a detection may claim, how AP is summed and which classes count are the fields of
:class:`bench.protocol.Evaluator`. Sorting is by score descending, equal scores in input order or, where the
rules say so, the last first.
"""

from bench.metrics.bootstrap import class_precisions, intervals, paired_difference
from bench.metrics.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "class_precisions", "evaluate", "intervals", "paired_difference"]
