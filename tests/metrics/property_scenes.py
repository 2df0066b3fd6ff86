"""Scenes on which some evaluator breaks a property, and random ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import worked
from properties import STEP, Scene
from worked import BOX

FAR = (30.0, 30.0, 39.0, 39.0)
BESIDE = (0.0, 0.0, 9.0, 7.0)
"""Overlaps BOX by more than half under every rule for frames."""
HALF = (0.0, 0.0, 4.0, 9.0)
"""Half of BOX in inclusive pixels, less on continuous coordinates."""
INVERTED = (9.0, 9.0, 0.0, 0.0)

Row = tuple[int, int, int, float, tuple[float, ...]]
"""Video, frame, label, score, box."""
Truth = list[tuple[int, int, range, tuple[float, ...]]]
"""Video, label, frames, box of each tube."""


def frame_scene(truth: Truth, rows: list[Row]) -> Scene:
    return Scene(worked.truth(truth), worked.detections(rows))


def tube_scene(truth: Truth, rows: list[tuple[int, int, range, tuple[float, ...], float]]) -> Scene:
    return Scene(worked.truth(truth), worked.tubes(rows))


def excluded_frame() -> Scene:
    scene = frame_scene([(0, 0, range(2), BOX)], [(0, 1, 0, 0.5, BOX)])
    return replace(scene, truth=replace(scene.truth, excluded_frames=np.array([[0, 0]], np.int32)))


def crowd() -> Scene:
    """101 people of one class in one frame."""
    places = [(12.0 * (i % 11), 12.0 * (i // 11)) for i in range(101)]
    return frame_scene([(0, 0, range(1), (x, y, x + 9, y + 9)) for x, y in places], [(0, 0, 0, 0.5, BOX)])


def full_frame(others: int) -> Scene:
    """Class A fills the first frame with so many false positives, then one of class B; B's hit is last."""
    rows: list[Row] = [(0, 0, 0, (63 - i) * STEP, FAR) for i in range(others)]
    rows += [(0, 0, 1, 3 * STEP, FAR), (0, 1, 1, 2 * STEP, BOX)]
    return frame_scene([(0, 1, range(1, 2), BOX), (1, 0, range(1), BOX)], rows)


SCENES: dict[str, dict[str, list[Callable[[], Scene]]]] = {
    "frames": {
        "order": [
            lambda: frame_scene([(0, 0, range(1), BOX)], [(0, 0, 0, 0.25, BESIDE), (0, 0, 0, 0.75, BOX)]),
        ],
        "perfect": [
            excluded_frame,
            crowd,
            lambda: frame_scene([(0, 0, range(1), BOX), (0, 0, range(1), BESIDE)], [(0, 0, 0, 0.5, BOX)]),
            lambda: frame_scene([(0, 0, range(1), BOX), (0, 1, range(1), BOX)], [(0, 0, 0, 0.5, BOX)]),
        ],
        "none": [lambda: frame_scene([(0, 0, range(1), BOX)], [(0, 0, 0, 0.5, BOX)])],
        "duplicate": [
            # a person beside
            lambda: frame_scene([(0, 0, range(1), BOX), (0, 0, range(1), BESIDE)], [(0, 0, 0, 0.5, BOX)]),
            # the frame is full with B's false positive
            lambda: full_frame(49),
            # the first row in the file has the lowest score
            lambda: frame_scene(
                [(0, 0, range(1), BOX)], [(0, 0, 0, 0.25, BOX), (0, 0, 0, 0.75, BOX), (0, 0, 0, 0.5, FAR)]
            ),
        ],
        "removal": [lambda: full_frame(50)],
        "scale": [
            lambda: frame_scene([(0, 0, range(1), BOX)], [(0, 0, 0, 0.5, HALF)]),
            lambda: frame_scene([(0, 0, range(1), BOX)], [(0, 0, 0, 0.5, BOX)]),
        ],
        "bounds": [lambda: frame_scene([(0, 0, range(1), INVERTED)], [(0, 0, 0, 0.5, INVERTED)])],
        "absent": [lambda: frame_scene([(0, 0, range(1), BOX)], [(0, 0, 0, 0.5, BOX)])],
    },
    "tubes": {
        "order": [
            # scores that rounding makes equal, in one video and in two
            lambda: tube_scene(
                [(0, 0, range(5), BOX)], [(0, 0, range(5), FAR, 0.9001), (0, 0, range(5), BOX, 0.9004)]
            ),
            lambda: tube_scene(
                [(0, 0, range(5), BOX)], [(1, 0, range(5), FAR, 0.9001), (0, 0, range(5), BOX, 0.9004)]
            ),
        ],
        "perfect": [
            lambda: tube_scene([(0, 0, range(5), BOX)], [(0, 0, range(5), BOX, 0.5)]),
            lambda: tube_scene([(0, 0, range(1), BOX)], [(0, 0, range(1), BOX, 0.5)]),
            lambda: tube_scene(
                [(0, 0, range(5), BOX), (0, 0, range(5), BESIDE)], [(0, 0, range(5), BOX, 0.5)]
            ),
        ],
        "none": [lambda: tube_scene([(0, 0, range(5), BOX)], [(0, 0, range(5), BOX, 0.5)])],
        "duplicate": [
            lambda: tube_scene(
                [(0, 0, range(5), FAR), (0, 0, range(5), (30.0, 30.0, 39.0, 38.0))],
                [(0, 0, range(5), FAR, 0.5)],
            ),
        ],
        "removal": [
            # a long tube has kept two short ones away, which do not overlap each other
            lambda: tube_scene(
                [(0, 0, range(10), FAR)],
                [
                    (0, 0, range(10), BOX, 0.9),
                    (0, 0, range(5), BOX, 0.8),
                    (0, 0, range(5, 10), BOX, 0.7),
                    (0, 0, range(10), FAR, 0.5),
                ],
            ),
        ],
        "scale": [
            lambda: tube_scene([(0, 0, range(5), BOX)], [(0, 0, range(5), HALF, 0.5)]),
            lambda: tube_scene([(0, 0, range(5), BOX)], [(0, 0, range(5), BOX, 0.5)]),
        ],
        "bounds": [
            lambda: tube_scene([(0, 0, range(5), INVERTED)], [(0, 0, range(5), BOX, 0.5)]),
        ],
        "absent": [lambda: tube_scene([(0, 0, range(5), BOX)], [(0, 0, range(5), BOX, 0.5)])],
    },
}
"""By level and property, scenes that break it under some evaluator."""


def random_scene(seed: int, level: str, disjoint: bool) -> Scene:
    """One to five tubes of truth and one to seven predictions near them, in two videos and classes.

    ``disjoint``: truth and the predictions near it have a place of their own, 40 pixels from any other.
    """
    rng = np.random.default_rng(seed)

    def box(place: int) -> tuple[float, ...]:
        corner = rng.integers(0, 4, 2) + np.array([40 * (place % 3), 40 * (place // 3)]) * disjoint
        return (*corner.tolist(), *(corner + rng.integers(5, 11, 2)).tolist())

    def span() -> range:
        start = int(rng.integers(3))
        return range(start, start + int(rng.integers(1, 5)))

    truth: dict[tuple[float, ...], tuple[int, int, range, tuple[float, ...]]] = {}
    for place in range(int(rng.integers(1, 6))):
        shape = box(place)
        truth[shape] = (int(rng.integers(2)), int(rng.integers(2)), span(), shape)
    scores = rng.permutation(int(rng.integers(1, 8))) * STEP + 0.25
    rows = [
        (int(rng.integers(2)), int(rng.integers(2)), span(), box(int(rng.integers(6))), float(s))
        for s in scores
    ]
    if level == "tubes":
        return tube_scene(list(truth.values()), rows)
    return frame_scene(list(truth.values()), [(v, span[0], c, s, b) for v, c, span, b, s in rows])
