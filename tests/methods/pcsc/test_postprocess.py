"""From stored predictions to detections and tubes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from methods.pcsc.config import PcscConfig, PostprocessConfig
from methods.pcsc.method import Pcsc
from methods.pcsc.postprocess import detections_and_tubes, union_of_stages

ALL = PostprocessConfig(score_floor=0.0, refine=False)
A, B = (0, 0, 10, 10), (0, 0, 10, 9)  # IoU 0.9


def cloud(kit: Any, seed: int = 0, rows: int = 400) -> Any:
    random = np.random.default_rng(seed)
    at = random.uniform(0, 40, (rows, 2))
    return kit.detections([
        {"frame": int(random.integers(6)), "at": (x, y, x + 20, y + 20), "label": int(random.integers(3)),
         "score": float(random.uniform(0.01, 1)), "stage": int(random.integers(5))}
        for x, y in at
    ])  # fmt: skip


@pytest.mark.parametrize("stage", range(5))
def test_a_stage_ignores_later_ones(kit: Any, stage: int) -> None:
    rows = cloud(kit)
    config = replace(ALL, stage=stage)
    found: Any = union_of_stages(rows, 3, config)
    until: Any = union_of_stages(rows[rows.stage <= stage], 3, replace(ALL, stage=4))
    assert found.box.tolist() == until.box.tolist()
    assert set(found.stage.tolist()) == set(range(stage + 1))


def test_nms_runs_over_the_union_of_stages_but_not_over_classes_or_frames(kit: Any) -> None:
    rows = kit.detections([
        {"at": A, "score": 0.6, "stage": 0},
        {"at": B, "score": 0.7, "stage": 3},
        {"at": B, "score": 0.5, "stage": 3, "label": 1},
        {"at": B, "score": 0.4, "stage": 3, "frame": 1},
    ])  # fmt: skip
    assert union_of_stages(rows, 3, ALL).box.tolist() == [1, 2, 3]
    assert union_of_stages(rows, 3, replace(ALL, stage=2)).box.tolist() == [0]
    assert union_of_stages(rows, 3, replace(ALL, nms=0.95)).box.tolist() == [1, 0, 2, 3]


def test_the_best_boxes_of_every_frame_stay(kit: Any) -> None:
    rows = cloud(kit)
    everything = union_of_stages(rows, 3, replace(ALL, boxes_per_frame=1000))
    few = union_of_stages(rows, 3, replace(ALL, boxes_per_frame=7))
    for frame in range(6):
        scores = np.sort(everything.score[everything.frame == frame])[::-1]
        assert few.score[few.frame == frame].tolist() == scores[:7].tolist()
    assert np.all(np.diff(few.frame) >= 0)


def test_scores_below_the_floor_are_left_out(kit: Any) -> None:
    rows = kit.detections([{"at": A, "score": 0.25}, {"at": A, "score": 0.125, "frame": 1}])
    assert union_of_stages(rows, 3, replace(ALL, score_floor=0.25)).box.tolist() == [0]


def test_no_predictions_give_no_tubes(kit: Any) -> None:
    found, tubes = detections_and_tubes(kit.detections([]), 3, ALL)
    assert (len(found), len(tubes)) == (0, 0)


def walker(kit: Any, frames: int = 40, active: tuple[int, int] = (8, 30)) -> Any:
    """One person in every frame, whose actionness is high in the half-open span ``active``."""
    return kit.detections([
        {"frame": t, "at": (t, 10, t + 20, 40), "label": 1, "score": 0.9,
         "actionness": 0.9 if active[0] <= t < active[1] else 0.01}
        for t in range(frames)
    ])  # fmt: skip


def test_refinement_trims_the_tube_to_its_action(kit: Any) -> None:
    rows = walker(kit)
    whole = detections_and_tubes(rows, 3, ALL)[1]
    assert (whole.frame.tolist(), set(whole.label.tolist())) == (list(range(40)), {1})
    refined = detections_and_tubes(rows, 3, replace(ALL, refine=True, window=5))[1]
    assert refined.frame.tolist() == list(range(8, 30))
    np.testing.assert_array_equal(refined.boxes_N4[:, 0], np.arange(8, 30))


def test_every_surviving_run_is_a_tube_and_short_flickers_are_filtered(kit: Any) -> None:
    rows = walker(kit, 60, (5, 50))
    flicker = rows.actionness.copy()
    flicker[[12, 20]] = 0.0  # one frame: the median hides it
    flicker[27:33] = 0.0  # longer than half a window: it cuts
    config = replace(ALL, refine=True, window=5)
    tubes = detections_and_tubes(replace(rows, actionness=flicker), 3, config)[1]
    spans = [
        (int(f.min()), int(f.max())) for t in np.unique(tubes.tube) if len(f := tubes.frame[tubes.tube == t])
    ]
    assert sorted(spans) == [(5, 26), (33, 49)]


def test_refinement_without_actionness_says_what_to_do(kit: Any) -> None:
    with pytest.raises(ValueError, match=r"needs actionness.*--set postprocess\.refine=false"):
        detections_and_tubes(kit.detections([{"at": A}]), 3, replace(ALL, refine=True))


def test_the_method_hands_its_config_on(kit: Any) -> None:
    config = PcscConfig(postprocess=replace(ALL, stage=0))
    rows = kit.detections([{"at": A, "stage": s, "frame": s} for s in (0, 1)])
    found, tubes = Pcsc.postprocess(rows, 2, config, kit.info)
    assert found.stage is not None
    assert found.stage.tolist() == [0]
    assert tubes is not None
    assert rows.stage.tolist() == [0, 1]
