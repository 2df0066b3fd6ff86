"""Small scenes written by hand for the metric tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable

BOX = (0.0, 0.0, 9.0, 9.0)
"""100 inclusive pixels, 81 continuous ones."""

Tube = tuple[int, int, Sequence[int], Sequence[float]]
"""Video, label, frames, the box on all of them."""


def truth(
    tubes: Sequence[Tube], classes: str = "AB", videos: int = 2, groups: Sequence[str] = ()
) -> GroundTruth:
    names = tuple(f"v{i}" for i in range(videos))
    ones = np.full(videos, 50)
    table = VideoTable(names, ones, ones, ones, ones, tuple(groups) or names)
    number = np.arange(len(tubes))
    lengths = [len(frames) for _, _, frames, _ in tubes]
    video = np.array([video for video, *_ in tubes], int)
    annotated = TruthTubes(
        names,
        video,
        number,
        [label for _, label, *_ in tubes],
        [min(frames) for _, _, frames, _ in tubes],
        [max(frames) + 1 for _, _, frames, _ in tubes],
        np.zeros(len(tubes), bool),
    )
    frames = np.concatenate([np.zeros(0, int), *(np.array(frames) for _, _, frames, _ in tubes)])
    boxes = np.repeat(np.array([box for *_, box in tubes], float).reshape(-1, 4), lengths, axis=0)
    return GroundTruth(
        tuple(classes),
        table,
        annotated,
        TruthBoxes(names, np.repeat(video, lengths), np.repeat(number, lengths), frames, boxes),
    )


def detections(rows: Sequence[tuple[int, int, int, float, Sequence[float]]], videos: int = 2) -> Detections:
    """Rows of video, frame, label, score, box."""
    names = tuple(f"v{i}" for i in range(videos))
    video, frame, label, score = np.array([row[:4] for row in rows], float).reshape(-1, 4).T
    boxes = np.array([row[4] for row in rows], float).reshape(-1, 4)
    return Detections(names, video, frame, np.arange(len(rows)), boxes, label, score)


def tubes(rows: Sequence[tuple[int, int, Sequence[int], Sequence[float], float]], videos: int = 2) -> Tubes:
    """Rows of video, label, frames, box, score."""
    names = tuple(f"v{i}" for i in range(videos))
    lengths = [len(frames) for _, _, frames, _, _ in rows]
    return Tubes(
        names,
        np.repeat([row[0] for row in rows], lengths),
        np.repeat(np.arange(len(rows)), lengths),
        np.repeat([row[1] for row in rows], lengths),
        np.repeat([row[4] for row in rows], lengths),
        np.concatenate([np.array(row[2]) for row in rows]),
        np.repeat(np.array([row[3] for row in rows], float), lengths, axis=0),
    )
