"""Regions of one image: truth, samples for training, and what a head says of them.

Boxes are in pixels of the network's frame size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou


@dataclass(frozen=True)
class Target:
    """Truth of one key-frame: boxes_G4 in network pixels and 1-based labels_G, or label vectors_GC."""

    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True)
class StageBoxes:
    """What one head says of one image: boxes_NK4 (K = 1 or the number of classes) and scores_NC."""

    stage: int
    stream: str
    boxes_NK4: Tensor
    scores_NC: Tensor

    def rows(self, floor: float, limit: int) -> tuple[Tensor, Tensor, Tensor]:
        """The best (box, label) rows above ``floor``: boxes_M4, 0-based labels_M, falling scores_M."""
        scores = self.scores_NC.flatten()
        top = scores.topk(min(limit, len(scores)))
        kept = top.indices[top.values > floor]
        box, label = kept // self.scores_NC.shape[1], kept % self.scores_NC.shape[1]
        which = label if self.boxes_NK4.shape[1] > 1 else torch.zeros_like(label)
        return self.boxes_NK4[box, which], label, scores[kept]

    def best_boxes(self) -> Tensor:
        """One box a proposal, that of its highest-scoring class. [N, 4]"""
        if self.boxes_NK4.shape[1] == 1:
            return self.boxes_NK4[:, 0]
        return self.boxes_NK4[torch.arange(len(self.boxes_NK4)), self.scores_NC.argmax(1)]


@dataclass(frozen=True)
class Sample:
    """Regions of one image chosen for a head: boxes_S4, matched truth_S4, and labels_S (0 background), or
    label vectors_SC (none set: background).
    """

    boxes: Tensor
    labels: Tensor
    matched: Tensor


def sample(proposals: Tensor, target: Target, count: int, foreground: float) -> Sample:
    """At most ``count`` regions, ``foreground`` of them positive: IoU > 0.5 with a truth box (section 3.3).

    The truth boxes themselves are added to the proposals. Draws from torch's global generator.
    """
    if not len(target.boxes):
        chosen = proposals[torch.randperm(len(proposals), device=proposals.device)[:count]]
        return Sample(chosen, target.labels.new_zeros((len(chosen), *target.labels.shape[1:])), chosen)
    proposals = torch.cat([proposals, target.boxes])
    overlap, match = box_iou(target.boxes, proposals).max(0)
    order = torch.randperm(len(overlap), device=overlap.device)
    right = overlap[order] > 0.5
    positive = order[right][: int(count * foreground)]
    negative = order[~right][: count - len(positive)]
    chosen = torch.cat([positive, negative])
    labels = target.labels[match[chosen]].clone()
    labels[len(positive) :] = 0
    return Sample(proposals[chosen], labels, target.boxes[match[chosen]])
