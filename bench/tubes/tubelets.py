"""Tubelets from detections that are marked as such, and detections of single frames from tubelets."""

from __future__ import annotations

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import nms
from bench.records import Detections, Tubelets


def stacked(detections: Detections) -> Tubelets:
    """Tubelets of detections with a column ``tubelet``: rows of one video, number and label are one of them.

    By video, number, label. Raises ValueError where the column is missing, and for tubelets that lack a
    frame, have several scores, or differ in length.
    """
    if detections.tubelet is None:
        raise ValueError(
            "linking of tubelets: the detections have no column 'tubelet'; link by another rule, 'online'"
        )
    order = np.lexsort((detections.frame, detections.label, detections.tubelet, detections.video))
    rows = detections[order]
    assert rows.tubelet is not None
    key = np.stack([rows.video, rows.tubelet, rows.label], axis=1)
    begins = np.concatenate([np.ones(min(1, len(rows)), bool), np.any(key[1:] != key[:-1], axis=1)])
    heads = np.flatnonzero(begins)
    length = int(np.diff(heads, append=len(rows)).max(initial=1))
    steady = ~begins[1:] & (np.diff(rows.frame) == 1) & (np.diff(rows.score) == 0)
    broken = ~(begins[1:] | steady)
    broken[heads[np.diff(heads, append=len(rows)) != length] - 1] = True
    if np.any(broken):
        row = int(np.flatnonzero(broken)[0]) + 1
        where = f"{rows.tubelet[row]} of video {rows.videos[rows.video[row]]!r}, label {rows.label[row]}"
        raise ValueError(f"tubelet {where}: expected {length} boxes of consecutive frames with one score")
    boxes_NK4 = rows.boxes_N4.reshape(-1, length, 4)
    return Tubelets(
        rows.videos, rows.video[heads], rows.frame[heads], boxes_NK4, rows.label[heads], rows.score[heads]
    )


def frame_detections(tubelets: Tubelets, threshold: float = 0.3) -> Detections:
    """The boxes of all tubelets as detections of their frames, after NMS of every class (inclusive boxes).

    As ACT.py makes frame detections (Kalogeiton et al. 2017, section 4). By video, frame, label, best first;
    every row is a box of its own.
    """
    parts = []
    stack = tubelets.boxes_NK4.shape[1]
    for _, rows in tubelets.by_video():
        frame = (rows.start[:, None] + np.arange(stack)).ravel()
        label, score = np.repeat(rows.label, stack), np.repeat(rows.score, stack)
        boxes = rows.boxes_NK4.reshape(-1, 4)
        kept = nms(boxes, score, threshold, 1, pair_keys(frame, label))
        parts.append(
            Detections(
                tubelets.videos, np.repeat(rows.video, stack)[kept], frame[kept], np.arange(len(kept)),
                boxes[kept], label[kept], score[kept],
            )
        )  # fmt: skip
    return Detections.concat(parts).with_videos(tubelets.videos) if parts else Detections.empty()
