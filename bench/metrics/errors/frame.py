"""Errors of single boxes: ACT's shares over recall at IoU 0.5 (Kalogeiton et al. 2017, ``frameAP_error``).

Every detection that is no true positive has one kind:

``localization``    its frame has truth of its class, so the box is wrong or a duplicate
``classification``  else it overlaps truth of another class, IoU at the threshold
``time``            else its frame has no truth at all, but its video has truth of its class
``other``           else

``missed`` is the truth that no detection claims. AP and the five shares add up to 100 for every class. Boxes,
frames, matching and AP rule are the protocol's, the threshold is ACT's.

**People with several labels** (AVA): nearly every frame has someone who stands, and confusing one person with
another would all be called localization. Where some annotated box carries several labels, the order is
therefore: ``localization`` if the detection overlaps truth of its class at the threshold (a duplicate); else
``classification`` if it so overlaps a person, who then lacks the label; else as above. That is our reading:
ACT knows no such data.
"""

from __future__ import annotations

import numpy as np

from bench.keys import pair_keys
from bench.metrics.errors.shares import integrate
from bench.metrics.frame_map import frame_iou, frame_ranking
from bench.metrics.frame_rows import counted_truth
from bench.metrics.matching import Ranking, join_in_parts, reaches
from bench.protocol import FrameRules
from bench.records import Array, Detections, GroundTruth

THRESHOLD = 0.5
KINDS = ("localization", "classification", "time", "other", "missed")
LOCALIZATION, CLASSIFICATION, TIME, OTHER = range(1, 5)
"""Codes of the kinds; 0 is a true positive."""

CHUNK = 1 << 18
"""Pairs of boxes handled at once: bounds the memory."""


def frame_errors(truth: GroundTruth, detections: Detections, rules: FrameRules) -> dict[str, Array]:
    """Kind to share_C in percent, NaN for a class that the rules leave out of the mean.

    ``detections.videos`` must be those of ``truth``.
    """
    ranking, kind_N = ranked_kinds(truth, detections, rules)
    shares = integrate(kind_N, ranking.label_N, ranking.truths_VC.sum(axis=0), len(KINDS), rules)
    return dict(zip(KINDS, 100 * shares[1:]))


def ranked_kinds(truth: GroundTruth, detections: Detections, rules: FrameRules) -> tuple[Ranking, Array]:
    """The detections that count in the order AP is summed, and the code of each, int8 [N]."""
    ranking = frame_ranking(truth, detections, rules)
    kind_N = _kinds_of_false(truth, detections, rules)[ranking.row_N]
    kind_N[ranking.true_positives(THRESHOLD, rules)] = 0
    return ranking, kind_N


def _kinds_of_false(truth: GroundTruth, detections: Detections, rules: FrameRules) -> Array:
    """Code of each detection, were it no true positive, int8 [N]."""
    numbers = counted_truth(truth, rules)
    boxes, label_M = truth.boxes[numbers], truth.box_labels()[numbers]
    keys_M = pair_keys(boxes.video, boxes.frame)
    several = multi_label(keys_M, boxes.boxes_N4, label_M)
    here, own, on_other, on_own = np.zeros((4, len(detections)), bool)
    for row, number in join_in_parts(pair_keys(detections.video, detections.frame), keys_M, CHUNK):
        same = label_M[number] == detections.label[row]
        here[row] = True
        own[row[same]] = True
        asked = np.flatnonzero(several | ~own[row])  # all pairs of a row lie in one part
        row, number, same = row[asked], number[asked], same[asked]
        close = reaches(frame_iou(truth, detections, row, numbers[number], rules), THRESHOLD, rules)
        on_other[row[close & ~same]] = True
        on_own[row[close & same]] = True
    in_video_VC = np.zeros((len(truth.videos), len(truth.classes)), bool)
    in_video_VC[boxes.video, label_M] = True
    kind = np.full(len(detections), OTHER, np.int8)
    kind[~here & in_video_VC[detections.video, detections.label]] = TIME
    kind[own] = LOCALIZATION
    kind[on_other & ~on_own] = CLASSIFICATION
    return kind


def multi_label(frame_M: Array, boxes_M4: Array, label_M: Array) -> bool:
    """Whether some box of a frame is there under several labels. ``frame_M``: one number a frame."""
    order = np.argsort(frame_M, kind="stable")
    mixed = (np.diff(frame_M[order]) == 0) & (np.diff(label_M[order]) != 0)
    rows = np.flatnonzero(np.isin(frame_M, frame_M[order[1:]][mixed]))
    rows = rows[np.lexsort((label_M[rows], *boxes_M4[rows].T, frame_M[rows]))]
    same = (np.diff(boxes_M4[rows], axis=0) == 0).all(axis=1) & (np.diff(frame_M[rows]) == 0)
    return bool((same & (np.diff(label_M[rows]) != 0)).any())
