"""Matching of priors, and the multibox loss."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.multibox import MultiboxLoss, corners, decoded, matched
from methods.nn.priors import RFB_300, priors, rfb_map_sizes

PRIORS = torch.tensor(
    [[0.0, 0.0, 0.2, 0.2], [0.1, 0.0, 0.3, 0.2], [0.5, 0.5, 0.9, 0.9], [0.8, 0.0, 1.0, 0.2]]
)


def vectors(*labels: int, classes: int = 3) -> Tensor:
    return F.one_hot(torch.tensor(labels, dtype=torch.int64), classes).float()


def test_priors_are_matched_by_overlap_and_every_box_has_one() -> None:
    boxes = torch.tensor([[0.0, 0.0, 0.2, 0.2], [0.6, 0.6, 0.7, 0.7], [0.02, 0.0, 0.22, 0.2]])
    assert matched(boxes, PRIORS, 0.5).tolist() == [2, -1, 1, -1]  # the later box takes prior 0
    assert matched(boxes[:2], PRIORS, 0.3).tolist() == [0, 0, 1, -1]
    assert matched(boxes[:0], PRIORS, 0.5).tolist() == [-1] * 4


def test_offsets_are_decoded_with_the_variances() -> None:
    offsets = torch.tensor([[[0.0, 0, 0, 0], [1.0, -1, 0, 0], [0, 0, 5 * math.log(2), 0], [0.0, 0, 0, 0]]])
    found = decoded(offsets, PRIORS)[0]
    torch.testing.assert_close(found[0], PRIORS[0])
    torch.testing.assert_close(found[1], PRIORS[1] + torch.tensor([0.02, -0.02, 0.02, -0.02]))
    torch.testing.assert_close(found[2], torch.tensor([0.3, 0.5, 1.1, 0.9]))


def test_the_hardest_negatives_count() -> None:
    cost = torch.tensor([[5.0, 1.0, 3.0, 2.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    positive = torch.tensor([[False, False, False, False, True], [False] * 5])
    assert MultiboxLoss(negatives=2).hardest(cost, positive).tolist() == [
        [True, False, True, False, False],
        [False] * 5,
    ]
    least = MultiboxLoss(negatives=1, least_negatives=2).hardest(cost, positive)
    assert least.sum(dim=1).tolist() == [2, 2]


def test_loss_of_one_positive_by_hand() -> None:
    logits = torch.zeros(1, 4, 4)
    logits[0, 1, 0] = -3.0  # the only negative that says anything
    offsets = torch.zeros(1, 4, 4)
    offsets[0, 2] = 2.0
    found = MultiboxLoss(negatives=1)(offsets, logits, PRIORS, [PRIORS[2:3]], [vectors(1)])
    assert float(found["box"]) == pytest.approx(4 * 1.5)
    negative = math.log(3 + math.exp(-3)) + 3
    assert float(found["class"]) == pytest.approx(math.log(4) + negative, rel=1e-5)


def test_images_without_truth_cost_nothing_unless_asked() -> None:
    logits, offsets = torch.randn(2, 4, 4, requires_grad=True), torch.zeros(2, 4, 4, requires_grad=True)
    nothing = [torch.zeros(0, 4)] * 2, [torch.zeros(0, 3)] * 2
    found = MultiboxLoss()(offsets, logits, PRIORS, *nothing)
    assert {name: float(v.detach()) for name, v in found.items()} == {"box": 0, "class": 0}
    asked = MultiboxLoss(least_negatives=1)(offsets, logits, PRIORS, *nothing)
    assert float(asked["class"].detach()) > 0
    sum(asked.values()).backward()  # type: ignore[union-attr]
    assert logits.grad is not None
    assert (logits.grad.abs().sum(dim=2) > 0).sum(dim=1).tolist() == [1, 1]


def test_several_labels_are_sigmoids_without_background() -> None:
    logits = torch.zeros(1, 4, 3)
    logits[0, 2] = torch.tensor([9.0, 9.0, -9.0])
    two = torch.tensor([[1.0, 1.0, 0.0]])
    right, wrong = (
        MultiboxLoss(negatives=1, multi_label=True)(
            torch.zeros(1, 4, 4), sign * logits, PRIORS, [PRIORS[2:3]], [two]
        )["class"]
        for sign in (1, -1)
    )
    assert float(right) == pytest.approx(3 * math.log(2), rel=1e-3)  # the negative's
    assert float(wrong) == pytest.approx(3 * math.log(2) + 27, rel=1e-3)


@pytest.mark.parametrize("multi_label", [False, True])
def test_focus_makes_easy_examples_cheap(multi_label: bool) -> None:
    torch.manual_seed(0)
    logits, offsets = torch.randn(1, 4, 3 + (not multi_label)), torch.zeros(1, 4, 4)
    truth = [PRIORS[2:3]], [vectors(1)]
    plain, focused = (
        float(MultiboxLoss(multi_label=multi_label, focus=f)(offsets, logits, PRIORS, *truth)["class"])
        for f in (0.0, 2.0)
    )
    assert 0 < focused < plain


@pytest.mark.parity
def test_reference_loss(shared: Path) -> None:
    known = corners(torch.from_numpy(priors(RFB_300, (300, 300), rfb_map_sizes((300, 300), 6))))
    with np.load(shared / "reference/loss_multibox.npz") as stored:
        rows = [torch.from_numpy(stored[f"targets_img{image}"]) for image in (0, 1)]
        outputs = torch.from_numpy(stored["loc"]), torch.from_numpy(stored["conf"])
        boxes = [truth[:, :4] for truth in rows]
        for image, truth in enumerate(rows):  # the stored labels are one too large where there is one
            found = matched(boxes[image], known, 0.5)
            label = torch.cat([truth[:, 4].long() + 1, torch.zeros(1, dtype=torch.int64)])[found]
            assert label.tolist() == stored["matched_label"][image].tolist()
        for shift, focus, name in (
            (-1, 0, "rfbnet_loss_c_ce_labels_as_given"),
            (0, 0, "ce_with_labels_plus1"),
            (0, 2, "rtst_loss_c_focal"),
        ):
            labels = [vectors(*(truth[:, 4].long() + shift).tolist(), classes=24) for truth in rows]
            found = MultiboxLoss(focus=focus)(*outputs, known, boxes, labels)
            assert float(found["class"]) == pytest.approx(float(stored[name]), rel=1e-4)
            assert float(found["box"]) == pytest.approx(float(stored["rtst_loss_l"]), rel=1e-4)
