"""Made-up detections for the tests of linking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from bench.records import Detections, Tubelets


def detections(frame: object, boxes_N4: object, label: object, score: object) -> Detections:
    """Rows of one video, every row a box of its own."""
    count = len(np.asarray(frame))
    return Detections(
        videos=("v",), video=np.zeros(count), frame=np.asarray(frame), box=np.arange(count),
        boxes_N4=np.asarray(boxes_N4).reshape(-1, 4), label=np.asarray(label), score=np.asarray(score),
    )  # fmt: skip


def moving(frames: list[int], score: float = 0.5, left: float = 10.0) -> Detections:
    """One box of class 0, one pixel further right a frame."""
    boxes = [[left + t, 20, left + 30 + t, 60] for t in frames]
    return detections(frames, boxes, np.zeros(len(frames)), np.full(len(frames), score))


def random_video(seed: int, frames: int, people: int, classes: int, levels: int | None) -> Detections:
    """Boxes that wander, all with every class, some frames and boxes missing.

    ``levels`` distinct scores (None: all differ).
    """
    rng = np.random.default_rng(seed)
    centre_TP2 = rng.uniform(20, 120, (people, 2)) + np.cumsum(rng.normal(0, 4, (frames, people, 2)), axis=0)
    half_TP2 = rng.uniform(8, 30, (people, 2)) + rng.normal(0, 1, (frames, people, 2))
    boxes_TP4 = np.concatenate([centre_TP2 - half_TP2, centre_TP2 + half_TP2], axis=2)
    there_TP = (rng.uniform(size=(frames, people)) < 0.7) & (rng.uniform(size=(frames, 1)) < 0.85)
    frame, person = np.nonzero(there_TP)
    scores = rng.uniform(0, 1, len(frame) * classes)
    if levels:
        scores = np.ceil(scores * levels) / levels
    rows = detections(
        np.repeat(frame, classes),
        np.repeat(boxes_TP4[frame, person], classes, axis=0),
        np.tile(np.arange(classes), len(frame)),
        scores,
    )
    return replace(rows, box=np.repeat(np.arange(len(frame)), classes))


def many(videos: list[Detections]) -> Detections:
    """Videos ``0``, ``1`` ..., each of one of the given sets of rows."""
    return Detections.concat([replace(rows, videos=(str(i),)) for i, rows in enumerate(videos)])


def as_tubelets(found: Detections, stack: int, seed: int = 0) -> Tubelets:
    """Of each box the ``stack`` boxes that it grows into when it moves on steadily."""
    step_N4 = np.repeat(np.random.default_rng(seed).normal(0, 3, (len(found), 2)), 2, axis=1)[:, [0, 2, 1, 3]]
    offsets = step_N4[:, None] * np.arange(stack)[:, None]
    return Tubelets(
        found.videos, found.video, found.frame, found.boxes_N4[:, None] + offsets, found.label, found.score
    )


def video_strategy(levels: st.SearchStrategy = st.none(), people: int = 12) -> st.SearchStrategy[Detections]:  # noqa: B008
    """One random video."""
    return st.builds(
        random_video,
        seed=st.integers(0, 10_000),
        frames=st.integers(1, 25),
        people=st.integers(1, people),
        classes=st.integers(1, 3),
        levels=levels,
    )
