"""Matching of priors with truth, and the multibox loss of SSD (Liu et al., ECCV 2016, section 2.2).

Boxes are x1, y1, x2, y2 in any one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou, sigmoid_focal_loss

CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))
"""Offsets to a prior: centre over its size and logarithm of the size, over variances of 0.1 and 0.2."""


def corners(boxes_N4: Tensor) -> Tensor:
    """Centre and size to corners."""
    half = boxes_N4[..., 2:] / 2
    return torch.cat([boxes_N4[..., :2] - half, boxes_N4[..., :2] + half], dim=-1)


def decoded(offsets_BP4: Tensor, priors_P4: Tensor) -> Tensor:
    """Boxes_BP4 that the offsets to the priors say."""
    batch = len(offsets_BP4)
    boxes: Tensor = CODER.decode_single(offsets_BP4.flatten(0, 1), priors_P4.repeat(batch, 1))
    return boxes.view_as(offsets_BP4)


def matched(boxes_G4: Tensor, priors_P4: Tensor, threshold: float) -> Tensor:
    """The box of the truth that each prior stands for, -1 for none, int64 [P].

    The one that overlaps it most if by at least ``threshold``; and each box of the truth has the prior that
    overlaps it most, whatever the IoU (the later box where two want the same prior).
    """
    if not len(boxes_G4):
        return torch.full((len(priors_P4),), -1, device=priors_P4.device)
    overlap_GP = box_iou(boxes_G4, priors_P4)
    best_P, truth_P = overlap_GP.max(dim=0)
    truth_P[best_P < threshold] = -1
    for box, prior in enumerate(overlap_GP.argmax(dim=1).tolist()):
        truth_P[prior] = box
    return truth_P


@dataclass(frozen=True)
class MultiboxLoss:
    """Smooth L1 of the offsets of matched priors, and the class loss of these and of the hardest others.

    threshold: IoU from which a prior is matched. negatives: hardest others a matched prior, and
    ``least_negatives`` an image at least. focus: exponent of the focal loss (Lin et al. 2017), which then
    replaces cross-entropy; the hardest are found by cross-entropy all the same. multi_label: a sigmoid a
    class without background, else the first logit is background.
    """

    threshold: float = 0.5
    negatives: int = 3
    least_negatives: int = 0
    focus: float = 0.0
    multi_label: bool = False

    def __call__(
        self,
        offsets_BP4: Tensor,
        logits_BPC: Tensor,
        priors_P4: Tensor,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """``box`` and ``class``, both over the number of matched priors in the batch.

        boxes: of each image (G, 4); labels: (G, K) of K classes, 1 where one applies.
        """
        match_BP = torch.stack([matched(truth_G4, priors_P4, self.threshold) for truth_G4 in boxes])
        positive_BP = match_BP >= 0
        wanted = [CODER.encode_single(b[m[m >= 0]], priors_P4[m >= 0]) for b, m in zip(boxes, match_BP)]
        number = positive_BP.sum().clamp(min=1)
        box = F.smooth_l1_loss(offsets_BP4[positive_BP].float(), torch.cat(wanted), reduction="sum")
        plain_BP, loss_BP = self._class(logits_BPC.float(), match_BP, labels)
        counted_BP = positive_BP | self.hardest(plain_BP.detach(), positive_BP)
        return {"box": box / number, "class": loss_BP[counted_BP].sum() / number}

    def hardest(self, loss_BP: Tensor, positive_BP: Tensor) -> Tensor:
        """Whether a prior is among the unmatched ones of its image that cost most."""
        rank_BP = loss_BP.masked_fill(positive_BP, 0).argsort(dim=1, descending=True).argsort(dim=1)
        count_B = (self.negatives * positive_BP.sum(dim=1)).clamp(min=self.least_negatives)
        return (rank_BP < count_B[:, None]) & ~positive_BP

    def _class(self, logits_BPC: Tensor, match_BP: Tensor, labels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Of every prior the cross-entropy and the loss."""
        if self.multi_label:
            target_BPC = torch.stack([_vectors(m, one) for m, one in zip(match_BP, labels)])
            plain = F.binary_cross_entropy_with_logits(logits_BPC, target_BPC, reduction="none")
            loss = sigmoid_focal_loss(logits_BPC, target_BPC, alpha=-1, gamma=self.focus)
            return plain.sum(dim=2), loss.sum(dim=2)
        target_BP = torch.stack([_numbers(m, one) for m, one in zip(match_BP, labels)])
        plain = F.cross_entropy(logits_BPC.transpose(1, 2), target_BP, reduction="none")
        return plain, (1 - (-plain).exp()) ** self.focus * plain if self.focus else plain


def _vectors(match_P: Tensor, labels_GK: Tensor) -> Tensor:
    """Label vectors of the matched boxes, 0 for unmatched priors. [P, K]"""
    nothing = labels_GK.new_zeros((1, labels_GK.shape[1]))
    return torch.cat([labels_GK, nothing])[match_P]


def _numbers(match_P: Tensor, labels_GK: Tensor) -> Tensor:
    """Label + 1 of the matched boxes, 0 for unmatched priors. [P]"""
    numbers_G = labels_GK.argmax(dim=1) + 1 if len(labels_GK) else labels_GK.new_zeros(0).long()
    return torch.cat([numbers_G, numbers_G.new_zeros(1)])[match_P]
