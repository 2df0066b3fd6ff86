"""The region head: decoding, and YOWO's loss against its program's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.region import Regions, iou
from methods.nn.region_loss import RegionLoss

REFERENCE = Path(__file__).parents[2] / "reference"
ANCHORS = torch.tensor([[1.0, 2.0], [3.0, 3.0]])


def stored() -> tuple[Regions, Tensor, list[Tensor], list[Tensor], dict[str, float]]:
    with np.load(REFERENCE / "yowo_loss.npz") as data:
        anchors = torch.from_numpy(data["anchors"]).float().view(-1, 2)
        regions = Regions.of(torch.from_numpy(data["raw"]), len(anchors))
        rows = torch.from_numpy(data["target"]).view(len(data["raw"]), -1, 5)
        parts = {k: float(data[k]) for k in ("x", "y", "w", "h", "conf", "cls", "total")}
    truth = [image[image[:, 1] > 0] for image in rows]
    boxes = [image[:, 1:] * 7 for image in truth]
    labels = [F.one_hot(image[:, 0].long(), 24).float() for image in truth]
    return regions, anchors, boxes, labels, parts


def test_loss_is_that_of_the_program() -> None:
    regions, anchors, boxes, labels, parts = stored()
    found = {k: float(v) for k, v in RegionLoss()(regions, anchors, boxes, labels).items()}
    assert found["centre"] == pytest.approx(parts["x"] + parts["y"], rel=1e-5)
    assert found["size"] == pytest.approx(parts["w"] + parts["h"], rel=1e-5)
    assert found["objectness"] == pytest.approx(parts["conf"], rel=1e-5)
    assert found["class"] == pytest.approx(parts["cls"], rel=1e-5)
    assert sum(found.values()) == pytest.approx(parts["total"], rel=1e-5)


def test_order_of_the_truth_in_a_place_is_all_that_matters() -> None:
    regions, anchors, boxes, labels, _ = stored()
    loss = RegionLoss()
    turned = loss(regions, anchors, [b.flip(0) for b in boxes], [c.flip(0) for c in labels])
    for name, value in loss(regions, anchors, boxes, labels).items():
        assert turned[name].item() == pytest.approx(value.item(), rel=1e-5)
    twice = loss(regions, anchors, [b.repeat(2, 1) for b in boxes], [c.repeat(2, 1) for c in labels])
    for name, value in loss(regions, anchors, boxes, labels).items():
        assert twice[name].item() == pytest.approx(value.item(), rel=1e-5)


def perfect(boxes_G4: Tensor, labels: list[int]) -> Regions:
    """A head's map on a 4 x 5 grid that says exactly these boxes, of the second anchor."""
    raw = torch.full((1, 2, 5 + 3, 4, 5), -20.0)
    raw[:, :, :4] = 0
    for box, label in zip(boxes_G4, labels):
        row, column = int(box[1]), int(box[0])
        place = raw[0, 1, :, row, column]
        place[:2] = torch.logit(box[:2] - torch.tensor([column, row]))
        place[2:4] = (box[2:] / ANCHORS[1]).log()
        place[4], place[5 + label] = 20.0, 20.0
    return Regions.of(raw.flatten(1, 2), 2)


def test_the_truth_decodes_to_itself_and_costs_nothing() -> None:
    boxes, labels = torch.tensor([[1.3, 2.6, 3.0, 2.5], [4.5, 0.5, 2.5, 3.5]]), [2, 0]
    regions = perfect(boxes, labels)
    decoded = regions.boxes(ANCHORS)
    assert torch.allclose(decoded[0, 1, 2, 1], boxes[0], atol=1e-5)
    assert torch.allclose(decoded[0, 1, 0, 4], boxes[1], atol=1e-5)
    losses = RegionLoss()(regions, ANCHORS, [boxes], [F.one_hot(torch.tensor(labels), 3).float()])
    assert sum(losses.values()).item() == pytest.approx(0, abs=1e-4)  # type: ignore[union-attr]


def test_no_truth_leaves_the_background() -> None:
    regions = perfect(torch.zeros(0, 4), [])
    losses = RegionLoss()(regions, ANCHORS, [torch.zeros(0, 4)], [torch.zeros(0, 3)])
    assert {name: round(v.item(), 4) for name, v in losses.items()} == {
        "centre": 0, "size": 0, "objectness": 0, "class": 0,
    }  # fmt: skip


def test_the_prior_draws_every_anchor_to_its_middle() -> None:
    raw = torch.zeros(1, 2, 8, 4, 5)
    raw[:, :, 2] = 1.0
    regions = Regions.of(raw.flatten(1, 2), 2)
    losses = RegionLoss()(regions, ANCHORS, [torch.zeros(0, 4)], [torch.zeros(0, 3)], prior=True)
    assert losses["centre"].item() == 0
    assert losses["size"].item() == pytest.approx(2 * 4 * 5 * 0.5 / 2)


def test_several_labels_a_box_are_independent() -> None:
    boxes = torch.tensor([[1.3, 2.6, 3.0, 2.5]])
    regions = perfect(boxes, [1])
    loss = RegionLoss(multi_label=True)
    right = loss(regions, ANCHORS, [boxes], [torch.tensor([[0.0, 1.0, 0.0]])])["class"].item()
    both = loss(regions, ANCHORS, [boxes], [torch.tensor([[1.0, 1.0, 0.0]])])["class"].item()
    assert right == pytest.approx(0, abs=1e-4)
    assert both == pytest.approx(20, abs=1e-3)


def test_overlap_of_centred_boxes() -> None:
    a = torch.tensor([[2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    b = torch.tensor([[3.0, 2.0, 2.0, 2.0], [5.0, 5.0, 1.0, 1.0]])
    assert torch.allclose(iou(a, b), torch.tensor([1 / 3, 0.0]))
