"""Equality with beyond_keyframes on key-frame truth, and where its NaN make a difference."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.metrics.matching import join
from bench.metrics.tube_iou import FrameIndex, overlaps, truth_frames, tube_frames
from bench.metrics.video_map import tube_nms
from bench.protocol import Evaluator
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import tube_goldens
from tube_goldens import DALY, close, daly, differences, load

pytestmark = pytest.mark.parity

DALY_NAN = {
    ("HorseRiding", 0.2),
    ("HorseRiding", 0.3),
    *(("SalsaSpin", t) for t in (0.2, 0.3, 0.5, 0.7, 0.75)),
}
"""Classes and thresholds of daly_small that differ: in the reference a tube overlaps truth, of which it has
no key-frame, by NaN, and NaN wins every comparison."""


@pytest.mark.parametrize("variant", DALY)
@pytest.mark.parametrize("nms", [True, False])
def test_daly_small(shared: Path, variant: str, nms: bool) -> None:
    truth, tubes = tube_goldens.daly_small(shared)
    stored = load(shared / "golden/daly_beyond_keyframes/daly_small/output.json")
    rows = stored["with_nms_0_3" if nms else "without_nms"]
    expected = tube_goldens.read_daly(rows[variant], truth)
    assert len(expected) == 5
    differing = {
        (name, threshold)
        for threshold, (ours, row) in differences(truth, tubes, daly(variant, nms), expected).items()
        for name, a, b in zip(truth.classes, ours, row.ap)
        if not close(a, b)
    }
    assert {name for name, _ in differing} == {"HorseRiding", "SalsaSpin"}
    assert differing <= DALY_NAN


@pytest.mark.parametrize("variant", DALY)
def test_daly_small_with_the_reference_s_nan(shared: Path, variant: str) -> None:
    """Tubes for which the reference compares NaN match nothing there: after NMS they leave the picture."""
    truth, tubes = tube_goldens.daly_small(shared)
    evaluator = daly(variant)
    assert evaluator.tubes is not None
    heads, found = tubes[tubes.starts], tube_frames(tubes)
    number = np.repeat(np.arange(len(heads)), np.diff(np.append(tubes.starts, len(tubes))))
    blind = _without_common_frame(truth, heads, found, evaluator)
    assert set(np.array(truth.classes)[heads.label[blind]]) == {"HorseRiding", "SalsaSpin"}
    away = replace(tubes, boxes_N4=tubes.boxes_N4 + 10_000 * np.isin(number, blind)[:, None])
    kept = tube_nms(heads, found, np.arange(len(heads)), evaluator.tubes)
    ordered = away[np.concatenate([np.flatnonzero(number == tube) for tube in kept])]
    stored = load(shared / "golden/daly_beyond_keyframes/daly_small/output.json")["with_nms_0_3"]
    expected = tube_goldens.read_daly(stored[variant], truth)
    assert not differences(truth, ordered, daly(variant, nms=False), expected)


def _without_common_frame(
    truth: GroundTruth, heads: Tubes, found: FrameIndex, evaluator: Evaluator
) -> list[int]:
    """Tubes whose span meets truth of their class of which they have no annotated frame."""
    assert evaluator.tubes is not None
    row, number = join(heads.video * 100 + heads.label, truth.tubes.video * 100 + truth.tubes.label)
    meets = overlaps(found, row, truth_frames(truth, evaluator.tubes), number, evaluator.tubes).temporal_P > 0
    blind = []
    for tube, label in zip(row[meets], truth.tubes.tube[number[meets]]):
        frames = truth.boxes.frame[truth.boxes.tube == label]
        inside = frames[(frames >= found.first_T[tube]) & (frames <= found.last_T[tube])]
        if not (found.rows(np.full(len(inside), tube), inside) >= 0).any():
            blind.append(int(tube))
    return blind
