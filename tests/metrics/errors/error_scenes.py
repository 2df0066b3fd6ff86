"""Random scenes for the properties of the error decompositions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.records import Detections, GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parents[1]))
import worked

CLASSES = "ABC"
VIDEOS = 3


def _box(rng: np.random.Generator) -> tuple[float, ...]:
    """One of few boxes of which many overlap, some by exactly half or not at all."""
    x, y = rng.integers(0, 3, 2) * 5.0
    return (x, y, x + rng.choice([4.0, 9.0]), y + rng.choice([4.0, 9.0]))


def _frames(rng: np.random.Generator) -> range:
    begin = int(rng.integers(0, 8))
    return range(begin, begin + int(rng.integers(1, 10)))


def truth(seed: int, one_a_class: bool = False) -> GroundTruth:
    """Up to six tubes in three videos, some difficult; ``one_a_class``: no two of a class in a video."""
    rng = np.random.default_rng([seed, 0])
    tubes = {}
    for i in range(rng.integers(0, 7)):
        video, label = (int(n) for n in rng.integers(0, (VIDEOS, len(CLASSES))))
        key = (video, label) if one_a_class else (i, i)
        tubes.setdefault(key, (video, label, _frames(rng), _box(rng)))
    found = worked.truth(list(tubes.values()), CLASSES, VIDEOS)
    return replace(found, tubes=replace(found.tubes, difficult=rng.random(len(tubes)) < 0.2))


def tubes(seed: int) -> Tubes:
    """Up to twelve tubes, few different scores."""
    rng = np.random.default_rng([seed, 1])
    rows = []
    for _ in range(rng.integers(1, 13)):
        video, label = (int(n) for n in rng.integers(0, (VIDEOS, len(CLASSES))))
        rows.append((video, label, _frames(rng), _box(rng), float(rng.integers(1, 9) / 8)))
    return worked.tubes(rows, VIDEOS)


def detections(seed: int) -> Detections:
    """Up to forty boxes, few different scores, some on frames without truth."""
    rng = np.random.default_rng([seed, 2])
    rows = []
    for _ in range(rng.integers(0, 41)):
        video, label, frame = (int(n) for n in rng.integers(0, (VIDEOS, len(CLASSES), 18)))
        rows.append((video, frame, label, float(rng.integers(1, 9) / 8), _box(rng)))
    return worked.detections(rows, VIDEOS)
