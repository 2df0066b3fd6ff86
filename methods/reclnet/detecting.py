"""Boxes of all frames of a video by a detector of one stream, as linking wants them.

A detector sees K consecutive frames at once: 1 for Fast R-CNN on frames, 5 for the stacks of RecLNet++.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from bench.footage import Footage
from bench.records import STREAMS, Array, Detections, Tubelets
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import Boxes
from bench.tubes.kernels.viterbi import best_boxes
from methods.common.windows import to_annotation
from methods.reclnet.pictures import pictures


class Found(NamedTuple):
    """N regions that a detector found in one clip of K frames.

    boxes_NLK4: in pixels of the pictures; L is the number of classes (boxes of their own for each class,
        background excluded) or 1 (one box for all). scores_NC: softmax, background first, C = classes + 1.
    """

    boxes_NLK4: Array
    scores_NC: Array


class Detector(Protocol):
    """A trained detector of one stream. Pictures are uint8, boxes float32 in pixels of the pictures."""

    frames: int
    """K."""

    def detect(self, clips_BKHW3: Array) -> Sequence[Found]:
        """What is found in each clip."""

    def describe(self, images_BHW3: Array, boxes: Sequence[Array]) -> tuple[Array, Array]:
        """scores_NC (as in :class:`Found`) and fc7 features_ND of given boxes of each picture, in order."""


@dataclass(frozen=True)
class KeptBoxes:
    """Which boxes of a class in a frame take part in linking (ours, where Saha et al. 2016 give no number).

    score_floor: a box's score must be above this.
    nms: a box goes if its IoU with a better one is above this (continuous boxes).
    per_class: boxes that are left, best first.
    batch: clips that go through the network at a time.
    """

    score_floor: float = field(default=0.0, metadata={"range": (0.0, 0.3)})
    nms: float = field(default=0.3, metadata={"range": (0.2, 0.8)})
    per_class: int = field(default=40, metadata={"range": (5, 100)})
    batch: int = 8

    def __post_init__(self) -> None:
        for name in ("per_class", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"tracks.kept.{name} is {getattr(self, name)}, must be at least 1")


def detections(
    footage: Footage, detector: Detector, stream: str, kept: KeptBoxes, persons: bool
) -> Detections:
    """Boxes of all frames, one row a (box, label), in annotation pixels. ``persons``: :func:`as_persons`.

    Raises ValueError for a detector of stacks.
    """
    if detector.frames != 1:
        raise ValueError(f"a detector of {detector.frames} frames gives tubelets; link them by 'tubelet'")
    parts = [_rows(found, kept, persons) for found in _found(footage, detector, stream, kept.batch)]
    counts = [len(part.label) for part in parts]
    boxes_N14, label, score = (np.concatenate(column) for column in zip(*parts))
    return Detections(
        (footage.name,), np.zeros(len(label)), np.repeat(np.arange(len(parts)), counts),
        np.arange(len(label)), to_annotation(boxes_N14[:, 0], footage), label, score,
        stream=np.full(len(label), STREAMS.index(stream)),
    )  # fmt: skip


def tubelets(footage: Footage, detector: Detector, stream: str, kept: KeptBoxes) -> Tubelets:
    """Stacks of K boxes from every start, one row a (stack, label), in annotation pixels.

    A video of fewer than K frames gives one clip, whose last frame repeats; its stacks end past the video.
    """
    parts = [_rows(found, kept, False) for found in _found(footage, detector, stream, kept.batch)]
    counts = [len(part.label) for part in parts]
    boxes_NK4, label, score = (np.concatenate(column) for column in zip(*parts))
    flat = to_annotation(boxes_NK4.reshape(-1, 4), footage)
    start = np.repeat(np.arange(len(parts)), counts)
    return Tubelets((footage.name,), np.zeros(len(label)), start, flat.reshape(boxes_NK4.shape), label, score)


def _found(footage: Footage, detector: Detector, stream: str, batch: int) -> Iterator[Found]:
    """What is found in the clip from each start, a batch of clips in memory at a time."""
    last = len(footage) - 1
    starts = np.arange(max(last + 2 - detector.frames, 1))
    for first in range(0, len(starts), batch):
        numbers_BK = starts[first : first + batch, None] + np.arange(detector.frames)
        yield from detector.detect(pictures(footage, stream, np.minimum(numbers_BK, last)))


class _Rows(NamedTuple):
    """boxes_NK4 with the label and the score of each."""

    boxes: Array
    label: Array
    score: Array


def as_persons(found: Found) -> Found:
    """The regions of one class, person: what is not background, with the box of the best class."""
    boxes_NLK4, scores_NC = found
    best_N = scores_NC[:, 1:].argmax(axis=1) if boxes_NLK4.shape[1] > 1 else np.zeros(len(scores_NC), int)
    background_N = scores_NC[:, :1]
    return Found(
        boxes_NLK4[np.arange(len(best_N)), best_N][:, None],
        np.concatenate([background_N, 1 - background_N], axis=1),
    )


def _rows(found: Found, kept: KeptBoxes, persons: bool) -> _Rows:
    """What is kept of a clip, by label, then best first."""
    boxes_NLK4, scores_NC = as_persons(found) if persons else found
    scores_LN = np.ascontiguousarray(scores_NC[:, 1:].T, np.float32)
    boxes_LNK4 = np.broadcast_to(
        boxes_NLK4.swapaxes(0, 1), (len(scores_LN), len(boxes_NLK4), *boxes_NLK4.shape[2:])
    )
    left_LN = np.where(unsuppressed(boxes_LNK4, scores_LN, kept), scores_LN, -np.inf)
    order_LN = np.argsort(-left_LN, axis=1, kind="stable")[:, : kept.per_class]
    label, place = np.nonzero(np.isfinite(np.take_along_axis(left_LN, order_LN, axis=1)))
    row = order_LN[label, place]
    return _Rows(boxes_LNK4[label, row], label, scores_LN[label, row])


def unsuppressed(boxes_LNK4: Array, scores_LN: Array, kept: KeptBoxes) -> Array:
    """Whether NMS leaves a stack in one of its K frames, each class and frame alone; bool [L, N].

    The union over the frames is that of the authors' program for stacks.
    """
    labels, count, stack = boxes_LNK4.shape[:3]
    boxes, score, frame, label = writable(
        boxes_LNK4.swapaxes(1, 2).reshape(-1, 4).astype(np.float32),
        np.repeat(scores_LN[:, None], stack, axis=1).reshape(-1),
        np.tile(np.repeat(np.arange(stack, dtype=np.int32), count), labels),
        np.repeat(np.arange(labels, dtype=np.int16), stack * count),
    )
    bounds = np.arange(labels + 1) * stack * count
    runs = best_boxes(
        np.arange(len(score)), bounds, Boxes(frame, label, boxes, score), (kept.score_floor, kept.nms),
        max(count, 1),
    )  # fmt: skip
    left_LKN = np.zeros((labels, stack, count), bool)
    left_LKN.reshape(-1)[runs.row_M] = True
    return np.asarray(left_LKN.any(axis=1))
