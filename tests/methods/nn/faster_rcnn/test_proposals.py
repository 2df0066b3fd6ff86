"""What the region proposal network says, which proposals remain, and what mistakes cost."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.nn.faster_rcnn.config import ProposalConfig
from methods.nn.faster_rcnn.losses import anchor_losses, region_losses
from methods.nn.faster_rcnn.matching import AnchorSample, RegionSample
from methods.nn.faster_rcnn.proposals import AnchorOutputs, ProposalNetwork, Selection, proposed

FRAME = (60, 100)
ALL = Selection(100, 100, 0.7)


def outputs(scores: list[float], frames: int) -> AnchorOutputs:
    """One clip; anchors as they are in every frame."""
    logits = torch.tensor([[[0.0, score] for score in scores]])
    return AnchorOutputs(logits, torch.zeros(1, len(scores), frames, 4))


def anchors(*left: float) -> Tensor:
    """20 pixels wide and high, one below the other where they start at the same column."""
    return torch.tensor([[x, 10.0, x + 20, 30.0] for x in left])


def test_every_anchor_has_its_own_outputs() -> None:
    """Biases alone speak: channels are (background or object, shape) and (frame, shape, coordinate)."""
    network = ProposalNetwork(ProposalConfig(channels=4, anchor_sizes=(8, 16)), channels=3, frames=2)
    with torch.no_grad():
        network.objectness.bias.copy_(torch.arange(12.0))  # type: ignore[union-attr]
        network.boxes.bias.copy_(torch.arange(48.0))  # type: ignore[union-attr]
        network.objectness.weight.zero_()
        network.boxes.weight.zero_()
    found = network(torch.randn(1, 2, 3, 2, 5))
    assert found.logits_BA2.shape == (1, 60, 2)
    assert found.offsets_BAK4.shape == (1, 60, 2, 4)
    assert found.logits_BA2[0, 6 + 4].tolist() == [4, 10]  # second cell, fifth shape
    assert found.offsets_BAK4[0, 6 + 4].tolist() == [[16, 17, 18, 19], [40, 41, 42, 43]]


def test_anchors_go_by_row_and_column() -> None:
    network = ProposalNetwork(ProposalConfig(channels=1, anchor_sizes=(8,)), channels=1, frames=1)
    with torch.no_grad():
        network.conv.weight.zero_()
        network.conv.weight[0, 0, 1, 1] = 1  # the map itself
        network.objectness.weight.fill_(1)
    found = network(torch.arange(6.0).view(1, 1, 1, 2, 3))
    assert found.logits_BA2[0, :, 1].tolist() == [n for n in range(6) for _ in range(3)]


def test_proposals_are_the_best_first() -> None:
    (found,) = proposed(outputs([0.1, 3.0, 1.0], 1), anchors(0, 30, 60), FRAME, ALL)
    assert found[:, 0, 0].tolist() == [30, 60, 0]


def test_the_middle_frame_decides_what_is_double() -> None:
    """The second lies on the first in the middle frame alone, the third in all others."""
    found = outputs([3.0, 2.0, 1.0], 3)
    found.offsets_BAK4[0, 1, 1, 0] = -1.5  # by 30 pixels
    found.offsets_BAK4[0, 2, 0::2, 0] = -3.0
    (kept,) = proposed(found, anchors(10, 40, 70), FRAME, ALL)
    assert kept[:, :, 0].tolist() == [[10, 10, 10], [10, 70, 10]]


def test_threshold_and_numbers_of_proposals() -> None:
    found = outputs([4.0, 3.0, 2.0, 1.0], 1)
    where = anchors(0, 5, 50, 70)  # the first two overlap by 0.6
    left = [p[:, 0, 0].tolist() for p in proposed(found, where, FRAME, Selection(100, 100, 0.7))]
    assert left == [[0, 5, 50, 70]]
    for selection, expected in (
        (Selection(100, 100, 0.5), [0, 50, 70]),
        (Selection(2, 100, 0.5), [0]),
        (Selection(100, 2, 0.5), [0, 50]),
    ):
        assert proposed(found, where, FRAME, selection)[0][:, 0, 0].tolist() == expected


def test_proposals_are_cut_to_the_frame_and_those_outside_in_some_frame_dropped() -> None:
    found = outputs([1.0, 2.0, 3.0], 2)
    found.offsets_BAK4[0, 1, 1, 0] = 5.0
    (kept,) = proposed(found, anchors(-10, 30, 200), FRAME, ALL)
    assert kept.tolist() == [[[0, 10, 10, 30]] * 2]


def test_no_proposal_may_remain() -> None:
    (kept,) = proposed(outputs([1.0], 2), anchors(200), FRAME, ALL)
    assert kept.shape == (0, 2, 4)


def test_anchors_cost_by_hand() -> None:
    """One positive of two anchors, wrong by 1 in one coordinate of one of two frames."""
    said = outputs([0.0, math.log(3)], 2)
    sample = AnchorSample(torch.tensor([1, 0]), torch.tensor([1, 0]), torch.zeros(1, 2, 4))
    sample.offsets_PK4[0, 1, 2] = 1
    found = anchor_losses(said, [sample])
    assert float(found["rpn_class"]) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert float(found["rpn_box"]) == pytest.approx((1 - 1 / 18) / 2 / 2)


def test_regions_cost_by_hand() -> None:
    """The box of the region's own class counts; background has none."""
    offsets = torch.full((2, 3, 1, 4), 9.0)
    offsets[0, 2] = torch.tensor([0.5, 0, 0, 3])
    sample = RegionSample(torch.zeros(2, 1, 4), torch.tensor([2, 0]), torch.zeros(1, 1, 4))
    found = region_losses(torch.zeros(2, 3), offsets, [sample])
    assert float(found["region_class"]) == pytest.approx(math.log(3))
    assert float(found["region_box"]) == pytest.approx((0.125 + 2.5) / 2)


def test_samples_of_several_clips_are_one_batch() -> None:
    said = AnchorOutputs(torch.randn(2, 3, 2), torch.randn(2, 3, 1, 4))
    first = AnchorSample(torch.tensor([2, 0, 1]), torch.tensor([1, 0, 0]), torch.randn(1, 1, 4))
    second = AnchorSample(torch.tensor([1]), torch.tensor([1]), torch.randn(1, 1, 4))
    both = anchor_losses(said, [first, second])
    alone = [
        anchor_losses(AnchorOutputs(*(part[i : i + 1] for part in said)), [sample])
        for i, sample in enumerate((first, second))
    ]
    for name, value in both.items():
        torch.testing.assert_close(value, (3 * alone[0][name] + alone[1][name]) / 4)
