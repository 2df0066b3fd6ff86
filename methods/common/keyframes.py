"""Which frames a detector is trained on, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.keys import pair_keys
from bench.records import Array, GroundTruth
from methods.base import Info


@dataclass(frozen=True)
class KeyFrames:
    """Key-frames to train on; those of key-frame i are rows ``bounds[i]:bounds[i + 1]`` of the truth."""

    video: Array
    frame: Array
    bounds: Array
    boxes_N4: Array
    labels: Array

    @classmethod
    def of(cls, truth: GroundTruth, step: int = 1) -> KeyFrames:
        """Every ``step``-th frame of each video that has a box and is not excluded.

        Raises ValueError when there is none.
        """
        chosen = truth.boxes.frame % step == 0
        if truth.excluded_frames is not None:
            excluded = pair_keys(*truth.excluded_frames.T)
            chosen &= ~np.isin(pair_keys(truth.boxes.video, truth.boxes.frame), excluded)
        if not chosen.any():
            raise ValueError(f"no training frame of the {len(truth.videos)} videos is annotated")
        boxes, labels = truth.boxes[chosen], truth.box_labels()[chosen]
        order = np.lexsort((boxes.frame, boxes.video))
        boxes, labels = boxes[order], labels[order]
        key = pair_keys(boxes.video, boxes.frame)
        first = np.flatnonzero(np.diff(key, prepend=-1))
        return cls(
            boxes.video[first], boxes.frame[first], np.append(first, len(boxes)), boxes.boxes_N4, labels
        )

    def __len__(self) -> int:
        return len(self.video)

    def truth_at(self, index: int) -> tuple[Array, Array]:
        """boxes_G4 and 0-based labels_G of a key-frame."""
        rows = slice(self.bounds[index], self.bounds[index + 1])
        return self.boxes_N4[rows], self.labels[rows]


class Examples:
    """Key-frames in a new random order each epoch, some of them mirrored, some frames without any action.

    background: share of examples that are frames without a box. A position's example is a function of seed
    and position alone, given a generator that is one.
    """

    def __init__(self, truth: GroundTruth, info: Info, seed: int, step: int = 1, background: float = 0.0):
        self.names = truth.videos.names
        self.info, self.seed, self.background = info, seed, background
        self.keys = KeyFrames.of(truth, step)
        self.empty = background_frames(truth)
        self._shuffled: tuple[int, Array] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def pick(self, position: int, rng: np.random.Generator) -> tuple[str, int, Array, Array]:
        """Video, frame, boxes_G4 and labels_G at a position of the endless sequence."""
        if rng.random() < self.background and len(self.empty[0]):
            place = int(rng.integers(len(self.empty[0])))
            video, frame = self.empty[0][place], self.empty[1][place]
            return self.names[video], int(frame), np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        epoch, place = divmod(position, len(self))
        index = self.order(epoch)[place]
        boxes, labels = self.keys.truth_at(index)
        return self.names[self.keys.video[index]], int(self.keys.frame[index]), boxes, labels

    def mirrored(self, labels: Array, rng: np.random.Generator) -> tuple[Array, bool]:
        """Labels of the mirrored picture and True, or as they are and False."""
        swap = self.info.flipped_labels
        if swap is None or rng.random() >= 0.5:
            return labels, False
        return np.asarray(swap)[labels], True

    def order(self, epoch: int) -> Array:
        """Key-frames in the order of an epoch."""
        if self._shuffled is None or self._shuffled[0] != epoch:
            order = np.random.default_rng([self.seed, 2, epoch]).permutation(len(self.keys))
            self._shuffled = (epoch, order)
        return self._shuffled[1]


def background_frames(truth: GroundTruth) -> tuple[Array, Array]:
    """(video, frame) of all frames without a box that are not excluded.

    Where the annotation lists the frames that are scored (AVA), only of those: others nobody looked at.
    """
    listed = truth.scored_frames
    empty = [np.full(n, listed is None) for n in truth.videos.frames]
    marks = [(listed, True), (np.stack([truth.boxes.video, truth.boxes.frame], 1), False)]
    for frames_S2, mark in [*marks, (truth.excluded_frames, False)]:
        if frames_S2 is None:
            continue
        for video, frame in frames_S2:
            if frame < len(empty[video]):
                empty[video][frame] = mark
    videos = np.repeat(np.arange(len(empty)), [e.sum() for e in empty])
    return videos, np.concatenate([np.flatnonzero(e) for e in empty])


def with_shuffled_labels(truth: GroundTruth, seed: int) -> GroundTruth:
    """The annotation with the labels of all tubes permuted: the control experiment."""
    labels = np.random.default_rng([seed, 3]).permutation(truth.tubes.label)
    return replace(truth, tubes=replace(truth.tubes, label=labels))
