"""Which anchor and which region stands for what, and which of them are trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.nn.faster_rcnn.boxes import ANCHOR_CODER, REGION_CODER, encoded, mean_iou
from methods.nn.faster_rcnn.config import ProposalConfig, RegionConfig

BACKGROUND, IGNORED = -1, -2
POSITIVES = 0.5
"""Largest share of positive anchors in a clip's loss."""


@dataclass(frozen=True)
class Truth:
    """Who is in all K frames of a clip: boxes_GK4 in pixels of the network's frame, label_G from 0, int64.

    Raises ValueError for other shapes and for a box without extent, which no offsets lead to.
    """

    boxes_GK4: Tensor
    label_G: Tensor

    def __post_init__(self) -> None:
        boxes, labels = self.boxes_GK4, self.label_G
        if boxes.ndim != 3 or boxes.shape[2] != 4 or labels.shape != boxes.shape[:1]:
            raise ValueError(
                f"truth must be boxes (G, K, 4) and labels (G,), not {tuple(boxes.shape)} and "
                f"{tuple(labels.shape)}"
            )
        if not (boxes[..., 2:] > boxes[..., :2]).all():
            raise ValueError("a box of the truth has no width or no height; leave its track out of the clip")


def anchor_matches(overlap_AG: Tensor, positive: float, negative: float) -> Tensor:
    """The truth that every anchor stands for, or BACKGROUND, or IGNORED between the thresholds; int64 (A,).

    An anchor stands for the truth that it overlaps most if by at least ``positive``, or if no anchor
    overlaps some truth more (Ren et al., section 3.1.2); truth that no anchor touches has none.
    """
    if not overlap_AG.shape[1]:
        return torch.full((len(overlap_AG),), BACKGROUND, device=overlap_AG.device)
    best_A, match_A = overlap_AG.max(dim=1)
    highest_G = overlap_AG.max(dim=0).values
    is_highest_A = ((overlap_AG == highest_G) & (overlap_AG > 0)).any(dim=1)
    match_A[best_A < positive] = IGNORED
    match_A[best_A < negative] = BACKGROUND
    match_A[is_highest_A] = overlap_AG[is_highest_A].argmax(dim=1)
    return match_A


def balanced(match_N: Tensor, count: int, share: float, generator: torch.Generator | None = None) -> Tensor:
    """At most ``count`` random rows, positives (match >= 0) first, at most ``share`` of the count; int64.

    The rest is background; ignored rows are never chosen. The draw is made on the CPU, so that it is the
    same on every device; without a generator by torch's global one.
    """
    order_N = torch.randperm(len(match_N), generator=generator).to(match_N.device)
    shuffled_N = match_N[order_N]
    positive = order_N[shuffled_N >= 0][: max(1, round(count * share))]
    return torch.cat([positive, order_N[shuffled_N == BACKGROUND][: count - len(positive)]])


def region_matches(overlap_NG: Tensor, config: RegionConfig) -> Tensor:
    """The truth that a region overlaps most, BACKGROUND or IGNORED; int64 (N,)."""
    if not overlap_NG.shape[1]:
        return torch.full((len(overlap_NG),), BACKGROUND, device=overlap_NG.device)
    best_N, match_N = overlap_NG.max(dim=1)
    match_N[best_N < config.positive] = BACKGROUND
    match_N[best_N < config.background] = IGNORED
    return match_N


@dataclass(frozen=True)
class AnchorSample:
    """Anchors of one clip to be trained: row_S of all, class_S (1 object), offsets_PK4 to their truth.

    The first P are the positive ones.
    """

    row_S: Tensor
    class_S: Tensor
    offsets_PK4: Tensor


def sampled_anchors(
    anchors_A4: Tensor,
    row_U: Tensor,
    truth: Truth,
    config: ProposalConfig,
    generator: torch.Generator | None = None,
) -> AnchorSample:
    """Anchors among the rows row_U that may be trained, at most half of them positive (section 3.1.3)."""
    anchors_UK4 = anchors_A4[row_U, None].expand(-1, truth.boxes_GK4.shape[1], -1)
    match_U = anchor_matches(mean_iou(anchors_UK4, truth.boxes_GK4), config.positive, config.negative)
    chosen_S = balanced(match_U, config.batch, POSITIVES, generator)
    class_S = (match_U[chosen_S] >= 0).long()
    positive_P = chosen_S[class_S == 1]
    offsets_PK4 = encoded(truth.boxes_GK4[match_U[positive_P]], anchors_UK4[positive_P], ANCHOR_CODER)
    return AnchorSample(row_U[chosen_S], class_S, offsets_PK4)


@dataclass(frozen=True)
class RegionSample:
    """Regions of one clip to be trained: boxes_SK4, class_S (0 background), offsets_PK4 to their truth.

    The first P are the positive ones.
    """

    boxes_SK4: Tensor
    class_S: Tensor
    offsets_PK4: Tensor


def sampled_regions(
    proposals_NK4: Tensor, truth: Truth, config: RegionConfig, generator: torch.Generator | None = None
) -> RegionSample:
    """Regions among the proposals and the truth itself (Girshick, "Fast R-CNN", 2015, section 2.3)."""
    boxes_NK4 = torch.cat([proposals_NK4, truth.boxes_GK4])
    match_N = region_matches(mean_iou(boxes_NK4, truth.boxes_GK4), config)
    chosen_S = balanced(match_N, config.batch, config.foreground, generator)
    boxes_SK4, match_S = boxes_NK4[chosen_S], match_N[chosen_S]
    match_P = match_S[match_S >= 0]
    class_S = torch.zeros_like(match_S)
    class_S[: len(match_P)] = truth.label_G[match_P] + 1
    offsets_PK4 = encoded(truth.boxes_GK4[match_P], boxes_SK4[: len(match_P)], REGION_CODER)
    return RegionSample(boxes_SK4, class_S, offsets_PK4)
