"""Late fusion of two streams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from bench.records import STREAMS, Detections
from bench.tubes import FUSIONS, Fusion
from bench.tubes.fusion import AverageFusion, BoostFusion, GatingFusion, UnionFusion

RGB, FLOW, FUSED = (STREAMS.index(name) for name in ("rgb", "flow", "fused"))
LEFT, NEAR, RIGHT = [0, 0, 40, 40], [4, 0, 44, 40], [100, 0, 140, 40]  # IoU of LEFT and NEAR: 36 / 44
OVERLAP = 36 / 44


def rows(*found: tuple[int, int, list[int], int, float], frame: int = 0) -> Detections:
    """(stream, box, coordinates, label, score) each, of one frame."""
    stream, box, boxes, label, score = zip(*found)
    return Detections(
        ("v",), np.zeros(len(found)), np.full(len(found), frame), np.array(box), np.array(boxes),
        np.array(label), np.array(score), stream=np.array(stream),
    )  # fmt: skip


def as_set(found: Detections) -> set[tuple[float, ...]]:
    assert found.stream is not None
    assert set(found.stream) <= {FUSED}
    columns = zip(found.boxes_N4[:, 0].tolist(), found.label.tolist(), found.score.tolist())
    return {(left, label, round(score, 5)) for left, label, score in columns}


def test_union_is_nms_over_both_streams() -> None:
    found = rows(
        (RGB, 0, LEFT, 0, 0.5), (FLOW, 1, NEAR, 0, 0.7), (FLOW, 2, NEAR, 1, 0.2), (RGB, 3, RIGHT, 0, 0.1)
    )
    assert as_set(UnionFusion(0.5).fuse(found)) == {(4, 0, 0.7), (4, 1, 0.2), (100, 0, 0.1)}
    assert len(UnionFusion(0.9).fuse(found)) == len(UnionFusion(None).fuse(found)) == 4


def test_average_of_shared_boxes_keeps_the_box_of_rgb() -> None:
    found = rows(
        (FLOW, 7, NEAR, 0, 0.2), (RGB, 7, LEFT, 0, 0.6), (RGB, 7, LEFT, 1, 0.3), (FLOW, 8, RIGHT, 1, 0.4)
    )  # fmt: skip
    assert as_set(AverageFusion().fuse(found)) == {(0, 0, 0.4), (0, 1, 0.15), (100, 1, 0.2)}
    assert as_set(AverageFusion(flow=0.25).fuse(found)) == {(0, 0, 0.5), (0, 1, 0.225), (100, 1, 0.1)}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), rgb=st.floats(0.1, 2), flow=st.floats(0.1, 2))
def test_gating_is_the_softmax_of_weighted_outputs(seed: int, rgb: float, flow: float) -> None:
    """Against the definition on the values before softmax; class 3 is background."""
    values_2B4 = np.random.default_rng(seed).normal(0, 1, (2, 5, 4))
    scores_2B4 = softmax(values_2B4, axis=2)
    found = rows(*(
        (stream, box, [100 * box, 0, 100 * box + 40, 40], label, scores_2B4[stream, box, label])
        for stream in (RGB, FLOW) for box in range(5) for label in range(3)
    ))  # fmt: skip
    fused = GatingFusion(rgb=rgb, flow=flow, floor=1e-6).fuse(found)
    expected = softmax(rgb * values_2B4[0] + flow * values_2B4[1], axis=1)
    np.testing.assert_allclose(fused.score, expected[fused.box, fused.label], rtol=2e-4)


def test_boost_adds_the_score_of_the_flow_box_times_iou() -> None:
    found = rows(
        (RGB, 0, LEFT, 0, 0.5), (FLOW, 1, NEAR, 0, 0.6), (FLOW, 2, RIGHT, 0, 0.3), (FLOW, 3, LEFT, 1, 0.9)
    )
    boosted = round(0.5 + 0.6 * OVERLAP, 5)
    assert as_set(BoostFusion(nms=None).fuse(found)) == {(0, 0, boosted), (100, 0, 0.3), (0, 1, 0.9)}
    far = BoostFusion(min_iou=0.85, nms=None).fuse(found)
    assert as_set(far) == {(0, 0, 0.5), (4, 0, 0.6), (100, 0, 0.3), (0, 1, 0.9)}


def test_a_flow_box_may_help_two_rgb_boxes_and_only_of_its_frame() -> None:
    now = rows((RGB, 0, LEFT, 0, 0.5), (RGB, 1, NEAR, 0, 0.4), (FLOW, 2, LEFT, 0, 0.2))
    later = rows((RGB, 3, LEFT, 0, 0.5), frame=1)
    fused = BoostFusion(nms=None).fuse(Detections.concat([now, later]))
    np.testing.assert_allclose(fused.score, [0.7, 0.4 + 0.2 * OVERLAP, 0.5], rtol=1e-6)


@pytest.mark.parametrize("rule", FUSIONS.values(), ids=FUSIONS)
def test_every_fusion(rule: Fusion) -> None:
    found = rows((RGB, 0, LEFT, 0, 0.5), (FLOW, 0, LEFT, 0, 0.6), (RGB, 1, RIGHT, 2, 0.3))
    straight, turned = rule.fuse(found), rule.fuse(found[::-1])
    assert as_set(straight) == as_set(turned)
    assert straight.videos == ("v",)
    with pytest.raises(ValueError, match="no column 'stream'"):
        rule.fuse(replace(found, stream=None))
    with pytest.raises(ValueError, match="fused already"):
        rule.fuse(straight)
    empty = Detections.empty(["v"])
    assert len(rule.fuse(replace(empty, stream=np.zeros(0)))) == 0


@pytest.mark.parametrize("rule", [AverageFusion(), GatingFusion()])
def test_streams_without_shared_boxes_cannot_be_averaged(rule: Fusion) -> None:
    found = rows((RGB, 0, LEFT, 0, 0.5), (FLOW, 1, LEFT, 0, 0.6))
    with pytest.raises(ValueError, match=f"fusion by {rule.name} needs boxes that both streams scored"):
        rule.fuse(found)


@pytest.mark.parametrize("rule", [AverageFusion(), GatingFusion()])
def test_a_stream_may_score_all_shared_boxes_with_nothing(rule: Fusion) -> None:
    fused = rule.fuse(rows((RGB, 0, LEFT, 0, 0.5), (FLOW, 0, LEFT, 0, 0.0)))
    assert fused.box.tolist() == [0]
    assert 0 < fused.score[0] < 0.5
