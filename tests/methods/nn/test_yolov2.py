"""YOLOv2's losses and decoding against yolo2-pytorch's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.region import Regions, matched
from methods.nn.yolov2 import ReleasedLoss, Yolov2Loss
from methods.two_stream_yolo.config import VOC_ANCHORS

ANCHORS = torch.tensor(VOC_ANCHORS)
SMALL = torch.tensor([[1.0, 2.0], [3.0, 3.0]])


def cells(corners_G4: np.ndarray) -> Tensor:
    """Corners in pixels as centre and size in cells of 32 pixels."""
    boxes = torch.from_numpy(corners_G4).float()
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1) / 32


@pytest.mark.parity
def test_the_released_loss(shared: Path) -> None:
    with np.load(shared / "reference/loss_yolov2_longcw_320.npz") as data:
        regions = Regions.of(torch.from_numpy(data["raw"]), 5)
        boxes = [cells(data["gt0"]), cells(data["gt1"])]
        labels = [F.one_hot(torch.from_numpy(data[f"cls{i}"]).long(), 24).float() for i in (0, 1)]
        found = ReleasedLoss(1 / 32)(regions, ANCHORS, boxes, labels)
        for name, key in (("box", "bbox_loss"), ("objectness", "iou_loss"), ("class", "cls_loss")):
            assert found[name].item() == pytest.approx(float(data[key]), rel=1e-5)
        pairs = matched(regions, ANCHORS, boxes, labels, 1 / 32)
        places = [tuple(int(c[i]) for c in pairs.place) for i in range(3)]
        overlaps = data["ious_t"].reshape(2, 10, 10, 5)
        for (image, anchor, row, column), overlap in zip(places, pairs.overlap_G):
            assert overlaps[image, row, column, anchor] == pytest.approx(overlap.item(), rel=1e-4)
        assert np.count_nonzero(data["class_mask"]) == len(places)


@pytest.mark.parity
def test_what_the_map_says(shared: Path) -> None:
    with np.load(shared / "reference/darknet19_yolov2_longcw_24cls_recipe.npz") as data:
        found = Regions.of(torch.from_numpy(data["conv5_raw"]), 5)
        said = {
            "bbox_pred": torch.cat([found.centre_BAHW2, found.size_BAHW2.exp()], dim=-1),
            "iou_pred": found.objectness_BAHW[..., None],
            "prob_pred": found.classes_BAHWC.softmax(dim=-1),
        }
        for key, value in said.items():
            expected, cells_first = data[key], value.permute(0, 2, 3, 1, 4).flatten(1, 2).numpy()
            np.testing.assert_allclose(
                cells_first, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max(), err_msg=key
            )


@pytest.mark.parity
def test_decoding(shared: Path) -> None:
    with np.load(shared / "reference/yolo_decode_320.npz") as data:
        said = torch.from_numpy(data["bbox_pred"]).view(2, 10, 10, 5, 4).permute(0, 3, 1, 2, 4)
        expected = data["boxes_01"]
    regions = Regions(said[..., :2], said[..., 2:].log(), said[..., 0], said)
    boxes = regions.boxes(ANCHORS).permute(0, 2, 3, 1, 4).reshape(2, 100, 5, 4) / 10
    corners = torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], dim=-1)
    np.testing.assert_allclose(corners.numpy(), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def perfect(box_4: Tensor, label: int) -> Regions:
    """A head's map on a 4 x 5 grid that says this box alone, of the second anchor."""
    raw = torch.full((1, 2, 5 + 3, 4, 5), -20.0)
    raw[:, :, :4] = 0
    place = raw[0, 1, :, int(box_4[1]), int(box_4[0])]
    place[:2] = torch.logit(box_4[:2] % 1)
    place[2:4] = (box_4[2:] / SMALL[1]).log()
    place[4], place[5 + label] = 20.0, 20.0
    return Regions.of(raw.flatten(1, 2), 2)


BOX, LABEL = torch.tensor([[1.3, 2.6, 3.0, 2.5]]), F.one_hot(torch.tensor([2]), 3).float()


def test_the_truth_costs_nothing() -> None:
    found = Yolov2Loss()(perfect(BOX[0], 2), SMALL, [BOX], [LABEL])
    assert sum(found.values()).item() == pytest.approx(0, abs=1e-4)  # type: ignore[union-attr]


def test_the_standard_loss_by_hand() -> None:
    regions = perfect(BOX[0], 2)
    wider = BOX * torch.tensor([1, 1, 1.2, 1])
    found = Yolov2Loss()(regions, SMALL, [wider], [LABEL])
    weight = 2 - wider[0, 2:].prod().item() / 20
    assert found["box"].item() == pytest.approx(weight * np.log(1.2) ** 2 / 2, rel=1e-4)
    assert found["objectness"].item() == pytest.approx(5 * (1 - 1 / 1.2) ** 2 / 2, rel=1e-3)
    drawn = Yolov2Loss()(regions, SMALL, [wider], [LABEL], prior=True)
    assert drawn["box"].item() == pytest.approx(found["box"].item(), rel=1e-4)  # all others are at rest
    twice = Yolov2Loss()(Regions(*(torch.cat([p, p]) for p in regions)), SMALL, [wider] * 2, [LABEL] * 2)
    for name, value in found.items():
        assert twice[name].item() == pytest.approx(value.item(), rel=1e-4)  # a mean over images


def test_what_overlaps_the_truth_is_no_background() -> None:
    raw = torch.zeros(1, 2, 8, 4, 5)
    regions = Regions.of(raw.flatten(1, 2), 2)
    near = torch.tensor([[1.5, 2.5, 3.0, 3.0]])  # what the second anchor says in this cell
    with_truth = Yolov2Loss(object_weight=0.0)(regions, SMALL, [near], [LABEL])["objectness"].item()
    strict = Yolov2Loss(object_weight=0.0, ignore=0.3)(regions, SMALL, [near], [LABEL])["objectness"].item()
    assert with_truth == pytest.approx(39 * 0.25 / 2)  # all but the place itself: a cell beside it has IoU .5
    assert strict < with_truth


@pytest.mark.parametrize("loss", [Yolov2Loss(), ReleasedLoss(1 / 32), Yolov2Loss(multi_label=True)])
def test_no_truth_leaves_the_background(loss: Yolov2Loss | ReleasedLoss) -> None:
    nothing, none = torch.zeros(0, 4), torch.zeros(0, 3)
    found = loss(perfect(BOX[0], 2), SMALL, [nothing], [none])
    assert found["class"].item() == 0
    assert found["objectness"].item() > 0.4  # the one box that is sure


def test_several_labels_a_box_are_independent() -> None:
    regions, both = perfect(BOX[0], 2), torch.tensor([[0.0, 1.0, 1.0]])
    for loss in (Yolov2Loss(multi_label=True), ReleasedLoss(1 / 32, multi_label=True)):
        right = loss(regions, SMALL, [BOX], [LABEL])["class"].item()
        missed = loss(regions, SMALL, [BOX], [both])["class"].item()
        assert right == pytest.approx(0, abs=1e-4)
        assert missed >= 1 - 1e-4
