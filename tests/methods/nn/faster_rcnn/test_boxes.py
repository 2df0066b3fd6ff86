"""Anchors, offsets and the overlap of boxes in K frames."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from methods.nn.faster_rcnn.boxes import (
    ANCHOR_CODER,
    REGION_CODER,
    anchor_grid,
    decoded,
    encoded,
    inside,
    mean_iou,
)
from methods.nn.faster_rcnn.config import VGG16

PLACE, SIDE = st.floats(-50, 300, width=32), st.floats(4, 200, width=32)


@st.composite
def boxes(draw: st.DrawFn, frames: int = 1) -> Tensor:
    """(N, K, 4), N from 1 to 4."""
    number = draw(st.integers(1, 4))
    found = [
        (x := draw(PLACE), y := draw(PLACE), x + draw(SIDE), y + draw(SIDE)) for _ in range(number * frames)
    ]
    return torch.tensor(found).view(number, frames, 4)


@settings(max_examples=30, deadline=None)
@given(boxes(frames=3), boxes(), st.sampled_from([ANCHOR_CODER, REGION_CODER]))
def test_what_offsets_say_is_the_box(wanted: Tensor, reference: Tensor, coder: BoxCoder) -> None:
    found = decoded(encoded(wanted, reference[:1], coder), reference[:1], coder)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=0.05)


def test_offsets_by_hand() -> None:
    reference, wanted = torch.tensor([0.0, 0, 10, 20]), torch.tensor([5.0, 5, 25, 25])
    expected = torch.tensor([1.0, 0.25, math.log(2), 0.0])
    torch.testing.assert_close(encoded(wanted, reference, ANCHOR_CODER), expected)
    scaled = expected * torch.tensor([10.0, 10, 5, 5])
    torch.testing.assert_close(encoded(wanted, reference, REGION_CODER), scaled)


def test_no_side_becomes_more_than_so_many_times_the_references() -> None:
    found = decoded(torch.tensor([0.0, 0, 100, 100]), torch.tensor([0.0, 0, 10, 20]), ANCHOR_CODER)
    torch.testing.assert_close(found[2:] - found[:2], torch.tensor([625.0, 1250.0]))


def test_anchors_by_hand() -> None:
    found = anchor_grid((1, 2), 16, sizes=(16, 32), ratios=(1, 4))
    assert found.tolist() == [
        [0, 0, 16, 16], [-8, -8, 24, 24], [4, -8, 12, 24], [0, -24, 16, 40],
        [16, 0, 32, 16], [8, -8, 40, 24], [20, -8, 28, 24], [16, -24, 32, 40],
    ]  # fmt: skip


def test_anchors_go_by_row_then_by_column() -> None:
    centres = anchor_grid((2, 3), 8, sizes=(8,), ratios=(1,))[:, :2] + 4
    assert centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


def test_published_anchors_have_their_areas_and_ratios() -> None:
    config = VGG16.proposals
    found = anchor_grid((1, 1), 16, config.anchor_sizes, config.anchor_ratios)
    width, height = (found[:, 2:] - found[:, :2]).unbind(1)
    torch.testing.assert_close((width * height).sqrt(), torch.tensor([128.0, 256.0, 512.0] * 3))
    torch.testing.assert_close(height / width, torch.tensor([0.5, 1.0, 2.0]).repeat_interleave(3))


def test_a_box_is_inside_up_to_the_border() -> None:
    frame = (48, 64)
    found = torch.tensor([[0.0, 0, 64, 48], [-1, 0, 9, 9], [0, 0, 65, 9], [0, 40, 9, 49], [0, -1, 9, 9]])
    assert inside(found, frame).tolist() == [True, False, False, False, False]


@settings(max_examples=30, deadline=None)
@given(boxes(), boxes())
def test_of_one_frame_the_mean_overlap_is_the_overlap(a: Tensor, b: Tensor) -> None:
    assert torch.equal(mean_iou(a, b), box_iou(a[:, 0], b[:, 0]))


def test_overlap_is_averaged_over_the_frames() -> None:
    box, half, off = [0.0, 0, 10, 10], [0.0, 0, 10, 5], [20.0, 20, 30, 30]
    a, b = torch.tensor([[box, box], [off, off]]), torch.tensor([[box, half], [off, box]])
    torch.testing.assert_close(mean_iou(a, b), torch.tensor([[0.75, 0.5], [0.0, 0.5]]))
    with pytest.raises(ValueError, match="shorter"):
        mean_iou(a, b[:, :1])
