"""What the recurrent networks are to say of every box of a track (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from bench.footage import Arrays
from bench.keys import pair_keys
from bench.metrics.boxes import iou
from bench.metrics.matching import join, ramp
from bench.names import near
from bench.records import Array, GroundTruth

BACKGROUND, UNKNOWN = 0, -1


@dataclass(frozen=True)
class FrameLabels:
    """The boxes of a whole annotation by video and frame, ready to be looked up.

    key_G, boxes_G4, label_G: annotated boxes and their 0-based labels, by key, which is a video and frame in
    one number. unsure_U: keys of frames in which a box may be missing, rising. min_iou: a box shows an action
    if it overlaps an annotated box by more than this.
    """

    videos: dict[str, int]
    key_G: Array
    boxes_G4: Array
    label_G: Array
    unsure_U: Array
    min_iou: float

    @classmethod
    def of(cls, truth: GroundTruth, min_iou: float) -> Self:
        """Of an annotation, whose videos may be any number."""
        key_G = pair_keys(truth.boxes.video, truth.boxes.frame)
        order = np.argsort(key_G, kind="stable")
        return cls(
            {name: i for i, name in enumerate(truth.videos.names)}, key_G[order],
            truth.boxes.boxes_N4[order], truth.box_labels()[order], _unsure(truth), min_iou,
        )  # fmt: skip

    def labels(self, video: str, tracks: Arrays) -> Array:
        """The label of each track row of a video, int16 [N]; ``tracks``: its arrays, as they are kept.

        Class c, as c + 1, where the box overlaps an annotated box of class c by an IoU above ``min_iou``
        (continuous boxes); of several, that which it overlaps most. Else -1, unknown and not to be learnt
        from, in a frame within the span of an instance that has no box there (of DALY's instances only
        key-frames have, unless they were extended) and in one that the annotation excludes. Else 0,
        background.

        Raises ValueError for a video that is not annotated.
        """
        if video not in self.videos:
            raise ValueError(f"labels of tracks: no annotation of {video!r}; {near(video, self.videos)}")
        number = self.videos[video]
        ends = pair_keys(np.array([number, number + 1]), np.zeros(2, np.int64))
        rows = slice(*np.searchsorted(self.key_G, ends))
        frame_M = tracks["frame_M"]
        key_M = pair_keys(np.full(len(frame_M), number), frame_M)
        label_M = np.where(np.isin(key_M, self.unsure_U), UNKNOWN, BACKGROUND).astype(np.int16)
        box_P, truth_P = join(key_M, self.key_G[rows])
        overlap_P = iou(tracks["distinct_M4"][box_P], self.boxes_G4[rows][truth_P], 0)
        rising = np.argsort(overlap_P, kind="stable")
        rising = rising[overlap_P[rising] > self.min_iou]
        label_M[box_P[rising]] = self.label_G[rows][truth_P[rising]] + 1
        return label_M[tracks["row_N"]]


def _unsure(truth: GroundTruth) -> Array:
    """Keys of the frames within spans of tubes that have no box there, and of excluded frames; rising."""
    tubes = truth.tubes
    counts = tubes.end - tubes.start
    frame = np.repeat(tubes.start, counts) + ramp(counts)
    spans, there = np.repeat(tubes.tube, counts), pair_keys(truth.boxes.tube, truth.boxes.frame)
    lacks = ~np.isin(pair_keys(spans, frame), there)
    missing = pair_keys(np.repeat(tubes.video, counts), frame)[lacks]
    excluded = truth.excluded_frames
    if excluded is not None:
        missing = np.append(missing, pair_keys(excluded[:, 0], excluded[:, 1]))
    return np.unique(missing)
