"""The evaluator ``coco`` against pycocotools, which is a dependency of the parity environment alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.records import Detections, GroundTruth

sys.path.insert(0, str(Path(__file__).parent))
import worked
from coco_reference import coco_precisions
from frame_goldens import score, ucf24

pytestmark = pytest.mark.parity

THRESHOLDS = (0.5, 0.55, 0.75, 0.95, 1.0)


def compare(truth: GroundTruth, detections: Detections, thresholds: tuple[float, ...]) -> None:
    result = score(truth, detections, "coco", thresholds)
    for threshold, expected in coco_precisions(truth, detections, thresholds).items():
        ours = result.per_class[f"frame_ap/{threshold:.2f}"]
        assert ours == pytest.approx(expected, abs=1e-9), threshold
        present = [ap for ap in expected.values() if ap is not None]
        assert result.metrics[f"frame_map/{threshold:.2f}"] == pytest.approx(np.mean(present), abs=1e-9)


def crowd(seed: int) -> tuple[GroundTruth, Detections]:
    """Small integer boxes in few frames: overlaps at the threshold, equal overlaps, equal scores, one class
    of three without truth; in even seeds more than 100 detections of a class in a frame."""
    rng = np.random.default_rng(seed)

    def box() -> tuple[float, ...]:
        corner, size = rng.integers(0, 6, 2), rng.integers(1, 6, 2)
        return (*corner.tolist(), *(corner + size).tolist())

    tubes = [(int(rng.integers(2)), int(rng.integers(2)), range(3), box()) for _ in range(40)]
    number = 600 if seed % 2 else 3000
    places = sorted((int(rng.integers(2)), int(rng.integers(4))) for _ in range(number))
    rows = [(*place, int(rng.integers(3)), int(rng.integers(40)) / 64, box()) for place in places]
    return worked.truth(tubes, classes="ABC"), worked.detections(rows)


@pytest.mark.parametrize("seed", range(12))
def test_random_crowds(seed: int) -> None:
    truth, detections = crowd(seed)
    compare(truth, detections, THRESHOLDS)


def test_ucf24_small(shared: Path) -> None:
    truth, detections = ucf24(shared, "small")
    compare(truth, detections, (0.5, 0.75))
    assert round(score(truth, detections, "coco").metrics["frame_map/0.50"] or 0, 4) == 67.6573
