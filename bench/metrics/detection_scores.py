"""Classification, localization and F-score of confident boxes, as YOWO's program prints them after an epoch.

MENet's Tables 1 and 2 report them (Liu et al. 2020, section 4.3). They ask what a detector says outright, at
one confidence, without the ranking that AP is made of: a box takes part if its objectness is above 0.25 and
belongs to its most probable class alone. Every box of the truth looks at the box that overlaps it most, which
several may share.
"""

from __future__ import annotations

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import iou_matrix
from bench.records import Array, Detections, GroundTruth

CONFIDENT, OVERLAP = 0.25, 0.5
"""Objectness and IoU, continuous pixels, that must be exceeded: the program's."""

NAMES = ("detections/classification", "detections/localization", "detections/f_score")


def detection_scores(truth: GroundTruth, detections: Detections) -> dict[str, float | None]:
    """Percent by :data:`NAMES`; None where there is nothing to divide by.

    classification: of the annotated boxes that are localized, the share whose box has their class; on
    multi-label data one of their classes, as rows of the truth with one box and frame are one box.
    localization: the share of annotated boxes that a confident box overlaps by more than 0.5. f_score: the
    harmonic mean of precision (localized and rightly classified boxes of the truth over confident boxes) and
    recall (the same over all boxes of the truth). Difficult truth counts as any other. Both tables are over
    the same videos; frames that are not scored have no part.
    Raises ValueError for detections without objectness.
    """
    if detections.objectness is None:
        raise ValueError("detection scores want the objectness of boxes; these detections have none")
    found = _confident(detections)
    if truth.scored_frames is not None:
        scored = pair_keys(*truth.scored_frames.T)
        found = found[np.isin(pair_keys(found.video, found.frame), scored)]
    localized, right, total = 0, 0, 0
    at_found = _by_place(found.video, found.frame)
    labels = truth.box_labels()
    for place, rows in _by_place(truth.boxes.video, truth.boxes.frame).items():
        boxes_G4, which = np.unique(truth.boxes.boxes_N4[rows], axis=0, return_inverse=True)
        total += len(boxes_G4)
        near = at_found.get(place)
        if near is None:
            continue
        overlap_GN = iou_matrix(boxes_G4, found.boxes_N4[near], extent=0)
        label_G = found.label[near][overlap_GN.argmax(axis=1)]
        hit_G = overlap_GN.max(axis=1) > OVERLAP
        same_G = np.zeros(len(boxes_G4), bool)
        which = which.reshape(-1)
        np.logical_or.at(same_G, which, labels[rows] == label_G[which])
        localized, right = localized + int(hit_G.sum()), right + int((hit_G & same_G).sum())
    shares = (right, localized), (localized, total), (2 * right, len(found) + total)
    return {name: 100.0 * part / of if of else None for name, (part, of) in zip(NAMES, shares)}


def _confident(detections: Detections) -> Detections:
    """Of each box above the objectness, the row of its best class."""
    assert detections.objectness is not None
    rows = detections[detections.objectness > CONFIDENT]
    rows = rows[np.lexsort((-rows.score, rows.box, rows.video))]
    return rows[np.flatnonzero(np.diff(pair_keys(rows.video, rows.box), prepend=-1))]


def _by_place(video_N: Array, frame_N: Array) -> dict[int, Array]:
    """Rows of every (video, frame) that has some."""
    places = pair_keys(video_N, frame_N)
    order = np.argsort(places, kind="stable")
    first = np.flatnonzero(np.diff(places[order], prepend=-1))
    return dict(zip(places[order][first].tolist(), np.split(order, first[1:])))
